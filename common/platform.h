/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine, as far as the control domain queries it. */
#ifndef COMMON_PLATFORM_H
#define COMMON_PLATFORM_H

#include "common/boot_info.h"
#include "common/types.h"

/* Boot: keeps what the loader passed. */
void platform_init(const struct boot_info *bi);
/* The same; NULL before. */
const struct boot_info *platform_boot_info(void);

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
