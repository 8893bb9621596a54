/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/p2m.c common/memory_op.c common/physmap.c common/grant.c common/grant_map.c */
/* SOURCES: common/grant_copy.c common/spinlock.c */
/*
 * Memory with nothing mocked between the hypercall and the free lists: heap.c, p2m.c, memory_op.c,
 * physmap.c and grant*.c together. Domain 0 has a mirror for devices, domain 1 has none.
 *
 * state() takes down what all of it says: each translation, each frame's owner and references, each
 * domain's figures. What fails for lack of memory must leave the same behind.
 */
#include "test/unit/unit.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include <public/errno.h>
#include <public/memory.h>

#include "arch/x86/iommu/iommu.h"
#include "common/grant_table.h"
#include "common/hypercall.h"

/* The real allocator, with each of its allocations able to fail. */
#define alloc_pages heap_alloc_pages
#define alloc_domain_pages heap_alloc_domain_pages
#include "common/heap.c"
#undef alloc_pages
#undef alloc_domain_pages

#define GIB_FRAMES BIT(18)
#define NR_FRAMES (2 * GIB_FRAMES)	/* the second gigabyte is in the heap only for who asks for it */
#define HEAP_FIRST MiB(2)
#define RAM_GFNS 16			/* each domain's, from gfn 0 on */
#define SUPER 0x2000			/* gfn of a page of 2 MiB that each has */
#define FREE 0x4000			/* gfn where nothing is */
#define REF 8

static struct page_info frames[NR_FRAMES];
static struct domain *dom0, *guest;

static const struct p2m_format format = {
	.leaf = { [P2M_RAM] = 3, [P2M_SHARED] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1, [P2M_FOREIGN] = 3,
		  [P2M_MMIO] = 3, [P2M_MMIO_RAMLIKE] = 1 },
	.table = 7, .superpage = 0x80, .superpage_mask = 0x80, .max_order = 18, .types = true,
};

struct iommu_caps iommu_caps = {
	.format = { .leaf = { [P2M_RAM] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1, [P2M_FOREIGN] = 3 },
		    .table = 3, .table_level = 0x200, .superpage_mask = 0xe00, .max_order = 9 },
	.levels = 4, .nr_ids = 16,
};

static const struct iommu_ops ops = { .name = "model" };
const struct iommu_ops *iommu_ops = &ops;

void iommu_flush(const struct domain *d)
{
}

bool mfn_valid(mfn_t mfn)
{
	return mfn >= HEAP_FIRST >> PAGE_SHIFT && mfn < NR_FRAMES;
}

void *alloc_pages(unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_pages(order);
}

struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_domain_pages(d, order);
}

void domain_last_page_put(struct domain *d)
{
}

static void heap_restart(void)
{
	if (!fake_ram) {
		u8 *p = mmap(NULL, NR_FRAMES << PAGE_SHIFT, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		assert_ptr_not_equal(p, MAP_FAILED);
		fake_ram = p;
	}
	fake_reset();
	ASAN_UNPOISON_MEMORY_REGION(fake_ram, FAKE_RAM);
	for (unsigned int o = 0; o <= MAX_ORDER; o++)
		free_list[o] = NIL;
	nr_free_pages = nr_total_pages = nr_claimed = 0;
	for (mfn_t m = 0; m < NR_FRAMES; m++)
		frames[m] = (struct page_info){ .owner = OWNER_NONE };
	frame_table = frames;
	max_mfn = NR_FRAMES;
	heap_add_range(HEAP_FIRST, FAKE_RAM);
}

static void put_ram(struct domain *d, gfn_t gfn, unsigned int order)
{
	struct page_info *pg = heap_alloc_domain_pages(d, order);

	assert_non_null(pg);
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, gfn, page_to_mfn(pg), order, P2M_RAM), 0);
	p2m_write_unlock(d);
}

static struct domain *make_domain(domid_t id)
{
	struct domain *d = fake_domain(id, 1);

	assert_int_equal(grant_init(d, 4, 4), 0);
	for (gfn_t gfn = 0; gfn < RAM_GFNS; gfn++)
		put_ram(d, gfn, 0);
	put_ram(d, SUPER, 9);
	return d;
}

static void start(void)
{
	heap_restart();
	p2m_format = &format;
	dom0 = make_domain(0);
	guest = make_domain(1);
	assert_non_null(dom0->p2m.iommu_root);
	assert_int_equal(grant_seed(guest, REF, 0, 5, false), 0);
	assert_int_equal(grant_seed(dom0, REF, 1, 5, false), 0);
	fake_run_on(0, guest->vcpu[0]);
}

/* --- What can be seen --- */

struct state {
	u64 translations[2], mirror, frames, pages, figures;
};

static u64 mix(u64 hash, u64 x)
{
	return (hash ^ x) * 0x100000001b3ull + (hash >> 29);
}

