/* SPDX-License-Identifier: GPL-2.0-only */
/* Text in a buffer, as C's functions of these names. */
#ifndef COMMON_VSNPRINTF_H
#define COMMON_VSNPRINTF_H

#include <stdarg.h>

#include "common/lib.h"

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
