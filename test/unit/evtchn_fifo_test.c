/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/evtchn.c common/evtchn_deliver.c common/spinlock.c */
/*
 * FIFO event channels, with a guest that consumes events as Linux does. At each of Keel's accesses
 * to memory shared with the guest, a test may do something else, as another vCPU of the guest or as
 * another sender.
 */
#include "common/lib.h"
#include "common/spinlock.h"

static void (*at_step)(void);

static void step(void)
{
	void (*fn)(void) = at_step;

	if (!fn)
		return;
	at_step = NULL; /* at_step does not call itself */
	fn();
	at_step = fn;
}

#define __atomic_fetch_or(p, v, o) (step(), __atomic_fetch_or(p, v, o))
#define spin_lock(l) (step(), (spin_lock)(l))
#define __atomic_fetch_and(p, v, o) (step(), __atomic_fetch_and(p, v, o))
#define __atomic_compare_exchange_n(p, e, v, w, s, f) \
	(step(), __atomic_compare_exchange_n(p, e, v, w, s, f))
#define __atomic_load_n(p, o) ({ __typeof__(*(p)) _val = __atomic_load_n(p, o); step(); _val; })
#define __atomic_exchange_n(p, v, o) \
	({ __typeof__(*(p)) _val = __atomic_exchange_n(p, v, o); step(); _val; })
#include "common/evtchn_fifo.c"
#undef __atomic_fetch_or
#undef spin_lock
#undef __atomic_fetch_and
#undef __atomic_compare_exchange_n
#undef __atomic_load_n
#undef __atomic_exchange_n

#include "test/unit/unit.h"

#define VCPUS 3
#define CONTROL_GFN 8	/* the next gfns are the other vCPUs' */
#define ARRAY_GFN 16
#define PORTS 40	/* number of ports that the storm uses */

static struct domain *d;

/* --- The guest --- */

static struct {
	u32 ready, head[EVTCHN_FIFO_MAX_QUEUES];
} local[VCPUS];
static evtchn_port_t seen[4096];
static unsigned int nr_seen;
static bool owed[PORTS + 1];

static struct evtchn_fifo_control_block *control(unsigned int vcpu)
{
	enum p2m_type t;

	return (void *)((u8 *)mfn_to_virt(p2m_get(d, CONTROL_GFN + vcpu, &t, NULL)) + 64);
}

static event_word_t *word(evtchn_port_t port)
{
	enum p2m_type t;

	return (event_word_t *)mfn_to_virt(p2m_get(d, ARRAY_GFN + port / 1024, &t, NULL)) + port % 1024;
}

static bool has(evtchn_port_t port, u32 bit)
{
	return *word(port) & bit;
}

/* Removes the first event of one list; handles it if it is pending and not masked. */
static void consume_one(unsigned int vcpu, unsigned int q)
{
	u32 port = local[vcpu].head[q] ?: control(vcpu)->head[q], w;

	assert_in_range(port, 1, EVTCHN_MAX_PORTS - 1);
	w = *word(port);
	*word(port) &= ~(LINKED | EVTCHN_FIFO_LINK_MASK);
	local[vcpu].head[q] = w & EVTCHN_FIFO_LINK_MASK;
	if (!local[vcpu].head[q])
		local[vcpu].ready &= ~(1u << q);
	if (!has(port, PENDING) || has(port, MASKED))
		return;
	*word(port) &= ~PENDING;
	if (port <= PORTS)
		owed[port] = false;
	if (nr_seen < ARRAY_LEN(seen))
		seen[nr_seen++] = port;
}

/* Handles one event of the vCPU, if it got an upcall. */
static bool upcall(unsigned int vcpu)
{
	struct vcpu_info *info = d->vcpu[vcpu]->info;

	if (info->evtchn_upcall_pending || local[vcpu].ready) {
		info->evtchn_upcall_pending = 0;
		local[vcpu].ready |= control(vcpu)->ready;
		control(vcpu)->ready = 0;
	}
	if (!local[vcpu].ready)
		return false;
	consume_one(vcpu, (unsigned int)__builtin_ctz(local[vcpu].ready));
	return true;
}

static void consume_all(void)
{
	unsigned int rounds = 0;
	bool more;

	do {
		assert_in_range(rounds++, 0, 20000); /* the list must not be a cycle */
		more = false;
		for (unsigned int i = 0; i < VCPUS; i++)
			more |= upcall(i);
	} while (more);
}

