/* SPDX-License-Identifier: MIT */
/* memory_op: a domain's memory and its guest-physical map. */
#ifndef XEN_PUBLIC_MEMORY_H
#define XEN_PUBLIC_MEMORY_H

#include <public/physdev.h>
#include <public/xen.h>

#define XENMEM_increase_reservation       0
#define XENMEM_decrease_reservation       1
#define XENMEM_maximum_ram_page           2
#define XENMEM_current_reservation        3
#define XENMEM_maximum_reservation        4
#define XENMEM_populate_physmap           6
#define XENMEM_add_to_physmap             7
#define XENMEM_memory_map                 9
#define XENMEM_machine_memory_map         10
#define XENMEM_exchange                   11
#define XENMEM_set_memory_map             13
#define XENMEM_maximum_gpfn               14
#define XENMEM_remove_from_physmap        15
#define XENMEM_set_pod_target             16
#define XENMEM_get_pod_target             17
#define XENMEM_add_to_physmap_batch       23
#define XENMEM_claim_pages                24
#define XENMEM_get_vnumainfo              26
#define XENMEM_reserved_device_memory_map 27
#define XENMEM_acquire_resource           28

/* The command's bits from here on hold the extent to go on with after a continuation. */
#define MEMOP_EXTENT_SHIFT 6

/* xen_memory_reservation.mem_flags. */
#define XENMEMF_get_node(x)         ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand  (1 << 16)
#define XENMEMF_exact_node_request  (1 << 17)
#define XENMEMF_vnode               (1 << 18) /* the node is one of the guest's own */

struct xen_memory_reservation {
	XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
	xen_ulong_t nr_extents;
	uint32_t extent_order;
	uint32_t mem_flags; /* XENMEMF_* */
	domid_t domid;
};

/* current_reservation, maximum_reservation, maximum_gpfn. */
struct xen_memory_domain {
	domid_t domid;
};

#define XENMAPSPACE_shared_info  0
#define XENMAPSPACE_grant_table  1
#define XENMAPSPACE_gmfn         2
#define XENMAPSPACE_gmfn_range   3
#define XENMAPSPACE_gmfn_foreign 4
#define XENMAPSPACE_dev_mmio     5

/* In idx with XENMAPSPACE_grant_table: a status frame. */

struct xen_add_to_physmap {
	domid_t domid;
	uint16_t size;  /* of a gmfn_range */
	uint32_t space; /* XENMAPSPACE_* */
	xen_ulong_t idx;
	xen_pfn_t gpfn;
};

union xen_add_to_physmap_batch_extra {
	domid_t foreign_domid; /* gmfn_foreign */
	uint16_t res0;         /* 0 in the other spaces */
};

struct xen_add_to_physmap_batch {
	domid_t domid;
	uint16_t space; /* XENMAPSPACE_* */
	uint16_t size;
	union xen_add_to_physmap_batch_extra u;
	XEN_GUEST_HANDLE(xen_ulong_t) idxs;
	XEN_GUEST_HANDLE(xen_pfn_t) gpfns;
	XEN_GUEST_HANDLE(int) errs; /* OUT: one errno an item */
};

struct xen_remove_from_physmap {
	domid_t domid;
	xen_pfn_t gpfn;
};

/* Entries are packed, as in E820: u64 address, u64 size, u32 type. */
struct xen_memory_map {
	uint32_t nr_entries; /* IN: room; OUT: entries */
	XEN_GUEST_HANDLE(void) buffer;
};

struct xen_foreign_memory_map {
	domid_t domid;
	struct xen_memory_map map;
};

struct xen_pod_target {
	uint64_t target_pages;    /* IN */
	uint64_t tot_pages;       /* OUT */
	uint64_t pod_cache_pages; /* OUT */
	uint64_t pod_entries;     /* OUT */
	domid_t domid;            /* IN */
};

#define XENMEM_RDM_ALL 1

struct xen_reserved_device_memory {
	xen_pfn_t start_pfn;
	xen_ulong_t nr_pages;
};

struct xen_reserved_device_memory_map {
	uint32_t flags;      /* IN: XENMEM_RDM_* */
	uint32_t nr_entries; /* IN: room; OUT: entries */
	XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer;
	union {
		struct physdev_pci_device pci;
	} dev;
};

#define XENMEM_resource_grant_table  1

#define XENMEM_resource_grant_table_id_shared 0

struct xen_mem_acquire_resource {
	domid_t domid;
	uint16_t type; /* XENMEM_resource_* */
	uint32_t id;
	uint32_t nr_frames; /* 0 with a null list asks for the resource's size */
	uint32_t pad;
	uint64_t frame;
	XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* gfns where the frames are to appear */
};

#endif
