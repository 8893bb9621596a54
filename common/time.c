/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest time: pvclock, the wall clock, the timers of vCPUs, and the run state in guest memory. */
#include "common/time.h"

#include <public/errno.h>
#include <public/vcpu.h>
#include <public/x86_32.h>

#include "common/guest_access.h"
#include "common/heap.h"

#define MIN_PERIOD 1000000ull	/* ns: a guest may not keep a CPU busy with ticks */

u32 time_version = 1;

/* Wall clock at system time 0, ns since 1970. W: wall_lock */
static u64 wall_base;
static spinlock_t wall_lock = SPINLOCK_INIT(RANK_HW);

/* --- pvclock --- */

/*
 * The time that the guest sees next. While the scale may change, vCPUs on other CPUs learn of it a
 * little later or earlier, so TSC_STABLE is not set. But this vCPU's own time must not go back even
 * by that little: if the new line is behind the old one, time continues from where it was.
 */
static void next_time(struct vcpu *v, struct tsc_scale *s)
{
	u64 tsc, old, new;

	arch_tsc_scale(s);
	if (s->stable || !v->time_shown.scale.mul)
		return;
	tsc = arch_read_tsc();
	old = clock_read(&v->time_shown, tsc);
	new = s->ns_base + (tsc > s->tsc_base ? ticks_to_ns((struct tick_scale){ s->mul, s->shift },
							    tsc - s->tsc_base) : 0);
	if (new < old) {
		s->tsc_base = tsc;
		s->ns_base = old;
	}
}

/*
 * The guest reads it on this CPU or, as a vDSO, on another: version is odd while the rest changes.
 */
static void fill_time_info(struct vcpu_time_info *t, const struct tsc_scale *s, s64 tsc_offset)
{
	u32 version = (READ_ONCE(t->version) + 1) | 1;

	WRITE_ONCE(t->version, version);
	smp_wmb();
	t->tsc_timestamp = s->tsc_base + (u64)tsc_offset;
	t->system_time = s->ns_base;
	t->tsc_to_system_mul = s->mul;
	t->tsc_shift = s->shift;
	t->flags = s->stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
	smp_wmb();
	WRITE_ONCE(t->version, version + 1);
}

/* The registered copy may be in any page of the guest, so it is written through the p2m. */
static void write_time_area(struct vcpu *v, u64 gpa, const struct vcpu_time_info *info)
{
	struct vcpu_time_info t = *info;

	t.version = info->version - 1;
	if (copy_to_gpa(v->domain, gpa, &t.version, sizeof(t.version)) == 0 &&
	    copy_to_gpa(v->domain, gpa, &t, sizeof(t)) == 0 &&
	    copy_to_gpa(v->domain, gpa, &info->version, sizeof(info->version)) == 0)
		return;
	WRITE_ONCE(v->time_area_gpa, 0); /* the guest has removed the page */
}

void vcpu_time_write(struct vcpu *v)
{
	u32 version = READ_ONCE(time_version);
	u64 area = READ_ONCE(v->time_area_gpa);
	struct tsc_scale s;

	if (!v->info)
		return;
	smp_rmb();
	next_time(v, &s);
	v->time_shown.ticks = s.tsc_base;
	v->time_shown.ns = s.ns_base;
	v->time_shown.scale = (struct tick_scale){ s.mul, s.shift };
	fill_time_info(&v->info->time, &s, arch_vcpu_tsc_offset(v));
	if (area) {
		struct vcpu_time_info copy = v->info->time;

		write_time_area(v, area, &copy);
	}
	v->time_version = version;
}

void time_changed(void)
{
	struct pcpu *cpu;

	__atomic_fetch_add(&time_version, 1, __ATOMIC_SEQ_CST);
	for_each_cpu(cpu)
		pcpu_kick(cpu, WORK_TIMER); /* what is armed was computed with the old slope */
}

/* --- Wall clock --- */

void domain_wallclock_update(struct domain *d)
{
	struct shared_info_32 *compat = (void *)d->shared_info;
	bool is_32bit = evtchn_is_32bit(&d->evtchn);
	/* then seconds, nanoseconds */
	u32 *wc = is_32bit ? &compat->wc_version : &d->shared_info->wc_version;
	u64 base, sec;

	spin_lock(&wall_lock);
	base = wall_base + (u64)d->time_offset * 1000000000;
	sec = base / 1000000000;
	WRITE_ONCE(wc[0], (wc[0] + 1) | 1);
	smp_wmb();
	wc[1] = (u32)sec;
	wc[2] = (u32)(base % 1000000000);
	*(is_32bit ? &compat->wc_sec_hi : &d->shared_info->wc_sec_hi) = (u32)(sec >> 32);
	smp_wmb();
	WRITE_ONCE(wc[0], wc[0] + 1);
	spin_unlock(&wall_lock);
}

void wallclock_set(u64 sec, u32 nsec, u64 system_time)
{
	struct domain *d;

	spin_lock(&wall_lock);
	wall_base = sec * 1000000000 + nsec - system_time;
	spin_unlock(&wall_lock);
	for_each_domain(d)
		domain_wallclock_update(d);
}

