/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/evtchn.c common/evtchn_deliver.c common/evtchn_fifo.c common/spinlock.c */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include "test/unit/fake/threads.h"

#include <public/errno.h>
#include <public/x86_32.h>

#include "common/evtchn.h"
#include "common/hypercall.h"

#define CONTROL 0
#define MAX_PORT 1023

static struct domain *dom0, *a, *b;

static struct domain *with_ports(domid_t id, unsigned int vcpus)
{
	struct domain *d = fake_domain(id, vcpus);

	assert_int_equal(evtchn_init(d, MAX_PORT), 0);
	return d;
}

static void start(void)
{
	dom0 = with_ports(CONTROL, 2);
	a = with_ports(1, 4);
	b = with_ports(2, 2);
	fake_run_on(0, a->vcpu[0]);
}

static long op(unsigned long cmd, void *arg)
{
	return do_event_channel_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static void as(struct domain *d)
{
	fake_run_on(0, d->vcpu[0]);
}

static evtchn_port_t alloc_for(struct domain *d, domid_t remote)
{
	struct evtchn_alloc_unbound o = { .dom = DOMID_SELF, .remote_dom = remote };

	as(d);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), 0);
	return o.port;
}

static evtchn_port_t bind(struct domain *d, domid_t remote, evtchn_port_t remote_port)
{
	struct evtchn_bind_interdomain o = { .remote_dom = remote, .remote_port = remote_port };

	as(d);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), 0);
	return o.local_port;
}

static long send(struct domain *d, evtchn_port_t port)
{
	struct evtchn_send o = { port };

	as(d);
	return op(EVTCHNOP_send, &o);
}

static long close_port(struct domain *d, evtchn_port_t port)
{
	struct evtchn_close o = { port };

	as(d);
	return op(EVTCHNOP_close, &o);
}

static struct evtchn_status status(struct domain *d, evtchn_port_t port)
{
	struct evtchn_status o = { .dom = DOMID_SELF, .port = port };

	as(d);
	assert_int_equal(op(EVTCHNOP_status, &o), 0);
	return o;
}

static bool pending(struct domain *d, evtchn_port_t port)
{
	return test_bit(port, d->shared_info->evtchn_pending);
}

/* What a guest does after an upcall: it consumes all events. */
static void consume(struct domain *d)
{
	memset(d->shared_info->evtchn_pending, 0, sizeof(d->shared_info->evtchn_pending));
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		d->vcpu[i]->info->evtchn_pending_sel = 0;
		d->vcpu[i]->info->evtchn_upcall_pending = 0;
	}
	fake_events.upcalls = 0;
	fake_events.last_upcall = NULL;
}

static void ports_start_at_1_and_are_used_again(void **state)
{
	start();
	assert_int_equal(alloc_for(a, 2), 1);
	assert_int_equal(alloc_for(a, 2), 2);
	assert_int_equal(alloc_for(a, 2), 3);
	assert_int_equal(close_port(a, 2), 0);
	assert_int_equal(alloc_for(a, 2), 2);
	assert_int_equal(alloc_for(a, 2), 4);
}

static void limit_is_the_domains(void **state)
{
	struct evtchn_alloc_unbound o = { .dom = DOMID_SELF };

	start();
	for (unsigned int i = 1; i <= MAX_PORT; i++)
		assert_int_equal(alloc_for(a, 2), i);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), -ENOSPC);
	assert_int_equal(close_port(a, 700), 0);
	assert_int_equal(alloc_for(a, 2), 700);
}

static void two_levels_have_4095_ports(void **state)
{
	struct domain *d = fake_domain(5, 1);

	assert_int_equal(evtchn_init(d, ~0u), 0);
	fake_run_on(0, d->vcpu[0]);
	for (unsigned int i = 1; i < 4096; i++)
		assert_int_equal(evtchn_alloc_unbound(d, 0), i);
	assert_int_equal(evtchn_alloc_unbound(d, 0), -ENOSPC);
	assert_false(evtchn_port_pending(d, 4096));
	assert_int_equal(evtchn_send(d, 4096), -EINVAL);
	assert_int_equal(evtchn_send(d, ~0u), -EINVAL);
	evtchn_raise(d, 4095);
	assert_true(pending(d, 4095));
	while (evtchn_close_all(d, &d->destroy_next_port) == -ERESTART)
		;
	evtchn_free(d);
}

static void events_travel_both_ways(void **state)
{
	evtchn_port_t pa, pb;

	start();
	pa = alloc_for(a, b->id);
	pb = bind(b, a->id, pa);
	/* A bind raises the port: the peer may have sent before. */
	assert_true(pending(b, pb));
	assert_ptr_equal(fake_events.last_upcall, b->vcpu[0]);
	assert_int_equal(fake_events.upcalls, 1);
	consume(b);

	assert_int_equal(send(a, pa), 0);
	assert_true(pending(b, pb));
	assert_false(pending(a, pa));
	assert_int_equal(b->vcpu[0]->info->evtchn_pending_sel, 1ul << pb / 64);
	assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
	assert_int_equal(fake_events.upcalls, 1);

	assert_int_equal(send(b, pb), 0);
	assert_true(pending(a, pa));
	assert_ptr_equal(fake_events.last_upcall, a->vcpu[0]);
}

