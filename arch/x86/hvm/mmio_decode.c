/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes the instructions that access device registers (APM vol. 3, chapter 1
 * and appendix A; SDM vol. 2, chapter 2). Where the access goes is known from
 * the fault, so addressing bytes only have to be counted.
 */
#include <public/errno.h>

#include "arch/x86/hvm/mmio.h"

#define MAX_INSN_LEN 15

#define REX_W 8
#define REX_R 4

/* What an opcode says about its operands. */
#define F_BYTE	 0x01 /* 8-bit operand */
#define F_MEM	 0x02 /* memory is the first operand */
#define F_IMM8	 0x04 /* immediate of 8 bits */
#define F_IMM	 0x08 /* immediate of the operand size, at most 32 bits */
#define F_MOFFS	 0x10 /* address in place of ModRM, register is the accumulator */
#define F_GROUP1 0x20 /* operation in the reg field: ADD, OR, ADC, SBB, AND, SUB, XOR, CMP */
#define F_REG0	 0x40 /* the reg field must be 0 */
#define F_LOAD	 0x80 /* a widening load: the memory operand's size is its own */

struct cursor {
	const u8 *insn;
	unsigned int len, pos;
	unsigned int mode, addr_size;
	bool opsize, addrsize;
	u8 rex;
};

static int next_byte(struct cursor *c, u8 *byte)
{
	if (c->pos >= MAX_INSN_LEN)
		return -EOPNOTSUPP;
	if (c->pos >= c->len)
		return -EAGAIN;
	*byte = c->insn[c->pos++];
	return 0;
}

static int skip(struct cursor *c, unsigned int n)
{
	u8 ignored;
	int rc = 0;

	while (n-- && !rc)
		rc = next_byte(c, &ignored);
	return rc;
}

/* Reads a sign-extended little-endian number. */
static int immediate(struct cursor *c, unsigned int bytes, u64 *val)
{
	u64 v = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		u8 byte;
		int rc = next_byte(c, &byte);

		if (rc)
			return rc;
		v |= (u64)byte << (8 * i);
	}
	*val = (u64)((s64)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
	return 0;
}

/* Reads prefixes; the first byte of the opcode ends up in *op. */
static int prefixes(struct cursor *c, u8 *op)
{
	for (;;) {
		int rc = next_byte(c, op);

		if (rc)
			return rc;
		switch (*op) {
		case 0x66:
			c->opsize = true;
			break;
		case 0x67:
			c->addrsize = true;
			break;
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: /* segments */
		case 0xf0: /* LOCK: device registers promise no atomicity */
		case 0xf2: case 0xf3: /* lock elision hints */
			break;
		default:
			if (c->mode != 64 || (*op & 0xf0) != 0x40)
				return 0;
			c->rex = *op;
			return next_byte(c, op); /* REX stands right before the opcode */
		}
		c->rex = 0;
	}
}

/* Opcodes 00 to 3b, eight each, and the reg field of 80 to 83; ADC and SBB are not emulated. */
static const u8 groups[8] = { MMIO_ADD, MMIO_OR, 0, 0, MMIO_AND, MMIO_SUB, MMIO_XOR, MMIO_CMP };

/* The others that are known. Even ones have an operand of 8 bits. */
static const struct { bool known; u8 flags, alu; } opcodes[256] = {
	[0x63] = { true, F_LOAD, MMIO_MOV },	/* MOVSXD, in 64-bit mode */
	[0x80] = { true, F_MEM | F_GROUP1 | F_IMM8, MMIO_MOV },
	[0x81] = { true, F_MEM | F_GROUP1 | F_IMM, MMIO_MOV },
	[0x83] = { true, F_MEM | F_GROUP1 | F_IMM8, MMIO_MOV },
	[0x84 ... 0x85] = { true, F_MEM, MMIO_TEST },
	[0x86 ... 0x87] = { true, F_MEM, MMIO_XCHG },
	[0x88 ... 0x89] = { true, F_MEM, MMIO_MOV },
	[0x8a ... 0x8b] = { true, 0, MMIO_MOV },
	[0xa0 ... 0xa1] = { true, F_MOFFS, MMIO_MOV },
	[0xa2 ... 0xa3] = { true, F_MOFFS | F_MEM, MMIO_MOV },
	[0xc6] = { true, F_MEM | F_REG0 | F_IMM8, MMIO_MOV },
	[0xc7] = { true, F_MEM | F_REG0 | F_IMM, MMIO_MOV },
	[0xf6] = { true, F_MEM | F_REG0 | F_IMM8, MMIO_TEST },
	[0xf7] = { true, F_MEM | F_REG0 | F_IMM, MMIO_TEST },
};

