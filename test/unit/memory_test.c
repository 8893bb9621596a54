/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/memory_op.c common/physmap.c */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include <public/errno.h>
#include <public/memory.h>

#include "common/boot_info.h"
#include "common/grant.h"
#include "common/hypercall.h"
#include "common/pci.h"
#include "common/platform.h"

static struct domain *dom0, *guest;
static void *grant_frames[4];
struct boot_info boot_info;

void *grant_table_frame(struct domain *d, unsigned int idx)
{
	if (idx >= ARRAY_LEN(grant_frames))
		return NULL;
	if (!grant_frames[idx]) {
		grant_frames[idx] = alloc_page();
		if (grant_frames[idx])
			share_keel_page(grant_frames[idx], d);
	}
	return grant_frames[idx];
}

static unsigned int mapped_calls;

void grant_table_mapped(struct domain *d, unsigned int idx, gfn_t gfn)
{
	mapped_calls++;
}

static int setup(void **state)
{
	fake_reset();
	memset(grant_frames, 0, sizeof(grant_frames));
	dom0 = fake_domain(0, 1);
	guest = fake_domain(1, 1);
	guest->max_grant_frames = 4;
	dom0->max_grant_frames = 4;
	fake_run_on(0, dom0->vcpu[0]);
	return 0;
}

static long op(unsigned int cmd, void *arg)
{
	return do_memory_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static enum p2m_type type_at(struct domain *d, gfn_t gfn)
{
	enum p2m_type t;

	p2m_read_lock(&d->p2m);
	p2m_get(d, gfn, &t, NULL);
	p2m_read_unlock(&d->p2m);
	return t;
}

static mfn_t mfn_at(struct domain *d, gfn_t gfn)
{
	enum p2m_type t;
	mfn_t mfn;

	p2m_read_lock(&d->p2m);
	mfn = p2m_get(d, gfn, &t, NULL);
	p2m_read_unlock(&d->p2m);
	return mfn;
}

static struct xen_memory_reservation reservation(u64 *gfns, u64 n, unsigned int order, domid_t id)
{
	return (struct xen_memory_reservation){ .extent_start = (u64)gfns, .nr_extents = n,
						.extent_order = order, .domid = id };
}

static void populated_pages_are_cleared_and_counted(void **state)
{
	u64 gfns[3] = { 10, 11, 500 };
	struct xen_memory_reservation r = reservation(gfns, 3, 0, 1);
	static const u8 zeros[4096];

	assert_int_equal(op(XENMEM_populate_physmap, &r), 3);
	assert_int_equal(guest->tot_pages, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(type_at(guest, gfns[i]), P2M_RAM);
		assert_memory_equal(mfn_to_virt(mfn_at(guest, gfns[i])), zeros, sizeof(zeros));
	}
}

static void big_extents_must_be_aligned(void **state)
{
	u64 gfns[2] = { 512, 1025 };
	struct xen_memory_reservation r = reservation(gfns, 2, 9, 1);

	op(XENMEM_populate_physmap, &r); /* preempted after the first */
	assert_true(fake_continuation.continued);
	assert_int_equal(fake_continuation.args[0], XENMEM_populate_physmap | 1 << 6);
	assert_int_equal(guest->tot_pages, 512);
	assert_int_equal(do_memory_op(fake_continuation.args[0], (unsigned long)&r, 0, 0, 0), 1);
	r.extent_order = 4;
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EINVAL);
	r.extent_order = 40;
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EINVAL);
}

static u64 on_nodes, on_others;	/* what was asked for last */

struct page_info *alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes, u64 others)
{
	on_nodes = nodes;
	on_others = others;
	return nodes || others ? alloc_domain_pages(d, order) : NULL;
}

