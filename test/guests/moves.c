/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest for test/bench/migrate: it writes to 4 MiB of its memory again and again. When the
 * toolstack asks it to suspend, it does, and says in xenstore (data/state) how often it has come
 * back.
 */
#include "lib/guest_internal.h"
#include "uses/uses.h"

#include <public/sched.h>

const char test_title[] = "moves";

static u8 written[4 << 20] PAGE_ALIGNED;

/* test/bench/wholecount.c counts from the mark before the hypercall to "moved". */
static NOINLINE void suspend(void)
{
	struct sched_shutdown reason = { SHUTDOWN_suspend };
	long ret;

	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.ascii \"Keel\"\n\t"
		     "vmmcall\n"
		     ".globl moved\n"
		     "moved:"
		     : "=a"(ret)
		     : "0"(__HYPERVISOR_sched_op), "D"(SCHEDOP_shutdown), "S"(&reason)
		     : "memory");
	EXPECT_EQ(ret, 0);
}

static bool asked_to_suspend(void)
{
	const char *text = store_read("control/shutdown");

	return text && !memcmp(text, "suspend", sizeof("suspend"));
}

void test_main(void)
{
	store_open();
	for (u64 moves = 0;; moves++) {
		store_write_number(moves, "data/state");
		for (u8 round = 0; !asked_to_suspend(); round++) {
			for (u64 i = 0; i < sizeof(written); i += PAGE_SIZE)
				written[i] = round;
			rest_ns(10000000);
		}
		store_write("", "control/shutdown");
		suspend();
		memory_init();	/* a new domain has another shared_info, and other channels */
		store_open();
	}
}
