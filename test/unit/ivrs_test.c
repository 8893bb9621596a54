/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/iommu/ivrs.c */
#include "test/unit/unit.h"

#include <stdlib.h>

#include "arch/x86/iommu/ivrs.h"

static u8 table[8192];
static size_t len;
static struct ivrs ivrs;
#define devices ivrs.dev
static size_t at;

static void put(size_t where, u64 val, size_t width)
{
	memcpy(table + where, &val, width);
}

static void begin(void)
{
	memset(table, 0, sizeof(table));
	len = 48;
}

/* A block; its offset. */
static size_t add_block(u8 type, u8 flags, u16 block_len, u16 id)
{
	size_t block = len;

	put(block, type, 1);
	put(block + 1, flags, 1);
	put(block + 2, block_len, 2);
	put(block + 4, id, 2);
	len += block_len;
	return block;
}

static size_t add_unit(u8 type, u16 id, u64 base, u16 entries_len)
{
	size_t block = add_block(type, 0x21, (type == 0x10 ? 24 : 40) + entries_len, id);

	put(block + 6, 0x40, 2);
	put(block + 8, base, 8);
	return block;
}

static size_t add_memory(u8 type, u8 flags, u16 first, u16 last, u64 start, u64 size)
{
	size_t block = add_block(type, flags, 32, first);

	put(block + 6, last, 2);
	put(block + 16, start, 8);
	put(block + 24, size, 8);
	return block;
}

/* Parses an exact copy, so that ASan sees a read beyond it. */
static const char *parse(void)
{
	u8 *copy = malloc(len);
	const char *why;

	memcpy(copy, table, len);
	fake_reset();	/* with it the last one's devices go */
	ivrs.dev = NULL;
	why = ivrs_parse(copy, len, &ivrs, &at);
	free(copy);
	return why;
}

static void entry4(size_t where, u8 type, u16 id, u8 flags)
{
	put(where, type, 1);
	put(where + 1, id, 2);
	put(where + 3, flags, 1);
}

static void entry8(size_t where, u8 type, u16 id, u8 flags, u8 handle, u16 source, u8 variety)
{
	entry4(where, type, id, flags);
	put(where + 4, handle, 1);
	put(where + 5, source, 2);
	put(where + 7, variety, 1);
}

static void devices_of_every_kind(void **state)
{
	size_t b;

	begin();
	b = add_unit(0x10, 0x02, 0xfed80000, 56) + 24;
	entry4(b, 2, 0x08, 0x00);
	entry4(b + 4, 3, 0x100, 0x80);
	entry4(b + 8, 4, 0x1ff, 0);
	entry8(b + 12, 0x42, 0x208, 0, 0, 0x200, 0);
	entry8(b + 20, 0x43, 0x300, 0, 0, 0x3f8, 0);
	entry4(b + 28, 4, 0x30f, 0);
	entry8(b + 32, 0x46, 0x400, 4, 0, 0, 0);
	entry8(b + 40, 0x48, 0, 0xd7, 5, 0xa0, 1);
	entry8(b + 48, 0x48, 0, 0x10, 0, 0xa1, 2);
	assert_null(parse());
	assert_int_equal(ivrs.nr_units, 1);
	assert_int_equal(ivrs.unit[0].id, 2);
	assert_int_equal(ivrs.unit[0].capability, 0x40);
	assert_int_equal(ivrs.unit[0].flags, 0x21);
	assert_int_equal(ivrs.unit[0].base, 0xfed80000);
	assert_int_equal(devices[0x08].unit, 0);
	assert_int_equal(devices[0x07].unit, IVRS_NO_UNIT);
	assert_int_equal(devices[0x09].unit, IVRS_NO_UNIT);
	for (unsigned int id = 0x100; id < 0x200; id++) {
		assert_int_equal(devices[id].unit, 0);
		assert_int_equal(devices[id].alias, id);
		assert_int_equal(devices[id].flags, 0x80);
	}
	assert_int_equal(devices[0x200].unit, 0); /* what requests arrive with, though no entry names it */
	assert_int_equal(devices[0x208].alias, 0x200);
	assert_int_equal(devices[0x300].alias, 0x3f8);
	assert_int_equal(devices[0x30f].alias, 0x3f8);
	assert_int_equal(devices[0x310].unit, IVRS_NO_UNIT);
	assert_int_equal(devices[0x400].flags, 4);
	assert_int_equal(devices[0xa0].flags & IVRS_DEV_PASS, 0xc7);
	assert_int_equal(IVRS_DEV_SYSMGT(devices[0xa0].flags), 1);
	assert_int_equal(devices[0xa1].unit, 0);
	assert_int_equal(ivrs.nr_ioapics, 1);
	assert_int_equal(ivrs.ioapic[0].id, 5);
	assert_int_equal(ivrs.ioapic[0].source, 0xa0);
}

