/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random hypercalls with random arguments, while a second vCPU rewrites them. Options: seed=N (it
 * is printed), calls=N, trace=1 prints each call before it is made. It never shuts down or blocks,
 * and keeps off what would end the run rightly (its own code, the machine's power). It has passed
 * when it comes to its end with its own code unchanged.
 */
#include "lib/guest.h"

#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/hvm/hvm_op.h>
#include <public/memory.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>

const char test_title[] = "fuzz";

/*
 * At the end of low RAM, so that nothing of ours lies behind it: a page of arguments, one of
 * lists of frames, and pages to lose.
 */
#define SCRATCH_SIZE (8ul << 20)
static u64 scratch, *args, *lists, hole;
static volatile u32 ap_running, stop;
static u64 rewrites;
static u32 version;

static u64 next(u64 *state)
{
	u64 x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1d;
}

static bool one_in(u64 *rng, u32 n)
{
	return next(rng) % n == 0;
}

static u64 scratch_page(u64 *rng)
{
	return scratch + (next(rng) % (SCRATCH_SIZE >> PAGE_SHIFT) << PAGE_SHIFT);
}

/* A frame that may be lost: ours to lose, in the hole, or far beyond everything. */
static u64 random_frame(u64 *rng)
{
	switch (next(rng) % 4) {
	case 0:
		return hole + next(rng) % 64;
	case 1:
		return 1ull << 40 | next(rng);
	default:
		return scratch_page(rng) >> PAGE_SHIFT;
	}
}

static u64 random_pointer(u64 *rng)
{
	switch (next(rng) % 8) {
	case 0:
		return 0x6f0000000000 + next(rng) % 8192; /* not mapped */
	case 1:
		return next(rng);
	case 2:
		return scratch_page(rng) + next(rng) % PAGE_SIZE;
	case 3:
		return (u64)lists + next(rng) % 512 * 8;
	case 4:
		return (u64)args + PAGE_SIZE - next(rng) % 64;
	default:
		return (u64)args;
	}
}

/* One 64-bit word of an argument. */
static u64 random_word(u64 *rng)
{
	static const u16 domids[] = { DOMID_SELF, DOMID_SELF, 0, 1, 2, DOMID_IO, DOMID_XEN, DOMID_INVALID, 0x1234 };

	switch (next(rng) % 8) {
	case 0:
		return next(rng) % 8;
	case 1:
		return next(rng) | 1ull << 40;
	case 2:
		return random_frame(rng);
	case 3:
	case 4:
		return random_pointer(rng);
	case 5: /* domid, a size, something */
		return domids[next(rng) % ARRAY_SIZE(domids)] | next(rng) % 64 << 16 | (next(rng) % 32) << 32;
	case 6: /* two small ones */
		return next(rng) % 32 | (next(rng) % 32) << 32;
	default:
		return random_frame(rng) << PAGE_SHIFT;
	}
}

/* The first word holds command and version of the control calls: set before each, left alone meanwhile. */
static void rewrite(u64 *rng, unsigned int n)
{
	while (n--) {
		WRITE_ONCE(args[1 + next(rng) % 31], random_word(rng));
		WRITE_ONCE(lists[next(rng) % 512], random_frame(rng));
	}
}

static void rewriter(void)
{
	u64 rng = option_number("seed", rdtsc()) * 7 + 3;

	ap_running = 1;
	while (!stop) {
		rewrite(&rng, 1);
		rewrites++;
	}
	ap_running = 2;
}

static bool forbidden(u32 nr, u32 op)
{
	switch (nr) {
	case __HYPERVISOR_sched_op:
		return op != SCHEDOP_yield;
	case __HYPERVISOR_vcpu_op:
		return op <= VCPUOP_down || op == VCPUOP_send_nmi;
	case __HYPERVISOR_hvm_op:
		return op == HVMOP_set_param && !on_keel; /* S3 */
	case __HYPERVISOR_console_io:
		return op == CONSOLEIO_write;
	case __HYPERVISOR_domctl:
		return op == XEN_DOMCTL_soft_reset || (!on_keel && op > 86);
	case __HYPERVISOR_sysctl: /* debug keys reboot, CPUs go away */
		return op == XEN_SYSCTL_debug_keys || op == 11 || (!on_keel && (op == 12 || op == 14));
	case __HYPERVISOR_platform_op:
		return (op >= XENPF_enter_acpi_sleep && op <= XENPF_change_freq) ||
		       (op >= XENPF_cpu_online && op <= XENPF_resource_op);
	case __HYPERVISOR_set_timer_op:
	case __HYPERVISOR_multicall: /* its list could hold what is forbidden here */
	case __HYPERVISOR_kexec_op:
		return true;
	}
	return false;
}

struct shot {
	u32 nr, op;
	u64 a[5];
};

static struct shot random_call(u64 *rng)
{
	static const u8 common[] = { 12, 12, 12, 17, 20, 20, 20, 21, 24, 29, 32, 32, 32, 32, 33, 34, 35, 36, 36, 7, 42, 18 };
	struct shot s;
	unsigned int i;

	do {
		s.nr = one_in(rng, 16) ? next(rng) % 64 : common[next(rng) % sizeof(common)];
		s.op = one_in(rng, 32) ? next(rng) : next(rng) % (s.nr == 36 || s.nr == 7 ? 96 : 32);
	} while (forbidden(s.nr, s.op));
	for (i = 0; i < 5; i++)
		s.a[i] = random_word(rng);
	if (s.nr == __HYPERVISOR_domctl || s.nr == __HYPERVISOR_sysctl || s.nr == __HYPERVISOR_platform_op) {
		u64 v = s.nr == __HYPERVISOR_platform_op ? XENPF_INTERFACE_VERSION :
			s.nr == __HYPERVISOR_domctl && one_in(rng, 2) && on_keel ? 0x17 : 0x15;

		args[0] = s.op | v << 32;
		s.a[0] = (u64)args;
		return s;
	}
	args[0] = random_word(rng);
	s.a[0] = s.op;
	if (!one_in(rng, 4))
		s.a[1] = random_pointer(rng);
	if (s.nr == __HYPERVISOR_vcpu_op) {
		s.a[1] = next(rng) % 3;
		s.a[2] = random_pointer(rng);
	}
	if (s.nr == __HYPERVISOR_grant_table_op || s.nr == __HYPERVISOR_console_io)
		s.a[2] = one_in(rng, 8) ? next(rng) : next(rng) % 32;
	return s;
}

static u64 checksum(void)
{
	const u32 *p = (const u32 *)0x1000000, *end = (const u32 *)&test_title;
	u64 sum = 0;

	while (p < end)
		sum = sum * 31 + *p++;
	return sum;
}

static void find_scratch(void)
{
	unsigned int i;

	for (i = 0; i < nr_memory_ranges; i++) {
		const struct memory_range *r = &memory_map[i];

		if (r->type == XEN_HVM_MEMMAP_TYPE_RAM && r->addr + r->size <= 1ull << 32 && r->size >= 64 << 20)
			scratch = (r->addr + r->size - SCRATCH_SIZE) & ~0x1fffffull;
	}
	if (!scratch)
		error_stop("no 64 MiB of low RAM");
	args = (u64 *)scratch;
	lists = (u64 *)(scratch + PAGE_SIZE);
	hole = find_hole();
}

void test_main(void)
{
	u64 seed = option_number("seed", rdtsc() % 1000000007), calls = option_number("calls", 20000);
	u64 rng = seed * 0x9e3779b97f4a7c15 | 1, n, done = 0, sum, result[3] = { 0 };
	bool trace = option_number("trace", 0), two = nr_vcpus > 1 && option_number("cpus", 2) > 1;

	printk("seed=%lu calls=%lu\n", seed, calls);
	version = xen_version(version, 0);
	find_scratch();
	sum = checksum();
	if (two) {
		EXPECT(start_cpu(1, rewriter), "vCPU 1 does not start");
		EXPECT(wait_for(&ap_running, 1000), "vCPU 1 does not get on");
	}
	for (n = 0; n < calls; n++) {
		struct shot s = random_call(&rng);
		long ret;

		rewrite(&rng, 4);
		if (trace)
			printk("%lu: %u(%#lx, %#lx, %#lx, %#lx, %#lx)\n", n, s.nr, s.a[0], s.a[1], s.a[2], s.a[3],
			       s.a[4]);
		ret = hypercall5(s.nr, s.a[0], s.a[1], s.a[2], s.a[3], s.a[4]);
		if (trace)
			printk("%lu: %ld\n", n, ret);
		result[ret >= 0 ? 0 : ret == -ENOSYS ? 1 : 2]++;
		done++;
		if (n % 1000 == 999 && xen_version(version, 0) != version)
			break;
	}
	stop = 1;
	while (two && ap_running != 2)
		cpu_relax();
	printk("%lu calls: %lu done, %lu not there, %lu refused; %lu rewrites\n", done, result[0], result[1],
	       result[2], rewrites);
	EXPECT_EQ(done, calls);
	EXPECT_EQ(checksum(), sum);
	EXPECT(result[0] > calls / 100 && result[2] > calls / 100, "the calls are too dull");
}
