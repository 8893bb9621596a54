/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/clock.c common/time.c common/timer.c common/pqueue.c */
#include "test/unit/unit.h"

#include <public/errno.h>
#include <public/vcpu.h>
#include <public/x86_32.h>

#include "common/guest_access.h"
#include "common/time.h"

#define S 1000000000ull
#define MS 1000000ull
#define ARRAY_EACH(i, a) (unsigned int i = 0; i < ARRAY_LEN(a); i++)

static u64 seed;

static u64 any(u64 below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 20) % below;
}

/* --- scales --- */

static void scales_are_exact_enough(void **state)
{
	static const u64 hz[] = { 32768, 3579545, 14318180, 24000000, 50000000, 999999999, 1000000000,
				  1000000001, 2194843000, 3500000000, 5000000000, 100000000000 };

	for ARRAY_EACH(i, hz) {
		struct tick_scale s = tick_scale(hz[i], S), back = tick_scale(S, hz[i]);
		u64 day = 86400 * S, got = ticks_to_ns(s, 86400 * hz[i]);

		assert_true(s.mul >= 0x80000000u && back.mul >= 0x80000000u);
		/* 1 in 10^9 over a day, which the guest's 32-bit factor allows */
		assert_in_range(got, day - day / S, day + day / S);
		got = ticks_to_ns(back, 1000 * S);
		assert_in_range(got, 1000 * hz[i] - hz[i] / 1000000 - 1, 1000 * hz[i] + hz[i] / 1000000 + 1);
	}
	for (unsigned int i = 0; i < 10000; i++) {
		u64 ticks = any(1ull << (1 + any(60))) + 1, ns = any(1ull << (1 + any(60))) + 1;
		struct tick_scale s = tick_scale(ticks, ns);
		double ratio = (double)ns / (double)ticks;
		double is = (double)s.mul / 4294967296.0;

		assert_true(s.mul >= 0x80000000u);
		for (int n = s.shift; n > 0; n--)
			is *= 2;
		for (int n = s.shift; n < 0; n++)
			is /= 2;
		assert_true(is > ratio * 0.999999999 && is <= ratio * 1.000000001);
	}
}

static void clocks_stand_still_before_their_base(void **state)
{
	struct clock c = { 0 };

	clock_set(&c, 1000, 77, tick_scale(S, S));
	assert_int_equal(clock_read(&c, 0), 77);
	assert_int_equal(clock_read(&c, 999), 77);
	assert_int_equal(clock_read(&c, 1010), 87);
}

static void clamped_time_never_goes_back(void **state)
{
	u64 last = 0, prev = 0;

	for (u64 t = 0; t < 1000; t++) {
		u64 got = clock_clamp(&last, t % 7 == 3 ? t - 3 : t);

		assert_true(got >= prev);
		prev = got;
	}
	assert_int_equal(last, 999);
}

static void the_reference_counts_its_wraps(void **state)
{
	struct clock_ref r;
	u64 t = 0, hz = 3579545;

	clock_ref_start(&r, hz, 24, 0xfffff0);
	for (unsigned int i = 0; i < 500; i++) {
		u64 step = any(30 * S), ticks, ns;

		t += step;
		ticks = (u64)((unsigned __int128)t * hz / S);
		/* the reference clock is wrong by up to 5 % */
		ns = clock_ref_read(&r, (u32)(0xfffff0 + ticks) & 0xffffff, step * (95 + any(10)) / 100);
		assert_in_range(ns, t - t / S - 300, t + t / S + 300);
	}
}

/* --- correction: a machine whose TSC misbehaves --- */

static struct {
	u64 t;			/* true time, ns */
	double tsc, hz;
	struct clock clock;
	struct clock_track track;
	struct clock_ref ref;
	u64 last;		/* the last value, for now()'s clamp */
} m;

static u32 ref_raw(void)
{
	/* read within a microsecond of the TSC */
	return (u32)((unsigned __int128)(m.t + any(1000)) * 3579545 / S) & 0xffffff;
}

static void machine_start(double hz, double measured_hz)
{
	memset(&m, 0, sizeof(m));
	m.hz = hz;
	clock_ref_start(&m.ref, 3579545, 24, ref_raw());
	clock_set(&m.clock, 0, 0, tick_scale((u64)measured_hz, S));
}

