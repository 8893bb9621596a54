/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order in the guest's memory: kernel where it is linked, start_info with the small tables,
 * command line, ramdisk. Linux reads the module list and the memory map through boot page tables
 * that reach 1 GiB, command line and ramdisk by 32-bit addresses.
 */
#include "lib/layout.h"

#include <errno.h>
#include <public/hvm/pvh_layout.h>

#define PAGE		4096ULL
#define GIB		(1ULL << 30)

_Static_assert(LAYOUT_START_SIZE <= PAGE,
	       "start_info and what belongs to it share a page");

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

static void add(struct layout *l, uint64_t start, uint64_t size, uint32_t type)
{
	l->range[l->ranges++] = (struct layout_range){ start, size, type };
}

/* 32-bit BARs take a range that is RAM in other guests. */
static uint64_t hole_start(bool pci)
{
	return pci ? PVH_PCI_WINDOW32_BASE : LAYOUT_HOLE_START;
}

void layout_map(struct layout *l, uint64_t memory, bool pci)
{
	uint64_t hole = hole_start(pci);

	*l = (struct layout){ .low_end = memory < hole ? memory : hole };
	if (memory > hole)
		l->high_end = LAYOUT_HOLE_END + memory - hole;
	add(l, 0, l->low_end, RANGE_RAM);
	add(l, LAYOUT_ACPI, LAYOUT_ACPI_PAGES * PAGE, RANGE_ACPI);
	if (pci)
		add(l, PVH_PCI_ECAM_BASE, (uint64_t)PVH_PCI_BUSES << 20, RANGE_RESERVED);
	add(l, LAYOUT_SPECIAL_GFN * PAGE, LAYOUT_SPECIAL_PAGES * PAGE, RANGE_RESERVED);
	if (l->high_end)
		add(l, LAYOUT_HOLE_END, l->high_end - LAYOUT_HOLE_END, RANGE_RAM);
}

int layout_make(struct layout *l, const struct layout_request *r, struct keel_error *e)
{
	unsigned long long hole = hole_start(r->pci);
	uint64_t end;

	layout_map(l, r->memory, r->pci);
	if (r->cmdline_size > LAYOUT_MAX_CMDLINE)
		return keel_fail(e, EINVAL, "the kernel's command line is %llu bytes long; at most %d "
				 "are possible", (unsigned long long)r->cmdline_size - 1,
				 LAYOUT_MAX_CMDLINE - 1);
	if (r->ramdisk_size > hole)
		return keel_fail(e, EFBIG, "a ramdisk of %llu bytes does not fit below 4 GiB",
				 (unsigned long long)r->ramdisk_size);

	l->start_info = round_up(r->kernel_end, PAGE);
	l->cmdline = l->start_info + PAGE;
	l->ramdisk = l->cmdline + round_up(r->cmdline_size, PAGE);
	if (l->cmdline > GIB)
		return keel_fail(e, EINVAL, "the kernel ends at %#llx; it must leave room below 1 GiB",
				 (unsigned long long)r->kernel_end);
	end = l->ramdisk + round_up(r->ramdisk_size, PAGE);
	/* The guest needs some memory of its own to start at all. */
	end += 16 << 20;
	if (end > l->low_end && end <= hole)
		return keel_fail(e, ENOMEM, "memory = %llu is not enough for this kernel and ramdisk: they "
				 "take %llu MiB, so set at least memory = %llu",
				 (unsigned long long)(r->memory >> 20),
				 (unsigned long long)((end - (16 << 20)) >> 20),
				 (unsigned long long)(round_up(end, 1 << 20) >> 20));
	if (end > l->low_end)
		return keel_fail(e, EFBIG, "kernel and ramdisk do not fit below %#llx", hole);
	return 0;
}

void layout_start_info(const struct layout *l, uint64_t ramdisk_size, struct pvh_start *s)
{
	pvh_start_fill(s, l->start_info, l->cmdline, LAYOUT_ACPI, ramdisk_size ? l->ramdisk : 0,
		       ramdisk_size, l->ranges);
	for (unsigned int i = 0; i < LAYOUT_RANGES; i++)
		s->map[i] = (struct hvm_memmap_table_entry){
			.addr = l->range[i].start, .size = l->range[i].size, .type = l->range[i].type,
		};
}