static void only_the_first_event_makes_an_upcall(void **state)
{
	evtchn_port_t p1, p2, q1, q2;

	start();
	p1 = alloc_for(a, b->id);
	p2 = alloc_for(a, b->id);
	q1 = bind(b, a->id, p1);
	q2 = bind(b, a->id, p2);
	consume(b);
	send(a, p1);
	send(a, p1);
	send(a, p2);
	assert_int_equal(fake_events.upcalls, 1);
	assert_true(pending(b, q1) && pending(b, q2));
	/*
	 * The guest has cleared the upcall but not yet the ports: a new event on an old port stays
	 * silent, one on a new port does not.
	 */
	b->vcpu[0]->info->evtchn_upcall_pending = 0;
	b->vcpu[0]->info->evtchn_pending_sel = 0;
	send(a, p1);
	assert_int_equal(fake_events.upcalls, 1);
	clear_bit(q2, b->shared_info->evtchn_pending);
	send(a, p2);
	assert_int_equal(fake_events.upcalls, 2);
}

static void masked_events_wait_for_unmask(void **state)
{
	struct evtchn_unmask o = {};
	evtchn_port_t pa, pb;

	start();
	pa = alloc_for(a, b->id);
	pb = bind(b, a->id, pa);
	consume(b);
	set_bit(pb, b->shared_info->evtchn_mask);
	send(a, pa);
	assert_true(pending(b, pb));
	assert_int_equal(fake_events.upcalls, 0);
	assert_int_equal(b->vcpu[0]->info->evtchn_pending_sel, 0);

	as(b);
	o.port = pb;
	assert_int_equal(op(EVTCHNOP_unmask, &o), 0);
	assert_false(test_bit(pb, b->shared_info->evtchn_mask));
	assert_int_equal(fake_events.upcalls, 1);
	/* Unmasking again does nothing. */
	assert_int_equal(op(EVTCHNOP_unmask, &o), 0);
	assert_int_equal(fake_events.upcalls, 1);
	o.port = 600; /* in a page of ports that does not exist yet */
	assert_int_equal(op(EVTCHNOP_unmask, &o), -EINVAL);
}

/* xenstored inside Dom0 binds to a port of Dom0's own kernel. */
static void a_domain_can_connect_to_itself(void **state)
{
	evtchn_port_t p, q;

	start();
	p = alloc_for(dom0, DOMID_SELF);
	q = bind(dom0, CONTROL, p);
	assert_int_not_equal(p, q);
	consume(dom0);
	assert_int_equal(send(dom0, p), 0);
	assert_true(pending(dom0, q) && !pending(dom0, p));
	consume(dom0);
	assert_int_equal(send(dom0, q), 0);
	assert_true(pending(dom0, p) && !pending(dom0, q));
	assert_int_equal(close_port(dom0, q), 0);
	assert_int_equal(status(dom0, p).status, EVTCHNSTAT_unbound);
	q = bind(dom0, DOMID_SELF, p);
	assert_int_equal(status(dom0, p).u.interdomain.port, q);
}

static void alloc_unbound_for_others(void **state)
{
	struct evtchn_alloc_unbound o = { .dom = 1, .remote_dom = DOMID_SELF };

	start();
	as(dom0);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), 0);
	assert_int_equal(status(a, o.port).u.unbound.dom, CONTROL);
	o.dom = 9;
	as(dom0);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), -ESRCH);
	as(b);
	o.dom = 1;
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), -EPERM);
	a->state = DOMAIN_DYING;
	as(dom0);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), -EINVAL);
}

static void bind_interdomain_refuses(void **state)
{
	struct evtchn_bind_interdomain o = { .remote_dom = 9, .remote_port = 1 };
	evtchn_port_t for_dom0, for_b;

	start();
	for_dom0 = alloc_for(a, CONTROL);
	for_b = alloc_for(a, b->id);
	as(b);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -ESRCH);
	o = (struct evtchn_bind_interdomain){ .remote_dom = 1, .remote_port = for_dom0 };
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
	o.remote_port = for_b + 1;	/* free */
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
	o.remote_port = 600;		/* no such page of ports */
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
	o.remote_port = 1u << 31;
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
	/* Bound to itself: the remote port is the one that it would get. */
	o = (struct evtchn_bind_interdomain){ .remote_dom = DOMID_SELF, .remote_port = 1 };
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
	/* None of these calls used a port. */
	assert_int_equal(bind(b, a->id, for_b), 1);
	/* Bound already. */
	o = (struct evtchn_bind_interdomain){ .remote_dom = 1, .remote_port = for_b };
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
}