/* Only a control domain chooses a node, and gets none from elsewhere if it insists. */
static void nodes_are_chosen(void **state)
{
	static const struct { u32 flags; bool guest; long rc; u64 nodes, others; } cases[] = {
		{ 0, false, 1, 7, 7 },			/* nobody asks for a node */
		{ XENMEMF_exact_node_request, false, 1, 7, 7 },
		{ 2 << 8, false, 1, 2, ~0ull },
		{ 2 << 8 | XENMEMF_exact_node_request, false, 1, 2, 0 },
		{ 3 << 8, false, 1, 0, ~0ull },		/* no such node */
		{ 3 << 8 | XENMEMF_exact_node_request, false, 0, 0, 0 },
		{ 2 << 8 | XENMEMF_vnode, false, 0, 0, 0 },
		{ 2 << 8, true, 1, 7, 7 },
		{ 2 << 8 | XENMEMF_exact_node_request, true, 0, 0, 0 },
	};

	nr_nodes = 2;
	for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
		u64 gfn = 700 + i;
		struct xen_memory_reservation r = reservation(&gfn, 1, 0, cases[i].guest ? DOMID_SELF : 1);

		on_nodes = on_others = 7;
		r.mem_flags = cases[i].flags;
		if (cases[i].guest)
			fake_run_on(0, guest->vcpu[0]);
		assert_int_equal(op(XENMEM_populate_physmap, &r), cases[i].rc);
		assert_true(on_nodes == cases[i].nodes && on_others == cases[i].others);
	}
}

static void limits_stop_populate_with_a_short_count(void **state)
{
	u64 gfns[4] = { 1, 2, 3, 4 };
	struct xen_memory_reservation r = reservation(gfns, 4, 0, 1);

	guest->max_pages = 2;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 2);
	guest->max_pages = 100;
	gfns[0] = 100;
	gfns[1] = p2m_gfn_limit;
	r.nr_extents = 2;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	assert_int_equal(guest->tot_pages, 3);	/* the page that could not be mapped was freed */
	r.nr_extents = ~0ull;
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EINVAL);
	r.nr_extents = 1;
	r.mem_flags = XENMEMF_populate_on_demand;
	r.domid = DOMID_SELF;	/* a guest's, or the control domain's own */
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EOPNOTSUPP);
	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EOPNOTSUPP);
}

/*
 * libxl builds a guest whose memory is below its maxmem: the guest gets all of that memory at once,
 * and the limit is raised so that building can go on.
 */
static void populated_on_demand_is_there_at_once(void **state)
{
	u64 gfns[4] = { 512, 1, p2m_gfn_limit, 2 };
	struct xen_memory_reservation r = reservation(gfns, 1, 9, 1);

	guest->max_pages = 100 + 256;
	r.mem_flags = XENMEMF_populate_on_demand;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	assert_int_equal(guest->tot_pages, 512);
	assert_int_equal(guest->max_pages, 512 + 256);
	r = reservation(gfns + 1, 2, 0, 1);
	r.mem_flags = XENMEMF_populate_on_demand;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	assert_int_equal(type_at(guest, 1), P2M_RAM);
	assert_int_equal(guest->max_pages, 513 + 256);	/* not raised by what failed */
	guest->max_pages = 5000;	/* nor does a page that fits */
	r = reservation(gfns + 1, 1, 0, 1);
	r.mem_flags = XENMEMF_populate_on_demand;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	assert_int_equal(guest->max_pages, 5000);
	guest->max_pages = 514;	/* other calls keep to the limit */
	r = reservation(gfns + 3, 1, 0, 1);
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	gfns[3] = 3;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 0);
}

static void populate_is_continued(void **state)
{
	u64 gfns[40];
	struct xen_memory_reservation r = reservation(gfns, 40, 0, 1);

	for (unsigned int i = 0; i < 40; i++)
		gfns[i] = 100 + i;
	fake_preempt_nth(35);
	op(XENMEM_populate_physmap, &r);
	assert_true(fake_continuation.continued);
	assert_int_equal(fake_continuation.args[0], XENMEM_populate_physmap | 35 << 6);
	assert_int_equal(guest->tot_pages, 35);
	assert_int_equal(do_memory_op(fake_continuation.args[0], (unsigned long)&r, 0, 0, 0), 40);
	assert_int_equal(guest->tot_pages, 40);
}

