/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random operations on vCPUs, domains and the machine; and the end, when Dom0 destroys all other
 * domains.
 */
#include "test/fuzz/pair/pair.h"

#include <string.h>

#include <public/domctl.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>

#include "common/grant_internal.h"
#include "common/hypercall.h"

#define FLAT 0xc9b

static void gen_initialise(struct pair_op *op)
{
	struct vcpu_hvm_context c = { .mode = VCPU_HVM_MODE_32B,
				      .cpu_regs.x86_32 = { .cr0 = 0x11, .cs_ar = 0xc9b,
		.ss_ar = 0xc93, .ds_ar = 0xc93, .es_ar = 0xc93, .tr_ar = 0x8b, .cs_limit = ~0u } };

	if (one_in(8))
		c.mode = rnd(3);
	op->a[0] = VCPUOP_initialise;
	op->a[2] = gen_put(op, &c, sizeof(c));
}

static void gen_areas(struct vcpu *v, struct pair_op *op)
{
	u64 area = one_in(8) ? 0 : gen_gfn(v->domain) << PAGE_SHIFT | rnd(512) * 8;
	struct vcpu_register_vcpu_info info = { gen_gfn(v->domain), rnd(64) * 64, 0 };

	switch (rnd(3)) {
	case 0:
		op->a[0] = VCPUOP_register_vcpu_info;
		op->a[2] = gen_put(op, &info, sizeof(info));
		break;
	case 1:
		op->a[0] = VCPUOP_register_runstate_memory_area;
		op->a[2] = gen_put(op, &area, sizeof(area));
		break;
	default:
		op->a[0] = VCPUOP_register_vcpu_time_memory_area;
		op->a[2] = gen_put(op, &area, sizeof(area));
	}
}

static void gen_timers(struct pair_op *op)
{
	struct vcpu_set_singleshot_timer single = { pair_now + rnd(5000000), one_in(8) ? rnd(4) : 0 };
	struct vcpu_set_periodic_timer periodic = { one_in(8) ? pair_rand() : 1000000 + rnd(4000000) };

	switch (rnd(4)) {
	case 0:
		op->a[0] = VCPUOP_set_singleshot_timer;
		op->a[2] = gen_put(op, &single, sizeof(single));
		break;
	case 1:
		op->a[0] = VCPUOP_set_periodic_timer;
		op->a[2] = gen_put(op, &periodic, sizeof(periodic));
		break;
	case 2:
		op->a[0] = VCPUOP_stop_periodic_timer;
		break;
	default:
		op->a[0] = VCPUOP_stop_singleshot_timer;
	}
}

void gen_vcpu(struct vcpu *v, struct pair_op *op)
{
	bool dom0 = v->domain->hardware;

	op->nr = __HYPERVISOR_vcpu_op;
	op->a[1] = one_in(16) ? rnd(200) : rnd(v->domain->max_vcpus);
	switch (rnd(16)) {
	case 0 ... 2:
		gen_initialise(op);
		break;
	case 3 ... 6:
		op->a[0] = VCPUOP_up;
		break;
	case 7 ... 8:
		op->a[0] = dom0 ? VCPUOP_is_up : VCPUOP_down;
		break;
	case 9 ... 11:
		gen_areas(v, op);
		break;
	case 12 ... 13:
		gen_timers(op);
		break;
	default:
		op->a[0] = dom0 || !one_in(4) ? VCPUOP_send_nmi : rnd(16);
		op->a[2] = op->gpa;
	}
}

void gen_sched(struct vcpu *v, struct pair_op *op)
{
	evtchn_port_t ports[4] = { gen_port(v->domain), gen_port(v->domain), gen_port(v->domain),
				   rnd(300) };
	struct sched_poll poll = { .nr_ports = rnd(4), .timeout = one_in(4) && !v->domain->hardware ? 0
				   : pair_now + rnd(200000) };
	struct sched_shutdown down = { rnd(6) };
	struct sched_watchdog dog;
	struct sched_remote_shutdown remote = { gen_domid(v->domain), rnd(6) };

	op->nr = __HYPERVISOR_sched_op;
	poll.ports = gen_put(op, ports, sizeof(ports));
	op->a[1] = gen_put(op, &poll, sizeof(poll));
	op->a[0] = SCHEDOP_poll;
	switch (rnd(8)) {
	case 0 ... 2:
		return;
	case 3:
		if (!v->domain->hardware)
			op->a[0] = SCHEDOP_block;
		return;
	case 4:
		if (v->domain->hardware && remote.domain_id != 0 && domain_find(remote.domain_id)) {
			op->a[0] = SCHEDOP_remote_shutdown;
			op->a[1] = gen_put(op, &remote, sizeof(remote));
		} else if (!v->domain->hardware && one_in(4)) {
			op->a[0] = SCHEDOP_shutdown;
			op->a[1] = gen_put(op, &down, sizeof(down));
		}
		return;
	case 5:
		dog = (struct sched_watchdog){ rnd(4), v->domain->hardware ? ~0u : rnd(4) };
		op->a[0] = SCHEDOP_watchdog;
		op->a[1] = gen_put(op, &dog, sizeof(dog));
		return;
	default:
		op->a[0] = SCHEDOP_yield;
	}
}

