/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * More vCPUs than the library has room for, all of which run at once: each must start, and each
 * must leave the guest when memory goes away. They run without a stack of the library's, without
 * interrupts, and never halt before the end.
 */
#include "lib/guest.h"

#include <public/hvm/hvm_vcpu.h>
#include <public/memory.h>
#include <public/vcpu.h>

const char test_title[] = "many";

#define MOST 128
#define ROUNDS 3
#define PATIENCE_MS 60000

static volatile u32 runs[MOST], stop;
static u8 stacks[MOST][512] __attribute__((aligned(16)));
static u8 page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void other_main(u64 id)
{
	while (!stop) {
		runs[id]++;
		cpu_relax();
	}
	for (;;)
		asm volatile("cli; hlt");
}

static u64 read_cr(unsigned int n)
{
	u64 v;

	if (n == 0)
		asm volatile("movq %%cr0, %0" : "=r"(v));
	else if (n == 3)
		asm volatile("movq %%cr3, %0" : "=r"(v));
	else
		asm volatile("movq %%cr4, %0" : "=r"(v));
	return v;
}

static void start(unsigned int id)
{
	static struct vcpu_hvm_context c;

	c.mode = VCPU_HVM_MODE_64B;
	c.cpu_regs.x86_64 = (struct vcpu_hvm_x86_64){ .rip = (u64)other_main, .rdi = id,
		.rsp = (u64)(stacks[id] + sizeof(stacks[id]) - 8), .cr0 = read_cr(0), .cr3 = read_cr(3),
		.cr4 = read_cr(4), .efer = rdmsr(0xc0000080) };
	EXPECT_EQ(vcpu_op(initialise, id, &c), 0);
	EXPECT_EQ(vcpu_op(up, id, 0), 0);
}

/* All vCPUs have run since; the id of one that has not, or 0. */
static unsigned int all_run(unsigned int n)
{
	u32 before[MOST];

	for (unsigned int id = 1; id < n; id++)
		before[id] = runs[id];
	for (unsigned int id = 1; id < n; id++)
		for (unsigned int ms = 0; runs[id] == before[id]; ms++) {
			if (ms == PATIENCE_MS)
				return id;
			delay_us(1000);
		}
	return 0;
}

void test_main(void)
{
	u64 gfn = (u64)page >> PAGE_SHIFT, want = option_number("vcpus", 0);
	struct xen_memory_reservation r = { .extent_start = (u64)&gfn, .nr_extents = 1,
					    .domid = DOMID_SELF };
	unsigned int n = 1;

	while (n < MOST && vcpu_op(is_up, n, 0) >= 0)
		n++;
	EXPECT_EQ(n, want);
	EXPECT(vcpu_op(is_up, n, 0) < 0, "more than %u vCPUs", n);
	for (unsigned int id = 1; id < n; id++)
		start(id);
	EXPECT_EQ(all_run(n), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(memory_op(decrease_reservation, &r), 1);
		EXPECT_EQ(memory_op(populate_physmap, &r), 1);
		page[0] = 1;
	}
	EXPECT_EQ(all_run(n), 0);
	stop = 1;
}
