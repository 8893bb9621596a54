/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The default policy: fair queueing by virtual run time. The ABI calls it credit2, whose weights
 * and caps it takes.
 *
 * On one CPU the vCPU with the least vruntime runs. vruntime grows with the time it runs, divided
 * by its weight. Each queue has its own time, vt; with its offset added, it can be compared with
 * other queues' time. A queue that falls behind one that another vCPU may join pushes a vCPU there,
 * so that shares are right over all CPUs, and an idle CPU takes one from any queue. If affinity or
 * one vCPU's weight make that impossible, a lag of more than WINDOW is forgotten, and so is the
 * lead of a lone vCPU.
 */
#include <public/domctl.h>
#include <public/errno.h>
#include <public/sysctl.h>

#include "common/sched_internal.h"
#include "common/time.h"

#define US 1000ull
#define MS 1000000ull
#define SLICE (5 * MS)
#define BONUS (3 * MS)		/* a vCPU that wakes up is at most so far ahead of the others */
#define GRANULARITY (1 * MS)	/* and preempts a vCPU that is further behind than this */
#define WINDOW (200 * MS)	/* how much a queue may lag or lead others */
#define LAG (100 * MS)		/* and a vCPU, the others in its queue; by its own time if that is less */
#define PUSH_GAP (10 * MS)	/* between queues */
#define CAP_PERIOD (10 * MS)
#define WEIGHT_UNIT 256
#define MIN_SLICE (100 * US)
#define SEARCH_DEPTH 8		/* vCPUs of a queue that are examined for one that may move */

/* The time of the queue that has progressed furthest; racy. */
static s64 global_vt;

/* ns that a vCPU which has started to run may continue; a hint for any CPU. */
static u64 ratelimit = 500 * US;

unsigned int sched_ratelimit_us(void)
{
	return (unsigned int)(READ_ONCE(ratelimit) / US);
}

int sched_set_ratelimit(unsigned int us)
{
	if (sched_id() != XEN_SCHEDULER_CREDIT2)
		return -EOPNOTSUPP;
	if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
		return -EINVAL;
	WRITE_ONCE(ratelimit, us * US);
	return 0;
}

static struct sched_vcpu *first_waiting(const struct runq *rq)
{
	return rq->queue.root ? container_of(rq->queue.root, struct sched_vcpu, node) : NULL;
}

static struct vcpu *vcpu_of(struct sched_vcpu *s) { return container_of(s, struct vcpu, sched); }

/* --- Caps --- */

static s64 quota(const struct sched_domain *d)
{
	return (s64)(READ_ONCE(d->cap) * (CAP_PERIOD / 100));
}

/* Adds a quota for each period that has passed; unused quota is not saved up. */
static void cap_refill(struct sched_domain *d, u64 t)
{
	u64 began = __atomic_load_n(&d->refilled, __ATOMIC_RELAXED), n = (t - began) / CAP_PERIOD;
	s64 had, has;

	if (t < began || n == 0 || !cas(&d->refilled, &began, began + n * CAP_PERIOD))
		return;
	had = __atomic_load_n(&d->budget, __ATOMIC_RELAXED);
	do
		has = min(had + (s64)min(n, 1000ull) * quota(d), quota(d));
	while (!cas(&d->budget, &had, has));
}

static bool capped_out(struct vcpu *v, u64 t)
{
	struct sched_domain *d = &v->domain->sched;

	if (likely(!READ_ONCE(d->cap)))
		return false;
	cap_refill(d, t);
	return READ_ONCE(d->budget) <= 0;
}

static void park(struct runq *rq, struct vcpu *v)
{
	struct sched_domain *d = &v->domain->sched;
	u64 periods = (u64)(max(-READ_ONCE(d->budget), (s64)0) / max(quota(d), (s64)1)) + 1;
	u64 due = READ_ONCE(d->refilled) + periods * CAP_PERIOD;

	v->sched.parked = true;
	list_add_tail(&v->sched.link, &rq->parked);
	if (!rq->unpark.pending || due < rq->unpark.node.key)
		timer_set(&rq->unpark, due);
}

/* --- Time of queues and vCPUs --- */

static u64 weighted(const struct vcpu *v, u64 ns)
{
	return ns * WEIGHT_UNIT / READ_ONCE(v->domain->sched.weight);
}

/* curr ran until t. */
static void charge(struct runq *rq, struct vcpu *v, u64 t)
{
	u64 ran = t - v->sched.charged;

	if (t <= v->sched.charged)
		return;
	v->sched.charged = t;
	WRITE_ONCE(v->sched.vruntime, v->sched.vruntime + weighted(v, ran));
	if (READ_ONCE(v->domain->sched.cap))
		__atomic_fetch_sub(&v->domain->sched.budget, (s64)ran, __ATOMIC_RELAXED);
}

