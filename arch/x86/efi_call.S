/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * u64 efi_call(const void *const args[5], u64 service, paddr_t top): calls a runtime service as
 * UEFI 2.10, 2.3.4.2, has it, on page tables of its own. When it faults, the handler goes to
 * efi_return.
 */
#include "arch/x86/hvm/enter.h"

	.text
	.globl efi_call, efi_return
	.type efi_call, @function
efi_call:
	PUSH_HOST
	mov	%cr3, %rax
	push	%rax
	mov	%rsp, efi_stack(%rip)
	mov	%rdx, %cr3
	mov	%rsi, %rax
	mov	0*8(%rdi), %rcx
	mov	1*8(%rdi), %rdx
	mov	2*8(%rdi), %r8
	mov	3*8(%rdi), %r9
	push	4*8(%rdi)
	sub	$32, %rsp		/* the service's to use */
	call	__x86_indirect_thunk_rax
efi_return:
	cli
	cld
	mov	efi_stack(%rip), %rsp
	pop	%rcx
	mov	%rcx, %cr3
	pop	%rdi
	POP_HOST
	jmp	__x86_return_thunk
	.size efi_call, . - efi_call
	.section .note.GNU-stack, "", @progbits
