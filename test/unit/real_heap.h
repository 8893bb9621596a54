/* SPDX-License-Identifier: GPL-2.0-only */
/* The real allocator, for a unit test: its allocations can be made to fail like the fake one's. */
#ifndef TEST_UNIT_REAL_HEAP_H
#define TEST_UNIT_REAL_HEAP_H

#include "common/heap.h"

void *heap_alloc_pages_near(unsigned int node, unsigned int order);
struct page_info *heap_alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes,
					     u64 others);
#define alloc_pages heap_alloc_pages
#define alloc_pages_near heap_alloc_pages_near
#define alloc_domain_pages heap_alloc_domain_pages
#define alloc_domain_pages_on heap_alloc_domain_pages_on
#include "common/heap.c"
#undef alloc_pages
#undef alloc_pages_near
#undef alloc_domain_pages
#undef alloc_domain_pages_on

void *alloc_pages(unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_pages(order);
}

void *alloc_pages_near(unsigned int node, unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_pages_near(node, order);
}

struct page_info *alloc_domain_pages_on(struct domain *d, unsigned int order, u64 nodes, u64 others)
{
	return fake_alloc_fails() ? NULL : heap_alloc_domain_pages_on(d, order, nodes, others);
}

struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_domain_pages(d, order);
}

#endif
