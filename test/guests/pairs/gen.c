/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers, and the calls. Arguments fit existing objects, or are at a limit, or arbitrary.
 * Meanwhile other vCPUs change them, and an interrupt that comes before a continuation may move
 * RIP.
 */
#include "pairs.h"

#include <public/vcpu.h>

struct pairs_cpu pairs_cpus[MAX_CPUS] PAGE_ALIGNED;
u32 nr_ids;

/* The interrupt handler must know the addresses of the hypercall instructions. */
extern const u8 pairs_vmmcall[], pairs_vmcall[];
asm(".pushsection .text; .globl pairs_call, pairs_vmmcall, pairs_vmcall\n"
    "pairs_call: movq %rdi, %r11\n movq (%r11), %rax\n movq 8(%r11), %rdi\n movq 16(%r11), %rsi\n"
    "movq 24(%r11), %rdx\n movq 32(%r11), %r10\n movq 40(%r11), %r8\n cmpb $0, on_amd\n je pairs_vmcall\n"
    "pairs_vmmcall: vmmcall\n ret\n pairs_vmcall: vmcall\n ret\n .popsection");

u64 any(void)
{
	return random_next(&me()->rng);
}

u32 rnd(u32 n)
{
	return (u32)((any() >> 32) % n);
}

/* Computed from the clock's scale at the start: a guest may lose the page with its clock. */
u64 about_now(void)
{
	static struct vcpu_time_info clock;

	if (!clock.system_time) {
		clock = this_cpu()->vcpu_info->time;
		clock.version = 0; /* it may have been odd */
	}
	return pvclock_read(&clock);
}

u64 put_address(void)
{
	return (u64)me()->area + me()->used;
}

u64 put(const void *data, size_t len)
{
	struct pairs_cpu *p = me();
	u64 at = put_address();
	size_t n = p->used + len > AREA_SIZE ? AREA_SIZE - p->used : len;

	if (data)
		memcpy((void *)at, data, n);
	else
		memset((void *)at, 0, n);
	p->used += (u32)((n + 7) & ~7ul);
	return at;
}

domid_t any_domid(void)
{
	static const domid_t special[] = { DOMID_SELF, DOMID_INVALID, DOMID_IO, DOMID_XEN, 0x7fef,
					   0x7ff0 };

	switch (rnd(16)) {
	case 0:
		return DOMID_SELF;
	case 1:
		return 0;
	case 2:
		return one_in(2) ? (domid_t)rnd(64) : special[rnd(ARRAY_SIZE(special))];
	default:
		return (domid_t)(1 + rnd(nr_ids));
	}
}

domid_t self_or_other(void)
{
	return one_in(is_dom0 ? 2 : 8) ? any_domid() : DOMID_SELF;
}

u64 any_gfn(domid_t domain)
{
	const u64 limit = 1ull << 28;

	if (is_dom0 && (!domain || domain == DOMID_SELF))
		return window + rnd(WINDOW);
	switch (rnd(24)) {
	case 0 ... 11:
		return SCRATCH_FRAME + rnd(SCRATCH_FRAMES);
	case 12 ... 14:
		return SCRATCH_FRAME + SCRATCH_FRAMES + rnd(64);
	case 15 ... 18:
		return (2 + rnd(5)) * 512 + (one_in(2) ? 0 : rnd(512));
	case 19:
		return SPIN_FRAME + rnd(LOW_FRAMES);
	case 20:
		return (u64)(1 + rnd(3)) << 18 | (one_in(2) ? 0 : rnd(1 << 18));
	case 21:
		return any() & (limit - 1);
	case 22:
		return one_in(4) ? limit - 2 + rnd(4) : (1ull << 26 | (u64)rnd(64) << 9);
	default:
		return one_in(2) ? any() : rnd(1 << 14) * 512ull;
	}
}

static void gen_timer(struct shot *s)
{
	s->nr = one_in(2) ? __HYPERVISOR_set_timer_op : __HYPERVISOR_vm_assist;
	s->a[0] = s->nr == __HYPERVISOR_vm_assist ? rnd(3) : one_in(4) ? 0 : about_now() + rnd(5000000);
	s->a[1] = one_in(4) ? rnd(8) : 4; /* VMASST_TYPE_runstate_update_flag */
}

static const struct choice {
	u8 guest, dom0;
	void (*fn)(struct shot *s);
} choices[] = {
	{ 24, 12, gen_evtchn }, { 24, 10, gen_grant }, { 24, 14, gen_memory }, { 12, 6, gen_entry },
	{ 10, 0, gen_vcpu }, { 5, 3, gen_sched }, { 4, 3, gen_hvm }, { 3, 0, gen_init },
	{ 2, 0, gen_timer }, { 1, 40, gen_domctl },
};

