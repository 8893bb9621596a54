/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into keel: kills the process before its Nth call that changes something outside it.
 * KILL_AT=N; with 0 it is never killed, and the number of such calls goes to the file KILL_COUNT.
 * KILL_CALL names a file for what the Nth was.
 *
 * Counted are hypercalls but those that only ask; messages to xenstored that change nodes or
 * domains; files opened to be written, copied, renamed, removed, made or locked; ioctls on loop
 * devices and interfaces; rtnetlink; programs that it starts.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/loop.h>
#include <linux/sockios.h>

#include <public/xen.h>
#include <public/domctl.h>
#include <xen/io/xs_wire.h>

/* Linux's include/uapi/xen/privcmd.h: a number and five arguments. */
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, 48)
/* Types of ioctls. */
#define LOOP_IOCTLS 0x4c
#define SOCKET_IOCTLS 0x89

static unsigned int at, calls;
static char count_to[128], call_to[128];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void put_line(const char *path, const char *text)
{
	int fd = *path ? REAL(open64)(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

	if (fd < 0)
		return;
	if (REAL(write)(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

static void begin(void) __attribute__((constructor));
static void finish(void) __attribute__((destructor));

/* Programs that this one runs are left alone. */
static void begin(void)
{
	at = getenv("KILL_AT") ? atoi(getenv("KILL_AT")) : 0;
	snprintf(count_to, sizeof(count_to), "%s", getenv("KILL_COUNT") ? getenv("KILL_COUNT") : "");
	snprintf(call_to, sizeof(call_to), "%s", getenv("KILL_CALL") ? getenv("KILL_CALL") : "");
	unsetenv("LD_PRELOAD");
	unsetenv("KILL_AT");
}

static void finish(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", calls);
	put_line(count_to, text);
}

static void count(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void count(const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (++calls != at)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_line(call_to, text);
	kill(getpid(), SIGKILL);
}

static int asks(const uint64_t call[6])
{
	static const uint32_t domctls[] = {
		XEN_DOMCTL_getdomaininfo, XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_getvcpuinfo,
		XEN_DOMCTL_getvcpuaffinity, XEN_DOMCTL_gethvmcontext, XEN_DOMCTL_gettscinfo,
		XEN_DOMCTL_getnodeaffinity, XEN_DOMCTL_get_cpu_policy, XEN_DOMCTL_test_assign_device,
		XEN_DOMCTL_get_device_group,
	};
	uint32_t cmd;

	if (call[0] == __HYPERVISOR_xen_version || call[0] == __HYPERVISOR_sysctl)
		return 1;
	if (call[0] != __HYPERVISOR_domctl)
		return 0;
	memcpy(&cmd, (void *)(uintptr_t)call[1], sizeof(cmd));
	for (size_t i = 0; i < sizeof(domctls) / sizeof(domctls[0]); i++)
		if (cmd == domctls[i])
			return 1;
	return 0;
}

int ioctl(int fd, unsigned long op, ...)
{
	unsigned int type = op >> 8 & 0xff;
	uint64_t *call;
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	call = arg;
	if (op == IOCTL_PRIVCMD_HYPERCALL && call[0] == __HYPERVISOR_domctl) {
		if (!asks(call))
			count("domctl %u", *(uint32_t *)(uintptr_t)call[1]);
	} else if (op == IOCTL_PRIVCMD_HYPERCALL) {
		if (!asks(call))
			count("hypercall %u, %u", (unsigned int)call[0], (unsigned int)call[1]);
	} else if (type == LOOP_IOCTLS ||
		   (type == SOCKET_IOCTLS && op != SIOCGIFFLAGS && op != SIOCGIFINDEX)) {
		count("ioctl %#lx", op);
	}
	return REAL(ioctl)(fd, op, arg);
}

/* The first bytes of a message to xenstored. */
static void look(int fd, const void *data, size_t size)
{
	static const uint32_t types[] = {
		XS_MKDIR, XS_RM, XS_SET_PERMS, XS_WRITE, XS_TRANSACTION_END, XS_INTRODUCE, XS_RELEASE,
	};
	struct stat st;
	uint32_t type;

	if (size < 16 || fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return;
	memcpy(&type, data, sizeof(type));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type == types[i])
			count("xenstore message %u", type);
}

ssize_t write(int fd, const void *data, size_t size)
{
	look(fd, data, size);
	return REAL(write)(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	if (n)
		look(fd, v[0].iov_base, v[0].iov_len);
	return REAL(writev)(fd, v, n);
}

/* Only rtnetlink's requests go this way. */
ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
	       socklen_t length)
{
	count("sendto");
	return REAL(sendto)(fd, data, size, flags, to, length);
}

static void open_counts(const char *path, int flags)
{
	if ((flags & O_ACCMODE) != O_RDONLY && strncmp(path, "/dev/xen/", 9) && strcmp(path, "/dev/null"))
		count("open %s", path);
}

/* Both names of one function, and whether it has a mode. */
#define OPEN(name)							\
int name(const char *path, int flags, ...)				\
{									\
	mode_t mode = 0;						\
	va_list ap;							\
									\
	va_start(ap, flags);						\
	if (flags & (O_CREAT | O_TMPFILE))				\
		mode = va_arg(ap, mode_t);				\
	va_end(ap);							\
	open_counts(path, flags);					\
	return REAL(name)(path, flags, mode);				\
}
OPEN(open)
OPEN(open64)

int rename(const char *from, const char *to)
{
	count("rename %s", to);
	return REAL(rename)(from, to);
}

int unlink(const char *path)
{
	count("unlink %s", path);
	return REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
	count("mkdir %s", path);
	return REAL(mkdir)(path, mode);
}

int rmdir(const char *path)
{
	count("rmdir %s", path);
	return REAL(rmdir)(path);
}

ssize_t sendfile(int out, int in, off_t *at_offset, size_t size)
{
	count("sendfile");
	return REAL(sendfile)(out, in, at_offset, size);
}

pid_t fork(void)
{
	count("fork");
	return REAL(fork)();
}

int flock(int fd, int op)
{
	count("flock");
	return REAL(flock)(fd, op);
}
