/* SPDX-License-Identifier: GPL-2.0-only */
/* Scheduling: which vCPU runs on which CPU, for what share of the time. */
#ifndef COMMON_SCHED_H
#define COMMON_SCHED_H

#include "common/pcpu.h"
#include "common/timer.h"

struct domain;
struct vcpu;
struct vcpu_runstate_info;

/* A vCPU's scheduling state. R: lock of v->cpu's run queue */
struct sched_vcpu {
	struct pq_node node;	/* on the run queue while it waits for its CPU; key: vruntime */
	struct list_head link;	/* parked: its domain has used up its cap; null: waits for a free CPU */
	u64 vruntime;		/* ns at weight 256, in its run queue's time */
	u64 charged;		/* now() up to which vruntime counts what it ran */
	u64 ran_since;		/* when it began to run */
	cpumask_t hard, soft;	/* affinity */
	cpumask_t allowed;	/* hard within its pool, or all of the pool if that is empty */
	bool running;		/* its state is on v->cpu, or being loaded or saved there */
	bool queued, parked;
};

struct sched_domain {
	u16 weight, cap;	/* credit2's: weight 256 by default, cap in percent of one CPU, 0 = none */
	s64 budget;		/* atomic: ns left in this period, if capped */
	u64 refilled;		/* atomic: when the period began */
};

/*
 * Boot, on CPU 0: chooses the policy by sched=, and creates this CPU's run queue. Needs the heap
 * and now().
 */
void sched_init(void);
/*
 * Each other CPU calls this before it is counted in nr_cpus: creates its run queue, timers and idle
 * vCPU.
 */
void sched_init_cpu(struct pcpu *cpu);
void sched_vcpu_init(struct vcpu *v);	/* chooses a CPU; v is not runnable yet */
/* v is down or paused for good; waits until its CPU has left it. */
void sched_vcpu_destroy(struct vcpu *v);
void sched_domain_init(struct domain *d);

bool vcpu_runnable(const struct vcpu *v);
/*
 * Something that kept v from running went away (or may have): queues it if it is runnable. Any lock
 * below RANK_RUNQ.
 */
void vcpu_wake(struct vcpu *v);
/*
 * Something keeps v from running now: removes it from its queue. nosync: if it runs, its CPU will
 * notice soon. Any lock below RANK_RUNQ.
 */
void vcpu_sleep_nosync(struct vcpu *v);
/*
 * The same, and waits until v's CPU has saved its state, or somebody else has let v run again.
 * Never for the current vCPU, and only for callers that nobody waits for in turn, that is a control
 * domain that acts on another domain: two vCPUs that stop each other would wait for ever. v's CPU
 * needs no lock that the caller holds.
 */
void vcpu_sleep_sync(struct vcpu *v);

/*
 * Called in the loop when WORK_SCHED is set: picks the next vCPU, switches to it, and arms the
 * slice timer. No locks.
 */
void schedule(void);
/* The current vCPU lets another one run, if one waits for this CPU. */
void vcpu_yield(void);

/* The current vCPU waits for an event (VPF_BLOCKED, WORK_SCHED), unless one is pending. */
void vcpu_block(void);

/* Run state seen by the guest and by XEN_DOMCTL_getvcpuinfo (VCPUOP_get_runstate_info layout). */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);
/* ns that v has run. */
u64 vcpu_cputime(struct vcpu *v);

/*
 * NULL: as it is; both NULL: v's pool has changed. 0, -EINVAL if no CPU of hard is up and in v's
 * pool, or -ESRCH if v's domain dies.
 */
int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
/* weight 1..65535, cap in percent of one CPU (0: none); XEN_DOMCTL_scheduler_op. 0 or -EINVAL. */
int sched_set_params(struct domain *d, unsigned int weight, unsigned int cap);
unsigned int sched_id(void); /* XEN_SCHEDULER_CREDIT2 or XEN_SCHEDULER_NULL */
/* us for which a vCPU that has started to run is not preempted by another's wake-up. */
unsigned int sched_ratelimit_us(void);
/*
 * XEN_SYSCTL_scheduler_op. 0, -EINVAL: neither 0 nor 100 us to half a second, -EOPNOTSUPP: the
 * policy has no such limit.
 */
int sched_set_ratelimit(unsigned int us);

/*
 * Arch: leaves prev's state, makes next this CPU's curr, and loads its state (either may be idle).
 * No locks.
 */
void arch_context_switch(struct vcpu *prev, struct vcpu *next);
/*
 * Arch: v has stopped, and its state is in memory: does the work that waited for that. No locks; v
 * may run elsewhere already.
 */
void arch_vcpu_stopped(struct vcpu *v);
/*
 * Event pending for v that would end a block (upcall pending and deliverable, or interrupt)? Arch.
 */
bool arch_vcpu_has_events(struct vcpu *v);

#endif
