/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images in QEMU's formats: its locks, and servers of images, by Debian's own programs. The
 * kernel's side is simulated, since a test has no devices: netlink's messages, sysfs and /dev.
 */
#include "test/check.h"
#include "test/shell.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/image.h"
#include "lib/lock.h"
#include "lib/netlink.h"
#include "lib/sysfs.h"

#define DIR "/tmp/image-test"
#define IMAGE DIR "/a.qcow2"
#define RAW DIR "/raw"
#define READ_64K " | grep -q 'read 65536/65536'"
#define MIB 1048576
#define MODPROBE "/bin/sh"		/* it is there */
#define WRITES_TO "qemu-io -f raw -c 'write 0 512' >/dev/null 2>&1 "

static struct keel k;
static bool interrupted, dies, locked_for_ever;
static uint64_t skipped;
static char warned[256];
static struct guest_disk disk;

uint64_t keel_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000 + skipped;
}

bool keel_interrupted(struct keel *q)
{
	if (dies)
		raise(SIGKILL);
	skipped += locked_for_ever ? 1000 : 0;
	if (interrupted)
		keel_fail(&q->err, EINTR, "interrupted");
	return interrupted;
}

void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(warned, sizeof(warned), fmt, ap);
	va_end(ap);
}

/* The kernel. What a request connects is in `connected`; each device is a file in DIR. */
#define DEVICES 8
static struct {
	bool module, refuses, other_user;
	unsigned int tries;
	char max_part[8];
	char backend[DEVICES][64];
	int fd[DEVICES];
	uint64_t size, sector, flags, client;
	char opened[256];
} kernel;

static void device_opened(unsigned int n)
{
	size_t used = strlen(kernel.opened);

	snprintf(kernel.opened + used, sizeof(kernel.opened) - used, "%u ", n);
	if (kernel.other_user && kernel.backend[n][0]) {	/* looks at each new device */
		kernel.other_user = false;
		kernel.backend[n][0] = 0;
		close(kernel.fd[n]);
	}
}

