/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels, 2-level (xen/include/public/event_channel.h; abi.md 11). */
#ifndef COMMON_EVTCHN_H
#define COMMON_EVTCHN_H

#include <public/event_channel.h>
#include <public/xen.h>

#include "common/list.h"
#include "common/spinlock.h"

struct domain;
struct vcpu;

#define EVTCHN_MAX_PORTS 4096
#define EVTCHN_PER_PAGE 128

enum evtchn_state { EC_FREE, EC_RESERVED, EC_UNBOUND, EC_INTERDOMAIN, EC_VIRQ, EC_IPI };

struct evtchn {
	u8 state;	/* enum evtchn_state */
	u8 virq;
	u16 remote_dom;	/* UNBOUND: who may bind; INTERDOMAIN: the peer */
	u32 remote_port;
	u32 port;
	u32 vcpu;	/* notified vCPU */
	struct domain *remote; /* INTERDOMAIN: the peer, kept alive by the binding */
	u64 consumer;	/* 0: the guest; else enum of Keel's own receivers (boot console) */
};

struct evtchn_table {
	spinlock_t lock;	/* RANK_EVTCHN */
	struct evtchn **pages;	/* EVTCHN_PER_PAGE each; E: lock, entries read without it on the send path */
	unsigned int nr_ports;	/* allocated so far (multiple of EVTCHN_PER_PAGE) */
	unsigned int max_port;	/* highest port that may be used */
	u32 next_free;		/* search hint */
	struct list_head pollers; /* vCPUs in SCHEDOP_poll */
};

int evtchn_init(struct domain *d, unsigned int max_port);
void evtchn_close_all(struct domain *d);	/* at destruction, and EVTCHNOP_reset */
void evtchn_free(struct domain *d);

long do_event_channel_op(unsigned long cmd, unsigned long arg, unsigned long, unsigned long, unsigned long);

/* Raises a virtual interrupt: per-vCPU ones on v, global ones wherever they are bound (Dom0). Any lock below RANK_EVTCHN. */
void send_vcpu_virq(struct vcpu *v, unsigned int virq);
void send_global_virq(unsigned int virq);
/* EVTCHNOP_send on behalf of d, for Keel's own senders. */
int evtchn_send(struct domain *d, evtchn_port_t port);
/* alloc_unbound in d for remote; the port, or negative errno. For the builder and domctl. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote);
/* Connects a port of a to one of b, for domains named in the boot configuration: fixed port numbers; 0 or errno. */
int evtchn_connect(struct domain *a, evtchn_port_t pa, struct domain *b, evtchn_port_t pb);

/* Sets evtchn_upcall_pending of v if it was not, and makes the arch deliver the upcall once. Any context. */
void vcpu_mark_events_pending(struct vcpu *v);
/* Arch: delivers the upcall of v (its vector through the local APIC, or CALLBACK_IRQ's). */
void arch_upcall(struct vcpu *v);
/* Is a port pending and unmasked? SCHEDOP_poll. */
bool evtchn_port_pending(struct domain *d, evtchn_port_t port);

#endif
