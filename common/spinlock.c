/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of locks, checked in debug builds, and locking two of one rank. */
#include "common/pcpu.h"
#include "common/printk.h"
#include "common/watchdog.h"

/*
 * Before a CPU's stack is set up there is no pcpu: then nothing is checked. The
 * console lock ranks last, so that panic() can print from any of these.
 */
void lock_rank_check(u8 rank)
{
	struct pcpu *cpu = this_cpu();

	if (!cpu || rank == RANK_NONE)
		return;
	for (unsigned int i = 0; i < cpu->nr_held; i++)
		if (cpu->held[i].rank >= rank) {
			cpu->nr_held = 0; /* panic() takes locks too */
			panic("CPU%u takes a lock of rank %u while it holds one of rank %u: see docs/locking.md",
			      cpu->id, rank, cpu->held[i].rank);
		}
}

void lock_rank_note(const void *lock, u8 rank)
{
	struct pcpu *cpu = this_cpu();

	if (!cpu)
		return;
	if (cpu->nr_held == ARRAY_SIZE(cpu->held)) {
		cpu->nr_held = 0;
		panic("CPU%u holds more than %zu locks", cpu->id, ARRAY_SIZE(cpu->held));
	}
	cpu->held[cpu->nr_held].lock = lock;
	cpu->held[cpu->nr_held].rank = rank;
	cpu->nr_held++;
}

/* Locks may be released in any order. */
void lock_rank_forget(const void *lock)
{
	struct pcpu *cpu = this_cpu();
	unsigned int i;

	if (!cpu)
		return;
	for (i = cpu->nr_held; i > 0; i--)
		if (cpu->held[i - 1].lock == lock)
			break;
	if (i == 0)
		panic("CPU%u releases a lock that it does not hold", cpu->id);
	for (; i < cpu->nr_held; i++)
		cpu->held[i - 1] = cpu->held[i];
	cpu->nr_held--;
}

bool lock_is_mine(const void *lock)
{
	struct pcpu *cpu = this_cpu();

	for (unsigned int i = 0; cpu && i < cpu->nr_held; i++)
		if (cpu->held[i].lock == lock)
			return true;
	return !cpu;
}

static void wait_a_turn(struct watch *w, u8 rank)
{
	cpu_relax();
	if (watchdog_waits(w))
		panic("CPU%u has waited %u s for a lock of rank %u", this_cpu()->id, w->seconds, rank);
}

void spin_wait(const spinlock_t *l, u32 me)
{
	struct watch w = { 0 };

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me)
		wait_a_turn(&w, l->rank);
}

void rwlock_wait(const rwlock_t *l, bool (*must_wait)(const rwlock_t *l))
{
	struct watch w = { 0 };

	while (must_wait(l))
		wait_a_turn(&w, l->rank);
}

void spin_lock_pair(spinlock_t *a, spinlock_t *b)
{
	spinlock_t *first = a < b ? a : b, *second = a < b ? b : a;

	spin_lock(first);
	if (first == second)
		return;
	lock_rank_push_unchecked(second, second->rank);
	spin_lock_raw(second);
}

void spin_unlock_pair(spinlock_t *a, spinlock_t *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}
