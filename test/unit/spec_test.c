/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/spec.c common/option.c common/vsnprintf.c */
/* Which faults CPUs have, and what is done about them, by dumps of CPUs (spec/dumps.h). */
#include "arch/x86/include/machine/nospec.h" /* first: mutants change it by this name */
#include "test/unit/unit.h"

#define KEEL_THUNKS built_with_thunks

#include <stdio.h>

#include "arch/x86/cpu.h"
#include "arch/x86/spec.h"
#include "common/hypfs.h"
#include "common/option.h"
#include "common/printk.h"

#include "test/unit/spec/dumps.h"

static bool built_with_thunks = true;
static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf);
static u64 test_rdmsr(u32 msr);
static void test_wrmsr(u32 msr, u64 v);
#define cpuid test_cpuid
#define rdmsr test_rdmsr
#define wrmsr test_wrmsr
#define wrmsr_try(msr, v) test_wrmsr(msr, v)
#undef READ_CR
#undef WRITE_CR
#define READ_CR(n) 0
#define WRITE_CR(n, v) ((void)(v))
#include "arch/x86/cpu.c"
#include "arch/x86/mitigations.c"

bool p2m_large_noexec;

static const struct dump *on_cpu;
static struct { u32 msr; u64 v; } msrs[8];	/* written */
static unsigned int nr_msrs;
static u32 locked, microcode;	/* the MSR that keeps its value */
static char log_text[4096];

static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(on_cpu->leaves); i++)
		if (on_cpu->leaves[i].leaf == leaf && on_cpu->leaves[i].subleaf == subleaf)
			return (struct cpuid_regs){ on_cpu->leaves[i].a, on_cpu->leaves[i].b,
						    on_cpu->leaves[i].c, on_cpu->leaves[i].d };
	return (struct cpuid_regs){ 0 };
}

static u64 test_rdmsr(u32 msr)
{
	if (msr == MSR_ARCH_CAPS) {
		assert_true(test_cpuid(7, 0).d & BIT(29));
		return on_cpu->arch_caps;
	}
	if (msr == MSR_PATCH_LEVEL)
		return microcode;
	for (unsigned int i = 0; i < nr_msrs; i++)
		if (msrs[i].msr == msr)
			return msrs[i].v;
	return msr == MSR_MCU_OPT_CTRL ? BIT(4) | BIT(0) : 0;
}

static void test_wrmsr(u32 msr, u64 v)
{
	unsigned int i = 0;

	while (i < nr_msrs && msrs[i].msr != msr)
		i++;
	assert_true(i < ARRAY_SIZE(msrs));
	nr_msrs = max(nr_msrs, i + 1);
	msrs[i].msr = msr;
	msrs[i].v = v;
}

int rdmsr_safe(u32 msr, u64 *v)
{
	*v = test_rdmsr(msr);
	return 0;
}

static bool refused;

int wrmsr_safe(u32 msr, u64 v)
{
	if (refused)
		return -1;
	if (msr != locked)
		test_wrmsr(msr, v);
	return 0;
}

static struct { bool done, retpoline, aligned; } branches;

void branches_init(bool retpoline, bool aligned)
{
	branches = (typeof(branches)){ true, retpoline, aligned };
}

static unsigned int histories;
void clear_branch_history(void)
{
	histories++;
}

void printk(enum log_level level, const char *fmt, ...)
{
	size_t len = strlen(log_text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(log_text + len, sizeof(log_text) - len, fmt, ap);
	va_end(ap);
	strcat(log_text, "\n");
}

static char shown[NR_SPEC_FAULTS][SPEC_TEXT_LEN];
static unsigned int nr_shown;

void hypfs_string(struct hypfs_walk *w, const char *path, const char *value)
{
	assert_memory_equal(path, "keel/cpu-faults/", 16);
	assert_string_equal(path + 16, spec_name(nr_shown));
	strcpy(shown[nr_shown++], value);
}

static void boot(const char *name, const char *options)
{
	on_cpu = NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(dumps); i++)
		if (!strcmp(dumps[i].name, name))
			on_cpu = &dumps[i];
	assert_non_null(on_cpu);
	nr_msrs = nr_shown = 0;
	branches.done = false;
	log_text[0] = '\0';
	memset(&cpu_features, 0, sizeof(cpu_features));
	option_init(options);
	cpu_init_features();
	mitigations_init();
	assert_true(branches.done);
	arch_hypfs_cpu_faults(NULL);
}

