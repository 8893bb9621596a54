/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk grows under a guest: blkback compares the size of its block device with the one that the
 * guest knows ten times a second, and tells the guest (Linux's xen_vbd_resize()).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/store.h"

#define SECTOR 512
#define TIMEOUT_MS 5000

/* What the back-end's nodes say of the disk. */
struct served {
	char *path, *format, *mode, *device;
};

static int look(struct keel *k, unsigned int domid, unsigned int number, struct served *s)
{
#define READ(key) store_read(k, "/local/domain/0/backend/vbd/%u/%u/" key, domid, number)
	s->path = READ("params");
	s->format = READ("format");
	s->mode = READ("mode");
	s->device = READ("physical-device");
#undef READ
	return s->path && s->mode && s->device ? 0 : -ENODEV;
}

static void forget(struct served *s)
{
	free(s->path);
	free(s->format);
	free(s->mode);
	free(s->device);
}

/* Whether the guest may have @size bytes of a disk that has @now; 0 is what it has. */
static int check_size(struct keel *k, const struct served *s, const struct stat *st, uint64_t now,
		      uint64_t size)
{
	if (size && S_ISBLK(st->st_mode))
		return keel_fail(&k->err, EINVAL, "%s is a block device, which has its size from elsewhere; enlarge it there "
				 "(lvextend, for example), and leave the size out here", s->path);
	if (size && *s->mode == 'r')
		return keel_fail(&k->err, EROFS, "the guest only reads %s; enlarge it, and leave the size out here",
				 s->path);
	if (size && size < now)
		return keel_fail(&k->err, EINVAL, "%s has %llu bytes, and cannot become smaller under a guest",
				 s->path, (unsigned long long)now);
	return 0;
}

/* The file or device, open as @fd, gets *@size bytes, or *@size says how many it has. */
static int grow(struct keel *k, const struct served *s, int fd, uint64_t *size)
{
	unsigned int major, minor;
	struct stat st;
	off_t now = fstat(fd, &st) ? -1 : lseek(fd, 0, SEEK_END);
	int rc;

	if (now < 0 || sscanf(s->device, "%x:%x", &major, &minor) != 2)
		return keel_fail_errno(&k->err, "cannot examine %s", s->path);
	rc = check_size(k, s, &st, now, *size);
	if (!rc && !S_ISBLK(st.st_mode) && (major != LOOP_MAJOR || !loop_holds(minor, &st)))
		rc = keel_fail(&k->err, ENOENT, "%s is another file than the one that the guest has", s->path);
	if (!rc && !k->dry_run && *size && ftruncate(fd, *size))
		rc = keel_fail_errno(&k->err, "cannot enlarge %s", s->path);
	*size = *size ? *size : (uint64_t)now;
	return rc || k->dry_run || S_ISBLK(st.st_mode) ? rc : loop_resize(k, minor);
}

/* A guest that has not connected to the disk yet will read its size then. */
static int wait_told(struct keel *k, unsigned int domid, unsigned int number, uint64_t size)
{
	uint64_t end = keel_now_ms() + TIMEOUT_MS;

	for (;;) {
		char *text = store_read(k, "/local/domain/0/backend/vbd/%u/%u/sectors", domid, number);
		bool told = !text || strtoull(text, NULL, 10) == size / SECTOR;

		free(text);
		if (told)
			return 0;
		if (keel_interrupted(k))
			return -EINTR;
		if (keel_now_ms() > end)
			return keel_fail(&k->err, ETIMEDOUT, "the disk has %llu bytes, but its driver in Dom0 does not tell the guest",
					 (unsigned long long)size);
		usleep(20000);
	}
}

static bool is_served(const struct served *s)
{
	unsigned int major;

	return sscanf(s->device, "%x:", &major) == 1 && major == NBD_MAJOR;
}

int disk_resize(struct keel *k, unsigned int domid, unsigned int number, uint64_t *size)
{
	struct served s;
	int rc = look(k, domid, number, &s), fd = -1;

	if (!rc && (s.format || is_served(&s))) {
		rc = keel_fail(&k->err, EOPNOTSUPP, "%s is served as %s, and its server goes on with the size that it had; "
			       "shut the guest down, and use qemu-img resize", s.path,
			       s.format ? s.format : "a disk with limits");
	} else if (!rc) {
		/* A FIFO of that name by now would wait for a writer. */
		fd = open(s.path, (*size ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
		rc = fd < 0 ? keel_fail_errno(&k->err, "cannot open disk %s", s.path) : grow(k, &s, fd, size);
	}
	if (fd >= 0)
		close(fd);
	forget(&s);
	return rc || k->dry_run ? rc : wait_told(k, domid, number, *size);
}
