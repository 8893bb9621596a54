/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_TOOLS_TEST_WARNED_H
#define KEEL_TOOLS_TEST_WARNED_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/keel.h"

/* All warnings since the test emptied it. */
static char warned[1024];

void keel_warn(struct keel *q, const char *fmt, ...)
{
	size_t n = strlen(warned);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(warned + n, sizeof(warned) - n, fmt, ap);
	va_end(ap);
}

#endif