static void each_allocation_may_fail(void **state)
{
	FAKE_EACH_FAILURE(n) {
		u64 gfns[2] = { 10, 11 };
		struct xen_memory_reservation r = reservation(gfns, 2, 0, 1);
		u64 live;
		long rc;

		setup(NULL);
		live = fake_live_pages();
		fake_fail_nth(n);
		rc = op(XENMEM_populate_physmap, &r);
		fake_fail_nth(0);
		assert_int_equal(guest->tot_pages, rc);
		assert_int_equal(fake_live_pages(), live + (u64)rc);
	}
}

static void balloon_gives_back_and_takes(void **state)
{
	u64 gfn = 20;
	struct xen_memory_reservation r = reservation(&gfn, 1, 0, DOMID_SELF);

	fake_run_on(0, guest->vcpu[0]);
	fake_populate(guest, 20);
	assert_int_equal(op(XENMEM_decrease_reservation, &r), 1);
	assert_int_equal(type_at(guest, 20), P2M_HOLE);
	assert_int_equal(guest->tot_pages, 0);
	assert_int_equal(op(XENMEM_decrease_reservation, &r), 0);	/* no page there */
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	assert_int_equal(guest->tot_pages, 1);
	r.extent_order = 18;
	/* a guest's extents are 2 MiB at most */
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EINVAL);
}

/* With iommu=off, a frame of Dom0's direct map can only go back to its own gfn. */
static void pinned_frames_come_back_to_their_gfn(void **state)
{
	struct page_info *pg = alloc_domain_pages(dom0, 0);
	mfn_t mfn = page_to_mfn(pg);
	u64 gfn = mfn;
	struct xen_memory_reservation r = reservation(&gfn, 1, 0, 0);

	dom0->direct_mapped = true;
	pg->flags = PGF_PINNED_GFN;
	pg->ref = 0;	/* as put_page() leaves it */
	dom0->tot_pages = 0;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 1);
	assert_int_equal(mfn_at(dom0, gfn), mfn);
	assert_int_equal(pg->ref, 1);
	assert_int_equal(dom0->tot_pages, 1);
	/* a frame in use is not given out again */
	gfn = mfn;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 0);
	assert_int_equal(dom0->tot_pages, 1);
}

static void guests_touch_only_themselves(void **state)
{
	u64 gfn = 20;
	struct xen_memory_reservation r = reservation(&gfn, 1, 0, 0);
	struct xen_add_to_physmap add = { .domid = 0, .space = XENMAPSPACE_shared_info, .gpfn = 5 };
	struct xen_remove_from_physmap rem = { .domid = 0, .gpfn = 5 };
	struct xen_foreign_memory_map map = { .domid = 1 };
	struct xen_mem_acquire_resource acq = { .domid = 0, .type = XENMEM_resource_grant_table };
	struct xen_pod_target pod = { .domid = 1 };
	struct xen_memory_map mm = { 0 };
	s32 err;
	u64 idx = 5;
	struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign,
						  .size = 1, .idxs = (u64)&idx, .gpfns = (u64)&gfn, .errs = (u64)&err };

	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(op(XENMEM_populate_physmap, &r), -EPERM);
	assert_int_equal(op(XENMEM_decrease_reservation, &r), -EPERM);
	assert_int_equal(op(XENMEM_claim_pages, &r), -EPERM);
	r.domid = DOMID_SELF;
	assert_int_equal(op(XENMEM_claim_pages, &r), -EPERM);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EPERM);
	assert_int_equal(op(XENMEM_remove_from_physmap, &rem), -EPERM);
	assert_int_equal(op(XENMEM_set_memory_map, &map), -EPERM);
	assert_int_equal(op(XENMEM_acquire_resource, &acq), -EPERM);
	assert_int_equal(op(XENMEM_set_pod_target, &pod), -EPERM);
	assert_int_equal(op(XENMEM_machine_memory_map, &mm), -EPERM);
	batch.u.foreign_domid = 0;
	assert_int_equal(op(XENMEM_add_to_physmap_batch, &batch), -EPERM);
}

