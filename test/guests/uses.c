/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small guest of the toolstack's. It writes to its disk and reads that back, asks Dom0 for an
 * address by its interface, and tells so in xenstore (data/state); then it waits for its end.
 *
 * "mode=store", "rings", "grants" or "console": instead it does harm there for "seconds=N", with
 * the numbers of "seed=N", once its devices are connected.
 *
 * "every=N": it uses them again each N seconds, and counts that in data/rounds. "keep=N": it gives
 * back its memory from N MiB on, because toolstacks create none as small as it could be.
 */
#include "uses/uses.h"

#include <public/memory.h>

const char test_title[] = "uses";

static u8 out[PAGE_SIZE] PAGE_ALIGNED, in[PAGE_SIZE] PAGE_ALIGNED;

static const char *use_disk(void)
{
	u8 first = own_domid();	/* which asks Keel */

	for (u64 round = 0; round < 4; round++) {
		for (u32 i = 0; i < PAGE_SIZE; i++)
			out[i] = i * 7 + round + first;
		memset(in, 0, sizeof(in));
		if (blk_transfer(true, round * 64, out) || blk_transfer(false, round * 64, in))
			return "the disk fails";
		if (memcmp(out, in, sizeof(in)))
			return "the disk has not what was written";
	}
	return NULL;
}

static const char *use(void)
{
	const char *why = use_disk();

	return why || net_asks() ? why : "nobody answers on the network";
}

static void give_back(u64 from)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = 9, .domid = DOMID_SELF };

	for (u64 gfn = from << 8; gfn < memory_map[0].size >> PAGE_SHIFT; gfn += 512) {
		r.extent_start = (u64)&gfn;
		EXPECT_EQ(memory_op(decrease_reservation, &r), 1);
	}
}

void test_main(void)
{
	const char *mode = option("mode"), *why;
	u64 every = option_number("every", 0), rounds = 0;

	if (option("keep"))
		give_back(option_number("keep", 0));
	store_open();
	front_open();
	store_write("up", "data/state");
	blk_open();
	net_open();
	why = use();
	store_write(why ? why : "ok", "data/state");
	if (why)
		error_stop(why);
	if (mode)
		EXPECT(harm(mode, option_number("seconds", 10) * 1000000000ull, option_number("seed", 1)));
	for (;;) {
		rest_ns((every + !every) * 1000000000);
		if (every && (why = use()))
			error_stop(why);
		if (every)
			store_write_number(++rounds, "data/rounds");
	}
}
