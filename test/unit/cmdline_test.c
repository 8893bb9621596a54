/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/cmdline.c */
/* The command line: each option's values, what is refused, and that the manual names them all. */
#include <stdio.h>
#include <string.h>

#include "test/unit/unit.h"

#include "common/cmdline.h"
#include "common/printk.h"

static char last_warning[512];
static int warnings;

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_warning, sizeof(last_warning), fmt, ap);
	va_end(ap);
	assert_int_equal(level, LOG_WARN);
	warnings++;
}

static struct options parse(const char *line, int expected_warnings)
{
	struct options o;

	memset(&o, 0xa5, sizeof(o));
	warnings = 0;
	last_warning[0] = '\0';
	cmdline_parse(line, &o);
	if (warnings != expected_warnings)
		print_error("\"%s\": %s\n", line, last_warning);
	assert_int_equal(warnings, expected_warnings);
	return o;
}

static void assert_defaults(const struct options *o)
{
	struct options d = parse("", 0);

	assert_memory_equal(o, &d, sizeof(d));
}

static void test_defaults(void **state)
{
	struct options o = parse("", 0);

	assert_int_equal(o.console, CONSOLE_COM1);
	assert_int_equal(o.com1_baud, 115200);
	assert_int_equal(o.com1_port, 0x3f8);
	assert_false(o.com1_given);
	assert_int_equal(o.dom0_mem, 0);
	assert_int_equal(o.dom0_max_vcpus, 0);
	assert_true(o.iommu);
	assert_true(o.x2apic);
	assert_false(o.noreboot);
	assert_int_equal(o.sched, SCHED_CREDIT2);
	assert_int_equal(o.loglvl, LOG_INFO);
	assert_int_equal(o.xen_version, 0x40011);
}

static void test_all_at_once(void **state)
{
	struct options o = parse("  console=none com1=9600,8n1,0x2f8 dom0_mem=512M\tdom0_max_vcpus=2 "
				 "iommu=off noreboot sched=null loglvl=all maxcpus=3 xen_version=4.20 ", 0);

	assert_int_equal(o.console, CONSOLE_NONE);
	assert_int_equal(o.com1_baud, 9600);
	assert_int_equal(o.com1_port, 0x2f8);
	assert_true(o.com1_given);
	assert_int_equal(o.dom0_mem, 512ull << 20);
	assert_int_equal(o.dom0_max_vcpus, 2);
	assert_false(o.iommu);
	assert_true(o.noreboot);
	assert_int_equal(o.sched, SCHED_NULL);
	assert_int_equal(o.loglvl, LOG_DEBUG);
	assert_int_equal(o.maxcpus, 3);
	assert_int_equal(o.xen_version, 0x40014);
}

static void test_switches(void **state)
{
	static const char *const on[] = { "noreboot", "noreboot=on", "noreboot=yes", "noreboot=true",
					  "noreboot=1", "noreboot=off noreboot" };
	static const char *const off[] = { "no-iommu", "iommu=off", "iommu=no", "iommu=false",
					   "iommu=0", "iommu no-iommu" };
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(on); i++)
		assert_true(parse(on[i], 0).noreboot);
	for (i = 0; i < ARRAY_LEN(off); i++)
		assert_false(parse(off[i], 0).iommu);
}

static void test_sizes(void **state)
{
	assert_int_equal(parse("dom0_mem=1G", 0).dom0_mem, 1ull << 30);
	assert_int_equal(parse("dom0_mem=65536k", 0).dom0_mem, 64ull << 20);
	assert_int_equal(parse("dom0_mem=67108864", 0).dom0_mem, 64ull << 20);
	assert_int_equal(parse("dom0_mem=0x10000000", 0).dom0_mem, 256ull << 20);
	assert_int_equal(parse("dom0_mem=2g,max:4g", 0).dom0_mem, 2ull << 30);
	assert_int_equal(parse("dom0_mem=max:2T", 0).dom0_mem, 2ull << 40);
}

