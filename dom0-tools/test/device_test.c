/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks and interfaces that are added and removed while a guest runs, with a simulated machine:
 * xenstore, the back-end drivers in sysfs, a guest that closes a device or does not, and a clock
 * that advances whenever somebody waits. `history` gets a line for what each script is told.
 */
#include "test/check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/hotplug.h"
#include "lib/image.h"
#include "lib/store.h"

#define NODES 256
#define BACK "/local/domain/0/backend"
#define IMAGE "/tmp/device-test-image"

static struct node {
	char path[96], value[2100];
} nodes[NODES];
static char history[1024];
static struct keel k;
static uint64_t now;
static int held(void);
static unsigned int waits_with_lock;	/* for a driver, a guest or a script */
static bool no_qemu, no_driver, driver_hangs, script_fails, interrupted, guest_ends;
static enum { CLOSES, KEEPS, TAKEN } guest = CLOSES;
static struct keel_domain web = { .id = 3, .name = "web" };

static struct node *find(const char *path)
{
	for (int i = 0; i < NODES; i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

static const char *value(const char *path)
{
	struct node *n = find(path);

	return n ? n->value : "none";
}

static void set(const char *path, const char *text)
{
	struct node *n = find(path);

	if (!n)
		n = find("");
	assert_non_null(n);
	snprintf(n->path, sizeof(n->path), "%s", path);
	snprintf(n->value, sizeof(n->value), "%s", text);
}

/* The number of nodes whose paths start with @path. */
static int below(const char *path)
{
	int n = 0;

	for (int i = 0; i < NODES; i++)
		n += nodes[i].path[0] && !strncmp(nodes[i].path, path, strlen(path));
	return n;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	return 7;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	assert_false(abort);
	return true;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	struct node *n = find(path);

	errno = ENOENT;
	return n ? strdup(n->value) : NULL;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	char text[2100];

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)data);
	set(path, text);
	return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	size_t n = strlen(path);

	for (int i = 0; i < NODES; i++)
		if (!strncmp(nodes[i].path, path, n) && (!nodes[i].path[n] || nodes[i].path[n] == '/'))
			memset(&nodes[i], 0, sizeof(nodes[i]));
	return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return true;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *p, unsigned int n)
{
	return true;
}

/* The names below a node, in one block, as libxenstore returns them. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *n)
{
	char **names = calloc(1, 16 * sizeof(*names) + 16 * 24), *text = (char *)(names + 16);
	size_t len = strlen(path);

	*n = 0;
	for (int i = 0; i < NODES; i++) {
		bool known = false;

		if (strncmp(nodes[i].path, path, len) || nodes[i].path[len] != '/')
			continue;
		snprintf(text, 24, "%.*s", (int)strcspn(nodes[i].path + len + 1, "/"), nodes[i].path + len + 1);
		for (unsigned int m = 0; m < *n; m++)
			known |= !strcmp(names[m], text);
		if (known)
			continue;
		assert_true(*n < 16);
		names[(*n)++] = text;
		text += 24;
	}
	return names;
}

/* sysfs: a driver binds a device that has nodes, and releases one that has none. */
int access(const char *path, int mode)
{
	char type[8], node[96];
	unsigned int domid, index;

	if (sscanf(path, "/sys/bus/xen-backend/devices/%3s-%u-%u", type, &domid, &index) != 3) {
		errno = ENOENT;
		return no_qemu && strstr(path, "qemu") ? -1 : 0;	/* or a script */
	}
	snprintf(node, sizeof(node), BACK "/%s/%u/%u/frontend", type, domid, index);
	errno = ENOENT;
	return (find(node) && !no_driver) || driver_hangs ? 0 : -1;
}

