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

#define XEN_EFI_get_time                    1
#define XEN_EFI_set_time                    2
#define XEN_EFI_get_wakeup_time             3
#define XEN_EFI_set_wakeup_time             4
#define XEN_EFI_get_variable                6
#define XEN_EFI_set_variable                7
#define XEN_EFI_get_next_variable_name      8
#define XEN_EFI_query_variable_info         9
#define XEN_EFI_query_capsule_capabilities 10
#define XEN_EFI_update_capsule             11

/* In misc. */
#define XEN_EFI_GET_TIME_SET_CLEARS_NS      1
#define XEN_EFI_GET_WAKEUP_TIME_ENABLED     1
#define XEN_EFI_GET_WAKEUP_TIME_PENDING     2
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE      1
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY 2

/* EFI_TIME, as the firmware has it. */
struct xenpf_efi_time {
	uint16_t year;
	uint8_t month, day, hour, min, sec;
	uint32_t ns;
	int16_t tz;
	uint8_t daylight;
};

struct xenpf_efi_guid {
	uint32_t data1;
	uint16_t data2, data3;
	uint8_t data4[8];
};

struct xenpf_efi_runtime_call {
	uint32_t function; /* XEN_EFI_* */
	uint32_t misc;     /* flags, a variable's attributes, or the count */
	uint64_t status;
	union {
		struct {
			struct xenpf_efi_time time;
			uint32_t resolution, accuracy;
		} get_time;
		struct xenpf_efi_time set_time, get_wakeup_time, set_wakeup_time;
		struct {
			uint64_t name; /* guest address, 16-bit characters up to a 0 */
			uint64_t size;
			uint64_t data; /* guest address */
			struct xenpf_efi_guid vendor_guid;
		} get_variable, set_variable;
		struct {
			uint64_t size, name;
			struct xenpf_efi_guid vendor_guid;
		} get_next_variable_name;
		struct {
			uint32_t attr;
			uint64_t max_store_size, remain_store_size, max_size;
		} query_variable_info;
	} u;
};

#define XEN_FW_EFI_INFO         4
#define XEN_FW_EFI_VERSION      0
#define XEN_FW_EFI_CONFIG_TABLE 1
#define XEN_FW_EFI_MEM_INFO     3
#define XEN_FW_EFI_RT_VERSION   4

struct xenpf_firmware_info {
	uint32_t type;  /* XEN_FW_EFI_INFO */
	uint32_t index; /* XEN_FW_EFI_* */
	union {
		union {
			uint32_t version;
			struct {
				uint64_t addr;
				uint32_t nent;
			} cfg;
			struct {
				uint64_t addr, size; /* IN, OUT */
				uint64_t attr;
				uint32_t type;
			} mem;
		} efi_info;
	} u;
};

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
		struct xenpf_efi_runtime_call efi_runtime_call;
		struct xenpf_firmware_info firmware_info;
		uint8_t pad[128];
	} u;
};

#endif
