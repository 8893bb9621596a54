/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of evtchn.c, evtchn_deliver.c and evtchn_fifo.c. */
#ifndef COMMON_EVTCHN_INTERNAL_H
#define COMMON_EVTCHN_INTERNAL_H

#include "common/evtchn.h"
#include "common/pcpu.h"
#include "common/rcu.h"

/* Sets the port pending and notifies its vCPU if it is not masked. */
void evtchn_set_pending(struct domain *d, struct evtchn *chn, evtchn_port_t port);
/* The upcall, once. v has a vcpu_info. */
void vcpu_mark_events_pending(struct vcpu *v);
/* Wakes vCPUs that poll this port, masked or not, whichever vCPU it notifies. */
void evtchn_wake_pollers(struct domain *d, evtchn_port_t port);
/* EVTCHNOP_unmask: 0, or -EINVAL for no such port. */
int evtchn_unmask(struct domain *d, evtchn_port_t port);

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))

/*
 * Each page of the guest has a reference, dropped after a grace period: senders use the pages
 * without a lock.
 */
struct evtchn_fifo {
	spinlock_t lock;	/* RANK_FIFO: lists */
	struct domain *d;
	struct rcu_head rcu;
	bool on;		/* E; read without it. Else there are 2 levels again */
	bool busy;		/* atomic: after a change of on a grace period has not ended */
	u32 nr_words;		/* E: of pages */
	event_word_t *words[EVTCHN_MAX_PORTS / WORDS_PER_PAGE]; /* E; read without it: the guest's pages */
};

/* evtchn_fifo.c. The first four: of a domain that has asked for FIFO some time. */
/* false: it has 2 levels, and the port has a bit there */
bool evtchn_fifo_set_pending(struct domain *d, struct evtchn *chn, evtchn_port_t port);
bool evtchn_fifo_unmask(struct domain *d, struct evtchn *chn, evtchn_port_t port); /* likewise */
bool evtchn_fifo_pending(struct domain *d, const struct evtchn *chn, evtchn_port_t port);
/* E: a use of the port begins or ends. */
void evtchn_fifo_clear(struct domain *d, struct evtchn *chn, evtchn_port_t port);
/*
 * E: is the port still in a queue, where the guest would find its next use's event on the vCPU of
 * the last one?
 */
bool evtchn_fifo_linked(struct domain *d, evtchn_port_t port);
/* Back to 2 levels, after a reset. 0, -ERESTART: later. */
int evtchn_fifo_stop(struct domain *d);
long evtchnop_init_control(struct domain *d, void *arg, u64 gva, unsigned long more);
long evtchnop_expand_array(struct domain *d, void *arg, u64 gva, unsigned long more);
long evtchnop_set_priority(struct domain *d, void *arg, u64 gva, unsigned long more);

#endif