/* Time passes: the guest does what it was asked to. */
int usleep(useconds_t us)
{
	waits_with_lock += held();
	now += us / 1000 + 1;
	for (int i = 0; i < NODES && guest != KEEPS; i++) {
		char *end = strstr(nodes[i].path, "/state");

		if (!strncmp(nodes[i].path, BACK, strlen(BACK)) && end && !strcmp(nodes[i].value, "5")) {
			strcpy(nodes[i].value, "6");
			if (guest == TAKEN) {	/* somebody else removes it, and adds another one */
				strcpy(end, "/online");
				set(nodes[i].path, "1");
				strcpy(end, "/state");
			}
		}
	}
	return 0;
}

uint64_t keel_now_ms(void)
{
	return now;
}

bool keel_interrupted(struct keel *q)
{
	if (interrupted)
		keel_fail(&q->err, EINTR, "interrupted");
	return interrupted;
}

void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
}

/* The lock is a separate file, held while its descriptor is open. */
static int lock_fd = -1;
static ino_t lock_file;

static int held(void)
{
	struct stat st;

	return lock_fd >= 0 && !fstat(lock_fd, &st) && st.st_ino == lock_file;
}

int keel_lock(struct keel *q)
{
	struct stat st;

	assert_false(held());
	lock_fd = memfd_create("lock", MFD_CLOEXEC);
	assert_int_equal(fstat(lock_fd, &st), 0);
	lock_file = st.st_ino;
	return lock_fd;
}

int script_run(struct keel *q, const char *script, const char *what, unsigned int domid,
	       unsigned int index, const char *interface, const char *gatewaydev)
{
	size_t n = strlen(history);
	char path[96];

	waits_with_lock += held();
	snprintf(history + n, sizeof(history) - n, "%s %s\n", what, interface);
	snprintf(path, sizeof(path), BACK "/vif/%u/%u/script", domid, index);
	assert_non_null(find(path));	/* the script reads them */
	return script_fails && !strcmp(what, "online") ? keel_fail(&q->err, EIO, "the script failed") : 0;
}

/* The file that loop device 4 and NBD device 5 serve. */
static struct stat on_loop, on_nbd;

int loop_attach(struct keel *q, const struct guest_disk *d, const struct stat *st,
		unsigned int *minor)
{
	assert_true(held());
	*minor = 4;
	on_loop = *st;
	return open("/dev/null", O_RDONLY);
}

bool loop_holds(unsigned int minor, const struct stat *st)
{
	return minor == 4 && st->st_ino == on_loop.st_ino;
}

/* The driver tells the guest. */
static unsigned int resizes;

int loop_resize(struct keel *q, unsigned int minor)
{
	struct stat st;
	char text[24];

	resizes++;
	assert_int_equal(minor, 4);
	assert_int_equal(stat(IMAGE, &st), 0);
	snprintf(text, sizeof(text), "%lld", (long long)st.st_size / 512);
	if (!driver_hangs)
		set(BACK "/vbd/3/51728/sectors", text);
	return 0;
}

int nbd_attach(struct keel *q, const struct guest_disk *d, const struct stat *st,
	       unsigned int *minor)
{
	assert_true(held());
	*minor = 5;
	on_nbd = *st;
	return open("/dev/null", O_RDONLY);
}

bool nbd_holds(unsigned int minor, const struct stat *st)
{
	return minor == 5 && st->st_ino == on_nbd.st_ino;
}

int keel_domain_by_id(struct keel *q, unsigned int id, struct keel_domain *d)
{
	*d = web;
	return guest_ends ? keel_fail(&q->err, ESRCH, "there is no domain with id %u", id) : 0;
}

const char *keel_domain_state_name(const struct keel_domain *d)
{
	return "paused";
}

void keel_domain_forget(struct keel *q, unsigned int domid)
{
	device_remove_all(q, domid);
	xs_rm(NULL, XBT_NULL, "/local/domain/3");
	xs_rm(NULL, XBT_NULL, "/libxl/3");
	xs_rm(NULL, XBT_NULL, "/tool/keel/3");
}