static void status_tells_each_kind(void **state)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 2 };
	struct evtchn_bind_ipi ipi = { .vcpu = 3 };
	struct evtchn_status s;
	evtchn_port_t pa, pb;

	start();
	pa = alloc_for(a, b->id);
	s = status(a, pa);
	assert_int_equal(s.status, EVTCHNSTAT_unbound);
	assert_int_equal(s.u.unbound.dom, b->id);
	pb = bind(b, a->id, pa);
	s = status(b, pb);
	assert_int_equal(s.status, EVTCHNSTAT_interdomain);
	assert_int_equal(s.u.interdomain.dom, a->id);
	assert_int_equal(s.u.interdomain.port, pa);
	as(a);
	assert_int_equal(op(EVTCHNOP_bind_virq, &virq), 0);
	assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), 0);
	s = status(a, virq.port);
	assert_int_equal(s.status, EVTCHNSTAT_virq);
	assert_int_equal(s.u.virq, VIRQ_TIMER);
	assert_int_equal(s.vcpu, 2);
	s = status(a, ipi.port);
	assert_int_equal(s.status, EVTCHNSTAT_ipi);
	assert_int_equal(s.vcpu, 3);
	assert_int_equal(status(a, 100).status, EVTCHNSTAT_closed);
	assert_int_equal(status(a, 0).status, EVTCHNSTAT_closed);

	s = (struct evtchn_status){ .dom = DOMID_SELF, .port = 600 };
	assert_int_equal(op(EVTCHNOP_status, &s), -EINVAL);
	s = (struct evtchn_status){ .dom = 2, .port = 1 };
	assert_int_equal(op(EVTCHNOP_status, &s), -EPERM);
	as(dom0);
	assert_int_equal(op(EVTCHNOP_status, &s), 0);
	assert_int_equal(s.status, EVTCHNSTAT_interdomain);
	s.dom = 9;
	assert_int_equal(op(EVTCHNOP_status, &s), -ESRCH);
}

static void virqs_have_one_binder(void **state)
{
	struct evtchn_bind_virq o = { .virq = VIRQ_TIMER, .vcpu = 1 };
	evtchn_port_t first;

	start();
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), 0);
	first = o.port;
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), -EEXIST);
	send_vcpu_virq(a->vcpu[0], VIRQ_TIMER); /* bound on vCPU 1 only */
	assert_int_equal(fake_events.upcalls, 0);
	send_vcpu_virq(a->vcpu[1], VIRQ_TIMER);
	assert_true(pending(a, first));
	assert_ptr_equal(fake_events.last_upcall, a->vcpu[1]);
	assert_int_equal(close_port(a, first), 0);
	consume(a);
	send_vcpu_virq(a->vcpu[1], VIRQ_TIMER);
	assert_false(pending(a, first));
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), 0);
	assert_int_equal(send(a, o.port), -EINVAL);

	o = (struct evtchn_bind_virq){ .virq = 24 };
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), -EINVAL);
	o = (struct evtchn_bind_virq){ .virq = VIRQ_TIMER, .vcpu = 4 };
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), -ENOENT);
	o.vcpu = ~0u;
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), -ENOENT);
}

static void global_virqs_are_dom0s(void **state)
{
	static const unsigned int per_vcpu[] = { VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU };
	struct evtchn_bind_virq o = { .virq = VIRQ_DOM_EXC };
	struct evtchn_bind_vcpu move;

	start();
	send_global_virq(VIRQ_DOM_EXC); /* no listener: no harm */
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), 0); /* a guest can bind it, but it is never raised */
	as(dom0);
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), 0);
	send_global_virq(VIRQ_DOM_EXC);
	assert_true(pending(dom0, o.port));
	assert_false(pending(a, 1));
	assert_ptr_equal(fake_events.last_upcall, dom0->vcpu[0]);
	/* Its vCPU can be changed. */
	move = (struct evtchn_bind_vcpu){ .port = o.port, .vcpu = 1 };
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &move), 0);
	consume(dom0);
	send_global_virq(VIRQ_DOM_EXC);
	assert_ptr_equal(fake_events.last_upcall, dom0->vcpu[1]);
	/* Closing unbinds it, whether it was moved or not. */
	assert_int_equal(close_port(dom0, o.port), 0);
	assert_int_equal(op(EVTCHNOP_bind_virq, &o), 0);

	for (unsigned int virq = 0; virq < 24; virq++) {
		bool global = true;

		for (unsigned int i = 0; i < ARRAY_LEN(per_vcpu); i++)
			global &= virq != per_vcpu[i];
		o = (struct evtchn_bind_virq){ .virq = virq, .vcpu = 1 };
		assert_int_equal(op(EVTCHNOP_bind_virq, &o), global ? -EINVAL : 0);
	}
}

static void ipis_reach_their_vcpu(void **state)
{
	struct evtchn_bind_ipi o = { .vcpu = 3 };
	struct evtchn_bind_vcpu move;

	start();
	assert_int_equal(op(EVTCHNOP_bind_ipi, &o), 0);
	assert_int_equal(send(a, o.port), 0);
	assert_true(pending(a, o.port));
	assert_ptr_equal(fake_events.last_upcall, a->vcpu[3]);
	move = (struct evtchn_bind_vcpu){ .port = o.port, .vcpu = 1 };
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &move), -EINVAL);
	o.vcpu = 4;
	assert_int_equal(op(EVTCHNOP_bind_ipi, &o), -ENOENT);
}

