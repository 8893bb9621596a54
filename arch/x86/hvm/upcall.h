/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt that a vCPU takes next: an event channel upcall, or one from its local APIC. */
#ifndef ARCH_X86_HVM_UPCALL_H
#define ARCH_X86_HVM_UPCALL_H

#include "arch/x86/hvm/vcpu.h"

/*
 * The vector to inject at the next entry of v; 0: none, or only one that waits for the task priority to fall below
 * held_class. If it is the local APIC's, the caller tells vlapic_ack_vector() once it is injected; if not, nothing
 * need be told: the guest clears evtchn_upcall_pending.
 */
struct hvm_pending { u8 vector, held_class; bool via_apic; };
/* On v's CPU. */
struct hvm_pending hvm_pending_vector(struct x86_vcpu *v);

#endif
