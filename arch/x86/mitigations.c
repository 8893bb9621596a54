/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads what decides about the CPU's faults, says what is done, and does it. */
#include "arch/x86/mitigations.h"

#include "common/hypfs.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/vsnprintf.h"

#define LEAF7_ARCH_CAPS BIT(29)
#define EFER_AUTO_IBRS BIT(21)
#define SPEC_CTRL_IBRS BIT(0)
#define MSR_ARCH_CAPS 0x10a

u32 mitigations;

static struct spec_cpu this_machine;

static void read_cpu(struct spec_cpu *cpu)
{
	const struct cpu_features *f = &cpu_features;
	u32 max = cpuid(0, 0).a, max_ext = cpuid(0x80000000, 0).a;
	struct cpuid_regs r;

	*cpu = (struct spec_cpu){ .amd = f->amd, .intel = f->intel, .family = f->family,
				  .model = f->model, .stepping = f->stepping,
				  .smt = max >= 0xb && cpuid(0xb, 0).b > 1 };
	if (max >= 7) {
		r = cpuid(7, 0);
		cpu->word[SPEC_7B] = r.b;
		cpu->word[SPEC_7D] = r.d;
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

void mitigations_init(void)
{
	char text[SPEC_TEXT_LEN];
	u32 on, off;

	read_cpu(&this_machine);
	option_list("spec", &on, &off);
	mitigations = spec_choose(&this_machine, on, off);
	mitigations_init_cpu();
	for (unsigned int f = 0; f < NR_SPEC_FAULTS; f++) {
		if (!spec_affected(&this_machine, f))
			continue;
		spec_status(&this_machine, f, mitigations, text);
		pr_info("CPU fault %s: %s", spec_name(f), text);
	}
	if (spec_needs_smt_off(&this_machine))
		pr_warn("This CPU's threads leak to each other: switch SMT off where guests do not trust each other");
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