static void bind_vcpu_moves_what_may_move(void **state)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct evtchn_bind_vcpu o;
	evtchn_port_t pa, pb;

	start();
	assert_int_equal(op(EVTCHNOP_bind_virq, &virq), 0);
	o = (struct evtchn_bind_vcpu){ .port = virq.port, .vcpu = 1 };
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &o), -EINVAL);
	pa = alloc_for(a, b->id);
	o = (struct evtchn_bind_vcpu){ .port = pa, .vcpu = 2 };
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &o), 0);
	pb = bind(b, a->id, pa);
	assert_int_equal(send(b, pb), 0);
	assert_ptr_equal(fake_events.last_upcall, a->vcpu[2]);
	as(a);
	o.vcpu = 4;
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &o), -ENOENT);
	o = (struct evtchn_bind_vcpu){ .port = pa + 1, .vcpu = 0 };
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &o), -EINVAL);
	o.port = 600;
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &o), -EINVAL);
	/* The next user of the port starts on vCPU 0. */
	assert_int_equal(close_port(a, pa), 0);
	assert_int_equal(alloc_for(a, b->id), pa);
	assert_int_equal(status(a, pa).vcpu, 0);
}

static void close_leaves_the_peer_unbound_for_the_same_domain(void **state)
{
	struct evtchn_bind_interdomain o;
	evtchn_port_t pa, pb;

	start();
	pa = alloc_for(a, b->id);
	pb = bind(b, a->id, pa);
	assert_int_equal(close_port(b, pb), 0);
	assert_int_equal(status(a, pa).status, EVTCHNSTAT_unbound);
	assert_int_equal(status(a, pa).u.unbound.dom, b->id);
	assert_int_equal(send(a, pa), 0); /* dropped */
	assert_int_equal(status(b, pb).status, EVTCHNSTAT_closed);
	assert_false(pending(b, pb));
	as(dom0);
	o = (struct evtchn_bind_interdomain){ .remote_dom = 1, .remote_port = pa };
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &o), -EINVAL);
	pb = bind(b, a->id, pa);
	/* And the other way: the side that allocated the port closes it. */
	assert_int_equal(close_port(a, pa), 0);
	assert_int_equal(status(b, pb).status, EVTCHNSTAT_unbound);
	assert_int_equal(status(b, pb).u.unbound.dom, a->id);
	assert_int_equal(bind(a, b->id, pb), pa);

	assert_int_equal(close_port(a, pa + 1), -EINVAL);
	assert_int_equal(close_port(a, 0), -EINVAL);
	assert_int_equal(close_port(a, 600), -EINVAL);
	assert_int_equal(close_port(a, ~0u), -EINVAL);
}

static void send_refuses(void **state)
{
	start();
	assert_int_equal(send(a, 0), -EINVAL);
	assert_int_equal(send(a, 5), -EINVAL);
	assert_int_equal(send(a, 600), -EINVAL);
	assert_int_equal(send(a, 5000), -EINVAL);
	assert_int_equal(send(a, alloc_for(a, 2)), 0);
	assert_int_equal(fake_events.upcalls, 0);
}

static void what_is_not_there_is_enosys(void **state)
{
	char arg[32] = {};

	start();
	assert_int_equal(op(EVTCHNOP_bind_pirq, arg), -ENOSYS);
	assert_int_equal(op(EVTCHNOP_set_priority, arg), -ENOSYS);
	assert_int_equal(op(14, arg), -ENOSYS);
	assert_int_equal(op(~0ul, arg), -ENOSYS);
}

static void bad_addresses_are_efault(void **state)
{
	start();
	for (unsigned int cmd = 0; cmd <= EVTCHNOP_set_priority; cmd++)
		if (cmd != EVTCHNOP_bind_pirq)
			assert_int_equal(op(cmd, (void *)0x1000), -EFAULT);
}

/* If the guest cannot be told the port, the port is closed again. */
static void a_port_that_cannot_be_returned_is_closed(void **state)
{
	struct evtchn_bind_interdomain inter = { .remote_dom = 2 };
	struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF };
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct evtchn_bind_ipi ipi = {};
	struct evtchn_status st = { .dom = DOMID_SELF, .port = 1 };

	start();
	inter.remote_port = alloc_for(b, a->id);
	as(a);
	fake_guest_fault_nth(2);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &unbound), -EFAULT);
	fake_guest_fault_nth(2);
	assert_int_equal(op(EVTCHNOP_bind_virq, &virq), -EFAULT);
	fake_guest_fault_nth(2);
	assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), -EFAULT);
	fake_guest_fault_nth(2);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &inter), -EFAULT);
	fake_guest_fault_nth(2);
	assert_int_equal(op(EVTCHNOP_status, &st), -EFAULT);
	assert_int_equal(status(a, 1).status, EVTCHNSTAT_closed);
	assert_false(pending(a, 1));
	assert_int_equal(a->vcpu[0]->virq_port[VIRQ_TIMER], 0);
	assert_int_equal(status(b, inter.remote_port).status, EVTCHNSTAT_unbound);
	assert_int_equal(bind(a, b->id, inter.remote_port), 1);
}

