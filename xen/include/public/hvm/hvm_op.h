/* SPDX-License-Identifier: MIT */
/* hvm_op: parameters and the upcall vector of HVM and PVH domains. */
#ifndef XEN_PUBLIC_HVM_HVM_OP_H
#define XEN_PUBLIC_HVM_HVM_OP_H

#include <public/xen.h>

#define HVMOP_set_param                0
#define HVMOP_get_param                1
#define HVMOP_flush_tlbs               5
#define HVMOP_pagetable_dying          9
#define HVMOP_get_time                 10
#define HVMOP_get_mem_type             15
#define HVMOP_set_evtchn_upcall_vector 23
#define HVMOP_guest_request_vm_event   24
#define HVMOP_altp2m                   25

struct xen_hvm_param {
	domid_t domid; /* IN */
	uint16_t pad;
	uint32_t index; /* IN: HVM_PARAM_* */
	uint64_t value; /* IN or OUT */
};

struct xen_hvm_get_time {
	uint64_t now; /* OUT: ns of system time */
};

enum hvmmem_type {
	HVMMEM_ram_rw,
	HVMMEM_ram_ro,
	HVMMEM_mmio_dm,
};

struct xen_hvm_get_mem_type {
	domid_t domid;     /* IN */
	uint16_t mem_type; /* OUT: HVMMEM_* */
	uint16_t pad[2];
	uint64_t pfn; /* IN */
};

struct xen_hvm_evtchn_upcall_vector {
	uint32_t vcpu;  /* IN */
	uint8_t vector; /* IN: at least 0x10 */
};

#endif