/* A guest with a disk xvda and no interface, both in what is stored. */
static int reset(void **state)
{
	int fd = open(IMAGE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	memset(nodes, 0, sizeof(nodes));
	set("/tool/keel/3/config/0", "{\"name\":\"web\",\"kernel\":\"/k\",\"memory\":64}");
	set("/local/domain/3/name", "web");
	history[0] = 0;
	now = 0;
	memset(&on_loop, 0, sizeof(on_loop));
	memset(&on_nbd, 0, sizeof(on_nbd));
	waits_with_lock = resizes = 0;
	no_qemu = no_driver = driver_hangs = script_fails = interrupted = guest_ends = false;
	guest = CLOSES;
	k = (struct keel){ 0 };
	return 0;
}

static void config_is(unsigned int disks, unsigned int vifs, struct guest_config *g)
{
	struct guest_config room;

	assert_true(skeleton_config(&k, 3, g ? g : &room));
	assert_int_equal((g ? g : &room)->disks, disks);
	assert_int_equal((g ? g : &room)->vifs, vifs);
	if (!g)
		guest_free(&room);
}

static int give_disk(const char *spec)
{
	struct guest_disk d;
	int rc;

	assert_int_equal(guest_parse_disk(&d, spec, NULL, NULL, &k.err), 0);
	rc = hotplug_disk(&k, &web, &d);
	free(d.path);
	assert_false(held());
	return rc;
}

static struct guest_vif vif;

static int give_vif(const char *spec)
{
	int rc;

	assert_int_equal(guest_parse_vif(&vif, spec, NULL, NULL, &k.err), 0);
	rc = hotplug_vif(&k, &web, &vif);
	assert_false(held());
	return rc;
}

/* Nothing of a device is left, at either end or in the toolstack's nodes. */
static void nothing_left(void)
{
	assert_int_equal(below(BACK "/"), 0);
	assert_int_equal(below("/local/domain/3/device"), 0);
	assert_int_equal(below("/libxl/3/device"), 0);
	assert_int_equal(below("/local/domain/0/error"), 0);
}

static void disk_comes(void **state)
{
	struct guest_config g;

	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), 0);
	assert_string_equal(value(BACK "/vbd/3/51728/physical-device"), "7:4");
	assert_string_equal(value(BACK "/vbd/3/51728/mode"), "r");
	assert_string_equal(value("/local/domain/3/device/vbd/51728/backend"), BACK "/vbd/3/51728");
	config_is(1, 0, &g);
	assert_string_equal(g.disk[0].path, IMAGE);
	assert_string_equal(g.disk[0].vdev, "xvdb");
	assert_true(g.disk[0].readonly);
	guest_free(&g);
	/* A second one is refused, and the first one stays. */
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), -EEXIST);
	assert_contains(k.err.text, "has a disk xvdb already");
	assert_int_equal(give_disk(IMAGE ",raw,xvdc,w"), -EBUSY);
	assert_contains(k.err.text, "is in use by guest web (domain 3, device 51728)");
	assert_string_equal(value(BACK "/vbd/3/51728/online"), "1");
	config_is(1, 0, NULL);
	assert_int_equal(give_disk(IMAGE ",raw,xvdc,r"), 0);
	config_is(2, 0, NULL);
	assert_int_equal(waits_with_lock, 0);
}

static const char other_link[] = "/tmp/device-test-link";

