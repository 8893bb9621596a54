/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a guest stopped, in terms that both vendors share (APM vol. 2, appendix C). */
#include "arch/x86/svm/vmcb.h"
#include "common/guest_access.h"

/*
 * reason and length of the instruction (0: none, or to be decoded); lengths serve where next-RIP is
 * not saved.
 */
static const struct { u8 reason, len; } exits[SVM_NR_EXITS] = {
	[SVM_EXIT_CR_WRITE + 4] = { EXIT_CR, 0 },
	[SVM_EXIT_CR_WRITE + 8] = { EXIT_CR, 0 },
	[SVM_EXIT_DR_READ ... SVM_EXIT_DR_READ + 15] = { EXIT_DR, 0 },
	[SVM_EXIT_DR_WRITE ... SVM_EXIT_DR_WRITE + 15] = { EXIT_DR, 0 },
	[SVM_EXIT_EXCEPTION ... SVM_EXIT_EXCEPTION + 31] = { EXIT_EXCEPTION, 0 },
	[SVM_EXIT_INTR] = { EXIT_INTR, 0 },
	[SVM_EXIT_NMI] = { EXIT_NMI, 0 },
	[SVM_EXIT_SMI] = { EXIT_INTR, 0 },
	[SVM_EXIT_INIT] = { EXIT_INIT_SIGNAL, 0 },
	[SVM_EXIT_VINTR] = { EXIT_WINDOW, 0 },
	[SVM_EXIT_CR0_SEL] = { EXIT_CR, 0 },
	[SVM_EXIT_RDPMC] = { EXIT_RDPMC, 2 },
	[SVM_EXIT_CPUID] = { EXIT_CPUID, 2 },
	[SVM_EXIT_IRET] = { EXIT_NMI_UNBLOCKED, 0 },
	[SVM_EXIT_INVD] = { EXIT_INVD, 2 },
	[SVM_EXIT_PAUSE] = { EXIT_PAUSE, 2 },
	[SVM_EXIT_HLT] = { EXIT_HLT, 1 },
	[SVM_EXIT_INVLPGA] = { EXIT_UD, 0 },
	[SVM_EXIT_IOIO] = { EXIT_IO, 0 },
	[SVM_EXIT_MSR] = { EXIT_MSR_READ, 2 },
	[SVM_EXIT_TASK_SWITCH] = { EXIT_TASK_SWITCH, 0 },
	[SVM_EXIT_SHUTDOWN] = { EXIT_SHUTDOWN, 0 },
	[SVM_EXIT_VMRUN] = { EXIT_UD, 0 },
	[SVM_EXIT_VMMCALL] = { EXIT_HYPERCALL, 3 },
	[SVM_EXIT_VMLOAD ... SVM_EXIT_SKINIT] = { EXIT_UD, 0 },
	[SVM_EXIT_ICEBP] = { EXIT_EXCEPTION, 1 },
	[SVM_EXIT_WBINVD] = { EXIT_WBINVD, 2 },
	[SVM_EXIT_MONITOR] = { EXIT_UD, 0 },
	[SVM_EXIT_MWAIT] = { EXIT_UD, 0 },
	[SVM_EXIT_MWAIT_ARMED] = { EXIT_UD, 0 },
	[SVM_EXIT_XSETBV] = { EXIT_XSETBV, 3 },
	[SVM_EXIT_RDPRU] = { EXIT_UD, 0 },
};

static void decode_io(const struct vmcb *c, struct exit_info *e)
{
	u32 info = (u32)c->exit_info1;

	e->io.port = (u16)(info >> 16);
	e->io.in = info & 1;
	e->io.string = info >> 2 & 1;
	e->io.rep = info >> 3 & 1;
	e->io.size = info >> 4 & 7;
	/* One bit each. (QEMU 7.2 sets none: then it is the code's own.) */
	e->io.addr_size = info >> 6 & 14;
	if (!e->io.addr_size)
		e->io.addr_size = c->efer & EFER_LMA && c->cs.attr & BIT(9) ? 8 : 4;
	e->io.seg = e->io.in ? SEG_ES : (info >> 10 & 7) ?: SEG_DS; /* 0: it is not told */
	e->next_rip = c->exit_info2;
}

/* APM vol. 2, 15.25.6. */
static void decode_npf(const struct vmcb *c, struct exit_info *e)
{
	e->reason = EXIT_NPF;
	e->next_rip = 0;
	e->npf.gpa = c->exit_info2;
	e->npf.write = c->exit_info1 >> 1 & 1;
	e->npf.exec = c->exit_info1 >> 4 & 1;
	e->npf.operand = c->exit_info1 >> 32 & 1 && !(c->exit_int_info & EVENTINJ_VALID);
}

static bool is_prefix(u8 b)
{
	switch (b) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	}
	return false;
}

/* Where an instruction ends that may have prefixes, as WBINVD is WBNOINVD with one. */
static noinline u64 after_prefixes(const struct vmcb *c, unsigned int len)
{
	unsigned int n = 0;
	u8 b;

	while (n < 15 - len && !copy_insn_from_guest(&b, c->cs.base + c->rip + n, 1) && is_prefix(b))
		n++;
	return svm_rip_after(c, n + len);
}

/*
 * MOV to a control register (APM vol. 3): [prefixes] [REX] 0f 22 modrm; LMSW: 0f 01 /6, here from a
 * register only. That of CR8 is intercepted only while an interrupt waits. What cannot be read as
 * one any more (its page is gone, or changed) runs again; of CR8 without the intercept.
 */