static shot_fn choose(void)
{
	u32 sum = 0, n, i;

	for (i = 0; i < ARRAY_SIZE(choices); i++)
		sum += is_dom0 ? choices[i].dom0 : choices[i].guest;
	n = rnd(sum);
	for (i = 0;; i++) {
		u32 w = is_dom0 ? choices[i].dom0 : choices[i].guest;

		if (n < w)
			return choices[i].fn;
		n -= w;
	}
}

/* Exits are slow in an emulator, so half of all calls are made in lists. */
static void gen_multicall(struct shot *s)
{
	struct pairs_cpu *p = me();
	u32 n = 2 + rnd(MAX_LIST - 1);
	struct multicall_entry e;
	u64 list = put(NULL, n * sizeof(e));
	shot_fn fn = one_in(4) ? choose() : NULL;

	for (p->nr = 0; p->nr < n && p->used < AREA_SIZE - PAGE_SIZE; p->nr++) {
		struct shot *one = &p->list[p->nr];

		*one = (struct shot){ 0 };
		while (!one->nr)
			(fn && !one_in(4) ? fn : choose())(one);
		memset(&e, 0, sizeof(e));
		e.op = one->nr;
		memcpy(e.args, one->a, sizeof(one->a));
		memcpy((void *)(list + p->nr * sizeof(e)), &e, sizeof(e));
	}
	*s = (struct shot){ __HYPERVISOR_multicall, { list, p->nr } };
}

/*
 * Overwrites words of arguments that another vCPU's call may be reading. Dom0's own arguments are
 * left alone: a wrong call could hit Dom0 itself.
 */
static void poke(void)
{
	u32 other = rnd(VCPUS), n = rnd(4);

	while (!is_dom0 && n--)
		WRITE_ONCE(((u32 *)pairs_cpus[other].area)[rnd(one_in(4) ? 4096 : 32)],
			   one_in(3) ? rnd(64) : one_in(2) ? (u32)any_gfn(DOMID_SELF) : (u32)any());
}

/* The next call: sometimes the last one again, or another of its kind. */
static void next_shot(struct pairs_cpu *p)
{
	u32 many = rnd(64);

	if (p->burst) {
		p->burst--;
		if (p->same)
			return;
	} else {
		p->fn = one_in(2) ? gen_multicall : choose();
		if (many < 8) {
			p->burst = many == 0 ? rnd(100) : many == 1 ? rnd(30) : rnd(8);
			p->same = one_in(2);
		}
	}
	p->used = !is_dom0 && one_in(32) ? (u32)(AREA_SIZE - 8 - rnd(32) * 8) : 0;
	p->shot = (struct shot){ 0 };
	p->nr = 0;
	p->fn(&p->shot);
	if (!p->nr) {
		p->list[0] = p->shot;
		p->nr = 1;
	}
}

void pairs_step(void)
{
	struct pairs_cpu *p = me();
	u32 i;

	next_shot(p);
	poke();
	if (!is_dom0 && one_in(6))
		kick(rnd(VCPUS));
	if (p->shot.nr)
		pairs_call(&p->shot);
	for (i = 0; i < p->nr; i++)
		grants_note(&p->list[i]);
	p->calls += p->nr;
}

void kick(unsigned int vcpu)
{
	apic_icr(vcpu * 2, VECTOR + rnd(VECTORS));
}

/*
 * The interrupt hit a hypercall that is to be continued: the call is abandoned, or its arguments
 * are changed.
 */
static void interrupted(struct regs *r)
{
	struct pairs_cpu *p = me();

	apic_write(APIC_EOI, 0);
	if (one_in(2))
		WRITE_ONCE(this_cpu()->vcpu_info->evtchn_upcall_pending, 0);
	if (r->rip != (u64)pairs_vmmcall && r->rip != (u64)pairs_vmcall)
		return;
	if (is_dom0)
		return;
	switch (rnd(8)) {
	case 0 ... 3:
		r->rip += 3;
		p->given_up++;
		break;
	case 4:
		r->rdi += rnd(64) - 32;
		p->changed++;
		break;
	case 5:
		r->rdx += (u64)rnd(64) - 32;
		r->rsi += one_in(2) ? 8 : 0;
		p->changed++;
		break;
	}
}

void pairs_interrupts(void)
{
	apic_enter_x2();
	apic_enable();
	/* A periodic timer, so that a vCPU that waits always continues in the end. */
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 1u << 17 | VECTOR); /* periodic */
	apic_write(APIC_TMICT, 2000000 + rnd(1000000));
	irq_on();
}

void pairs_init(u64 seed)
{
	static u8 areas[VCPUS][AREA_SIZE + PAGE_SIZE] PAGE_ALIGNED;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		pairs_cpus[i].area = areas[i];
		pairs_cpus[i].rng = random_seed(seed * VCPUS + i);
		map_page((u64)areas[i] + AREA_SIZE, 0, 0);
	}
	for (i = 0; i < VECTORS; i++)
		set_irq_handler(VECTOR + i, interrupted);
	about_now();
	grants_init();
}
