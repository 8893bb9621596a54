/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls on CPU pools. */
#include "lib/hyper.h"

#include <errno.h>

static int call(struct keel *k, struct xen_sysctl *s, struct guest_cpus *cpus)
{
	struct guest_cpus *buf = hyper_buffer(k, sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	s->cmd = XEN_SYSCTL_cpupool_op;
	s->u.cpupool_op.cpumap.nr_bits = GUEST_MAX_CPUS;
	SET_HANDLE(s->u.cpupool_op.cpumap.bitmap, buf);
	rc = hyper_sysctl(k, s);
	if (cpus)
		*cpus = *buf;
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_pool_info(struct keel *k, struct hyper_pool *p)
{
	struct xen_sysctl s = { 0 };
	int rc;

	s.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	s.u.cpupool_op.cpupool_id = p->id;
	rc = call(k, &s, &p->cpus);
	p->id = s.u.cpupool_op.cpupool_id;
	p->scheduler = s.u.cpupool_op.sched_id;
	p->domains = s.u.cpupool_op.n_dom;
	return rc;
}

int hyper_pool_free(struct keel *k, struct guest_cpus *cpus)
{
	struct xen_sysctl s = { 0 };

	s.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
	return call(k, &s, cpus);
}

int hyper_pool_create(struct keel *k, unsigned int scheduler, unsigned int *id)
{
	struct xen_sysctl s = { 0 };
	int rc;

	s.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	s.u.cpupool_op.cpupool_id = XEN_SYSCTL_CPUPOOL_PAR_ANY;
	s.u.cpupool_op.sched_id = scheduler;
	rc = call(k, &s, NULL);
	*id = s.u.cpupool_op.cpupool_id;
	return rc;
}

int hyper_pool_change(struct keel *k, unsigned int op, unsigned int id, unsigned int what)
{
	struct xen_sysctl s = { 0 };

	s.u.cpupool_op.op = op;
	s.u.cpupool_op.cpupool_id = id;
	if (op == XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN)
		s.u.cpupool_op.domid = what;
	else
		s.u.cpupool_op.cpu = what;
	return call(k, &s, NULL);
}
