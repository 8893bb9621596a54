/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations on event channels, grants and memory. */
#include "pairs.h"

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>

static evtchn_port_t any_port(void)
{
	if (one_in(8))
		return one_in(2) ? 120 + rnd(20) : one_in(2) ? 1020 + rnd(8) : rnd(4200);
	return rnd(one_in(4) ? 64 : 16);
}

static void evtchn_new(struct shot *s)
{
	struct evtchn_alloc_unbound alloc = { self_or_other(), any_domid(), 0 };
	struct evtchn_bind_virq virq = { rnd(one_in(4) ? 26 : 4), one_in(2) ? 0 : rnd(4), 0 };
	struct evtchn_bind_ipi ipi = { rnd(4), 0 };
	struct evtchn_bind_interdomain bind = { any_domid(), any_port(), 0 };

	switch (rnd(8)) {
	case 0:
		s->a[0] = EVTCHNOP_bind_virq;
		s->a[1] = put(&virq, sizeof(virq));
		break;
	case 1:
		s->a[0] = EVTCHNOP_bind_ipi;
		s->a[1] = put(&ipi, sizeof(ipi));
		break;
	case 2 ... 4:
		s->a[0] = EVTCHNOP_alloc_unbound;
		s->a[1] = put(&alloc, sizeof(alloc));
		break;
	default:
		s->a[0] = EVTCHNOP_bind_interdomain;
		s->a[1] = put(&bind, sizeof(bind));
	}
}

static void evtchn_fifo(struct shot *s)
{
	struct evtchn_init_control init = { any_gfn(1), one_in(8) ? rnd(8192) : 8 * rnd(500), rnd(4), 0,
					    { 0 } };
	struct evtchn_expand_array expand = { any_gfn(1) };
	struct evtchn_set_priority set = { any_port(), rnd(20) };

	switch (rnd(3)) {
	case 0:
		s->a[0] = EVTCHNOP_init_control;
		s->a[1] = put(&init, sizeof(init));
		break;
	case 1:
		s->a[0] = EVTCHNOP_expand_array;
		s->a[1] = put(&expand, sizeof(expand));
		break;
	default:
		s->a[0] = EVTCHNOP_set_priority;
		s->a[1] = put(&set, sizeof(set));
	}
}

void gen_evtchn(struct shot *s)
{
	struct evtchn_status status = { .dom = self_or_other(), .port = any_port() };
	struct evtchn_bind_vcpu bind = { any_port(), rnd(4) };
	struct evtchn_reset reset = { self_or_other() };
	evtchn_port_t port = any_port();

	s->nr = __HYPERVISOR_event_channel_op;
	switch (rnd(24)) {
	case 0:
		evtchn_fifo(s);
		return;
	case 1 ... 12:
		evtchn_new(s);
		return;
	case 13 ... 16:
		s->a[0] = EVTCHNOP_send;
		s->a[1] = put(&port, sizeof(port));
		return;
	case 17 ... 18:
		s->a[0] = EVTCHNOP_close;
		s->a[1] = put(&port, sizeof(port));
		return;
	case 19:
		s->a[0] = EVTCHNOP_status;
		s->a[1] = put(&status, sizeof(status));
		return;
	case 20 ... 21:
		s->a[0] = EVTCHNOP_bind_vcpu;
		s->a[1] = put(&bind, sizeof(bind));
		return;
	case 22:
		s->a[0] = one_in(8) ? rnd(16) : EVTCHNOP_unmask;
		s->a[1] = put(&port, sizeof(port));
		return;
	default:
		s->a[0] = one_in(4) ? EVTCHNOP_reset : EVTCHNOP_close;
		s->a[1] = s->a[0] == EVTCHNOP_reset ? put(&reset, sizeof(reset)) : put(&port, sizeof(port));
	}
}

/* --- Grants --- */

static struct grant_entry_v1 *table;

/* The mapped address plus 1 of each handle. Guests forget handles from LIMIT on; Dom0 does not. */
#define LIMIT 2048
static u64 mapped[LIMIT];

static void table_map(void)
{
	struct xen_add_to_physmap add = { DOMID_SELF, 0, XENMAPSPACE_grant_table, 0, gfn_of(table) };

	memory_op(add_to_physmap, &add);
}

