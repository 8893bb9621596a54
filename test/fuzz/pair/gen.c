/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random operations. Most arguments are taken from existing objects, so that most calls get
 * somewhere; the rest are at limits, or arbitrary.
 */
#include "test/abi/refused.h"
#include "test/fuzz/pair/pair.h"

#include <string.h>

#include "common/grant_internal.h"
#include "common/hypercall.h"

static u64 rng;
static u32 focus;	/* of choices[]: what guests prefer in this episode; beyond it: nothing */

void pair_seed(u64 seed)
{
	rng = seed * 0x9e3779b97f4a7c15 + 0x1234567;
	for (int i = 0; i < 4; i++)
		pair_rand();
}

u64 pair_rand(void)
{
	u64 x = rng ? rng : 1;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	rng = x;
	return x * 0x2545f4914f6cdd1d;
}

void pair_config_make(struct pair_config *c)
{
	static const u32 ram[] = { 12, 16, 24, 24, 40, 64 };
	static const u32 preempt[] = { 1, 2, 2, 4, 10, 40 };

	*c = (struct pair_config){
		.cpus = 2 + rnd(PAIR_CPUS - 1), .ram_mib = ram[rnd(ARRAY_SIZE(ram))], .null_sched = one_in(5),
		.iommu = one_in(3), .max_order = one_in(6) ? 9 : 18, .guests = one_in(3) ? 4 : 2,
		.dom0_vcpus = 1 + rnd(PAIR_VCPUS), .honest = !one_in(8),
		.preempt = preempt[rnd(ARRAY_SIZE(preempt))],
		.ops = 500 + rnd(4000),
	};
	focus = rnd(one_in(2) ? 4 : 24);
	if (one_in(24)) { /* pages of a gigabyte */
		c->ram_mib = 1024 + 24 + rnd(2) * 1024;
		c->ops = 500 + rnd(500);
	}
}

bool pair_poke(struct domain *d, u64 gpa, const void *data, size_t len)
{
	while (len) {
		size_t n = min(len, (size_t)(PAGE_SIZE - gpa % PAGE_SIZE));
		enum p2m_type t;
		mfn_t mfn = p2m_get(d, PFN_DOWN(gpa), &t, NULL);

		if (!p2m_is_writable(t))
			return false;
		memcpy((u8 *)mfn_to_virt(mfn) + gpa % PAGE_SIZE, data, n);
		data = (const u8 *)data + n;
		gpa += n;
		len -= n;
	}
	return true;
}

u64 gen_put(struct pair_op *op, const void *data, size_t len)
{
	u64 at = op->gpa + op->len;

	if (op->len + len > PAIR_DATA)
		return op->gpa;
	if (data)
		memcpy(op->data + op->len, data, len);
	else
		memset(op->data + op->len, 0, len);
	op->len += (u32)ROUND_UP(len, 8);
	return at;
}

/* Any domain that exists, even one that is being built or destroyed. */
struct domain *gen_domain(struct domain *me)
{
	struct domain *d, *found = me;
	u32 n = 0;

	for_each_object(d)
		if (d != me && one_in(++n))
			found = d;
	return found;
}

domid_t gen_domid(struct domain *me)
{
	static const domid_t special[] = { DOMID_SELF, DOMID_INVALID, DOMID_IO, DOMID_XEN, 0x7fef,
					   0x7ff0 };
	struct domain *d;
	u32 top = 0;

	switch (rnd(16)) {
	case 0:
	case 1:
		return DOMID_SELF;
	case 2:
		return me->id;
	case 3:
		return 0;
	case 4:
		for_each_object(d)
			top = max(top, (u32)d->id);
		return (domid_t)(top + rnd(2));
	case 5:
		return one_in(2) ? (domid_t)rnd(8) : special[rnd(ARRAY_SIZE(special))];
	default:
		return gen_domain(me)->id;
	}
}

gfn_t gen_gfn(struct domain *d)
{
	switch (rnd(24)) {
	case 0 ... 11:
		return 8 + rnd(40);
	case 12 ... 14:
		return 48 + rnd(64);
	case 15 ... 18:
		return (1 + rnd(6)) * 512 + (one_in(2) ? 0 : rnd(512));
	case 19:
		return rnd(8);
	case 20:
		return (gfn_t)(1 + rnd(3)) << 18 | (one_in(2) ? 0 : rnd(1 << 18));
	case 21:
		return pair_rand() & (p2m_gfn_limit - 1);
	case 22:
		return p2m_gfn_limit - 2 + rnd(4);
	default:
		return one_in(2) ? pair_rand() : rnd(2048) * 512ull;
	}
}

