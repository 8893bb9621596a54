/* SPDX-License-Identifier: MIT */
/*
 * domctl: control of domains. Two interface versions are known, those of Xen 4.17 and of 4.19
 * and 4.20; they differ in createdomain, whose two layouts stand side by side here.
 */
#ifndef XEN_PUBLIC_DOMCTL_H
#define XEN_PUBLIC_DOMCTL_H

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/hvm/save.h>
#include <public/memory.h>
#include <public/vcpu_context.h>
#include <public/xen.h>

#define XEN_DOMCTL_INTERFACE_VERSION_V15 0x00000015
#define XEN_DOMCTL_INTERFACE_VERSION_V17 0x00000017

#define XEN_DOMCTL_createdomain             1
#define XEN_DOMCTL_destroydomain            2
#define XEN_DOMCTL_pausedomain              3
#define XEN_DOMCTL_unpausedomain            4
#define XEN_DOMCTL_getdomaininfo            5
#define XEN_DOMCTL_setvcpuaffinity          9
#define XEN_DOMCTL_shadow_op                10
#define XEN_DOMCTL_max_mem                  11
#define XEN_DOMCTL_setvcpucontext           12
#define XEN_DOMCTL_getvcpucontext           13
#define XEN_DOMCTL_getvcpuinfo              14
#define XEN_DOMCTL_max_vcpus                15
#define XEN_DOMCTL_scheduler_op             16
#define XEN_DOMCTL_setdomainhandle          17
#define XEN_DOMCTL_irq_permission           19
#define XEN_DOMCTL_iomem_permission         20
#define XEN_DOMCTL_ioport_permission        21
#define XEN_DOMCTL_settimeoffset            24
#define XEN_DOMCTL_getvcpuaffinity          25
#define XEN_DOMCTL_resumedomain             27
#define XEN_DOMCTL_sendtrigger              28
#define XEN_DOMCTL_subscribe                29
#define XEN_DOMCTL_gethvmcontext            33
#define XEN_DOMCTL_sethvmcontext            34
#define XEN_DOMCTL_assign_device            37
#define XEN_DOMCTL_test_assign_device       45
#define XEN_DOMCTL_deassign_device          47
#define XEN_DOMCTL_get_device_group         50
#define XEN_DOMCTL_gettscinfo               59
#define XEN_DOMCTL_settscinfo               60
#define XEN_DOMCTL_getpageframeinfo3        61
#define XEN_DOMCTL_setnodeaffinity          68
#define XEN_DOMCTL_getnodeaffinity          69
#define XEN_DOMCTL_setvnumainfo             74
#define XEN_DOMCTL_get_cpu_policy           82
#define XEN_DOMCTL_set_cpu_policy           83
#define XEN_DOMCTL_get_paging_mempool_size  85
#define XEN_DOMCTL_set_paging_mempool_size  86
#define XEN_DOMCTL_set_llc_colors           89

/* createdomain.flags. */
#define XEN_DOMCTL_CDF_hvm          (1u << 0)
#define XEN_DOMCTL_CDF_hap          (1u << 1)
#define XEN_DOMCTL_CDF_oos_off      (1u << 3)
#define XEN_DOMCTL_CDF_xs_domain    (1u << 4)
#define XEN_DOMCTL_CDF_iommu        (1u << 5)

#define XEN_DOMCTL_IOMMU_no_sharept (1u << 0)
#define XEN_DOMCTL_IOMMU_MAX        XEN_DOMCTL_IOMMU_no_sharept

#define XEN_DOMCTL_GRANT_version_mask 0xf
#define XEN_DOMCTL_GRANT_version(v)   ((v) & XEN_DOMCTL_GRANT_version_mask)

/* xen_arch_domainconfig.emulation_flags. A PVH guest has LAPIC only. */
#define XEN_X86_EMU_LAPIC    (1u << 0)

#define XEN_X86_MSR_RELAXED    (1u << 0)
#define XEN_X86_MISC_FLAGS_MAX XEN_X86_MSR_RELAXED

struct xen_arch_domainconfig {
	uint32_t emulation_flags; /* XEN_X86_EMU_* */
	uint32_t misc_flags;      /* XEN_X86_MSR_RELAXED */
};

/* Interface 0x15. */
struct xen_domctl_createdomain_v15 {
	uint32_t ssidref;
	xen_domain_handle_t handle;
	uint32_t flags;      /* XEN_DOMCTL_CDF_* */
	uint32_t iommu_opts; /* XEN_DOMCTL_IOMMU_* */
	uint32_t max_vcpus, max_evtchn_port;
	int32_t max_grant_frames;    /* negative: the default */
	int32_t max_maptrack_frames; /* negative: the default */
	uint32_t grant_opts, vmtrace_size, cpupool_id;
	struct xen_arch_domainconfig arch;
};

