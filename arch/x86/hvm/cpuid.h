/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's CPUID policy: what its vCPUs see, before what depends on their state is put
 * in. Static after the domain's first start; changed by XEN_DOMCTL_set_cpu_policy only.
 */
#ifndef ARCH_X86_HVM_CPUID_H
#define ARCH_X86_HVM_CPUID_H

#include "arch/x86/cpu.h"
#include "common/domain.h"

/* The most that Xen 4.17's libxc decodes: more would be refused by the tools. */
#define CPUID_NR_BASIC 14	/* leaves 0 .. 0xd */
#define CPUID_NR_CACHE 6	/* leaf 4 */
#define CPUID_NR_FEAT 3		/* leaf 7 */
#define CPUID_NR_TOPO 2		/* leaf 0xb */
#define CPUID_NR_XSTATE 63	/* leaf 0xd */
#define CPUID_NR_EXTD 34	/* leaves 0x80000000 .. 0x80000021 */
#define CPUID_7D_IBRSB (1u << 26)
#define CPUID_7D_ARCH_CAPS (1u << 29)
#define CPUID_MAX_SERIALISED 120
#define CPUID_MAX_SERIALISED_MSRS 2
#define CPUID_NR_FEATURESET 19	/* words */

#define MSR_INTEL_PLATFORM_INFO 0xce
#define MSR_ARCH_CAPABILITIES 0x10a

struct cpu_policy {
	struct cpuid_regs basic[CPUID_NR_BASIC];
	struct cpuid_regs cache[CPUID_NR_CACHE];
	struct cpuid_regs feat[CPUID_NR_FEAT];
	struct cpuid_regs topo[CPUID_NR_TOPO];
	struct cpuid_regs xstate[CPUID_NR_XSTATE];
	struct cpuid_regs extd[CPUID_NR_EXTD];
	u64 platform_info;	/* MSR 0xce */
	u64 arch_caps;		/* MSR 0x10a; there with leaf 7's EDX bit 29 */
};

/*
 * Leaf and subleaf in a policy, NULL where it has no place. subleaf is ignored where a leaf has
 * none.
 */
struct cpuid_regs *cpu_policy_leaf(struct cpu_policy *p, u32 leaf, u32 subleaf);

/*
 * The machine's own, what a guest may have at most, and what it gets unless told otherwise. Built
 * at first use.
 */
const struct cpu_policy *cpu_policy_host(void);
const struct cpu_policy *cpu_policy_max(void);
void cpu_policy_default(struct cpu_policy *p, const struct domain *d);
/*
 * Cuts p down to what d may have, and makes what depends on other fields consistent (topology,
 * sizes).
 */
void cpu_policy_clamp(struct cpu_policy *p, const struct domain *d);

/* Bits of physical addresses that guests have: all the same. */
unsigned int cpu_policy_phys_bits(void);

/* XSAVE components that the policy shows (XCR0), and the size of the area for some of them. */
u64 cpu_policy_xcr0(const struct cpu_policy *p);
u32 cpu_policy_xsave_size(const struct cpu_policy *p, u64 xcr0, bool compact);

/*
 * Bits of SPEC_CTRL, PRED_CMD or FLUSH_CMD that come with what the policy shows. 0: not the MSR,
 * either.
 */
u64 cpu_policy_spec_bits(const struct cpu_policy *p, u32 msr);

/* Bits of CR4 that the policy shows. */
u64 cpu_policy_cr4(const struct cpu_policy *p);

/* Word i of Xen's featureset. */
u32 cpu_policy_feature_word(const struct cpu_policy *p, unsigned int i);

/* Allocates d's default policy: 0, -ENOMEM. */
int cpuid_policy_init(struct domain *d);
void cpuid_policy_free(struct domain *d);
/* What v's CPUID says; on v's CPU. */
void hvm_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_regs *out);

/* The last three bytes of a hypercall: VMMCALL or VMCALL, as this CPU has it. */
const u8 *cpuid_hypercall_insn(void);

#endif