void grants_init(void)
{
	static u8 page[PAGE_SIZE] PAGE_ALIGNED;
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .frame_list = put_address(), .status = 1 };

	table = (struct grant_entry_v1 *)page;
	/*
	 * Dom0's table grows to its limit at once, so that it does not count as lost memory later.
	 */
	if (is_dom0) {
		grant_op(query_size, &size, 1);
		setup.nr_frames = size.max_nr_frames;
		grant_op(setup_table, &setup, 1);
		EXPECT(!setup.status, "%u frames: %d", setup.nr_frames, setup.status);
	}
	table_map();
}

/* Writes an entry with any value that a guest might write. */
void gen_entry(struct shot *s)
{
	struct grant_entry_v1 e = { .flags = GTF_permit_access, .domid = any_domid(),
				    .frame = (u32)any_gfn(DOMID_SELF) };
	struct grant_entry_v1 *at = &table[one_in(8) ? 504 + rnd(8) : rnd(24)];

	if (one_in(4))
		e.flags |= GTF_readonly;
	if (one_in(8))
		e.flags = (u16)(rnd(4) | rnd(4) << 3);
	if (one_in(64) && !is_dom0)
		table_map(); /* the table's page may have been lost */
	WRITE_ONCE(at->flags, 0);
	at->domid = e.domid;
	at->frame = e.frame;
	barrier();
	WRITE_ONCE(at->flags, e.flags);
}

static u32 batch_size(void)
{
	return one_in(8) ? 60 + rnd(20) : 1 + rnd(one_in(4) ? 24 : 3);
}

static grant_ref_t any_ref(void)
{
	return one_in(12) ? (one_in(2) ? 504 + rnd(16) : rnd(3000)) : rnd(24);
}

static void gen_map(struct shot *s)
{
	u32 n = batch_size(), i;

	s->a[0] = GNTTABOP_map_grant_ref;
	s->a[1] = put_address();
	s->a[2] = n;
	for (i = 0; i < n; i++) {
		struct gnttab_map_grant_ref m = { .host_addr = any_gfn(DOMID_SELF) << PAGE_SHIFT,
						  .dom = any_domid(),
			.flags = one_in(16) ? rnd(8) : GNTMAP_host_map | (one_in(3) ? GNTMAP_readonly : 0),
			.ref = any_ref(), .status = 1 };

		put(&m, sizeof(m));
	}
}

/* A handle that is mapped, if there is one. */
static grant_handle_t any_handle(void)
{
	u32 at = rnd(one_in(4) ? LIMIT : 64), i;

	for (i = 0; i < 64; i++)
		if (mapped[(at + i) % LIMIT])
			return (at + i) % LIMIT;
	return rnd(64);
}

static void gen_unmap(struct shot *s)
{
	u32 n = batch_size(), i;
	bool replace = one_in(8);

	s->a[0] = replace ? GNTTABOP_unmap_and_replace : GNTTABOP_unmap_grant_ref;
	s->a[1] = put_address();
	s->a[2] = n;
	for (i = 0; i < n; i++) {
		grant_handle_t h = any_handle();
		u64 addr = mapped[h] && !one_in(16) ? mapped[h] - 1 : any_gfn(DOMID_SELF) << PAGE_SHIFT;
		struct gnttab_unmap_grant_ref u = { .host_addr = addr, .handle = h, .status = 1 };
		struct gnttab_unmap_and_replace r = { .host_addr = addr, .new_addr = one_in(8), .handle = h,
						      .status = 1 };

		if (replace)
			put(&r, sizeof(r));
		else
			put(&u, sizeof(u));
	}
}

static struct gnttab_copy_ptr copy_side(bool by_ref)
{
	struct gnttab_copy_ptr p = { .domid = DOMID_SELF, .offset = one_in(4) ? (u16)rnd(4200) : 0 };
	grant_handle_t h = any_handle();

	if (by_ref) {
		p.domid = any_domid();
		p.u.ref = any_ref();
	} else {
		p.u.gmfn = mapped[h] && one_in(2) ? mapped[h] >> PAGE_SHIFT : any_gfn(DOMID_SELF);
	}
	return p;
}

static void gen_copy(struct shot *s)
{
	u32 n = 1 + rnd(one_in(8) ? 40 : 3), i;

	s->a[0] = GNTTABOP_copy;
	s->a[1] = put_address();
	s->a[2] = n;
	for (i = 0; i < n; i++) {
		bool src = one_in(2), dst = one_in(3);
		struct gnttab_copy c = { .source = copy_side(src), .dest = copy_side(dst),
			.len = one_in(4) ? (u16)rnd(4200) : 64,
			.flags = (u16)((src ? GNTCOPY_source_gref : 0) | (dst ? GNTCOPY_dest_gref : 0)) };

		put(&c, sizeof(c));
	}
}

