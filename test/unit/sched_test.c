/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/sched.c common/sched_fair.c common/sched_null.c common/sched_op.c
 * common/cpupool.c common/timer.c common/pqueue.c common/pcpu.c */
/*
 * The scheduler on a simulated machine: CPUs run vCPUs for simulated time; vCPUs use all of it, or
 * wait and work in turn.
 */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include <public/domctl.h>
#include <public/errno.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>

#include "common/cpupool.h"
#include "common/domctl.h"
#include "common/hypercall.h"
#include "common/sched_internal.h"

#define MS 1000000ull
#define S 1000000000ull

static const char *sched_option;
static const struct vcpu *loaded[FAKE_CPUS];
static unsigned int switches, area_updates, ipis;
static bool has_events;

int option_choice(const char *name)
{
	return sched_option && !strcmp(sched_option, "null");
}

/* an event for this vCPU arrives while its state is saved */
static struct vcpu *woken_in_switch;

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	struct pcpu *cpu = this_cpu();

	assert_int_equal(fake_locks_held(), 0);
	assert_ptr_equal(cpu->curr, prev);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_ptr_not_equal(loaded[i], next);
	loaded[cpu->id] = next;
	cpu->curr = next;
	switches++;
	if (prev == woken_in_switch) {
		woken_in_switch = NULL;
		clear_bit(VPF_BLOCKED, &prev->wait_flags);
		vcpu_wake(prev);
		assert_false(prev->sched.queued);
	}
}

void runstate_area_update(struct vcpu *v)
{
	assert_int_equal(fake_locks_held(), 0);
	area_updates++;
}

bool arch_vcpu_has_events(struct vcpu *v) { return has_events; }
void arch_send_kick(struct pcpu *cpu) { ipis++; }

/* --- the machine --- */

/*
 * From now on this CPU executes, whatever vCPU it runs. A vCPU that is being switched out may
 * belong to another CPU already.
 */
static void be(unsigned int cpu)
{
	struct pcpu *its = pcpus[cpu]->curr->cpu;

	fake_run_on(cpu, pcpus[cpu]->curr);
	pcpus[cpu]->curr->cpu = its;
}

static void machine(unsigned int cpus, const char *sched)
{
	sched_option = sched;
	memset(loaded, 0, sizeof(loaded));
	memset(&idle_cpus, 0, sizeof(idle_cpus));
	has_events = false;
	switches = area_updates = ipis = 0;
	fake_now = S;
	fake_run_on(0, NULL);
	sched_init();
	for (unsigned int i = 1; i < cpus; i++) {
		fake_run_on(i, NULL);
		sched_init_cpu(pcpus[i]);
	}
	nr_cpus = cpus;
	for (unsigned int i = 0; i < cpus; i++)
		loaded[i] = pcpus[i]->curr;
	be(0);
}

/* A vCPU that works for `work` ns and then waits for `rest`; rest 0: it always works. */
struct load {
	struct vcpu *v;
	u64 work, rest, left, wake_at;
};
static struct load loads[64];
static unsigned int nr_loads;

static struct vcpu *add_vcpu(struct domain *d, unsigned int id, u64 work, u64 rest)
{
	struct vcpu *v = d->vcpu[id];

	v->wait_flags = BIT(VPF_DOWN);
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = fake_now;
	sched_vcpu_init(v);
	timer_init(&v->singleshot, v->cpu, NULL, NULL);
	loads[nr_loads++] = (struct load){ .v = v, .work = work, .rest = rest, .left = work };
	return v;
}

static struct domain *add_domain(domid_t id, unsigned int vcpus, unsigned int weight,
				 unsigned int cap)
{
	struct domain *d = fake_domain(id, vcpus);

	sched_domain_init(d);
	for (unsigned int i = 0; i < vcpus; i++)
		add_vcpu(d, i, 1000 * S, 0);
	if (weight)
		assert_int_equal(sched_set_params(d, weight, cap), 0);
	return d;
}

static void start_all(void)
{
	for (unsigned int i = 0; i < nr_loads; i++) {
		clear_bit(VPF_DOWN, &loads[i].v->wait_flags);
		vcpu_wake(loads[i].v);
	}
}

static void do_work(void)
{
	bool any;

	do {
		any = false;
		for (unsigned int i = 0; i < nr_cpus; i++) {
			be(i);
			if (test_and_clear_bit(WORK_TIMER, &pcpus[i]->work)) {
				timer_process();
				any = true;
			}
			if (test_and_clear_bit(WORK_SCHED, &pcpus[i]->work)) {
				schedule();
				any = true;
			}
			pcpus[i]->work = pcpus[i]->work & (BIT(WORK_TIMER) | BIT(WORK_SCHED));
		}
	} while (any);
}

static struct load *load_of(const struct vcpu *v)
{
	for (unsigned int i = 0; i < nr_loads; i++)
		if (loads[i].v == v)
			return &loads[i];
	return NULL;
}

static u64 next_event(u64 end)
{
	u64 next = end;

	for (unsigned int i = 0; i < nr_cpus; i++) {
		struct load *l = load_of(pcpus[i]->curr);

		if (pcpus[i]->timer_deadline)
			next = min(next, max(pcpus[i]->timer_deadline, fake_now));
		if (l)
			next = min(next, fake_now + l->left);
	}
	for (unsigned int i = 0; i < nr_loads; i++)
		if (loads[i].wake_at)
			next = min(next, max(loads[i].wake_at, fake_now));
	return next;
}

/* Charge running vCPUs for the time until now. A vCPU whose work is done blocks. */
static void burn(u64 ns)
{
	for (unsigned int i = 0; i < nr_cpus; i++) {
		struct load *l = load_of(pcpus[i]->curr);

		if (!l)
			continue;
		l->left -= min(l->left, ns);
		if (l->left || !l->rest)
			continue;
		be(i);
		vcpu_block();
		l->wake_at = fake_now + l->rest;
		l->left = l->work;
	}
}

static void run(u64 ns)
{
	u64 end = fake_now + ns;

	do_work();
	while (fake_now < end) {
		u64 next = next_event(end), passed = next - fake_now;

		fake_now = next;
		burn(passed);
		for (unsigned int i = 0; i < nr_cpus; i++)
			if (pcpus[i]->timer_deadline && pcpus[i]->timer_deadline <= fake_now) {
				be(i);
				timer_process();
			}
		for (unsigned int i = 0; i < nr_loads; i++)
			if (loads[i].wake_at && loads[i].wake_at <= fake_now) {
				loads[i].wake_at = 0;
				be((unsigned int)(i % nr_cpus));
				clear_bit(VPF_BLOCKED, &loads[i].v->wait_flags);
				vcpu_wake(loads[i].v);
			}
		do_work();
	}
}

