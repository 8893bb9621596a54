/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: common/evtchn.c common/evtchn_deliver.c common/evtchn_fifo.c common/grant.c
 * common/grant_map.c common/grant_copy.c SOURCES: common/spinlock.c common/vsnprintf.c
 * common/sched_op.c
 */
/*
 * The life of domains, with everything that may happen at the same time: at each step of an
 * operation the test plays another CPU, which tries whatever it could do at that moment.
 */
#include "test/unit/unit.h"

#include "common/domain.c"

#define OTHER_CPU 1
#define VICTIM 7

static struct domain *dom0, *guest;
static bool inside;			/* the other CPU is running */
static void (*meanwhile)(void);		/* what it does */
static unsigned int times;		/* how often it did */
static unsigned int teardowns, console_ends, vcpus_made, vcpus_destroyed, id_checks,
	sleeps_unlocked, wakes_unlocked;

/* The other CPU does something, unless this one holds a lock: then it would wait for that. */
static void other_cpu(void)
{
	struct pcpu *cpu = this_cpu();
	struct vcpu *v = cpu->curr;

	if (!meanwhile || inside || cpu->nr_held)
		return;
	inside = true;
	fake_run_on(OTHER_CPU, dom0->vcpu[1]);
	meanwhile();
	times++;
	fake_run_on(cpu->id, v);
	inside = false;
}

/* --- What domain.c calls; in each function the other CPU gets a chance --- */

static void no_vcpu_runs(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		assert_false(v->sched.running);
}

void vcpu_sleep_sync(struct vcpu *v)
{
	other_cpu();
	v->sched.running = false;
}

void vcpu_sleep_nosync(struct vcpu *v)
{
	sleeps_unlocked += !lock_is_mine(&v->domain->lock);
	other_cpu();
}

void vcpu_wake(struct vcpu *v)
{
	wakes_unlocked += !lock_is_mine(&v->domain->lock);
	other_cpu();
}

void sched_vcpu_init(struct vcpu *v)
{
	vcpus_made++;
	v->cpu = pcpus[v->id % FAKE_CPUS];
}

void sched_vcpu_destroy(struct vcpu *v)
{
	vcpus_destroyed++;
	assert_false(v->sched.running);
	other_cpu();
}

void arch_domain_teardown(struct domain *d)
{
	teardowns++;
	no_vcpu_runs(d);
	other_cpu();
}

int p2m_teardown_step(struct domain *d)
{
	no_vcpu_runs(d);
	other_cpu();
	p2m_write_lock(&d->p2m);
	for (gfn_t gfn = 0; gfn < 16; gfn++)
		p2m_set(d, gfn, INVALID_MFN, 0, P2M_HOLE);
	p2m_write_unlock(d);
	other_cpu();
	return 0;
}

void boot_console_end(struct domain *d)
{
	console_ends++;
	no_vcpu_runs(d);
	other_cpu();
}

void console_start_sync(void)
{
}

static u8 machine_end;

void arch_machine_down(u8 reason)
{
	machine_end = reason;
	panic("the machine ends");
}

/* --- --- */

static struct domain *create(domid_t id, bool dom0s)
{
	struct domain_config cfg = { .id = id, .control = dom0s, .hardware = dom0s, .max_vcpus = 2,
				     .max_evtchn_port = 1023, .max_grant_frames = 4, .max_maptrack_frames = 2,
				     .max_pages = ~0ull };
	struct domain *d = NULL;
	int rc = domain_create(&cfg, &d);

	assert_int_equal(rc == 0, d != NULL);
	return d;
}

static int setup(void **state)
{
	fake_reset();
	memset(domain_table, 0, sizeof(domain_table));
	memset(ids_taken, 0, sizeof(ids_taken));
	last_id = 0;
	hardware_domain = NULL;
	meanwhile = NULL;
	inside = false;
	sleeps_unlocked = wakes_unlocked = 0;
	times = teardowns = console_ends = vcpus_made = vcpus_destroyed = id_checks = 0;
	dom0 = create(0, true);
	guest = create(1, false);
	fake_run_on(0, dom0->vcpu[0]);
	return 0;
}

