/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI's IVRS table: which AMD-Vi units there are, and what is behind each (48882 chapter 5). */
#ifndef ARCH_X86_IOMMU_IVRS_H
#define ARCH_X86_IOMMU_IVRS_H

#include "common/lib.h"

#define IVRS_NR_IDS	65536
#define IVRS_NO_UNIT	0xff
#define IVRS_MAX_UNITS	IVRS_NO_UNIT /* numbers are of 8 bits */

/* What a device's table entry is to let pass: bits as in a device entry. */
#define IVRS_DEV_PASS	0xc7 /* INIT, ExtInt, NMI; LINT0, LINT1 */
#define IVRS_DEV_SYSMGT(flags) ((flags) >> 4 & 3u)

/* One for each device id (bus, device, function) of each segment that has units. */
struct ivrs_dev {
	u16 alias;	/* the id that its requests arrive with */
	u8 unit;	/* index, or IVRS_NO_UNIT */
	u8 flags;
};

/* Zeroed before the first table. */
struct ivrs {
	unsigned int nr_units, nr_memory, nr_ioapics, nr_segments;
	struct ivrs_unit { u32 id; u16 capability; u8 type, flags; u64 base; } *unit; /* id: PCI_SBDF */
	u16 *segment;	/* number << 16 | id, a PCI_SBDF, is entry index << 16 | id of dev */
	struct ivrs_memory {
		u16 segment, first, last;
		u8 access; /* 1: read, 2: write */
		u64 start, end;
	} *memory;
	struct ivrs_ioapic { u8 id; u32 source; } *ioapic;
	struct ivrs_dev *dev; /* IVRS_NR_IDS for each segment; allocated by ivrs_parse() */
};

/*
 * Reads the len bytes of the table into *ivrs. NULL, or what is wrong with it: *at is the offset
 * then.
 */
const char *ivrs_parse(const void *table, size_t len, struct ivrs *ivrs, size_t *at);

/* Where dev has the function; ~0: its segment has no unit. */
u32 ivrs_index(const struct ivrs *ivrs, u32 sbdf);

#endif