static u64 used(const struct domain *d)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		sum += vcpu_cputime(d->vcpu[i]);
	return sum;
}

/* Its use of CPU time over 10 s, in percent of one CPU, is within 5 % of what it is entitled to. */
static void assert_share(const struct domain *d, double percent)
{
	double got = (double)used(d) / (10.0 * 1e9) * 100;

	if (got < percent * 0.95 || got > percent * 1.05)
		fail_msg("domain %u got %.1f %% of a CPU, not %.1f %%", d->id, got, percent);
}

static int setup(void **state)
{
	nr_loads = 0;
	return unit_setup(state);
}

/* --- shares --- */

static void weights_on_one_cpu(void **state)
{
	struct domain *a, *b, *c;

	machine(1, NULL);
	a = add_domain(1, 1, 256, 0);
	b = add_domain(2, 1, 512, 0);
	c = add_domain(3, 1, 1024, 0);
	start_all();
	run(10 * S);
	assert_share(a, 100.0 / 7);
	assert_share(b, 200.0 / 7);
	assert_share(c, 400.0 / 7);
	/* a slice is some milliseconds */
	assert_in_range(switches, 1000, 4000);
}

static void more_vcpus_than_cpus(void **state)
{
	static const struct { unsigned int cpus, domains; } c[] = {
		{ 2, 3 }, { 2, 5 }, { 2, 7 }, { 3, 4 }, { 3, 5 }, { 4, 5 }, { 4, 6 }, { 4, 7 }, { 4, 9 },
		{ 4, 13 },
	};

	for (unsigned int n = 0; n < ARRAY_LEN(c); n++) {
		struct domain *d[16];

		fake_reset();
		nr_loads = 0;
		machine(c[n].cpus, NULL);
		for (unsigned int i = 0; i < c[n].domains; i++)
			d[i] = add_domain((domid_t)(i + 1), 1, 256, 0);
		start_all();
		run(10 * S);
		for (unsigned int i = 0; i < c[n].domains; i++)
			assert_share(d[i], 100.0 * c[n].cpus / c[n].domains);
	}
}

static void weights_over_two_cpus(void **state)
{
	struct domain *a, *b, *c;

	machine(2, NULL);
	a = add_domain(1, 2, 256, 0);
	b = add_domain(2, 2, 512, 0);
	c = add_domain(3, 2, 256, 0);
	start_all();
	run(10 * S);
	assert_share(a, 200.0 / 4);
	assert_share(b, 200.0 / 2);
	assert_share(c, 200.0 / 4);
}

static void weights_over_four_cpus(void **state)
{
	struct domain *a, *b, *c;

	machine(4, NULL);
	a = add_domain(1, 4, 256, 0);
	b = add_domain(2, 4, 768, 0);
	c = add_domain(3, 3, 512, 0);
	start_all();
	run(10 * S);
	/* by vCPU: 4 * 256 + 4 * 768 + 3 * 512 = 5632 */
	assert_share(a, 400.0 * 1024 / 5632);
	assert_share(b, 400.0 * 3072 / 5632);
	assert_share(c, 400.0 * 1536 / 5632);
}

/* One vCPU cannot use more than a CPU, whatever its weight; the others share the rest. */
static void a_weight_that_cannot_be_used(void **state)
{
	struct domain *a, *b, *c;

	machine(2, NULL);
	a = add_domain(1, 1, 4096, 0);
	b = add_domain(2, 1, 256, 0);
	c = add_domain(3, 1, 256, 0);
	start_all();
	run(10 * S);
	assert_share(a, 100);
	assert_share(b, 50);
	assert_share(c, 50);
}

static void caps(void **state)
{
	static const unsigned int cpus[] = { 1, 2, 4 };

	for (unsigned int n = 0; n < ARRAY_LEN(cpus); n++) {
		struct domain *a, *b;

		fake_reset();
		nr_loads = 0;
		machine(cpus[n], NULL);
		a = add_domain(1, 1, 256, 30);
		b = add_domain(2, cpus[n], 256, 0);
		start_all();
		run(10 * S);
		assert_share(a, 30);
		assert_share(b, 100.0 * cpus[n] - 30);
	}
}

static void a_cap_holds_when_all_is_idle_and_over_several_vcpus(void **state)
{
	struct domain *a, *b;

	machine(4, NULL);
	a = add_domain(1, 1, 256, 10);
	b = add_domain(2, 3, 256, 150);
	start_all();
	run(10 * S);
	assert_share(a, 10);
	assert_share(b, 150);
	/* and the cap can be removed */
	assert_int_equal(sched_set_params(a, 256, 0), 0);
	run(100 * MS);
	a->vcpu[0]->runstate.time[RUNSTATE_running] = 0;
	a->vcpu[0]->runstate.state_entry_time = fake_now;
	run(10 * S);
	assert_share(a, 100);
}

static void forget_times(struct domain *d)
{
	for (unsigned int i = 0; i < 2; i++) {
		d->vcpu[i]->runstate.time[RUNSTATE_running] = 0;
		d->vcpu[i]->runstate.state_entry_time = fake_now;
	}
}

/* New parameters count at once, even for vCPUs that have run alone, and uninterrupted, for long. */
static void parameters_hold_from_when_they_are_set(void **state)
{
	struct domain *a;
	u64 vruntime;

	machine(2, NULL);
	a = add_domain(1, 2, 256, 0);
	start_all();
	run(40 * S);
	be(0);
	vruntime = a->vcpu[0]->sched.vruntime;
	assert_int_equal(sched_set_params(a, 1, 50), 0);
	assert_in_range(a->vcpu[0]->sched.vruntime - vruntime, 39 * S, 40 * S);
	do_work();
	forget_times(a);
	run(10 * S);
	assert_share(a, 50);
	/* The domain owes a hundred periods. Without its cap it continues at once. */
	assert_int_equal(sched_set_params(a, 256, 1), 0);
	__atomic_fetch_sub(&a->sched.budget, (s64)S / 100, __ATOMIC_RELAXED);
	run(20 * MS);
	assert_true(a->vcpu[0]->sched.parked && a->vcpu[1]->sched.parked);
	be(0);
	assert_int_equal(sched_set_params(a, 256, 0), 0);
	do_work();
	forget_times(a);
	run(S / 2); /* less than a hundred periods */
	assert_in_range(used(a), S * 99 / 100, S);
}

