/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How vCPUs start: INIT and start-up IPIs (SDM vol. 3, 9.4), and the state of a PVH kernel's
 * first vCPU (Xen's docs/misc/pvh.pandoc).
 */
#include "arch/x86/hvm/ops.h"
#include "arch/x86/hvm/vcpu.h"
#include "common/printk.h"
#include "common/sched.h"

#define SIPI_PENDING 0x100 /* in x86_vcpu.sipi, beside the vector */

/* After INIT: real mode at vector << 12 (SDM vol. 3, table 10-1). */
static void set_real_mode(struct x86_vcpu *v, u8 vector)
{
	struct hvm_state s = { .rflags = 2, .cr0 = X86_CR0_ET, .dr6 = 0xffff0ff0, .dr7 = 0x400,
			       .pat = v->pat };

	for (unsigned int i = 0; i < NR_SEGS; i++)
		s.seg[i] = (struct segment){ 0, 0x93, 0xffff, 0 };
	s.seg[SEG_CS] = (struct segment){ (u16)(vector << 8), 0x9b, 0xffff, (u64)vector << 12 };
	s.seg[SEG_LDTR] = (struct segment){ 0, 0x82, 0xffff, 0 };
	s.seg[SEG_TR] = (struct segment){ 0, 0x8b, 0xffff, 0 };
	s.gdtr.limit = s.idtr.limit = 0xffff;
	ASSERT(vcpu_is_held(&v->v));
	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[REG_RDX] = cpuid(1, 0).a;
	hvm_ops->set_state(v, &s);
}

void hvm_vcpu_reset(struct vcpu *v)
{
	struct x86_vcpu *x = x86_vcpu(v);

	vlapic_reset(v);
	set_real_mode(x, 0xf0);
	x->exception_pending = x->nmi_pending = x->nmi_blocked = false;
	x->boot_state = VB_WAIT_SIPI;
}

void hvm_vcpu_init(struct vcpu *v)
{
	struct x86_vcpu *x = x86_vcpu(v);

	spin_lock(&v->domain->lock);
	set_bit(VPF_DOWN, &v->wait_flags);
	clear_bit(VPF_BLOCKED, &v->wait_flags);
	clear_bit(VPF_POLL, &v->wait_flags);
	vcpu_sleep_nosync(v);
	x->boot_state = VB_INIT;
	v->initialised = false; /* only a start-up IPI starts it again, once it has stopped */
	WRITE_ONCE(x->sipi, 0);
	spin_unlock(&v->domain->lock);
}

/* D: v is down, so once it has stopped only this can start it. */
static void start_if_stopped(struct vcpu *v)
{
	struct x86_vcpu *x = x86_vcpu(v);
	u8 vector = (u8)x->sipi;

	if (x->boot_state == VB_RUNNING || !x->sipi ||
	    __atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE))
		return;
	if (x->boot_state == VB_INIT)
		hvm_vcpu_reset(v);
	WRITE_ONCE(x->sipi, 0);
	x->boot_state = VB_RUNNING;
	set_real_mode(x, vector);
	v->initialised = true;
	clear_bit(VPF_DOWN, &v->wait_flags);
	vcpu_wake(v);
}

void hvm_vcpu_sipi(struct vcpu *v, u8 vector)
{
	struct x86_vcpu *x = x86_vcpu(v);

	spin_lock(&v->domain->lock);
	if (x->boot_state != VB_RUNNING) {
		WRITE_ONCE(x->sipi, SIPI_PENDING | vector);
		smp_mb(); /* either this sees that v has stopped, or its CPU then sees the request */
		start_if_stopped(v);
	}
	spin_unlock(&v->domain->lock);
}

void arch_vcpu_stopped(struct vcpu *v)
{
	if (likely(!READ_ONCE(x86_vcpu(v)->sipi)))
		return;
	spin_lock(&v->domain->lock);
	start_if_stopped(v);
	spin_unlock(&v->domain->lock);
}

void hvm_vcpu_set_pvh_entry(struct vcpu *v, u32 eip, u32 ebx)
{
	struct x86_vcpu *x = x86_vcpu(v);
	struct domain *d = v->domain;
	struct hvm_state s = { .rip = eip, .rflags = 2, .cr0 = X86_CR0_PE | X86_CR0_ET, .dr6 = 0xffff0ff0,
			       .dr7 = 0x400, .pat = x->pat };

	for (unsigned int i = 0; i < NR_SEGS; i++)
		s.seg[i] = (struct segment){ 0x10, 0xc93, 0xffffffff, 0 };
	s.seg[SEG_CS] = (struct segment){ 0x08, 0xc9b, 0xffffffff, 0 };
	s.seg[SEG_LDTR] = (struct segment){ 0, 0x82, 0, 0 };
	s.seg[SEG_TR] = (struct segment){ 0, 0x8b, 0x67, 0 };
	spin_lock(&d->lock);
	ASSERT(vcpu_is_held(v));
	memset(x->gpr, 0, sizeof(x->gpr));
	x->gpr[REG_RBX] = ebx;
	hvm_ops->set_state(x, &s);
	x->boot_state = VB_RUNNING;
	x->sipi = 0;
	v->initialised = true;
	clear_bit(VPF_DOWN, &v->wait_flags);
	spin_unlock(&d->lock);
}
