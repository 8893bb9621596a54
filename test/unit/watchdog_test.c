/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/watchdog.c common/timer.c common/pqueue.c common/pcpu.c */
/* SOURCES: common/spinlock.c common/option.c */
/*
 * The watchdog: who counts as stuck, when, and what happens then; and the deadline for Dom0 to come
 * up.
 */
#include "test/unit/unit.h"

#include <public/errno.h>

#include "common/option.h"
#include "common/timer.h"
#include "common/watchdog.h"
#include "fake.h"

#define SECOND 1000000000ull

static struct pcpu *stuck;
static unsigned int nmis;

void arch_cpu_is_stuck(struct pcpu *cpu)
{
	stuck = cpu;
	nmis++;
}

u64 arch_timer_arm(u64 deadline_ns)
{
	return deadline_ns <= fake_now ? 0 : min(deadline_ns, fake_now + SECOND);
}

static void start(const char *options)
{
	option_init(options);
	nr_cpus = 2;
	stuck = NULL;
	nmis = 0;
	for (unsigned int i = 0; i < 2; i++) {
		fake_run_on(i, NULL);
		timer_init_cpu(this_cpu());
		timer_process();
		pcpus[i]->watch = (struct watch){ 0 };
		pcpus[i]->epoch = 10;
	}
	fake_run_on(0, NULL);
	watchdog_init();
}

/* CPU 0's timer fires every second; CPU 1 does nothing. */
static void seconds_pass(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		fake_now += SECOND;
		timer_process();
	}
}

/* The first late second is when it is noticed; after it, as many as the timeout says. */
static void a_cpu_that_stays_inside_keel_gets_an_nmi(void **state)
{
	start("watchdog_timeout=5");
	seconds_pass(1 + 1 + 4);
	assert_int_equal(nmis, 0);
	seconds_pass(1);
	assert_int_equal(nmis, 1);
	assert_ptr_equal(stuck, pcpus[1]);
	seconds_pass(9);
	assert_int_equal(nmis, 1);
	assert_true(FAKE_PANICS(seconds_pass(1)));
	assert_non_null(strstr(fake_panic_message, "CPU1"));
}

static void a_cpu_that_leaves_keel_is_not_stuck(void **state)
{
	start("watchdog_timeout=5");
	for (unsigned int i = 0; i < 20; i++) {
		seconds_pass(4);
		pcpus[1]->epoch += 2;
	}
	pcpus[1]->epoch |= 1; /* in a guest, or idle: as long as it likes */
	seconds_pass(100);
	assert_int_equal(nmis, 0);
	pcpus[1]->epoch++;
	seconds_pass(1 + 4);
	assert_int_equal(nmis, 0);
	seconds_pass(1);
	assert_int_equal(nmis, 1);
}

/* However often CPU 0 looks within a second, and however long the machine stood still. */
static void only_seconds_that_the_watcher_lives_through_count(void **state)
{
	start("watchdog_timeout=5");
	seconds_pass(2);
	for (unsigned int i = 0; i < 100; i++) {
		fake_now += SECOND / 200;
		timer_process();
	}
	assert_int_equal(pcpus[0]->watch.seconds, 0);
	fake_now += 3600 * SECOND;
	timer_process();
	assert_int_equal(pcpus[0]->watch.seconds, 1);
	assert_int_equal(nmis, 0);
}

static void it_can_be_switched_off(void **state)
{
	struct watch w = { 0 };

	start("watchdog=off watchdog_timeout=5");
	seconds_pass(1000);
	assert_int_equal(nmis, 0);
	for (unsigned int i = 0; i < 100000; i++) {
		fake_now += SECOND;
		assert_false(watchdog_waits(&w));
	}
}

/* Turns of a loop until it has waited too long, with so many ns for each. */
static unsigned int turns_until_too_long(struct watch *w, u64 ns)
{
	for (unsigned int i = 1; i < 1000000; i++) {
		fake_now += ns;
		if (watchdog_waits(w))
			return i;
	}
	return 0;
}

