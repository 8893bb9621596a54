/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest's registers may hold (SDM vol. 3, chapters 2 and 3, and 27.3.1; APM vol. 2, 15.5.1).
 */
#include "arch/x86/hvm/regs.h"

#include "arch/x86/hvm/cpuid.h"
#include <public/errno.h>

/*
 * PE MP EM TS ET NE WP AM PG. Other bits are dropped, as the CPU does; so are CD and NW: the caches
 * are the machine's.
 */
#define CR0_KEPT 0x8005003full
#define DR6_FIXED 0xffff0ff0ull
#define DR6_STATUS 0xe00full
#define DR7_DROPPED 0xd800ull
#define RFLAGS_VALID 0x3f7fd7ull

enum { TYPE = 15, S = BIT(4), P = BIT(7), L = BIT(9), DB = BIT(10), G = BIT(11) };

static u64 cr0_kept(u64 val) { return (val & CR0_KEPT) | X86_CR0_ET; }

static u64 efer_allowed(const struct cpu_policy *p)
{
	return (p->extd[1].d & BIT(11) ? EFER_SCE : 0) |
	       (p->extd[1].d & BIT(29) ? EFER_LME | EFER_LMA : 0) |
	       (p->extd[1].d & BIT(20) ? EFER_NX : 0) | (p->extd[0x21].a & BIT(8) ? EFER_AUTO_IBRS : 0);
}

bool hvm_paging_ok(const struct domain *d, const struct hvm_paging *p)
{
	const struct cpu_policy *policy = x86_domain(d)->cpuid;
	bool pg = p->cr0 & X86_CR0_PG, lma = p->efer & EFER_LMA;

	if (p->cr0 >> 32 || (pg && !(p->cr0 & X86_CR0_PE)) ||
	    (p->cr0 & X86_CR0_NW && !(p->cr0 & X86_CR0_CD)))
		return false;
	if (p->cr4 & ~cpu_policy_cr4(policy) || p->efer & ~efer_allowed(policy))
		return false;
	if (lma != (pg && p->efer & EFER_LME) || (lma && !(p->cr4 & X86_CR4_PAE)))
		return false;
	return lma || !(p->cr4 & X86_CR4_PCIDE);
}

static bool cr3_ok(u64 val) { return !(val >> cpu_features.phys_bits); }

/* SDM vol. 1, 13.3: x87 always; AVX only with SSE; AVX-512's three together and with AVX. */
bool hvm_xcr0_ok(const struct domain *d, u64 val)
{
	if (!(val & 1) || val & ~cpu_policy_xcr0(x86_domain(d)->cpuid))
		return false;
	return (!(val & 4) || val & 2) && (!(val & 0xe0) || (val & 0xe4) == 0xe4);
}

static int set_cr0(struct x86_vcpu *v, struct hvm_paging *p, u64 val)
{
	/* Into long mode and out of it, but not in 64-bit code. */
	if ((p->cr0 ^ val) & X86_CR0_PG && p->efer & EFER_LME && hvm_ops->get_reg(v, HREG_CS_ATTR) & L)
		return -EINVAL;
	p->cr0 = val;
	p->efer = val & X86_CR0_PG && p->efer & EFER_LME ? p->efer | EFER_LMA : p->efer & ~EFER_LMA;
	if (!hvm_paging_ok(v->v.domain, p))
		return -EINVAL;
	hvm_ops->set_reg(v, HREG_CR0, cr0_kept(val));
	return 0;
}

static int set_cr4(struct x86_vcpu *v, struct hvm_paging *p, u64 val)
{
	if ((p->cr4 ^ val) & X86_CR4_LA57 && p->efer & EFER_LMA)
		return -EINVAL;
	if (val & ~p->cr4 & X86_CR4_PCIDE && p->cr3 & 0xfff)
		return -EINVAL;
	p->cr4 = val;
	if (!hvm_paging_ok(v->v.domain, p))
		return -EINVAL;
	hvm_ops->set_reg(v, HREG_CR4, val);
	return 0;
}

int hvm_set_cr(struct x86_vcpu *v, unsigned int cr, u64 val)
{
	struct hvm_paging p;

	hvm_ops->get_paging(v, &p);
	if (cr == 0)
		return set_cr0(v, &p, val);
	if (cr == 4)
		return set_cr4(v, &p, val);
	if (cr == 3 && p.cr4 & X86_CR4_PCIDE)
		val &= ~BIT(63); /* "keep translations", which only makes it faster */
	if (cr != 3 || !cr3_ok(val))
		return -EINVAL;
	hvm_ops->set_reg(v, HREG_CR3, val);
	return 0;
}

static unsigned int dpl(const struct segment *s) { return s->attr >> 5 & 3; }

static bool limit_ok(const struct segment *s)
{
	return s->attr & G ? (s->limit & 0xfff) == 0xfff : !(s->limit >> 20);
}

