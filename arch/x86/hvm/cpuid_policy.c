/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID as data: which feature bits a guest may see, and how a policy is made from the
 * machine's leaves. Leaves: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.
 *
 * Hidden: what Keel does not virtualize (SVM, VMX, SMX, MONITOR, PMU, PT, RDT, thermal and
 * power MSRs, DS, IBS, OSVW, LWP, nested features), what needs state that Keel does not
 * save (XSAVES' components, AMX), what Intel withdrew (HLE, RTM, MPX), AMD's SSBD by other MSRs
 * than SPEC_CTRL, and Intel's controls in SPEC_CTRL behind the first three (leaf 7, subleaf 2).
 */
#include "arch/x86/hvm/cpuid.h"

#include "arch/x86/hvm/io.h"
#include "common/heap.h"

#define B(n) (1u << (n))
/*
 * Faults that the CPU does not have: RDCL SKIP_L1DFL SSB MDS PSCHANGE_MC TAA SBDR_SSDP FBSDP PSDP
 * BHI PBRSB GDS RFDS ITS; those that it has (RSBA, RRSBA); and what VERW clears (FB_CLEAR,
 * RFDS_CLEAR): a kernel that learns of no MDS in it has no other reason to use it. IBRS_ALL with
 * SPEC_CTRL. Not what speaks of MSRs that guests lack (TSX_CTRL, FB_CLEAR_CTRL).
 */
#define ARCH_CAPS_IBRS_ALL BIT(1)
#define ARCH_CAPS_SHOWN (BIT(0) | ARCH_CAPS_IBRS_ALL | BIT(2) | BIT(3) | BIT(4) | BIT(5) | \
			 BIT(6) | BIT(8) | BIT(13) | BIT(14) | BIT(15) | BIT(17) | BIT(19) | BIT(20) | \
			 BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(62))

enum { REG_A, REG_B, REG_C, REG_D };

/*
 * Bits that guests may have, where the machine has them. Everything else of these registers is 0.
 */
static const struct { u32 leaf, subleaf; u8 reg; u32 allowed; } features[] = {
	/* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 X2APIC MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
	{ 1, 0, REG_C, B(0) | B(1) | B(9) | B(12) | B(13) | B(17) | B(19) | B(20) | B(21) | B(22) | B(23) |
		       B(25) | B(26) | B(28) | B(29) | B(30) },
	/*
	 * FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFLUSH MMX FXSR SSE
	 * SSE2 HTT
	 */
	{ 1, 0, REG_D, 0x3ff | B(11) | B(12) | B(13) | B(14) | B(15) | B(16) | B(17) | B(19) | B(23) |
		       B(24) | B(25) | B(26) | B(28) },
	{ 6, 0, REG_A, B(2) },	/* ARAT */
	/* FSGSBASE BMI1 AVX2 FDP_EXCPTN SMEP BMI2 ERMS INVPCID NO_FPU_SEL AVX512F AVX512DQ RDSEED
	 * ADX SMAP AVX512IFMA CLFLUSHOPT CLWB AVX512CD SHA AVX512BW AVX512VL */
	{ 7, 0, REG_B, B(0) | B(3) | B(5) | B(6) | B(7) | B(8) | B(9) | B(10) | B(13) | B(16) | B(17) |
		       B(18) | B(19) | B(20) | B(21) | B(23) | B(24) | B(28) | B(29) | B(30) | B(31) },
	/*
	 * PREFETCHWT1 AVX512VBMI UMIP PKU VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ LA57 RDPID
	 * CLDEMOTE MOVDIRI MOVDIR64B */
	{ 7, 0, REG_C, B(0) | B(1) | B(2) | B(3) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) |
		       B(16) | B(22) | B(25) | B(27) | B(28) },
	/* AVX512_4VNNIW AVX512_4FMAPS FSRM AVX512_VP2INTERSECT MD_CLEAR SERIALIZE IBRS STIBP L1D_FLUSH
	 * ARCH_CAPABILITIES SSBD */
	{ 7, 0, REG_D, B(2) | B(3) | B(4) | B(8) | B(10) | B(14) | CPUID_7D_IBRSB | B(27) | B(28) |
	  CPUID_7D_ARCH_CAPS | B(31) },
	/* AVX-VNNI AVX512_BF16 FZRM FSRS FSRCS AVX-IFMA */
	{ 7, 1, REG_A, B(4) | B(5) | B(10) | B(11) | B(12) | B(23) },
	{ 7, 1, REG_B, 0 }, { 7, 1, REG_C, 0 }, { 7, 1, REG_D, 0 },
	{ 0xd, 1, REG_A, B(0) | B(1) | B(2) },	/* XSAVEOPT XSAVEC XGETBV1 */
	{ 0xd, 1, REG_C, 0 }, { 0xd, 1, REG_D, 0 },
	/* LAHF CR8_LEGACY ABM SSE4A MISALIGNSSE PREFETCHW XOP FMA4 TBM */
	{ 0x80000001, 0, REG_C, B(0) | B(4) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21) },
	/* as leaf 1 EDX, and SYSCALL NX MMXEXT PAGE1GB RDTSCP LM */
	{ 0x80000001, 0, REG_D, 0x3ff | B(11) | B(12) | B(13) | B(14) | B(15) | B(16) | B(17) | B(20) |
				B(22) | B(23) | B(24) | B(26) | B(27) | B(29) },
	{ 0x80000007, 0, REG_B, B(0) | B(1) },	/* machine checks: overflow recovery, SUCCOR */
	{ 0x80000007, 0, REG_D, B(8) },		/* invariant TSC */
	/* CLZERO XSAVEERPTR WBNOINVD IBPB IBRS STIBP, hints about them, SSBD SSB_NO PSFD BTC_NO
	 * IBPB_RET */
	{ 0x80000008, 0, REG_B, B(0) | B(2) | B(9) | B(12) | B(14) | B(15) | B(16) | B(17) | B(18) |
	  B(19) | B(24) | B(26) | B(28) | B(29) | B(30) },
	/* LFENCE serialises, VERW_CLEAR, null selector clears base, AUTO_IBRS SBPB IBPB_BRTYPE SRSO_NO
	 * SRSO_US_NO; TSA_SQ_NO TSA_L1_NO */
	{ 0x80000021, 0, REG_A, B(2) | B(5) | B(6) | B(8) | B(27) | B(28) | B(29) | B(30) },
	{ 0x80000021, 0, REG_C, B(1) | B(2) },
};

