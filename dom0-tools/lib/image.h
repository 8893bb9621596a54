/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_IMAGE_H
#define KEEL_LIB_IMAGE_H

#include <sys/stat.h>

#include "lib/guest.h"
#include "lib/keel.h"

/* Images in the formats of QEMU, whose programs read and write them. */
#define QEMU_NBD "/usr/bin/qemu-nbd"
#define QEMU_IMG "/usr/bin/qemu-img"
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

struct image_info {
	uint64_t size;			/* of the disk, in bytes */
	bool encrypted, damaged;
};

/*
 * image_info.c: what qemu-img says of the image at @path, which may be hostile; @format is QEMU's
 * name. It opens a data file that the image names, but no backing file.
 */
int image_info(struct keel *k, const char *path, const char *format, struct image_info *i);
/*
 * Refuses an image some part of which would be guessed: a guest that writes a raw disk can make it
 * look like an image that names files of Dom0.
 */
int image_check_chain(struct keel *k, const struct guest_disk *d);

/* image_source.c: an image that may be hostile, in a folder where others may write. */
struct image_source {
	const char *path, *format;	/* "qcow2" or "raw" */
	char opened[32];		/* a name of what was opened, wherever that is by now */
	int fd;
	bool leased;
	struct stat st;
};

/*
 * Opens a file or block device, but no symbolic link. @format is one of the two, or NULL: then the
 * first sector says it. -EPERM: it is an image with parts in other files, none of which was opened.
 * -EBUSY: somebody may write to the file.
 */
int image_source_open(struct keel *k, struct image_source *s, const char *path, const char *format);
/* After s->opened was read: whether it is still what was looked at. -EAGAIN if not. */
int image_source_unchanged(struct keel *k, const struct image_source *s);
void image_source_close(struct image_source *s);

/*
 * image_make.c: new files, qcow2 all of them, for root only; a failure leaves none. @base_format
 * and @format are QEMU's names. The base of an overlay has to stay as it is from now on.
 */
int image_overlay(struct keel *k, const char *base, const char *base_format, const char *path);
int image_copy(struct keel *k, const char *from, const char *format, const char *path);
/* It grows to @size bytes. */
int image_resize(struct keel *k, const char *path, uint64_t size);
/* -EBUSY if a guest or a program has it open. */
int image_check_unused(struct keel *k, const struct guest_disk *d);

/*
 * States of an image: IMAGE.NAME is what it was, for reading only, and IMAGE itself becomes an
 * overlay of it, so that configurations that name it stay true. -EBUSY if the image is in use.
 */
int image_keep(struct keel *k, const struct guest_disk *d, const char *name);
/* Whether it can be, as far as that can be checked in advance. */
int image_check_keep(struct keel *k, const struct guest_disk *d, const char *name);
/* Undoes it: what was written since is lost. k->err stays. */
void image_unkeep(struct keel *k, const struct guest_disk *d, const char *name);
/* The image becomes an empty overlay of that state: what was written since is lost. */
int image_revert(struct keel *k, const struct guest_disk *d, const char *name);
/* A path to free, or NULL. */
char *image_kept_path(struct keel *k, const struct guest_disk *d, const char *name);

/*
 * images.c: the folder of the images that keel makes for a guest, for root only. First, whether
 * the guest may have the name, and has none yet.
 */
extern const char *keel_images_dir;
int images_check_name(struct keel *k, const char *guest);
/*
 * A descriptor to close when all is done. Until then nobody else makes that folder, and if this
 * process is killed before images_finish_folder(), whoever makes it next removes what is in it.
 */
int images_make_folder(struct keel *k, const char *guest);
/* The images are whole: from here on they are the guest's, and stay. */
void images_finish_folder(struct keel *k, const char *guest);
/* k->err stays. */
void images_remove_folder(struct keel *k, const char *guest);
/* A path in it, to free, or NULL. */
char *images_path(struct keel *k, const char *guest, const char *file);

/* seed.c: what cloud-init finds on a disk with the label CIDATA (its data source NoCloud). */
struct seed {
	const char *hostname;
	const char *user;		/* or NULL: the image's own */
	const char *keys;		/* lines as in ~/.ssh/authorized_keys, or NULL */
	const char *instance;		/* another one is another machine to cloud-init */
};

/* Whether one can be made of it. */
int seed_check(struct keel *k, const struct seed *s);
/* On disk when it returns, for root only; a failure leaves none. */
int seed_make(struct keel *k, const char *path, const struct seed *s);

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
