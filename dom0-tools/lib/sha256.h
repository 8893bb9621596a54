/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_SHA256_H
#define KEEL_LIB_SHA256_H

#include <stddef.h>

#define SHA256_TEXT 65

/* The SHA-256 of @size bytes at @data (FIPS 180-4) in hexadecimal digits. */
void sha256_text(const void *data, size_t size, char text[SHA256_TEXT]);

#endif
