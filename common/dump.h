/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COMMON_DUMP_H
#define COMMON_DUMP_H

struct vcpu;

/* Prints what all CPUs, domains and vCPUs are doing: debug key q, and NMIs. No locks held. */
void dump_machine(void);

/* Arch: adds where v is, by its registers as they were saved last. */
void arch_vcpu_dump(const struct vcpu *v);

#endif
