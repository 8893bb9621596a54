/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/iommu/ivrs.c */
/* The IVRS table: the input follows its header of 48 bytes. */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/iommu/ivrs.h"
#include "test/unit/fake/fake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct ivrs_dev devices[IVRS_NR_IDS];
	struct ivrs ivrs = { .dev = devices };
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
	for (unsigned int id = 0; id < IVRS_NR_IDS; id++)
		if (devices[id].unit != IVRS_NO_UNIT && devices[id].unit >= ivrs.nr_units)
			abort();
	for (unsigned int i = 0; i < ivrs.nr_memory; i++)
		if (ivrs.memory[i].end < ivrs.memory[i].start || ivrs.memory[i].last < ivrs.memory[i].first)
			abort();
	fake_free_arrays();
	free(table);
	return 0;
}