static noinline void decode_cr_write(struct x86_vcpu *v, struct vmcb *c, struct exit_info *e)
{
	bool wide = c->efer & EFER_LMA && c->cs.attr & BIT(9), lmsw;
	u64 ip = wide ? c->rip : (u32)(c->cs.base + c->rip);
	unsigned int first = min_t(u64, 15, PAGE_SIZE - (ip & (PAGE_SIZE - 1))), i = 0;
	u8 b[18] = { 0 }, rex = 0;

	/* The second page may be missing, if the instruction does not need it. */
	if (copy_from_guest(b, ip, first) ||
	    (first < 15 && copy_from_guest(b + first, ip + first, 15 - first)))
		memset(b + first, 0, sizeof(b) - first);
	while (i < 12 && is_prefix(b[i]))
		i++;
	if (wide && (b[i] & 0xf0) == 0x40)
		rex = b[i++];
	lmsw = b[i + 1] == 0x01 && (b[i + 2] >> 3 & 7) == 6 && e->cr.cr == 0;
	if (b[i] != 0x0f || (b[i + 1] != 0x22 && !lmsw))
		return;
	e->reason = lmsw && b[i + 2] < 0xc0 ? EXIT_UD : EXIT_CR;
	e->cr.gpr = (b[i + 2] & 7) | (rex & 1) << 3;
	e->cr.val = wide ? v->gpr[e->cr.gpr] : (u32)v->gpr[e->cr.gpr];
	if (lmsw)
		e->cr.val = (c->cr0 & ~0xeull) | (e->cr.val & 0xf);
	e->next_rip = svm_rip_after(c, i + 3);
}

/* Where the CPU assists (APM vol. 2, 15.33), it tells the register of a MOV. */
static void decode_cr(struct x86_vcpu *v, struct vmcb *c, struct exit_info *e, bool assists)
{
	e->reason = EXIT_INTR; /* to no effect */
	e->cr.cr = c->exit_code == SVM_EXIT_CR0_SEL ? 0 : (u8)(c->exit_code - SVM_EXIT_CR_WRITE);
	e->cr.write = true;
	if (e->cr.cr == 8) {
		c->cr_write &= ~BIT(8);
		e->reason = EXIT_WINDOW;
	}
	if (!assists || !(c->exit_info1 >> 63) || !c->next_rip) {
		decode_cr_write(v, c, e);
		return;
	}
	e->reason = EXIT_CR;
	e->cr.gpr = c->exit_info1 & 15;
	e->cr.val = c->efer & EFER_LMA && c->cs.attr & BIT(9) ? v->gpr[e->cr.gpr] : (u32)v->gpr[e->cr.gpr];
	e->next_rip = c->next_rip;
}

static void decode_exception(struct vmcb *c, struct exit_info *e)
{
	if (c->exit_code == SVM_EXIT_ICEBP) { /* a trap that exits before the instruction */
		e->exc.vector = X86_EXC_DB;
		c->interrupt_shadow = 0;
		return;
	}
	e->exc.vector = (u8)(c->exit_code - SVM_EXIT_EXCEPTION);
	e->exc.error = (u32)c->exit_info1;
	e->exc.cr2 = c->exit_info2;
}

#define SVM_DETAILED \
	(BIT(EXIT_IO) | BIT(EXIT_EXCEPTION) | BIT(EXIT_DR) | BIT(EXIT_WBINVD) | BIT(EXIT_NMI_UNBLOCKED) | \
	 BIT(EXIT_CR))

/* What else an exit tells. Apart, so that those that tell nothing save no registers. */
static noinline void svm_decode_details(struct x86_vcpu *v, struct vmcb *c, struct exit_info *e,
					bool nrips, bool assists)
{
	switch (e->reason) {
	case EXIT_IO:
		decode_io(c, e);
		break;
	case EXIT_EXCEPTION:
		decode_exception(c, e);
		break;
	case EXIT_DR:
		svm_load_debug_regs(v);
		break;
	case EXIT_WBINVD:
		if (!nrips || !c->next_rip)
			e->next_rip = after_prefixes(c, exits[c->exit_code].len);
		break;
	case EXIT_NMI_UNBLOCKED:
		c->misc1 &= ~MISC1_IRET;
		break;
	case EXIT_CR:
		decode_cr(v, c, e, assists);
		break;
	default:
		break;
	}
}

void svm_decode_exit(struct x86_vcpu *v, struct vmcb *c, struct exit_info *e, bool nrips,
		     bool assists)
{
	u64 code = c->exit_code;

	c->event_inj = 0;
	/*
	 * Delivery of an event was interrupted by this exit: it is delivered again (APM vol. 2, 15.7.2).
	 */
	if (unlikely(c->exit_int_info & EVENTINJ_VALID))
		c->event_inj = c->exit_int_info;
	e->raw = (u32)code;
	if (code == SVM_EXIT_NPF) {
		decode_npf(c, e);
		return;
	}
	if (unlikely(code >= SVM_NR_EXITS)) {
		e->reason = code == ~0ull ? EXIT_BAD_STATE : EXIT_UNKNOWN;
		e->next_rip = 0;
		return;
	}
	e->reason = exits[code].reason;
	e->next_rip = exits[code].len
		      ? (nrips && c->next_rip ? c->next_rip : svm_rip_after(c, exits[code].len)) : 0;
	if (e->reason == EXIT_MSR_READ)
		e->reason = c->exit_info1 & 1 ? EXIT_MSR_WRITE : EXIT_MSR_READ;
	else if (unlikely(BIT(e->reason) & SVM_DETAILED))
		svm_decode_details(v, c, e, nrips, assists);
}
