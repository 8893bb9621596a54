/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware's tables of nodes, and what the heap gets to know of them. */
#include "arch/x86/acpi/srat.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/mm.h"
#include "common/printk.h"

#define SRAT_FIRST (sizeof(struct acpi_table) + 12)
#define SLIT_FIRST (sizeof(struct acpi_table) + 8)
#define HERE 10		/* the distance of a node to itself */
#define THERE 20	/* to others, without a SLIT */

enum { PLACE_CPU, PLACE_MEMORY, PLACE_X2APIC_CPU, PLACE_KINDS };
struct place { u8 kind; u32 domain, apic_id; u64 base, len; };

static const struct acpi_table *table;	/* NULL: one node */
static struct srat srat;

/*
 * The next entry that is enabled, from *off on. 1; 0: there are no more, -1: the list is broken.
 * Before revision 2 a domain has 8 bits (ACPI 6.5, table 5.66).
 */
static int next_place(const void *t, size_t len, size_t *off, struct place *p)
{
	static const u8 min_len[PLACE_KINDS] = { 16, 40, 24 }, flags[PLACE_KINDS] = { 4, 28, 12 };

	while (*off + 2 <= len) {
		const u8 *e = (const u8 *)t + *off;

		if (e[1] < 2 || e[1] > len - *off || (e[0] < PLACE_KINDS && e[1] < min_len[e[0]]))
			return -1;
		*off += e[1];
		if (e[0] >= PLACE_KINDS || !(get32(e + flags[e[0]]) & BIT(0)))
			continue;
		*p = (struct place){ .kind = e[0], .apic_id = e[3], .domain = e[2] | (get32(e + 8) & ~0xffu) };
		if (e[0] == PLACE_X2APIC_CPU)
			*p = (struct place){ .kind = e[0], .apic_id = get32(e + 8), .domain = get32(e + 4) };
		else if (e[0] == PLACE_MEMORY)
			*p = (struct place){ .kind = e[0], .domain = get32(e + 2), .base = get64(e + 8),
					     .len = get64(e + 16) };
		if (((const struct acpi_table *)t)->revision < 2)
			p->domain &= 0xff;
		return 1;
	}
	return 0;
}

static unsigned int node_of_domain(const struct srat *s, u32 domain)
{
	unsigned int i = 0;

	while (i < s->nr_nodes && s->domain[i] != domain)
		i++;
	return i;
}

/* false: it ends before it begins. */
static bool add_span(struct srat *s, const struct place *p, unsigned int node)
{
	struct heap_span new = { PFN_UP(p->base), PFN_DOWN(p->base + p->len), (u8)node }, *at;

	array_add(s->spans, s->nr_spans) = new;
	for (at = s->spans + s->nr_spans - 1; at > s->spans && at[-1].first > new.first; at--)
		at[0] = at[-1];
	*at = new;
	return p->base + p->len > p->base;
}

/* What several spans of a node have counts once. false: two nodes have it. */
static bool part_spans(struct srat *s)
{
	struct heap_span last = { 0 }; /* that with the highest end so far */

	for (unsigned int i = 0; i < s->nr_spans; i++) {
		struct heap_span *at = &s->spans[i];

		if (at->first < last.end && at->node != last.node)
			return false;
		at->first = max(at->first, last.end);
		last = at->end > last.end ? *at : last;
	}
	return true;
}

bool srat_parse(const void *t, size_t len, struct srat *s)
{
	size_t off = SRAT_FIRST;
	struct place p;
	int more;

	while ((more = next_place(t, len, &off, &p)) > 0) {
		unsigned int node = node_of_domain(s, p.domain);

		if (node == MAX_NODES || (p.len && !add_span(s, &p, node)))
			return false;
		if (node == s->nr_nodes)
			s->domain[s->nr_nodes++] = p.domain;
	}
	return !more && part_spans(s);
}

unsigned int srat_cpu(const void *t, size_t len, const struct srat *s, u32 apic_id)
{
	size_t off = SRAT_FIRST;
	struct place p;

	while (next_place(t, len, &off, &p) > 0)
		if (p.kind != PLACE_MEMORY && p.apic_id == apic_id)
			return node_of_domain(s, p.domain);
	return s->nr_nodes;
}

bool slit_parse(const void *t, size_t len, const struct srat *s, u8 (*distance)[MAX_NODES])
{
	const u8 *d = (const u8 *)t + SLIT_FIRST;
	u64 n = len < SLIT_FIRST ? 0 : get64(d - 8);

	if (n > len || n * n > len - SLIT_FIRST)
		return false;
	for (unsigned int i = 0; i < s->nr_nodes; i++)
		for (unsigned int j = 0; j < s->nr_nodes; j++) {
			u64 a = s->domain[i], b = s->domain[j];

			if (a >= n || b >= n || d[a * n + b] != d[b * n + a] ||
			    (i == j ? d[a * n + b] != HERE : d[a * n + b] <= HERE))
				return false;
			distance[i][j] = d[a * n + b];
		}
	return true;
}

/* Of the machine's RAM, what the spans have. Spans of one node become one where they meet. */
static void use_spans(struct heap_span *spans)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < srat.nr_spans; i++) {
		for (unsigned int r = 0; r < boot_info.nr_ranges; r++) {
			const struct boot_range *ram = &boot_info.ranges[r];
			mfn_t first = max(PFN_UP(ram->base), spans[i].first);
			mfn_t end = min(PFN_DOWN(ram->base + ram->size), spans[i].end);

			if (ram->type == BOOT_RANGE_RAM && first < end)
				node_pages[spans[i].node] += end - first;
		}
		if (!n || spans[n - 1].node != spans[i].node)
			spans[n++] = spans[i];
	}
	heap_set_nodes(srat.nr_nodes, spans, n);
}

static void set_distances(void)
{
	const struct acpi_table *slit;
	int rc = acpi_find("SLIT", 0, &slit);

	if (!rc && slit_parse(slit, slit->len, &srat, node_distance))
		return;
	if (!rc)
		pr_warn("ACPI: SLIT's distances make no sense: they are ignored");
	for (unsigned int i = 0; i < MAX_NODES; i++)
		for (unsigned int j = 0; j < MAX_NODES; j++)
			node_distance[i][j] = i == j ? HERE : THERE;
}

void numa_init(void)
{
	const struct acpi_table *t;

	if (acpi_find("SRAT", 0, &t))
		return;
	if (!srat_parse(t, t->len, &srat)) {
		pr_warn("ACPI: SRAT makes no sense, or has more than %u nodes: it is ignored", MAX_NODES);
		return;
	}
	if (srat.nr_nodes < 2)
		return;
	table = t;
	set_distances();
	use_spans(srat.spans);
	this_cpu()->node = numa_node_of_cpu(lapic_id());
	for (unsigned int i = 0; i < srat.nr_nodes; i++)
		pr_info("Node %u (proximity domain %u): %lu MiB", i, srat.domain[i], node_pages[i] >> 8);
}

unsigned int numa_node_of_cpu(u32 apic_id)
{
	unsigned int node = table ? srat_cpu(table, table->len, &srat, apic_id) : 0;

	if (table && node == srat.nr_nodes) {
		pr_warn("ACPI: SRAT does not say where the CPU with APIC id %u is: it counts as node 0", apic_id);
		return 0;
	}
	return node;
}