/* Images of other formats have another device, and conflict with each other and with raw ones. */
static void formats(void **state)
{
	struct guest_config g;

	assert_int_equal(give_disk(IMAGE ",qcow2,xvdb,w"), 0);
	assert_string_equal(value(BACK "/vbd/3/51728/physical-device"), "2b:5");
	assert_string_equal(value(BACK "/vbd/3/51728/format"), "qcow2");
	assert_string_equal(value(BACK "/vbd/3/51728/params"), IMAGE);
	config_is(1, 0, &g);
	assert_string_equal(g.disk[0].format, "qcow2");
	guest_free(&g);
	assert_int_equal(give_disk(IMAGE ",vhd,xvdc,r"), -EBUSY);
	assert_contains(k.err.text, "is in use by guest web (domain 3, device 51728)");
	/* By whatever name. */
	unlink(other_link);
	assert_int_equal(symlink(IMAGE, other_link), 0);
	assert_int_equal(give_disk("/tmp/device-test-link,raw,xvdc,w"), -EBUSY);
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, true), 0);
	memset(&on_nbd, 0, sizeof(on_nbd));
	assert_int_equal(give_disk("/tmp/device-test-link,raw,xvdc,w"), 0);
	assert_string_equal(value(BACK "/vbd/3/51744/physical-device"), "7:4");
	assert_string_equal(value(BACK "/vbd/3/51744/format"), "none");
	assert_int_equal(give_disk(IMAGE ",vhd,xvdd,w"), -EBUSY);
	unlink(other_link);
	/* The program is missing. */
	no_qemu = true;
	memset(&on_loop, 0, sizeof(on_loop));
	assert_int_equal(give_disk(IMAGE ",raw,xvdd,w,iops=100"), -ENOENT);
	assert_int_equal(give_disk(IMAGE ",qcow2,xvdd,w"), -ENOENT);
	assert_contains(k.err.text, "cannot run /usr/bin/qemu-nbd (the package qemu-utils has it)");
}

/* A QEMU that serves a guest of xl has no device; it says which file, and its format. */
static void served_by_qemu(void **state)
{
	set(BACK "/qdisk/7/51712/params", "qcow2:" IMAGE);
	set(BACK "/qdisk/7/51712/mode", "w");
	set("/local/domain/7/name", "old");
	assert_int_equal(give_disk(IMAGE ",qcow2,xvdb,r"), -EBUSY);
	assert_contains(k.err.text, "is in use by guest old (domain 7, device 51712)");
	set(BACK "/qdisk/7/51712/mode", "r");
	assert_int_equal(give_disk(IMAGE ",qcow2,xvdb,w"), -EBUSY);
	assert_int_equal(give_disk(IMAGE ",qcow2,xvdb,r"), 0);
	set(BACK "/qdisk/7/51712/mode", "w");
	set(BACK "/qdisk/7/51712/params", "aio:/dev/null");
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, true), 0);
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), 0);
}

/* A dry run refuses what would fail, and leaves all as it is. */
static void dry_run(void **state)
{
	k.dry_run = true;
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), 0);
	assert_int_equal(give_disk("/nowhere,raw,xvdb,r"), -ENOENT);
	assert_int_equal(give_vif("script=/x"), 0);
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, false), -ENODEV);
	nothing_left();
	config_is(0, 0, NULL);
	k.dry_run = false;
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), 0);
	k.dry_run = true;
	assert_int_equal(give_disk(IMAGE ",raw,xvdc,w"), -EBUSY);
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, false), 0);
	assert_string_equal(value(BACK "/vbd/3/51728/online"), "1");
	config_is(1, 0, NULL);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static int resize(uint64_t size, uint64_t becomes)
{
	int rc = hotplug_resize(&k, &web, 51728, &size);

	if (!rc)
		assert_int_equal(size, becomes);
	return rc;
}

