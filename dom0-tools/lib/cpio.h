/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_CPIO_H
#define KEEL_LIB_CPIO_H

#include <sys/stat.h>

#include "lib/keel.h"

/*
 * An archive for a kernel to unpack as its root, in the form "newc" of Linux's
 * Documentation/driver-api/early-userspace/buffer-format.rst.
 */
struct cpio {
	struct keel *k;
	int fd;
	uint64_t size;			/* so far */
	uint64_t held;			/* by what goes into it, beside it in Dom0's memory */
	uint64_t limit;			/* of both */
	unsigned int entries;
};

/* Dom0 holds @size bytes more; it must not run out of memory. -EFBIG: that is beyond the limit. */
int cpio_hold(struct cpio *c, uint64_t size);
/* All that is in @dir, without what is mounted there, sockets, and that names are links of one. */
int cpio_tree(struct cpio *c, const char *dir);
/* One file of any kind; @data is what it holds, or what a symbolic link names. */
int cpio_entry(struct cpio *c, const char *name, const struct stat *st, const void *data,
	       size_t size);
/* A regular one; it takes the place of an earlier one. */
int cpio_file(struct cpio *c, const char *name, unsigned int mode, const void *data, size_t size);
/* Nothing follows. */
int cpio_end(struct cpio *c);

#endif