static void gen_grant_single(struct shot *s)
{
	struct gnttab_setup_table setup = { .dom = self_or_other(), .nr_frames = rnd(one_in(4) ? 70 : 4) };
	struct gnttab_query_size query = { .dom = self_or_other() };
	struct gnttab_swap_grant_ref swap = { rnd(24), one_in(8) ? rnd(3000) : rnd(24), 0 };

	s->a[2] = one_in(16) ? rnd(4) : 1;
	switch (rnd(4)) {
	case 0:
		/*
		 * a place of its own, so that in a list it cannot overwrite other calls' arguments:
		 * Dom0 could hit itself
		 */
		setup.frame_list = put(NULL, 70 * sizeof(u64));
		s->a[0] = GNTTABOP_setup_table;
		s->a[1] = put(&setup, sizeof(setup));
		break;
	case 1:
		s->a[0] = one_in(4) ? rnd(14) : GNTTABOP_query_size;
		s->a[1] = put(&query, sizeof(query));
		break;
	default:
		s->a[0] = GNTTABOP_swap_grant_ref;
		s->a[1] = put(&swap, sizeof(swap));
	}
}

void gen_grant(struct shot *s)
{
	s->nr = __HYPERVISOR_grant_table_op;
	switch (rnd(16)) {
	case 0 ... 5:
		gen_map(s);
		break;
	case 6 ... 10:
		gen_unmap(s);
		break;
	case 11 ... 13:
		gen_copy(s);
		break;
	default:
		gen_grant_single(s);
	}
}

/*
 * Records what the call mapped or unmapped. Another vCPU may have changed the arguments meanwhile.
 */
void grants_note(const struct shot *s)
{
	const struct gnttab_map_grant_ref *m = (const void *)s->a[1];
	const struct gnttab_unmap_grant_ref *u = (const void *)s->a[1];
	const struct gnttab_unmap_and_replace *r = (const void *)s->a[1];
	u64 end = (u64)me()->area + AREA_SIZE, i;

	if (s->nr != __HYPERVISOR_grant_table_op)
		return;
	for (i = 0; i < s->a[2] && s->a[0] == GNTTABOP_map_grant_ref && (u64)&m[i + 1] <= end; i++)
		if (!m[i].status && m[i].handle < LIMIT)
			WRITE_ONCE(mapped[m[i].handle], m[i].host_addr + 1);
	for (i = 0; i < s->a[2] && s->a[0] == GNTTABOP_unmap_grant_ref && (u64)&u[i + 1] <= end; i++)
		if (!u[i].status && u[i].handle < LIMIT)
			WRITE_ONCE(mapped[u[i].handle], 0);
	for (i = 0; i < s->a[2] && s->a[0] == GNTTABOP_unmap_and_replace && (u64)&r[i + 1] <= end; i++)
		if (!r[i].status && r[i].handle < LIMIT)
			WRITE_ONCE(mapped[r[i].handle], 0);
}

void grants_unmap_all(void)
{
	grant_handle_t h;

	for (h = 0; h < LIMIT; h++) {
		struct gnttab_unmap_grant_ref u = { .host_addr = mapped[h] - 1, .handle = h };

		if (!mapped[h])
			continue;
		grant_op(unmap_grant_ref, &u, 1);
		EXPECT(!u.status, "handle %u at %#lx: %d", h, mapped[h] - 1, u.status);
		mapped[h] = 0;
	}
}

/* --- Memory --- */

static void gen_reservation(struct shot *s)
{
	struct xen_memory_reservation r = { .domid = self_or_other(),
					    .nr_extents = 1 + rnd(one_in(3) ? 80 : 4) };
	u64 i;

	r.extent_order = one_in(20) ? 9 : one_in(30) ? 18 : one_in(16) ? rnd(20) : 0;
	if (is_dom0 && r.extent_order == 18)
		r.extent_order = 9; /* a gigabyte would be all that Dom0 has */
	if (r.extent_order)
		r.nr_extents = 1 + rnd(2);
	if (one_in(32) && !is_dom0) /* the list then continues into other arguments */
		r.nr_extents = any() >> rnd(64);
	s->a[0] = (one_in(3) ? XENMEM_decrease_reservation : XENMEM_populate_physmap) |
		  (one_in(16) ? (u64)rnd(80) << MEMOP_EXTENT_SHIFT : 0);
	r.extent_start = put_address() + ((sizeof(r) + 7) & ~7ul);
	s->a[1] = put(&r, sizeof(r));
	for (i = 0; i < r.nr_extents && i < 100; i++) {
		u64 gfn = any_gfn(r.domid);

		if (!one_in(32) && r.extent_order < 20)
			gfn &= ~((1ull << r.extent_order) - 1);
		put(&gfn, sizeof(gfn));
	}
}

