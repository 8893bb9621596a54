/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID policies as lists of leaves, the form in which tools read and write them (docs/abi.md,
 * domctl).
 */
#include <public/cpuid.h>

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/pcpu.h"
#include "common/domctl.h"
#include "common/guest_access.h"
#include "common/heap.h"
#include "common/hypercall.h"

#define HV_LEAF_0 0x40000000u
#define HV_LEAF_1 0x40000100u

/* A list in guest memory that is being written. */
struct out {
	u64 leaves;
	u32 room, done;
	int err;
};

static void put_leaf(struct out *o, u32 leaf, u32 subleaf, const struct cpuid_regs *r)
{
	struct xen_cpuid_leaf l = { leaf, subleaf, r->a, r->b, r->c, r->d };

	if (o->err)
		return;
	if (o->done >= o->room)
		o->err = -ENOBUFS;
	else
		o->err = copy_elem_to_guest(o->leaves, o->done++, &l, sizeof(l));
}

static unsigned int nr_subleaves(const struct cpu_policy *p, u32 leaf)
{
	unsigned int n = 0;

	switch (leaf) {
	case 4:
		while (n < CPUID_NR_CACHE && p->cache[n].a & 0x1f)
			n++;
		return min(n + 1, (unsigned int)CPUID_NR_CACHE);
	case 7:
		return min(p->feat[0].a, CPUID_NR_FEAT - 1u) + 1; /* a tool may have set it to anything */
	case 0xb:
		return CPUID_NR_TOPO;
	case 0xd:
		return CPUID_NR_XSTATE;
	default:
		return 0;
	}
}

static void put_basic(struct out *o, const struct cpu_policy *p, u32 leaf)
{
	unsigned int n = nr_subleaves(p, leaf);

	if (!n)
		put_leaf(o, leaf, XEN_CPUID_NO_SUBLEAF, &p->basic[leaf]);
	for (unsigned int i = 0; i < n; i++) {
		/*
		 * XSAVE components that are not there are left out; the first two subleaves describe the whole.
		 */
		if (leaf == 0xd && i > 1 && !(cpu_policy_xcr0(p) >> i & 1))
			continue;
		put_leaf(o, leaf, i, cpu_policy_leaf((struct cpu_policy *)p, leaf, i));
	}
}

static long put_policy(const struct cpu_policy *p, u64 leaves, u32 *nr_leaves, u64 msrs,
		       u32 *nr_msrs)
{
	const struct cpuid_regs none = { 0 }, last = { .a = HV_LEAF_0 };
	const struct xen_msr_entry msr[CPUID_MAX_SERIALISED_MSRS] = {
		{ .idx = MSR_INTEL_PLATFORM_INFO, .val = p->platform_info },
		{ .idx = MSR_ARCH_CAPABILITIES, .val = p->arch_caps },
	};
	struct out o = { leaves, *nr_leaves, 0, 0 };
	u32 n;

	if (!leaves && !msrs) {
		*nr_leaves = CPUID_MAX_SERIALISED;
		*nr_msrs = CPUID_MAX_SERIALISED_MSRS;
		return 0;
	}
	if (leaves) {
		for (u32 i = 0; i <= p->basic[0].a; i++)
			put_basic(&o, p, i);
		put_leaf(&o, HV_LEAF_0, XEN_CPUID_NO_SUBLEAF, &last);
		put_leaf(&o, HV_LEAF_1, XEN_CPUID_NO_SUBLEAF, &none);
		for (u32 i = 0; i <= (p->extd[0].a & 0xffff); i++)
			put_leaf(&o, 0x80000000 + i, XEN_CPUID_NO_SUBLEAF, &p->extd[i]);
		*nr_leaves = o.err == -ENOBUFS ? CPUID_MAX_SERIALISED : o.done;
	}
	if (o.err || !msrs)
		return o.err;
	n = p->feat[0].d & CPUID_7D_ARCH_CAPS ? 2 : 1;
	if (*nr_msrs < n)
		return -ENOBUFS;
	*nr_msrs = n;
	return copy_to_guest(msrs, msr, n * sizeof(msr[0]));
}

long arch_get_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	return put_policy(x86_domain(d)->cpuid, op->leaves, &op->nr_leaves, op->msrs, &op->nr_msrs);
}

/* One leaf into the policy; -ERANGE for one that no policy has. */
static int take_leaf(struct cpu_policy *p, const struct xen_cpuid_leaf *l)
{
	struct cpuid_regs *r;

	if ((l->leaf == HV_LEAF_0 || l->leaf == HV_LEAF_1) && l->subleaf == XEN_CPUID_NO_SUBLEAF)
		return 0;	/* Xen's own leaves are not the tools' to change */
	r = cpu_policy_leaf(p, l->leaf, l->subleaf);
	if (!r)
		return -ERANGE;
	if (!nr_subleaves(p, l->leaf) && l->subleaf != XEN_CPUID_NO_SUBLEAF)
		return -ERANGE;
	*r = (struct cpuid_regs){ l->a, l->b, l->c, l->d };
	return 0;
}

static long take_leaves(struct cpu_policy *p, struct xen_domctl_cpu_policy *op)
{
	struct xen_cpuid_leaf l;
	int rc;

	for (u32 i = 0; i < op->nr_leaves; i++) {
		if (copy_elem_from_guest(&l, op->leaves, i, sizeof(l)))
			return -EFAULT;
		rc = take_leaf(p, &l);
		if (rc) {
			op->err_leaf = l.leaf;
			op->err_subleaf = l.subleaf;
			return rc;
		}
	}
	return 0;
}

