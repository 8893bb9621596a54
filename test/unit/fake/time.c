/* SPDX-License-Identifier: GPL-2.0-only */
/* A clock that moves only when told, and timers on it. */
#include "common/time.h"
#include "common/watchdog.h"

#include "fake_internal.h"

u64 fake_now;
u64 fake_armed[FAKE_CPUS];

#define MAX_TIMERS 256
static struct timer *pending[MAX_TIMERS];

void fake_reset_time(void)
{
	fake_now = 0;
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		fake_armed[i] = 0;
	for (unsigned int i = 0; i < MAX_TIMERS; i++)
		pending[i] = NULL;
}

FAKE u64 now(void)
{
	return fake_now;
}

FAKE u64 arch_timer_arm(u64 deadline_ns)
{
	if (deadline_ns <= fake_now)
		return 0;
	deadline_ns = min(deadline_ns, fake_now + FAKE_ARM_MAX);
	fake_armed[this_cpu()->id] = deadline_ns;
	return deadline_ns;
}

FAKE void timer_init(struct timer *t, struct pcpu *cpu, void (*fn)(void *), void *data)
{
	*t = (struct timer){ .fn = fn, .data = data, .cpu = cpu };
}

FAKE void timer_stop(struct timer *t)
{
	for (unsigned int i = 0; i < MAX_TIMERS; i++)
		if (pending[i] == t)
			pending[i] = NULL;
	t->pending = false;
}

FAKE void timer_set(struct timer *t, u64 expires)
{
	timer_stop(t);
	for (unsigned int i = 0; i < MAX_TIMERS; i++) {
		if (pending[i])
			continue;
		pending[i] = t;
		t->node.key = expires;
		t->pending = true;
		return;
	}
	fake_fail("more than %d timers", MAX_TIMERS);
}

FAKE void timer_kill(struct timer *t)
{
	timer_stop(t);
}

FAKE void timer_migrate(struct timer *t, struct pcpu *cpu)
{
	t->cpu = cpu;
}

FAKE void timer_process(void)
{
}

FAKE void timer_init_cpu(struct pcpu *cpu)
{
}

static struct timer *first_until(u64 end)
{
	struct timer *first = NULL;

	for (unsigned int i = 0; i < MAX_TIMERS; i++)
		if (pending[i] && pending[i]->node.key <= end &&
		    (!first || pending[i]->node.key < first->node.key))
			first = pending[i];
	return first;
}

void fake_advance(u64 ns)
{
	u64 end = fake_now + ns;
	struct timer *t;

	while ((t = first_until(end)) != NULL) {
		if (t->node.key > fake_now)
			fake_now = t->node.key;
		timer_stop(t);
		t->fn(t->data);
	}
	fake_now = end;
}

FAKE void arch_tsc_scale(struct tsc_scale *out)
{
	/* 1 GHz: a tick is a nanosecond. mul is a 32-bit fraction, hence the shift. */
	*out = (struct tsc_scale){ .mul = 0x80000000u, .shift = 1, .stable = true };
}

FAKE u32 arch_tsc_khz(void)
{
	return 1000000;
}

FAKE s64 arch_vcpu_tsc_offset(struct vcpu *v)
{
	return 0;
}

FAKE u32 time_version = 1;

FAKE u64 arch_read_tsc(void)
{
	return fake_now;
}

FAKE void vcpu_time_write(struct vcpu *v)
{
	v->time_version = time_version;
}

FAKE void time_changed(void)
{
	time_version++;
}

FAKE void vcpu_timers_migrate(struct vcpu *v, struct pcpu *cpu)
{
}

FAKE int vcpu_set_singleshot(struct vcpu *v, u64 abs_ns, u32 flags)
{
	timer_set(&v->singleshot, abs_ns);
	return 0;
}

FAKE void vcpu_stop_singleshot(struct vcpu *v)
{
	timer_stop(&v->singleshot);
}

FAKE int vcpu_set_periodic(struct vcpu *v, u64 period_ns)
{
	v->periodic_period = period_ns;
	timer_set(&v->periodic, fake_now + period_ns);
	return 0;
}

FAKE void vcpu_stop_periodic(struct vcpu *v)
{
	v->periodic_period = 0;
	timer_stop(&v->periodic);
}

FAKE void runstate_area_update(struct vcpu *v)
{
}

FAKE void domain_wallclock_update(struct domain *d)
{
}

FAKE void vcpu_timers_init(struct vcpu *v)
{
}

FAKE void vcpu_timers_destroy(struct vcpu *v)
{
	timer_stop(&v->singleshot);
	timer_stop(&v->periodic);
	timer_stop(&v->poll_timer);
}

FAKE bool watchdog_waits(struct watch *w)
{
	return false;
}

static unsigned int boot_timeout;

FAKE unsigned int watchdog_boot_timeout(void)
{
	return boot_timeout;
}

FAKE int watchdog_set_boot_timeout(const char *seconds)
{
	if (*seconds < '0' || *seconds > '9')
		return -22; /* EINVAL */
	boot_timeout = (unsigned int)strtoul(seconds, NULL, 10);
	return 0;
}

FAKE void watchdog_look(struct pcpu *cpu, struct pcpu *next, u64 t)
{
}