static void late_events_do_not_greet_the_next_user(void **state)
{
	evtchn_port_t p;

	start();
	p = alloc_for(a, b->id);
	close_port(a, p);
	set_bit(p, a->shared_info->evtchn_pending); /* a sender was under way */
	assert_int_equal(alloc_for(a, b->id), p);
	assert_false(pending(a, p));
}

static void no_memory_for_ports(void **state)
{
	struct evtchn_bind_interdomain inter = { .remote_dom = 2 };
	struct evtchn_alloc_unbound o = { .dom = DOMID_SELF };
	struct domain *d;

	start();
	inter.remote_port = alloc_for(b, a->id);
	for (unsigned int i = 1; i < EVTCHN_PER_PAGE; i++)
		alloc_for(a, 2);
	fake_fail_nth(1);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), -ENOMEM);
	fake_fail_nth(1);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &inter), -ENOMEM);
	assert_int_equal(status(b, inter.remote_port).status, EVTCHNSTAT_unbound);
	assert_int_equal(alloc_for(a, 2), EVTCHN_PER_PAGE);

	FAKE_EACH_FAILURE(n) {
		u64 before;
		int rc;

		d = fake_domain((domid_t)(10 + n), 1);
		before = fake_live_pages();
		fake_fail_nth(n);
		rc = evtchn_init(d, 100);
		if (fake_failure_happened())
			assert_int_equal(rc, -ENOMEM);
		else
			assert_int_equal(rc, 0);
		evtchn_free(d);
		assert_int_equal(fake_live_pages(), before);
	}
}

static void poll_waits_for_its_ports(void **state)
{
	evtchn_port_t p1, p2, q1, q2, list[2];
	struct vcpu *v;

	start();
	p1 = alloc_for(a, b->id);
	p2 = alloc_for(a, b->id);
	q1 = bind(b, a->id, p1);
	q2 = bind(b, a->id, p2);
	v = a->vcpu[1];
	/* Masked ports can be polled: that is what Linux does. */
	memset(a->shared_info->evtchn_mask, 0xff, sizeof(a->shared_info->evtchn_mask));
	consume(a);

	assert_int_equal(evtchn_poll_begin(v, &p1, 1), 0);
	assert_true(test_bit(VPF_POLL, &v->wait_flags));
	send(b, q2);
	assert_int_equal(fake_events.wakes, 0);
	send(b, q1);
	assert_int_equal(fake_events.wakes, 1);
	assert_ptr_equal(fake_events.last_wake, v);
	assert_false(test_bit(VPF_POLL, &v->wait_flags));
	assert_int_equal(a->evtchn.pollers[0], 0);
	/* Pending already. */
	assert_int_equal(evtchn_poll_begin(v, &p1, 1), 1);
	assert_false(test_bit(VPF_POLL, &v->wait_flags));
	assert_int_equal(a->evtchn.pollers[0], 0);

	consume(a);
	list[0] = p1;
	list[1] = p2;
	assert_int_equal(evtchn_poll_begin(v, list, 2), 0);
	send(b, q2);
	assert_int_equal(fake_events.wakes, 2);

	consume(a);
	list[1] = 600;
	assert_int_equal(evtchn_poll_begin(v, list, 2), -EINVAL);
	assert_false(test_bit(VPF_POLL, &v->wait_flags));
	/* Without ports, only the timeout or an upcall ends the poll. */
	assert_int_equal(evtchn_poll_begin(v, NULL, 0), 0);
	evtchn_poll_end(v);
	assert_int_equal(fake_events.wakes, 3);
	evtchn_poll_end(v);
	assert_int_equal(fake_events.wakes, 3);
}

static void upcalls_end_polls(void **state)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 1 };
	struct evtchn_bind_ipi other = { .vcpu = 1 };
	struct vcpu *v;

	start();
	assert_int_equal(op(EVTCHNOP_bind_virq, &virq), 0);
	assert_int_equal(op(EVTCHNOP_bind_ipi, &other), 0);
	v = a->vcpu[1];
	assert_int_equal(evtchn_poll_begin(v, &other.port, 1), 0);
	send_vcpu_virq(v, VIRQ_TIMER);
	assert_int_equal(fake_events.wakes, 1);
	assert_int_equal(fake_events.upcalls, 1);
	assert_false(test_bit(VPF_POLL, &v->wait_flags));
	/* With an upcall still to be taken, the vCPU does not wait. */
	assert_int_equal(evtchn_poll_begin(v, &other.port, 1), 1);
}

static unsigned int consumed;
static struct domain *consumed_from;
static evtchn_port_t consumed_port;

static void consumer(struct domain *d, evtchn_port_t port)
{
	assert_int_equal(fake_locks_held(), 0);
	consumed++;
	consumed_from = d;
	consumed_port = port;
}

