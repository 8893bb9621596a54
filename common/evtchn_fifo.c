/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FIFO event channels (public/event_channel.h): a word for each port in pages that the guest
 * provides, and for each vCPU and priority a list of ports, linked through their words, which the
 * guest dequeues at its head.
 *
 * The guest may write anything there at any time. Keel follows no link: it knows the last port of
 * each list, and writes only to that port's word and to the word of the port that it links. Loops
 * are bounded. A guest that breaks the rules loses events.
 */
#include <public/errno.h>

#include "common/domain.h"
#include "common/evtchn_internal.h"
#include "common/guest_access.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/printk.h"
#include "common/rcu.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)
#define LINK_TRIES 16	/* a guest that keeps the rules causes only a few retries */
#define PORTS_PER_WINDOW 64

_Static_assert(sizeof(struct evtchn_fifo) <= PAGE_SIZE, "one page");

/* NULL: the guest has provided no page for it, or has gone back to 2 levels. */
static event_word_t *word_of(const struct evtchn_fifo *f, evtchn_port_t port)
{
	event_word_t *page = __atomic_load_n(&f->words[port / WORDS_PER_PAGE % ARRAY_SIZE(f->words)],
					     __ATOMIC_ACQUIRE);

	return page && READ_ONCE(f->on) ? &page[port % WORDS_PER_PAGE] : NULL;
}

static u32 word_or(event_word_t *word, u32 bits)
{
	return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
}

static u32 word_and(event_word_t *word, u32 bits)
{
	return __atomic_fetch_and(word, bits, __ATOMIC_SEQ_CST);
}

/*
 * F: makes the word link to port; false if the guest has dequeued it. While a word is BUSY the
 * guest does not unmask it, so it can change only a few more times.
 */
