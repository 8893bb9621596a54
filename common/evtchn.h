/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels, 2-level or FIFO (public/event_channel.h; docs/locking.md, Event channels). */
#ifndef COMMON_EVTCHN_H
#define COMMON_EVTCHN_H

#include <machine/nospec.h>
#include <public/event_channel.h>
#include <public/xen.h>

#include "common/spinlock.h"

struct domain;
struct vcpu;

#define EVTCHN_MAX_PORTS EVTCHN_FIFO_NR_CHANNELS
#define EVTCHN_2L_PORTS 4096
#define EVTCHN_MAX_PORTS_32 1024	/* with words of 32 bits */
#define EVTCHN_PER_PAGE 128
#define EVTCHN_NR_PAGES (EVTCHN_MAX_PORTS / EVTCHN_PER_PAGE)
#define POLL_ANY ((evtchn_port_t)-1) /* vcpu.poll_port: more than one */

enum evtchn_state { EC_FREE, EC_UNBOUND, EC_INTERDOMAIN, EC_VIRQ, EC_IPI };

/* A receiver in Keel: the guest d sent an event through its port. No locks held. */
typedef void (*evtchn_consumer_t)(struct domain *d, evtchn_port_t port);

/*
 * One port. Written under the evtchn lock, between two increments of seq; read by senders without
 * it, who start over if seq changed. What they do next may happen after the port was closed: a
 * spurious event, which every receiver must tolerate.
 */
struct evtchn {
	u8 state;	/* enum evtchn_state */
	u8 virq;
	u16 remote_dom;	/* UNBOUND: who may bind; INTERDOMAIN: the peer */
	u32 remote_port;
	u32 seq;	/* odd while being changed */
	u32 vcpu;	/* notified vCPU */
	union {
		struct domain *remote;	    /* INTERDOMAIN: the peer; its end of the binding is removed first */
		evtchn_consumer_t consumer; /* UNBOUND: until somebody binds it, events go to Keel */
	};
	/* FIFO, each for itself */
	u8 priority;	/* E; read without it */
	u8 early;	/* atomic: an event came before the guest provided its page */
	u16 queue;	/* fifo.lock: the list it was last linked in, vCPU * 16 + priority */
	u32 unused;
};
_Static_assert(sizeof(struct evtchn) * EVTCHN_PER_PAGE == PAGE_SIZE, "a page of ports");

/* E: lock. Pages are only added, until evtchn_free(). */
struct evtchn_table {
	spinlock_t lock;	/* RANK_EVTCHN */
	u32 limit;		/* highest port that may be used... */
	u32 max_port;		/* E: ...as far as the guest's words have a bit for it */
	u32 nr_open;		/* E: ports in use */
	u64 full[EVTCHN_NR_PAGES / 64]; /* E: pages without a free port */
	/* E; read without it, like the next two */
	struct evtchn *pages[EVTCHN_2L_PORTS / EVTCHN_PER_PAGE];
	struct evtchn **more[2]; /* the pages of ports from 4,096 on */
	struct evtchn_fifo *fifo; /* once set it stays: who sees a port above 4,095 sees this, too */
	u64 pollers[2];		/* atomic: vCPUs that may be in SCHEDOP_poll */
	/*
	 * The layout of the guest's words (evtchn_set_layout()). E; read without it: a sender that
	 * sees a mix hurts only that guest.
	 */
	u64 *mask;
	u32 word_shift;		/* a word has this power of 2 bits: 6, or 5 */
};

static inline bool evtchn_is_32bit(const struct evtchn_table *t)
{
	return READ_ONCE(t->word_shift) == 5;
}

static inline u32 evtchn_2l_max_port(const struct evtchn_table *t)
{
	return min_t(u32, t->limit, (evtchn_is_32bit(t) ? EVTCHN_MAX_PORTS_32 : EVTCHN_2L_PORTS) - 1);
}

struct evtchn *evtchn_lookup_high(const struct evtchn_table *t, evtchn_port_t port);

/* The port, NULL if there is no such port (yet). Valid until this exit's handling ends. */
static inline struct evtchn *evtchn_lookup_2l(const struct evtchn_table *t, evtchn_port_t port)
{
	struct evtchn *page;

	if (port >= EVTCHN_2L_PORTS)
		return NULL;
	port = (evtchn_port_t)index_nospec(port, EVTCHN_2L_PORTS);
	page = __atomic_load_n(&t->pages[port / EVTCHN_PER_PAGE], __ATOMIC_ACQUIRE);
	return page ? &page[port % EVTCHN_PER_PAGE] : NULL;
}