static void disk_grows(void **state)
{
	assert_int_equal(resize(8192, 0), -ENODEV);
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), 0);
	set(BACK "/vbd/3/51728/sectors", "8");
	assert_int_equal(resize(8192, 8192), 0);
	assert_int_equal(size_of(IMAGE), 8192);
	assert_int_equal(resizes, 1);
	assert_string_equal(value(BACK "/vbd/3/51728/sectors"), "16");
	/* Enlarged elsewhere. */
	assert_int_equal(truncate(IMAGE, 16384), 0);
	assert_int_equal(resize(0, 16384), 0);
	assert_string_equal(value(BACK "/vbd/3/51728/sectors"), "32");
	assert_int_equal(resize(8192, 0), -EINVAL);
	assert_contains(k.err.text, "has 16384 bytes, and cannot become smaller");
	assert_int_equal(size_of(IMAGE), 16384);
	k.dry_run = true;
	assert_int_equal(resize(32768, 32768), 0);
	assert_int_equal(resize(8192, 0), -EINVAL);
	assert_int_equal(size_of(IMAGE), 16384);
	assert_int_equal(resizes, 2);
	k.dry_run = false;
	/* The driver does not see it, or there is no time to wait for it. */
	driver_hangs = true;
	assert_int_equal(resize(32768, 0), -ETIMEDOUT);
	assert_contains(k.err.text, "has 32768 bytes, but its driver in Dom0 does not tell the guest");
	interrupted = true;
	assert_int_equal(resize(65536, 0), -EINTR);
	assert_int_equal(waits_with_lock, 0);
}

/* A raw disk with limits has a program that keeps to them, and the size that this has found. */
static void limited(void **state)
{
	struct guest_config g;

	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w,bps=1m,iops=100"), 0);
	assert_string_equal(value(BACK "/vbd/3/51728/physical-device"), "2b:5");
	assert_string_equal(value(BACK "/vbd/3/51728/format"), "none");
	config_is(1, 0, &g);
	assert_int_equal(g.disk[0].bps, 1 << 20);
	assert_int_equal(g.disk[0].iops, 100);
	guest_free(&g);
	assert_int_equal(resize(8192, 0), -EOPNOTSUPP);
	assert_contains(k.err.text, "served as a disk with limits");
}

static void disk_does_not_grow(void **state)
{
	char fifo[64];

	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), 0);
	assert_int_equal(resize(8192, 0), -EROFS);
	assert_int_equal(resize(0, 4096), 0);		/* the guest reads its size when it connects */
	/* Another file has its name. */
	on_loop.st_ino++;
	assert_int_equal(resize(0, 0), -ENOENT);
	assert_contains(k.err.text, "another file than the one that the guest has");
	on_loop.st_ino--;
	unlink(IMAGE);
	assert_int_equal(resize(0, 0), -ENOENT);
	assert_contains(k.err.text, "cannot open disk");
	snprintf(fifo, sizeof(fifo), "/tmp/device-test-fifo-%d", getpid());
	assert_int_equal(mkfifo(fifo, 0600), 0);
	set(BACK "/vbd/3/51728/params", fifo);
	alarm(5);
	assert_int_equal(resize(0, 0), -ESPIPE);
	alarm(0);
	unlink(fifo);
	set(BACK "/vbd/3/51728/format", "qcow2");
	assert_int_equal(resize(0, 0), -EOPNOTSUPP);
	assert_contains(k.err.text, "use qemu-img resize");
	web.shutdown = true;
	assert_int_equal(resize(0, 0), -EINVAL);
	web.shutdown = false;
	assert_int_equal(resizes, 1);
}

static void disk_goes(void **state)
{
	struct guest_config g;

	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), 0);
	assert_int_equal(give_disk(IMAGE ",raw,xvdc,r"), 0);
	set(BACK "/vbd/3/51728/state", "4");
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, false), 0);
	config_is(1, 0, &g);
	assert_string_equal(g.disk[0].vdev, "xvdc");
	guest_free(&g);
	assert_int_equal(below(BACK "/vbd/3/51728"), 0);
	assert_int_equal(below("/local/domain/3/device/vbd/51728"), 0);
	assert_string_equal(value(BACK "/vbd/3/51744/online"), "1");
	/* A device to which the guest has not connected is removed without it. */
	guest = KEEPS;
	set(BACK "/vbd/3/51744/state", "2");
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51744, false), 0);
	nothing_left();
	config_is(0, 0, NULL);
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51744, false), -ENODEV);
	assert_int_equal(hotplug_remove(&k, &web, "vif", 0, true), -ENODEV);
	assert_int_equal(waits_with_lock, 0);
}