void gen_hvm(struct vcpu *v, struct pair_op *op)
{
	struct domain *d = v->domain;
	domid_t id = one_in(4) ? gen_domid(d) : DOMID_SELF;
	struct xen_hvm_param p = { .domid = id, .index = one_in(2) ? 0 : rnd(HVM_NR_PARAMS + 2),
				   .value = one_in(3) ? 0 : one_in(2) ? 2ull << 56 | (0x20 + rnd(16)) : rnd(64) };
	struct xen_hvm_get_mem_type type = { .domid = id, .pfn = gen_gfn(d) };
	struct xen_hvm_evtchn_upcall_vector vec = { rnd(4), (u8)(one_in(4) ? rnd(16) : 0x30 + rnd(16)) };

	op->nr = __HYPERVISOR_hvm_op;
	switch (rnd(6)) {
	case 0:
		op->a[0] = HVMOP_flush_tlbs;
		break;
	case 1:
		op->a[0] = HVMOP_get_mem_type;
		op->a[1] = gen_put(op, &type, sizeof(type));
		break;
	case 2:
		op->a[0] = HVMOP_set_evtchn_upcall_vector;
		op->a[1] = gen_put(op, &vec, sizeof(vec));
		break;
	case 3:
		op->a[0] = one_in(4) ? rnd(27) : HVMOP_get_param;
		op->a[1] = gen_put(op, &p, sizeof(p));
		break;
	default:
		op->a[0] = HVMOP_set_param;
		op->a[1] = gen_put(op, &p, sizeof(p));
	}
}

/* --- Operations of control domains --- */

static void put_domctl(struct pair_op *op, struct xen_domctl *c, domid_t id)
{
	c->interface_version = XEN_DOMCTL_INTERFACE_VERSION_V17;
	c->domain = id;
	op->nr = __HYPERVISOR_domctl;
	op->a[0] = gen_put(op, c, sizeof(*c));
}

static void gen_create(struct pair_op *op)
{
	struct xen_domctl c = { .cmd = XEN_DOMCTL_createdomain, .u.createdomain_v17 = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1 + rnd(PAIR_VCPUS),
		.max_evtchn_port = one_in(3) ? 40 + rnd(100) : 4095,
		.max_grant_frames = one_in(8) ? -1 : (int)rnd(4),
		.max_maptrack_frames = one_in(8) ? -1 : (int)rnd(4), .grant_opts = 1,
		.arch.emulation_flags = XEN_X86_EMU_LAPIC } };

	put_domctl(op, &c, one_in(16) ? (domid_t)rnd(12) : 0);
}

/*
 * The next step of a toolstack that builds d: memory, the first vCPU's state, then the start.
 * False: d has started.
 */
static bool gen_build(struct domain *d, struct pair_op *op)
{
	struct xen_memory_reservation r = { .domid = d->id, .nr_extents = 48 };
	struct xen_domctl c = { 0 };

	if (d->max_pages < 48) {
		c.cmd = XEN_DOMCTL_max_mem;
		c.u.max_mem.max_memkb = one_in(3) ? 1 << 20 : 400 + rnd(4000);
		put_domctl(op, &c, d->id);
	} else if (d->tot_pages < 24) {
		r.extent_start = op->gpa + op->len + ROUND_UP(sizeof(r), 8);
		op->nr = __HYPERVISOR_memory_op;
		op->a[0] = XENMEM_populate_physmap;
		op->a[1] = gen_put(op, &r, sizeof(r));
		for (u64 gfn = 0; gfn < 48; gfn++)
			gen_put(op, &gfn, sizeof(gfn));
	} else if (d->vcpu[0] && !d->vcpu[0]->initialised) {
		c.cmd = XEN_DOMCTL_sethvmcontext;
		c.u.hvmcontext.size = one_in(2) ? ~0u : 1;
		put_domctl(op, &c, d->id);
	} else if (d->controller_pauses) {
		c.cmd = XEN_DOMCTL_unpausedomain;
		put_domctl(op, &c, d->id);
	} else {
		return false;
	}
	return true;
}

