/* SPDX-License-Identifier: GPL-2.0-only */
/* Failure injection, and the start of each test. */
#include "fake_internal.h"

static unsigned int countdown;
static bool happened, stays;
void (*fake_on_alloc)(void);

void fake_fail_nth(unsigned int nth)
{
	countdown = nth;
	stays = false;
	if (nth)
		happened = false;
}

void fake_fail_from(unsigned int nth)
{
	fake_fail_nth(nth);
	stays = nth;
}

bool fake_failure_happened(void)
{
	return happened;
}

bool fake_alloc_fails(void)
{
	if (fake_on_alloc)
		fake_on_alloc();
	if (countdown == 0 || --countdown != 0)
		return false;
	happened = true;
	countdown = stays;
	return true;
}

void fake_reset(void)
{
	fake_fail_nth(0);
	fake_on_alloc = NULL;
	fake_reset_cpus();
	fake_reset_domains();
	fake_reset_ram();
	fake_reset_time();
	fake_reset_guest();
}
