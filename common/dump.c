/* SPDX-License-Identifier: GPL-2.0-only */
/* What CPUs and domains are doing, for a person who looks for the reason of a hang. */
#include "common/dump.h"

#include "common/domain.h"
#include "common/printk.h"
#include "common/sched_internal.h"
#include "common/vsnprintf.h"

/* ns from t on; negative: it is late. */
static s64 until(u64 when, u64 t) { return (s64)(when - t); }

static void dump_cpu(const struct pcpu *cpu, u64 t)
{
	const struct vcpu *v = READ_ONCE(cpu->curr);
	char runs[24] = "idle";

	if (!v->idle)
		snprintf(runs, sizeof(runs), "d%uv%u", v->domain->id, v->id);
	pr_info("CPU%u: %s, %s, work %#lx, %u waiting, timer in %ld ns", cpu->id, runs,
		pcpu_outside(READ_ONCE(cpu->epoch)) ? "outside" : "in Keel", READ_ONCE(cpu->work),
		cpu->runq ? READ_ONCE(cpu->runq->queue.nr) : 0, until(READ_ONCE(cpu->timer_deadline), t));
}

static void dump_vcpu(const struct vcpu *v, u64 t)
{
	pr_info("  vCPU %u: CPU %u%s%s, waits for %#lx, upcall %d/%#x, timer %s%ld ns", v->id, v->cpu->id,
		v->sched.running ? ", running" : v->sched.queued ? ", queued" : "",
		v->sched.parked ? ", parked" : "", v->wait_flags,
		v->info ? v->info->evtchn_upcall_pending : -1, v->upcall_vector,
		v->singleshot.pending ? "in " : "off ",
		v->singleshot.pending ? until(v->singleshot.node.key, t) : 0);
	arch_vcpu_dump(v);
}

void dump_machine(void)
{
	struct domain *d;
	struct pcpu *cpu;
	struct vcpu *v;
	u64 t = now();

	for_each_cpu(cpu) {
		dump_cpu(cpu, t);
		irq_window();
	}
	for_each_domain(d) {
		pr_info("d%u: state %d, paused %u, shutdown %d/%u, pages %lu of %lu", d->id, d->state,
			d->pause_count, d->shut_down, d->shutdown_code, d->tot_pages, d->max_pages);
		for_each_vcpu(d, v) {
			dump_vcpu(v, t);
			irq_window();
		}
	}
}