static void gen_domctl_args(struct domain *d, struct pair_op *op, struct xen_domctl *c)
{
	u64 mask = 1 + rnd(15), gfn = gen_gfn(d);

	switch (c->cmd) {
	case XEN_DOMCTL_max_mem:
		c->u.max_mem.max_memkb = one_in(2) ? rnd(8000) : pair_rand() >> rnd(64);
		break;
	case XEN_DOMCTL_setvcpuaffinity:
	case XEN_DOMCTL_getvcpuaffinity:
		c->u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){ rnd(4), 1 + rnd(3),
			{ gen_put(op, &mask, 8), 64 }, { gen_put(op, &mask, 8), 64 } };
		break;
	case XEN_DOMCTL_scheduler_op:
		c->u.scheduler_op.sched_id = pair->cfg.null_sched ? XEN_SCHEDULER_NULL : XEN_SCHEDULER_CREDIT2;
		c->u.scheduler_op.cmd = rnd(2);
		c->u.scheduler_op.u.credit2.weight = (u16)rnd(1000);
		c->u.scheduler_op.u.credit2.cap = one_in(2) ? 0 : (u16)rnd(200);
		break;
	case XEN_DOMCTL_getpageframeinfo3:
		c->u.getpageframeinfo3.num = 1;
		c->u.getpageframeinfo3.array = gen_put(op, &gfn, 8);
		break;
	case XEN_DOMCTL_shadow_op:
		c->u.shadow_op.op = (const u8[]){ 0, 2, 11, 11, 11, 12, 30, 31 }[rnd(8)];
		c->u.shadow_op.mode = one_in(8) ? rnd(16) : 0;
		c->u.shadow_op.mb = rnd(8);
		c->u.shadow_op.dirty_bitmap = one_in(4) ? 0 : op->gpa + 1024;
		c->u.shadow_op.pages = one_in(8) ? rnd(BIT(24)) : rnd(8192);
		break;
	case XEN_DOMCTL_sethvmcontext:
		c->u.hvmcontext.size = 1 + rnd(8);
		break;
	case XEN_DOMCTL_getvcpucontext:
	case XEN_DOMCTL_setvcpucontext:
		c->u.vcpucontext.vcpu = rnd(PAIR_VCPUS);
		c->u.vcpucontext.ctxt = rnd(8);
		break;
	case XEN_DOMCTL_set_paging_mempool_size:
		c->u.paging_mempool.size = (u64)rnd(one_in(2) ? 64 : 4096) << PAGE_SHIFT;
		break;
	default:
		for (u32 i = 0; i < 4; i++)
			((u32 *)&c->u)[i] = rnd(8);
	}
}

static u32 any_cmd(void)
{
	static const u8 life[] = { XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain,
				   XEN_DOMCTL_resumedomain,
		XEN_DOMCTL_getdomaininfo, XEN_DOMCTL_max_mem, XEN_DOMCTL_setvcpuaffinity,
		XEN_DOMCTL_sethvmcontext, XEN_DOMCTL_gethvmcontext, XEN_DOMCTL_scheduler_op,
		XEN_DOMCTL_sendtrigger, XEN_DOMCTL_subscribe, XEN_DOMCTL_set_paging_mempool_size,
		XEN_DOMCTL_get_paging_mempool_size, XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_setvcpucontext,
		XEN_DOMCTL_shadow_op, XEN_DOMCTL_shadow_op };

	return one_in(4) ? rnd(90) : life[rnd(ARRAY_SIZE(life))];
}

void gen_domctl(struct vcpu *v, struct pair_op *op)
{
	struct domain *d = gen_domain(v->domain);
	struct xen_domctl c = { 0 };
	u32 n = 0;

	for (domid_t id = 1; id < 512; id++)
		n += domain_find(id) != NULL;
	if (n < pair->cfg.guests && one_in(2)) {
		gen_create(op);
		return;
	}
	if (d != v->domain && !one_in(4) && gen_build(d, op))
		return;
	if (one_in(n >= pair->cfg.guests ? 12 : 30)) {
		c.cmd = XEN_DOMCTL_destroydomain;
	} else if (one_in(32) && n < 8) {
		gen_create(op);
		return;
	} else {
		c.cmd = any_cmd();
		gen_domctl_args(d, op, &c);
	}
	put_domctl(op, &c, d == v->domain || one_in(16) ? gen_domid(d) : d->id);
}

