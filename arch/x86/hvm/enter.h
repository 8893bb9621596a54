/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the vendors' entry.S have in common. gpr[] has a guest's registers in the order of their
 * encoding; RAX and RSP are each vendor's own matter, and so is RDI, by which gpr[] is reached.
 */
#ifndef ARCH_X86_HVM_ENTER_H
#define ARCH_X86_HVM_ENTER_H

#ifdef __ASSEMBLY__

/* gpr[], in RDI, stays on top of the stack. */
	.macro PUSH_HOST
	.irp	reg, rbp, rbx, r12, r13, r14, r15, rdi
	push	%\reg
	.endr
	.endm

	.macro POP_HOST		/* all but RDI */
	.irp	reg, r15, r14, r13, r12, rbx, rbp
	pop	%\reg
	.endr
	.endm

	.macro LOAD_GUEST	/* from gpr[] in RDI */
	mov	1*8(%rdi), %rcx
	mov	2*8(%rdi), %rdx
	mov	3*8(%rdi), %rbx
	mov	5*8(%rdi), %rbp
	mov	6*8(%rdi), %rsi
	.irp	nr, 8, 9, 10, 11, 12, 13, 14, 15
	mov	\nr*8(%rdi), %r\nr
	.endr
	.endm

	.macro SAVE_GUEST gpr	/* to gpr[] in this register */
	mov	%rcx, 1*8(\gpr)
	mov	%rdx, 2*8(\gpr)
	mov	%rbx, 3*8(\gpr)
	mov	%rbp, 5*8(\gpr)
	mov	%rsi, 6*8(\gpr)
	.irp	nr, 8, 9, 10, 11, 12, 13, 14, 15
	mov	%r\nr, \nr*8(\gpr)
	.endr
	.endm

	/*
	 * What the guest had in registers, Keel does not speculate with. POP_HOST overwrites the others,
	 * but for RAX and RDI, which are each vendor's own matter.
	 */
	.macro FORGET_GUEST
	.irp	reg, ecx, edx, esi, r8d, r9d, r10d, r11d
	xor	%\reg, %\reg
	.endr
	.endm

#endif

#endif
