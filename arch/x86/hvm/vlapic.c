/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupts of a virtual local APIC: from sending to EOI (SDM vol. 3, 11.6 to 11.8). */
#include "arch/x86/hvm/vlapic.h"

#include "arch/x86/hvm/ops.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/irq/irq.h"
#include "common/dump.h"
#include "common/printk.h"

#define DFR_FLAT 0xffffffffu

#define ICR_SHORTHAND(icr) ((icr) >> 18 & 3)
enum { SHORT_NONE, SHORT_SELF, SHORT_ALL, SHORT_OTHERS };

/* Accepts fixed interrupts: enabled in IA32_APIC_BASE and in SVR. */
static bool accepts(const struct vcpu *v)
{
	const struct vlapic *l = vlapic(v);

	return l->enabled && l->svr & APIC_SVR_ENABLE;
}

/* Highest vector set, or -1. Vectors below 16 are never set. */
static inline int highest(const u64 map[4])
{
	u64 bits;

	return (bits = READ_ONCE(map[3])) ? 192 + (int)fls64(bits) :
	       (bits = READ_ONCE(map[2])) ? 128 + (int)fls64(bits) :
	       (bits = READ_ONCE(map[1])) ? 64 + (int)fls64(bits) :
	       (bits = READ_ONCE(map[0])) ? (int)fls64(bits) : -1;
}

u8 vlapic_ppr(const struct vlapic *l)
{
	u8 isr_class = l->isr_top & 0xf0;

	return (l->tpr & 0xf0) >= isr_class ? (u8)l->tpr : isr_class;
}

struct vlapic_pending vlapic_pending_vector(struct vcpu *v)
{
	struct vlapic *l = vlapic(v);
	int vector;

	/* MOV to CR8 does not exit everywhere. */
	vlapic_set_cr8(v, hvm_ops->get_tpr(x86_vcpu(v)));
	vector = highest(l->irr);
	if (vector <= (l->isr_top | 0xf) || !l->enabled)
		return (struct vlapic_pending){ 0 };
	if ((u32)vector > (l->tpr | 0xf))
		return (struct vlapic_pending){ .vector = (u8)vector };
	return (struct vlapic_pending){ .held_class = (u8)(vector >> 4) };
}

void vlapic_ack_vector(struct vcpu *v, u8 vector)
{
	struct vlapic *l = vlapic(v);

	clear_bit(vector, l->irr);
	l->isr[vector / 64] |= BIT(vector % 64);
	l->isr_top = max_t(u8, l->isr_top, vector);
}

void vlapic_eoi(struct vcpu *v)
{
	struct vlapic *l = vlapic(v);
	u8 vector = l->isr_top;
	int next;

	if (!vector)
		return;
	l->isr[vector / 64] &= ~BIT(vector % 64);
	next = highest(l->isr);
	l->isr_top = next < 0 ? 0 : (u8)next;
	if (unlikely(test_bit(vector, l->tmr)))
		vioapic_eoi(v->domain, vector);
}

void vlapic_set_cr8(struct vcpu *v, u8 cr8)
{
	struct vlapic *l = vlapic(v);

	/* CR8 has only the class: keep the low bits if the class did not change. */
	if (l->tpr >> 4 != (cr8 & 0xfu))
		l->tpr = (u32)(cr8 & 0xf) << 4;
}

u8 vlapic_get_cr8(struct vcpu *v)
{
	return (u8)(vlapic(v)->tpr >> 4);
}

void vlapic_set_tpr(struct vcpu *v, u8 tpr)
{
	vlapic(v)->tpr = tpr;
	hvm_ops->set_tpr(x86_vcpu(v), tpr >> 4);
}

static void raise_error_interrupt(struct vcpu *v)
{
	u32 lvt = READ_ONCE(vlapic(v)->lvt[LVT_ERROR]);

	if (!(lvt & APIC_LVT_MASKED) && (lvt & 0xff) >= LOWEST_USABLE_VECTOR)
		vlapic_set_irq(v, lvt & 0xff, false);
}

void vlapic_error(struct vcpu *v, u32 esr_bit)
{
	if (!(__atomic_fetch_or(&vlapic(v)->esr_pending, esr_bit, __ATOMIC_SEQ_CST) & esr_bit))
		raise_error_interrupt(v);
}

