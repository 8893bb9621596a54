/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/pcpu.c */
/* Kicks, waits for exits, and deferred freeing, with the test playing the CPUs' loops. */
#include "common/rcu.c"

#include "test/unit/unit.h"

#include "test/unit/fake/threads.h"

#include <stdlib.h>

/* A CPU enters a guest (v) or becomes idle, and comes back. */
static void go_out(unsigned int cpu)
{
	__atomic_fetch_add(&pcpus[cpu]->epoch, 1, __ATOMIC_SEQ_CST);
}

static void come_in(unsigned int cpu)
{
	__atomic_fetch_add(&pcpus[cpu]->epoch, 1, __ATOMIC_SEQ_CST);
}

/* One pass of a CPU's loop: it takes its work bits. */
static void loop_turn(unsigned int cpu)
{
	u64 work = __atomic_exchange_n(&pcpus[cpu]->work, 0, __ATOMIC_SEQ_CST);

	fake_run_on(cpu, pcpus[cpu]->curr->idle ? NULL : pcpus[cpu]->curr);
	if (work & BIT(WORK_RCU))
		rcu_process();
}

static struct vcpu guest[FAKE_CPUS];

static void in_guest(unsigned int cpu)
{
	fake_run_on(cpu, &guest[cpu]);
	go_out(cpu);
}

static void rcu_fresh(void)
{
	memset(&rcu, 0, sizeof(rcu));
	rcu.lock = (spinlock_t)SPINLOCK_INIT(RANK_RCU);
}

static unsigned int freed;

static void count_freed(struct rcu_head *head)
{
	freed++;
	head->fn = NULL;
}

static void kicks_interrupt_only_who_is_outside(void **state)
{
	fake_run_on(0, NULL);
	pcpu_kick(pcpus[1], WORK_SCHED);
	assert_int_equal(fake_kicks(1), 0);
	assert_true(pcpus[1]->work & BIT(WORK_SCHED));
	in_guest(2);
	fake_run_on(0, NULL);
	pcpu_kick(pcpus[2], WORK_KICK);
	assert_int_equal(fake_kicks(2), 1);
	pcpu_kick(pcpus[2], WORK_KICK); /* one is under way already */
	assert_int_equal(fake_kicks(2), 1);
	pcpu_kick(pcpus[2], WORK_TLB);
	assert_int_equal(fake_kicks(2), 2);
	/*
	 * An idle CPU is woken, but not to flush translations: it does that before it enters a
	 * guest.
	 */
	go_out(3);
	pcpu_kick(pcpus[3], WORK_TLB);
	assert_int_equal(fake_kicks(3), 0);
	pcpu_kick(pcpus[3], WORK_SCHED);
	assert_int_equal(fake_kicks(3), 1);
	pcpu_kick(pcpus[0], WORK_SCHED); /* not the caller itself */
	assert_int_equal(fake_kicks(0), 0);
}

static void *leaves_soon(void *arg)
{
	struct timespec t = { 0, 20 * 1000 * 1000 };

	nanosleep(&t, NULL);
	come_in((unsigned int)(uintptr_t)arg);
	return NULL;
}

static void *turns_round_soon(void *arg)
{
	struct pcpu *cpu = pcpus[(uintptr_t)arg];
	struct timespec t = { 0, 20 * 1000 * 1000 };

	nanosleep(&t, NULL);
	/* The CPU looked at its work before the waiter read its epoch, and is in the guest again. */
	__atomic_store_n(&cpu->work, 0, __ATOMIC_SEQ_CST);
	return NULL;
}

static void waits_for_guests_only(void **state)
{
	cpumask_t mask = {};
	pthread_t thread;

	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		cpumask_set(&mask, i);
	fake_run_on(0, NULL);
	pcpu_wait_exit(&mask); /* all inside */
	go_out(3);
	pcpu_kick(pcpus[3], WORK_TLB);
	pcpu_wait_exit(&mask); /* idle */
	in_guest(2);
	fake_run_on(0, NULL);
	pcpu_kick(pcpus[2], WORK_TLB);
	assert_int_equal(pthread_create(&thread, NULL, leaves_soon, (void *)2), 0);
	pcpu_wait_exit(&mask);
	assert_int_equal(pcpus[2]->epoch & 1, 0);
	pthread_join(thread, NULL);
	go_out(2);
	assert_int_equal(pthread_create(&thread, NULL, turns_round_soon, (void *)2), 0);
	pcpu_wait_exit(&mask);
	assert_int_equal(pcpus[2]->work, 0);
	pthread_join(thread, NULL);
}

static void alone_it_is_freed_at_the_top_of_the_loop(void **state)
{
	struct rcu_head head;

	rcu_fresh();
	freed = 0;
	for (unsigned int i = 1; i < FAKE_CPUS; i++)
		go_out(i);
	fake_run_on(0, NULL);
	rcu_call(&head, count_freed);
	assert_int_equal(freed, 0);
	assert_true(pcpus[0]->work & BIT(WORK_RCU));
	loop_turn(0);
	assert_int_equal(freed, 1);
	for (unsigned int i = 1; i < FAKE_CPUS; i++)
		assert_int_equal(fake_kicks(i), 0);
}

static void it_waits_for_everybody_inside(void **state)
{
	struct rcu_head head;

	rcu_fresh();
	freed = 0;
	fake_run_on(0, NULL);
	rcu_call(&head, count_freed);
	loop_turn(0);
	assert_int_equal(freed, 0);
	/* CPUs pass the baton on. A CPU that was outside meanwhile is skipped. */
	assert_true(pcpus[1]->work & BIT(WORK_RCU));
	go_out(2);
	loop_turn(1);
	assert_int_equal(freed, 0);
	assert_false(pcpus[2]->work & BIT(WORK_RCU));
	assert_true(pcpus[3]->work & BIT(WORK_RCU));
	loop_turn(3);
	assert_int_equal(freed, 1);
}

