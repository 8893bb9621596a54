/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's MTRRs and PAT: their values are kept and checked; memory types come from the PAT alone.
 */
#ifndef ARCH_X86_HVM_MTRR_H
#define ARCH_X86_HVM_MTRR_H

#include "common/lib.h"

#define MTRR_VCNT_VALUE 8
#define MTRR_CAP_VALUE (MTRR_VCNT_VALUE | BIT(8) | BIT(10))	/* fixed ranges, write-combining */

/* UC, WC, WT, WP, WB (SDM vol. 3, table 12-8). */
static inline bool memory_type_ok(u8 type) { return type <= 6 && type != 2 && type != 3; }

/* Eight types in one register; a PAT may hold UC- (7), too. */
static inline bool memory_types_ok(u64 val, bool pat)
{
	for (unsigned int i = 0; i < 8; i++, val >>= 8)
		if (!memory_type_ok((u8)val) && !(pat && (u8)val == 7))
			return false;
	return true;
}

#endif