/* Interface 0x17. */
struct xen_domctl_createdomain_v17 {
	uint32_t ssidref;
	xen_domain_handle_t handle;
	uint32_t flags, iommu_opts, max_vcpus, max_evtchn_port;
	int32_t max_grant_frames, max_maptrack_frames;
	uint32_t grant_opts, altp2m_opts, vmtrace_size, cpupool_id;
	struct xen_arch_domainconfig arch;
};

/* getdomaininfo.flags; the shutdown code is in bits 16 to 23. */
#define XEN_DOMINF_dying         (1u << 0)
#define XEN_DOMINF_hvm_guest     (1u << 1)
#define XEN_DOMINF_shutdown      (1u << 2)
#define XEN_DOMINF_paused        (1u << 3)
#define XEN_DOMINF_blocked       (1u << 4)
#define XEN_DOMINF_running       (1u << 5)
#define XEN_DOMINF_xs_domain     (1u << 7)
#define XEN_DOMINF_hap           (1u << 8)
#define XEN_DOMINF_shutdownshift 16

#define XEN_INVALID_MAX_VCPU_ID (~0u)

struct xen_domctl_getdomaininfo {
	domid_t domain;
	uint16_t pad1;
	uint32_t flags; /* XEN_DOMINF_* */
	uint64_t tot_pages, max_pages, outstanding_pages, shr_pages, paged_pages;
	uint64_t shared_info_frame;
	uint64_t cpu_time; /* ns */
	uint32_t nr_online_vcpus, max_vcpu_id, ssidref;
	xen_domain_handle_t handle;
	uint32_t cpupool;
	uint8_t gpaddr_bits;
	uint8_t pad2[7];
	struct xen_arch_domainconfig arch_config;
};

/* The type in the top four bits of a getpageframeinfo3 item. */
#define XEN_DOMCTL_PFINFO_NOTAB      (0x0u << 28)
#define XEN_DOMCTL_PFINFO_XTAB       (0xfu << 28)

struct xen_domctl_getpageframeinfo3 {
	uint64_t num;
	XEN_GUEST_HANDLE_64(xen_pfn_t) array;
};

#define XEN_DOMCTL_SHADOW_OP_OFF              0
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY  2
#define XEN_DOMCTL_SHADOW_OP_CLEAN           11
#define XEN_DOMCTL_SHADOW_OP_PEEK            12
#define XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION  30
#define XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION  31

struct xen_domctl_shadow_op_stats {
	uint32_t fault_count, dirty_count;
};

struct xen_domctl_shadow_op {
	uint32_t op;   /* XEN_DOMCTL_SHADOW_OP_* */
	uint32_t mode, mb;
	XEN_GUEST_HANDLE_64(uint8) dirty_bitmap;
	uint64_t pages; /* IN and OUT */
	struct xen_domctl_shadow_op_stats stats;
};

struct xen_domctl_max_mem {
	uint64_t max_memkb;
};

struct xen_domctl_vcpucontext {
	uint32_t vcpu; /* IN */
	XEN_GUEST_HANDLE_64(vcpu_guest_context_t) ctxt; /* struct vcpu_guest_context */
};

struct xen_domctl_getvcpuinfo {
	uint32_t vcpu; /* IN */
	uint8_t online, blocked, running;
	uint64_t cpu_time; /* ns */
	uint32_t cpu;
};

struct xen_domctl_nodeaffinity {
	struct xenctl_bitmap nodemap;
};

#define XEN_VCPUAFFINITY_HARD  (1u << 0)
#define XEN_VCPUAFFINITY_SOFT  (1u << 1)
#define XEN_VCPUAFFINITY_FORCE (1u << 2)

struct xen_domctl_vcpuaffinity {
	uint32_t vcpu;
	uint32_t flags; /* XEN_VCPUAFFINITY_* */
	struct xenctl_bitmap cpumap_hard;
	struct xenctl_bitmap cpumap_soft;
};

struct xen_domctl_max_vcpus {
	uint32_t max;
};

#define XEN_SCHEDULER_CREDIT2  6
#define XEN_SCHEDULER_NULL     9

#define XEN_DOMCTL_SCHEDOP_putinfo     0
#define XEN_DOMCTL_SCHEDOP_getinfo     1

struct xen_domctl_sched_credit2 {
	uint16_t weight, cap;
};

