/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory. Arguments are read once, checked, and acted on as a copy.
 * Addresses are guest virtual, through the page tables that the current vCPU
 * uses now; nothing is cached between calls. No p2m lock may be held.
 */
#ifndef COMMON_GUEST_ACCESS_H
#define COMMON_GUEST_ACCESS_H

#include "common/domain.h"

/* 0, or -EFAULT if any byte cannot be reached (then dst/guest memory may be partly written). */
int __must_check copy_from_guest(void *dst, u64 gva, size_t len);
int __must_check copy_to_guest(u64 gva, const void *src, size_t len);
/* Writes zeros. */
int __must_check clear_guest(u64 gva, size_t len);

/* Element i of an array of `size` bytes each: overflow-checked. */
static inline int __must_check copy_elem_from_guest(void *dst, u64 gva, u64 i, size_t size)
{
	u64 off;

	if (check_mul_overflow(i, (u64)size, &off) || check_add_overflow(gva, off, &gva))
		return -14; /* EFAULT */
	return copy_from_guest(dst, gva, size);
}

static inline int __must_check copy_elem_to_guest(u64 gva, u64 i, const void *src, size_t size)
{
	u64 off;

	if (check_mul_overflow(i, (u64)size, &off) || check_add_overflow(gva, off, &gva))
		return -14;
	return copy_to_guest(gva, src, size);
}

/* Guest physical addresses of any domain. 0 or -EFAULT. Takes the p2m lock for reading. */
int __must_check copy_from_gpa(struct domain *d, void *dst, u64 gpa, size_t len);
int __must_check copy_to_gpa(struct domain *d, u64 gpa, const void *src, size_t len);

/* Guest physical address behind a guest virtual one of the current vCPU; -EFAULT. */
int __must_check gva_to_gpa(u64 gva, bool write, u64 *gpa);

#endif
