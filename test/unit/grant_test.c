/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/grant.c common/grant_map.c common/grant_copy.c common/spinlock.c */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include "test/unit/fake/threads.h"

#include <public/errno.h>

#include "common/grant_internal.h"
#include "common/hypercall.h"

#define REF 8
#define SCRATCH 0x1000 /* gfn where nothing is mapped */

static struct domain *dom0, *g, *m; /* g grants, m maps */
static u64 frames_at_start;

static struct domain *with_grants(domid_t id)
{
	struct domain *d = fake_domain(id, 1);

	assert_int_equal(grant_init(d, 4, 2), 0);
	return d;
}

static void as(struct domain *d)
{
	fake_run_on(0, d->vcpu[0]);
}

static void start(void)
{
	dom0 = with_grants(0);
	g = with_grants(1);
	m = with_grants(2);
	as(m);
	frames_at_start = fake_live_pages();
}

static struct grant_entry_v1 *entry(struct domain *d, grant_ref_t ref)
{
	return (struct grant_entry_v1 *)grant_table_frame(d, ref / 512) + ref % 512;
}

/* What the guest does: it fills a page of RAM and grants it with an entry. */
static mfn_t grant(grant_ref_t ref, gfn_t gfn, domid_t to, u16 flags)
{
	mfn_t mfn = fake_populate(g, gfn);

	*entry(g, ref) = (struct grant_entry_v1){ GTF_permit_access | flags, to, (u32)gfn };
	return mfn;
}

static long op(unsigned long cmd, void *arg, unsigned int count)
{
	return do_grant_table_op(cmd, (unsigned long)arg, count, 0, 0);
}

static struct gnttab_map_grant_ref map_op(grant_ref_t ref, gfn_t at, u32 flags)
{
	return (struct gnttab_map_grant_ref){ .host_addr = at << PAGE_SHIFT, .flags = flags, .ref = ref,
					      .dom = 1, .status = 99 };
}

static struct gnttab_map_grant_ref map(grant_ref_t ref, gfn_t at, u32 flags)
{
	struct gnttab_map_grant_ref o = map_op(ref, at, flags);

	assert_int_equal(op(GNTTABOP_map_grant_ref, &o, 1), 0);
	return o;
}

static s16 unmap(grant_handle_t handle, gfn_t at)
{
	struct gnttab_unmap_grant_ref o = { .host_addr = at << PAGE_SHIFT, .handle = handle,
					    .status = 99 };

	assert_int_equal(op(GNTTABOP_unmap_grant_ref, &o, 1), 0);
	return o.status;
}

static enum p2m_type type_at(struct domain *d, gfn_t gfn)
{
	enum p2m_type t;

	p2m_get(d, gfn, &t, NULL);
	return t;
}

static u32 refs(mfn_t mfn)
{
	return mfn_to_page(mfn)->ref;
}

static void mapping_and_unmapping(void **state)
{
	struct gnttab_map_grant_ref o;
	mfn_t mfn;

	start();
	mfn = grant(REF, 5, m->id, 0);
	o = map(REF, SCRATCH, GNTMAP_host_map);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(p2m_get(m, SCRATCH, NULL, NULL), mfn);
	assert_int_equal(type_at(m, SCRATCH), P2M_GRANT_RW);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	assert_int_equal(refs(mfn), 3); /* the granter's, the pin's, the p2m's */
	assert_int_equal(unmap(o.handle, SCRATCH), GNTST_okay);
	assert_int_equal(type_at(m, SCRATCH), P2M_HOLE);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
	assert_int_equal(refs(mfn), 1);
	assert_int_equal(unmap(o.handle, SCRATCH), GNTST_bad_handle);
}

static void read_only_rules(void **state)
{
	struct gnttab_map_grant_ref ro, rw;
	mfn_t mfn;

	start();
	mfn = grant(REF, 5, m->id, GTF_readonly);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_readonly);
	ro = map(REF, SCRATCH, GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(ro.status, GNTST_okay);
	assert_int_equal(type_at(m, SCRATCH), P2M_GRANT_RO);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
	/* A second mapping gets no more rights than the entry allows. */
	assert_int_equal(map(REF, SCRATCH + 1, GNTMAP_host_map).status, GNTST_general_error);
	entry(g, REF)->flags &= (u16)~GTF_readonly;
	rw = map(REF, SCRATCH + 1, GNTMAP_host_map);
	assert_int_equal(rw.status, GNTST_okay);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	/* The writer unmaps, the reader stays, and so does GTF_reading. */
	assert_int_equal(unmap(rw.handle, SCRATCH + 1), GNTST_okay);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_reading);
	assert_int_equal(unmap(ro.handle, SCRATCH), GNTST_okay);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
	assert_int_equal(refs(mfn), 1);
}