static void pass(u64 ns)
{
	m.t += ns;
	m.tsc += m.hz * (double)ns / 1e9;
}

static void sample(u64 *worst)
{
	u64 prev = m.last, now_ns = clock_clamp(&m.last, clock_read(&m.clock, (u64)m.tsc));
	u64 error = now_ns > m.t ? now_ns - m.t : m.t - now_ns;

	assert_true(now_ns >= prev);
	*worst = max(*worst, error);
}

/* One second with reads in between, then a correction. */
static bool second(u64 *worst)
{
	u64 before = m.track.ticks, ref;

	for (unsigned int i = 0; i < 100; i++) {
		pass(10 * MS);
		sample(worst);
	}
	ref = clock_ref_read(&m.ref, ref_raw(), ticks_to_ns(m.clock.scale, (u64)m.tsc - before));
	if (!clock_correct(&m.clock, &m.track, (u64)m.tsc, ref, S))
		return false;
	sample(worst);
	return true;
}

static void a_bad_measurement_is_corrected(void **state)
{
	u64 worst = 0;

	/* 500 ppm wrong at boot: half a millisecond off after the first second */
	for (int sign = -1; sign <= 1; sign += 2) {
		machine_start(2.2e9, 2.2e9 * (1 + sign * 0.0005));
		second(&worst);
		assert_in_range(worst, 400000, 600000);
		for (unsigned int i = 0; i < 5; i++)
			second(&worst);
		worst = 0;
		for (unsigned int i = 0; i < 1000; i++)
			second(&worst);
		assert_true(worst < 30000);
		worst = 0;
	}
}

static void a_good_clock_is_left_alone(void **state)
{
	unsigned int changes = 0;
	u64 worst = 0;

	machine_start(1e9, 1e9);
	for (unsigned int i = 0; i < 1000; i++)
		changes += second(&worst);
	assert_true(changes < 20);
	assert_true(worst < 30000);
}

static void a_drifting_tsc_is_followed(void **state)
{
	u64 worst = 0;

	machine_start(3e9, 3e9);
	for (unsigned int i = 0; i < 2000; i++) {
		m.hz = 3e9 * (1 + 0.0002 * (double)(i % 200) / 200);
		second(&worst);
	}
	assert_true(worst < 500000);
}

/*
 * A TSC that stops (deep sleep), doubles its speed, jumps, and is set back: time never goes back,
 * and is soon close again.
 */
static void a_jumpy_tsc_is_survived(void **state)
{
	u64 worst = 0;

	machine_start(2e9, 2e9);
	for (unsigned int round = 0; round < 50; round++) {
		switch (any(4)) {
		case 0:
			m.hz = 0;
			pass(any(3 * S));
			break;
		case 1:
			m.hz = 4e9;
			second(&worst);
			break;
		case 2:
			m.tsc += (double)any(2000000000);
			break;
		case 3:
			m.tsc = m.tsc > 5e9 ? m.tsc - (double)any(1000000000) : m.tsc;
			break;
		}
		m.hz = 2e9;
		for (unsigned int i = 0; i < 30; i++)
			second(&worst);
		worst = 0;
		second(&worst);
		assert_true(worst < 1000000);
	}
}

/* --- the real-time clock --- */

static void dates_become_seconds(void **state)
{
	static const struct { struct rtc_regs r; u64 epoch; } c[] = {
		{ { 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0, 2, false }, 946684800 },
		{ { 0x59, 0x59, 0x23, 0x29, 0x02, 0x24, 0x20, 2, true }, 1709251199 },
		{ { 0x07, 0x48, 0x09, 0x20, 0x11, 0x26, 0x20, 2, true }, 1795168087 },
		{ { 59, 59, 23, 31, 12, 99, 19, 6, true }, 946684799 },
		{ { 59, 59, 23, 31, 12, 99, 0, 6, false }, 946684799 },
		{ { 0x00, 0x00, 0x12, 0x01, 0x03, 0x00, 0x20, 0, true }, 951868800 },	/* 12 am */
		{ { 0x00, 0x30, 0x92, 0x01, 0x03, 0x00, 0x20, 0, true }, 951913800 },	/* 12:30 pm */
		{ { 0x00, 0x00, 0x91, 0x01, 0x03, 0x00, 0x20, 0, true }, 951951600 },	/* 11 pm */
		{ { 0, 0, 0, 1, 1, 70, 19, 6, true }, 0 },
		{ { 0x60, 0, 0, 1, 1, 0, 0x20, 2, true }, 0 },
		{ { 0x1a, 0, 0, 1, 1, 0, 0x20, 2, true }, 0 },
		{ { 0, 0, 0x24, 1, 1, 0, 0x20, 2, true }, 0 },
		{ { 0, 0, 0, 0, 1, 0, 0x20, 2, true }, 0 },
		{ { 0, 0, 0, 1, 0x13, 0, 0x20, 2, true }, 0 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, true }, 0 },
	};

	for ARRAY_EACH(i, c)
		assert_int_equal(rtc_to_epoch(&c[i].r), c[i].epoch);
}