static inline struct evtchn *evtchn_lookup(const struct evtchn_table *t, evtchn_port_t port)
{
	return port < EVTCHN_2L_PORTS ? evtchn_lookup_2l(t, port) : evtchn_lookup_high(t, port);
}

/* Port 0 is reserved; max_port is cut to what there can be. 0 or -ENOMEM. */
int evtchn_init(struct domain *d, unsigned int max_port);
/*
 * From now on the words in shared_info and vcpu_info are those of a 32-bit or 64-bit guest. -EBUSY:
 * it has ports that do not fit a 32-bit guest.
 */
int evtchn_set_layout(struct domain *d, bool is_32bit);
/*
 * Closes the ports of d from *next on: at destruction (after d->state changed, so that no new ones
 * appear) and for EVTCHNOP_reset. 0 when done, -ERESTART when it must be called again, with the new
 * *next.
 */
int evtchn_close_all(struct domain *d, evtchn_port_t *next);
/*
 * Frees the table, with all ports closed. Only after a grace period, as with shared_info and the
 * pages of registered vcpu_info: senders use all of them without a lock.
 */
void evtchn_free(struct domain *d);
/*
 * Releases the pages that the guest provided for FIFO channels. Only after a grace period, when no
 * sender uses them.
 */
void evtchn_drop_pages(struct domain *d);

long do_event_channel_op(unsigned long cmd, unsigned long arg, unsigned long, unsigned long,
			 unsigned long);

/*
 * Raises a virtual interrupt: per-vCPU ones on v, global ones wherever they are bound (Dom0). Any
 * lock below RANK_VCPU.
 */
void send_vcpu_virq(struct vcpu *v, unsigned int virq);
void send_global_virq(unsigned int virq);
/*
 * EVTCHNOP_send on behalf of d. 0, or -EINVAL if the port cannot send. Any lock below RANK_VCPU
 * (consumers: none).
 */
int evtchn_send(struct domain *d, evtchn_port_t port);
/*
 * Makes a port of d pending, as if its other end had sent: for Keel's end of a channel. Any lock
 * below RANK_VCPU.
 */
void evtchn_raise(struct domain *d, evtchn_port_t port);
/*
 * alloc_unbound in d for remote; the port, or -EINVAL (dying), -ENOSPC, -ENOMEM. For the builder
 * and domctl.
 */
int evtchn_alloc_unbound(struct domain *d, domid_t remote);
/*
 * The same at a fixed port. Events that the guest sends go to consumer until remote binds the port:
 * the console ring of a guest without a toolstack. 0, -EINVAL, -EEXIST (in use), -ENOSPC, -ENOMEM.
 */
int evtchn_attach(struct domain *d, evtchn_port_t port, domid_t remote, evtchn_consumer_t consumer);
/*
 * Connects a port of a to one of b, for domains named in the boot configuration: fixed ports;
 * errors as above.
 */
int evtchn_connect(struct domain *a, evtchn_port_t pa, struct domain *b, evtchn_port_t pb);

/*
 * v->info points to a new place now (VCPUOP_register_vcpu_info): marks everything pending there,
 * since a sender may just have written to the old place. The guest must tolerate the spurious
 * events.
 */
void evtchn_vcpu_info_moved(struct vcpu *v);
/* Arch: delivers the upcall of v (its vector through the local APIC, or CALLBACK_IRQ's). */
void arch_upcall(struct vcpu *v);
/* Arch: would the current vCPU take an interrupt immediately if it continued? */
bool arch_event_deliverable(struct vcpu *v);

/* Is a port pending, masked or not? false where there is no such port. */
bool evtchn_port_pending(struct domain *d, evtchn_port_t port);
/*
 * SCHEDOP_poll of the current vCPU. 0: VPF_POLL is set, and an event on one of the ports, or any
 * upcall, will clear it and wake v; 1: no need to wait, a port is pending or an interrupt
 * deliverable; -EINVAL: no such port. Nothing is set unless 0.
 */
int evtchn_poll_begin(struct vcpu *v, const evtchn_port_t *ports, unsigned int nr);
/*
 * Ends v's poll, if it polls, and wakes it: timeout, upcall, any interrupt. Any lock below
 * RANK_VCPU.
 */
void evtchn_poll_end(struct vcpu *v);

#endif
