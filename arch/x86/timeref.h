/* SPDX-License-Identifier: GPL-2.0-only */
/* Trusted counters that the TSC is measured against, best first: HPET, ACPI PM timer, PIT. */
#ifndef ARCH_X86_TIMEREF_H
#define ARCH_X86_TIMEREF_H

#include "common/types.h"

struct timeref {
	const char *name;
	u64 hz;
	unsigned int bits;
	u32 (*read)(void);
};

/* The one that is there and counts; NULL: none. */
const struct timeref *timeref_find(void);
/*
 * TSC ticks in about 50 ms by the PIT, which can only count down once; 0: it does not count. *ns:
 * how long it was.
 */
u64 timeref_pit_measure(u64 *ns);
/* Seconds since 1970 by the real-time clock, 0: there is none. */
u64 rtc_read(void);

#endif
