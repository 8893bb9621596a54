/* SPDX-License-Identifier: MIT */
/*
 * The start information of a PVH guest, as Keel and its toolstack both lay it out: the structure,
 * one module and the memory map in one piece. Keel's own, not in Xen.
 */
#ifndef PUBLIC_HVM_PVH_START_H
#define PUBLIC_HVM_PVH_START_H

#include <public/hvm/start_info.h>

struct pvh_start {
	struct hvm_start_info info;
	uint64_t reserved;
	struct hvm_modlist_entry module;
	struct hvm_memmap_table_entry map[XEN_FLEX_ARRAY_DIM];
};

#define PVH_START_SIZE(ranges)							\
	(sizeof(struct pvh_start) + (ranges) * sizeof(struct hvm_memmap_table_entry))

/*
 * Fills all but flags and map, which has `ranges` entries. All addresses are guest physical; gpa is
 * where s will be. ramdisk 0: there is none.
 */
static inline void pvh_start_fill(struct pvh_start *s, uint64_t gpa, uint64_t cmdline,
				  uint64_t rsdp, uint64_t ramdisk, uint64_t ramdisk_size,
				  uint32_t ranges)
{
	s->module = (struct hvm_modlist_entry){ .paddr = ramdisk, .size = ramdisk_size };
	s->reserved = 0;
	s->info = (struct hvm_start_info){
		.magic = XEN_HVM_START_MAGIC_VALUE,
		.version = 1,
		.nr_modules = ramdisk != 0,
		.modlist_paddr = ramdisk ? gpa + __builtin_offsetof(struct pvh_start, module) : 0,
		.cmdline_paddr = cmdline,
		.rsdp_paddr = rsdp,
		.memmap_paddr = gpa + __builtin_offsetof(struct pvh_start, map),
		.memmap_entries = ranges,
	};
}

#endif
