/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One vCPU per CPU, for pinned guests: no queue, no slice, no timer. A vCPU that finds no free CPU
 * waits until one becomes free.
 */
#include <public/domctl.h>

#include "common/sched_internal.h"

/* vCPUs without a CPU, and the vCPU of each CPU. N: null_lock */
static struct list_head homeless = LIST_HEAD_INIT(homeless);
static spinlock_t null_lock = SPINLOCK_INIT(RANK_VCPU);

static struct runq *free_cpu_for(const struct vcpu *v)
{
	for (unsigned int i = 0; i < nr_cpus; i++)
		if (!pcpus[i]->runq->owner && may_run_on(v, pcpus[i]))
			return pcpus[i]->runq;
	return NULL;
}

/* v waits and has a CPU now: tells that CPU to reschedule. */
static void null_tell(struct runq *rq, struct vcpu *v)
{
	if (rq->owner != v)
		return;
	cpumask_clear_cpu(&idle_cpus, rq->cpu->id);
	pcpu_kick(rq->cpu, WORK_SCHED);
}

/* Gives v a CPU, or adds it to the homeless vCPUs. null_lock held. */
static void assign(struct vcpu *v)
{
	struct runq *rq = free_cpu_for(v), *old;

	if (!rq) {
		list_add_tail(&v->sched.link, &homeless);
		return;
	}
	old = lock_vcpu(v);
	WRITE_ONCE(v->cpu, rq->cpu);
	spin_unlock(&old->lock);
	spin_lock(&rq->lock);
	rq->owner = v;
	if (v->sched.queued)
		null_tell(rq, v);
	spin_unlock(&rq->lock);
}

/* The CPU of v, or its place among the homeless, is free. null_lock held. */
static void release(struct vcpu *v)
{
	struct sched_vcpu *s;
	struct runq *rq = lock_vcpu(v);
	bool had = rq->owner == v;

	if (had)
		rq->owner = NULL;
	spin_unlock(&rq->lock);
	if (!had) {
		list_del(&v->sched.link);
		return;
	}
	list_for_each_entry(s, &homeless, link) {
		struct vcpu *next = container_of(s, struct vcpu, sched);

		if (may_run_on(next, rq->cpu)) {
			list_del(&s->link);
			assign(next);
			return;
		}
	}
}

static void null_vcpu_init(struct vcpu *v)
{
	spin_lock(&null_lock);
	v->cpu = pcpus[0];
	assign(v);
	spin_unlock(&null_lock);
}

static void null_vcpu_destroy(struct vcpu *v)
{
	spin_lock(&null_lock);
	release(v);
	spin_unlock(&null_lock);
}

static struct runq *null_choose(struct runq *rq, struct vcpu *v) { return rq; }

static void null_enqueue(struct runq *rq, struct vcpu *v, u64 t)
{
	v->sched.queued = true;
	null_tell(rq, v);
}

static void null_dequeue(struct runq *rq, struct vcpu *v) { v->sched.queued = false; }

static struct vcpu *null_pick(struct runq *rq, u64 t)
{
	struct vcpu *v = rq->owner;

	if (!v || !vcpu_runnable(v) || (rq->curr != v && !v->sched.queued))
		return &rq->idle;
	v->sched.queued = false;
	return v;
}

/* Its CPU is not among the allowed ones: takes another. Its state may still be on the old one. */
static void null_affinity_changed(struct vcpu *v)
{
	struct runq *rq;

	spin_lock(&null_lock);
	if (!may_run_on(v, READ_ONCE(v->cpu)) || READ_ONCE(v->cpu->runq->owner) != v) {
		release(v);
		rq = lock_vcpu(v);
		if (v->sched.running)
			pcpu_kick(rq->cpu, WORK_SCHED);
		spin_unlock(&rq->lock);
		assign(v);
	}
	spin_unlock(&null_lock);
}

const struct sched_policy sched_null = SCHED_POLICY(XEN_SCHEDULER_NULL, null);
