/* SPDX-License-Identifier: GPL-2.0-only */
#include <time.h>

#include "lib/keel.h"

void keel_step(struct keel *k, const char *step)
{
	struct keel_times *t = k->times;
	struct timespec now;

	if (!t || t->n == sizeof(t->entry) / sizeof(t->entry[0]))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	t->entry[t->n].step = step;
	t->entry[t->n++].began_us = now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}
