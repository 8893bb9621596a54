/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/symbols.h"

const char *symbol_lookup(u64 addr, u64 *offset)
{
	u64 start = (uintptr_t)__text_start, end = (uintptr_t)__text_end;
	u32 lo = 0, hi = symbols_count;

	if (addr < start || addr >= end)
		return NULL;
	/* The last symbol that starts at or below @addr. */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (symbols_offset[mid] <= addr - start)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	*offset = addr - start - symbols_offset[lo - 1];
	return symbols_text + symbols_name[lo - 1];
}
