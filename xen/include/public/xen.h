/* SPDX-License-Identifier: MIT */
/*
 * The core of the Xen ABI on x86-64: hypercall numbers, domain ids, virtual interrupts and the
 * memory that a domain shares with the hypervisor. Arguments that are guest pointers are plain
 * 64-bit guest addresses. test/abi asserts the size and offsets of every struct here.
 */
#ifndef XEN_PUBLIC_XEN_H
#define XEN_PUBLIC_XEN_H

/* Hypercall numbers: RAX; arguments in RDI, RSI, RDX, R10, R8; result in RAX. */
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_hypfs_op                      42
#define __HYPERVISOR_arch_0                        48

/* Each hypercall page entry is this long; the entry of hypercall n starts at n times it. */
#define XEN_HYPERCALL_STUB_SIZE 32

/* Virtual interrupts. TIMER, DEBUG, XENOPROF and XENPMU are per vCPU, the others global. */
#define VIRQ_TIMER      0
#define VIRQ_DEBUG      1
#define VIRQ_CONSOLE    2
#define VIRQ_DOM_EXC    3
#define VIRQ_XENOPROF   7
#define VIRQ_CON_RING   8
#define VIRQ_XENPMU     13
#define VIRQ_ARCH_0     16

/* Domain ids from FIRST_RESERVED on name no domain of their own. */
#define DOMID_FIRST_RESERVED 0x7FF0u
#define DOMID_SELF           0x7FF0u
#define DOMID_IO             0x7FF1u
#define DOMID_INVALID        0x7FF4u
#define DOMID_IDLE           0x7FFFu

/* console_io commands. */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* vm_assist commands and the assists. */
#define VMASST_CMD_enable                   0
#define VMASST_CMD_disable                  1
#define VMASST_TYPE_runstate_update_flag    5

/* hvm_start_info.flags. */
#define SIF_PRIVILEGED      (1 << 0)
#define SIF_INITDOMAIN      (1 << 1)

#define XEN_LEGACY_MAX_VCPUS     32
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#ifndef __ASSEMBLY__

#include <stddef.h>
#include <stdint.h>

/* Guest pointers inside of argument structs: guest virtual addresses, never dereferenced here. */
#define XEN_GUEST_HANDLE(type)    uint64_t
#define XEN_GUEST_HANDLE_64(type) uint64_t

#define XEN_FLEX_ARRAY_DIM

typedef uint16_t domid_t;
typedef uint64_t xen_pfn_t;
typedef uint64_t xen_ulong_t;
typedef uint8_t xen_domain_handle_t[16];

/* pvclock. Odd version: being updated. flags: bits below. */
struct vcpu_time_info {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad1[2];
};

#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0)

struct arch_vcpu_info {
	uint64_t cr2, pad;
};

struct vcpu_info {
	uint8_t evtchn_upcall_pending, evtchn_upcall_mask;
	xen_ulong_t evtchn_pending_sel;
	struct arch_vcpu_info arch;
	struct vcpu_time_info time;
};

struct arch_shared_info {
	uint64_t max_pfn;
	xen_pfn_t pfn_to_mfn_frame_list_list;
	uint64_t nmi_reason, p2m_cr3, p2m_vaddr, p2m_generation;
};

struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	xen_ulong_t evtchn_pending[64];
	xen_ulong_t evtchn_mask[64];
	uint32_t wc_version, wc_sec, wc_nsec, wc_sec_hi;
	struct arch_shared_info arch;
};

struct multicall_entry {
	xen_ulong_t op, result;
	xen_ulong_t args[6];
};

/* A bitmap in guest memory, byte by byte, lowest bit first. */
struct xenctl_bitmap {
	XEN_GUEST_HANDLE_64(uint8) bitmap;
	uint32_t nr_bits;
};

/* XENPF_get_dom0_console: the text or graphics mode that the firmware left. */
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

struct dom0_vga_console_info {
	uint8_t video_type;
	union {
		struct {
			uint16_t font_height, cursor_x, cursor_y, rows, columns;
		} text_mode_3;
		struct {
			uint16_t width, height, bytes_per_line, bits_per_pixel;
			uint32_t lfb_base;
			uint32_t lfb_size; /* in 64 KiB units */
			uint8_t red_pos, red_size, green_pos, green_size;
			uint8_t blue_pos, blue_size, rsvd_pos, rsvd_size;
			uint32_t gbl_caps;
			uint16_t mode_attrs, pad;
			uint32_t ext_lfb_base;
		} vesa_lfb;
	} u;
};

/* One serialised CPUID leaf or MSR of a domain's policy. */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu

struct xen_cpuid_leaf {
	uint32_t leaf, subleaf, a, b, c, d;
};

struct xen_msr_entry {
	uint32_t idx, flags;
	uint64_t val;
};

#endif /* __ASSEMBLY__ */
#endif
