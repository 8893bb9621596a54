/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory while boot services run, their exit, and the memory map after that. */
#include "xen/efi/loader.h"

#define EXIT_TRIES	8

struct memory_map {
	EFI_MEMORY_DESCRIPTOR *data;
	UINTN nr, key, desc_size;
};

/* Reads the map into new pool memory. */
static BOOLEAN map_get(struct memory_map *m)
{
	UINT32 version;

	m->data = LibMemoryMap(&m->nr, &m->key, &m->desc_size, &version);
	return m->data != NULL;
}

static const EFI_MEMORY_DESCRIPTOR *map_entry(const struct memory_map *m, UINTN i)
{
	return (const EFI_MEMORY_DESCRIPTOR *)((const UINT8 *)m->data + i * m->desc_size);
}

/* The highest free address in [lo, hi) of @m, or 0. */
static UINT64 find_place(const struct memory_map *m, UINT64 size, UINT64 align, UINT64 lo,
			 UINT64 hi)
{
	UINT64 best = 0;
	UINTN i;

	for (i = 0; i < m->nr; i++) {
		const EFI_MEMORY_DESCRIPTOR *d = map_entry(m, i);
		UINT64 base = d->PhysicalStart, end = base + d->NumberOfPages * EFI_PAGE_SIZE;

		if (d->Type != EfiConventionalMemory)
			continue;
		base = base < lo ? lo : base;
		end = end > hi ? hi : end;
		if (end <= base || end - base < size)
			continue;
		end = (end - size) & ~(align - 1);
		if (end >= base && end > best)
			best = end;
	}
	return best;
}

VOID *loader_alloc(UINT64 size, UINT64 align, EFI_MEMORY_TYPE type, BOOLEAN strict)
{
	static const struct {
		UINT64 lo, hi;
	} windows[] = {
		{ KERNEL_PLACE_END, 4 * GIB },
		{ 1 * MIB, KERNEL_PLACE },
		{ 1 * MIB, 4 * GIB },
	};
	struct memory_map m;
	EFI_PHYSICAL_ADDRESS place = 0;
	UINTN i, pages = (size + EFI_PAGE_SIZE - 1) / EFI_PAGE_SIZE;

	if (!map_get(&m))
		return NULL;
	for (i = 0; i < (strict ? 1 : sizeof(windows) / sizeof(windows[0])); i++) {
		place = find_place(&m, pages * EFI_PAGE_SIZE, align, windows[i].lo, windows[i].hi);
		if (place && !EFI_ERROR(BS->AllocatePages(AllocateAddress, type, pages, &place)))
			break;
		place = 0;
	}
	FreePool(m.data);
	return (VOID *)(UINTN)place;
}

/* UEFI 2.10, table 7.10: the use of each type of memory after boot services have ended. */
static VOID add_descriptor(struct boot_info *bi, const EFI_MEMORY_DESCRIPTOR *d)
{
	static const UINT8 types[] = {
		[EfiLoaderCode] = BOOT_RANGE_RAM, [EfiLoaderData] = BOOT_RANGE_RAM,
		[EfiBootServicesCode] = BOOT_RANGE_RAM, [EfiBootServicesData] = BOOT_RANGE_RAM,
		[EfiConventionalMemory] = BOOT_RANGE_RAM, [EfiACPIReclaimMemory] = BOOT_RANGE_ACPI,
		[EfiACPIMemoryNVS] = BOOT_RANGE_NVS, [EfiUnusableMemory] = BOOT_RANGE_UNUSABLE,
		[14] = BOOT_RANGE_PMEM, /* EfiPersistentMemory */
	};
	UINT32 type = d->Type < sizeof(types) ? types[d->Type] : 0;
	UINT32 flags = d->Attribute & EFI_MEMORY_RUNTIME ? BOOT_RANGE_EFI_RUNTIME : 0;

	/* RAM is what can be cached, and what the firmware uses no more. */
	if (!type || (type == BOOT_RANGE_RAM && (flags || !(d->Attribute & EFI_MEMORY_WB))))
		type = BOOT_RANGE_RESERVED;
	boot_info_add_range(bi, d->PhysicalStart, d->NumberOfPages * EFI_PAGE_SIZE, type, flags);
}

EFI_STATUS loader_exit_boot_services(struct loader *l)
{
	struct memory_map m;
	EFI_STATUS status;
	UINTN i, tries = 0;

	/*
	 * A timer event between the two calls may change the map, so that its key is stale. After
	 * the first try only memory may be asked for (UEFI 2.10, 7.4.6).
	 */
	do {
		if (!map_get(&m))
			return loader_error(EFI_OUT_OF_RESOURCES, L"the firmware gives no memory map");
		status = BS->ExitBootServices(l->handle, m.key);
	} while (EFI_ERROR(status) && ++tries < EXIT_TRIES);
	if (EFI_ERROR(status))
		return loader_error(status, L"the firmware does not end its boot services");
	asm volatile("cli");
	for (i = 0; i < m.nr; i++)
		add_descriptor(l->bi, map_entry(&m, i));
	return EFI_SUCCESS;
}
