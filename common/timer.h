/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers: one queue per CPU; callbacks run on that CPU with interrupts off and no lock held. */
#ifndef COMMON_TIMER_H
#define COMMON_TIMER_H

#include <machine/time.h>

#include "common/pqueue.h"

struct pcpu;

/* Contains everything that its queue needs, so that starting it never fails. */
struct timer {
	struct pq_node node;	/* key: when it expires, ns of now() */
	void (*fn)(void *data);
	void *data;
	struct pcpu *cpu;	/* on whose queue. T: cpu->timer_lock */
	bool pending;		/* T: it is set and has not expired */
};

void timer_init(struct timer *t, struct pcpu *cpu, void (*fn)(void *), void *data);
/*
 * Starts or moves it: a time in the past fires at once (from the loop, not from here). Any lock
 * below RANK_TIMER.
 */
void timer_set(struct timer *t, u64 expires);
/* Stops it. Its callback may still run on another CPU. Any lock below RANK_TIMER. */
void timer_stop(struct timer *t);
/*
 * Stops it and waits until its callback does not run on any CPU, so no lock that the callback takes
 * may be held. It can be set again.
 */
void timer_kill(struct timer *t);
/* From now on it fires on that CPU; set or not. Any lock below RANK_TIMER. */
void timer_migrate(struct timer *t, struct pcpu *cpu);
/* WORK_TIMER: runs expired timers, arms the hardware, checks the next CPU's. No locks. */
void timer_process(void);
/* Before the CPU's first timer_set(). */
void timer_init_cpu(struct pcpu *cpu);

/*
 * Arch: sets the one-shot timer of this CPU for the deadline, or for a second from now if that is
 * sooner. Returns for when, ns of now(): it may fire too early, never later than its resolution.
 * 0: the deadline is past, nothing was set. Any locks.
 */
u64 arch_timer_arm(u64 deadline_ns);

#endif
