/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two tables: faults, with who has them, and measures, with what they are good for. Bits: Intel SDM
 * vol. 2A, CPUID, and vol. 4, IA32_ARCH_CAPABILITIES; AMD APM vol. 3, appendix E. Models: Intel's
 * "Affected Processors" table of transient execution attacks; AMD's security bulletins 7005 (SRSO),
 * 7008 (Zenbleed), 7029 (TSA) and 1037 (Retbleed).
 */
#include "arch/x86/spec.h"

#include "arch/x86/cpu.h"
#include "common/option.h"
#include "common/vsnprintf.h"

/* A bit of a word, as one number; 0 is none (no row asks for bit 0 of the first word). */
#define BIT_OF(word, bit) ((word) * 64 + (bit))
#define RTM		BIT_OF(SPEC_7B, 11)
#define MD_CLEAR	BIT_OF(SPEC_7D, 10)
#define IBRS_IBPB	BIT_OF(SPEC_7D, 26)
#define L1D_FLUSH	BIT_OF(SPEC_7D, 28)
#define BHI_CTRL	BIT_OF(SPEC_72D, 4)
#define AMD_IBPB	BIT_OF(SPEC_8B, 12)
#define AMD_IBRS	BIT_OF(SPEC_8B, 14)
#define AMD_STIBP	BIT_OF(SPEC_8B, 15)
#define AMD_SSB_NO	BIT_OF(SPEC_8B, 26)
#define BTC_NO		BIT_OF(SPEC_8B, 29)
#define LFENCE_SERIAL	BIT_OF(SPEC_21A, 2)
#define VERW_CLEAR	BIT_OF(SPEC_21A, 5)
#define AUTO_IBRS	BIT_OF(SPEC_21A, 8)
#define IBPB_BRTYPE	BIT_OF(SPEC_21A, 28)
#define SRSO_NO		BIT_OF(SPEC_21A, 29)
#define BP_SPEC_REDUCE	BIT_OF(SPEC_21A, 31)
#define TSA_SQ_NO	BIT_OF(SPEC_21C, 1)
#define TSA_L1_NO	BIT_OF(SPEC_21C, 2)
#define RDCL_NO		BIT_OF(SPEC_CAPS, 0)
#define IBRS_ALL	BIT_OF(SPEC_CAPS, 1)
#define SKIP_L1DFL	BIT_OF(SPEC_CAPS, 3)
#define SSB_NO		BIT_OF(SPEC_CAPS, 4)
#define MDS_NO		BIT_OF(SPEC_CAPS, 5)
#define PSCHANGE_MC_NO	BIT_OF(SPEC_CAPS, 6)
#define TSX_CTRL	BIT_OF(SPEC_CAPS, 7)
#define TAA_NO		BIT_OF(SPEC_CAPS, 8)
#define SBDR_SSDP_NO	BIT_OF(SPEC_CAPS, 13)
#define FBSDP_NO	BIT_OF(SPEC_CAPS, 14)
#define PSDP_NO		BIT_OF(SPEC_CAPS, 15)
#define FB_CLEAR	BIT_OF(SPEC_CAPS, 17)
#define BHI_NO		BIT_OF(SPEC_CAPS, 20)
#define PBRSB_NO	BIT_OF(SPEC_CAPS, 24)
#define GDS_CTRL	BIT_OF(SPEC_CAPS, 25)
#define GDS_NO		BIT_OF(SPEC_CAPS, 26)
#define RFDS_NO		BIT_OF(SPEC_CAPS, 27)
#define RFDS_CLEAR	BIT_OF(SPEC_CAPS, 28)
#define ITS_NO		BIT_OF(SPEC_CAPS, 62)
#define THUNKS		BIT_OF(SPEC_BUILD, 1)

#define F(fault) (1u << SPEC_##fault)
#define M(measure) (1u << MIT_##measure)

