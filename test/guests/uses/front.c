/* SPDX-License-Identifier: GPL-2.0-only */
#include "uses.h"

#include <public/event_channel.h>
#include <public/memory.h>
#include <public/sched.h>

struct grant_entry_v1 *grants;

static u8 table_page[PAGE_SIZE] PAGE_ALIGNED;

void front_open(void)
{
	struct xen_add_to_physmap add = {
		DOMID_SELF, 0, XENMAPSPACE_grant_table, 0, gfn_of(table_page),
	};

	EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
	grants = (struct grant_entry_v1 *)table_page;
}

u32 grant_page(const void *page, bool readonly)
{
	static u32 next = 8;	/* those before are the toolstack's */
	u32 ref = next++;

	if (ref == PAGE_SIZE / sizeof(*grants))
		error_stop("no more grants");
	grants[ref].domid = DOM0;
	grants[ref].frame = gfn_of(page);
	barrier();
	WRITE_ONCE(grants[ref].flags, GTF_permit_access | (readonly ? GTF_readonly : 0));
	return ref;
}

u32 new_channel(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOM0 };

	EXPECT_EQ(evtchn_op(alloc_unbound, &a), 0);
	__atomic_fetch_or(&shared_info->evtchn_mask[a.port / 64], 1ull << a.port % 64, __ATOMIC_SEQ_CST);
	return a.port;
}

void notify(u32 port)
{
	struct evtchn_send send = { port };

	evtchn_op(send, &send);
}

void wait_event(u32 port)
{
	struct sched_poll poll = { .nr_ports = 1, .timeout = now_ns() + 50000000 };

	poll.ports = (u64)&port;
	sched_op(poll, &poll);
	__atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~(1ull << port % 64),
			   __ATOMIC_SEQ_CST);
}

void wait_backend(const char *device, unsigned int state)
{
	u64 end = now_ns() + PATIENCE_NS;
	char backend[128];
	const char *text = store_read("%s/backend", device);

	if (!text)
		error_stop("a device has no back-end");
	snprintk(backend, sizeof(backend), "%s", text);
	for (;;) {
		text = store_read("%s/state", backend);
		if (text && *text == (char)('0' + state))
			return;
		if (now_ns() > end)
			error_stop("a back-end does not connect");
		rest_ns(10000000);
	}
}
