/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of domains and vCPUs. */
#include "common/domain.h"

#include "common/console.h"
#include "common/grant.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/printk.h"
#include "common/rcu.h"
#include "common/time.h"
#include "common/vsnprintf.h"
#include <public/sched.h>

struct domain *hardware_domain;

/* Ids to domains: two levels, so that a lookup is two loads and an empty table costs little. */
#define IDS_PER_PAGE (PAGE_SIZE / sizeof(struct domain *))
static struct domain **domain_table[DIV_ROUND_UP(DOMID_FIRST_RESERVED, IDS_PER_PAGE)];
static spinlock_t table_lock = SPINLOCK_INIT(RANK_DOMTABLE);
/* L: ids that are taken, from before their domain is built until it is freed. */
static u64 ids_taken[DIV_ROUND_UP(DOMID_FIRST_RESERVED, 64)];
static domid_t last_id;

struct domain *domain_find(domid_t id)
{
	struct domain **page;

	if (id >= DOMID_FIRST_RESERVED)
		return NULL;
	id = (domid_t)index_nospec(id, DOMID_FIRST_RESERVED);
	page = READ_ONCE(domain_table[id / IDS_PER_PAGE]);
	return page ? READ_ONCE(page[id % IDS_PER_PAGE]) : NULL;
}

struct domain *domain_find_from(domid_t id)
{
	struct domain *d;

	for (unsigned int i = id; i < DOMID_FIRST_RESERVED; i++) {
		/* Ids rise through the whole range: those that nobody has are passed 64 at a time. */
		if (!(READ_ONCE(ids_taken[i / 64]) >> i % 64)) {
			i |= 63;
			continue;
		}
		d = domain_find((domid_t)i);
		if (d)
			return d;
	}
	return NULL;
}

struct domain *domain_resolve(domid_t id, long *err)
{
	struct domain *me = current->domain, *d;

	if (id == DOMID_SELF || id == me->id)
		return me;
	if (!me->control) {
		*err = -EPERM;
		return NULL;
	}
	d = domain_find(id);
	if (!d)
		*err = -ESRCH;
	return d;
}

/* L: an id that is not taken, and was not freed recently. */
static int choose_id(domid_t *id)
{
	for (unsigned int tries = 1; tries < DOMID_FIRST_RESERVED; tries++) {
		last_id = last_id + 1 < DOMID_FIRST_RESERVED ? last_id + 1 : 1;
		if (!test_bit(last_id, ids_taken)) {
			*id = last_id;
			return 0;
		}
	}
	return -ENOSPC;
}

/*
 * Reserves an id for d, the requested one or any, and makes sure that the table has a slot for it.
 * The slot stays empty.
 */
static int id_take(struct domain *d, domid_t wanted)
{
	struct domain **page;
	int rc = 0;

	spin_lock(&table_lock);
	d->id = wanted;
	if (wanted == DOMID_INVALID)
		rc = choose_id(&d->id);
	else if (test_bit(wanted, ids_taken))
		rc = -EEXIST;
	if (!rc && !domain_table[d->id / IDS_PER_PAGE]) {
		page = alloc_page();
		if (page)
			__atomic_store_n(&domain_table[d->id / IDS_PER_PAGE], page, __ATOMIC_RELEASE);
		else
			rc = -ENOMEM;
	}
	if (!rc)
		set_bit(d->id, ids_taken);
	spin_unlock(&table_lock);
	return rc;
}

/* From now on lookups of the id find d (NULL: nothing). */
static void table_set(domid_t id, struct domain *d)
{
	__atomic_store_n(&domain_table[id / IDS_PER_PAGE][id % IDS_PER_PAGE], d, __ATOMIC_RELEASE);
}

/*
 * Debug builds check that the domain owns nothing any more, and that nothing about to be freed is
 * in use.
 */
