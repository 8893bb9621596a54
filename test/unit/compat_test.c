/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: common/compat.c common/evtchn.c common/evtchn_deliver.c common/evtchn_fifo.c
 * common/spinlock.c
 */
/*
 * What 32-bit code may call, that its arguments are read once and nothing beside them is written,
 * and when layouts change.
 */
#include "test/unit/unit.h"

#include <sys/mman.h>

#include <public/hvm/hvm_op.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/version.h>
#include <public/x86_32.h>

#include "common/compat.h"
#include "common/grant.h"
#include "common/hypercall.h"
#include "common/memory_internal.h"
#include "common/time.h"

#define CANARY 0xdeadbeef

static struct domain *guest;
static u32 *mem;		/* guest memory below 4 GiB */
static unsigned long passed[6], timeout;
static unsigned int nr_passed, reads, updates;
static struct xen_add_to_physmap added;
static struct gnttab_setup_table table;
static size_t table_gfns;
static struct domain *added_to;
static bool in_32bit;
static long answer;

/* What compat.c calls. */
long hypercall_dispatch(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
			unsigned long a4, unsigned long a5)
{
	nr_passed++;
	memcpy(passed, (unsigned long[]){ nr, a1, a2, a3, a4, a5 }, sizeof(passed));
	return 42;
}

long memory_add_to_physmap(struct domain *d, void *arg, u64 gva, u64 start)
{
	added = *(struct xen_add_to_physmap *)arg;
	added_to = d;
	return answer;
}

long memory_map_copy(struct domain *d, u64 buffer, u32 *nr)
{
	assert_ptr_equal(d, guest);
	assert_int_equal(buffer, 0x9000);
	assert_int_equal(*nr, 128);
	*nr = 7;
	return answer;
}

void grant_setup_table(struct gnttab_setup_table *op, size_t gfn_size)
{
	table = *op;
	table_gfns = gfn_size;
	op->status = -3;
}

long do_set_timer_op(unsigned long t, unsigned long a2, unsigned long a3, unsigned long a4,
		     unsigned long a5)
{
	timeout = t;
	return 0;
}

bool arch_runs_32bit(void) { return in_32bit; }
void domain_wallclock_update(struct domain *d) { updates++; }

static void count_reads(u64 gva, size_t len, bool write)
{
	reads += !write;
}

static int setup(void **state)
{
	fake_reset();
	fake_domain(0, 1);
	guest = fake_domain(1, 1);
	assert_int_equal(evtchn_init(guest, ~0u), 0);
	fake_run_on(0, guest->vcpu[0]);
	fake_on_guest_access = count_reads;
	mem = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		   0);
	assert_true(mem != MAP_FAILED);
	nr_passed = reads = updates = 0;
	answer = 0;
	in_32bit = true;
	return 0;
}

static int teardown(void **state)
{
	evtchn_free(guest);
	munmap(mem, PAGE_SIZE);
	return unit_teardown(state);
}

#define GVA ((u32)(u64)mem)

static long call(u32 nr, u32 op, u32 a2, u32 a3)
{
	return hypercall_dispatch_32bit(nr, (u32[]){ op, a2, a3, 0xffffffff, 5 });
}

static bool listed(u32 nr, u32 op)
{
	static const struct { u32 nr; s8 ops[12]; } list[] = { /* (docs/abi.md, Callers in 32-bit mode) */
		{ __HYPERVISOR_memory_op, { 3, 4, 14, -1 } },
		{ __HYPERVISOR_xen_version, { 0, 1, 2, 3, 4, 6, 7, 8, 9, -1 } },
		{ __HYPERVISOR_console_io, { 0, 1, -1 } },
		{ __HYPERVISOR_grant_table_op, { 0, 1, 6, 8, 10, -1 } },
		{ __HYPERVISOR_vcpu_op, { 3, 10, -1 } },
		{ __HYPERVISOR_sched_op, { 0, 1, 2, -1 } },
		{ __HYPERVISOR_event_channel_op, { 0, 1, 3, 4, 5, 6, 7, 8, 9, -1 } },
		{ __HYPERVISOR_hvm_op, { 0, 1, 10, 23, -1 } },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++)
		for (unsigned int j = 0; list[i].nr == nr && list[i].ops[j] >= 0; j++)
			if (list[i].ops[j] == op)
				return true;
	return false;
}

