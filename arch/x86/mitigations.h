/* SPDX-License-Identifier: GPL-2.0-only */
/* What Keel does about the faults of the CPU (spec.h), at boot, entries, exits and switches. */
#ifndef ARCH_X86_MITIGATIONS_H
#define ARCH_X86_MITIGATIONS_H

#include "arch/x86/hvm/vcpu.h"
#include "arch/x86/spec.h"

extern u32 mitigations;	/* bit n: enum mitigation n is done. Constant after boot */

/* Boot, on CPU 0: chooses and prints. */
void mitigations_init(void);
/* Each CPU, after that: what is switched on for good. */
void mitigations_init_cpu(void);

static inline bool mitigated(enum mitigation m) { return mitigations >> m & 1; }

/* This CPU goes from one domain's vCPU to another's. */
static inline void mitigations_domain_switch(void)
{
	if (unlikely(mitigated(MIT_IBPB_SWITCH)))
		wrmsr(MSR_PRED_CMD, 1);
}

/*
 * A vCPU's measures are what is done at its entries and exits: most vCPUs have none. Beside those
 * of enum mitigation, two of the vCPU's own: the guest's SPEC_CTRL is loaded for it, as it is not
 * Keel's; and the guest writes it without exits, so that each exit reads it.
 */
#define MEASURE_SPEC_CTRL (1u << NR_MITIGATIONS)
#define MEASURE_SPEC_CTRL_DIRECT (2u << NR_MITIGATIONS)
#define MEASURES_SPEC_CTRL (1u << MIT_IBRS_EXIT | MEASURE_SPEC_CTRL)
#define MEASURES_ENTRY (MEASURES_SPEC_CTRL | 1u << MIT_VERW_ENTRY | 1u << MIT_L1D_ENTRY)
#define MEASURES_EXIT (MEASURES_SPEC_CTRL | 1u << MIT_RSB_FILL | 1u << MIT_IBPB_EXIT | \
		       1u << MIT_BHB_EXIT)

/*
 * v, which is current or held, has this in SPEC_CTRL from now on. direct: with a value that is
 * not Keel's own it may write the register itself, MEASURE_SPEC_CTRL_DIRECT says so. Else
 * it also gets what Keel has on for good. Not where the CPU keeps guests' values apart.
 */
void mitigations_guest_spec_ctrl(struct x86_vcpu *v, u64 val, bool direct);

/* The last thing before the guest of a vCPU with MEASURES_ENTRY is entered. */
void mitigations_before_entry(struct x86_vcpu *v);
/* entry.S, of a vCPU with MEASURES_EXIT: the first return after the exit. 0. */
int mitigations_after_exit(u64 *gpr);

#endif
