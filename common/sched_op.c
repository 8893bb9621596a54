/* SPDX-License-Identifier: GPL-2.0-only */
/* sched_op: giving up the CPU, waiting for events, shutting down. */
#include <public/errno.h>
#include <public/sched.h>

#include "common/evtchn.h"
#include "common/guest_access.h"
#include "common/hypercall.h"
#include "common/sched.h"

#define MAX_POLL_PORTS 128

static long op_yield(u64 gva)
{
	vcpu_yield();
	return 0;
}

static long op_block(u64 gva)
{
	vcpu_block();
	return 0;
}

static long op_shutdown(u64 gva)
{
	struct sched_shutdown arg;

	if (copy_from_guest(&arg, gva, sizeof(arg)))
		return -EFAULT;
	domain_shutdown(current->domain, (u8)arg.reason);
	return 0;
}

/* Waits for one of nr ports, any upcall, or the time-out (system time; 0: none). */
static long poll(u64 ports_gva, unsigned int nr, u64 timeout)
{
	evtchn_port_t ports[MAX_POLL_PORTS];
	struct vcpu *v = current;
	int rc;

	if (nr > MAX_POLL_PORTS)
		return -EINVAL;
	if (copy_from_guest(ports, ports_gva, nr * sizeof(ports[0])))
		return -EFAULT;
	/* A time-out of the poll before, which an event ended, is not this one's. */
	timer_stop(&v->poll_timer);
	rc = evtchn_poll_begin(v, ports, nr);
	if (rc)
		return rc < 0 ? rc : 0;
	if (timeout) {
		timer_migrate(&v->poll_timer, this_cpu());
		timer_set(&v->poll_timer, timeout);
	}
	set_bit(WORK_SCHED, &this_cpu()->work);
	return 0;
}

static long op_poll(u64 gva)
{
	struct sched_poll arg;

	if (copy_from_guest(&arg, gva, sizeof(arg)))
		return -EFAULT;
	return poll(arg.ports, arg.nr_ports, arg.timeout);
}

static long op_remote_shutdown(u64 gva)
{
	struct sched_remote_shutdown arg;
	struct domain *d;

	if (copy_from_guest(&arg, gva, sizeof(arg)))
		return -EFAULT;
	if (!current->domain->control)
		return -EPERM;
	d = domain_find(arg.domain_id);
	if (!d)
		return -ESRCH;
	domain_shutdown(d, (u8)arg.reason);
	return 0;
}

/* Watchdogs and pinning are not offered: no guest depends on them (abi.md 9). */
static long (*const ops[])(u64 gva) = {
	[SCHEDOP_yield] = op_yield,
	[SCHEDOP_block] = op_block,
	[SCHEDOP_shutdown] = op_shutdown,
	[SCHEDOP_poll] = op_poll,
	[SCHEDOP_remote_shutdown] = op_remote_shutdown,
};

long do_sched_op(unsigned long cmd, unsigned long gva, unsigned long a3, unsigned long a4, unsigned long a5)
{
	if (cmd >= ARRAY_SIZE(ops) || !ops[cmd])
		return -ENOSYS;
	return ops[cmd](gva);
}
