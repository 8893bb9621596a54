/* SPDX-License-Identifier: GPL-2.0-only */
/* The arithmetic of time: see clock.h. Pure. */
#include "common/clock.h"

#define JUMP_NS 10000000ull	/* later than this: jump */
#define CLOSE_NS 20000ll	/* close enough: nearer than this, with the slope right to */
#define CLOSE_SLOPE 200000	/* one part in this */
#define SAME_SPEED 8		/* one part in this more or less may be drift */

/* a * b / c, if that fits in 64 bits. Bit by bit, since there is no library for wide division. */
static u64 mul_div(u64 a, u64 b, u64 c)
{
	unsigned __int128 product = (unsigned __int128)a * b, rest = 0;
	u64 quotient = 0;

	for (int bit = 127; bit >= 0; bit--) {
		rest = rest << 1 | (product >> bit & 1);
		quotient <<= 1;
		if (rest >= c) {
			rest -= c;
			quotient |= 1;
		}
	}
	return quotient;
}

struct tick_scale tick_scale(u64 ticks, u64 ns)
{
	struct tick_scale s = { 0, 0 };

	while ((ticks | ns) >> 62) {
		ticks >>= 1;
		ns >>= 1;
	}
	/* The fraction ns / ticks / 2^shift is to be in [1/2, 1). */
	for (; ns >= ticks; s.shift++) {
		if (ticks >> 62)
			ns >>= 1;
		else
			ticks <<= 1;
	}
	for (; ns * 2 < ticks; s.shift--)
		ns <<= 1;
	s.mul = (u32)mul_div(ns, 1ull << 32, ticks);
	return s;
}

void clock_snapshot(const struct clock *c, struct clock *copy)
{
	u32 version;

	do {
		version = READ_ONCE(c->version) & ~1u;
		smp_rmb();
		copy->scale.mul = READ_ONCE(c->scale.mul);
		copy->scale.shift = READ_ONCE(c->scale.shift);
		copy->ticks = READ_ONCE(c->ticks);
		copy->ns = READ_ONCE(c->ns);
		smp_rmb();
	} while (unlikely(READ_ONCE(c->version) != version));
	copy->version = version;
}

u64 clock_read(const struct clock *c, u64 ticks)
{
	struct clock now;

	clock_snapshot(c, &now);
	if (unlikely(ticks < now.ticks))
		return now.ns;
	return now.ns + ticks_to_ns(now.scale, ticks - now.ticks);
}

void clock_set(struct clock *c, u64 ticks, u64 ns, struct tick_scale scale)
{
	WRITE_ONCE(c->version, c->version + 1);
	smp_wmb();
	WRITE_ONCE(c->ticks, ticks);
	WRITE_ONCE(c->ns, ns);
	WRITE_ONCE(c->scale.mul, scale.mul);
	WRITE_ONCE(c->scale.shift, scale.shift);
	smp_wmb();
	WRITE_ONCE(c->version, c->version + 1);
}

u64 clock_clamp(u64 *last, u64 t)
{
	u64 seen = __atomic_load_n(last, __ATOMIC_RELAXED);

	do {
		if (seen >= t)
			return seen;
	} while (!cas(last, &seen, t));
	return t;
}

void clock_ref_start(struct clock_ref *r, u64 hz, unsigned int bits, u32 raw)
{
	r->scale = tick_scale(hz, 1000000000);
	r->bits = bits;
	r->last = raw;
	r->ticks = 0;
}

u64 clock_ref_read(struct clock_ref *r, u32 raw, u64 expected_ns)
{
	u64 round = 1ull << r->bits, delta = (raw - r->last) & (round - 1);
	u64 seen_ns = ticks_to_ns(r->scale, delta), round_ns = ticks_to_ns(r->scale, round);

	if (expected_ns > seen_ns)
		delta += (expected_ns - seen_ns + round_ns / 2) / round_ns * round;
	r->last = raw;
	r->ticks += delta;
	return ticks_to_ns(r->scale, r->ticks);
}