/* A guest started at boot: Keel is the peer of its console's port until Dom0 binds it. */
static void keel_receives_until_the_peer_comes(void **state)
{
	evtchn_port_t q;

	start();
	consumed = 0;
	assert_int_equal(evtchn_attach(a, 2, CONTROL, consumer), 0);
	assert_int_equal(evtchn_attach(a, 2, CONTROL, consumer), -EEXIST);
	assert_int_equal(evtchn_attach(a, 0, CONTROL, consumer), -EINVAL);
	assert_int_equal(evtchn_attach(a, MAX_PORT + 1, CONTROL, consumer), -ENOSPC);
	fake_fail_nth(1);
	assert_int_equal(evtchn_attach(a, 500, CONTROL, consumer), -ENOMEM);
	assert_int_equal(send(a, 2), 0);
	assert_int_equal(consumed, 1);
	assert_ptr_equal(consumed_from, a);
	assert_int_equal(consumed_port, 2);
	assert_int_equal(status(a, 2).status, EVTCHNSTAT_unbound);
	evtchn_raise(a, 2);
	assert_true(pending(a, 2));

	q = bind(dom0, a->id, 2);
	assert_int_equal(send(a, 2), 0);
	assert_int_equal(consumed, 1);
	assert_true(pending(dom0, q));
	/* The guest's own ports are numbered around it. */
	assert_int_equal(alloc_for(a, 2), 1);
	assert_int_equal(alloc_for(a, 2), 3);
}

static void boot_configuration_connects(void **state)
{
	start();
	assert_int_equal(evtchn_connect(a, 7, b, 9), 0);
	assert_int_equal(status(a, 7).u.interdomain.dom, b->id);
	assert_int_equal(status(b, 9).u.interdomain.port, 7);
	assert_int_equal(send(a, 7), 0);
	assert_true(pending(b, 9));
	assert_int_equal(evtchn_connect(a, 8, b, 9), -EEXIST);
	assert_int_equal(status(a, 8).status, EVTCHNSTAT_closed);
	assert_int_equal(evtchn_connect(a, 7, b, 10), -EEXIST);
	assert_int_equal(evtchn_connect(a, 8, a, 8), -EINVAL);
	assert_int_equal(evtchn_connect(a, 8, a, 10), 0);
	assert_int_equal(evtchn_connect(a, 0, b, 10), -EINVAL);
	b->state = DOMAIN_DYING;
	assert_int_equal(evtchn_connect(a, 11, b, 11), -EINVAL);
}

static void destruction_closes_everything(void **state)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct evtchn_alloc_unbound o = { .dom = DOMID_SELF };
	evtchn_port_t last = 0, peer, next = 0;
	unsigned int steps = 0;

	start();
	assert_int_equal(op(EVTCHNOP_bind_virq, &virq), 0);
	while (last < 600)
		last = alloc_for(a, b->id);
	peer = bind(b, a->id, last);
	a->state = DOMAIN_DYING;
	while (evtchn_close_all(a, &next) == -ERESTART)
		steps++;
	assert_true(steps >= 3);
	assert_int_equal(status(b, peer).status, EVTCHNSTAT_unbound);
	assert_int_equal(send(b, peer), 0);
	as(a);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &o), -EINVAL);
	assert_int_equal(op(EVTCHNOP_bind_virq, &virq), -EINVAL);
	assert_int_equal(a->vcpu[0]->virq_port[VIRQ_TIMER], 0);
	evtchn_free(a);
	evtchn_free(a);
}

static void reset_of_self_and_of_paused_guests(void **state)
{
	struct evtchn_reset o = { DOMID_SELF };
	evtchn_port_t pa, pb;

	start();
	pa = alloc_for(a, b->id);
	pb = bind(b, a->id, pa);
	as(a);
	assert_int_equal(op(EVTCHNOP_reset, &o), 0);
	assert_int_equal(status(a, pa).status, EVTCHNSTAT_closed);
	assert_int_equal(status(b, pb).status, EVTCHNSTAT_unbound);
	assert_int_equal(alloc_for(a, b->id), 1);

	o.dom = 2;
	as(a);
	assert_int_equal(op(EVTCHNOP_reset, &o), -EPERM);
	as(dom0);
	assert_int_equal(op(EVTCHNOP_reset, &o), -EINVAL);
	b->controller_pauses = 1;
	assert_int_equal(op(EVTCHNOP_reset, &o), 0);
	assert_int_equal(status(b, pb).status, EVTCHNSTAT_closed);
	o.dom = 9;
	as(dom0);
	assert_int_equal(op(EVTCHNOP_reset, &o), -ESRCH);
}

