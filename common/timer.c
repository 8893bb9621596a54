/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timers. The hardware timer of a CPU is armed for its first timer or earlier: when the first one
 * is stopped or postponed, the hardware is left alone and one interrupt finds nothing to do. That
 * is cheaper than programming it each time a guest changes its mind.
 *
 * A lost interrupt only causes a delay: the hardware is always armed, with or without a timer, and
 * a CPU whose timer fires checks whether the next CPU's is overdue. A CPU that schedules checks its
 * own, too.
 */
#include "common/timer.h"

#include "common/pcpu.h"
#include "common/watchdog.h"

/* Callbacks at a time, before the loop checks other work. */
#define MAX_BATCH 32

/*
 * If another CPU's interrupt is this late (ns), it counts as lost: interrupts are never off so
 * long.
 */
#define LOST_NS 10000000ull

static struct timer *first_timer(const struct pcpu *cpu)
{
	return cpu->timers.root ? container_of(cpu->timers.root, struct timer, node) : NULL;
}

/* t->cpu changes only under the lock of the CPU that it names. */
static struct pcpu *lock_timer(struct timer *t)
{
	for (;;) {
		struct pcpu *cpu = READ_ONCE(t->cpu);

		spin_lock(&cpu->timer_lock);
		if (likely(cpu == READ_ONCE(t->cpu)))
			return cpu;
		spin_unlock(&cpu->timer_lock);
	}
}

/* This CPU's, its lock held. */
static void arm(struct pcpu *cpu, u64 expires)
{
	u64 at = arch_timer_arm(expires);

	if (likely(at))
		WRITE_ONCE(cpu->timer_deadline, at);
	else
		set_bit(WORK_TIMER, &cpu->work);
}

/* cpu has a new, earlier first timer. Its lock held. */
static void arm_earlier(struct pcpu *cpu, u64 expires)
{
	if (cpu->timer_deadline && cpu->timer_deadline <= expires)
		return;
	if (cpu != this_cpu())
		pcpu_kick(cpu, WORK_TIMER);
	else
		arm(cpu, expires);
}

void timer_init_cpu(struct pcpu *cpu)
{
	spin_lock_init(&cpu->timer_lock, RANK_TIMER);
	cpu->timers = (struct pqueue){ 0 };
	cpu->timer_deadline = 0;
	cpu->timer_running = NULL;
	set_bit(WORK_TIMER, &cpu->work); /* arms it for the first time */
}

void timer_init(struct timer *t, struct pcpu *cpu, void (*fn)(void *), void *data)
{
	*t = (struct timer){ .fn = fn, .data = data, .cpu = cpu };
}

static void insert(struct pcpu *cpu, struct timer *t)
{
	t->pending = true;
	pq_insert(&cpu->timers, &t->node);
	if (cpu->timers.root == &t->node)
		arm_earlier(cpu, t->node.key);
}

void timer_set(struct timer *t, u64 expires)
{
	struct pcpu *cpu = lock_timer(t);

	if (t->pending) {
		pq_update(&cpu->timers, &t->node, expires);
		if (cpu->timers.root == &t->node)
			arm_earlier(cpu, expires);
	} else {
		t->node.key = expires;
		insert(cpu, t);
	}
	spin_unlock(&cpu->timer_lock);
}

void timer_stop(struct timer *t)
{
	struct pcpu *cpu = lock_timer(t);

	if (t->pending) {
		pq_remove(&cpu->timers, &t->node);
		t->pending = false;
	}
	spin_unlock(&cpu->timer_lock);
}

void timer_kill(struct timer *t)
{
	struct pcpu *cpu;

	do {
		timer_stop(t);
		/* It may have moved since the callback began. */
		for_each_cpu(cpu)
			while (cpu != this_cpu() && READ_ONCE(cpu->timer_running) == t)
				cpu_relax();
		/* The callback may have set it again. */
	} while (READ_ONCE(t->pending));
}

void timer_migrate(struct timer *t, struct pcpu *cpu)
{
	struct pcpu *old = READ_ONCE(t->cpu);

	if (old == cpu)
		return;
	old = lock_timer(t);
	if (!t->pending) {
		WRITE_ONCE(t->cpu, cpu);
		spin_unlock(&old->timer_lock);
		return;
	}
	spin_unlock(&old->timer_lock);
	spin_lock_pair(&old->timer_lock, &cpu->timer_lock);
	if (t->cpu == old) {
		WRITE_ONCE(t->cpu, cpu);
		if (t->pending) {
			pq_remove(&old->timers, &t->node);
			insert(cpu, t);
		}
	}
	spin_unlock_pair(&old->timer_lock, &cpu->timer_lock);
}

/* Removes the first timer if it has expired at t. */
static struct timer *next_expired(struct pcpu *cpu, u64 t)
{
	struct timer *first;

	spin_lock(&cpu->timer_lock);
	first = first_timer(cpu);
	if (first && first->node.key <= t) {
		pq_remove(&cpu->timers, &first->node);
		first->pending = false;
	} else {
		first = NULL;
	}
	WRITE_ONCE(cpu->timer_running, first);
	spin_unlock(&cpu->timer_lock);
	return first;
}

/*
 * Interrupts the next CPU if its own timer should have done so, even if an earlier kick got lost.
 */
static void watch_next(struct pcpu *cpu, u64 t)
{
	struct pcpu *next = pcpus[cpu->id + 1 < nr_cpus ? cpu->id + 1 : 0];
	u64 deadline = READ_ONCE(next->timer_deadline);

	if (likely(deadline + LOST_NS > t) || !deadline)
		return;
	set_bit(WORK_TIMER, &next->work);
	arch_send_kick(next);
	watchdog_look(cpu, next, t);
}

void timer_process(void)
{
	struct pcpu *cpu = this_cpu();
	struct timer *first;
	u64 t = now(); /* arm() notices what expires after it */

	for (unsigned int n = 0; n < MAX_BATCH && (first = next_expired(cpu, t)) != NULL; n++)
		first->fn(first->data);
	spin_lock(&cpu->timer_lock);
	WRITE_ONCE(cpu->timer_running, NULL);
	first = first_timer(cpu);
	arm(cpu, first ? first->node.key : ~0ull);
	spin_unlock(&cpu->timer_lock);
	watch_next(cpu, t);
}
