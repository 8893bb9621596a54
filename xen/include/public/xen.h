/* SPDX-License-Identifier: MIT */
/*
 * The core of the Xen ABI on x86-64: hypercall numbers, domain ids, virtual interrupts and the
 * memory that a domain shares with the hypervisor. Arguments that are guest pointers are plain
 * 64-bit guest addresses.
 */
#ifndef XEN_PUBLIC_XEN_H
#define XEN_PUBLIC_XEN_H

/* Hypercall numbers: RAX; arguments in RDI, RSI, RDX, R10, R8; result in RAX. */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42
#define __HYPERVISOR_arch_0                        48
#define __HYPERVISOR_arch_1                        49
#define __HYPERVISOR_arch_2                        50
#define __HYPERVISOR_arch_3                        51
#define __HYPERVISOR_arch_4                        52
#define __HYPERVISOR_arch_5                        53
#define __HYPERVISOR_arch_6                        54
#define __HYPERVISOR_arch_7                        55
#define __HYPERVISOR_mca                           __HYPERVISOR_arch_0

/* Each hypercall page entry is this long; the entry of hypercall n starts at n times it. */
#define XEN_HYPERCALL_STUB_SIZE 32

/* Virtual interrupts. TIMER, DEBUG, XENOPROF and XENPMU are per vCPU, the others global. */
#define VIRQ_TIMER      0
#define VIRQ_DEBUG      1
#define VIRQ_CONSOLE    2
#define VIRQ_DOM_EXC    3
#define VIRQ_TBUF       4
#define VIRQ_DEBUGGER   6
#define VIRQ_XENOPROF   7
#define VIRQ_CON_RING   8
#define VIRQ_PCPU_STATE 9
#define VIRQ_MEM_EVENT  10
#define VIRQ_ARGO       11
#define VIRQ_ENOMEM     12
#define VIRQ_XENPMU     13
#define VIRQ_ARCH_0     16
#define VIRQ_ARCH_1     17
#define VIRQ_ARCH_2     18
#define VIRQ_ARCH_3     19
#define VIRQ_ARCH_4     20
#define VIRQ_ARCH_5     21
#define VIRQ_ARCH_6     22
#define VIRQ_ARCH_7     23
#define VIRQ_MCA        VIRQ_ARCH_0
#define NR_VIRQS        24

/* Domain ids from FIRST_RESERVED on name no domain of their own. */
#define DOMID_FIRST_RESERVED 0x7FF0u
#define DOMID_SELF           0x7FF0u
#define DOMID_IO             0x7FF1u
#define DOMID_XEN            0x7FF2u
#define DOMID_COW            0x7FF3u
#define DOMID_INVALID        0x7FF4u
#define DOMID_IDLE           0x7FFFu
#define DOMID_MASK           0x7FFFu

/* console_io commands. */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* vm_assist commands and the assists. */
#define VMASST_CMD_enable                   0
#define VMASST_CMD_disable                  1
#define VMASST_TYPE_4gb_segments            0
#define VMASST_TYPE_4gb_segments_notify     1
#define VMASST_TYPE_writable_pagetables     2
#define VMASST_TYPE_pae_extended_cr3        3
#define VMASST_TYPE_architectural_iopl      4
#define VMASST_TYPE_runstate_update_flag    5
#define VMASST_TYPE_m2p_strict              32

/* hvm_start_info.flags. */
#define SIF_PRIVILEGED      (1 << 0)
#define SIF_INITDOMAIN      (1 << 1)
#define SIF_MULTIBOOT_MOD   (1 << 2)
#define SIF_MOD_START_PFN   (1 << 3)
#define SIF_VIRT_P2M_4TOOLS (1 << 4)
#define SIF_PM_MASK         (0xFF << 8)

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

#define XEN_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), "ABI: size of " #type)
#define XEN_ASSERT_OFFSET(type, field, bytes) \
	_Static_assert(offsetof(type, field) == (bytes), "ABI: offset of " #field " in " #type)

/* pvclock. Odd version: being updated. flags: bits below. */
struct vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad1[2];
};
XEN_ASSERT_SIZE(struct vcpu_time_info, 32);
XEN_ASSERT_OFFSET(struct vcpu_time_info, tsc_timestamp, 8);
XEN_ASSERT_OFFSET(struct vcpu_time_info, system_time, 16);
XEN_ASSERT_OFFSET(struct vcpu_time_info, tsc_to_system_mul, 24);
XEN_ASSERT_OFFSET(struct vcpu_time_info, tsc_shift, 28);
XEN_ASSERT_OFFSET(struct vcpu_time_info, flags, 29);