static void what_map_refuses(void **state)
{
	struct gnttab_map_grant_ref o;

	start();
	grant(REF, 5, m->id, 0);
	assert_int_equal(map(REF, SCRATCH, 0).status, GNTST_bad_gntref);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_readonly).status, GNTST_bad_gntref);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_device_map).status, GNTST_general_error);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map | GNTMAP_device_map).status,
			 GNTST_general_error);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map | 1u << 4).status, GNTST_general_error);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map | 1u << 3).status, GNTST_general_error);
	assert_int_equal(map(512, SCRATCH, GNTMAP_host_map).status, GNTST_bad_gntref);
	assert_int_equal(map(~0u, SCRATCH, GNTMAP_host_map).status, GNTST_bad_gntref);
	/* GTF_invalid */
	assert_int_equal(map(REF + 1, SCRATCH, GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(map(REF, ~0ull >> PAGE_SHIFT, GNTMAP_host_map).status, GNTST_general_error);
	entry(g, REF)->flags = GTF_accept_transfer;
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_general_error);
	entry(g, REF)->flags = GTF_permit_access;
	entry(g, REF)->domid = 3;
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_general_error);
	entry(g, REF)->domid = m->id;
	entry(g, REF)->frame = 77; /* a hole */
	o = map(REF, SCRATCH, GNTMAP_host_map);
	assert_int_equal(o.status, GNTST_bad_page);
	assert_int_equal(o.handle, ~0u);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
	entry(g, REF)->frame = 5;

	o = map_op(REF, SCRATCH, GNTMAP_host_map);
	o.dom = 9;
	assert_int_equal(op(GNTTABOP_map_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_bad_domain);
	o.dom = DOMID_SELF;
	assert_int_equal(op(GNTTABOP_map_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_bad_domain);
	g->state = DOMAIN_DYING;
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_bad_domain);
	g->state = DOMAIN_ALIVE;
	/* No failed call left a handle or a flag behind. */
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).handle, 0);
}

/* A domain can only grant RAM that it owns: no page that was granted to it, and none of Keel's. */
static void only_own_ram_can_be_granted(void **state)
{
	start();
	grant(REF, 5, m->id, 0);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_okay);
	*entry(m, REF) = (struct grant_entry_v1){ GTF_permit_access, 0, SCRATCH };
	as(dom0);
	struct gnttab_map_grant_ref o = map_op(REF, SCRATCH, GNTMAP_host_map);
	o.dom = m->id;
	assert_int_equal(op(GNTTABOP_map_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_bad_page);
	assert_int_equal(refs(p2m_get(m, SCRATCH, NULL, NULL)), 3);
}

static void the_caller_may_have_anything_at_the_address(void **state)
{
	struct gnttab_map_grant_ref o;
	mfn_t ram;

	start();
	grant(REF, 5, m->id, 0);
	ram = fake_populate(m, SCRATCH);
	p2m_write_lock(&m->p2m);
	assert_int_equal(p2m_set(m, SCRATCH + 1, 3, 0, P2M_MMIO), 0);
	p2m_write_unlock(m);
	assert_int_equal(m->tot_pages, 1);
	o = map(REF, SCRATCH, GNTMAP_host_map);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(m->tot_pages, 0); /* its RAM there is gone */
	assert_int_equal(mfn_to_page(ram)->owner, OWNER_FREE);
	assert_int_equal(map(REF, SCRATCH + 1, GNTMAP_host_map).status, GNTST_okay);
	assert_int_equal(type_at(m, SCRATCH + 1), P2M_GRANT_RW);
}

static void the_first_use_decides_the_frame(void **state)
{
	struct gnttab_map_grant_ref o1, o2;
	mfn_t mfn, other;

	start();
	mfn = grant(REF, 5, m->id, 0);
	other = fake_populate(g, 6);
	o1 = map(REF, SCRATCH, GNTMAP_host_map);
	/* The granter changes an entry in use. */
	entry(g, REF)->frame = 6;
	o2 = map(REF, SCRATCH + 1, GNTMAP_host_map);
	assert_int_equal(o2.status, GNTST_okay);
	assert_int_equal(p2m_get(m, SCRATCH + 1, NULL, NULL), mfn);
	assert_int_equal(refs(other), 1);
	entry(g, REF)->domid = 0;
	as(dom0);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_general_error);
	as(m);
	assert_int_equal(unmap(o1.handle, SCRATCH), GNTST_okay);
	assert_int_equal(unmap(o2.handle, SCRATCH + 1), GNTST_okay);
	as(dom0);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_okay);
	assert_int_equal(p2m_get(dom0, SCRATCH, NULL, NULL), other);
}

static void uses_are_counted_and_limited(void **state)
{
	struct gnttab_map_grant_ref o[255];
	struct gnttab_map_grant_ref more;

	start();
	grant(REF, 5, m->id, 0);
	for (unsigned int i = 0; i < 255; i++) {
		o[i] = map(REF, SCRATCH + i, GNTMAP_host_map);
		assert_int_equal(o[i].status, GNTST_okay);
	}
	more = map(REF, SCRATCH + 255, GNTMAP_host_map);
	assert_int_equal(more.status, GNTST_general_error);
	/* Readers are counted separately. */
	assert_int_equal(map(REF, SCRATCH + 256, GNTMAP_host_map | GNTMAP_readonly).status, GNTST_okay);
	for (unsigned int i = 0; i < 255; i++) {
		assert_true(entry(g, REF)->flags & GTF_writing);
		assert_int_equal(unmap(o[i].handle, SCRATCH + i), GNTST_okay);
	}
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_reading);
}

static void handles_are_limited_and_the_callers_own(void **state)
{
	struct gnttab_map_grant_ref o;
	unsigned int n = 0;

	start();
	for (grant_ref_t r = 0; r < 512; r++)
		grant(r, 100 + r, m->id, 0);
	while ((o = map(n % 512, SCRATCH + n, GNTMAP_host_map)).status == GNTST_okay)
		assert_int_equal(o.handle, n++);
	assert_int_equal(n, 2 * 256);
	assert_int_equal(o.status, GNTST_no_space);
	assert_int_equal(unmap(n, SCRATCH), GNTST_bad_handle);
	assert_int_equal(unmap(~0u, SCRATCH), GNTST_bad_handle);
	as(dom0);
	assert_int_equal(unmap(0, SCRATCH), GNTST_bad_handle);
	as(m);
	assert_int_equal(unmap(7, SCRATCH + 8), GNTST_general_error); /* no such handle */
	assert_int_equal(type_at(m, SCRATCH + 8), P2M_GRANT_RW);
	assert_int_equal(unmap(7, SCRATCH + 7), GNTST_okay);
	assert_int_equal(map(7, SCRATCH + 7, GNTMAP_host_map).handle, 7);
}