/* Each 4 KiB of a tree, however large the entries are that say it. */
static u64 hash_tree(const struct p2m_format *f, const u64 *table, unsigned int level, gfn_t gfn, u64 hash)
{
	for (u64 i = 0; i < 512; i++) {
		gfn_t at = gfn + (i << 9 * (level - 1));
		bool leaf = level == 1 || (table[i] & f->superpage_mask) == f->superpage;

		if (!table[i])
			continue;
		if (!leaf) {
			hash = hash_tree(f, mfn_to_virt((table[i] & 0xffffffffff000ull) >> PAGE_SHIFT), level - 1, at, hash);
			continue;
		}
		for (u64 j = 0; j < BIT(9 * (level - 1)); j++)
			hash = mix(mix(hash, at + j), (table[i] & ~(level > 1 ? f->superpage : 0)) + (j << PAGE_SHIFT));
	}
	return hash;
}

static struct state state(void)
{
	struct domain *ds[] = { dom0, guest };
	struct state s = { .pages = heap_free_pages() };

	for (unsigned int i = 0; i < 2; i++) {
		struct domain *d = ds[i];
		struct grant_table *gt = d->grant;

		s.translations[i] = hash_tree(&format, d->p2m.root, 4, 0, 1);
		s.figures = mix(mix(mix(s.figures, d->tot_pages), d->shared_info_gfn), gt->nr_frames);
		for (grant_ref_t ref = 0; ref < 2 * REF; ref++)
			s.figures = mix(mix(s.figures, grant_entry(gt, ref)->flags), grant_active(gt, ref)->writers);
		for (unsigned int h = 0; h < gt->nr_maptrack * MAPTRACK_PER_FRAME; h++)
			if (gt->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME].state != MT_FREE)
				s.figures = mix(s.figures, h);
		/* Tables and handles may grow for what then fails: they stay with their domain. */
		s.pages += d->p2m.nr_tables + gt->nr_maptrack + (gt->maptrack != NULL);
	}
	s.mirror = hash_tree(&iommu_caps.format, dom0->p2m.iommu_root, iommu_caps.levels, 0, 1);
	for (mfn_t m = 0; m < FAKE_RAM >> PAGE_SHIFT; m++)
		if (frames[m].owner != OWNER_KEEL && frames[m].owner != OWNER_FREE)
			s.frames = mix(mix(mix(s.frames, m), frames[m].owner), frames[m].ref);
	return s;
}

static void assert_same(const struct state *a, const struct state *b)
{
	assert_int_equal(a->translations[0], b->translations[0]);
	assert_int_equal(a->translations[1], b->translations[1]);
	assert_int_equal(a->mirror, b->mirror);
	assert_int_equal(a->frames, b->frames);
	assert_int_equal(a->pages, b->pages);
	assert_int_equal(a->figures, b->figures);
}

/* --- Hypercalls, each of one item --- */

static long add(unsigned int space, u64 idx, gfn_t gfn)
{
	struct xen_add_to_physmap op = { .domid = DOMID_SELF, .space = space, .idx = idx, .gpfn = gfn };

	return do_memory_op(XENMEM_add_to_physmap, (u64)&op, 0, 0, 0);
}

static long op_move(void) { return add(XENMAPSPACE_gmfn, SUPER + 7, FREE); }
static long op_move_onto_ram(void) { return add(XENMAPSPACE_gmfn, SUPER + 7, 3); }
static long op_move_onto_superpage(void) { return add(XENMAPSPACE_gmfn, 3, SUPER + 7); }

static const struct {
	const char *name;
	long (*fn)(void);
	bool dom0;	/* Dom0's, too: with the mirror */
} operations[] = {
	{ "move a page", op_move, true },
	{ "move a page onto another", op_move_onto_ram, true },
	{ "move a page into a superpage", op_move_onto_superpage, true },
};

static void fail_each_allocation(unsigned int i, struct domain **who)
{
	struct state before, good;
	long rc;

	start();
	fake_run_on(0, (*who)->vcpu[0]);
	assert_int_equal(operations[i].fn(), 0);
	good = state();
	FAKE_EACH_FAILURE(n) {
		start();
		fake_run_on(0, (*who)->vcpu[0]);
		before = state();
		fake_fail_nth(n);
		rc = operations[i].fn();
		fake_fail_nth(0);
		if (fake_failure_happened()) {
			struct state after = state();

			if (!rc)
				fail_msg("%s: the %uth allocation failed, and nobody was told", operations[i].name, n);
			assert_same(&before, &after);
			assert_int_equal(operations[i].fn(), 0);
		} else {
			assert_int_equal(rc, 0);
		}
		struct state end = state();

		assert_same(&good, &end);
	}
}

static void without_memory_nothing_changes(void **state)
{
	for (unsigned int i = 0; i < ARRAY_LEN(operations); i++) {
		fail_each_allocation(i, &guest);
		if (operations[i].dom0)
			fail_each_allocation(i, &dom0);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(without_memory_nothing_changes),
};

UNIT_MAIN(tests)