#define F(fault) (1u << SPEC_##fault)
#define M(measure) (1u << MIT_##measure)
#define EVERY (F(V1) | F(V2) | F(SSB) | F(RSB))

/* What Intel's and AMD's pages say of these CPUs, written down by hand. */
static const struct { const char *cpu; u32 faults, measures; bool threads; } expected[] = {
	{ "Xeon-E5-2650-v4", EVERY | F(BHI) | F(MDS) | F(TAA) | F(MMIO) | F(L1TF) | F(ITLB_MULTIHIT),
	  M(RETPOLINE) | M(BHB_EXIT) | M(RSB_FILL), true },
	{ "Xeon-Gold-6130", EVERY | F(RETBLEED) | F(BHI) | F(MDS) | F(TAA) | F(MMIO) | F(GDS) | F(L1TF) |
	  F(ITLB_MULTIHIT), M(IBPB_SWITCH) | M(IBRS_EXIT) | M(BHB_EXIT) | M(RSB_FILL) | M(VERW_ENTRY) |
	  M(L1D_ENTRY), true },
	{ "Xeon-Platinum-8268", EVERY | F(PBRSB) | F(RETBLEED) | F(BHI) | F(ITS) | F(TAA) | F(MMIO) |
	  F(GDS) | F(ITLB_MULTIHIT),
	  M(IBPB_SWITCH) | M(ENHANCED_IBRS) | M(ALIGNED) | M(BHB_EXIT) | M(RSB_FILL) |
	  M(VERW_ENTRY), true },
	{ "Cooperlake", EVERY | F(PBRSB) | F(RETBLEED) | F(BHI) | F(ITS) | F(MMIO) | F(GDS),
	  M(IBPB_SWITCH) | M(ENHANCED_IBRS) | M(ALIGNED) | M(BHB_EXIT) | M(RSB_FILL), true },
	{ "Ice-Lake-Server", EVERY | F(PBRSB) | F(BHI) | F(MDS) | F(TAA) | F(MMIO) | F(GDS) |
	  F(ITLB_MULTIHIT), M(IBPB_SWITCH) | M(ENHANCED_IBRS) | M(BHB_EXIT) | M(RSB_FILL), true },
	{ "Xeon-Bronze-3408U", EVERY | F(PBRSB) | F(BHI),
	  M(IBPB_SWITCH) | M(ENHANCED_IBRS) | M(RSB_FILL) | M(BHI_DIS_S), false },
	{ "EPYC-7601-32-Core-ibpb", EVERY | F(RETBLEED) | F(SRSO) | F(LFENCE),
	  M(IBPB_SWITCH) | M(IBPB_EXIT) | M(RSB_FILL) | M(LFENCE), false },
	{ "EPYC-7502-32-Core", EVERY | F(RETBLEED) | F(SRSO) | F(ZENBLEED) | F(LFENCE),
	  M(IBPB_SWITCH) | M(IBPB_EXIT) | M(STIBP) | M(RSB_FILL) | M(ZENBLEED) | M(LFENCE), false },
	{ "EPYC-7713-64-Core", EVERY | F(SRSO) | F(TSA),
	  M(IBPB_SWITCH) | M(IBRS_EXIT) | M(STIBP) | M(RSB_FILL), false },
	{ "EPYC-9334-32-Core", EVERY | F(SRSO) | F(TSA), M(IBPB_SWITCH) | M(AUTO_IBRS) | M(STIBP), false },
	{ "Ryzen-9-9950X-16-Core", EVERY | F(SRSO),
	  M(IBPB_SWITCH) | M(AUTO_IBRS) | M(STIBP) | M(IBPB_EXIT), false },
};