static void reset_goes_on_where_it_was(void **state)
{
	struct evtchn_reset o = { DOMID_SELF };
	unsigned long cmd = EVTCHNOP_reset;
	unsigned int rounds = 1;

	start();
	while (alloc_for(a, b->id) < 600)
		;
	as(a);
	while (op(cmd, &o) == -ERESTART) {
		assert_true(fake_continuation.continued);
		assert_int_equal(fake_continuation.nr, __HYPERVISOR_event_channel_op);
		assert_true(fake_continuation.args[0] > cmd);
		assert_int_equal(fake_continuation.args[0] & 0xff, EVTCHNOP_reset);
		assert_int_equal(fake_continuation.args[1], (unsigned long)&o);
		cmd = fake_continuation.args[0];
		rounds++;
	}
	assert_true(rounds > 3);
	assert_int_equal(a->evtchn.nr_open, 0);
	assert_int_equal(alloc_for(a, b->id), 1);
}

/*
 * A guest that makes up the progress of its reset keeps some ports open. It could have those by not
 * resetting at all.
 */
static void a_made_up_place_leaves_ports_open(void **state)
{
	struct evtchn_reset o = { DOMID_SELF };

	start();
	while (alloc_for(a, b->id) < 20)
		;
	as(a);
	assert_int_equal(op(EVTCHNOP_reset | 15u << 8, &o), 0);
	assert_int_equal(status(a, 14).status, EVTCHNSTAT_unbound);
	assert_int_equal(status(a, 15).status, EVTCHNSTAT_closed);
	assert_int_equal(a->evtchn.nr_open, 14);
	assert_int_equal(op(EVTCHNOP_reset | 131071u << 8, &o), 0);
	assert_int_equal(op(EVTCHNOP_reset | 131072u << 8, &o), -ENOSYS);
	assert_int_equal(op(EVTCHNOP_close | 1u << 8, &o), -ENOSYS);
	assert_int_equal(a->evtchn.nr_open, 14);
}

/*
 * The guest never continues its reset, uses low ports again, and dies: no peer's port may point to
 * it afterwards.
 */
static void destruction_trusts_no_reset_that_was_abandoned(void **state)
{
	struct evtchn_reset o = { DOMID_SELF };
	evtchn_port_t low, peer;

	start();
	while (alloc_for(a, b->id) < 600)
		;
	as(a);
	assert_int_equal(op(EVTCHNOP_reset, &o), -ERESTART);
	low = alloc_for(a, b->id);
	assert_int_equal(low, 1);
	peer = bind(b, a->id, low);
	a->state = DOMAIN_DYING;
	assert_true(FAKE_PANICS(evtchn_free(a)));
	while (evtchn_close_all(a, &a->destroy_next_port) == -ERESTART)
		;
	assert_int_equal(status(b, peer).status, EVTCHNSTAT_unbound);
	evtchn_free(a);
}

static bool sender_stops;

static void *sender(void *arg)
{
	while (!__atomic_load_n(&sender_stops, __ATOMIC_RELAXED))
		evtchn_send(a, 5);
	return NULL;
}

/* A sender sees one whole binding or another, never half of each. */
static void senders_see_whole_bindings(void **state)
{
	struct domain *peer[2];
	pthread_t thread;

	start();
	peer[0] = dom0;
	peer[1] = b;
	assert_int_equal(evtchn_connect(a, 5, dom0, 9), 0);
	assert_int_equal(evtchn_close_all(a, &(evtchn_port_t){ 0 }), 0);
	assert_int_equal(evtchn_close_all(dom0, &(evtchn_port_t){ 0 }), 0);
	sender_stops = false;
	assert_int_equal(pthread_create(&thread, NULL, sender, NULL), 0);
	for (unsigned int i = 0; i < 20000; i++) {
		assert_int_equal(evtchn_connect(a, 5, peer[i % 2], i % 2 ? 17 : 9), 0);
		assert_int_equal(evtchn_close_all(a, &(evtchn_port_t){ 0 }), 0);
		assert_int_equal(evtchn_close_all(peer[i % 2], &(evtchn_port_t){ 0 }), 0);
	}
	__atomic_store_n(&sender_stops, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (evtchn_port_t port = 0; port < 128; port++) {
		assert_false(port != 9 && pending(dom0, port));
		assert_false(port != 17 && pending(b, port));
		assert_false(pending(a, port));
	}
}

static void vcpu_info_that_moves_loses_nothing(void **state)
{
	struct vcpu_info moved = {};
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };

	start();
	assert_int_equal(op(EVTCHNOP_bind_ipi, &ipi), 0);
	a->vcpu[1]->info = NULL; /* has no place in shared_info */
	assert_int_equal(send(a, ipi.port), 0);
	assert_true(pending(a, ipi.port));
	assert_int_equal(fake_events.upcalls, 0);
	a->vcpu[1]->info = &moved;
	evtchn_vcpu_info_moved(a->vcpu[1]);
	assert_int_equal(moved.evtchn_upcall_pending, 1);
	assert_int_equal(moved.evtchn_pending_sel, ~0ul);
	assert_int_equal(fake_events.upcalls, 1);
	assert_ptr_equal(fake_events.last_upcall, a->vcpu[1]);
}

/*
 * Port 70 is in word 2 of the 32-bit layout. The mask words of the two layouts are at different
 * addresses; the pending words are at the same.
 */
