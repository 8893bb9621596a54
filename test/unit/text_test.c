/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/vsnprintf.c common/option.c common/lib/string.c arch/x86/string.c */
#include "test/unit/unit.h"

#include <stdio.h>

#include "common/option.h"

/* cmocka's headers include the C library's; printk.h gives ours a name of its own. */
static void check(const char *want, const char *fmt, ...)
{
	char buf[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	assert_string_equal(buf, want);
	assert_int_equal(n, strlen(want));
}

static void conversions(void **state)
{
	check("-7 7 0", "%d %i %u", -7, 7, 0u);
	check("18446744073709551615", "%lu", ~0ul);
	check("-9223372036854775808", "%ld", (long)(1ul << 63));
	check("ff FF 0xff 0", "%x %X %#x %#x", 255, 255, 255, 0);
	check("ffffffffffffffff", "%llx", ~0ull);
	check("12", "%zu", (size_t)12);
	check("755", "%o", 0755);
	check("c% ", "%c%%%c", 'c', ' ');
	check("0x1000", "%p", (void *)0x1000);
	check("255 65535 -1", "%hhu %hu %hhd", 255, 65535, 255);
}

static void widths(void **state)
{
	check("[    5][5    ][00005]", "[%5d][%-5d][%05d]", 5, 5, 5);
	check("[-0005][   -5]", "[%05d][%5d]", -5, -5);
	check("[0x00000ff]", "[%#09x]", 255);
	check("[  007]", "[%5.3d]", 7);
	check("[   ab][ab   ][a]", "[%5s][%-5s][%.1s]", "ab", "ab", "ab");
	check("[   ab][ab]", "[%*s][%.*s]", 5, "ab", 2, "abc");
	check("(null)", "%s", (char *)NULL);
	check("[    x]", "[%5c]", 'x');
}

static void unknown_conversions_stand_as_they_are(void **state)
{
	check("%k", "%k");
	check("100%", "100%");
}

static void output_is_cut_and_counted(void **state)
{
	char buf[4] = "zzz";
	const char *fmt = "%s";

	assert_int_equal(snprintf(buf, sizeof(buf), fmt, "abcdef"), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(snprintf(NULL, 0, fmt, "abcdef"), 6);
}

static void options_are_found(void **state)
{
	char buf[8];

	option_init("a=1  noreboot\tb=xyz a=2 no-iommu long=123456789 flag=off apicv=1");
	assert_true(option_string("a", buf, sizeof(buf)));
	assert_string_equal(buf, "2");
	assert_true(option_string("long", buf, sizeof(buf)));
	assert_string_equal(buf, "1234567");
	assert_false(option_string("c", buf, sizeof(buf)));
	assert_string_equal(buf, "");
	assert_true(option_flag("noreboot"));
	assert_false(option_flag("iommu"));
	assert_true(option_flag_or("apicv", false));
	assert_false(option_flag_or("flag", true));
	assert_true(option_flag_or("b", true));	/* not a value for a flag: the default counts */
	assert_true(option_flag_or("d", true));
}

static void options_are_walked(void **state)
{
	char name[16], value[16];
	unsigned int pos = 0;

	option_init(" x=1 y ");
	assert_true(option_next(&pos, name, value, sizeof(name)));
	assert_string_equal(name, "x");
	assert_string_equal(value, "1");
	assert_true(option_next(&pos, name, value, sizeof(name)));
	assert_string_equal(name, "y");
	assert_string_equal(value, "");
	assert_false(option_next(&pos, name, value, sizeof(name)));
}

static void long_command_line_is_cut(void **state)
{
	static char line[4096];

	memset(line, 'a', sizeof(line) - 1);
	option_init(line);
	assert_int_equal(strlen(option_cmdline()), OPTION_CMDLINE_LEN - 1);
}

/* Any distance and length. Backwards it copies words, which may overlap, too. */
static void moves_overlap(void **state)
{
	unsigned char buf[80], want[80];

	for (unsigned int from = 0; from < 24; from++)
		for (unsigned int to = 0; to < 24; to++)
			for (unsigned int n = 0; n < 40; n++) {
				for (unsigned int i = 0; i < sizeof(buf); i++)
					buf[i] = want[i] = (unsigned char)(i + 1);
				for (unsigned int i = 0; i < n; i++)
					want[to + i] = (unsigned char)(from + i + 1);
				assert_ptr_equal(memmove(buf + to, buf + from, n), buf + to);
				for (unsigned int i = 0; i < sizeof(buf); i++)
					if (buf[i] != want[i])
						fail_msg("%u bytes from %u to %u: byte %u is wrong", n, from, to, i);
			}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(conversions),
	UNIT_TEST(widths),
	UNIT_TEST(unknown_conversions_stand_as_they_are),
	UNIT_TEST(output_is_cut_and_counted),
	UNIT_TEST(options_are_found),
	UNIT_TEST(options_are_walked),
	UNIT_TEST(long_command_line_is_cut),
	UNIT_TEST(moves_overlap),
};

UNIT_MAIN(tests)