static long op(unsigned long cmd, void *arg)
{
	return do_event_channel_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static long init_control(u64 gfn, u32 offset, u32 vcpu)
{
	struct evtchn_init_control o = { .control_gfn = gfn, .offset = offset, .vcpu = vcpu };
	long rc = op(EVTCHNOP_init_control, &o);

	if (!rc)
		assert_int_equal(o.link_bits, 17);
	return rc;
}

/* Like Linux: all words are masked before Keel sees the page. */
static long expand(unsigned int n)
{
	struct evtchn_expand_array o = { ARRAY_GFN + n };

	for (unsigned int i = 0; i < 1024; i++)
		*word(n * 1024 + i) = MASKED;
	return op(EVTCHNOP_expand_array, &o);
}

static long set_priority(evtchn_port_t port, u32 priority)
{
	struct evtchn_set_priority o = { port, priority };

	return op(EVTCHNOP_set_priority, &o);
}

static long unmask(evtchn_port_t port)
{
	return op(EVTCHNOP_unmask, &port);
}

static long bind_vcpu(evtchn_port_t port, u32 vcpu)
{
	struct evtchn_bind_vcpu o = { port, vcpu };

	return op(EVTCHNOP_bind_vcpu, &o);
}

static evtchn_port_t ipi(u32 vcpu)
{
	struct evtchn_bind_ipi o = { .vcpu = vcpu };

	assert_int_equal(op(EVTCHNOP_bind_ipi, &o), 0);
	return o.port;
}

static void start_2l(void)
{
	memset(local, 0, sizeof(local));
	memset(owed, 0, sizeof(owed));
	nr_seen = 0;
	at_step = NULL;
	d = fake_domain(1, VCPUS);
	d->max_pages = 1000;
	assert_int_equal(evtchn_init(d, ~0u), 0);
	for (gfn_t gfn = CONTROL_GFN; gfn < ARRAY_GFN + 129; gfn++)
		memset(mfn_to_virt(fake_populate(d, gfn)), 0, PAGE_SIZE);
	fake_run_on(0, d->vcpu[0]);
}

static void start(void)
{
	start_2l();
	for (unsigned int i = 0; i < VCPUS; i++)
		assert_int_equal(init_control(CONTROL_GFN + i, 64, i), 0);
	fake_rcu_run();
	assert_int_equal(expand(0), 0);
}

static void end(void)
{
	evtchn_port_t next = 0;

	while (evtchn_close_all(d, &next))
		;
	fake_rcu_run();
	evtchn_drop_pages(d);
	evtchn_free(d);
	fake_check_quiet();
}

static u32 refs_of(gfn_t gfn)
{
	enum p2m_type t;

	return mfn_to_page(p2m_get(d, gfn, &t, NULL))->ref;
}

static void events_come_in_their_order(void **state)
{
	evtchn_port_t p[5];

	start();
	for (unsigned int i = 0; i < 5; i++) {
		p[i] = ipi(1);
		unmask(p[i]);
	}
	fake_events.upcalls = 0;
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(evtchn_send(d, p[(i * 2) % 5]), 0);
	assert_int_equal(evtchn_send(d, p[0]), 0);
	assert_int_equal(fake_events.upcalls, 1);
	assert_ptr_equal(fake_events.last_upcall, d->vcpu[1]);
	assert_int_equal(control(1)->ready, 1 << EVTCHN_FIFO_PRIORITY_DEFAULT);
	assert_int_equal(control(1)->head[EVTCHN_FIFO_PRIORITY_DEFAULT], p[0]);
	assert_int_equal(d->shared_info->evtchn_pending[0], 0);
	consume_all();
	assert_int_equal(nr_seen, 5);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(seen[i], p[(i * 2) % 5]);
	/* An empty list starts anew. */
	assert_int_equal(evtchn_send(d, p[3]), 0);
	assert_int_equal(fake_events.upcalls, 2);
	consume_all();
	assert_int_equal(seen[5], p[3]);
	end();
}

/* Two ports of vCPU 0 that are not masked. */
static void start_with_two(evtchn_port_t *p, evtchn_port_t *q)
{
	start();
	*p = ipi(0);
	*q = ipi(0);
	unmask(*p);
	unmask(*q);
}

static void masked_events_wait(void **state)
{
	evtchn_port_t p;

	start();
	p = ipi(0);
	assert_int_equal(evtchn_send(d, p), 0);
	assert_int_equal(fake_events.upcalls, 0);
	assert_true(has(p, PENDING) && !has(p, LINKED));
	assert_true(evtchn_port_pending(d, p));
	assert_int_equal(unmask(p), 0);
	assert_true(has(p, LINKED) && !has(p, MASKED));
	assert_int_equal(fake_events.upcalls, 1);
	assert_int_equal(unmask(p), 0);
	assert_int_equal(fake_events.upcalls, 1);
	consume_all();
	assert_int_equal(nr_seen, 1);
	assert_int_equal(unmask(p), 0);	/* nothing is pending */
	assert_int_equal(fake_events.upcalls, 1);
	end();
}

/* Each priority has a list of its own; the guest takes the more important one first. */
static void priorities(void **state)
{
	evtchn_port_t p, q;

	start_with_two(&p, &q);
	assert_int_equal(set_priority(q, 0), 0);
	evtchn_send(d, p);
	evtchn_send(d, q);
	assert_int_equal(control(0)->ready, 1 | 1 << 7);
	consume_all();
	assert_int_equal(seen[0], q);
	assert_int_equal(seen[1], p);
	/* The next use of a port has the default again. */
	assert_int_equal(op(EVTCHNOP_close, &q), 0);
	assert_int_equal(ipi(0), q);
	evtchn_send(d, q);
	assert_int_equal(control(0)->ready, 1 << 7);
	assert_int_equal(set_priority(q, 16), -EINVAL);
	assert_int_equal(set_priority(PORTS, 1), -EINVAL);
	assert_int_equal(set_priority(~0u, 1), -EINVAL);
	end();
}

/*
 * The list's last port was consumed and is now in another list: the next event must not be linked
 * behind it.
 */
static void a_tail_that_has_moved(void **state)
{
	evtchn_port_t p, q;

	start();
	p = (evtchn_port_t)evtchn_alloc_unbound(d, 5);
	q = (evtchn_port_t)evtchn_alloc_unbound(d, 5);
	unmask(p);
	unmask(q);
	evtchn_raise(d, p);
	consume_all();
	assert_int_equal(bind_vcpu(p, 2), 0);
	evtchn_raise(d, p);
	evtchn_raise(d, q);
	assert_int_equal(*word(p) & EVTCHN_FIFO_LINK_MASK, 0);
	assert_int_equal(control(0)->head[7], q);
	assert_int_equal(control(2)->head[7], p);
	consume_all();
	assert_int_equal(nr_seen, 3);
	/* A port is never linked to itself. */
	evtchn_raise(d, q);
	consume_all();
	evtchn_raise(d, q);
	assert_int_equal(*word(q) & EVTCHN_FIFO_LINK_MASK, 0);
	consume_all();
	assert_int_equal(nr_seen, 5);
	end();
}

/*
 * Events that came in the 2-level layout, or before their event word existed, are delivered once it
 * does.
 */
static void early_events(void **state)
{
	evtchn_port_t p, q, r;

	start_2l();
	p = ipi(0);
	q = ipi(0);
	r = ipi(0);
	assert_int_equal(set_priority(p, 3), -ENOSYS);
	assert_int_equal(evtchn_send(d, p), 0);
	assert_int_equal(init_control(CONTROL_GFN, 64, 0), 0);
	set_bit(q, d->shared_info->evtchn_pending); /* a sender that was still in the 2-level code */
	assert_int_equal(evtchn_send(d, r), 0);
	fake_rcu_run();
	assert_int_equal(d->shared_info->evtchn_pending[0], 0);
	assert_true(evtchn_port_pending(d, p) && evtchn_port_pending(d, q) && evtchn_port_pending(d, r));
	fake_events.upcalls = 0;
	assert_int_equal(expand(0), 0);
	assert_true(has(p, PENDING) && has(q, PENDING) && has(r, PENDING));
	assert_int_equal(fake_events.upcalls, 0);
	unmask(p);
	unmask(q);
	unmask(r);
	consume_all();
	assert_int_equal(nr_seen, 3);
	/*
	 * If a port was closed before its page came, the port's next user does not get the old
	 * event.
	 */
	p = 1023;
	for (unsigned int i = 4; i < 1025; i++)
		p = ipi(1);
	assert_int_equal(p, 1024);
	assert_int_equal(evtchn_send(d, p), 0);
	assert_int_equal(op(EVTCHNOP_close, &p), 0);
	assert_int_equal(ipi(1), p);
	assert_int_equal(expand(1), 0);
	assert_false(has(p, PENDING));
	end();
}

static evtchn_port_t racing;

static void send_it(void)
{
	at_step = NULL;
	assert_int_equal(evtchn_send(d, racing), 0);
}

static bool started_expanding;

/* The page is added just after the sender has looked for it in vain. */
static void page_comes(void)
{
	if (started_expanding)
		return;
	started_expanding = true;
	assert_int_equal(expand(0), 0);
}

static void a_sender_meets_the_new_page(void **state)
{
	start_2l();
	assert_int_equal(init_control(CONTROL_GFN, 64, 0), 0);
	fake_rcu_run();
	racing = ipi(0);
	started_expanding = false;
	at_step = page_comes;
	assert_int_equal(evtchn_send(d, racing), 0);
	at_step = NULL;
	assert_true(has(racing, PENDING));
	end();
	fake_reset();

	start_2l();
	assert_int_equal(init_control(CONTROL_GFN, 64, 0), 0);
	fake_rcu_run();
	racing = ipi(0);
	at_step = send_it;
	assert_int_equal(expand(0), 0);
	at_step = NULL;
	assert_int_equal(evtchn_send(d, racing), 0);
	assert_true(has(racing, PENDING));
	end();
}

/*
 * Linux may close a port while its event is still in a list: the number is not used again before
 * the guest has removed the event.
 */
static void a_port_in_a_list_is_not_used_again(void **state)
{
	evtchn_port_t p;

	start();
	p = ipi(2);
	unmask(p);
	evtchn_send(d, p);
	assert_int_equal(op(EVTCHNOP_close, &p), 0);
	assert_false(has(p, PENDING));
	assert_true(has(p, LINKED));
	assert_int_equal(ipi(0), p + 1);
	consume_all();
	assert_int_equal(nr_seen, 0);
	assert_int_equal(ipi(0), p);
	/* The search for a free port gives up after many such ports. */
	for (unsigned int i = 3; i < 1024; i++)
		*word(i) |= LINKED;
	assert_int_equal(evtchn_alloc_unbound(d, 3), -ENOSPC);
	*word(700) &= ~LINKED;
	assert_int_equal(evtchn_alloc_unbound(d, 3), 700);
	end();
}

static void there_are_131071_ports(void **state)
{
	u64 before;
	unsigned int last = 0;

	start();
	before = fake_live_pages();
	for (unsigned int i = 1; i < EVTCHN_MAX_PORTS; i++)
		assert_int_equal(last = (unsigned int)evtchn_alloc_unbound(d, 0), i);
	assert_int_equal(evtchn_alloc_unbound(d, 0), -ENOSPC);
	assert_int_equal(fake_live_pages() - before, EVTCHN_NR_PAGES - 1 + 2);
	assert_null(evtchn_lookup(&d->evtchn, EVTCHN_MAX_PORTS));
	assert_null(evtchn_lookup(&d->evtchn, ~0u));
	assert_int_equal(evtchn_send(d, EVTCHN_MAX_PORTS), -EINVAL);
	for (unsigned int i = 1; i < 128; i++)
		assert_int_equal(expand(i), 0);
	assert_int_equal(expand(128), -ENOSPC);
	unmask(last);
	unmask(4096);
	evtchn_raise(d, last);
	evtchn_raise(d, 4096);
	consume_all();
	assert_int_equal(nr_seen, 2);
	assert_int_equal(seen[0], last);
	assert_int_equal(seen[1], 4096);
	assert_int_equal(op(EVTCHNOP_close, &last), 0);
	assert_int_equal(op(EVTCHNOP_close, &(evtchn_port_t){ 5000 }), 0);
	assert_int_equal(evtchn_alloc_unbound(d, 0), 5000);
	assert_int_equal(evtchn_alloc_unbound(d, 0), last);
	end();
	/* the first page of ports, and the state of FIFO */
	assert_int_equal(fake_live_pages(), before - 2);
}

static long reset(void)
{
	struct evtchn_reset o = { DOMID_SELF };
	u32 cmd = EVTCHNOP_reset;

	while (op(cmd, &o) == -ERESTART)
		cmd = (u32)fake_continuation.args[0];
	return 0;
}

/*
 * A reset brings back the 2-level layout, which a newly started kernel expects. The guest's setup
 * of FIFO can then start anew.
 */
static void reset_and_begin_anew(void **state)
{
	evtchn_port_t p;
	u64 pages;
	u32 was;

	start();
	pages = d->tot_pages;
	was = refs_of(CONTROL_GFN);
	assert_int_equal(was, 2);
	assert_int_equal(refs_of(ARRAY_GFN), 2);
	p = ipi(0);
	unmask(p);
	evtchn_send(d, p);
	assert_int_equal(reset(), 0);
	assert_int_equal(d->tot_pages, pages + 1);	/* keeps the domain until the change has ended */
	assert_int_equal(refs_of(CONTROL_GFN), 2);	/* a sender may still use it */
	p = ipi(0);
	assert_int_equal(p, 1);
	evtchn_send(d, p);
	assert_true(test_bit(p, d->shared_info->evtchn_pending));
	assert_true(evtchn_port_pending(d, p));
	assert_int_equal(d->evtchn.max_port, 4095);
	assert_int_equal(expand(1), -EOPNOTSUPP);
	/* FIFO cannot be set up again before the old pages are released. */
	fake_continuation.continued = false;
	init_control(CONTROL_GFN + 1, 0, 1);
	assert_true(fake_continuation.continued);
	assert_int_equal(fake_continuation.args[0], EVTCHNOP_init_control);
	assert_int_equal(refs_of(CONTROL_GFN + 1), 2);
	fake_rcu_run();
	assert_int_equal(d->tot_pages, pages);
	assert_int_equal(refs_of(CONTROL_GFN), 1);
	assert_int_equal(refs_of(CONTROL_GFN + 1), 1);
	assert_int_equal(refs_of(ARRAY_GFN), 1);
	assert_int_equal(init_control(CONTROL_GFN + 1, 64, 0), 0);
	/* And a reset waits for the grace period of the new setup. */
	fake_continuation.continued = false;
	op(EVTCHNOP_reset, &(struct evtchn_reset){ DOMID_SELF });
	assert_true(fake_continuation.continued);
	fake_rcu_run();
	assert_int_equal(expand(0), 0);
	assert_int_equal(refs_of(CONTROL_GFN + 1), 2);
	end();
	assert_int_equal(refs_of(CONTROL_GFN + 1), 1);
}

/* A dying domain can reset nothing, so no new grace period can hold it. */
static void a_dying_domain_stays_as_it_is(void **state)
{
	u64 pages;

	start();
	pages = d->tot_pages;
	for (enum domain_state s = DOMAIN_DYING; s <= DOMAIN_ZOMBIE; s++) {
		d->state = s;
		fake_continuation.continued = false;
		assert_int_equal(reset(), 0);
		assert_false(fake_continuation.continued);
		assert_true(d->evtchn.fifo->on);
		assert_int_equal(d->tot_pages, pages);
		fake_rcu_run();
		assert_int_equal(refs_of(CONTROL_GFN), 2);
	}
	d->state = DOMAIN_ALIVE;
	end();
}

static void drop_too(void)
{
	evtchn_drop_pages(d);
}

/* The end of a reset and the death of the domain, on two CPUs: each reference is dropped once. */
static void two_drop_the_pages(void **state)
{
	start();
	assert_int_equal(expand(1), 0);
	at_step = drop_too;
	evtchn_drop_pages(d);
	at_step = NULL;
	for (unsigned int i = 0; i < VCPUS; i++)
		assert_int_equal(refs_of(CONTROL_GFN + i), 1);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(refs_of(ARRAY_GFN + i), 1);
	end();
}

/* Skipping pages of ports that do not exist takes time, too. */
static void a_step_passes_few_pages(void **state)
{
	evtchn_port_t next = 0, was;
	unsigned int steps = 1;

	start();
	assert_int_equal(evtchn_attach(d, 70000, 0, NULL), 0);
	assert_int_equal(evtchn_attach(d, EVTCHN_MAX_PORTS - 1, 0, NULL), 0);
	for (was = next; evtchn_close_all(d, &next); was = next, steps++)
		assert_in_range(next, was + 1, max(was, 65536u) + 257 * EVTCHN_PER_PAGE);
	assert_in_range(steps, 3, 5);
	assert_int_equal(d->evtchn.nr_open, 0);
	end();
}

static void refusals(void **state)
{
	u64 before;

	start_2l();
	before = fake_live_pages();
	assert_int_equal(init_control(CONTROL_GFN, 0, VCPUS), -ENOENT);
	assert_int_equal(init_control(CONTROL_GFN, 4096 - 64, 0), -EINVAL); /* crosses the page */
	assert_int_equal(init_control(CONTROL_GFN, ~0u - 7, 0), -EINVAL);
	assert_int_equal(init_control(CONTROL_GFN, 4, 0), -EINVAL);
	assert_int_equal(init_control(3, 0, 0), -EINVAL);
	assert_int_equal(op(EVTCHNOP_init_control, (void *)8), -EFAULT);
	fake_guest_fault_nth(2);
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), -EFAULT);
	fake_guest_fault_nth(0);
	assert_int_equal(expand(0), -EOPNOTSUPP);
	fake_fail_nth(1);
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), -ENOMEM);
	fake_fail_nth(0);
	assert_int_equal(fake_live_pages(), before);
	assert_int_equal(refs_of(CONTROL_GFN), 1);
	assert_int_equal(init_control(CONTROL_GFN, 4096 - 72, 0), 0);
	assert_int_equal(init_control(CONTROL_GFN, 0, 0), -EINVAL);	/* the vCPU has one already */
	assert_int_equal(refs_of(CONTROL_GFN), 2);
	assert_int_equal(op(EVTCHNOP_expand_array, &(struct evtchn_expand_array){ 3 }), -EINVAL);
	fake_rcu_run();
	end();
}

