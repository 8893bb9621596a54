/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU pools: each domain is in one, and its vCPUs run on that pool's CPUs only. */
#ifndef COMMON_CPUPOOL_H
#define COMMON_CPUPOOL_H

#include "common/pcpu.h"

struct xen_sysctl;

/*
 * Operations that change pools, or need a pool to stay, run one at a time, between these two calls.
 * false: another CPU is at it, so retry. No locks.
 */
bool cpupools_enter(void);
void cpupools_leave(void);

/* Does the pool exist, and can something run in it? Stays true only between those two calls. */
bool cpupool_exists(u32 id);
bool cpupool_is_usable(u32 id);
/*
 * Its CPUs. Any locks. A caller that keeps the answer learns of changes by sched_set_affinity()
 * without masks.
 */
void cpupool_cpus(u32 id, cpumask_t *mask);

/* XEN_SYSCTL_cpupool_op. Errnos: docs/abi.md, sysctl; -ERESTART: as cpupools_enter(). No locks. */
long cpupool_op(struct xen_sysctl *sysctl);

#endif
