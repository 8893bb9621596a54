/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains and vCPUs, and records of operations on them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>

#include "fake_internal.h"

#define MAX_FAKE_DOMAINS 64
static struct domain *domains[MAX_FAKE_DOMAINS];
static u64 live_objects;
FAKE struct domain *hardware_domain;

void fake_reset_domains(void)
{
	for (unsigned int i = 0; i < MAX_FAKE_DOMAINS; i++) {
		struct domain *d = domains[i];

		if (!d)
			continue;
		for (unsigned int j = 0; j < d->max_vcpus; j++)
			free(d->vcpu[j]);
		free(d);
		domains[i] = NULL;
	}
	live_objects = 0;
	hardware_domain = NULL;
}

static struct vcpu *new_vcpu(struct domain *d, unsigned int id)
{
	struct vcpu *v = calloc(1, sizeof(*v));

	v->domain = d;
	v->id = id;
	v->cpu = pcpus[d->id % FAKE_CPUS];
	v->initialised = true;
	v->info = &d->shared_info->vcpu_info[id];
	list_init(&v->sched.link);
	return v;
}

struct domain *fake_domain(domid_t id, unsigned int vcpus)
{
	struct domain *d = calloc(1, sizeof(*d));

	if (id >= MAX_FAKE_DOMAINS || domains[id])
		fake_fail("fake_domain(%u): in use, or above %d", id, MAX_FAKE_DOMAINS);
	d->id = id;
	d->state = DOMAIN_ALIVE;
	d->control = d->hardware = id == 0;
	d->max_pages = ~0ull;
	d->max_vcpus = vcpus;
	spin_lock_init(&d->lock, RANK_DOMAIN);
	if (p2m_init(d))
		fake_fail("fake_domain(%u): p2m_init()", id);
	domains[id] = d;
	d->shared_info = alloc_page();
	share_keel_page(d->shared_info, d);
	for (unsigned int i = 0; i < vcpus; i++)
		d->vcpu[i] = new_vcpu(d, i);
	if (id == 0)
		hardware_domain = d;
	return d;
}

FAKE struct domain *domain_find(domid_t id)
{
	return id < MAX_FAKE_DOMAINS ? domains[id] : NULL;
}

FAKE struct domain *domain_find_from(domid_t id)
{
	for (; id < MAX_FAKE_DOMAINS; id++)
		if (domains[id])
			return domains[id];
	return NULL;
}

FAKE struct domain *domain_resolve(domid_t id, long *err)
{
	struct domain *self = current->domain, *d;

	if (id == DOMID_SELF || id == self->id)
		return self;
	if (!self->control) {
		*err = -EPERM;
		return NULL;
	}
	d = domain_find(id);
	if (!d)
		*err = -ESRCH;
	return d;
}

FAKE struct domain *arch_domain_alloc(void)
{
	if (fake_alloc_fails())
		return NULL;
	live_objects++;
	return calloc(1, sizeof(struct domain));
}

FAKE void arch_domain_free(struct domain *d)
{
	live_objects--;
	free(d);
}

FAKE int arch_domain_init(struct domain *d, const struct domain_config *cfg)
{
	return fake_alloc_fails() ? -ENOMEM : 0;
}

FAKE void arch_domain_teardown(struct domain *d)
{
}

FAKE struct vcpu *arch_vcpu_alloc(struct domain *d, unsigned int id)
{
	if (fake_alloc_fails())
		return NULL;
	live_objects++;
	return calloc(1, sizeof(struct vcpu));
}

FAKE int arch_vcpu_init(struct vcpu *v)
{
	return fake_alloc_fails() ? -ENOMEM : 0;
}

FAKE void arch_vcpu_free(struct vcpu *v)
{
	live_objects--;
	free(v);
}

u64 fake_live_objects(void)
{
	return live_objects;
}

FAKE void domain_last_page_put(struct domain *d)
{
}

FAKE void domain_crash(struct domain *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake_events.crash_message, sizeof(fake_events.crash_message), fmt, ap);
	va_end(ap);
	fake_events.crashes++;
	fake_events.crashed = d;
	d->shutting_down = true;
}

