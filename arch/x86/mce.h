/* SPDX-License-Identifier: GPL-2.0-only */
/* Machine checks: the errors that CPUs find in themselves and in memory. */
#ifndef ARCH_X86_MCE_H
#define ARCH_X86_MCE_H

#include <public/mca.h>

#include "common/types.h"

/* SDM vol. 3, 16.3.1 and 16.3.2; what more there is, in mce.c. */
#define MSR_MCG_STATUS 0x17a
#define MSR_MC_CTL(bank) (0x400 + 4 * (bank))
#define MSR_MCG_EXT_CTL 0x4d0
#define MCG_SER_P BIT(24)
#define MCG_LMCE_P BIT(27)
#define MCG_RIPV BIT(0)
#define MCG_EIPV BIT(1)
#define MCG_MCIP BIT(2)
#define MCG_LMCE_S BIT(3)
#define MCG_LMCE_EN BIT(0)

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
	mfn_t frame;	/* that has lost data, or INVALID_MFN; known once the error is reported */
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
/*
 * The exception while a guest ran, from its exit: true if the guest cannot go on. *used then is the
 * error; if there are several, without a frame. Panics if the machine cannot go on. No locks.
 */
bool mce_in_guest(struct mce_record *used);
/*
 * A guest's CPU shut down: on SVM a machine check does that while CR4.MCE is clear. Logs it, or
 * panics, if it was one.
 */
void mce_at_shutdown(void);
/* For Dom0: the oldest record of a queue, and its id, which is never 0. It goes with mce_ack(). */
bool mce_oldest(bool urgent, struct mce_record *r, u64 *id);
void mce_ack(bool urgent, u64 id);

#endif
