/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/cmdline.c common/dom0_option.c */
/*
 * The check of the command line: what each option takes, what causes a warning, and that the table,
 * the manual and the sources that read options name the same ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/unit.h"

#include "common/cmdline.h"
#include "common/dom0_option.h"
#include "common/option.c" /* its table */
#include "common/printk.h"

static char last_warning[512];
static unsigned int warnings;

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_warning, sizeof(last_warning), fmt, ap);
	va_end(ap);
	assert_int_equal(level, LOG_WARN);
	warnings++;
}

static void expect_warnings(const char *line, unsigned int expected)
{
	unsigned int returned;

	warnings = 0;
	last_warning[0] = '\0';
	option_init(line);
	returned = cmdline_check();
	assert_int_equal(returned, warnings);
	if (warnings != expected)
		fail_msg("\"%s\": %u warnings, not %u, the last: %s", line, warnings, expected,
			 last_warning);
}

static void test_good_values(void **state)
{
	static const char *const good[] = {
		"", " \t ", "console=com1", "console=none", "com1=9600", "com1=9600,8n1,0x2f8,3",
			"com1=57600,,0x3e8",
		"com1=off", "dom0_mem=96M", "dom0_mem=98304k", "dom0_mem=0x10000000", "dom0_mem=2T",
		"dom0_mem=700M,max:700M", "dom0_mem=min:300M,max:700M", "dom0_mem=-1G", "dom0_mem=25%",
			"dom0_mem=1G+25%",
		"dom0_max_vcpus=1", "dom0_max_vcpus=128", "dom0_max_vcpus=1-8", "dom0_max_vcpus=-8",
			"dom0_max_vcpus=4-", "iommu=off", "no-iommu", "iommu", "noreboot",
		"boot_timeout=0", "boot_timeout=600",
		"noreboot=yes", "no-noreboot", "sched=null", "sched=credit2", "loglvl=all",
		"loglvl=error", "maxcpus=3", "xen_version=4.17", "xen_version=4.20",
		"spec=off", "spec=on", "spec=verw", "spec=no-verw,rsb=off,l1d-flush=yes,ibrs",
		"  iommu=off\tnoreboot   sched=null ",
	};

	for (unsigned int i = 0; i < ARRAY_LEN(good); i++)
		expect_warnings(good[i], 0);
}

static void test_bad_words(void **state)
{
	static const char *const bad[] = {
		"dom0_mem=", "dom0_mem", "dom0_mem=1", "dom0_mem=95M", "dom0_mem=1X", "dom0_mem=100%",
			"dom0_mem=max:10M",
		"dom0_mem=1073741824B+0000000000000000000000000000000000000000000000000001G", "maxcpus=1K",
		"dom0_mem=1GG", "dom0_mem=99999999999999999999", "dom0_mem=99999999999T",
		"dom0_max_vcpus=0", "dom0_max_vcpus=129", "dom0_max_vcpus=2x", "dom0_max_vcpus=",
		"dom0_max_vcpus=4294967297", "no-dom0_max_vcpus",
		"boot_timeout=86401", "boot_timeout=",
		"iommu=maybe", "iommu=", "no-iommu=on", "noreboot=2", "noreboot=o",
		"sched=credit3", "sched=", "sched", "sched=nul", "loglvl=loud",
		"xen_version=4.19", "xen_version=4.1", "xen_version=4.17,4.20",
		"com1=0", "com1=115201", "com1=230400", "com1=9600,7e1", "com1=9600,8n1,0x10", "com1=off,8n1",
		"com1=9600,8n1,0x10000", "com1=9600,8n1,zz", "com1=9600,8n1,0x3f8,16", "com1=", "com1",
		"spec", "spec=", "spec=verw,", "spec=,verw", "spec=verw=maybe", "spec=no-verw=on", "spec=vers",
		"spec=off,verw", "no-spec",
		"spec=verw,verw,verw,verw,verw,verw,verw,verw,verw,verw,verw,verw,verw",
		"console=vga", "console=", "=", "=x", "no-", "unknown", "unknown=1", "IOMMU=off",
	};

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		expect_warnings(bad[i], 1);
}

