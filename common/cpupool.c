/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU pools. All have the one scheduler, whose run queues know nothing of them: a pool is what its
 * domains' vCPUs may run on at most (sched_set_affinity()). Pool 0 has all CPUs at first.
 */
#include "common/cpupool.h"

#include <public/errno.h>
#include <public/sysctl.h>

#include "common/domctl.h"
#include "common/sched.h"

#define POOLS_MAX 64
#define ANY XEN_SYSCTL_CPUPOOL_PAR_ANY
#define NO_POOL (~0u)

static u64 busy, pools = 1;		/* a bit for each that there is; both atomic */
static u32 pool_of[NR_CPUS];

bool cpupools_enter(void)
{
	return !test_and_set_bit(0, &busy);
}

void cpupools_leave(void)
{
	clear_bit(0, &busy);
}

void cpupool_cpus(u32 id, cpumask_t *mask)
{
	memset(mask, 0, sizeof(*mask));
	for (unsigned int i = 0; i < nr_cpus; i++)
		if (READ_ONCE(pool_of[i]) == id)
			mask->bits[i / 64] |= BIT(i % 64);
}

bool cpupool_exists(u32 id)
{
	return id < POOLS_MAX && test_bit(id, &pools);
}

static unsigned int nr_cpus_of(u32 id)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr_cpus; i++)
		n += pool_of[i] == id;
	return n;
}

bool cpupool_is_usable(u32 id)
{
	return cpupool_exists(id) && nr_cpus_of(id);
}

static u32 nr_domains_of(u32 id)
{
	struct domain *d;
	u32 n = 0;

	for_each_domain(d)
		n += d->cpupool == id;
	return n;
}

/* Its pool, or the CPUs of that, have changed. */
static void replace_vcpus(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v) {
		sched_set_affinity(v, NULL, NULL);	/* -ESRCH: it will not run again */
		irq_window();
	}
}

static void give_cpu(unsigned int cpu, u32 from, u32 to)
{
	struct domain *d;

	WRITE_ONCE(pool_of[index_nospec(cpu, nr_cpus)], to);
	for_each_domain(d)
		if (d->cpupool == from || d->cpupool == to)
			replace_vcpus(d);
}

static long op_create(struct xen_sysctl_cpupool_op *p)
{
	if (p->sched_id != sched_id())
		return -ENOENT;
	if (p->cpupool_id == ANY && ~pools)
		p->cpupool_id = ffs64(~pools);
	if (p->cpupool_id >= POOLS_MAX)
		return -ENOSPC;
	return test_and_set_bit(p->cpupool_id, &pools) ? -EEXIST : 0;
}

static long op_destroy(struct xen_sysctl_cpupool_op *p)
{
	if (nr_cpus_of(p->cpupool_id))	/* without them it has no domains */
		return -EBUSY;
	clear_bit(p->cpupool_id, &pools);
	return 0;
}

/* Any CPU is the first that is free, or the last of the pool. */
static long move_cpu(unsigned int cpu, u32 from, u32 to)
{
	bool any = cpu == ANY;

	for (unsigned int i = 0; any && i < nr_cpus; i++)
		if (pool_of[i] == from && (cpu == ANY || to == NO_POOL))
			cpu = i;
	if (cpu >= nr_cpus)
		return any && from == NO_POOL ? -ENODEV : -EINVAL;
	if (pool_of[index_nospec(cpu, nr_cpus)] != from)
		return -ENODEV;
	if (to == NO_POOL && nr_cpus_of(from) == 1 && nr_domains_of(from))
		return -EBUSY;
	give_cpu(cpu, from, to);
	return 0;
}

static long op_addcpu(struct xen_sysctl_cpupool_op *p)
{
	return move_cpu(p->cpu, NO_POOL, p->cpupool_id);
}

static long op_rmcpu(struct xen_sysctl_cpupool_op *p)
{
	return move_cpu(p->cpu, p->cpupool_id, NO_POOL);
}

static long op_movedomain(struct xen_sysctl_cpupool_op *p)
{
	struct domain *d = domain_find((domid_t)p->domid);

	if (!d)
		return -ESRCH;
	if (!cpupool_is_usable(p->cpupool_id))
		return -ENOENT;
	if (d->cpupool != p->cpupool_id) {
		WRITE_ONCE(d->cpupool, p->cpupool_id);
		replace_vcpus(d);
	}
	return 0;
}

/* The first from this id on. */
static long op_info(struct xen_sysctl_cpupool_op *p)
{
	cpumask_t mask;

	while (p->cpupool_id < POOLS_MAX && !cpupool_exists(p->cpupool_id))
		p->cpupool_id++;
	if (p->cpupool_id >= POOLS_MAX)
		return -ENOENT;
	p->sched_id = sched_id();
	p->n_dom = nr_domains_of(p->cpupool_id);
	cpupool_cpus(p->cpupool_id, &mask);
	return bitmap_to_guest(&p->cpumap, &mask);
}

static long op_freeinfo(struct xen_sysctl_cpupool_op *p)
{
	cpumask_t mask;

	cpupool_cpus(NO_POOL, &mask);
	return bitmap_to_guest(&p->cpumap, &mask);
}

static const struct { long (*fn)(struct xen_sysctl_cpupool_op *p); bool exists; } ops[] = {
	[XEN_SYSCTL_CPUPOOL_OP_CREATE] = { op_create, false },
	[XEN_SYSCTL_CPUPOOL_OP_DESTROY] = { op_destroy, true },
	[XEN_SYSCTL_CPUPOOL_OP_INFO] = { op_info, false },
	[XEN_SYSCTL_CPUPOOL_OP_ADDCPU] = { op_addcpu, true },
	[XEN_SYSCTL_CPUPOOL_OP_RMCPU] = { op_rmcpu, true },
	[XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN] = { op_movedomain, false },
	[XEN_SYSCTL_CPUPOOL_OP_FREEINFO] = { op_freeinfo, false },
};

long cpupool_op(struct xen_sysctl *sysctl)
{
	struct xen_sysctl_cpupool_op *p = &sysctl->u.cpupool_op;
	u32 op = (u32)index_nospec(p->op, ARRAY_SIZE(ops));
	long rc;

	if (p->op != op || !ops[op].fn)
		return -ENOSYS;
	if (!cpupools_enter())
		return -ERESTART;
	rc = ops[op].exists && !cpupool_exists(p->cpupool_id) ? -ENOENT : ops[op].fn(p);
	cpupools_leave();
	return rc;
}
