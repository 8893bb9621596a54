/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ticket spinlocks and a reader-writer lock. Interrupts are off wherever Keel
 * takes a lock (docs/locking.md), so there is one variant of each. Every lock
 * has a rank; a CPU takes locks in rising rank only (debug builds check it).
 */
#ifndef COMMON_SPINLOCK_H
#define COMMON_SPINLOCK_H

#include <machine/cpu.h>

#include "common/kconfig.h"
#include "common/lib.h"

/*
 * Order in which locks nest, outermost first. Locks of one rank nest only through the _pair calls.
 */
enum lock_rank {
	RANK_NONE,	/* not checked */
	RANK_DOMAIN,	/* struct domain: life cycle */
	RANK_VPCI,	/* virtual PCI configuration space, MSI state */
	RANK_GRANT,	/* grant table and maptrack of a domain */
	RANK_P2M,	/* p2m of a domain (rwlock) */
	RANK_EVTCHN,	/* event channels of a domain */
	RANK_VIOAPIC,	/* virtual IO-APICs of a domain */
	RANK_IOMMU,	/* who owns which device */
	RANK_IRQ,	/* host interrupt descriptors */
	RANK_FIFO,	/* queues of a domain's FIFO event channels */
	RANK_VCPU,	/* pins of the null scheduler */
	RANK_RUNQ,	/* run queue of a pCPU */
	RANK_TIMER,	/* timer heap of a pCPU */
	/* the table of domains: the last put of a zombie's page takes it, under any lock above */
	RANK_DOMTABLE,
	RANK_MM,	/* Keel's own page tables */
	RANK_HEAP,	/* frame allocator */
	RANK_HW,	/* hardware registers reached by index */
	RANK_CONSOLE,	/* console ring */
	RANK_RCU,	/* objects that wait to be freed */
};

typedef struct spinlock {
	u32 next, owner;
	u8 rank;
} spinlock_t;

typedef struct rwlock {
	u32 cnt; /* readers, or RWLOCK_WRITER */
	u32 writers_waiting;
	u8 rank;
} rwlock_t;

#define RWLOCK_WRITER 0x80000000u
#define SPINLOCK_INIT(r) { 0, 0, r }
#define RWLOCK_INIT(r) { 0, 0, r }

#define spin_lock_init(l, r) (*(l) = (spinlock_t)SPINLOCK_INIT(r))
#define rwlock_init(l, r) (*(l) = (rwlock_t)RWLOCK_INIT(r))

/*
 * Debug builds: records and checks the locks that this CPU holds (common/spinlock.c). A lock is
 * checked before waiting for it, so that a wrong order panics instead of hanging.
 */
void lock_rank_check(u8 rank);
void lock_rank_note(const void *lock, u8 rank);
void lock_rank_forget(const void *lock);
bool lock_is_mine(const void *lock);

static inline void lock_rank_push(const void *lock, u8 rank)
{
	if (IS_ENABLED(CONFIG_DEBUG)) {
		lock_rank_check(rank);
		lock_rank_note(lock, rank);
	}
}

static inline void lock_rank_push_unchecked(const void *lock, u8 rank)
{
	if (IS_ENABLED(CONFIG_DEBUG))
		lock_rank_note(lock, rank);
}

static inline void lock_rank_pop(const void *lock)
{
	if (IS_ENABLED(CONFIG_DEBUG))
		lock_rank_forget(lock);
}

/* Does this CPU hold it? Known in debug builds; otherwise true. */
static inline bool lock_is_held(const void *lock)
{
	return !IS_ENABLED(CONFIG_DEBUG) || lock_is_mine(lock);
}

/* Waits for one's turn, `me`, at most as long as the watchdog lets it: then panics. */
void spin_wait(const spinlock_t *l, u32 me) __saves_registers;

/* The lock alone, without its rank. */
static inline void spin_lock_raw(spinlock_t *l)
{
	u32 me = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	if (unlikely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me))
		slow_call(spin_wait, l, me);
}

static inline void spin_lock(spinlock_t *l)
{
	lock_rank_push(l, l->rank);
	spin_lock_raw(l);
}

/* It cannot deadlock when taken out of order: its rank is recorded, not checked. */
static inline bool spin_trylock(spinlock_t *l)
{
	u32 o = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);

	if (!__atomic_compare_exchange_n(&l->next, &o, o + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	lock_rank_push_unchecked(l, l->rank);
	return true;
}

static inline void spin_unlock(spinlock_t *l)
{
	lock_rank_pop(l);
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

static inline bool spin_is_locked(const spinlock_t *l)
{
	return READ_ONCE(l->owner) != READ_ONCE(l->next);
}

/* Locks two locks of one rank in the order of their addresses; a and b may be the same. */
void spin_lock_pair(spinlock_t *a, spinlock_t *b);
void spin_unlock_pair(spinlock_t *a, spinlock_t *b);

/* Who must wait for l: readers while a writer has it or waits for it, writers while it is taken. */
static inline bool rwlock_for_writer(const rwlock_t *l)
{
	return READ_ONCE(l->writers_waiting) || READ_ONCE(l->cnt) & RWLOCK_WRITER;
}

static inline bool rwlock_taken(const rwlock_t *l) { return READ_ONCE(l->cnt); }

/* Waits while must_wait() says so; like spin_wait(). */
void rwlock_wait(const rwlock_t *l, bool (*must_wait)(const rwlock_t *l)) __saves_registers;

/* Writers have priority: a waiting writer holds back new readers, so readers must not nest. */
static inline void read_lock(rwlock_t *l)
{
	lock_rank_push(l, l->rank);
	for (;;) {
		if (unlikely(rwlock_for_writer(l)))
			slow_call(rwlock_wait, l, rwlock_for_writer);
		if (likely(!(__atomic_fetch_add(&l->cnt, 1, __ATOMIC_ACQUIRE) & RWLOCK_WRITER)))
			break;
		__atomic_fetch_sub(&l->cnt, 1, __ATOMIC_RELAXED);
	}
}

static inline void read_unlock(rwlock_t *l)
{
	lock_rank_pop(l);
	__atomic_fetch_sub(&l->cnt, 1, __ATOMIC_RELEASE);
}

static inline void write_lock(rwlock_t *l)
{
	u32 free = 0;

	lock_rank_push(l, l->rank);
	__atomic_fetch_add(&l->writers_waiting, 1, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&l->cnt, &free, RWLOCK_WRITER, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		slow_call(rwlock_wait, l, rwlock_taken);
		free = 0;
	}
	__atomic_fetch_sub(&l->writers_waiting, 1, __ATOMIC_RELAXED);
}

static inline void write_unlock(rwlock_t *l)
{
	lock_rank_pop(l);
	__atomic_fetch_sub(&l->cnt, RWLOCK_WRITER, __ATOMIC_RELEASE);
}

#endif
