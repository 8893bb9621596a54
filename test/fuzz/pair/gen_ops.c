/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations on event channels, grants and memory. */
#include "test/fuzz/pair/pair.h"

#include <string.h>

#include <public/memory.h>

#include "common/grant_internal.h"
#include "common/hypercall.h"

evtchn_port_t gen_port(struct domain *d)
{
	evtchn_port_t port = rnd(one_in(4) ? 256 : 24);

	if (one_in(6))
		return one_in(2) ? 120 + rnd(20) : one_in(2) ? d->evtchn.max_port + rnd(2) : rnd(4200);
	for (u32 i = 0; i < 32; i++) {
		struct evtchn *chn = evtchn_lookup(&d->evtchn, port + i);

		if (chn && chn->state != EC_FREE)
			return port + i;
	}
	return port;
}

/* A port of rd that waits for d to bind it, if there is one. */
static evtchn_port_t waiting_port(struct domain *rd, domid_t id)
{
	evtchn_port_t port = rnd(140);

	for (u32 i = 0; i < 256; i++) {
		struct evtchn *chn = evtchn_lookup(&rd->evtchn, (port + i) % 256);

		if (chn && chn->state == EC_UNBOUND && chn->remote_dom == id)
			return (port + i) % 256;
	}
	return gen_port(rd);
}

static domid_t self_or_other(struct domain *d)
{
	return one_in(d->control ? 2 : 8) ? gen_domid(d) : DOMID_SELF;
}

static void bind_interdomain(struct domain *d, struct pair_op *op)
{
	domid_t id = gen_domid(d);
	struct domain *rd = id == DOMID_SELF ? d : domain_find(id);
	struct evtchn_bind_interdomain arg = { .remote_dom = id,
		.remote_port = rd && !one_in(4) ? waiting_port(rd, d->id) : rnd(140) };

	op->a[0] = EVTCHNOP_bind_interdomain;
	op->a[1] = gen_put(op, &arg, sizeof(arg));
}

static void evtchn_new(struct vcpu *v, struct pair_op *op)
{
	struct evtchn_alloc_unbound alloc = { self_or_other(v->domain), gen_domid(v->domain), 0 };
	struct evtchn_bind_virq virq = { rnd(one_in(4) ? 26 : 4), one_in(2) ? 0 : rnd(4), 0 };
	struct evtchn_bind_ipi ipi = { rnd(4), 0 };

	switch (rnd(8)) {
	case 0:
		op->a[0] = EVTCHNOP_bind_virq;
		op->a[1] = gen_put(op, &virq, sizeof(virq));
		break;
	case 1:
		op->a[0] = EVTCHNOP_bind_ipi;
		op->a[1] = gen_put(op, &ipi, sizeof(ipi));
		break;
	case 2 ... 4:
		op->a[0] = EVTCHNOP_alloc_unbound;
		op->a[1] = gen_put(op, &alloc, sizeof(alloc));
		break;
	default:
		bind_interdomain(v->domain, op);
	}
}

static void evtchn_fifo(struct domain *d, struct pair_op *op)
{
	struct evtchn_init_control init = { gen_gfn(d), one_in(8) ? rnd(8192) : 8 * rnd(500), rnd(4), 0,
					    { 0 } };
	struct evtchn_expand_array expand = { gen_gfn(d) };
	struct evtchn_set_priority set = { gen_port(d), rnd(one_in(4) ? 20 : 16) };

	switch (rnd(3)) {
	case 0:
		op->a[0] = EVTCHNOP_init_control;
		op->a[1] = gen_put(op, &init, sizeof(init));
		break;
	case 1:
		op->a[0] = EVTCHNOP_expand_array;
		op->a[1] = gen_put(op, &expand, sizeof(expand));
		break;
	default:
		op->a[0] = EVTCHNOP_set_priority;
		op->a[1] = gen_put(op, &set, sizeof(set));
	}
}