static void cpus_as_published(void **state)
{
	char line[SPEC_TEXT_LEN + 40];

	assert_int_equal(ARRAY_SIZE(expected), ARRAY_SIZE(dumps));
	for (unsigned int i = 0; i < ARRAY_SIZE(expected); i++) {
		boot(expected[i].cpu, "");
		if (mitigations != expected[i].measures)
			fail_msg("%s: measures %#x, not %#x", expected[i].cpu, mitigations,
				 expected[i].measures);
		assert_int_equal(nr_shown, NR_SPEC_FAULTS);
		assert_false(p2m_large_noexec);
		for (unsigned int f = 0; f < NR_SPEC_FAULTS; f++) {
			bool affected = expected[i].faults >> f & 1;

			if (affected == !strcmp(shown[f], "not affected"))
				fail_msg("%s, %s: %s", expected[i].cpu, spec_name(f), shown[f]);
			snprintf(line, sizeof(line), "CPU fault %s: %s\n", spec_name(f), shown[f]);
			assert_int_equal(!!strstr(log_text, line), affected);
		}
		assert_int_equal(!!strstr(log_text, "smt=off, where"), expected[i].threads);
	}
}

static void what_is_said(void **state)
{
	boot("Xeon-Gold-6130", "");
	assert_string_equal(shown[SPEC_V2],
			    "IBPB between domains, IBRS after exits");
	assert_string_equal(shown[SPEC_MDS], "VERW before entries; threads of a core leak to each other");
	assert_string_equal(shown[SPEC_RFDS], "not affected");
	/* MD_CLEAR is there for TAA only; what MMIO leaves behind it does not clear */
	boot("Xeon-Platinum-8268", "");
	assert_string_equal(shown[SPEC_TAA], "VERW before entries; threads of a core leak to each other");
	assert_string_equal(shown[SPEC_MMIO], "not done: no microcode for it, or switched off; "
			    "threads of a core leak to each other");
	assert_string_equal(shown[SPEC_V2], "IBPB between domains, enhanced IBRS");
	assert_string_equal(shown[SPEC_PBRSB], "return stack filled after exits");
	boot("EPYC-9334-32-Core", "");
	assert_string_equal(shown[SPEC_RSB], "automatic IBRS");
	assert_string_equal(shown[SPEC_SRSO], "not done: no microcode for it, or switched off");
	boot("EPYC-7502-32-Core", "");
	assert_string_equal(shown[SPEC_V2], "IBPB between domains, IBPB after exits, STIBP");
	assert_string_equal(shown[SPEC_SRSO], "IBPB after exits");
	boot("EPYC-7502-32-Core", "spec=no-ibpb-entry,no-ibrs");
	assert_string_equal(shown[SPEC_V2],
			    "IBPB between domains, retpolines, STIBP");
	assert_true(branches.retpoline);
	assert_string_equal(shown[SPEC_RETBLEED], "not done: no microcode for it, or switched off");
	boot("EPYC-7502-32-Core", "spec=no-ibpb-entry,no-ibrs,no-retpoline");
	assert_string_equal(shown[SPEC_V2], "IBPB between domains, STIBP, the rest not done: "
			    "no microcode for it, and no retpolines");
	assert_false(branches.retpoline);
}

