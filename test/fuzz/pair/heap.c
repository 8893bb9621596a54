/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real heap with its functions renamed: poison.c wraps them, so that accesses to free frames
 * are found.
 */
#include "common/heap.h"
#include "common/domain.h"
#include "common/printk.h"
#include <public/errno.h>

#define alloc_pages real_alloc_pages
#define free_pages real_free_pages
#define alloc_pages_near real_alloc_pages_near
#define alloc_domain_pages real_alloc_domain_pages
#define alloc_domain_pages_on real_alloc_domain_pages_on
#define get_page real_get_page
#define put_page real_put_page
#define put_pages real_put_pages
#define memset pair_heap_memset
void *pair_heap_memset(void *p, int c, size_t n);
void *real_alloc_pages(unsigned int order);
void *real_alloc_pages_near(unsigned int node, unsigned int order);
void real_free_pages(void *va, unsigned int order);
struct page_info *real_alloc_domain_pages(struct domain *d, unsigned int order);
struct page_info *real_alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes,
					     u64 others);
bool real_get_page(struct page_info *pg, u16 owner);
void real_put_page(struct page_info *pg);
void real_put_pages(struct page_info *pg, unsigned int order);
#include "common/heap.c"