static void test_each_bad_word_is_named(void **state)
{
	expect_warnings("noreboot sched=fast iommu=off", 1);
	assert_non_null(strstr(last_warning, "sched=fast"));
	assert_non_null(strstr(last_warning, "credit2"));
	expect_warnings("frobnicate=7", 1);
	assert_non_null(strstr(last_warning, "frobnicate=7"));
	expect_warnings("a b=c noreboot d", 3);
	assert_non_null(strstr(last_warning, "d"));
}

static void test_long_words(void **state)
{
	char line[600];

	memset(line, 'a', sizeof(line));
	memcpy(line + 500, " noreboot", 10);
	expect_warnings(line, 1);
	memset(line, 'a', sizeof(line));
	line[127] = '\0';
	expect_warnings(line, 1);
	line[127] = 'a';
	line[128] = '\0';
	expect_warnings(line, 1);
}

/* Cell n of a row of the manual's table, without the code marks. */
static void cell(const char *row, unsigned int n, char *buf, size_t size)
{
	size_t len = 0;

	for (; n; n--)
		row = strchr(row, '|') + 1;
	while (*row == ' ')
		row++;
	for (; *row != '|' && *row != '\n' && len < size - 1; row++)
		if (*row != '`')
			buf[len++] = *row;
	while (len && buf[len - 1] == ' ')
		len--;
	buf[len] = '\0';
}

/* Which values an option takes, according to the manual. */
static void check_values(const struct option *o, const char *values)
{
	char want[256] = "";

	if (o->type == OPTION_FLAG)
		strcpy(want, "on, off");
	else if (o->type == OPTION_NUMBER)
		snprintf(want, sizeof(want), "%lu to %lu", o->min, o->max);
	else if (o->type == OPTION_DOM0_VCPUS)
		snprintf(want, sizeof(want), "1 to %u", PVH_MAX_VCPUS);
	else if (o->type == OPTION_DOM0_MEM)
		snprintf(want, sizeof(want), "%uM at least", DOM0_MEM_MIN_MIB);
	for (unsigned int i = 0; o->words[i]; i++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s", i ? ", " : "", o->words[i]);
	if (o->type == OPTION_CHOICE || o->type == OPTION_FLAG ? strcmp(values, want)
	    : !strstr(values, want))
		fail_msg("the manual on %s: its values are \"%s\", which is not: %s", o->name, values, want);
}

static void test_manual_says_what_the_table_says(void **state)
{
	static char manual[16384];
	char name[64], values[256], dflt[256], text[128];
	FILE *f = fopen("docs/command-line.md", "r");
	const struct option *o;
	unsigned int n = 0;

	assert_non_null(f);
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	fclose(f);
	for (char *row = strstr(manual, "\n| `"); row; row = strstr(row + 1, "\n| `"), n++) {
		cell(row + 1, 1, name, sizeof(name));
		cell(row + 1, 2, values, sizeof(values));
		cell(row + 1, 3, dflt, sizeof(dflt));
		name[strcspn(name, "=")] = '\0';
		o = option_find(name);
		if (!o)
			fail_msg("docs/command-line.md has an option %s, and common/option.c has not", name);
		assert_true(strlen(o->help) > 10);
		check_values(o, values);
		if (strncmp(dflt, option_default(o), strlen(option_default(o))))
			fail_msg("the manual on %s: its default is \"%s\", not: %s", name, dflt, option_default(o));
	}
	if (n < ARRAY_SIZE(options))
		fail_msg("docs/command-line.md lacks an option: it has %u", n);
	snprintf(text, sizeof(text), "never gets less than %uM", DOM0_MEM_MIN_MIB);
	assert_non_null(strstr(manual, text));
	snprintf(text, sizeof(text), "less %uM for Keel's tables", DOM0_MEM_REST_MIB);
	assert_non_null(strstr(manual, text));
}

/*
 * An option that is not on the command line, or whose value is out of bounds, has the table's
 * default.
 */
static void test_table_gives_defaults(void **state)
{
	option_init("maxcpus=0 noreboot=x sched=fast");
	assert_int_equal(option_number("maxcpus"), option_find("maxcpus")->dflt);
	assert_false(option_flag("noreboot"));
	assert_true(option_flag("iommu"));
	assert_int_equal(option_choice("sched"), 0);
	assert_string_equal(option_default(option_find("loglvl")), "info");
	option_init("maxcpus=4097");
	assert_int_equal(option_number("maxcpus"), option_find("maxcpus")->dflt);
	option_init("maxcpus=4096");
	assert_int_equal(option_number("maxcpus"), 4096);
}

/* If a source read an option that the table lacks, a user's setting would be called unknown. */
static void test_table_has_what_sources_read(void **state)
{
	FILE *f = popen("grep -rhoE 'option_[a-z_]+\\(\"[^\"]+\"' --include='*.c' "
			"common arch | cut -d'\"' -f2", "r");
	char name[64];
	unsigned int n = 0;

	assert_non_null(f);
	while (fscanf(f, "%63s", name) == 1) {
		if (!option_find(name))
			fail_msg("common/option.c has no entry for the option %s, which a source reads", name);
		n++;
	}
	assert_int_equal(pclose(f), 0);
	assert_true(n >= 3);
}

/* An option that no source reads would be accepted and change nothing. */
static void test_sources_read_what_the_table_has(void **state)
{
	char command[128];

	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++) {
		snprintf(command, sizeof(command),
			 "grep -rqE '(\"|^)%s[\"=]' --include='*.c' --exclude=option.c common arch", options[i].name);
		if (system(command))
			fail_msg("no source reads the option %s", options[i].name);
	}
}

