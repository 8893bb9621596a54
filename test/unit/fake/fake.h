/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fake arch: what common/ needs from arch/, and from those parts of common/
 * that a test does not bring, for unit tests on the host.
 *
 * Every function here that a real source could provide is weak, so the real one,
 * or one in the test, takes its place (test/unit.mk). One thread plays all CPUs:
 * fake_run_on(cpu, vcpu) says who is executing. Call fake_reset() at the start of
 * each test (UNIT_TEST() does it), then:
 *
 *	struct domain *d = fake_domain(1, 2);		domain 1 with two vCPUs
 *	fake_run_on(0, d->vcpu[0]);			now current, on CPU 0
 *	rc = do_event_channel_op(EVTCHNOP_send, (unsigned long)&arg, 0, 0, 0);
 *	fake_check_quiet();				no lock held, nothing leaked
 */
#ifndef TEST_UNIT_FAKE_H
#define TEST_UNIT_FAKE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain.h"
#include "common/heap.h"
#include "common/lib.h"
#include "common/printk.h"
#include "common/rcu.h"
#include "common/vsnprintf.h"

/* A fake that a real source, or the test, replaces by defining it. */
#define FAKE __attribute__((weak))

#define FAKE_CPUS 4		/* CPUs 0..3 are up */
#define FAKE_RAM MiB(64)	/* machine memory: frames 0..16383; 0..255 belong to nobody */

/* Everything as at the start: no domains, all memory free, time 0, no records. */
void fake_reset(void);

/* --- Failure injection -------------------------------------------------- */
/*
 * Every fake allocator asks fake_alloc_fails() first. The way to test "each
 * allocation fails once":
 *
 *	FAKE_EACH_FAILURE(n) {
 *		set up;
 *		fake_fail_nth(n);
 *		rc = what is tested;
 *		if (fake_failure_happened())
 *			...rc is -ENOMEM and nothing changed...
 *		fake_fail_nth(0) does not forget whether it happened;
 *		tear down;
 *	}
 *
 * The loop ends after the first round in which no allocation failed.
 */
void fake_fail_nth(unsigned int nth);		/* nth allocation from now fails; 0: none */
void fake_fail_from(unsigned int nth);		/* and so do all after it: memory is out, and stays so */
bool fake_failure_happened(void);		/* did an allocation fail since fake_fail_nth(n > 0)? */
bool fake_alloc_fails(void);			/* each fake allocator asks this */
/* Called by each allocation first, to play other CPUs; NULL: nothing. */
extern void (*fake_on_alloc)(void);
extern void (*fake_on_free)(mfn_t mfn, u64 n);	/* before frames are freed; NULL: nothing */
void fake_free_arrays(void);			/* all that array_room() gave */
u64 fake_live_pages(void);			/* frames that are not free */
u64 fake_live_objects(void);			/* domains and vCPUs that are not freed */

#define FAKE_EACH_FAILURE(n) \
	for (unsigned int n = 1; n == 1 || fake_failure_happened(); n++)

/* --- CPUs, locks --------------------------------------------------------- */
/* From now on this is executed on cpu, by v (NULL: its idle vCPU). */
void fake_run_on(unsigned int cpu, struct vcpu *v);
unsigned int fake_kicks(unsigned int cpu);	/* arch_send_kick() of this CPU so far */
unsigned int fake_locks_held(void);		/* over all CPUs (real spinlock.c or not) */
void fake_check_quiet(void);			/* fails the test if a lock is held */
/* Called by pcpu_wait_exit() and irq_window(), to play the other CPUs; NULL: nothing. */
extern void (*fake_on_wait)(void);

/* --- Panic, messages ----------------------------------------------------- */
/*
 * FAKE_PANICS(statement) is true if it called panic(). Any other panic fails the
 * test. The message is in fake_panic_message then.
 */
extern jmp_buf fake_panic_jump;
extern bool fake_panic_expected;
extern char fake_panic_message[256];
#define FAKE_PANICS(...) ({						\
	volatile bool _panicked = true;					\
	fake_panic_expected = true;					\
	if (!setjmp(fake_panic_jump)) {					\
		__VA_ARGS__;						\
		_panicked = false;					\
	}								\
	fake_panic_expected = false;					\
	_panicked;							\
})
extern char fake_last_message[256];		/* of printk(); KEEL_TEST_VERBOSE=1 shows all */

/* --- Time ---------------------------------------------------------------- */
extern u64 fake_now;				/* what now() says */
#define FAKE_ARM_MAX 1000000000ull		/* farther deadlines are armed in steps */
extern u64 fake_armed[FAKE_CPUS];		/* what each CPU's hardware timer is set to */
/* Moves the clock, and runs the fake timers that expire on the way, in their order. */
void fake_advance(u64 ns);

/* --- Domains -------------------------------------------------------------- */
/*
 * A live domain with its vCPUs up, on CPU (id % FAKE_CPUS), with shared_info; id 0 is control and
 * hardware domain.
 */
struct domain *fake_domain(domid_t id, unsigned int vcpus);
/* What happened to the domain. */
struct fake_events {
	unsigned int crashes, shutdowns, wakes, sleeps, kicks, upcalls, pauses, unpauses;
	unsigned int p2m_flushes, virqs;
	u8 shutdown_reason;
	char crash_message[128];
	unsigned int last_virq;
	struct vcpu *last_upcall, *last_wake, *last_kick;
	struct domain *crashed;
	unsigned int sched_work;	/* vcpu_block(), vcpu_yield() */
};
extern struct fake_events fake_events;

/* --- Guest memory ---------------------------------------------------------- */
/*
 * Guest virtual addresses are host addresses: pass (u64)&object. Those below
 * 64 KiB fault. fake_guest_fault_nth(n): the nth copy from now faults.
 */
void fake_guest_fault_nth(unsigned int nth);
/*
 * Called before each copy with its address, to change memory while a hypercall runs; NULL: nothing.
 */
extern void (*fake_on_guest_access)(u64 gva, size_t len, bool write);
/* Gives d a page of RAM at gfn, through p2m_set(). Returns its frame. */
mfn_t fake_populate(struct domain *d, gfn_t gfn);

/* --- Hypercalls ------------------------------------------------------------- */
/* hypercall_preempt_check() becomes true at the nth call from now (0: never). */
void fake_preempt_nth(unsigned int nth);
extern struct { bool continued; unsigned long nr, args[5]; } fake_continuation;

/* --- RCU ---------------------------------------------------------------------- */
/* Fake rcu_call() keeps the callbacks until this runs them. */
void fake_rcu_run(void);

#endif /* TEST_UNIT_FAKE_H */
