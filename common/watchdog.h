/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keel's own watchdog: a CPU that stays inside Keel for seconds is stuck, and the machine goes down
 * with a stack trace. (What a domain asks for by SCHEDOP_watchdog is in sched_op.c.)
 */
#ifndef COMMON_WATCHDOG_H
#define COMMON_WATCHDOG_H

#include "common/pcpu.h"

/*
 * Reads the options watchdog, watchdog_timeout and boot_timeout. Before it nothing is watched: it
 * comes last, as the boot CPU may take minutes to build domains.
 */
void watchdog_init(void);

/*
 * cpu saw at t (ns) that next's timer is overdue. Interrupts next with an NMI if it has been inside
 * Keel since the timeout, and panics if not even that helps. On cpu, interrupts off.
 */
void watchdog_look(struct pcpu *cpu, struct pcpu *next, u64 t);

/* Waits for a lock that another CPU holds: true once it has taken longer than the timeout. */
bool watchdog_waits(struct watch *w);

/*
 * The deadline for Dom0 to say that it is up, in seconds from now on as text; "0": none, or it is
 * up. Whoever writes /params/boot_timeout calls it (hypfs.c). -EINVAL: no number, or more than a
 * day.
 */
int watchdog_set_boot_timeout(const char *seconds);
/* The one that was set last; 0: none. */
unsigned int watchdog_boot_timeout(void);

/* Arch: an NMI for cpu, whose handler panics there if it has found the CPU inside Keel. */
void arch_cpu_is_stuck(struct pcpu *cpu);

#endif
