/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a counter to nanoseconds: the arithmetic of time, without hardware. A clock is a
 * line through a base point; readers need no lock.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include "common/lib.h"

/* ns = ((ticks << shift) * mul) >> 32, as pvclock has it; mul is in [2^31, 2^32). */
struct tick_scale {
	u32 mul;
	s8 shift;
};

struct clock {
	u32 version;		/* odd while the rest is being changed */
	struct tick_scale scale;
	u64 ticks, ns;		/* the base point */
};

/* The scale that makes `ticks` last `ns`; neither may be 0. */
struct tick_scale tick_scale(u64 ticks, u64 ns);

static inline u64 ticks_to_ns(struct tick_scale s, u64 ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return (u64)((unsigned __int128)ticks * s.mul >> 32);
}

/* The time at which the counter shows `ticks`; constant before the base point. Any context. */
u64 clock_read(const struct clock *c, u64 ticks);
/* One consistent copy. Any context. */
void clock_snapshot(const struct clock *c, struct clock *copy);
/* A new base point and slope. One writer at a time. */
void clock_set(struct clock *c, u64 ticks, u64 ns, struct tick_scale scale);
/*
 * t, or the last returned value if that is later: for counters that differ between CPUs. Any
 * context.
 */
u64 clock_clamp(u64 *last, u64 t);

/* A slow but trusted counter with few bits, extended to the time since the first reading. */
struct clock_ref {
	struct tick_scale scale;
	unsigned int bits;
	u32 last;
	u64 ticks;		/* so far, wraps counted */
};

void clock_ref_start(struct clock_ref *r, u64 hz, unsigned int bits, u32 raw);
/*
 * ns since the start. expected_ns: how much time passed since the last reading according to another
 * clock, which tells how often the counter has wrapped.
 */
u64 clock_ref_read(struct clock_ref *r, u32 raw, u64 expected_ns);

/* State of a clock's correction: the last pair of readings, and the speed of the counter. */
struct clock_track {
	u64 ticks, ref_ns;
	struct tick_scale rate, doubtful; /* accepted; the last one that was not */
};

/*
 * Brings the clock back to a reference: at `ticks` it should have shown ref_ns. Changes the slope
 * so that the clock meets the reference in period_ns. The clock is never set back; if it is more
 * than 10 ms late, it jumps forward. A change of the counter's speed by more than an eighth (or a
 * counter that was set, or stood still) is accepted only when seen twice. Returns false if the
 * clock was good enough and nothing changed.
 */
bool clock_correct(struct clock *c, struct clock_track *t, u64 ticks, u64 ref_ns, u64 period_ns);

/* The real-time clock's registers (MC146818A data sheet; 32h is the century by convention). */
struct rtc_regs {
	u8 second, minute, hour, day, month, year, century, status_b;
	bool has_century;
};

/* Seconds since 1970, 0 for a date that does not exist. Binary or BCD, 12 or 24 hours. */
u64 rtc_to_epoch(const struct rtc_regs *r);

#endif
