/* SPDX-License-Identifier: GPL-2.0-only */
/* VCPUOP_initialise: a start state given by the guest (xen/include/public/hvm/hvm_vcpu.h). */
#include "arch/x86/hvm/regs.h"
#include "common/guest_access.h"
#include "common/vcpu_op.h"
#include <public/errno.h>
#include <public/hvm/hvm_vcpu.h>

#define ATTR_VALID(ar, type) (((ar) & 0x90) == 0x90 && ((ar) & (type)) == (type))

static void set_segment(struct segment *s, u32 base, u32 limit, u16 attr)
{
	*s = (struct segment){ .sel = 0, .attr = (u16)((attr & 0xff) | (attr >> 4 & 0xf00)),
			       .limit = limit, .base = base };
}

/* General registers stand there in the order of their numbers. */
static void set_registers(u64 *gpr, const struct vcpu_hvm_x86_64 *r, struct hvm_state *s)
{
	memcpy(gpr, r, offsetof(struct vcpu_hvm_x86_64, rip));
	s->rip = r->rip;
	s->rflags = r->rflags;
	s->cr0 = r->cr0;
	s->cr3 = r->cr3;
	s->cr4 = r->cr4;
	s->efer = r->efer;
}

static int state_32(u64 *gpr, const struct vcpu_hvm_x86_32 *r, struct hvm_state *s)
{
	const struct vcpu_hvm_x86_64 wide = { r->eax, r->ecx, r->edx, r->ebx, r->esp, r->ebp, r->esi,
					      r->edi, r->eip, r->eflags, r->cr0, r->cr3, r->cr4, r->efer };

	if (!ATTR_VALID(r->cs_ar, 8) || !ATTR_VALID(r->ss_ar, 2) || r->efer & (EFER_LMA | EFER_LME))
		return -EINVAL;
	set_registers(gpr, &wide, s);
	set_segment(&s->seg[SEG_CS], r->cs_base, r->cs_limit, r->cs_ar);
	set_segment(&s->seg[SEG_DS], r->ds_base, r->ds_limit, r->ds_ar);
	set_segment(&s->seg[SEG_SS], r->ss_base, r->ss_limit, r->ss_ar);
	set_segment(&s->seg[SEG_ES], r->es_base, r->es_limit, r->es_ar);
	set_segment(&s->seg[SEG_TR], r->tr_base, r->tr_limit, r->tr_ar);
	return 0;
}

static int state_64(u64 *gpr, const struct vcpu_hvm_x86_64 *r, struct hvm_state *s)
{
	if (!(r->cr0 & X86_CR0_PG) || !(r->cr0 & X86_CR0_PE) || !(r->cr4 & X86_CR4_PAE) ||
	    !(r->efer & EFER_LME))
		return -EINVAL;
	set_registers(gpr, r, s);
	s->efer |= EFER_LMA;
	for (unsigned int i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i] = (struct segment){ .attr = 0xc93, .limit = 0xffffffff };
	s->seg[SEG_CS].attr = 0xa9b;
	s->seg[SEG_TR] = (struct segment){ .attr = 0x8b, .limit = 0x67 };
	return 0;
}

int arch_vcpu_op_initialise(struct vcpu *v, u64 gva)
{
	struct x86_vcpu *x = x86_vcpu(v);
	struct vcpu_hvm_context c;
	struct hvm_state s = { .dr6 = 0xffff0ff0, .dr7 = 0x400, .pat = x->pat };
	u64 gpr[NR_REGS] = { 0 };
	int rc;

	if (copy_from_guest(&c, gva, sizeof(c)))
		return -EFAULT;
	s.seg[SEG_LDTR].attr = 0x82;
	s.seg[SEG_FS] = s.seg[SEG_GS] = (struct segment){ .attr = 0x93, .limit = 0xffff };
	spin_lock(&v->domain->lock);
	if (v->initialised)
		rc = -EEXIST;
	else if (!vcpu_is_held(v))
		rc = -EBUSY; /* after an INIT, its CPU has not left it yet */
	else if (c.mode == VCPU_HVM_MODE_32B)
		rc = state_32(gpr, &c.cpu_regs.x86_32, &s);
	else if (c.mode == VCPU_HVM_MODE_64B)
		rc = state_64(gpr, &c.cpu_regs.x86_64, &s);
	else
		rc = -EINVAL;
	rc = rc ?: hvm_state_check(v->domain, &s);
	if (!rc) {
		memcpy(x->gpr, gpr, sizeof(gpr));
		hvm_ops->set_state(x, &s);
		x->boot_state = VB_RUNNING;
		x->sipi = 0;
		v->initialised = true;
	}
	spin_unlock(&v->domain->lock);
	return rc;
}