void gen_evtchn(struct vcpu *v, struct pair_op *op)
{
	struct domain *d = v->domain;
	struct evtchn_status status = { .dom = self_or_other(d), .port = gen_port(d) };
	struct evtchn_bind_vcpu bind = { gen_port(d), rnd(4) };
	struct evtchn_reset reset = { self_or_other(d) };
	evtchn_port_t port = gen_port(d);

	op->nr = __HYPERVISOR_event_channel_op;
	switch (rnd(22)) {
	case 0 ... 1:
		evtchn_fifo(d, op);
		return;
	case 2 ... 8:
		evtchn_new(v, op);
		return;
	case 9 ... 14:
		op->a[0] = EVTCHNOP_send;
		op->a[1] = gen_put(op, &port, sizeof(port));
		return;
	case 15 ... 17:
		op->a[0] = EVTCHNOP_close;
		op->a[1] = gen_put(op, &port, sizeof(port));
		return;
	case 18:
		op->a[0] = EVTCHNOP_status;
		op->a[1] = gen_put(op, &status, sizeof(status));
		return;
	case 19:
		op->a[0] = EVTCHNOP_bind_vcpu;
		op->a[1] = gen_put(op, &bind, sizeof(bind));
		return;
	case 20:
		op->a[0] = one_in(8) ? rnd(16) : EVTCHNOP_unmask;
		op->a[1] = gen_put(op, &port, sizeof(port));
		return;
	default:
		op->a[0] = EVTCHNOP_reset;
		op->a[1] = gen_put(op, &reset, sizeof(reset));
	}
}

/* --- Grants --- */

static u32 batch_size(void)
{
	return one_in(8) ? 60 + rnd(20) : 1 + rnd(one_in(4) ? 24 : 3);
}

/* A grant reference of granter that d may use, if there is one. */
static bool usable_ref(struct domain *granter, struct domain *d, grant_ref_t *ref)
{
	*ref = rnd(24);
	if (!granter || !granter->grant || !granter->grant->nr_frames || one_in(8)) {
		*ref = one_in(2) ? 504 + rnd(16) : rnd(3000);
		return false;
	}
	for (u32 i = 0; i < 24; i++, *ref = (*ref + 1) % 24) {
		struct grant_entry_v1 *e = grant_entry(granter->grant, *ref);

		if (e->domid == d->id && e->flags & GTF_permit_access)
			return true;
	}
	return false;
}

static domid_t gen_granter(struct domain *d, grant_ref_t *ref)
{
	for (u32 i = 0;; i++) {
		domid_t id = gen_domid(d);

		if (usable_ref(domain_find(id == DOMID_SELF ? d->id : id), d, ref) || i == 4)
			return id;
	}
}

static void gen_map(struct domain *d, struct pair_op *op)
{
	u32 n = batch_size();

	op->a[0] = GNTTABOP_map_grant_ref;
	op->a[1] = op->gpa + op->len;
	op->a[2] = n;
	for (u32 i = 0; i < n; i++) {
		struct gnttab_map_grant_ref m = { .host_addr = gen_gfn(d) << PAGE_SHIFT,
			.flags = one_in(16) ? rnd(8) : GNTMAP_host_map | (one_in(3) ? GNTMAP_readonly : 0) };

		m.dom = gen_granter(d, &m.ref);
		gen_put(op, &m, sizeof(m));
	}
}

/* A mapping that d has, if there is one: often the latest, which another vCPU may be working on. */
static struct maptrack *any_mapping(struct domain *d, grant_handle_t *handle)
{
	struct grant_table *gt = d->grant;
	u32 *last = &((struct pair_domain *)d)->last_mapping;
	u32 all = gt ? gt->nr_maptrack * (u32)MAPTRACK_PER_FRAME : 0, at = all ? rnd(min(all, 80u)) : 0;

	if (all && one_in(2))
		at = *last % all;

	*handle = rnd(64);
	for (u32 i = 0; i < min(all, 96u); i++) {
		grant_handle_t h = (at + i) % all;
		struct maptrack *m = &gt->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME];

		if (m->state == MT_USED) {
			*handle = *last = h;
			return m;
		}
	}
	return NULL;
}

static void gen_unmap(struct domain *d, struct pair_op *op)
{
	u32 n = batch_size();
	bool replace = one_in(8);

	op->a[0] = replace ? GNTTABOP_unmap_and_replace : GNTTABOP_unmap_grant_ref;
	op->a[1] = op->gpa + op->len;
	op->a[2] = n;
	for (u32 i = 0; i < n; i++) {
		grant_handle_t h;
		struct maptrack *m = any_mapping(d, &h);
		u64 addr = (m && !one_in(16) ? m->gfn : gen_gfn(d)) << PAGE_SHIFT;
		struct gnttab_unmap_grant_ref u = { .host_addr = addr, .handle = h };
		struct gnttab_unmap_and_replace r = { .host_addr = addr, .new_addr = one_in(8), .handle = h };

		if (replace)
			gen_put(op, &r, sizeof(r));
		else
			gen_put(op, &u, sizeof(u));
	}
}