/* Intel, family 6: faults that no bit tells of. ITS: where it reaches from guest to host. */
#define ATOM BIT(31)	/* not the faults of the big cores */
#define SKYLAKE (F(MMIO) | F(RETBLEED) | F(GDS))
static const struct { u8 model, first_stepping, last_stepping; u32 faults; } models[] = {
	{ 0x3f, 0, 15, F(MMIO) }, { 0x4f, 0, 15, F(MMIO) }, { 0x56, 0, 15, F(MMIO) },
	{ 0x4e, 0, 15, SKYLAKE }, { 0x5e, 0, 15, SKYLAKE },
	{ 0x55, 0, 5, SKYLAKE }, { 0x55, 6, 15, SKYLAKE | F(ITS) },
	{ 0x8e, 0, 11, SKYLAKE }, { 0x8e, 12, 15, SKYLAKE | F(ITS) },
	{ 0x9e, 0, 12, SKYLAKE }, { 0x9e, 13, 15, SKYLAKE | F(ITS) },
	{ 0xa5, 0, 15, SKYLAKE | F(ITS) }, { 0xa6, 0, 15, SKYLAKE | F(ITS) },
	{ 0x66, 0, 15, F(RETBLEED) }, { 0x7e, 0, 15, SKYLAKE },
	{ 0xa7, 0, 15, SKYLAKE }, { 0x8a, 0, 15, F(MMIO) | F(RETBLEED) },
	{ 0x6a, 0, 15, F(MMIO) | F(GDS) }, { 0x6c, 0, 15, F(MMIO) | F(GDS) },
	{ 0x8c, 0, 15, F(GDS) }, { 0x8d, 0, 15, F(GDS) },
	{ 0x5c, 0, 15, F(RFDS) | ATOM }, { 0x5f, 0, 15, F(RFDS) | ATOM }, { 0x7a, 0, 15, F(RFDS) | ATOM },
	{ 0x86, 0, 15, F(MMIO) | F(RFDS) | ATOM }, { 0x96, 0, 15, F(MMIO) | F(RFDS) | ATOM },
	{ 0x9c, 0, 15, F(MMIO) | F(RFDS) | ATOM },
	{ 0x97, 0, 15, F(RFDS) }, { 0x9a, 0, 15, F(RFDS) }, { 0xb7, 0, 15, F(RFDS) },
	{ 0xba, 0, 15, F(RFDS) }, { 0xbe, 0, 15, F(RFDS) }, { 0xbf, 0, 15, F(RFDS) },
};

/*
 * One row a fault. AMD: families (0: none has it); Intel: all models unless listed, or not
 * ATOM. A CPU with all of `no`, or with amd_no, does not have it.
 */
static const struct {
	const char *name;
	u8 amd_first, amd_last;
	bool intel, listed, big;
	u16 needs, no[3], amd_no;
	bool threads;		/* leaks between the threads of a core, whatever is done at entries */
	const char *undone;	/* why nothing is done, where that is not for want of microcode */
} faults[NR_SPEC_FAULTS] = {
	[SPEC_V1] = { "spectre-v1", 0, 255, .intel = true },
	[SPEC_V2] = { "spectre-v2", 0, 255, .intel = true,
		      .undone = "no microcode for it, and no retpolines" },
	[SPEC_SSB] = { "ssb", 0, 255, .intel = true, .no = { SSB_NO }, .amd_no = AMD_SSB_NO,
		       .undone = "processes of guests may ask for SSBD" },
	[SPEC_RSB] = { "rsb", 0, 255, .intel = true },
	[SPEC_PBRSB] = { "pbrsb", .intel = true, .needs = IBRS_ALL, .no = { PBRSB_NO } },
	[SPEC_RETBLEED] = { "retbleed", 0x15, 0x18, .intel = true, .listed = true, .no = { BTC_NO } },
	[SPEC_SRSO] = { "srso", 0x17, 0x1a, .no = { SRSO_NO } },
	[SPEC_BHI] = { "bhi", .intel = true, .no = { BHI_NO }, .undone = "switched off" },
	[SPEC_ITS] = { "its", .intel = true, .listed = true, .no = { ITS_NO },
		       .undone = "switched off, or built without thunks" },
	[SPEC_MDS] = { "mds", .intel = true, .big = true, .no = { MDS_NO }, .threads = true },
	[SPEC_TAA] = { "taa", .intel = true, .needs = RTM, .no = { TAA_NO }, .threads = true },
	[SPEC_MMIO] = { "mmio-stale-data", .intel = true, .listed = true,
			.no = { SBDR_SSDP_NO, FBSDP_NO, PSDP_NO }, .threads = true },
	[SPEC_RFDS] = { "rfds", .intel = true, .listed = true, .no = { RFDS_NO } },
	[SPEC_GDS] = { "gds", .intel = true, .listed = true, .no = { GDS_NO } },
	[SPEC_L1TF] = { "l1tf", .intel = true, .big = true, .no = { RDCL_NO }, .threads = true },
	[SPEC_TSA] = { "tsa", 0x19, 0x19, .no = { TSA_SQ_NO, TSA_L1_NO } },
	[SPEC_ZENBLEED] = { "zenbleed", 0x17, 0x17, .intel = false },
	[SPEC_ITLB_MULTIHIT] = { "itlb-multihit", .intel = true, .big = true, .no = { PSCHANGE_MC_NO },
				 .undone = "guests execute from large pages without spec=ept-nx" },
	[SPEC_LFENCE] = { "lfence", 0x10, 255, .no = { LFENCE_SERIAL } },
};

/*
 * One row for each way to a measure: it is taken for one of its faults, where the CPU can (needs),
 * unless a measure above it in the table does as much. also: faults that it is good for, but not
 * taken for. part: not enough by itself.
 */
