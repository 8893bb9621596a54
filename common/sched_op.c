/* SPDX-License-Identifier: GPL-2.0-only */
/* sched_op: giving up the CPU, waiting for events, shutting down. */
#include <public/errno.h>
#include <public/sched.h>

#include "common/evtchn.h"
#include "common/op.h"
#include "common/sched.h"

#define MAX_POLL_PORTS 128
#define NSEC 1000000000ull

static long op_yield(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	vcpu_yield();
	return 0;
}

static long op_block(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	vcpu_block();
	return 0;
}

static long op_shutdown(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	domain_shutdown(d, (u8)((const struct sched_shutdown *)arg)->reason, NULL);
	return 0;
}

/* Waits for one of the ports, any upcall, or the time-out (system time; 0: none). */
static long op_poll(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct sched_poll *op = arg;
	evtchn_port_t ports[MAX_POLL_PORTS];
	struct vcpu *v = current;
	int rc;

	if (op->nr_ports > MAX_POLL_PORTS)
		return -EINVAL;
	if (copy_from_guest(ports, op->ports, op->nr_ports * sizeof(ports[0])))
		return -EFAULT;
	/* A time-out of the previous poll, which an event ended, must not end this one. */
	timer_stop(&v->poll_timer);
	rc = evtchn_poll_begin(v, ports, op->nr_ports);
	if (rc)
		return rc < 0 ? rc : 0;
	if (op->timeout) {
		timer_migrate(&v->poll_timer, this_cpu());
		timer_set(&v->poll_timer, op->timeout);
	}
	set_bit(WORK_SCHED, &this_cpu()->work);
	return 0;
}

static long op_remote_shutdown(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct sched_remote_shutdown *op = arg;

	d = domain_find(op->domain_id);
	if (!d)
		return -ESRCH;
	domain_shutdown(d, (u8)op->reason, NULL);
	return 0;
}

/* A slot's number is its watchdog's id less 1. */
static long op_watchdog(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct sched_watchdog *op = arg;
	unsigned int slot = (unsigned int)index_nospec(op->id - 1, NR_WATCHDOGS);
	long rc = 0;

	if (op->id > NR_WATCHDOGS)
		return -EINVAL;
	spin_lock(&d->lock);
	if (!op->id) {
		for (slot = 0; slot < NR_WATCHDOGS && test_bit(slot, &d->watchdogs_used); slot++)
			;
		rc = slot < NR_WATCHDOGS ? (long)slot + 1 : -ENOSPC;
	} else if (!test_bit(slot, &d->watchdogs_used)) {
		rc = -EINVAL;
	}
	if (rc >= 0 && (op->timeout || !op->id)) {
		set_bit(slot, &d->watchdogs_used);
		timer_set(&d->watchdog[slot], now() + op->timeout * NSEC);
	} else if (rc >= 0) {
		clear_bit(slot, &d->watchdogs_used);
		timer_stop(&d->watchdog[slot]);
	}
	spin_unlock(&d->lock);
	return rc;
}

/* Pinning is not offered: no guest depends on it. */
static const struct op ops[] = {
	OP(SCHEDOP_yield, op_yield, HC_ANY),
	OP(SCHEDOP_block, op_block, HC_ANY),
	OP(SCHEDOP_shutdown, op_shutdown, HC_ANY, OP_ARG(struct sched_shutdown)),
	OP(SCHEDOP_poll, op_poll, HC_ANY, OP_ARG(struct sched_poll)),
	OP(SCHEDOP_remote_shutdown, op_remote_shutdown, HC_CONTROL, OP_ARG(struct sched_remote_shutdown)),
	OP(SCHEDOP_watchdog, op_watchdog, HC_ANY, OP_ARG(struct sched_watchdog)),
};

long do_sched_op(u64 cmd, u64 gva, u64 a3, u64 a4, u64 a5)
{
	return op_run(ops, ARRAY_SIZE(ops), cmd, gva, 0);
}
