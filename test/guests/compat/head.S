/* SPDX-License-Identifier: GPL-2.0-only */
/* PVH's entry to a kernel that stays in 32-bit mode, and a short visit to 64-bit mode. */
	.section .note.xen, "a", @note
	.long 4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long entry
	.long 4, 4, 17		/* XEN_ELFNOTE_SUPPORTED_FEATURES: dom0 */
	.asciz "Xen"
	.long 1 << 11

	.section .text.head, "ax"
	.code32
	.globl entry
entry:
	cld
	movl $stack_top, %esp
	lgdtl gdt_desc
	ljmpl $0x18, $1f
1:	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %ebp, %ebp
	call test_main
2:	cli
	hlt
	jmp 2b

/* void paging_on(u32 cr3): PAE paging. void paging_off(void) */
	.globl paging_on, paging_off
paging_on:
	movl 4(%esp), %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl %cr0, %eax
	orl $0x80010000, %eax		/* PG, WP */
	movl %eax, %cr0
	ret
paging_off:
	movl %cr0, %eax
	andl $0x7fffffff, %eax
	movl %eax, %cr0
	ret

/*
 * long in_64bit(u32 pml4, u32 page): from 64-bit code, sets the hypercall page and calls
 * xen_version through it.
 */
	.globl in_64bit
in_64bit:
	pushl %ebx
	pushl %esi
	pushl %edi
	movl 20(%esp), %ebx
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax		/* LME */
	wrmsr
	pushl 16(%esp)
	call paging_on
	addl $4, %esp
	ljmpl $0x08, $1f
	.code64
1:	movl $0x40000000, %ecx
	movl %ebx, %eax
	xorl %edx, %edx
	wrmsr
	xorl %edi, %edi			/* XENVER_version */
	leaq 17 * 32(%rbx), %rax
	call *%rax
	movl %eax, %ebx
	pushq $0x18
	movl $2f, %eax
	pushq %rax
	lretq
	.code32
2:	call paging_off
	movl $0xc0000080, %ecx
	rdmsr
	andl $~0x100, %eax
	wrmsr
	movl %ebx, %eax
	popl %edi
	popl %esi
	popl %ebx
	ret

	.data
	.balign 8
gdt_desc:
	.word 4 * 8 - 1
	.long gdt
	.balign 16
gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 08: code64 */
	.quad 0x00cf93000000ffff	/* 10: data */
	.quad 0x00cf9b000000ffff	/* 18: code32 */

	.bss
	.balign 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