/* A guest that does not close a device keeps it, unless it is removed by force. */
static void guest_keeps(void **state)
{
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), 0);
	set(BACK "/vbd/3/51728/state", "4");
	guest = KEEPS;
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, false), -ETIMEDOUT);
	assert_contains(k.err.text, "does not close vbd device 51728 within 20 s");
	assert_string_equal(value(BACK "/vbd/3/51728/state"), "5");
	config_is(1, 0, NULL);
	interrupted = true;
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, false), -EINTR);
	config_is(1, 0, NULL);
	interrupted = false;
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, true), 0);
	nothing_left();
	config_is(0, 0, NULL);
	assert_int_equal(waits_with_lock, 0);
}

/* The guest has lost it. The operator is warned that the driver may still write to it. */
static void driver_keeps(void **state)
{
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), 0);
	set(BACK "/vbd/3/51728/state", "4");
	driver_hangs = true;
	assert_int_equal(hotplug_remove(&k, &web, "vbd", 51728, false), -EBUSY);
	assert_contains(k.err.text, "while /sys/bus/xen-backend/devices/vbd-3-51728 is there");
	assert_false(held());
	nothing_left();
	config_is(0, 0, NULL);
}

static void not_attached(void **state)
{
	no_driver = true;
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), -ETIMEDOUT);
	assert_contains(k.err.text, "is the module xen-blkback loaded?");
	nothing_left();
	config_is(0, 0, NULL);
	assert_int_equal(give_vif("bridge=xenbr0,script=/x"), -ETIMEDOUT);
	nothing_left();
	config_is(0, 0, NULL);
	no_driver = false;
	script_fails = true;
	assert_int_equal(give_vif("bridge=xenbr0,script=/x"), -EIO);
	assert_string_equal(k.err.text, "the script failed");
	assert_string_equal(history, "offline vif3.0\nonline vif3.0\noffline vif3.0\n");
	nothing_left();
	config_is(0, 0, NULL);
	assert_int_equal(waits_with_lock, 0);
}

static void interfaces(void **state)
{
	struct guest_config g;
	unsigned char mac[6];

	assert_int_equal(give_vif("script=/x,mac=00:16:3e:00:00:01,devid=1"), 0);
	assert_int_equal(give_vif("script=/x,rate=1MB/s"), 0);
	assert_int_equal(vif.devid, 0);
	assert_int_equal(give_vif("script=/x"), 0);
	assert_int_equal(vif.devid, 2);
	memcpy(mac, vif.mac, sizeof(mac));
	assert_int_equal(give_vif("script=/x,devid=2"), -EEXIST);
	assert_contains(k.err.text, "has an interface 2 already");
	assert_string_equal(history, "online vif3.1\nonline vif3.0\nonline vif3.2\n");
	config_is(0, 3, &g);
	assert_int_equal(g.vif[0].devid, 1);
	assert_int_equal(g.vif[1].devid, 0);
	assert_int_equal(g.vif[2].devid, 2);
	/* After a restart it keeps its address. */
	assert_true(g.vif[2].has_mac);
	assert_memory_equal(g.vif[2].mac, mac, sizeof(mac));
	guest_free(&g);
	history[0] = 0;
	set(BACK "/vif/3/0/state", "4");
	assert_int_equal(hotplug_remove(&k, &web, "vif", 0, false), 0);
	assert_string_equal(history, "offline vif3.0\n");
	assert_int_equal(below(BACK "/vif/3/0"), 0);
	config_is(0, 2, &g);
	assert_int_equal(g.vif[0].devid, 1);
	assert_int_equal(g.vif[1].devid, 2);
	guest_free(&g);
	assert_int_equal(give_vif("script=/x"), 0);
	assert_int_equal(vif.devid, 0);
	assert_int_equal(waits_with_lock, 0);
}

