/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC that a guest sees: xAPIC and x2APIC (SDM vol. 3, chapter 11). */
#ifndef ARCH_X86_HVM_VLAPIC_H
#define ARCH_X86_HVM_VLAPIC_H

#include "common/timer.h"
#include "common/types.h"

struct vcpu;
struct domain;

enum vlapic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, NR_LVTS };

/*
 * All fields belong to the vCPU's own CPU, or to whoever has the vCPU stopped, unless said
 * otherwise.
 */
struct vlapic {
	u64 irr[4], tmr[4];	/* atomic: other CPUs set bits */
	u64 isr[4];
	u32 id, tpr, svr, esr, ldr, dfr;
	u32 esr_pending;	/* atomic: errors since the last write to ESR */
	u64 icr;
	u32 lvt[NR_LVTS];
	u32 timer_initial, timer_divide; /* divide: as written to the divide configuration register */
	u64 timer_started;	/* ns of now() */
	struct timer timer;
	bool x2apic, enabled;	/* IA32_APIC_BASE bits 10 and 11 */
	u8 isr_top;		/* cached highest in service, 0 = none */
};

/* Does an interrupt wait, whatever the priority? A look only: other CPUs send more at any time. */
static inline bool vlapic_requests(const struct vlapic *l)
{
	return READ_ONCE(l->irr[0]) | READ_ONCE(l->irr[1]) | READ_ONCE(l->irr[2]) | READ_ONCE(l->irr[3]);
}

/*
 * Set up at creation, with the id of the vCPU (2 * vcpu_id), in xAPIC mode; torn down when v never
 * runs again.
 */
void vlapic_init(struct vcpu *v);
void vlapic_destroy(struct vcpu *v);
/* INIT: everything but id and mode. v does not run, or is current */
void vlapic_reset(struct vcpu *v);

/*
 * Makes a fixed interrupt pending (edge or level) and kicks v. Dropped while
 * the APIC is disabled. Any CPU, any locks below RANK_VCPU.
 */
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level);
/*
 * Delivers a message (MSI, IO-APIC) to its destination; INIT and start-up messages from devices are
 * dropped. Any CPU, any locks below RANK_VCPU.
 */
void vlapic_deliver_msg(struct domain *d, u32 dest, bool logical, u8 delivery_mode, u8 vector,
			bool level);
/* The pCPU of one of the destination's vCPUs, or ~0u: for irq_alloc(). */
unsigned int vlapic_dest_cpu(struct domain *d, u32 dest, bool logical);

/*
 * An interrupt that waits: one that can go in now, or one that only the task priority holds back,
 * or none (both 0).
 */
struct vlapic_pending { u8 vector, held_class; };
/* The highest above the priority now. On v's CPU. */
struct vlapic_pending vlapic_pending_vector(struct vcpu *v);
/* Moves vector from IRR to ISR: it is being injected. On v's CPU. */
void vlapic_ack_vector(struct vcpu *v, u8 vector);
/* Task priority changed by the guest through CR8 (as CR8 value). On v's CPU. */
void vlapic_set_cr8(struct vcpu *v, u8 cr8);
u8 vlapic_get_cr8(struct vcpu *v);
/* Task priority written as a register: CR8 follows. */
void vlapic_set_tpr(struct vcpu *v, u8 tpr);
/* Processor priority: the higher class of TPR and of what is in service. */
u8 vlapic_ppr(const struct vlapic *l);

/* Parts of the register file (vlapic_regs.c); v is current. */
void vlapic_eoi(struct vcpu *v);
void vlapic_send_ipi(struct vcpu *v, u64 icr);
void vlapic_error(struct vcpu *v, u32 esr_bit); /* any CPU */
#define LOWEST_USABLE_VECTOR 16
#define ESR_SEND_ILLEGAL_VECTOR	   BIT(5)
#define ESR_RECEIVE_ILLEGAL_VECTOR BIT(6)
#define ESR_ILLEGAL_REGISTER	   BIT(7)
/* vlapic_timer.c */
void vlapic_timer_init(struct vcpu *v);
void vlapic_timer_start(struct vcpu *v, u32 initial); /* 0 stops it */
void vlapic_timer_set_divide(struct vcpu *v, u32 tdcr);
void vlapic_timer_mode_changed(struct vcpu *v);
u32 vlapic_timer_count(struct vcpu *v);
void vlapic_timer_stop(struct vcpu *v);

/* MSRs 0x1b, 0x6e0, 0x800..0x8ff: 0, or -EINVAL for #GP. v is current. */
int vlapic_msr_read(struct vcpu *v, u32 msr, u64 *val);
int vlapic_msr_write(struct vcpu *v, u32 msr, u64 val);
/*
 * xAPIC page: offset 0..0xfff, aligned 4-byte accesses (others read 0 / are dropped). v is current.
 */
u32 vlapic_mmio_read(struct vcpu *v, unsigned int offset);
void vlapic_mmio_write(struct vcpu *v, unsigned int offset, u32 val);
bool vlapic_mmio_active(const struct vcpu *v, u64 gpa);

/*
 * Save and restore (XEN_DOMCTL_{get,set}hvmcontext): the register page as
 * hardware lays it out, and IA32_APIC_BASE. v does not run. Loading a base with
 * an impossible mode, or a vector below 16 pending, is -EINVAL; that changes nothing, nor does
 * a call without apply.
 */
void vlapic_save_regs(struct vcpu *v, u32 regs[256]);
int vlapic_load_regs(struct vcpu *v, const u32 regs[256], bool apply);
u64 vlapic_get_base(const struct vcpu *v);
int vlapic_load_base(struct vcpu *v, u64 base, bool apply);

#define APIC_DEFAULT_PHYS_BASE PVH_LAPIC_BASE

#endif