/* The guest maps something else over a grant mapping, and unmaps the grant later. */
static void what_lies_over_a_mapping_stays(void **state)
{
	struct gnttab_map_grant_ref o1, o2;
	mfn_t mfn, other, ram;

	start();
	mfn = grant(REF, 5, m->id, 0);
	other = grant(REF + 1, 6, m->id, 0);
	o1 = map(REF, SCRATCH, GNTMAP_host_map);
	ram = fake_populate(m, SCRATCH);
	assert_int_equal(refs(mfn), 2); /* the pin's is left */
	assert_true(entry(g, REF)->flags & GTF_writing);
	assert_int_equal(unmap(o1.handle, SCRATCH), GNTST_okay);
	assert_int_equal(refs(mfn), 1);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
	assert_int_equal(p2m_get(m, SCRATCH, NULL, NULL), ram);

	o1 = map(REF, SCRATCH + 1, GNTMAP_host_map);
	o2 = map(REF + 1, SCRATCH + 1, GNTMAP_host_map);
	assert_int_equal(unmap(o1.handle, SCRATCH + 1), GNTST_okay);
	assert_int_equal(p2m_get(m, SCRATCH + 1, NULL, NULL), other);
	assert_int_equal(unmap(o2.handle, SCRATCH + 1), GNTST_okay);
	assert_int_equal(type_at(m, SCRATCH + 1), P2M_HOLE);
	assert_int_equal(refs(other), 1);

	/* The same reference, mapped twice at the same place. */
	o1 = map(REF, SCRATCH, GNTMAP_host_map);
	o2 = map(REF, SCRATCH, GNTMAP_host_map);
	assert_int_equal(refs(mfn), 3);
	assert_int_equal(unmap(o1.handle, SCRATCH), GNTST_okay);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	assert_int_equal(unmap(o2.handle, SCRATCH), GNTST_okay);
	assert_int_equal(refs(mfn), 1);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
}

static void a_batch_costs_one_flush(void **state)
{
	struct gnttab_map_grant_ref o[GRANT_BATCH];
	struct gnttab_unmap_grant_ref u[GRANT_BATCH];

	start();
	for (unsigned int i = 0; i < GRANT_BATCH; i++) {
		grant(i, 100 + i, m->id, 0);
		o[i] = map_op(i, SCRATCH + i, GNTMAP_host_map);
	}
	fake_events.p2m_flushes = 0;
	assert_int_equal(op(GNTTABOP_map_grant_ref, o, GRANT_BATCH), 0);
	assert_int_equal(fake_events.p2m_flushes, 0);
	for (unsigned int i = 0; i < GRANT_BATCH; i++) {
		assert_int_equal(o[i].status, GNTST_okay);
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = o[i].host_addr, .handle = o[i].handle };
	}
	u[3].handle = 200;
	u[5] = u[4];
	assert_int_equal(op(GNTTABOP_unmap_grant_ref, u, GRANT_BATCH), 0);
	assert_int_equal(fake_events.p2m_flushes, 1);
	for (unsigned int i = 0; i < GRANT_BATCH; i++)
		assert_int_equal(u[i].status, i == 3 || i == 5 ? GNTST_bad_handle : GNTST_okay);
}

static void long_lists_are_continued(void **state)
{
	enum { N = GRANT_BATCH + 24 };
	struct gnttab_swap_grant_ref swap[GRANT_COPY_BATCH + 8] = {};
	struct gnttab_map_grant_ref o[N];

	start();
	for (unsigned int i = 0; i < N; i++) {
		grant(i, 100 + i, m->id, 0);
		o[i] = map_op(i, SCRATCH + i, GNTMAP_host_map);
	}
	assert_int_equal(op(GNTTABOP_map_grant_ref, o, N), -ERESTART);
	assert_int_equal(fake_continuation.nr, __HYPERVISOR_grant_table_op);
	assert_int_equal(fake_continuation.args[0], GNTTABOP_map_grant_ref);
	assert_int_equal(fake_continuation.args[1], (unsigned long)&o[GRANT_BATCH]);
	assert_int_equal(fake_continuation.args[2], N - GRANT_BATCH);
	assert_int_equal(o[GRANT_BATCH].status, 99);
	assert_int_equal(op(GNTTABOP_map_grant_ref, &o[GRANT_BATCH], N - GRANT_BATCH), 0);
	fake_continuation.continued = false;
	assert_int_equal(op(GNTTABOP_swap_grant_ref, swap, GRANT_COPY_BATCH + 8), -ERESTART);
	assert_int_equal(fake_continuation.args[1], (unsigned long)&swap[GRANT_COPY_BATCH]);
	assert_int_equal(fake_continuation.args[2], 8);
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(o[i].status, GNTST_okay);
	assert_int_equal(op(GNTTABOP_map_grant_ref, o, 0), 0);
	assert_int_equal(op(GNTTABOP_map_grant_ref, o, 1u << 31), -EINVAL);
}

