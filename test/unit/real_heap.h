/* SPDX-License-Identifier: GPL-2.0-only */
/* The real allocator, for a unit test: its allocations can be made to fail like the fake one's. */
#ifndef TEST_UNIT_REAL_HEAP_H
#define TEST_UNIT_REAL_HEAP_H

#define alloc_pages heap_alloc_pages
#define alloc_domain_pages heap_alloc_domain_pages
#include "common/heap.c"
#undef alloc_pages
#undef alloc_domain_pages

void *alloc_pages(unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_pages(order);
}

struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	return fake_alloc_fails() ? NULL : heap_alloc_domain_pages(d, order);
}

#endif
