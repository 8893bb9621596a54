/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest's registers may hold. One check of each serves the guest's own instruction and a
 * state that comes from outside: a save record, VCPUOP_initialise.
 */
#ifndef ARCH_X86_HVM_REGS_H
#define ARCH_X86_HVM_REGS_H

#include "arch/x86/hvm/ops.h"

/* CR0, CR4 and EFER, each as d's CPUID policy allows and all as they fit together. Not CR3. */
bool hvm_paging_ok(const struct domain *d, const struct hvm_paging *p);
bool hvm_xcr0_ok(const struct domain *d, u64 val);

static inline bool hvm_canonical(u64 cr4, u64 addr)
{
	unsigned int unused = cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(addr << unused) >> unused) == addr;
}

/* msr.c: may the register hold this? MTRRs; those that struct hvm_state has, all of them. */
bool hvm_mtrr_ok(u32 msr, u64 val);
bool hvm_state_msrs_ok(const struct hvm_state *s);

/* MOV to CR0, CR3 or CR4 of the current vCPU: 0, or -EINVAL for #GP. */
int hvm_set_cr(struct x86_vcpu *v, unsigned int cr, u64 val);

/*
 * A whole state from outside: -EINVAL unless d's guest could have reached it by itself, on either
 * vendor's CPU. Bits that are always set are set, CR0.CD and NW are dropped, and an event that the
 * guest's instruction raises again when it goes on is no longer pending.
 */
int hvm_state_check(const struct domain *d, struct hvm_state *s);

/*
 * Makes x87 and SSE registers from outside, in FXSAVE's format, acceptable to XRSTOR, whatever they
 * are.
 */
void hvm_load_fpu(struct x86_vcpu *x, const u8 fxsave[512]);

/* The general registers, by the names that the ABI's structures have for them. */
#define HVM_GPRS(X) X(rax, RAX) X(rbx, RBX) X(rcx, RCX) X(rdx, RDX) X(rbp, RBP) X(rsi, RSI) \
	X(rdi, RDI) X(rsp, RSP) \
	X(r8, R8) X(r9, R9) X(r10, R10) X(r11, R11) X(r12, R12) X(r13, R13) X(r14, R14) X(r15, R15)

#endif
