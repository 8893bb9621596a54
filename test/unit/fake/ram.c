/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine memory and its allocator: first fit over 64 MiB. Free frames are poisoned, so that ASan
 * reports accesses to them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include "common/console.h"
#include "common/efi.h"
#include "common/pci.h"
#include "common/platform.h"

#include "fake_internal.h"

#define NR_FRAMES (FAKE_RAM >> PAGE_SHIFT)
#define FIRST_FRAME 256		/* so that nobody owns mfn 0, as on a real machine */

u8 *fake_ram;
void (*fake_on_free)(mfn_t mfn, u64 n);
static struct page_info frames[NR_FRAMES];
FAKE struct page_info *frame_table;
FAKE mfn_t max_mfn;
FAKE unsigned int nr_nodes;
FAKE u64 node_free[MAX_NODES], node_pages[MAX_NODES];
FAKE u8 node_distance[MAX_NODES][MAX_NODES];
static bool used[NR_FRAMES];

void fake_reset_ram(void)
{
	if (!fake_ram) {
		u8 *p = mmap(NULL, FAKE_RAM * 2, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED)
			fake_fail("no memory for the fake machine");
		fake_ram = (u8 *)ROUND_UP((u64)p, FAKE_RAM);
	}
	memset(frames, 0, sizeof(frames));
	memset(used, 0, sizeof(used));
	for (unsigned int i = 0; i < NR_FRAMES; i++)
		frames[i].owner = i < FIRST_FRAME ? OWNER_NONE : OWNER_FREE;
	frame_table = frames;
	max_mfn = NR_FRAMES;
	nr_nodes = 1;
	fake_on_free = NULL;
	ASAN_POISON_MEMORY_REGION(fake_ram, FAKE_RAM);
}

FAKE bool mfn_valid(mfn_t mfn)
{
	return mfn >= FIRST_FRAME && mfn < NR_FRAMES;
}

static bool all_free(mfn_t mfn, u64 n)
{
	for (u64 i = 0; i < n; i++)
		if (used[mfn + i])
			return false;
	return true;
}

static struct page_info *take(unsigned int order, u16 owner, bool clear)
{
	u64 n = 1ull << order;

	if (fake_alloc_fails())
		return NULL;
	for (mfn_t mfn = ROUND_UP((u64)FIRST_FRAME, n); mfn + n <= NR_FRAMES; mfn += n) {
		if (!all_free(mfn, n))
			continue;
		ASAN_UNPOISON_MEMORY_REGION(mfn_to_virt(mfn), n << PAGE_SHIFT);
		memset(mfn_to_virt(mfn), clear ? 0 : 0xa5, n << PAGE_SHIFT);
		for (u64 i = 0; i < n; i++) {
			used[mfn + i] = true;
			frames[mfn + i] = (struct page_info){ .ref = 1, .owner = owner };
		}
		return &frames[mfn];
	}
	return NULL;
}

static void give_back(mfn_t mfn, u64 n)
{
	if (fake_on_free)
		fake_on_free(mfn, n);
	for (u64 i = 0; i < n; i++) {
		if (!mfn_valid(mfn + i) || !used[mfn + i])
			fake_fail("frame %#lx is freed twice, or was never allocated", mfn + i);
		used[mfn + i] = false;
		frames[mfn + i] = (struct page_info){ .owner = OWNER_FREE };
	}
	ASAN_POISON_MEMORY_REGION(mfn_to_virt(mfn), n << PAGE_SHIFT);
}

FAKE void *alloc_pages(unsigned int order)
{
	struct page_info *pg = take(order, OWNER_KEEL, true);

	return pg ? page_to_virt(pg) : NULL;
}

FAKE void *alloc_pages_near(unsigned int node, unsigned int order)
{
	return alloc_pages(order);
}

FAKE void free_pages(void *va, unsigned int order)
{
	if (va)
		give_back(virt_to_mfn(va), 1ull << order);
}

FAKE unsigned int size_to_order(size_t size)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

/* Each has exactly the room that is asked for, so that ASan sees what is beyond. */
static struct array { struct array *next; } *arrays;

FAKE void *array_room(void *array, unsigned int n, size_t size)
{
	struct array *to = calloc(1, sizeof(*to) + (n + 1) * size);

	to->next = arrays;
	arrays = to;
	if (n)
		memcpy(to + 1, array, n * size);
	return to + 1;
}

void fake_free_arrays(void)
{
	for (struct array *a; (a = arrays); free(a))
		arrays = a->next;
}

FAKE struct page_info *alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes,
					     u64 others)
{
	return alloc_domain_pages(d, order);
}

FAKE void heap_place(struct domain *d, u64 nodes)
{
	d->nodes = nodes;
}

FAKE struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	struct page_info *pg;

	if (d->tot_pages + (1ull << order) > d->max_pages)
		return NULL;
	pg = take(order, d->id, false);
	if (pg)
		d->tot_pages += 1ull << order;
	return pg;
}

FAKE void share_keel_page(void *va, struct domain *d)
{
	struct page_info *pg = virt_to_page(va);

	pg->owner = d->id;
	pg->flags |= PGF_XEN_HEAP;
	pg->ref = 1;
}

FAKE void unshare_keel_page(void *va)
{
	if (!va)
		return;
	virt_to_page(va)->owner = OWNER_KEEL;
	put_page(virt_to_page(va));
}

FAKE bool get_page(struct page_info *pg, u16 owner)
{
	if (!pg->ref || (owner != OWNER_NONE && pg->owner != owner))
		return false;
	pg->ref++;
	return true;
}

FAKE void put_page(struct page_info *pg)
{
	struct domain *d;

	if (!pg->ref)
		fake_fail("put_page() of frame %#lx, which has no reference", page_to_mfn(pg));
	if (--pg->ref)
		return;
	d = pg->flags & PGF_XEN_HEAP ? NULL : domain_find(pg->owner);
	if (d)
		d->tot_pages--;
	give_back(page_to_mfn(pg), 1);
	if (d && !d->tot_pages && d->state == DOMAIN_ZOMBIE)
		domain_last_page_put(d);
}

FAKE void put_pages(struct page_info *pg, unsigned int order)
{
	for (u64 i = 0; i < 1ull << order; i++)
		put_page(pg + i);
}

FAKE int claim_pages(struct domain *d, u64 pages)
{
	d->claimed = pages;
	return 0;
}

FAKE u64 heap_total_pages(void)
{
	return NR_FRAMES - FIRST_FRAME;
}

FAKE u64 heap_free_pages(void)
{
	return heap_total_pages() - fake_live_pages();
}

FAKE u64 heap_claimed_pages(void)
{
	return 0;
}

u64 fake_live_pages(void)
{
	u64 n = 0;

	for (unsigned int i = 0; i < NR_FRAMES; i++)
		n += used[i];
	return n;
}

/* A machine whose firmware gives no memory map. */
FAKE struct boot_info boot_info;
FAKE const struct efi_system *efi_system;
FAKE const struct efi_runtime *efi_runtime;

FAKE u64 arch_efi_call(enum efi_service service, const void *const args[5])
{
	return EFI_UNSUPPORTED;
}

FAKE size_t console_newest(char *buf, size_t len)
{
	return 0;
}

FAKE bool arch_reserved_memory(unsigned int i, u64 *first, u64 *last, u32 *sbdf)
{
	return false;
}
