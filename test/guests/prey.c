/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that only watches a page, which it has granted to Dom0 (reference 8), and reports when
 * the page's contents change: for test/system/iommu. key= determines the contents.
 */
#include "lib/guest.h"

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>

const char test_title[] = "prey";

static u8 table_page[PAGE_SIZE] PAGE_ALIGNED;
static u64 page[PAGE_SIZE / 8] PAGE_ALIGNED;
static u64 change[PAGE_SIZE / 8]; /* not a copy: Dom0 finds the page by its contents */

static void grant_page(void)
{
	struct xen_add_to_physmap add = { DOMID_SELF, 0, XENMAPSPACE_grant_table, 0, gfn_of(table_page) };
	struct grant_entry_v1 *entry = (struct grant_entry_v1 *)table_page + 8;

	EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
	entry->domid = 0;
	entry->frame = gfn_of(page);
	barrier();
	entry->flags = GTF_permit_access;
}

void test_main(void)
{
	struct evtchn_alloc_unbound port = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct sched_poll poll = { (u64)&port.port, 1, 0 };
	u64 key = option_number("key", 1) * 0x9e3779b97f4a7c15;
	unsigned int i;

	EXPECT_EQ(evtchn_op(alloc_unbound, &port), 0);
	for (i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = key + i;
	grant_page();
	printk("prey: ready\n");
	for (;;) {
		for (i = 0; i < ARRAY_SIZE(page); i++) {
			u64 word = READ_ONCE(page[i]);

			if (word - (key + i) == change[i])
				continue;
			printk("prey: word %u became %#lx\n", i, word);
			change[i] = word - (key + i); /* keep it: Dom0 looks at the page, too */
		}
		poll.timeout = now_ns() + 50000000;
		sched_op(poll, &poll);
	}
}