/* --- guests --- */

static struct tsc_scale host_scale;
static u64 host_tsc;
static s64 tsc_offset;

void arch_tsc_scale(struct tsc_scale *out) { *out = host_scale; }
u64 arch_read_tsc(void) { return host_tsc; }
s64 arch_vcpu_tsc_offset(struct vcpu *v) { return tsc_offset; }

/* As a guest reads it (struct vcpu_time_info in public/xen.h). */
static u64 guest_time(const struct vcpu_time_info *t, u64 tsc)
{
	u64 delta = tsc + (u64)tsc_offset - t->tsc_timestamp;

	assert_int_equal(t->version & 1, 0);
	delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
	return t->system_time + (u64)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
}

static void set_host(u64 tsc, u64 ns, u64 hz, bool stable)
{
	struct tick_scale s = tick_scale(hz, S);

	host_scale = (struct tsc_scale){ tsc, ns, s.mul, s.shift, stable };
}

static void the_guest_sees_the_hosts_time(void **state)
{
	struct domain *d = fake_domain(1, 1);
	struct vcpu *v = d->vcpu[0];
	struct vcpu_time_info *t = &v->info->time;
	u32 version;

	fake_run_on(0, v);
	tsc_offset = -123456789;
	set_host(1000000000, 5 * S, 2000000000, true);
	vcpu_time_update(v);
	assert_int_equal(t->flags, XEN_PVCLOCK_TSC_STABLE_BIT);
	assert_int_equal(t->tsc_timestamp, 1000000000 - 123456789);
	assert_in_range(guest_time(t, 1000000000ull + 2000000000), 6 * S - 2, 6 * S);
	version = t->version;
	vcpu_time_update(v);
	assert_int_equal(t->version, version);
	time_changed();
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		assert_int_equal(fake_kicks(i), 1);
		assert_true(test_bit(WORK_TIMER, &pcpus[i]->work)); /* is armed by the new scale */
	}
	vcpu_time_update(v);
	assert_int_equal(t->version, version + 2);
	t->version = 7; /* nonsense that the guest wrote */
	v->time_version = 0;
	vcpu_time_update(v);
	assert_int_equal(t->version & 1, 0);
}

/*
 * The clock slows down while the vCPU still runs with the old scale: the vCPU's own time does not
 * go back.
 */
static void a_vcpus_time_never_goes_back(void **state)
{
	struct domain *d = fake_domain(1, 1);
	struct vcpu *v = d->vcpu[0];
	u64 ns = 0, before, hz = 2000000000;

	fake_run_on(0, v);
	host_tsc = tsc_offset = 0;
	set_host(0, 0, hz, false);
	vcpu_time_update(v);
	assert_int_equal(v->info->time.flags, 0);
	for (unsigned int i = 0; i < 1000; i++) {
		struct tick_scale old = { host_scale.mul, host_scale.shift };
		u64 changed = host_tsc + any(hz), seen = changed + any(hz / 100);

		/*
		 * the host changes the scale at `changed`; the vCPU reads time at `seen`, then
		 * exits
		 */
		ns = host_scale.ns_base + ticks_to_ns(old, changed - host_scale.tsc_base);
		before = guest_time(&v->info->time, seen);
		set_host(changed, ns, hz - 200000 + any(400000), false);
		host_tsc = seen + any(1000);
		time_changed();
		vcpu_time_update(v);
		assert_true(guest_time(&v->info->time, host_tsc) >= before);
	}
	/* and it stays close to the host's time */
	ns = host_scale.ns_base + ticks_to_ns((struct tick_scale){ host_scale.mul, host_scale.shift },
					      host_tsc - host_scale.tsc_base);
	before = guest_time(&v->info->time, host_tsc);
	assert_in_range(before, ns, ns + 100000);
}

