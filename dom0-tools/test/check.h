/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_TOOLS_TEST_CHECK_H
#define KEEL_TOOLS_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fails with both texts unless @text holds @part. */
#define assert_contains(text, part) do {						\
		if (!strstr(text, part))						\
			fail_msg("'%s' does not hold '%s'", text, part);		\
	} while (0)

/*
 * Linked with --wrap: if it is set, the nth allocation from now on fails. It counts down to 0 and
 * then stops. @alloc_failed says whether an allocation failed.
 */
extern long alloc_countdown;
extern int alloc_failed;

#endif
