/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/p2m.c common/memory_op.c common/physmap.c common/grant.c common/grant_map.c */
/* SOURCES: common/grant_copy.c common/spinlock.c */
/*
 * Memory with nothing mocked between the hypercall and the free lists: heap.c, p2m.c, memory_op.c,
 * physmap.c and grant*.c together. Domain 0 has a mirror for devices, domain 1 has none.
 *
 * state() records each translation, each frame's owner and references, and each domain's counts. An
 * operation that fails for want of memory must leave all of it as it was.
 */
#include "test/unit/unit.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include <public/errno.h>
#include <public/memory.h>

#include "arch/x86/iommu/iommu.h"
#include "common/grant_internal.h"
#include "common/hypercall.h"

#include "test/unit/formats.h"
#include "test/unit/real_heap.h"

#define GIB_FRAMES BIT(18)
#define NR_FRAMES (2 * GIB_FRAMES)	/* the second gigabyte only in tests that ask for it */
#define HEAP_FIRST MiB(2)
#define RAM_GFNS 16			/* each domain's, from gfn 0 on */
#define SUPER 0x2000			/* gfn of a 2 MiB page that each domain has */
#define FREE 0x4000			/* gfn where nothing is mapped */
#define REF 8

static struct page_info frames[NR_FRAMES];
static struct domain *dom0, *guest;

static const struct p2m_format format = NESTED_FORMAT;

struct iommu_caps iommu_caps = {
	.format = MIRROR_FORMAT(9), .levels = 4, .nr_ids = 16,
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
		free_list[0][o] = NIL;
	nr_free_pages = nr_total_pages = nr_claimed = node_free[0] = 0;
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
	assert_non_null(dom0->p2m.arch.iommu_root);
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

/* Hashes each 4 KiB translation of a tree, whatever the sizes of its entries. */
static u64 hash_tree(const struct p2m_format *f, const u64 *table, unsigned int level, gfn_t gfn,
		     u64 hash)
{
	for (u64 i = 0; i < 512; i++) {
		gfn_t at = gfn + (i << 9 * (level - 1));
		bool leaf = level == 1 || (table[i] & f->superpage_mask) == f->superpage;

		if (!table[i])
			continue;
		if (!leaf) {
			hash = hash_tree(f, mfn_to_virt((table[i] & 0xffffffffff000ull) >> PAGE_SHIFT), level - 1, at,
					 hash);
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

		s.translations[i] = hash_tree(&format, d->p2m.arch.root, 4, 0, 1);
		s.figures = mix(mix(s.figures, d->tot_pages), d->shared_info_gfn);
		for (grant_ref_t ref = 0; ref < 2 * REF; ref++)
			s.figures = mix(mix(s.figures, grant_entry(gt, ref)->flags), grant_active(gt, ref)->writers);
		for (unsigned int h = 0; h < gt->nr_maptrack * MAPTRACK_PER_FRAME; h++)
			if (gt->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME].state != MT_FREE)
				s.figures = mix(s.figures, h);
		/*
		 * A failing operation may add tables, handles and grant frames: they stay with
		 * their domain.
		 */
		s.pages += d->p2m.nr_tables + gt->nr_maptrack + (gt->maptrack != NULL) + 2 * gt->nr_frames;
		s.pages += d->e820 != NULL;
	}
	s.mirror = hash_tree(&iommu_caps.format, dom0->p2m.arch.iommu_root, iommu_caps.levels, 0, 1);
	for (mfn_t m = 0; m < FAKE_RAM >> PAGE_SHIFT; m++)
		if (frames[m].owner != OWNER_KEEL && frames[m].owner != OWNER_FREE &&
		    !(frames[m].flags & PGF_XEN_HEAP && frames[m].ref == 1))
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

static long populate(unsigned int op, gfn_t gfn, unsigned int order)
{
	u64 gfns[1] = { gfn };
	struct xen_memory_reservation r = { .extent_start = (u64)gfns, .nr_extents = 1,
					    .extent_order = order, .domid = DOMID_SELF };

	return do_memory_op(op, (u64)&r, 0, 0, 0) == 1 ? 0 : -1;
}

static grant_handle_t handle;

static long map_at(gfn_t gfn)
{
	struct gnttab_map_grant_ref op = { .host_addr = gfn << PAGE_SHIFT, .flags = GNTMAP_host_map,
					   .ref = REF, .dom = current->domain == dom0 ? 1 : 0 };

	assert_int_equal(do_grant_table_op(GNTTABOP_map_grant_ref, (u64)&op, 1, 0, 0), 0);
	handle = op.handle;
	return op.status;
}

static long op_foreign_at(gfn_t gfn)
{
	u64 idx = 6;
	s32 err = 1;
	struct xen_add_to_physmap_batch op = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign,
					       .size = 1,
		.u.foreign_domid = 1, .idxs = (u64)&idx, .gpfns = (u64)&gfn, .errs = (u64)&err };

	assert_int_equal(do_memory_op(XENMEM_add_to_physmap_batch, (u64)&op, 0, 0, 0), 0);
	return err;
}

static long op_acquire(void)
{
	u64 gfn = FREE;
	struct xen_mem_acquire_resource op = { .domid = 1, .nr_frames = 1, .frame = 2,
					       .frame_list = (u64)&gfn, .type = XENMEM_resource_grant_table };

	return do_memory_op(XENMEM_acquire_resource, (u64)&op, 0, 0, 0);
}

static long op_setup(void)
{
	u64 list[4];
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 4, .frame_list = (u64)list };