/* Of platform_info nothing can be given: it is dropped, as features are. */
static long take_msrs(struct cpu_policy *p, struct xen_domctl_cpu_policy *op)
{
	struct xen_msr_entry m;

	for (u32 i = 0; i < op->nr_msrs; i++) {
		if (copy_elem_from_guest(&m, op->msrs, i, sizeof(m)))
			return -EFAULT;
		if (m.flags || (m.idx != MSR_INTEL_PLATFORM_INFO && m.idx != MSR_ARCH_CAPABILITIES)) {
			op->err_msr = m.idx;
			return m.flags ? -EINVAL : -ERANGE;
		}
		if (m.idx == MSR_ARCH_CAPABILITIES)
			p->arch_caps = m.val;
	}
	return 0;
}

/* D: lets the vendor's part apply the policy. d is paused. */
static void refresh_states(struct domain *d)
{
	struct hvm_state s;
	struct vcpu *v;

	for_each_vcpu(d, v) {
		hvm_ops->get_state(x86_vcpu(v), &s);
		hvm_ops->set_state(x86_vcpu(v), &s);
	}
}

/* Features beyond those of the machine and Keel are cut off, as in Xen. */
long arch_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	struct cpu_policy *p;
	long rc;

	op->err_leaf = op->err_subleaf = op->err_msr = ~0u;
	if (op->nr_leaves > CPUID_MAX_SERIALISED || op->nr_msrs > CPUID_MAX_SERIALISED_MSRS)
		return -E2BIG;
	p = alloc_page();
	if (!p)
		return -ENOMEM;
	*p = *x86_domain(d)->cpuid;
	rc = take_leaves(p, op);
	if (!rc)
		rc = take_msrs(p, op);
	if (!rc) {
		cpu_policy_clamp(p, d);
		spin_lock(&d->lock);
		*x86_domain(d)->cpuid = *p;
		refresh_states(d);
		spin_unlock(&d->lock);
	}
	free_page(p);
	return rc;
}

/* Without PV guests there are no PV policies. */
long arch_sysctl_cpu_policy(struct xen_sysctl *sysctl)
{
	struct xen_sysctl_cpu_policy *op = &sysctl->u.cpu_policy;
	struct cpu_policy *p;
	long rc;

	if (op->_rsvd)
		return -EINVAL;
	switch (op->index) {
	case XEN_SYSCTL_cpu_policy_raw:
	case XEN_SYSCTL_cpu_policy_host:
		return put_policy(cpu_policy_host(), op->leaves, &op->nr_leaves, op->msrs, &op->nr_msrs);
	case XEN_SYSCTL_cpu_policy_hvm_max:
		return put_policy(cpu_policy_max(), op->leaves, &op->nr_leaves, op->msrs, &op->nr_msrs);
	case XEN_SYSCTL_cpu_policy_hvm_default:
		p = alloc_page();
		if (!p)
			return -ENOMEM;
		cpu_policy_default(p, NULL);
		rc = put_policy(p, op->leaves, &op->nr_leaves, op->msrs, &op->nr_msrs);
		free_page(p);
		return rc;
	case XEN_SYSCTL_cpu_policy_pv_max:
	case XEN_SYSCTL_cpu_policy_pv_default:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

long arch_sysctl_featureset(struct xen_sysctl *sysctl)
{
	struct xen_sysctl_cpu_featureset *op = &sysctl->u.cpu_featureset;
	const struct cpu_policy *p = cpu_policy_max();
	u32 word, n = min(op->nr_features, (u32)CPUID_NR_FEATURESET);
	bool too_short = op->features && op->nr_features < CPUID_NR_FEATURESET;

	switch (op->index) {
	case XEN_SYSCTL_cpu_featureset_raw:
	case XEN_SYSCTL_cpu_featureset_host:
		p = cpu_policy_host();
		break;
	case XEN_SYSCTL_cpu_featureset_hvm:
	case XEN_SYSCTL_cpu_featureset_hvm_max:
		break;
	case XEN_SYSCTL_cpu_featureset_pv:
	case XEN_SYSCTL_cpu_featureset_pv_max:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
	for (u32 i = 0; op->features && i < n; i++) {
		word = cpu_policy_feature_word(p, i);
		if (copy_elem_to_guest(op->features, i, &word, sizeof(word)))
			return -EFAULT;
	}
	op->nr_features = CPUID_NR_FEATURESET;
	return too_short ? -ENOBUFS : 0;
}

void arch_hw_cap(u32 cap[8])
{
	for (unsigned int i = 0; i < 8; i++)
		cap[i] = cpu_policy_feature_word(cpu_policy_host(), i);
}

unsigned int arch_gpaddr_bits(void)
{
	return cpu_policy_max()->extd[8].a & 0xff;
}

/* Packages and cores as the APIC ids number them (leaf 0xb); threads count as cores. */
void arch_cpu_topology(unsigned int cpu, u32 *core, u32 *socket)
{
	unsigned int shift = cpu_policy_host()->topo[1].a & 0x1f;

	*core = shift ? x86_pcpu(pcpus[cpu])->apic_id & ((1u << shift) - 1)
		: x86_pcpu(pcpus[cpu])->apic_id;
	*socket = shift ? x86_pcpu(pcpus[cpu])->apic_id >> shift : 0;
}
