/* SPDX-License-Identifier: GPL-2.0-only */
/* What interrupt a vCPU takes next: an event channel upcall or one of its local APIC. */
#ifndef ARCH_X86_HVM_UPCALL_H
#define ARCH_X86_HVM_UPCALL_H

#include "arch/x86/hvm/vcpu.h"

/*
 * The vector to inject at the next entry of v, or negative as
 * vlapic_pending_vector() says; on v's CPU. If *via_apic,
 * the caller tells vlapic_ack_vector() once it is injected; if not, nothing
 * need be told: the guest clears evtchn_upcall_pending.
 */
int hvm_pending_vector(struct x86_vcpu *v, bool *via_apic);

#endif