/* After a test: all of a domain's memory was freed with it. */
static void free_all(void)
{
	fake_on_alloc = NULL;
	meanwhile = NULL;
	fake_run_on(0, dom0->vcpu[0]);
	for (struct domain *d = domain_find_from(1); d; d = domain_find_from((domid_t)(d->id + 1)))
		while (domain_destroy(d) == -ERESTART)
			;
	fake_rcu_run();
	assert_null(domain_find_from(1));
	assert_int_equal(fake_live_objects(), 1 + dom0->max_vcpus);
	assert_int_equal(vcpus_made, vcpus_destroyed + dom0->max_vcpus);
	for (domid_t id = 1; id < DOMID_FIRST_RESERVED; id++)
		assert_false(test_bit(id, ids_taken));
	while (evtchn_close_all(dom0, &dom0->destroy_next_port))
		;
	domain_free_rcu(&dom0->rcu);
	free_page(domain_table[0]);
	assert_int_equal(fake_live_pages(), 0);
}

static int teardown(void **state)
{
	free_all();
	return unit_teardown(state);
}

/* The search skips 64 unused ids at a time, and skips no domain with them. */
static void domains_are_found_in_order(void **state)
{
	static const domid_t ids[] = { 63, 64, 127, 200 };
	domid_t from = 2;

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++)
		assert_non_null(create(ids[i], false));
	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(domain_find_from(from)->id, ids[i]);
		from = (domid_t)(ids[i] + 1);
	}
	assert_null(domain_find_from(from));
}

static long evtchn_op(unsigned long cmd, void *arg)
{
	return do_event_channel_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static evtchn_port_t alloc_port(struct domain *d, domid_t remote)
{
	struct evtchn_alloc_unbound op = { DOMID_SELF, remote, 0 };

	fake_run_on(0, d->vcpu[0]);
	assert_int_equal(evtchn_op(EVTCHNOP_alloc_unbound, &op), 0);
	return op.port;
}

static evtchn_port_t bind_port(struct domain *d, domid_t remote, evtchn_port_t port)
{
	struct evtchn_bind_interdomain op = { remote, port, 0 };

	fake_run_on(0, d->vcpu[0]);
	assert_int_equal(evtchn_op(EVTCHNOP_bind_interdomain, &op), 0);
	return op.local_port;
}

static u32 port_state(struct domain *d, evtchn_port_t port)
{
	struct evtchn_status op = { .dom = DOMID_SELF, .port = port };

	fake_run_on(0, d->vcpu[0]);
	assert_int_equal(evtchn_op(EVTCHNOP_status, &op), 0);
	return op.status;
}

/* --- Creation --- */

/* Every operation that takes a domain's id, for a domain that does not exist. */
static void nobody_is_there(void)
{
	struct evtchn_bind_interdomain bind = { VICTIM, 5, 0 };
	struct evtchn_alloc_unbound alloc = { VICTIM, 1, 0 };
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map, .dom = VICTIM };
	struct gnttab_query_size size = { .dom = VICTIM };
	long err = 0;

	assert_null(domain_find(VICTIM));
	assert_null(domain_find_from(2));
	assert_null(domain_resolve(VICTIM, &err));
	assert_int_equal(err, -ESRCH);
	assert_int_equal(evtchn_op(EVTCHNOP_alloc_unbound, &alloc), -ESRCH);
	assert_int_equal(do_grant_table_op(GNTTABOP_query_size, (unsigned long)&size, 1, 0, 0), 0);
	assert_int_equal(size.status, GNTST_bad_domain);
	fake_run_on(OTHER_CPU, guest->vcpu[0]);
	assert_int_equal(evtchn_op(EVTCHNOP_bind_interdomain, &bind), -ESRCH);
	assert_int_equal(do_grant_table_op(GNTTABOP_map_grant_ref, (unsigned long)&map, 1, 0, 0), 0);
	assert_int_equal(map.status, GNTST_bad_domain);
}

static void nobody_is_there_but_its_id_is_taken(void)
{
	nobody_is_there();
	if (!test_bit(VICTIM, ids_taken))
		return;
	assert_null(create(VICTIM, false));
	id_checks++;
}

static void a_domain_is_seen_whole_or_not_at_all(void **state)
{
	struct domain *d;

	meanwhile = nobody_is_there_but_its_id_is_taken;
	fake_on_alloc = other_cpu;
	d = create(VICTIM, false);
	assert_true(times >= 8 && id_checks >= 6);
	meanwhile = NULL;
	fake_on_alloc = NULL;
	assert_ptr_equal(domain_find(VICTIM), d);
	assert_int_equal(d->state, DOMAIN_ALIVE);
	assert_non_null(d->vcpu[1]);
	assert_null(d->vcpu[2]);
	bind_port(guest, VICTIM, alloc_port(d, guest->id));
}