void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
	struct vlapic *l = vlapic(v);

	if (!accepts(v))
		return;
	if (vector < LOWEST_USABLE_VECTOR) {
		vlapic_error(v, ESR_RECEIVE_ILLEGAL_VECTOR);
		return;
	}
	if (test_bit(vector, l->tmr) != level) {
		if (level)
			set_bit(vector, l->tmr);
		else
			clear_bit(vector, l->tmr);
	}
	if (test_and_set_bit(vector, l->irr))
		return;
	/* The current vCPU checks its IRR before it enters, unless it is about to sleep. */
	if (v != current || READ_ONCE(v->wait_flags))
		arch_vcpu_kick(v);
}

static bool match_dest(struct vcpu *v, u32 dest, bool logical)
{
	struct vlapic *l = vlapic(v);
	u32 ldr;

	/* No vCPU has id 0xff: it means everybody, in messages of 8 bits as well as for xAPICs. */
	if (dest == 0xffffffffu || (dest == 0xff && !(logical && l->x2apic)))
		return true;
	if (!logical)
		return dest == l->id;
	ldr = l->ldr;
	if (l->x2apic)
		return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
	ldr >>= 24;
	if (l->dfr == DFR_FLAT)
		return ldr & dest & 0xff;
	/* Cluster model: a nibble of cluster, 15 for all, and a mask. */
	return (dest >> 4 == 0xf || dest >> 4 == ldr >> 4) && ldr & dest & 0xf;
}

static struct vcpu *vcpu_of_id(struct domain *d, u32 apic_id)
{
	return apic_id & 1 ? NULL : domain_vcpu(d, apic_id / 2);
}

/* The pCPU that is best for a message's interrupt: that of its target vCPU. */
unsigned int vlapic_dest_cpu(struct domain *d, u32 dest, bool logical)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		if (match_dest(v, dest, logical))
			return READ_ONCE(v->cpu)->id;
	return ~0u;
}

/* Among the accepting destinations, one with the lowest priority; ties go round. */
static struct vcpu *lowest_priority(struct domain *d, u32 dest, bool logical)
{
	static u32 turn; /* any value does: no atomicity needed */
	unsigned int start = WRITE_ONCE(turn, READ_ONCE(turn) + 1) % d->max_vcpus;
	struct vcpu *best = NULL;
	u8 best_ppr = 0;

	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = domain_vcpu(d, (start + i) % d->max_vcpus);

		if (!v || !accepts(v) || !match_dest(v, dest, logical))
			continue;
		if (!best || vlapic_ppr(vlapic(v)) < best_ppr) {
			best = v;
			best_ppr = vlapic_ppr(vlapic(v));
		}
	}
	return best;
}

static void deliver_nmi(struct vcpu *v)
{
	if (vlapic(v)->enabled)
		arch_vcpu_send_nmi(v);
}

static void deliver_to(struct vcpu *v, u8 mode, u8 vector, bool level)
{
	if (mode == APIC_DM_NMI)
		deliver_nmi(v);
	else
		vlapic_set_irq(v, vector, level);
}

void vlapic_deliver_msg(struct domain *d, u32 dest, bool logical, u8 delivery_mode, u8 vector,
			bool level)
{
	struct vcpu *v;

	switch (delivery_mode) {
	case APIC_DM_LOWEST:
		v = lowest_priority(d, dest, logical);
		if (v)
			vlapic_set_irq(v, vector, level);
		return;
	case APIC_DM_FIXED:
	case APIC_DM_NMI:
		break;
	default: /* SMI has no meaning here, ExtINT no source; devices do not start CPUs */
		return;
	}
	if (!logical && dest < 0xff) {
		v = vcpu_of_id(d, dest);
		if (v)
			deliver_to(v, delivery_mode, vector, level);
		return;
	}
	for_each_vcpu(d, v)
		if (match_dest(v, dest, logical))
			deliver_to(v, delivery_mode, vector, level);
}

static void deliver_ipi(struct vcpu *sender, struct vcpu *v, u64 icr)
{
	switch (icr >> 8 & 7) {
	case APIC_DM_FIXED:
		vlapic_set_irq(v, icr & 0xff, false);
		break;
	case APIC_DM_NMI:
		deliver_nmi(v);
		break;
	case APIC_DM_INIT:
		/* Level without assert is the old INIT de-assert: nothing to do. */
		if ((icr & (APIC_ICR_LEVEL | APIC_ICR_ASSERT)) != APIC_ICR_LEVEL)
			hvm_vcpu_init(v);
		break;
	case APIC_DM_STARTUP:
		if (v != sender)
			hvm_vcpu_sipi(v, icr & 0xff);
		break;
	}
}

