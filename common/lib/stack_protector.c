/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stack protector's canary and what happens when it is found changed. The value is replaced at
 * boot as soon as there is something random; its lowest byte stays 0 to stop string overruns.
 */
#include <stdint.h>

extern uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) __attribute__((noreturn));

uintptr_t __stack_chk_guard = 0x5bd1e995a7c3f200UL;

/* An invalid opcode, so that the exception handler prints the stack trace. */
void __stack_chk_fail(void)
{
	__builtin_trap();
}
