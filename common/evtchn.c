/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of event channels of a domain, and the operations of guests on it (docs/abi.md,
 * event_channel_op). evtchn_deliver.c has the way from an event to a vCPU.
 */
#include <public/errno.h>
#include <public/x86_32.h>

#include "common/domain.h"
#include "common/evtchn.h"
#include "common/evtchn_internal.h"
#include "common/heap.h"
#include "common/op.h"
#include "common/printk.h"

#define CLOSE_PER_STEP 128 /* ports */
#define PASS_PER_STEP 256 /* absent pages of ports */
#define PAGES_PER_MORE (PAGE_SIZE / sizeof(struct evtchn *))
#define SCAN_PAGES 6 /* pages that a search for a free port visits */
#define RESET_PORT_SHIFT 8 /* in the operation: progress of a reset */

int evtchn_init(struct domain *d, unsigned int max_port)
{
	struct evtchn_table *t = &d->evtchn;

	spin_lock_init(&t->lock, RANK_EVTCHN);
	t->limit = min_t(unsigned int, max_port, EVTCHN_MAX_PORTS - 1);
	t->mask = d->shared_info->evtchn_mask;
	t->word_shift = 6;
	t->max_port = evtchn_2l_max_port(t);
	t->pages[0] = alloc_page();
	return t->pages[0] ? 0 : -ENOMEM;
}

/*
 * Only the meaning of the words changes, as in Xen; their contents stay. Pending bits are at the
 * same place in both layouts.
 */
int evtchn_set_layout(struct domain *d, bool is_32bit)
{
	struct evtchn_table *t = &d->evtchn;
	struct shared_info_32 *compat = (void *)d->shared_info;
	bool fifo;
	int err = 0;

	spin_lock(&t->lock);
	fifo = t->fifo && t->fifo->on; /* whose words are the same in both */
	for (unsigned int i = EVTCHN_MAX_PORTS_32 / EVTCHN_PER_PAGE;
	     is_32bit && !fifo && i < ARRAY_SIZE(t->pages); i++)
		if (t->pages[i])
			err = -EBUSY;
	if (!err) {
		WRITE_ONCE(t->mask, is_32bit ? (u64 *)compat->evtchn_mask : d->shared_info->evtchn_mask);
		WRITE_ONCE(t->word_shift, is_32bit ? 5 : 6);
		if (!fifo)
			t->max_port = evtchn_2l_max_port(t);
	}
	spin_unlock(&t->lock);
	return err;
}

/* The slot of page n; NULL while the table has no room for it. */
static struct evtchn **page_slot(const struct evtchn_table *t, unsigned int n)
{
	struct evtchn **more;

	if (n < ARRAY_SIZE(t->pages))
		return (struct evtchn **)&t->pages[n];
	more = __atomic_load_n(&t->more[n / PAGES_PER_MORE % ARRAY_SIZE(t->more)], __ATOMIC_ACQUIRE);
	return more ? &more[n % PAGES_PER_MORE] : NULL;
}

struct evtchn *evtchn_lookup_high(const struct evtchn_table *t, evtchn_port_t port)
{
	evtchn_port_t p = (evtchn_port_t)index_nospec(port, EVTCHN_MAX_PORTS);
	struct evtchn **slot = port < EVTCHN_MAX_PORTS ? page_slot(t, p / EVTCHN_PER_PAGE) : NULL;
	struct evtchn *page = slot ? __atomic_load_n(slot, __ATOMIC_ACQUIRE) : NULL;

	return page ? &page[p % EVTCHN_PER_PAGE] : NULL;
}

static void free_pages_of(struct evtchn **pages, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		free_page(pages[i]);
		pages[i] = NULL;
		if (i % 32 == 31)
			irq_window();
	}
}

void evtchn_free(struct domain *d)
{
	struct evtchn_table *t = &d->evtchn;

	/* Each port of another domain that points here has its counterpart among these. */
	BUG_ON(t->nr_open);
	free_pages_of(t->pages, ARRAY_SIZE(t->pages));
	for (unsigned int i = 0; i < ARRAY_SIZE(t->more); i++) {
		if (t->more[i])
			free_pages_of(t->more[i], PAGES_PER_MORE);
		free_page(t->more[i]);
	}
	free_page(t->fifo);
}

/* E: senders that read the entry meanwhile retry. FIFO's fields stay. */
static void evtchn_change(struct evtchn *chn, struct evtchn to)
{
	to.seq = chn->seq + 1;
	WRITE_ONCE(chn->seq, to.seq);
	smp_wmb();
	memcpy(chn, &to, offsetof(struct evtchn, priority));
	smp_wmb();
	WRITE_ONCE(chn->seq, to.seq + 1);
}