static bool set_link(event_word_t *word, evtchn_port_t port)
{
	event_word_t w = READ_ONCE(*word);

	for (unsigned int i = 0; i < LINK_TRIES; i++) {
		if (!(w & LINKED)) {
			if (i)
				word_and(word, ~BUSY);
			return false;
		}
		if (cas(word, &w, (w & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port))
			return true;
		w = word_or(word, BUSY) | BUSY;
	}
	word_and(word, ~BUSY);
	return true; /* give up: a guest that does this loses one event */
}

/*
 * Puts a port that is not LINKED at the end of its list. It becomes LINKED under the lock, as the
 * last port of a list may be in none any more: whoever sees it LINKED takes it for one that is.
 */
static void link_port(struct evtchn_fifo *f, struct evtchn *chn, evtchn_port_t port,
		      event_word_t *word)
{
	struct evtchn_fifo_control_block *c;
	evtchn_port_t *tail;
	bool linked = true;
	struct vcpu *v;
	u32 priority;

	spin_lock(&f->lock);
	if (word_or(word, LINKED) & LINKED)
		return spin_unlock(&f->lock);
	/*
	 * Was it the last port of another list? It must have been dequeued there, or it could not
	 * be linked now: that list is empty.
	 */
	tail = f->d->vcpu[chn->queue / EVTCHN_FIFO_MAX_QUEUES]->fifo.tail;
	tail += chn->queue % EVTCHN_FIFO_MAX_QUEUES;
	if (*tail == port)
		*tail = 0;
	v = f->d->vcpu[READ_ONCE(chn->vcpu)];
	priority = READ_ONCE(chn->priority);
	c = READ_ONCE(v->fifo.control);
	if (c) {
		chn->queue = (u16)(v->id * EVTCHN_FIFO_MAX_QUEUES + priority);
		tail = &v->fifo.tail[priority];
		linked = *tail && set_link(&f->words[*tail / WORDS_PER_PAGE][*tail % WORDS_PER_PAGE], port);
		if (!linked)
			WRITE_ONCE(c->head[priority], port);
		*tail = port;
	} else {
		word_and(word, ~LINKED); /* it stays pending; the guest was not to unmask it yet */
	}
	spin_unlock(&f->lock);
	if (!linked && !(word_or(&c->ready, 1u << priority) & 1u << priority) && v->info)
		vcpu_mark_events_pending(v);
}

bool evtchn_fifo_set_pending(struct domain *d, struct evtchn *chn, evtchn_port_t port)
{
	struct evtchn_fifo *f = d->evtchn.fifo;
	event_word_t *word, was;

	if (!READ_ONCE(f->on))
		return port >= EVTCHN_2L_PORTS;
	word = word_of(f, port);
	if (unlikely(!word)) {
		/* Either the CPU that adds the page sees this, or the page is visible here. */
		WRITE_ONCE(chn->early, 1);
		smp_mb();
		word = word_of(f, port);
		if (!word)
			return true;
	}
	was = word_or(word, PENDING);
	if (!(was & (MASKED | LINKED)))
		link_port(f, chn, port, word);
	if (!(was & PENDING) &&
	    unlikely(READ_ONCE(d->evtchn.pollers[0]) | READ_ONCE(d->evtchn.pollers[1])))
		evtchn_wake_pollers(d, port);
	return true;
}

bool evtchn_fifo_unmask(struct domain *d, struct evtchn *chn, evtchn_port_t port)
{
	struct evtchn_fifo *f = d->evtchn.fifo;
	event_word_t *word = word_of(f, port);

	if (!READ_ONCE(f->on))
		return port >= EVTCHN_2L_PORTS;
	if (word && (word_and(word, ~MASKED) & (PENDING | LINKED)) == PENDING)
		link_port(f, chn, port, word);
	return true;
}

bool evtchn_fifo_pending(struct domain *d, const struct evtchn *chn, evtchn_port_t port)
{
	struct evtchn_fifo *f = d->evtchn.fifo;
	event_word_t *word = word_of(f, port);

	if (!READ_ONCE(f->on))
		return port < EVTCHN_2L_PORTS && test_bit(port, d->shared_info->evtchn_pending);
	return word ? READ_ONCE(*word) & PENDING : READ_ONCE(chn->early);
}

void evtchn_fifo_clear(struct domain *d, struct evtchn *chn, evtchn_port_t port)
{
	event_word_t *word = word_of(d->evtchn.fifo, port);

	WRITE_ONCE(chn->early, 0);
	if (word)
		word_and(word, ~PENDING);
	else if (!READ_ONCE(d->evtchn.fifo->on) && port < EVTCHN_2L_PORTS)
		clear_bit(port, d->shared_info->evtchn_pending);
}

bool evtchn_fifo_linked(struct domain *d, evtchn_port_t port)
{
	event_word_t *word = word_of(d->evtchn.fifo, port);

	return word && READ_ONCE(*word) & LINKED;
}

/* All CPUs have seen the change. Until now it held the domain, as a page reference would. */
static void change_ended(struct evtchn_fifo *f)
{
	struct domain *d = f->d;

	__atomic_store_n(&f->busy, false, __ATOMIC_RELEASE);
	if (!__atomic_sub_fetch(&d->tot_pages, 1, __ATOMIC_SEQ_CST) &&
	    READ_ONCE(d->state) == DOMAIN_ZOMBIE)
		domain_last_page_put(d);
}

/* Senders that saw 2 levels left their events there: move them to the ports' words. */
static void started(struct rcu_head *head)
{
	struct evtchn_fifo *f = container_of(head, struct evtchn_fifo, rcu);
	u64 *words = f->d->shared_info->evtchn_pending;
	u32 ports = evtchn_is_32bit(&f->d->evtchn) ? EVTCHN_MAX_PORTS_32 : EVTCHN_2L_PORTS;

	for (unsigned int i = 0; i < ports / 64; i++) {
		u64 bits = __atomic_exchange_n(&words[i], 0, __ATOMIC_SEQ_CST);

		for (; bits; bits &= bits - 1)
			evtchn_raise(f->d, i * 64 + ffs64(bits));
		irq_window();
	}
	change_ended(f);
}

/* At the end of a domain two CPUs may run this. It frees up to 256 pages. No locks held. */
static void drop_page(void *slot)
{
	void *va = __atomic_exchange_n((void **)slot, NULL, __ATOMIC_SEQ_CST);

	if (va) {
		put_page(virt_to_page(va));
		irq_window();
	}
}

void evtchn_drop_pages(struct domain *d)
{
	struct evtchn_fifo *f = d->evtchn.fifo;
	struct vcpu *v;

	if (!f)
		return;
	for_each_vcpu(d, v) {
		drop_page(&v->fifo.control);
		memset(v->fifo.tail, 0, sizeof(v->fifo.tail));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(f->words); i++)
		drop_page(&f->words[i]);
	f->nr_words = 0;
}

static void stopped(struct rcu_head *head)
{
	struct evtchn_fifo *f = container_of(head, struct evtchn_fifo, rcu);

	evtchn_drop_pages(f->d);
	change_ended(f);
}

/*
 * E: -ERESTART while the last change has not ended everywhere. A domain that is alive here cannot
 * be freed before its change ends, since destruction takes the lock later. A dying domain is left
 * alone, since its destruction may have passed that point.
 */
static int change(struct evtchn_fifo *f, bool on)
{
	struct evtchn_table *t = &f->d->evtchn;

	if (f->on == on || READ_ONCE(f->d->state) != DOMAIN_ALIVE)
		return 0;
	if (__atomic_load_n(&f->busy, __ATOMIC_ACQUIRE))
		return -ERESTART;
	f->busy = true;
	__atomic_fetch_add(&f->d->tot_pages, 1, __ATOMIC_SEQ_CST);
	WRITE_ONCE(f->on, on);
	t->max_port = on ? t->limit : evtchn_2l_max_port(t);
	rcu_call(&f->rcu, on ? started : stopped);
	return 0;
}

int evtchn_fifo_stop(struct domain *d)
{
	int rc = 0;

	spin_lock(&d->evtchn.lock);
	if (d->evtchn.fifo)
		rc = change(d->evtchn.fifo, false);
	spin_unlock(&d->evtchn.lock);
	return rc;
}

/* E: v's control block. A domain's first one ends its use of 2 levels. */
static int set_control(struct vcpu *v, void *control)
{
	struct evtchn_table *t = &v->domain->evtchn;
	struct evtchn_fifo *f = t->fifo;
	int rc;

	if (!f) {
		f = alloc_page();
		if (!f)
			return -ENOMEM;
		spin_lock_init(&f->lock, RANK_FIFO);
		f->d = v->domain;
		__atomic_store_n(&t->fifo, f, __ATOMIC_RELEASE);
	}
	rc = change(f, true);
	if (rc)
		return rc;
	if (v->fifo.control)
		return -EINVAL;
	WRITE_ONCE(v->fifo.control, control);
	return 0;
}

/* A page of the domain's own RAM, with a reference. NULL: it is none. */
static void *guest_page(struct domain *d, gfn_t gfn)
{
	struct page_info *pg = p2m_get_page(d, gfn, false);

	return pg ? page_to_virt(pg) : NULL;
}

long evtchnop_init_control(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct evtchn_init_control *op = arg;
	struct vcpu *v = domain_vcpu(d, op->vcpu);
	u8 *page;
	int rc;

	if (!v)
		return -ENOENT;
	if (op->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || op->offset % 8)
		return -EINVAL;
	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	if (copy_to_guest(gva, op, sizeof(*op)))
		return -EFAULT;
	page = guest_page(d, op->control_gfn);
	if (!page)
		return -EINVAL;
	spin_lock(&d->evtchn.lock);
	rc = set_control(v, page + op->offset);
	spin_unlock(&d->evtchn.lock);
	if (rc)
		put_page(virt_to_page(page));
	if (rc == -ERESTART)
		return hypercall_continue(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, gva, 0, 0);
	return rc;
}

/* E: the number of the first port of the new page, or an error. */
static int add_words(struct evtchn_fifo *f, event_word_t *page)
{
	int first;

	if (!f || !f->on)
		return -EOPNOTSUPP;
	if (f->nr_words == ARRAY_SIZE(f->words))
		return -ENOSPC;
	first = (int)(f->nr_words * WORDS_PER_PAGE);
	__atomic_store_n(&f->words[f->nr_words++], page, __ATOMIC_SEQ_CST);
	return first;
}

long evtchnop_expand_array(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	event_word_t *page = guest_page(d, ((struct evtchn_expand_array *)arg)->array_gfn);
	int first;

	if (!page)
		return -EINVAL;
	spin_lock(&d->evtchn.lock);
	first = add_words(d->evtchn.fifo, page);
	spin_unlock(&d->evtchn.lock);
	if (first < 0) {
		put_page(virt_to_page(page));
		return first;
	}
	for (evtchn_port_t i = 0; i < WORDS_PER_PAGE; i++) {
		struct evtchn *chn = evtchn_lookup(&d->evtchn, (evtchn_port_t)first + i);

		if (chn && __atomic_exchange_n(&chn->early, 0, __ATOMIC_SEQ_CST))
			evtchn_raise(d, (evtchn_port_t)first + i);
		if (i % PORTS_PER_WINDOW == 0)
			irq_window();
	}
	return 0;
}

long evtchnop_set_priority(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct evtchn_set_priority *op = arg;
	struct evtchn *chn = evtchn_lookup(&d->evtchn, op->port);
	long rc = -EINVAL;

	if (!d->evtchn.fifo)
		return -ENOSYS;
	if (!chn || op->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -EINVAL;
	spin_lock(&d->evtchn.lock);
	if (chn->state != EC_FREE) {
		WRITE_ONCE(chn->priority, (u8)op->priority);
		rc = 0;
	}
	spin_unlock(&d->evtchn.lock);
	return rc;
}
