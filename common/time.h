/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest time: pvclock and the wall clock in shared_info (public/xen.h), and the timers of vCPUs. */
#ifndef COMMON_TIME_H
#define COMMON_TIME_H

#include "common/clock.h"
#include "common/domain.h"

/* Counts changes of the host's clock, so that each vCPU learns of each change once. Starts at 1. */
extern u32 time_version;

void vcpu_time_write(struct vcpu *v);

/*
 * Writes v's vcpu_time_info (in vcpu_info and the registered time area) if it is not current. On
 * v's CPU, before entry. No locks. v->time_version = 0 requests it (after vcpu_info moved back, the
 * TSC offset changed, or a time area was registered).
 */
static inline void vcpu_time_update(struct vcpu *v)
{
	if (unlikely(v->time_version != READ_ONCE(time_version)))
		vcpu_time_write(v);
}

/*
 * The host's clock has a new slope: tells all running vCPUs, and arms all timers again. Any
 * context.
 */
void time_changed(void);

/* Writes wc_* of d's shared_info. Any locks below RANK_HW. */
void domain_wallclock_update(struct domain *d);
/* XENPF_settime64: the wall clock at system_time, to all domains. */
void wallclock_set(u64 sec, u32 nsec, u64 system_time);
u64 wallclock_sec(void); /* seconds since 1970, now */

/* Timers of a vCPU (VCPUOP_*_timer): set up and torn down with it. */
void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_destroy(struct vcpu *v);
/* From now on they fire on the CPU that v runs on. Any lock below RANK_TIMER. */
void vcpu_timers_migrate(struct vcpu *v, struct pcpu *cpu);

/*
 * VCPUOP_set_singleshot_timer of the current vCPU: a time in the past fires at once. 0, or -ETIME
 * if flags has VCPU_SSHOTTMR_future and the time is past, or -EINVAL for other flags.
 */
int vcpu_set_singleshot(struct vcpu *v, u64 abs_ns, u32 flags);
void vcpu_stop_singleshot(struct vcpu *v);
/* VCPUOP_set_periodic_timer: 0, or -EINVAL for less than 1 ms or more than 2^63 ns. */
int vcpu_set_periodic(struct vcpu *v, u64 period_ns);
void vcpu_stop_periodic(struct vcpu *v);

/*
 * Copies the run state to the area that the guest registered, if any. On v's CPU. No locks (takes
 * the p2m's).
 */
void runstate_area_update(struct vcpu *v);

/*
 * Arch: the scale from TSC to ns, the same on all CPUs. stable: it never changes, and no CPU's TSC
 * is behind another's.
 */
struct tsc_scale { u64 tsc_base, ns_base; u32 mul; s8 shift; bool stable; };
void arch_tsc_scale(struct tsc_scale *out);
u32 arch_tsc_khz(void);
/* This CPU's TSC now. */
u64 arch_read_tsc(void);
/* TSC offset of a guest: guest TSC = host TSC + offset. */
s64 arch_vcpu_tsc_offset(struct vcpu *v);

#endif
