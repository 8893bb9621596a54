/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: */
/*
 * Nodes: what SRAT and SLIT say, tables that are odd or broken, and from which node the real heap
 * takes memory. The machine has 5 GiB; the border between two nodes is in the middle of a gigabyte.
 */
#include "test/unit/unit.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include <public/errno.h>

/* The sources themselves: each test starts with their state. */
#include "common/heap.c"
#include "arch/x86/acpi/srat.c"

#define GIB BIT(18)		/* in frames */
#define FIRST 256
#define BORDER (GIB * 5 / 2)
#define FRAMES (GIB * 5)

struct acpi_info acpi;
struct boot_info boot_info;
static struct page_info all_frames[FRAMES];
static u8 *tables[2];		/* SRAT, SLIT; NULL: the firmware has none */
static struct domain *d;

bool mfn_valid(mfn_t mfn) { return mfn >= FIRST && mfn < FRAMES; }
u32 lapic_id(void) { return 0; }

int acpi_find(const char *sig, unsigned int n, const struct acpi_table **t)
{
	*t = (const void *)tables[strcmp(sig, "SRAT") != 0];
	assert_int_equal(n, 0);
	return *t ? 0 : -ENODEV;
}

/* All memory is free, and there is one node. */
static void reset_heap(void)
{
	memset(free_list, 0xff, sizeof(free_list));
	memset(node_free, 0, sizeof(node_free));
	memset(all_frames, 0xff, sizeof(all_frames));
	nr_free_pages = nr_total_pages = nr_claimed = nr_spans = 0;
	nr_nodes = 1;
	heap_add_range(FIRST << PAGE_SHIFT, FRAMES << PAGE_SHIFT);
}

static int start(void **state)
{
	static u8 *ram;

	if (!ram) {
		ram = mmap(NULL, FRAMES << PAGE_SHIFT, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_ptr_not_equal(ram, MAP_FAILED);
		fake_ram = ram;
	}
	fake_reset();
	ASAN_UNPOISON_MEMORY_REGION(ram, FAKE_RAM);
	memset(node_pages, 0, sizeof(node_pages));
	memset(node_distance, 0, sizeof(node_distance));
	memset(&srat, 0, sizeof(srat));
	table = NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(tables); i++) {
		free(tables[i]);
		tables[i] = NULL;
	}
	frame_table = all_frames;
	max_mfn = FRAMES;
	reset_heap();
	d = fake_domain(3, 1);
	d->max_pages = FRAMES;
	reset_heap();
	boot_info.nr_ranges = 1;
	boot_info.ranges[0] = (struct boot_range){ FIRST << PAGE_SHIFT, (FRAMES - FIRST) << PAGE_SHIFT,
						   BOOT_RANGE_RAM, 0 };
	fake_last_message[0] = 0;
	return 0;
}

/* --- Tables --- */

/* Exactly as long as it says, so that ASan sees what is read beyond it. */
static u8 *grow(unsigned int which, size_t n)
{
	u8 *t = tables[which];
	u32 len = t ? get32(t + 4) : 0;

	tables[which] = t = realloc(t, len + n);
	memset(t + len, 0, n);
	len += (u32)n;
	memcpy(t + 4, &len, 4);
	return t + len - n;
}

static u8 *entry(u8 type, u8 len)
{
	u8 *e;

	if (!tables[0]) {
		grow(0, 48);
		tables[0][8] = 3;
	}
	e = grow(0, len);
	e[0] = type;
	e[1] = len;
	return e;
}

static void cpu(u32 apic_id, u32 domain, u32 flags)
{
	u8 *e = entry(apic_id < 255 ? 0 : 2, apic_id < 255 ? 16 : 24);

	if (apic_id < 255) {
		memcpy(e + 8, &domain, 4);
		e[8] = 0xee; /* not a part of it */
		e[2] = (u8)domain;
		e[3] = (u8)apic_id;
		memcpy(e + 4, &flags, 4);
	} else {
		memcpy(e + 4, &domain, 4);
		memcpy(e + 8, &apic_id, 4);
		memcpy(e + 12, &flags, 4);
	}
}

static void memory(u64 base, u64 end, u32 domain)
{
	u8 *e = entry(1, 40);

	end -= base;
	memcpy(e + 2, &domain, 4);
	memcpy(e + 8, &base, 8);
	memcpy(e + 16, &end, 8);
	e[28] = 1;
}