/*
 * Two vCPUs of a domain meet on one CPU, one far ahead in virtual time: it does not wait long for
 * the other.
 */
static void heavy_vcpus_meet(void **state)
{
	static const unsigned int weights[] = { 1, 256, 65535 };
	static const cpumask_t second = { { BIT(1) } };
	struct domain *a;

	for (unsigned int i = 0; i < ARRAY_LEN(weights); i++) {
		fake_reset();
		nr_loads = 0;
		machine(2, NULL);
		a = add_domain(1, 2, weights[i], 0);
		start_all();
		run(S);
		be(0);
		a->vcpu[0]->sched.vruntime += 90 * MS;
		for (unsigned int n = 0; n < 2; n++)
			assert_int_equal(sched_set_affinity(a->vcpu[n], &second, NULL), 0);
		do_work();
		forget_times(a);
		run(S);
		assert_in_range(vcpu_cputime(a->vcpu[0]), 440 * MS, 560 * MS);
	}
}

/*
 * A vCPU that sleeps part of the time gets the CPU time that it asks for, as long as that is below
 * its share, and gets it soon.
 */
static void sleepers_are_served(void **state)
{
	struct domain *hogs[3], *io;
	u64 waited;

	machine(1, NULL);
	for (unsigned int i = 0; i < 3; i++)
		hogs[i] = add_domain((domid_t)(i + 1), 1, 256, 0);
	io = fake_domain(9, 1);
	sched_domain_init(io);
	add_vcpu(io, 0, 100000, 2 * MS);
	start_all();
	run(10 * S);
	waited = io->vcpu[0]->runstate.time[RUNSTATE_runnable];
	/* 0.1 ms of work in 2.1 ms, if it never waits; a hog may finish half a millisecond */
	assert_true(used(io) > 10 * S / 2100 * 100 * 75 / 100);
	assert_true(waited / (used(io) / 100000) < 600000);
	for (unsigned int i = 0; i < 3; i++)
		assert_share(hogs[i], (100 - (double)used(io) / 1e8) / 3);
}

/* A vCPU that wakes starts when the running one has had the time that the rate limit grants. */
static void the_rate_limit(void **state)
{
	static const struct { unsigned int us; u64 least, most; } limits[] = { { 0, 0, 10000 },
			{ 4000, 500000, 4 * MS } };
	const unsigned int bad[] = { 1, 99, 500001, ~0u }, usual = sched_ratelimit_us();

	for (unsigned int i = 0; i < 2; i++) {
		struct domain *io;
		u64 waited;

		fake_reset();
		nr_loads = 0;
		machine(1, NULL);
		assert_int_equal(sched_set_ratelimit(limits[i].us), 0);
		assert_int_equal(sched_ratelimit_us(), limits[i].us);
		add_domain(1, 1, 256, 0);
		io = fake_domain(9, 1);
		sched_domain_init(io);
		add_vcpu(io, 0, 100000, 2 * MS);
		start_all();
		run(10 * S);
		waited = io->vcpu[0]->runstate.time[RUNSTATE_runnable] / (used(io) / 100000);
		assert_in_range(waited, limits[i].least, limits[i].most);
	}
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(sched_set_ratelimit(bad[i]), -EINVAL);
	assert_int_equal(sched_set_ratelimit(500000), 0);
	assert_int_equal(sched_set_ratelimit(100), 0);
	machine(1, "null");
	assert_int_equal(sched_set_ratelimit(200), -EOPNOTSUPP);
	machine(1, NULL);
	assert_int_equal(sched_ratelimit_us(), 100);
	assert_int_equal(sched_set_ratelimit(usual), 0);
}

static void an_idle_cpu_takes_work_from_others(void **state)
{
	struct domain *d[4];
	cpumask_t zero = { { 1 } }, all = { { 0xf } };

	machine(4, NULL);
	for (unsigned int i = 0; i < 4; i++) {
		d[i] = add_domain((domid_t)(i + 1), 1, 256, 0);
		assert_int_equal(sched_set_affinity(d[i]->vcpu[0], &zero, NULL), 0);
	}
	start_all();
	run(100 * MS);
	for (unsigned int i = 0; i < 4; i++) {
		assert_ptr_equal(d[i]->vcpu[0]->cpu, pcpus[0]);
		assert_int_equal(sched_set_affinity(d[i]->vcpu[0], &all, NULL), 0);
	}
	run(20 * MS);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(d[i]->vcpu[0]->sched.running);
	run(100 * MS);
	assert_int_equal(pcpus[0]->runq->queue.nr, 0);
}

static void nobody_waits_while_a_cpu_is_idle(void **state)
{
	machine(4, NULL);
	for (unsigned int i = 0; i < 8; i++) {
		struct domain *d = fake_domain((domid_t)(i + 1), 1);

		sched_domain_init(d);
		add_vcpu(d, 0, (1 + i) * MS / 3, (9 - i) * MS);
	}
	start_all();
	for (unsigned int n = 0; n < 20000; n++) {
		unsigned int waiting = 0, idle = 0;

		run(MS / 10);
		for (unsigned int i = 0; i < 4; i++) {
			waiting += pcpus[i]->runq->queue.nr;
			idle += pcpus[i]->curr->idle;
			assert_int_equal(cpumask_test(&idle_cpus, i), pcpus[i]->curr->idle);
		}
		assert_true(waiting == 0 || idle == 0);
	}
}

/*
 * One of a hundred CPUs has more than it can do. A search visits 63 queues, and the next one goes
 * on there; who is told of work looks there first.
 */
