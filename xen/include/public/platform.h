/* SPDX-License-Identifier: MIT */
/* platform_op: what Dom0 does for the machine: time, firmware, CPUs. */
#ifndef XEN_PUBLIC_PLATFORM_H
#define XEN_PUBLIC_PLATFORM_H

#include <public/xen.h>

#define XENPF_INTERFACE_VERSION 0x03000001

#define XENPF_microcode_update     35
#define XENPF_efi_runtime_call     49
#define XENPF_firmware_info        50
#define XENPF_enter_acpi_sleep     51
#define XENPF_set_processor_pminfo 54
#define XENPF_get_cpuinfo          55
#define XENPF_cpu_online           56
#define XENPF_cpu_offline          57
#define XENPF_settime64            62
/* From interface 4.18 on. */
#define XENPF_get_dom0_console     64

#define XENPF_microcode_update2    66 /* 4.20 */

struct xenpf_microcode_update {
	uint64_t data;   /* guest address of the file */
	uint32_t length;
};

#define XENPF_UCODE_FORCE 1 /* also what is not newer */

struct xenpf_microcode_update2 {
	uint32_t flags; /* XENPF_UCODE_* */
	uint32_t length;
	uint64_t data;
};

struct xenpf_settime64 {
	uint64_t secs;
	uint32_t nsecs, mbz;
	uint64_t system_time;
};

#define XEN_PCPU_FLAGS_ONLINE  1
#define XEN_PCPU_FLAGS_INVALID 2

struct xenpf_pcpuinfo {
	uint32_t xen_cpuid;   /* IN */
	uint32_t max_present; /* OUT */
	uint32_t flags;       /* OUT: XEN_PCPU_FLAGS_* */
	uint32_t apic_id;     /* OUT */
	uint32_t acpi_id;     /* OUT */
};

struct xen_platform_op {
	uint32_t cmd;               /* XENPF_* */
	uint32_t interface_version; /* XENPF_INTERFACE_VERSION */
	union {
		struct xenpf_settime64 settime64;
		struct xenpf_microcode_update microcode;
		struct xenpf_microcode_update2 microcode2;
		struct xenpf_pcpuinfo pcpu_info;
		struct dom0_vga_console_info dom0_console;
		uint8_t pad[128];
	} u;
};

#endif
