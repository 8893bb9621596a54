/* SPDX-License-Identifier: GPL-2.0-only */
/* memory_op on the domain itself: the map, moving frames in and out, ballooning, bad arguments. */
#include "lib/control.h"

#include <public/memory.h>
#include <public/version.h>

const char test_title[] = "memory";

static void test_map(void)
{
	static struct memory_range small[2];
	struct xen_memory_map arg = { 2, (u64)small };
	unsigned int i, ram = 0;
	u64 end = 0, bytes = 0;

	EXPECT(nr_memory_ranges > 0, "no memory map");
	for (i = 0; i < nr_memory_ranges; i++) {
		const struct memory_range *r = &memory_map[i];

		EXPECT(r->size && r->addr >= end, "entry %u: %#lx + %#lx", i, r->addr, r->size);
		end = r->addr + r->size;
		if (r->type == XEN_HVM_MEMMAP_TYPE_RAM) {
			ram++;
			bytes += r->size;
		}
	}
	printk("%u ranges, %u of RAM, %lu MiB\n", nr_memory_ranges, ram, bytes >> 20);
	EXPECT(bytes >= 64 << 20, "%lu bytes", bytes);
	if (nr_memory_ranges > 2) { /* too little room */
		long ret = memory_op(memory_map, &arg);

		EXPECT(ret == 0 || ret == -ENOBUFS, "memory_map with room for 2: %ld", ret);
		if (!ret)
			EXPECT_EQ(arg.nr_entries, 2);
	}
	arg.buffer = 0x123456789000;
	EXPECT_EQ(memory_op(memory_map, &arg), -EFAULT);
}

static void test_numbers(void)
{
	struct xen_memory_domain self = { DOMID_SELF }, none = { 77 };
	long now = memory_op(current_reservation, &self), max = memory_op(maximum_reservation, &self);
	long top = memory_op(maximum_gpfn, &self);

	printk("%ld pages of %ld, highest gfn %#lx\n", now, max, top);
	EXPECT(now > 10000, "%ld pages", now);
	EXPECT(max >= now || max < 0, "maximum %ld", max);
	EXPECT(top >= (long)gfn_of(shared_info), "highest gfn %#lx", top);
	EXPECT_EQ(memory_op(current_reservation, &none), -ESRCH);
	EXPECT(memory_op(maximum_ram_page, 0) > 0, "maximum_ram_page");
}

static void test_shared_info(void)
{
	static u8 first[PAGE_SIZE] PAGE_ALIGNED;
	struct xen_add_to_physmap add = { DOMID_SELF, 0, XENMAPSPACE_shared_info, 0, 0 };
	struct xen_remove_from_physmap remove = { DOMID_SELF, 0 };
	struct shared_info *old = shared_info;
	u64 hole = find_hole(), va = find_va();
	u32 value, mark = 0x12345678;

	/* Into a hole, then over RAM: the frame moves and keeps its contents. */
	old->arch.nmi_reason = mark;
	add.gpfn = hole;
	EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
	map_page(va, hole << PAGE_SHIFT, PTE_P | PTE_W);
	EXPECT_EQ(((struct shared_info *)va)->arch.nmi_reason, mark);
	if (!try_read32(&old->arch.nmi_reason, &value))
		EXPECT(value != mark, "the frame is still where it was");
	shared_info = (struct shared_info *)va;
	this_cpu()->vcpu_info = &shared_info->vcpu_info[0];
	EXPECT(now_ns() > 0, "the clock");
	add.gpfn = gfn_of(first);
	EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
	EXPECT_EQ(((struct shared_info *)first)->arch.nmi_reason, mark);
	shared_info = (struct shared_info *)first;
	this_cpu()->vcpu_info = &shared_info->vcpu_info[0];
	remove.gpfn = hole; /* the gfn is empty now */
	EXPECT(memory_op(remove_from_physmap, &remove) < 0, "removed from a hole");
	add.space = 99;
	EXPECT_IN(memory_op(add_to_physmap, &add), -ENOSYS, -EINVAL);
	add.space = XENMAPSPACE_shared_info;
	add.idx = 1;
	EXPECT_EQ(memory_op(add_to_physmap, &add), -EINVAL);
	add.idx = 0;
	add.domid = 77;
	EXPECT_EQ(memory_op(add_to_physmap, &add), -ESRCH);
	map_page(va, 0, 0);
}

static long reserve(unsigned int op, u64 *gfns, u64 n, u32 order)
{
	struct xen_memory_reservation arg = { (u64)gfns, n, order, 0, DOMID_SELF };

	return hypercall(memory_op, op, &arg, 0);
}

static u8 balloon[64][PAGE_SIZE] PAGE_ALIGNED;