/* Two domains, 0x10007 and 2, the second one with more memory; their parts are not in order. */
static void two_nodes(void)
{
	cpu(0, 0x10007, 1);
	cpu(1, 2, 1);
	memory(BORDER << PAGE_SHIFT, GiB(16), 2); /* more than there is */
	memory(GiB(1), BORDER << PAGE_SHIFT, 0x10007);
	memory(0, 0xa0000, 0x10007);
	memory(MiB(1), GiB(1), 0x10007);
	cpu(300, 2, 1);
	cpu(2, 0x10007, 0); /* is not there */
}

static void slit(const u8 *distances, u64 n)
{
	grow(1, 36);
	memcpy(grow(1, 8), &n, 8);
	memcpy(grow(1, n * n), distances, n * n);
}

static u64 sum(const u64 *pages)
{
	u64 all = 0;

	for (unsigned int i = 0; i < MAX_NODES; i++)
		all += pages[i];
	return all;
}

static void firmware_names_two_nodes(void **state)
{
	two_nodes();
	entry(5, 2); /* of another kind */
	numa_init();
	assert_int_equal(nr_nodes, 2);
	assert_true(srat.domain[0] == 0x10007 && srat.domain[1] == 2);
	assert_int_equal(node_pages[0], BORDER - FIRST);
	assert_int_equal(node_pages[1], FRAMES - BORDER);
	assert_true(node_distance[0][0] == 10 && node_distance[0][1] == 20 && node_distance[1][0] == 20);
	assert_int_equal(nr_spans, 2);
	assert_non_null(strstr(fake_last_message, "Node 1 (proximity domain 2): 2560 MiB"));
	assert_int_equal(this_cpu()->node, 0);
	assert_int_equal(numa_node_of_cpu(1), 1);
	assert_int_equal(numa_node_of_cpu(300), 1);
	assert_null(strstr(fake_last_message, "SRAT"));
	assert_int_equal(numa_node_of_cpu(2), 0);
	assert_non_null(strstr(fake_last_message, "APIC id 2 is: it counts as node 0"));
	assert_int_equal(node_of(BORDER - 1), 0);
	assert_int_equal(node_of(BORDER), 1);
}

static void old_tables_have_short_domains(void **state)
{
	two_nodes();
	tables[0][8] = 1;
	numa_init();
	assert_int_equal(nr_nodes, 2);
	assert_true(srat.domain[0] == 7 && srat.domain[1] == 2);
}

/* One has no memory, and is near to node 1. */
static void a_node_without_memory(void **state)
{
	static const u8 distances[] = { 10, 31, 21,  31, 10, 17,  21, 17, 10 };
	struct pcpu *other = pcpus[1];

	cpu(0, 0, 1);
	cpu(1, 2, 1);
	memory(0, 0, 2);
	memory(BORDER << PAGE_SHIFT, FRAMES << PAGE_SHIFT, 1);
	memory(0, BORDER << PAGE_SHIFT, 0);
	slit(distances, 3);
	numa_init();
	assert_int_equal(nr_nodes, 3);
	assert_true(srat.domain[1] == 2 && srat.domain[2] == 1);
	assert_true(node_distance[0][1] == 21 && node_distance[1][2] == 17 && node_distance[2][0] == 31);
	assert_true(!node_pages[1] && !node_free[1]);
	assert_int_equal(sum(node_free), nr_free_pages);
	other->node = numa_node_of_cpu(1);
	fake_run_on(1, d->vcpu[0]);
	assert_in_range(virt_to_mfn(alloc_page()), BORDER, FRAMES);
	fake_run_on(0, d->vcpu[0]);
	assert_in_range(virt_to_mfn(alloc_page()), FIRST, BORDER);
	other->node = 0;
}

static void no_sense(void)
{
	numa_init();
	assert_int_equal(nr_nodes, 1);
	assert_int_equal(node_free[0], nr_free_pages);
	assert_int_equal(numa_node_of_cpu(1), 0);
	assert_non_null(strstr(fake_last_message, "SRAT makes no sense"));
	start(NULL);
}

