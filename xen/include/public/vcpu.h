/* SPDX-License-Identifier: MIT */
/* vcpu_op: per-vCPU state, areas in guest memory and timers. */
#ifndef XEN_PUBLIC_VCPU_H
#define XEN_PUBLIC_VCPU_H

#include <public/xen.h>

#define VCPUOP_initialise                    0
#define VCPUOP_up                            1
#define VCPUOP_down                          2
#define VCPUOP_is_up                         3
#define VCPUOP_get_runstate_info             4
#define VCPUOP_register_runstate_memory_area 5
#define VCPUOP_set_periodic_timer            6
#define VCPUOP_stop_periodic_timer           7
#define VCPUOP_set_singleshot_timer          8
#define VCPUOP_stop_singleshot_timer         9
#define VCPUOP_register_vcpu_info            10
#define VCPUOP_send_nmi                      11
#define VCPUOP_get_physid                    12
#define VCPUOP_register_vcpu_time_memory_area 13

#define RUNSTATE_running  0
#define RUNSTATE_runnable 1
#define RUNSTATE_blocked  2
#define RUNSTATE_offline  3

/* In state_entry_time while the area is being written, if the guest asked for it. */
#define XEN_RUNSTATE_UPDATE (1ull << 63)

struct vcpu_runstate_info {
	int32_t state;             /* RUNSTATE_* */
	uint64_t state_entry_time; /* ns of system time */
	uint64_t time[4];          /* ns spent in each state */
};

struct vcpu_register_runstate_memory_area {
	union {
		XEN_GUEST_HANDLE(vcpu_runstate_info) h;
		uint64_t v;
		uint64_t p; /* for the phys_area operation */
	} addr;
};

struct vcpu_set_periodic_timer {
	uint64_t period_ns;
};

/* Fail with -ETIME instead of firing at once when the time is past. */
#define VCPU_SSHOTTMR_future (1u << 0)

struct vcpu_set_singleshot_timer {
	uint64_t timeout_abs_ns; /* system time */
	uint32_t flags;          /* VCPU_SSHOTTMR_* */
};

struct vcpu_register_vcpu_info {
	uint64_t mfn;    /* gfn of the page */
	uint32_t offset; /* in the page */
	uint32_t rsvd;
};

struct vcpu_register_time_memory_area {
	union {
		XEN_GUEST_HANDLE(vcpu_time_info) h;
		uint64_t v, p;
	} addr;
};

#endif
