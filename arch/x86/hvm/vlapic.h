/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC that a guest sees: xAPIC and x2APIC (SDM vol. 3, chapter 11). */
#ifndef ARCH_X86_HVM_VLAPIC_H
#define ARCH_X86_HVM_VLAPIC_H

#include "common/timer.h"
#include "common/types.h"

struct vcpu;
struct domain;

struct vlapic {
	u32 irr[8], isr[8], tmr[8]; /* irr atomic: other CPUs set bits */
	u32 id, tpr, svr, esr, esr_pending, ldr, dfr;
	u64 icr;
	u32 lvt[6];		/* timer, thermal, perf, lint0, lint1, error */
	u32 timer_initial, timer_divide;
	u64 timer_started;	/* ns; TSC deadline in tsc_deadline */
	u64 tsc_deadline;
	struct timer timer;
	bool x2apic, enabled;	/* IA32_APIC_BASE bits 10 and 11 */
	u8 isr_top;		/* cached highest in service, 0 = none */
};

void vlapic_init(struct vcpu *v);
void vlapic_destroy(struct vcpu *v);
void vlapic_reset(struct vcpu *v);	/* INIT: everything but id and mode */

/* Makes a fixed interrupt pending (edge or level) and kicks v. Dropped while software-disabled. Any CPU, any locks below RANK_VCPU. */
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level);
/* A message (MSI, IO-APIC, IPI) to whom its destination names (abi.md: dest id, logical/physical, delivery mode). */
void vlapic_deliver_msg(struct domain *d, u32 dest, bool logical, u8 delivery_mode, u8 vector, bool level);
bool vlapic_match_dest(struct vcpu *v, u32 dest, bool logical);

/* Highest deliverable vector above the priority now, or -1. On v's CPU. */
int vlapic_pending_vector(struct vcpu *v);
/* Moves vector from IRR to ISR: it is being injected. */
void vlapic_ack_vector(struct vcpu *v, u8 vector);
/* Task priority changed by the guest through CR8 (as CR8 value). */
void vlapic_set_cr8(struct vcpu *v, u8 cr8);
u8 vlapic_get_cr8(struct vcpu *v);

/* MSRs 0x1b, 0x6e0, 0x800..0x8ff: 0, or -EINVAL for #GP. */
int vlapic_msr_read(struct vcpu *v, u32 msr, u64 *val);
int vlapic_msr_write(struct vcpu *v, u32 msr, u64 val);
/* xAPIC page: offset 0..0xfff, aligned 4-byte accesses (others read 0 / are dropped). */
u32 vlapic_mmio_read(struct vcpu *v, unsigned int offset);
void vlapic_mmio_write(struct vcpu *v, unsigned int offset, u32 val);
bool vlapic_mmio_active(const struct vcpu *v, u64 gpa);

/* Save and restore (XEN_DOMCTL_{get,set}hvmcontext): the register page as hardware lays it out. */
void vlapic_save_regs(struct vcpu *v, u32 regs[256]);
void vlapic_load_regs(struct vcpu *v, const u32 regs[256]);

#define APIC_DEFAULT_PHYS_BASE 0xfee00000u

#endif
