/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/image.h"

/*
 * Configures the free loop device @n for the open file. The kernel frees it when its last user
 * closes it (autoclear), so nothing has to remember it.
 */
static int configure(int n, int file, const char *path, bool readonly)
{
	struct loop_config c = { .fd = file };
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/dev/loop%d", n);
	fd = open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	c.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0);
	snprintf((char *)c.info.lo_file_name, sizeof(c.info.lo_file_name), "%s", path);
	if (ioctl(fd, LOOP_CONFIGURE, &c) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int free_loop(struct keel *k, int control, int file, const char *path, bool readonly,
		     unsigned int *minor)
{
	for (int tries = 0; tries < 32; tries++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		int fd;

		if (n < 0)
			return keel_fail_errno(&k->err, "no loop device is free for %s", path);
		fd = configure(n, file, path, readonly);
		if (fd >= 0) {
			*minor = n;
			return fd;
		}
		if (fd != -EBUSY && fd != -ENXIO && fd != -ENOENT)
			return keel_fail(&k->err, -fd, "cannot set up loop device %d for %s: %s", n, path,
					 strerror(-fd));
		usleep(10000);	/* somebody else was faster, or the node is not there yet */
	}
	return keel_fail(&k->err, EBUSY, "no loop device stays free long enough for %s", path);
}

/* The loop device keeps the open file, and with it the lock. */
static int open_locked(struct keel *k, const struct guest_disk *d)
{
	int file = open(d->path, (d->readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC);

	if (file < 0)
		return keel_fail_errno(&k->err, "cannot open disk image %s", d->path);
	if (d->shared || !image_lock(file, d->readonly))
		return file;
	close(file);
	return image_in_use(k, d);
}

int loop_attach(struct keel *k, const struct guest_disk *d, const struct stat *st,
		unsigned int *minor)
{
	int control, file, fd;

	file = open_locked(k, d);
	if (file < 0)
		return file;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0) {
		close(file);
		return keel_fail_errno(&k->err, "cannot open /dev/loop-control (modprobe loop?)");
	}
	fd = free_loop(k, control, file, d->path, d->readonly, minor);
	close(control);
	close(file);
	return fd;
}

static int open_loop(unsigned int minor)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/loop%u", minor);
	return open(name, O_RDONLY | O_CLOEXEC);
}

int loop_resize(struct keel *k, unsigned int minor)
{
	int fd = open_loop(minor), rc = 0;

	if (fd < 0 || ioctl(fd, LOOP_SET_CAPACITY, 0) < 0)
		rc = keel_fail_errno(&k->err, "loop device %u does not grow with its file", minor);
	if (fd >= 0)
		close(fd);
	return rc;
}

bool loop_holds(unsigned int minor, const struct stat *st)
{
	struct loop_info64 info;
	bool same;
	int fd;

	fd = open_loop(minor);
	if (fd < 0)
		return false;
	same = !ioctl(fd, LOOP_GET_STATUS64, &info) && info.lo_device == st->st_dev &&
	       info.lo_inode == st->st_ino;
	close(fd);
	return same;
}