	assert_int_equal(do_grant_table_op(GNTTABOP_setup_table, (u64)&op, 1, 0, 0), 0);
	return op.status;
}

static long op_memory_map_set(void)
{
	u8 entries[40] = { 0 };
	struct xen_foreign_memory_map op = { .domid = 1, .map = { 2, (u64)entries } };

	return do_memory_op(XENMEM_set_memory_map, (u64)&op, 0, 0, 0);
}

static long op_move(void) { return add(XENMAPSPACE_gmfn, SUPER + 7, FREE); }
static long op_move_onto_ram(void) { return add(XENMAPSPACE_gmfn, SUPER + 7, 3); }
static long op_move_onto_superpage(void) { return add(XENMAPSPACE_gmfn, 3, SUPER + 7); }
static long op_populate(void) { return populate(XENMEM_populate_physmap, FREE, 0); }
static long op_populate_in_superpage(void) { return populate(XENMEM_populate_physmap, SUPER + 7, 0);
					     }
static long op_populate_2m(void) { return populate(XENMEM_populate_physmap, FREE, 9); }
static long op_decrease(void) { return populate(XENMEM_decrease_reservation, SUPER + 7, 0); }
static long op_decrease_2m(void) { return populate(XENMEM_decrease_reservation, SUPER, 9); }
static long op_shared_info(void) { return add(XENMAPSPACE_shared_info, 0, FREE); }
static long op_shared_info_in_superpage(void) { return add(XENMAPSPACE_shared_info, 0, SUPER + 7); }
static long op_grant_frame(void) { return add(XENMAPSPACE_grant_table, 3, FREE); }
static long op_map(void) { return map_at(FREE); }
static long op_map_in_superpage(void) { return map_at(SUPER + 7); }
static long op_foreign(void) { return op_foreign_at(FREE); }
static long op_foreign_in_superpage(void) { return op_foreign_at(SUPER + 7); }

enum who { GUEST = 1, DOM0 = 2, BOTH = 3 };

static const struct {
	const char *name;
	long (*fn)(void);
	enum who who;		/* only Dom0 has the mirror */
} operations[] = {
	{ "move a page", op_move, BOTH },
	{ "move a page onto another", op_move_onto_ram, BOTH },
	{ "move a page into a superpage", op_move_onto_superpage, BOTH },
	{ "populate a page", op_populate, BOTH },
	{ "populate a page in a superpage", op_populate_in_superpage, BOTH },
	{ "populate a superpage", op_populate_2m, BOTH },
	{ "give up a page", op_decrease, BOTH },
	{ "give up a superpage", op_decrease_2m, BOTH },
	{ "map shared_info", op_shared_info, BOTH },
	{ "map shared_info in a superpage", op_shared_info_in_superpage, BOTH },
	{ "map a frame of the grant table", op_grant_frame, BOTH },
	{ "grow the grant table", op_setup, BOTH },
	{ "map a grant", op_map, BOTH },
	{ "map a grant in a superpage", op_map_in_superpage, BOTH },
	{ "map a foreign page", op_foreign, DOM0 },
	{ "map a foreign page in a superpage", op_foreign_in_superpage, DOM0 },
	{ "acquire a frame of a grant table", op_acquire, DOM0 },
	{ "set a memory map", op_memory_map_set, DOM0 },
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
		if (operations[i].who & GUEST)
			fail_each_allocation(i, &guest);
		if (operations[i].who & DOM0)
			fail_each_allocation(i, &dom0);
	}
}