/* Flags and operation of a one-byte opcode. */
static int classify(u8 op, unsigned int mode, u8 *flags, u8 *alu)
{
	*flags = opcodes[op].flags | (op & 1 ? 0 : F_BYTE);
	*alu = opcodes[op].alu;
	if (op > 0x3b)
		return opcodes[op].known && (op != 0x63 || mode == 64) ? 0 : -EOPNOTSUPP;
	/* In each eight, r/m with reg, then reg with r/m. */
	*flags |= op & 2 ? 0 : F_MEM;
	*alu = groups[op >> 3];
	return (op & 7) > 3 || !*alu ? -EOPNOTSUPP : 0;
}

static int addressing(struct cursor *c, u8 modrm)
{
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	u8 sib;
	int rc;

	if (mod == 3)
		return -EOPNOTSUPP; /* a register: no memory access at all */
	if (c->addr_size == 2) {
		if (mod == 0)
			return skip(c, rm == 6 ? 2 : 0);
		return skip(c, mod);
	}
	if (rm == 4) {
		rc = next_byte(c, &sib);
		if (rc)
			return rc;
		rm = sib & 7;
	}
	if (mod == 0)
		return skip(c, rm == 5 ? 4 : 0);
	return skip(c, mod == 1 ? 1 : 4);
}

static void set_register(struct mmio_insn *out, unsigned int reg, u8 rex)
{
	out->reg = (u8)(reg | (rex & REX_R ? 8 : 0));
	if (out->reg_size == 1 && !rex && out->reg >= 4) {
		out->reg -= 4;
		out->high_byte = true;
	}
}

static int operands(struct cursor *c, u8 flags, struct mmio_insn *out)
{
	unsigned int reg;
	u8 modrm;
	int rc;

	if (flags & F_MOFFS)
		return skip(c, c->addr_size);
	rc = next_byte(c, &modrm);
	if (rc)
		return rc;
	reg = modrm >> 3 & 7;
	if (flags & F_GROUP1) {
		out->alu = groups[reg];
		if (!out->alu)
			return -EOPNOTSUPP;
	} else if (flags & F_REG0) {
		if (reg)
			return -EOPNOTSUPP;
	} else {
		set_register(out, reg, c->rex);
	}
	rc = addressing(c, modrm);
	if (rc || !(flags & (F_IMM | F_IMM8)))
		return rc;
	out->has_imm = true;
	return immediate(c, flags & F_IMM8 ? 1 : min_t(unsigned int, out->size, 4), &out->imm);
}

int mmio_decode(const u8 *insn, unsigned int len, unsigned int mode, struct mmio_insn *out)
{
	struct cursor c = { .insn = insn, .len = len, .mode = mode };
	u8 op, flags, opsize;
	int rc;

	*out = (struct mmio_insn){ 0 };
	rc = prefixes(&c, &op);
	if (rc)
		return rc;
	opsize = c.rex & REX_W ? 8 : (mode == 16) != c.opsize ? 2 : 4;
	c.addr_size = mode == 64 ? (c.addrsize ? 4 : 8) : (mode == 16) != c.addrsize ? 2 : 4;
	if (op == 0x0f) {
		rc = next_byte(&c, &op);
		if (rc)
			return rc;
		if ((op & 0xf6) != 0xb6) /* b6 b7 be bf: MOVZX, MOVSX */
			return -EOPNOTSUPP;
		flags = F_LOAD;
		out->size = op & 1 ? 2 : 1;
		out->sign_extend = op & 8;
	} else {
		rc = classify(op, mode, &flags, &out->alu);
		if (rc)
			return rc;
		out->size = flags & F_BYTE ? 1 : opsize;
		if (flags & F_LOAD) {
			out->size = min_t(u8, opsize, 4);
			out->sign_extend = true;
		}
	}
	out->reg_size = flags & F_LOAD ? opsize : out->size;
	rc = operands(&c, flags, out);
	if (rc)
		return rc;
	out->mem_first = flags & F_MEM;
	out->write = out->mem_first && out->alu != MMIO_CMP && out->alu != MMIO_TEST;
	out->len = (u8)c.pos;
	return 0;
}