static void words_of_32_bits(void **state)
{
	struct shared_info_32 *s;
	struct vcpu_info_32 *v;
	struct vcpu_info_32 moved = {};
	evtchn_port_t port = 0;

	start();
	s = (void *)a->shared_info;
	v = &s->vcpu_info[0];
	while (port < 101)
		port = alloc_for(a, a->id);
	assert_int_equal(evtchn_set_layout(a, true), 0);
	evtchn_raise(a, 70);
	assert_int_equal(s->evtchn_pending[2], BIT(70 - 64));
	assert_int_equal(v->evtchn_pending_sel, BIT(2));
	assert_int_equal(v->evtchn_upcall_pending, 1);
	assert_int_equal(v->cr2, 0);
	set_bit(101, s->evtchn_mask);
	evtchn_raise(a, 101);
	assert_int_equal(v->evtchn_pending_sel, BIT(2));
	assert_int_equal(op(EVTCHNOP_unmask, &port), 0);
	assert_int_equal(v->evtchn_pending_sel, BIT(2) | BIT(3));
	assert_int_equal(s->evtchn_mask[3], 0);
	a->vcpu[0]->info = (struct vcpu_info *)&moved;
	evtchn_vcpu_info_moved(a->vcpu[0]);
	assert_int_equal(moved.evtchn_pending_sel, ~0u);
	assert_int_equal(moved.cr2, 0);
	/* Back again. */
	a->vcpu[0]->info = &a->shared_info->vcpu_info[0];
	assert_int_equal(evtchn_set_layout(a, false), 0);
	consume(a);
	evtchn_raise(a, 70);
	assert_int_equal(a->vcpu[0]->info->evtchn_pending_sel, BIT(1));
}

/* Ports beyond the 32-bit layout are not given out. Those that exist stay. */
static void ports_of_32_bits(void **state)
{
	struct domain *d = fake_domain(5, 1);

	assert_int_equal(evtchn_init(d, ~0u), 0);
	fake_run_on(0, d->vcpu[0]);
	assert_int_equal(evtchn_set_layout(d, true), 0);
	for (unsigned int i = 1; i < 1024; i++)
		assert_int_equal(evtchn_alloc_unbound(d, 0), i);
	assert_int_equal(evtchn_alloc_unbound(d, 0), -ENOSPC);
	assert_int_equal(evtchn_attach(d, 1024, 0, NULL), -ENOSPC);
	evtchn_raise(d, 1023);
	assert_int_equal(((struct vcpu_info_32 *)d->vcpu[0]->info)->evtchn_pending_sel, BIT(31));
	assert_int_equal(evtchn_set_layout(d, false), 0);
	assert_int_equal(evtchn_alloc_unbound(d, 0), 1024);
	assert_int_equal(evtchn_set_layout(d, true), -EBUSY);
	assert_false(evtchn_is_32bit(&d->evtchn));
	assert_int_equal(evtchn_alloc_unbound(d, 0), 1025);
	while (evtchn_close_all(d, &d->destroy_next_port) == -ERESTART)
		;
	evtchn_free(d);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(ports_start_at_1_and_are_used_again),
	UNIT_TEST(limit_is_the_domains),
	UNIT_TEST(two_levels_have_4095_ports),
	UNIT_TEST(events_travel_both_ways),
	UNIT_TEST(only_the_first_event_makes_an_upcall),
	UNIT_TEST(masked_events_wait_for_unmask),
	UNIT_TEST(a_domain_can_connect_to_itself),
	UNIT_TEST(alloc_unbound_for_others),
	UNIT_TEST(bind_interdomain_refuses),
	UNIT_TEST(status_tells_each_kind),
	UNIT_TEST(virqs_have_one_binder),
	UNIT_TEST(global_virqs_are_dom0s),
	UNIT_TEST(ipis_reach_their_vcpu),
	UNIT_TEST(bind_vcpu_moves_what_may_move),
	UNIT_TEST(close_leaves_the_peer_unbound_for_the_same_domain),
	UNIT_TEST(send_refuses),
	UNIT_TEST(what_is_not_there_is_enosys),
	UNIT_TEST(bad_addresses_are_efault),
	UNIT_TEST(a_port_that_cannot_be_returned_is_closed),
	UNIT_TEST(late_events_do_not_greet_the_next_user),
	UNIT_TEST(no_memory_for_ports),
	UNIT_TEST(poll_waits_for_its_ports),
	UNIT_TEST(upcalls_end_polls),
	UNIT_TEST(keel_receives_until_the_peer_comes),
	UNIT_TEST(boot_configuration_connects),
	UNIT_TEST(destruction_closes_everything),
	UNIT_TEST(reset_of_self_and_of_paused_guests),
	UNIT_TEST(reset_goes_on_where_it_was),
	UNIT_TEST(a_made_up_place_leaves_ports_open),
	UNIT_TEST(destruction_trusts_no_reset_that_was_abandoned),
	UNIT_TEST(senders_see_whole_bindings),
	UNIT_TEST(vcpu_info_that_moves_loses_nothing),
	UNIT_TEST(words_of_32_bits),
	UNIT_TEST(ports_of_32_bits),
};

UNIT_MAIN(tests)
