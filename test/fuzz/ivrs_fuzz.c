/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/iommu/ivrs.c */
/* The IVRS table: the input follows its header of 48 bytes. */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/iommu/ivrs.h"
#include "common/heap.h"
#include "test/unit/fake/fake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Now and then there is no memory. */
void *alloc_pages(unsigned int order)
{
	return order > 10 ? NULL : calloc(1, PAGE_SIZE << order);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct ivrs ivrs = { 0 };
	const char *why;
	size_t at, len = size + 48;
	u8 *table;

	if (size > 1024)
		return 0;
	table = calloc(1, len);
	memcpy(table + 48, data, size);
	why = ivrs_parse(table, len, &ivrs, &at);
	if (ivrs.nr_units > IVRS_MAX_UNITS)
		abort();
	if (why && (at < 48 || at > len))
		abort();
	if (!why && !ivrs.nr_units)
		abort();
	for (u32 id = 0; ivrs.dev && id < ivrs.nr_segments * IVRS_NR_IDS; id++)
		if (ivrs.dev[id].unit != IVRS_NO_UNIT && ivrs.dev[id].unit >= ivrs.nr_units)
			abort();
	free(ivrs.dev);
	fake_free_arrays();
	free(table);
	return 0;
}
