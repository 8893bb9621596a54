/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's clock: the TSC with one scale for all CPUs, measured at boot. Where the TSC
 * is not invariant (all that QEMU's TCG offers), the scale is corrected each second by a
 * trusted counter. now() is clamped while TSCs may differ between CPUs.
 */
#include "arch/x86/time.h"

#include "arch/x86/cpu.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/timeref.h"
#include "common/clock.h"
#include "common/printk.h"
#include "common/time.h"
#include "common/timer.h"

#define NS_PER_S 1000000000ull
#define MEASURE_NS 20000000ull
#define CORRECTION_NS NS_PER_S
#define LAPIC_MEASURE_NS 5000000ull
#define LAPIC_MEASURE_TIMES 5
/* farther deadlines are armed in steps; no local APIC counts to 2^32 in it */
#define MAX_ARM_NS NS_PER_S
#define LAPIC_DIVIDE_1 0xb	/* SDM vol. 3, figure 11-10 */
#define WARP_ROUNDS 2000
#define WARP_WAIT_NS 100000000ull

static struct clock clock;	/* on the TSC */
static u64 last_now;		/* what now() returned, while it is clamped */
static bool steady;		/* all TSCs are equal and invariant */
static u64 tsc_hz;
static struct tick_scale ns_to_lapic, ns_to_tsc;

static const struct timeref *ref;
static struct clock_ref ref_count;
static struct clock_track track;
static struct timer correction;

u64 now(void)
{
	u64 t = clock_read(&clock, rdtsc_ordered());

	return likely(steady) ? t : clock_clamp(&last_now, t);
}

/* --- Measuring --- */

/* TSC and reference at the same moment: the pair between whose readings the least time passed. */
static void read_pair(u64 *tsc, u32 *raw)
{
	u64 best = ~0ull;

	for (unsigned int i = 0; i < 5; i++) {
		u64 before = rdtsc_ordered();
		u32 r = ref->read();
		u64 after = rdtsc_ordered();

		if (after - before < best) {
			best = after - before;
			*tsc = before + best / 2;
			*raw = r;
		}
	}
}

/* Ticks of the TSC against ns of the reference; false if that stands still. */
static bool measure_by_ref(u64 *ticks, u64 *ns)
{
	u64 start, end, tries = 20000000;
	u32 raw;

	read_pair(&start, &raw);
	clock_ref_start(&ref_count, ref->hz, ref->bits, raw);
	while (clock_ref_read(&ref_count, ref->read(), 0) < MEASURE_NS && --tries)
		cpu_relax();
	read_pair(&end, &raw);
	*ns = clock_ref_read(&ref_count, raw, 0);
	*ticks = end - start;
	/* Time begins here, for both. */
	clock_ref_start(&ref_count, ref->hz, ref->bits, raw);
	track = (struct clock_track){ .ticks = end };
	return tries && *ticks;
}

/*
 * The exact frequency where CPUID names one (leaf 15h, SDM vol. 2) and the measurement
 * agrees to 1 in 1000: emulators have been seen to lie.
 */
static u64 exact_hz(u64 measured)
{
	struct cpuid_regs r = cpuid(0, 0);
	u64 hz;

	if (r.a < 0x15)
		return measured;
	r = cpuid(0x15, 0);
	if (!r.a || !r.b || !r.c)
		return measured;
	hz = (u64)r.c * r.b / r.a;
	return (hz > measured ? hz - measured : measured - hz) < measured / 1000 ? hz : measured;
}

static void measure_tsc(void)
{
	u64 ticks, ns;

	ref = timeref_find();
	if (ref && !measure_by_ref(&ticks, &ns))
		ref = NULL;
	if (!ref) {
		ticks = timeref_pit_measure(&ns);
		if (!ticks)
			panic("time: none of HPET, ACPI PM timer and PIT counts: the TSC cannot be measured; switch the HPET on in the firmware's setup");
		track.ticks = rdtsc_ordered();
	}
	tsc_hz = ticks_to_ns(tick_scale(ns, NS_PER_S), ticks);
	if (cpu_features.invariant_tsc)
		tsc_hz = exact_hz(tsc_hz);
	ns_to_tsc = tick_scale(NS_PER_S, tsc_hz);
	clock_set(&clock, track.ticks, 0, tick_scale(tsc_hz, NS_PER_S));
}

/*
 * Ticks of the local APIC's timer in *ns. What interrupts this CPU meanwhile (SMIs, a host's
 * scheduler) only adds ticks.
 */
static u64 measure_lapic(u64 *ns)
{
	u64 start, ticks;

	lapic_write(APIC_TMICT, ~0u);
	start = now();
	do
		*ns = now() - start;
	while (*ns < LAPIC_MEASURE_NS);
	ticks = ~0u - lapic_read(APIC_TMCCT);
	lapic_write(APIC_TMICT, 0);
	return ticks;
}

/* The slowest of some measurements: one that counted too many ticks would make all timers late. */
static void lapic_timer_calibrate(void)
{
	u64 ns, ticks, least_ns = 1, least = ~0u;

	if (cpu_features.tsc_deadline)
		return;
	lapic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_TIMER);
	lapic_write(APIC_TDCR, LAPIC_DIVIDE_1);
	for (unsigned int i = 0; i < LAPIC_MEASURE_TIMES; i++) {
		ticks = measure_lapic(&ns);
		if (ticks * least_ns < least * ns) {
			least = ticks;
			least_ns = ns;
		}
	}
	if (!least)
		panic("time: the local APIC's timer does not count; look for a newer firmware or hypervisor below Keel");
	ns_to_lapic = tick_scale(least_ns, least);
	pr_info("Local APIC timer: %lu kHz", (unsigned long)(ticks_to_ns(ns_to_lapic, NS_PER_S) / 1000));
}