static void a_search_has_an_end(void **state)
{
	static struct pcpu more[100];
	struct domain *d;
	struct vcpu *v;
	struct runq *busy;

	machine(4, NULL);
	for (unsigned int i = 4; i < 100; i++) {
		more[i] = (struct pcpu){ .id = i };
		pcpus[i] = &more[i];
		sched_init_cpu(pcpus[i]);
	}
	nr_cpus = 100;
	d = add_domain(1, 2, 256, 0);
	v = d->vcpu[1];
	busy = pcpus[80]->runq;
	for (unsigned int told = 0; told < 2; told++) {
		memset(&idle_cpus, 0, sizeof(idle_cpus));
		if (told)
			cpumask_set(&idle_cpus, 0);
		pcpus[0]->runq->look = 0;
		busy->curr = d->vcpu[0];
		v->cpu = pcpus[80];
		v->wait_flags = 0;
		spin_lock(&busy->lock);
		sched_fair.enqueue(busy, v, fake_now);
		spin_unlock(&busy->lock);
		be(0);
		schedule();
		assert_ptr_equal(current, told ? v : pcpus[0]->idle);
		schedule();
		assert_ptr_equal(current, v);
		set_bit(VPF_BLOCKED, &v->wait_flags);
		schedule();
		assert_ptr_equal(current, pcpus[0]->idle);
	}
	busy->curr = &busy->idle;
	for (unsigned int i = 4; i < 100; i++)
		pcpus[i] = NULL;
	nr_cpus = 4;
}

static void a_lone_vcpu_is_left_alone(void **state)
{
	unsigned int before;

	machine(2, NULL);
	add_domain(1, 2, 256, 0);
	start_all();
	run(MS);
	before = switches;
	run(S);
	assert_int_equal(switches, before);
	for (unsigned int i = 0; i < 2; i++) {
		assert_false(pcpus[i]->runq->slice.pending);
		assert_int_equal(pcpus[i]->timers.nr, 0);
	}
}

/* --- waking, sleeping, yielding --- */

static void waking_and_sleeping(void **state)
{
	struct vcpu_runstate_info rs;
	struct domain *d;
	struct vcpu *v;

	machine(1, NULL);
	d = add_domain(1, 1, 256, 0);
	v = d->vcpu[0];
	assert_false(vcpu_runnable(v));
	vcpu_wake(v); /* still down */
	assert_false(v->sched.queued);
	start_all();
	vcpu_wake(v);
	assert_true(v->sched.queued);
	d->pause_count = 1;
	vcpu_sleep_nosync(v);
	assert_false(v->sched.queued);
	vcpu_runstate_get(v, &rs);
	assert_int_equal(rs.state, RUNSTATE_offline);
	d->pause_count = 0;
	vcpu_wake(v);
	do_work();
	assert_true(v->sched.running);
	assert_ptr_equal(loaded[0], v);
	fake_now += MS;
	vcpu_runstate_get(v, &rs);
	assert_int_equal(rs.state, RUNSTATE_running);
	assert_int_equal(rs.time[RUNSTATE_running], MS);
	be(0);
	vcpu_block();
	do_work();
	assert_false(v->sched.running);
	assert_true(pcpus[0]->curr->idle);
	fake_now += 3 * MS;
	vcpu_runstate_get(v, &rs);
	assert_int_equal(rs.state, RUNSTATE_blocked);
	assert_int_equal(rs.time[RUNSTATE_blocked], 3 * MS);
	assert_int_equal(vcpu_cputime(pcpus[0]->idle), 3 * MS);
	assert_int_equal(vcpu_cputime(v), MS);
	assert_true(area_updates >= 2);
}

/* An event arrives between the decision to block and the switch. */
static void no_wakeup_is_lost(void **state)
{
	struct domain *d;
	struct vcpu *v;

	machine(2, NULL);
	d = add_domain(1, 1, 256, 0);
	v = d->vcpu[0];
	start_all();
	do_work();
	be(v->cpu->id);
	has_events = true;
	vcpu_block();
	assert_false(test_bit(VPF_BLOCKED, &v->wait_flags));
	has_events = false;
	vcpu_block();
	assert_true(test_bit(VPF_BLOCKED, &v->wait_flags));
	be(!v->cpu->id);
	clear_bit(VPF_BLOCKED, &v->wait_flags);
	vcpu_wake(v); /* it still runs: nothing to queue */
	assert_false(v->sched.queued);
	do_work();
	assert_true(v->sched.running);
	be(v->cpu->id);
	vcpu_block();
	do_work();
	assert_false(v->sched.running);
	clear_bit(VPF_BLOCKED, &v->wait_flags);
	vcpu_wake(v);
	do_work();
	assert_true(v->sched.running);
}

/* An event arrives while the state is saved. */
static void no_wakeup_is_lost_in_the_switch(void **state)
{
	struct domain *d;
	struct vcpu *v;

	machine(1, NULL);
	d = add_domain(1, 1, 256, 0);
	v = d->vcpu[0];
	start_all();
	do_work();
	be(0);
	vcpu_block();
	clear_bit(WORK_SCHED, &pcpus[0]->work);
	woken_in_switch = v;
	schedule();
	assert_null(woken_in_switch);
	assert_true(v->sched.queued);
	do_work();
	assert_true(v->sched.running);
}

static void a_running_vcpu_is_stopped(void **state)
{
	struct domain *d;

	machine(2, NULL);
	d = add_domain(1, 2, 256, 0);
	start_all();
	do_work();
	be(0);
	d->pause_count++;
	vcpu_sleep_nosync(d->vcpu[0]);
	vcpu_sleep_nosync(d->vcpu[1]);
	do_work();
	assert_false(d->vcpu[0]->sched.running || d->vcpu[1]->sched.running);
	be(0);
	vcpu_sleep_sync(d->vcpu[0]); /* returns at once */
	d->pause_count--;
	vcpu_wake(d->vcpu[0]);
	do_work();
	be(d->vcpu[0]->cpu->id);
	assert_true(FAKE_PANICS(vcpu_sleep_sync(d->vcpu[0])));
}

static void yield_lets_others_run(void **state)
{
	struct domain *a, *b;

	machine(1, NULL);
	a = add_domain(1, 1, 256, 0);
	start_all();
	run(MS);
	vcpu_yield(); /* nobody waits: no reschedule */
	assert_int_equal(pcpus[0]->work, 0);
	b = add_domain(2, 1, 256, 0);
	start_all();
	run(MS / 10);
	be(0);
	if (a->vcpu[0]->sched.running) {
		vcpu_yield();
		do_work();
		assert_true(b->vcpu[0]->sched.running);
	}
	be(0);
	vcpu_yield();
	do_work();
	assert_true(a->vcpu[0]->sched.running);
}