static unsigned int logged;	/* the sum of the gfns that were logged as written */

void p2m_log_written(struct p2m *p, gfn_t gfn)
{
	assert_true(fake_locks_held());
	logged += (unsigned int)gfn;
}

static void the_registered_copy_follows(void **state)
{
	struct domain *d = fake_domain(1, 1);
	struct vcpu *v = d->vcpu[0];
	struct vcpu_time_info copy;

	fake_run_on(0, v);
	fake_populate(d, 5);
	tsc_offset = 0;
	set_host(10, 20, S, true);
	v->time_area_gpa = (5ull << PAGE_SHIFT) + 64;
	vcpu_time_update(v);
	assert_int_equal(copy_from_gpa(d, &copy, v->time_area_gpa, sizeof(copy)), 0);
	assert_memory_equal(&copy, &v->info->time, sizeof(copy));
	/* the page is gone: no harm, and no second try */
	v->time_area_gpa = 99ull << PAGE_SHIFT;
	v->time_version = 0;
	vcpu_time_update(v);
	assert_int_equal(v->time_area_gpa, 0);
}

static void the_wall_clock(void **state)
{
	struct domain *d = fake_domain(1, 1), *e = fake_domain(2, 1);
	struct shared_info *si = d->shared_info;

	e->time_offset = -3600;
	wallclock_set(5000000000, 999999999, 2 * S);
	assert_int_equal(si->wc_version, 2);
	assert_int_equal(si->wc_sec | (u64)si->wc_sec_hi << 32, 4999999998);
	assert_int_equal(si->wc_nsec, 999999999);
	assert_int_equal(e->shared_info->wc_sec | (u64)e->shared_info->wc_sec_hi << 32, 4999999998 - 3600);
	fake_now = 3 * S;
	assert_int_equal(wallclock_sec(), 5000000001);

	struct shared_info_32 *compat = (void *)d->shared_info;

	memset(compat, 0, PAGE_SIZE);
	d->evtchn.word_shift = 5; /* a 32-bit guest's vcpu_info is elsewhere */
	domain_wallclock_update(d);
	assert_int_equal(compat->wc_version, 2);
	assert_int_equal(compat->wc_sec | (u64)compat->wc_sec_hi << 32, 4999999998);
	assert_int_equal(compat->wc_nsec, 999999999);
	assert_int_equal(si->wc_version + si->wc_sec_hi, 0);
}

/* --- timers --- */

static void run_timers(u64 until)
{
	for (;;) {
		struct pcpu *cpu = this_cpu();

		if (test_and_clear_bit(WORK_TIMER, &cpu->work)) {
			timer_process();
		} else if (cpu->timer_deadline && cpu->timer_deadline <= until) {
			fake_now = max(fake_now, cpu->timer_deadline);
			timer_process();
		} else {
			break;
		}
	}
	fake_now = max(fake_now, until);
}

static struct vcpu *timer_vcpu(void)
{
	struct domain *d = fake_domain(1, 1);

	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		timer_init_cpu(pcpus[i]);
	fake_run_on(0, d->vcpu[0]);
	vcpu_timers_init(d->vcpu[0]);
	return d->vcpu[0];
}

static void singleshot_timers(void **state)
{
	struct vcpu *v = timer_vcpu();

	fake_now = S;
	assert_int_equal(vcpu_set_singleshot(v, S + 5, 2), -EINVAL);
	assert_int_equal(vcpu_set_singleshot(v, S - 5, VCPU_SSHOTTMR_future), -ETIME);
	assert_false(v->singleshot.pending);
	assert_int_equal(vcpu_set_singleshot(v, S + 5, VCPU_SSHOTTMR_future), 0);
	run_timers(2 * S);
	assert_int_equal(fake_events.virqs, 1);
	assert_int_equal(fake_events.last_virq, VIRQ_TIMER);
	/* the past fires at once */
	assert_int_equal(vcpu_set_singleshot(v, 0, 0), 0);
	run_timers(fake_now);
	assert_int_equal(fake_events.virqs, 2);
	assert_int_equal(vcpu_set_singleshot(v, 3 * S, 0), 0);
	vcpu_stop_singleshot(v);
	run_timers(4 * S);
	assert_int_equal(fake_events.virqs, 2);
	/* set on the CPU where v runs */
	fake_run_on(3, v);
	assert_int_equal(vcpu_set_singleshot(v, 5 * S, 0), 0);
	assert_ptr_equal(v->singleshot.cpu, pcpus[3]);
	vcpu_timers_destroy(v);
	run_timers(6 * S);
	assert_int_equal(fake_events.virqs, 2);
}