static void gen_poke(struct vcpu *v, struct pair_op *op)
{
	/* A word of another vCPU's arguments, which a hypercall may be reading. */
	u64 word = pair_rand() >> rnd(64);

	op->kind = OP_POKE;
	op->gpa = (u32)(4 + rnd(v->domain->max_vcpus)) << PAGE_SHIFT | rnd(16) * 4;
	gen_put(op, &word, 4);
	op->len = 4;
}

static void gen_entry(struct vcpu *v, struct pair_op *op)
{
	struct domain *to = gen_domain(v->domain);
	struct grant_entry_v1 e = { .flags = GTF_permit_access,
				    .domid = one_in(8) ? v->domain->id : to->id, .frame = (u32)gen_gfn(v->domain) };

	if (one_in(4))
		e.flags |= GTF_readonly;
	if (one_in(8))
		e.flags = (u16)rnd(4);
	op->kind = OP_GRANT;
	op->a[0] = one_in(8) ? 504 + rnd(16) : rnd(24);
	op->a[2] = !pair->cfg.honest && one_in(3);
	if (op->a[2] && one_in(2))
		e.flags |= (u16)(rnd(4) << 3);
	memcpy(&op->a[1], &e, sizeof(e));
}

static void gen_word(struct vcpu *v, struct pair_op *op)
{
	op->kind = OP_WORD;
	op->a[0] = rnd(3) ? rnd(4) : rnd(256);
	op->a[1] = one_in(2) ? 0 : pair_rand();
}

static void gen_init(struct vcpu *v, struct pair_op *op)
{
	op->kind = one_in(3) ? OP_INIT : OP_SIPI;
	op->a[0] = rnd(v->domain->max_vcpus);
	op->a[1] = rnd(256);
	if (v->domain->hardware)
		op->kind = OP_SIPI;
}

static void gen_misc(struct vcpu *v, struct pair_op *op)
{
	if (one_in(2)) {
		op->nr = __HYPERVISOR_set_timer_op;
		op->a[0] = one_in(4) ? 0 : pair->cfg.ops * 1000ull + rnd(100000000);
		return;
	}
	op->nr = __HYPERVISOR_vm_assist;
	op->a[0] = rnd(3);
	op->a[1] = one_in(4) ? rnd(8) : VMASST_TYPE_runstate_update_flag;
}

static void gen_multicall(struct vcpu *v, struct pair_op *op);

/* The first four interact with other domains most. */
static const struct choice {
	u8 guest, dom0;
	void (*fn)(struct vcpu *v, struct pair_op *op);
} choices[] = {
	{ 24, 16, gen_evtchn }, { 24, 10, gen_grant }, { 24, 14, gen_memory }, { 8, 3, gen_vcpu },
	{ 12, 6, gen_entry }, { 4, 2, gen_sched }, { 4, 3, gen_hvm }, { 6, 3, gen_poke },
	{ 3, 1, gen_init }, { 2, 1, gen_word }, { 2, 1, gen_misc }, { 4, 4, gen_multicall },
	{ 1, 34, gen_domctl }, { 1, 3, gen_sysctl },
};

static u32 weight(struct vcpu *v, u32 i)
{
	if (v->domain->control)
		return choices[i].dom0;
	return i == focus ? 72 : choices[i].guest;
}

static void *choose(struct vcpu *v)
{
	u32 sum = 0, n;

	for (u32 i = 0; i < ARRAY_SIZE(choices); i++)
		sum += weight(v, i);
	n = rnd(sum);
	for (u32 i = 0;; i++) {
		if (n < weight(v, i))
			return choices[i].fn;
		n -= weight(v, i);
	}
}

/* The object that another vCPU of v's domain is working on, if there is one. */
static void *choose_race(struct vcpu *v)
{
	for (unsigned int i = 0, at = rnd(pair->cfg.cpus); i < pair->cfg.cpus; i++) {
		const struct sim *s = &sims[(at + i) % pair->cfg.cpus];
		struct vcpu *o = s->pcpu ? s->pcpu->curr : v;

		if (s->in_op && o != v && !o->idle && o->domain == v->domain && pair_vcpu(o)->burst.fn)
			return pair_vcpu(o)->burst.fn;
	}
	return NULL;
}