static void tables_without_sense_are_ignored(void **state)
{
	two_nodes();
	memory(GiB(2), GiB(2) + MiB(1), 2); /* in the other one's */
	no_sense();
	two_nodes();
	memory(GiB(15), GiB(17), 0x10007); /* begins in the other one's */
	no_sense();
	two_nodes();
	memory(GiB(20), GiB(19), 2);
	no_sense();
	two_nodes();
	memory(~0ull << 20, 0x100000, 2); /* beyond all addresses */
	no_sense();
	two_nodes();
	entry(1, 40)[1] = 39; /* and the last byte is of the next one */
	no_sense();
	two_nodes();
	entry(0, 15);
	no_sense();
	two_nodes();
	entry(7, 4)[1] = 5;
	no_sense();
	two_nodes();
	entry(7, 4)[1] = 0;
	no_sense();
	two_nodes();
	memory((BORDER << PAGE_SHIFT) - MiB(1), (BORDER << PAGE_SHIFT) + MiB(1), 0x10007); /* ends in it */
	no_sense();
	for (u32 i = 0; i < 65; i++)
		cpu(i, i * 3, 1);
	no_sense();
	two_nodes();
	memory(GiB(6), GiB(20), 1);
	memory(GiB(7), GiB(8), 1);
	memory(GiB(9), GiB(10), 2); /* in the other one's, behind a shorter one */
	no_sense();
	/* The same one's memory may overlap, and counts once. */
	two_nodes();
	memory(GiB(3), GiB(4), 2);
	memory(GiB(4), GiB(6), 2);
	numa_init();
	assert_int_equal(nr_nodes, 2);
	assert_int_equal(node_pages[0], BORDER - FIRST);
	assert_int_equal(node_pages[1], FRAMES - BORDER);
}

static void most_nodes(void **state)
{
	for (u32 i = 0; i < 64; i++)
		cpu(i, i * 3, 1);
	numa_init(); /* none has memory: all that there is counts for the first one */
	assert_int_equal(nr_nodes, 64);
	assert_true(all_nodes() == ~0ull);
	assert_int_equal(node_free[0], FRAMES - FIRST);
	assert_int_equal(numa_node_of_cpu(63), 63);
}

static void a_machine_of_one_node(void **state)
{
	numa_init();
	assert_int_equal(nr_nodes, 1);
	cpu(0, 5, 1);
	memory(0, GiB(5), 5);
	numa_init();
	assert_true(nr_nodes == 1 && !fake_last_message[0] && all_nodes() == 1);
	assert_int_equal(numa_node_of_cpu(77), 0);
}

/* Memory has no APIC id, and comes first here. */
static void memory_is_no_cpu(void **state)
{
	memory(BORDER << PAGE_SHIFT, FRAMES << PAGE_SHIFT, 1);
	memory(0, BORDER << PAGE_SHIFT, 0);
	cpu(0, 0, 1);
	numa_init();
	assert_int_equal(this_cpu()->node, 1);
	this_cpu()->node = 0;
}