static void handles_that_cannot_be_returned_are_unmapped(void **state)
{
	struct gnttab_map_grant_ref o[2];
	mfn_t mfn;

	start();
	mfn = grant(REF, 5, m->id, 0);
	o[0] = map_op(REF, SCRATCH, GNTMAP_host_map);
	o[1] = map_op(REF + 1, SCRATCH + 1, GNTMAP_host_map);
	fake_guest_fault_nth(2);
	assert_int_equal(op(GNTTABOP_map_grant_ref, o, 2), -EFAULT);
	assert_int_equal(type_at(m, SCRATCH), P2M_HOLE);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
	assert_int_equal(refs(mfn), 1);
	assert_int_equal(unmap(0, SCRATCH), GNTST_bad_handle);
	fake_guest_fault_nth(1);
	assert_int_equal(op(GNTTABOP_map_grant_ref, o, 2), -EFAULT);
	fake_guest_fault_nth(1);
	assert_int_equal(op(GNTTABOP_unmap_grant_ref, o, 2), -EFAULT);
	fake_guest_fault_nth(1);
	assert_int_equal(op(GNTTABOP_copy, o, 1), -EFAULT);
}

static void each_allocation_fails_once(void **state)
{
	start();
	grant(REF, 5, m->id, 0);
	FAKE_EACH_FAILURE(n) {
		struct gnttab_map_grant_ref o;
		struct domain *d = fake_domain((domid_t)(10 + n), 1);
		u64 before = fake_live_pages();
		int rc;

		fake_fail_nth(n);
		rc = grant_init(d, 64, 1024);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_null(d->grant);
			assert_int_equal(fake_live_pages(), before);
			continue;
		}
		as(d);
		entry(g, REF)->domid = d->id;
		o = map(REF, SCRATCH, GNTMAP_host_map);
		if (fake_failure_happened()) {
			assert_true(o.status == GNTST_no_space || o.status == GNTST_general_error);
			assert_int_equal(type_at(d, SCRATCH), P2M_HOLE);
			assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
			o = map(REF, SCRATCH, GNTMAP_host_map);
		}
		assert_int_equal(o.status, GNTST_okay);
		assert_int_equal(unmap(o.handle, SCRATCH), GNTST_okay);
		grant_free(d);
		assert_int_equal(fake_live_pages(), before);
	}
}

static void limits_at_creation(void **state)
{
	struct domain *d;

	start();
	d = fake_domain(3, 1);
	assert_int_equal(grant_init(d, 0, 1), -EINVAL);
	assert_int_equal(grant_init(d, GRANT_MAX_FRAMES + 1, 1), -EINVAL);
	assert_int_equal(grant_init(d, 1, GRANT_MAX_MAPTRACK_FRAMES + 1), -EINVAL);
	assert_int_equal(grant_init(d, GRANT_MAX_FRAMES, GRANT_MAX_MAPTRACK_FRAMES), 0);
	assert_int_equal(d->max_grant_frames, GRANT_MAX_FRAMES);
	assert_int_equal(d->max_maptrack_frames, GRANT_MAX_MAPTRACK_FRAMES);
	grant_free(d);
	/* Without handles nothing can be mapped. */
	assert_int_equal(grant_init(d, 1, 0), 0);
	grant(REF, 5, 3, 0);
	as(d);
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map).status, GNTST_no_space);
	grant_free(d);
	grant_free(d);
	assert_int_equal(grant_release_mappings(d), 0);
}

/* Copies. */
static struct gnttab_copy copy_from(grant_ref_t ref, gfn_t to, u16 src_off, u16 dst_off, u16 len)
{
	return (struct gnttab_copy){ .source = { .u.ref = ref, .domid = 1, .offset = src_off },
		.dest = { .u.gmfn = to, .domid = DOMID_SELF, .offset = dst_off },
		.len = len, .flags = GNTCOPY_source_gref, .status = 99 };
}

static s16 copy(struct gnttab_copy o)
{
	assert_int_equal(op(GNTTABOP_copy, &o, 1), 0);
	return o.status;
}

static void copies_by_reference_and_by_frame(void **state)
{
	struct gnttab_copy o;
	mfn_t src, dst;

	start();
	src = grant(REF, 5, m->id, 0);
	dst = fake_populate(m, 9);
	memcpy((char *)mfn_to_virt(src) + 100, "sixty-four bytes", 17);
	memset(mfn_to_virt(dst), 0, PAGE_SIZE);
	assert_int_equal(copy(copy_from(REF, 9, 100, 4000, 17)), GNTST_okay);
	assert_string_equal((char *)mfn_to_virt(dst) + 4000, "sixty-four bytes");
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
	assert_int_equal(refs(src), 1);
	assert_int_equal(refs(dst), 1);
	/* To a reference. */
	o = (struct gnttab_copy){ .source = { .u.gmfn = 9, .domid = DOMID_SELF, .offset = 4000 },
		.dest = { .u.ref = REF, .domid = 1, .offset = 0 }, .len = 17, .flags = GNTCOPY_dest_gref };
	assert_int_equal(copy(o), GNTST_okay);
	assert_string_equal(mfn_to_virt(src), "sixty-four bytes");
	/* Within the caller's own page, overlapping. */
	o = (struct gnttab_copy){ .source = { .u.gmfn = 9, .domid = DOMID_SELF, .offset = 4000 },
		.dest = { .u.gmfn = 9, .domid = DOMID_SELF, .offset = 4006 }, .len = 17 };
	assert_int_equal(copy(o), GNTST_okay);
	assert_string_equal((char *)mfn_to_virt(dst) + 4006, "sixty-four bytes");
	/* From one reference to another. */
	grant(REF + 1, 6, m->id, 0);
	o = (struct gnttab_copy){ .source = { .u.ref = REF, .domid = 1 },
				  .dest = { .u.ref = REF + 1, .domid = 1 },
		.len = PAGE_SIZE, .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref };
	assert_int_equal(copy(o), GNTST_okay);
	assert_string_equal(mfn_to_virt(p2m_get(g, 6, NULL, NULL)), "sixty-four bytes");
	/* The caller's own reference. */
	*entry(m, 3) = (struct grant_entry_v1){ GTF_permit_access, m->id, 9 };
	o = copy_from(3, 9, 0, 100, 1);
	o.source.domid = DOMID_SELF;
	assert_int_equal(copy(o), GNTST_okay);
	assert_int_equal(copy(copy_from(REF, 9, 4096, 4096, 0)), GNTST_okay);
}