static void a_failed_creation_leaves_nothing(void **state)
{
	u64 pages = fake_live_pages();

	FAKE_EACH_FAILURE(n) {
		struct domain *d;

		meanwhile = nobody_is_there;
		fake_on_alloc = other_cpu;
		fake_fail_nth(n);
		d = create(VICTIM, false);
		assert_int_equal(d != NULL, !fake_failure_happened());
		fake_on_alloc = NULL;
		meanwhile = NULL;
		while (d && domain_destroy(d) == -ERESTART)
			;
		fake_rcu_run();
		assert_int_equal(fake_live_objects(), 6);
		assert_int_equal(fake_live_pages(), pages);
		assert_false(test_bit(VICTIM, ids_taken));
	}
}

static void refused(void **state)
{
	struct domain_config cfg = { .id = 2, .max_vcpus = 0, .max_evtchn_port = 1,
				     .max_grant_frames = 1 };
	struct domain *d;

	assert_int_equal(domain_create(&cfg, &d), -EINVAL);
	cfg.max_vcpus = MAX_VCPUS + 1;
	assert_int_equal(domain_create(&cfg, &d), -EINVAL);
	cfg.max_vcpus = 1;
	cfg.id = DOMID_IO;
	assert_int_equal(domain_create(&cfg, &d), -EINVAL);
	cfg.id = 1;
	assert_int_equal(domain_create(&cfg, &d), -EEXIST);
	memset(ids_taken, 0xff, sizeof(ids_taken));
	cfg.id = DOMID_INVALID;
	assert_int_equal(domain_create(&cfg, &d), -ENOSPC);
	memset(ids_taken, 0, sizeof(ids_taken));
	ids_taken[0] = 3;
}

static void the_id_is_taken(mfn_t mfn, u64 n)
{
	assert_true(test_bit(VICTIM, ids_taken));
	id_checks++;
}

/* An id is not used again while anything may still name the old domain by it. */
static void an_id_is_free_when_its_domain_is(void **state)
{
	struct domain *d = create(VICTIM, false);

	while (domain_destroy(d) == -ERESTART)
		;
	assert_null(create(VICTIM, false));
	fake_on_free = the_id_is_taken;
	fake_rcu_run();
	fake_on_free = NULL;
	assert_true(id_checks > 0);
	assert_non_null(create(VICTIM, false));
	last_id = VICTIM - 1;
	assert_int_equal(create(DOMID_INVALID, false)->id, VICTIM + 1);
	last_id = DOMID_FIRST_RESERVED - 1;
	assert_int_equal(create(DOMID_INVALID, false)->id, 2);
}

/* --- Destruction --- */

/*
 * A guest never continues its reset, uses low ports again, a peer binds one, and then the guest
 * dies.
 */
static void an_abandoned_reset_leaves_no_pointer(void **state)
{
	struct evtchn_reset reset = { DOMID_SELF };
	struct domain *d = create(VICTIM, false);
	struct evtchn_send send;
	evtchn_port_t low;

	while (alloc_port(d, guest->id) < 600)
		;
	assert_int_equal(evtchn_op(EVTCHNOP_reset, &reset), -ERESTART);
	low = alloc_port(d, guest->id);
	send.port = bind_port(guest, VICTIM, low);
	fake_run_on(0, dom0->vcpu[0]);
	while (domain_destroy(d) == -ERESTART)
		;
	fake_rcu_run();
	assert_int_equal(port_state(guest, send.port), EVTCHNSTAT_unbound);
	assert_int_equal(evtchn_op(EVTCHNOP_send, &send), 0);
}

/* Another CPU calls destroydomain for the same domain, at each step of the first call. */
static void the_other_destroys_it_too(void)
{
	struct domain *d = domain_find(VICTIM);
	int rc = d ? domain_destroy(d) : 0;

	assert_true(rc == -ERESTART || (rc == 0 && (!d || d->state == DOMAIN_ZOMBIE)));
}

static void two_destroy_one_domain(void **state)
{
	struct domain *d = create(VICTIM, false);
	unsigned int steps = 0;
	int rc;

	while (alloc_port(d, guest->id) < 300)
		;
	fake_populate(d, 3);
	d->vcpu[0]->sched.running = d->vcpu[1]->sched.running = true;
	fake_run_on(0, dom0->vcpu[0]);
	meanwhile = the_other_destroys_it_too;
	do {
		rc = domain_destroy(d);
		assert_true(rc == 0 || rc == -ERESTART);
		other_cpu();
		steps++;
	} while (rc);
	assert_true(steps > 1 && times > 8);
	assert_int_equal(domain_destroy(d), 0);
	assert_int_equal(d->state, DOMAIN_ZOMBIE);
	assert_int_equal(teardowns, 1);
	assert_int_equal(console_ends, 1);
	assert_int_equal(vcpus_destroyed, 2);
	fake_rcu_run();
	assert_null(domain_find(VICTIM));
}