/* E: makes sure that there is an entry for the port. 0 or -ENOMEM. */
static int evtchn_populate(struct evtchn_table *t, evtchn_port_t port)
{
	struct evtchn **slot = page_slot(t, port / EVTCHN_PER_PAGE), *page;

	if (slot && *slot)
		return 0;
	page = alloc_page();
	if (!page)
		return -ENOMEM;
	if (slot) {
		__atomic_store_n(slot, page, __ATOMIC_RELEASE);
		return 0;
	}
	__atomic_store_n(&t->more[port / EVTCHN_PER_PAGE / PAGES_PER_MORE], (struct evtchn **)page,
			 __ATOMIC_RELEASE);
	return evtchn_populate(t, port);
}

/* E: a free port of page n, 0: there is none, -ENOMEM. */
static int evtchn_scan_page(struct domain *d, unsigned int n)
{
	struct evtchn_table *t = &d->evtchn;
	evtchn_port_t port = n * EVTCHN_PER_PAGE, end = min(port + EVTCHN_PER_PAGE, t->max_port + 1);
	const struct evtchn *chn;
	bool full = true;
	int err = evtchn_populate(t, port);

	if (err)
		return err;
	for (chn = evtchn_lookup(t, port); port < end; port++, chn++) {
		if (chn->state != EC_FREE || !port)
			continue;
		if (!t->fifo || !evtchn_fifo_linked(d, port))
			return (int)port;
		full = false;
	}
	if (full)
		set_bit(n, t->full);
	return 0;
}

/*
 * E: a free port, not yet allocated; -EINVAL (dying), -ENOSPC, -ENOMEM. A page that is not known to
 * be full has a free port, unless it filled up since the last search there, or the guest has not
 * yet dequeued ports that were closed.
 */
static int evtchn_find_free(struct domain *d)
{
	struct evtchn_table *t = &d->evtchn;
	unsigned int scanned = 0;

	if (READ_ONCE(d->state) != DOMAIN_ALIVE)
		return -EINVAL;
	for (unsigned int n = 0; n * EVTCHN_PER_PAGE <= t->max_port && scanned < SCAN_PAGES; n++) {
		int port;

		if (t->full[n / 64] == ~0ul)
			n |= 63;
		if (test_bit(n, t->full))
			continue;
		port = evtchn_scan_page(d, n);
		if (port)
			return port;
		scanned++;
	}
	return -ENOSPC;
}

/* E: the given port, if free; -EINVAL (dying, port 0), -ENOSPC (limit), -EEXIST, -ENOMEM. */
static int evtchn_check_free(struct domain *d, evtchn_port_t port)
{
	int err;

	if (READ_ONCE(d->state) != DOMAIN_ALIVE || port == 0)
		return -EINVAL;
	if (port > d->evtchn.max_port)
		return -ENOSPC;
	err = evtchn_populate(&d->evtchn, port);
	if (err)
		return err;
	return evtchn_lookup(&d->evtchn, port)->state == EC_FREE ? 0 : -EEXIST;
}

/* E: gives a free port a use, or frees it. A late event of its last use must not reach the next. */
static void evtchn_take(struct domain *d, evtchn_port_t port, struct evtchn use)
{
	struct evtchn *chn = evtchn_lookup(&d->evtchn, port);

	d->evtchn.nr_open += (use.state != EC_FREE) - (chn->state != EC_FREE);
	if (d->evtchn.fifo)
		evtchn_fifo_clear(d, chn, port);
	else
		clear_bit(port, d->shared_info->evtchn_pending);
	chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	evtchn_change(chn, use);
}

static struct evtchn evtchn_unbound(domid_t remote, u32 vcpu)
{
	return (struct evtchn){ .state = EC_UNBOUND, .remote_dom = remote, .vcpu = vcpu };
}

static struct evtchn evtchn_interdomain(struct domain *remote, evtchn_port_t port, u32 vcpu)
{
	return (struct evtchn){ .state = EC_INTERDOMAIN, .remote_dom = remote->id, .remote = remote,
				.remote_port = port, .vcpu = vcpu };
}

