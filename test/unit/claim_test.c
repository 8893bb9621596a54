/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/heap.c */
/*
 * Claims and frames, with the real heap: claimed memory is given back, and a dying domain gets no
 * more.
 */
#include "test/unit/unit.h"

#include <sanitizer/asan_interface.h>

#include <public/errno.h>

static struct domain *d;

/* The heap's state lasts from one test to the next. */
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

/*
 * A page that others still reference becomes Keel's: the domain's id may belong to another domain
 * by then.
 */
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

/* Debug builds notice when a device, or anybody else, writes to a free frame. */
static void free_frames_keep_their_bytes(void **state)
{
	struct page_info *pg;
	u8 *page;

	for (mfn_t m = 0; m < PFN_DOWN(FAKE_RAM); m++)
		if (mfn_to_page(m)->owner == OWNER_FREE) /* not poisoned when the first test freed it */
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

/* Take all frames one by one. None of them may be the broken one. Then give them back. */
static void take_all_but(mfn_t broken, unsigned int n)
{
	static struct page_info *taken[FAKE_RAM >> PAGE_SHIFT];
	unsigned int i = 0;

	assert_int_equal(heap_free_pages(), n);
	while ((taken[i] = alloc_domain_pages(d, 0)) != NULL)
		assert_int_not_equal(page_to_mfn(taken[i++]), broken);
	assert_int_equal(i, n);
	assert_int_equal(heap_free_pages(), 0);
	while (i--)
		put_page(taken[i]);
	assert_int_equal(heap_free_pages(), n);
	assert_int_equal(mfn_to_page(broken)->owner, OWNER_KEEL);
	assert_int_equal(mfn_to_page(broken)->ref, 1);
}

static void a_broken_frame_is_not_given_out(void **state)
{
	unsigned int n = (unsigned int)heap_free_pages();
	struct page_info *pg;
	u64 had = d->tot_pages;

	d->state = DOMAIN_ALIVE;
	/* In the middle of a large free block. */
	pg = alloc_domain_pages(d, 9);
	put_pages(pg, 9);
	assert_true(heap_retire(page_to_mfn(pg) + 77));
	take_all_but(page_to_mfn(pg) + 77, n - 1);
	assert_true(heap_retire(page_to_mfn(pg) + 77));
	take_all_but(page_to_mfn(pg) + 77, n - 1);
	/*
	 * A frame in use stays its owner's until that frees it, alone or within a block. Two frames
	 * of one block may be broken.
	 */
	pg = alloc_domain_pages(d, 4);
	assert_true(heap_retire(page_to_mfn(pg) + 3));
	assert_true(heap_retire(page_to_mfn(pg) + 15));
	assert_int_equal(pg[3].owner, d->id);
	assert_int_equal(heap_free_pages(), n - 1 - 16);
	put_pages(pg, 4);
	assert_int_equal(d->tot_pages, had);
	take_all_but(page_to_mfn(pg) + 3, n - 3);
	take_all_but(page_to_mfn(pg) + 15, n - 3);
	/* The list of broken frames is limited. */
	pg = alloc_domain_pages(d, 7);
	for (unsigned int i = 0; i < 61; i++)
		assert_true(heap_retire(page_to_mfn(pg) + i));
	assert_false(heap_retire(page_to_mfn(pg) + 61));
	assert_true(heap_retire(page_to_mfn(pg) + 60));
	put_pages(pg, 7);
	take_all_but(page_to_mfn(pg) + 60, n - 3 - 61);
}

static void arrays_grow(void **state)
{
	struct pair { u64 a, b; } *array = NULL;
	u64 had = heap_free_pages();
	unsigned int n = 0;

	while (n < 1000) {
		u64 i = n;

		array_add(array, n) = (struct pair){ i, ~i };
	}
	for (u64 i = 0; i < 1000; i++)
		assert_true(array[i].a == i && array[i].b == ~i);
	assert_int_equal(heap_free_pages(), had - 4);
	free_pages(array, size_to_order(n * sizeof(array[0])));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_dying_domain_claims_nothing),
	cmocka_unit_test(a_page_that_was_shared_is_keels),
	cmocka_unit_test(arrays_grow),
	cmocka_unit_test(free_frames_keep_their_bytes),
	cmocka_unit_test(a_broken_frame_is_not_given_out),
};

int main(void)
{
	return cmocka_run_group_tests(tests, start, NULL);
}
