/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The multiboot entries: GRUB's multiboot2, and multiboot1 for `qemu -kernel`. Both enter in 32-bit
 * protected mode, paging off, %eax = magic, %ebx = the loader's information. The image is at its
 * linked physical address. This code builds the handoff page tables in the bss and enters long
 * mode.
 */
#include "arch/x86/boot/layout.h"
#include "xen/multiboot/multiboot.h"

#define PA(sym)		((sym) - KEEL_VIRT_BASE)
#define MB1_FLAGS	(MB1_HEADER_ALIGN | MB1_HEADER_MEMORY | MB1_HEADER_ADDRESS)

#define COM1		0x3f8
#define PTE_TABLE	0x003		/* present, writable */
#define PTE_2M		0x083		/* the same for a 2 MiB page */
#define CR0_PE		0x00000001
#define CR0_WP		0x00010000
#define CR0_PG		0x80000000
#define CR4_PAE		0x00000020
#define MSR_EFER	0xc0000080
#define EFER_LME_NXE	0x00000900
#define CPUID_NX_BIT	20
#define CPUID_LM_BIT	29

	.section .multiboot, "ax"
	.code32

	.balign 8
mb1_header:
	.long	MB1_HEADER_MAGIC
	.long	MB1_FLAGS
	.long	-(MB1_HEADER_MAGIC + MB1_FLAGS)
	.long	PA(mb1_header)
	.long	PA(__image_start)
	.long	PA(__data_end)
	.long	PA(__image_end)
	.long	PA(multiboot_entry)

	.balign 8
mb2_header:
	.long	MB2_HEADER_MAGIC
	.long	0			/* i386, protected mode */
	.long	mb2_header_end - mb2_header
	.long	-(MB2_HEADER_MAGIC + (mb2_header_end - mb2_header))

	.balign 8
1:	.short	MB2_HEADER_INFO_REQUEST, 0
	.long	2f - 1b
	.long	MB2_TAG_MMAP
2:	.balign 8
3:	.short	MB2_HEADER_INFO_REQUEST, MB2_HEADER_OPTIONAL
	.long	4f - 3b
	.long	MB2_TAG_RSDP_OLD, MB2_TAG_RSDP_NEW, MB2_TAG_FRAMEBUFFER
4:	.balign 8
	.short	MB2_HEADER_ENTRY, 0
	.long	12
	.long	PA(multiboot_entry)
	.balign 8
	.short	MB2_HEADER_FRAMEBUFFER, MB2_HEADER_OPTIONAL
	.long	20
	.long	0, 0, 0			/* any size and depth */
	.balign 8
	.short	MB2_HEADER_ALIGN, 0
	.long	8
	.short	MB2_HEADER_END, 0
	.long	8
mb2_header_end:

	.globl multiboot_entry
	.type multiboot_entry, @function
multiboot_entry:
	cli
	cld
	mov	%eax, %esi
	mov	%ebx, %edi
	mov	$PA(boot_stack_end), %esp

	mov	$PA(not_multiboot_text), %ebp
	cmp	$MB1_LOADER_MAGIC, %eax
	je	1f
	cmp	$MB2_LOADER_MAGIC, %eax
	jne	cannot_run

	/* Without long mode and no-execute Keel cannot run. */
1:	mov	$PA(no_long_mode_text), %ebp
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	cannot_run
	mov	$0x80000001, %eax
	cpuid
	bt	$CPUID_LM_BIT, %edx
	jnc	cannot_run
	bt	$CPUID_NX_BIT, %edx
	jnc	cannot_run

	/* Map 0..4 GiB one-to-one in 2 MiB pages: 4 page directories of 512 entries. */
	mov	$PA(handoff_pd), %ebx
	mov	$PTE_2M, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%ebx)
	add	$8, %ebx
	add	$0x200000, %eax
	loop	1b
	mov	$PA(handoff_pdpt), %ebx
	mov	$PA(handoff_pd) + PTE_TABLE, %eax
	mov	$4, %ecx
1:	mov	%eax, (%ebx)
	add	$8, %ebx
	add	$0x1000, %eax
	loop	1b
	/*
	 * Here the image's window begins at physical 0, so the directory of the low 1 GiB also maps
	 * it.
	 */
	movl	$PA(handoff_pd) + PTE_TABLE, PA(handoff_pdpt_high) + 510 * 8
	movl	$PA(handoff_pdpt) + PTE_TABLE, PA(handoff_pml4)
	movl	$PA(handoff_pdpt_high) + PTE_TABLE, PA(handoff_pml4) + 511 * 8

	mov	$CR4_PAE, %eax		/* not what firmware left on: LA57 wants other tables */
	mov	%eax, %cr4
	mov	$PA(handoff_pml4), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME_NXE, %eax
	wrmsr
	mov	%cr0, %eax
	or	$(CR0_PG | CR0_WP | CR0_PE), %eax
	mov	%eax, %cr0
	lgdt	PA(mb_gdt_desc)
	ljmp	$KEEL_BOOT_CS, $PA(mb_long_mode)

/* Says why, which %ebp points to. */
cannot_run:
	mov	%ebp, %esi
	call	com1_init
1:	lodsb
	test	%al, %al
	jz	3f
	mov	%al, %bl
	mov	$COM1 + 5, %dx
2:	in	%dx, %al
	test	$0x20, %al
	jz	2b
	mov	%bl, %al
	mov	$COM1, %dx
	out	%al, %dx
	jmp	1b
3:	cli
	hlt
	jmp	3b

/* 115200 baud, 8n1, polled. */
com1_init:
	mov	$PA(com1_setup), %ebx
1:	movzbl	(%ebx), %edx
	mov	1(%ebx), %al
	add	$2, %ebx
	cmp	$0xff, %dl
	je	2f
	add	$COM1, %edx
	out	%al, %dx
	jmp	1b
2:	ret

	.code64
mb_long_mode:
	mov	$KEEL_BOOT_DS, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	/* Continue at the linked address. */
	movabs	$1f, %rax
	jmp	*%rax
1:	lea	boot_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	/* %esi and %edi are zero-extended: the mode switch leaves their upper halves undefined. */
	mov	%edi, %eax
	mov	%esi, %edi
	mov	%eax, %esi
	call	multiboot_start
	mov	$KEEL_VIRT_BASE, %rdi
	neg	%rdi
	add	%rax, %rdi
	jmp	start64

	.balign 8
mb_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* KEEL_BOOT_CS */
	.quad	0x00cf93000000ffff	/* KEEL_BOOT_DS */
mb_gdt_end:
	.balign 8
mb_gdt_desc:
	.word	mb_gdt_end - mb_gdt - 1
	.quad	PA(mb_gdt)

/* Register offset, value: no interrupts, divisor 1, 8n1, FIFO on, DTR and RTS. */
com1_setup:
	.byte	1, 0, 3, 0x80, 0, 1, 1, 0, 3, 3, 2, 7, 4, 3, 0xff, 0
not_multiboot_text:
	.asciz	"Keel: not started by a multiboot loader; boot keel.elf with multiboot2\r\n"
no_long_mode_text:
	.asciz	"Keel: this CPU has no 64-bit mode or no no-execute bit; Keel cannot run on it\r\n"

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl handoff_pml4, handoff_tables_end
handoff_pml4:
	.skip	4096
handoff_pdpt:
	.skip	4096
handoff_pdpt_high:
	.skip	4096
handoff_pd:
	.skip	4 * 4096
handoff_tables_end:

	.section .note.GNU-stack, "", @progbits
