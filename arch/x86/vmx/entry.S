/* SPDX-License-Identifier: GPL-2.0-only */
/* Into the guest and back: int vmx_enter(u64 *gpr, bool launched). */
#include "arch/x86/hvm/enter.h"

	.text
	.globl vmx_enter
	.type vmx_enter, @function
vmx_enter:
	PUSH_HOST
	mov	$0x6c14, %eax		/* HOST_RSP */
	vmwrite	%rsp, %rax
	lea	vmx_exit(%rip), %rdx
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
	jmp	3f
vmx_exit:
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, 0*8(%rdi)
	pop	%rax
	mov	%rax, 7*8(%rdi)
	SAVE_GUEST %rdi
	testl	$1 << MIT_RSB_FILL, mitigations(%rip)
	jnz	4f
5:	pop	%rdi
	xor	%eax, %eax
3:	POP_HOST
	ret
4:	call	mitigations_exit_slow	/* before the first return */
	jmp	5b
	.size vmx_enter, . - vmx_enter
	.section .note.GNU-stack, "", @progbits
