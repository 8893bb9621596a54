/* SPDX-License-Identifier: MIT */
/* sysctl: control and state of the whole machine. */
#ifndef XEN_PUBLIC_SYSCTL_H
#define XEN_PUBLIC_SYSCTL_H

#include <public/domctl.h>
#include <public/physdev.h>
#include <public/xen.h>

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015

#define XEN_SYSCTL_readconsole            1
#define XEN_SYSCTL_tbuf_op                2
#define XEN_SYSCTL_physinfo               3
#define XEN_SYSCTL_sched_id               4
#define XEN_SYSCTL_perfc_op               5
#define XEN_SYSCTL_getdomaininfolist      6
#define XEN_SYSCTL_debug_keys             7
#define XEN_SYSCTL_availheap              9
#define XEN_SYSCTL_get_pmstat             10
#define XEN_SYSCTL_cpu_hotplug            11
#define XEN_SYSCTL_pm_op                  12
#define XEN_SYSCTL_cputopoinfo            16
#define XEN_SYSCTL_numainfo               17
#define XEN_SYSCTL_cpupool_op             18
#define XEN_SYSCTL_scheduler_op           19
#define XEN_SYSCTL_psr_cmt_op             21
#define XEN_SYSCTL_pcitopoinfo            22
#define XEN_SYSCTL_psr_alloc              23
#define XEN_SYSCTL_get_cpu_featureset     26
#define XEN_SYSCTL_get_cpu_policy         29

struct xen_sysctl_readconsole {
	uint8_t clear;
	uint8_t incremental; /* start at index */
	uint8_t pad0, pad1;
	uint32_t index; /* IN and OUT */
	XEN_GUEST_HANDLE_64(char) buffer;
	uint32_t count; /* IN: room; OUT: bytes */
};

#define XEN_SYSCTL_PHYSCAP_hvm                (1u << 0)
#define XEN_SYSCTL_PHYSCAP_hap                (1u << 3)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1          (1u << 8)

struct xen_sysctl_physinfo {
	uint32_t threads_per_core, cores_per_socket, nr_cpus, max_cpu_id, nr_nodes;
	uint32_t max_node_id, cpu_khz;
	uint32_t capabilities; /* XEN_SYSCTL_PHYSCAP_* */
	uint32_t arch_capabilities, pad;
	uint64_t total_pages, free_pages, scrub_pages, outstanding_pages, max_mfn;
	uint32_t hw_cap[8];
};

struct xen_sysctl_sched_id {
	uint32_t sched_id; /* OUT: XEN_SCHEDULER_* */
};

struct xen_sysctl_getdomaininfolist {
	domid_t first_domain;
	uint32_t max_domains;
	XEN_GUEST_HANDLE_64(xen_domctl_getdomaininfo_t) buffer;
	uint32_t num_domains; /* OUT */
};

struct xen_sysctl_debug_keys {
	XEN_GUEST_HANDLE_64(const_char) keys;
	uint32_t nr_keys;
};

struct xen_sysctl_availheap {
	uint32_t min_bitwidth, max_bitwidth;
	int32_t node; /* -1: all */
	uint64_t avail_bytes; /* OUT */
};

struct xen_sysctl_cputopo {
	uint32_t core, socket, node;
};

struct xen_sysctl_cputopoinfo {
	uint32_t num_cpus; /* IN and OUT */
	XEN_GUEST_HANDLE_64(xen_sysctl_cputopo_t) cputopo;
};

struct xen_sysctl_meminfo {
	uint64_t memsize, memfree;
};

struct xen_sysctl_numainfo {
	uint32_t num_nodes; /* IN and OUT */
	XEN_GUEST_HANDLE_64(xen_sysctl_meminfo_t) meminfo;
	XEN_GUEST_HANDLE_64(uint32) distance;
};

#define XEN_SYSCTL_CPUPOOL_OP_CREATE     1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY    2
#define XEN_SYSCTL_CPUPOOL_OP_INFO       3
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU     4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU      5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN 6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO   7

#define XEN_SYSCTL_CPUPOOL_PAR_ANY 0xffffffff