static void test_balloon(void)
{
	struct xen_memory_domain self = { DOMID_SELF };
	long before = memory_op(current_reservation, &self);
	u64 gfns[64];
	u32 value;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		gfns[i] = gfn_of(balloon[i]);
		memset(balloon[i], 0x77, PAGE_SIZE);
	}
	EXPECT_EQ(reserve(XENMEM_decrease_reservation, gfns, 64, 0), 64);
	EXPECT_EQ(memory_op(current_reservation, &self), before - 64);
	if (!try_read32(balloon[3], &value))
		EXPECT(value != 0x77777777, "the page is still there");
	/* A second call has nothing left to give back. */
	EXPECT_EQ(reserve(XENMEM_decrease_reservation, gfns, 1, 0), 0);
	EXPECT_EQ(reserve(XENMEM_populate_physmap, gfns, 64, 0), 64);
	EXPECT_EQ(memory_op(current_reservation, &self), before);
	for (i = 0; i < 64; i++) {
		EXPECT(*(u32 *)balloon[i] != 0x77777777 || !on_keel, "page %u came back uncleared", i);
		balloon[i][7] = i;
	}
	for (i = 0; i < 64; i++)
		EXPECT_EQ(balloon[i][7], i);
	gfns[0] = 1ull << 50;
	EXPECT(reserve(XENMEM_decrease_reservation, gfns, 1, 0) <= 0, "gave a page beyond everything");
	EXPECT(reserve(XENMEM_populate_physmap, gfns, 1, 0) <= 0, "populated beyond everything");
	EXPECT(reserve(XENMEM_populate_physmap, gfns, 1, 60) <= 0, "an order of 60");
	EXPECT(reserve(XENMEM_decrease_reservation, gfns, ~0ull, 0) <= 0, "2^64 extents");
	EXPECT(reserve(XENMEM_populate_physmap, (u64 *)0x123456789000, 1, 0) <= 0, "a bad list");
}

/* The same page over and over: the p2m shrinks and grows, and no page is lost. */
static void test_churn(void)
{
	struct xen_memory_domain self = { DOMID_SELF };
	long before = memory_op(current_reservation, &self);
	u64 gfn = gfn_of(balloon[1]);
	unsigned int i;

	for (i = 0; i < 300; i++) {
		if (reserve(XENMEM_decrease_reservation, &gfn, 1, 0) != 1 ||
		    reserve(XENMEM_populate_physmap, &gfn, 1, 0) != 1)
			break;
		WRITE_ONCE(*(u32 *)balloon[1], i);
		if (READ_ONCE(*(u32 *)balloon[1]) != i)
			break;
	}
	EXPECT_EQ(i, 300);
	EXPECT_EQ(memory_op(current_reservation, &self), before);
}

static void test_gmfn(void)
{
	static u8 from[PAGE_SIZE] PAGE_ALIGNED;
	u64 hole = find_hole(), va = find_va();
	struct xen_add_to_physmap add = { DOMID_SELF, 0, XENMAPSPACE_gmfn, gfn_of(from), hole };
	struct xen_remove_from_physmap remove = { DOMID_SELF, hole };
	u32 value;
	long ret;

	memset(from, 0x3c, PAGE_SIZE);
	ret = memory_op(add_to_physmap, &add);
	if (ret == -ENOSYS || ret == -EOPNOTSUPP) {
		printk("XENMAPSPACE_gmfn is not there\n");
		return;
	}
	EXPECT_EQ(ret, 0);
	map_page(va, hole << PAGE_SHIFT, PTE_P | PTE_W);
	EXPECT_EQ(*(u32 *)va, 0x3c3c3c3c);
	if (!try_read32(from, &value))
		EXPECT(value != 0x3c3c3c3c, "the frame moved and is still at its old place");
	EXPECT_EQ(memory_op(remove_from_physmap, &remove), 0);
	if (!try_read32((void *)va, &value))
		EXPECT(value != 0x3c3c3c3c, "the frame was removed and is still there");
	map_page(va, 0, 0);
}

static void test_batch(void)
{
	u64 idxs[3] = { gfn_of(balloon[0]), 1ull << 45, gfn_of(balloon[2]) };
	u64 gpfns[3] = { find_hole(), find_hole(), find_hole() };
	int errs[3] = { 99, 99, 99 };
	struct xen_add_to_physmap_batch arg = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 3,
		.u.foreign_domid = 77, .idxs = (u64)idxs, .gpfns = (u64)gpfns, .errs = (u64)errs };
	long ret;

	/* A domain that does not exist. */
	ret = memory_op(add_to_physmap_batch, &arg);
	EXPECT(ret == -ESRCH || (!ret && errs[0] == -ESRCH), "%ld, first item %d", ret, errs[0]);
	arg.u.foreign_domid = DOMID_SELF;
	EXPECT(memory_op(add_to_physmap_batch, &arg) < 0 || errs[0] < 0, "foreign pages of itself");
	arg.errs = 0x123456789000;
	arg.u.foreign_domid = 77;
	EXPECT(memory_op(add_to_physmap_batch, &arg) < 0, "errs nowhere");
}

