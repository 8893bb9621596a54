/* SPDX-License-Identifier: GPL-2.0-only */
/* What Keel does about the faults of the CPU (spec.h), at boot, entries, exits and switches. */
#ifndef ARCH_X86_MITIGATIONS_H
#define ARCH_X86_MITIGATIONS_H

#include "arch/x86/cpu.h"
#include "arch/x86/spec.h"

#define MSR_FLUSH_CMD 0x10b

extern u32 mitigations;	/* bit n: enum mitigation n is done. Constant after boot */

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
	if (unlikely(mitigations & (1u << MIT_VERW_ENTRY | 1u << MIT_L1D_ENTRY | 1u << MIT_IBRS_EXIT)))
		mitigations_entry_slow();
}

/* Which of the vendor's two ways into the guest: whether its exit does more than save registers. */
static inline bool mitigations_guard_exit(void)
{
	return unlikely(mitigations &
			(1u << MIT_RSB_FILL | 1u << MIT_IBRS_EXIT | 1u << MIT_IBPB_EXIT));
}

#endif