void gen_sysctl(struct vcpu *v, struct pair_op *op)
{
	static const u8 cmds[] = { XEN_SYSCTL_physinfo, XEN_SYSCTL_getdomaininfolist, XEN_SYSCTL_availheap,
				   XEN_SYSCTL_cputopoinfo, XEN_SYSCTL_numainfo, XEN_SYSCTL_scheduler_op,
				   XEN_SYSCTL_debug_keys };
	struct xen_sysctl c = { .cmd = cmds[rnd(ARRAY_SIZE(cmds))],
				.interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	if (c.cmd == XEN_SYSCTL_getdomaininfolist)
		c.u.getdomaininfolist = (struct xen_sysctl_getdomaininfolist){ .first_domain = (domid_t)rnd(4),
			.max_domains = rnd(20), .buffer = op->gpa + 1024 };
	if (c.cmd == XEN_SYSCTL_debug_keys) {
		c.u.debug_keys.keys = gen_put(op, "qmth", 4);
		c.u.debug_keys.nr_keys = 3;
	}
	op->nr = __HYPERVISOR_sysctl;
	op->a[0] = gen_put(op, &c, sizeof(c));
}

/* --- The end --- */

static bool end_unmap(struct domain *d, struct pair_op *op)
{
	struct grant_table *gt = d->grant;

	for (grant_handle_t h = 0; h < gt->nr_maptrack * MAPTRACK_PER_FRAME; h++) {
		struct maptrack *m = &gt->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME];
		struct gnttab_unmap_grant_ref u = { .host_addr = m->gfn << PAGE_SHIFT, .handle = h };

		if (m->state != MT_USED)
			continue;
		op->nr = __HYPERVISOR_grant_table_op;
		op->a[0] = GNTTABOP_unmap_grant_ref;
		op->a[1] = gen_put(op, &u, sizeof(u));
		op->a[2] = 1;
		return true;
	}
	return false;
}

/* The first page of this type that Dom0 has. */
static gfn_t find_type(u64 *table, unsigned int level, gfn_t base, enum p2m_type t)
{
	for (unsigned int i = 0; i < 512; i++) {
		gfn_t gfn = base | (gfn_t)i << 9 * (level - 1), found;

		if (!table[i])
			continue;
		if (level == 1 || table[i] & 0x80) {
			if ((table[i] >> 52 & 15) == t)
				return gfn;
			continue;
		}
		found = find_type(mfn_to_virt((table[i] & 0xffffffffff000ull) >> PAGE_SHIFT), level - 1, gfn, t);
		if (found != INVALID_GFN)
			return found;
	}
	return INVALID_GFN;
}

static bool end_remove(struct domain *d, struct pair_op *op)
{
	struct xen_remove_from_physmap rem = { .domid = DOMID_SELF,
					       .gpfn = find_type(d->p2m.arch.root, 4, 0, P2M_FOREIGN) };

	if (rem.gpfn == INVALID_GFN)
		return false;
	op->nr = __HYPERVISOR_memory_op;
	op->a[0] = XENMEM_remove_from_physmap;
	op->a[1] = gen_put(op, &rem, sizeof(rem));
	return true;
}

bool pair_gen_end(struct vcpu *v, struct pair_op *op)
{
	struct domain *d = v->domain, *o;
	struct pair_vcpu *p = pair_vcpu(v);
	struct xen_domctl c = { .cmd = XEN_DOMCTL_destroydomain };
	gfn_t gfn;

	if (p->continued && p->nr == __HYPERVISOR_domctl && pair->end_calls) {
		op->nr = (u8)p->nr;
		memcpy(op->a, p->args, sizeof(op->a));
		return true;
	}
	p->continued = false;
	gfn = find_type(d->p2m.arch.root, 4, 0, P2M_RAM);
	if (gfn >> 20)
		pair_give_page(d, gfn = 1); /* Dom0 has lost every page that could hold its arguments */
	op->gpa = (u32)gfn << PAGE_SHIFT;
	if (++pair->end_calls > 4000)
		pair_fail("Dom0 cannot destroy everything in 4000 calls");
	if (end_unmap(d, op) || end_remove(d, op))
		return true;
	o = domain_find_from(1);
	while (o && o->state == DOMAIN_ZOMBIE)
		o = domain_find_from((domid_t)(o->id + 1));
	if (!o) {
		pair->over = true;
		return false;
	}
	put_domctl(op, &c, o->id);
	return true;
}