static void shared_info_replaces_ram_and_moves(void **state)
{
	struct xen_add_to_physmap add = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info,
					  .gpfn = 1 };
	u32 ref;

	fake_run_on(0, guest->vcpu[0]);
	fake_populate(guest, 1);
	ref = virt_to_page(guest->shared_info)->ref;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), 0);
	assert_int_equal(type_at(guest, 1), P2M_SHARED);
	assert_int_equal(mfn_at(guest, 1), virt_to_mfn(guest->shared_info));
	assert_int_equal(guest->tot_pages, 0);
	add.gpfn = 2;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), 0);
	assert_int_equal(type_at(guest, 1), P2M_HOLE);
	assert_int_equal(type_at(guest, 2), P2M_SHARED);
	assert_int_equal(virt_to_page(guest->shared_info)->ref, ref + 1);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), 0);	/* once more at the same place */
	assert_int_equal(virt_to_page(guest->shared_info)->ref, ref + 1);
	add.idx = 1;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EINVAL);
}

static void grant_frames_and_bad_spaces(void **state)
{
	struct xen_add_to_physmap add = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = 3,
					  .gpfn = 7 };

	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), 0);
	assert_int_equal(mfn_at(guest, 7), virt_to_mfn(grant_frames[3]));
	add.idx = 4;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EINVAL);
	add.idx = BIT(31);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EINVAL);
	add.idx = BIT(40);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EINVAL);
	add.space = XENMAPSPACE_gmfn_foreign;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -ENOSYS);
	add.space = XENMAPSPACE_gmfn_range;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EOPNOTSUPP);
	add.space = 77;
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -ENOSYS);
	assert_int_equal(op(XENMEM_add_to_physmap, (void *)8), -EFAULT);
}

static void page_moves_within_a_domain(void **state)
{
	struct xen_add_to_physmap add = { .domid = 1, .space = XENMAPSPACE_gmfn, .idx = 30, .gpfn = 31 };
	mfn_t mfn = fake_populate(guest, 30);

	fake_populate(guest, 31);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), 0);
	assert_int_equal(type_at(guest, 30), P2M_HOLE);
	assert_int_equal(mfn_at(guest, 31), mfn);
	assert_int_equal(guest->tot_pages, 1);
	assert_int_equal(mfn_to_page(mfn)->ref, 1);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EINVAL);
}

static void foreign_pages_outlive_their_owner(void **state)
{
	mfn_t mfn = fake_populate(guest, 40);
	u64 idxs[3] = { 40, 41, 40 }, gfns[3] = { 50, 51, 52 };
	s32 errs[3] = { 1, 1, 1 };
	struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign,
					      .size = 3, .u.foreign_domid = 1, .idxs = (u64)idxs, .gpfns = (u64)gfns,
					      .errs = (u64)errs };
	struct xen_remove_from_physmap rem = { .domid = DOMID_SELF, .gpfn = 50 };

	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), 0);
	assert_int_equal(errs[0], 0);
	assert_int_equal(errs[1], -EINVAL);
	assert_int_equal(errs[2], 0);
	assert_int_equal(type_at(dom0, 50), P2M_FOREIGN);
	assert_int_equal(mfn_at(dom0, 52), mfn);
	assert_int_equal(mfn_to_page(mfn)->ref, 3);
	/* its owner frees it */
	p2m_write_lock(&guest->p2m);
	p2m_set(guest, 40, INVALID_MFN, 0, P2M_HOLE);
	p2m_write_unlock(guest);
	assert_int_equal(mfn_to_page(mfn)->ref, 2);
	assert_int_equal(guest->tot_pages, 1);
	assert_int_equal(op(XENMEM_remove_from_physmap, &rem), 0);
	rem.gpfn = 52;
	assert_int_equal(op(XENMEM_remove_from_physmap, &rem), 0);
	assert_int_equal(guest->tot_pages, 0);
	assert_int_equal(op(XENMEM_remove_from_physmap, &rem), -EINVAL);
}

