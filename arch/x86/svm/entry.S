/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back: void svm_enter(u64 *gpr, paddr_t vmcb). The offsets are
 * those of gpr[]: the registers in the order of their encoding.
 */
#include "arch/x86/hvm/enter.h"

	.text
	.globl svm_enter
	.type svm_enter, @function
svm_enter:
	PUSH_HOST
	mov	%rsi, %rax
	LOAD_GUEST
	/*
	 * The host's interrupt flag at VMRUN decides whether host interrupts end the
	 * guest; GIF holds them back meanwhile (APM vol. 2, 15.17 and 15.21.1). Something stands
	 * between STI and VMRUN: QEMU takes the host's shadow into the guest, where an STI would then
	 * have none, and the interrupt that is to end a HLT would come before it.
	 */
	clgi
	sti
	mov	7*8(%rdi), %rdi
	vmrun	%rax
	cli
	stgi
	mov	(%rsp), %rax
	mov	%rdi, 7*8(%rax)
	SAVE_GUEST %rax
	testl	$1 << MIT_RSB_FILL, mitigations(%rip)
	jnz	2f
1:	pop	%rdi
	POP_HOST
	ret
2:	call	mitigations_exit_slow	/* before the first return */
	jmp	1b
	.size svm_enter, . - svm_enter
	.section .note.GNU-stack, "", @progbits