/*
 * A vCPU without a control block: the event stays pending, and is delivered when the guest unmasks
 * the port.
 */
static void no_control_block(void **state)
{
	evtchn_port_t p;

	start_2l();
	assert_int_equal(init_control(CONTROL_GFN, 64, 0), 0);
	fake_rcu_run();
	assert_int_equal(expand(0), 0);
	p = ipi(1);
	unmask(p);
	assert_int_equal(evtchn_send(d, p), 0);
	assert_true(has(p, PENDING) && !has(p, LINKED));
	assert_int_equal(init_control(CONTROL_GFN + 1, 64, 1), 0);
	unmask(p);
	consume_all();
	assert_int_equal(nr_seen, 1);
	end();
}

static void polls(void **state)
{
	evtchn_port_t p;

	start();
	p = ipi(0);
	assert_int_equal(evtchn_poll_begin(d->vcpu[0], &p, 1), 0);
	evtchn_send(d, p);	/* masked, like the kicker of Linux's spinlocks */
	assert_false(test_bit(VPF_POLL, &d->vcpu[0]->wait_flags));
	assert_int_equal(evtchn_poll_begin(d->vcpu[0], &p, 1), 1);
	*word(p) &= ~PENDING;
	assert_int_equal(evtchn_poll_begin(d->vcpu[0], &p, 1), 0);
	evtchn_poll_end(d->vcpu[0]);
	end();
}

