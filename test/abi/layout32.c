/* SPDX-License-Identifier: GPL-2.0-only */
/* libxen-dev's headers as a 32-bit guest sees them. */
#include <stddef.h>
#include <stdint.h>

#include "test/abi/libxen.h"

#define SAME(type, size, field, offset) \
	_Static_assert(sizeof(type) == size && offsetof(type, field) == offset, #type);
#define OTHER(ours, type, size, our_field, field, offset) SAME(type, size, field, offset)
#include "test/abi/same32.h"
