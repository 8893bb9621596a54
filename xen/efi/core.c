/* SPDX-License-Identifier: GPL-2.0-only */
/* The core inside keel.efi: its placement, its handoff page tables, and the jump into it. */
#include "arch/x86/boot/layout.h"
#include "common/elf64.h"
#include "common/lib/string.h"
#include "xen/efi/loader.h"

#define SIZE_2M		(2 * MIB)
#define PTE_TABLE	0x003
#define PTE_2M		0x083
#define NR_LOW_PDS	4
#define CR4_LA57	(1UL << 12)

/* One allocation holds the tables, and the code that switches to them. */
struct handoff {
	UINT8 code[4096];
	UINT64 pml4[512];
	UINT64 pdpt_low[512];
	UINT64 pdpt_high[512];
	UINT64 pd_low[NR_LOW_PDS][512];
	UINT64 pd_high[512];
};

extern const UINT8 keel_elf[], keel_elf_end[];
extern const UINT8 handoff_code[], handoff_code_end[];

static EFI_STATUS load_segments(struct loader *l, const struct elf64_ehdr *eh, UINT64 span)
{
	const struct elf64_phdr *seg = (const VOID *)(keel_elf + eh->phoff);
	struct boot_info *bi = l->bi;
	VOID *place;
	UINTN i;

	place = loader_alloc(span, SIZE_2M, EfiLoaderData, TRUE);
	if (!place)
		return loader_error(EFI_OUT_OF_RESOURCES, L"no %ld MiB of memory between 74 MiB and 4 GiB "
				    L"are free for the hypervisor", span / MIB);
	SetMem(place, span, 0);
	for (i = 0; i < eh->phnum; i++)
		if (seg[i].type == PT_LOAD)
			memcpy((UINT8 *)place + (seg[i].paddr - KEEL_LOAD_PHYS),
			       keel_elf + seg[i].offset, seg[i].filesz);
	bi->image_phys = (UINTN)place;
	l->entry = eh->entry;
	return EFI_SUCCESS;
}

/* The image's window begins below the image, by the load address that it was linked for. */
static VOID fill_tables(struct handoff *h, UINT64 image_phys)
{
	UINT64 window = image_phys - KEEL_LOAD_PHYS;
	UINTN i;

	SetMem(h->pml4, sizeof(*h) - offsetof(struct handoff, pml4), 0);
	for (i = 0; i < NR_LOW_PDS * 512; i++)
		h->pd_low[i / 512][i % 512] = i * SIZE_2M | PTE_2M;
	for (i = 0; i < NR_LOW_PDS; i++)
		h->pdpt_low[i] = (UINTN)h->pd_low[i] | PTE_TABLE;
	for (i = 0; i < 512; i++)
		h->pd_high[i] = (window + i * SIZE_2M) | PTE_2M;
	h->pdpt_high[KEEL_VIRT_BASE >> 30 & 511] = (UINTN)h->pd_high | PTE_TABLE;
	h->pml4[0] = (UINTN)h->pdpt_low | PTE_TABLE;
	h->pml4[KEEL_VIRT_BASE >> 39 & 511] = (UINTN)h->pdpt_high | PTE_TABLE;
}

static EFI_STATUS make_handoff(struct loader *l)
{
	/* The firmware's own page tables may forbid execution in data pages. */
	l->handoff = loader_alloc(sizeof(*l->handoff), EFI_PAGE_SIZE, EfiLoaderCode, FALSE);
	if (!l->handoff)
		return loader_error(EFI_OUT_OF_RESOURCES, L"no memory below 4 GiB for page tables");
	memcpy(l->handoff->code, handoff_code, handoff_code_end - handoff_code);
	fill_tables(l->handoff, l->bi->image_phys);
	l->bi->tables_phys = (UINTN)l->handoff;
	l->bi->tables_size = sizeof(*l->handoff);
	return EFI_SUCCESS;
}

EFI_STATUS loader_load_core(struct loader *l)
{
	const struct elf64_ehdr *eh = (const VOID *)keel_elf;
	const struct elf64_phdr *seg = (const VOID *)(keel_elf + eh->phoff);
	UINT64 end = KEEL_LOAD_PHYS, cr4;
	EFI_STATUS status;
	UINTN i;

	asm volatile("mov %%cr4, %0" : "=r" (cr4));
	if (cr4 & CR4_LA57)
		return loader_error(EFI_UNSUPPORTED, L"the firmware left 5-level paging on; switch it off "
				    L"in the firmware's setup");
	for (i = 0; i < eh->phnum; i++)
		if (seg[i].type == PT_LOAD && seg[i].paddr + seg[i].memsz > end)
			end = seg[i].paddr + seg[i].memsz;
	l->bi->image_size = end - KEEL_LOAD_PHYS;
	status = load_segments(l, eh, (l->bi->image_size + SIZE_2M - 1) & ~(SIZE_2M - 1));
	return EFI_ERROR(status) ? status : make_handoff(l);
}

VOID loader_enter_core(struct loader *l)
{
	typedef VOID (*enter_fn)(struct boot_info *bi, UINT64 *pml4, UINT64 entry);
	enter_fn enter = (enter_fn)(UINTN)l->handoff->code;

	enter(l->bi, l->handoff->pml4, l->entry);
	__builtin_unreachable();
}
