/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU pools: each domain is in one, and its vCPUs run on that pool's CPUs only. */
#ifndef COMMON_CPUPOOL_H
#define COMMON_CPUPOOL_H

#include "common/pcpu.h"

struct xen_sysctl_cpupool_op;

/*
 * What changes pools, or depends on one that stays, is done by one at a time, between these two.
 * false: another CPU is at it, come again. No locks.
 */
bool cpupools_enter(void);
void cpupools_leave(void);

/* Is there such a pool, and can something run in it? For good only between those two. */
bool cpupool_exists(u32 id);
bool cpupool_is_usable(u32 id);
/*
 * Its CPUs. Any locks. Who keeps the answer is told of a change by sched_set_affinity() without
 * masks.
 */
void cpupool_cpus(u32 id, cpumask_t *mask);

/* XEN_SYSCTL_cpupool_op. Errnos: docs/abi.md, sysctl; -ERESTART: as cpupools_enter(). No locks. */
long cpupool_op(struct xen_sysctl_cpupool_op *p);

#endif