static evtchn_port_t hostile_tail;
static unsigned int hostile_steps;

static void change_the_tail(void)
{
	*word(hostile_tail) = LINKED | (++hostile_steps & 0xffff);
}

/*
 * The guest may write anything to its event words while Keel uses them. Then it loses events, and
 * nothing worse.
 */
static void words_are_the_guests(void **state)
{
	evtchn_port_t p, q;

	start_with_two(&p, &q);
	evtchn_send(d, p);
	hostile_tail = p;
	hostile_steps = 0;
	at_step = change_the_tail;
	evtchn_send(d, q);
	at_step = NULL;
	assert_in_range(hostile_steps, LINK_TRIES, 4 * LINK_TRIES);
	assert_false(has(p, BUSY));
	*word(p) = ~0u;
	*word(q) = LINKED | EVTCHN_FIFO_LINK_MASK;
	for (unsigned int i = 0; i < 3; i++) {
		evtchn_port_t n = ipi(i);

		unmask(n);
		evtchn_send(d, n);
	}
	memset(control(0), 0xff, sizeof(*control(0)));
	memset(word(0), 0xff, PAGE_SIZE);
	evtchn_send(d, p);
	unmask(q);
	memset(word(0), 0, PAGE_SIZE);
	evtchn_send(d, p);
	evtchn_send(d, q);
	end();
}

