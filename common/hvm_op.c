/* SPDX-License-Identifier: GPL-2.0-only */
/* hvm_op: the parameters of a domain, and the upcall vector of each vCPU. */
#include <public/hvm/hvm_op.h>

#include "common/compat.h"
#include "common/op.h"
#include "common/printk.h"
#include "common/timer.h"

#define FIRST_UPCALL_VECTOR 0x10 /* below are exceptions */

/* What a guest may do with its own parameters; a control domain may do everything. */
#define GET 1
#define SET 2
#define ONCE 4		/* once not 0, nobody may change it */
#define ZERO 8		/* features that Keel does not have: only 0 may be set */

static const u8 param_rules[HVM_NR_PARAMS] = {
	[HVM_PARAM_CALLBACK_IRQ] = GET | SET,
	[HVM_PARAM_STORE_PFN] = GET,
	[HVM_PARAM_STORE_EVTCHN] = GET,
	[HVM_PARAM_CONSOLE_PFN] = GET,
	[HVM_PARAM_CONSOLE_EVTCHN] = GET,
	[HVM_PARAM_VM86_TSS] = GET | SET,
	[HVM_PARAM_VM86_TSS_SIZED] = GET | SET,
	[HVM_PARAM_ACPI_IOPORTS_LOCATION] = GET,
	[HVM_PARAM_VM_GENERATION_ID_ADDR] = GET,
	[HVM_PARAM_X87_FIP_WIDTH] = GET | SET,
	[HVM_PARAM_VIRIDIAN] = ZERO,
	[HVM_PARAM_NESTEDHVM] = ZERO,
	[HVM_PARAM_ALTP2M] = ZERO,
	[HVM_PARAM_MCA_CAP] = ZERO,
	[HVM_PARAM_IOREQ_SERVER_PFN] = ONCE,
	[HVM_PARAM_NR_IOREQ_SERVER_PAGES] = ONCE,
};

/* Parameters that take effect in Keel immediately. */
static void param_changed(struct domain *d, u32 index)
{
	struct vcpu *v;

	if (index != HVM_PARAM_CALLBACK_IRQ)
		return;
	/* Delivers an event that came before there was a way to deliver it. */
	for_each_vcpu(d, v)
		if (v->info && READ_ONCE(v->info->evtchn_upcall_pending))
			arch_upcall(v);
}

static long op_set_param(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct xen_hvm_param *p = arg;
	u32 index;
	u8 rules;

	if (p->index >= HVM_NR_PARAMS)
		return -EINVAL;
	index = (u32)index_nospec(p->index, HVM_NR_PARAMS);
	rules = param_rules[index];
	if (!current->domain->control && !(rules & SET))
		return -EPERM;
	if ((rules & ZERO) && p->value)
		return -EOPNOTSUPP;
	if ((rules & ONCE) && d->hvm_params[index] && d->hvm_params[index] != p->value)
		return -EEXIST;
	if (p->index == HVM_PARAM_CALLBACK_IRQ && d == current->domain && compat_latch())
		return -EBUSY;
	if (p->index == HVM_PARAM_TIMER_MODE && p->value > HVMPTM_one_missed_tick_pending)
		return -EINVAL;
	WRITE_ONCE(d->hvm_params[index], p->value);
	param_changed(d, p->index);
	return 0;
}

/* A Linux without Dom0 support looks for a guest's console, and would stay silent. */
static void tell_no_dom0(void)
{
	static bool told;

	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		pr_warn("Dom0: its kernel looks for the console of a guest: it was built without XEN_DOM0, "
			"and stays silent");
}

static long op_get_param(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct xen_hvm_param *p = arg;
	u32 index;

	if (p->index >= HVM_NR_PARAMS)
		return -EINVAL;
	index = (u32)index_nospec(p->index, HVM_NR_PARAMS);
	if (!current->domain->control && !(param_rules[index] & GET))
		return -EPERM;
	if (d->hardware && p->domid == DOMID_SELF && p->index == HVM_PARAM_CONSOLE_EVTCHN)
		tell_no_dom0();
	p->value = READ_ONCE(d->hvm_params[index]);
	return copy_to_guest(gva, p, sizeof(*p));
}

static long op_set_upcall_vector(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct xen_hvm_evtchn_upcall_vector *op = arg;
	struct vcpu *v = domain_vcpu(d, op->vcpu);

	if (op->vector < FIRST_UPCALL_VECTOR)
		return -EINVAL;
	if (!v)
		return -ENOENT;
	WRITE_ONCE(v->upcall_vector, op->vector);
	if (v->info && READ_ONCE(v->info->evtchn_upcall_pending))
		arch_upcall(v);
	return 0;
}

static long op_flush_tlbs(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	if (gva)
		return -EINVAL;
	p2m_flush(d);
	return 0;
}

static long op_get_time(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct xen_hvm_get_time op = { .now = now() };

	return copy_to_guest(gva, &op, sizeof(op));
}

/* kdump asks this, to avoid reading where there is no memory. */
static long op_get_mem_type(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct xen_hvm_get_mem_type *op = arg;
	enum p2m_type t;

	p2m_read_lock(&d->p2m);
	p2m_get(d, op->pfn, &t, NULL);
	p2m_read_unlock(&d->p2m);
	op->mem_type = p2m_is_writable(t) ? HVMMEM_ram_rw : p2m_is_readable(t) ? HVMMEM_ram_ro
		       : HVMMEM_mmio_dm;
	return copy_to_guest(gva, op, sizeof(*op));
}

/* Keel has no shadow paging, no altp2m, and no monitor: what these do is not supported. */
static const struct op ops[] = {
	OP(HVMOP_set_param, op_set_param, HC_ANY, OP_ARG_DOMAIN(struct xen_hvm_param, domid)),
	OP(HVMOP_get_param, op_get_param, HC_ANY, OP_ARG_DOMAIN(struct xen_hvm_param, domid)),
	OP(HVMOP_flush_tlbs, op_flush_tlbs, HC_ANY),
	OP(HVMOP_pagetable_dying, NULL, HC_ANY, .answer = -EOPNOTSUPP),
	OP(HVMOP_get_time, op_get_time, HC_ANY),
	OP(HVMOP_get_mem_type, op_get_mem_type, HC_ANY, OP_ARG_DOMAIN(struct xen_hvm_get_mem_type, domid)),
	OP(HVMOP_set_evtchn_upcall_vector, op_set_upcall_vector, HC_ANY,
	   OP_ARG(struct xen_hvm_evtchn_upcall_vector)),
	OP(HVMOP_guest_request_vm_event, NULL, HC_ANY, .answer = -EOPNOTSUPP),
	OP(HVMOP_altp2m, NULL, HC_ANY, .answer = -EOPNOTSUPP),
};

long do_hvm_op(u64 cmd, u64 gva, u64 a3, u64 a4, u64 a5)
{
	return op_run(ops, ARRAY_SIZE(ops), cmd, gva, 0);
}
