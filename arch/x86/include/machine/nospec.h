/* SPDX-License-Identifier: GPL-2.0-only */
/* Indexes that a guest chooses (Spectre v1). */
#ifndef MACHINE_NOSPEC_H
#define MACHINE_NOSPEC_H

#include "common/types.h"

/*
 * index, if it is below size; else 0, also where the CPU speculates past the check that comes
 * before this. No branch, so nothing to mispredict. docs/security.md lists who calls it.
 */
static inline u64 index_nospec(u64 index, u64 size)
{
	u64 mask;

	__asm__("cmp %2, %1; sbb %0, %0" : "=&r"(mask) : "r"(index), "re"(size) : "cc");
	return index & mask;
}

#endif
