/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multiboot 0.6.96 and Multiboot2 2.0: the information that a boot loader passes to the kernel, and
 * the conversion of both to struct boot_info.
 */
#ifndef XEN_MULTIBOOT_MULTIBOOT_H
#define XEN_MULTIBOOT_MULTIBOOT_H

#define MB1_HEADER_MAGIC	0x1badb002
#define MB1_LOADER_MAGIC	0x2badb002
#define MB2_HEADER_MAGIC	0xe85250d6
#define MB2_LOADER_MAGIC	0x36d76289

#define MB1_HEADER_ALIGN	0x00000001	/* wants modules on page boundaries */
#define MB1_HEADER_MEMORY	0x00000002	/* wants memory information */
#define MB1_HEADER_ADDRESS	0x00010000	/* load addresses are in the header */

#define MB2_HEADER_END		0
#define MB2_HEADER_INFO_REQUEST	1
#define MB2_HEADER_ENTRY	3
#define MB2_HEADER_FRAMEBUFFER	5
#define MB2_HEADER_ALIGN	6
#define MB2_HEADER_OPTIONAL	1

#define MB2_TAG_END		0
#define MB2_TAG_CMDLINE		1
#define MB2_TAG_LOADER		2
#define MB2_TAG_MODULE		3
#define MB2_TAG_MMAP		6
#define MB2_TAG_FRAMEBUFFER	8
#define MB2_TAG_EFI64		12
#define MB2_TAG_RSDP_OLD	14
#define MB2_TAG_RSDP_NEW	15
#define MB2_TAG_EFI_MMAP	17

#ifndef __ASSEMBLY__

#include <stddef.h>
#include <stdint.h>

#include "common/boot_info.h"

/* Multiboot1, section 3.3. */
#define MB1_INFO_MEMORY		(1u << 0)
#define MB1_INFO_CMDLINE	(1u << 2)
#define MB1_INFO_MODULES	(1u << 3)
#define MB1_INFO_MMAP		(1u << 6)
#define MB1_INFO_LOADER		(1u << 9)
#define MB1_INFO_FRAMEBUFFER	(1u << 12)

struct mb1_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper;		/* KiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t loader_name;
	uint32_t apm_table;
	uint32_t vbe[4];
	uint64_t fb_addr;
	uint32_t fb_pitch, fb_width, fb_height;
	uint8_t fb_bpp, fb_type;
	uint8_t fb_color[6];
} __attribute__((packed));

struct mb1_module {
	uint32_t start, end, string, reserved;
};

/* @size does not count itself. */
struct mb1_mmap {
	uint32_t size;
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

/* Multiboot2, section 3.6: tags, each 8-byte aligned. */
struct mb2_info {
	uint32_t total_size, reserved;
};

struct mb2_tag {
	uint32_t type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char string[];
};

struct mb2_mmap {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
};

struct mb2_mmap_entry {
	uint64_t base, length;
	uint32_t type, reserved;
};

/* In the tag of EFI's memory map, which is like that of the other: UEFI 2.10, 7.2.3. */
struct mb2_efi_entry {
	uint64_t type, base, virt, pages, attribute;
};

#define EFI_ATTRIBUTE_RUNTIME	(1ull << 63)

struct mb2_framebuffer {
	struct mb2_tag tag;
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
	uint16_t reserved;
	uint8_t color[6];
};

/*
 * Converts the loader's information at @info to the hypervisor's boot_info. entry32.S calls it
 * once, on the handoff page tables, with interrupts off, and with one of the two magics.
 */
struct boot_info *multiboot_start(uint32_t magic, uint64_t info);

/*
 * The conversion of multiboot2. Only boot_info_add_range()'s limits can be exceeded.
 */
void multiboot2_convert(struct boot_info *bi, const struct mb2_info *info);

#endif /* __ASSEMBLY__ */
#endif /* XEN_MULTIBOOT_MULTIBOOT_H */
