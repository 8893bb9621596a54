/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Console output as fast as possible, from every vCPU: lines, single bytes, and blocks larger than
 * any buffer. The hypervisor may drop a guest's output, but it must stay alive, and so must the
 * guest.
 */
#include "lib/guest.h"

#include <public/version.h>

const char test_title[] = "flood";

static char block[8192];
static volatile u32 ap_running, stop;
static volatile u64 ap_writes;

static void flood(u64 n)
{
	console_write(block, n % 64 == 63 ? sizeof(block) : n % 3 ? 61 : 1);
}

static void ap_main(void)
{
	ap_running = 1;
	while (!stop)
		flood(ap_writes++);
	ap_running = 2;
}

void test_main(void)
{
	u64 n, writes = option_number("writes", 300), start = now_ns();
	unsigned int i;

	for (i = 0; i < sizeof(block); i++)
		block[i] = i % 61 == 60 ? '\n' : 'a' + i % 26;
	if (nr_vcpus > 1) {
		EXPECT(start_cpu(1, ap_main), "vCPU 1 does not start");
		EXPECT(wait_for(&ap_running), "vCPU 1 does not get on");
	}
	for (n = 0; n < writes; n++)
		flood(n);
	stop = 1;
	while (nr_vcpus > 1 && ap_running != 2)
		cpu_relax();
	printk("\n%lu and %lu writes in %lu ms\n", writes, ap_writes, (now_ns() - start) / 1000000);
	EXPECT(xen_version(version, 0) > 0, "still here");
}
