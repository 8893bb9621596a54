/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_ESP_H
#define KEEL_LIB_ESP_H

#include <limits.h>

#include "lib/keel.h"

/* The EFI system partition: a FAT volume, from which the firmware loads what it starts. */

/* Where Linux shows what is mounted, and block devices; a test has others. */
extern const char *keel_mounts, *keel_sys_block;

struct esp {
	char path[PATH_MAX];		/* where it is mounted */
	char disk[64];			/* /dev/sda */
	unsigned int part;
	uint64_t start;			/* in logical blocks of the disk */
};

/*
 * The one that is mounted at @path, or if that is NULL at /efi, /boot/efi or /boot. -ENOENT: there
 * is none; -EROFS: it is mounted read-only; -ENOTSUP: it is no partition of a disk.
 */
int esp_find(struct keel *k, const char *path, struct esp *e);
/* Where a file of Keel's is, as Linux names it. */
void esp_path(const struct esp *e, const char *name, char path[PATH_MAX]);
/*
 * Is there room for @size bytes more, when the file @without (or NULL) has gone? -ENOSPC says what
 * to do.
 */
int esp_room(struct keel *k, const struct esp *e, uint64_t size, const char *without);
/*
 * Copies the file @from there as @name, which it gets only when all of it is on the disk. If there
 * is no room otherwise, what had the name before goes first.
 */
int esp_put(struct keel *k, const struct esp *e, const char *from, const char *name);
/* Removes the file, and what an unfinished esp_put() has left of it. It need not be there. */
int esp_remove(struct keel *k, const struct esp *e, const char *name);
/* Removes the folder, if it is empty. */
void esp_remove_folder(const struct esp *e);

#endif
