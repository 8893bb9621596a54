/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's NBD client makes block devices of the connections to servers of images. It is set up
 * by generic netlink (Linux's drivers/block/nbd.c), and disconnects when the last user closes the
 * device, as a loop device is freed by autoclear: nothing has to remember it.
 */
#include "lib/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/major.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/netlink.h"
#include "lib/program.h"
#include "lib/sysfs.h"

/* What guests expect of a disk. */
#define SECTOR 512

/* Begins the name by which the kernel shows what a device serves. */
#define MARK "keel"

struct message {
	struct nlmsghdr h;
	struct genlmsghdr g;
	char room[512];
} __attribute__((aligned(NLMSG_ALIGNTO)));

static void begin(struct message *m, unsigned int type, unsigned int command)
{
	memset(m, 0, sizeof(*m));
	m->h.nlmsg_len = NLMSG_LENGTH(sizeof(m->g));
	m->h.nlmsg_type = type;
	m->h.nlmsg_flags = NLM_F_REQUEST;
	m->g.cmd = command;
	m->g.version = 1;
}

/* Sends it; the value of @size bytes of attribute @type in the answer goes to @value. */
static int ask(struct message *m, unsigned short type, void *value, size_t size)
{
	char answer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n = netlink_talk(NETLINK_GENERIC, m, m->h.nlmsg_len, answer, sizeof(answer));
	struct rtattr *a = (void *)(answer + NLMSG_LENGTH(sizeof(struct genlmsghdr)));

	if (n < 0)
		return n;
	n -= NLMSG_LENGTH(sizeof(struct genlmsghdr));
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n))
		if (a->rta_type == type && RTA_PAYLOAD(a) >= size) {
			memcpy(value, RTA_DATA(a), size);
			return 0;
		}
	return -EBADMSG;
}

static int find_family(uint16_t *id)
{
	struct message m;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	netlink_put(&m, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof(NBD_GENL_FAMILY_NAME));
	return ask(&m, CTRL_ATTR_FAMILY_ID, id, sizeof(*id));
}

/*
 * Without partitions: Dom0 would read the tables that a guest writes. Devices are made as they are
 * needed.
 */
static int load(struct keel *k, uint16_t *id)
{
	char parts[16], modprobe[128];
	const char *const argv[] = { modprobe, "nbd", "nbds_max=0", "max_part=0", NULL };
	int rc;

	if (find_family(id)) {
		if (sysfs_read(modprobe, sizeof(modprobe), "/proc/sys/kernel/modprobe"))
			strcpy(modprobe, "/sbin/modprobe");
		rc = program_run(k, argv, "kmod", "");
		if (rc)
			return rc;
		rc = find_family(id);
		if (rc)
			return keel_fail(&k->err, -rc, "the kernel's module nbd does not answer: %s", strerror(-rc));
	}
	if (!sysfs_read(parts, sizeof(parts), "/sys/module/nbd/parameters/max_part") && strcmp(parts, "0"))
		keel_warn(k, "the module nbd was loaded with max_part=%s, so that Dom0 reads the partition tables that "
			  "guests write to images; load it with max_part=0", parts);
	return 0;
}

/* The name of the image that is this file or device. */
static void name_of(const struct stat *st, char *out, size_t size)
{
	bool block = S_ISBLK(st->st_mode);
	unsigned long long part = block ? minor(st->st_rdev) : st->st_ino;

	snprintf(out, size, MARK " %s %llx:%llx", block ? "device" : "file",
		 block ? (unsigned long long)major(st->st_rdev) : (unsigned long long)st->st_dev, part);
}

