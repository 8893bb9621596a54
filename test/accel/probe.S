/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot sector that finds out whether this virtual machine offers nested SVM or VMX, by switching
 * it on. It answers through QEMU's isa-debug-exit device at port 0xf4: 1 SVM, 2 VMX, 3 neither. If
 * switching it on faults, the machine resets, and QEMU ends with status 0 (-no-reboot): this also
 * means neither.
 */
	.code16
	.globl _start
_start:
	cli
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb vmx
	movl $0x80000001, %eax
	cpuid
	testl $(1 << 2), %ecx		/* SVM (APM vol. 3, CPUID Fn8000_0001_ECX) */
	jz vmx
	movl $0xc0000080, %ecx		/* EFER */
	rdmsr
	orl $(1 << 12), %eax		/* SVME: faults if there is no SVM */
	wrmsr
	movw $1, %ax
	jmp answer
vmx:
	movl $1, %eax
	cpuid
	testl $(1 << 5), %ecx		/* VMX (SDM vol. 2, CPUID 01H) */
	jz neither
	movl $0x480, %ecx		/* IA32_VMX_BASIC: faults if there is no VMX */
	rdmsr
	movl %cr4, %eax
	orl $(1 << 13), %eax		/* VMXE faults, too */
	movl %eax, %cr4
	movw $2, %ax
	jmp answer
neither:
	movw $3, %ax
answer:
	movw $0xf4, %dx
	outb %al, %dx
	hlt
	.org 510
	.word 0xaa55
