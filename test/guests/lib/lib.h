/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of the library. */
#ifndef TEST_GUEST_LIB_H
#define TEST_GUEST_LIB_H

#include "guest.h"

extern u32 start_info_pa, ap_stack, ap_cpu;
extern u64 gdt[], pml4[];
extern const u8 ap_trampoline[], ap_trampoline_end[], gdt_desc64[];

void cpu_start(struct cpu *c);
void cpu_init(struct cpu *c);
void memory_init(void);
void trap_handler(struct regs *regs);

#endif
