/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's 64-bit entry, for every loader: %rdi = identity-mapped struct boot_info, long mode,
 * interrupts off, the loader's tables still loaded. The bss is clear already.
 */
#include "arch/x86/boot/layout.h"

	.section .text.entry, "ax"
	.code64
	.globl start64
	.type start64, @function
start64:
	cli
	cld
	lgdt	boot_gdt_desc(%rip)
	lea	boot_stack_end(%rip), %rsp
	pushq	$KEEL_BOOT_CS
	lea	1f(%rip), %rax
	pushq	%rax
	lretq
1:	mov	$KEEL_BOOT_DS, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	lldt	%ax
	pushq	$0
	popfq
	/* Ends the chain of frames for the stack trace. */
	xor	%ebp, %ebp
	call	start_keel
2:	cli
	hlt
	jmp	2b
	.size start64, . - start64

	.section .rodata.boot_gdt, "a"
	.balign 8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* KEEL_BOOT_CS: 64-bit code */
	.quad	0x00cf93000000ffff	/* KEEL_BOOT_DS: data */
boot_gdt_end:
	.balign 8
boot_gdt_desc:
	.word	boot_gdt_end - boot_gdt - 1
	.quad	boot_gdt

	.section .bss.page_aligned, "aw", @nobits
	.balign KEEL_BOOT_STACK_SIZE
	.globl boot_stack, boot_stack_end
boot_stack:
	.skip	KEEL_BOOT_STACK_SIZE
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
