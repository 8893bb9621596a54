/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two vCPUs that share a CPU wait for each other with PAUSE. Where PAUSE-loop exits are, each
 * change takes as long as the CPU needs to notice the loop, not a slice.
 */
#include "lib/guest.h"

const char test_title[] = "spins";

#define CHANGES 200
#define MOST_US 1000

static volatile u32 turn;

static void other(void)
{
	for (u32 i = 1; i < CHANGES; i += 2) {
		while (turn != i)
			cpu_relax();
		turn = i + 1;
	}
	for (;;)
		asm volatile("cli; hlt");
}

void test_main(void)
{
	u64 start;

	if (nr_vcpus < 2)
		skip("it needs two vCPUs");
	EXPECT(start_cpu(1, other), "vCPU 1 does not start");
	start = now_ns();
	for (u32 i = 0; i < CHANGES; i += 2) {
		turn = i + 1;
		while (turn != i + 2)
			cpu_relax();
	}
	start = (now_ns() - start) / 1000 / CHANGES;
	printk("%lu us for each change\n", start);
	EXPECT(start < MOST_US, "%lu us", start);
}
