/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/image.h"

#include <errno.h>
#include <fcntl.h>

/*
 * QEMU's locks are on bytes: one for each thing that the holder does, one for each that it suffers
 * nobody else to do (QEMU's raw_apply_lock_bytes()). All of them are shared locks: whether another
 * one is in the way is asked apart.
 */
enum { READS = 0, WRITES = 1, RESIZES = 3 };

#define DOES(what) (100 + (what))
#define SUFFERS_NOT(what) (200 + (what))

static bool held(int fd, off_t byte)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return !fcntl(fd, F_OFD_GETLK, &l) && l.l_type != F_UNLCK;
}

static int take(int fd, off_t byte)
{
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	if (!fcntl(fd, F_OFD_SETLK, &l) || (errno != EAGAIN && errno != EACCES))
		return 0;
	return -EBUSY;
}

bool image_is_locked(int fd, bool readonly)
{
	return held(fd, SUFFERS_NOT(READS)) || (!readonly && held(fd, SUFFERS_NOT(WRITES))) ||
	       held(fd, DOES(WRITES)) || held(fd, DOES(RESIZES));
}

/* As QEMU: take first, look afterwards. Of two at the same time at most one succeeds. */
int image_lock(int fd, bool readonly)
{
	if (take(fd, DOES(READS)) || (!readonly && take(fd, DOES(WRITES))) ||
	    take(fd, SUFFERS_NOT(WRITES)) || take(fd, SUFFERS_NOT(RESIZES)) ||
	    image_is_locked(fd, readonly))
		return -EBUSY;
	return 0;
}

int image_in_use(struct keel *k, const struct guest_disk *d)
{
	return keel_fail(&k->err, EBUSY, "disk %s is in use: a guest or another program has QEMU's lock on "
			 "it (`keel block-list` or `fuser -v %s` shows it)", d->path, d->path);
}
