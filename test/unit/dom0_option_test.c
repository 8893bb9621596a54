/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/dom0_option.c */
#include "test/unit/unit.h"

#include "common/dom0_option.h"
#include "common/lib.h"

#define TOTAL GiB(8)
#define NONE (~0ull)

static const struct { const char *s; u64 mem, max; } sizes[] = {
	{ "700M", MiB(700), NONE }, { "1G", GiB(1), NONE }, { "1g", GiB(1), NONE },
	{ "2T", 2048 * GiB(1), NONE }, { "716800", MiB(700), NONE }, { "716800k", MiB(700), NONE },
	{ "734003200B", MiB(700), NONE }, { "0x100000", GiB(1), NONE }, { "96M", MiB(96), NONE },
	{ "700M,max:700M", MiB(700), MiB(700) }, { "max:700M,700M", MiB(700), MiB(700) },
	{ "512M,max:1G", MiB(512), GiB(1) }, { "1G,max:512M", MiB(512), MiB(512) },
	{ "max:512M", MiB(512), MiB(512) }, { "max:4G", GiB(2), GiB(4) },	/* the default is 2 GiB */
	{ "min:512M", GiB(2), NONE }, { "min:3G", GiB(3), NONE },
		{ "min:300M,max:700M", MiB(700), MiB(700) },
	{ "min:3G,max:4G", GiB(3), GiB(4) }, { "min:2G,max:1G", GiB(1), GiB(1) },
	{ "100M,min:200M", MiB(200), NONE }, { "-1G", GiB(7), NONE }, { "-1G,max:2G", GiB(2), GiB(2) },
	{ "max:-6G", GiB(2), GiB(2) }, { "25%", GiB(2), NONE }, { "25%,max:50%", GiB(2), GiB(4) },
	{ "1G+25%", GiB(3), NONE }, { "25%+1G", GiB(3), NONE }, { "-25%", GiB(6), NONE },
	{ "-1G+25%", GiB(5), NONE }, { "min:1G+50%,-7G", GiB(5), NONE },
	{ "1%", TOTAL / 100, NONE }, { "-9G", 0, NONE },			/* the caller raises it to a minimum */
};

static const char *const bad_sizes[] = {
	"", "M", "1", "95M", "700X", "700MM", "700M,", ",700M", "max:", "max:700M,,", "max", "mx:700M",
		"700M max:700M",
	"--1G", "+1G", "1G+", "1G++25%", "100%", "1000%", "%", "25%%", "0.25", "min:95M", "max:10M",
		"99999999999T",
	"99999999999999999999", "18446744073709551615", "16383P", "17179869183G+17179869183G", "-", "1G-",
};

static void sizes_in_xens_forms(void **state)
{
	u64 mem, max;

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++)
		if (!dom0_mem_parse(sizes[i].s, TOTAL, GiB(2), &mem, &max) || mem != sizes[i].mem ||
		    max != sizes[i].max)
			fail_msg("%s: %llu, at most %llu", sizes[i].s, (unsigned long long)mem, (unsigned long long)max);
	for (unsigned int i = 0; i < ARRAY_LEN(bad_sizes); i++)
		if (dom0_mem_parse(bad_sizes[i], TOTAL, GiB(2), &mem, &max))
			fail_msg("%s is taken", bad_sizes[i]);
}

static const struct { const char *s; u32 cpus, n; } vcpus[] = {
	{ "1", 4, 1 }, { "128", 4, 128 }, { "4-8", 2, 4 }, { "4-8", 4, 4 }, { "4-8", 6, 6 },
	{ "4-8", 10, 8 }, { "-8", 4, 4 }, { "-8", 10, 8 }, { "4-", 2, 4 }, { "4-", 10, 10 },
	{ "1-8", 2, 2 }, { "3-3", 1, 3 }, { "8-2", 4, 2 }, { "2-", 128, 128 },
};
static const char *const bad_vcpus[] = { "", "-", "0", "129", "2x", "0-4", "4-0", "4-129", "1-2-3",
					 "--4", "4--", "4294967297", "4294967297-8", "a-b", " 4", "4 " };

static void vcpus_in_xens_forms(void **state)
{
	u32 n;

	for (unsigned int i = 0; i < ARRAY_LEN(vcpus); i++)
		if (!dom0_max_vcpus_parse(vcpus[i].s, vcpus[i].cpus, &n) || n != vcpus[i].n)
			fail_msg("%s on %u CPUs: %u", vcpus[i].s, vcpus[i].cpus, n);
	for (unsigned int i = 0; i < ARRAY_LEN(bad_vcpus); i++)
		if (dom0_max_vcpus_parse(bad_vcpus[i], 4, &n))
			fail_msg("%s is taken", bad_vcpus[i]);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(sizes_in_xens_forms),
	UNIT_TEST(vcpus_in_xens_forms),
};

UNIT_MAIN(tests)