/* Keel's own branches: on which CPUs they are more than one instruction. */
static void branches_and_their_history(void **state)
{
	struct x86_vcpu v = { 0 };

	boot("Xeon-E5-2650-v4", "");
	assert_string_equal(shown[SPEC_V2], "retpolines");
	assert_string_equal(shown[SPEC_BHI], "branch history cleared after exits");
	assert_true(branches.retpoline && !branches.aligned);
	v.measures = mitigations & (MEASURES_ENTRY | MEASURES_EXIT) & ~M(RSB_FILL); /* not here */
	mitigations_after_exit(v.gpr);
	assert_int_equal(histories, 1);
	v.measures = 0;
	mitigations_after_exit(v.gpr);
	assert_int_equal(histories, 1);
	boot("Xeon-Platinum-8268", "");
	assert_string_equal(shown[SPEC_ITS], "branches in upper halves of cache lines");
	assert_true(!branches.retpoline && branches.aligned);
	boot("Xeon-Platinum-8268", "spec=no-its,no-bhb-entry");
	assert_string_equal(shown[SPEC_ITS], "not done: switched off, or built without thunks");
	assert_string_equal(shown[SPEC_BHI], "not done: switched off");
	assert_false(branches.aligned);
	boot("Xeon-Bronze-3408U", "");
	assert_string_equal(shown[SPEC_BHI], "BHI_DIS_S");
	boot("Xeon-Bronze-3408U", "spec=no-bhi-dis-s");
	assert_string_equal(shown[SPEC_BHI], "branch history cleared after exits");
	boot("EPYC-9334-32-Core", "spec=retpoline");
	assert_true(branches.retpoline);
	assert_string_equal(shown[SPEC_V2], "IBPB between domains, automatic IBRS, retpolines, STIBP");
	/* a compiler that does not know them */
	built_with_thunks = false;
	boot("Xeon-E5-2650-v4", "spec=retpoline");
	assert_string_equal(shown[SPEC_V2], "not done: no microcode for it, and no retpolines");
	assert_false(branches.retpoline);
	boot("Xeon-Platinum-8268", "");
	assert_string_equal(shown[SPEC_ITS], "not done: switched off, or built without thunks");
	built_with_thunks = true;
}

/* What no dump shows: made up. */
static void bits_count_together(void **state)
{
	struct spec_cpu cpu = { .intel = true, .family = 6, .model = 0x6a };
	struct dump one_thread;

	cpu.word[SPEC_CAPS] = BIT(13) | BIT(14);
	assert_true(spec_affected(&cpu, SPEC_MMIO));
	cpu.word[SPEC_CAPS] = BIT(14) | BIT(15);
	assert_true(spec_affected(&cpu, SPEC_MMIO));
	cpu.word[SPEC_CAPS] = BIT(13) | BIT(14) | BIT(15);
	assert_false(spec_affected(&cpu, SPEC_MMIO));
	cpu.model = 0x7a; /* an Atom */
	assert_true(spec_affected(&cpu, SPEC_RFDS));
	assert_false(spec_affected(&cpu, SPEC_L1TF));
	cpu.family = 15;
	assert_false(spec_affected(&cpu, SPEC_RFDS));
	/* either vendor's bit */
	cpu = (struct spec_cpu){ .intel = true, .family = 6 };
	assert_true(spec_affected(&cpu, SPEC_SSB));
	cpu.word[SPEC_CAPS] = BIT(4);
	assert_false(spec_affected(&cpu, SPEC_SSB));
	cpu = (struct spec_cpu){ .amd = true, .family = 0x1b };
	assert_true(spec_affected(&cpu, SPEC_SSB));
	cpu.word[SPEC_8B] = BIT(26);
	assert_false(spec_affected(&cpu, SPEC_SSB));
	/* Zen 5 that can be told to predict less needs no barrier */
	cpu = (struct spec_cpu){ .amd = true, .family = 0x1a };
	cpu.word[SPEC_8B] = BIT(12);
	cpu.word[SPEC_21A] = BIT(28);
	assert_int_equal(spec_choose(&cpu, 0, 0) & (M(BP_REDUCE) | M(IBPB_EXIT)), M(IBPB_EXIT));
	cpu.word[SPEC_21A] |= BIT(31);
	assert_int_equal(spec_choose(&cpu, 0, 0) & (M(BP_REDUCE) | M(IBPB_EXIT)), M(BP_REDUCE));
	/* Zen 4 whose IBPB forgets what kind of branch was where, or not */
	cpu = (struct spec_cpu){ .amd = true, .family = 0x19 };
	cpu.word[SPEC_8B] = BIT(12);
	assert_false(spec_choose(&cpu, 0, 0) & M(IBPB_EXIT));
	cpu.word[SPEC_21A] = BIT(28);
	assert_true(spec_choose(&cpu, 0, 0) & M(IBPB_EXIT));
	cpu.word[SPEC_8B] = BIT(15);
	assert_false(spec_choose(&cpu, 0, 0) & M(STIBP));
	cpu.smt = true;
	assert_true(spec_choose(&cpu, 0, 0) & M(STIBP));

	boot("Xeon-Gold-6130", "smt=off");
	assert_null(strstr(log_text, "smt=off, where"));
	boot("Xeon-Gold-6130", "");
	one_thread = *on_cpu;
	assert_int_equal(one_thread.leaves[3].leaf, 0xb);
	one_thread.leaves[3].b = 1;
	on_cpu = &one_thread;
	log_text[0] = '\0';
	mitigations_init();
	assert_null(strstr(log_text, "smt=off, where"));
	assert_non_null(strstr(log_text, "CPU fault mds: VERW before entries\n"));
}

