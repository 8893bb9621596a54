/* SPDX-License-Identifier: GPL-2.0-only */
/* Emulated MMIO: a small decoder for the MOV-like instructions that drivers use on registers. */
#ifndef ARCH_X86_HVM_MMIO_H
#define ARCH_X86_HVM_MMIO_H

#include "arch/x86/hvm/vcpu.h"

/* A decoded access: MOV (88/89/8A/8B/A0-A3/C6/C7), MOVZX/MOVSX, and OR/AND/XOR/TEST/CMP/XCHG if they are found to be needed. */
struct mmio_insn {
	u8 len;		/* instruction length */
	u8 size;	/* bytes accessed: 1, 2, 4, 8 */
	bool write, sign_extend, has_imm;
	u8 reg, reg_size; /* GPR read or written (with its operand size) */
	bool high_byte;	/* AH..BH */
	u8 alu;		/* 0: MOV; else the operation */
	u64 imm;
};

/*
 * Decodes insn[0..len) executed in the given mode. 0, -EAGAIN if more bytes are
 * needed, -EOPNOTSUPP for any other instruction. Pure (fuzzed). mode: 16, 32, 64.
 */
int mmio_decode(const u8 *insn, unsigned int len, unsigned int mode, struct mmio_insn *out);

/* One emulated range of a domain. Handlers: size 1, 2, 4 or 8, offset from base; return 0 or -errno (then reads are ~0). */
struct mmio_handler {
	bool (*match)(struct vcpu *v, u64 gpa);
	void (*read)(struct vcpu *v, u64 gpa, unsigned int size, u64 *val);
	void (*write)(struct vcpu *v, u64 gpa, unsigned int size, u64 val);
};

/*
 * A nested fault at gpa on no memory: emulates the instruction against the
 * handlers (local APIC, IO-APICs, MSI-X tables, MMCFG), else as Xen does for
 * holes: reads ~0, writes dropped. false: could not (caller injects or crashes).
 */
bool hvm_emulate_mmio(struct x86_vcpu *v, u64 gpa, bool write);

#endif
