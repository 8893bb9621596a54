/* SPDX-License-Identifier: GPL-2.0-only */
/* Into the guest and back: int vmx_enter(u64 *gpr, bool launched). */
#include "arch/x86/mitigations.h"

	.text
	.globl vmx_enter
	.type vmx_enter, @function
vmx_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	$0x6c14, %eax		/* HOST_RSP */
	vmwrite	%rsp, %rax
	lea	vmx_exit(%rip), %rdx
	mov	$0x6c16, %eax		/* HOST_RIP */
	vmwrite	%rdx, %rax
	test	%sil, %sil
	mov	0*8(%rdi), %rax
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
	mov	7*8(%rdi), %rdi
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
	/* Only a refused instruction comes here. */
2:	pop	%rdi
	mov	$1, %eax
	jmp	3f
vmx_exit:
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, 0*8(%rdi)
	pop	%rax
	mov	%rax, 7*8(%rdi)
	mov	%rcx, 1*8(%rdi)
	mov	%rdx, 2*8(%rdi)
	mov	%rbx, 3*8(%rdi)
	mov	%rbp, 5*8(%rdi)
	mov	%rsi, 6*8(%rdi)
	mov	%r8, 8*8(%rdi)
	mov	%r9, 9*8(%rdi)
	mov	%r10, 10*8(%rdi)
	mov	%r11, 11*8(%rdi)
	mov	%r12, 12*8(%rdi)
	mov	%r13, 13*8(%rdi)
	mov	%r14, 14*8(%rdi)
	mov	%r15, 15*8(%rdi)
	testl	$1 << MIT_RSB_FILL, mitigations(%rip)
	jnz	4f
5:	pop	%rdi
	xor	%eax, %eax
3:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
4:	call	mitigations_exit_slow	/* before the first return */
	jmp	5b
	.size vmx_enter, . - vmx_enter
	.section .note.GNU-stack, "", @progbits