/* Leaves that a guest sees as the machine has them. Leaves in neither table are hidden. */
static const u32 passed[] = {
	0, 2, 0x80000000, 0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006, 0x80000019,
	0x8000001a,
};

/* Features that need XSAVE components: { component bits, leaf 7 or 1, ...}. */
static const struct { u64 xcr0; u32 leaf, subleaf; u8 reg; u32 bits; } needs_xstate[] = {
	{ 4, 1, 0, REG_C, B(12) | B(28) | B(29) },	/* FMA AVX F16C */
	{ 4, 7, 0, REG_B, B(5) },			/* AVX2 */
	{ 4, 7, 0, REG_C, B(9) | B(10) },		/* VAES VPCLMULQDQ */
	{ 4, 7, 1, REG_A, B(4) | B(23) },		/* AVX-VNNI AVX-IFMA */
	{ 4, 0x80000001, 0, REG_C, B(11) | B(16) },	/* XOP FMA4 */
	{ 0xe0, 7, 0, REG_B, B(16) | B(17) | B(21) | B(28) | B(30) | B(31) },
	{ 0xe0, 7, 0, REG_C, B(1) | B(6) | B(11) | B(12) | B(14) },
	{ 0xe0, 7, 0, REG_D, B(2) | B(3) | B(8) },
	{ 0xe0, 7, 1, REG_A, B(5) },
	{ 0x200, 7, 0, REG_C, B(3) },			/* PKU */
};

static struct cpu_policy host_policy, max_policy;
static bool ready;

static u32 *reg_of(struct cpuid_regs *r, u8 reg)
{
	return reg == REG_A ? &r->a : reg == REG_B ? &r->b : reg == REG_C ? &r->c : &r->d;
}

struct cpuid_regs *cpu_policy_leaf(struct cpu_policy *p, u32 leaf, u32 subleaf)
{
	const u32 with_subleaves = B(4) | B(7) | B(0xb) | B(0xd);

