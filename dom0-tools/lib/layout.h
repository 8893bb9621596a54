/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_LAYOUT_H
#define KEEL_LIB_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <public/hvm/pvh_layout.h>
#include <public/hvm/start_info.h>

#include "lib/error.h"

/* Guest-physical addresses that a PVH guest gets from libxl too. */
#define LAYOUT_HOLE_START	((uint64_t)PVH_ACPI_BASE)
#define LAYOUT_HOLE_END		0x100000000ULL
#define LAYOUT_ACPI		LAYOUT_HOLE_START
#define LAYOUT_ACPI_PAGES	16
#define LAYOUT_SPECIAL_PAGES	8
#define LAYOUT_SPECIAL_GFN	(PVH_CONSOLE_GFN + 1ULL - LAYOUT_SPECIAL_PAGES)

#define LAYOUT_MAX_CMDLINE	4096

/* Types of XENMEM_memory_map and of hvm_memmap_table_entry. */
enum { RANGE_RAM = 1, RANGE_RESERVED = 2, RANGE_ACPI = 3 };

struct layout_range {
	uint64_t start, size;
	uint32_t type;
};

struct layout {
	uint64_t low_end;		/* RAM from 0 to here */
	uint64_t high_end;		/* and from 4 GiB to here, or 0 */
	uint64_t start_info;		/* one page: start_info, module list, memory map */
	uint64_t modlist, memmap;
	uint64_t cmdline;
	uint64_t ramdisk;
	struct layout_range range[5];
	unsigned int ranges;
};

/* start_info, the module list and the memory map share a page (public/hvm/start_info.h). */
struct layout_page {
	struct hvm_start_info info;
	unsigned char pad[64 - sizeof(struct hvm_start_info)];
	struct hvm_modlist_entry module;
	struct hvm_memmap_table_entry
		map[sizeof(((struct layout *)0)->range) / sizeof(struct layout_range)];
};

struct layout_request {
	uint64_t memory;		/* bytes, a multiple of the page size */
	uint64_t kernel_start, kernel_end;
	uint64_t ramdisk_size;
	bool pci;			/* with a PCI hierarchy */
	uint64_t cmdline_size;		/* with the final zero */
};

/* Where everything goes; -ENOMEM tells how much memory the guest would need. */
int layout_make(struct layout *l, const struct layout_request *r, struct keel_error *e);

/* The layout, as the guest's kernel sees it. */
void layout_start_info(const struct layout *l, uint64_t ramdisk_size, struct layout_page *page);

#endif
