/* SPDX-License-Identifier: GPL-2.0-only */
/* The syntax of xl.cfg. */
#include "test/check.h"

#include <malloc.h>

#include "lib/cfg.h"

static struct keel_error e;

static int parse(struct cfg *c, const char *text)
{
	memset(&e, 0, sizeof(e));
	return cfg_parse(c, text, strlen(text), "f", &e);
}

static void values(void **state)
{
	struct cfg c;

	assert_int_equal(parse(&c, "# comment\n"
			       "name = \"a b\" # behind\n"
			       "\n"
			       "memory=0x10; vcpus = -3\n"
			       "s = 'it\\'s \\x41\\n' \n"
			       "disk = [ 'a', # first\n"
			       "  \"b\",\n"
			       "]\n"
			       "empty = []\n"
			       "nest = [[1,2],['x']]"), 0);
	assert_int_equal(c.settings, 7);
	assert_string_equal(c.setting[0].name, "name");
	assert_string_equal(c.setting[0].value->string, "a b");
	assert_int_equal(c.setting[0].line, 2);
	assert_int_equal(c.setting[1].value->integer, 16);
	assert_int_equal(c.setting[2].value->integer, -3);
	assert_int_equal(c.setting[2].line, 4);
	assert_string_equal(c.setting[3].value->string, "it's A\n");
	assert_int_equal(c.setting[4].value->items, 2);
	assert_string_equal(c.setting[4].value->item[1]->string, "b");
	assert_int_equal(c.setting[4].value->item[1]->line, 7);
	assert_int_equal(c.setting[5].value->items, 0);
	assert_int_equal(c.setting[6].value->item[0]->item[1]->integer, 2);
	cfg_free(&c);
}

/*
 * A number also keeps its text, text without quotes may be a hexadecimal number, and the last of
 * several settings counts.
 */
static void as_for_libxlutil(void **state)
{
	struct cfg c;

	assert_int_equal(parse(&c, "a = 0x10\nb = 1f\na = 'x'\nc = 1\nc += 2\nd = [ 7 ]\na = 3\n"), 0);
	assert_int_equal(c.settings, 4);
	assert_int_equal(c.setting[0].value->integer, 3);
	assert_string_equal(c.setting[0].value->string, "3");
	assert_int_equal(c.setting[0].line, 7);
	assert_int_equal(c.setting[0].before, 3);
	assert_int_equal(c.setting[1].value->type, CFG_STRING);
	assert_string_equal(c.setting[1].value->string, "1f");
	assert_int_equal(c.setting[1].before, 0);
	assert_int_equal(c.setting[2].value->type, CFG_STRING);
	assert_string_equal(c.setting[2].value->string, "12");
	assert_string_equal(c.setting[3].value->item[0]->string, "7");
	cfg_free(&c);
}

static void nothing(void **state)
{
	struct cfg c;

	assert_int_equal(parse(&c, ""), 0);
	assert_int_equal(c.settings, 0);
	assert_int_equal(parse(&c, " \t\n # only this"), 0);
	assert_int_equal(c.settings, 0);
	assert_int_equal(parse(&c, ";;\n;"), 0);
	cfg_free(&c);
}

static void additions(void **state)
{
	struct cfg c;

	assert_int_equal(parse(&c, "a = 'x'\na += 'y'\nl = ['1']\nl += ['2', '3']\nn += [4]"), 0);
	assert_string_equal(c.setting[0].value->string, "xy");
	assert_int_equal(c.setting[1].value->items, 3);
	assert_string_equal(c.setting[1].value->item[2]->string, "3");
	assert_int_equal(c.setting[2].value->items, 1);
	cfg_free(&c);
}

