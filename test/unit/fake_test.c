/* SPDX-License-Identifier: GPL-2.0-only */
/* The fake arch itself, on which every other unit test relies. */
#include "test/unit/unit.h"

#include <public/errno.h>

#include "common/guest_access.h"

static void nth_allocation_fails_once(void **state)
{
	void *first, *third;

	fake_fail_nth(2);
	first = alloc_page();
	assert_non_null(first);
	assert_false(fake_failure_happened());
	assert_null(alloc_page());
	assert_true(fake_failure_happened());
	third = alloc_page();
	assert_non_null(third);
	assert_int_equal(fake_live_pages(), 2);
	free_page(first);
	free_page(third);
	assert_int_equal(fake_live_pages(), 0);
}

static void memory_is_out_until_told(void **state)
{
	fake_fail_from(2);
	free_page(alloc_page());
	for (unsigned int i = 0; i < 3; i++)
		assert_null(alloc_page());
	assert_true(fake_failure_happened());
	fake_fail_nth(0);
	free_page(alloc_page());
	assert_int_equal(fake_live_pages(), 0);
}

static void each_failure_is_tried(void **state)
{
	unsigned int rounds = 0, failures = 0;

	FAKE_EACH_FAILURE(n) {
		fake_fail_nth(n);
		free_page(alloc_page());
		free_page(alloc_page());
		rounds++;
		failures += fake_failure_happened();
	}
	assert_int_equal(rounds, 3);
	assert_int_equal(failures, 2);
}

static void references_keep_a_page(void **state)
{
	struct domain *d = fake_domain(1, 1);
	u64 before = fake_live_pages();
	mfn_t mfn = fake_populate(d, 5);
	struct page_info *pg;

	assert_int_equal(d->tot_pages, 1);
	pg = p2m_get_page(d, 5, false);
	assert_int_equal(page_to_mfn(pg), mfn);

	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, 5, INVALID_MFN, 0, P2M_HOLE), 0);
	p2m_write_unlock(d);
	assert_int_equal(fake_events.p2m_flushes, 1);
	assert_int_equal(fake_live_pages(), before + 1);
	put_page(pg);
	assert_int_equal(fake_live_pages(), before);
	assert_int_equal(d->tot_pages, 0);
}

static void guest_copies_fault_where_told(void **state)
{
	u32 value = 7, copy = 0;

	assert_int_equal(copy_from_guest(&copy, (u64)&value, sizeof(copy)), 0);
	assert_int_equal(copy, 7);
	assert_int_equal(copy_from_guest(&copy, 0x1000, sizeof(copy)), -EFAULT);
	fake_guest_fault_nth(2);
	assert_int_equal(copy_to_guest((u64)&value, &copy, sizeof(copy)), 0);
	assert_int_equal(copy_to_guest((u64)&value, &copy, sizeof(copy)), -EFAULT);
	assert_int_equal(copy_to_guest((u64)&value, &copy, sizeof(copy)), 0);
}

static unsigned int fired;
static void fire(void *data)
{
	fired = fired * 10 + (unsigned int)(u64)data;
}

static void timers_fire_in_order(void **state)
{
	struct timer a, b;

	timer_init(&a, pcpus[0], fire, (void *)1);
	timer_init(&b, pcpus[1], fire, (void *)2);
	timer_set(&a, 200);
	timer_set(&b, 100);
	fake_advance(150);
	assert_int_equal(fired, 2);
	assert_int_equal(now(), 150);
	fake_advance(50);
	assert_int_equal(fired, 21);
	timer_set(&a, 10000);
	timer_stop(&a);
	fake_advance(20000);
	assert_int_equal(fired, 21);
}

static void locks_are_counted(void **state)
{
	spinlock_t l = SPINLOCK_INIT(RANK_HEAP);

	spin_lock(&l);
	assert_int_equal(fake_locks_held(), 1);
	spin_unlock(&l);
	assert_int_equal(fake_locks_held(), 0);
}

static void panics_are_caught(void **state)
{
	assert_true(FAKE_PANICS(BUG_ON(fired == fired)));
	assert_non_null(strstr(fake_panic_message, "fake_test.c"));
	assert_false(FAKE_PANICS((void)0));
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(nth_allocation_fails_once),
	UNIT_TEST(memory_is_out_until_told),
	UNIT_TEST(each_failure_is_tried),
	UNIT_TEST(references_keep_a_page),
	UNIT_TEST(guest_copies_fault_where_told),
	UNIT_TEST(timers_fire_in_order),
	UNIT_TEST(locks_are_counted),
	UNIT_TEST(panics_are_caught),
};

UNIT_MAIN(tests)
