/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that work together against the hypervisor, and a Dom0 that creates and destroys them
 * meanwhile. All of them run this program: Dom0 builds each guest from its own image. A guest's
 * vCPUs make random hypercalls (pairs/), change each other's arguments, abandon continuations, and
 * start and stop each other. Dom0's first vCPU creates guests and destroys them at any moment, its
 * second does random things to them. Guests may end in any way. The test passes if Dom0 finishes,
 * everything could be destroyed, and all memory came back. Options: seed=N (the seed is printed),
 * seconds=N (20), rounds=N (2: each ends all guests), guests=N (2), hog=0 (never uses up the
 * machine's memory).
 */
#include "pairs/pairs.h"

#include <public/sched.h>

const char test_title[] = "pairs";

/* --- A guest --- */

static bool give_up(struct regs *r)
{
	shutdown(SHUTDOWN_crash);
}

static void guest_main(void)
{
	u64 n, seen[VCPUS] = { 0 }, stuck[VCPUS] = { 0 };
	unsigned int i;

	fault_hook = give_up;
	pairs_interrupts();
	for (i = 1; i < VCPUS; i++)
		if (rnd(4))
			start_vcpu(i);
	for (n = 0;; n++) {
		pairs_step();
		for (i = 1; i < VCPUS && n % 64 == 0; i++) {
			/* Checked some time later, so that a stopped vCPU is noticed. */
			if (seen[i] != pairs_cpus[i].calls || rnd(4))
				stuck[i] = 0;
			else if (stuck[i]++)
				start_vcpu(i);
			seen[i] = pairs_cpus[i].calls;
		}
	}
}

/* --- Dom0 --- */

#define SLOTS 8
static struct slot {
	domid_t id; /* 0: none */
	u64 calls, ends; /* it is destroyed after so many calls, or at that time */
	struct pairs_sum sum;
} slots[SLOTS];
static u32 nr_slots;
static struct pairs_sum sum;
static u64 made, refused, ended_themselves;

static void say(const char *when)
{
	printk("%s: %lu guests, %lu not made, %lu ended by themselves; calls: %lu of theirs, %lu given up, %lu changed, "
	       "%lu of Dom0's; %lu pages free\n", when, made, refused, ended_themselves, sum.calls,
		       sum.given_up, sum.changed,
	       pairs_cpus[1].calls, free_pages());
}


static volatile u32 victim, stop, stopped;

/* Dom0 leaves most of the time to its guests. */
static void rest(u64 us)
{
	struct sched_poll poll = { .timeout = now_ns() + us * 1000 };

	sched_op(poll, &poll);
}

static void second_cpu(void)
{
	for (;;) {
		while (stop) {
			stopped = 1;
			cpu_relax();
		}
		stopped = 0;
		if (victim) { /* both of Dom0's vCPUs destroy it */
			domctl(XEN_DOMCTL_destroydomain, (domid_t)victim);
			victim = 0;
		}
		pairs_step();
		rest(rnd(4000));
	}
}

/* An id that is in use may belong to a domain that no slot has any more. */
static void id_clear(domid_t id)
{
	u32 i;

	for (i = 0; i < nr_slots; i++)
		if (slots[i].id == id)
			return;
	domctl(XEN_DOMCTL_destroydomain, id);
}

static void slot_fill(struct slot *s)
{
	static u32 next;
	domid_t id = (domid_t)(1 + next++ % nr_ids);
	long rc = guest_make(id, any());

	if (rc == -EEXIST)
		id_clear(id);
	if (rc) {
		refused++;
		rest(rnd(4000)); /* until others give some memory back */
		return;
	}
	made++;
	*s = (struct slot){ id, 1ull << rnd(14), now_ns() + 3000000000, { 0 } };
}

static void slot_empty(struct slot *s)
{
	if (one_in(3))
		victim = s->id;
	while (one_in(2) && victim)
		cpu_relax();
	domctl(XEN_DOMCTL_destroydomain, s->id);
	sum.calls += s->sum.calls;
	sum.given_up += s->sum.given_up;
	sum.changed += s->sum.changed;
	s->id = 0;
}

static void slot_look(struct slot *s)
{
	struct pairs_sum new;
	long rc;

	if (!s->id) {
		slot_fill(s);
		return;
	}
	new = guest_sum(s->id);
	if (new.calls > s->sum.calls && new.calls < 1ull << 40) /* else the guest has lost that page */
		s->sum = new;
	rc = domctl(XEN_DOMCTL_getdomaininfo, s->id);
	if (!rc && domctl_arg()->domain == s->id && domctl_arg()->u.getdomaininfo.flags &
	    XEN_DOMINF_shutdown)
		ended_themselves++;
	else if (now_ns() < s->ends && s->sum.calls < s->calls && !rc &&
		 !(domctl_arg()->u.getdomaininfo.flags & XEN_DOMINF_dying))
		return;
	slot_empty(s);
}

static domid_t hog_id;

/*
 * Now and then a domain uses up almost all memory, so that the next operation fails in the middle.
 */
static void hog(void)
{
	static u64 gfns[32];
	u64 gfn = 1 << 18, leave = rnd(200), left, i;
	struct xen_memory_reservation r = { (u64)gfns, 1, 9, 0, 0 };

	if (hog_id || !one_in(4)) {
		if (hog_id)
			domctl(XEN_DOMCTL_destroydomain, hog_id);
		hog_id = 0;
		return;
	}
	hog_id = (domid_t)(nr_ids + 2);
	if (create_domain(&hog_id, 1, 63)) {
		hog_id = 0;
		return;
	}
	domctl_arg()->u.max_mem.max_memkb = 1 << 22;
	domctl(XEN_DOMCTL_max_mem, hog_id);
	r.domid = hog_id;
	while ((left = free_pages()) > leave) {
		r.nr_extents = r.extent_order ? 1 : left - leave < 32 ? left - leave : 32;
		for (i = 0; i < r.nr_extents; i++, gfn += 1ull << r.extent_order)
			gfns[i] = gfn;
		if (memory_op(populate_physmap, &r) == (long)r.nr_extents)
			continue;
		if (!r.extent_order)
			return;
		r.extent_order = 0;
	}
}

static void one_round(u64 seconds, bool hogs)
{
	u64 end = now_ns() + seconds * 1000000000, said = now_ns(), looked = said;
	u32 i;

	stop = 0;
	while (now_ns() < end) {
		for (i = 0; i < nr_slots; i++)
			slot_look(&slots[i]);
		rest(rnd(2000));
		if (hogs && now_ns() > looked + 200000000) {
			hog();
			looked = now_ns();
		}
		if (now_ns() > said + 5000000000) {
			said = now_ns();
			say("now");
		}
	}
	stop = 1;
	EXPECT(wait_for(&stopped), "vCPU 1 does not come back");
	hog_id = 0;
	memset(slots, 0, sizeof(slots));
	dom0_end_all();
}

static bool did_little(void)
{
	return made <= 2 || !sum.calls;
}

static void dom0_main(u64 seed)
{
	u64 seconds = option_number("seconds", 20), rounds = option_number("rounds", 2), before, after, r;

	printk("seed=%lu\n", seed);
	nr_slots = (u32)option_number("guests", 2);
	dom0_init();
	pairs_init(seed);
	stop = 1;
	EXPECT(start_cpu(1, second_cpu), "vCPU 1 does not start");
	/* After a second Dom0 has allocated what it needs once. */
	one_round(1, false);
	before = free_pages();
	/* A short round may spend all its time without memory: then more rounds, without that. */
	for (r = 0; r < rounds || (did_little() && r < rounds + 20); r++) {
		one_round((seconds + rounds - 1) / rounds, r < rounds && option_number("hog", 1));
		delay_us(100000); /* for memory that waits for a grace period */
		after = free_pages();
		say("round over");
		EXPECT(after + 8 >= before, "%lu pages are lost", before - after);
	}
	EXPECT(!did_little(), "too few guests, which do nothing");
}

void test_main(void)
{
	u64 seed = option_number("seed", rdtsc() % 1000000007);

	nr_ids = (u32)option_number("ids", option_number("guests", 2) + 3);
	if (is_dom0) {
		dom0_main(seed);
		return;
	}
	pairs_init(seed);
	guest_main();
}
