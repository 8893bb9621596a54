/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads what decides about the CPU's faults, says what is done, and does it. */
#include "arch/x86/mitigations.h"

#include "arch/x86/branches.h"
#include "arch/x86/p2m_format.h"
#include "common/hypfs.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/vsnprintf.h"

#define LEAF7_ARCH_CAPS BIT(29)
#define SPEC_CTRL_IBRS BIT(0)
#define SPEC_CTRL_STIBP BIT(1)
#define SPEC_CTRL_BHI_DIS_S BIT(10)
#define MSR_PATCH_LEVEL 0x8b
#define MSR_ARCH_CAPS 0x10a
#define MSR_TSX_CTRL 0x122
#define MSR_MCU_OPT_CTRL 0x123
#define MSR_DE_CFG 0xc0011029u
#define MSR_BP_CFG 0xc001102eu

u32 mitigations;

static struct spec_cpu this_machine;
static u64 spec_ctrl;	/* while a guest runs */

static void read_cpu(struct spec_cpu *cpu)
{
	const struct cpu_features *f = &cpu_features;
	u32 max = cpuid(0, 0).a, max_ext = cpuid(0x80000000, 0).a;
	struct cpuid_regs r;

	*cpu = (struct spec_cpu){ .amd = f->amd, .intel = f->intel, .family = f->family,
				  .model = f->model, .stepping = f->stepping,
				  .smt = max >= 0xb && cpuid(0xb, 0).b > 1 && option_flag("smt") };
	cpu->word[SPEC_BUILD] = KEEL_THUNKS ? BIT(1) : 0;
	if (f->amd)
		cpu->microcode = (u32)rdmsr(MSR_PATCH_LEVEL);
	if (max >= 7) {
		r = cpuid(7, 0);
		cpu->word[SPEC_7B] = r.b;
		cpu->word[SPEC_7D] = r.d;
		if (r.a >= 2)
			cpu->word[SPEC_72D] = cpuid(7, 2).d;
		if (r.d & LEAF7_ARCH_CAPS)
			cpu->word[SPEC_CAPS] = rdmsr(MSR_ARCH_CAPS);
	}
	if (max_ext >= 0x80000008)
		cpu->word[SPEC_8B] = cpuid(0x80000008, 0).b;
	if (max_ext >= 0x80000021) {
		r = cpuid(0x80000021, 0);
		cpu->word[SPEC_21A] = r.a;
		cpu->word[SPEC_21C] = r.c;
	}
}

/* What is forced may need MSRs that the CPU does not have. */
static void drop_unknown(void)
{
	u32 barriers = 1u << MIT_IBPB_SWITCH | 1u << MIT_IBPB_EXIT;
	u32 controls = 1u << MIT_ENHANCED_IBRS | 1u << MIT_IBRS_EXIT | 1u << MIT_STIBP |
		       1u << MIT_BHI_DIS_S;

	if (wrmsr_safe(MSR_PRED_CMD, 1))
		mitigations &= ~barriers;
	if (wrmsr_safe(MSR_SPEC_CTRL, 0))
		mitigations &= ~controls;
	if (wrmsr_safe(MSR_FLUSH_CMD, 1))
		mitigations &= ~(1u << MIT_L1D_ENTRY);
	if (mitigated(MIT_AUTO_IBRS) && wrmsr_safe(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTO_IBRS))
		mitigations &= ~(1u << MIT_AUTO_IBRS);
}

void mitigations_init(void)
{
	char text[SPEC_TEXT_LEN];
	u32 on, off;

	read_cpu(&this_machine);
	option_list("spec", &on, &off);
	mitigations = spec_choose(&this_machine, on, off);
	p2m_large_noexec = mitigated(MIT_EPT_NX);
	if (on >> SPEC_WORD_FORCE & 1)
		drop_unknown();
	mitigations_init_cpu();
	branches_init(mitigated(MIT_RETPOLINE), mitigated(MIT_ALIGNED));
	for (unsigned int f = 0; f < NR_SPEC_FAULTS; f++) {
		if (!spec_affected(&this_machine, f))
			continue;
		spec_status(&this_machine, f, mitigations, text);
		pr_info("CPU fault %s: %s", spec_name(f), text);
	}
	if (spec_needs_smt_off(&this_machine, mitigations))
		pr_warn("This CPU's threads leak to each other: smt=off, where guests do not trust each other");
}