/* --- argument buffers that vanish and come back --- */

static u8 buffers[2][PAGE_SIZE] PAGE_ALIGNED;
static u64 buffer_va;
static volatile u32 stop, ap_running;
static volatile u64 swaps;

/*
 * An emulator may run both vCPUs in step: each state lasts a time of its own, so that the other
 * vCPU sees all of them.
 */
static void state_lasts(u64 n)
{
	for (n %= 61; n; n--)
		cpu_relax();
}

/* Another vCPU maps the buffer to one frame, to another, and not at all, in turns. */
static void remapper(void)
{
	u64 n = 0;

	ap_running = 1;
	while (!stop) {
		switch (n++ % 3) {
		case 0:
			map_page(buffer_va, (u64)buffers[0], PTE_P | PTE_W);
			break;
		case 1:
			map_page(buffer_va, (u64)buffers[1], PTE_P | PTE_W);
			break;
		case 2:
			map_page(buffer_va, 0, 0);
			break;
		}
		state_lasts(swaps++);
	}
	ap_running = 2;
}

/* Another vCPU removes the buffer's page and populates a new one there. */
static void ballooner(void)
{
	u64 gfn = gfn_of(buffers[0]);

	ap_running = 1;
	while (!stop) {
		if (reserve(XENMEM_decrease_reservation, &gfn, 1, 0) == 1)
			swaps++;
		state_lasts(swaps / 61);
		while (reserve(XENMEM_populate_physmap, &gfn, 1, 0) != 1)
			cpu_relax();
		state_lasts(swaps);
	}
	ap_running = 2;
}

/* Calls until ms have passed. Every result must be one of the two that are allowed. */
static void hammer(void *buffer, unsigned int ms, const char *what)
{
	u64 end = now_ns() + ms * 1000000ull, good = 0, faults = 0, other = 0;
	long ret;

	while (now_ns() < end) {
		ret = xen_version(extraversion, buffer);
		if (ret >= 0)
			good++;
		else if (ret == -EFAULT)
			faults++;
		else
			other++;
	}
	printk("%s: %lu done, %lu faulted, %lu changes\n", what, good, faults, swaps);
	EXPECT_EQ(other, 0);
	EXPECT(good > 0, "no call got through");
	EXPECT(swaps > 0, "the other vCPU changed nothing");
}

static void test_moving_buffer(void)
{
	buffer_va = find_va();
	map_page(buffer_va, (u64)buffers[0], PTE_P | PTE_W);
	EXPECT(start_cpu(1, remapper), "vCPU 1 does not start");
	EXPECT(wait_for(&ap_running), "vCPU 1 does not get on");
	hammer((void *)buffer_va, 300, "remapped");
	stop = 1;
	while (ap_running != 2)
		cpu_relax();
	stop = 0;
	ap_running = 0;
	swaps = 0;
	EXPECT(start_cpu(1, ballooner), "vCPU 1 does not start again");
	EXPECT(wait_for(&ap_running), "vCPU 1 does not get on");
	hammer(buffers[0], 300, "ballooned");
	stop = 1;
	while (ap_running != 2)
		cpu_relax();
}

/* With only one vCPU: the second of two calls sees a new mapping, without exits of INVLPG. */
static void test_remap_between(void)
{
	u64 va = find_va();

	memset(buffers, 0, sizeof(buffers));
	map_page(va, (u64)buffers[0], PTE_P | PTE_W);
	EXPECT(xen_version(capabilities, va) >= 0, "capabilities");
	map_page(va, (u64)buffers[1], PTE_P | PTE_W);
	EXPECT(xen_version(capabilities, va) >= 0, "capabilities");
	EXPECT(buffers[0][0] && buffers[1][0], "the second call wrote through the old mapping");
	map_page(va, (u64)buffers[0], PTE_P);
	if (on_keel)
		EXPECT_EQ(xen_version(capabilities, va), -EFAULT); /* read-only */
	map_page(va, 0, 0);
	EXPECT_EQ(xen_version(capabilities, va), -EFAULT);
}

void test_main(void)
{
	test_map();
	test_numbers();
	test_shared_info();
	test_balloon();
	test_churn();
	test_gmfn();
	test_batch();
	test_remap_between();
	if (nr_vcpus > 1)
		test_moving_buffer();
	if (on_keel)
		test_log_dirty();
	EXPECT_EQ(hypercall(memory_op, 63, 0, 0), -ENOSYS);
	/* Xen looks at the number of extents first, which is 0. */
	EXPECT_IN(memory_op(populate_physmap, 0x123456789000), 0, -EFAULT);
	EXPECT_EQ(memory_op(add_to_physmap, 0x123456789000), -EFAULT);
}