static void periodic_timers(void **state)
{
	struct vcpu *v = timer_vcpu();

	assert_int_equal(vcpu_set_periodic(v, MS - 1), -EINVAL);
	assert_int_equal(vcpu_set_periodic(v, 1ull << 63), -EINVAL);
	assert_int_equal(vcpu_set_periodic(v, 10 * MS), 0);
	run_timers(105 * MS);
	assert_int_equal(fake_events.virqs, 10);
	/* the CPU was busy for a second: one tick, then the period goes on */
	fake_now += S;
	run_timers(fake_now);
	assert_int_equal(fake_events.virqs, 11);
	run_timers(fake_now + 10 * MS);
	assert_int_equal(fake_events.virqs, 12);
	vcpu_stop_periodic(v);
	run_timers(fake_now + S);
	assert_int_equal(fake_events.virqs, 12);
}

/* --- run state --- */

static void the_run_state_reaches_the_guest(void **state)
{
	struct domain *d = fake_domain(1, 1);
	struct vcpu *v = d->vcpu[0];
	struct vcpu_runstate_info rs;

	fake_run_on(0, v);
	fake_populate(d, 5);
	fake_populate(d, 9);
	v->runstate = (struct vcpu_runstate_info){ .state = RUNSTATE_blocked, .state_entry_time = 77,
						   .time = { 1, 2, 3, 4 } };
	d->p2m.log_dirty = true;
	/* at all places where it crosses a page boundary */
	for (unsigned int offset = PAGE_SIZE - 56; offset < PAGE_SIZE; offset += 8) {
		u8 bytes[sizeof(rs)];
		unsigned int first = min((unsigned int)(PAGE_SIZE - offset), (unsigned int)sizeof(rs));

		d->vm_assist = offset % 16 ? 0 : BIT(VMASST_TYPE_runstate_update_flag);
		v->runstate_area.gfn[0] = 5;
		v->runstate_area.gfn[1] = 9;
		v->runstate_area.offset = offset;
		v->runstate_area.on = true;
		v->runstate.state_entry_time++;
		runstate_area_update(v);
		assert_int_equal(logged, first < sizeof(rs) ? 5 + 9 : 5);
		logged = 0;
		assert_int_equal(copy_from_gpa(d, bytes, (5ull << PAGE_SHIFT) + offset, first), 0);
		if (first < sizeof(rs))
			assert_int_equal(copy_from_gpa(d, bytes + first, 9ull << PAGE_SHIFT, sizeof(rs) - first), 0);
		assert_memory_equal(bytes, &v->runstate, sizeof(rs));
	}
	v->runstate_area.gfn[0] = 77; /* no page there */
	runstate_area_update(v);
	fake_check_quiet();
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(scales_are_exact_enough),
	UNIT_TEST(clocks_stand_still_before_their_base),
	UNIT_TEST(clamped_time_never_goes_back),
	UNIT_TEST(the_reference_counts_its_wraps),
	UNIT_TEST(a_bad_measurement_is_corrected),
	UNIT_TEST(a_good_clock_is_left_alone),
	UNIT_TEST(a_drifting_tsc_is_followed),
	UNIT_TEST(a_jumpy_tsc_is_survived),
	UNIT_TEST(dates_become_seconds),
	UNIT_TEST(the_guest_sees_the_hosts_time),
	UNIT_TEST(a_vcpus_time_never_goes_back),
	UNIT_TEST(the_registered_copy_follows),
	UNIT_TEST(the_wall_clock),
	UNIT_TEST(singleshot_timers),
	UNIT_TEST(periodic_timers),
	UNIT_TEST(the_run_state_reaches_the_guest),
};

UNIT_MAIN(tests)