static const struct {
	enum mitigation what;
	u32 faults, also;
	bool intel, amd, part;
	bool smt;		/* only for cores of several threads */
	u8 amd_last;		/* family, if not 0 */
	u16 needs[2], lacks;
	u32 unless;
} measures[] = {
	{ MIT_IBPB_SWITCH, F(V2), .amd = true, .part = true, .needs = { AMD_IBPB } },
	{ MIT_IBPB_SWITCH, F(V2), .intel = true, .part = true, .needs = { IBRS_IBPB } },
	/* It also clears the return stack at exits (APM vol. 2, 3.1.7). */
	{ MIT_AUTO_IBRS, F(V2) | F(RSB), .amd = true, .needs = { AUTO_IBRS } },
	{ MIT_ENHANCED_IBRS, F(V2) | F(RSB) | F(RETBLEED), .intel = true,
	  .needs = { IBRS_IBPB, IBRS_ALL } },
	{ MIT_BP_REDUCE, F(SRSO), .amd = true, .needs = { BP_SPEC_REDUCE } },
	/* On Zen and Zen 2 it always forgets what kind of branch was where. */
	{ MIT_IBPB_EXIT, F(RETBLEED), F(SRSO) | F(V2), .amd = true, .amd_last = 0x18,
	  .needs = { AMD_IBPB } },
	{ MIT_IBPB_EXIT, F(SRSO), F(V2), .amd = true, .needs = { AMD_IBPB, IBPB_BRTYPE },
	  .unless = M(BP_REDUCE) },
	{ MIT_IBRS_EXIT, F(V2) | F(RETBLEED), .intel = true, .needs = { IBRS_IBPB },
	  .unless = M(ENHANCED_IBRS) },
	{ MIT_IBRS_EXIT, F(V2), .amd = true, .needs = { AMD_IBRS },
	  .unless = M(AUTO_IBRS) | M(IBPB_EXIT) },
	{ MIT_RETPOLINE, F(V2), .amd = true, .intel = true, .needs = { THUNKS },
	  .unless = M(AUTO_IBRS) | M(ENHANCED_IBRS) | M(IBPB_EXIT) | M(IBRS_EXIT) },
	{ MIT_ALIGNED, F(ITS), .intel = true, .needs = { THUNKS } },
	{ MIT_STIBP, F(V2), .amd = true, .part = true, .smt = true, .needs = { AMD_STIBP } },
	{ MIT_BHI_DIS_S, F(BHI), .intel = true, .needs = { BHI_CTRL } },
	{ MIT_BHB_EXIT, F(BHI), .intel = true, .unless = M(BHI_DIS_S) },
	{ MIT_TSX_OFF, F(TAA), .intel = true, .needs = { TSX_CTRL } },
	{ MIT_GDS, F(GDS), .intel = true, .needs = { GDS_CTRL } },
	{ MIT_EPT_NX, 0, F(ITLB_MULTIHIT), .intel = true },
	{ MIT_ZENBLEED, F(ZENBLEED), .amd = true, .amd_last = 0x17 },
	{ MIT_LFENCE, F(LFENCE), .amd = true },
	{ MIT_RSB_FILL, F(RSB), .amd = true, .intel = true, .unless = M(AUTO_IBRS) | M(ENHANCED_IBRS) },
	{ MIT_RSB_FILL, F(PBRSB), .intel = true },
	{ MIT_VERW_ENTRY, F(MDS), .intel = true, .needs = { MD_CLEAR } },
	{ MIT_VERW_ENTRY, F(TAA), .intel = true, .needs = { MD_CLEAR }, .unless = M(TSX_OFF) },
	{ MIT_VERW_ENTRY, F(MMIO), .intel = true, .needs = { MD_CLEAR }, .lacks = MDS_NO },
	{ MIT_VERW_ENTRY, F(MMIO), .intel = true, .needs = { FB_CLEAR } },
	{ MIT_VERW_ENTRY, F(RFDS), .intel = true, .needs = { RFDS_CLEAR } },
	{ MIT_VERW_ENTRY, F(TSA), .amd = true, .needs = { VERW_CLEAR } },
	{ MIT_L1D_ENTRY, F(L1TF), .intel = true, .needs = { L1D_FLUSH }, .lacks = SKIP_L1DFL },
};

static const struct { const char *text; u32 word; } mitigation[] = {
#define MITIGATION(name, word, text) { text, SPEC_WORD_##word },
	MITIGATIONS(MITIGATION)
#undef MITIGATION
};

static bool has(const struct spec_cpu *cpu, u16 bit) { return cpu->word[bit / 64] >> bit % 64 & 1; }