struct xen_domctl_scheduler_op {
	uint32_t sched_id; /* XEN_SCHEDULER_* */
	uint32_t cmd;      /* XEN_DOMCTL_SCHEDOP_* */
	union {
		struct xen_domctl_sched_credit2 credit2;
		uint8_t pad[16];
	} u;
};

struct xen_domctl_setdomainhandle {
	xen_domain_handle_t handle;
};

struct xen_domctl_irq_permission {
	uint32_t pirq;
	uint8_t allow_access;
	uint8_t pad[3];
};

struct xen_domctl_iomem_permission {
	uint64_t first_mfn, nr_mfns;
	uint8_t allow_access;
};

struct xen_domctl_ioport_permission {
	uint32_t first_port, nr_ports;
	uint8_t allow_access;
};

struct xen_domctl_settimeoffset {
	int64_t time_offset_seconds;
};

struct xen_domctl_hvmcontext {
	uint32_t size; /* IN and OUT: bytes */
	XEN_GUEST_HANDLE_64(uint8) buffer; /* null asks for the size */
};

#define XEN_DOMCTL_SENDTRIGGER_NMI   0
#define XEN_DOMCTL_SENDTRIGGER_RESET 1
#define XEN_DOMCTL_SENDTRIGGER_INIT  2
#define XEN_DOMCTL_SENDTRIGGER_POWER 3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP 4

struct xen_domctl_sendtrigger {
	uint32_t trigger; /* XEN_DOMCTL_SENDTRIGGER_* */
	uint32_t vcpu;
};

#define XEN_DOMCTL_DEV_PCI         0
#define XEN_DOMCTL_DEV_RDM_RELAXED 1

struct xen_domctl_assign_device {
	uint32_t dev;   /* XEN_DOMCTL_DEV_PCI */
	uint32_t flags; /* XEN_DOMCTL_DEV_RDM_RELAXED */
	union {
		struct {
			uint32_t machine_sbdf;
		} pci;
		uint8_t pad[16];
	} u;
};

struct xen_domctl_get_device_group {
	uint32_t machine_sbdf; /* IN */
	uint32_t max_sdevs;    /* IN */
	uint32_t num_sdevs;    /* OUT */
	XEN_GUEST_HANDLE_64(uint32) sdev_array; /* OUT */
};

struct xen_domctl_cpu_policy {
	uint32_t nr_leaves; /* IN and OUT */
	uint32_t nr_msrs;   /* IN and OUT */
	XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves;
	XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;
	uint32_t err_leaf, err_subleaf, err_msr; /* OUT of a refused set: what was refused, or ~0 */
};

struct xen_domctl_subscribe {
	uint32_t port;
};

struct xen_domctl_tsc_info {
	uint32_t tsc_mode, gtsc_khz, incarnation, pad;
	uint64_t elapsed_nsec;
};

struct xen_domctl_paging_mempool {
	uint64_t size; /* bytes */
};

struct xen_domctl {
	uint32_t cmd; /* XEN_DOMCTL_* */
	uint32_t interface_version;
	domid_t domain;
	uint16_t _pad[3];
	union {
		struct xen_domctl_createdomain_v15 createdomain_v15;
		struct xen_domctl_createdomain_v17 createdomain_v17;
		struct xen_domctl_getdomaininfo getdomaininfo;
		struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
		struct xen_domctl_nodeaffinity nodeaffinity;
		struct xen_domctl_vcpuaffinity vcpuaffinity;
		struct xen_domctl_shadow_op shadow_op;
		struct xen_domctl_max_mem max_mem;
		struct xen_domctl_getvcpuinfo getvcpuinfo;
		struct xen_domctl_max_vcpus max_vcpus;
		struct xen_domctl_vcpucontext vcpucontext;
		struct xen_domctl_scheduler_op scheduler_op;
		struct xen_domctl_setdomainhandle setdomainhandle;
		struct xen_domctl_irq_permission irq_permission;
		struct xen_domctl_iomem_permission iomem_permission;
		struct xen_domctl_ioport_permission ioport_permission;
		struct xen_domctl_settimeoffset settimeoffset;
		struct xen_domctl_tsc_info tsc_info;
		struct xen_domctl_hvmcontext hvmcontext;
		struct xen_domctl_sendtrigger sendtrigger;
		struct xen_domctl_get_device_group get_device_group;
		struct xen_domctl_assign_device assign_device;
		struct xen_domctl_subscribe subscribe;
		struct xen_domctl_cpu_policy cpu_policy;
		struct xen_domctl_paging_mempool paging_mempool;
		uint8_t pad[128];
	} u;
};

#endif
