/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: */
/* The lock and its checks, as in a debug build. */
#include "common/spinlock.c"

#include "test/unit/unit.h"

#include "test/unit/fake/threads.h"

static spinlock_t lock_a = SPINLOCK_INIT(RANK_GRANT), lock_b = SPINLOCK_INIT(RANK_GRANT);
static spinlock_t evtchn = SPINLOCK_INIT(RANK_EVTCHN), unranked = SPINLOCK_INIT(RANK_NONE);
static rwlock_t p2m = RWLOCK_INIT(RANK_P2M);

static void rising_ranks_are_right(void **state)
{
	spin_lock(&lock_a);
	read_lock(&p2m);
	spin_lock(&evtchn);
	spin_lock(&unranked);
	assert_int_equal(fake_locks_held(), 4);
	assert_true(spin_is_locked(&evtchn));
	/* Locks may be released in any order. */
	spin_unlock(&lock_a);
	spin_unlock(&evtchn);
	assert_false(spin_is_locked(&evtchn));
	read_unlock(&p2m);
	spin_unlock(&unranked);
	write_lock(&p2m);
	spin_lock(&evtchn);
	spin_unlock(&evtchn);
	write_unlock(&p2m);
}

static void falling_and_equal_ranks_panic(void **state)
{
	spin_lock(&evtchn);
	assert_true(FAKE_PANICS(read_lock(&p2m)));
	assert_non_null(strstr(fake_panic_message, "docs/locking.md"));
	spin_lock(&evtchn + 0 == &lock_a ? &lock_b : &lock_a); /* panic() forgets the held locks */
	assert_true(FAKE_PANICS(spin_lock(&lock_b)));
	this_cpu()->nr_held = 0;
	evtchn = (spinlock_t)SPINLOCK_INIT(RANK_EVTCHN);
	lock_a = (spinlock_t)SPINLOCK_INIT(RANK_GRANT);
	/* The check came before the wait for the lock. */
	assert_int_equal(lock_b.next, lock_b.owner);
	assert_int_equal(p2m.cnt, 0);

	read_lock(&p2m);
	assert_true(FAKE_PANICS(read_lock(&p2m))); /* readers do not nest */
	p2m = (rwlock_t)RWLOCK_INIT(RANK_P2M);
	this_cpu()->nr_held = 0;
}

static void two_of_one_rank_by_the_pair_call(void **state)
{
	spin_lock_pair(&lock_a, &lock_b);
	assert_int_equal(fake_locks_held(), 2);
	spin_unlock_pair(&lock_b, &lock_a);
	spin_lock_pair(&lock_b, &lock_a);
	assert_true(spin_is_locked(&lock_a) && spin_is_locked(&lock_b));
	spin_unlock_pair(&lock_b, &lock_a);
	spin_lock_pair(&lock_a, &lock_a);
	assert_int_equal(fake_locks_held(), 1);
	spin_unlock_pair(&lock_a, &lock_a);
	assert_false(spin_is_locked(&lock_a));
	spin_lock(&evtchn);
	assert_true(FAKE_PANICS(spin_lock_pair(&lock_a, &lock_b)));
	evtchn = (spinlock_t)SPINLOCK_INIT(RANK_EVTCHN);
}

static void trylock_may_come_out_of_order_but_counts(void **state)
{
	spin_lock(&evtchn);
	assert_true(spin_trylock(&lock_a));
	assert_false(spin_trylock(&lock_a));
	assert_true(FAKE_PANICS(spin_lock(&lock_b)));
	lock_a = (spinlock_t)SPINLOCK_INIT(RANK_GRANT);
	evtchn = (spinlock_t)SPINLOCK_INIT(RANK_EVTCHN);
	this_cpu()->nr_held = 0;
}

static void mistakes_panic(void **state)
{
	spinlock_t many[9];

	assert_true(FAKE_PANICS(spin_unlock(&evtchn)));
	for (unsigned int i = 0; i < 8; i++) {
		many[i] = (spinlock_t)SPINLOCK_INIT(RANK_NONE);
		spin_lock(&many[i]);
	}
	many[8] = (spinlock_t)SPINLOCK_INIT(RANK_NONE);
	assert_true(FAKE_PANICS(spin_lock(&many[8])));
	this_cpu()->nr_held = 0;
}

/*
 * The locks themselves, with real threads. The rank check is left out, because all threads share
 * one fake CPU.
 */
static spinlock_t shared;
static rwlock_t shared_rw;
static u64 guarded[2];

#define ROUNDS 300 /* few: each handover may cost a time slice of the host */

static void *adds(void *arg)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		spin_lock_raw(&shared);
		guarded[0]++;
		__atomic_store_n(&shared.owner, shared.owner + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void the_spinlock_excludes(void **state)
{
	pthread_t t[2];

	guarded[0] = 0;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, adds, NULL), 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(guarded[0], 2 * ROUNDS);
	assert_int_equal(shared.next, 2 * ROUNDS);
}

static void readers_share_and_writers_do_not(void **state)
{
	read_lock(&shared_rw);
	this_cpu()->nr_held = 0;
	read_lock(&shared_rw);
	assert_int_equal(shared_rw.cnt, 2);
	this_cpu()->nr_held = 0;
	__atomic_fetch_sub(&shared_rw.cnt, 2, __ATOMIC_RELEASE);
	write_lock(&shared_rw);
	assert_int_equal(shared_rw.cnt, RWLOCK_WRITER);
	assert_int_equal(shared_rw.writers_waiting, 0);
	write_unlock(&shared_rw);
	assert_int_equal(shared_rw.cnt, 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(rising_ranks_are_right),
	UNIT_TEST(falling_and_equal_ranks_panic),
	UNIT_TEST(two_of_one_rank_by_the_pair_call),
	UNIT_TEST(trylock_may_come_out_of_order_but_counts),
	UNIT_TEST(mistakes_panic),
	UNIT_TEST(the_spinlock_excludes),
	UNIT_TEST(readers_share_and_writers_do_not),
};

UNIT_MAIN(tests)
