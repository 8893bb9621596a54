/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From PVH's 32-bit entry to long mode, the start of other vCPUs, and the trap stubs.
 * Entry state: 32-bit protected mode, paging off, EBX: start_info (public/hvm/start_info.h).
 */
#define PTE_TABLE 0x007	/* present, writable, user */
#define PTE_2M    0x087

	.section .note.xen, "a", @note
	.long 4, 8, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad entry
	.long 4, 4, 17		/* XEN_ELFNOTE_SUPPORTED_FEATURES: dom0 */
	.asciz "Xen"
	.long 1 << 11

	.section .text.head, "ax"
	.code32
	.globl entry
entry:
	cld
	movl %ebx, start_info_pa
	movl $boot_stack_top, %esp
	movl $boot_cpu, %esi
	jmp enter_long_mode

/* ESP: stack; ESI: struct cpu, kept for the 64-bit part. */
enter_long_mode:
	lgdtl gdt_desc
	movl $0x18, %eax
	movl $pml4, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax			/* PAE */
	movl %eax, %cr4
	movl $0xc0000080, %ecx		/* EFER: LME, NXE */
	rdmsr
	orl $0x900, %eax
	wrmsr
	movl $0x80010031, %eax		/* PG, WP, NE, ET, PE */
	movl %eax, %cr0
	ljmpl $0x08, $start64

	.code64
	.globl start64
start64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %esp, %esp
	movl %esi, %edi
	xorl %ebp, %ebp
	call cpu_start
1:	cli
	hlt
	jmp 1b

/*
 * A vCPU after SIPI: real mode, in the page that this code was copied to. The variables are set
 * before the copy is made.
 */
	.balign 16
	.globl ap_trampoline, ap_trampoline_end, ap_stack, ap_cpu
	.code16
ap_trampoline:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl gdt_desc_copy - ap_trampoline
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x18, $ap_start32
	.balign 4
gdt_desc_copy:
	.word gdt_end - gdt - 1
	.long gdt
ap_trampoline_end:

	.code32
ap_start32:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl ap_stack, %esp
	movl ap_cpu, %esi
	jmp enter_long_mode

	.code64
	.text
/* One 16-byte stub for each vector: push the error code or 0, then the vector, then jump. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17
	.if vector != 21 && vector != 29 && vector != 30
	pushq $0
	.endif
	.endif
	pushq $vector
	jmp trap_common
	.set vector, vector + 1
	.endr

trap_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	movq %rsp, %rbp
	andq $-16, %rsp
	call trap_handler
	movq %rbp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

/*
 * int try_call(void (*fn)(void *), void *arg): returns 0 if fn returned, 1 if it faulted. The fault
 * is then in this CPU's struct. %gs:8 is cpu.try_rsp.
 */
	.globl try_call, try_resume
try_call:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %gs:8
	movq %rsp, %gs:8
	movq %rdi, %rax
	movq %rsi, %rdi
	subq $8, %rsp
	call *%rax
	addq $8, %rsp
	xorl %eax, %eax
	jmp 1f
try_resume:
	movl $1, %eax
1:	popq %gs:8
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* long run_user(code, stack top): runs code in ring 3 until INT $0x80, and returns its RAX. */
	.globl run_user, run_user_resume
run_user:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %gs:16		/* cpu.user_rsp */
	pushq $0x2b			/* user SS */
	pushq %rsi
	pushq user_rflags
	pushq $0x33			/* user CS */
	pushq %rdi
	iretq
run_user_resume:
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.data
	.balign 8
gdt_desc:
	.word gdt_end - gdt - 1
	.long gdt
	.globl gdt_desc64
gdt_desc64:
	.word gdt_end - gdt - 1
	.quad gdt
	.balign 16
	.globl gdt
gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 08: code64 */
	.quad 0x00cf93000000ffff	/* 10: data */
	.quad 0x00cf9b000000ffff	/* 18: code32 */
	.quad 0
	.quad 0x00cff3000000ffff	/* 28: user data */
	.quad 0x00affb000000ffff	/* 30: user code64 */
	.quad 0
	.fill 16, 8, 0			/* 40: TSS, two entries a CPU */
gdt_end:
ap_stack:
	.long 0
ap_cpu:
	.long 0
	.globl user_rflags
user_rflags:
	.quad 2
	.globl start_info_pa
start_info_pa:
	.long 0

/* The first 4 GiB, mapped to themselves by 2 MiB pages. */
	.balign 4096
	.globl pml4, pdpt
pml4:
	.quad pdpt + PTE_TABLE
	.fill 511, 8, 0
pdpt:
	.quad pd + PTE_TABLE
	.quad pd + 4096 + PTE_TABLE
	.quad pd + 8192 + PTE_TABLE
	.quad pd + 12288 + PTE_TABLE
	.fill 508, 8, 0
pd:
	.set page, 0
	.rept 2048
	.quad (page << 21) + PTE_2M
	.set page, page + 1
	.endr

	.bss
	.balign 16
	.skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
