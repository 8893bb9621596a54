/* SPDX-License-Identifier: GPL-2.0-only */
/* Scheduling: who runs on which CPU, in which share. */
#ifndef COMMON_SCHED_H
#define COMMON_SCHED_H

#include "common/pcpu.h"
#include "common/timer.h"

struct domain;
struct vcpu_runstate_info;
struct vcpu;

/* A vCPU's part. R: lock of v->cpu's run queue */
struct sched_vcpu {
	struct list_head link;	/* on the run queue while runnable and not running */
	u64 vruntime;		/* ns, weighted */
	u64 slice_start;	/* now() when it began to run */
	u64 budget;		/* ns left in this period for a capped domain's vCPU */
	cpumask_t hard, soft;	/* affinity */
	bool running;		/* its state is loaded on v->cpu */
	bool queued, parked;
	u64 migrations;
};

struct sched_domain {
	u16 weight, cap;	/* credit2's: weight 256 by default, cap in percent of one CPU, 0 = none */
};

/* Boot: makes the run queues of all CPUs; sched= chooses "credit2" or "null". */
void sched_init(void);
void sched_init_cpu(struct pcpu *cpu);
int sched_vcpu_init(struct vcpu *v);	/* chooses a CPU; v is not runnable yet */
void sched_vcpu_destroy(struct vcpu *v);
void sched_domain_init(struct domain *d);

bool vcpu_runnable(const struct vcpu *v);
/* Something that kept v from running went away (or may have): queues it if it is runnable. Any lock below RANK_RUNQ. */
void vcpu_wake(struct vcpu *v);
/* Something keeps v from running now: takes it off; nosync: its CPU will notice soon. */
void vcpu_sleep_nosync(struct vcpu *v);
/* The same, and waits until v's CPU has left the guest. Never for the current vCPU. */
void vcpu_sleep_sync(struct vcpu *v);

/* Called in the loop when WORK_SCHED is set: picks the next vCPU, switches to it, and arms the slice timer. No locks. */
void schedule(void);
void sched_yield(void);

/* The current vCPU waits (wait_flags bit set by the caller) unless an event is pending: sets WORK_SCHED. */
void vcpu_block(void);
long do_sched_poll(u64 ports_gva, unsigned int nr, u64 timeout);

/* Run state seen by the guest and by XEN_DOMCTL_getvcpuinfo (VCPUOP_get_runstate_info layout). */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);
u64 vcpu_cputime(struct vcpu *v);

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
unsigned int sched_id(void); /* XEN_SCHEDULER_* */

/* Arch: leaves prev's state and loads next's (either may be idle). */
void arch_context_switch(struct vcpu *prev, struct vcpu *next);
/* Event pending for v that would end a block (upcall pending and deliverable, or interrupt)? Arch. */
bool arch_vcpu_has_events(struct vcpu *v);

#endif
