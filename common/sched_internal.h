/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of sched.c, sched_fair.c and sched_null.c. */
#ifndef COMMON_SCHED_INTERNAL_H
#define COMMON_SCHED_INTERNAL_H

#include "common/domain.h"
#include "common/sched.h"

/* One per CPU. R: lock; "racy" fields are also read without it, as a hint. */
struct runq {
	spinlock_t lock;	/* RANK_RUNQ */
	struct pcpu *cpu;
	struct vcpu *curr;	/* chosen by schedule(); racy */
	struct pqueue queue;	/* vCPUs that wait, least vruntime first; nr is racy */
	struct list_head parked;
	unsigned int look;	/* own CPU: how far from it is the queue that it visited last; a hint */
	u64 vt;			/* this queue's time: the least vruntime; it never goes back; racy */
	s64 offset;		/* vt + offset compares with other queues'; racy */
	bool yield;		/* own CPU: curr gave way */
	bool slice_over;	/* own CPU */
	struct timer slice, unpark;
	struct vcpu *owner;	/* null: whose CPU this is */
	struct vcpu idle;
};

struct sched_policy {
	unsigned int id;	/* XEN_SCHEDULER_* */
	void (*vcpu_init)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
	/* Where v, which has just become runnable, should wait. Its queue is locked. */
	struct runq *(*choose)(struct runq *rq, struct vcpu *v);
	/*
	 * v waits in rq from now on (or is parked); tells rq's CPU if it should reschedule. Locked.
	 */
	void (*enqueue)(struct runq *rq, struct vcpu *v, u64 t);
	void (*dequeue)(struct runq *rq, struct vcpu *v);
	/*
	 * Accounts for the time that curr ran, and removes the vCPU that runs next: curr again,
	 * another, or the idle vCPU. Locked, own CPU.
	 */
	struct vcpu *(*pick)(struct runq *rq, u64 t);
	/* v's affinity changed. */
	void (*affinity_changed)(struct vcpu *v);
};

/* The policy whose functions begin with p, each named as its operation. */
#define SCHED_POLICY(nr, p) {							\
	.id = nr, .vcpu_init = p##_vcpu_init, .vcpu_destroy = p##_vcpu_destroy,	\
	.choose = p##_choose, .enqueue = p##_enqueue, .dequeue = p##_dequeue,	\
	.pick = p##_pick, .affinity_changed = p##_affinity_changed }

extern const struct sched_policy sched_fair, sched_null;
extern cpumask_t idle_cpus;	/* atomic */

/* Locks the run queue of v's CPU. */
struct runq *lock_vcpu(struct vcpu *v);

static inline bool may_run_on(const struct vcpu *v, const struct pcpu *cpu)
{
	return cpumask_test(&v->sched.allowed, cpu->id);
}

/* First CPU that is up and in all masks (NULL: in any); NULL: none. */
struct pcpu *first_cpu_in(const cpumask_t *a, const cpumask_t *b, const cpumask_t *c);

#endif
