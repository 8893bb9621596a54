/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual-APIC page (SDM vol. 3, chapter 30). The page holds a vCPU's interrupts and
 * its task priority while the guest runs and no longer: every exit takes them back into
 * struct vlapic, so that the rest of Keel knows nothing of it.
 */
#include "arch/x86/irq/irq.h"
#include "arch/x86/vmx/vmcs.h"

static u64 page_take(u32 *page, unsigned int reg, unsigned int word)
{
	u32 *p = &page[(reg + word * 0x20) / 4];
	u64 val = p[0] | (u64)p[4] << 32;

	p[0] = p[4] = 0;
	return val;
}

static void page_put(u32 *page, unsigned int reg, unsigned int word, u64 val)
{
	u32 *p = &page[(reg + word * 0x20) / 4];

	p[0] = (u32)val;
	p[4] = val >> 32;
}

void vmx_set_tpr_threshold(struct x86_vcpu *v, u8 class)
{
	v->vmx.tpr_threshold = class;
	vmwrite(VMCS_TPR_THRESHOLD, class);
}

/* What the guest may read without an exit, but for what changes: see vmx_vapic_load(). */
static void set_mode(struct x86_vcpu *v)
{
	static const u16 fixed[] = { APIC_ID, APIC_LVR, APIC_LDR };
	bool x2 = v->vlapic.x2apic;
	u64 val = 0;

	v->vmx.x2apic = x2;
	for (unsigned int i = 0; x2 && i < ARRAY_SIZE(fixed); i++) {
		vlapic_msr_read(&v->v, 0x800 + fixed[i] / 16, &val);
		v->vmx.apic_page[fixed[i] / 4] = (u32)val;
	}
	vmx_set_msr_exits(v);
}

/* An EOI of a level-triggered interrupt exits: the IO-APIC wants to know. */
static void set_eoi_exits(struct x86_vcpu *v)
{
	for (unsigned int w = 0; w < 4; w++) {
		u64 tmr = READ_ONCE(v->vlapic.tmr[w]);

		if (likely(v->vmx.eoi_exits[w] == tmr))
			continue;
		v->vmx.eoi_exits[w] = tmr;
		vmwrite(VMCS_EOI_EXIT0 + 2 * w, tmr);
		page_put(v->vmx.apic_page, APIC_TMR, w, tmr);
	}
}

static noinline void load_interrupts(struct x86_vcpu *v)
{
	struct vlapic *l = &v->vlapic;
	u16 status = (u16)(l->isr_top << 8);

	for (unsigned int w = 0; w < 4; w++) {
		u64 irr = READ_ONCE(l->irr[w]) ? __atomic_exchange_n(&l->irr[w], 0, __ATOMIC_SEQ_CST) : 0;

		if (irr) {
			page_put(v->vmx.apic_page, APIC_IRR, w, irr);
			status = (u16)((status & 0xff00) | (w * 64 + fls64(irr)));
		}
		if (l->isr_top)
			page_put(v->vmx.apic_page, APIC_ISR, w, l->isr[w]);
	}
	set_eoi_exits(v); /* after IRR: whoever sends a vector sets its trigger mode before */
	if (status != v->vmx.intr_status)
		vmwrite(VMCS_INTR_STATUS, status);
	v->vmx.intr_status = status;
}

void vmx_vapic_load(struct x86_vcpu *v)
{
	const struct vlapic *l = &v->vlapic;

	if (!v->vmx.apic_page)
		return;
	v->vmx.apic_page[APIC_TPR / 4] = l->tpr;
	if (!v->apic_virtual)
		return;
	if (unlikely(l->x2apic != v->vmx.x2apic))
		set_mode(v);
	if (unlikely(vlapic_requests(l) | l->isr_top | v->vmx.intr_status))
		load_interrupts(v);
}

static noinline void save_interrupts(struct x86_vcpu *v)
{
	struct vlapic *l = &v->vlapic;

	for (unsigned int w = 0; w < 4; w++) {
		u64 irr = page_take(v->vmx.apic_page, APIC_IRR, w);

		if (irr)
			__atomic_fetch_or(&l->irr[w], irr, __ATOMIC_SEQ_CST);
		l->isr[w] = page_take(v->vmx.apic_page, APIC_ISR, w);
	}
	l->isr_top = (u8)(v->vmx.intr_status >> 8);
}

void vmx_vapic_save(struct x86_vcpu *v)
{
	struct vlapic *l = &v->vlapic;

	if (!v->vmx.apic_page)
		return;
	l->tpr = v->vmx.apic_page[APIC_TPR / 4] & 0xff;
	if (unlikely(v->vmx.tpr_threshold))
		vmx_set_tpr_threshold(v, 0);
	if (!v->apic_virtual)
		return;
	v->vmx.intr_status = (u16)vmread(VMCS_INTR_STATUS);
	if (unlikely(v->vmx.intr_status | l->isr_top))
		save_interrupts(v);
}

void vmx_decode_apic(struct x86_vcpu *v, struct exit_info *e)
{
	switch ((u16)e->raw) {
	case VMX_EXIT_EOI: /* of the vector in the qualification */
		e->apic.reg = APIC_EOI;
		e->apic.val = (u32)vmread(VMCS_QUALIFICATION);
		break;
	case VMX_EXIT_APIC_WRITE: /* the qualification is the register's offset */
		e->apic.reg = (u16)(vmread(VMCS_QUALIFICATION) & 0xff0);
		e->apic.val = v->vmx.apic_page[e->apic.reg / 4];
		break;
	default:
		e->apic.reg = APIC_TPR;
		e->apic.val = v->vlapic.tpr;
	}
}