void arch_hypfs_cpu_faults(struct hypfs_walk *w)
{
	char path[40], text[SPEC_TEXT_LEN];

	for (unsigned int f = 0; f < NR_SPEC_FAULTS; f++) {
		spec_status(&this_machine, f, mitigations, text);
		snprintf(path, sizeof(path), "keel/cpu-faults/%s", spec_name(f));
		hypfs_string(w, path, text);
	}
}

static bool change_msr(u32 msr, u64 set, u64 clear)
{
	u64 v;

	if (rdmsr_safe(msr, &v) || wrmsr_safe(msr, (v & ~clear) | set) || rdmsr_safe(msr, &v))
		return false;
	return (v & set) == set && !(v & clear);
}

void mitigations_init_cpu(void)
{
	static const struct { enum mitigation what; u32 msr; u64 set, clear; } rows[] = {
		{ MIT_TSX_OFF, MSR_TSX_CTRL, 3, 0 },	/* RTM disabled, and hidden */
		{ MIT_GDS, MSR_MCU_OPT_CTRL, 0, BIT(4) },
		{ MIT_LFENCE, MSR_DE_CFG, BIT(1), 0 },
		{ MIT_ZENBLEED, MSR_DE_CFG, BIT(9), 0 },
		{ MIT_BP_REDUCE, MSR_BP_CFG, BIT(4), 0 },
	};

	/* An emulator, or firmware that has locked it: then it is not claimed. */
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		if (mitigated(rows[i].what) && !change_msr(rows[i].msr, rows[i].set, rows[i].clear))
			mitigations &= ~(1u << rows[i].what);
	if (mitigated(MIT_AUTO_IBRS))
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTO_IBRS);
	spec_ctrl = (mitigated(MIT_ENHANCED_IBRS) ? SPEC_CTRL_IBRS : 0) |
		    (mitigated(MIT_STIBP) ? SPEC_CTRL_STIBP : 0) |
		    (mitigated(MIT_BHI_DIS_S) ? SPEC_CTRL_BHI_DIS_S : 0);
	if (spec_ctrl || mitigated(MIT_IBRS_EXIT))
		wrmsr(MSR_SPEC_CTRL, spec_ctrl);
}

void mitigations_guest_spec_ctrl(struct x86_vcpu *v, u64 val, bool direct)
{
	v->spec_ctrl = val;
	v->measures &= ~(MEASURE_SPEC_CTRL | MEASURE_SPEC_CTRL_DIRECT);
	if (val & ~spec_ctrl)
		v->measures |= MEASURE_SPEC_CTRL | (direct ? MEASURE_SPEC_CTRL_DIRECT : 0);
}

void mitigations_before_entry(struct x86_vcpu *v)
{
	static const u16 selector = 0; /* any selector does: VERW's side effect is what counts */

	if (v->measures & MEASURES_SPEC_CTRL)
		wrmsr_try(MSR_SPEC_CTRL, v->spec_ctrl | (v->measures & MEASURE_SPEC_CTRL_DIRECT ? 0 : spec_ctrl));
	if (v->measures & 1u << MIT_L1D_ENTRY)
		wrmsr(MSR_FLUSH_CMD, 1);
	if (v->measures & 1u << MIT_VERW_ENTRY)
		__asm__ volatile("verw %0" : : "m"(selector) : "cc");
}

/* 32 calls whose returns are never taken; what speculates along one of them is caught. */
static inline void fill_return_stack(void)
{
	unsigned int n = 2;

	__asm__ volatile("1:\n"
			 ".rept 16\n"
			 "	call 3f\n"
			 "2:	pause; lfence; jmp 2b\n"
			 "3:\n"
			 ".endr\n"
			 "	dec %0\n"
			 "	jnz 1b\n"
			 "	add $256, %%rsp\n"
			 : "+r"(n) : : "memory", "cc");
}

/* The LFENCE: what a mispredicted test passes over may not be missed at the return. */
int mitigations_after_exit(u64 *gpr)
{
	struct x86_vcpu *v = container_of(gpr, struct x86_vcpu, gpr);

	if (v->measures & MEASURES_SPEC_CTRL) {
		if (v->measures & MEASURE_SPEC_CTRL_DIRECT)
			v->spec_ctrl = rdmsr(MSR_SPEC_CTRL);
		wrmsr(MSR_SPEC_CTRL, spec_ctrl | (mitigated(MIT_IBRS_EXIT) ? SPEC_CTRL_IBRS : 0));
	}
	if (v->measures & 1u << MIT_RSB_FILL)
		fill_return_stack();
	if (v->measures & 1u << MIT_BHB_EXIT)
		clear_branch_history();
	__asm__ volatile("lfence" : : : "memory");
	return 0;
}
