/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Poisons the frames that the heap considers free. The frame's owner is read right then: this file
 * is not instrumented, so no other CPU runs in between.
 */
#include "test/fuzz/pair/pair.h"

#include <string.h>

#include <sanitizer/asan_interface.h>

void *real_alloc_pages_near(unsigned int node, unsigned int order);
void real_free_pages(void *va, unsigned int order);
struct page_info *real_alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes,
					     u64 others);
bool real_get_page(struct page_info *pg, u16 owner);
void real_put_page(struct page_info *pg);
void real_put_pages(struct page_info *pg, unsigned int order);
void *pair_heap_memset(void *p, int c, size_t n);

static void sync(mfn_t mfn, u64 n)
{
	if (mfn_to_page(mfn)->owner == OWNER_FREE)
		ASAN_POISON_MEMORY_REGION(mfn_to_virt(mfn), n << PAGE_SHIFT);
	else
		ASAN_UNPOISON_MEMORY_REGION(mfn_to_virt(mfn), n << PAGE_SHIFT);
}

/* The heap clears Keel's own pages before their owner is set. */
void *pair_heap_memset(void *p, int c, size_t n)
{
	if ((u8 *)p >= fake_ram && virt_to_mfn(p) < max_mfn)
		ASAN_UNPOISON_MEMORY_REGION(p, n);
	return memset(p, c, n);
}

void *alloc_pages_near(unsigned int node, unsigned int order)
{
	PAIR_ATOMIC(pair_note_limits());
	return pair_alloc_fails() ? NULL : real_alloc_pages_near(node, order);
}

void *alloc_pages(unsigned int order)
{
	return alloc_pages_near(0, order);
}

void free_pages(void *va, unsigned int order)
{
	if (!va)
		return;
	for (u64 i = 0; i < BIT(order); i++)
		if (virt_to_page(va)[i].owner == OWNER_FREE)
			pair_fail("free_pages() of a frame that is free");
	ASAN_POISON_MEMORY_REGION(va, PAGE_SIZE << order);
	real_free_pages(va, order);
}

struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	return alloc_domain_pages_on(d, order, d->nodes, ~0ull);
}

struct page_info *alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes, u64 others)
{
	struct page_info *pg = pair_alloc_fails() ? NULL
			       : real_alloc_domain_pages_on(d, order, nodes, others);

	if (pg)
		sync(page_to_mfn(pg), BIT(order));
	return pg;
}

static void check_frame(struct page_info *pg)
{
	if (pg < frame_table || pg >= frame_table + max_mfn)
		pair_fail("a reference on a frame that does not exist");
}

bool get_page(struct page_info *pg, u16 owner)
{
	bool got;

	check_frame(pg);
	got = real_get_page(pg, owner);
	if (!got)
		sync(page_to_mfn(pg), 1);
	return got;
}

void put_page(struct page_info *pg)
{
	check_frame(pg);
	if (!pg->ref)
		pair_fail("put_page() of a frame without references");
	real_put_page(pg);
	sync(page_to_mfn(pg), 1);
}

void put_pages(struct page_info *pg, unsigned int order)
{
	for (u64 i = 0; i < BIT(order); i++) {
		check_frame(pg + i);
		if (!pg[i].ref)
			pair_fail("put_pages() of a frame without references");
	}
	real_put_pages(pg, order);
	for (u64 i = 0; i < BIT(order); i++)
		sync(page_to_mfn(pg + i), 1);
}