/* Loaded code and data segments are accessed, whatever a CPU keeps of that. */
static bool code_ok(const struct hvm_state *s, bool lma)
{
	const struct segment *cs = &s->seg[SEG_CS], *ss = &s->seg[SEG_SS];
	unsigned int type = (cs->attr & TYPE) | 1;

	if ((cs->attr & (P | S)) != (P | S) || cs->base >> 32 || !limit_ok(cs))
		return false;
	if ((type == 3 || !(s->cr0 & X86_CR0_PE)) && dpl(ss))
		return false;
	if (lma && cs->attr & L && cs->attr & DB)
		return false;
	return type == 3 ? !dpl(cs) : type < 8 ? false : type & 4 ? dpl(cs) <= dpl(ss)
	       : dpl(cs) == dpl(ss);
}

static bool data_ok(const struct segment *s, unsigned int i)
{
	unsigned int type = (s->attr & TYPE) | 1;

	if (!(s->attr & P))
		return true;
	if (!(s->attr & S) || !limit_ok(s) || (i != SEG_FS && i != SEG_GS && s->base >> 32))
		return false;
	return i == SEG_SS ? type == 3 || type == 7 : !(type & 8) || type & 2;
}

static bool system_ok(const struct hvm_state *s, bool lma)
{
	const struct segment *tr = &s->seg[SEG_TR], *ldtr = &s->seg[SEG_LDTR];

	if ((tr->attr & (P | S)) != P || tr->sel & 4 || !limit_ok(tr))
		return false;
	if ((tr->attr & TYPE) != 11 && ((tr->attr & TYPE) != 3 || lma))
		return false;
	if (ldtr->attr & P && ((ldtr->attr & (S | TYPE)) != 2 || ldtr->sel & 4 || !limit_ok(ldtr)))
		return false;
	return hvm_canonical(s->cr4, tr->base) && hvm_canonical(s->cr4, ldtr->base);
}

static bool v8086_ok(const struct segment *s)
{
	return s->base == (u64)s->sel << 4 && s->limit == 0xffff && s->attr == 0xf3;
}

static bool segments_ok(const struct hvm_state *s, bool lma)
{
	bool v86 = s->rflags & X86_EFLAGS_VM;

	if (!system_ok(s, lma) || (!v86 && !code_ok(s, lma)) || s->gdtr.limit >> 16 ||
	    s->idtr.limit >> 16 || !hvm_canonical(s->cr4, s->gdtr.base) ||
	    !hvm_canonical(s->cr4, s->idtr.base))
		return false;
	for (unsigned int i = 0; i < NR_SEGS; i++) {
		if (s->seg[i].attr >> 12)
			return false;
		if (i <= SEG_GS && (v86 ? !v8086_ok(&s->seg[i]) : i != SEG_CS && !data_ok(&s->seg[i], i)))
			return false;
	}
	return true;
}

/*
 * An exception that the guest's instruction raised recurs by itself. The vector decides whether
 * there is an error code.
 */
static bool event_ok(struct hvm_state *s)
{
	bool soft = s->pending_type == HEV_EXCEPTION &&
		    (s->pending_vector == X86_EXC_BP || s->pending_vector == X86_EXC_OF);

	if (soft || s->pending_type >= HEV_SWINT)
		s->pending_event = false;
	if (!s->pending_event)
		return true;
	if (!hvm_event_has_error(s))
		s->pending_error = 0;
	switch (s->pending_type) {
	case HEV_INTR:
		return s->pending_vector >= 16 && s->rflags & X86_EFLAGS_IF && !s->interruptibility;
	case HEV_NMI:
		return s->pending_vector == X86_EXC_NMI && !s->interruptibility;
	case HEV_EXCEPTION:
		return s->pending_vector < 32 && s->pending_vector != X86_EXC_NMI && !(s->pending_error >> 15);
	default:
		return false;
	}
}

int hvm_state_check(const struct domain *d, struct hvm_state *s)
{
	const struct hvm_paging p = { s->cr0, s->cr3, s->cr4, s->efer, s->rflags };
	bool lma = s->efer & EFER_LMA, code64 = lma && s->seg[SEG_CS].attr & L,
		   v86 = s->rflags & X86_EFLAGS_VM;

	if (!hvm_paging_ok(d, &p) || !cr3_ok(s->cr3) || (s->dr6 | s->dr7) >> 32 ||
	    s->rflags & ~RFLAGS_VALID)
		return -EINVAL;
	if (code64 ? !hvm_canonical(s->cr4, s->rip) : s->rip >> 32)
		return -EINVAL;
	if (v86 && (lma || !(s->cr0 & X86_CR0_PE)))
		return -EINVAL;
	if (!segments_ok(s, lma) || !hvm_state_msrs_ok(s) || !event_ok(s))
		return -EINVAL;
	s->cr0 = cr0_kept(s->cr0);
	s->rflags |= 2;
	s->dr6 = (s->dr6 & DR6_STATUS) | DR6_FIXED;
	s->dr7 = (s->dr7 & ~DR7_DROPPED) | DR7_RESET;
	return 0;
}