FAKE void domain_shutdown(struct domain *d, u8 reason, const char *why)
{
	fake_events.shutdowns++;
	fake_events.shutdown_reason = reason;
	d->shutting_down = true;
	d->shutdown_code = reason;
}

FAKE void domain_resume(struct domain *d)
{
	d->shutting_down = d->shut_down = false;
}

FAKE void domain_pause(struct domain *d)
{
	d->pause_count++;
	fake_events.pauses++;
}

FAKE void domain_unpause(struct domain *d)
{
	if (!d->pause_count)
		fake_fail("d%u is unpaused more often than paused", d->id);
	d->pause_count--;
	fake_events.unpauses++;
}

FAKE bool vcpu_runnable(const struct vcpu *v)
{
	return !v->wait_flags && !v->domain->pause_count &&
	       !v->domain->shutting_down;
}

FAKE void vcpu_wake(struct vcpu *v)
{
	fake_events.wakes++;
	fake_events.last_wake = v;
}

FAKE void vcpu_sleep_nosync(struct vcpu *v)
{
	fake_events.sleeps++;
}

FAKE void vcpu_sleep_sync(struct vcpu *v)
{
	fake_events.sleeps++;
}

FAKE void vcpu_block(void)
{
	fake_events.sched_work++;
}

FAKE void vcpu_yield(void)
{
	fake_events.sched_work++;
}

FAKE void vcpu_went_down(struct vcpu *v)
{
	set_bit(VPF_DOWN, &v->wait_flags);
	vcpu_sleep_nosync(v);
}

FAKE void sched_vcpu_init(struct vcpu *v)
{
	v->cpu = pcpus[v->id % FAKE_CPUS];
}

FAKE void sched_vcpu_destroy(struct vcpu *v)
{
}

FAKE void sched_domain_init(struct domain *d)
{
	d->sched.weight = 256;
}

FAKE void arch_vcpu_stopped(struct vcpu *v)
{
}

FAKE int sched_set_params(struct domain *d, unsigned int weight, unsigned int cap)
{
	d->sched.weight = (u16)weight;
	d->sched.cap = (u16)cap;
	return 0;
}

FAKE unsigned int sched_ratelimit_us(void)
{
	return 250;
}

FAKE void cpupool_cpus(u32 id, cpumask_t *mask)
{
	memset(mask, 0xff, sizeof(*mask));
}

FAKE bool cpupool_exists(u32 id)
{
	return id == 0;
}

FAKE bool cpupool_is_usable(u32 id)
{
	return id == 0;
}

FAKE bool cpupools_enter(void)
{
	return true;
}

FAKE void cpupools_leave(void)
{
}

FAKE int sched_set_ratelimit(unsigned int us)
{
	return 0;
}

FAKE void arch_vcpu_kick(struct vcpu *v)
{
	fake_events.kicks++;
	fake_events.last_kick = v;
}

FAKE void arch_upcall(struct vcpu *v)
{
	fake_events.upcalls++;
	fake_events.last_upcall = v;
}

FAKE bool arch_vcpu_has_events(struct vcpu *v)
{
	return v->info && v->info->evtchn_upcall_pending;
}

FAKE bool arch_event_deliverable(struct vcpu *v)
{
	return arch_vcpu_has_events(v);
}

FAKE void send_global_virq(unsigned int virq)
{
	fake_events.virqs++;
	fake_events.last_virq = virq;
}

FAKE void send_vcpu_virq(struct vcpu *v, unsigned int virq)
{
	fake_events.virqs++;
	fake_events.last_virq = virq;
}

FAKE int evtchn_poll_begin(struct vcpu *v, const evtchn_port_t *ports, unsigned int nr)
{
	set_bit(VPF_POLL, &v->wait_flags);
	return 0;
}

FAKE void evtchn_poll_end(struct vcpu *v)
{
	if (test_and_clear_bit(VPF_POLL, &v->wait_flags))
		vcpu_wake(v);
}
