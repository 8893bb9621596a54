/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of test/guests/lib. */
#ifndef TEST_GUESTS_LIB_GUEST_INTERNAL_H
#define TEST_GUESTS_LIB_GUEST_INTERNAL_H

#include "guest.h"

extern u32 start_info_pa, ap_stack, ap_cpu;
extern u64 gdt[], pml4[];
extern const u8 ap_trampoline[], ap_trampoline_end[], gdt_desc64[];

void cpu_start(struct cpu *c);
void cpu_init(struct cpu *c);
void memory_init(void);
void trap_handler(struct regs *regs);

#endif