static void gen_multicall(struct vcpu *v, struct pair_op *op)
{
	u32 n = 1 + rnd(4);
	u64 list = gen_put(op, NULL, n * sizeof(struct multicall_entry));

	for (u32 i = 0; i < n; i++) {
		struct multicall_entry *e = (void *)(op->data + i * sizeof(*e));
		void (*fn)(struct vcpu *, struct pair_op *);

		do
			fn = choose(v);
		while (fn == gen_multicall || fn == gen_entry || fn == gen_poke || fn == gen_init ||
		       fn == gen_word);
		memset(op->a, 0, sizeof(op->a));
		fn(v, op);
		e->op = op->nr;
		memcpy(e->args, op->a, sizeof(op->a));
	}
	memset(op->a, 0, sizeof(op->a));
	op->nr = __HYPERVISOR_multicall;
	op->a[0] = list;
	op->a[1] = n;
}

/* Chooses where the arguments lie: mostly in the vCPU's own page. */
static void place(struct vcpu *v, struct pair_op *op)
{
	op->gpa = (4 + v->id % 4) << PAGE_SHIFT;
	if (one_in(32))
		op->gpa = (u32)gen_gfn(v->domain) << PAGE_SHIFT | rnd(512) * 8;
	else if (one_in(32))
		op->gpa += (u32)PAGE_SIZE - 8 - rnd(8) * 8;
}

static void disturb(struct pair_op *op)
{
	static const u32 range[] = { 8, 32, 32, 128, 128, 512, 3000 };

	op->dt = one_in(16) ? rnd(3000000) : rnd(30000);
	if (one_in(20))
		op->fail = (u8)(1 + rnd(one_in(3) ? 16 : 3));
	op->npre = 0;
	while (op->npre < PAIR_PREEMPTS && one_in(op->npre ? 2 : pair->cfg.preempt)) {
		bool unlocks = one_in(2);

		op->pre[op->npre].after = unlocks ? rnd(one_in(4) ? 40 : 6) : rnd(range[rnd(ARRAY_SIZE(range))]);
		if (unlocks && one_in(6))
			op->pre[op->npre].after = PAIR_AGAIN | rnd(2);
		op->pre[op->npre++].to = (u8)(rnd(pair->cfg.cpus) | (one_in(3) ? PAIR_SIBLING : 0) |
					      (unlocks ? PAIR_UNLOCKS | (one_in(2) ? 0 : rnd(16)) << 2 : 0));
	}
}

/*
 * A hypercall that returned for a continuation is continued, or given up, or continued with changed
 * arguments.
 */
static bool gen_continue(struct pair_vcpu *p, struct pair_op *op)
{
	if (!p->continued)
		return false;
	p->continued = false;
	if (one_in(8))
		return false;
	op->kind = OP_CALL;
	op->nr = (u8)p->nr;
	memcpy(op->a, p->args, sizeof(op->a));
	if (one_in(12))
		op->a[rnd(3)] += rnd(64) - 32;
	return true;
}

void pair_gen(struct vcpu *v, struct pair_op *op)
{
	struct pair_vcpu *p = pair_vcpu(v);
	u32 many = rnd(64);

	disturb(op);
	if (gen_continue(p, op))
		return;
	if (p->burst.left) {
		p->burst.left--;
		if (p->burst.same) {
			op->kind = p->last->kind;
			op->nr = p->last->nr;
			op->gpa = p->last->gpa;
			op->len = p->last->len;
			memcpy(op->a, p->last->a, sizeof(op->a));
			memcpy(op->data, p->last->data, op->len);
			return;
		}
	} else {
		p->burst.same = false;
		p->burst.fn = one_in(3) ? NULL : choose_race(v);
		if (!p->burst.fn) {
			p->burst.fn = choose(v);
			p->burst.same = many < 8 && one_in(2);
		}
		if (!p->burst.same)
			p->burst.left = one_in(3) ? rnd(8) : 0;
		else
			p->burst.left = many == 0 ? rnd(300) : many == 1 ? rnd(64) : rnd(8);
	}
	place(v, op);
	p->burst.fn(v, op);
	p->last = op;
}
