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

/* One for each device id: bus, device, function. */
struct ivrs_dev {
	u16 alias;	/* the id that its requests arrive with */
	u8 unit;	/* index, or IVRS_NO_UNIT */
	u8 flags;
};

/* Zeroed, but for dev, before the first table. */
struct ivrs {
	unsigned int nr_units, nr_memory, nr_ioapics;
	struct ivrs_unit { u16 id, capability; u8 type, flags; u64 base; } *unit;
	struct ivrs_memory {
		u16 first, last;
		u8 access; /* 1: read, 2: write */
		u64 start, end;
	} *memory;
	struct ivrs_ioapic { u8 id; u16 source; } *ioapic;
	struct ivrs_dev *dev; /* IVRS_NR_IDS, the caller's */
};

/*
 * Pure: reads the len bytes of the table into *ivrs. NULL, or what is wrong with it: *at is
 * the offset then.
 */
const char *ivrs_parse(const void *table, size_t len, struct ivrs *ivrs, size_t *at);

#endif
