/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling, whatever the policy: waking, sleeping, switching, run states.
 *
 * No wake-up is lost: whoever makes a vCPU runnable changes its flags first and then takes its
 * queue's lock. If the vCPU is running, its CPU will check the flags under that lock before it
 * switches away (schedule()), or after it has saved the vCPU's state.
 */
#include "common/sched.h"

#include <public/errno.h>
#include <public/vcpu.h>

#include "common/cpupool.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/sched_internal.h"
#include "common/time.h"

static const struct sched_policy *policy = &sched_fair;
cpumask_t idle_cpus;

unsigned int sched_id(void)
{
	return policy->id;
}

bool vcpu_runnable(const struct vcpu *v)
{
	return !(READ_ONCE(v->wait_flags) | READ_ONCE(v->domain->pause_count));
}

/* v->cpu changes only under the lock of the queue that it names. */
struct runq *lock_vcpu(struct vcpu *v)
{
	for (;;) {
		struct pcpu *cpu = READ_ONCE(v->cpu);

		spin_lock(&cpu->runq->lock);
		if (likely(cpu == READ_ONCE(v->cpu)))
			return cpu->runq;
		spin_unlock(&cpu->runq->lock);
	}
}

struct pcpu *first_cpu_in(const cpumask_t *a, const cpumask_t *b, const cpumask_t *c)
{
	for (unsigned int w = 0; w * 64 < nr_cpus; w++) {
		u64 bits = a->bits[w] & (b ? b->bits[w] : ~0ull) & (c ? c->bits[w] : ~0ull);

		if (nr_cpus - w * 64 < 64)
			bits &= BIT(nr_cpus - w * 64) - 1;
		if (bits)
			return pcpus[w * 64 + ffs64(bits)];
	}
	return NULL;
}

/* --- Run states. The queue is locked. --- */

static void set_runstate(struct vcpu *v, int state, u64 t)
{
	struct vcpu_runstate_info *rs = &v->runstate;

	if (rs->state == state)
		return;
	if (t > rs->state_entry_time)
		rs->time[rs->state] += t - rs->state_entry_time;
	rs->state_entry_time = t;
	rs->state = state;
}

static int state_of_waiting(const struct vcpu *v)
{
	if (vcpu_runnable(v))
		return RUNSTATE_runnable;
	return READ_ONCE(v->wait_flags) & (BIT(VPF_BLOCKED) | BIT(VPF_POLL)) ? RUNSTATE_blocked
	       : RUNSTATE_offline;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
	struct runq *rq = lock_vcpu(v);
	u64 t = now();

	*out = v->runstate;
	if (t > out->state_entry_time)
		out->time[out->state] += t - out->state_entry_time;
	spin_unlock(&rq->lock);
}

u64 vcpu_cputime(struct vcpu *v)
{
	struct vcpu_runstate_info rs;

	vcpu_runstate_get(v, &rs);
	return rs.time[RUNSTATE_running];
}

/* --- Waking and sleeping --- */

void vcpu_wake(struct vcpu *v)
{
	bool moved = false;

	for (;;) {
		struct runq *rq = lock_vcpu(v), *target;
		u64 t;

		if (v->sched.running || v->sched.queued || v->sched.parked)
			return spin_unlock(&rq->lock);
		t = now();
		set_runstate(v, state_of_waiting(v), t);
		if (!vcpu_runnable(v))
			return spin_unlock(&rq->lock);
		/* Its affinity may have changed on the way. */
		target = moved && may_run_on(v, rq->cpu) ? rq : policy->choose(rq, v);
		if (target == rq) {
			policy->enqueue(rq, v, t);
			return spin_unlock(&rq->lock);
		}
		/*
		 * Moves it to another queue, once. Then things may have changed, so everything is
		 * checked again.
		 */
		v->sched.vruntime += (u64)(rq->offset - READ_ONCE(target->offset));
		WRITE_ONCE(v->cpu, target->cpu);
		moved = may_run_on(v, target->cpu);
		spin_unlock(&rq->lock);
	}
}

