/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of a virtual local APIC: as the xAPIC page, as x2APIC MSRs
 * (SDM vol. 3, table 11-6), and as the image that is saved.
 */
#include <public/errno.h>

#include "arch/x86/hvm/ops.h"
#include "arch/x86/irq/irq.h"
#include "common/evtchn.h"
#include "common/printk.h"

/* Six LVT entries, version 0x14, no directed EOI, no CMCI. */
#define VLAPIC_VERSION (0x14u | (NR_LVTS - 1) << 16)

#define DFR_MODEL_MASK 0xf0000000u
#define SVR_MASK 0x3ffu
#define TDCR_MASK 0xbu
#define ESR_MASK 0xefu
/*
 * Vector, delivery mode, destination mode, assert, trigger, shorthand; x2APIC has no delivery
 * status.
 */
#define ICR_LOW_MASK 0x000ccfffu
#define MSR_X2APIC_FIRST 0x800
#define MSR_X2APIC_LAST 0x8ff
#define IMAGE(reg) ((reg) / 4)

static const u32 lvt_writable[NR_LVTS] = {
	[LVT_TIMER] = 0x300ff,	/* vector, mask, periodic */
	[LVT_THERMAL] = 0x107ff, /* vector, delivery mode, mask */
	[LVT_PERF] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff,	/* and polarity, trigger mode */
	[LVT_LINT1] = 0x1a7ff,
	[LVT_ERROR] = 0x100ff,
};
#define LVT_READ_ONLY 0x5000u /* delivery status, remote IRR: may be written, to no effect */

static int lvt_index(unsigned int reg)
{
	if (reg < APIC_LVT_TIMER || reg > APIC_LVT_ERROR)
		return -1;
	return (int)index_nospec((reg - APIC_LVT_TIMER) >> 4, NR_LVTS);
}

static u32 x2apic_ldr(u32 id) { return (id >> 4) << 16 | 1u << (id & 0xf); }

/* A 32-bit part of IRR, ISR or TMR. */
static u32 map_word(const u64 *map, unsigned int reg, unsigned int first)
{
	unsigned int i = (unsigned int)index_nospec((reg - first) >> 4, 8);

	return (u32)(READ_ONCE(map[i / 2]) >> (i % 2 * 32));
}

/* Registers that both modes have. Negative: there is none that can be read here. */
static s64 reg_read(struct vcpu *v, unsigned int reg)
{
	struct vlapic *l = vlapic(v);

	switch (reg) {
	case APIC_ID:
		return l->x2apic ? l->id : l->id << 24;
	case APIC_LVR:
		return VLAPIC_VERSION;
	case APIC_TPR:
		vlapic_set_cr8(v, hvm_ops->get_tpr(x86_vcpu(v)));
		return l->tpr;
	case APIC_PPR:
		return vlapic_ppr(l);
	case APIC_LDR:
		return l->ldr;
	case APIC_SVR:
		return l->svr;
	case APIC_ISR ... APIC_ISR + 0x70:
		return map_word(l->isr, reg, APIC_ISR);
	case APIC_TMR ... APIC_TMR + 0x70:
		return map_word(l->tmr, reg, APIC_TMR);
	case APIC_IRR ... APIC_IRR + 0x70:
		return map_word(l->irr, reg, APIC_IRR);
	case APIC_ESR:
		return l->esr;
	case APIC_ICR:
		return (u32)l->icr;
	case APIC_LVT_TIMER ... APIC_LVT_ERROR:
		return l->lvt[lvt_index(reg)];
	case APIC_TMICT:
		return l->timer_initial;
	case APIC_TMCCT:
		return vlapic_timer_count(v);
	case APIC_TDCR:
		return l->timer_divide;
	default:
		return -EINVAL;
	}
}

