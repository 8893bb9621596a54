/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU does, like arch/x86/loop.c: first its work, then its vCPU. A vCPU in its guest
 * generates the next operation. Now and then all stop in their guests, and the model counts
 * everything.
 */
#include "test/fuzz/pair/pair.h"

#include <stdio.h>
#include <string.h>

#include "arch/x86/hvm/ops.h"
#include "common/grant_internal.h"
#include "common/hypercall.h"
#include "common/sched.h"
#include "common/time.h"

#define AUDIT_EVERY 200
#define PATIENCE 400	/* rounds that a replay waits for the vCPU whose turn it is */

u64 pair_now = 1000000;
bool pair_ending;
u64 pair_armed[PAIR_CPUS];
static bool audit_due;
static unsigned int since_audit, idle_turns, cursor, missed;
void __sanitizer_cov_trace_pc(void);

static void do_work(struct pcpu *cpu)
{
	u64 work = __atomic_exchange_n(&cpu->work, 0, __ATOMIC_SEQ_CST);

	if (work & BIT(WORK_TIMER))
		timer_process();
	if (work & BIT(WORK_RCU))
		rcu_process();
	if (work & BIT(WORK_SCHED))
		schedule();
}

/*
 * No vCPU has anything to do: time passes, or a device wakes Dom0. The device also wakes it if
 * nothing but timers have expired for a while, as those of a vCPU that is down wake nobody.
 */
static void nothing_happens(void)
{
	static unsigned int timers_alone, dom0_gone;
	u64 first = ~0ull;
	bool gone = true;
	struct vcpu *v;

	idle_turns = 0;
	for (unsigned int i = 0; i < pair->cfg.cpus; i++)
		if (pair_armed[i])
			first = min(first, pair_armed[i]);
	if (first != ~0ull && first < pair_now + 100000000 && !pair_ending && ++timers_alone < 64) {
		pair_now = max(pair_now, first);
		return;
	}
	timers_alone = 0;
	pair_now += 1000000;
	for (unsigned int i = 0; i < pair->cfg.dom0_vcpus; i++) {
		v = hardware_domain->vcpu[i];
		gone &= test_bit(VPF_DOWN, &v->wait_flags) || vcpu_runnable(v);
		arch_vcpu_send_nmi(v);
	}
	/*
	 * Dom0 may have stopped all of its vCPUs, with arguments that it overwrote itself. Or they
	 * could run but have no CPU, because sched=null gave those that they are pinned to to
	 * guests. Then nobody is left to end the episode.
	 */
	dom0_gone = gone ? dom0_gone + 1 : 0;
	if (dom0_gone == 64) {
		pair->ended = true;
		pair_stop();
	}
}

static bool all_quiet(void)
{
	for (unsigned int i = 0; i < pair->cfg.cpus; i++)
		if ((&sims[i] != pair_self && !sims[i].waits) || sims[i].pcpu->work)
			return false;
	return true;
}

static void wait_turn(struct sim *s)
{
	s->waits = true;
	if (audit_due && all_quiet()) {
		PAIR_ATOMIC(pair_check_all());
		audit_due = false;
		since_audit = 0;
	} else if (!audit_due && ++idle_turns > 4 * pair->cfg.cpus) {
		nothing_happens();
	}
	pair_yield();
	s->waits = false;
}

/*
 * The guest's interrupt handler: it takes all events, and returns to where it was or somewhere
 * else.
 */
static void take_interrupts(struct vcpu *v)
{
	struct pair_vcpu *p = pair_vcpu(v);

	p->irq = false;
	p->x.nmi_pending = false;
	if (!v->info || !v->info->evtchn_upcall_pending)
		return;
	v->info->evtchn_upcall_pending = 0;
	v->info->evtchn_pending_sel = 0;
	memset(v->domain->shared_info->evtchn_pending, 0, sizeof(v->domain->shared_info->evtchn_pending));
}

static bool can_run(const struct pair_op *op)
{
	struct domain *d = domain_find(op->dom);
	struct vcpu *v = d ? domain_vcpu(d, op->vcpu) : NULL;

	return v && vcpu_runnable(v);
}

/* In a replay each operation waits for its turn, and is skipped if its vCPU never runs. */
static struct pair_op *replayed_op(struct vcpu *v)
{
	struct pair_op *op;

	while (cursor < pair->nr_ops && pair->skip[cursor])
		cursor++;
	if (cursor == pair->nr_ops) {
		pair_ending = audit_due = true;
		return NULL;
	}
	op = &pair->op[cursor];
	if (op->dom == v->domain->id && op->vcpu == v->id) {
		missed = 0;
		cursor++;
		return op;
	}
	if (++missed > (can_run(op) ? 64 * PATIENCE : PATIENCE)) {
		missed = 0;
		cursor++;
	}
	return NULL;
}

static struct pair_op *next_op(struct vcpu *v)
{
	static struct pair_op last;
	/* The first vCPU of Dom0 that gets here: with sched=null the others may have no CPU. */
	static struct vcpu *ender;
	struct pair_op *op;

