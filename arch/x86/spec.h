/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUs' documented faults: which CPUs have them, and which measures a CPU needs. Pure
 * functions of what CPUID and IA32_ARCH_CAPABILITIES say; mitigations.c reads these and acts.
 */
#ifndef ARCH_X86_SPEC_H
#define ARCH_X86_SPEC_H

#include "common/types.h"

enum spec_fault {
	SPEC_V1, SPEC_V2, SPEC_SSB, SPEC_RSB, SPEC_PBRSB, SPEC_RETBLEED, SPEC_SRSO, SPEC_BHI, SPEC_ITS,
	SPEC_MDS, SPEC_TAA, SPEC_MMIO, SPEC_RFDS, SPEC_GDS, SPEC_L1TF, SPEC_TSA, SPEC_ZENBLEED,
	SPEC_ITLB_MULTIHIT, SPEC_LFENCE,
	NR_SPEC_FAULTS
};

/* What is done about them. */
enum mitigation {
	MIT_IBPB_SWITCH,	/* branch predictor barrier when a CPU goes to another domain */
	MIT_AUTO_IBRS,		/* EFER.AIBRSE, for good (AMD) */
	MIT_ENHANCED_IBRS,	/* SPEC_CTRL.IBRS, for good (Intel) */
	MIT_IBRS_EXIT,		/* SPEC_CTRL.IBRS after each exit, off before each entry */
	MIT_IBPB_EXIT,		/* branch predictor barrier after each exit */
	MIT_RETPOLINE,		/* Keel's indirect branches are retpolines */
	MIT_ALIGNED,		/* Keel's indirect branches lie in upper halves of cache lines */
	MIT_STIBP,		/* SPEC_CTRL.STIBP, for good */
	MIT_BHI_DIS_S,		/* SPEC_CTRL.BHI_DIS_S, for good */
	MIT_BHB_EXIT,		/* branch history overwritten after each exit */
	MIT_BP_REDUCE,		/* BP_CFG.BP_SPEC_REDUCE, for good (AMD) */
	MIT_TSX_OFF,		/* TSX_CTRL: transactions abort at once */
	MIT_GDS,		/* MCU_OPT_CTRL: the microcode's measure is not switched off */
	MIT_ZENBLEED,		/* DE_CFG: the chicken bit */
	MIT_EPT_NX,		/* large pages of nested tables are not executable (Intel) */
	MIT_LFENCE,		/* DE_CFG: LFENCE waits for all before it */
	MIT_RSB_FILL,		/* return stack filled after each exit */
	MIT_VERW_ENTRY,		/* buffers cleared before each entry */
	MIT_L1D_ENTRY,		/* L1 data cache flushed before each entry */
	NR_MITIGATIONS
};

/* Registers whose bits decide: CPUID 7.0 EBX and EDX, and so on; the MSR; bit 1: has thunks. */
enum spec_word {
	SPEC_7B, SPEC_7D, SPEC_72D, SPEC_8B, SPEC_21A, SPEC_21C, SPEC_CAPS, SPEC_BUILD,
	NR_SPEC_WORDS
};

struct spec_cpu {
	bool amd, intel;
	bool smt;			/* a core has more than one thread */
	u32 family, model, stepping;
	u32 microcode;			/* of AMD's CPUs */
	u64 word[NR_SPEC_WORDS];	/* 0 where the CPU has no such leaf or MSR */
};

bool spec_affected(const struct spec_cpu *cpu, enum spec_fault fault);
/*
 * The set of measures for such a CPU. on, off: bits of the words of the option spec=, SPEC_WORDS;
 * what is on is done without need, too, if the CPU can do it; with SPEC_WORD_FORCE in any case.
 */
u32 spec_choose(const struct spec_cpu *cpu, u32 on, u32 off);

#define SPEC_TEXT_LEN 240
const char *spec_name(enum spec_fault fault);
/* What is done about it on such a CPU, as one line. chosen: from spec_choose(). */
void spec_status(const struct spec_cpu *cpu, enum spec_fault fault, u32 chosen,
		 char text[SPEC_TEXT_LEN]);
/* Whether threads of one core leak to each other whatever is done at entries. */
bool spec_needs_smt_off(const struct spec_cpu *cpu, u32 chosen);

#endif