int open(const char *path, int flags, ...)
{
	char other[64];
	unsigned int n;
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (sscanf(path, "/dev/nbd%u", &n) == 1) {
		device_opened(n);
		snprintf(other, sizeof(other), DIR "/nbd%u", n);
		return syscall(SYS_openat, AT_FDCWD, other, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int sysfs_read(char *out, size_t size, const char *fmt, ...)
{
	char path[128];
	unsigned int n = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	*out = 0;
	if (!strcmp(path, "/proc/sys/kernel/modprobe"))
		return snprintf(out, size, MODPROBE) ? 0 : -ENOENT;
	if (strstr(path, "max_part"))
		return snprintf(out, size, "%s", kernel.max_part) ? 0 : -ENOENT;
	/* The test's devices are files, whose number is 0: that of device 0. */
	if (sscanf(path, "/sys/block/nbd%u/backend", &n) != 1 &&
	    sscanf(path, "/sys/dev/block/43:%u/backend", &n) != 1)
		fail_msg("nobody reads %s", path);
	if (!kernel.backend[n][0])
		return -ENOENT;
	snprintf(out, size, "%s", kernel.backend[n]);
	return 0;
}

int sysfs_list(char ***names, const char *fmt, ...)
{
	static const char *const there[] = { "loop0", "nbd0", "nbd1", "nbd2", "vda" };

	*names = calloc(5, sizeof(**names));
	for (int i = 0; i < 5; i++)
		(*names)[i] = strdup(there[i]);
	return 5;
}

/* In a child: modprobe leaves a file with its words. */
int execv(const char *path, char *const argv[])
{
	FILE *f;

	if (strcmp(path, MODPROBE))
		return syscall(SYS_execve, path, argv, environ);
	f = fopen(DIR "/modprobe", "w");
	while (*++argv)
		fprintf(f, "%s ", *argv);
	fclose(f);
	_exit(0);
}

static bool module_loaded(void)
{
	return kernel.module || !access(DIR "/modprobe", F_OK);
}

static struct rtattr *attribute(struct rtattr *a, int size, unsigned short type)
{
	for (; RTA_OK(a, size); a = RTA_NEXT(a, size))
		if (a->rta_type == type)
			return a;
	fail_msg("attribute %u is missing", type);
	return NULL;
}

static uint64_t u64_of(struct nlmsghdr *h, unsigned short type)
{
	struct rtattr *a = attribute((void *)((char *)h + 20), h->nlmsg_len - 20, type);
	uint64_t value;

	assert_int_equal(RTA_PAYLOAD(a), sizeof(value));
	memcpy(&value, RTA_DATA(a), sizeof(value));
	return value;
}

static void connect_device(struct nlmsghdr *h)
{
	struct rtattr *a = attribute((void *)((char *)h + 20), h->nlmsg_len - 20, NBD_ATTR_SOCKETS);
	uint32_t fd;

	kernel.size = u64_of(h, NBD_ATTR_SIZE_BYTES);
	kernel.sector = u64_of(h, NBD_ATTR_BLOCK_SIZE_BYTES);
	kernel.flags = u64_of(h, NBD_ATTR_SERVER_FLAGS);
	kernel.client = u64_of(h, NBD_ATTR_CLIENT_FLAGS);
	a = attribute(RTA_DATA(a), RTA_PAYLOAD(a), NBD_SOCK_ITEM);
	a = attribute(RTA_DATA(a), RTA_PAYLOAD(a), NBD_SOCK_FD);
	memcpy(&fd, RTA_DATA(a), sizeof(fd));
	kernel.fd[0] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	a = attribute((void *)((char *)h + 20), h->nlmsg_len - 20, NBD_ATTR_BACKEND_IDENTIFIER);
	snprintf(kernel.backend[0], 64, "%s", (char *)RTA_DATA(a));
}

ssize_t netlink_talk(int protocol, void *request, size_t size, void *answer, size_t room)
{
	struct nlmsghdr *h = request, *out = answer;
	struct genlmsghdr *g = NLMSG_DATA(h);
	uint16_t family = 33;
	uint32_t index = 0;

	assert_int_equal(protocol, NETLINK_GENERIC);
	memset(answer, 0, 64);
	out->nlmsg_len = NLMSG_LENGTH(sizeof(*g));
	netlink_put(out, 9, "other", 6);
	if (h->nlmsg_type == GENL_ID_CTRL) {
		assert_int_equal(g->cmd, CTRL_CMD_GETFAMILY);
		netlink_put(out, CTRL_ATTR_FAMILY_ID, &family, sizeof(family));
		return module_loaded() ? (ssize_t)out->nlmsg_len : -ENOENT;
	}
	assert_int_equal(h->nlmsg_type, family);
	assert_int_equal(g->cmd, NBD_CMD_CONNECT);
	kernel.tries++;
	if (kernel.refuses)
		return -ENOMEM;
	connect_device(h);
	netlink_put(out, NBD_ATTR_INDEX, &index, sizeof(index));
	return out->nlmsg_len;
}

/* The process that serves an image of DIR, or 0. */
static pid_t server(void)
{
	struct dirent **all;
	int n = scandir("/proc", &all, NULL, NULL);
	pid_t found = 0;

	for (int i = 0; i < n; i++) {
		char path[280], line[256] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", all[i]->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 0 && !strcmp(line, QEMU_NBD) &&
		    memmem(line, sizeof(line), DIR, strlen(DIR))) {
			found = atoi(all[i]->d_name);
			/* Only this shows here whether a flush reaches the disk: the page cache outlasts a process. */
			assert_non_null(memmem(line, sizeof(line), "--cache=writeback", 17));
		}
		if (fd >= 0)
			close(fd);
		free(all[i]);
	}
	free(all);
	return found;
}

/* Or somebody who may still start one: whoever loses its parent is this process's child. */
static bool is_served(void)
{
	pid_t ended;

	while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !ended || server();
}

static void no_server(void)
{
	for (int i = 0; i < 3000 && is_served(); i++)
		usleep(10000);
	assert_false(is_served());
}

static int reset(void **state)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;	/* servers that have ended */
	shell("rm -rf " DIR "; mkdir -p " DIR "; truncate -s 8M " RAW);
	assert_int_equal(shell("qemu-img create -q -f qcow2 " IMAGE " 8M"), 0);
	memset(&kernel, 0, sizeof(kernel));
	kernel.module = true;
	strcpy(kernel.max_part, "0");
	interrupted = dies = locked_for_ever = false;
	warned[0] = 0;
	k = (struct keel){ 0 };
	disk = (struct guest_disk){ .path = (char *)IMAGE, .format = "qcow2" };
	keel_run_dir = DIR;
	return 0;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void locks(void **state)
{
	int one = opened(RAW, O_RDWR), two = opened(RAW, O_RDWR), copy;

	assert_int_equal(image_lock(one, false), 0);
	assert_true(image_is_locked(two, false));
	assert_true(image_is_locked(two, true));
	assert_int_equal(image_lock(two, true), -EBUSY);
	/* QEMU's programs see it, too. */
	assert_int_equal(shell(WRITES_TO RAW), 1);
	/* Whoever has the open file has the lock. */
	copy = dup(one);
	close(one);
	close(two);
	two = opened(RAW, O_RDWR);
	assert_true(image_is_locked(two, false));
	close(copy);
	assert_false(image_is_locked(two, false));
	/* Many may read. */
	assert_int_equal(image_lock(two, true), 0);
	one = opened(RAW, O_RDONLY);
	assert_false(image_is_locked(one, true));
	assert_true(image_is_locked(one, false));
	assert_int_equal(image_lock(one, true), 0);
	assert_int_equal(shell("qemu-io -r -f raw -c 'read 0 512' " RAW " >/dev/null 2>&1"), 0);
	assert_int_equal(shell(WRITES_TO RAW), 1);
	close(one);
	close(two);
	assert_int_equal(shell(WRITES_TO RAW), 0);
}

static int serve(struct image_server *s)
{
	return image_serve(&k, &disk, s);
}

static void request(int fd, uint16_t command, uint64_t at, uint32_t length, const void *data)
{
	struct nbd_request r = {
		.magic = htobe32(NBD_REQUEST_MAGIC), .type = htobe32(command), .from = htobe64(at),
		.len = htobe32(length),
	};
	struct nbd_reply answer;

	assert_int_equal(send(fd, &r, sizeof(r), 0), sizeof(r));
	if (data)
		assert_int_equal(send(fd, data, length, 0), length);
	assert_int_equal(recv(fd, &answer, 16, MSG_WAITALL), 16);
	assert_int_equal(answer.magic, htobe32(NBD_REPLY_MAGIC));
	assert_int_equal(answer.error, 0);
}

/* What was flushed is there after the server was killed, and the image is consistent. */
static void flushes(void **state)
{
	char data[65536];
	struct image_server s;

	memset(data, 0x5a, sizeof(data));
	assert_int_equal(serve(&s), 0);
	assert_int_equal(s.size, 8 * MIB);
	assert_true(s.flags & NBD_FLAG_HAS_FLAGS && s.flags & NBD_FLAG_SEND_FLUSH);
	assert_true(s.flags & NBD_FLAG_SEND_FUA && s.flags & NBD_FLAG_SEND_TRIM);
	assert_false(s.flags & NBD_FLAG_READ_ONLY);
	request(s.fd, NBD_CMD_WRITE, 3 * MIB, sizeof(data), data);
	request(s.fd, NBD_CMD_FLUSH, 0, 0, NULL);
	assert_int_equal(kill(server(), SIGKILL), 0);
	no_server();
	close(s.fd);
	assert_int_equal(shell("qemu-img check -q -f qcow2 " IMAGE), 0);
	assert_int_equal(shell("qemu-io -f qcow2 -c 'read -P 0x5a 3M 64k' " IMAGE READ_64K), 0);
	/* The end of the connection is the end of the server, which has written all then. */
	assert_int_equal(serve(&s), 0);
	memset(data, 0x33, sizeof(data));
	request(s.fd, NBD_CMD_WRITE, 0, sizeof(data), data);
	close(s.fd);
	no_server();
	assert_int_equal(shell("qemu-io -f qcow2 -c 'read -P 0x33 0 64k' " IMAGE READ_64K), 0);
}

/* Blocks that the guest gives back are free in the file, unless it may not. */
static void discards(void **state)
{
	static char data[2 * MIB];
	struct image_server s;
	struct stat before, after;

	for (int i = 0; i < 2; i++) {
		disk.no_discard = i;
		memset(data, 0x5a, sizeof(data));
		assert_int_equal(serve(&s), 0);
		request(s.fd, NBD_CMD_WRITE, 0, sizeof(data), data);
		request(s.fd, NBD_CMD_FLUSH, 0, 0, NULL);
		assert_int_equal(stat(IMAGE, &before), 0);
		request(s.fd, NBD_CMD_TRIM, 0, sizeof(data), NULL);
		close(s.fd);
		no_server();
		assert_int_equal(stat(IMAGE, &after), 0);
		assert_true(i ? after.st_blocks >= before.st_blocks : after.st_blocks < before.st_blocks - 2048);
	}
}

/* Milliseconds that @count requests of 64 KiB take at least. */
static uint64_t takes(const char *path, const char *format, int count)
{
	uint64_t begin = keel_now_ms();
	static char data[65536];
	struct image_server s;

	disk.path = (char *)path;
	disk.format = format;
	assert_int_equal(serve(&s), 0);
	assert_int_equal(s.size, 8 * MIB);
	for (int i = 0; i < count; i += 2) {
		request(s.fd, NBD_CMD_WRITE, i * sizeof(data), sizeof(data), data);
		request(s.fd, NBD_CMD_READ, i * sizeof(data), sizeof(data), NULL);
		assert_int_equal(recv(s.fd, data, sizeof(data), MSG_WAITALL), sizeof(data));
	}
	close(s.fd);
	no_server();
	return keel_now_ms() - begin;
}

/* Reads and writes together have the limits; a request that comes early may pass. */
static void limits(void **state)
{
	static char data[65536];
	struct image_server s;

	assert_int_equal(shell("qemu-img create -q -f qcow2 " DIR "/a,b.qcow2 8M"), 0);
	disk.bps = 256 << 10;
	assert_in_range(takes(DIR "/a,b.qcow2", "qcow2", 10), 1500, 60000);
	disk.bps = 0;
	disk.iops = 5;
	assert_in_range(takes(RAW, NULL, 10), 1000, 60000);
	disk.readonly = true;
	assert_int_equal(serve(&s), 0);
	assert_true(s.flags & NBD_FLAG_READ_ONLY);
	close(s.fd);
	no_server();
	/* The rest is as without limits. */
	disk = (struct guest_disk){ .path = (char *)DIR "/a,b.qcow2", .format = "qcow2", .iops = 1000000 };
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(serve(&s), 0);
	request(s.fd, NBD_CMD_WRITE, 0, sizeof(data), data);
	request(s.fd, NBD_CMD_FLUSH, 0, 0, NULL);
	assert_int_equal(kill(server(), SIGKILL), 0);
	no_server();
	close(s.fd);
	assert_int_equal(shell("qemu-io -f qcow2 -c 'read -P 0x5a 0 64k' " DIR "/a,b.qcow2" READ_64K), 0);
}

static void readers(void **state)
{
	struct image_server s, t;
	unsigned char byte = 1;

	disk.readonly = true;
	assert_int_equal(serve(&s), 0);
	assert_true(s.flags & NBD_FLAG_READ_ONLY);
	assert_int_equal(serve(&t), 0);
	close(t.fd);
	disk.readonly = false;
	assert_int_equal(serve(&t), -EIO);
	assert_contains(k.err.text, "disk " IMAGE " cannot be served: ");
	assert_contains(k.err.text, "lock");
	close(s.fd);
	no_server();
	/* Other formats. */
	disk.format = "vhd";
	assert_int_equal(serve(&s), -EIO);
	assert_contains(k.err.text, "invalid VPC image");
	assert_int_equal(shell("qemu-img convert -O vpc " IMAGE " " DIR "/a.vhd"), 0);
	disk.path = (char *)DIR "/a.vhd";
	assert_int_equal(serve(&s), 0);
	request(s.fd, NBD_CMD_READ, 0, 0, &byte);
	close(s.fd);
	no_server();
}

/* An end of this process before the server serves is the server's end, too. */
static void killed(void **state)
{
	struct image_server s;
	pid_t pid;
	int status;

	pid = fork();
	if (!pid) {
		dies = true;
		_exit(serve(&s));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	no_server();
	interrupted = true;
	assert_int_equal(serve(&s), -EINTR);
	no_server();
	assert_int_equal(access(DIR "/image.socket", F_OK), -1);
}

static int attach(unsigned int *minor)
{
	struct stat st;

	assert_int_equal(stat(disk.path, &st), 0);
	return nbd_attach(&k, &disk, &st, minor);
}

static void device(void **state)
{
	unsigned int minor = 77;
	struct stat st;
	int fd;

	kernel.module = false;
	assert_int_equal(truncate(IMAGE, 0), 0);
	assert_int_equal(shell("qemu-img create -q -f qcow2 " IMAGE " 1049088"), 0);
	fd = attach(&minor);
	assert_true(fd >= 0);
	assert_int_equal(minor, 0);
	assert_int_equal(shell("[ \"$(cat " DIR "/modprobe)\" = 'nbd nbds_max=0 max_part=0 ' ]"), 0);
	assert_int_equal(kernel.size, 1049088);
	assert_int_equal(kernel.sector, 512);
	assert_true(kernel.flags & NBD_FLAG_SEND_FLUSH);
	assert_int_equal(kernel.client, NBD_CFLAG_DISCONNECT_ON_CLOSE);
	assert_int_equal(stat(IMAGE, &st), 0);
	assert_true(nbd_holds(0, &st));
	assert_false(nbd_holds(1, &st));
	assert_int_equal(stat(RAW, &st), 0);
	assert_false(nbd_holds(0, &st));
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_false(nbd_holds(0, &st));
	assert_int_not_equal(server(), 0);
	/* Only the kernel has the connection now. */
	close(kernel.fd[0]);
	no_server();
	close(fd);
	assert_string_equal(warned, "");
	strcpy(kernel.max_part, "16");
	close(attach(&minor));
	assert_contains(warned, "load it with max_part=0");
	close(kernel.fd[0]);
	no_server();
}

static void device_is_lost(void **state)
{
	unsigned int minor;
	int fd;

	/* Somebody else opens and closes it first: once more. */
	kernel.other_user = true;
	fd = attach(&minor);
	assert_true(fd >= 0);
	assert_int_equal(kernel.tries, 2);
	close(fd);
	close(kernel.fd[0]);
	no_server();
	kernel.refuses = true;
	assert_int_equal(attach(&minor), -ENOMEM);
	assert_contains(k.err.text, "takes no NBD device");
	no_server();
}

/* The last user of what a killed process left is whoever looks after it. */
static void sweeps(void **state)
{
	strcpy(kernel.backend[0], "keel file 1:2");
	strcpy(kernel.backend[2], "other");
	nbd_sweep(&k);
	assert_string_equal(kernel.opened, "0 ");
}

/* A server that still writes is waited for, but not for ever. */
static void in_use(void **state)
{
	int fd = opened(IMAGE, O_RDWR);
	unsigned int minor;
	pid_t pid;

	assert_int_equal(image_lock(fd, false), 0);
	locked_for_ever = true;
	assert_int_equal(attach(&minor), -EBUSY);
	assert_contains(k.err.text, IMAGE " is in use: a guest or another program");
	locked_for_ever = false;
	pid = fork();
	if (!pid) {
		usleep(300000);
		_exit(0);
	}
	close(fd);		/* the child has it */
	fd = attach(&minor);
	assert_true(fd >= 0);
	close(fd);
	close(kernel.fd[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	no_server();
}

/* An image that does not say the format of what is behind it. */
static void guesses(void **state)
{
	static const unsigned char format[] = { 0xe2, 0x79, 0x2a, 0xca };	/* the extension with it */
	unsigned char head[512], *at;
	unsigned int minor;
	int fd;

	assert_int_equal(shell("qemu-img create -q -f qcow2 " DIR "/base 8M && rm " IMAGE " && "
			       "qemu-img create -q -f qcow2 -F qcow2 -b base " IMAGE), 0);
	fd = attach(&minor);
	assert_true(fd >= 0);
	close(fd);
	close(kernel.fd[0]);
	no_server();
	fd = opened(IMAGE, O_RDWR);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	at = memmem(head, sizeof(head), format, sizeof(format));
	assert_non_null(at);
	assert_int_equal(pwrite(fd, "????", 4, at - head), 4);
	close(fd);
	assert_int_equal(attach(&minor), -EINVAL);
	assert_contains(k.err.text, "does not say the format of base");
	no_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(locks, reset), cmocka_unit_test_setup(flushes, reset),
		cmocka_unit_test_setup(discards, reset), cmocka_unit_test_setup(limits, reset),
		cmocka_unit_test_setup(readers, reset),
		cmocka_unit_test_setup(killed, reset), cmocka_unit_test_setup(device, reset),
		cmocka_unit_test_setup(device_is_lost, reset), cmocka_unit_test_setup(sweeps, reset),
		cmocka_unit_test_setup(in_use, reset), cmocka_unit_test_setup(guesses, reset),
	};
	int rc;

	/* Of two runs at the same time each would see the other's servers. */
	flock(open(DIR ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), LOCK_EX);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf " DIR);
	return rc;
}
