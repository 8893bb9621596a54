/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channel upcalls (docs/interrupts.md). With a vector of its own a vCPU gets them as an
 * interrupt of its local APIC, which it ends with an EOI. With the domain's callback vector, Keel
 * injects them directly as long as evtchn_upcall_pending is set, and there is no EOI. Either way
 * the vector is there when the vCPU is next entered: no exit is needed to open a window.
 */
#include "arch/x86/hvm/upcall.h"

#include "arch/x86/hvm/ops.h"
#include "arch/x86/hvm/vcpu.h"
#include "common/evtchn.h"
#include "common/sched.h"

void arch_upcall(struct vcpu *v)
{
	if (v->upcall_vector) {
		vlapic_set_irq(v, v->upcall_vector, false);
		return;
	}
	/* The current vCPU checks before it enters, unless it is about to sleep. */
	if (hvm_callback_vector(v) && (v != current || READ_ONCE(v->wait_flags)))
		arch_vcpu_kick(v);
}

bool arch_vcpu_has_events(struct vcpu *v)
{
	struct x86_vcpu *x = x86_vcpu(v);

	return READ_ONCE(x->nmi_pending) || x->exception_pending || hvm_pending_vector(x).vector;
}

bool arch_event_deliverable(struct vcpu *v)
{
	return arch_vcpu_has_events(v) &&
	       (READ_ONCE(x86_vcpu(v)->nmi_pending) ||
		hvm_ops->get_reg(x86_vcpu(v), HREG_RFLAGS) & X86_EFLAGS_IF);
}
