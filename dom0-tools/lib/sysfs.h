/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_SYSFS_H
#define KEEL_LIB_SYSFS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Small files of Linux's sysfs. Paths are formatted here and shorter than SYSFS_PATH_MAX. All
 * return a negative errno without a message: the caller knows what it means.
 */
#define SYSFS_PATH_MAX	192
#define SYSFS_PCI	"/sys/bus/pci/devices"

/* What the file holds, without the end of its last line; what does not fit is left out. */
int sysfs_read(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int sysfs_write(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The last part of what a symbolic link points to. */
int sysfs_link(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/*
 * The names in a folder, sorted, without those that begin with a dot: an array to free, as the
 * names are.
 */
int sysfs_list(char ***names, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
