/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest time: pvclock and the wall clock in shared_info (abi.md 11.7). */
#ifndef COMMON_TIME_H
#define COMMON_TIME_H

#include "common/domain.h"

/* Writes v's vcpu_time_info (in vcpu_info and the registered time area) if it is not current. On v's CPU, before entry. */
void vcpu_time_update(struct vcpu *v);
/* Writes wc_* of d's shared_info. */
void domain_wallclock_update(struct domain *d);
/* XENPF_settime64: wall clock at system_time, to all domains. */
void wallclock_set(u64 sec, u32 nsec, u64 system_time);
u64 wallclock_sec(void); /* seconds since 1970, now */

/* Timers of a vCPU (VCPUOP_*_timer): set up and torn down with it. */
void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_destroy(struct vcpu *v);

/* Arch: the scale from TSC to ns, the same on all CPUs. */
struct tsc_scale { u64 tsc_base, ns_base; u32 mul; s8 shift; bool stable; };
void arch_tsc_scale(struct tsc_scale *out);
u32 arch_tsc_khz(void);
/* TSC offset of a guest: guest TSC = host TSC + offset. */
s64 arch_vcpu_tsc_offset(struct vcpu *v);

#endif
