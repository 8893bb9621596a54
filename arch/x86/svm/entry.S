/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back: void svm_enter(u64 *gpr, paddr_t vmcb). The offsets are
 * those of gpr[]: the registers in the order of their encoding.
 */
#include "arch/x86/mitigations.h"

	.text
	.globl svm_enter
	.type svm_enter, @function
svm_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	%rsi, %rax
	mov	1*8(%rdi), %rcx
	mov	2*8(%rdi), %rdx
	mov	3*8(%rdi), %rbx
	mov	5*8(%rdi), %rbp
	mov	6*8(%rdi), %rsi
	mov	8*8(%rdi), %r8
	mov	9*8(%rdi), %r9
	mov	10*8(%rdi), %r10
	mov	11*8(%rdi), %r11
	mov	12*8(%rdi), %r12
	mov	13*8(%rdi), %r13
	mov	14*8(%rdi), %r14
	mov	15*8(%rdi), %r15
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
	stgi
	mov	(%rsp), %rax
	mov	%rdi, 7*8(%rax)
	mov	%rcx, 1*8(%rax)
	mov	%rdx, 2*8(%rax)
	mov	%rbx, 3*8(%rax)
	mov	%rbp, 5*8(%rax)
	mov	%rsi, 6*8(%rax)
	mov	%r8, 8*8(%rax)
	mov	%r9, 9*8(%rax)
	mov	%r10, 10*8(%rax)
	mov	%r11, 11*8(%rax)
	mov	%r12, 12*8(%rax)
	mov	%r13, 13*8(%rax)
	mov	%r14, 14*8(%rax)
	mov	%r15, 15*8(%rax)
	testl	$1 << MIT_RSB_FILL, mitigations(%rip)
	jnz	2f
1:	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
2:	call	mitigations_exit_slow	/* before the first return */
	jmp	1b
	.size svm_enter, . - svm_enter
	.section .note.GNU-stack, "", @progbits