static void ledger_check(struct domain *d)
{
	struct vcpu *v;

	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		ASSERT(!d->watchdog[i].pending);
	ASSERT(!d->tot_pages && !d->claimed && !d->destroying && !d->boot_console);
	for_each_vcpu(d, v) {
		ASSERT(!v->sched.running && !v->sched.queued && !v->sched.parked && !v->info_page &&
		       !v->fifo.control);
		ASSERT(!v->singleshot.pending && !v->periodic.pending && !v->poll_timer.pending);
	}
}

static void domain_free_rcu(struct rcu_head *head)
{
	struct domain *d = container_of(head, struct domain, rcu);
	domid_t id = d->id;
	struct vcpu *v;

	ledger_check(d);
	for_each_vcpu(d, v)
		arch_vcpu_free(v);
	grant_free(d);
	evtchn_free(d);
	p2m_free(d);
	ASSERT(!d->p2m.nr_tables);
	unshare_keel_page(d->shared_info);
	if (d->e820)
		free_page(d->e820);
	arch_domain_free(d);
	/* Last: anything that still refers to the old domain by its id must not find a new one. */
	spin_lock(&table_lock);
	clear_bit(id, ids_taken);
	spin_unlock(&table_lock);
}

static int vcpu_create(struct domain *d, unsigned int id)
{
	struct vcpu *v = arch_vcpu_alloc(d, id);

	if (!v)
		return -ENOMEM;
	d->vcpu[id] = v;
	v->domain = d;
	v->id = id;
	v->wait_flags = BIT(VPF_DOWN);
	if (id < ARRAY_SIZE(d->shared_info->vcpu_info))
		v->info = &d->shared_info->vcpu_info[id];
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = now();
	sched_vcpu_init(v);
	vcpu_timers_init(v);
	return arch_vcpu_init(v);
}

/* The guest did not set it again in time. */
static void watchdog_expires(void *data)
{
	struct domain *d = data;

	if (READ_ONCE(d->state) != DOMAIN_ALIVE || READ_ONCE(d->shutting_down))
		return;
	pr_warn("d%u: its watchdog expired\n", d->id);
	domain_shutdown(d, SHUTDOWN_watchdog, NULL);
}

/* Its watchdogs, too. */
static void vcpus_stop(struct domain *d)
{
	struct vcpu *v;

	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		timer_kill(&d->watchdog[i]);
	for_each_vcpu(d, v) {
		vcpu_timers_destroy(v);
		sched_vcpu_destroy(v);
	}
}

static int domain_init_parts(struct domain *d, const struct domain_config *cfg)
{
	int rc = p2m_init(d);

	if (rc)
		return rc;
	d->shared_info = alloc_page();
	if (!d->shared_info)
		return -ENOMEM;
	share_keel_page(d->shared_info, d);
	sched_domain_init(d);
	rc = evtchn_init(d, cfg->max_evtchn_port);
	if (!rc)
		rc = grant_init(d, cfg->max_grant_frames, cfg->max_maptrack_frames);
	if (!rc)
		rc = arch_domain_init(d, cfg);
	for (unsigned int i = 0; i < cfg->max_vcpus && !rc; i++)
		rc = vcpu_create(d, i);
	return rc;
}