static void batch_errors(void **state)
{
	u64 idx = 1, gfn = 2;
	s32 err;
	struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign,
					      .size = 1, .u.foreign_domid = 9, .idxs = (u64)&idx, .gpfns = (u64)&gfn,
					      .errs = (u64)&err };

	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), -ESRCH);
	b.u.foreign_domid = 0;	/* not the caller itself */
	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), 0);
	assert_int_equal(err, -EINVAL);
	b.u.foreign_domid = 1;
	b.idxs = 8;
	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), -EFAULT);
	b.idxs = (u64)&idx;
	b.errs = 8;
	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), -EFAULT);
	b.size = 0;
	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), 0);
}

/* A page that a grant handle refers to cannot be changed by other hypercalls. */
static void grant_mappings_stay(void **state)
{
	mfn_t mfn = fake_populate(guest, 40);
	struct xen_add_to_physmap add = { .domid = 0, .space = XENMAPSPACE_shared_info, .gpfn = 60 };
	struct xen_remove_from_physmap rem = { .domid = 0, .gpfn = 60 };

	assert_true(get_page(mfn_to_page(mfn), 1));
	p2m_write_lock(&dom0->p2m);
	assert_int_equal(p2m_set(dom0, 60, mfn, 0, P2M_GRANT_RW), 0);
	p2m_write_unlock(dom0);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -EINVAL);
	assert_int_equal(op(XENMEM_remove_from_physmap, &rem), -EINVAL);
	assert_int_equal(type_at(dom0, 60), P2M_GRANT_RW);
}

/* A foreign mapping would outlive the grant by which the other domain has the page. */
static void grant_mappings_are_not_passed_on(void **state)
{
	mfn_t mfn = fake_populate(dom0, 40);
	u64 idx = 60, gfn = 50;
	s32 err = 0;
	struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign,
					      .size = 1, .u.foreign_domid = 1, .idxs = (u64)&idx, .gpfns = (u64)&gfn,
					      .errs = (u64)&err };

	assert_true(get_page(mfn_to_page(mfn), 0));
	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, 60, mfn, 0, P2M_GRANT_RW), 0);
	p2m_write_unlock(guest);
	assert_int_equal(op(XENMEM_add_to_physmap_batch, &b), 0);
	assert_int_equal(err, -EINVAL);
	assert_int_equal(mfn_to_page(mfn)->ref, 2);
}

static void mmio_gives_way(void **state)
{
	struct xen_add_to_physmap add = { .domid = 0, .space = XENMAPSPACE_shared_info, .gpfn = 61 };

	p2m_write_lock(&dom0->p2m);
	assert_int_equal(p2m_set(dom0, 61, 61, 0, P2M_MMIO), 0);
	p2m_write_unlock(dom0);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), 0);
	assert_int_equal(type_at(dom0, 61), P2M_SHARED);
}

static void nothing_enters_a_dying_domain(void **state)
{
	u64 gfn = 10;
	struct xen_memory_reservation r = reservation(&gfn, 1, 0, 1);
	struct xen_add_to_physmap add = { .domid = 1, .space = XENMAPSPACE_shared_info, .gpfn = 5 };
	u64 live = fake_live_pages();

	guest->state = DOMAIN_DYING;
	assert_int_equal(op(XENMEM_populate_physmap, &r), 0);
	assert_int_equal(op(XENMEM_add_to_physmap, &add), -ESRCH);
	assert_int_equal(fake_live_pages(), live);
}

static void grant_table_can_be_acquired(void **state)
{
	u64 gfns[2] = { 70, 71 };
	struct xen_mem_acquire_resource a = { .domid = 1, .type = XENMEM_resource_grant_table };

	assert_int_equal(op(XENMEM_acquire_resource, &a), 0);
	assert_int_equal(a.nr_frames, 4);
	a.frame_list = (u64)gfns;
	a.nr_frames = 2;
	assert_int_equal(op(XENMEM_acquire_resource, &a), 0);
	assert_int_equal(type_at(dom0, 71), P2M_FOREIGN);
	assert_int_equal(mfn_at(dom0, 71), virt_to_mfn(grant_frames[1]));
	a.frame = 3;
	assert_int_equal(op(XENMEM_acquire_resource, &a), -EINVAL);
	a.frame = ~0ull;
	assert_int_equal(op(XENMEM_acquire_resource, &a), -EINVAL);
	a.frame = 0;
	a.id = 1;
	assert_int_equal(op(XENMEM_acquire_resource, &a), -EINVAL);
	a.type = XENMEM_resource_ioreq_server;
	assert_int_equal(op(XENMEM_acquire_resource, &a), -EOPNOTSUPP);
	a.pad = 1;
	assert_int_equal(op(XENMEM_acquire_resource, &a), -EINVAL);
	a.domid = 9;
	assert_int_equal(op(XENMEM_acquire_resource, &a), -ESRCH);
}

