/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timers. The hardware timer of a CPU is armed for its first timer or earlier: when the
 * first one is stopped or moved back, the hardware is left alone and one interrupt finds
 * nothing to do, which is cheaper than to program it each time a guest changes its mind.
 */
#include "common/timer.h"

#include "common/pcpu.h"

/* Callbacks in one go, before the loop looks at other work. */
#define MAX_BATCH 32

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

/* The first timer of cpu became due earlier. Its lock held. */
static void arm_earlier(struct pcpu *cpu, u64 expires)
{
	if (cpu->timer_deadline && cpu->timer_deadline <= expires)
		return;
	if (cpu != this_cpu())
		pcpu_kick(cpu, WORK_TIMER);
	else if (likely(arch_timer_arm(expires)))
		cpu->timer_deadline = expires;
	else
		set_bit(WORK_TIMER, &cpu->work);
}

void timer_init_cpu(struct pcpu *cpu)
{
	spin_lock_init(&cpu->timer_lock, RANK_TIMER);
	cpu->timers = (struct pqueue){ 0 };
	cpu->timer_deadline = 0;
	cpu->timer_running = NULL;
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

/* Takes the first timer out if it has expired. */
static struct timer *next_expired(struct pcpu *cpu)
{
	struct timer *t;

	spin_lock(&cpu->timer_lock);
	t = first_timer(cpu);
	if (t && t->node.key <= now()) {
		pq_remove(&cpu->timers, &t->node);
		t->pending = false;
	} else {
		t = NULL;
	}
	WRITE_ONCE(cpu->timer_running, t);
	spin_unlock(&cpu->timer_lock);
	return t;
}

void timer_process(void)
{
	struct pcpu *cpu = this_cpu();
	struct timer *t;

	for (unsigned int n = 0; n < MAX_BATCH && (t = next_expired(cpu)) != NULL; n++)
		t->fn(t->data);
	spin_lock(&cpu->timer_lock);
	WRITE_ONCE(cpu->timer_running, NULL);
	t = first_timer(cpu);
	if (!t)
		cpu->timer_deadline = 0;
	else if (arch_timer_arm(t->node.key))
		cpu->timer_deadline = t->node.key;
	else
		set_bit(WORK_TIMER, &cpu->work);
	spin_unlock(&cpu->timer_lock);
}
