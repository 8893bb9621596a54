/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that writes to known pages, and the log-dirty bitmap that Dom0 reads meanwhile. */
#include "control.h"

#include <public/memory.h>

#define CODE 1			/* gfns */
#define SMALL 16
#define SUPER 0x200
#define PAGES 0x400
#define WRITTEN { 3, 5, SUPER + 7 }

static u64 bitmap[PAGES / 64];
static u8 state[16 * PAGE_SIZE] PAGE_ALIGNED;
static domid_t guest;

static void populate(u64 first, u32 count, u32 order)
{
	u64 gfns[SMALL];
	struct xen_memory_reservation r = { (u64)gfns, count, order, 0, guest };

	for (u32 i = 0; i < count; i++)
		gfns[i] = first + i;
	EXPECT_EQ(memory_op(populate_physmap, &r), count);
}

/* Maps the guest's page in Dom0. */
static volatile u32 *map_foreign(u64 gfn)
{
	u64 to = find_hole(), va = find_va();
	int err = -1;
	struct xen_add_to_physmap_batch b = { DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, { guest },
					      (u64)&gfn, (u64)&to, (u64)&err };

	EXPECT_EQ(memory_op(add_to_physmap_batch, &b), 0);
	EXPECT_EQ(err, 0);
	map_page(va, to << PAGE_SHIFT, PTE_P | PTE_W);
	return (volatile u32 *)va;
}

/* 32-bit code without paging: it increments counters in three pages for ever. */
static void start_guest(void)
{
	static const u8 code[] = { 0xff, 0x05, 0x00, 0x30, 0x00, 0x00, 0xff, 0x05, 0x00, 0x50, 0x00, 0x00,
				   0xff, 0x05, 0x00, 0x70, 0x20, 0x00, 0xf3, 0x90, 0xeb, 0xea };

	domctl_arg()->u.hvmcontext.size = sizeof(state);
	domctl_arg()->u.hvmcontext.buffer = (u64)state;
	EXPECT_EQ(domctl(XEN_DOMCTL_gethvmcontext, guest), 0);
	memcpy((void *)map_foreign(CODE), code, sizeof(code));
	EXPECT_EQ(set_start(guest, CODE << PAGE_SHIFT, state), 0);
	EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, guest), 0);
}

/* Returns how many pages are dirty; the bitmap says which. */
static u32 shadow_op(u32 op)
{
	domctl_arg()->u.shadow_op = (struct xen_domctl_shadow_op){ .op = op, .dirty_bitmap = (u64)bitmap,
			.pages = PAGES };
	EXPECT_EQ(domctl(XEN_DOMCTL_shadow_op, guest), 0);
	return domctl_arg()->u.shadow_op.stats.dirty_count;
}

static bool goes_on(volatile u32 *count)
{
	u32 old = *count;

	for (unsigned int i = 0; i < 1000 && *count - old < 2; i++)
		rest_ns(2000000);
	return *count - old >= 2;
}

/* The dirty pages must be exactly those that the guest writes to. */
static void expect_written(u32 n)
{
	static const u64 gfns[] = WRITTEN;

	EXPECT_EQ(n, ARRAY_SIZE(gfns));
	for (unsigned int i = 0; i < ARRAY_SIZE(gfns); i++)
		EXPECT(bitmap[gfns[i] / 64] >> gfns[i] % 64 & 1, "page %#lx is not dirty", gfns[i]);
}

void test_log_dirty(void)
{
	volatile u32 *count[3];
	static const u64 gfns[] = WRITTEN;
	u32 seen;

	EXPECT_EQ(create_domain(&guest, 1, 63), 0);
	domctl_arg()->u.max_mem.max_memkb = 8192;
	EXPECT_EQ(domctl(XEN_DOMCTL_max_mem, guest), 0);
	populate(0, SMALL, 0);
	populate(SUPER, 1, 9);
	start_guest();
	for (unsigned int i = 0; i < ARRAY_SIZE(count); i++)
		count[i] = map_foreign(gfns[i]);
	EXPECT(goes_on(count[2]), "the guest does not run");
	shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT(goes_on(count[2]), "the guest stopped when its pages became clean");
		expect_written(shadow_op(XEN_DOMCTL_SHADOW_OP_PEEK));
		expect_written(shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN));
	}
	/*
	 * While the guest is paused no page becomes dirty, and its earlier writes can be compared.
	 */
	EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, guest), 0);
	shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN);
	seen = *count[2];
	EXPECT_EQ(shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	rest_ns(2000000);
	EXPECT_EQ(*count[2], seen);
	EXPECT(*count[0] - seen <= 1 && *count[1] - seen <= 1, "a count was lost: %u %u %u", *count[0],
	       *count[1], seen);
	EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, guest), 0);
	EXPECT(goes_on(count[2]), "the guest does not go on");
	expect_written(shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN));
	shadow_op(XEN_DOMCTL_SHADOW_OP_OFF);
	EXPECT(goes_on(count[2]), "the guest stopped when the log was switched off");
	EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, guest), 0);
}
