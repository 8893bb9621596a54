/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/heap.c */
/*
 * Claims and frames of the real heap: what is promised is given back, and a domain that dies gets
 * no more.
 */
#include "test/unit/unit.h"

#include <sanitizer/asan_interface.h>

#include <public/errno.h>

static struct domain *d;

/* The heap keeps what it has from one test to the next. */
static int start(void **state)
{
	fake_reset();
	ASAN_UNPOISON_MEMORY_REGION(page_to_virt(mfn_to_page(0)), FAKE_RAM);
	heap_add_range(MiB(1), FAKE_RAM);
	d = fake_domain(3, 1);
	return 0;
}

static void a_dying_domain_claims_nothing(void **state)
{
	u64 total = heap_free_pages();

	assert_int_equal(claim_pages(d, total + 1), -ENOMEM);
	put_page(alloc_domain_pages(d, 0));
	assert_int_equal(d->tot_pages, 0);
	assert_int_equal(claim_pages(d, 100), 0);
	assert_int_equal(heap_claimed_pages(), 100);
	d->state = DOMAIN_DYING;
	assert_int_equal(claim_pages(d, 0), 0); /* as destruction begins */
	assert_int_equal(heap_claimed_pages(), 0);
	assert_int_equal(claim_pages(d, 100), -EINVAL);
	assert_null(alloc_domain_pages(d, 0));
	assert_int_equal(d->tot_pages, 0);
	assert_int_equal(heap_claimed_pages(), 0);
	assert_int_equal(d->claimed, 0);
}

/* A page that others still hold names no domain whose id may be another's by then. */
static void a_page_that_was_shared_is_keels(void **state)
{
	struct page_info *pg = virt_to_page(d->shared_info);

	assert_int_equal(pg->owner, 3);
	assert_true(get_page(pg, 3));
	unshare_keel_page(d->shared_info);
	assert_int_equal(pg->owner, OWNER_KEEL);
	assert_int_equal(pg->ref, 1);
	put_page(pg);
	assert_int_equal(pg->owner, OWNER_FREE);
}

/* Debug builds see it when a device, or anybody, writes to what is free. */
static void free_frames_keep_their_bytes(void **state)
{
	struct page_info *pg;
	u8 *page;

	for (mfn_t m = 0; m < PFN_DOWN(FAKE_RAM); m++)
		if (mfn_to_page(m)->owner == OWNER_FREE) /* since the first test, and not filled then */
			memset(mfn_to_virt(m), 0xd5, PAGE_SIZE);
	heap_poisons = true;
	d->state = DOMAIN_ALIVE;
	page = alloc_page();
	memset(page, 1, PAGE_SIZE);
	free_page(page);
	assert_ptr_equal(alloc_page(), page);
	free_page(page);
	page[4095] = 1;
	assert_true(FAKE_PANICS(alloc_page()));
	assert_non_null(strstr(fake_panic_message, "a free frame was written to: 0x1d5d5d5d5d5d5d5 at"));
	page[4095] = 0xd5;
	pg = alloc_domain_pages(d, 3);
	memset(page_to_virt(pg), 1, 8 * PAGE_SIZE);
	put_pages(pg, 3);
	((u8 *)page_to_virt(pg))[5 * PAGE_SIZE] = 1;
	assert_true(FAKE_PANICS(alloc_domain_pages(d, 3)));
	assert_non_null(strstr(fake_panic_message, "a free frame was written to: 0xd5d5d5d5d5d5d501 at"));
	heap_poisons = false;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_dying_domain_claims_nothing),
	cmocka_unit_test(a_page_that_was_shared_is_keels),
	cmocka_unit_test(free_frames_keep_their_bytes),
};

int main(void)
{
	return cmocka_run_group_tests(tests, start, NULL);
}