static void what_copy_refuses(void **state)
{
	struct gnttab_copy o;
	mfn_t src;

	start();
	src = grant(REF, 5, m->id, GTF_readonly);
	fake_populate(m, 9);
	assert_int_equal(copy(copy_from(REF, 9, 4000, 0, 97)), GNTST_bad_copy_arg);
	assert_int_equal(copy(copy_from(REF, 9, 0, 4000, 97)), GNTST_bad_copy_arg);
	assert_int_equal(copy(copy_from(REF, 9, 65535, 0, 65535)), GNTST_bad_copy_arg);
	assert_int_equal(copy(copy_from(600, 9, 0, 0, 8)), GNTST_bad_gntref);
	assert_int_equal(copy(copy_from(REF + 1, 9, 0, 0, 8)), GNTST_general_error);
	assert_int_equal(copy(copy_from(REF, 10, 0, 0, 8)), GNTST_bad_page);
	/* the source was released */
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access | GTF_readonly);
	o = copy_from(REF, 9, 0, 0, 8);
	o.source.domid = 9;
	assert_int_equal(copy(o), GNTST_bad_domain);
	/* Frames of other domains by number. */
	o = copy_from(REF, 9, 0, 0, 8);
	o.dest.domid = 1;
	assert_int_equal(copy(o), GNTST_permission_denied);
	o.dest.domid = m->id;
	assert_int_equal(copy(o), GNTST_permission_denied);
	/* Writing to a read-only grant. */
	o = (struct gnttab_copy){ .source = { .u.gmfn = 9, .domid = DOMID_SELF },
		.dest = { .u.ref = REF, .domid = 1 }, .len = 8, .flags = GNTCOPY_dest_gref };
	assert_int_equal(copy(o), GNTST_general_error);
	assert_int_equal(copy(copy_from(REF, 9, 0, 0, 8)), GNTST_okay);
	/* Through a read-only mapping. */
	assert_int_equal(map(REF, SCRATCH, GNTMAP_host_map | GNTMAP_readonly).status, GNTST_okay);
	o = (struct gnttab_copy){ .source = { .u.gmfn = SCRATCH, .domid = DOMID_SELF },
		.dest = { .u.gmfn = 9, .domid = DOMID_SELF }, .len = 8 };
	assert_int_equal(copy(o), GNTST_okay);
	o = (struct gnttab_copy){ .source = { .u.gmfn = 9, .domid = DOMID_SELF },
		.dest = { .u.gmfn = SCRATCH, .domid = DOMID_SELF }, .len = 8 };
	assert_int_equal(copy(o), GNTST_bad_page);
	assert_int_equal(refs(src), 3);
}

static void copies_in_a_list_stand_alone(void **state)
{
	struct gnttab_copy o[20];

	start();
	grant(REF, 5, m->id, 0);
	fake_populate(m, 9);
	for (unsigned int i = 0; i < 20; i++)
		o[i] = copy_from(i == 7 ? REF + 1 : REF, 9, 0, (u16)(64 * i), 64);
	assert_int_equal(op(GNTTABOP_copy, o, 20), 0);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(o[i].status, i == 7 ? GNTST_general_error : GNTST_okay);
}

/* Races with the granter, who writes its entries whenever it likes. */
static unsigned int changes;

static void change_while_claimed(u64 gva, size_t len, bool write)
{
	if (changes++ == 1)
		entry(g, REF)->flags = GTF_invalid;
}

static void entries_change_under_way(void **state)
{
	struct gnttab_map_grant_ref o;

	start();
	changes = 0;
	grant(REF, 5, m->id, 0);
	/*
	 * The granter revokes the grant before the mapper gets the answer: the mapping stands, and
	 * unmapping clears no bit that Keel did not set.
	 */
	fake_on_guest_access = change_while_claimed;
	o = map(REF, SCRATCH, GNTMAP_host_map);
	fake_on_guest_access = NULL;
	assert_int_equal(o.status, GNTST_okay);
	entry(g, REF)->flags |= 0x8000;
	assert_int_equal(unmap(o.handle, SCRATCH), GNTST_okay);
	assert_int_equal(entry(g, REF)->flags, 0x8000);
}

static bool guest_stops;

/*
 * A guest that changes its entry all the time: mostly bits that mean nothing, now and then the
 * grantee.
 */