#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0)
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1)

struct arch_vcpu_info {
	uint64_t cr2;
	uint64_t pad;
};
XEN_ASSERT_SIZE(struct arch_vcpu_info, 16);

struct vcpu_info {
	uint8_t evtchn_upcall_pending;
	uint8_t evtchn_upcall_mask;
	xen_ulong_t evtchn_pending_sel;
	struct arch_vcpu_info arch;
	struct vcpu_time_info time;
};
XEN_ASSERT_SIZE(struct vcpu_info, 64);
XEN_ASSERT_OFFSET(struct vcpu_info, evtchn_upcall_mask, 1);
XEN_ASSERT_OFFSET(struct vcpu_info, evtchn_pending_sel, 8);
XEN_ASSERT_OFFSET(struct vcpu_info, arch, 16);
XEN_ASSERT_OFFSET(struct vcpu_info, time, 32);

struct arch_shared_info {
	uint64_t max_pfn;
	xen_pfn_t pfn_to_mfn_frame_list_list;
	uint64_t nmi_reason;
	uint64_t p2m_cr3;
	uint64_t p2m_vaddr;
	uint64_t p2m_generation;
};
XEN_ASSERT_SIZE(struct arch_shared_info, 48);

struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	xen_ulong_t evtchn_pending[64];
	xen_ulong_t evtchn_mask[64];
	uint32_t wc_version;
	uint32_t wc_sec;
	uint32_t wc_nsec;
	uint32_t wc_sec_hi;
	struct arch_shared_info arch;
};
XEN_ASSERT_SIZE(struct shared_info, 3136);
XEN_ASSERT_OFFSET(struct shared_info, evtchn_pending, 2048);
XEN_ASSERT_OFFSET(struct shared_info, evtchn_mask, 2560);
XEN_ASSERT_OFFSET(struct shared_info, wc_version, 3072);
XEN_ASSERT_OFFSET(struct shared_info, wc_sec_hi, 3084);
XEN_ASSERT_OFFSET(struct shared_info, arch, 3088);

struct multicall_entry {
	xen_ulong_t op;
	xen_ulong_t result;
	xen_ulong_t args[6];
};
XEN_ASSERT_SIZE(struct multicall_entry, 64);

/* A bitmap in guest memory, byte by byte, lowest bit first. */
struct xenctl_bitmap {
	XEN_GUEST_HANDLE_64(uint8) bitmap;
	uint32_t nr_bits;
};
XEN_ASSERT_SIZE(struct xenctl_bitmap, 16);
XEN_ASSERT_OFFSET(struct xenctl_bitmap, nr_bits, 8);

/* XENPF_get_dom0_console: the text or graphics mode that the firmware left. */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

struct dom0_vga_console_info {
	uint8_t video_type;
	union {
		struct {
			uint16_t font_height;
			uint16_t cursor_x, cursor_y;
			uint16_t rows, columns;
		} text_mode_3;
		struct {
			uint16_t width, height;
			uint16_t bytes_per_line;
			uint16_t bits_per_pixel;
			uint32_t lfb_base;
			uint32_t lfb_size; /* in 64 KiB units */
			uint8_t red_pos, red_size;
			uint8_t green_pos, green_size;
			uint8_t blue_pos, blue_size;
			uint8_t rsvd_pos, rsvd_size;
			uint32_t gbl_caps;
			uint16_t mode_attrs;
			uint16_t pad;
			uint32_t ext_lfb_base;
		} vesa_lfb;
	} u;
};

/* One serialised CPUID leaf or MSR of a domain's policy. */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu

struct xen_cpuid_leaf {
	uint32_t leaf, subleaf;
	uint32_t a, b, c, d;
};
XEN_ASSERT_SIZE(struct xen_cpuid_leaf, 24);

struct xen_msr_entry {
	uint32_t idx;
	uint32_t flags;
	uint64_t val;
};
XEN_ASSERT_SIZE(struct xen_msr_entry, 16);

#endif /* __ASSEMBLY__ */
#endif