	if (leaf < CPUID_NR_BASIC && !(with_subleaves & B(leaf)))
		return &p->basic[index_nospec(leaf, CPUID_NR_BASIC)];
	if (leaf - 0x80000000u < CPUID_NR_EXTD)
		return &p->extd[index_nospec(leaf - 0x80000000u, CPUID_NR_EXTD)];
	switch (leaf) {
#define LEAF(nr, field) case nr: return subleaf >= ARRAY_SIZE(p->field) ? NULL : \
					&p->field[index_nospec(subleaf, ARRAY_SIZE(p->field))];
	LEAF(4, cache) LEAF(7, feat) LEAF(0xb, topo) LEAF(0xd, xstate)
#undef LEAF
	}
	return NULL;
}

static void read_subleaves(struct cpuid_regs *r, u32 leaf, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		r[i] = cpuid(leaf, i);
}

static void read_host(struct cpu_policy *p)
{
	u32 max = min(cpuid(0, 0).a, CPUID_NR_BASIC - 1u);
	u32 max_ext = min(cpuid(0x80000000, 0).a, 0x80000000u + CPUID_NR_EXTD - 1);

	for (u32 i = 0; i <= max; i++)
		p->basic[i] = cpuid(i, 0);
	if (max >= 4)
		read_subleaves(p->cache, 4, CPUID_NR_CACHE);
	if (max >= 7)
		read_subleaves(p->feat, 7, min(cpuid(7, 0).a + 1, (u32)CPUID_NR_FEAT));
	if (max >= 0xb)
		read_subleaves(p->topo, 0xb, CPUID_NR_TOPO);
	if (max >= 0xd && cpu_features.xsave)
		read_subleaves(p->xstate, 0xd, CPUID_NR_XSTATE);
	for (u32 i = 0x80000000; i <= max_ext; i++)
		p->extd[i - 0x80000000] = cpuid(i, 0);
	if (!(p->feat[0].d & CPUID_7D_ARCH_CAPS) || rdmsr_safe(MSR_ARCH_CAPABILITIES, &p->arch_caps))
		p->feat[0].d &= ~CPUID_7D_ARCH_CAPS;
	p->basic[0].a = max;
	p->extd[0].a = max_ext;
	p->feat[0].a = min(p->feat[0].a, CPUID_NR_FEAT - 1u);
}

u64 cpu_policy_xcr0(const struct cpu_policy *p)
{
	return (u64)p->xstate[0].d << 32 | p->xstate[0].a;
}

u64 cpu_policy_spec_bits(const struct cpu_policy *p, u32 msr)
{
	u32 d = p->feat[0].d, b = p->extd[8].b;

	if (msr == MSR_FLUSH_CMD)
		return d >> 28 & 1;
	if (msr == MSR_PRED_CMD)
		return ((d >> 26 | b >> 12) & 1) | (p->extd[0x21].a & B(27) ? BIT(7) : 0);
	return ((d >> 26 | b >> 14) & 1) | ((d >> 27 | b >> 15) & 1) << 1 |
	       ((d >> 31 | b >> 24) & 1) << 2 | (b >> 28 & 1) << 7;
}

/*
 * Features behind all other bits (CET, supervisor keys, user interrupts, LAM, FRED ...) are hidden,
 * because Keel does not save their state.
 */
u64 cpu_policy_cr4(const struct cpu_policy *p)
{
	static const struct { u32 leaf; u8 reg; u32 shown; u64 cr4; } rows[] = {
		{ 1, REG_D, B(1), BIT(0) | BIT(1) },	/* VME, PVI */
		{ 1, REG_D, B(4), BIT(2) },		/* TSD */
		{ 1, REG_D, B(2), BIT(3) },		/* DE */
		{ 1, REG_D, B(3), X86_CR4_PSE }, { 1, REG_D, B(6), X86_CR4_PAE },
		{ 1, REG_D, B(7), BIT(6) /* MCE */ },
		{ 1, REG_D, B(13), X86_CR4_PGE }, { 1, REG_D, B(24), X86_CR4_OSFXSR },
		{ 1, REG_D, B(25), X86_CR4_OSXMMEXCPT }, { 7, REG_C, B(2), BIT(11) /* UMIP */ },
		{ 7, REG_C, B(16), X86_CR4_LA57 }, { 7, REG_B, B(0), X86_CR4_FSGSBASE },
		{ 1, REG_C, B(17), X86_CR4_PCIDE }, { 1, REG_C, B(26), X86_CR4_OSXSAVE },
		{ 7, REG_B, B(7), X86_CR4_SMEP }, { 7, REG_B, B(20), X86_CR4_SMAP },
		{ 7, REG_C, B(3), X86_CR4_PKE },
	};
	u64 cr4 = BIT(8); /* PCE: on every CPU, counters or not */

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		if (*reg_of(cpu_policy_leaf((struct cpu_policy *)p, rows[i].leaf, 0), rows[i].reg) &
		    rows[i].shown)
			cr4 |= rows[i].cr4;
	return cr4;
}