static void *restless_guest(void *arg)
{
	u32 *head = arg;

	for (unsigned int i = 0; !__atomic_load_n(&guest_stops, __ATOMIC_RELAXED); i++) {
		__atomic_fetch_xor(head, 0x4000, __ATOMIC_RELAXED);
		if (i % 64 == 0)
			__atomic_fetch_xor(head, 0x10000, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void the_entry_is_never_left_in_use(void **state)
{
	unsigned int mapped = 0;
	pthread_t thread;

	start();
	grant(REF, 5, m->id, 0);
	guest_stops = false;
	assert_int_equal(pthread_create(&thread, NULL, restless_guest, entry(g, REF)), 0);
	/*
	 * On a busy machine the other thread may be descheduled for long, with the wrong grantee in
	 * the entry.
	 */
	for (unsigned int i = 0; i < 20000 || (!mapped && i < 20000000); i++) {
		struct gnttab_map_grant_ref o = map(REF, SCRATCH, GNTMAP_host_map);
		u16 used = READ_ONCE(entry(g, REF)->flags) & (GTF_reading | GTF_writing);

		assert_int_equal(used, o.status == GNTST_okay ? GTF_reading | GTF_writing : 0);
		if (o.status == GNTST_okay) {
			mapped++;
			assert_int_equal(unmap(o.handle, SCRATCH), GNTST_okay);
		} else {
			assert_int_equal(o.status, GNTST_general_error);
		}
		assert_int_equal(READ_ONCE(entry(g, REF)->flags) & (GTF_reading | GTF_writing), 0);
	}
	__atomic_store_n(&guest_stops, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(mapped > 0);
}

/* Domains that end. */
static void the_granter_dies_first(void **state)
{
	struct gnttab_map_grant_ref o;
	mfn_t mfn;

	start();
	mfn = grant(REF, 5, m->id, 0);
	o = map(REF, SCRATCH, GNTMAP_host_map);
	g->state = DOMAIN_DYING;
	assert_int_equal(grant_release_mappings(g), 0);
	assert_int_equal(p2m_teardown_step(g), 0);
	assert_int_equal(g->tot_pages, 1); /* the zombie's page */
	assert_int_equal(refs(mfn), 2);
	/* The p2m entry is overwritten, but the handle still exists: the page stays. */
	fake_populate(m, SCRATCH);
	assert_int_equal(g->tot_pages, 1);
	assert_int_equal(unmap(o.handle, SCRATCH), GNTST_okay);
	assert_int_equal(g->tot_pages, 0);
	assert_int_equal(mfn_to_page(mfn)->owner, OWNER_FREE);
}

static void the_mapper_dies(void **state)
{
	unsigned int steps = 0;

	start();
	for (grant_ref_t r = 0; r < 100; r++) {
		grant(r, 100 + r, m->id, 0);
		assert_int_equal(map(r, SCRATCH + r, GNTMAP_host_map | (r % 2 ? GNTMAP_readonly : 0)).status,
				 GNTST_okay);
	}
	assert_int_equal(unmap(50, SCRATCH + 50), GNTST_okay);
	m->state = DOMAIN_DYING;
	while (grant_release_mappings(m) == -ERESTART)
		steps++;
	assert_true(steps >= 1);
	for (grant_ref_t r = 0; r < 100; r++) {
		assert_int_equal(type_at(m, SCRATCH + r), P2M_HOLE);
		assert_int_equal(entry(g, r)->flags, GTF_permit_access);
		assert_int_equal(refs(p2m_get(g, 100 + r, NULL, NULL)), 1);
	}
	grant_free(m);
}

static void both_ends_in_one_domain(void **state)
{
	struct gnttab_map_grant_ref o;

	start();
	as(g);
	grant(REF, 5, g->id, 0);
	o = map(REF, SCRATCH, GNTMAP_host_map);
	assert_int_equal(o.status, GNTST_okay);
	g->state = DOMAIN_DYING;
	assert_int_equal(grant_release_mappings(g), 0);
	assert_int_equal(type_at(g, SCRATCH), P2M_HOLE);
	assert_int_equal(entry(g, REF)->flags, GTF_permit_access);
}

/* The table, and queries about it. */
static void sizes(void **state)
{
	struct gnttab_query_size o = { .dom = DOMID_SELF };

	start();
	assert_int_equal(op(GNTTABOP_query_size, &o, 1), 0);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(o.nr_frames, 1);
	assert_int_equal(o.max_nr_frames, 4);
	assert_non_null(grant_table_frame(m, 3));
	assert_null(grant_table_frame(m, 4));
	assert_null(grant_table_frame(m, ~0u));
	assert_int_equal(op(GNTTABOP_query_size, &o, 1), 0);
	assert_int_equal(o.nr_frames, 4);
	o.dom = 1;
	assert_int_equal(op(GNTTABOP_query_size, &o, 1), 0);
	assert_int_equal(o.status, GNTST_permission_denied);
	as(dom0);
	assert_int_equal(op(GNTTABOP_query_size, &o, 1), 0);
	assert_int_equal(o.nr_frames, 1);
	o.dom = 9;
	assert_int_equal(op(GNTTABOP_query_size, &o, 1), 0);
	assert_int_equal(o.status, GNTST_bad_domain);
	assert_int_equal(op(GNTTABOP_query_size, &o, 2), -EINVAL);
	assert_int_equal(op(GNTTABOP_query_size, (void *)0x1000, 1), -EFAULT);
}

static void table_frames_by_gfn(void **state)
{
	u64 list[4] = { 1, 2, 3, 4 };
	struct gnttab_setup_table o = { .dom = DOMID_SELF, .nr_frames = 2, .frame_list = (u64)list };
	void *frame;

	start();
	frame = grant_table_frame(m, 0);
	assert_true(get_page(virt_to_page(frame), m->id));
	p2m_write_lock(&m->p2m);
	assert_int_equal(p2m_set(m, SCRATCH, virt_to_mfn(frame), 0, P2M_SHARED), 0);
	p2m_write_unlock(m);
	grant_table_mapped(m, 0, SCRATCH);
	grant_table_mapped(m, 9, SCRATCH); /* no such frame */
	assert_int_equal(op(GNTTABOP_setup_table, &o, 1), 0);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(m->grant->nr_frames, 2);
	assert_int_equal(list[0], SCRATCH);
	assert_int_equal(list[1], INVALID_GFN);
	assert_int_equal(list[2], 3);
	fake_populate(m, SCRATCH); /* no longer mapped */
	assert_int_equal(op(GNTTABOP_setup_table, &o, 1), 0);
	assert_int_equal(list[0], INVALID_GFN);
	o.nr_frames = 5;
	assert_int_equal(op(GNTTABOP_setup_table, &o, 1), 0);
	assert_int_equal(o.status, GNTST_general_error);
	o.nr_frames = 1;
	o.frame_list = 0x1000;
	assert_int_equal(op(GNTTABOP_setup_table, &o, 1), 0);
	assert_int_equal(o.status, GNTST_bad_virt_addr);
	o.dom = 1;
	assert_int_equal(op(GNTTABOP_setup_table, &o, 1), 0);
	assert_int_equal(o.status, GNTST_permission_denied);
	assert_int_equal(op(GNTTABOP_setup_table, &o, 0), -EINVAL);
}

/* How much work Keel does with interrupts off: accesses since the last window. */
static unsigned int windows, worked, worked_most, frames_before;

static void a_window(void)
{
	windows++;
	worked = 0;
	assert_in_range(m->grant->nr_frames - frames_before, 0, 16);
	frames_before = m->grant->nr_frames;
}

static void an_access(u64 gva, size_t len, bool write)
{
	worked_most = max(worked_most, ++worked);
}

static void count_windows(void)
{
	windows = worked = worked_most = 0;
	frames_before = m->grant->nr_frames;
	fake_on_wait = a_window;
	fake_on_guest_access = an_access;
}

static void large_tables_let_interrupts_in(void **state)
{
	static u64 list[GRANT_MAX_FRAMES];
	struct gnttab_setup_table o = { .dom = DOMID_SELF, .nr_frames = 200, .frame_list = (u64)list };

	start();
	grant_free(m);
	assert_int_equal(grant_init(m, 256, 2), 0);
	count_windows();
	assert_int_equal(op(GNTTABOP_setup_table, &o, 1), 0);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(m->grant->nr_frames, 200);
	assert_int_equal(list[199], INVALID_GFN);
	assert_int_equal(list[200], 0);
	assert_in_range(windows, 200 / 16 * 2, 2 * 200);
	assert_in_range(worked_most, 1, 18);	/* the argument is written back, too */
	/* The same by an access to the highest index. */
	assert_non_null(grant_table_frame(m, 255));
	assert_in_range(m->grant->nr_frames - frames_before, 0, 16);
	/* Returning frames that exist already needs no window. */
	windows = 0;
	assert_non_null(grant_table_frame(m, 255));
	assert_null(grant_table_frame(m, 256));
	assert_int_equal(windows, 0);
	fake_on_wait = NULL;
	fake_on_guest_access = NULL;
	/* Memory runs out in between: old frames stay, and so do those that were added. */
	grant_free(m);
	assert_int_equal(grant_init(m, 256, 2), 0);
	fake_fail_nth(2 * 20 + 1);
	assert_null(grant_table_frame(m, 99));
	fake_fail_nth(0);
	assert_int_equal(m->grant->nr_frames, 21);
}

static unsigned int copied;

static void copied_so_far(void)
{
	unsigned int n = 0;

	while (n < 20 && *((u8 *)mfn_to_virt(p2m_get(m, 9, NULL, NULL)) + 64 * n) == 7)
		n++;
	assert_in_range(n - copied, 0, 4);
	copied = n;
	windows++;
}

static void long_lists_of_copies_let_interrupts_in(void **state)
{
	struct gnttab_copy o[20];

	start();
	memset(mfn_to_virt(grant(REF, 5, m->id, 0)), 7, PAGE_SIZE);
	memset(mfn_to_virt(fake_populate(m, 9)), 0, PAGE_SIZE);
	for (unsigned int i = 0; i < 20; i++)
		o[i] = copy_from(REF, 9, 0, (u16)(64 * i), 64);
	copied = windows = 0;
	fake_on_wait = copied_so_far;
	assert_int_equal(op(GNTTABOP_copy, o, 20), 0);
	copied_so_far();
	assert_int_equal(copied, 20);
	assert_int_equal(windows, 5);
	/* A single copy needs no window. */
	windows = 0;
	assert_int_equal(op(GNTTABOP_copy, o, 1), 0);
	assert_int_equal(windows, 0);
	fake_on_wait = NULL;
}

static void versions(void **state)
{
	struct gnttab_set_version s = { 1 };
	struct gnttab_get_version v = { .dom = DOMID_SELF };

	start();
	assert_int_equal(op(GNTTABOP_set_version, &s, 1), 0);
	s.version = 2;
	assert_int_equal(op(GNTTABOP_set_version, &s, 1), -ENOSYS);
	assert_int_equal(s.version, 1);
	s.version = 3;
	assert_int_equal(op(GNTTABOP_set_version, &s, 1), -EINVAL);
	assert_int_equal(op(GNTTABOP_get_version, &v, 1), 0);
	assert_int_equal(v.version, 1);
	v.dom = 1;
	assert_int_equal(op(GNTTABOP_get_version, &v, 1), -EPERM);
	as(dom0);
	v.dom = 9;
	assert_int_equal(op(GNTTABOP_get_version, &v, 1), -ESRCH);
}

static void entries_change_places(void **state)
{
	struct gnttab_swap_grant_ref o = { .ref_a = REF, .ref_b = REF + 1 };
	struct gnttab_map_grant_ref h;

	start();
	grant(REF, 5, m->id, 0);
	as(g);
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(entry(g, REF)->flags, 0);
	assert_int_equal(entry(g, REF + 1)->frame, 5);
	as(m);
	h = map(REF + 1, SCRATCH, GNTMAP_host_map);
	assert_int_equal(h.status, GNTST_okay);
	as(g);
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_eagain);
	o.ref_a = o.ref_b;
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_okay);
	o.ref_b = 512;
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &o, 1), 0);
	assert_int_equal(o.status, GNTST_bad_gntref);
}

