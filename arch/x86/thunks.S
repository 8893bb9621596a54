/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What indirect branches and returns of Keel's code go through, until branches_patch() makes of
 * them what the CPU needs. All that is indirect here lies in the upper half of a cache line, where
 * ITS does not reach. One thunk a register, in the order of their encoding.
 */
#include "arch/x86/branches.h"

	.section .text.thunks, "ax"
	/* Goes to where the byte nr (from 0) of what follows is the first of an upper half. */
	.macro	UPPER	nr
	.balign	64, 0xcc
	.skip	32 - (\nr), 0xcc
	.endm

/* The return can only be predicted to lead to the loop (AMD and Intel: retpoline). */
	.macro	THUNK	reg
	UPPER	0
	.globl	__x86_indirect_thunk_\reg
__x86_indirect_thunk_\reg:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	mov	%\reg, (%rsp)
	ret
	int3
	.org	__x86_indirect_thunk_\reg + THUNK_ALIGNED, 0xcc
	jmp	*%\reg
	int3
	.endm

	.irp	reg, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	THUNK	\reg
	.endr

	UPPER	0
	.globl	__x86_return_thunk
__x86_return_thunk:
	ret
	int3

/*
 * Branches that are always the same: as many, and of such kinds, as fill the history of CPUs
 * without BHI_DIS_S (Intel: Branch History Injection, software sequence). Five calls, each within
 * the one before, and in each of them a loop.
 */
	.section .text.history, "ax"	/* its own, or the jump to the thunk would be a short one */
	.balign	64
	.globl	clear_branch_history
clear_branch_history:
	mov	$5, %ecx
	call	1f
	jmp	__x86_return_thunk
	UPPER	5
1:	call	2f
	ret
	int3
	UPPER	18
2:	mov	$5, %eax
3:	jmp	4f
	int3
4:	sub	$1, %eax
	jnz	3b
	sub	$1, %ecx
	jnz	1b
	ret
	int3
	.section .note.GNU-stack, "", @progbits