/* --- One-shot timer --- */

u64 arch_timer_arm(u64 deadline_ns)
{
	u64 t = now(), delta;

	if (deadline_ns <= t)
		return 0;
	delta = min(deadline_ns - t, MAX_ARM_NS);
	if (cpu_features.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + ticks_to_ns(ns_to_tsc, delta));
	else
		lapic_write(APIC_TMICT, (u32)ticks_to_ns(ns_to_lapic, delta) + 1);
	return t + delta;
}

static void one_shot_init(void)
{
	if (!cpu_features.tsc_deadline) {
		lapic_write(APIC_TDCR, LAPIC_DIVIDE_1);
		lapic_write(APIC_LVT_TIMER, VECTOR_TIMER);
		return;
	}
	lapic_write(APIC_LVT_TIMER, APIC_LVT_TSC_DEADLINE | VECTOR_TIMER);
	/* The mode must be set before the deadline is (SDM vol. 3, 11.5.4.1). */
	__asm__ volatile("mfence" ::: "memory");
}

/* --- Comparing TSCs --- */

/* Two CPUs take turns: if one reads less than the other has read before, its TSC is behind. */
static struct {
	u32 arrived, go, done;	/* atomic */
	spinlock_t lock;
	u64 last, worst;
	bool missed;		/* a CPU was not compared */
} warp = { .lock = SPINLOCK_INIT(RANK_NONE) };

static void warp_rounds(void)
{
	for (unsigned int i = 0; i < WARP_ROUNDS; i++) {
		u64 tsc;

		spin_lock(&warp.lock);
		tsc = rdtsc_ordered();
		if (tsc < warp.last)
			warp.worst = max(warp.worst, warp.last - tsc);
		else
			warp.last = tsc;
		spin_unlock(&warp.lock);
	}
}

static bool wait_for(const u32 *flag)
{
	u64 limit = now() + WARP_WAIT_NS;

	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		if (now() > limit)
			return false;
	return true;
}

static void raise(u32 *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }

void time_compare_cpu(void)
{
	if (warp.missed)
		return;
	if (!wait_for(&warp.arrived)) {
		warp.missed = true;
		return;
	}
	raise(&warp.go);
	warp_rounds();
	if (!wait_for(&warp.done))
		warp.missed = true;
	warp.arrived = warp.go = warp.done = 0;
}

void time_cpu_up(void)
{
	one_shot_init();
	if (READ_ONCE(warp.missed))
		return;
	raise(&warp.arrived);
	if (!wait_for(&warp.go))
		return;
	warp_rounds();
	raise(&warp.done);
}

/* --- Correction, and what others ask for --- */

static void correct(void *data)
{
	u64 tsc, ref_ns;
	u32 raw;

	read_pair(&tsc, &raw);
	ref_ns = clock_ref_read(&ref_count, raw, ticks_to_ns(clock.scale, tsc - track.ticks));
	if (clock_correct(&clock, &track, tsc, ref_ns, CORRECTION_NS))
		time_changed();
	timer_set(&correction, now() + CORRECTION_NS);
}

void arch_tsc_scale(struct tsc_scale *out)
{
	struct clock c;

	clock_snapshot(&clock, &c);
	*out = (struct tsc_scale){ .tsc_base = c.ticks, .ns_base = c.ns, .mul = c.scale.mul,
				   .shift = c.scale.shift, .stable = steady };
}

u32 arch_tsc_khz(void)
{
	return (u32)(tsc_hz / 1000);
}

u64 arch_read_tsc(void)
{
	return rdtsc_ordered();
}

void time_init(void)
{
	u64 epoch;

	measure_tsc();
	lapic_timer_calibrate();
	one_shot_init();
	epoch = rtc_read();
	if (!epoch)
		pr_warn("time: no real-time clock with a date: the wall clock starts in 1970 until Dom0 sets it");
	wallclock_set(epoch, 0, now());
}

void time_check_cpus(void)
{
	bool equal = !warp.missed && !warp.worst;

	pr_info("TSC: %u kHz by %s, %s", arch_tsc_khz(), ref ? ref->name : "PIT",
		warp.missed ? "not compared on all CPUs" : equal ? "equal on all CPUs" : "differs between CPUs");
	if (cpu_features.invariant_tsc && equal) {
		steady = true;
		__atomic_fetch_add(&time_version, 1, __ATOMIC_SEQ_CST);
	} else if (warp.worst) {
		pr_warn("TSC: up to %lu ticks behind on some CPU: time is held back there",
			(unsigned long)warp.worst);
	}
	if (cpu_features.invariant_tsc)
		return;
	if (!ref) {
		pr_warn("TSC: not invariant, and no HPET or PM timer to correct it by: time may drift");
		return;
	}
	pr_info("TSC: not invariant: corrected each second by %s", ref->name);
	timer_init(&correction, this_cpu(), correct, NULL);
	timer_set(&correction, now() + CORRECTION_NS);
}
