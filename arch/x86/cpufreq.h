/* SPDX-License-Identifier: GPL-2.0-only */
/* The frequency of CPUs. */
#ifndef ARCH_X86_CPUFREQ_H
#define ARCH_X86_CPUFREQ_H

/* The words of cpufreq=. */
enum { CPUFREQ_NONE, CPUFREQ_HWP };

/* Each CPU, once: does what cpufreq= says. What the CPU cannot do is a line in the log. */
void cpufreq_init_cpu(void);

#endif
