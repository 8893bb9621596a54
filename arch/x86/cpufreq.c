/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpufreq=hwp: each CPU chooses its frequency by its load, between the lowest and the highest (SDM
 * vol. 3, 15.4.4; AMD: CPPC in the processors' PPRs).
 */
#include "arch/x86/cpufreq.h"

#include "arch/x86/cpu.h"
#include "common/option.h"
#include "common/pcpu.h"
#include "common/printk.h"

#define MSR_PM_ENABLE 0x770
#define MSR_HWP_CAPABILITIES 0x771
#define MSR_HWP_REQUEST 0x774
#define MSR_CPPC_CAP1 0xc00102b0u
#define MSR_CPPC_ENABLE 0xc00102b1u
#define MSR_CPPC_REQUEST 0xc00102b3u
#define BALANCED (0x80ull << 24)	/* between performance, 0, and saving energy */

/* The desired performance is 0: the CPU's choice. */
static bool intel_chooses(void)
{
	u32 has = cpuid(0, 0).a >= 6 ? cpuid(6, 0).a : 0;
	u64 cap;

	return has & BIT(7) && !wrmsr_safe(MSR_PM_ENABLE, 1) && !rdmsr_safe(MSR_HWP_CAPABILITIES, &cap) &&
	       !wrmsr_safe(MSR_HWP_REQUEST, (cap >> 24 & 0xff) | (cap & 0xff) << 8 |
			   (has & BIT(10) ? BALANCED : 0));
}

static bool amd_chooses(void)
{
	bool has = cpuid(0x80000000, 0).a >= 0x80000008 && cpuid(0x80000008, 0).b & BIT(27);
	u64 cap;

	return has && !wrmsr_safe(MSR_CPPC_ENABLE, 1) && !rdmsr_safe(MSR_CPPC_CAP1, &cap) &&
	       !wrmsr_safe(MSR_CPPC_REQUEST, (cap >> 24 & 0xff) | (cap & 0xff) << 8 | BALANCED);
}

void cpufreq_init_cpu(void)
{
	if (option_choice("cpufreq") != CPUFREQ_HWP)
		return;
	if (!(cpu_features.amd ? amd_chooses() : intel_chooses()))
		pr_warn("CPU%u: cpufreq=hwp: it cannot, or the firmware does not let it", this_cpu()->id);
	else if (!this_cpu()->id)
		pr_info("CPUs choose their frequencies by their load");
}
