/* SPDX-License-Identifier: GPL-2.0-only */
/* The loader's last instructions, and the core inside it. */
#define CR4_PGE		0x80
#define MSR_EFER	0xc0000080
#define EFER_NXE	0x800

	.section .rodata
	.balign 16
	.globl handoff_code, handoff_code_end
/*
 * %rdi = boot_info, %rsi = PML4, %rdx = entry. Runs from a copy below 4 GiB, which both the
 * firmware's and the handoff tables map onto itself. No stack is used after the switch.
 */
handoff_code:
	cli
	cld
	mov	%rdx, %r8
	mov	%cr4, %rax
	and	$~CR4_PGE, %rax
	mov	%rax, %cr4
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_NXE, %eax
	wrmsr
	mov	%rsi, %cr3
	jmp	*%r8
handoff_code_end:

	.balign 4096
	.globl keel_elf, keel_elf_end
keel_elf:
	.incbin KEEL_ELF
keel_elf_end:

	.section .note.GNU-stack, "", @progbits