/* --- Undoing takes no memory --- */

static void take_all_memory(void)
{
	while (heap_alloc_pages(0))
		;
	assert_int_equal(heap_free_pages(), 0);
}

static void undoing_takes_no_memory(void **unused)
{
	struct xen_remove_from_physmap rem = { .domid = DOMID_SELF, .gpfn = FREE + 1 };
	struct gnttab_unmap_grant_ref unmap = { .host_addr = FREE << PAGE_SHIFT };
	struct domain *who[] = { guest, dom0 };

	for (unsigned int i = 0; i < 2; i++) {
		struct state before;

		start();
		who[0] = guest, who[1] = dom0;
		fake_run_on(0, who[i]->vcpu[0]);
		before = state();
		assert_int_equal(map_at(FREE), 0);
		assert_int_equal(add(XENMAPSPACE_shared_info, 0, FREE + 1), 0);
		take_all_memory();
		unmap.handle = handle;
		assert_int_equal(do_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&unmap, 1, 0, 0), 0);
		assert_int_equal(unmap.status, GNTST_okay);
		assert_int_equal(do_memory_op(XENMEM_remove_from_physmap, (u64)&rem, 0, 0, 0), 0);
		assert_int_equal(populate(XENMEM_decrease_reservation, SUPER, 9), 0);
		put_ram(who[i], SUPER, 9);
		who[i]->shared_info_gfn = 0;
		struct state after = state();

		assert_int_equal(after.translations[0], before.translations[0]);
		assert_int_equal(after.translations[1], before.translations[1]);
		assert_int_equal(after.figures, before.figures);
	}
}

/* A step frees at most a superpage and what its budget allows, so that each hypercall is short. */
static void tear_down(struct domain *d)
{
	unsigned int steps = 0;
	u64 before;
	int rc;

	d->state = DOMAIN_DYING;
	do {
		before = heap_free_pages();
		rc = p2m_teardown_step(d);
		assert_true(rc == 0 || rc == -ERESTART);
		assert_in_range(heap_free_pages() - before, 0, 512 + 64);
		assert_true(++steps < 100000);
	} while (rc);
	assert_int_equal(virt_to_page(d->p2m.arch.root)->entries, 0);
	assert_int_equal(d->p2m.nr_tables, d->p2m.arch.iommu_root ? 2 : 1);
	p2m_free(d);
}

/* Pages of all sizes, far apart and close together, torn down while no memory is left. */
static void teardown_without_memory(void **unused)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct domain *d;
		u64 shared = 0;

		start();
		d = i ? dom0 : guest;
		heap_add_range(GiB(1), GiB(2));
		put_ram(d, 2 * GIB_FRAMES, 18);
		for (unsigned int j = 0; j < 700; j++)
			put_ram(d, FREE + j, 0);
		for (u64 j = 0; j < 200; j++)
			put_ram(d, (j << 27 | j << 18 | j << 9) % p2m_gfn_limit + (1u << 20), 0);
		fake_run_on(0, d->vcpu[0]);
		assert_int_equal(map_at(4 * GIB_FRAMES), 0);
		for (u64 j = 0; j < 5; j++)	/* pages that others reference stay */
			shared += get_page(mfn_to_page(GIB_FRAMES + 1000 * j), d->id);
		assert_int_equal(shared, 5);
		take_all_memory();
		assert_true(d->tot_pages > GIB_FRAMES);
		tear_down(d);
		assert_int_equal(d->tot_pages, shared);
		for (u64 j = 0; j < 5; j++)
			put_page(mfn_to_page(GIB_FRAMES + 1000 * j));
		assert_int_equal(d->tot_pages, 0);
		assert_non_null(heap_alloc_domain_pages(i ? guest : dom0, 18)); /* one block again */
	}
}

/* --- Tables are the domain's own, and limited --- */

