/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions and interrupts of the host. Guests never come here: they exit. */
#include "arch/x86/boot/layout.h"

	.text
	.code64

/* 256 stubs of 16 bytes: error code (or 0), vector, and on. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vec, 0
	.rept 256
	.balign 16
	.if vec == 8 || (vec >= 10 && vec <= 14) || vec == 17 || vec == 21 || vec == 29 || vec == 30
	.else
	pushq	$0
	.endif
	pushq	$vec
	.if vec < 32
	jmp	exception_common
	.else
	jmp	irq_common
	.endif
	.set vec, vec + 1
	.endr

	.macro SAVE_REGS
	.irp	reg, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	push	%\reg
	.endr
	cld
	.endm

	.macro RESTORE_REGS
	.irp	reg, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
	pop	%\reg
	.endr
	add	$16, %rsp
	.endm

/* Handled on the CPU's exception stack: the one that faulted may be nearly full. */
exception_common:
	SAVE_REGS
	mov	%rsp, %rdi
	call	exception_stack_for
	mov	%rsp, %rbx
	test	%rax, %rax
	jz	1f
	mov	%rax, %rsp
1:	and	$-16, %rsp
	mov	%rbx, %rdi
	lea	exception_common(%rip), %rax
	push	%rax
	push	%rbp
	call	handle_exception
	mov	%rbx, %rsp
	RESTORE_REGS
	iretq

irq_common:
	SAVE_REGS
	mov	120(%rsp), %edi
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	handle_irq
	mov	%rbp, %rsp
	RESTORE_REGS
	iretq

/* A fault at the label 1 lands here: -EFAULT. */
	.macro FAULTS_ARE_ERRORS
2:	mov	$-14, %eax
	jmp	__x86_return_thunk
	.pushsection .table.ex_table, "a"
	.quad	1b, 2b
	.popsection
	.endm

/* int rdmsr_safe(u32 msr, u64 *v), int wrmsr_safe(u32 msr, u64 v) */
	.globl rdmsr_safe, wrmsr_safe
rdmsr_safe:
	mov	%edi, %ecx
1:	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	jmp	__x86_return_thunk
	FAULTS_ARE_ERRORS

wrmsr_safe:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	wrmsr
	xor	%eax, %eax
	jmp	__x86_return_thunk
	FAULTS_ARE_ERRORS

/*
 * Where further CPUs start: real mode, copied below 1 MiB to a page of its own.
 * The words at the end are filled in by smp.c.
 */
	.section .rodata.trampoline, "a"
	.globl trampoline_start, trampoline_end, trampoline_args
	.balign 16
trampoline_start:
	.code16
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	/*
	 * Only the CPU that is being waited for continues: a late one would use the stack and id of
	 * another.
	 */
	xor	%eax, %eax
	cpuid
	cmp	$0xb, %eax
	jb	1f
	mov	$0xb, %eax
	xor	%ecx, %ecx
	cpuid
	test	%bx, %bx
	jnz	2f
1:	mov	$1, %eax
	cpuid
	shr	$24, %ebx
	mov	%ebx, %edx
2:	mov	%edx, %eax
	or	$-1, %ecx
	lock cmpxchg %ecx, (trampoline_args + 32 - trampoline_start)
	je	3f
1:	hlt
	jmp	1b
3:	mov	%cs, %ax
	xor	%ebx, %ebx
	mov	%ax, %bx
	shl	$4, %ebx			/* our physical address */
	lea	(tramp_gdt - trampoline_start)(%ebx), %eax
	mov	%eax, (tramp_gdt_desc + 2 - trampoline_start)
	lea	(tramp32 - trampoline_start)(%ebx), %eax
	mov	%eax, (tramp_far32 - trampoline_start)
	lea	(tramp64 - trampoline_start)(%ebx), %eax
	mov	%eax, (tramp_far64 - trampoline_start)
	lgdtl	(tramp_gdt_desc - trampoline_start)
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	*(tramp_far32 - trampoline_start)
	.code32
tramp32:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	%eax, %es
	mov	%cr4, %eax
	or	$0xa0, %eax			/* PAE, PGE */
	mov	%eax, %cr4
	mov	(trampoline_args - trampoline_start)(%ebx), %eax	/* tables with this page identity-mapped */
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x900, %eax			/* LME, NXE */
	wrmsr
	mov	%cr0, %eax
	or	$0x80010000, %eax		/* PG, WP */
	mov	%eax, %cr0
	ljmp	*(tramp_far64 - trampoline_start)(%ebx)
	.code64
tramp64:
	mov	(trampoline_args + 8 - trampoline_start)(%rbx), %rsp
	mov	(trampoline_args + 16 - trampoline_start)(%rbx), %rax
	mov	(trampoline_args + 24 - trampoline_start)(%rbx), %rdi
	xor	%ebp, %ebp
	call	*%rax
1:	hlt
	jmp	1b
	.balign 8
tramp_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		/* 32-bit code */
	.quad	0x00cf93000000ffff		/* data */
	.quad	0x00af9b000000ffff		/* 64-bit code */
tramp_gdt_desc:
	.word	31
	.long	0
	.balign 4
tramp_far32:
	.long	0
	.word	0x08
	.balign 4
tramp_far64:
	.long	0
	.word	0x18
	.balign 8
trampoline_args:
	.quad	0				/* CR3 */
	.quad	0				/* stack */
	.quad	0				/* entry */
	.quad	0				/* argument */
	.quad	-1				/* APIC id of who may start; -1: nobody, or it has */
trampoline_end:

	.section .note.GNU-stack, "", @progbits
