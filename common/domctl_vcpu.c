/* SPDX-License-Identifier: GPL-2.0-only */
/* domctl: vCPUs, their affinity and shares. */
#include <public/sched.h>

#include "common/domctl.h"

#include "common/heap.h"
#include "common/sched.h"
#include "common/vcpu_op.h"

static int bitmap_from_guest(cpumask_t *mask, const struct xenctl_bitmap *bitmap)
{
	u32 bits = min(bitmap->nr_bits, (u32)NR_CPUS);

	memset(mask, 0, sizeof(*mask));
	if (copy_from_guest(mask, bitmap->bitmap, DIV_ROUND_UP(bits, 8)))
		return -EFAULT;
	if (bits % 8)
		((u8 *)mask)[bits / 8] &= (u8)((1 << bits % 8) - 1);
	return 0;
}

int bitmap_to_guest(const struct xenctl_bitmap *bitmap, const cpumask_t *mask)
{
	u32 bytes = DIV_ROUND_UP(bitmap->nr_bits, 8), have = min(bytes, (u32)sizeof(*mask));

	if (copy_to_guest(bitmap->bitmap, mask, have) ||
	    clear_guest(bitmap->bitmap + have, min(bytes - have, (u32)PAGE_SIZE)))
		return -EFAULT;
	return 0;
}

static void cpumask_online(cpumask_t *mask)
{
	memset(mask, 0, sizeof(*mask));
	for (unsigned int i = 0; i < nr_cpus; i++)
		cpumask_set(mask, i);
}

static long op_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
	struct vcpu *v = domain_vcpu(d, info->vcpu);

	if (!v)
		return info->vcpu < d->max_vcpus ? -ESRCH : -EINVAL;
	info->online = !test_bit(VPF_DOWN, &v->wait_flags);
	info->blocked = test_bit(VPF_BLOCKED, &v->wait_flags);
	info->running = READ_ONCE(v->sched.running);
	info->cpu_time = vcpu_cputime(v);
	info->cpu = v->cpu->id;
	return 0;
}

/* Both access a vCPU that has a state. */
static long run_context(struct domain *d, struct xen_domctl *op,
			long (*fn)(struct vcpu *v, u64 gva))
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);

	if (!v)
		return -EINVAL;
	return v->initialised ? fn(v, op->u.vcpucontext.ctxt) : -ENODATA;
}

static long op_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
	return run_context(d, op, arch_get_vcpucontext);
}

/* Without a context it would be a reset, which libxc asks of PV guests only. */
static long op_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
	return op->u.vcpucontext.ctxt ? run_context(d, op, arch_set_vcpucontext) : -EOPNOTSUPP;
}

/* Fixed when the domain was made; the call is there for old tools. */
static long op_max_vcpus(struct domain *d, struct xen_domctl *op)
{
	return op->u.max_vcpus.max == d->max_vcpus ? 0 : -EINVAL;
}

static int affinity_arg(cpumask_t *mask, const struct xenctl_bitmap *bitmap)
{
	cpumask_t online;
	int rc = bitmap_from_guest(mask, bitmap);

	if (rc)
		return rc;
	cpumask_online(&online);
	for (unsigned int i = 0; i < ARRAY_SIZE(mask->bits); i++)
		mask->bits[i] &= online.bits[i];
	return cpumask_empty(mask) ? -EINVAL : 0;
}

/* Each map that was set is returned as it is now in force. */
static long affinity_out(struct vcpu *v, const struct xen_domctl_vcpuaffinity *a,
			 const cpumask_t *hard)
{
	if ((a->flags & XEN_VCPUAFFINITY_HARD) && bitmap_to_guest(&a->cpumap_hard, hard))
		return -EFAULT;
	if ((a->flags & XEN_VCPUAFFINITY_SOFT) && bitmap_to_guest(&a->cpumap_soft, &v->sched.soft))
		return -EFAULT;
	return 0;
}

