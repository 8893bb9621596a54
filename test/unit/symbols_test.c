/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/symbols.c */
/* Names of addresses: at the edges of each function and of the text, and with an empty table. */
#include "test/unit/unit.h"

#include "common/symbols.h"

/* This file defines where the text is. Nothing reads from it. */
asm(".data\n"
    ".globl __text_start, __text_end\n"
    "__text_start: .skip 0x1000\n"
    "__text_end:\n"
    ".globl symbols_count, symbols_offset, symbols_name, symbols_text\n"
    "symbols_count: .long 3\n"
    "symbols_offset: .long 0x10, 0x20, 0x800\n"
    "symbols_name: .long 0, 6, 10\n"
    "symbols_text: .asciz \"first\", \"mid\", \"last\"\n"
    ".text\n");

static void expect(u64 addr, const char *name, u64 offset)
{
	u64 got = ~0ull;
	const char *s = symbol_lookup((uintptr_t)__text_start + addr, &got);

	if (!name) {
		assert_null(s);
		return;
	}
	assert_non_null(s);
	assert_string_equal(s, name);
	assert_int_equal(got, offset);
}

static void test_edges(void **state)
{
	expect(-(uintptr_t)__text_start, NULL, 0);
	expect(-1ull, NULL, 0);
	expect(0x0000, NULL, 0);
	expect(0x000f, NULL, 0);
	expect(0x0010, "first", 0);
	expect(0x001f, "first", 0xf);
	expect(0x0020, "mid", 0);
	expect(0x07ff, "mid", 0x7df);
	expect(0x0800, "last", 0);
	expect(0x0fff, "last", 0x7ff);
	expect(0x1000, NULL, 0);
	expect(~0ull - (uintptr_t)__text_start, NULL, 0);
}

static void test_empty_table(void **state)
{
	u32 *count = (u32 *)(uintptr_t)&symbols_count;

	*count = 0;
	expect(0x0800, NULL, 0);
	*count = 3;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_edges),
	cmocka_unit_test(test_empty_table),
};

UNIT_MAIN(tests)
