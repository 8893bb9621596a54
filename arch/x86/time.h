/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ARCH_X86_TIME_H
#define ARCH_X86_TIME_H
void time_init(void);
void time_cpu_up(void);
void time_check_cpus(void);
#endif
