/* SPDX-License-Identifier: MIT */
/* What a PVH kernel finds at the physical address in EBX. */
#ifndef XEN_PUBLIC_HVM_START_INFO_H
#define XEN_PUBLIC_HVM_START_INFO_H

#include <public/xen.h>

#define XEN_HVM_START_MAGIC_VALUE 0x336ec578


#ifndef __ASSEMBLY__

struct hvm_start_info {
	uint32_t magic, version;
	uint32_t flags; /* SIF_* */
	uint32_t nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr;
	/* From version 1 on. */
	uint64_t memmap_paddr;
	uint32_t memmap_entries, reserved;
};

struct hvm_modlist_entry {
	uint64_t paddr, size, cmdline_paddr, reserved;
};

struct hvm_memmap_table_entry {
	uint64_t addr, size;
	uint32_t type; /* XEN_HVM_MEMMAP_TYPE_* */
	uint32_t reserved;
};

#endif /* __ASSEMBLY__ */
#endif
