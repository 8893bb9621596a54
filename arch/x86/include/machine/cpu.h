/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPU that executes this. Unit tests have a header of their own instead
 * (test/unit/fake/machine).
 */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include "common/types.h"

struct pcpu;

#define cpu_relax() __builtin_ia32_pause()

#define __saves_registers __attribute__((no_caller_saved_registers))
/*
 * fn(a, b), where fn is __saves_registers: the compiler does not see a call, so the function around
 * it saves nothing for one that is hardly ever made. clang leaves the registers of the arguments
 * out of the attribute.
 */
#define slow_call(fn, a, b) \
	__asm__ volatile("push %%rdi; push %%rsi; call %P0; pop %%rsi; pop %%rdi" \
			 : : "i"(fn), "D"(a), "S"((u64)(b)) : "memory", "cc")

#define CPU_STACK_ORDER 2
#define CPU_STACK_SIZE (PAGE_SIZE << CPU_STACK_ORDER)
/*
 * The last word of every Keel stack (aligned to its size) points to its CPU: no segment register is
 * needed.
 */
static inline struct pcpu *this_cpu(void)
{
	u64 sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return *(struct pcpu **)((sp | (CPU_STACK_SIZE - 1)) - 7);
}

/* Lets pending interrupts in. Only with no lock held, in long loops. */
void irq_window(void);

#endif