static void the_list_is_closed(void **state)
{
	unsigned int n = 0;

	for (u32 nr = 0; nr < 70; nr++) {
		for (u32 op = 0; op < 300; op++) {
			bool own = nr == __HYPERVISOR_set_timer_op ||
				   (nr == __HYPERVISOR_memory_op && (op == XENMEM_add_to_physmap || op == XENMEM_memory_map)) ||
				   (nr == __HYPERVISOR_grant_table_op && op == GNTTABOP_setup_table);

			if (own)
				continue;
			n += listed(nr, op);
			if (call(nr, op, 1, 2) != (listed(nr, op) ? 42 : -ENOSYS))
				fail_msg("hypercall %u, operation %u", nr, op);
			assert_int_equal(nr_passed, n);
		}
	}
	assert_int_equal(call(~0u, 0, 0, 0), -ENOSYS);
	assert_int_equal(call(__HYPERVISOR_sched_op, ~0u, 0, 0), -ENOSYS);
	call(__HYPERVISOR_xen_version, 1, 0xfffffffe, 3);
	assert_memory_equal(passed,
			    ((unsigned long[]){ __HYPERVISOR_xen_version, 1, 0xfffffffe, 3, 0xffffffff, 5 }),
			    sizeof(passed));
	assert_int_equal(reads, 0);
}

static void structures_of_32_bits(void **state)
{
	const struct xen_add_to_physmap_32 add = { DOMID_SELF, 1, 2, 0xfffffffe, 0xfffffffd };
	const struct xen_memory_map_32 map = { 128, 0x9000 };
	const struct gnttab_setup_table_32 setup_32 = { DOMID_SELF, 3, 0, 0xfffff000 };

	memcpy(mem, &add, sizeof(add));
	answer = -EINVAL;
	assert_int_equal(call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, GVA, 0), -EINVAL);
	assert_ptr_equal(added_to, guest);
	assert_true(added.domid == DOMID_SELF && added.size == 1 && added.space == 2);
	assert_true(added.idx == 0xfffffffe && added.gpfn == 0xfffffffd);
	assert_int_equal(reads, 1);
	mem[0] = 0;	/* another domain */
	assert_int_equal(call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, GVA, 0), -EPERM);

	memcpy(mem, &map, sizeof(map));
	mem[2] = CANARY;
	assert_int_equal(call(__HYPERVISOR_memory_op, XENMEM_memory_map, GVA, 0), -EINVAL);
	assert_int_equal(mem[0], 128);
	answer = reads = 0;
	assert_int_equal(call(__HYPERVISOR_memory_op, XENMEM_memory_map, GVA, 0), 0);
	assert_int_equal(mem[0], 7);
	assert_int_equal(mem[1], 0x9000);
	assert_int_equal(mem[2], CANARY);
	assert_int_equal(reads, 1);

	memcpy(mem, &setup_32, sizeof(setup_32));
	mem[4] = CANARY;
	reads = 0;
	assert_int_equal(call(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, GVA, 2), -EINVAL);
	assert_int_equal(call(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, GVA, 1), 0);
	assert_true(table.dom == DOMID_SELF && table.nr_frames == 3 && table.frame_list == 0xfffff000);
	assert_int_equal(table_gfns, 4);
	assert_int_equal((s16)mem[2], -3);
	assert_int_equal(mem[3], 0xfffff000);
	assert_int_equal(mem[4], CANARY);
	assert_int_equal(reads, 1);

	assert_int_equal(call(__HYPERVISOR_set_timer_op, 1, 2, 3), 0);
	assert_int_equal(timeout, 0x200000001);
}

static void addresses_that_cannot_be_reached(void **state)
{
	const struct { u32 nr, op; bool writes; } ops[] = {
		{ __HYPERVISOR_memory_op, XENMEM_add_to_physmap, false },
		{ __HYPERVISOR_memory_op, XENMEM_memory_map, true },
		{ __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		memcpy(mem, &(struct xen_memory_map_32){ 128, 0x9000 }, 8);
		for (unsigned int nth = 1; nth <= 1 + ops[i].writes; nth++) {
			fake_guest_fault_nth(nth);
			assert_int_equal(call(ops[i].nr, ops[i].op, GVA, 1), -EFAULT);
		}
	}
}

static void layouts_are_latched(void **state)
{
	in_32bit = false;
	assert_int_equal(compat_latch(), 0);
	assert_int_equal(updates, 0);
	in_32bit = true;
	assert_int_equal(compat_latch(), 0);
	assert_true(evtchn_is_32bit(&guest->evtchn));
	assert_int_equal(updates, 1);
	in_32bit = false;
	assert_int_equal(compat_latch(), 0);
	assert_false(evtchn_is_32bit(&guest->evtchn));
	assert_int_equal(updates, 2);
	assert_int_equal(evtchn_attach(guest, 1024, 0, NULL), 0);
	in_32bit = true;
	assert_int_equal(compat_latch(), -EBUSY);
	assert_int_equal(updates, 2);
	for (evtchn_port_t next = 0; evtchn_close_all(guest, &next) == -ERESTART;)
		;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(the_list_is_closed),
	TEST(structures_of_32_bits),
	TEST(addresses_that_cannot_be_reached),
	TEST(layouts_are_latched),
};

UNIT_MAIN(tests)
