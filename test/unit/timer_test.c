/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/timer.c common/pqueue.c common/pcpu.c */
#include "test/unit/unit.h"

#include "common/pcpu.h"
#include "fake.h"

#define NR_TIMERS 100

static struct timer timers[NR_TIMERS];
static unsigned int fired[NR_TIMERS];
static u64 fired_at[NR_TIMERS];
static void (*in_callback)(unsigned int i);

/*
 * The hardware: the armed deadline of each CPU. It refuses the past, and reaches at most one step
 * ahead.
 */
static unsigned int arms;
u64 arch_timer_arm(u64 deadline_ns)
{
	arms++;
	if (deadline_ns <= fake_now)
		return 0;
	return fake_armed[this_cpu()->id] = min(deadline_ns, fake_now + FAKE_ARM_MAX);
}

static void callback(void *data)
{
	unsigned int i = (unsigned int)(unsigned long)data;

	assert_int_equal(fake_locks_held(), 0);
	assert_ptr_equal(this_cpu()->timer_running, &timers[i]);
	fired[i]++;
	fired_at[i] = fake_now;
	if (in_callback)
		in_callback(i);
}

/* All CPUs are idle, with their timers armed. */
static void start(void)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		timer_init_cpu(pcpus[i]);
		assert_true(test_and_clear_bit(WORK_TIMER, &pcpus[i]->work));
		fake_run_on(i, NULL);
		timer_process();
		pcpus[i]->epoch = 1;
	}
	for (unsigned int i = 0; i < NR_TIMERS; i++)
		timer_init(&timers[i], pcpus[0], callback, (void *)(unsigned long)i);
	memset(fired, 0, sizeof(fired));
	in_callback = NULL;
	arms = 0;
	fake_run_on(0, NULL);
}

/* Time passes until the hardware timer of the CPU fires; false: no timer is set. */
static bool hardware_fires(unsigned int cpu)
{
	fake_run_on(cpu, NULL);
	if (!test_and_clear_bit(WORK_TIMER, &pcpus[cpu]->work)) {
		if (!pcpus[cpu]->timers.nr)
			return false;
		assert_int_equal(fake_armed[cpu], pcpus[cpu]->timer_deadline);
		fake_now = max(fake_now, pcpus[cpu]->timer_deadline);
	}
	timer_process();
	return true;
}

static void they_fire_in_order_and_in_time(void **state)
{
	start();
	for (unsigned int i = 0; i < NR_TIMERS; i++)
		timer_set(&timers[i], 1000 + (i * 37 % NR_TIMERS) * 10);
	while (hardware_fires(0))
		;
	for (unsigned int i = 0; i < NR_TIMERS; i++) {
		assert_int_equal(fired[i], 1);
		assert_int_equal(fired_at[i], 1000 + (i * 37 % NR_TIMERS) * 10);
		assert_false(timers[i].pending);
	}
	fake_check_quiet();
}

static void the_past_fires_from_the_loop_and_not_from_the_call(void **state)
{
	start();
	fake_now = 5000;
	timer_set(&timers[0], 4000);
	assert_int_equal(fired[0], 0);
	assert_true(test_bit(WORK_TIMER, &pcpus[0]->work));
	assert_true(hardware_fires(0));
	assert_int_equal(fired[0], 1);
	assert_int_equal(fake_now, 5000);
	assert_false(hardware_fires(0));
}

static void a_later_timer_does_not_touch_the_hardware(void **state)
{
	start();
	timer_set(&timers[0], 1000);
	assert_int_equal(arms, 1);
	timer_set(&timers[1], 2000);
	timer_stop(&timers[1]);
	timer_set(&timers[0], 3000); /* moved back: the interrupt comes early and does nothing */
	timer_set(&timers[0], 2500);
	assert_int_equal(arms, 1);
	assert_true(hardware_fires(0));
	assert_int_equal(fake_now, 1000);
	assert_int_equal(fired[0], 0);
	assert_true(hardware_fires(0));
	assert_int_equal(fired_at[0], 2500);
	assert_false(hardware_fires(0));
}