static void affinity(void **state)
{
	cpumask_t one = { { 2 } }, three = { { 8 } }, none = { { 0 } }, beyond = { { 0x10 } },
			two_three = { { 0xc } };
	struct domain *d;
	struct vcpu *v;

	machine(4, NULL);
	d = add_domain(1, 1, 256, 0);
	v = d->vcpu[0];
	v->domain->state = DOMAIN_DYING; /* its vCPUs may have left the scheduler */
	assert_int_equal(sched_set_affinity(v, &one, NULL), -ESRCH);
	v->domain->state = DOMAIN_ALIVE;
	assert_int_equal(sched_set_affinity(v, &none, NULL), -EINVAL);
	assert_int_equal(sched_set_affinity(v, &beyond, NULL), -EINVAL);
	assert_int_equal(sched_set_affinity(v, &one, NULL), 0);
	start_all();
	run(MS);
	assert_ptr_equal(v->cpu, pcpus[1]);
	assert_int_equal(sched_set_affinity(v, &three, NULL), 0);
	run(MS);
	assert_ptr_equal(v->cpu, pcpus[3]);
	assert_true(v->sched.running);
	/* soft: preferred while it is idle */
	assert_int_equal(sched_set_affinity(v, &two_three, NULL), 0);
	be(3);
	vcpu_block();
	do_work();
	cpumask_clear_cpu(&idle_cpus, 3);
	assert_int_equal(sched_set_affinity(v, NULL, &three), 0);
	clear_bit(VPF_BLOCKED, &v->wait_flags);
	vcpu_wake(v);
	assert_ptr_equal(v->cpu, pcpus[2]);
	/* ... also where it was last, and that CPU is idle, too */
	do_work();
	be(2);
	vcpu_block();
	do_work();
	assert_true(cpumask_test(&idle_cpus, 2));
	cpumask_set(&idle_cpus, 3);
	clear_bit(VPF_BLOCKED, &v->wait_flags);
	vcpu_wake(v);
	assert_ptr_equal(v->cpu, pcpus[3]);
}

/* A domain's memory follows the CPUs that its vCPUs prefer, until a tool says where it is to be. */
static void memory_follows_affinity(void **state)
{
	cpumask_t one = { { 2 } }, all = { { 0xf } }, three = { { 8 } };
	struct domain *d;

	machine(4, NULL);
	nr_nodes = 3;
	for (unsigned int i = 0; i < 4; i++)
		pcpus[i]->node = i / 2;
	d = add_domain(1, 2, 256, 0);
	assert_int_equal(sched_set_affinity(d->vcpu[0], NULL, &three), 0);
	assert_int_equal(d->nodes, 3);	/* the other one may be anywhere */
	assert_int_equal(sched_set_affinity(d->vcpu[1], &three, NULL), 0);
	assert_int_equal(d->nodes, 2);
	assert_int_equal(sched_set_affinity(d->vcpu[0], &one, NULL), 0);
	assert_int_equal(d->nodes, 2);	/* where it prefers to be it cannot be */
	assert_int_equal(sched_set_affinity(d->vcpu[0], NULL, &all), 0);
	assert_int_equal(d->nodes, 3);
	d->nodes_fixed = true;
	assert_int_equal(sched_set_affinity(d->vcpu[0], &three, NULL), 0);
	assert_int_equal(d->nodes, 3);
	for (unsigned int i = 0; i < 4; i++)
		pcpus[i]->node = 0;
}

static void parameters(void **state)
{
	struct domain *d;

	machine(1, NULL);
	d = add_domain(1, 1, 0, 0);
	assert_int_equal(d->sched.weight, 256);
	assert_int_equal(sched_set_params(d, 0, 0), -EINVAL);
	assert_int_equal(sched_set_params(d, 65536, 0), -EINVAL);
	assert_int_equal(sched_set_params(d, 65535, 65536), -EINVAL);
	assert_int_equal(d->sched.weight, 256);
	assert_int_equal(sched_id(), XEN_SCHEDULER_CREDIT2);
}

static void destroyed_vcpus_are_gone(void **state)
{
	struct domain *a, *b;

	machine(1, NULL);
	a = add_domain(1, 1, 256, 0);
	b = add_domain(2, 1, 256, 20);
	start_all();
	run(100 * MS);
	be(0);
	for (unsigned int i = 0; i < 2; i++) {
		struct domain *d = i ? b : a;

		d->pause_count++;
		vcpu_sleep_nosync(d->vcpu[0]);
		do_work();
		sched_vcpu_destroy(d->vcpu[0]);
		vcpu_wake(d->vcpu[0]);
	}
	assert_int_equal(pcpus[0]->runq->queue.nr, 0);
	assert_true(list_empty(&pcpus[0]->runq->parked));
	nr_loads = 0;
	run(S);
	assert_true(pcpus[0]->curr->idle);
}

/* --- pools --- */

static cpumask_t told;
int bitmap_to_guest(const struct xenctl_bitmap *bitmap, const cpumask_t *mask)
{
	told = *mask;
	return 0;
}

#define ANY XEN_SYSCTL_CPUPOOL_PAR_ANY
static struct xen_sysctl sysctl;
#define last sysctl.u.cpupool_op
static long pool(u32 op, u32 id, u32 cpu_or_domain)
{
	last = (struct xen_sysctl_cpupool_op){ .op = op, .cpupool_id = id, .sched_id = sched_id(),
					       .cpu = cpu_or_domain, .domid = cpu_or_domain };
	return cpupool_op(&sysctl);
}
#define POOL(op, id, what) pool(XEN_SYSCTL_CPUPOOL_OP_##op, id, what)

/* Pool 1 with the CPUs from the first on. */
static void divide(unsigned int first)
{
	assert_int_equal(POOL(CREATE, ANY, 0), 0);
	assert_int_equal(last.cpupool_id, 1);
	for (unsigned int i = first; i < nr_cpus; i++) {
		assert_int_equal(POOL(RMCPU, 0, i), 0);
		assert_int_equal(POOL(ADDCPU, 1, i), 0);
	}
}

/* One pool again, for the next test. */
static void unite(void)
{
	for (domid_t id = 1; id < 20; id++)
		POOL(MOVEDOMAIN, 0, id);
	while (POOL(RMCPU, 1, ANY) == 0 || POOL(ADDCPU, 0, ANY) == 0)
		;
	assert_int_equal(POOL(DESTROY, 1, 0), 0);
	assert_int_equal(POOL(INFO, 0, 0), 0);
	assert_int_equal(told.bits[0], BIT(nr_cpus) - 1);
}

