/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of mitigations. Bits: Intel SDM vol. 2A, CPUID, and vol. 4,
 * IA32_ARCH_CAPABILITIES; AMD APM vol. 3, appendix E, and vol. 2, 3.1.7 (EFER).
 */
#include "arch/x86/mitigations.h"

#include "common/printk.h"

#define LEAF7_MD_CLEAR BIT(10)
#define LEAF7_IBRS_IBPB BIT(26)
#define LEAF7_L1D_FLUSH BIT(28)
#define LEAF7_ARCH_CAPS BIT(29)
#define LEAF8_IBPB BIT(12)
#define LEAF21_AUTO_IBRS BIT(8)
#define CAPS_RDCL_NO BIT(0)
#define CAPS_IBRS_ALL BIT(1)
#define CAPS_SKIP_L1DFL BIT(3)
#define CAPS_MDS_NO BIT(5)
#define EFER_AUTO_IBRS BIT(21)
#define SPEC_CTRL_IBRS BIT(0)
#define MSR_ARCH_CAPS 0x10a

u32 mitigations;

/*
 * A row applies where all of `needs` are there and none of `unless`; words as in struct
 * mitigation_cpu.
 */
static const struct {
	enum mitigation what;
	const char *name;
	bool intel_only, amd_only;
	u32 leaf7, leaf8, leaf21;		/* needed */
	u64 caps, unless_caps;
	u32 unless;				/* mitigations (above in the table) that make it needless */
} table[] = {
	{ MIT_IBPB_SWITCH, "IBPB between domains", .leaf8 = LEAF8_IBPB },
	{ MIT_IBPB_SWITCH, "IBPB between domains", .leaf7 = LEAF7_IBRS_IBPB,
	  .unless = 1u << MIT_IBPB_SWITCH },
	{ MIT_AUTO_IBRS, "automatic IBRS", .amd_only = true, .leaf21 = LEAF21_AUTO_IBRS },
	{ MIT_ENHANCED_IBRS, "enhanced IBRS", .intel_only = true, .leaf7 = LEAF7_IBRS_IBPB,
	  .caps = CAPS_IBRS_ALL },
	/* The two above keep returns after an exit from using predictions that the guest left. */
	{ MIT_RSB_FILL, "RSB fill after exits", .unless = 1u << MIT_AUTO_IBRS | 1u << MIT_ENHANCED_IBRS },
	{ MIT_VERW_ENTRY, "VERW before entries", .leaf7 = LEAF7_MD_CLEAR, .unless_caps = CAPS_MDS_NO },
	{ MIT_L1D_ENTRY, "L1D flush before entries", .intel_only = true, .leaf7 = LEAF7_L1D_FLUSH,
	  .unless_caps = CAPS_RDCL_NO | CAPS_SKIP_L1DFL },
};

static bool row_applies(unsigned int i, const struct mitigation_cpu *cpu, u32 chosen)
{
	if ((table[i].intel_only && !cpu->intel) || (table[i].amd_only && !cpu->amd))
		return false;
	if ((cpu->leaf7_edx & table[i].leaf7) != table[i].leaf7 ||
	    (cpu->leaf8_ebx & table[i].leaf8) != table[i].leaf8 ||
	    (cpu->leaf21_eax & table[i].leaf21) != table[i].leaf21 ||
	    (cpu->arch_caps & table[i].caps) != table[i].caps)
		return false;
	return !(cpu->arch_caps & table[i].unless_caps) && !(chosen & table[i].unless);
}

u32 mitigations_choose(const struct mitigation_cpu *cpu)
{
	u32 chosen = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
		if (row_applies(i, cpu, chosen))
			chosen |= 1u << table[i].what;
	return chosen;
}

static void read_cpu(struct mitigation_cpu *cpu)
{
	*cpu = (struct mitigation_cpu){ .amd = cpu_features.amd, .intel = cpu_features.intel };
	if (cpuid(0, 0).a >= 7)
		cpu->leaf7_edx = cpuid(7, 0).d;
	if (cpuid(0x80000000, 0).a >= 0x80000008)
		cpu->leaf8_ebx = cpuid(0x80000008, 0).b;
	if (cpuid(0x80000000, 0).a >= 0x80000021)
		cpu->leaf21_eax = cpuid(0x80000021, 0).a;
	if (cpu->leaf7_edx & LEAF7_ARCH_CAPS)
		cpu->arch_caps = rdmsr(MSR_ARCH_CAPS);
}

void mitigations_init(void)
{
	struct mitigation_cpu cpu;
	u32 printed = 0;

	read_cpu(&cpu);
	mitigations = mitigations_choose(&cpu);
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		if (!mitigated(table[i].what) || (printed >> table[i].what & 1))
			continue;
		printed |= 1u << table[i].what;
		pr_info("Speculation: %s", table[i].name);
	}
	mitigations_init_cpu();
}

void mitigations_init_cpu(void)
{
	if (mitigated(MIT_AUTO_IBRS))
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTO_IBRS);
	if (mitigated(MIT_ENHANCED_IBRS))
		wrmsr(MSR_SPEC_CTRL, SPEC_CTRL_IBRS);
}

void mitigations_entry_slow(void)
{
	static const u16 selector = 0; /* any selector does: VERW's side effect is what counts */

	if (mitigated(MIT_L1D_ENTRY))
		wrmsr(MSR_FLUSH_CMD, 1);
	if (mitigated(MIT_VERW_ENTRY))
		__asm__ volatile("verw %0" : : "m"(selector) : "cc");
}

/* 32 calls whose returns are never taken; what speculates along one of them is caught. */
void mitigations_after_exit(void)
{
	unsigned int n = 16;

	__asm__ volatile("1:	call 2f\n"
			 "3:	pause; lfence; jmp 3b\n"
			 "2:	call 4f\n"
			 "5:	pause; lfence; jmp 5b\n"
			 "4:	dec %0\n"
			 "	jnz 1b\n"
			 "	add $256, %%rsp\n"
			 "	lfence\n"
			 : "+r"(n) : : "memory", "cc");
}