/* Of the blocks of one unit the one of the highest type counts, wherever it stands. */
static void highest_type_counts(void **state)
{
	size_t b;

	begin();
	b = add_unit(0x40, 0x02, 0xfed80000, 4 + 24 + 4);
	entry4(b + 40, 2, 0x10, 0);
	put(b + 44, 240, 1);	/* an ACPI device with a name of 2 bytes: skipped */
	put(b + 44 + 21, 2, 1);
	entry4(b + 68, 2, 0x18, 0);
	b = add_unit(0x10, 0x02, 0xfed80000, 4);
	entry4(b + 24, 1, 0, 0);
	b = add_unit(0x11, 0x42, 0xfed90000, 4);
	entry4(b + 40, 2, 0x20, 0);
	assert_null(parse());
	assert_int_equal(ivrs.nr_units, 2);
	assert_int_equal(ivrs.unit[0].type, 0x40);
	assert_int_equal(devices[0x10].unit, 0);
	assert_int_equal(devices[0x18].unit, 0);
	assert_int_equal(devices[0x20].unit, 1);
	assert_int_equal(devices[0x30].unit, IVRS_NO_UNIT);
}

static void all_devices(void **state)
{
	size_t b;

	begin();
	b = add_unit(0x10, 0x02, 0xfed80000, 4);
	entry4(b + 24, 1, 0, 0x40);
	assert_null(parse());
	assert_int_equal(devices[0].unit, 0);
	assert_int_equal(devices[0xffff].unit, 0);
	assert_int_equal(devices[0xffff].alias, 0xffff);
	assert_int_equal(devices[0xffff].flags, 0x40);
}

/* Ids of two segments are apart, in units, devices, aliases and IO-APICs. */
static void segments(void **state)
{
	size_t b;

	begin();
	b = add_unit(0x10, 0x02, 0xfed80000, 8) + 24;
	entry4(b, 2, 0x10, 0);
	b = add_unit(0x11, 0x02, 0xfed90000, 24);
	put(b + 16, 5, 2);
	entry8(b + 40, 0x42, 0x10, 0, 0, 0x18, 0);
	entry4(b + 48, 2, 0x20, 0);
	entry8(b + 52, 0x48, 0, 0, 7, 0xa0, 1);
	b = add_memory(0x21, 0x03, 0x20, 0, 0xa0000, 0x1000);
	put(b + 8, 5, 2);
	assert_null(parse());
	assert_int_equal(ivrs.nr_units, 2);
	assert_int_equal(ivrs.nr_segments, 2);
	assert_int_equal(ivrs.unit[1].id, 0x50002);
	assert_int_equal(ivrs_index(&ivrs, 0x0010), 0x10);
	assert_int_equal(ivrs_index(&ivrs, 0x50010), 0x10010);
	assert_int_equal(ivrs_index(&ivrs, 0x10010), ~0u);
	assert_true(devices[0x10].unit == 0 && devices[0x10].alias == 0x10);
	assert_true(devices[0x10010].unit == 1 && devices[0x10010].alias == 0x18);
	assert_true(devices[0x18].unit == IVRS_NO_UNIT && devices[0x10018].unit == 1);
	assert_true(devices[0x20].unit == IVRS_NO_UNIT && devices[0x10020].unit == 1);
	assert_true(devices[0x1ffff].unit == IVRS_NO_UNIT && devices[0x1ffff].alias == 0xffff);
	assert_int_equal(ivrs.ioapic[0].source, 0x500a0);
	assert_int_equal(ivrs.memory[0].segment, 5);
	fake_reset();
	fake_fail_nth(1);
	assert_non_null(strstr(ivrs_parse(table, len, &ivrs, &at), "no memory"));
	fake_fail_nth(0);
}

static void reserved_memory(void **state)
{
	begin();
	add_unit(0x10, 0x02, 0xfed80000, 0);
	add_memory(0x20, 0x03, 0, 0, 0xa0000, 0x1000);
	add_memory(0x21, 0x04, 0x10, 0x99, 0xb0000, 0x2000);
	add_memory(0x22, 0x08, 0x20, 0x2f, 0xffffffffffff0000, 0x10000);
	assert_null(parse());
	assert_int_equal(ivrs.nr_memory, 3);
	assert_int_equal(ivrs.memory[0].first, 0);
	assert_int_equal(ivrs.memory[0].last, 0xffff);
	assert_int_equal(ivrs.memory[0].access, 1);
	assert_int_equal(ivrs.memory[1].first, 0x10);
	assert_int_equal(ivrs.memory[1].last, 0x10);
	assert_int_equal(ivrs.memory[1].access, 2);
	assert_int_equal(ivrs.memory[1].start, 0xb0000);
	assert_int_equal(ivrs.memory[1].end, 0xb1fff);
	assert_int_equal(ivrs.memory[2].access, 3);
	assert_true(ivrs.memory[2].end == ~0ull);
}

