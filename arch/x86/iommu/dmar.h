/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMAR table: which VT-d units there are, for which devices (VT-d specification 4.1, chapter
 * 8).
 */
#ifndef ARCH_X86_IOMMU_DMAR_H
#define ARCH_X86_IOMMU_DMAR_H

#include "common/lib.h"

enum { DMAR_SCOPE_ENDPOINT = 1, DMAR_SCOPE_BRIDGE, DMAR_SCOPE_IOAPIC };

/*
 * A device: the function at the end of the path, which begins on bus and goes through bridges
 * (8.3.1).
 */
struct dmar_scope {
	u8 type, id;	/* DMAR_SCOPE_*; id: of an IO-APIC, as the MADT has it */
	u8 bus, depth;
	const u8 *path;	/* depth pairs of device and function; in the table */
};

/*
 * A unit (DRHD, 8.3) at first, or memory that the devices of the scope use (RMRR, 8.4), both
 * inclusive.
 */
struct dmar_entry {
	u64 first, last;
	u16 segment;
	bool all;	/* the unit has all devices of the segment that no other one has */
	unsigned int scope, nr_scopes; /* scopes[scope] and following */
};

/* Zeroed before the first table. */
struct dmar {
	bool irq_remap;
	unsigned int nr_units, nr_reserved, nr_scopes;
	struct dmar_entry *units, *reserved;
	struct dmar_scope *scopes;
	/* Of a table that is refused. */
	size_t bad_offset;
	const char *why;
};

/*
 * Reads the len bytes of a table whose header and checksum are right; *out points into it. Pure. 0,
 * or -EINVAL: why, bad_offset.
 */
int dmar_parse(const void *table, size_t len, struct dmar *out);

#endif