/* A busy domain does not use another pool's idle CPU, whoever wakes its vCPUs. */
static void pools_are_apart(void **state)
{
	struct domain *a, *b, *io;

	machine(4, NULL);
	divide(2);
	a = add_domain(1, 4, 256, 0);
	b = add_domain(2, 1, 256, 0);
	io = fake_domain(3, 1);
	sched_domain_init(io);
	add_vcpu(io, 0, 100000, 2 * MS);
	assert_int_equal(POOL(MOVEDOMAIN, 1, 2), 0);
	assert_int_equal(POOL(INFO, 0, 0), 0);
	assert_int_equal(last.n_dom, 2);
	assert_int_equal(told.bits[0], 3);
	assert_int_equal(POOL(INFO, 1, 0), 0);
	assert_int_equal(last.n_dom, 1);
	assert_int_equal(told.bits[0], 0xc);
	start_all();
	run(10 * S);
	assert_share(b, 100);
	assert_true(used(a) > 18 * S && used(a) + used(io) <= 20 * S);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(a->vcpu[i]->cpu->id < 2);
	assert_true(b->vcpu[0]->cpu->id >= 2);
	unite();
}

/* Pools change under running vCPUs: their CPU is removed, one is added, the domain moves. */
static void pools_change_under_those_who_run(void **state)
{
	struct domain *d, *e;
	unsigned int gone;
	struct vcpu *v;

	machine(4, NULL);
	d = add_domain(1, 2, 256, 0);
	e = add_domain(2, 1, 256, 0);
	v = e->vcpu[0];
	start_all();
	run(10 * MS);
	divide(1);	/* while all are running */
	run(10 * MS);
	for (unsigned int i = 0; i < 2; i++)
		assert_ptr_equal(d->vcpu[i]->cpu, pcpus[0]);
	assert_ptr_equal(v->cpu, pcpus[0]);
	assert_int_equal(POOL(RMCPU, 0, 0), -EBUSY);
	assert_int_equal(POOL(MOVEDOMAIN, 1, 2), 0);
	run(10 * MS);
	assert_true(v->sched.running && v->cpu->id >= 1);
	gone = v->cpu->id;
	assert_int_equal(POOL(RMCPU, 1, gone), 0);
	run(10 * MS);
	assert_true(v->sched.running && v->cpu->id >= 1 && v->cpu->id != gone);
	assert_int_equal(POOL(FREEINFO, 0, 0), 0);
	assert_int_equal(told.bits[0], BIT(gone));
	/* a vCPU that slept during the move wakes in its new pool */
	be(v->cpu->id);
	vcpu_block();
	do_work();
	assert_int_equal(POOL(MOVEDOMAIN, 0, 2), 0);
	clear_bit(VPF_BLOCKED, &v->wait_flags);
	vcpu_wake(v);
	assert_ptr_equal(v->cpu, pcpus[0]);
	/* all three share this CPU until the pool gets another */
	assert_int_equal(POOL(ADDCPU, 0, ANY), 0);
	run(100 * MS);
	assert_false(pcpus[0]->curr->idle);
	assert_false(pcpus[gone]->curr->idle);
	unite();
}

/* Affinity counts within the pool. If the pool has no CPU of it, all of the pool's CPUs count. */
static void pools_and_affinity(void **state)
{
	cpumask_t one = { { 2 } }, three = { { 8 } }, one_three = { { 0xa } };
	struct domain *d;
	struct vcpu *v;

	machine(4, NULL);
	divide(2);
	d = add_domain(1, 1, 256, 0);
	v = d->vcpu[0];
	assert_int_equal(v->sched.allowed.bits[0], 3);
	assert_int_equal(sched_set_affinity(v, &three, NULL), -EINVAL);
	assert_int_equal(sched_set_affinity(v, &one_three, NULL), 0);
	assert_int_equal(v->sched.allowed.bits[0], 2);
	assert_int_equal(POOL(MOVEDOMAIN, 1, 1), 0);
	assert_int_equal(v->sched.allowed.bits[0], 8);
	assert_int_equal(v->sched.hard.bits[0], 0xa);
	assert_int_equal(sched_set_affinity(v, &one, NULL), -EINVAL);
	assert_int_equal(POOL(RMCPU, 1, 3), 0);
	assert_int_equal(v->sched.allowed.bits[0], 4);
	start_all();
	run(MS);
	assert_ptr_equal(v->cpu, pcpus[2]);
	assert_int_equal(POOL(ADDCPU, 1, 3), 0);
	run(MS);
	assert_ptr_equal(v->cpu, pcpus[3]);
	/* a domain that is made in a pool starts there */
	d = fake_domain(2, 1);
	d->cpupool = 1;
	sched_domain_init(d);
	assert_int_equal(add_vcpu(d, 0, S, 0)->sched.allowed.bits[0], 0xc);
	/* a dying domain does not move */
	d->state = DOMAIN_DYING;
	assert_int_equal(POOL(MOVEDOMAIN, 0, 2), 0);
	assert_int_equal(d->vcpu[0]->sched.allowed.bits[0], 0xc);
	unite();
}

static void pools_of_the_null_scheduler(void **state)
{
	struct domain *a, *b;

	machine(3, "null");
	divide(2);
	a = add_domain(1, 1, 0, 0);
	b = add_domain(2, 1, 0, 0);
	start_all();
	assert_int_equal(POOL(MOVEDOMAIN, 1, 1), 0);
	assert_int_equal(POOL(MOVEDOMAIN, 1, 2), 0);
	run(MS);
	assert_true(a->vcpu[0]->sched.running);
	assert_ptr_equal(a->vcpu[0]->cpu, pcpus[2]);
	assert_false(b->vcpu[0]->sched.running);
	assert_int_equal(POOL(RMCPU, 0, 1), 0);
	assert_int_equal(POOL(ADDCPU, 1, 1), 0);
	run(MS);
	assert_true(b->vcpu[0]->sched.running);
	assert_ptr_equal(b->vcpu[0]->cpu, pcpus[1]);
	unite();
}

