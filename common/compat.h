/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests in 32-bit mode (docs/abi.md, Callers in 32-bit mode). */
#ifndef COMMON_COMPAT_H
#define COMMON_COMPAT_H

#include "common/types.h"

/*
 * A hypercall of the current vCPU, whose code is 32-bit: the result for eax. -ENOSYS: such code may
 * not call it.
 */
long hypercall_dispatch_32bit(u32 nr, const u32 args[5]);
/*
 * The current vCPU sets up something that a kernel sets up early: from now on, its domain's shared
 * memory has the layout of the vCPU's current mode. 0, or -EBUSY (evtchn_set_layout()).
 */
int compat_latch(void);
/* Arch: does the current vCPU execute code that is not 64-bit? */
bool arch_runs_32bit(void);

#endif
