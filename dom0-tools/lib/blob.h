/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_BLOB_H
#define KEEL_LIB_BLOB_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/error.h"

/* Bytes in memory: a file mapped read-only, or the result of unpacking one. */
struct blob {
	unsigned char *data;
	size_t size;
	enum { BLOB_NONE, BLOB_HEAP, BLOB_MAPPED, BLOB_BORROWED } kind;
};

/* Maps the regular file @path; @what ("kernel", "ramdisk") names it in messages. */
int blob_open(struct blob *b, const char *path, const char *what, struct keel_error *e);

/* @size bytes of zeroed memory. */
int blob_alloc(struct blob *b, size_t size, struct keel_error *e);

void blob_free(struct blob *b);

/* The number in these four bytes, which need not be aligned. */
static inline uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif
