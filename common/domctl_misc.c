/* SPDX-License-Identifier: GPL-2.0-only */
/* domctl: memory, time, policy, saved state, devices. */
#include "common/domctl.h"

#include "common/pci.h"
#include "common/time.h"

#define PAGEFRAMES_MAX 1024	/* in a call */
#define PAGEFRAMES_CHUNK 64
#define TSC_MODE_NEVER_EMULATE 2

static long op_max_mem(struct domain *d, struct xen_domctl *op)
{
	WRITE_ONCE(d->max_pages, min(op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10), (u64)~0u));
	return 0;
}

/* The limit of the domain's tables. As in Xen, it cannot go below what they use. */
static void set_mempool(struct domain *d, u64 size)
{
	p2m_write_lock(&d->p2m);
	WRITE_ONCE(d->paging_mempool, max(size, d->p2m.nr_tables << PAGE_SHIFT));
	p2m_write_unlock(d);
}

static long op_set_mempool(struct domain *d, struct xen_domctl *op)
{
	if (op->u.paging_mempool.size % PAGE_SIZE)
		return -EINVAL;
	set_mempool(d, op->u.paging_mempool.size);
	return 0;
}

static long op_get_mempool(struct domain *d, struct xen_domctl *op)
{
	op->u.paging_mempool.size = p2m_max_tables(d) << PAGE_SHIFT;
	return 0;
}

static long op_setdomainhandle(struct domain *d, struct xen_domctl *op)
{
	spin_lock(&d->lock);
	memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
	spin_unlock(&d->lock);
	return 0;
}

static long op_settimeoffset(struct domain *d, struct xen_domctl *op)
{
	WRITE_ONCE(d->time_offset, op->u.settimeoffset.time_offset_seconds);
	domain_wallclock_update(d);
	return 0;
}

/* A guest's TSC is the host's with an offset: emulating or scaling it is not supported. */
static long op_settscinfo(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_tsc_info *t = &op->u.tsc_info;

	if (t->tsc_mode > TSC_MODE_NEVER_EMULATE)
		return -EINVAL;
	if (t->tsc_mode == 1)
		return -EOPNOTSUPP;
	d->tsc_mode = t->tsc_mode;
	d->tsc_incarnation = t->incarnation;
	return 0;
}

static long op_gettscinfo(struct domain *d, struct xen_domctl *op)
{
	op->u.tsc_info = (struct xen_domctl_tsc_info){
		.tsc_mode = d->tsc_mode,
		.gtsc_khz = arch_tsc_khz(),
		.incarnation = d->tsc_incarnation,
		.elapsed_nsec = now(),
	};
	return 0;
}

static long op_subscribe(struct domain *d, struct xen_domctl *op)
{
	if (op->u.subscribe.port >= EVTCHN_MAX_PORTS)
		return -EINVAL;
	spin_lock(&d->lock);
	d->suspend_port = op->u.subscribe.port;
	d->suspend_port_set = true;
	spin_unlock(&d->lock);
	return 0;
}

/* In: gfns; out: whether there is memory. */
static long op_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
	u64 gfns[PAGEFRAMES_CHUNK], n, num = op->u.getpageframeinfo3.num,
		array = op->u.getpageframeinfo3.array;
	enum p2m_type t;

	if (num > PAGEFRAMES_MAX)
		return -E2BIG;
	for (; num; num -= n, array += n * sizeof(gfns[0])) {
		n = min(num, (u64)PAGEFRAMES_CHUNK);
		if (copy_from_guest(gfns, array, n * sizeof(gfns[0])))
			return -EFAULT;
		p2m_read_lock(&d->p2m);
		for (u64 i = 0; i < n; i++) {
			p2m_get(d, gfns[i], &t, NULL);
			gfns[i] = p2m_is_ram(t) ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XTAB;
		}
		p2m_read_unlock(&d->p2m);
		if (copy_to_guest(array, gfns, n * sizeof(gfns[0])))
			return -EFAULT;
		irq_window();
	}
	return 0;
}

/* Pages that Keel writes without consulting the p2m may be dirty at any time. */
static void log_own_writes(struct domain *d)
{
	struct vcpu *v;

	p2m_read_lock(&d->p2m);
	for_each_vcpu(d, v)
		if (READ_ONCE(v->info_page))
			p2m_log_write(&d->p2m, v->info_gfn);
	if (READ_ONCE(d->boot_console))
		p2m_log_write(&d->p2m, d->hvm_params[HVM_PARAM_CONSOLE_PFN]);
	p2m_read_unlock(&d->p2m);
}

/*
 * Copies one step of the log to the caller; op: CLEAN, PEEK, or ENABLE_LOGDIRTY, which reports
 * nothing and marks all pages clean.
 */
static long log_step(struct domain *d, struct xen_domctl_shadow_op *s, gfn_t gfn)
{
	u64 bits[P2M_LOG_STEP / 64] = { 0 };
	unsigned int n = (unsigned int)min(s->pages - gfn, (u64)P2M_LOG_STEP), dirty;

	if (s->op == XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) {
		p2m_log_protect(d, gfn, NULL);
		return 0;
	}
	dirty = p2m_log_read(d, gfn, n, bits);
	if (s->dirty_bitmap && copy_to_guest(s->dirty_bitmap + gfn / 8, bits, (n + 7) / 8))
		return -EFAULT;
	s->stats.dirty_count += dirty;
	irq_window();
	if (dirty && s->op == XEN_DOMCTL_SHADOW_OP_CLEAN)
		p2m_log_protect(d, gfn, bits);
	return 0;
}

/*
 * All steps. Progress, in pages of bitmap, is kept in mode, above the bit that the ABI uses, and
 * the counts so far are kept in the statistics. Pages marked clean are really clean when the caller
 * reads them, because each return flushes.
 */
static long log_pass(struct domain *d, struct xen_domctl_shadow_op *s)
{
	gfn_t start = (gfn_t)(s->mode >> 1) * P2M_LOG_STEP, gfn;
	long rc = 0;

	for (gfn = start; gfn < s->pages && !rc; gfn += P2M_LOG_STEP) {
		if (gfn > start && hypercall_preempt_check()) {
			s->mode = (s->mode & 1) | (u32)(gfn / P2M_LOG_STEP) << 1;
			rc = -ERESTART;
		} else {
			rc = log_step(d, s, gfn);
		}
	}
	p2m_write_lock(&d->p2m);
	p2m_write_unlock(d);
	if (rc != -ERESTART)
		s->mode &= 1;
	return rc;
}

static long log_enable(struct domain *d, struct xen_domctl_shadow_op *s)
{
	int rc = 0;

	if (!(s->mode >> 1))
		rc = arch_pci_log_start(d);
	else if (!READ_ONCE(d->p2m.log_dirty))
		rc = -EINVAL;	/* switched off meanwhile, or never begun */
	s->pages = READ_ONCE(d->p2m.max_gfn) + 1;
	return rc ? rc : log_pass(d, s);
}

static long log_tell(struct domain *d, struct xen_domctl_shadow_op *s)
{
	u32 *faults = &d->p2m.log_faults;

	if (!READ_ONCE(d->p2m.log_dirty))
		return -EINVAL;
	s->pages = min(s->pages, p2m_gfn_limit);
	if (!(s->mode >> 1)) {
		s->stats.dirty_count = 0;
		s->stats.fault_count = s->op == XEN_DOMCTL_SHADOW_OP_CLEAN ?
			__atomic_exchange_n(faults, 0, __ATOMIC_RELAXED) : READ_ONCE(*faults);
		log_own_writes(d);
		irq_window();
	}
	return log_pass(d, s);
}

