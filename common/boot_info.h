/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a loader hands to the hypervisor. All loaders use the same layout: UEFI (xen/efi),
 * multiboot1 and multiboot2 (xen/multiboot). The layout is fixed, without pointers, and all
 * addresses are physical.
 *
 * The memory ranges are sorted by address and do not overlap; neighbours of the same type are
 * merged. Boot services have ended when the core runs, so their memory is listed as RAM. Whatever
 * the loader itself put into memory is also listed as RAM: the core reserves the image (image_phys,
 * image_size), this structure, the modules and the device tree before it allocates any RAM. The
 * handoff page tables are inside [tables_phys, tables_phys + tables_size) and are needed until the
 * core has loaded its own.
 *
 * Entry state: long mode, interrupts off, EFER.NXE set, %rdi = address of this structure, the low
 * 4 GiB identity-mapped, KEEL_VIRT_BASE mapped so that the image is where it was linked.
 */
#ifndef COMMON_BOOT_INFO_H
#define COMMON_BOOT_INFO_H

#include <stddef.h>
#include <stdint.h>

#define BOOT_INFO_MAGIC		0x30746f6f426c654bULL	/* "KelBoot0", little endian */

#define BOOT_MAX_RANGES		512
#define BOOT_MAX_MODULES	16
#define BOOT_NAME_LEN		64
#define BOOT_CMDLINE_LEN	1024

enum boot_loader {
	BOOT_LOADER_UEFI	= 1,
	BOOT_LOADER_MULTIBOOT1	= 2,
	BOOT_LOADER_MULTIBOOT2	= 3,
};

/* ACPI 6.5, table 15.4: address range types. */
enum boot_range_type {
	BOOT_RANGE_RAM		= 1,
	BOOT_RANGE_RESERVED	= 2,
	BOOT_RANGE_ACPI		= 3,
	BOOT_RANGE_NVS		= 4,
	BOOT_RANGE_UNUSABLE	= 5,
	BOOT_RANGE_DISABLED	= 6,
	BOOT_RANGE_PMEM		= 7,
};

/* EFI runtime services use it: the type is RESERVED, and nobody may change it. */
#define BOOT_RANGE_EFI_RUNTIME	(1u << 0)

struct boot_range {
	uint64_t base;
	uint64_t size;
	uint32_t type;		/* enum boot_range_type */
	uint32_t flags;		/* BOOT_RANGE_EFI_RUNTIME */
};

struct boot_module {
	uint64_t base;			/* page aligned; 0 with size 0: unused */
	uint64_t size;			/* in bytes, as the file has it */
	char name[BOOT_NAME_LEN];	/* path or file name; if too long, its end; never empty */
	char cmdline[BOOT_CMDLINE_LEN];	/* arguments, without the name */
};

struct boot_framebuffer {
	uint64_t base;
	uint64_t size;		/* in bytes; 0 if not known */
	uint32_t width;
	uint32_t height;
	uint32_t stride;	/* in bytes */
	uint32_t bpp;		/* bits a pixel */
	uint8_t red_pos, red_size;
	uint8_t green_pos, green_size;
	uint8_t blue_pos, blue_size;
	uint8_t rsvd_pos, rsvd_size;
	uint32_t present;
	uint32_t pad;
};

struct boot_info {
	uint64_t magic;
	uint32_t size;			/* of this structure */
	uint32_t loader;		/* enum boot_loader */
	uint64_t image_phys;		/* of __image_start, 2 MiB aligned */
	uint64_t image_size;		/* up to __image_end: bss included */
	uint64_t tables_phys;		/* handoff page tables */
	uint64_t tables_size;
	uint64_t rsdp;			/* 0: the loader knows none */
	uint64_t fdt;			/* device tree, 0: none */
	uint64_t fdt_size;
	uint64_t efi_system;		/* EFI system table, 0: none */
	struct boot_framebuffer fb;
	uint32_t nr_ranges;
	uint32_t nr_modules;
	char loader_name[BOOT_NAME_LEN];
	char cmdline[BOOT_CMDLINE_LEN];	/* Keel's own */
	struct boot_range ranges[BOOT_MAX_RANGES];
	struct boot_module modules[BOOT_MAX_MODULES];
};

_Static_assert(sizeof(struct boot_range) == 24, "boot_range has a fixed layout");
_Static_assert(sizeof(struct boot_module) == 1104, "boot_module has a fixed layout");
_Static_assert(sizeof(struct boot_framebuffer) == 48, "boot_framebuffer has a fixed layout");
_Static_assert(offsetof(struct boot_info, fb) == 80, "boot_info has a fixed layout");
_Static_assert(offsetof(struct boot_info, ranges) == 80 + 48 + 8 + 64 + 1024,
	       "boot_info has a fixed layout");

/*
 * Add a range to the sorted list. If it overlaps others, the more restrictive type wins. Zero-sized
 * ranges are ignored, ranges that wrap are cut at 2^64. Pure. Returns 0, or -1 if the list is full
 * (the list then lacks a part of the range).
 */
int boot_info_add_range(struct boot_info *bi, uint64_t base, uint64_t size, uint32_t type,
			uint32_t flags);

/* A module without a name is called this plus its number: GRUB passes no names. */
#define BOOT_NO_NAME "module "

/*
 * Add a module. @name and @cmdline may be NULL. A name that is too long keeps only its end, so that
 * the file name survives; a command line that is too long is truncated. Pure. Returns the module's
 * index, or -1 if there are BOOT_MAX_MODULES already.
 */
int boot_info_add_module(struct boot_info *bi, uint64_t base, uint64_t size, const char *name,
			 const char *cmdline);

/*
 * If @data is a compressed kernel image, or one that needs a boot protocol that Keel does not
 * implement, return what it is ("bzImage", "gzip" ...), else NULL. *@unpack: the command that
 * writes what is inside to its standard output, NULL if there is no kernel inside. Pure; reads at
 * most @size bytes.
 */
const char *boot_image_packed(const void *data, uint64_t size, const char **unpack);

/* Is [data, data + size) the start of a flattened device tree? Pure. */
int boot_is_fdt(const void *data, uint64_t size);

/* Copy @src to @dst of @size bytes, cut and always terminated. */
void boot_copy_string(char *dst, size_t size, const char *src);

/* For messages. Not in the loaders. */
const char *boot_range_name(uint32_t type);

/* Print what the loader handed over. Boot, once printk works. Not in the loaders. */
void boot_info_print(const struct boot_info *bi);

#endif /* COMMON_BOOT_INFO_H */
