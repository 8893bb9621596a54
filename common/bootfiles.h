/* SPDX-License-Identifier: GPL-2.0-only */
/* Which files a boot configuration names, for the loaders. */
#ifndef COMMON_BOOTFILES_H
#define COMMON_BOOTFILES_H

#include <stdint.h>

#include "common/boot_info.h"

struct boot_file {
	const char *path;	/* inside the tree */
	int kernel;		/* must be an uncompressed ELF */
};

/*
 * libfdt as Debian compiles it reads its stack canary at %fs:0x28. Call its functions only between
 * these two: interrupts are off and the FS base points to a private page. They do not nest, and
 * nothing in between may call firmware.
 */
struct libfdt_guard {
	uint64_t fs_base;
	uint64_t rflags;
};
void arch_libfdt_begin(struct libfdt_guard *g);
void arch_libfdt_end(const struct libfdt_guard *g);

/* The file that a module node names (`path`, or dom0less's `xen,uefi-binary`), or NULL. */
const char *boot_module_path(const void *fdt, int node);

/* Does @node's `compatible` name it as a module of this kind ("kernel", "ramdisk")? */
int boot_module_is(const void *fdt, int node, const char *kind);

/*
 * Check the tree's header, and that the whole of it lies in @size bytes. Pure.
 * Returns 0, or libfdt's error (negative).
 */
int boot_fdt_check(const void *fdt, uint64_t size);

/*
 * Collect the files that the module nodes under /chosen name, each path once. The tree was checked.
 * Pure; between arch_libfdt_begin() and end. Returns their number, or -1 if there are more than
 * BOOT_MAX_MODULES.
 */
int boot_fdt_files(const void *fdt, struct boot_file files[BOOT_MAX_MODULES]);

#endif /* COMMON_BOOTFILES_H */
