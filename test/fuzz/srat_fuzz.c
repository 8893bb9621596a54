/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/acpi/srat.c */
/*
 * SRAT and SLIT. The input: SRAT's revision, how many of the rest are SRAT's entries (times 16),
 * these entries, and what follows SLIT's header.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/acpi/srat.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/mm.h"
#include "test/unit/fake/fake.h"

/* For numa_init(), which is not called. */
struct boot_info boot_info;
u32 lapic_id(void) { return 0; }
int acpi_find(const char *sig, unsigned int n, const struct acpi_table **t) { return -1; }
void heap_set_nodes(unsigned int nodes, const struct heap_span *spans, unsigned int nr_spans) { }

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A table of its own length, so that ASan sees what is read beyond it. */
static struct acpi_table *make_table(const u8 *data, size_t size, size_t first)
{
	struct acpi_table *t = calloc(1, first + size);

	memcpy((u8 *)t + first, data, size);
	return t;
}

static void check_spans(const struct srat *s)
{
	for (unsigned int i = 0; i < s->nr_spans; i++) {
		const struct heap_span *a = &s->spans[i];

		if (a->node >= s->nr_nodes)
			abort();
		if (i && (a->first < a[-1].first || (a->first < a[-1].end && a->node != a[-1].node)))
			abort();
	}
}

static void check_distances(const struct srat *s, const u8 (*d)[MAX_NODES])
{
	for (unsigned int i = 0; i < s->nr_nodes; i++)
		for (unsigned int j = 0; j < s->nr_nodes; j++)
			if (d[i][j] != d[j][i] || (i == j ? d[i][j] != 10 : d[i][j] < 11))
				abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 distance[MAX_NODES][MAX_NODES];
	struct srat s = { 0 };
	struct acpi_table *t;
	size_t entries;

	if (size < 2 || size > 4096)
		return 0;
	entries = min((size_t)data[1] * 16, size - 2);
	t = make_table(data + 2, entries, sizeof(*t) + 12);
	t->revision = data[0];
	if (srat_parse(t, sizeof(*t) + 12 + entries, &s)) {
		if (s.nr_nodes > MAX_NODES)
			abort();
		check_spans(&s);
		for (u32 id = 0; id < 300; id += 7)
			if (srat_cpu(t, sizeof(*t) + 12 + entries, &s, id) > s.nr_nodes)
				abort();
		free(t);
		size -= 2 + entries;
		t = make_table(data + 2 + entries, size, sizeof(*t));
		if (slit_parse(t, sizeof(*t) + size, &s, distance))
			check_distances(&s, (const u8 (*)[MAX_NODES])distance);
	}
	free(t);
	fake_free_arrays();
	return 0;
}