static void a_page_on_its_way_takes_no_memory(void **unused)
{
	u64 tables, from = 3;

	start();
	for (unsigned int i = 0; i < 2; i++) {
		struct domain *d = i ? dom0 : guest;

		fake_run_on(0, d->vcpu[0]);
		from = 3;
		tables = d->p2m.nr_tables;
		for (u64 j = 0; j < 3000; j++) {
			u64 to = (j * 0x40201 << 9) % (p2m_gfn_limit - (1u << 20)) + (1u << 20);

			assert_int_equal(add(XENMAPSPACE_gmfn, from, to), 0);
			from = to;
			/*
			 * The tables to the page's new place and to its last one, in each of two
			 * trees.
			 */
			assert_in_range(d->p2m.nr_tables, tables, tables + 4 * 3);
		}
		assert_int_equal(add(XENMAPSPACE_gmfn, from, 3), 0);
		assert_in_range(d->p2m.nr_tables, tables, tables + 2 * 3);
	}
}

/* A gfn far from all others needs three tables in each tree: all of them are made, or none. */
static void no_table_without_an_entry(void **unused)
{
	for (unsigned int i = 0; i < 2; i++) {
		FAKE_EACH_FAILURE(n) {
			struct domain *d;
			u64 tables;
			long rc;

			start();
			d = i ? dom0 : guest;
			fake_run_on(0, d->vcpu[0]);
			tables = d->p2m.nr_tables;
			fake_fail_nth(n);
			rc = add(XENMAPSPACE_gmfn, 3, BIT(30));
			fake_fail_nth(0);
			assert_int_equal(rc, fake_failure_happened() ? -ENOMEM : 0);
			if (rc)
				assert_int_equal(d->p2m.nr_tables, tables);
		}
	}
}

/* A hostile guest gets no more tables than its limit, and can still have its own pages back. */
static void tables_are_limited(void **unused)
{
	u64 free, n = 0, gfn;

	start();
	guest->max_pages = guest->tot_pages + 2000;
	free = heap_free_pages();
	for (gfn = FREE; populate(XENMEM_populate_physmap, gfn, 0) == 0; gfn += 512)
		n++;
	assert_int_equal(guest->p2m.nr_tables, p2m_max_tables(guest));
	assert_in_range(n, 200, 1000);
	assert_in_range(free - heap_free_pages(), n, n + p2m_max_tables(guest));
	assert_int_equal(add(XENMAPSPACE_gmfn, 3, gfn), -ENOMEM);
	assert_int_equal(map_at(gfn), GNTST_general_error);
	/* What needs no table still works; unmapping makes room. */
	assert_int_equal(add(XENMAPSPACE_gmfn, 3, FREE + 1), 0);
	assert_int_equal(populate(XENMEM_decrease_reservation, FREE + 512, 0), 0);
	assert_int_equal(populate(XENMEM_decrease_reservation, FREE + 1024, 0), 0);
	assert_int_equal(populate(XENMEM_populate_physmap, gfn, 0), 0);
	/* The limit is raised. */
	guest->paging_mempool = (p2m_max_tables(guest) + 64) << PAGE_SHIFT;
	for (n = 0; n < 20; n++)
		assert_int_equal(populate(XENMEM_populate_physmap, gfn += 512, 0), 0);
}

/*
 * The default limit is enough for memory in 4 KiB pages, with holes, and grant mappings far apart.
 */
static void honest_maps_fit(void **unused)
{
	static const u64 sizes[] = { MiB(16), MiB(512), GiB(64), GiB(4096) };

	start();
	nr_total_pages = GiB(8192) >> PAGE_SHIFT;
	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
		u64 pages = sizes[i] >> PAGE_SHIFT, need = pages / 512 + pages / 512 / 512 + 4 + 8 * 3;

		guest->max_pages = dom0->max_pages = pages;
		guest->max_maptrack_frames = dom0->max_maptrack_frames = 1024;
		need += 1024 * MAPTRACK_PER_FRAME / 512;
		assert_true(p2m_max_tables(guest) >= need);
		assert_true(p2m_max_tables(dom0) >= 2 * need + BIT(17));
		/* libxl's formula: 1 MiB a vCPU and 8 KiB a MiB. */
		assert_true(256 + 2 * (pages >> 8) >= pages / 512 + pages / 512 / 512 + 4);
		assert_true(p2m_max_tables(guest) <= pages / 256 + 256 + 512);
	}
}

