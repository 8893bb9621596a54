/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID of a vCPU: its domain's policy, with what depends on the vCPU's state; and Xen's leaves. */
#include "arch/x86/hvm/cpuid.h"

#include <public/cpuid.h>

#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/ops.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/time.h"
#include "common/version.h"

#define APIC_BASE_ENABLE BIT(11)
#define LEAF1_D_APIC BIT(9)
#define LEAF1_C_OSXSAVE BIT(27)
#define LEAF7_C_PKU BIT(3)
#define LEAF7_C_OSPKE BIT(4)

int cpuid_policy_init(struct domain *d)
{
	struct cpu_policy *p = alloc_page();

	_Static_assert(sizeof(*p) <= PAGE_SIZE, "a policy is one page");
	if (!p)
		return -ENOMEM;
	cpu_policy_default(p, d);
	x86_domain(d)->cpuid = p;
	return 0;
}

void cpuid_policy_free(struct domain *d)
{
	free_page(x86_domain(d)->cpuid);
	x86_domain(d)->cpuid = NULL;
}

const u8 *cpuid_hypercall_insn(void)
{
	static const u8 vmmcall[3] = { 0x0f, 0x01, 0xd9 }, vmcall[3] = { 0x0f, 0x01, 0xc1 };

	return cpu_features.amd ? vmmcall : vmcall;
}

/*
 * Leaf 3: how the TSC relates to time, as pvclock has it (struct vcpu_time_info in public/xen.h).
 */
static void xen_time_leaf(struct vcpu *v, u32 subleaf, struct cpuid_regs *out)
{
	struct tsc_scale scale;
	s64 offset;

	switch (subleaf) {
	case 0:
		out->a = (cpu_features.invariant_tsc ? 2 : 0) | (cpu_features.rdtscp ? 4 : 0);
		out->b = v->domain->tsc_mode;
		out->c = arch_tsc_khz();
		out->d = v->domain->tsc_incarnation;
		break;
	case 1:
		arch_tsc_scale(&scale);
		offset = arch_vcpu_tsc_offset(v);
		*out = (struct cpuid_regs){ (u32)offset, (u32)((u64)offset >> 32), scale.mul, (u8)scale.shift };
		break;
	case 2:
		out->a = arch_tsc_khz();
		break;
	}
}

static void xen_leaf(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *out)
{
	switch (leaf - XEN_CPUID_FIRST_LEAF) {
	case 0:
		*out = (struct cpuid_regs){ XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES), XEN_CPUID_SIGNATURE_EBX,
					    XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX };
		break;
	case 1:
		out->a = version_reported();
		break;
	case 2:
		out->a = 1;
		out->b = XEN_HYPERCALL_PAGE_MSR;
		break;
	case 3:
		xen_time_leaf(v, subleaf, out);
		break;
	case 4:
		if (subleaf)
			break;
		out->a = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
			 XEN_HVM_CPUID_UPCALL_VECTOR;
		out->b = v->id;
		out->c = v->domain->id;
		break;
	}
}

/* What the vCPU's own registers decide. */
static void add_state(struct x86_vcpu *x, u32 leaf, u32 subleaf, const struct cpu_policy *p,
		      struct cpuid_regs *out)
{
	u64 xcr0;

	switch (leaf) {
	case 1:
		out->b = (out->b & 0x00ffffff) | PVH_APIC_ID(x->v.id) << 24;
		if (!x->vlapic.enabled)
			out->d &= ~LEAF1_D_APIC;
		if ((out->c & BIT(26)) && (hvm_ops->get_reg(x, HREG_CR4) & X86_CR4_OSXSAVE))
			out->c |= LEAF1_C_OSXSAVE;
		break;
	case 7:
		if (!subleaf && (out->c & LEAF7_C_PKU) && (hvm_ops->get_reg(x, HREG_CR4) & X86_CR4_PKE))
			out->c |= LEAF7_C_OSPKE;
		break;
	case 0xb:
		out->d = PVH_APIC_ID(x->v.id);
		break;
	case 0xd:
		if (subleaf > 1 || !cpu_policy_xcr0(p))
			break;
		xcr0 = &x->v == current && cpu_features.xsave ? xgetbv(0) : x->xcr0;
		out->b = cpu_policy_xsave_size(p, xcr0, subleaf == 1);
		break;
	}
}

void hvm_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *out)
{
	struct x86_vcpu *x = x86_vcpu(v);
	struct cpu_policy *p = x86_domain(v->domain)->cpuid;
	const struct cpuid_regs *r;

	*out = (struct cpuid_regs){ 0 };
	if (leaf - XEN_CPUID_FIRST_LEAF <= XEN_CPUID_MAX_NUM_LEAVES) {
		xen_leaf(v, leaf, subleaf, out);
		return;
	}
	if (leaf > p->basic[0].a && (leaf < 0x80000000 || leaf > p->extd[0].a))
		return;
	r = cpu_policy_leaf(p, leaf, subleaf);
	if (!r) {
		if (leaf == 0xb)	/* beyond the last level: the level's number and the APIC id, type 0 */
			*out = (struct cpuid_regs){ .c = subleaf & 0xff, .d = PVH_APIC_ID(v->id) };
		return;
	}
	*out = *r;
	add_state(x, leaf, subleaf, p, out);
}