static void advance(struct runq *rq)
{
	const struct sched_vcpu *head = first_waiting(rq);
	u64 least = rq->curr->idle ? ~0ull : rq->curr->sched.vruntime;
	s64 all;

	if (head)
		least = min(least, head->vruntime);
	if (least != ~0ull && least > rq->vt)
		WRITE_ONCE(rq->vt, least);
	all = (s64)rq->vt + rq->offset;
	if (head && all > READ_ONCE(global_vt))
		WRITE_ONCE(global_vt, all);
	else if (!head && all > READ_ONCE(global_vt) + (s64)WINDOW)
		WRITE_ONCE(rq->offset, READ_ONCE(global_vt) + (s64)WINDOW - (s64)rq->vt);
}

/* The queue's time at t, comparable with other queues'; from outside, without its lock. */
static s64 progress(const struct runq *rq, u64 t)
{
	struct vcpu *curr = READ_ONCE(rq->curr);
	u64 vt = READ_ONCE(rq->vt), since;

	if (!curr->idle && !READ_ONCE(rq->queue.nr)) {
		since = READ_ONCE(curr->sched.charged);
		vt = max(vt, READ_ONCE(curr->sched.vruntime) + (t > since ? weighted(curr, t - since) : 0));
	}
	return (s64)vt + READ_ONCE(rq->offset);
}

/* --- Queues --- */

static void fair_dequeue(struct runq *rq, struct vcpu *v)
{
	if (v->sched.parked) {
		list_del(&v->sched.link);
		v->sched.parked = false;
	} else {
		pq_remove(&rq->queue, &v->sched.node);
		v->sched.queued = false;
	}
}

/* v waits in rq: when should rq's CPU reschedule? */
static void tell_cpu(struct runq *rq, struct vcpu *v, u64 t)
{
	struct vcpu *curr = rq->curr;
	struct pcpu *idle;
	u64 curr_vruntime, least, at;

	if (curr->idle) {
		cpumask_clear_cpu(&idle_cpus, rq->cpu->id);
		pcpu_kick(rq->cpu, WORK_SCHED);
		return;
	}
	curr_vruntime = curr->sched.vruntime +
			(t > curr->sched.charged ? weighted(curr, t - curr->sched.charged) : 0);
	least = v->sched.vruntime + GRANULARITY < curr_vruntime ? READ_ONCE(ratelimit) : SLICE;
	at = curr->sched.ran_since + least;
	if (at <= t)
		pcpu_kick(rq->cpu, WORK_SCHED);
	else if (!rq->slice.pending || at < rq->slice.node.key)
		timer_set(&rq->slice, at);
	/* An idle CPU that nobody has chosen will take it. */
	idle = first_cpu_in(&idle_cpus, &v->sched.allowed, NULL);
	if (unlikely(idle)) {
		WRITE_ONCE(idle->runq->look, (rq->cpu->id + nr_cpus - idle->id) % nr_cpus - 1);
		pcpu_kick(idle, WORK_SCHED);
	}
}

/* v joins rq, near its time: at most `behind` before it. false: it was parked instead. */
static bool settle(struct runq *rq, struct vcpu *v, u64 behind, u64 t)
{
	s64 ahead;

	if (capped_out(v, t)) {
		park(rq, v);
		return false;
	}
	/* A queue that was empty has missed nothing. */
	if (rq->curr->idle && !rq->queue.nr && (s64)rq->vt + rq->offset < READ_ONCE(global_vt))
		WRITE_ONCE(rq->offset, READ_ONCE(global_vt) - (s64)rq->vt);
	ahead = (s64)(v->sched.vruntime - rq->vt);
	if (ahead < -(s64)behind)
		v->sched.vruntime = rq->vt - behind;
	else if (ahead > 0) /* a heavy one's time is slow: it would wait for seconds */
		v->sched.vruntime = rq->vt + min((u64)ahead, min(LAG, weighted(v, LAG)));
	v->sched.node.key = v->sched.vruntime;
	v->sched.queued = true;
	pq_insert(&rq->queue, &v->sched.node);
	return true;
}

static void fair_enqueue(struct runq *rq, struct vcpu *v, u64 t)
{
	if (settle(rq, v, BONUS, t))
		tell_cpu(rq, v, t);
}

static struct runq *fair_choose(struct runq *rq, struct vcpu *v)
{
	struct pcpu *cpu;