/*
 * CPU 1 was in a guest and is inside again: it can only look up objects that are still linked, so
 * it does not count.
 */
static void coming_back_does_not_count(void **state)
{
	struct rcu_head head;

	rcu_fresh();
	freed = 0;
	go_out(2);
	go_out(3);
	fake_run_on(0, NULL);
	rcu_call(&head, count_freed);
	loop_turn(0);
	assert_int_equal(freed, 0);
	go_out(1);
	come_in(1);
	loop_turn(1);
	assert_int_equal(freed, 1);
}

static void later_objects_wait_for_a_new_round(void **state)
{
	struct rcu_head first, second;

	rcu_fresh();
	freed = 0;
	go_out(2);
	go_out(3);
	fake_run_on(0, NULL);
	rcu_call(&first, count_freed);
	loop_turn(0);
	/*
	 * CPU 1 goes out and comes in, and holds a pointer to an object that is unlinked only now.
	 */
	go_out(1);
	come_in(1);
	fake_run_on(0, NULL);
	rcu_call(&second, count_freed);
	loop_turn(0);
	assert_int_equal(freed, 1);
	assert_non_null(second.fn);
	loop_turn(1);
	assert_int_equal(freed, 2);
	assert_null(rcu.batch);
	assert_null(rcu.next);
}

static void many_are_freed_a_few_at_a_time(void **state)
{
	struct rcu_head head[40];
	unsigned int turns = 0;

	rcu_fresh();
	freed = 0;
	for (unsigned int i = 1; i < FAKE_CPUS; i++)
		go_out(i);
	fake_run_on(0, NULL);
	for (unsigned int i = 0; i < 40; i++)
		rcu_call(&head[i], count_freed);
	while (pcpus[0]->work) {
		loop_turn(0);
		assert_true(freed <= ++turns * RCU_PER_ROUND);
	}
	assert_int_equal(freed, 40);
}

static void again(struct rcu_head *head)
{
	freed++;
	rcu_call(head, count_freed);
}

static void a_callback_may_defer_again(void **state)
{
	struct rcu_head head;

	rcu_fresh();
	freed = 0;
	for (unsigned int i = 1; i < FAKE_CPUS; i++)
		go_out(i);
	fake_run_on(0, NULL);
	rcu_call(&head, again);
	loop_turn(0);
	assert_int_equal(freed, 1);
	loop_turn(0);
	assert_int_equal(freed, 2);
}

/*
 * Any order of events: CPUs look objects up, go out, come in, run their loops; objects are unlinked
 * and their freeing is deferred. An object must not be freed while a CPU holds a pointer to it.
 */
#define OBJECTS 8
static struct { struct rcu_head head; bool linked, waiting; u32 held_by; } objects[OBJECTS];

static void object_freed(struct rcu_head *head)
{
	unsigned int i = (unsigned int)(container_of(head, __typeof__(objects[0]), head) - objects);

	assert_false(objects[i].linked);
	assert_int_equal(objects[i].held_by, 0);
	objects[i].waiting = false;
	objects[i].linked = true; /* a new object takes its place */
	freed++;
}

static void drop_pointers(unsigned int cpu)
{
	for (unsigned int i = 0; i < OBJECTS; i++)
		objects[i].held_by &= ~(1u << cpu);
}

static void random_step(void)
{
	unsigned int cpu = (unsigned int)rand() % FAKE_CPUS, i = (unsigned int)rand() % OBJECTS;
	bool outside = pcpus[cpu]->epoch & 1;

	if (outside) {
		come_in(cpu);
		return;
	}
	fake_run_on(cpu, NULL);
	switch (rand() % 4) {
	case 0:
		if (objects[i].linked)
			objects[i].held_by |= 1u << cpu;
		break;
	case 1:
		if (objects[i].linked) {
			objects[i].linked = false;
			objects[i].waiting = true;
			rcu_call(&objects[i].head, object_freed);
		}
		break;
	case 2:
		drop_pointers(cpu);
		loop_turn(cpu);
		break;
	default:
		drop_pointers(cpu);
		go_out(cpu);
		if (pcpus[cpu]->work) {
			come_in(cpu);
			loop_turn(cpu);
		}
	}
}

static void in_any_order_nothing_held_is_freed(void **state)
{
	unsigned int waiting = 0;

	rcu_fresh();
	freed = 0;
	srand(1);
	memset(objects, 0, sizeof(objects));
	for (unsigned int i = 0; i < OBJECTS; i++)
		objects[i].linked = true;
	for (unsigned int i = 0; i < 200000; i++)
		random_step();
	assert_true(freed > 1000);
	/* In the end everything is freed, if the CPUs keep looping. */
	for (unsigned int turn = 0; turn < 20; turn++)
		for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++) {
			if (pcpus[cpu]->epoch & 1)
				come_in(cpu);
			drop_pointers(cpu);
			loop_turn(cpu);
		}
	for (unsigned int i = 0; i < OBJECTS; i++)
		waiting += objects[i].waiting;
	assert_int_equal(waiting, 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(kicks_interrupt_only_who_is_outside),
	UNIT_TEST(waits_for_guests_only),
	UNIT_TEST(alone_it_is_freed_at_the_top_of_the_loop),
	UNIT_TEST(it_waits_for_everybody_inside),
	UNIT_TEST(coming_back_does_not_count),
	UNIT_TEST(later_objects_wait_for_a_new_round),
	UNIT_TEST(many_are_freed_a_few_at_a_time),
	UNIT_TEST(a_callback_may_defer_again),
	UNIT_TEST(in_any_order_nothing_held_is_freed),
};

UNIT_MAIN(tests)