static void unmap_and_replace(void **state)
{
	struct gnttab_unmap_and_replace o = { .host_addr = SCRATCH << PAGE_SHIFT, .new_addr = 0x5000 };
	struct gnttab_map_grant_ref h;

	start();
	grant(REF, 5, m->id, 0);
	h = map(REF, SCRATCH, GNTMAP_host_map);
	o.handle = h.handle;
	assert_int_equal(op(GNTTABOP_unmap_and_replace, &o, 1), 0);
	assert_int_equal(o.status, GNTST_general_error);
	assert_int_equal(type_at(m, SCRATCH), P2M_GRANT_RW);
	o.new_addr = 0;
	assert_int_equal(op(GNTTABOP_unmap_and_replace, &o, 1), 0);
	assert_int_equal(o.status, GNTST_okay);
	assert_int_equal(type_at(m, SCRATCH), P2M_HOLE);
}

static void what_is_not_there(void **state)
{
	char arg[64] = {};

	start();
	assert_int_equal(op(GNTTABOP_dump_table, arg, 1), -ENOSYS);
	assert_int_equal(op(GNTTABOP_transfer, arg, 1), -ENOSYS);
	assert_int_equal(op(GNTTABOP_get_status_frames, arg, 1), -ENOSYS);
	assert_int_equal(op(GNTTABOP_cache_flush, arg, 1), -EOPNOTSUPP);
	assert_int_equal(op(13, arg, 1), -ENOSYS);
	assert_int_equal(op(~0ul, arg, 1), -ENOSYS);
}