static void another_cpu_is_kicked_only_for_an_earlier_timer(void **state)
{
	start();
	timer_migrate(&timers[0], pcpus[1]);
	timer_migrate(&timers[1], pcpus[1]);
	timer_set(&timers[0], 1000);
	assert_int_equal(fake_kicks(1), 1);
	assert_int_equal(arms, 0);
	fake_run_on(1, NULL);
	clear_bit(WORK_TIMER, &pcpus[1]->work);
	timer_process();
	assert_int_equal(fake_armed[1], 1000);
	fake_run_on(0, NULL);
	timer_set(&timers[1], 2000);
	assert_int_equal(fake_kicks(1), 1);
	timer_set(&timers[1], 500);
	assert_int_equal(fake_kicks(1), 2);
	while (hardware_fires(1))
		;
	assert_int_equal(fired_at[1], 500);
	assert_int_equal(fired_at[0], 1000);
}

static void it_moves_to_another_cpu_with_its_time(void **state)
{
	start();
	timer_set(&timers[0], 1000);
	timer_set(&timers[1], 1500);
	timer_migrate(&timers[0], pcpus[2]);
	timer_migrate(&timers[0], pcpus[2]);
	assert_ptr_equal(timers[0].cpu, pcpus[2]);
	assert_int_equal(pcpus[0]->timers.nr, 1);
	assert_int_equal(pcpus[2]->timers.nr, 1);
	while (hardware_fires(2))
		;
	assert_int_equal(fired_at[0], 1000);
	assert_int_equal(fired[1], 0);
	while (hardware_fires(0))
		;
	assert_int_equal(fired_at[1], 1500);
}

static void periodic(unsigned int i)
{
	if (fired[i] < 5)
		timer_set(&timers[i], fake_now + 100);
}

static void a_callback_may_set_it_again(void **state)
{
	start();
	in_callback = periodic;
	timer_set(&timers[0], 100);
	while (hardware_fires(0))
		;
	assert_int_equal(fired[0], 5);
	assert_int_equal(fake_now, 500);
}

static void kills_next(unsigned int i)
{
	if (i == 0)
		timer_kill(&timers[1]);
}

static void a_killed_timer_does_not_fire(void **state)
{
	start();
	in_callback = kills_next;
	timer_set(&timers[0], 100);
	timer_set(&timers[1], 101);
	fake_now = 200;
	while (hardware_fires(0))
		;
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired[1], 0);
	timer_kill(&timers[2]);
	timer_set(&timers[2], 300);
	while (hardware_fires(0))
		;
	assert_int_equal(fired[2], 1);
}

static void one_round_is_bounded(void **state)
{
	start();
	for (unsigned int i = 0; i < NR_TIMERS; i++)
		timer_set(&timers[i], 10);
	fake_now = 20;
	clear_bit(WORK_TIMER, &pcpus[0]->work);
	timer_process();
	assert_true(pcpus[0]->timers.nr > NR_TIMERS / 2);
	assert_true(test_bit(WORK_TIMER, &pcpus[0]->work));
	while (hardware_fires(0))
		;
	assert_int_equal(pcpus[0]->timers.nr, 0);
}

/* --- interrupts that get lost --- */

static void far_timers_are_armed_in_steps(void **state)
{
	start();
	timer_set(&timers[0], 5 * FAKE_ARM_MAX / 2);
	for (unsigned int i = 1; i <= 2; i++) {
		assert_true(hardware_fires(0));
		assert_int_equal(fake_now, i * FAKE_ARM_MAX);
		assert_int_equal(fired[0], 0);
	}
	assert_true(hardware_fires(0));
	assert_int_equal(fired_at[0], 5 * FAKE_ARM_MAX / 2);
}

static void a_cpu_without_timers_is_armed_all_the_same(void **state)
{
	start();
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(pcpus[0]->timer_deadline, i * FAKE_ARM_MAX);
		assert_int_equal(fake_armed[0], i * FAKE_ARM_MAX);
		fake_now = fake_armed[0];
		timer_process();
	}
	assert_int_equal(arms, 3);
}

/* CPU 1's only interrupt is lost. Nothing else wakes CPU 1, but CPU 0's timer code checks on it. */
static void a_lost_interrupt_is_noticed_by_the_cpu_before(void **state)
{
	start();
	timer_migrate(&timers[0], pcpus[1]);
	fake_run_on(1, NULL);
	timer_set(&timers[0], 1000);
	fake_run_on(0, NULL);
	timer_set(&timers[1], 1000 + 9000000);
	assert_true(hardware_fires(0));
	assert_int_equal(fake_kicks(1), 0); /* a small delay is allowed */
	timer_set(&timers[1], 1000 + 10000000);
	assert_true(hardware_fires(0));
	assert_int_equal(fake_kicks(1), 1);
	assert_int_equal(fake_kicks(0) + fake_kicks(2) + fake_kicks(3), 0);
	assert_true(hardware_fires(1));
	assert_int_equal(fired_at[0], 1000 + 10000000);
}