struct xen_sysctl_cpupool_op {
	uint32_t op; /* XEN_SYSCTL_CPUPOOL_OP_* */
	uint32_t cpupool_id, sched_id, domid, cpu, n_dom;
	struct xenctl_bitmap cpumap;
};

struct xen_sysctl_credit_schedule {
	uint32_t tslice_ms, ratelimit_us, vcpu_migr_delay_us;
};

struct xen_sysctl_credit2_schedule {
	uint32_t ratelimit_us;
};

#define XEN_SYSCTL_SCHED_RATELIMIT_MAX 500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN 100

#define XEN_SYSCTL_SCHEDOP_putinfo 0
#define XEN_SYSCTL_SCHEDOP_getinfo 1

struct xen_sysctl_scheduler_op {
	uint32_t cpupool_id;
	uint32_t sched_id; /* XEN_SCHEDULER_* */
	uint32_t cmd;      /* XEN_SYSCTL_SCHEDOP_* */
	union {
		struct {
			XEN_GUEST_HANDLE_64(xen_sysctl_arinc653_schedule_t) schedule;
		} sched_arinc653;
		struct xen_sysctl_credit_schedule sched_credit;
		struct xen_sysctl_credit2_schedule sched_credit2;
	} u;
};

#define XEN_INVALID_NODE_ID (~0U)
#define XEN_INVALID_DEV     (XEN_INVALID_NODE_ID - 1)

struct xen_sysctl_pcitopoinfo {
	uint32_t num_devs; /* IN: how many; OUT: how many were done */
	XEN_GUEST_HANDLE_64(physdev_pci_device_t) devs;
	XEN_GUEST_HANDLE_64(uint32) nodes; /* OUT; XEN_INVALID_DEV: no such one */
};

#define XEN_SYSCTL_cpu_featureset_raw     0
#define XEN_SYSCTL_cpu_featureset_host    1
#define XEN_SYSCTL_cpu_featureset_pv      2
#define XEN_SYSCTL_cpu_featureset_hvm     3
#define XEN_SYSCTL_cpu_featureset_pv_max  4
#define XEN_SYSCTL_cpu_featureset_hvm_max 5

struct xen_sysctl_cpu_featureset {
	uint32_t index;       /* XEN_SYSCTL_cpu_featureset_* */
	uint32_t nr_features; /* IN and OUT: words */
	XEN_GUEST_HANDLE_64(uint32) features;
};

#define XEN_SYSCTL_cpu_policy_raw         0
#define XEN_SYSCTL_cpu_policy_host        1
#define XEN_SYSCTL_cpu_policy_pv_max      2
#define XEN_SYSCTL_cpu_policy_hvm_max     3
#define XEN_SYSCTL_cpu_policy_pv_default  4
#define XEN_SYSCTL_cpu_policy_hvm_default 5

struct xen_sysctl_cpu_policy {
	uint32_t index;     /* XEN_SYSCTL_cpu_policy_* */
	uint32_t nr_leaves; /* IN and OUT */
	uint32_t nr_msrs;   /* IN and OUT */
	uint32_t _rsvd;
	XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves;
	XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;
};

struct xen_sysctl {
	uint32_t cmd; /* XEN_SYSCTL_* */
	uint32_t interface_version; /* XEN_SYSCTL_INTERFACE_VERSION */
	union {
		struct xen_sysctl_readconsole readconsole;
		struct xen_sysctl_physinfo physinfo;
		struct xen_sysctl_cputopoinfo cputopoinfo;
		struct xen_sysctl_numainfo numainfo;
		struct xen_sysctl_sched_id sched_id;
		struct xen_sysctl_getdomaininfolist getdomaininfolist;
		struct xen_sysctl_debug_keys debug_keys;
		struct xen_sysctl_availheap availheap;
		struct xen_sysctl_cpupool_op cpupool_op;
		struct xen_sysctl_scheduler_op scheduler_op;
		struct xen_sysctl_pcitopoinfo pcitopoinfo;
		struct xen_sysctl_cpu_featureset cpu_featureset;
		struct xen_sysctl_cpu_policy cpu_policy;
		uint8_t pad[128];
	} u;
};

#endif