	if (pair_ending) {
		if (!ender && v->domain->hardware)
			ender = v;
		if (v != ender)
			return NULL;
		last = (struct pair_op){ .dom = v->domain->id, .vcpu = (u8)v->id, .last = true };
		if (pair_gen_end(v, &last))
			return &last;
		audit_due = true;
		return NULL;
	}
	if (pair->replay)
		return replayed_op(v);
	if (pair->nr_ops >= pair->cfg.ops) {
		pair_ending = audit_due = true;
		return NULL;
	}
	op = &pair->op[pair->nr_ops];
	memset(op, 0, offsetof(struct pair_op, data));
	op->dom = v->domain->id;
	op->vcpu = (u8)v->id;
	pair_gen(v, op);
	pair->nr_ops++;
	return op;
}

static void call(struct sim *s, struct vcpu *v, struct pair_op *op)
{
	long rc;

	pair_vcpu(v)->continued = false;
	rc = hypercall_dispatch(op->nr, op->a[0], op->a[1], op->a[2], op->a[3], op->a[4]);
	if (s->pcpu->nr_held)
		pair_fail("hypercall %u leaves %u locks held", op->nr, s->pcpu->nr_held);
	if (!v->hypercall_continued)
		pair_vcpu(v)->continued = false;
	if (pair->trace)
		fprintf(stderr, "CPU %u d%u.%u: %u(%#lx, %#lx, %#lx) = %ld\n", s->id, v->domain->id, v->id,
			op->nr, op->a[0], op->a[1], op->a[2], rc);
	pair->calls++;
	pair->per_call[op->nr & 63][0]++;
	if (rc >= 0)
		pair->per_call[op->nr & 63][1]++;
	pair_check_result(v, op, rc);
}

static void set_grant(struct domain *d, const struct pair_op *op)
{
	u64 *written = &((struct pair_domain *)d)->written[op->a[0] % PAIR_REFS];
	const struct grant_active *a;
	struct grant_entry_v1 *e, was;
	bool in_use;

	if (!d->grant || op->a[0] >= grant_refs(d->grant))
		return;
	e = grant_entry(d->grant, (grant_ref_t)op->a[0]);
	if (!op->a[2] && e->flags & (GTF_reading | GTF_writing))
		return;
	a = grant_active(d->grant, (grant_ref_t)op->a[0]);
	in_use = a->readers || a->writers;
	was = *e;
	memcpy(e, &op->a[1], sizeof(*e));
	if (op->a[0] >= PAIR_REFS)
		return;
	was.flags &= (u16)~(GTF_reading | GTF_writing);
	/*
	 * If the guest changed the entry by other means, or while it was in use, it has overwritten
	 * Keel's flags itself, so the model cannot check them.
	 */
	*written = !in_use && *written != PAIR_SPOILT && memcmp(&was, written, sizeof(was)) == 0 ? op->a[1]
		   : PAIR_SPOILT;
}

static void execute(struct sim *s, struct vcpu *v, struct pair_op *op)
{
	struct domain *d = v->domain;
	struct vcpu *other = domain_vcpu(d, (unsigned int)op->a[0]);

	switch (op->kind) {
	case OP_CALL:
		call(s, v, op);
		return;
	case OP_GRANT:
		PAIR_ATOMIC(set_grant(d, op));
		return;
	case OP_WORD:
		((u64 *)d->shared_info)[op->a[0] % 256 + 256] = op->a[1]; /* pending and mask bits */
		return;
	case OP_INIT:
		if (other)
			hvm_vcpu_init(other);
		return;
	case OP_SIPI:
		if (other)
			hvm_vcpu_sipi(other, (u8)op->a[1]);
		return;
	}
}

static void leave_keel(struct pcpu *cpu)
{
	__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
}

static void in_guest(struct sim *s, struct vcpu *v)
{
	struct pair_op *op = NULL;

	vcpu_time_update(v);
	leave_keel(s->pcpu);
	if (!s->pcpu->work && !audit_due) {
		PAIR_ATOMIC(take_interrupts(v); op = next_op(v));
		if (!op)
			wait_turn(s);
	} else if (!s->pcpu->work) {
		wait_turn(s);
	}
	if (op) {
		idle_turns = 0;
		pair_arm(s, op);
		pair_now += op->dt;
		if (op->len)
			PAIR_ATOMIC(pair_poke(v->domain, op->gpa, op->data, op->len));
		__sanitizer_cov_trace_pc();
	}
	leave_keel(s->pcpu); /* an exit */
	if (!op)
		return;
	s->in_op = true;
	execute(s, v, op);
	s->in_op = false;
	if (++since_audit >= AUDIT_EVERY || pair_ending)
		audit_due = true;
}

void pair_loop(void)
{
	struct sim *s = pair_self;
	struct pcpu *cpu = s->pcpu;

	for (;;) {
		pair_stretch_ends();
		s->relaxed = 0;
		if (pair_armed[s->id] && pair_armed[s->id] <= pair_now) {
			pair_armed[s->id] = 0;
			set_bit(WORK_TIMER, &cpu->work);
		}
		if (cpu->work)
			do_work(cpu);
		if (!cpu->curr->idle) {
			in_guest(s, cpu->curr);
			continue;
		}
		leave_keel(cpu);
		if (!cpu->work)
			wait_turn(s);
		if (pcpu_outside(cpu->epoch))
			leave_keel(cpu);
	}
}