static void test_com1(void **state)
{
	assert_int_equal(parse("com1=auto", 0).com1_baud, 0);
	assert_int_equal(parse("com1=57600", 0).com1_baud, 57600);
	assert_int_equal(parse("com1=57600,,0x3e8", 0).com1_port, 0x3e8);
}

/* Each of these warns once and leaves the default. */
static void test_bad_values(void **state)
{
	static const char *const bad[] = {
		"dom0_mem=", "dom0_mem", "dom0_mem=1", "dom0_mem=63M", "dom0_mem=1X", "dom0_mem=-1G",
		"dom0_mem=1GG", "dom0_mem=99999999999999999999", "dom0_mem=99999999999T",
		"dom0_mem=1G,min:1G", "dom0_mem=1G,max:x",
		"dom0_max_vcpus=0", "dom0_max_vcpus=129", "dom0_max_vcpus=2x", "dom0_max_vcpus=",
		"dom0_max_vcpus=4294967297", "no-dom0_max_vcpus",
		"iommu=maybe", "iommu=", "no-iommu=on", "noreboot=2",
		"sched=credit3", "sched=", "sched", "loglvl=loud", "xen_version=4.19", "xen_version=4.1",
		"com1=0", "com1=115201", "com1=230400", "com1=9600,7e1", "com1=9600,8n1,0x10",
		"com1=9600,8n1,0x10000", "com1=9600,8n1,zz", "com1=", "com1",
		"console=vga", "console=", "=", "=x", "no-", "unknown", "unknown=1", "IOMMU=off",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		struct options o = parse(bad[i], 1);

		assert_defaults(&o);
	}
}

static void test_warning_names_the_word(void **state)
{
	parse("sched=fast", 1);
	assert_non_null(strstr(last_warning, "sched=fast"));
	parse("frobnicate=7", 1);
	assert_non_null(strstr(last_warning, "frobnicate=7"));
}

static void test_later_wins_and_bad_does_not_spoil(void **state)
{
	assert_int_equal(parse("dom0_max_vcpus=2 dom0_max_vcpus=4", 0).dom0_max_vcpus, 4);
	assert_int_equal(parse("dom0_max_vcpus=2 dom0_max_vcpus=x", 1).dom0_max_vcpus, 2);
	assert_int_equal(parse("foo bar dom0_max_vcpus=2", 2).dom0_max_vcpus, 2);
}

static void test_long_words(void **state)
{
	char line[600];
	struct options o;

	memset(line, 'a', sizeof(line));
	memcpy(line + 500, " noreboot", 10);
	o = parse(line, 1);
	assert_true(o.noreboot);
}

static void test_manual_names_each_option(void **state)
{
	static char manual[16384];
	const char *name, *help;
	char entry[64];
	unsigned int i;
	FILE *f = fopen("docs/command-line.md", "r");
	size_t n;

	assert_non_null(f);
	n = fread(manual, 1, sizeof(manual) - 1, f);
	manual[n] = '\0';
	fclose(f);
	for (i = 0; cmdline_option(i, &name, &help); i++) {
		snprintf(entry, sizeof(entry), "| `%s", name);
		if (!strstr(manual, entry))
			fail_msg("docs/command-line.md has no line for %s", name);
		assert_true(strlen(help) > 10);
	}
	assert_true(i > 5);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_defaults),
	cmocka_unit_test(test_all_at_once),
	cmocka_unit_test(test_switches),
	cmocka_unit_test(test_sizes),
	cmocka_unit_test(test_com1),
	cmocka_unit_test(test_bad_values),
	cmocka_unit_test(test_warning_names_the_word),
	cmocka_unit_test(test_later_wins_and_bad_does_not_spoil),
	cmocka_unit_test(test_long_words),
	cmocka_unit_test(test_manual_names_each_option),
};

UNIT_MAIN(tests)