/*
 * Two CPUs destroy the domain in turns: nothing is done twice, and each goes on where the other
 * stopped.
 */
static void they_take_turns(void **state)
{
	struct domain *d = create(VICTIM, false);
	unsigned int cpu = 0;
	int rc;

	while (alloc_port(d, guest->id) < 600)
		;
	do {
		fake_run_on(cpu, dom0->vcpu[cpu]);
		cpu ^= 1;
		rc = domain_destroy(d);
	} while (rc == -ERESTART);
	assert_int_equal(rc, 0);
	assert_int_equal(teardowns, 1);
	assert_int_equal(console_ends, 1);
}

static void check_pauses(void)
{
	assert_int_equal(guest->pause_count, guest->controller_pauses + guest->shutting_down);
}

/* The count of pauses by tools and the vCPUs' pause counts change together, under the lock. */
static void pauses_are_counted_together(void **state)
{
	meanwhile = check_pauses;
	for (unsigned int i = 1; i < 255; i++)
		assert_int_equal(domain_controller_pause(guest), 0);
	assert_int_equal(domain_controller_pause(guest), -EOVERFLOW);
	domain_shutdown(guest, SHUTDOWN_suspend, NULL);
	domain_shutdown(guest, SHUTDOWN_suspend, NULL);
	domain_resume(guest);
	domain_resume(guest);
	for (unsigned int i = 0; i < 255; i++) {
		assert_false(guest->started);
		assert_int_equal(domain_controller_unpause(guest), 0);
	}
	assert_true(guest->started);
	assert_int_equal(domain_controller_unpause(guest), -EINVAL);
	assert_int_equal(domain_controller_pause(guest), 0);
	assert_true(guest->started);
	assert_int_equal(domain_controller_unpause(guest), 0);
	check_pauses();
	assert_int_equal(guest->pause_count, 0);
	assert_true(times > 500);
	assert_int_equal(sleeps_unlocked + wakes_unlocked, 0);
}

/* Pages that others hold keep the zombie and its id. The last page to go ends it. */
static void a_zombie_waits_for_its_pages(void **state)
{
	struct domain *d = create(VICTIM, false);
	struct page_info *pg = mfn_to_page(fake_populate(d, 3));

	assert_true(get_page(pg, VICTIM));
	while (domain_destroy(d) == -ERESTART)
		;
	fake_rcu_run();
	assert_ptr_equal(domain_find(VICTIM), d);
	assert_int_equal(d->state, DOMAIN_ZOMBIE);
	assert_int_equal(domain_destroy(d), 0);
	put_page(pg);
	assert_null(domain_find(VICTIM));
	domain_last_page_put(d);
	fake_rcu_run();
}

/*
 * Mapped grants, claimed memory, the page of a vcpu_info, a timer: leaks show at the end of the
 * test.
 */
static void what_it_had_is_given_back(void **state)
{
	struct domain *d = create(VICTIM, false);
	struct gnttab_map_grant_ref map = { .host_addr = 9 << PAGE_SHIFT, .flags = GNTMAP_host_map,
					    .dom = 1 };
	struct page_info *granted = mfn_to_page(fake_populate(guest, 2)),
				    *info = mfn_to_page(fake_populate(d, 3));

	assert_int_equal(grant_seed(guest, 0, VICTIM, 2, false), 0);
	fake_run_on(0, d->vcpu[0]);
	assert_int_equal(do_grant_table_op(GNTTABOP_map_grant_ref, (unsigned long)&map, 1, 0, 0), 0);
	assert_int_equal(map.status, GNTST_okay);
	assert_int_equal(granted->ref, 3);
	assert_true(get_page(info, VICTIM));
	d->vcpu[1]->info_page = info;
	d->vcpu[1]->info = page_to_virt(info);
	d->claimed = 5;
	assert_int_equal(vcpu_set_periodic(d->vcpu[1], 1000000), 0);
	fake_run_on(0, dom0->vcpu[0]);
	while (domain_destroy(d) == -ERESTART)
		;
	assert_int_equal(d->state, DOMAIN_ZOMBIE);
	fake_rcu_run();
	assert_null(domain_find(VICTIM));
	assert_int_equal(granted->ref, 1);
}

