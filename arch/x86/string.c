/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory functions by the string instructions; compiled as common/lib/string.c is. */
#include <stdint.h>

#include "common/lib/string.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	asm volatile("rep movsb" : "+D" (d), "+S" (src), "+c" (n) : : "memory");
	return dst;
}

/* Backwards no CPU moves more than an element at once: words, and bytes only at the end. */
void *memmove(void *dst, const void *src, size_t n)
{
	char *d = (char *)dst + n - 1;
	const char *s = (const char *)src + n - 1;
	size_t bytes = n % 8;

	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	asm volatile("std; rep movsb; mov %3, %2; sub $7, %0; sub $7, %1; rep movsq; cld"
		     : "+D" (d), "+S" (s), "+c" (bytes) : "r" (n / 8) : "memory", "cc");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	asm volatile("rep stosb" : "+D" (d), "+c" (n) : "a" (c) : "memory");
	return dst;
}
