/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables in one domain: sizes, the table's frames, mapping and copying to itself, errors. */
#include "lib/guest.h"

#include <public/grant_table.h>
#include <public/memory.h>

const char test_title[] = "grants";

static struct grant_entry_v1 *table;
static u8 table_page[PAGE_SIZE] PAGE_ALIGNED, page[PAGE_SIZE] PAGE_ALIGNED,
	other[PAGE_SIZE] PAGE_ALIGNED;
static u8 target[PAGE_SIZE] PAGE_ALIGNED;
static domid_t self;

static void fill(u8 *p, u8 seed)
{
	unsigned int i;

	for (i = 0; i < PAGE_SIZE; i++)
		p[i] = i * 7 + seed;
}

static void test_sizes(void)
{
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_get_version version = { .dom = DOMID_SELF };
	struct gnttab_set_version set = { 1 };

	EXPECT_EQ(grant_op(query_size, &size, 1), 0);
	EXPECT_EQ(size.status, GNTST_okay);
	printk("%u of %u frames\n", size.nr_frames, size.max_nr_frames);
	EXPECT(size.max_nr_frames >= 1 && size.nr_frames <= size.max_nr_frames, "%u of %u",
	       size.nr_frames, size.max_nr_frames);
	EXPECT_EQ(grant_op(set_version, &set, 1), 0);
	EXPECT_EQ(set.version, 1);
	EXPECT_EQ(grant_op(get_version, &version, 1), 0);
	EXPECT_EQ(version.version, 1);
	set.version = 3;
	EXPECT_EQ(grant_op(set_version, &set, 1), -EINVAL);
	size.dom = 77;
	EXPECT_EQ(grant_op(query_size, &size, 1), 0);
	EXPECT_EQ(size.status, is_dom0 ? GNTST_bad_domain : GNTST_permission_denied);
}

static void test_table(void)
{
	struct xen_add_to_physmap add = { DOMID_SELF, 0, XENMAPSPACE_grant_table, 0, gfn_of(table_page) };
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	u64 list[2] = { 0, 0 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1, .frame_list = (u64)list };

	EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
	table = (struct grant_entry_v1 *)table_page;
	EXPECT_EQ(grant_op(setup_table, &setup, 1), 0);
	EXPECT_EQ(setup.status, GNTST_okay);
	EXPECT_EQ(list[0], gfn_of(table_page));
	EXPECT_EQ(grant_op(query_size, &size, 1), 0);
	setup.nr_frames = size.max_nr_frames + 1;
	EXPECT_EQ(grant_op(setup_table, &setup, 1), 0);
	EXPECT_EQ(setup.status, GNTST_general_error);
	/* The table grows when a frame beyond its end is mapped. */
	add.idx = 1;
	add.gpfn = gfn_of(other);
	if (size.max_nr_frames > 1) {
		EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
		EXPECT_EQ(grant_op(query_size, &size, 1), 0);
		EXPECT(size.nr_frames >= 2, "%u frames", size.nr_frames);
		memset(other, 0, 64); /* it can be written */
	}
	add.idx = size.max_nr_frames;
	add.gpfn = gfn_of(target);
	EXPECT_EQ(memory_op(add_to_physmap, &add), -EINVAL);
	target[0] = 1; /* and the old page is still there */
	EXPECT_EQ(target[0], 1);
}

static void grant(grant_ref_t ref, const void *p, u16 flags)
{
	table[ref].domid = self;
	table[ref].frame = gfn_of(p);
	barrier();
	WRITE_ONCE(table[ref].flags, GTF_permit_access | flags);
}

static long map(u64 gpa, grant_ref_t ref, u32 flags, grant_handle_t *handle)
{
	struct gnttab_map_grant_ref op = { gpa, flags, ref, self, 99, 0, 0 };
	long ret = grant_op(map_grant_ref, &op, 1);

	EXPECT_EQ(ret, 0);
	*handle = op.handle;
	return op.status;
}

static long unmap(u64 gpa, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref op = { gpa, 0, handle, 99 };

	EXPECT_EQ(grant_op(unmap_grant_ref, &op, 1), 0);
	return op.status;
}