static void pools_refuse(void **state)
{
	struct domain *d;

	machine(3, NULL);
	d = add_domain(1, 1, 256, 0);
	assert_int_equal(POOL(CREATE, 0, 0), -EEXIST);
	assert_int_equal(POOL(CREATE, 64, 0), -ENOSPC);
	last.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	last.cpupool_id = ANY;
	last.sched_id = XEN_SCHEDULER_NULL;
	assert_int_equal(cpupool_op(&sysctl), -ENOENT);
	for (u32 id = 1; id < 64; id++) {
		assert_int_equal(POOL(CREATE, ANY, 0), 0);
		assert_int_equal(last.cpupool_id, id);
	}
	assert_int_equal(POOL(CREATE, ANY, 0), -ENOSPC);
	for (u32 id = 2; id < 64; id++)
		assert_int_equal(POOL(DESTROY, id, 0), 0);
	for (u32 id = 2; id != 1; id = id == 2 ? 64 : id == 64 ? ANY : 1) {
		assert_int_equal(POOL(DESTROY, id, 0), -ENOENT);
		assert_int_equal(POOL(ADDCPU, id, 1), -ENOENT);
		assert_int_equal(POOL(RMCPU, id, 1), -ENOENT);
		assert_int_equal(POOL(INFO, id, 1), -ENOENT);
		assert_int_equal(POOL(MOVEDOMAIN, id, 1), -ENOENT);
		assert_false(cpupool_exists(id));
		assert_false(cpupool_is_usable(id));
	}
	assert_int_equal(POOL(MOVEDOMAIN, 1, 1), -ENOENT);	/* the pool has no CPUs */
	assert_false(cpupool_is_usable(1));
	assert_int_equal(POOL(MOVEDOMAIN, 1, 9), -ESRCH);
	assert_int_equal(POOL(ADDCPU, 1, 1), -ENODEV);		/* the CPU is in pool 0 */
	assert_int_equal(POOL(ADDCPU, 1, ANY), -ENODEV);	/* none is free */
	assert_int_equal(POOL(ADDCPU, 1, 3), -EINVAL);
	assert_int_equal(POOL(RMCPU, 0, 3), -EINVAL);
	assert_int_equal(POOL(RMCPU, 1, ANY), -EINVAL);
	assert_int_equal(POOL(RMCPU, 1, 1), -ENODEV);
	assert_int_equal(POOL(RMCPU, 0, ANY), 0);		/* removes its last, CPU 2 */
	assert_int_equal(POOL(RMCPU, 0, 2), -ENODEV);
	assert_int_equal(POOL(RMCPU, ANY, 2), -ENOENT);
	assert_false(cpupool_is_usable(ANY));			/* the set of CPUs in no pool is not a pool */
	assert_int_equal(POOL(ADDCPU, 1, 2), 0);
	assert_true(cpupool_is_usable(1));
	assert_int_equal(POOL(DESTROY, 1, 0), -EBUSY);		/* it has a CPU */
	assert_int_equal(POOL(MOVEDOMAIN, 1, 1), 0);
	assert_int_equal(POOL(MOVEDOMAIN, 1, 1), 0);
	assert_int_equal(POOL(RMCPU, 1, ANY), -EBUSY);		/* its only CPU, and a domain needs it */
	d->state = DOMAIN_DYING;
	assert_int_equal(POOL(RMCPU, 1, ANY), -EBUSY);
	d->state = DOMAIN_ALIVE;
	assert_int_equal(POOL(MOVEDOMAIN, 0, 1), 0);
	assert_int_equal(POOL(FREEINFO, 77, 0), 0);
	assert_int_equal(told.bits[0], 0);
	assert_int_equal(POOL(INFO, 0, 0), 0);
	assert_int_equal(pool(0, 0, 0), -ENOSYS);
	assert_int_equal(pool(8, 0, 0), -ENOSYS);
	assert_int_equal(pool(~0u, 0, 0), -ENOSYS);
	unite();
}

static unsigned int tried;
static void another_cpu_comes(void)
{
	if (tried++)
		return;
	assert_false(cpupools_enter());
	assert_int_equal(POOL(INFO, 0, 0), -ERESTART);
	assert_int_equal(POOL(DESTROY, 1, 0), -ERESTART);
}

/* A long change lets interrupts in, but no other change of pools. */
static void one_at_a_time_changes_pools(void **state)
{
	machine(3, NULL);
	add_domain(1, 2, 256, 0);
	divide(2);
	tried = 0;
	fake_on_wait = another_cpu_comes;
	assert_int_equal(POOL(MOVEDOMAIN, 1, 1), 0);
	fake_on_wait = NULL;
	assert_int_equal(tried, 2);	/* a window after each vCPU */
	assert_true(cpupools_enter());
	cpupools_leave();
	unite();
}

/* --- null --- */

static void null_gives_each_its_cpu(void **state)
{
	struct domain *a, *b, *c;
	unsigned int before;

	machine(2, "null");
	assert_int_equal(sched_id(), XEN_SCHEDULER_NULL);
	a = add_domain(1, 1, 0, 0);
	b = add_domain(2, 1, 0, 0);
	c = add_domain(3, 1, 0, 0);
	start_all();
	run(MS);
	assert_ptr_not_equal(a->vcpu[0]->cpu, b->vcpu[0]->cpu);
	before = switches;
	run(S);
	assert_int_equal(switches, before);
	assert_int_equal(used(a), S + MS);
	assert_int_equal(used(b), S + MS);
	assert_int_equal(used(c), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pcpus[i]->timers.nr, 0);
	/* block and wake */
	be(a->vcpu[0]->cpu->id);
	vcpu_block();
	do_work();
	assert_false(a->vcpu[0]->sched.running);
	assert_true(a->vcpu[0]->cpu->curr->idle);
	clear_bit(VPF_BLOCKED, &a->vcpu[0]->wait_flags);
	vcpu_wake(a->vcpu[0]);
	do_work();
	assert_true(a->vcpu[0]->sched.running);
	/* a CPU becomes free: the third gets it */
	a->pause_count++;
	be(0);
	vcpu_sleep_nosync(a->vcpu[0]);
	do_work();
	be(b->vcpu[0]->cpu->id);
	sched_vcpu_destroy(a->vcpu[0]);
	do_work();
	assert_true(c->vcpu[0]->sched.running);
	assert_ptr_not_equal(c->vcpu[0]->cpu, b->vcpu[0]->cpu);
}

static void null_follows_affinity(void **state)
{
	cpumask_t two = { { 4 } };
	struct domain *a, *b;

	machine(4, "null");
	a = add_domain(1, 1, 0, 0);
	b = add_domain(2, 1, 0, 0);
	start_all();
	run(MS);
	assert_int_equal(sched_set_affinity(a->vcpu[0], &two, NULL), 0);
	run(MS);
	assert_ptr_equal(a->vcpu[0]->cpu, pcpus[2]);
	assert_true(a->vcpu[0]->sched.running);
	/* the CPU is taken: b has to wait, on no CPU */
	assert_int_equal(sched_set_affinity(b->vcpu[0], &two, NULL), 0);
	run(MS);
	assert_false(b->vcpu[0]->sched.running);
	assert_true(a->vcpu[0]->sched.running);
	cpumask_set(&two, 3);
	assert_int_equal(sched_set_affinity(b->vcpu[0], &two, NULL), 0);
	run(MS);
	assert_ptr_equal(b->vcpu[0]->cpu, pcpus[3]);
	assert_true(b->vcpu[0]->sched.running);
}

