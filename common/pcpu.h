/* SPDX-License-Identifier: GPL-2.0-only */
/* The physical CPU: its own data, and how others get its attention. */
#ifndef COMMON_PCPU_H
#define COMMON_PCPU_H

#include <machine/cpu.h>

#include "common/kconfig.h"
#include "common/list.h"
#include "common/pqueue.h"
#include "common/spinlock.h"

#define NR_CPUS CONFIG_MAX_CPUS

struct vcpu;
struct rcu_head;
struct timer;

typedef struct cpumask { u64 bits[(NR_CPUS + 63) / 64]; } cpumask_t;

static inline void cpumask_set(cpumask_t *m, unsigned int cpu) { set_bit(cpu, m->bits); }
static inline void cpumask_clear_cpu(cpumask_t *m, unsigned int cpu) { clear_bit(cpu, m->bits); }
static inline bool cpumask_test(const cpumask_t *m,
				unsigned int cpu) { return test_bit(cpu, m->bits); }

static inline bool cpumask_empty(const cpumask_t *m)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(m->bits); i++)
		if (m->bits[i])
			return false;
	return true;
}

/* The first CPU of the mask from `cpu` on; nr or more: there is none. */
static inline unsigned int cpumask_next(const cpumask_t *m, unsigned int cpu, unsigned int nr)
{
	for (; cpu < nr; cpu = (cpu | 63) + 1) {
		u64 bits = READ_ONCE(m->bits[cpu / 64]) >> cpu % 64;

		if (bits)
			return cpu + ffs64(bits);
	}
	return cpu;
}

/* Work bits: what a CPU must do before it enters a guest or idles. */
#define WORK_SCHED   0 /* choose a vCPU anew */
#define WORK_TLB     1 /* flush the guest translations of this CPU */
#define WORK_KICK    2 /* check the current vCPU's pending events again */
#define WORK_RCU     3 /* free objects that waited for this CPU */
#define WORK_TIMER   4 /* timers may have expired */
#define WORK_CONSOLE 5 /* drain the console ring */
#define WORK_NMI     7 /* there was one: say so */
/* the architecture noted something where it could not tell of it, or wants all CPUs at once */
#define WORK_ARCH    8
#define WORK_STOP    6 /* the machine goes down: stop here */
#define WORK_STUCK   9 /* an NMI that finds it inside Keel ends the machine */

/* What the watchdog knows of something that should not take long (watchdog.c). */
struct watch {
	u64 epoch, at;		/* at: when a second was last counted, ns */
	u32 seconds, turns;
};

/* One per CPU, alone on its cache lines. Fields are this CPU's own unless said otherwise. */
struct pcpu {
	unsigned int id;	/* 0..nr_cpus-1 */
	unsigned int node;	/* to whose memory it is near (common/heap.h) */
	struct vcpu *curr;	/* the vCPU whose state is loaded; the idle vCPU at first */
	struct vcpu *idle;
	u64 work;		/* atomic, any CPU: WORK_* bits */
	/*
	 * Odd while in a guest or idle (outside Keel), even inside; others read it. Raised by a
	 * full barrier (locked add) on each way out and in: on the way out before the work bits are
	 * read, on the way in (also for interrupts taken in idle) before anything else.
	 */
	u64 epoch;
	/* Timers (common/timer.c). T: timer_lock */
	spinlock_t timer_lock;
	struct pqueue timers;
	struct timer *timer_running; /* whose callback runs now */
	/* when the hardware timer fires at the latest, ns of now(); 0: not armed yet. Others read it */
	u64 timer_deadline;
	struct watch watch; /* of the next CPU */
	/* Scheduler (common/sched.c) */
	struct runq *runq;
	/* Debug: ranks of the locks held (common/spinlock.c) */
	struct { const void *lock; u8 rank; } held[8];
	unsigned int nr_held;
	/* RCU (common/rcu.c) */
	struct rcu_head *rcu_list; /* handed to rcu_call() here, newest first */
	struct rcu_head *rcu_done; /* their time has come */
	/* Of the hypercall that it executes now (common/hypercall.c) */
	u32 hypercall_checks;
	struct multicall_entry *multicall_entry; /* continuation goes here, not into registers */
	u64 scratch[576];	/* for a batch of grants; nothing in it outlives an exit */
	/* Counters, read by hypfs. */
	u64 nr_exits, nr_hypercalls, nr_irqs;
} __aligned(64);

extern struct pcpu *pcpus[NR_CPUS]; /* set before a CPU starts, never changed */
extern unsigned int nr_cpus;	    /* CPUs that are up: 0..nr_cpus-1 */

#define current (this_cpu()->curr)

static inline bool pcpu_outside(u64 epoch) { return epoch & 1; }

#define for_each_cpu(c)								\
	for (unsigned int _c = 0; _c < nr_cpus && ((c) = pcpus[_c], true); _c++)
#define for_each_cpu_in(c, mask)						\
	for (unsigned int _c = 0;						\
	     (_c = cpumask_next(mask, _c, nr_cpus)) < nr_cpus && ((c) = pcpus[_c], true); _c++)

/*
 * Sets a work bit of a CPU and makes sure that it is seen before that CPU next
 * enters a guest: sends an interrupt only if the CPU is in a guest or idle.
 * Any context, any locks.
 */
void pcpu_kick(struct pcpu *cpu, unsigned int work_bit);

/* Sends the kick interrupt. */
void arch_send_kick(struct pcpu *cpu);
/* What firmware and devices call the CPU. */
u32 arch_cpu_hw_id(unsigned int cpu);

/*
 * After pcpu_kick() of each CPU of the mask: waits until each that was in a guest
 * has left it, so that it sees its work bits before it enters one again. CPUs inside
 * Keel or idle count at once. Any locks held; never waits for a lock.
 */
void pcpu_wait_exit(const cpumask_t *mask);

#endif
