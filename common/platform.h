/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine, as far as the control domain queries it. */
#ifndef COMMON_PLATFORM_H
#define COMMON_PLATFORM_H

#include "common/boot_info.h"
#include "common/types.h"

extern struct boot_info boot_info; /* Keel's copy of what the loader passed */
#define for_each_boot_range(r) \
	for (const struct boot_range *r = boot_info.ranges; \
	     r < boot_info.ranges + boot_info.nr_ranges; r++)

/* Arch: fills in what firmware and ACPI call a CPU that is up. */
struct xenpf_pcpuinfo;
void arch_cpu_ids(unsigned int cpu, struct xenpf_pcpuinfo *info);

/*
 * Arch: puts the newest microcode for this machine in the guest's file into all CPUs. force: even
 * if it is not newer. -EINVAL, -ENOENT, -EEXIST and others of docs/abi.md; -EIO: a CPU did not take
 * it, and is named on the console.
 */
long arch_microcode_update(u64 gva, u32 len, bool force);

#endif