/*
 * SDM vol. 1, 13.4: the legacy area and header, then each component at its offset, or one after the
 * other.
 */
u32 cpu_policy_xsave_size(const struct cpu_policy *p, u64 xcr0, bool compact)
{
	u32 size = 576;

	for (unsigned int i = 2; i < CPUID_NR_XSTATE; i++) {
		const struct cpuid_regs *x = &p->xstate[i];

		if (!(xcr0 & BIT(i)))
			continue;
		if (!compact)
			size = max(size, x->b + x->a);
		else
			size = (x->c & 2 ? ROUND_UP(size, 64u) : size) + x->a;
	}
	return size;
}

static void clamp_features(struct cpu_policy *p, const struct cpu_policy *max)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(features); i++) {
		struct cpuid_regs *r = cpu_policy_leaf(p, features[i].leaf, features[i].subleaf);
		struct cpuid_regs limit = *cpu_policy_leaf((struct cpu_policy *)max, features[i].leaf,
							   features[i].subleaf);

		*reg_of(r, features[i].reg) &= *reg_of(&limit, features[i].reg) & features[i].allowed;
	}
}

/* The components in the leaf's order of things: x87 and SSE always, pairs and triples whole. */
static void clamp_xstate(struct cpu_policy *p, const struct cpu_policy *max)
{
	u64 xcr0 = cpu_policy_xcr0(p) & cpu_features.xcr0;

	if (!(p->basic[1].c & B(26))) {
		memset(p->xstate, 0, sizeof(p->xstate));
		xcr0 = 0;
	} else {
		xcr0 |= 3;
	}
	if (!(xcr0 & 4))
		xcr0 &= ~0xe0ull;
	if ((xcr0 & 0xe0) != 0xe0)
		xcr0 &= ~0xe0ull;
	for (unsigned int i = 0; i < ARRAY_SIZE(needs_xstate); i++)
		if ((xcr0 & needs_xstate[i].xcr0) != needs_xstate[i].xcr0)
			*reg_of(cpu_policy_leaf(p, needs_xstate[i].leaf, needs_xstate[i].subleaf),
				needs_xstate[i].reg) &= ~needs_xstate[i].bits;
	for (unsigned int i = 2; i < CPUID_NR_XSTATE; i++) {
		p->xstate[i] = xcr0 & BIT(i) ? max->xstate[i] : (struct cpuid_regs){ 0 };
	}
	p->xstate[0].a = (u32)xcr0;
	p->xstate[0].d = (u32)(xcr0 >> 32);
	p->xstate[0].c = xcr0 ? cpu_policy_xsave_size(p, xcr0, false) : 0;
}

/*
 * APIC ids are twice the vCPU's number everywhere (docs/abi.md, CPUID): one package of
 * single-threaded cores.
 */
static void set_topology(struct cpu_policy *p, const struct domain *d)
{
	unsigned int n = d ? d->max_vcpus : 1;
	unsigned int shift = fls64(n * 2 - 1) + 1;
	u32 ids = 1u << shift;

	p->basic[1].b = (p->basic[1].b & 0xff00) | min(ids, 255u) << 16;
	p->basic[1].d |= B(28);
	p->topo[0] = (struct cpuid_regs){ .a = 1, .b = 1, .c = 1 << 8 };
	p->topo[1] = (struct cpuid_regs){ .a = shift, .b = n, .c = 2 << 8 | 1 };
	for (unsigned int i = 0; i < CPUID_NR_CACHE; i++) {
		/* the last level by all, others by one core */
		u32 sharing = (p->cache[i].a >> 5 & 7) >= 3 ? ids - 1 : 1;

		if (!(p->cache[i].a & 0x1f))
			break;
		p->cache[i].a = (p->cache[i].a & 0x3fff) | min(sharing, 4095u) << 14 |
				min(ids / 2 - 1, 63u) << 26;
	}
	p->extd[8].c = 0;
	if (cpu_features.amd) {
		p->extd[8].c = (ids - 1) | shift << 12;
		p->extd[1].c |= B(1);	/* CmpLegacy: these are cores */
	}
}

