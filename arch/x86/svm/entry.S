/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back: void svm_enter(u64 *gpr), and svm_enter_guarded(), which
 * lets no prediction of the guest's pass; svm_enter_barrier() forgets them all before any branch,
 * as some CPUs take any instruction for one. Not one with tests after the exit: those could be
 * mispredicted. The NMI that ended a guest, or one that waits, is taken at STGI, and its handler
 * has branches, too: STGI comes last.
 * The offsets are those of gpr[]: the registers in the order of their encoding.
 */
#include "arch/x86/hvm/enter.h"

	.text
	.macro ENTER name, guard
	.globl \name
	.type \name, @function
\name:
	PUSH_HOST
	mov	16*8(%rdi), %rax	/* svm.vmcb_pa */
	LOAD_GUEST
	/*
	 * The host's interrupt flag at VMRUN decides whether host interrupts end the
	 * guest; GIF holds them back meanwhile (APM vol. 2, 15.17 and 15.21.1). Something stands
	 * between STI and VMRUN: QEMU takes the host's shadow into the guest, where an STI would then
	 * have none, and the interrupt that is to end a HLT would come before it.
	 */
	clgi
	sti
	mov	7*8(%rdi), %rdi
	vmrun	%rax
	cli
	.if !\guard
	stgi
	.endif
	pop	%rax
	mov	%rdi, 7*8(%rax)
	mov	%rax, %rdi
	SAVE_GUEST %rdi
	.if \guard == 2
	mov	$0x49, %ecx		/* PRED_CMD */
	mov	$1, %eax
	xor	%edx, %edx
	wrmsr
	.endif
	FORGET_GUEST
	POP_HOST
	.if \guard
	sub	$8, %rsp
	call	mitigations_after_exit	/* before the first return */
	add	$8, %rsp
	stgi
	.endif
	jmp	__x86_return_thunk
	.size \name, . - \name
	.endm

	ENTER svm_enter, 0
	ENTER svm_enter_guarded, 1
	ENTER svm_enter_barrier, 2
	.section .note.GNU-stack, "", @progbits