static bool virq_is_global(unsigned int virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

/* E: global VIRQs are bound on vCPU 0, whichever they notify. */
static void evtchn_unbind_virq(struct domain *d, const struct evtchn *chn)
{
	struct vcpu *v = domain_vcpu(d, virq_is_global(chn->virq) ? 0 : chn->vcpu);

	WRITE_ONCE(v->virq_port[chn->virq], 0);
}

/* E */
static void evtchn_release(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_lookup(&d->evtchn, port);

	if (chn->state == EC_VIRQ)
		evtchn_unbind_virq(d, chn);
	evtchn_take(d, port, (struct evtchn){ .state = EC_FREE });
	clear_bit(port / EVTCHN_PER_PAGE, d->evtchn.full);
}

/*
 * Locks d and the domain at the other end of port, if there is one (else returns NULL with d
 * locked). The peer cannot be freed meanwhile: objects that were looked up stay valid during this
 * exit.
 */
static struct domain *evtchn_lock_with_peer(struct domain *d, struct evtchn *chn)
{
	struct domain *peer;

	spin_lock(&d->evtchn.lock);
	while (chn->state == EC_INTERDOMAIN && chn->remote != d) {
		peer = chn->remote;
		spin_unlock(&d->evtchn.lock);
		spin_lock_pair(&d->evtchn.lock, &peer->evtchn.lock);
		if (chn->state == EC_INTERDOMAIN && chn->remote == peer)
			return peer;
		spin_unlock(&peer->evtchn.lock);
	}
	return NULL;
}

/*
 * The other end becomes unbound again, for the domain at this end. 0, -EINVAL if the port is not in
 * use.
 */
static int evtchn_close_port(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_lookup(&d->evtchn, port), *other;
	struct domain *peer;
	int err = 0;

	if (!chn)
		return -EINVAL;
	peer = evtchn_lock_with_peer(d, chn);
	if (chn->state == EC_FREE)
		err = -EINVAL;
	else {
		if (chn->state == EC_INTERDOMAIN) {
			other = evtchn_lookup(&chn->remote->evtchn, chn->remote_port);
			evtchn_change(other, evtchn_unbound(d->id, other->vcpu));
		}
		evtchn_release(d, port);
	}
	if (peer)
		spin_unlock(&peer->evtchn.lock);
	spin_unlock(&d->evtchn.lock);
	return err;
}

/*
 * An absent page of ports is skipped without the lock: whoever adds it later takes the lock after
 * the ports of the first page, which is always present, were closed under it.
 */
int evtchn_close_all(struct domain *d, evtchn_port_t *next)
{
	unsigned int done = 0, passed = 0;
	u32 skip;

	while (*next < EVTCHN_MAX_PORTS) {
		if (!evtchn_lookup(&d->evtchn, *next)) {
			if (passed++ == PASS_PER_STEP)
				return -ERESTART;
			skip = page_slot(&d->evtchn, *next / EVTCHN_PER_PAGE) ? EVTCHN_PER_PAGE
									      : EVTCHN_PER_PAGE * PAGES_PER_MORE;
			*next = ROUND_DOWN(*next, skip) + skip;
			continue;
		}
		if (done++ == CLOSE_PER_STEP)
			return -ERESTART;
		evtchn_close_port(d, *next); /* -EINVAL: it was free */
		(*next)++;
	}
	return 0;
}

/* One new port of d with this use. The port, or the error of evtchn_find_free(). */
static int evtchn_add(struct domain *d, struct evtchn use)
{
	int port;

	spin_lock(&d->evtchn.lock);
	port = evtchn_find_free(d);
	if (port > 0)
		evtchn_take(d, (evtchn_port_t)port, use);
	spin_unlock(&d->evtchn.lock);
	return port;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
	return evtchn_add(d, evtchn_unbound(remote, 0));
}

int evtchn_attach(struct domain *d, evtchn_port_t port, domid_t remote, evtchn_consumer_t consumer)
{
	int err;

	spin_lock(&d->evtchn.lock);
	err = evtchn_check_free(d, port);
	if (!err)
		evtchn_take(d, port, (struct evtchn){ .state = EC_UNBOUND, .remote_dom = remote,
						      .consumer = consumer });
	spin_unlock(&d->evtchn.lock);
	return err;
}

int evtchn_connect(struct domain *a, evtchn_port_t pa, struct domain *b, evtchn_port_t pb)
{
	int err;

	if (a == b && pa == pb)
		return -EINVAL;
	spin_lock_pair(&a->evtchn.lock, &b->evtchn.lock);
	err = evtchn_check_free(a, pa);
	if (!err)
		err = evtchn_check_free(b, pb);
	if (!err) {
		evtchn_take(a, pa, evtchn_interdomain(b, pb, 0));
		evtchn_take(b, pb, evtchn_interdomain(a, pa, 0));
	}
	spin_unlock_pair(&a->evtchn.lock, &b->evtchn.lock);
	return err;
}

/*
 * Operations, on copies of their arguments. An operation that makes a port writes its argument back
 * last, and closes the port again if that fails.
 */
static long evtchn_return_port(struct domain *d, int port, evtchn_port_t *field, u64 gva,
			       const void *op, size_t size)
{
	if (port < 0)
		return port;
	*field = (evtchn_port_t)port;
	if (copy_to_guest(gva, op, size) == 0)
		return 0;
	evtchn_close_port(d, *field);
	return -EFAULT;
}

static long evtchnop_alloc_unbound(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct evtchn_alloc_unbound *op = arg;
	int port = evtchn_alloc_unbound(d, op->remote_dom == DOMID_SELF ? current->domain->id
					: op->remote_dom);

	return evtchn_return_port(d, port, &op->port, gva, op, sizeof(*op));
}

/* Both evtchn locks held. Connects a free port of ld to rport; the local port, or an error. */
static int evtchn_bind_locked(struct domain *ld, struct domain *rd, evtchn_port_t rport)
{
	struct evtchn *rchn;
	int lport = evtchn_find_free(ld);

	if (lport < 0)
		return lport;
	rchn = evtchn_lookup(&rd->evtchn, rport);
	if (!rchn || rchn->state != EC_UNBOUND || rchn->remote_dom != ld->id)
		return -EINVAL;
	evtchn_take(ld, (evtchn_port_t)lport, evtchn_interdomain(rd, rport, 0));
	evtchn_change(rchn, evtchn_interdomain(ld, (evtchn_port_t)lport, rchn->vcpu));
	return lport;
}

static long evtchnop_bind_interdomain(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct evtchn_bind_interdomain *op = arg;
	struct domain *rd = op->remote_dom == DOMID_SELF ? d : domain_find(op->remote_dom);
	int port;

	if (!rd)
		return -ESRCH;
	spin_lock_pair(&d->evtchn.lock, &rd->evtchn.lock);
	port = evtchn_bind_locked(d, rd, op->remote_port);
	spin_unlock_pair(&d->evtchn.lock, &rd->evtchn.lock);
	/* The peer may have sent while the port was unbound, which was lost. */
	if (port > 0)
		evtchn_raise(d, (evtchn_port_t)port);
	return evtchn_return_port(d, port, &op->local_port, gva, op, sizeof(*op));
}

/*
 * Any domain may bind any VIRQ to itself, as in Xen: a global VIRQ is raised only in the domain
 * that it is meant for.
 */
static long evtchnop_bind_virq(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct evtchn_bind_virq *op = arg;
	struct vcpu *v = domain_vcpu(d, op->vcpu);
	int port;

	if (op->virq >= MAX_VIRQS || (virq_is_global(op->virq) && op->vcpu != 0))
		return -EINVAL;
	if (!v)
		return -ENOENT;
	op->virq = (u32)index_nospec(op->virq, MAX_VIRQS);
	spin_lock(&d->evtchn.lock);
	port = v->virq_port[op->virq] ? -EEXIST : evtchn_find_free(d);
	if (port > 0) {
		evtchn_take(d, (evtchn_port_t)port, (struct evtchn){ .state = EC_VIRQ, .virq = (u8)op->virq,
								     .vcpu = op->vcpu });
		WRITE_ONCE(v->virq_port[op->virq], (evtchn_port_t)port);
	}
	spin_unlock(&d->evtchn.lock);
	return evtchn_return_port(d, port, &op->port, gva, op, sizeof(*op));
}

static long evtchnop_bind_ipi(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct evtchn_bind_ipi *op = arg;
	int port;

	if (!domain_vcpu(d, op->vcpu))
		return -ENOENT;
	port = evtchn_add(d, (struct evtchn){ .state = EC_IPI, .vcpu = op->vcpu });
	return evtchn_return_port(d, port, &op->port, gva, op, sizeof(*op));
}

static long evtchnop_close(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	return evtchn_close_port(d, ((struct evtchn_close *)arg)->port);
}

/* E: what the guest is told about a port. */
static void evtchn_describe(const struct evtchn *chn, struct evtchn_status *op)
{
	static const u8 status[] = {
		[EC_FREE] = EVTCHNSTAT_closed,		 [EC_UNBOUND] = EVTCHNSTAT_unbound,
		[EC_INTERDOMAIN] = EVTCHNSTAT_interdomain, [EC_VIRQ] = EVTCHNSTAT_virq,
		[EC_IPI] = EVTCHNSTAT_ipi,
	};

	op->status = status[chn->state];
	op->vcpu = chn->vcpu;
	if (chn->state == EC_UNBOUND)
		op->u.unbound.dom = chn->remote_dom;
	if (chn->state == EC_INTERDOMAIN) {
		op->u.interdomain.dom = chn->remote_dom;
		op->u.interdomain.port = chn->remote_port;
	}
	if (chn->state == EC_VIRQ)
		op->u.virq = chn->virq;
}

static long evtchnop_status(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct evtchn_status *op = arg;
	struct evtchn *chn = evtchn_lookup(&d->evtchn, op->port);

	if (!chn)
		return -EINVAL;
	spin_lock(&d->evtchn.lock);
	evtchn_describe(chn, op);
	spin_unlock(&d->evtchn.lock);
	return copy_to_guest(gva, op, sizeof(*op));
}

/* E: ports of IPIs and per-vCPU VIRQs stay where they are. */
static bool evtchn_may_move(const struct evtchn *chn)
{
	return chn->state == EC_UNBOUND || chn->state == EC_INTERDOMAIN ||
	       (chn->state == EC_VIRQ && virq_is_global(chn->virq));
}

static long evtchnop_bind_vcpu(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct evtchn_bind_vcpu *op = arg;
	struct evtchn *chn = evtchn_lookup(&d->evtchn, op->port);
	long err = -EINVAL;

	if (!domain_vcpu(d, op->vcpu))
		return -ENOENT;
	if (!chn)
		return -EINVAL;
	spin_lock(&d->evtchn.lock);
	if (evtchn_may_move(chn)) {
		WRITE_ONCE(chn->vcpu, op->vcpu);
		err = 0;
	}
	spin_unlock(&d->evtchn.lock);
	return err;
}

/*
 * Resets the caller's own domain or, for a control domain, one that it has paused. Progress is kept
 * beside the operation, since the guest may never come back. A guest that invents progress only
 * leaves ports open, which it could have done anyway.
 */
static long evtchnop_reset(struct domain *d, void *arg, u64 gva, unsigned long from)
{
	evtchn_port_t next = (evtchn_port_t)from;

	if (d != current->domain && !READ_ONCE(d->controller_pauses))
		return -EINVAL;
	if (evtchn_close_all(d, &next) != -ERESTART) {
		if (!evtchn_fifo_stop(d))
			return 0;
		next = EVTCHN_MAX_PORTS - 1;
	}
	return hypercall_continue(__HYPERVISOR_event_channel_op, EVTCHNOP_reset | next << RESET_PORT_SHIFT,
				  gva, 0, 0);
}

/* Here for what they are; do_event_channel_op() itself runs them. */
#define evtchnop_send NULL
#define evtchnop_unmask NULL

/* bind_pirq has no users in PVH. */
#define EVTCHN(name) OP(EVTCHNOP_##name, evtchnop_##name, HC_ANY, OP_ARG(struct evtchn_##name))
#define EVTCHN_OF(name) \
	OP(EVTCHNOP_##name, evtchnop_##name, HC_ANY, OP_ARG_DOMAIN(struct evtchn_##name, dom))

static const struct op evtchn_ops[] = {
	EVTCHN(bind_interdomain),
	EVTCHN(bind_virq),
	EVTCHN(close),
	EVTCHN(send),
	EVTCHN_OF(status),
	EVTCHN_OF(alloc_unbound),
	EVTCHN(bind_ipi),
	EVTCHN(bind_vcpu),
	EVTCHN(unmask),
	EVTCHN_OF(reset),
	EVTCHN(init_control),
	EVTCHN(expand_array),
	EVTCHN(set_priority),
};

static noinline long other_op(u32 cmd, u64 gva)
{
	u32 next = cmd >> RESET_PORT_SHIFT;

	if (next && ((u8)cmd != EVTCHNOP_reset || next >= EVTCHN_MAX_PORTS))
		return -ENOSYS;
	return op_run(evtchn_ops, ARRAY_SIZE(evtchn_ops), (u8)cmd, gva, next);
}

/* The operations of each I/O and each interrupt bypass the table. Both take a port as argument. */
long do_event_channel_op(u64 cmd, u64 gva, u64 a3, u64 a4, u64 a5)
{
	bool send = (u32)cmd == EVTCHNOP_send;
	evtchn_port_t port;

	if (!send && (u32)cmd != EVTCHNOP_unmask)
		return other_op((u32)cmd, gva);
	if (copy_from_guest(&port, gva, sizeof(port)))
		return -EFAULT;
	return send ? evtchn_send(current->domain, port) : evtchn_unmask(current->domain, port);
}
