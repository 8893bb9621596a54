/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control domain beside Dom0, for test/system/vf-bare. When Keel's console shows that a guest is
 * using its disk (test/guests/vf.c, watch), it pauses Dom0, waits until the guest has reported
 * rounds= (3) more rounds, and checks that Dom0 got no CPU time meanwhile. Then it pauses Dom0
 * again and again while Dom0 does the same to it, until Dom0 destroys that guest, or for turns=
 * seconds (300).
 */
#include "lib/control.h"

#include <public/sysctl.h>

const char test_title[] = "pauser";

#define SECOND 1000000000ull

/* How often a guest has reported a round on the console since the last call. */
static unsigned int rounds_said(void)
{
	static char text[4096];
	static u32 index;
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole,
				 .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
	unsigned int n = 0;

	op.u.readconsole.incremental = 1;
	op.u.readconsole.index = index;
	op.u.readconsole.buffer = (u64)text;
	op.u.readconsole.count = sizeof(text) - 1;
	EXPECT_EQ(hypercall(sysctl, &op, 0, 0), 0);
	index = op.u.readconsole.index;
	text[op.u.readconsole.count % sizeof(text)] = '\0';
	for (const char *p = text; (p = strstr(p, ": round ")); p++)
		n++;
	return n;
}

static unsigned int wait_for_rounds(unsigned int wanted, u64 seconds)
{
	u64 limit = now_ns() + seconds * SECOND;
	unsigned int n;

	for (n = rounds_said(); n < wanted && now_ns() < limit; n += rounds_said())
		rest_ns(SECOND / 10);
	return n;
}

/* One call may not empty the console's ring. */
static void forget_what_was_said(void)
{
	while (rounds_said())
		;
}

static struct xen_domctl_getdomaininfo dom0_info(void)
{
	EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, 0), 0);
	EXPECT_EQ(domctl_arg()->domain, 0);
	return domctl_arg()->u.getdomaininfo;
}

static void io_without_dom0(void)
{
	unsigned int wanted = (unsigned int)option_number("rounds", 3), rounds;
	struct xen_domctl_getdomaininfo before, after;
	u64 limit;

	EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, 0), 0);
	before = dom0_info();
	forget_what_was_said();
	printk("Dom0 is paused: cpu_time %lu\n", before.cpu_time);
	rounds = wait_for_rounds(wanted, 60);
	after = dom0_info();
	printk("Dom0 was paused for %u rounds: cpu_time %lu\n", rounds, after.cpu_time);
	EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, 0), 0);

	EXPECT(rounds >= wanted, "%u rounds in a minute", rounds);
	EXPECT(before.cpu_time, "no time is counted");
	EXPECT_EQ(after.cpu_time, before.cpu_time);
	EXPECT_EQ(before.flags & (XEN_DOMINF_paused | XEN_DOMINF_running), XEN_DOMINF_paused);
	EXPECT_EQ(after.flags & (XEN_DOMINF_paused | XEN_DOMINF_running), XEN_DOMINF_paused);
	for (limit = now_ns() + 20 * SECOND; dom0_info().cpu_time == after.cpu_time && now_ns() < limit;)
		rest_ns(SECOND / 10);
	EXPECT(dom0_info().cpu_time > after.cpu_time, "Dom0 does not go on");
}

/* A domain other than Dom0 and this one, whose id is 100. */
static bool guest_exists(void)
{
	return !domctl(XEN_DOMCTL_getdomaininfo, 1) && domctl_arg()->domain < 100;
}

static void take_turns(void)
{
	u64 end = now_ns() + option_number("turns", 300) * SECOND;
	unsigned int n;

	printk("taking turns with Dom0\n");
	for (n = 0; guest_exists() && now_ns() < end; n++) {
		EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, 0), 0);
		EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, 0), 0);
		rest_ns(SECOND / 50);	/* so that Dom0 gets something done */
	}
	printk("paused Dom0 %u times\n", n);
	EXPECT(!guest_exists(), "Dom0 does not get as far as to destroy a guest");
}

void test_main(void)
{
	if (is_dom0 || domctl(XEN_DOMCTL_getdomaininfo, 0))
		skip("this is for a domain beside Dom0 that has control");
	EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, 0), -EINVAL);
	if (!wait_for_rounds(1, 500))
		error_stop("no guest says that it goes on with its disk");
	io_without_dom0();
	take_turns();
}
