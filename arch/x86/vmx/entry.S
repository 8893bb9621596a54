/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back: int vmx_enter(u64 *gpr, bool launched), and vmx_enter_guarded(), which
 * lets no prediction of the guest's pass. Two, because a test after the exit could be mispredicted.
 */
#include "arch/x86/hvm/enter.h"

	.text
	.macro ENTER name, guard
	.globl \name
	.type \name, @function
\name:
	PUSH_HOST
	mov	$0x6c14, %eax		/* HOST_RSP */
	vmwrite	%rsp, %rax
	lea	4f(%rip), %rdx
	mov	$0x6c16, %eax		/* HOST_RIP */
	vmwrite	%rdx, %rax
	test	%sil, %sil
	mov	0*8(%rdi), %rax
	LOAD_GUEST
	mov	7*8(%rdi), %rdi
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
	/* Only a refused instruction comes here. */
2:	pop	%rdi
	mov	$1, %eax
	POP_HOST
	jmp	__x86_return_thunk
4:	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, 0*8(%rdi)
	SAVE_GUEST %rdi
	pop	7*8(%rdi)
	add	$8, %rsp
	xor	%eax, %eax
	FORGET_GUEST
	POP_HOST
	.if \guard
	jmp	mitigations_after_exit	/* before the first return */
	.endif
	jmp	__x86_return_thunk
	.size \name, . - \name
	.endm

	ENTER vmx_enter, 0
	ENTER vmx_enter_guarded, 1
	.section .note.GNU-stack, "", @progbits