static void a_lost_step_is_noticed_as_well(void **state)
{
	start();
	timer_migrate(&timers[0], pcpus[1]);
	fake_run_on(1, NULL);
	timer_set(&timers[0], 2 * FAKE_ARM_MAX);
	fake_now = FAKE_ARM_MAX + 20000000;
	fake_run_on(0, NULL);
	timer_process();
	assert_int_equal(fake_kicks(1), 1);
	while (hardware_fires(1))
		;
	assert_int_equal(fired_at[0], 2 * FAKE_ARM_MAX);
}

/*
 * CPU 1 is in a guest that does not exit. A kick was lost on its way, so its work bit is already
 * set.
 */
static void a_lost_kick_is_sent_again(void **state)
{
	start();
	timer_migrate(&timers[0], pcpus[1]);
	pcpus[1]->curr = fake_domain(1, 1)->vcpu[0];
	timer_set(&timers[0], 1000);
	assert_int_equal(fake_kicks(1), 1);
	timer_set(&timers[0], 500);
	assert_int_equal(fake_kicks(1), 1); /* it counts as under way */
	fake_now = FAKE_ARM_MAX + 20000000; /* the timer's interrupt was lost, too */
	timer_process();
	assert_int_equal(fake_kicks(1), 2);
	assert_true(hardware_fires(1));
	assert_int_equal(fired[0], 1);
}

static void a_cpu_that_is_not_up_is_left_alone(void **state)
{
	start();
	pcpus[1]->timer_deadline = 0;
	nr_cpus = 2;
	fake_now = 3 * FAKE_ARM_MAX;
	timer_process();
	assert_int_equal(fake_kicks(1), 0);
	fake_run_on(1, NULL);
	pcpus[0]->timer_deadline = 1;
	timer_process();
	assert_int_equal(fake_kicks(0), 1); /* the last CPU checks on the first */
	nr_cpus = 1;
	fake_run_on(0, NULL);
	timer_process();
	assert_int_equal(fake_kicks(0), 1);
}

/*
 * CPUs that only get timer interrupts and kicks. While faults are on, any interrupt may be lost,
 * timers fire early, and the clock jumps.
 */
static struct {
	u64 seed, hw[FAKE_CPUS];	/* when the hardware fires; 0: it has fired */
	unsigned int kicks[FAKE_CPUS];	/* seen so far */
	u64 due[NR_TIMERS];		/* 0: not set */
	bool faults;
} m;

static u64 any(u64 below)
{
	m.seed = m.seed * 6364136223846793005ull + 1442695040888963407ull;
	return (m.seed >> 20) % below;
}

static void checks_its_time(unsigned int i)
{
	assert_true(m.due[i] && fake_now >= m.due[i]);
	m.due[i] = 0;
}

static void interrupted(unsigned int cpu)
{
	u64 before = arms;

	fake_run_on(cpu, NULL);
	pcpus[cpu]->epoch++;
	while (test_and_clear_bit(WORK_TIMER, &pcpus[cpu]->work)) {
		timer_process();
		if (arms != before && !test_bit(WORK_TIMER, &pcpus[cpu]->work))
			m.hw[cpu] = m.faults && !any(4) ? fake_now + any(fake_armed[cpu] - fake_now + 1)
							: fake_armed[cpu];
	}
	pcpus[cpu]->epoch++;
}

static void kicks_arrive(void)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		for (; m.kicks[i] < fake_kicks(i); m.kicks[i]++)
			if (!m.faults || any(4))
				interrupted(i);
}

/* The next hardware timer fires, or its interrupt is lost. */
static void next_interrupt(u64 until)
{
	unsigned int first = FAKE_CPUS;

	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		if (m.hw[i] && (first == FAKE_CPUS || m.hw[i] < m.hw[first]))
			first = i;
	if (first == FAKE_CPUS || m.hw[first] > until) {
		fake_now = until;
		return;
	}
	fake_now = max(fake_now, m.hw[first]);
	m.hw[first] = 0;
	if (m.faults && !any(3))
		return;
	set_bit(WORK_TIMER, &pcpus[first]->work);
	interrupted(first);
}