static void test_map(void)
{
	u64 gfn = find_hole(), gpa = gfn << PAGE_SHIFT, va = find_va();
	volatile u8 *window = (u8 *)va;
	grant_handle_t handle, again, none;
	u32 value;

	fill(page, 1);
	grant(8, page, 0);
	EXPECT_EQ(map(gpa, 8, GNTMAP_host_map, &handle), GNTST_okay);
	map_page(va, gpa, PTE_P | PTE_W);
	EXPECT(!memcmp((void *)va, page, PAGE_SIZE), "the mapping shows another page");
	window[5] = 0x5a;
	EXPECT_EQ(page[5], 0x5a);
	EXPECT_EQ(table[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
	EXPECT_EQ(map(gpa + PAGE_SIZE, 8, GNTMAP_host_map | GNTMAP_readonly, &again), GNTST_okay);
	map_page(va + PAGE_SIZE, gpa + PAGE_SIZE, PTE_P | PTE_W);
	EXPECT_EQ(window[PAGE_SIZE + 5], 0x5a);
	EXPECT_EQ(unmap(gpa, handle), GNTST_okay);
	EXPECT_EQ(table[8].flags, GTF_permit_access | GTF_reading);
	EXPECT_EQ(unmap(gpa + PAGE_SIZE, again), GNTST_okay);
	EXPECT_EQ(table[8].flags, GTF_permit_access);
	EXPECT_EQ(unmap(gpa, handle), GNTST_bad_handle);
	EXPECT_EQ(unmap(gpa, 0xfffffff), GNTST_bad_handle);
	/*
	 * The page is not mapped any more: a read returns ones or the machine's data, never the
	 * page's.
	 */
	if (!try_read32((void *)va, &value))
		EXPECT(value != *(u32 *)page, "the unmapped page can still be read");
	/* A read-only grant cannot be mapped writable. */
	grant(9, page, GTF_readonly);
	EXPECT_EQ(map(gpa, 9, GNTMAP_host_map, &handle), GNTST_general_error);
	EXPECT_EQ(table[9].flags & (GTF_reading | GTF_writing), 0);
	EXPECT_EQ(map(gpa, 9, GNTMAP_host_map | GNTMAP_readonly, &handle), GNTST_okay);
	EXPECT_EQ(table[9].flags & (GTF_reading | GTF_writing), GTF_reading);
	EXPECT_EQ(unmap(gpa, handle), GNTST_okay);
	/* Entries that cannot be mapped. */
	EXPECT(map(gpa, 10, GNTMAP_host_map, &none) < 0, "an invalid entry was mapped");
	EXPECT_EQ(map(gpa, 0xffffff, GNTMAP_host_map, &none), GNTST_bad_gntref);
	EXPECT_EQ(map(gpa, 8, 0, &none), GNTST_bad_gntref);
	table[11] = (struct grant_entry_v1){ GTF_permit_access, self, 0xfffffff0 };
	EXPECT(map(gpa, 11, GNTMAP_host_map, &none) < 0, "a frame beyond memory was mapped");
	EXPECT_EQ(table[11].flags, GTF_permit_access);
	table[11] = (struct grant_entry_v1){ GTF_permit_access, 77, gfn_of(page) };
	EXPECT(map(gpa, 11, GNTMAP_host_map, &none) < 0, "another domain's grant was mapped");
	table[11].flags = 0;
	map_page(va, 0, 0);
	map_page(va + PAGE_SIZE, 0, 0);
}

static void test_map_over_ram(void)
{
	static u8 ram[PAGE_SIZE] PAGE_ALIGNED;
	grant_handle_t handle;
	u32 value;

	fill(page, 3);
	grant(8, page, 0);
	ram[0] = 0xaa;
	EXPECT_EQ(map((u64)ram, 8, GNTMAP_host_map, &handle), GNTST_okay);
	EXPECT(!memcmp(ram, page, PAGE_SIZE), "the mapping shows another page");
	EXPECT_EQ(unmap((u64)ram, handle), GNTST_okay);
	EXPECT_EQ(table[8].flags, GTF_permit_access);
	/* The RAM that was there is gone. */
	if (!try_read32(ram, &value))
		EXPECT(value != 0xaa, "the page that a grant was mapped over came back");
}

static void test_batch(void)
{
	struct gnttab_map_grant_ref maps[64];
	struct gnttab_unmap_grant_ref unmaps[64];
	u64 gpa = find_hole() << PAGE_SHIFT;
	unsigned int i, ok = 0;

	grant(8, page, 0);
	for (i = 0; i < 64; i++)
		maps[i] = (struct gnttab_map_grant_ref){
			gpa + i * PAGE_SIZE, GNTMAP_host_map, i == 31 ? 0xffffff : 8, self, 99, 0, 0 };
	EXPECT_EQ(grant_op(map_grant_ref, maps, 64), 0);
	for (i = 0; i < 64; i++)
		ok += maps[i].status == GNTST_okay;
	EXPECT_EQ(ok, 63); /* one bad item does not affect the others */
	EXPECT_EQ(maps[31].status, GNTST_bad_gntref);
	for (i = 0, ok = 0; i < 64; i++)
		unmaps[i] = (struct gnttab_unmap_grant_ref){
			gpa + i * PAGE_SIZE, 0, i == 31 ? 0xfffffff : maps[i].handle, 99 };
	EXPECT_EQ(grant_op(unmap_grant_ref, unmaps, 64), 0);
	for (i = 0; i < 64; i++)
		ok += unmaps[i].status == GNTST_okay;
	EXPECT_EQ(ok, 63);
	EXPECT_EQ(table[8].flags, GTF_permit_access);
}

static struct gnttab_copy copy_op(u64 from, u16 from_at, u64 to, u16 to_at, u16 len, u16 flags)
{
	struct gnttab_copy op = { .len = len, .flags = flags, .status = 99 };

	op.source.u.gmfn = from;
	op.source.domid = flags & GNTCOPY_source_gref ? self : DOMID_SELF;
	op.source.offset = from_at;
	op.dest.u.gmfn = to;
	op.dest.domid = flags & GNTCOPY_dest_gref ? self : DOMID_SELF;
	op.dest.offset = to_at;
	return op;
}

static long copy(u64 from, u16 from_at, u64 to, u16 to_at, u16 len, u16 flags)
{
	struct gnttab_copy op = copy_op(from, from_at, to, to_at, len, flags);

	EXPECT_EQ(grant_op(copy, &op, 1), 0);
	return op.status;
}

static void test_copy(void)
{
	static u8 from[PAGE_SIZE] PAGE_ALIGNED, to[PAGE_SIZE] PAGE_ALIGNED;
	u64 f = gfn_of(from), t = gfn_of(to);

	fill(from, 9);
	memset(to, 0, PAGE_SIZE);
	grant(20, from, GTF_readonly);
	grant(21, to, 0);
	EXPECT_EQ(copy(f, 0, t, 0, 64, 0), GNTST_okay);
	EXPECT(!memcmp(to, from, 64) && !to[64], "frame to frame");
	EXPECT_EQ(copy(20, 100, t, 1000, 333, GNTCOPY_source_gref), GNTST_okay);
	EXPECT(!memcmp(to + 1000, from + 100, 333) && !to[999] && !to[1333], "grant to frame");
	EXPECT_EQ(copy(f, 0, 21, 0, PAGE_SIZE, GNTCOPY_dest_gref), GNTST_okay);
	EXPECT(!memcmp(to, from, PAGE_SIZE), "frame to grant");
	memset(to, 0, PAGE_SIZE);
	EXPECT_EQ(copy(20, 0, 21, 0, PAGE_SIZE, GNTCOPY_source_gref | GNTCOPY_dest_gref), GNTST_okay);
	EXPECT(!memcmp(to, from, PAGE_SIZE), "grant to grant");
	EXPECT_EQ(table[20].flags, GTF_permit_access | GTF_readonly);
	EXPECT_EQ(table[21].flags, GTF_permit_access);
	/* Errors change nothing. */
	memset(to, 0, PAGE_SIZE);
	EXPECT_EQ(copy(f, 4000, t, 0, 97, 0), GNTST_bad_copy_arg);
	EXPECT_EQ(copy(f, 0, t, 4090, 7, 0), GNTST_bad_copy_arg);
	EXPECT_EQ(copy(f, 0, t, 0xfff0, 0x20, 0), GNTST_bad_copy_arg);
	EXPECT(copy(f, 0, 20, 0, 16, GNTCOPY_dest_gref) < 0, "a read-only grant was written");
	EXPECT(copy(22, 0, t, 0, 16, GNTCOPY_source_gref) < 0, "an invalid entry was read");
	EXPECT_EQ(copy(0xffffff, 0, t, 0, 16, GNTCOPY_source_gref), GNTST_bad_gntref);
	EXPECT(copy(find_hole(), 0, t, 0, 16, 0) < 0, "a hole was read");
	EXPECT(copy(f, 0, find_hole(), 0, 16, 0) < 0, "a hole was written");
	EXPECT(copy(1ull << 52, 0, t, 0, 16, 0) < 0, "a frame beyond everything was read");
	EXPECT_EQ(to[0] | to[4095], 0);
	EXPECT_EQ(table[20].flags, GTF_permit_access | GTF_readonly);
}

static void test_copy_batch(void)
{
	static u8 from[PAGE_SIZE] PAGE_ALIGNED, to[PAGE_SIZE] PAGE_ALIGNED;
	static struct gnttab_copy ops[100];
	unsigned int i, ok = 0;

	fill(from, 11);
	for (i = 0; i < 100; i++)
		ops[i] = copy_op(gfn_of(from), i * 40, i == 50 ? find_hole() : gfn_of(to), i * 40, 40, 0);
	EXPECT_EQ(grant_op(copy, ops, 100), 0);
	for (i = 0; i < 100; i++)
		ok += ops[i].status == GNTST_okay;
	EXPECT_EQ(ok, 99);
	EXPECT(!memcmp(to, from, 2000), "the items before the bad one");
	EXPECT(!memcmp(to + 2040, from + 2040, 1960), "the items behind the bad one");
	EXPECT_EQ(grant_op(copy, ops, 0), 0);
}

static void test_errors(void)
{
	EXPECT_EQ(grant_op(copy, 0x123456789000, 1), -EFAULT);
	EXPECT_EQ(grant_op(map_grant_ref, 0x123456789000, 1), -EFAULT);
	EXPECT_EQ(grant_op(unmap_grant_ref, 0x123456789000, 1), -EFAULT);
	EXPECT_EQ(grant_op(query_size, 0x123456789000, 1), -EFAULT);
	EXPECT_EQ(hypercall(grant_table_op, 99, table, 1), -ENOSYS);
}

void test_main(void)
{
	self = own_domid();
	test_sizes();
	test_table();
	test_copy();
	test_copy_batch();
	/*
	 * On Xen a domain that maps its own page moves it there, and leaves a hole at the old
	 * place.
	 */
	if (on_keel) {
		test_map();
		test_batch();
		test_map_over_ram();
	}
	test_errors();
}