	if (may_run_on(v, rq->cpu) && cpumask_test(&idle_cpus, rq->cpu->id) &&
	    cpumask_test(&v->sched.soft, rq->cpu->id))
		return rq;
	cpu = first_cpu_in(&idle_cpus, &v->sched.allowed, &v->sched.soft);
	if (!cpu)
		cpu = first_cpu_in(&idle_cpus, &v->sched.allowed, NULL);
	if (!cpu && may_run_on(v, rq->cpu))
		return rq;
	if (!cpu)
		cpu = first_cpu_in(&v->sched.allowed, &v->sched.soft, NULL);
	if (!cpu)
		cpu = first_cpu_in(&v->sched.allowed, NULL, NULL);
	return cpu ? cpu->runq : rq;
}

/* --- Between queues --- */

/*
 * A vCPU near the head of rq that may run on cpu. The queue is a heap, of which a few nodes are
 * visited.
 */
static struct vcpu *find_movable(const struct runq *rq, const struct pcpu *cpu)
{
	struct pq_node *todo[SEARCH_DEPTH + 2];
	unsigned int nr = 0;

	if (rq->queue.root)
		todo[nr++] = rq->queue.root;
	for (unsigned int i = 0; i < nr && i < SEARCH_DEPTH; i++) {
		struct vcpu *v = vcpu_of(container_of(todo[i], struct sched_vcpu, node));

		if (may_run_on(v, cpu))
			return v;
		for (unsigned int c = 0; c < 2; c++)
			if (todo[i]->child[c] && nr < SEARCH_DEPTH)
				todo[nr++] = todo[i]->child[c];
	}
	return NULL;
}

/* Moves v from one locked queue to another, and keeps its lead or lag. */
static void move(struct runq *from, struct runq *to, struct vcpu *v)
{
	pq_remove(&from->queue, &v->sched.node);
	v->sched.queued = false;
	v->sched.vruntime += (u64)(from->offset - to->offset);
	WRITE_ONCE(v->cpu, to->cpu);
}

/* How many other queues a search visits, plus 1; on a large machine the next one goes on there. */
static unsigned int visits(void) { return min(nr_cpus, 64u); }

static struct runq *visit_next(struct runq *rq)
{
	unsigned int look = READ_ONCE(rq->look) + 1;

	WRITE_ONCE(rq->look, look = look < nr_cpus ? look : 1);
	return pcpus[(rq->cpu->id + look) % nr_cpus]->runq;
}

/* rq's CPU has nothing to do: takes a vCPU that waits for another CPU. */
static void steal(struct runq *rq, u64 t)
{
	for (unsigned int i = visits(); --i && !rq->queue.nr;) {
		struct runq *from = visit_next(rq);
		unsigned int spare = READ_ONCE(from->curr)->idle; /* that CPU is about to take one itself */
		struct vcpu *v;

		if (READ_ONCE(from->queue.nr) <= spare || !spin_trylock(&from->lock))
			continue;
		v = find_movable(from, rq->cpu);
		if (v) {
			move(from, rq, v);
			settle(rq, v, LAG, t);
		}
		spin_unlock(&from->lock);
	}
}

/*
 * At the end of a slice, with others waiting: if another queue is far ahead, one of them moves
 * there.
 */
static void push(struct runq *rq, u64 t)
{
	s64 mine = (s64)rq->vt + rq->offset, most = mine + (s64)PUSH_GAP;
	struct runq *to = NULL;
	struct vcpu *v;

	for (unsigned int i = visits(); --i;) {
		struct runq *o = visit_next(rq);
		s64 p = progress(o, t);

		if (p > most && find_movable(rq, o->cpu)) {
			most = p;
			to = o;
		}
	}
	if (to) {
		if (!spin_trylock(&to->lock))
			return;
		v = find_movable(rq, to->cpu);
		move(rq, to, v);
		if (settle(to, v, LAG, t))
			tell_cpu(to, v, t);
		spin_unlock(&to->lock);
	} else if (READ_ONCE(global_vt) - mine > (s64)WINDOW) {
		WRITE_ONCE(rq->offset, READ_ONCE(global_vt) - (s64)WINDOW - (s64)rq->vt);
	}
}

/* --- Choosing --- */

static void unpark(struct runq *rq, u64 t)
{
	struct sched_vcpu *s, *next;
	struct list_head due;

	if (list_empty(&rq->parked) || rq->unpark.pending)
		return;
	list_init(&due);
	list_for_each_entry_safe(s, next, &rq->parked, link) {
		list_del(&s->link);
		list_add_tail(&s->link, &due);
	}
	list_for_each_entry_safe(s, next, &due, link) {
		list_del(&s->link);
		s->parked = false;
		settle(rq, vcpu_of(s), BONUS, t); /* parks it again if there is nothing to spend */
	}
}

