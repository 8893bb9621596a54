/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/iommu/dmar.c */
/*
 * The DMAR table: the input follows its header. Whatever the parser accepts lies within the table.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/iommu/dmar.h"
#include "test/unit/fake/fake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_entry(const struct dmar *d, const struct dmar_entry *e)
{
	if (e->scope + e->nr_scopes > d->nr_scopes)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct dmar d = { 0 };
	u8 *p = malloc(size ? size : 1);
	int rc;

	memcpy(p, data, size);
	rc = dmar_parse(p, size, &d);
	if (rc && (!d.why || d.bad_offset > size))
		abort();
	for (unsigned int i = 0; !rc && i < d.nr_units; i++)
		check_entry(&d, &d.units[i]);
	for (unsigned int i = 0; !rc && i < d.nr_reserved; i++)
		check_entry(&d, &d.reserved[i]);
	for (unsigned int i = 0; !rc && i < d.nr_scopes; i++)
		if (!d.scopes[i].depth || d.scopes[i].path < p ||
		    d.scopes[i].path + 2 * d.scopes[i].depth > p + size)
			abort();
	fake_free_arrays();
	free(p);
	return 0;
}