static void distances_without_sense_are_ignored(void **state)
{
	static const u8 odd[][9] = {
		{ 10, 0, 21,  0, 10, 0,  22, 0, 10 },	/* not the same both ways */
		{ 11, 0, 21,  0, 10, 0,  21, 0, 10 },
		{ 10, 0, 10,  0, 10, 0,  10, 0, 10 },	/* no farther than itself */
		{ 10, 0, 0,  0, 10, 0,  0, 0, 10 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(odd) + 3; i++) {
		u64 n = i == ARRAY_LEN(odd) ? 2 : 1ull << 32;

		start(NULL);
		cpu(0, 0, 1);
		cpu(1, 2, 1);
		slit(odd[min(i, 3u)], 3);
		if (i >= ARRAY_LEN(odd)) /* one domain is missing; a count that is too large */
			memcpy(tables[1] + 36, &n, 8);
		if (i == ARRAY_LEN(odd) + 2)
			tables[1][4] = 40; /* not even a count */
		numa_init();
		assert_int_equal(nr_nodes, 2);
		assert_true(node_distance[0][1] == 20 && node_distance[1][1] == 10);
	}
	start(NULL);
	cpu(0, 0, 1);
	cpu(1, 50, 1);
	slit(odd[0], 2); /* a domain far beyond it */
	numa_init();
	assert_int_equal(node_distance[0][1], 20);
	set_distances();
	assert_non_null(strstr(fake_last_message, "SLIT's distances make no sense"));
}

/* --- The heap --- */

static const struct heap_span halves[] = { { FIRST, BORDER, 0 }, { BORDER, FRAMES, 1 } };

static void make_nodes(void)
{
	heap_set_nodes(2, halves, 2);
	memset(node_distance, 20, sizeof(node_distance));
	for (unsigned int i = 0; i < 2; i++)
		node_distance[i][i] = 10;
}

static unsigned int node(const struct page_info *pg)
{
	assert_non_null(pg);
	return page_to_mfn(pg) >= BORDER;
}

static void free_memory_goes_to_its_node(void **state)
{
	make_nodes();
	assert_int_equal(node_free[0], BORDER - FIRST);
	assert_int_equal(node_free[1], FRAMES - BORDER);
	assert_int_equal(nr_free_pages, FRAMES - FIRST);
	assert_int_equal(node(alloc_domain_pages_on(d, 18, 2, 0)), 1);
	assert_int_equal(node(alloc_domain_pages_on(d, 18, 2, 0)), 1);
	assert_null(alloc_domain_pages_on(d, 18, 2, 0));
	assert_int_equal(node(alloc_domain_pages_on(d, 17, 2, 0)), 1);
	assert_int_equal(node_free[1], 0);
	assert_null(alloc_domain_pages_on(d, 0, 2, 0));
	assert_null(alloc_domain_pages_on(d, 0, 4, 0)); /* there is no such node */
	assert_int_equal(node(alloc_domain_pages_on(d, 9, 2, ~0ull)), 0);
}

/* The halves of the gigabyte at the border are never one. */
static void nodes_do_not_merge(void **state)
{
	struct page_info *a, *b;

	make_nodes();
	a = alloc_domain_pages_on(d, 17, 1, 0);
	b = alloc_domain_pages_on(d, 17, 2, 0);
	assert_int_equal(page_to_mfn(a) ^ page_to_mfn(b), BIT(17)); /* buddies */
	for (u64 i = 0; i < BIT(17); i += 512) {
		put_pages(a + i, 9);
		put_pages(b + i, 9);
	}
	assert_int_equal(node_free[0], BORDER - FIRST);
	assert_int_equal(node_free[1], FRAMES - BORDER);
	assert_ptr_equal(alloc_domain_pages_on(d, 17, 2, 0), b);
	/* A range over the border, as of a module, is split there. */
	a = alloc_domain_pages_on(d, 17, 1, 0);
	assert_int_equal(page_to_mfn(a + BIT(17)), BORDER);
	heap_add_range(GIB * 2 << PAGE_SHIFT, GIB * 3 << PAGE_SHIFT);
	assert_int_equal(node_free[0], BORDER - FIRST);
	assert_int_equal(node_free[1], FRAMES - BORDER);
	assert_int_equal(nr_free_pages, FRAMES - FIRST);
}

static void a_domain_has_one_home(void **state)
{
	make_nodes();
	heap_place(d, 3);
	assert_int_equal(d->home, 1); /* which is the larger one */
	while (alloc_domain_pages_on(d, 9, 2, 0) && node_free[1] > node_free[0] / 2)
		;
	d->tot_pages = 0;
	heap_place(d, 3); /* node 0 has more now */
	assert_true(d->home == 0 && d->nodes == 3);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(node(alloc_domain_pages(d, 9)), 0);
	assert_true(node_free[0] < node_free[1]); /* still there */
	heap_place(d, 3);
	assert_int_equal(d->home, 0);
	while (node_free[0] >= 512)
		assert_int_equal(node(alloc_domain_pages(d, 9)), 0);
	assert_int_equal(node(alloc_domain_pages(d, 9)), 1);
	heap_place(d, 2);
	assert_true(d->home == 1 && d->nodes == 2);
	assert_int_equal(node(alloc_domain_pages(d, 0)), 1);
}

/* Rather 2 MiB pages near by than a gigabyte far away; but none near by, then far away. */
static void a_gigabyte_is_not_fetched_from_afar(void **state)
{
	make_nodes();
	heap_place(d, 1);
	assert_int_equal(node(alloc_domain_pages(d, 18)), 0);
	assert_true(node_free[0] > GIB); /* but not in one piece */
	assert_null(alloc_domain_pages(d, 18));
	while (node_free[0] >= GIB)
		assert_int_equal(node(alloc_domain_pages(d, 9)), 0);
	assert_int_equal(node(alloc_domain_pages(d, 18)), 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(firmware_names_two_nodes, start),
	cmocka_unit_test_setup(old_tables_have_short_domains, start),
	cmocka_unit_test_setup(a_node_without_memory, start),
	cmocka_unit_test_setup(tables_without_sense_are_ignored, start),
	cmocka_unit_test_setup(most_nodes, start),
	cmocka_unit_test_setup(a_machine_of_one_node, start),
	cmocka_unit_test_setup(memory_is_no_cpu, start),
	cmocka_unit_test_setup(distances_without_sense_are_ignored, start),
	cmocka_unit_test_setup(free_memory_goes_to_its_node, start),
	cmocka_unit_test_setup(nodes_do_not_merge, start),
	cmocka_unit_test_setup(a_domain_has_one_home, start),
	cmocka_unit_test_setup(a_gigabyte_is_not_fetched_from_afar, start),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