static u32 listed(const struct spec_cpu *cpu)
{
	for (unsigned int i = 0; cpu->family == 6 && i < ARRAY_SIZE(models); i++)
		if (models[i].model == cpu->model && cpu->stepping >= models[i].first_stepping &&
		    cpu->stepping <= models[i].last_stepping)
			return models[i].faults;
	return 0;
}

bool spec_affected(const struct spec_cpu *cpu, enum spec_fault f)
{
	u32 list = cpu->intel ? listed(cpu) : 0;
	unsigned int missing = 0;

	if ((faults[f].needs && !has(cpu, faults[f].needs)) ||
	    (faults[f].amd_no && has(cpu, faults[f].amd_no)))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(faults[f].no); i++)
		missing += faults[f].no[i] && !has(cpu, faults[f].no[i]);
	if (faults[f].no[0] && !missing)
		return false;
	/* Microcode: of the servers' Zen 2; on others the chicken bit is set in any case. */
	if (f == SPEC_ZENBLEED &&
	    (cpu->model < 0x30 || (cpu->model == 0x31 && cpu->microcode >= 0x0830107b)))
		return false;
	if (cpu->amd)
		return faults[f].amd_last && cpu->family >= faults[f].amd_first &&
		       cpu->family <= faults[f].amd_last;
	if (faults[f].big && list & ATOM)
		return false;
	return cpu->intel && faults[f].intel && (!faults[f].listed || list >> f & 1);
}

/* Whether the CPU can do what row i says. */
static bool can_do(const struct spec_cpu *cpu, unsigned int i, bool force)
{
	if (!(cpu->amd && measures[i].amd) && !(cpu->intel && measures[i].intel))
		return false;
	if (force)
		return true;
	if ((measures[i].smt && !cpu->smt) || (measures[i].amd_last && cpu->family > measures[i].amd_last))
		return false;
	for (unsigned int n = 0; n < ARRAY_SIZE(measures[i].needs); n++)
		if (measures[i].needs[n] && !has(cpu, measures[i].needs[n]))
			return false;
	return !measures[i].lacks || !has(cpu, measures[i].lacks);
}

static u32 affecting(const struct spec_cpu *cpu)
{
	u32 set = 0;

	for (unsigned int f = 0; f < NR_SPEC_FAULTS; f++)
		set |= (u32)spec_affected(cpu, f) << f;
	return set;
}

u32 spec_choose(const struct spec_cpu *cpu, u32 on, u32 off)
{
	u32 affected = affecting(cpu), chosen = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(measures); i++) {
		u32 word = mitigation[measures[i].what].word;
		bool forced = on >> word & 1;

		if (off >> word & 1 || !can_do(cpu, i, forced && on >> SPEC_WORD_FORCE & 1))
			continue;
		if (forced || (affected & measures[i].faults && !(chosen & measures[i].unless)))
			chosen |= 1u << measures[i].what;
	}
	return chosen;
}

const char *spec_name(enum spec_fault fault)
{
	return faults[fault].name;
}

static bool leaks_to_thread(const struct spec_cpu *cpu, enum spec_fault f, u32 chosen)
{
	return cpu->smt && faults[f].threads && spec_affected(cpu, f) &&
	       !(f == SPEC_TAA && chosen & M(TSX_OFF));
}

bool spec_needs_smt_off(const struct spec_cpu *cpu, u32 chosen)
{
	for (unsigned int f = 0; f < NR_SPEC_FAULTS; f++)
		if (leaks_to_thread(cpu, f, chosen))
			return true;
	return false;
}

void spec_status(const struct spec_cpu *cpu, enum spec_fault f, u32 chosen,
		 char text[SPEC_TEXT_LEN])
{
	bool whole = false;
	u32 named = 0;
	int len = 0;

	if (!spec_affected(cpu, f)) {
		snprintf(text, SPEC_TEXT_LEN, "not affected");
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(measures); i++) {
		u32 what = 1u << measures[i].what;

		if (!((measures[i].faults | measures[i].also) >> f & 1) || !(chosen & what) ||
		    !can_do(cpu, i, false))
			continue;
		whole |= !measures[i].part;
		if (!(named & what))
			len += snprintf(text + len, SPEC_TEXT_LEN - len, "%s%s", len ? ", " : "",
					mitigation[measures[i].what].text);
		named |= what;
	}
	if (f == SPEC_V1)
		len += snprintf(text, SPEC_TEXT_LEN, "indexes that guests choose are masked");
	else if (!whole)
		len += snprintf(text + len, SPEC_TEXT_LEN - len, "%snot done: %s", len ? ", the rest " : "",
				faults[f].undone ?: "no microcode for it, or switched off");
	if (leaks_to_thread(cpu, f, chosen))
		snprintf(text + len, SPEC_TEXT_LEN - len, "; threads of a core leak to each other");
}