/* Set a timer from its own CPU, as guests do, or from another. */
static void set_one(void)
{
	unsigned int i = (unsigned int)any(NR_TIMERS), cpu = (unsigned int)any(FAKE_CPUS);
	u64 before = arms;

	fake_run_on(cpu, NULL);
	pcpus[cpu]->epoch++;
	if (any(2))
		timer_migrate(&timers[i], pcpus[any(2) ? cpu : any(FAKE_CPUS)]);
	m.due[i] = fake_now + any(any(2) ? 5000000 : 3 * FAKE_ARM_MAX) + 1;
	timer_set(&timers[i], m.due[i]);
	if (arms != before)
		m.hw[cpu] = fake_armed[cpu];
	pcpus[cpu]->epoch++;
}

static void pass(u64 ns)
{
	for (u64 until = fake_now + ns; fake_now < until;) {
		next_interrupt(until);
		kicks_arrive();
	}
}

static void faults_delay_timers_and_do_not_end_them(void **state)
{
	for (u64 run = 0; run < 200; run++) {
		memset(&m, 0, sizeof(m));
		m.seed = run;
		fake_now = 0;
		start();
		in_callback = checks_its_time;
		for (unsigned int i = 0; i < FAKE_CPUS; i++) {
			m.hw[i] = fake_armed[i];
			m.kicks[i] = fake_kicks(i);
		}
		m.faults = true;
		for (unsigned int i = 0; i < 300; i++) {
			set_one();
			kicks_arrive();
			pass(any(20000000));
			if (!any(100))
				fake_now += any(5 * FAKE_ARM_MAX);
		}
		/*
		 * No more faults: one CPU gets an interrupt, its timer code wakes the next CPU, and
		 * so on.
		 */
		m.faults = false;
		fake_run_on(0, NULL);
		set_bit(WORK_TIMER, &pcpus[0]->work);
		interrupted(0);
		pass((FAKE_CPUS + 4) * FAKE_ARM_MAX);
		for (unsigned int i = 0; i < NR_TIMERS; i++)
			assert_false(timers[i].pending || m.due[i]);
	}
}

/* The queue against a plain array, over random operations. */
static unsigned int check_tree(const struct pq_node *n, const struct pq_node *parent)
{
	if (!n)
		return 0;
	assert_ptr_equal(n->parent, parent);
	if (parent)
		assert_true(parent->key <= n->key);
	return 1 + check_tree(n->child[0], n) + check_tree(n->child[1], n);
}

static void the_queue_is_right_over_random_operations(void **state)
{
	static struct pq_node nodes[64];
	struct pqueue q = { 0 };
	bool in[64] = { false };
	u64 seed = 12345;

	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int i, n = 0;
		u64 least = ~0ull;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		i = seed >> 33 & 63;
		if (!in[i]) {
			nodes[i].key = seed >> 40 & 255;
			pq_insert(&q, &nodes[i]);
			in[i] = true;
		} else if (seed >> 60 & 1) {
			pq_update(&q, &nodes[i], seed >> 40 & 255);
		} else {
			pq_remove(&q, &nodes[i]);
			in[i] = false;
		}
		for (unsigned int j = 0; j < 64; j++)
			if (in[j]) {
				n++;
				least = min(least, nodes[j].key);
			}
		assert_int_equal(q.nr, n);
		assert_int_equal(check_tree(q.root, NULL), n);
		if (n)
			assert_int_equal(q.root->key, least);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(they_fire_in_order_and_in_time),
	UNIT_TEST(the_past_fires_from_the_loop_and_not_from_the_call),
	UNIT_TEST(a_later_timer_does_not_touch_the_hardware),
	UNIT_TEST(another_cpu_is_kicked_only_for_an_earlier_timer),
	UNIT_TEST(it_moves_to_another_cpu_with_its_time),
	UNIT_TEST(a_callback_may_set_it_again),
	UNIT_TEST(a_killed_timer_does_not_fire),
	UNIT_TEST(one_round_is_bounded),
	UNIT_TEST(far_timers_are_armed_in_steps),
	UNIT_TEST(a_cpu_without_timers_is_armed_all_the_same),
	UNIT_TEST(a_lost_interrupt_is_noticed_by_the_cpu_before),
	UNIT_TEST(a_lost_step_is_noticed_as_well),
	UNIT_TEST(a_lost_kick_is_sent_again),
	UNIT_TEST(a_cpu_that_is_not_up_is_left_alone),
	UNIT_TEST(faults_delay_timers_and_do_not_end_them),
	UNIT_TEST(the_queue_is_right_over_random_operations),
};

UNIT_MAIN(tests)