static void test_choice(void **state)
{
	option_init("sched=null loglvl=b xen_version");
	assert_int_equal(option_choice("sched"), 1);
	assert_int_equal(option_choice("loglvl"), CONFIG_LOG_LEVEL);
	assert_int_equal(option_choice("xen_version"), 0);
	assert_int_equal(option_choice("console"), 0);
}

static void test_list(void **state)
{
	u32 on, off;

	option_init("spec=no-verw,rsb,ibrs=off,ibpb=1");
	option_list("spec", &on, &off);
	assert_int_equal(on, 1u << SPEC_WORD_RSB | 1u << SPEC_WORD_IBPB);
	assert_int_equal(off, 1u << SPEC_WORD_VERW | 1u << SPEC_WORD_IBRS);
	option_init("spec=rsb,no-rsb");
	option_list("spec", &on, &off);
	assert_int_equal(on, 0);
	assert_int_equal(off, 1u << SPEC_WORD_RSB);
	option_init("spec=no-rsb,rsb");
	option_list("spec", &on, &off);
	assert_int_equal(on, 1u << SPEC_WORD_RSB);
	assert_int_equal(off, 0);
	option_init("spec=false");
	option_list("spec", &on, &off);
	assert_int_equal(on, 0);
	assert_int_equal(off, ~0u);
	option_init("spec=rsb,rsv");
	option_list("spec", &on, &off);
	assert_int_equal(on | off, 0);
	option_init("");
	option_list("spec", &on, &off);
	assert_int_equal(on | off, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_good_values),
	cmocka_unit_test(test_bad_words),
	cmocka_unit_test(test_each_bad_word_is_named),
	cmocka_unit_test(test_long_words),
	cmocka_unit_test(test_manual_says_what_the_table_says),
	cmocka_unit_test(test_table_gives_defaults),
	cmocka_unit_test(test_table_has_what_sources_read),
	cmocka_unit_test(test_sources_read_what_the_table_has),
	cmocka_unit_test(test_choice),
	cmocka_unit_test(test_list),
};

UNIT_MAIN(tests)