static void options_switch(void **state)
{
	boot("Xeon-Gold-6130", "spec=off");
	assert_int_equal(mitigations, 0);
	boot("Xeon-Gold-6130", "spec=no-verw,l1d-flush=off");
	assert_int_equal(mitigations, M(IBPB_SWITCH) | M(IBRS_EXIT) | M(BHB_EXIT) | M(RSB_FILL));
	assert_string_equal(shown[SPEC_L1TF], "not done: no microcode for it, or switched off; "
			    "threads of a core leak to each other");
	boot("Xeon-Gold-6130", "spec=no-verw,verw");
	assert_true(mitigated(MIT_VERW_ENTRY));
	boot("Xeon-Gold-6130", "spec=ept-nx");
	assert_true(p2m_large_noexec);
	assert_string_equal(shown[SPEC_ITLB_MULTIHIT], "large pages not executable");
	boot("Xeon-Gold-6130", "spec=on");
	assert_int_equal(mitigations, expected[1].measures);
	/* without need, but not what the CPU cannot */
	boot("EPYC-9334-32-Core", "spec=rsb,verw");
	assert_int_equal(mitigations, expected[9].measures | M(RSB_FILL));
	boot("EPYC-9334-32-Core", "spec=rsb,typo");
	assert_int_equal(mitigations, expected[9].measures);
}

static void expect_msrs(unsigned int n, u32 msr, u64 v)
{
	assert_int_equal(nr_msrs, n);
	for (unsigned int i = 0; i < n; i++)
		if (msrs[i].msr == msr) {
			assert_int_equal(msrs[i].v, v);
			return;
		}
	fail_msg("MSR %#x is not written", msr);
}

static void what_is_switched_on_for_good(void **state)
{
	struct dump with_controls;

	boot("EPYC-9334-32-Core", "");
	expect_msrs(2, MSR_EFER, BIT(21));
	expect_msrs(2, MSR_SPEC_CTRL, 2);
	boot("Xeon-Bronze-3408U", "");
	expect_msrs(1, MSR_SPEC_CTRL, 1 | BIT(10));
	boot("Xeon-Gold-6130", "");
	expect_msrs(1, MSR_SPEC_CTRL, 0);
	boot("EPYC-7502-32-Core", "");
	expect_msrs(2, MSR_DE_CFG, BIT(1) | BIT(9));
	expect_msrs(2, MSR_SPEC_CTRL, 2);
	microcode = 0x0830107b;
	boot("EPYC-7502-32-Core", "");
	expect_msrs(2, MSR_DE_CFG, BIT(1));
	assert_string_equal(shown[SPEC_ZENBLEED], "not affected");
	microcode = 0;
	locked = MSR_DE_CFG;
	boot("EPYC-7502-32-Core", "");
	expect_msrs(1, MSR_SPEC_CTRL, 2);
	assert_string_equal(shown[SPEC_LFENCE], "not done: no microcode for it, or switched off");
	locked = 0;

	boot("Xeon-Platinum-8268", "");
	with_controls = *on_cpu;
	with_controls.arch_caps |= BIT(7) | BIT(25);
	on_cpu = &with_controls;
	nr_msrs = nr_shown = 0;
	mitigations_init();
	arch_hypfs_cpu_faults(NULL);
	expect_msrs(3, 0x122, 3);
	expect_msrs(3, 0x123, BIT(0));
	assert_string_equal(shown[SPEC_TAA], "TSX off");
	assert_string_equal(shown[SPEC_GDS], "microcode's measure on");
	assert_false(mitigated(MIT_VERW_ENTRY));
}

