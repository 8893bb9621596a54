/* SPDX-License-Identifier: GPL-2.0-only */
/* What every unit test includes first: cmocka with the headers it wants. */
#ifndef TEST_UNIT_UNIT_H
#define TEST_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include <cmocka.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Runs the array of tests and gives main()'s result. */
#define UNIT_MAIN(tests) \
	int main(void) \
	{ \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}

#endif /* TEST_UNIT_UNIT_H */
