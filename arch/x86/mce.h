/* SPDX-License-Identifier: GPL-2.0-only */
/* Machine checks: the errors that CPUs find in themselves and in memory. */
#ifndef ARCH_X86_MCE_H
#define ARCH_X86_MCE_H

#include <public/mca.h>

#include "common/types.h"

/* How severe an error is. */
enum mce_severity {
	MCE_NOTHING,
	MCE_CORRECTED,
	MCE_DEFERRED,	 /* data is lost, and nobody has used it yet */
	MCE_RECOVERABLE, /* this CPU cannot continue what it executed; the others can */
	MCE_FATAL,
};

struct mce_record {
	u64 status, addr, misc, tsc, gstatus;
	u32 cpu;
	u16 bank, domid, vcpu, owner; /* who ran there; the frame's owner, or DOMID_INVALID */
	u16 source;	/* MC_FLAG_*: how it was found */
	u16 severity;
};

/*
 * Each CPU, once its timers and its local APIC work: logs errors from before the boot, and switches
 * reporting on.
 */
void mce_init_cpu(void);
/* MCG_CAP of the boot CPU; 0: no banks. */
u64 mce_cap(void);
/* VECTOR_CMCI: this CPU has corrected an error. Interrupts off, no locks. */
void mce_interrupt(void);
/*
 * The exception in Keel, which may hold any lock. False: Keel cannot continue. WORK_ARCH does the
 * rest.
 */
bool mce_exception(void);
void mce_work(void);
/* The exception while a guest ran, from its exit: true if the guest cannot go on. */
bool mce_in_guest(void);
/*
 * A guest's CPU shut down: on SVM a machine check does that while CR4.MCE is clear. Logs it, or
 * panics, if it was one.
 */
void mce_at_shutdown(void);
/* For Dom0: the oldest record of a queue, and its id, which is never 0. It goes with mce_ack(). */
bool mce_oldest(bool urgent, struct mce_record *r, u64 *id);
void mce_ack(bool urgent, u64 id);

#endif
