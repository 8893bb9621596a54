/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an event gets from a port to a vCPU: the words that 2-level channels share with the guest
 * (docs/locking.md, Event channels; FIFO: evtchn_fifo.c), virtual interrupts, and polls. Guests do
 * this many times a second, so it takes no locks.
 */
#include <public/errno.h>
#include <public/x86_32.h>

#include "common/domain.h"
#include "common/evtchn.h"
#include "common/evtchn_internal.h"

/*
 * The upcall, once. The arch may be unable to deliver it yet; then it checks evtchn_upcall_pending
 * again later.
 */
void vcpu_mark_events_pending(struct vcpu *v)
{
	if (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
		return;
	if (unlikely(test_bit(VPF_POLL, &v->wait_flags)))
		evtchn_poll_end(v);
	arch_upcall(v);
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
	if (evtchn_is_32bit(&v->domain->evtchn))
		WRITE_ONCE(((struct vcpu_info_32 *)v->info)->evtchn_pending_sel, ~0u);
	else
		WRITE_ONCE(v->info->evtchn_pending_sel, ~0ul);
	smp_mb();
	WRITE_ONCE(v->info->evtchn_upcall_pending, 1);
	arch_upcall(v);
}

/*
 * The selector word of a vCPU whose port became pending and unmasked: the second word of vcpu_info,
 * whatever its size. A vCPU without vcpu_info learns of it later.
 */
static void evtchn_select(struct vcpu *v, evtchn_port_t port)
{
	u32 shift = READ_ONCE(v->domain->evtchn.word_shift);

	if (v->info && !test_and_set_bit((1u << shift) + (port >> shift), v->info))
		vcpu_mark_events_pending(v);
}

void evtchn_wake_pollers(struct domain *d, evtchn_port_t port)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(d->evtchn.pollers); i++) {
		u64 mask = READ_ONCE(d->evtchn.pollers[i]);

		for (; mask; mask &= mask - 1) {
			struct vcpu *v = domain_vcpu(d, i * 64 + ffs64(mask));
			evtchn_port_t want = READ_ONCE(v->poll_port);

			if (want == port || want == POLL_ANY)
				evtchn_poll_end(v);
		}
	}
}

void evtchn_set_pending(struct domain *d, struct evtchn *chn, evtchn_port_t port)
{
	if (unlikely(d->evtchn.fifo) && evtchn_fifo_set_pending(d, chn, port))
		return;
	if (test_and_set_bit(port, d->shared_info->evtchn_pending))
		return;
	if (!test_bit(port, READ_ONCE(d->evtchn.mask)))
		evtchn_select(READ_ONCE(d->vcpu[READ_ONCE(chn->vcpu)]), port);
	if (unlikely(READ_ONCE(d->evtchn.pollers[0]) | READ_ONCE(d->evtchn.pollers[1])))
		evtchn_wake_pollers(d, port);
}

/* A consistent copy of the parts of a port that a sender needs. */
static struct evtchn evtchn_snapshot(const struct evtchn *chn)
{
	struct evtchn s;
	u32 seq;

	do {
		while ((seq = __atomic_load_n(&chn->seq, __ATOMIC_ACQUIRE)) & 1)
			cpu_relax();
		s.state = READ_ONCE(chn->state);
		s.remote = READ_ONCE(chn->remote);
		s.remote_port = READ_ONCE(chn->remote_port);
		smp_rmb();
	} while (READ_ONCE(chn->seq) != seq);
	return s;
}

int evtchn_send(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_lookup(&d->evtchn, port);
	struct evtchn s;

	if (!chn)
		return -EINVAL;
	s = evtchn_snapshot(chn);
	switch (s.state) {
	case EC_INTERDOMAIN:
		evtchn_raise(s.remote, s.remote_port);
		return 0;
	case EC_IPI:
		evtchn_set_pending(d, chn, port);
		return 0;
	case EC_UNBOUND: /* nobody there yet: dropped */
		if (s.consumer)
			s.consumer(d, port);
		return 0;
	default:
		return -EINVAL;
	}
}

void evtchn_raise(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_lookup(&d->evtchn, port);

	if (chn && READ_ONCE(chn->state) != EC_FREE)
		evtchn_set_pending(d, chn, port);
}

static inline int unmask_2l(struct domain *d, struct evtchn *chn, evtchn_port_t port)
{
	if (!chn)
		return -EINVAL;
	/* In this order: an event in between finds the port unmasked, and its sender notifies. */
	if (test_and_clear_bit(port, READ_ONCE(d->evtchn.mask)) &&
	    test_bit(port, d->shared_info->evtchn_pending))
		evtchn_select(READ_ONCE(d->vcpu[READ_ONCE(chn->vcpu)]), port);
	return 0;
}

/* A function of its own, so that the 2-level path stays short. */
static noinline int unmask_fifo(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_lookup(&d->evtchn, port);

	return chn && evtchn_fifo_unmask(d, chn, port) ? 0 : unmask_2l(d, chn, port);
}

int evtchn_unmask(struct domain *d, evtchn_port_t port)
{
	return unlikely(d->evtchn.fifo) ? unmask_fifo(d, port)
	       : unmask_2l(d, evtchn_lookup_2l(&d->evtchn, port), port);
}

void send_vcpu_virq(struct vcpu *v, unsigned int virq)
{
	evtchn_port_t port = READ_ONCE(v->virq_port[virq]);

	if (port)
		evtchn_raise(v->domain, port);
}

/* Global VIRQs are bound on vCPU 0, wherever they notify. */
void send_global_virq(unsigned int virq)
{
	struct domain *d = READ_ONCE(hardware_domain);
	struct vcpu *v = d ? domain_vcpu(d, 0) : NULL;

	if (v)
		send_vcpu_virq(v, virq);
}

bool evtchn_port_pending(struct domain *d, evtchn_port_t port)
{
	const struct evtchn *chn = evtchn_lookup(&d->evtchn, port);

	if (!chn)
		return false;
	return d->evtchn.fifo ? evtchn_fifo_pending(d, chn, port)
	       : test_bit(port, d->shared_info->evtchn_pending);
}

int evtchn_poll_begin(struct vcpu *v, const evtchn_port_t *ports, unsigned int nr)
{
	struct domain *d = v->domain;
	int rc = 0;

	WRITE_ONCE(v->poll_port, nr == 1 ? ports[0] : POLL_ANY);
	set_bit(VPF_POLL, &v->wait_flags);
	set_bit(v->id, d->evtchn.pollers);

	/* From here on senders see that v polls; events that they sent before are visible now. */
	if (arch_event_deliverable(v))
		rc = 1;
	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		if (!evtchn_lookup(&d->evtchn, ports[i]))
			rc = -EINVAL;
		else if (evtchn_port_pending(d, ports[i]))
			rc = 1;
	}
	if (rc) {
		clear_bit(v->id, d->evtchn.pollers);
		clear_bit(VPF_POLL, &v->wait_flags);
	}
	return rc;
}

/*
 * The bit first: if it were cleared last, a vCPU that was woken and polls again could lose its new
 * bit. In this order the bit at worst stays set, or a poll ends early; neither does harm.
 */
void evtchn_poll_end(struct vcpu *v)
{
	clear_bit(v->id, v->domain->evtchn.pollers);
	if (test_and_clear_bit(VPF_POLL, &v->wait_flags))
		vcpu_wake(v);
}
