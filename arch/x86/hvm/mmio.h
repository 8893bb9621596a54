/* SPDX-License-Identifier: GPL-2.0-only */
/* Emulated MMIO: a small decoder for the MOV-like instructions that drivers use on registers. */
#ifndef ARCH_X86_HVM_MMIO_H
#define ARCH_X86_HVM_MMIO_H

#include "arch/x86/hvm/vcpu.h"

enum mmio_alu { MMIO_MOV, MMIO_ADD, MMIO_OR, MMIO_AND, MMIO_SUB, MMIO_XOR, MMIO_CMP, MMIO_TEST,
		MMIO_XCHG };

/*
 * A decoded access. MOV (88-8B, A0-A3, C6, C7), MOVZX, MOVSX, MOVSXD, and the
 * two-operand instructions that compilers fold into accesses to device
 * registers: ADD, OR, AND, SUB, XOR, CMP, TEST, XCHG.
 */
struct mmio_insn {
	u8 len;		/* instruction length */
	u8 size;	/* bytes accessed: 1, 2, 4, 8 */
	bool write;	/* memory is the destination (and not of CMP or TEST) */
	bool mem_first;	/* memory is the first operand */
	bool sign_extend, has_imm;
	u8 reg, reg_size; /* GPR that is the other operand, unless has_imm, with its operand size */
	bool high_byte;	/* AH..BH: reg is 0..3 */
	u8 alu;		/* enum mmio_alu */
	u64 imm;	/* sign-extended */
};

/*
 * Decodes insn[0..len) executed in the given mode. 0, -EAGAIN if more bytes are
 * needed, -EOPNOTSUPP for any other instruction. Pure (fuzzed). mode: 16, 32, 64.
 */
int mmio_decode(const u8 *insn, unsigned int len, unsigned int mode, struct mmio_insn *out);

/*
 * The result of `first op second` at this operand size, and the arithmetic flags in *rflags. Pure.
 */
u64 mmio_alu(enum mmio_alu op, u64 first, u64 second, unsigned int size, u64 *rflags);

/* One emulated range of a domain. size 1, 2, 4 or 8; *val is zero-extended. */
struct mmio_handler {
	bool (*match)(struct vcpu *v, u64 gpa);
	void (*read)(struct vcpu *v, u64 gpa, unsigned int size, u64 *val);
	void (*write)(struct vcpu *v, u64 gpa, unsigned int size, u64 val);
};

/*
 * One access of v (current), without an instruction: also for tests. Unclaimed: reads ~0, drops
 * writes. No locks held.
 */
u64 hvm_mmio_read(struct vcpu *v, u64 gpa, unsigned int size);
void hvm_mmio_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val);

/*
 * A nested fault at gpa on no memory: emulates the instruction against the
 * handlers (local APIC, IO-APICs, MSI-X tables, PCI configuration space), else as Xen does for
 * holes: reads ~0, writes dropped. v is current, no locks held. false: not an
 * instruction that is understood (the caller injects #GP).
 */
bool hvm_emulate_mmio(struct x86_vcpu *v, u64 gpa, bool write);

/*
 * Do accesses to this page have to be emulated (local APIC, IO-APICs, MSI-X
 * tables, PCI configuration space)? Asked before device memory is mapped 1:1 into Dom0 at first
 * touch, under the p2m lock. Any locks.
 */
bool hvm_mmio_is_trapped(struct domain *d, gfn_t gfn);

#endif
