/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU that fake_run_on() chose. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

struct pcpu;

void fake_cpu_relax(void); /* threads play the CPUs: lets the thread that holds the lock run */
#define cpu_relax() fake_cpu_relax()
struct pcpu *this_cpu(void);
void irq_window(void);

#define __saves_registers
#define slow_call(fn, a, b) fn(a, b)

#endif
