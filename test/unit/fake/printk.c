/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages: dropped, but the last one can be looked at. panic() fails the test. */
#include "test/unit/unit.h"

#include <stdio.h>

#include "common/printk.h"
#include "fake.h"

#pragma weak mock_assert /* fuzz targets are linked without cmocka */

char fake_last_message[256];

FAKE void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(vsnprintf)(fake_last_message, sizeof(fake_last_message), fmt, ap);
	va_end(ap);
}

/* mock_assert() lets a test expect it: expect_assert_failure(). */
FAKE void panic(const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	va_start(ap, fmt);
	(vsnprintf)(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	fprintf(stderr, "panic: %s\n", msg);
	if (mock_assert)
		mock_assert(0, msg, __FILE__, __LINE__);
	__builtin_trap();
}