static struct vcpu *affinity_vcpu(struct domain *d, const struct xen_domctl_vcpuaffinity *a,
				  long *err)
{
	struct vcpu *v = domain_vcpu(d, a->vcpu);

	*err = v ? -EINVAL : -ESRCH;
	if (a->flags & ~(XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE) ||
	    !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return NULL;
	return v;
}

static long op_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	cpumask_t hard, soft;
	long rc;
	struct vcpu *v = affinity_vcpu(d, a, &rc);

	if (!v)
		return rc;
	rc = 0;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = affinity_arg(&hard, &a->cpumap_hard);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = affinity_arg(&soft, &a->cpumap_soft);
	if (!rc)
		rc = sched_set_affinity(v, a->flags & XEN_VCPUAFFINITY_HARD ? &hard : NULL,
					a->flags & XEN_VCPUAFFINITY_SOFT ? &soft : NULL);
	return rc ? rc : affinity_out(v, a, &v->sched.allowed);
}

static long op_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
	long rc;
	struct vcpu *v = affinity_vcpu(d, &op->u.vcpuaffinity, &rc);

	return v ? affinity_out(v, &op->u.vcpuaffinity, &v->sched.hard) : rc;
}

/* Credit2's parameters: weight 0 and cap ~0 leave the old values. */
static long op_scheduler(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->sched_id != sched_id())
		return -EINVAL;
	if (s->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EOPNOTSUPP;
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit2.weight = READ_ONCE(d->sched.weight);
		s->u.credit2.cap = READ_ONCE(d->sched.cap);
		return 0;
	case XEN_DOMCTL_SCHEDOP_putinfo:
		return sched_set_params(d, s->u.credit2.weight ? s->u.credit2.weight : d->sched.weight,
					s->u.credit2.cap == (u16)~0 ? d->sched.cap : s->u.credit2.cap);
	default:
		return -EOPNOTSUPP;	/* parameters of single vCPUs exist in RTDS only */
	}
}

static long op_sendtrigger(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.sendtrigger.vcpu);

	if (!v)
		return -ESRCH;
	switch (op->u.sendtrigger.trigger) {
	case XEN_DOMCTL_SENDTRIGGER_NMI:
		arch_vcpu_send_nmi(v);
		return 0;
	case XEN_DOMCTL_SENDTRIGGER_RESET:	/* its creator builds it again, as when it resets itself */
		if (d == current->domain)
			return -EINVAL;
		domain_shutdown(d, SHUTDOWN_reboot, NULL);
		return 0;
	case XEN_DOMCTL_SENDTRIGGER_INIT:
	case XEN_DOMCTL_SENDTRIGGER_POWER:	/* a PVH guest has no buttons */
	case XEN_DOMCTL_SENDTRIGGER_SLEEP:
		return -EOPNOTSUPP;
	default:
		return -ENOSYS;
	}
}

/* All nodes: from now on they follow the CPUs again. */
static long op_setnodeaffinity(struct domain *d, struct xen_domctl *op)
{
	cpumask_t nodes;

	if (bitmap_from_guest(&nodes, &op->u.nodeaffinity.nodemap))
		return -EFAULT;
	nodes.bits[0] &= all_nodes();
	if (!nodes.bits[0])
		return -EINVAL;
	spin_lock(&d->lock);
	d->nodes_fixed = nodes.bits[0] != all_nodes();
	heap_place(d, nodes.bits[0]);
	spin_unlock(&d->lock);
	return 0;
}

static long op_getnodeaffinity(struct domain *d, struct xen_domctl *op)
{
	cpumask_t nodes = { { READ_ONCE(d->nodes) } };

	return bitmap_to_guest(&op->u.nodeaffinity.nodemap, &nodes);
}

const struct op domctl_vcpu[NR_DOMCTLS] = {
	DOMCTL_OP(setvcpuaffinity, op_setvcpuaffinity, 0),
	DOMCTL_OP(getvcpuaffinity, op_getvcpuaffinity, 0),
	DOMCTL_OP(getvcpuinfo, op_getvcpuinfo, OP_OUT),
	DOMCTL_OP(getvcpucontext, op_getvcpucontext, OP_OTHER | OP_PAUSED),
	DOMCTL_OP(setvcpucontext, op_setvcpucontext, OP_OTHER | OP_PAUSED),
	DOMCTL_OP(max_vcpus, op_max_vcpus, 0),
	DOMCTL_OP(scheduler_op, op_scheduler, OP_OUT),
	DOMCTL_OP(sendtrigger, op_sendtrigger, 0),
	DOMCTL_OP(setnodeaffinity, op_setnodeaffinity, 0),
	DOMCTL_OP(getnodeaffinity, op_getnodeaffinity, 0),
};
