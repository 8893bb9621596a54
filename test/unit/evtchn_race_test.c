/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/evtchn.c common/evtchn_fifo.c common/spinlock.c */
/*
 * Senders take no lock. Here something else happens between any two of a sender's
 * reads: each READ_ONCE() and test_bit() of evtchn_deliver.c is counted, and at the
 * chosen one a port is bound anew, closed, or an event comes from elsewhere.
 */
#include "common/lib.h"

static void (*at_read)(void);
static unsigned int reads_left;

static void count_read(void)
{
	if (reads_left && --reads_left == 0)
		at_read();
}

#undef READ_ONCE
#define READ_ONCE(x) ({ count_read(); *(const volatile __typeof__(x) *)&(x); })
#define test_bit(n, addr) ({ bool _set = (test_bit)(n, addr); count_read(); _set; })
#include "common/evtchn_deliver.c"
#undef test_bit
#undef READ_ONCE
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))

#include "test/unit/unit.h"

#include "common/hypercall.h"

#define READS 20 /* more reads than any operation does */

static struct domain *a, *b, *c;

static struct domain *with_ports(domid_t id)
{
	struct domain *d = fake_domain(id, 2);

	assert_int_equal(evtchn_init(d, 200), 0);
	return d;
}

static void start(void)
{
	fake_reset();
	a = with_ports(1);
	b = with_ports(2);
	c = with_ports(3);
	fake_run_on(0, a->vcpu[0]);
	assert_int_equal(evtchn_connect(a, 5, b, 9), 0);
}

static bool pending(struct domain *d, evtchn_port_t port)
{
	return test_bit(port, d->shared_info->evtchn_pending);
}

static void bind_elsewhere(void)
{
	assert_int_equal(evtchn_close_all(a, &(evtchn_port_t){ 0 }), 0);
	assert_int_equal(evtchn_connect(a, 5, c, 17), 0);
}

static void close_it(void)
{
	assert_int_equal(evtchn_close_all(a, &(evtchn_port_t){ 0 }), 0);
}

/* An event reaches a whole binding, the old or the new one; nothing else is touched. */
static void a_binding_is_seen_whole(void **state)
{
	for (unsigned int n = 1; n <= READS; n++) {
		start();
		at_read = bind_elsewhere;
		reads_left = n;
		assert_int_equal(evtchn_send(a, 5), 0);
		reads_left = 0;
		assert_true(pending(b, 9) || pending(c, 17) || n < READS);
		for (evtchn_port_t port = 0; port < 128; port++) {
			assert_false(pending(a, port));
			assert_false(port != 9 && pending(b, port));
			assert_false(port != 17 && pending(c, port));
		}
	}
}

static void closing_under_way_is_harmless(void **state)
{
	for (unsigned int n = 1; n <= READS; n++) {
		int rc;

		start();
		at_read = close_it;
		reads_left = n;
		rc = evtchn_send(a, 5);
		reads_left = 0;
		assert_true(rc == 0 || rc == -EINVAL);
		for (evtchn_port_t port = 0; port < 128; port++)
			assert_false(pending(a, port) || pending(c, port) || (port != 9 && pending(b, port)));
	}
}

/* The vCPU starts to poll, and an event comes at any moment: the vCPU must not sleep through it. */
static struct evtchn *sent_to;

static void event_comes(void)
{
	unsigned int left = reads_left;

	sent_to = evtchn_lookup(&a->evtchn, 5);
	evtchn_set_pending(a, sent_to, 5);
	reads_left = left;
}

static void no_event_is_slept_through(void **state)
{
	evtchn_port_t port = 5;

	for (unsigned int n = 1; n <= READS; n++) {
		int rc;

		start();
		set_bit(5, a->shared_info->evtchn_mask);
		at_read = event_comes;
		reads_left = n;
		sent_to = NULL;
		rc = evtchn_poll_begin(a->vcpu[1], &port, 1);
		reads_left = 0;
		if (!sent_to) {
			assert_int_equal(rc, 0);
			assert_true(test_bit(VPF_POLL, &a->vcpu[1]->wait_flags));
			event_comes();
		}
		assert_true(rc == 1 || fake_events.wakes == 1);
		assert_false(test_bit(VPF_POLL, &a->vcpu[1]->wait_flags));
	}
}

/* In between, the port is unmasked: an upcall comes if the guest has not seen the event. */
static void unmask_in_between(void)
{
	unsigned int left = reads_left;

	evtchn_unmask(b, 9);
	reads_left = left;
}

static void an_event_finds_the_port_unmasked_or_is_found(void **state)
{
	for (unsigned int n = 1; n <= READS; n++) {
		start();
		set_bit(9, b->shared_info->evtchn_mask);
		at_read = unmask_in_between;
		reads_left = n;
		assert_int_equal(evtchn_send(a, 5), 0);
		if (reads_left) { /* the operation had fewer reads: unmask afterwards */
			reads_left = 0;
			evtchn_unmask(b, 9);
		}
		assert_true(pending(b, 9));
		assert_int_equal(b->vcpu[0]->info->evtchn_pending_sel, 1);
		assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
		assert_int_equal(fake_events.upcalls, 1);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(a_binding_is_seen_whole),
	UNIT_TEST(closing_under_way_is_harmless),
	UNIT_TEST(no_event_is_slept_through),
	UNIT_TEST(an_event_finds_the_port_unmasked_or_is_found),
};

UNIT_MAIN(tests)
