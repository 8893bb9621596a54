/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers: one heap a CPU; callbacks run on that CPU with interrupts off and no lock held. */
#ifndef COMMON_TIMER_H
#define COMMON_TIMER_H

#include "common/types.h"

struct pcpu;

struct timer {
	u64 expires;		/* ns of now() */
	void (*fn)(void *data);
	void *data;
	struct pcpu *cpu;	/* whose heap; T: cpu->timer_lock */
	unsigned int index;	/* place in the heap + 1; 0 = not set */
};

/* Nanoseconds since Keel started; never goes back, on any CPU. Any context. */
u64 now(void);

void timer_init(struct timer *t, struct pcpu *cpu, void (*fn)(void *), void *data);
/* Starts or moves it: a time in the past fires at once (from the loop, not from here). Any lock below RANK_TIMER. */
void timer_set(struct timer *t, u64 expires);
void timer_stop(struct timer *t);
/* Stops it and makes sure that its callback does not run any more (may wait for another CPU's callback). */
void timer_kill(struct timer *t);
void timer_migrate(struct timer *t, struct pcpu *cpu);
/* WORK_TIMER or the timer interrupt: runs what has expired, arms the hardware. No locks. */
void timer_process(void);
int timer_init_cpu(struct pcpu *cpu);

/* Arch: the one-shot hardware timer of this CPU; 0 = off. */
void arch_timer_arm(u64 deadline_ns);

#endif