/* --- sched_op --- */

static int poll_begin_rc;
static unsigned int polled;
int evtchn_poll_begin(struct vcpu *v, const evtchn_port_t *ports, unsigned int nr)
{
	polled = nr;
	if (!poll_begin_rc)
		set_bit(VPF_POLL, &v->wait_flags);
	return poll_begin_rc;
}

static void poll_ends(void *data)
{
	evtchn_poll_end(data);
}

static long op(unsigned long cmd, void *arg)
{
	return do_sched_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static void poll(void **state)
{
	evtchn_port_t ports[129] = { 3, 4 };
	struct sched_poll arg = { .ports = (u64)ports, .nr_ports = 2 };
	struct domain *d;
	struct vcpu *v;

	machine(1, NULL);
	d = add_domain(1, 1, 256, 0);
	v = d->vcpu[0];
	timer_init(&v->poll_timer, pcpus[0], poll_ends, v);
	start_all();
	do_work();
	be(0);
	poll_begin_rc = 1;
	assert_int_equal(op(SCHEDOP_poll, &arg), 0);
	assert_int_equal(polled, 2);
	assert_int_equal(pcpus[0]->work, 0);
	poll_begin_rc = -EINVAL;
	assert_int_equal(op(SCHEDOP_poll, &arg), -EINVAL);
	poll_begin_rc = 0;
	arg.nr_ports = 129;
	assert_int_equal(op(SCHEDOP_poll, &arg), -EINVAL);
	arg.nr_ports = 1;
	arg.ports = 16;
	assert_int_equal(op(SCHEDOP_poll, &arg), -EFAULT);
	assert_int_equal(op(SCHEDOP_poll, (void *)16), -EFAULT);
	arg.ports = (u64)ports;
	arg.timeout = fake_now + 5 * MS;
	assert_int_equal(op(SCHEDOP_poll, &arg), 0);
	do_work();
	assert_false(v->sched.running);
	assert_int_equal(v->runstate.state, RUNSTATE_blocked);
	run(4 * MS);
	assert_false(v->sched.running);
	run(2 * MS);
	assert_true(v->sched.running);
}

static void shutting_down(void **state)
{
	struct sched_remote_shutdown remote = { .domain_id = 2, .reason = SHUTDOWN_crash };
	struct sched_shutdown arg = { SHUTDOWN_reboot };
	struct domain *a, *b, *dom0;

	machine(1, NULL);
	a = add_domain(1, 1, 256, 0);
	b = add_domain(2, 1, 256, 0);
	dom0 = add_domain(0, 1, 256, 0);
	fake_run_on(0, a->vcpu[0]);
	assert_int_equal(op(SCHEDOP_shutdown, (void *)16), -EFAULT);
	assert_int_equal(fake_events.shutdowns, 0);
	assert_int_equal(op(SCHEDOP_remote_shutdown, &remote), -EPERM);
	assert_int_equal(op(SCHEDOP_shutdown, &arg), 0);
	assert_int_equal(fake_events.shutdown_reason, SHUTDOWN_reboot);
	assert_true(a->shutting_down);
	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(op(SCHEDOP_remote_shutdown, (void *)16), -EFAULT);
	assert_int_equal(op(SCHEDOP_remote_shutdown, &remote), 0);
	assert_true(b->shutting_down);
	remote.domain_id = 77;
	assert_int_equal(op(SCHEDOP_remote_shutdown, &remote), -ESRCH);
	assert_int_equal(op(SCHEDOP_pin_override, &arg), -ENOSYS);
	assert_int_equal(op(1000, &arg), -ENOSYS);
}

/* The timer's interrupt is lost, and something else makes the CPU schedule. */
static void a_cpu_that_schedules_looks_at_its_timer(void **state)
{
	machine(1, NULL);
	do_work();
	schedule();
	assert_int_equal(pcpus[0]->work, 0);
	fake_now = pcpus[0]->timer_deadline + 1;
	schedule();
	assert_true(test_bit(WORK_TIMER, &pcpus[0]->work));
	do_work();
	assert_true(pcpus[0]->timer_deadline > fake_now);
}

/* No memory for a run queue at boot: an error message. */
static void no_memory_at_boot(void **state)
{
	machine(1, NULL);
	fake_run_on(1, NULL);
	fake_fail_nth(1);
	assert_true(FAKE_PANICS(sched_init_cpu(pcpus[1])));
	fake_fail_nth(0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, unit_teardown)
static const struct CMUnitTest tests[] = {
	TEST(weights_on_one_cpu),
	TEST(more_vcpus_than_cpus),
	TEST(weights_over_two_cpus),
	TEST(weights_over_four_cpus),
	TEST(a_weight_that_cannot_be_used),
	TEST(caps),
	TEST(a_cap_holds_when_all_is_idle_and_over_several_vcpus),
	TEST(parameters_hold_from_when_they_are_set),
	TEST(heavy_vcpus_meet),
	TEST(sleepers_are_served),
	TEST(the_rate_limit),
	TEST(an_idle_cpu_takes_work_from_others),
	TEST(nobody_waits_while_a_cpu_is_idle),
	TEST(a_search_has_an_end),
	TEST(a_lone_vcpu_is_left_alone),
	TEST(waking_and_sleeping),
	TEST(no_wakeup_is_lost),
	TEST(no_wakeup_is_lost_in_the_switch),
	TEST(a_running_vcpu_is_stopped),
	TEST(yield_lets_others_run),
	TEST(affinity),
	TEST(memory_follows_affinity),
	TEST(parameters),
	TEST(destroyed_vcpus_are_gone),
	TEST(pools_are_apart), TEST(pools_change_under_those_who_run), TEST(pools_and_affinity),
	TEST(pools_of_the_null_scheduler), TEST(pools_refuse), TEST(one_at_a_time_changes_pools),
	TEST(null_gives_each_its_cpu),
	TEST(null_follows_affinity),
	TEST(poll),
	TEST(shutting_down),
	TEST(a_cpu_that_schedules_looks_at_its_timer),
	TEST(no_memory_at_boot),
};

UNIT_MAIN(tests)