static void gen_add(struct shot *s)
{
	struct xen_add_to_physmap a = { .domid = self_or_other(), .space = one_in(2) ? XENMAPSPACE_gmfn
					: rnd(3) };

	if (one_in(32))
		a.space = rnd(8);
	if (is_dom0 && a.space == XENMAPSPACE_shared_info)
		a.space = XENMAPSPACE_gmfn; /* Dom0 reads its clock there */
	a.gpfn = any_gfn(a.domid);
	a.idx = a.space >= XENMAPSPACE_gmfn ? any_gfn(a.domid) : one_in(16) ? any() : a.space ? rnd(4) : 0;
	s->a[0] = XENMEM_add_to_physmap;
	s->a[1] = put(&a, sizeof(a));
}

static void gen_add_batch(struct shot *s)
{
	struct xen_add_to_physmap_batch b = { .domid = is_dom0 ? DOMID_SELF : self_or_other(),
		.space = is_dom0 ? XENMAPSPACE_gmfn_foreign : one_in(8) ? (u16)rnd(8) : XENMAPSPACE_gmfn,
		.size = (u16)(1 + rnd(one_in(3) ? 40 : 4)) };
	u64 lists[2][40];
	u32 i;

	if (b.space == XENMAPSPACE_gmfn_foreign)
		b.u.foreign_domid = any_domid();
	for (i = 0; i < b.size; i++) {
		lists[0][i] = any_gfn(b.space == XENMAPSPACE_gmfn_foreign ? b.u.foreign_domid : b.domid);
		lists[1][i] = any_gfn(b.domid);
	}
	b.idxs = put(lists[0], b.size * 8u);
	b.gpfns = put(lists[1], b.size * 8u);
	b.errs = put(NULL, b.size * 4u);
	s->a[0] = XENMEM_add_to_physmap_batch;
	s->a[1] = put(&b, sizeof(b));
}

static void gen_acquire(struct shot *s)
{
	struct xen_mem_acquire_resource a = { .domid = any_domid(), .type = XENMEM_resource_grant_table,
		.nr_frames = rnd(4), .frame = rnd(3) };
	u64 gfns[4], i;

	for (i = 0; i < 4; i++)
		gfns[i] = any_gfn(DOMID_SELF);
	a.frame_list = put(gfns, sizeof(gfns));
	if (one_in(8))
		a.frame_list = 0;
	s->a[0] = XENMEM_acquire_resource;
	s->a[1] = put(&a, sizeof(a));
}

static void gen_memory_other(struct shot *s)
{
	static const u8 harmless[] = { XENMEM_maximum_ram_page, XENMEM_current_reservation,
				       XENMEM_maximum_reservation, XENMEM_maximum_gpfn, XENMEM_memory_map };
	struct xen_foreign_memory_map map = { .domid = is_dom0 ? (domid_t)(1 + rnd(nr_ids)) : any_domid(),
					      .map = { rnd(4), put_address() + 512 } };
	struct xen_memory_reservation claim = { .domid = any_domid(),
						.nr_extents = one_in(2) ? 0 : 40 + rnd(3000) };

	switch (rnd(4)) {
	case 0:
		s->a[0] = XENMEM_set_memory_map;
		s->a[1] = put(&map, sizeof(map));
		break;
	case 1:
		s->a[0] = XENMEM_claim_pages;
		s->a[1] = put(&claim, sizeof(claim));
		break;
	default:
		s->a[0] = is_dom0 ? harmless[rnd(ARRAY_SIZE(harmless))] : rnd(30);
		s->a[1] = put(&claim, sizeof(claim));
	}
}

void gen_memory(struct shot *s)
{
	struct xen_remove_from_physmap rem = { .domid = self_or_other() };

	s->nr = __HYPERVISOR_memory_op;
	switch (rnd(16)) {
	case 0 ... 4:
		gen_reservation(s);
		return;
	case 5 ... 8:
		gen_add(s);
		return;
	case 9 ... 10:
		gen_add_batch(s);
		return;
	case 11 ... 12:
		rem.gpfn = any_gfn(rem.domid);
		s->a[0] = XENMEM_remove_from_physmap;
		s->a[1] = put(&rem, sizeof(rem));
		return;
	case 13:
		gen_acquire(s);
		return;
	default:
		gen_memory_other(s);
	}
}
