/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns a life cycle: two vCPUs start, stop and reset a third at the same time in every possible
 * way, and two CPUs create and destroy one domain. The hypervisor must survive, and the third vCPU
 * must still start.
 */
#include "lib/control.h"

#include <public/hvm/hvm_vcpu.h>
#include <public/vcpu.h>

const char test_title[] = "starts";

#define THIRD 2
#define VICTIM 77

static volatile u32 round, other_done, third_runs;
static u32 rounds;

/* 32-bit code: 1: pause; jmp 1b */
static u8 spin[] __attribute__((aligned(64))) = { 0xf3, 0x90, 0xeb, 0xfc };

static void third_main(void)
{
	third_runs = 1;
	for (;;)
		cpu_relax();
}

static long vcpu_op_of_third(unsigned int cmd, void *arg)
{
	return hypercall(vcpu_op, cmd, THIRD, arg);
}

static void start_and_stop(u32 i)
{
	static struct vcpu_hvm_context c[2];
	struct vcpu_hvm_context *mine = &c[this_cpu()->id];

	mine->mode = VCPU_HVM_MODE_32B;
	mine->cpu_regs.x86_32 = (struct vcpu_hvm_x86_32){ .eip = (u32)(u64)spin, .cr0 = 1, .cs_limit = ~0u,
							  .ss_limit = ~0u,
		.ds_limit = ~0u, .es_limit = ~0u, .tr_limit = 0x67, .cs_ar = 0xc09b, .ss_ar = 0xc093,
		.ds_ar = 0xc093,
		.es_ar = 0xc093, .tr_ar = 0x8b };
	if (i % 3 == this_cpu()->id)
		apic_icr(THIRD * 2, 0x4500); /* INIT */
	vcpu_op_of_third(VCPUOP_initialise, mine);
	vcpu_op_of_third(VCPUOP_up, NULL);
	if (i % 5 == this_cpu()->id)
		vcpu_op_of_third(VCPUOP_down, NULL);
}

static void create_and_destroy(void)
{
	domid_t id = VICTIM;

	create_domain(&id, 2, 1023);
	domctl(XEN_DOMCTL_pausedomain, VICTIM);
	domctl(XEN_DOMCTL_unpausedomain, VICTIM);
	domctl(XEN_DOMCTL_destroydomain, VICTIM);
}

static void both(void)
{
	for (u32 i = 0; i < rounds; i++) {
		start_and_stop(i);
		if (is_dom0)
			create_and_destroy();
	}
}

static void other_main(void)
{
	both();
	other_done = 1;
	for (;;)
		cpu_relax();
}

void test_main(void)
{
	u64 end;
	long rc;

	rounds = (u32)option_number("rounds", 100);
	if (nr_vcpus <= THIRD)
		skip("three vCPUs are needed");
	EXPECT(start_cpu(1, other_main), "vCPU 1 does not start");
	both();
	EXPECT(wait_for(&other_done), "vCPU 1 does not come to the end");
	if (is_dom0) {
		end = now_ns() + PATIENCE_NS;
		/* The last domain that either vCPU created may still be dying. */
		while ((rc = domctl(XEN_DOMCTL_destroydomain, VICTIM)) != -ESRCH && now_ns() < end)
			cpu_relax();
		EXPECT_EQ(rc, -ESRCH);
	}
	EXPECT(start_cpu(THIRD, third_main), "vCPU 2 does not start any more");
	EXPECT(wait_for(&third_runs), "vCPU 2 does not get on");
}
