/* SPDX-License-Identifier: GPL-2.0-only */
/* Between svm.c and exit.c. */
#ifndef ARCH_X86_SVM_SVM_H
#define ARCH_X86_SVM_SVM_H

#include "arch/x86/hvm/ops.h"
#include "arch/x86/svm/vmcb.h"

/* Where the instruction of this length ends; only in 64-bit code is that beyond 4 GiB. */
static inline u64 svm_rip_after(const struct vmcb *c, unsigned int len)
{
	u64 rip = c->rip + len;

	return unlikely((rip ^ c->rip) >> 32) && !(c->efer & EFER_LMA && c->cs.attr & BIT(9)) ? (u32)rip
	       : rip;
}

/*
 * Translates the VMCB's exit into vendor-neutral terms; puts an event that the exit interrupted
 * back.
 */
void svm_decode_exit(struct x86_vcpu *v, struct vmcb *c, struct exit_info *e, bool nrips,
		     bool assists);
/* The guest used a debug register: from now on, until it leaves this CPU, it has them. */
void svm_load_debug_regs(struct x86_vcpu *v);

#endif