/* One side of a copy: a page that d maps, the page of the arguments, or any. */
static struct gnttab_copy_ptr copy_side(struct domain *d, const struct pair_op *op, bool by_ref)
{
	struct gnttab_copy_ptr p = { .domid = DOMID_SELF, .offset = one_in(4) ? (u16)rnd(4200) : 0 };
	grant_handle_t h;
	struct maptrack *m;

	if (by_ref) {
		p.domid = gen_granter(d, &p.u.ref);
		return p;
	}
	m = one_in(2) ? any_mapping(d, &h) : NULL;
	p.u.gmfn = m ? m->gfn : one_in(3) ? gen_gfn(d) : PFN_DOWN(op->gpa);
	return p;
}

static void gen_copy(struct domain *d, struct pair_op *op)
{
	u32 n = 1 + rnd(one_in(8) ? 40 : 3);

	op->a[0] = GNTTABOP_copy;
	op->a[1] = op->gpa + op->len;
	op->a[2] = n;
	for (u32 i = 0; i < n; i++) {
		bool src = one_in(3), dst = one_in(3);
		struct gnttab_copy c = { .source = copy_side(d, op, src), .dest = copy_side(d, op, dst),
			.len = one_in(4) ? (u16)rnd(4200) : 64,
			.flags = (u16)((src ? GNTCOPY_source_gref : 0) | (dst ? GNTCOPY_dest_gref : 0)) };

		gen_put(op, &c, sizeof(c));
	}
}

static void gen_grant_single(struct domain *d, struct pair_op *op)
{
	struct gnttab_setup_table setup = { .dom = self_or_other(d), .nr_frames = rnd(one_in(4) ? 70 : 4),
					    .frame_list = op->gpa + 1024 };
	struct gnttab_query_size query = { .dom = self_or_other(d) };
	struct gnttab_swap_grant_ref swap = { rnd(24), one_in(8) ? rnd(3000) : rnd(24), 0 };

	op->a[2] = one_in(16) ? rnd(4) : 1;
	switch (rnd(4)) {
	case 0:
		op->a[0] = GNTTABOP_setup_table;
		op->a[1] = gen_put(op, &setup, sizeof(setup));
		break;
	case 1:
		op->a[0] = one_in(4) ? rnd(14) : GNTTABOP_query_size;
		op->a[1] = gen_put(op, &query, sizeof(query));
		break;
	default:
		op->a[0] = GNTTABOP_swap_grant_ref;
		op->a[1] = gen_put(op, &swap, sizeof(swap));
	}
}

void gen_grant(struct vcpu *v, struct pair_op *op)
{
	op->nr = __HYPERVISOR_grant_table_op;
	switch (rnd(16)) {
	case 0 ... 5:
		gen_map(v->domain, op);
		break;
	case 6 ... 10:
		gen_unmap(v->domain, op);
		break;
	case 11 ... 13:
		gen_copy(v->domain, op);
		break;
	default:
		gen_grant_single(v->domain, op);
	}
}

/* --- Memory --- */

static void gen_reservation(struct domain *d, struct pair_op *op)
{
	struct xen_memory_reservation r = { .domid = self_or_other(d),
					    .nr_extents = 1 + rnd(one_in(3) ? 80 : 4) };
	bool populate = !one_in(3);

	r.extent_order = one_in(6) ? 9 : one_in(12) ? 18 : one_in(16) ? rnd(20) : 0;
	if (r.extent_order)
		r.nr_extents = 1 + rnd(2);
	if (one_in(32))
		r.nr_extents = pair_rand() >> rnd(64);
	r.extent_start = op->gpa + op->len + ROUND_UP(sizeof(r), 8);
	op->a[0] = (populate ? XENMEM_populate_physmap : XENMEM_decrease_reservation) |
		   (one_in(16) ? (u64)rnd(80) << MEMOP_EXTENT_SHIFT : 0);
	op->a[1] = gen_put(op, &r, sizeof(r));
	for (u32 i = 0; i < min(r.nr_extents, (u64)100); i++) {
		gfn_t gfn = gen_gfn(d);

		if (!one_in(32) && r.extent_order < 20)
			gfn &= ~(BIT(r.extent_order) - 1);
		gen_put(op, &gfn, sizeof(gfn));
	}
}

