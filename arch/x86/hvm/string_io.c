/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * INS and OUTS. The CPU has checked the right to the port before it exits, but nothing of the
 * memory side (SDM vol. 3, 26.1.1; APM vol. 2, 15.7): the segment, the page rights of the code's
 * privilege level, the address size.
 */
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/ops.h"
#include "common/guest_access.h"

/* elements handled before other work is looked at: a few hundred instructions each */
#define REP_MAX 64

#define SEG_WRITE_OR_READ BIT(1) /* of data: may be written; of code: may be read */
#define SEG_DOWN BIT(2)
#define SEG_CODE BIT(3)
#define SEG_PRESENT BIT(7)

/*
 * The address of an element, if its segment allows the access. Segments that expand down are not
 * emulated.
 */
static bool element_address(const struct hvm_state *s, const struct exit_info *e, u64 offset,
			    u64 *gva)
{
	const struct segment *seg = &s->seg[e->io.seg];
	bool wide = s->efer & EFER_LMA && s->seg[SEG_CS].attr & BIT(9);

	offset &= bytes_mask(e->io.addr_size);
	if (wide) {
		*gva = offset + (e->io.seg >= SEG_FS ? seg->base : 0);
		return ((s64)*gva >> 47) + 1 < 2ull;
	}
	*gva = (u32)(offset + seg->base);
	if (!(seg->attr & SEG_PRESENT) || offset + e->io.size - 1 > seg->limit)
		return false;
	if (seg->attr & SEG_CODE)
		return !e->io.in && seg->attr & SEG_WRITE_OR_READ;
	return !(seg->attr & SEG_DOWN) && (!e->io.in || seg->attr & SEG_WRITE_OR_READ);
}

static bool transfer(struct x86_vcpu *v, const struct exit_info *e, u64 gva)
{
	u32 val = 0;

	if (e->io.in) {
		val = hvm_port_in(&v->v, e->io.port, e->io.size);
		return !copy_operand(&val, gva, e->io.size, false);
	}
	if (copy_operand(&val, gva, e->io.size, true))
		return false;
	hvm_port_out(&v->v, e->io.port, e->io.size, val);
	return true;
}

/*
 * #PF at the first byte without a translation. If there is a translation but no memory, a #PF would
 * repeat for ever: #GP.
 */
static void operand_fault(struct x86_vcpu *v, const struct exit_info *e, u64 gva)
{
	u64 next = (gva | ~PAGE_MASK) + 1;
	s32 error = (e->io.in ? 2 : 0) | (hvm_cpl(v) == 3 ? 4 : 0);

	if (operand_is_mapped(gva, e->io.in)) {
		if (next - gva >= e->io.size || operand_is_mapped(next, e->io.in)) {
			hvm_inject_gp(&v->v);
			return;
		}
		gva = next;
	}
	hvm_ops->set_reg(v, HREG_CR2, gva);
	hvm_inject_exception(&v->v, X86_EXC_PF, error);
}

/* 32-bit results clear the upper half; smaller ones leave the rest. */
static void add_to(u64 *reg, u64 add, unsigned int size)
{
	u64 mask = bytes_mask(size), val = (*reg + add) & mask;

	*reg = size == 2 ? (*reg & ~mask) | val : val;
}

void hvm_string_io(struct x86_vcpu *v, const struct exit_info *e)
{
	u64 *index = &v->gpr[e->io.in ? REG_RDI : REG_RSI], *count = &v->gpr[REG_RCX], gva;
	struct exit_info again = { .next_rip = hvm_ops->get_reg(v, HREG_RIP) };
	u64 left = e->io.rep ? *count & bytes_mask(e->io.addr_size) : 1;
	unsigned int max;
	struct hvm_state s;

	hvm_ops->get_state(v, &s);
	max = s.rflags & X86_EFLAGS_TF ? 1 : REP_MAX;
	for (unsigned int i = 0; left && i < max; i++, left--) {
		if (!element_address(&s, e, *index, &gva)) {
			hvm_inject_gp(&v->v);
			return;
		}
		if (!transfer(v, e, gva)) {
			operand_fault(v, e, gva);
			return;
		}
		add_to(index, s.rflags & BIT(10) ? -(u64)e->io.size : e->io.size, e->io.addr_size);
		if (e->io.rep)
			add_to(count, -1ull, e->io.addr_size);
	}
	/* A single step ends after each element: at this instruction again while some are left. */
	if (!left)
		hvm_ops->skip_insn(v, e, 0);
	else if (max == 1)
		hvm_ops->skip_insn(v, &again, 0);
}
