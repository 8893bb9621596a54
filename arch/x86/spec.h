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

/*
 * What is done about them: its name, the word of spec= that asks for it, what users are told. Each
 * is for good, or done after each exit, before each entry, or where it says.
 */
#define MITIGATIONS(X) \
	X(IBPB_SWITCH, IBPB, "IBPB between domains") /* when a CPU goes to another */ \
	X(AUTO_IBRS, IBRS, "automatic IBRS") /* EFER.AIBRSE, for good (AMD) */ \
	X(ENHANCED_IBRS, IBRS, "enhanced IBRS") /* SPEC_CTRL.IBRS, for good (Intel) */ \
	X(IBRS_EXIT, IBRS, "IBRS after exits") /* off before entries */ \
	X(IBPB_EXIT, IBPB_ENTRY, "IBPB after exits") \
	X(RETPOLINE, RETPOLINE, "retpolines") /* Keel's own branches */ \
	X(ALIGNED, ITS, "branches in upper halves of cache lines") /* Keel's own */ \
	X(STIBP, STIBP, "STIBP") /* SPEC_CTRL.STIBP, for good */ \
	X(BHI_DIS_S, BHI_DIS_S, "BHI_DIS_S") /* SPEC_CTRL.BHI_DIS_S, for good */ \
	X(BHB_EXIT, BHB_ENTRY, "branch history cleared after exits") \
	X(BP_REDUCE, BP_SPEC_REDUCE, "BP_SPEC_REDUCE") /* BP_CFG.BP_SPEC_REDUCE, for good (AMD) */ \
	X(TSX_OFF, TSX_OFF, "TSX off") /* TSX_CTRL: transactions abort at once */ \
	X(GDS, GDS_MIT, "microcode's measure on") /* MCU_OPT_CTRL: it is not switched off */ \
	X(ZENBLEED, ZENBLEED, "chicken bit set") /* DE_CFG: the chicken bit */ \
	X(EPT_NX, EPT_NX, "large pages not executable") /* of nested tables (Intel) */ \
	X(LFENCE, LFENCE, "LFENCE waits") /* DE_CFG: LFENCE waits for all before it */ \
	X(RSB_FILL, RSB, "return stack filled after exits") \
	X(VERW_ENTRY, VERW, "VERW before entries") /* it clears buffers */ \
	X(L1D_ENTRY, L1D_FLUSH, "L1D flush before entries")

#define MITIGATION_ENUM(name, word, text) MIT_##name,
enum mitigation { MITIGATIONS(MITIGATION_ENUM) NR_MITIGATIONS };
#undef MITIGATION_ENUM

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
 * what is on is done even without need, if the CPU can do it, and with SPEC_WORD_FORCE even if it
 * does not say so.
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