static void write_svr(struct vcpu *v, u32 val)
{
	struct vlapic *l = vlapic(v);
	bool was = l->svr & APIC_SVR_ENABLE;

	l->svr = val & SVR_MASK;
	if (!(val & APIC_SVR_ENABLE)) {
		for (unsigned int i = 0; i < NR_LVTS; i++)
			l->lvt[i] |= APIC_LVT_MASKED;
		return;
	}
	/*
	 * An upcall that came too early was dropped, and further events do not send another one
	 * (docs/interrupts.md, upcalls).
	 */
	if (!was && v->upcall_vector && v->info && READ_ONCE(v->info->evtchn_upcall_pending))
		arch_upcall(v);
}

static void write_lvt(struct vcpu *v, unsigned int i, u32 val)
{
	struct vlapic *l = vlapic(v);
	u32 old = l->lvt[i];

	val &= lvt_writable[i];
	if (!(l->svr & APIC_SVR_ENABLE))
		val |= APIC_LVT_MASKED;
	WRITE_ONCE(l->lvt[i], val);
	if (i == LVT_TIMER && (old ^ val) & APIC_LVT_PERIODIC)
		vlapic_timer_mode_changed(v);
}

/*
 * Registers that both modes write alike; reserved bits were checked or are ignored. -EINVAL: none
 * here.
 */
static int reg_write(struct vcpu *v, unsigned int reg, u32 val)
{
	struct vlapic *l = vlapic(v);

	switch (reg) {
	case APIC_TPR:
		vlapic_set_tpr(v, (u8)val);
		return 0;
	case APIC_EOI:
		vlapic_eoi(v);
		return 0;
	case APIC_SVR:
		write_svr(v, val);
		return 0;
	case APIC_ESR:
		l->esr = __atomic_exchange_n(&l->esr_pending, 0, __ATOMIC_SEQ_CST);
		return 0;
	case APIC_LVT_TIMER ... APIC_LVT_ERROR:
		write_lvt(v, lvt_index(reg), val);
		return 0;
	case APIC_TMICT:
		vlapic_timer_start(v, val);
		return 0;
	case APIC_TDCR:
		vlapic_timer_set_divide(v, val);
		return 0;
	default:
		return -EINVAL;
	}
}

bool vlapic_mmio_active(const struct vcpu *v, u64 gpa)
{
	const struct vlapic *l = vlapic(v);

	return l->enabled && !l->x2apic && (gpa & PAGE_MASK) == APIC_DEFAULT_PHYS_BASE;
}

u32 vlapic_mmio_read(struct vcpu *v, unsigned int offset)
{
	struct vlapic *l = vlapic(v);
	s64 val;

	if (offset & 0xf)
		return 0;
	if (offset == APIC_DFR)
		return l->dfr;
	if (offset == APIC_ICR2)
		return (u32)(l->icr >> 32);
	if (offset == APIC_APR || offset == APIC_RRD || offset == APIC_EOI)
		return 0;
	val = reg_read(v, offset);
	if (val < 0)
		vlapic_error(v, ESR_ILLEGAL_REGISTER);
	return val < 0 ? 0 : (u32)val;
}

void vlapic_mmio_write(struct vcpu *v, unsigned int offset, u32 val)
{
	struct vlapic *l = vlapic(v);

	if (offset & 0xf)
		return;
	switch (offset) {
	case APIC_ICR:
		l->icr = (l->icr & ~0xffffffffull) | (val & ICR_LOW_MASK);
		vlapic_send_ipi(v, l->icr);
		break;
	case APIC_ICR2:
		l->icr = (l->icr & 0xffffffffull) | (u64)(val & 0xff000000u) << 32;
		break;
	case APIC_LDR:
		l->ldr = val & 0xff000000u;
		break;
	case APIC_DFR:
		l->dfr = val | ~DFR_MODEL_MASK;
		break;
	case APIC_ID: /* read-only, as on all CPUs with x2APIC */
	case APIC_LVR:
		break;
	default:
		if (reg_write(v, offset, val) < 0)
			vlapic_error(v, ESR_ILLEGAL_REGISTER);
	}
}