int domain_create(const struct domain_config *cfg, struct domain **out)
{
	struct domain *d;
	int rc;

	if (!cfg->max_vcpus || cfg->max_vcpus > MAX_VCPUS ||
	    (cfg->id >= DOMID_FIRST_RESERVED && cfg->id != DOMID_INVALID))
		return -EINVAL;
	d = arch_domain_alloc();
	if (!d)
		return -ENOMEM;
	spin_lock_init(&d->lock, RANK_DOMAIN);
	d->state = DOMAIN_BUILDING;
	d->control = cfg->control;
	d->hardware = cfg->hardware;
	d->create_flags = cfg->flags;
	d->emulation_flags = cfg->emulation_flags;
	d->max_vcpus = cfg->max_vcpus;
	d->max_pages = cfg->max_pages;
	d->cpupool = cfg->cpupool;
	d->pause_count = d->controller_pauses = 1;
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		timer_init(&d->watchdog[i], pcpus[0], watchdog_expires, d);
	memcpy(d->handle, cfg->handle, sizeof(d->handle));
	memcpy(d->name, cfg->name, sizeof(d->name));
	rc = id_take(d, cfg->id);
	if (rc) {
		arch_domain_free(d);
		return rc;
	}
	heap_place(d, all_nodes());
	rc = domain_init_parts(d, cfg);
	if (rc) {
		vcpus_stop(d); /* the scheduler may have shown one to other CPUs */
		rcu_call(&d->rcu, domain_free_rcu);
		return rc;
	}
	d->state = DOMAIN_ALIVE;
	table_set(d->id, d);
	domain_wallclock_update(d); /* now that the next change of the clock reaches it, too */
	if (d->hardware)
		__atomic_store_n(&hardware_domain, d, __ATOMIC_RELEASE);
	*out = d;
	return 0;
}

/*
 * Nobody writes to the vcpu_info areas any more: drop the references on their pages. The last page
 * frees the domain.
 */
static void drop_info_pages(struct rcu_head *head)
{
	struct domain *d = container_of(head, struct domain, rcu);
	struct vcpu *v;

	evtchn_drop_pages(d);
	for_each_vcpu(d, v) {
		if (v->info_page)
			put_page(v->info_page);
		v->info_page = NULL;
	}
	if (!__atomic_sub_fetch(&d->tot_pages, 1, __ATOMIC_SEQ_CST))
		domain_last_page_put(d);
}

/*
 * Senders of events write to vcpu_info without a lock, so its pages are released only after a grace
 * period.
 */
static void leave_guest_memory(struct domain *d)
{
	static struct vcpu_info nowhere;
	struct vcpu *v;

	for_each_vcpu(d, v)
		WRITE_ONCE(v->info, v->id < ARRAY_SIZE(d->shared_info->vcpu_info)
			   ? &d->shared_info->vcpu_info[v->id]
			   : &nowhere);
	__atomic_fetch_add(&d->tot_pages, 1, __ATOMIC_SEQ_CST); /* holds the domain until the callback */
	WRITE_ONCE(d->state, DOMAIN_ZOMBIE);
	rcu_call(&d->rcu, drop_info_pages);
}

/*
 * The steps of destruction, each preemptible. They run again from the first one until all return 0.
 * No vCPU of d runs any more.
 */
static int destroy_step(struct domain *d)
{
	int rc;

	rc = evtchn_close_all(d, &d->destroy_next_port);
	if (!rc)
		boot_console_end(d);
	if (!rc)
		rc = grant_release_mappings(d);
	if (!rc)
		rc = p2m_teardown_step(d);
	if (rc)
		return rc;
	vcpus_stop(d);
	leave_guest_memory(d);
	/*
	 * xenstored and xenconsoled unmap their pages when they learn of this; the domain waits for
	 * them.
	 */
	send_global_virq(VIRQ_DOM_EXC);
	return 0;
}

/*
 * A caller that comes while another one executes a step retries. It does not matter which of them
 * does the next step.
 */
int domain_destroy(struct domain *d)
{
	enum domain_state was;
	int rc = 0;

	spin_lock(&d->lock);
	was = d->state;
	if (d->destroying)
		rc = -ERESTART;
	else
		d->destroying = was != DOMAIN_ZOMBIE;
	if (!rc && was == DOMAIN_ALIVE) {
		d->state = DOMAIN_DYING;
		d->destroy_next_port = d->destroy_next_handle = 0;
	}
	spin_unlock(&d->lock);
	if (rc || was == DOMAIN_ZOMBIE)
		return rc;
	if (was == DOMAIN_ALIVE) {
		domain_pause(d);
		claim_pages(d, 0);
		arch_domain_teardown(d);
	}
	rc = destroy_step(d);
	spin_lock(&d->lock);
	d->destroying = false;
	spin_unlock(&d->lock);
	return rc;
}

