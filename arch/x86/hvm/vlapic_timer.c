/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer of a virtual local APIC: one-shot and periodic (SDM vol. 3, 11.5.4).
 * It counts at 100 MHz. There is no TSC-deadline mode: CPUID does not show it.
 */
#include "arch/x86/hvm/vcpu.h"
#include "arch/x86/hvm/vlapic.h"
#include "arch/x86/irq/irq.h"

#define BUS_CYCLE_NS 10

/* A guest's periodic timer may not fire more often than this: it would do nothing else. */
#define MIN_PERIOD_NS 20000

/* Divide configuration register: bits 0, 1 and 3 are a power of two, 7 stands for 1. */
static u64 tick_ns(const struct vlapic *l)
{
	unsigned int code = (l->timer_divide & 3) | (l->timer_divide >> 1 & 4);

	return (u64)BUS_CYCLE_NS << ((code + 1) & 7);
}

static bool periodic(const struct vlapic *l) { return l->lvt[LVT_TIMER] & APIC_LVT_PERIODIC; }

static u64 period_ns(const struct vlapic *l)
{
	u64 ns = l->timer_initial * tick_ns(l);

	return periodic(l) ? max_t(u64, ns, MIN_PERIOD_NS) : ns;
}

/*
 * Runs on the timer's CPU, which need not be v's; v stops the timer before it changes what is read
 * here.
 */
static void fire(void *data)
{
	struct vcpu *v = data;
	struct vlapic *l = vlapic(v);
	u32 lvt = READ_ONCE(l->lvt[LVT_TIMER]);

	if (!(lvt & APIC_LVT_MASKED))
		vlapic_set_irq(v, lvt & 0xff, false);
	if (periodic(l) && l->timer_initial) {
		u64 period = period_ns(l), elapsed = now() - l->timer_started;

		/* Ticks missed while v did not run are not repeated. */
		timer_set(&l->timer, l->timer_started + (elapsed / period + 1) * period);
	}
}

/* Stops it and waits for a callback under way on another CPU; it fires here from now on. */
void vlapic_timer_stop(struct vcpu *v)
{
	struct timer *t = &vlapic(v)->timer;

	if (t->cpu == this_cpu()) {
		timer_stop(t);
	} else {
		timer_kill(t);
		timer_migrate(t, this_cpu());
	}
}

void vlapic_timer_init(struct vcpu *v)
{
	timer_init(&vlapic(v)->timer, this_cpu(), fire, v);
}

void vlapic_timer_start(struct vcpu *v, u32 initial)
{
	struct vlapic *l = vlapic(v);

	vlapic_timer_stop(v);
	l->timer_initial = initial;
	l->timer_started = now();
	if (initial)
		timer_set(&l->timer, l->timer_started + period_ns(l));
}

u32 vlapic_timer_count(struct vcpu *v)
{
	struct vlapic *l = vlapic(v);
	u64 ticks = (now() - l->timer_started) / tick_ns(l);

	if (!l->timer_initial)
		return 0;
	if (periodic(l))
		return l->timer_initial - (u32)(ticks % l->timer_initial);
	return ticks < l->timer_initial ? l->timer_initial - (u32)ticks : 0;
}

/* Continues from the remaining count, in the new units. */
static void restart_from(struct vcpu *v, u32 left)
{
	struct vlapic *l = vlapic(v);
	u64 done = l->timer_initial - left;

	l->timer_started = now() - done * tick_ns(l);
	if (left)
		timer_set(&l->timer, l->timer_started + period_ns(l));
}

void vlapic_timer_set_divide(struct vcpu *v, u32 tdcr)
{
	u32 left = vlapic_timer_count(v);

	vlapic_timer_stop(v);
	vlapic(v)->timer_divide = tdcr & 0xb;
	restart_from(v, left);
}

/* Switches between one-shot and periodic while counting: the remaining count still has to pass. */
void vlapic_timer_mode_changed(struct vcpu *v)
{
	struct vlapic *l = vlapic(v);
	u32 initial = l->timer_initial;

	vlapic_timer_stop(v);
	if (!initial)
		return;
	/*
	 * lvt holds the new mode already: an expired one-shot restarts as periodic, others
	 * continue.
	 */
	if (periodic(l))
		restart_from(v, initial);
	else
		restart_from(v, vlapic_timer_count(v));
}