/* What a vCPU's entry and exit leave in SPEC_CTRL; what the guest writes meanwhile, ~0: nothing. */
static void expect_run(struct x86_vcpu *v, u64 inside, u64 written, u64 after)
{
	nr_msrs = 0;
	if (v->measures & MEASURES_ENTRY)
		mitigations_before_entry(v);
	if (inside == ~0ull) {
		assert_int_equal(nr_msrs, 0);
		assert_int_equal(v->measures & MEASURES_EXIT, 0);
		return;
	}
	expect_msrs(1, MSR_SPEC_CTRL, inside);
	if (written != ~0ull)
		test_wrmsr(MSR_SPEC_CTRL, written);
	assert_true(v->measures & MEASURES_EXIT);
	assert_int_equal(mitigations_after_exit(v->gpr), 0);
	expect_msrs(1, MSR_SPEC_CTRL, after);
}

static void a_guest_has_spec_ctrl_of_its_own(void **state)
{
	struct x86_vcpu v = { 0 };

	/* Zen 2: STIBP is on for good, also for guests; each write of theirs exits. */
	boot("EPYC-7502-32-Core", "spec=no-ibpb-entry,no-ibrs");
	expect_run(&v, ~0ull, 0, 0);
	mitigations_guest_spec_ctrl(&v, 4, false);
	assert_int_equal(v.spec_ctrl, 4);
	expect_run(&v, 6, ~0ull, 2);
	assert_int_equal(v.spec_ctrl, 4);
	mitigations_guest_spec_ctrl(&v, 2, false);
	expect_run(&v, ~0ull, 0, 0);
	/* Cascade Lake: IBRS is on for good, so a guest that sets it costs nothing */
	boot("Xeon-Platinum-8268", "spec=no-verw");
	mitigations_guest_spec_ctrl(&v, 1, true);
	assert_int_equal(v.spec_ctrl, 1);
	expect_run(&v, ~0ull, 0, 0);
	mitigations_guest_spec_ctrl(&v, 5, true);
	expect_run(&v, 5, 4, 1);
	assert_int_equal(v.spec_ctrl, 4);
	expect_run(&v, 4, 0, 1);
	expect_run(&v, 0, ~0ull, 1);
	mitigations_guest_spec_ctrl(&v, 0, true);
	expect_run(&v, ~0ull, 0, 0);
	/* Skylake: Keel's IBRS comes and goes, the guest's too */
	boot("Xeon-Gold-6130", "spec=no-verw,no-l1d-flush");
	v.measures = M(IBRS_EXIT);
	expect_run(&v, 0, ~0ull, 1);
	mitigations_guest_spec_ctrl(&v, 1, true);
	expect_run(&v, 1, 0, 1);
	mitigations_guest_spec_ctrl(&v, 0, true);
	expect_run(&v, 0, ~0ull, 1);
}

static void indexes_are_masked(void **state)
{
	assert_int_equal(index_nospec(0, 5), 0);
	assert_int_equal(index_nospec(4, 5), 4);
	assert_int_equal(index_nospec(5, 5), 0);
	assert_int_equal(index_nospec(~0ull, 5), 0);
	assert_int_equal(index_nospec(BIT(32) + 1, 5), 0);
	assert_int_equal(index_nospec(BIT(40), ~0ull), BIT(40));
	assert_int_equal(index_nospec(0, 0), 0);
	assert_int_equal(index_nospec(3, 0), 0);
}

/* The function's text has a call of it. */
static bool masks(const char *file, const char *function)
{
	static char text[65536];
	char name[64];
	char *p, *end, *use;
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	snprintf(name, sizeof(name), "%s(", function);
	for (p = strstr(text, name); p; p = strstr(p + 1, name)) {
		end = strstr(p, "\n}");
		use = strstr(p, "index_nospec(");
		if (strchr(p, '{') < strchr(p, ';') && use && use < end)
			return true;
	}
	return false;
}