static void memory_maps(void **state)
{
	struct { u64 addr, size; u32 type; } __attribute__((packed)) in[2] = { { 0, 4096, 1 },
			{ 8192, 1, 2 } }, out[4];
	struct xen_foreign_memory_map set = { .domid = 1, .map = { 2, (u64)in } };
	struct xen_memory_map get = { 4, (u64)out };

	assert_int_equal(sizeof(in[0]), 20);
	assert_int_equal(op(XENMEM_set_memory_map, &set), 0);
	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(op(XENMEM_memory_map, &get), 0);
	assert_int_equal(get.nr_entries, 2);
	assert_memory_equal(in, out, sizeof(in));
	get.nr_entries = 1;
	assert_int_equal(op(XENMEM_memory_map, &get), 0);
	assert_int_equal(get.nr_entries, 1);
	get.buffer = 8;
	assert_int_equal(op(XENMEM_memory_map, &get), -EFAULT);
	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(op(XENMEM_memory_map, &get), -ENOSYS);	/* this domain has no memory map */
	set.map.nr_entries = MAX_E820 + 1;
	assert_int_equal(op(XENMEM_set_memory_map, &set), -EINVAL);
	set.map.nr_entries = 2;
	set.map.buffer = 8;
	assert_int_equal(op(XENMEM_set_memory_map, &set), -EFAULT);
	set.map.buffer = (u64)in;
	fake_fail_nth(1);
	assert_int_equal(op(XENMEM_set_memory_map, &set), -ENOMEM);
	fake_fail_nth(0);
	assert_int_equal(guest->nr_e820, 2);
	boot_info.nr_ranges = 1;
	boot_info.ranges[0] = (struct boot_range){ 0x1000, 0x2000, 1, 0 };
	get = (struct xen_memory_map){ 4, (u64)out };
	assert_int_equal(op(XENMEM_machine_memory_map, &get), 0);
	assert_int_equal(get.nr_entries, 1);
	assert_int_equal(out[0].size, 0x2000);
}

static void figures_and_claims(void **state)
{
	domid_t id = 1;
	struct xen_pod_target pod = { .domid = 1, .target_pages = 5 };
	struct xen_memory_reservation r = { .nr_extents = 5, .domid = 1 };

	fake_populate(guest, 77);
	guest->max_pages = 50;
	assert_int_equal(op(XENMEM_current_reservation, &id), 1);
	assert_int_equal(op(XENMEM_maximum_reservation, &id), 50);
	assert_int_equal(op(XENMEM_maximum_gpfn, &id), 77);
	assert_int_equal(op(XENMEM_maximum_ram_page, NULL), max_mfn);
	assert_int_equal(op(XENMEM_set_pod_target, &pod), 0);
	assert_int_equal(pod.tot_pages, 1);
	assert_int_equal(op(XENMEM_claim_pages, &r), 0);
	r.nr_extents = 51;
	assert_int_equal(op(XENMEM_claim_pages, &r), -EINVAL);
	r.extent_order = 1;
	assert_int_equal(op(XENMEM_claim_pages, &r), -EINVAL);
	id = 9;
	assert_int_equal(op(XENMEM_current_reservation, &id), -ESRCH);
	assert_int_equal(op(XENMEM_current_reservation, (void *)8), -EFAULT);
}

