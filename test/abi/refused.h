/* SPDX-License-Identifier: MIT */
/*
 * Numbers and structures of Xen's ABI that Keel does not implement: tests ask for them, and
 * check-abi compares them with Xen's, too.
 */
#ifndef TEST_ABI_REFUSED_H
#define TEST_ABI_REFUSED_H

#include <public/xen.h>

#define XEN_DOMCTL_soft_reset           79
#define XEN_X86_EMU_IOAPIC              (1u << 4)
#define XEN_SCHEDULER_CREDIT            5
#define EVTCHNOP_bind_pirq              2
#define EVTCHN_2L_NR_CHANNELS           (sizeof(xen_ulong_t) * sizeof(xen_ulong_t) * 64)
#define XENFEAT_hvm_pirqs               10
#define GTF_invalid                     (0u << 0)
#define GTF_accept_transfer             (2u << 0)
#define GNTTABOP_dump_table             3
#define GNTTABOP_transfer               4
#define GNTTABOP_get_status_frames      9
#define HVM_SAVE_CODE_PIC               3
#define HVM_SAVE_CODE_IOAPIC            4
#define XEN_HVM_MEMMAP_TYPE_RAM         1 /* the types are E820's (ACPI 6.5, table 15.4) */
#define XEN_MC_notifydomain             2
#define XENMEM_get_sharing_freed_pages  18
#define XENMEM_get_sharing_shared_pages 19
#define XENMEM_resource_ioreq_server    0
#define PHYSDEVOP_prepare_msix          30
#define XEN_PCI_DEV_EXTFN               0x1
#define XENPF_change_freq               52
#define XENPF_resource_op               61
#define SCHEDOP_pin_override            7
#define XEN_SYSCTL_PHYSCAP_pv           (1u << 1)
#define __HYPERVISOR_mmuext_op          26
#define __HYPERVISOR_xsm_op             27
#define __HYPERVISOR_kexec_op           37
#define __HYPERVISOR_argo_op            39
#define __HYPERVISOR_xenpmu_op          40
#define __HYPERVISOR_dm_op              41
#define NR_VIRQS                        24
#define DOMID_XEN                       0x7FF2u

/* As 4.20 writes it. */
struct hvm_hw_lapic_v20 {
	uint64_t apic_base_msr;
	uint32_t disabled, timer_divisor;
	uint64_t tdt_msr;
	uint32_t pending_esr, rsvd_zero;
};

struct physdev_map_pirq {
	domid_t domid;
	int32_t type; /* MAP_PIRQ_TYPE_* */
	int32_t index, pirq, bus, devfn, entry_nr;
	uint64_t table_base;
};

struct physdev_unmap_pirq {
	domid_t domid;
	int32_t pirq;
};

struct xen_varbuf {
	uint32_t len; /* IN */
	uint8_t buf[XEN_FLEX_ARRAY_DIM];
};

#endif