/* The kernel has a reference to the connection then; @index is the device's. */
static int connect_server(uint16_t family, const struct image_server *s, const char *name,
			  uint32_t *index)
{
	uint64_t size = s->size / SECTOR * SECTOR, sector = SECTOR, flags = s->flags;
	uint64_t client = NBD_CFLAG_DISCONNECT_ON_CLOSE;
	struct rtattr *list, *item;
	uint32_t fd = s->fd;
	struct message m;

	begin(&m, family, NBD_CMD_CONNECT);
	netlink_put(&m, NBD_ATTR_SIZE_BYTES, &size, sizeof(size));
	netlink_put(&m, NBD_ATTR_BLOCK_SIZE_BYTES, &sector, sizeof(sector));
	netlink_put(&m, NBD_ATTR_SERVER_FLAGS, &flags, sizeof(flags));
	netlink_put(&m, NBD_ATTR_CLIENT_FLAGS, &client, sizeof(client));
	netlink_put(&m, NBD_ATTR_BACKEND_IDENTIFIER, name, strlen(name) + 1);
	list = netlink_put(&m, NBD_ATTR_SOCKETS, NULL, 0);
	item = netlink_put(&m, NBD_SOCK_ITEM, NULL, 0);
	netlink_put(&m, NBD_SOCK_FD, &fd, sizeof(fd));
	netlink_end(&m, item);
	netlink_end(&m, list);
	return ask(&m, NBD_ATTR_INDEX, index, sizeof(*index));
}

/*
 * -EAGAIN: somebody else, who looks at each new device, was its first and last user, and it is
 * disconnected.
 */
static int open_device(struct keel *k, uint32_t index, const struct stat *image, bool readonly,
		       unsigned int *minor)
{
	char path[32];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/dev/nbd%u", index);
	fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		keel_fail_errno(&k->err, "cannot open %s", path);
		if (fd >= 0)
			close(fd);
		return -k->err.code;
	}
	*minor = minor(st.st_rdev);
	if (nbd_holds(*minor, image))
		return fd;
	close(fd);
	return keel_fail(&k->err, EAGAIN, "%s is not served any more", path);
}

static int serve(struct keel *k, uint16_t family, const struct guest_disk *d, const struct stat *st,
		 unsigned int *minor)
{
	struct image_server s;
	uint32_t index;
	char name[64];
	int rc = image_serve(k, d, &s);

	if (rc)
		return rc;
	name_of(st, name, sizeof(name));
	rc = connect_server(family, &s, name, &index);
	close(s.fd);
	if (rc)
		return keel_fail(&k->err, -rc, "the kernel takes no NBD device for %s: %s", d->path,
				 strerror(-rc));
	return open_device(k, index, st, d->readonly, minor);
}

/* The server of a disk that was removed just now may still be writing its last bytes. */
static int wait_unlocked(struct keel *k, const struct guest_disk *d)
{
	uint64_t end = keel_now_ms() + 5000;
	int fd = open(d->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool locked;

	if (fd < 0)
		return keel_fail_errno(&k->err, "cannot open disk image %s", d->path);
	while ((locked = image_is_locked(fd, d->readonly)) && keel_now_ms() < end && !keel_interrupted(k))
		usleep(20000);
	close(fd);
	return locked ? image_in_use(k, d) : 0;
}

int nbd_attach(struct keel *k, const struct guest_disk *d, const struct stat *st,
	       unsigned int *minor)
{
	uint16_t family;
	int rc = load(k, &family);

	if (rc)
		return rc;
	nbd_sweep(k);
	rc = wait_unlocked(k, d);
	if (!rc)
		rc = image_check_chain(k, d);
	for (int tries = 0; !rc && tries < 5; tries++) {
		rc = serve(k, family, d, st, minor);
		if (rc != -EAGAIN)
			return rc;
		rc = wait_unlocked(k, d);
	}
	return rc ? rc : -k->err.code;
}

bool nbd_holds(unsigned int minor, const struct stat *st)
{
	char backend[64], name[64];

	name_of(st, name, sizeof(name));
	return !sysfs_read(backend, sizeof(backend), "/sys/dev/block/%u:%u/backend", NBD_MAJOR, minor) &&
	       !strcmp(backend, name);
}

void nbd_sweep(struct keel *k)
{
	char **names, backend[64], path[64];
	int n = sysfs_list(&names, "/sys/block");

	for (int i = 0; i < n; i++) {
		if (names[i] && !strncmp(names[i], "nbd", 3) &&
		    !sysfs_read(backend, sizeof(backend), "/sys/block/%s/backend", names[i]) &&
		    !strncmp(backend, MARK " ", strlen(MARK) + 1)) {
			/* One with a user keeps it; else this is the last one. */
			snprintf(path, sizeof(path), "/dev/%.40s", names[i]);
			close(open(path, O_RDONLY | O_CLOEXEC));
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}