void vcpu_sleep_nosync(struct vcpu *v)
{
	struct runq *rq = lock_vcpu(v);

	if (!vcpu_runnable(v)) {
		if (v->sched.running) {
			pcpu_kick(v->cpu, WORK_SCHED);
		} else {
			if (v->sched.queued || v->sched.parked)
				policy->dequeue(rq, v);
			set_runstate(v, state_of_waiting(v), now());
		}
	}
	spin_unlock(&rq->lock);
}

void vcpu_sleep_sync(struct vcpu *v)
{
	BUG_ON(v == current);
	vcpu_sleep_nosync(v);
	while (__atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE) && !vcpu_runnable(v))
		cpu_relax();
}

/* Set the flag first, then check the events: whoever raises an event checks the flag afterwards. */
void vcpu_block(void)
{
	struct pcpu *cpu = this_cpu();
	struct vcpu *v = cpu->curr;

	set_bit(VPF_BLOCKED, &v->wait_flags);
	if (arch_vcpu_has_events(v))
		clear_bit(VPF_BLOCKED, &v->wait_flags);
	else
		set_bit(WORK_SCHED, &cpu->work);
}

void vcpu_yield(void)
{
	struct pcpu *cpu = this_cpu();

	if (!READ_ONCE(cpu->runq->queue.nr))
		return;
	cpu->runq->yield = true;
	set_bit(WORK_SCHED, &cpu->work);
}

/* --- Switching --- */

/* prev's state is in memory: whoever waits for that continues, and prev may run elsewhere. */
static void put_prev(struct vcpu *prev)
{
	runstate_area_update(prev);
	/* With a full barrier: a waker that still saw it running changed its flags before. */
	__atomic_store_n(&prev->sched.running, false, __ATOMIC_RELEASE);
	smp_mb();
	arch_vcpu_stopped(prev);
	if (vcpu_runnable(prev))
		vcpu_wake(prev);
}

static void switch_to(struct runq *rq, struct vcpu *prev, struct vcpu *next)
{
	arch_context_switch(prev, next);
	if (!prev->idle)
		put_prev(prev);
	if (next->idle)
		return;
	if (unlikely(next->singleshot.cpu != rq->cpu))
		vcpu_timers_migrate(next, rq->cpu);
	runstate_area_update(next);
}

void schedule(void)
{
	struct runq *rq = this_cpu()->runq;
	struct vcpu *prev, *next;
	u64 t;

	spin_lock(&rq->lock);
	t = now();
	if (unlikely(rq->cpu->timer_deadline < t))
		set_bit(WORK_TIMER, &rq->cpu->work); /* its interrupt may be lost (timer.c) */
	prev = rq->curr;
	next = policy->pick(rq, t);
	rq->yield = rq->slice_over = false;
	if (cpumask_test(&idle_cpus, rq->cpu->id) != next->idle) {
		if (next->idle)
			cpumask_set(&idle_cpus, rq->cpu->id);
		else
			cpumask_clear_cpu(&idle_cpus, rq->cpu->id);
	}
	if (next == prev) {
		spin_unlock(&rq->lock);
		return;
	}
	set_runstate(prev, prev->idle ? RUNSTATE_runnable : state_of_waiting(prev), t);
	set_runstate(next, RUNSTATE_running, t);
	next->sched.running = true;
	next->sched.charged = next->sched.ran_since = t;
	WRITE_ONCE(rq->curr, next);
	spin_unlock(&rq->lock);
	switch_to(rq, prev, next);
}

/* --- Setting up --- */

static void slice_ends(void *data)
{
	struct runq *rq = data;

	rq->slice_over = true;
	set_bit(WORK_SCHED, &rq->cpu->work);
}

static void unpark_due(void *data)
{
	struct runq *rq = data;

	set_bit(WORK_SCHED, &rq->cpu->work);
}