static void gen_add(struct domain *d, struct pair_op *op)
{
	struct xen_add_to_physmap a = { .domid = self_or_other(d), .space = rnd(3), .gpfn = gen_gfn(d) };

	if (one_in(2))
		a.space = XENMAPSPACE_gmfn;
	if (one_in(32))
		a.space = rnd(8);
	a.idx = a.space == XENMAPSPACE_gmfn ? gen_gfn(d) : one_in(16) ? pair_rand() : a.space ? rnd(4) : 0;
	op->a[0] = XENMEM_add_to_physmap;
	op->a[1] = gen_put(op, &a, sizeof(a));
}

static void gen_add_batch(struct domain *d, struct pair_op *op)
{
	struct xen_add_to_physmap_batch b = { .domid = self_or_other(d),
					      .space = d->control ? XENMAPSPACE_gmfn_foreign :
					      one_in(8) ? (u16)rnd(8) : XENMAPSPACE_gmfn, .size = (u16)(1 + rnd(one_in(3) ? 40 : 4)) };
	u64 gfn;

	if (b.space == XENMAPSPACE_gmfn_foreign)
		b.u.foreign_domid = gen_domid(d);
	op->a[1] = gen_put(op, NULL, sizeof(b));
	b.idxs = op->gpa + op->len;
	for (u32 i = 0; i < b.size; i++) {
		gfn = gen_gfn(d);
		gen_put(op, &gfn, sizeof(gfn));
	}
	b.gpfns = op->gpa + op->len;
	for (u32 i = 0; i < b.size; i++) {
		gfn = gen_gfn(d);
		gen_put(op, &gfn, sizeof(gfn));
	}
	b.errs = op->gpa + op->len;
	gen_put(op, NULL, b.size * 4u);
	memcpy(op->data + (op->a[1] - op->gpa), &b, sizeof(b));
	op->a[0] = XENMEM_add_to_physmap_batch;
}

static void gen_acquire(struct domain *d, struct pair_op *op)
{
	struct xen_mem_acquire_resource a = { .domid = gen_domid(d), .type = XENMEM_resource_grant_table,
		.nr_frames = rnd(4), .frame = rnd(3) };
	gfn_t gfn;

	a.frame_list = one_in(8) ? 0 : op->gpa + op->len + ROUND_UP(sizeof(a), 8);
	op->a[0] = XENMEM_acquire_resource;
	op->a[1] = gen_put(op, &a, sizeof(a));
	for (u32 i = 0; i < 4; i++) {
		gfn = gen_gfn(d);
		gen_put(op, &gfn, sizeof(gfn));
	}
}

static void gen_memory_other(struct domain *d, struct pair_op *op)
{
	struct xen_foreign_memory_map map = { .domid = gen_domid(d), .map = { rnd(4), op->gpa + 512 } };
	struct xen_memory_reservation claim = { .domid = gen_domid(d),
						.nr_extents = one_in(2) ? 0 : 40 + rnd(3000) };

	switch (rnd(4)) {
	case 0:
		op->a[0] = XENMEM_set_memory_map;
		op->a[1] = gen_put(op, &map, sizeof(map));
		break;
	case 1:
		op->a[0] = XENMEM_claim_pages;
		op->a[1] = gen_put(op, &claim, sizeof(claim));
		break;
	default:
		op->a[0] = rnd(30);
		op->a[1] = gen_put(op, &claim, sizeof(claim));
	}
}

void gen_memory(struct vcpu *v, struct pair_op *op)
{
	struct domain *d = v->domain;
	struct xen_remove_from_physmap rem = { .domid = self_or_other(d), .gpfn = gen_gfn(d) };

	op->nr = __HYPERVISOR_memory_op;
	switch (rnd(16)) {
	case 0 ... 4:
		gen_reservation(d, op);
		return;
	case 5 ... 8:
		gen_add(d, op);
		return;
	case 9 ... 10:
		gen_add_batch(d, op);
		return;
	case 11 ... 12:
		op->a[0] = XENMEM_remove_from_physmap;
		op->a[1] = gen_put(op, &rem, sizeof(rem));
		return;
	case 13:
		gen_acquire(d, op);
		return;
	default:
		gen_memory_other(d, op);
	}
}