/* --- A storm --- */

static u32 seed;

static u32 rnd(u32 n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static bool lock_free(void)
{
	return d->evtchn.fifo->lock.next == d->evtchn.fifo->lock.owner &&
	       d->evtchn.lock.next == d->evtchn.lock.owner;
}

static void storm_send(void)
{
	evtchn_port_t port = 1 + rnd(PORTS);

	evtchn_raise(d, port);
	/* The event was handled already, or is still to be. */
	if (has(port, PENDING))
		owed[port] = true;
}

static void guest_step(void)
{
	evtchn_port_t port = 1 + rnd(PORTS);

	switch (rnd(8)) {
	case 0:
		*word(port) |= MASKED;
		break;
	case 1:
		if (!has(port, BUSY))
			*word(port) &= ~MASKED;
		if (has(port, PENDING) && lock_free())
			unmask(port);
		else if (has(port, PENDING))
			*word(port) |= MASKED; /* the hypercall comes later */
		break;
	default:
		upcall(rnd(VCPUS));
	}
}

static void meanwhile(void)
{
	if (rnd(4) == 0)
		guest_step();
	if (rnd(8) == 0 && lock_free())
		storm_send();
}

/*
 * Whatever the guest, its other vCPUs and senders do at any of Keel's steps: no event is lost and
 * no list is broken.
 */
static void no_event_is_lost(void **state)
{
	for (seed = 1; seed < 40; seed++) {
		u32 was = seed;

		start();
		for (unsigned int i = 1; i <= PORTS; i++)
			assert_int_equal(evtchn_alloc_unbound(d, 0), i);
		at_step = meanwhile;
		for (unsigned int i = 0; i < 3000; i++) {
			switch (rnd(8)) {
			case 0:
				bind_vcpu(1 + rnd(PORTS), rnd(VCPUS));
				break;
			case 1:
				set_priority(1 + rnd(PORTS), rnd(3));
				break;
			case 2:
				unmask(1 + rnd(PORTS));
				break;
			case 3 ... 4:
				guest_step();
				break;
			default:
				storm_send();
			}
		}
		at_step = NULL;
		for (unsigned int i = 1; i <= PORTS; i++)
			unmask(i);
		consume_all();
		for (unsigned int i = 1; i <= PORTS; i++)
			if (owed[i] || has(i, PENDING) || has(i, LINKED) || has(i, BUSY))
				fail_msg("seed %u: port %u is %#x%s", was, i, *word(i), owed[i] ? ", and its event was lost"
					 : "");
		end();
		fake_reset();
		seed = was;
	}
}

/* --- Two CPUs send --- */

static unsigned int steps_left;
static evtchn_port_t other;

/* At one step of a sender another one sends, unless the first has the lock. */
static void another_sends(void)
{
	if (steps_left && --steps_left)
		return;
	if (!other || spin_is_locked(&d->evtchn.fifo->lock))
		return;
	evtchn_raise(d, other);
	other = 0;
}

/* The last one of a list has been taken out; it and a second one are sent at the same time. */
static void two_senders_meet(void **state)
{
	for (unsigned int n = 1; n < 24; n++) {
		evtchn_port_t p, q;

		start_with_two(&p, &q);
		evtchn_raise(d, p);
		consume_all();
		nr_seen = 0;
		steps_left = n;
		other = q;
		at_step = another_sends;
		evtchn_raise(d, p);
		at_step = NULL;
		if (other)
			evtchn_raise(d, q);
		consume_all();
		if (nr_seen != 2 || has(p, PENDING | LINKED) || has(q, PENDING | LINKED))
			fail_msg("step %u: %u events seen, the words are %#x and %#x", n, nr_seen, *word(p), *word(q));
		end();
		fake_reset();
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(events_come_in_their_order),
	UNIT_TEST(masked_events_wait),
	UNIT_TEST(priorities),
	UNIT_TEST(a_tail_that_has_moved),
	UNIT_TEST(early_events),
	UNIT_TEST(a_sender_meets_the_new_page),
	UNIT_TEST(a_port_in_a_list_is_not_used_again),
	UNIT_TEST(there_are_131071_ports),
	UNIT_TEST(reset_and_begin_anew),
	UNIT_TEST(a_dying_domain_stays_as_it_is),
	UNIT_TEST(two_drop_the_pages),
	UNIT_TEST(a_step_passes_few_pages),
	UNIT_TEST(refusals),
	UNIT_TEST(no_control_block),
	UNIT_TEST(polls),
	UNIT_TEST(words_are_the_guests),
	UNIT_TEST(no_event_is_lost),
	UNIT_TEST(two_senders_meet),
};

UNIT_MAIN(tests)
