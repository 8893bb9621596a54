/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_IMAGE_H
#define KEEL_LIB_IMAGE_H

#include <sys/stat.h>

#include "lib/guest.h"
#include "lib/keel.h"

/* Images in the formats of QEMU, whose programs read and write them. */
#define QEMU_NBD "/usr/bin/qemu-nbd"
#define QEMU_PACKAGE "qemu-utils"

/*
 * image_lock.c: the locks by which QEMU's programs keep an image from being written twice, on the
 * open file @fd. They last as long as somebody has that open file. -EBUSY, without a text, if
 * another one is in the way; a file system without locks has none.
 */
int image_lock(int fd, bool readonly);
/* Only whether one is in the way. */
bool image_is_locked(int fd, bool readonly);
/* -EBUSY with the text. */
int image_in_use(struct keel *k, const struct guest_disk *d);

/* A server of one image, for one connection: it ends with it, and has written everything then. */
struct image_server {
	int fd;				/* the connection, at the point where requests begin */
	uint64_t size;			/* bytes */
	unsigned int flags;		/* NBD_FLAG_* of the transmission */
};

/*
 * image_server.c: starts one. It outlasts this process once it serves, and ends with this process
 * before. The lock of keel_lock() is held: there is one place where servers are waited for. The
 * program is there: disk_check() has looked.
 */
int image_serve(struct keel *k, const struct guest_disk *d, struct image_server *s);

/*
 * nbd.c: gives the image of @d, whose file or device is @st, to the kernel's NBD client: a
 * descriptor that keeps the block device, and its number. The device and its server end with its
 * last user. The lock is held.
 */
int nbd_attach(struct keel *k, const struct guest_disk *d, const struct stat *st,
	       unsigned int *minor);
/* Whether NBD device @minor serves the image that is this file or device. */
bool nbd_holds(unsigned int minor, const struct stat *st);
/*
 * Ends those of `keel` that nobody uses: it was killed before somebody could. The lock is held, as
 * those that are just being made have no user either.
 */
void nbd_sweep(struct keel *k);

#endif