static void send_to_many(struct vcpu *sender, u64 icr, u32 dest)
{
	bool logical = icr >> 11 & 1;
	unsigned int shorthand = ICR_SHORTHAND(icr);
	struct vcpu *v;

	for_each_vcpu(sender->domain, v) {
		if (shorthand == SHORT_OTHERS && v == sender)
			continue;
		if (shorthand == SHORT_NONE && !match_dest(v, dest, logical))
			continue;
		deliver_ipi(sender, v, icr);
	}
}

void vlapic_send_ipi(struct vcpu *v, u64 icr)
{
	bool logical = icr >> 11 & 1;
	unsigned int mode = icr >> 8 & 7;
	u32 dest = vlapic(v)->x2apic ? (u32)(icr >> 32) : (u32)(icr >> 56);
	struct vcpu *target;

	/* The message is sent anyway: the receiver notes the error, too (SDM vol. 3, 11.5.3). */
	if ((mode == APIC_DM_FIXED || mode == APIC_DM_LOWEST) && (icr & 0xff) < LOWEST_USABLE_VECTOR)
		vlapic_error(v, ESR_SEND_ILLEGAL_VECTOR);
	if (ICR_SHORTHAND(icr) == SHORT_SELF) {
		if (mode == APIC_DM_FIXED) /* the other modes are invalid with it (SDM vol. 3, table 11-3) */
			vlapic_set_irq(v, icr & 0xff, false);
		return;
	}
	if (mode == APIC_DM_LOWEST && ICR_SHORTHAND(icr) == SHORT_NONE) {
		target = lowest_priority(v->domain, dest, logical);
		if (target)
			vlapic_set_irq(target, icr & 0xff, false);
		return;
	}
	if (ICR_SHORTHAND(icr) == SHORT_NONE && !logical && dest != 0xff && dest != 0xffffffffu) {
		target = vcpu_of_id(v->domain, dest);
		if (target)
			deliver_ipi(v, target, icr);
		return;
	}
	/* To all, only fixed and NMI may include the sender; lowest priority becomes fixed. */
	if (mode == APIC_DM_LOWEST)
		icr &= ~(u64)(7 << 8);
	if (ICR_SHORTHAND(icr) == SHORT_ALL && (mode == APIC_DM_INIT || mode == APIC_DM_STARTUP))
		return;
	send_to_many(v, icr, dest);
}

/* After power-up and INIT (SDM vol. 3, 11.4.7.1 and 11.12.5.1). */
void vlapic_reset(struct vcpu *v)
{
	struct vlapic *l = vlapic(v);

	vlapic_timer_stop(v);
	for (unsigned int i = 0; i < ARRAY_SIZE(l->irr); i++) {
		WRITE_ONCE(l->irr[i], 0);
		WRITE_ONCE(l->tmr[i], 0);
		l->isr[i] = 0;
	}
	l->isr_top = 0;
	vlapic_set_tpr(v, 0);
	l->esr = l->esr_pending = 0;
	l->icr = 0;
	l->svr = 0xff;
	l->dfr = DFR_FLAT;
	if (!l->x2apic)
		l->ldr = 0;
	l->timer_initial = l->timer_divide = 0;
	for (unsigned int i = 0; i < NR_LVTS; i++)
		l->lvt[i] = APIC_LVT_MASKED;
}

void vlapic_init(struct vcpu *v)
{
	struct vlapic *l = vlapic(v);

	l->id = PVH_APIC_ID(v->id);
	l->enabled = true;
	l->x2apic = false;
	vlapic_timer_init(v);
	vlapic_reset(v);
}

void vlapic_destroy(struct vcpu *v)
{
	timer_kill(&vlapic(v)->timer);
}

void arch_vcpu_dump(const struct vcpu *v)
{
	const struct vlapic *l = vlapic(v);

	pr_info("    APIC: requests %#lx %#lx %#lx %#lx, in service %#x, TPR %#x, timer %s", l->irr[3],
		l->irr[2], l->irr[1], l->irr[0], l->isr_top, l->tpr, l->timer.pending ? "armed" : "off");
}
