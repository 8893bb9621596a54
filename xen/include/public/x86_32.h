/* SPDX-License-Identifier: MIT */
/*
 * What 32-bit guests see otherwise: longs and pointers of 4 bytes. All else looks the same to both
 * (test/abi/layout32.c).
 */
#ifndef XEN_PUBLIC_X86_32_H
#define XEN_PUBLIC_X86_32_H

#include <public/xen.h>

struct vcpu_info_32 {
	uint8_t evtchn_upcall_pending, evtchn_upcall_mask;
	uint32_t evtchn_pending_sel;
	uint32_t cr2, pad[5];
	struct vcpu_time_info time;
};

struct shared_info_32 {
	struct vcpu_info_32 vcpu_info[XEN_LEGACY_MAX_VCPUS];
	uint32_t evtchn_pending[32];
	uint32_t evtchn_mask[32];
	uint32_t wc_version, wc_sec, wc_nsec;
	uint32_t arch[6];
	uint32_t wc_sec_hi;
};

struct xen_add_to_physmap_32 {
	domid_t domid;
	uint16_t size;
	uint32_t space, idx, gpfn;
};

struct xen_memory_map_32 {
	uint32_t nr_entries, buffer;
};

struct gnttab_setup_table_32 {
	domid_t dom;
	uint32_t nr_frames;
	int16_t status;
	uint32_t frame_list;
};

#endif