/* Which bits WRMSR may set in a register: others give #GP (SDM vol. 3, 11.12.1.3). */
static bool x2apic_value_ok(unsigned int reg, u64 val)
{
	int lvt = lvt_index(reg);

	if (lvt >= 0)
		return !(val & ~(u64)(lvt_writable[lvt] | LVT_READ_ONLY));
	switch (reg) {
	case APIC_TPR:
		return val <= 0xff;
	case APIC_EOI:
	case APIC_ESR:
		return val == 0;
	case APIC_SVR:
		return !(val & ~(u64)SVR_MASK);
	case APIC_TMICT:
		return val <= 0xffffffffu;
	case APIC_TDCR:
		return !(val & ~(u64)TDCR_MASK);
	default:
		return false;
	}
}

static int x2apic_write(struct vcpu *v, u32 msr, u64 val)
{
	struct vlapic *l = vlapic(v);
	unsigned int reg = (msr - MSR_X2APIC_FIRST) << 4;

	if (unlikely(!l->x2apic || !l->enabled))
		return -EINVAL;
	/* The frequent ones first. */
	if (reg == APIC_EOI) {
		if (val)
			return -EINVAL;
		vlapic_eoi(v);
		return 0;
	}
	if (reg == APIC_ICR) {
		if ((u32)val & ~ICR_LOW_MASK)
			return -EINVAL;
		l->icr = val;
		vlapic_send_ipi(v, val);
		return 0;
	}
	if (reg == APIC_SELF_IPI) {
		if (val > 0xff)
			return -EINVAL;
		if (val < LOWEST_USABLE_VECTOR) /* sent anyway, as in vlapic_send_ipi() */
			vlapic_error(v, ESR_SEND_ILLEGAL_VECTOR);
		vlapic_set_irq(v, (u8)val, false);
		return 0;
	}
	if (!x2apic_value_ok(reg, val))
		return -EINVAL;
	return reg_write(v, reg, (u32)val);
}

static int x2apic_read(struct vcpu *v, u32 msr, u64 *val)
{
	struct vlapic *l = vlapic(v);
	unsigned int reg = (msr - MSR_X2APIC_FIRST) << 4;
	s64 low;

	if (!l->x2apic || !l->enabled)
		return -EINVAL;
	low = reg_read(v, reg);
	*val = reg == APIC_ICR ? l->icr : (u64)low;
	return low < 0 ? -EINVAL : 0;
}

u64 vlapic_get_base(const struct vcpu *v)
{
	const struct vlapic *l = vlapic(v);

	return APIC_DEFAULT_PHYS_BASE | (v->id == 0 ? APIC_BASE_BSP : 0) |
	       (l->x2apic ? APIC_BASE_EXTD : 0) | (l->enabled ? APIC_BASE_EN : 0);
}

static void set_mode(struct vcpu *v, bool enabled, bool x2apic)
{
	struct vlapic *l = vlapic(v);

	l->enabled = enabled;
	l->x2apic = x2apic;
	if (x2apic)
		l->ldr = x2apic_ldr(l->id);
}

/*
 * Is it a value that the register can hold? The base cannot be moved. BSP is what the hardware
 * says.
 */
static bool base_ok(u64 base)
{
	u64 settable = APIC_BASE_BSP | APIC_BASE_EXTD | APIC_BASE_EN;

	return (base & ~settable) == APIC_DEFAULT_PHYS_BASE &&
	       (base & APIC_BASE_EN || !(base & APIC_BASE_EXTD));
}

/* Modes and the transitions between them: SDM vol. 3, 11.12.5 and figure 11-27. */
static int write_base(struct vcpu *v, u64 base)
{
	struct vlapic *l = vlapic(v);
	bool en = base & APIC_BASE_EN, extd = base & APIC_BASE_EXTD;

	if (!base_ok(base)) {
		pr_guest(v->domain, "vCPU %u: refused IA32_APIC_BASE %#llx\n", v->id, (unsigned long long)base);
		return -EINVAL;
	}
	if (l->enabled && l->x2apic && en && !extd)
		return -EINVAL; /* back to xAPIC only through disabled */
	if (!l->enabled && extd)
		return -EINVAL; /* x2APIC only by way of xAPIC */
	if (l->enabled && !en) {
		l->x2apic = false;
		vlapic_reset(v);
	}
	if (en != l->enabled || extd != l->x2apic)
		set_mode(v, en, extd);
	return 0;
}