unsigned int cpu_policy_phys_bits(void)
{
	return min(cpu_features.phys_bits, fls64(p2m_gfn_limit) + PAGE_SHIFT);
}

static bool is_passed(u32 leaf)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(passed); i++)
		if (passed[i] == leaf)
			return true;
	return false;
}

/* Registers that neither table names are 0, but for leaves whose other registers are made below. */
static void clear_unlisted(struct cpu_policy *p, const struct cpu_policy *max)
{
	for (u32 i = 0; i < CPUID_NR_BASIC; i++)
		p->basic[i] = is_passed(i) ? max->basic[i] : i == 1 || i == 6 ? p->basic[i]
			      : (struct cpuid_regs){ 0 };
	for (u32 i = 0; i < CPUID_NR_EXTD; i++)
		if (i != 1 && i != 7 && i != 8 && i != 0x21)
			p->extd[i] = is_passed(0x80000000 + i) ? max->extd[i] : (struct cpuid_regs){ 0 };
	p->basic[1].a = max->basic[1].a;
	p->basic[1].b &= 0xff00;	/* CLFLUSH size */
	p->basic[6] = (struct cpuid_regs){ .a = p->basic[6].a };
	memset(&p->feat[2], 0, sizeof(p->feat[2]));
	p->feat[0].a = min(p->feat[0].a, 1u);
	p->extd[1].a = max->extd[1].a;
	p->extd[1].b = 0;
	p->extd[7] = (struct cpuid_regs){ .b = p->extd[7].b, .d = p->extd[7].d };
	p->extd[8].d = 0;
	p->extd[0x21] = (struct cpuid_regs){ .a = p->extd[0x21].a, .c = p->extd[0x21].c };
	memcpy(p->cache, max->cache, sizeof(p->cache));
}

void cpu_policy_clamp(struct cpu_policy *p, const struct domain *d)
{
	const struct cpu_policy *max = d ? cpu_policy_max() : &host_policy;

	clear_unlisted(p, max);
	clamp_features(p, max);
	clamp_xstate(p, max);
	p->basic[1].c |= B(31);	/* a hypervisor is there */
	if (!d)
		p->basic[1].c |= B(21);	/* x2APIC is emulated, whatever the machine has */
	set_topology(p, d);
	p->extd[8].a = cpu_policy_phys_bits() | 48 << 8;	/* widths of physical and virtual addresses */
	p->platform_info = 0;
	p->arch_caps &= p->feat[0].d & CPUID_7D_ARCH_CAPS ? max->arch_caps & ARCH_CAPS_SHOWN : 0;
	if (!(p->feat[0].d & CPUID_7D_IBRSB))
		p->arch_caps &= ~ARCH_CAPS_IBRS_ALL;
}

static void build(void)
{
	if (ready)
		return;
	read_host(&host_policy);
	max_policy = host_policy;
	cpu_policy_clamp(&max_policy, NULL);
	/*
	 * What Keel emulates is there on every machine: x2APIC, and a timer that runs in every idle state.
	 */
	max_policy.basic[1].c |= B(21);
	max_policy.basic[6].a |= B(2);
	ready = true;
}

const struct cpu_policy *cpu_policy_host(void)
{
	build();
	return &host_policy;
}

const struct cpu_policy *cpu_policy_max(void)
{
	build();
	return &max_policy;
}

/*
 * The invariant TSC is a promise that ends with a migration: only the control domain has it by
 * default.
 */
void cpu_policy_default(struct cpu_policy *p, const struct domain *d)
{
	*p = *cpu_policy_max();
	if (!d || !d->control)
		p->extd[7].d &= ~B(8);
	cpu_policy_clamp(p, d);
}

/* Xen's order of the words: tools decode the machine's features by it. */
u32 cpu_policy_feature_word(const struct cpu_policy *p, unsigned int i)
{
	const u32 words[CPUID_NR_FEATURESET] = {
		p->basic[1].d, p->basic[1].c, p->extd[1].d, p->extd[1].c, p->xstate[1].a, p->feat[0].b,
		p->feat[0].c, p->extd[7].d, p->extd[8].b, p->feat[0].d, p->feat[1].a, p->extd[0x21].a,
		p->feat[1].b, p->feat[2].d, p->feat[1].c, p->feat[1].d, (u32)p->arch_caps,
		(u32)(p->arch_caps >> 32), p->extd[0x21].c,
	};

	return i < CPUID_NR_FEATURESET ? words[i] : 0;
}