static void the_last_vcpu_powers_off(void **state)
{
	domain_controller_unpause(guest);
	clear_bit(VPF_DOWN, &guest->vcpu[0]->wait_flags);
	clear_bit(VPF_DOWN, &guest->vcpu[1]->wait_flags);
	vcpu_went_down(guest->vcpu[1]);
	assert_false(guest->shut_down);
	vcpu_went_down(guest->vcpu[0]);
	assert_true(guest->shut_down);
	assert_int_equal(guest->shutdown_code, SHUTDOWN_poweroff);
	assert_int_equal(guest->pause_count, 1);
	assert_int_equal(sleeps_unlocked + wakes_unlocked, 0);
	domain_crash(guest, "again");
	assert_int_equal(guest->pause_count, 1);
	assert_true(FAKE_PANICS(domain_crash(dom0, "Dom0 too")));
}

static long watchdog(struct vcpu *v, u32 id, u32 timeout)
{
	struct sched_watchdog op = { id, timeout };

	fake_run_on(0, v);
	return do_sched_op(SCHEDOP_watchdog, (unsigned long)&op, 0, 0, 0);
}

#define SECOND 1000000000ull

static void a_watchdog_ends_its_domain(void **state)
{
	struct vcpu *v = guest->vcpu[0];

	assert_int_equal(do_sched_op(SCHEDOP_watchdog, 16, 0, 0, 0), -EFAULT);
	assert_int_equal(watchdog(v, 1, 5), -EINVAL);
	assert_int_equal(watchdog(v, 3, 5), -EINVAL);
	assert_int_equal(watchdog(v, ~0u, 5), -EINVAL);
	assert_int_equal(watchdog(v, 0, 5), 1);
	assert_int_equal(watchdog(v, 0, 8), 2);
	assert_int_equal(watchdog(v, 0, 5), -ENOSPC);
	assert_int_equal(watchdog(v, 3, 5), -EINVAL);
	/* Each watchdog has its own time: one is set again, one is ended and then taken anew. */
	fake_advance(4 * SECOND);
	assert_int_equal(watchdog(v, 1, 5), 0);
	fake_advance(3 * SECOND);
	assert_int_equal(watchdog(v, 2, 0), 0);
	assert_int_equal(watchdog(v, 2, 0), -EINVAL);
	fake_advance(SECOND);
	assert_int_equal(watchdog(v, 0, ~0u), 2);
	fake_advance(SECOND - 1);
	assert_false(guest->shut_down);
	fake_advance(1);
	assert_true(guest->shut_down);
	assert_int_equal(guest->shutdown_code, SHUTDOWN_watchdog);
	assert_false(dom0->shut_down);
	fake_check_quiet();
}

static void a_watchdog_goes_with_its_domain(void **state)
{
	assert_int_equal(watchdog(guest->vcpu[0], 0, 5), 1);
	fake_run_on(0, dom0->vcpu[0]);
	meanwhile = NULL;
	guest->state = DOMAIN_DYING;
	fake_advance(5 * SECOND);
	assert_false(guest->shut_down);
	guest->state = DOMAIN_ALIVE;
	assert_int_equal(watchdog(guest->vcpu[0], 0, 5), 2);
	/* A timer that was not stopped would show at the end of the test. */
	fake_run_on(0, dom0->vcpu[0]);
	while (domain_destroy(guest) == -ERESTART)
		;
	fake_rcu_run();
	assert_null(domain_find(1));
	fake_advance(5 * SECOND);
}

static void dom0s_watchdog_restarts_the_machine(void **state)
{
	assert_int_equal(watchdog(dom0->vcpu[0], 0, 30), 1);
	assert_true(FAKE_PANICS(fake_advance(30 * SECOND)));
	assert_int_equal(machine_end, SHUTDOWN_watchdog);
	assert_string_equal(fake_last_message, "Dom0: ended by its watchdog");
}

static const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	TEST(a_domain_is_seen_whole_or_not_at_all),
	TEST(domains_are_found_in_order),
	TEST(a_failed_creation_leaves_nothing),
	TEST(refused),
	TEST(an_id_is_free_when_its_domain_is),
	TEST(an_abandoned_reset_leaves_no_pointer),
	TEST(two_destroy_one_domain),
	TEST(they_take_turns),
	TEST(pauses_are_counted_together),
	TEST(a_zombie_waits_for_its_pages),
	TEST(what_it_had_is_given_back),
	TEST(the_last_vcpu_powers_off),
	TEST(a_watchdog_ends_its_domain),
	TEST(a_watchdog_goes_with_its_domain),
	TEST(dom0s_watchdog_restarts_the_machine),
};

UNIT_MAIN(tests)