/* The rest of the table counts; iommu_add_reserved() leaves the memory out. */
static void memory_without_sense(void **state)
{
	static const struct { u64 start, size, end; } odd[] = {
		{ 0xa0000, 0, 0x9ffff }, { 0, 0, ~0ull }, { ~0xfffull, 0x2000, 0xfff } };

	begin();
	add_unit(0x10, 0x02, 0xfed80000, 0);
	for (unsigned int i = 0; i < ARRAY_LEN(odd); i++)
		add_memory(0x22, 0x03, 0x2f, 0x20, odd[i].start, odd[i].size);
	assert_null(parse());
	assert_int_equal(ivrs.nr_memory, ARRAY_LEN(odd));
	for (unsigned int i = 0; i < ARRAY_LEN(odd); i++)
		assert_true(ivrs.memory[i].end == odd[i].end);
}

static void refuse(size_t where, const char *part)
{
	const char *why = parse();

	assert_non_null(why);
	assert_non_null(strstr(why, part));
	assert_int_equal(at, where);
}

static void lies_are_refused(void **state)
{
	size_t b;

	begin();
	refuse(48, "no unit");
	b = add_unit(0x10, 0x02, 0xfed80000, 8);
	entry4(b + 24, 3, 0x10, 0);
	refuse(48, "does not end");
	entry4(b + 28, 4, 0x0f, 0);
	refuse(76, "ends before");
	entry4(b + 28, 3, 0x20, 0);
	refuse(76, "within another");
	entry4(b + 24, 4, 0x20, 0);
	refuse(72, "ends before");
	entry4(b + 24, 0, 0, 0);
	entry4(b + 28, 0x48, 0, 0);	/* wants 8 bytes */
	refuse(76, "cut off");
	put(b + 28, 240, 1);
	refuse(76, "cut off");
	put(b + 28, 0, 1);
	assert_null(parse());
	put(b + 2, 3, 2);
	refuse(48, "length");
	put(b + 2, 33, 2);
	refuse(48, "length");
	put(b + 2, 23, 2);
	refuse(48, "cut off");
	put(b + 2, 32, 2);
	put(b + 8, 0xfed81000, 8);
	refuse(48, "address");
	put(b + 8, 0xfed80000, 8);
	len += 3;
	refuse(80, "length");
	len -= 3;
	b = add_memory(0x22, 3, 0x20, 0x1f, 0xa0000, 0x1000);
	put(b + 2, 31, 2);
	len--;
	refuse(80, "cut off");
}

static void bounds_of_the_lists(void **state)
{
	begin();
	for (unsigned int i = 0; i < IVRS_MAX_UNITS; i++)
		add_unit(0x10, i, 0xfed80000, 0);
	assert_true(len <= sizeof(table) - 24);
	assert_null(parse());
	add_unit(0x10, 0x1000, 0xfed80000, 0);
	refuse(len - 24, "more units");
	begin();
	add_unit(0x10, 2, 0xfed80000, 100 * 8);
	for (unsigned int i = 0; i < 100; i++)
		entry8(72 + 8 * i, 0x48, 0, 0, i, 0xa0 + i, 1);
	assert_null(parse());
	assert_int_equal(ivrs.nr_ioapics, 100);
	assert_int_equal(ivrs.ioapic[99].source, 0xa0 + 99);
}

/* Each length of a good table is read without a step beyond it, and without a unit is an error. */
static void every_truncation(void **state)
{
	size_t full, b;

	begin();
	b = add_unit(0x11, 0x02, 0xfed80000, 16) + 40;
	entry8(b, 0x43, 0x300, 0, 0, 0x3f8, 0);
	entry4(b + 8, 4, 0x30f, 0);
	add_memory(0x20, 0x03, 0, 0, 0xa0000, 0x1000);
	full = len;
	for (len = 0; len < full; len++)
		assert_true((parse() == NULL) == (len == full - 32));
	assert_null(parse());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(devices_of_every_kind), UNIT_TEST(highest_type_counts), UNIT_TEST(all_devices),
		UNIT_TEST(segments),
		UNIT_TEST(reserved_memory), UNIT_TEST(memory_without_sense), UNIT_TEST(lies_are_refused),
		UNIT_TEST(bounds_of_the_lists),
		UNIT_TEST(every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
