/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers: the same seed gives the same numbers. */
#include "guest.h"

u64 random_seed(u64 seed)
{
	u64 state = seed * 0x9e3779b97f4a7c15 | 1;

	random_next(&state);
	return state;
}

u64 random_next(u64 *state)
{
	u64 x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1d;
}
