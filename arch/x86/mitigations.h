/* SPDX-License-Identifier: GPL-2.0-only */
/* Mitigations of speculative leaks between domains, chosen by what the CPU reports. */
#ifndef ARCH_X86_MITIGATIONS_H
#define ARCH_X86_MITIGATIONS_H

#include "arch/x86/cpu.h"

#define MSR_FLUSH_CMD 0x10b

enum mitigation {
	MIT_IBPB_SWITCH,	/* branch predictor barrier when a CPU goes to another domain */
	MIT_AUTO_IBRS,		/* EFER.AIBRSE, for good (AMD) */
	MIT_ENHANCED_IBRS,	/* SPEC_CTRL.IBRS, for good */
	MIT_RSB_FILL,		/* return stack filled after each exit */
	MIT_VERW_ENTRY,		/* buffers cleared before each entry: MDS, TAA */
	MIT_L1D_ENTRY,		/* L1 data cache flushed before each entry: L1TF */
	NR_MITIGATIONS
};

/* What the choice depends on, read from CPUID and IA32_ARCH_CAPABILITIES. */
struct mitigation_cpu {
	bool amd, intel;
	u32 leaf7_edx, leaf8_ebx, leaf21_eax;	/* 7.0 EDX; 0x80000008 EBX; 0x80000021 EAX */
	u64 arch_caps;				/* 0 where there is none */
};

extern u32 mitigations;	/* bit n: enum mitigation n is done. Constant after boot */

/* The set of mitigations for such a CPU. Pure. */
u32 mitigations_choose(const struct mitigation_cpu *cpu);

/* Boot, on CPU 0: chooses and prints. */
void mitigations_init(void);
/* Each CPU, after that: what is switched on for good. */
void mitigations_init_cpu(void);

static inline bool mitigated(enum mitigation m)
{
	return mitigations >> m & 1;
}

/* This CPU goes from one domain's vCPU to another's. */
static inline void mitigations_domain_switch(void)
{
	if (unlikely(mitigated(MIT_IBPB_SWITCH)))
		wrmsr(MSR_PRED_CMD, 1);
}

void mitigations_entry_slow(void);
/* entry.S, with mitigations_guard_exit(): before the first return after an exit. */
void mitigations_after_exit(void);

/* The last thing before a guest is entered. */
static inline void mitigations_before_entry(void)
{
	if (unlikely(mitigations & (1u << MIT_VERW_ENTRY | 1u << MIT_L1D_ENTRY)))
		mitigations_entry_slow();
}

/* Which of the vendor's two ways into the guest: whether its exit does more than save registers. */
static inline bool mitigations_guard_exit(void)
{
	return unlikely(mitigated(MIT_RSB_FILL));
}

#endif
