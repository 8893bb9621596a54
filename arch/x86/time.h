/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's clock and one-shot timers. */
#ifndef ARCH_X86_TIME_H
#define ARCH_X86_TIME_H

#include "common/types.h"

/*
 * CPU 0, after ACPI and its local APIC are ready: finds a reference, measures the TSC and
 * the local APIC's timer, reads the wall clock. now() works from here on.
 */
void time_init(void);
/* Each other CPU, when it is up: its one-shot timer, and its half of time_compare_cpu(). */
void time_cpu_up(void);
/* CPU 0, right after another CPU came up: compares that one's TSC with its own. */
void time_compare_cpu(void);
/* CPU 0, when all CPUs are up: says what was found, starts the correction if the TSC needs one. */
void time_check_cpus(void);

#endif