static void a_wait_ends_after_the_timeout(void **state)
{
	struct watch w = { 0 };
	unsigned int turns;

	start("watchdog_timeout=5");
	fake_now = SECOND;
	turns = turns_until_too_long(&w, SECOND / 1000);
	/* From the first look on, five; each look comes 1,024 turns after the last. */
	assert_in_range(turns, 5 * 1024, 8 * 1024);
	assert_int_equal(w.seconds, 5);
}

static void a_lock_that_nobody_releases_is_a_panic(void **state)
{
	static spinlock_t lock = SPINLOCK_INIT(RANK_HEAP);
	static rwlock_t rw = RWLOCK_INIT(RANK_P2M);

	start("watchdog_timeout=5");
	fake_now = SECOND;
	lock.next = 1;
	assert_true(FAKE_PANICS(spin_lock_raw(&lock)));
	assert_non_null(strstr(fake_panic_message, "has waited 5 s for a lock of rank"));
	rw.cnt = 1;
	assert_true(FAKE_PANICS(write_lock(&rw)));
	rw.cnt = RWLOCK_WRITER;
	assert_true(FAKE_PANICS(read_lock(&rw)));
	this_cpu()->nr_held = 0;
}

/* Somebody is waited for who has a kick on its way, and does not leave its guest. */
static void a_guest_that_is_not_left_is_a_panic(void **state)
{
	cpumask_t all = { { 3 } };

	start("watchdog_timeout=5");
	pcpus[1]->curr = fake_domain(1, 1)->vcpu[0];
	pcpus[1]->epoch = 11;
	pcpus[1]->work = BIT(WORK_TLB);
	assert_true(FAKE_PANICS(pcpu_wait_exit(&all)));
	assert_non_null(strstr(fake_panic_message, "CPU1 has not left its guest for 5 s"));
}

static void dom0_has_so_many_seconds_to_come_up(void **state)
{
	start("watchdog=off boot_timeout=20");
	seconds_pass(19);
	assert_int_equal(watchdog_boot_timeout(), 20);
	assert_true(FAKE_PANICS(seconds_pass(1)));
	assert_non_null(strstr(fake_panic_message, "within 20 s"));
}

static void without_the_option_there_is_no_deadline(void **state)
{
	start("watchdog=off");
	seconds_pass(100000);
	assert_int_equal(watchdog_boot_timeout(), 0);
	start("watchdog=off boot_timeout=86401");
	seconds_pass(100000);
}

/* Any CPU may say so, and a new deadline begins when it is set. */
static void dom0_is_up_or_gets_more_time(void **state)
{
	static const char *const bad[] = { "", "-1", "1x", "86401", "no" };

	start("watchdog=off boot_timeout=20");
	seconds_pass(15);
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(watchdog_set_boot_timeout(bad[i]), -EINVAL);
	assert_int_equal(watchdog_set_boot_timeout("30"), 0);
	seconds_pass(29);
	fake_run_on(1, NULL);
	assert_int_equal(watchdog_set_boot_timeout("0"), 0);
	assert_int_equal(watchdog_boot_timeout(), 0);
	fake_run_on(0, NULL);
	seconds_pass(1000);
	assert_int_equal(watchdog_set_boot_timeout("5"), 0);
	assert_true(FAKE_PANICS(seconds_pass(5)));
}

/* Waiting takes time. */
void fake_cpu_relax(void)
{
	fake_now += SECOND / 100;
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(a_cpu_that_stays_inside_keel_gets_an_nmi),
	UNIT_TEST(a_cpu_that_leaves_keel_is_not_stuck),
	UNIT_TEST(only_seconds_that_the_watcher_lives_through_count),
	UNIT_TEST(it_can_be_switched_off),
	UNIT_TEST(a_wait_ends_after_the_timeout),
	UNIT_TEST(a_lock_that_nobody_releases_is_a_panic),
	UNIT_TEST(a_guest_that_is_not_left_is_a_panic),
	UNIT_TEST(dom0_has_so_many_seconds_to_come_up),
	UNIT_TEST(without_the_option_there_is_no_deadline),
	UNIT_TEST(dom0_is_up_or_gets_more_time),
};

UNIT_MAIN(tests)