static void errors(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "a", "f:1: the file ends where an = sign" },
		{ "a\n= 1", "f:1: the line ends where an = sign" },
		{ "= 1", "f:1: '=' where the name of a setting" },
		{ "1a = 1", "f:1: '1' where the name" },
		{ "\n\na =", "f:3: the file ends where a value" },
		{ "a = *", "f:1: '*' where a value" },
		{ "a = \x01", "byte 0x01" },
		{ "a = 'x", "f:1: the string that starts here has no closing '" },
		{ "a = \"x\ny\"", "no closing \"" },
		{ "a = '\\q'", "unknown escape \\q" },
		{ "a = '\\x00'", "\\x00 cannot be" },
		{ "a = '\\", "unknown escape" },
		{ "a = 12k", "'12k' is no integer" },
		{ "a = yes", "'yes' is no integer" },
		{ "a = 99999999999999999999", "is no integer" }, { "a = x1", "'x1' is no integer" },
		{ "a = 1 2", "f:1: '2' where the end of the line" },
		{ "a = [1 2]", "'2' where a comma" },
		{ "a = [1", "the file ends where a comma" },
		{ "a = [", "the file ends where a value" },
		{ "a = [,]", "',' where a value" },
		{ "a = ['x']\na += 2", "not an integer to a list" },
		{ "a = 'x'\na += ['y']", "not a list to a string" },
		{ "a = [[[[[[[[[1]]]]]]]]]", "nested too deeply" },
		{ "a + 1", "'+' where an = sign" },
	};
	struct cfg c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&c, cases[i].text), -EINVAL);
		assert_contains(e.text, cases[i].says);
		assert_null(c.setting);
	}
}

/* Every prefix of a good file may be an error or not, but never causes a bad access. */
static void truncated(void **state)
{
	static const char text[] =
		"name = \"a\\x41\"\nlist += [ 'b', 0x1f, [ ] ] # c\nmemory = 12;x='\\''";
	struct cfg c;

	for (size_t n = 0; n <= strlen(text); n++) {
		char *exact = malloc(n ? n : 1);

		memcpy(exact, text, n);
		if (!cfg_parse(&c, exact, n, "f", &e))
			cfg_free(&c);
		free(exact);
	}
}

static void no_memory(void **state)
{
	static const char text[] = "a='x'\nb=[1,['y'],'z']\na+='w'\nb+=[2]\nc=3";
	struct cfg c;
	long n = 0;

	do {
		alloc_failed = 0;
		alloc_countdown = ++n;
		if (!cfg_parse(&c, text, strlen(text), "f", &e))
			cfg_free(&c);
		else
			assert_int_equal(e.code, ENOMEM);
	} while (alloc_failed);
	alloc_countdown = 0;
	assert_true(n > 10);
}

/* A text keeps no more memory than it has characters. */
static void small(void **state)
{
	char text[9000];
	struct cfg c;

	snprintf(text, sizeof(text), "a = 'x'\nb = '%08000d'", 0);
	assert_int_equal(parse(&c, text), 0);
	assert_true(malloc_usable_size(c.setting[0].value->string) < 100);
	assert_int_equal(strlen(c.setting[1].value->string), 8000);
	cfg_free(&c);
}

static void replacement(void **state)
{
	struct cfg c, over;

	assert_int_equal(parse(&c, "a = 1\nb = 'x'"), 0);
	assert_int_equal(parse(&over, "b = 'y'\nc = [1]"), 0);
	assert_int_equal(cfg_replace(&c, &over, &e), 0);
	assert_int_equal(c.settings, 3);
	assert_string_equal(c.setting[1].value->string, "y");
	assert_string_equal(c.setting[2].name, "c");
	cfg_free(&over);
	cfg_free(&c);
}

/* += on the command line adds to the file's value, or is the value if the file has none. */
static void replacement_adds(void **state)
{
	struct cfg c, over;

	assert_int_equal(parse(&c, "a = 'x'\nl = ['1']\nr = 'old'\nm = 1"), 0);
	assert_int_equal(parse(&over, "a += 'y'\na += 'z'\nl += ['2']\nn += 'w'\nr += 'v'\n"
			       "r = 'new'\nm = 2\nm += 3"), 0);
	assert_int_equal(cfg_replace(&c, &over, &e), 0);
	cfg_free(&over);
	assert_string_equal(c.setting[0].value->string, "xyz");
	assert_int_equal(c.setting[1].value->items, 2);
	assert_string_equal(c.setting[1].value->item[1]->string, "2");
	assert_string_equal(c.setting[2].value->string, "new");
	assert_string_equal(c.setting[3].value->string, "23");
	assert_string_equal(c.setting[4].value->string, "w");
	assert_int_equal(cfg_parse(&over, "\nl += 'x'", 9, "command line", &e), 0);
	assert_int_equal(cfg_replace(&c, &over, &e), -EINVAL);
	assert_contains(e.text, "command line:2: += can add");
	cfg_free(&over);
	cfg_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(nothing), cmocka_unit_test(additions),
		cmocka_unit_test(errors), cmocka_unit_test(truncated), cmocka_unit_test(no_memory),
		cmocka_unit_test(small), cmocka_unit_test(replacement), cmocka_unit_test(replacement_adds),
		cmocka_unit_test(as_for_libxlutil),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
