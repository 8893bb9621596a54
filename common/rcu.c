/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Freeing objects that other CPUs may still use.
 *
 * A CPU holds a looked-up pointer at most until the end of the current exit's handling. So once an
 * object can no longer be found, it may be freed when every CPU was outside Keel, or at the top of
 * its loop, once. A batch of objects records the CPUs that were inside when the batch was closed
 * (with their epochs); the batch is then passed like a baton to one of those that are still inside,
 * whose loop checks it on its next round, until none is left. Nothing waits and nothing polls.
 */
#include "common/pcpu.h"
#include "common/rcu.h"

#define RCU_PER_ROUND 16 /* callbacks run before the loop goes on */

/* L: lock */
static struct {
	spinlock_t lock;
	struct rcu_head *next;	   /* came since the batch was closed */
	struct rcu_head *batch;	   /* waits for the CPUs in inside */
	cpumask_t inside;
	u64 epoch[NR_CPUS];	   /* of those, when the batch was closed */
} rcu = { .lock = SPINLOCK_INIT(RANK_RCU) };

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	struct pcpu *cpu = this_cpu();

	head->fn = fn;
	head->next = cpu->rcu_list;
	cpu->rcu_list = head;
	pcpu_kick(cpu, WORK_RCU);
}

static void rcu_append(struct rcu_head **list, struct rcu_head *more)
{
	while (*list)
		list = &(*list)->next;
	*list = more;
}

/* Lock held. Leaves in `inside` only CPUs that never left Keel since the batch was closed. */
static void rcu_update(struct pcpu *me)
{
	struct pcpu *cpu;

	cpumask_clear_cpu(&rcu.inside, me->id);
	for_each_cpu_in(cpu, &rcu.inside)
		if (READ_ONCE(cpu->epoch) != rcu.epoch[cpu->id])
			cpumask_clear_cpu(&rcu.inside, cpu->id);
}

/* Lock held. */
static void rcu_close_batch(struct pcpu *me)
{
	struct pcpu *cpu;

	rcu.batch = rcu.next;
	rcu.next = NULL;
	smp_mb(); /* the objects went out of reach before the epochs are read */
	for_each_cpu(cpu) {
		rcu.epoch[cpu->id] = READ_ONCE(cpu->epoch);
		if (cpu != me && !pcpu_outside(rcu.epoch[cpu->id]))
			cpumask_set(&rcu.inside, cpu->id);
	}
}

/* Lock held. The objects that the calling CPU must free now. */
static struct rcu_head *rcu_finish_batch(void)
{
	struct rcu_head *done = NULL;

	if (cpumask_empty(&rcu.inside)) {
		done = rcu.batch;
		rcu.batch = NULL;
	}
	return done;
}

/* Lock held. A CPU that is still inside, which gets the batch; NULL if nothing waits. */
static struct pcpu *rcu_baton(void)
{
	struct pcpu *cpu;

	for_each_cpu_in(cpu, &rcu.inside)
		return cpu;
	return NULL;
}

static void rcu_run(struct pcpu *me)
{
	for (unsigned int n = 0; me->rcu_done && n < RCU_PER_ROUND; n++) {
		struct rcu_head *head = me->rcu_done;

		me->rcu_done = head->next;
		head->fn(head);
	}
	if (me->rcu_done)
		pcpu_kick(me, WORK_RCU);
}

void rcu_process(void)
{
	struct pcpu *me = this_cpu(), *baton;

	spin_lock(&rcu.lock);
	rcu_append(&rcu.next, me->rcu_list);
	me->rcu_list = NULL;
	rcu_update(me);
	rcu_append(&me->rcu_done, rcu_finish_batch());
	if (!rcu.batch && rcu.next) {
		rcu_close_batch(me);
		rcu_append(&me->rcu_done, rcu_finish_batch());
	}
	baton = rcu_baton();
	spin_unlock(&rcu.lock);

	if (baton)
		pcpu_kick(baton, WORK_RCU);
	rcu_run(me);
}