void sched_init_cpu(struct pcpu *cpu)
{
	unsigned int order = size_to_order(sizeof(struct runq));
	struct runq *rq = alloc_pages(order);

	if (!rq)
		panic("CPU%u: no memory for its run queue", cpu->id);
	timer_init_cpu(cpu);
	spin_lock_init(&rq->lock, RANK_RUNQ);
	rq->cpu = cpu;
	list_init(&rq->parked);
	rq->vt = 1ull << 62; /* so that a value a little behind is not negative */
	timer_init(&rq->slice, cpu, slice_ends, rq);
	timer_init(&rq->unpark, cpu, unpark_due, rq);
	rq->idle.idle = rq->idle.initialised = true;
	rq->idle.cpu = cpu;
	rq->idle.id = cpu->id;
	rq->idle.runstate.state = RUNSTATE_running;
	rq->idle.runstate.state_entry_time = now();
	rq->curr = cpu->idle = cpu->curr = &rq->idle;
	cpu->runq = rq;
	cpumask_set(&idle_cpus, cpu->id);
}

void sched_init(void)
{
	static const struct sched_policy *const policies[] = { &sched_fair, &sched_null };

	policy = policies[option_choice("sched")];
	sched_init_cpu(this_cpu());
}

void sched_domain_init(struct domain *d)
{
	d->sched = (struct sched_domain){ .weight = 256 };
}

void sched_vcpu_init(struct vcpu *v)
{
	memset(&v->sched, 0, sizeof(v->sched));
	memset(&v->sched.hard, 0xff, sizeof(v->sched.hard));
	memset(&v->sched.soft, 0xff, sizeof(v->sched.soft));
	cpupool_cpus(v->domain->cpupool, &v->sched.allowed);
	list_init(&v->sched.link);
	policy->vcpu_init(v);
}

void sched_vcpu_destroy(struct vcpu *v)
{
	BUG_ON(vcpu_runnable(v));
	vcpu_sleep_sync(v);
	policy->vcpu_destroy(v);
}

/* Its queue is locked. */
static void set_allowed(struct vcpu *v, const cpumask_t *pool)
{
	bool any = first_cpu_in(&v->sched.hard, pool, NULL);

	for (unsigned int w = 0; w < ARRAY_SIZE(pool->bits); w++)
		v->sched.allowed.bits[w] = pool->bits[w] & (any ? v->sched.hard.bits[w] : ~0ull);
}

/* d's memory is to come from where its vCPUs like to run, unless somebody has said where from. */
static void nodes_follow(struct domain *d)
{
	cpumask_t any = { 0 };
	struct pcpu *cpu;
	struct vcpu *v;
	u64 nodes = 0;

	if (nr_nodes == 1 || d->nodes_fixed)
		return;
	for_each_vcpu(d, v)
		for (unsigned int w = 0; w < ARRAY_SIZE(any.bits); w++)
			any.bits[w] |= v->sched.hard.bits[w] & v->sched.soft.bits[w];
	for_each_cpu_in(cpu, &any)
		nodes |= BIT(cpu->node);
	if (nodes)
		heap_place(d, nodes);
}

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
	struct domain *d = v->domain;
	struct runq *rq;
	cpumask_t pool;
	int rc = 0;

	spin_lock(&d->lock);
	/* What changes after this look is told to v later. */
	cpupool_cpus(READ_ONCE(d->cpupool), &pool);
	if (hard && !first_cpu_in(hard, &pool, NULL))
		rc = -EINVAL;
	else if (d->state != DOMAIN_ALIVE) /* it may have left the scheduler */
		rc = -ESRCH;
	if (!rc) {
		rq = lock_vcpu(v);
		if (hard)
			v->sched.hard = *hard;
		if (soft)
			v->sched.soft = *soft;
		set_allowed(v, &pool);
		spin_unlock(&rq->lock);
		policy->affinity_changed(v);
		nodes_follow(d);
	}
	spin_unlock(&d->lock);
	return rc;
}
