/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random hypercalls with random arguments, while a second vCPU rewrites the arguments. Options:
 * seed=N (the seed is printed), seconds=N (60) or calls=N; trace=1 prints each call before it is
 * made. The guest never shuts down or blocks, and avoids calls that would rightly end the run
 * (changes to its own code, the machine's power). It passes if it reaches its end with its own code
 * unchanged.
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
 * At the end of low RAM, so that none of the guest's own pages lie behind it: a page of arguments,
 * one of lists of frames, and pages that may be lost.
 */
#define SCRATCH_SIZE (8ul << 20)
static u64 scratch, *args, *lists, hole;
static volatile u32 ap_running, stop;
static u64 rewrites;
static u32 version;

static bool one_in(u64 *rng, u32 n)
{
	return random_next(rng) % n == 0;
}

static u64 scratch_page(u64 *rng)
{
	return scratch + (random_next(rng) % (SCRATCH_SIZE >> PAGE_SHIFT) << PAGE_SHIFT);
}

/*
 * A gfn that may be lost: one that is set aside for this, one in the hole, or one far beyond
 * everything. It is a multiple of 8, because Keel may take it for a pointer, as it may take what
 * another call wrote, a memory map for example; see random_pointer().
 */
static u64 random_frame(u64 *rng)
{
	switch (random_next(rng) % 4) {
	case 0:
		return hole + random_next(rng) % 64 * 8;
	case 1:
		return 1ull << 40 | random_next(rng);
	default:
		return scratch_page(rng) >> PAGE_SHIFT & ~7ull;
	}
}

/*
 * Aligned: an unaligned read would mix halves of two words, which could give an address of this
 * guest's own code or data.
 */
static u64 random_pointer(u64 *rng)
{
	switch (random_next(rng) % 8) {
	case 0:
		return 0x6f0000000000 + random_next(rng) % 8192; /* not mapped */
	case 1:
		return random_next(rng);
	case 2:
		return scratch_page(rng) + random_next(rng) % 512 * 8;
	case 3:
		return (u64)lists + random_next(rng) % 512 * 8;
	case 4:
		return (u64)args + PAGE_SIZE - random_next(rng) % 8 * 8;
	default:
		return (u64)args;
	}
}

/* One 64-bit word of an argument. */
static u64 random_word(u64 *rng)
{
	static const u16 domids[] = { DOMID_SELF, DOMID_SELF, 0, 1, 2, DOMID_IO, DOMID_XEN, DOMID_INVALID,
				      0x1234 };

	switch (random_next(rng) % 8) {
	case 0:
		return random_next(rng) % 8;
	case 1:
		return random_next(rng) | 1ull << 40;
	case 2:
		return random_frame(rng);
	case 3:
	case 4:
		return random_pointer(rng);
	case 5: /* domid, a size, something */
		return domids[random_next(rng) % ARRAY_SIZE(domids)] | random_next(rng) % 64 << 16 |
		       (random_next(rng) % 32) << 32;
	case 6: /* two small ones */
		return random_next(rng) % 32 | (random_next(rng) % 32) << 32;
	default:
		return random_frame(rng) << PAGE_SHIFT;
	}
}

/*
 * The first words of control calls hold command and version. They are set before each call and then
 * left alone.
 */
static void rewrite(u64 *rng, unsigned int n)
{
	while (n--) {
		WRITE_ONCE(args[1 + random_next(rng) % 31], random_word(rng));
		WRITE_ONCE(lists[random_next(rng) % 512], random_frame(rng));
	}
}

static void rewriter(void)
{
	u64 rng = option_number("seed", rdtsc()) * 7 + 3;

	ap_running = 1;
	while (!stop) {
		/*
		 * The loop itself needs no interrupts, but Bochs' VMX only exits after a change of
		 * IF.
		 */
		if (!on_amd)
			asm volatile("sti; cli" ::: "memory");
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
	case __HYPERVISOR_sysctl: /* debug keys reboot, and CPUs could be taken offline */
		return op == XEN_SYSCTL_debug_keys || op == 11 || (!on_keel && (op == 12 || op == 14));
	case __HYPERVISOR_platform_op:
		return (op >= XENPF_enter_acpi_sleep && op <= XENPF_change_freq) ||
		       (op >= XENPF_cpu_online && op <= XENPF_resource_op);
	case __HYPERVISOR_set_timer_op:
	case __HYPERVISOR_multicall: /* its list could contain calls that are avoided here */
	case __HYPERVISOR_kexec_op:
		return true;
	}
	return false;
}

struct shot {
	u32 nr, op;
	u64 a[5];
};

/* The current call, in a page of its own: it is known even if the stack is lost. */
static struct shot current_call PAGE_ALIGNED;

static struct shot random_call(u64 *rng)
{
	/* The hypercall's number, and the number of its operations. */
	static const u8 common[][2] = { { 12, 29 }, { 12, 29 }, { 12, 29 }, { 17, 15 }, { 20, 13 },
					{ 20, 13 },
		{ 20, 13 }, { 21, 6 }, { 24, 16 }, { 29, 8 }, { 32, 15 }, { 32, 15 }, { 32, 15 }, { 33, 33 },
		{ 34, 26 }, { 35, 30 }, { 36, 90 }, { 36, 90 }, { 7, 67 }, { 42, 3 }, { 18, 2 } };
	struct shot s;
	unsigned int i;

	do {
		const u8 *c = common[random_next(rng) % ARRAY_SIZE(common)];

		s.nr = one_in(rng, 32) ? random_next(rng) % 64 : c[0];
		s.op = one_in(rng, 32) ? random_next(rng) : random_next(rng) % c[1];
	} while (forbidden(s.nr, s.op));
	for (i = 0; i < 5; i++)
		s.a[i] = random_word(rng);
	if (s.nr == __HYPERVISOR_domctl || s.nr == __HYPERVISOR_sysctl ||
	    s.nr == __HYPERVISOR_platform_op) {
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
		s.a[1] = random_next(rng) % 3;
		s.a[2] = random_pointer(rng);
	}
	if (s.nr == __HYPERVISOR_grant_table_op || s.nr == __HYPERVISOR_console_io)
		s.a[2] = random_next(rng) % (one_in(rng, 8) ? 5000 : 32); /* each of millions would be executed */
	return s;
}

/* The guest's code, page by page. Reports the page that has changed, and ends the test. */
static void check_code(u64 call)
{
	static u64 sums[64];
	const u64 start = 0x1000000, end = (u64)&test_title;
	u64 page, sum;
	const u32 *p;

	for (page = start; page < end && page < start + ARRAY_SIZE(sums) * PAGE_SIZE; page += PAGE_SIZE) {
		u64 *known = &sums[(page - start) >> PAGE_SHIFT];

		for (sum = 1, p = (const u32 *)page; (u64)p < page + PAGE_SIZE && (u64)p < end; p++)
			sum = sum * 31 + *p;
		if (*known && *known != sum) {
			printk("call %lu: the code at %#lx changed, it begins %x %x %x %x\n", call, page,
			       ((u32 *)page)[0], ((u32 *)page)[1], ((u32 *)page)[2], ((u32 *)page)[3]);
			error_stop("the test's own code changed");
		}
		*known = sum;
	}
}

static void find_scratch(void)
{
	unsigned int i;
	u64 addr;

	for (i = 0; i < nr_memory_ranges; i++) {
		const struct memory_range *r = &memory_map[i];

		if (r->type == XEN_HVM_MEMMAP_TYPE_RAM && r->addr + r->size <= 1ull << 32 && r->size >= 64 << 20)
			scratch = (r->addr + r->size - SCRATCH_SIZE) & ~0x1fffffull;
	}
	if (!scratch)
		error_stop("no 64 MiB of low RAM");
	args = (u64 *)scratch;
	lists = (u64 *)(scratch + PAGE_SIZE);
	for (addr = 0x1000000; addr + PAGE_SIZE <= (u64)&test_title; addr += PAGE_SIZE)
		map_page(addr, addr, PTE_P);
	hole = find_hole() | 1ull << 25; /* no gfn, taken for an address, is one of the guest's own */
}

void test_main(void)
{
	u64 seed = option_number("seed", rdtsc() % 1000000007), calls = option_number("calls", 0);
	u64 start = rdtsc(), start_ns = now_ns(), per_us, end;
	u64 rng = seed * 0x9e3779b97f4a7c15 | 1, n, done = 0, result[3] = { 0 };
	volatile u64 canary = 0x5ca1ab1e;
	bool trace = option_number("trace", 0), two = nr_vcpus > 1 && option_number("cpus", 2) > 1;

	printk("seed=%lu\n", seed);
	/* The end is computed from the TSC: a call may move the vCPU's clock away. */
	delay_us(20000); /* or longer, if the emulator has to wait */
	per_us = (rdtsc() - start) * 1000 / (now_ns() - start_ns);
	end = start + per_us * 1000000 * option_number("seconds", 60);
	version = xen_version(version, 0);
	find_scratch();
	check_code(0);
	if (two) {
		EXPECT(start_cpu(1, rewriter), "vCPU 1 does not start");
		EXPECT(wait_for(&ap_running), "vCPU 1 does not get on");
	}
	for (n = 0; calls ? n < calls : rdtsc() < end; n++) {
		struct shot s = random_call(&rng);
		long ret;

		rewrite(&rng, 4);
		if (trace)
			printk("%lu: %u.%u(%#lx, %#lx, %#lx, %#lx, %#lx)\n", n, s.nr, s.op, s.a[0], s.a[1], s.a[2],
			       s.a[3], s.a[4]);
		current_call = s;
		ret = hypercall5(s.nr, s.a[0], s.a[1], s.a[2], s.a[3], s.a[4]);
		if (trace)
			printk("%lu: %ld\n", n, ret);
		if (canary != 0x5ca1ab1e) {
			printk("lost the stack in %u.%u(%#lx, %#lx, %#lx, %#lx, %#lx)\n", current_call.nr,
			       current_call.op, current_call.a[0], current_call.a[1], current_call.a[2],
			       current_call.a[3], current_call.a[4]);
			error_stop("the hypervisor took memory that it was not told to");
		}
		result[ret >= 0 ? 0 : ret == -ENOSYS ? 1 : 2]++;
		done++;
		if (n % 32 == 0)
			check_code(n);
		if (n % 1000 == 999 && xen_version(version, 0) != version)
			break;
	}
	stop = 1;
	while (two && ap_running != 2)
		cpu_relax();
	printk("%lu calls: %lu done, %lu not there, %lu refused; %lu rewrites\n", done, result[0],
	       result[1], result[2], rewrites);
	EXPECT_EQ(done, n);
	EXPECT_EQ(xen_version(version, 0), version);
	check_code(n);
	EXPECT(result[0] > done / 100 && result[2] > done / 100, "the calls are too dull");
}
