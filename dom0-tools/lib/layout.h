/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_LAYOUT_H
#define KEEL_LIB_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <public/hvm/pvh_layout.h>
#include <public/hvm/pvh_start.h>

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

#define LAYOUT_RANGES 5
#define LAYOUT_START_SIZE PVH_START_SIZE(LAYOUT_RANGES)

struct layout {
	uint64_t low_end;		/* RAM from 0 to here */
	uint64_t high_end;		/* and from 4 GiB to here, or 0 */
	uint64_t start_info;		/* one page: start_info, module list, memory map */
	uint64_t cmdline;
	uint64_t ramdisk;
	struct layout_range range[LAYOUT_RANGES];	/* those behind .ranges are zero */
	unsigned int ranges;
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

/* Only its memory, and the map of that. */
void layout_map(struct layout *l, uint64_t memory, bool pci);

/* The layout, as the guest's kernel sees it: LAYOUT_START_SIZE bytes. */
void layout_start_info(const struct layout *l, uint64_t ramdisk_size, struct pvh_start *s);

#endif