void domain_last_page_put(struct domain *d)
{
	if (READ_ONCE(d->tot_pages) || test_and_set_bit(0, &d->unlinked))
		return;
	table_set(d->id, NULL);
	rcu_call(&d->rcu, domain_free_rcu);
	send_global_virq(VIRQ_DOM_EXC);
}

static void domain_pause_nosync(struct domain *d)
{
	struct vcpu *v;

	__atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
	for_each_vcpu(d, v)
		vcpu_sleep_nosync(v);
}

static void wait_until_stopped(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		vcpu_sleep_sync(v);
}

void domain_pause(struct domain *d)
{
	domain_pause_nosync(d);
	wait_until_stopped(d);
}

void domain_unpause(struct domain *d)
{
	struct vcpu *v;

	if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST))
		return;
	for_each_vcpu(d, v)
		vcpu_wake(v);
}

int domain_controller_pause(struct domain *d)
{
	int rc = 0;

	spin_lock(&d->lock);
	if (d->controller_pauses >= 255) {
		rc = -EOVERFLOW;
	} else {
		d->controller_pauses++;
		domain_pause_nosync(d);
	}
	spin_unlock(&d->lock);
	if (!rc)
		wait_until_stopped(d);
	return rc;
}

int domain_controller_unpause(struct domain *d)
{
	int rc = 0;

	spin_lock(&d->lock);
	if (!d->controller_pauses) {
		rc = -EINVAL;
	} else {
		if (!--d->controller_pauses)
			WRITE_ONCE(d->started, true);
		domain_unpause(d);
	}
	spin_unlock(&d->lock);
	return rc;
}

static const char *reason_name(u8 reason)
{
	static const char *const names[] = {
		[SHUTDOWN_poweroff] = "powered off", [SHUTDOWN_reboot] = "rebooted",
		[SHUTDOWN_suspend] = "suspended", [SHUTDOWN_watchdog] = "ended by its watchdog",
	};

	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "crashed";
}

/* Keel's last line. */
static void __noreturn dom0_ended(u8 reason, const char *why)
{
	console_start_sync();
	pr_notice("Dom0: %s%s%s%s", reason_name(reason), why ? " (" : "", why ? why : "", why ? ")" : "");
	arch_machine_down(reason);
}

void domain_shutdown(struct domain *d, u8 reason, const char *why)
{
	bool first;

	if (d->hardware)
		dom0_ended(reason, why);
	spin_lock(&d->lock);
	first = !d->shutting_down;
	if (first) {
		d->shutdown_code = reason;
		d->shutting_down = d->shut_down = true;
		domain_pause_nosync(d);
	}
	spin_unlock(&d->lock);
	if (!first)
		return;
	if (!hardware_domain)
		pr_info("%s: %s\n", d->name[0] ? d->name : "guest", reason_name(reason));
	if (reason == SHUTDOWN_suspend && d->suspend_port_set && hardware_domain)
		evtchn_send(d, d->suspend_port);
	else
		send_global_virq(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
	spin_lock(&d->lock);
	if (d->shutting_down)
		domain_unpause(d);
	d->shutting_down = d->shut_down = false;
	d->shutdown_code = 0;
	spin_unlock(&d->lock);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char buf[160];
	va_list ap;

	if (READ_ONCE(d->shutting_down))
		return;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	pr_err("d%u%s%s crashed: %s", d->id, d->name[0] ? " " : "", d->name, buf);
	domain_shutdown(d, SHUTDOWN_crash, buf);
}

void vcpu_went_down(struct vcpu *v)
{
	struct vcpu *o;

	spin_lock(&v->domain->lock);
	set_bit(VPF_DOWN, &v->wait_flags);
	vcpu_sleep_nosync(v);
	spin_unlock(&v->domain->lock);
	for_each_vcpu(v->domain, o)
		if (!test_bit(VPF_DOWN, &o->wait_flags))
			return;
	domain_shutdown(v->domain, SHUTDOWN_poweroff, NULL);
}