/* The manual's table is what the sources do: no row more, and none less. */
static void the_manual_lists_the_masks(void **state)
{
	char line[512], function[64], file[64];
	unsigned int rows = 0, uses = 0;
	FILE *f = fopen("docs/security.md", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "| %*[^|]| `%63[a-z0-9_]()` | `%63[^`]` |", function, file) != 2)
			continue;
		if (!masks(file, function))
			fail_msg("%s() in %s does not mask its index", function, file);
		rows++;
	}
	fclose(f);
	f = popen("grep -rho 'index_nospec(' --include='*.[ch]' common arch/x86 | wc -l", "r");
	assert_int_equal(fscanf(f, "%u", &uses), 1);
	assert_int_equal(pclose(f), 0);
	assert_int_equal(rows, uses - 1); /* but for its definition */
}

/* What test/bench counts are the measures of the CPUs that it names. */
static void what_is_counted(void **state)
{
	static const struct { const char *name, *dump; u32 word_21a; u64 caps; } cpus[] = {
		{ "Skylake-SP", "Xeon-Gold-6130", 0, 0 },
		{ "Ice-Lake-SP", "Ice-Lake-Server", 0, BIT(17) },
		{ "Zen-2", "EPYC-7502-32-Core", 0, 0 },
		{ "Zen-4", "EPYC-9334-32-Core", BIT(5) | BIT(28), 0 },
	};
	u32 costs = MEASURES_ENTRY | MEASURES_EXIT | M(IBPB_SWITCH) | M(RETPOLINE) | M(ALIGNED);
	char line[256], name[32], vendor[8], words[128], option[160];
	FILE *f = fopen("test/bench/mitigations.list", "r");
	struct spec_cpu cpu;
	unsigned int n = 0;
	u32 on, off;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (*line == '#')
			continue;
		assert_int_equal(sscanf(line, "%31s | %7s | %127s", name, vendor, words), 3);
		assert_string_equal(name, cpus[n].name);
		boot(cpus[n].dump, "");
		cpu = this_machine;
		cpu.word[SPEC_21A] |= cpus[n].word_21a;
		cpu.word[SPEC_CAPS] |= cpus[n++].caps;
		snprintf(option, sizeof(option), "spec=force,%s", words);
		option_init(option);
		option_list("spec", &on, &off);
		assert_int_equal(cpu.intel, !strcmp(vendor, "vmx"));
		on_cpu = NULL;
		/* as the emulators' CPUs, which can do nothing */
		this_machine = (struct spec_cpu){ .intel = cpu.intel, .amd = cpu.amd };
		this_machine.family = cpu.amd ? 0x17 : 6;
		this_machine.model = cpu.amd ? 1 : 0x3c;
		this_machine.word[SPEC_BUILD] = BIT(1);
		assert_int_equal(spec_choose(&this_machine, on, off) & costs,
				 spec_choose(&cpu, 0, 0) & costs);
	}
	fclose(f);
	assert_int_equal(n, ARRAY_SIZE(cpus));
}

static void forced_without_the_msr(void **state)
{
	boot("Xeon-E5-2650-v4", "spec=force,ibrs,ibpb,l1d-flush,verw");
	assert_true(mitigated(MIT_IBRS_EXIT) && mitigated(MIT_IBPB_SWITCH));
	assert_true(mitigated(MIT_L1D_ENTRY) && mitigated(MIT_VERW_ENTRY));
	refused = true;
	boot("Xeon-E5-2650-v4", "spec=force,ibrs,ibpb,l1d-flush,verw");
	refused = false;
	assert_int_equal(mitigations, M(BHB_EXIT) | M(VERW_ENTRY));
	assert_int_equal(nr_msrs, 0);
	assert_string_equal(shown[SPEC_MDS], "not done: no microcode for it, or switched off; "
			    "threads of a core leak to each other");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_counted),
	cmocka_unit_test(forced_without_the_msr),
	cmocka_unit_test(cpus_as_published),
	cmocka_unit_test(what_is_said),
	cmocka_unit_test(branches_and_their_history),
	cmocka_unit_test(bits_count_together),
	cmocka_unit_test(options_switch),
	cmocka_unit_test(what_is_switched_on_for_good),
	cmocka_unit_test(a_guest_has_spec_ctrl_of_its_own),
	cmocka_unit_test(indexes_are_masked),
	cmocka_unit_test(the_manual_lists_the_masks),
};

UNIT_MAIN(tests)