/* Do they differ by less than one part in n? */
static bool slopes_close(struct tick_scale a, struct tick_scale b, u64 n)
{
	u64 x = ticks_to_ns(a, 1ull << 32), y = ticks_to_ns(b, 1ull << 32);

	return (x > y ? x - y : y - x) < y / n;
}

/* The counter's assumed speed, after dticks in dref. */
static struct tick_scale believed_rate(struct clock_track *t, struct tick_scale slope, u64 dticks,
				       u64 dref)
{
	struct tick_scale rate = tick_scale(dticks, dref);

	if (!t->rate.mul)
		t->rate = slope;
	if (slopes_close(rate, t->rate, SAME_SPEED) ||
	    (t->doubtful.mul && slopes_close(rate, t->doubtful, SAME_SPEED))) {
		t->rate = rate;
		t->doubtful.mul = 0;
	} else {
		t->doubtful = rate;
	}
	return t->rate;
}

bool clock_correct(struct clock *c, struct clock_track *t, u64 ticks, u64 ref_ns, u64 period_ns)
{
	u64 mine = clock_read(c, ticks), dticks = ticks - t->ticks, dref = ref_ns - t->ref_ns, coming;
	bool sane = ticks > t->ticks && ref_ns > t->ref_ns;
	s64 late = (s64)(ref_ns - mine), aim;
	struct tick_scale rate;

	t->ticks = ticks;
	t->ref_ns = ref_ns;
	if (!sane) {
		/*
		 * The counter was set back, or the reference has stopped: continue from here with
		 * the old slope.
		 */
		clock_set(c, ticks, max(mine, ref_ns), c->scale);
		return true;
	}
	rate = believed_rate(t, c->scale, dticks, dref);
	if (late > (s64)JUMP_NS) {
		clock_set(c, ticks, ref_ns, rate);
		return true;
	}
	if (late < CLOSE_NS && late > -CLOSE_NS && slopes_close(c->scale, rate, CLOSE_SLOPE))
		return false;
	aim = (s64)period_ns + late;
	aim = min(max(aim, (s64)period_ns / 2), (s64)period_ns * 2);
	coming = mul_div(period_ns, 1ull << 32, max(ticks_to_ns(rate, 1ull << 32), 1ull));
	clock_set(c, ticks, mine, coming ? tick_scale(coming, (u64)aim) : rate);
	return true;
}

static bool from_bcd(u8 *v)
{
	if ((*v & 15) > 9 || *v >> 4 > 9)
		return false;
	*v = (u8)((*v >> 4) * 10 + (*v & 15));
	return true;
}

/*
 * Days from 1970-01-01 in the Gregorian calendar; years count from March, so that the leap day
 * comes last.
 */
static u64 days_before(unsigned int year, unsigned int month, unsigned int day)
{
	unsigned int y = month > 2 ? year : year - 1, m = (month + 9) % 12;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

u64 rtc_to_epoch(const struct rtc_regs *regs)
{
	struct rtc_regs r = *regs;
	bool pm = r.hour & 0x80, binary = r.status_b & 4, hours24 = r.status_b & 2;
	unsigned int year;

	if (!hours24)
		r.hour &= 0x7f;
	if (!binary &&
	    !(from_bcd(&r.second) && from_bcd(&r.minute) && from_bcd(&r.hour) && from_bcd(&r.day) &&
			 from_bcd(&r.month) && from_bcd(&r.year) && (!r.has_century || from_bcd(&r.century))))
		return 0;
	if (!hours24)
		r.hour = (u8)(r.hour % 12 + (pm ? 12 : 0));
	year = r.has_century && r.century >= 19 ? r.century * 100u + r.year
	       : r.year + (r.year < 70 ? 2000u : 1900u);
	if (r.second > 59 || r.minute > 59 || r.hour > 23 || r.day < 1 || r.day > 31 || r.month < 1 ||
	    r.month > 12 || r.year > 99 || year < 1970)
		return 0;
	return days_before(year, r.month, r.day) * 86400 + r.hour * 3600u + r.minute * 60u + r.second;
}
