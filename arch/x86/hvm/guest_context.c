/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's registers as tools read and set them (public/vcpu_context.h): only the two ends of its
 * structure, since the middle is for PV guests.
 */
#include <public/errno.h>

#include "arch/x86/hvm/regs.h"
#include "common/domctl.h"
#include "common/guest_access.h"
#include "common/printk.h"

#define MIDDLE offsetof(struct vcpu_guest_context, trap_ctxt)
#define END offsetof(struct vcpu_guest_context, ctrlreg)

struct context_ends {
	struct {
		u8 fpu[512];
		u64 flags;
		struct cpu_user_regs regs;
	} a;
	struct {
		u64 cr[8], dr[8], callbacks[3], vm_assist, fs_base, gs_base_kernel, gs_base_user;
	} z;
};
_Static_assert(sizeof(((struct context_ends *)0)->a) == MIDDLE, "what is before the PV part");
_Static_assert(sizeof(((struct context_ends *)0)->z) == sizeof(struct vcpu_guest_context) - END,
	       "what is after it");

static void get_segments(const struct hvm_state *s, struct context_ends *c)
{
	bool user = s->seg[SEG_SS].attr & 0x60;

	c->a.flags |= user ? 0 : VGCF_IN_KERNEL;
	c->a.regs.cs = s->seg[SEG_CS].sel;
	c->a.regs.ss = s->seg[SEG_SS].sel;
	c->a.regs.ds = s->seg[SEG_DS].sel;
	c->a.regs.es = s->seg[SEG_ES].sel;
	c->a.regs.fs = s->seg[SEG_FS].sel;
	c->a.regs.gs = s->seg[SEG_GS].sel;
	c->z.fs_base = s->seg[SEG_FS].base;
	c->z.gs_base_kernel = user ? s->kernel_gs_base : s->seg[SEG_GS].base;
	c->z.gs_base_user = user ? s->seg[SEG_GS].base : s->kernel_gs_base;
}

/* D */
static void get_context(struct x86_vcpu *x, struct context_ends *c)
{
	struct hvm_state s;

	hvm_ops->get_state(x, &s);
	memcpy(c->a.fpu, x->xsave, sizeof(c->a.fpu));
	c->a.flags = VGCF_I387_VALID | (test_bit(VPF_DOWN, &x->v.wait_flags) ? 0 : VGCF_online);
#define GPR(field, reg) c->a.regs.field = x->gpr[REG_##reg];
	HVM_GPRS(GPR)
#undef GPR
	c->a.regs.rip = s.rip;
	c->a.regs.rflags = s.rflags;
	get_segments(&s, c);
	c->z.cr[0] = s.cr0;
	c->z.cr[2] = s.cr2;
	c->z.cr[3] = s.cr3;
	c->z.cr[4] = s.cr4;
	memcpy(c->z.dr, x->dr, sizeof(x->dr));
	c->z.dr[6] = s.dr6;
	c->z.dr[7] = s.dr7;
	c->z.vm_assist = x->v.domain->vm_assist;
}

long arch_get_vcpucontext(struct vcpu *v, u64 gva)
{
	struct context_ends c = { 0 };

	spin_lock(&v->domain->lock);
	ASSERT(vcpu_is_held(v));
	get_context(x86_vcpu(v), &c);
	spin_unlock(&v->domain->lock);
	if (copy_to_guest(gva, &c.a, sizeof(c.a)) || clear_guest(gva + MIDDLE, END - MIDDLE) ||
	    copy_to_guest(gva + END, &c.z, sizeof(c.z)))
		return -EFAULT;
	return 0;
}

/*
 * D. As in Xen, of an HVM guest: general and debug registers, RIP, RFLAGS, the FPU, and whether it
 * is up.
 */
static int set_context(struct x86_vcpu *x, const struct context_ends *c)
{
	struct hvm_state s;

	hvm_ops->get_state(x, &s);
	s.rip = c->a.regs.rip;
	s.rflags = c->a.regs.rflags;
	s.dr6 = c->z.dr[6];
	s.dr7 = c->z.dr[7];
	if (hvm_state_check(x->v.domain, &s))
		return -EINVAL;
#define GPR(field, reg) x->gpr[REG_##reg] = c->a.regs.field;
	HVM_GPRS(GPR)
#undef GPR
	memcpy(x->dr, c->z.dr, sizeof(x->dr));
	if (c->a.flags & VGCF_I387_VALID)
		hvm_load_fpu(x, c->a.fpu);
	hvm_ops->set_state(x, &s);
	if (c->a.flags & VGCF_online)
		clear_bit(VPF_DOWN, &x->v.wait_flags);
	else
		set_bit(VPF_DOWN, &x->v.wait_flags);
	return 0;
}

long arch_set_vcpucontext(struct vcpu *v, u64 gva)
{
	struct context_ends c;
	long rc;

	if (copy_from_guest(&c.a, gva, sizeof(c.a)) || copy_from_guest(&c.z, gva + END, sizeof(c.z)))
		return -EFAULT;
	spin_lock(&v->domain->lock);
	ASSERT(vcpu_is_held(v));
	rc = v->initialised ? set_context(x86_vcpu(v), &c) : -ENODATA;
	spin_unlock(&v->domain->lock);
	return rc;
}