static void seeded_entries(void **state)
{
	start();
	assert_int_equal(grant_seed(g, 1, m->id, 5, true), 0);
	assert_int_equal(entry(g, 1)->flags, GTF_permit_access | GTF_readonly);
	assert_int_equal(entry(g, 1)->domid, m->id);
	assert_int_equal(entry(g, 1)->frame, 5);
	assert_int_equal(grant_seed(g, 1000, m->id, 6, false), 0);
	assert_int_equal(g->grant->nr_frames, 2);
	assert_int_equal(entry(g, 1000)->flags, GTF_permit_access);
	assert_int_equal(grant_seed(g, 2048, m->id, 6, false), -EINVAL);
	assert_int_equal(grant_seed(g, 1, m->id, 1ull << 32, false), -EINVAL);
	fake_fail_nth(1);
	assert_int_equal(grant_seed(g, 2047, m->id, 6, false), -ENOMEM);
	fake_populate(g, 5);
	assert_int_equal(map(1, SCRATCH, GNTMAP_host_map | GNTMAP_readonly).status, GNTST_okay);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(mapping_and_unmapping),
	UNIT_TEST(read_only_rules),
	UNIT_TEST(what_map_refuses),
	UNIT_TEST(only_own_ram_can_be_granted),
	UNIT_TEST(the_caller_may_have_anything_at_the_address),
	UNIT_TEST(the_first_use_decides_the_frame),
	UNIT_TEST(uses_are_counted_and_limited),
	UNIT_TEST(handles_are_limited_and_the_callers_own),
	UNIT_TEST(what_lies_over_a_mapping_stays),
	UNIT_TEST(a_batch_costs_one_flush),
	UNIT_TEST(long_lists_are_continued),
	UNIT_TEST(handles_that_cannot_be_returned_are_unmapped),
	UNIT_TEST(each_allocation_fails_once),
	UNIT_TEST(limits_at_creation),
	UNIT_TEST(copies_by_reference_and_by_frame),
	UNIT_TEST(what_copy_refuses),
	UNIT_TEST(copies_in_a_list_stand_alone),
	UNIT_TEST(entries_change_under_way),
	UNIT_TEST(the_entry_is_never_left_in_use),
	UNIT_TEST(the_granter_dies_first),
	UNIT_TEST(the_mapper_dies),
	UNIT_TEST(both_ends_in_one_domain),
	UNIT_TEST(sizes),
	UNIT_TEST(table_frames_by_gfn),
	UNIT_TEST(large_tables_let_interrupts_in),
	UNIT_TEST(long_lists_of_copies_let_interrupts_in),
	UNIT_TEST(versions),
	UNIT_TEST(entries_change_places),
	UNIT_TEST(unmap_and_replace),
	UNIT_TEST(what_is_not_there),
	UNIT_TEST(seeded_entries),
};

UNIT_MAIN(tests)