static long op_shadow(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_shadow_op *s = &op->u.shadow_op;

	switch (s->op) {
	case XEN_DOMCTL_SHADOW_OP_OFF:
		p2m_log_stop(d);
		return 0;
	case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
		return log_enable(d, s);
	case XEN_DOMCTL_SHADOW_OP_CLEAN:
	case XEN_DOMCTL_SHADOW_OP_PEEK:
		return log_tell(d, s);
	case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
		s->mb = (u32)((p2m_max_tables(d) + 255) >> 8);
		return 0;
	case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
		set_mempool(d, (u64)s->mb << 20);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static long op_gethvmcontext(struct domain *d, struct xen_domctl *op)
{
	if (arch_pci_has_functions(d))
		return -EOPNOTSUPP;	/* nobody can save the state of its devices */
	return arch_get_hvmcontext(d, op->u.hvmcontext.buffer, &op->u.hvmcontext.size);
}

static long op_sethvmcontext(struct domain *d, struct xen_domctl *op)
{
	return arch_set_hvmcontext(d, op->u.hvmcontext.buffer, op->u.hvmcontext.size);
}

static long op_get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
	return arch_get_cpu_policy(d, &op->u.cpu_policy);
}

static long op_set_cpu_policy(struct domain *d, struct xen_domctl *op)
{
	return READ_ONCE(d->started) ? -EEXIST : arch_set_cpu_policy(d, &op->u.cpu_policy);
}

/*
 * Guests see one node, as Linux does not ask for more as a PVH guest. Caches have no colours: libxl
 * 4.20 asks for none in each guest, and goes on when told this.
 */
static long op_unsupported(struct domain *d, struct xen_domctl *op) { return -EOPNOTSUPP; }

/*
 * Guests have no access to devices: revoking it succeeds trivially, granting it is not supported.
 */
static long op_permission(struct domain *d, struct xen_domctl *op)
{
	u8 allow = op->cmd == XEN_DOMCTL_irq_permission ? op->u.irq_permission.allow_access :
		   op->cmd == XEN_DOMCTL_iomem_permission ? op->u.iomem_permission.allow_access :
		   op->u.ioport_permission.allow_access;

	return allow ? -EOPNOTSUPP : 0;
}

const struct op domctl_misc[NR_DOMCTLS] = {
	DOMCTL_OP(max_mem, op_max_mem, 0),
	DOMCTL_OP(set_paging_mempool_size, op_set_mempool, 0),
	DOMCTL_OP(get_paging_mempool_size, op_get_mempool, OP_OUT),
	DOMCTL_OP(setdomainhandle, op_setdomainhandle, 0),
	DOMCTL_OP(settimeoffset, op_settimeoffset, 0),
	DOMCTL_OP(settscinfo, op_settscinfo, OP_OTHER),
	DOMCTL_OP(gettscinfo, op_gettscinfo, OP_OUT),
	DOMCTL_OP(subscribe, op_subscribe, 0),
	DOMCTL_OP(getpageframeinfo3, op_getpageframeinfo3, 0),
	DOMCTL_OP(shadow_op, op_shadow, OP_OTHER | OP_OUT),
	DOMCTL_OP(gethvmcontext, op_gethvmcontext, OP_OTHER | OP_PAUSED | OP_OUT),
	DOMCTL_OP(sethvmcontext, op_sethvmcontext, OP_OTHER | OP_PAUSED),
	DOMCTL_OP(get_cpu_policy, op_get_cpu_policy, OP_OUT),
	DOMCTL_OP(set_cpu_policy, op_set_cpu_policy, OP_OTHER | OP_PAUSED | OP_OUT),
	DOMCTL_OP(setvnumainfo, op_unsupported, 0),
	DOMCTL_OP(set_llc_colors, op_unsupported, 0),
	DOMCTL_OP(irq_permission, op_permission, 0),
	DOMCTL_OP(iomem_permission, op_permission, 0),
	DOMCTL_OP(ioport_permission, op_permission, 0),
};