/* A configuration's limit: one device too many is removed again. */
static void no_room(void **state)
{
	for (unsigned int i = 0; i < GUEST_MAX_VIFS; i++)
		assert_int_equal(give_vif("script=/x"), 0);
	assert_int_equal(give_vif("script=/x"), -ENOSPC);
	assert_contains(k.err.text, "web has 8 interfaces, and can have no more");
	assert_int_equal(below(BACK "/vif/3/8"), 0);
	config_is(0, GUEST_MAX_VIFS, NULL);
}

/*
 * The stored entry of a device that somebody else removed is replaced by the next device of its
 * number.
 */
static void stale(void **state)
{
	struct guest_config g;

	assert_int_equal(give_disk(IMAGE ",raw,xvdb,r"), 0);
	assert_int_equal(give_disk(IMAGE ",raw,xvdc,r"), 0);
	assert_int_equal(give_vif("script=/x,mac=00:16:3e:00:00:01"), 0);
	assert_int_equal(give_vif("script=/x"), 0);
	device_drop(&k, "vbd", 3, 51728);
	device_drop(&k, "vif", 3, 0);
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w!"), 0);
	assert_int_equal(give_vif("script=/x,mac=00:16:3e:00:00:02"), 0);
	config_is(2, 2, &g);
	assert_string_equal(g.disk[1].vdev, "xvdb");
	assert_false(g.disk[1].readonly);
	assert_int_equal(g.vif[1].devid, 0);
	assert_int_equal(g.vif[1].mac[5], 2);
	guest_free(&g);
}

static void others(void **state)
{
	struct keel_domain ended = web;

	ended.shutdown = true;
	assert_int_equal(hotplug_remove(&k, &ended, "vbd", 1, false), -EINVAL);
	assert_contains(k.err.text, "web does not run");
	guest_ends = true;	/* while the disk is being added */
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), -ESRCH);
	assert_contains(k.err.text, "web has ended meanwhile");
	nothing_left();
	assert_int_equal(below("/tool/keel/3"), 0);
	guest_ends = false;
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), -EPERM);	/* no configuration is stored any more */
	assert_contains(k.err.text, "web was not made by keel");
	nothing_left();
}

/*
 * While one process waits, another detaches the device and attaches a new one: the new one stays.
 */
static void somebody_faster(void **state)
{
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), 0);
	set(BACK "/vbd/3/51728/state", "4");
	guest = TAKEN;
	device_detach(&k, "vbd", 3, 51728, false);
	assert_true(below(BACK "/vbd/3/51728") > 0);
}

/* All at once, as when a guest ends, each with its own script. */
static void all_go(void **state)
{
	assert_int_equal(give_disk(IMAGE ",raw,xvdb,w"), 0);
	assert_int_equal(give_vif("script=/x"), 0);
	history[0] = 0;
	guest = KEEPS;
	device_remove_all(&k, 3);
	assert_string_equal(history, "offline vif3.0\n");
	assert_int_equal(below(BACK "/"), 0);
	assert_string_equal(device_state(&k, "vbd", 3, "51728"), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(disk_comes, reset), cmocka_unit_test_setup(disk_goes, reset),
		cmocka_unit_test_setup(disk_grows, reset), cmocka_unit_test_setup(disk_does_not_grow, reset),
		cmocka_unit_test_setup(guest_keeps, reset), cmocka_unit_test_setup(not_attached, reset),
		cmocka_unit_test_setup(interfaces, reset), cmocka_unit_test_setup(no_room, reset),
		cmocka_unit_test_setup(others, reset), cmocka_unit_test_setup(somebody_faster, reset),
		cmocka_unit_test_setup(all_go, reset), cmocka_unit_test_setup(stale, reset),
		cmocka_unit_test_setup(driver_keeps, reset), cmocka_unit_test_setup(dry_run, reset),
		cmocka_unit_test_setup(formats, reset), cmocka_unit_test_setup(limited, reset),
		cmocka_unit_test_setup(served_by_qemu, reset),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	unlink(IMAGE);
	return rc;
}
