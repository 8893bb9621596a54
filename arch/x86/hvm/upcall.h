/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt that a vCPU takes next: an event channel upcall, or one from its local APIC. */
#ifndef ARCH_X86_HVM_UPCALL_H
#define ARCH_X86_HVM_UPCALL_H

#include "arch/x86/hvm/vcpu.h"

/*
 * The vector to inject at the next entry of v; 0: none, or only one that waits for the task
 * priority to fall below held_class. If it is the local APIC's, the caller tells
 * vlapic_ack_vector() once it is injected; if not, nothing need be told: the guest clears
 * evtchn_upcall_pending.
 */
struct hvm_pending { u8 vector, held_class; bool via_apic; };
/* The domain's callback vector, if it is due for v; else 0. */
static inline u8 hvm_callback_vector(const struct vcpu *v)
{
	u64 via = READ_ONCE(v->domain->hvm_params[HVM_PARAM_CALLBACK_IRQ]);

	if (via >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR || !v->info ||
	    !READ_ONCE(v->info->evtchn_upcall_pending))
		return 0;
	return (u8)via >= 16 ? (u8)via : 0;
}

/* On v's CPU. Inline: each entry asks. */
static inline struct hvm_pending hvm_pending_vector(struct x86_vcpu *v)
{
	u8 vector = v->v.upcall_vector ? 0 : hvm_callback_vector(&v->v);
	struct vlapic_pending p;

	if (unlikely(vector))
		return (struct hvm_pending){ .vector = vector };
	if (likely(!vlapic_requests(&v->vlapic)))
		return (struct hvm_pending){ 0 };
	p = vlapic_pending_vector(&v->v);
	return (struct hvm_pending){ p.vector, p.held_class, .via_apic = true };
}

#endif
