/* SPDX-License-Identifier: GPL-2.0-only */
/* What every unit test includes first: cmocka with the headers that it needs, and the fake arch. */
#ifndef TEST_UNIT_UNIT_H
#define TEST_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fake.h"

#ifndef ARRAY_LEN
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#endif

static inline int unit_setup(void **state)
{
	fake_reset();
	return 0;
}

static inline int unit_teardown(void **state)
{
	fake_check_quiet();
	return 0;
}

/* An entry of the array: it starts from fake_reset(), and must end with no lock held. */
#define UNIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, unit_teardown)

/* main(): runs the array of tests. */
#define UNIT_MAIN(tests) \
	int main(void) \
	{ \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}

#endif /* TEST_UNIT_UNIT_H */