/* The first vCPU in the queue whose domain has not used up its cap. */
static struct vcpu *best_waiting(struct runq *rq, u64 t)
{
	struct sched_vcpu *s;

	while ((s = first_waiting(rq)) != NULL && capped_out(vcpu_of(s), t)) {
		fair_dequeue(rq, vcpu_of(s));
		park(rq, vcpu_of(s));
	}
	return s ? vcpu_of(s) : NULL;
}

/* contended: another vCPU will wait while next runs. */
static void arm_slice(struct runq *rq, struct vcpu *next, bool contended, u64 t)
{
	struct sched_domain *d;
	u64 len = SLICE;

	if (next->idle || (!contended && !READ_ONCE(next->domain->sched.cap))) {
		if (rq->slice.pending)
			timer_stop(&rq->slice);
		return;
	}
	d = &next->domain->sched;
	if (READ_ONCE(d->cap))
		len = (u64)min(max(READ_ONCE(d->budget), (s64)MIN_SLICE), (s64)len);
	else if (next == rq->curr && rq->slice.pending)
		return;
	timer_set(&rq->slice, t + len);
}

static struct vcpu *fair_pick(struct runq *rq, u64 t)
{
	struct vcpu *curr = rq->curr, *best, *next;
	bool stays = false;

	if (!curr->idle) {
		charge(rq, curr, t);
		stays = vcpu_runnable(curr) && may_run_on(curr, rq->cpu) && !capped_out(curr, t);
	}
	unpark(rq, t);
	advance(rq);
	if (rq->slice_over && rq->queue.nr)
		push(rq, t);
	best = best_waiting(rq, t);
	if (!best && !stays) {
		steal(rq, t);
		best = best_waiting(rq, t);
	}
	if (stays && (!best || (!rq->yield && (curr->sched.vruntime <= best->sched.vruntime ||
					       t - curr->sched.ran_since < READ_ONCE(ratelimit)))))
		next = curr;
	else
		next = best ? best : &rq->idle;
	if (best && next == best)
		fair_dequeue(rq, best);
	arm_slice(rq, next, rq->queue.nr || (stays && next != curr), t);
	return next;
}

static void fair_vcpu_init(struct vcpu *v)
{
	static unsigned int turn;

	v->cpu = pcpus[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % nr_cpus];
}

static void fair_vcpu_destroy(struct vcpu *v)
{
}

static void fair_affinity_changed(struct vcpu *v)
{
	struct runq *rq = lock_vcpu(v);
	bool again = false;

	if (!may_run_on(v, rq->cpu)) {
		if (v->sched.running) {
			pcpu_kick(rq->cpu, WORK_SCHED);
		} else if (v->sched.queued || v->sched.parked) {
			fair_dequeue(rq, v);
			again = true;
		}
	}
	spin_unlock(&rq->lock);
	if (again)
		vcpu_wake(v);
}

/* --- Parameters --- */

/* What v has run so far counts by the old ones: alone on its CPU it may have run for hours. */
static void charge_before(struct vcpu *v)
{
	struct runq *rq = lock_vcpu(v);

	if (rq->curr == v)
		charge(rq, v, now());
	spin_unlock(&rq->lock);
}

/* The new ones hold at once: its slice may have no end yet, and it may be parked for long. */
static void params_changed(struct vcpu *v)
{
	struct runq *rq = lock_vcpu(v);
	bool again = v->sched.parked;

	if (again)
		fair_dequeue(rq, v);
	else if (rq->curr == v)
		pcpu_kick(rq->cpu, WORK_SCHED);
	spin_unlock(&rq->lock);
	if (again)
		vcpu_wake(v);
}

int sched_set_params(struct domain *d, unsigned int weight, unsigned int cap)
{
	struct vcpu *v;

	if (weight < 1 || weight > 65535 || cap > 65535)
		return -EINVAL;
	for_each_vcpu(d, v)
		charge_before(v);
	WRITE_ONCE(d->sched.weight, (u16)weight);
	WRITE_ONCE(d->sched.refilled, now());
	WRITE_ONCE(d->sched.budget, (s64)(cap * (CAP_PERIOD / 100)));
	WRITE_ONCE(d->sched.cap, (u16)cap);
	for_each_vcpu(d, v)
		params_changed(v);
	return 0;
}

const struct sched_policy sched_fair = SCHED_POLICY(XEN_SCHEDULER_CREDIT2, fair);