/* Firmware's reserved memory: two ranges of 00:02.0, and one for all functions. */
bool arch_reserved_memory(unsigned int i, u64 *first, u64 *last, u32 *sbdf)
{
	static const struct { u64 first, last; u32 sbdf; } ranges[] = {
		{ 0x7000, 0x8fff, 0x10 }, { 0x100800, 0x100fff, RESERVED_FOR_ALL }, { 0xa000, 0xafff, 0x10 },
	};

	if (i >= ARRAY_LEN(ranges))
		return false;
	*first = ranges[i].first;
	*last = ranges[i].last;
	*sbdf = ranges[i].sbdf;
	return true;
}

static void reserved_memory(void **state)
{
	struct xen_reserved_device_memory out[4] = { 0 };
	struct xen_reserved_device_memory_map map = { .flags = XENMEM_RDM_ALL, .nr_entries = 4,
						      .buffer = (u64)out };

	assert_int_equal(op(XENMEM_reserved_device_memory_map, &map), 0);
	assert_int_equal(map.nr_entries, 3);
	assert_int_equal(out[0].start_pfn, 7);
	assert_int_equal(out[0].nr_pages, 2);
	assert_int_equal(out[1].start_pfn, 0x100);
	assert_int_equal(out[1].nr_pages, 1);
	map.flags = 0;				/* of 00:00.0: only the range for all */
	assert_int_equal(op(XENMEM_reserved_device_memory_map, &map), 0);
	assert_int_equal(map.nr_entries, 1);
	map.dev.pci.devfn = 0x10;		/* too small: only the needed size is returned */
	memset(out, 0, sizeof(out));
	assert_int_equal(op(XENMEM_reserved_device_memory_map, &map), -ERANGE);
	assert_int_equal(map.nr_entries, 3);
	assert_int_equal(out[0].start_pfn, 7);
	assert_int_equal(out[1].start_pfn, 0);
	map.buffer = 8;
	assert_int_equal(op(XENMEM_reserved_device_memory_map, &map), -EFAULT);
	map.flags = 2;
	assert_int_equal(op(XENMEM_reserved_device_memory_map, &map), -EINVAL);
	assert_int_equal(op(XENMEM_reserved_device_memory_map, (void *)8), -EFAULT);
	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(op(XENMEM_reserved_device_memory_map, &map), -EPERM);
}

/* libxl gives each of these errors a meaning (docs/abi.md, "Rules for all"). */
static void exact_errors(void **state)
{
	assert_int_equal(op(XENMEM_get_sharing_freed_pages, NULL), -ENOSYS);
	assert_int_equal(op(XENMEM_get_sharing_shared_pages, NULL), -ENOSYS);
	assert_int_equal(op(XENMEM_get_vnumainfo, NULL), -EOPNOTSUPP);
	assert_int_equal(op(29, NULL), -ENOSYS);
	assert_int_equal(op(63, NULL), -ENOSYS);
	assert_int_equal(op(5, NULL), -ENOSYS);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {
	TEST(populated_pages_are_cleared_and_counted),
	TEST(big_extents_must_be_aligned),
	TEST(limits_stop_populate_with_a_short_count),
	TEST(nodes_are_chosen),
	TEST(populated_on_demand_is_there_at_once),
	TEST(populate_is_continued),
	TEST(each_allocation_may_fail),
	TEST(balloon_gives_back_and_takes),
	TEST(pinned_frames_come_back_to_their_gfn),
	TEST(guests_touch_only_themselves),
	TEST(shared_info_replaces_ram_and_moves),
	TEST(grant_frames_and_bad_spaces),
	TEST(page_moves_within_a_domain),
	TEST(foreign_pages_outlive_their_owner),
	TEST(grant_mappings_are_not_passed_on),
	TEST(batch_errors),
	TEST(grant_mappings_stay),
	TEST(mmio_gives_way),
	TEST(nothing_enters_a_dying_domain),
	TEST(grant_table_can_be_acquired),
	TEST(memory_maps),
	TEST(figures_and_claims),
	TEST(reserved_memory),
	TEST(exact_errors),
};

UNIT_MAIN(tests)