int vlapic_msr_read(struct vcpu *v, u32 msr, u64 *val)
{
	if (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST)
		return x2apic_read(v, msr, val);
	if (msr != MSR_APIC_BASE)
		return -EINVAL;
	*val = vlapic_get_base(v);
	return 0;
}

int vlapic_msr_write(struct vcpu *v, u32 msr, u64 val)
{
	if (likely(msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST))
		return x2apic_write(v, msr, val);
	if (msr != MSR_APIC_BASE)
		return -EINVAL;
	return write_base(v, val);
}

int vlapic_load_base(struct vcpu *v, u64 base, bool apply)
{
	if (!base_ok(base))
		return -EINVAL;
	if (apply)
		set_mode(v, base & APIC_BASE_EN, base & APIC_BASE_EXTD);
	return 0;
}

void vlapic_save_regs(struct vcpu *v, u32 regs[256])
{
	struct vlapic *l = vlapic(v);

	memset(regs, 0, 256 * sizeof(regs[0]));
	for (unsigned int reg = 0; reg < 0x400; reg += 0x10)
		regs[IMAGE(reg)] = (u32)max(reg_read(v, reg), 0l);
	regs[IMAGE(APIC_DFR)] = l->dfr;
	regs[IMAGE(APIC_ICR2)] = (u32)(l->icr >> 32);
}

static void load_map(u64 map[4], const u32 *regs, unsigned int first)
{
	for (unsigned int i = 0; i < 4; i++)
		map[i] = regs[IMAGE(first + i * 0x20)] | (u64)regs[IMAGE(first + i * 0x20 + 0x10)] << 32;
}

int vlapic_load_regs(struct vcpu *v, const u32 regs[256], bool apply)
{
	struct vlapic *l = vlapic(v);

	/* Vectors below 16 cannot be pending or in service: the rest of the code relies on it. */
	if ((regs[IMAGE(APIC_IRR)] | regs[IMAGE(APIC_ISR)] | regs[IMAGE(APIC_TMR)]) & 0xffff)
		return -EINVAL;
	if (!apply)
		return 0;
	vlapic_timer_stop(v);
	load_map(l->irr, regs, APIC_IRR);
	load_map(l->isr, regs, APIC_ISR);
	load_map(l->tmr, regs, APIC_TMR);
	l->isr_top = 0;
	for (unsigned int w = 0; w < 4; w++)
		if (l->isr[w])
			l->isr_top = (u8)(w * 64 + fls64(l->isr[w]));
	vlapic_set_tpr(v, (u8)regs[IMAGE(APIC_TPR)]);
	l->svr = regs[IMAGE(APIC_SVR)] & SVR_MASK;
	l->esr = regs[IMAGE(APIC_ESR)] & ESR_MASK;
	l->ldr = l->x2apic ? x2apic_ldr(l->id) : regs[IMAGE(APIC_LDR)] & 0xff000000u;
	l->dfr = regs[IMAGE(APIC_DFR)] | ~DFR_MODEL_MASK;
	l->icr = (u64)regs[IMAGE(APIC_ICR2)] << 32 | (regs[IMAGE(APIC_ICR)] & ICR_LOW_MASK);
	for (unsigned int i = 0; i < NR_LVTS; i++)
		write_lvt(v, i, regs[IMAGE(APIC_LVT_TIMER + i * 0x10)]);
	l->timer_divide = regs[IMAGE(APIC_TDCR)] & TDCR_MASK;
	vlapic_timer_start(v, regs[IMAGE(APIC_TMICT)]);
	return 0;
}