static void superpages_come_where_nothing_is(void **unused)
{
	struct page_info *pg;
	struct state before, after;
	enum p2m_type t;

	start();
	before = state();
	assert_int_equal(populate(XENMEM_populate_physmap, 0, 9), -1);
	after = state();
	assert_same(&before, &after);
	heap_add_range(GiB(1), GiB(2));
	pg = heap_alloc_domain_pages(guest, 18);
	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, 0, page_to_mfn(pg), 18, P2M_RAM), -EBUSY);
	assert_int_equal(p2m_set(guest, GIB_FRAMES, page_to_mfn(pg), 18, P2M_RAM), 0);
	assert_int_equal(p2m_set(guest, GIB_FRAMES, INVALID_MFN, 18, P2M_HOLE), -EBUSY);
	/* A device's memory has no references, so any part of it can be unmapped. */
	assert_int_equal(p2m_set(guest, 8 * GIB_FRAMES, 0x200 * GIB_FRAMES, 18, P2M_MMIO), 0);
	assert_int_equal(p2m_set(guest, 8 * GIB_FRAMES, INVALID_MFN, 18, P2M_HOLE), 0);
	p2m_get(guest, 8 * GIB_FRAMES + 5, &t, NULL);
	assert_int_equal(t, P2M_HOLE);
	p2m_write_unlock(guest);
	/* Two megabytes of it are given up, at once and in pieces. */
	assert_int_equal(populate(XENMEM_decrease_reservation, GIB_FRAMES + 512, 9), 0);
	assert_int_equal(populate(XENMEM_decrease_reservation, GIB_FRAMES + 1025, 0), 0);
	assert_int_equal(populate(XENMEM_decrease_reservation, GIB_FRAMES + 1024, 9), -1);
	put_ram(guest, GIB_FRAMES + 1024, 0);
	put_ram(guest, GIB_FRAMES + 1025, 0);
	assert_int_equal(populate(XENMEM_decrease_reservation, GIB_FRAMES + 1024, 9), 0);
	assert_int_equal(guest->tot_pages, GIB_FRAMES + RAM_GFNS + 512 - 2 * 512);
	/* Orders that only one of the two trees supports are not used. */
	iommu_caps.format.max_order = 0;
	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(p2m_max_order(dom0), 0);
	assert_int_equal(populate(XENMEM_populate_physmap, FREE, 9), -1);
	assert_int_equal(populate(XENMEM_decrease_reservation, SUPER, 9), 0);
	iommu_caps.format.max_order = 9;
}

/* Rows that break one rule each; and what a hole is, in which a larger page would have room. */
static void what_no_entry_can_map(void **state)
{
	const gfn_t limit = p2m_gfn_limit, gfn = 8 * GIB_FRAMES;
	const struct { gfn_t gfn; mfn_t mfn; unsigned int order; } rows[] = {
		{ gfn + 1, gfn, 9 }, { gfn, gfn + 1, 9 }, { gfn, gfn, 5 }, { 0, 0, 27 },
		{ gfn + 1024, gfn, 9 }, { gfn + 1124, gfn, 0 },
	};
	/* without tables, beside a page, where nothing can be */
	const gfn_t holes[] = { gfn - 1, gfn + 1122, gfn + 1124 };
	unsigned int order;
	enum p2m_type t;

	start();
	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, gfn + 1124, gfn, 0, P2M_MMIO), 0);
	p2m_gfn_limit = gfn + 1124;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(p2m_set(guest, rows[i].gfn, rows[i].mfn, rows[i].order, P2M_MMIO), -EINVAL);
	assert_int_equal(p2m_set(guest, gfn + 1123, gfn, 0, P2M_MMIO), 0);
	for (unsigned int i = 0; i < ARRAY_LEN(holes); i++) {
		order = 18;
		t = P2M_RAM;
		assert_true(p2m_get(guest, holes[i], &t, &order) == INVALID_MFN);
		assert_int_equal(t, P2M_HOLE);
		assert_int_equal(order, 0);
	}
	p2m_gfn_limit = limit;
	p2m_write_unlock(guest);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(without_memory_nothing_changes),
	UNIT_TEST(undoing_takes_no_memory),
	UNIT_TEST(teardown_without_memory),
	UNIT_TEST(a_page_on_its_way_takes_no_memory),
	UNIT_TEST(no_table_without_an_entry),
	UNIT_TEST(tables_are_limited),
	UNIT_TEST(honest_maps_fit),
	UNIT_TEST(superpages_come_where_nothing_is),
	UNIT_TEST(what_no_entry_can_map),
};

UNIT_MAIN(tests)