u64 wallclock_sec(void)
{
	return (READ_ONCE(wall_base) + now()) / 1000000000;
}

/* --- Timers of vCPUs --- */

static void singleshot_fires(void *data) { send_vcpu_virq(data, VIRQ_TIMER); }

/* Ticks missed while v's CPU was busy are not repeated. */
static void periodic_fires(void *data)
{
	struct vcpu *v = data;
	u64 period = READ_ONCE(v->periodic_period), t = now(), next;

	send_vcpu_virq(v, VIRQ_TIMER);
	if (!period)
		return;
	next = v->periodic.node.key + period;
	timer_set(&v->periodic, next > t ? next : t + period);
}

static void poll_times_out(void *data) { evtchn_poll_end(data); }

void vcpu_timers_init(struct vcpu *v)
{
	timer_init(&v->singleshot, v->cpu, singleshot_fires, v);
	timer_init(&v->periodic, v->cpu, periodic_fires, v);
	timer_init(&v->poll_timer, v->cpu, poll_times_out, v);
}

void vcpu_timers_destroy(struct vcpu *v)
{
	WRITE_ONCE(v->periodic_period, 0);
	timer_kill(&v->singleshot);
	timer_kill(&v->periodic);
	timer_kill(&v->poll_timer);
}

void vcpu_timers_migrate(struct vcpu *v, struct pcpu *cpu)
{
	timer_migrate(&v->singleshot, cpu);
	timer_migrate(&v->periodic, cpu);
	timer_migrate(&v->poll_timer, cpu);
}

int vcpu_set_singleshot(struct vcpu *v, u64 abs_ns, u32 flags)
{
	if (unlikely(flags & ~VCPU_SSHOTTMR_future))
		return -EINVAL;
	if (unlikely(flags & VCPU_SSHOTTMR_future) && abs_ns < now())
		return -ETIME;
	timer_migrate(&v->singleshot, this_cpu());
	timer_set(&v->singleshot, abs_ns);
	return 0;
}

void vcpu_stop_singleshot(struct vcpu *v)
{
	timer_stop(&v->singleshot);
}

int vcpu_set_periodic(struct vcpu *v, u64 period_ns)
{
	if (period_ns < MIN_PERIOD || period_ns > (u64)INT64_MAX)
		return -EINVAL;
	WRITE_ONCE(v->periodic_period, period_ns);
	timer_set(&v->periodic, now() + period_ns);
	return 0;
}

void vcpu_stop_periodic(struct vcpu *v)
{
	WRITE_ONCE(v->periodic_period, 0);
	timer_stop(&v->periodic);
}

/* --- Run state in guest memory --- */

/*
 * Writable bytes of the guest at one of the area's frames; NULL if the guest has removed it. The
 * p2m's read lock is held.
 */
static u8 *area_frame(struct vcpu *v, unsigned int i)
{
	enum p2m_type t;
	mfn_t mfn = p2m_get(v->domain, v->runstate_area.gfn[i], &t, NULL);

	p2m_log_write(&v->domain->p2m, v->runstate_area.gfn[i]);
	return p2m_is_writable(t) ? mfn_to_virt(mfn) : NULL;
}

static void area_write(u8 *frames[2], unsigned int offset, const void *src, size_t len)
{
	size_t first = offset < PAGE_SIZE ? min_t(size_t, len, PAGE_SIZE - offset) : 0;

	if (first)
		memcpy(frames[0] + offset, src, first);
	if (first < len)
		memcpy(frames[1] + (first ? 0 : offset - PAGE_SIZE), (const u8 *)src + first, len - first);
}

/*
 * A guest that asked for it (vm_assist) finds XEN_RUNSTATE_UPDATE set while the rest is being
 * written.
 */
void runstate_area_update(struct vcpu *v)
{
	const unsigned int time_at = offsetof(struct vcpu_runstate_info, state_entry_time);
	unsigned int offset = READ_ONCE(v->runstate_area.offset);
	struct vcpu_runstate_info rs = v->runstate;
	u64 entry = rs.state_entry_time;
	u8 *frames[2];

	if (!READ_ONCE(v->runstate_area.on))
		return;
	p2m_read_lock(&v->domain->p2m);
	frames[0] = area_frame(v, 0);
	frames[1] = offset + sizeof(rs) > PAGE_SIZE ? area_frame(v, 1) : frames[0];
	if (frames[0] && frames[1]) {
		if (test_bit(VMASST_TYPE_runstate_update_flag, &v->domain->vm_assist)) {
			rs.state_entry_time |= XEN_RUNSTATE_UPDATE;
			area_write(frames, offset + time_at, &rs.state_entry_time, sizeof(entry));
			smp_wmb();
		}
		area_write(frames, offset, &rs, sizeof(rs));
		smp_wmb();
		if (rs.state_entry_time != entry)
			area_write(frames, offset + time_at, &entry, sizeof(entry));
	}
	p2m_read_unlock(&v->domain->p2m);
}
