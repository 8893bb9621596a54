/* SPDX-License-Identifier: GPL-2.0-only */
/* Failure injection and the count of live allocations. */
#include "fake.h"

static unsigned int countdown;
static bool happened;
static long live;

void fake_fail_nth(unsigned int nth)
{
	countdown = nth;
	happened = false;
}

bool fake_failure_happened(void)
{
	return happened;
}

bool fake_alloc_fails(void)
{
	if (countdown == 0 || --countdown != 0)
		return false;
	happened = true;
	return true;
}

unsigned long fake_live_allocations(void)
{
	return (unsigned long)live;
}

void fake_count_allocation(long delta)
{
	live += delta;
}
