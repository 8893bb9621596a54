/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/p2m.c arch/x86/p2m_log.c common/grant.c common/grant_map.c common/memory_op.c
 * common/physmap.c
 */
/*
 * The invariant of docs/locking.md about translations. No emulator would show that it is broken:
 *
 *   While a CPU could still use a translation, the frame that it leads to and the tables
 *   that it came through are not freed; and if it leads to another domain's page through a
 *   grant, GTF_reading (and for a writable one GTF_writing) of that grant stays set.
 *
 * CPUs 1 to 3 run guests and cache whatever a nested page walk of the real tables gives
 * them, and so does the IOMMU with the mirror, for a device of domain 0; CPU 0 executes
 * the real p2m.c and grant*.c. Interrupts reach a CPU as late as
 * possible: when somebody waits for it. The invariant is checked whenever anything happens.
 *
 * It holds for what Keel itself does with a machine address, too: wherever CPU 0 is about to take
 * its first lock, another CPU may execute hypercalls of its domain, and where bytes are copied the
 * frames must still be the caller's, or granted to it.
 * tlb_test.mutants lists breakages of the sources that this test must notice.
 */
#include "test/unit/unit.h"

#include "test/unit/formats.h"

#include <stdlib.h>

#include <public/errno.h>
#include <public/memory.h>

#include "arch/x86/iommu/iommu.h"
#include "common/grant_internal.h"
#include "common/hypercall.h"

/* The model wraps the locks and copies of these sources. */
#define lock_rank_check real_lock_rank_check
#include "common/spinlock.c"
#undef lock_rank_check
#define memmove model_memmove
static void *model_memmove(void *dst, const void *src, size_t n);
#include "common/grant_copy.c"
#undef memmove

#define DOMAINS 3
#define VCPUS 2
#define ENTRIES 64
#define RAM_GFNS 16		/* each domain's RAM, all granted to the others */
#define SCRATCH 0x1000		/* where grants are mapped */
#define SCRATCH_GFNS 24
/* where Dom0 maps grant tables; a copy to these pages would change the tables */
#define ACQUIRED 0x1100
#define SUPER 0x2000		/* four places for a 2 MiB page */
#define HANDLES 256
#define DEVICE FAKE_CPUS	/* in cpus[]: what the IOMMU caches for a device of domain 0 */

static const struct p2m_format format = NESTED_FORMAT;

struct iommu_caps iommu_caps = {
	.format = MIRROR_FORMAT(0), .levels = 3, .nr_ids = 16,
};

/* A cached translation; several entries may have the same page. */
struct translation {
	struct vcpu *v;		/* NULL: unused */
	gfn_t gfn;
	mfn_t mfn, table[4];
	bool writable;
	struct domain *granter;	/* through a grant */
};

static struct {
	struct translation entry[ENTRIES];
	struct vcpu *loaded;
	bool interrupt;		/* a kick is under way */
} cpus[FAKE_CPUS + 1];

static struct domain *domains[DOMAINS];
/*
 * On which CPU and in which generation a vCPU got its tag. Tags of other generations are not used
 * again (svm.c).
 */
static struct { unsigned int cpu; u64 generation; } tag[DOMAINS][VCPUS];
static struct { grant_handle_t handle; gfn_t gfn; bool used; } handles[DOMAINS][HANDLES];
static unsigned long checks, fills;
static bool started;		/* other CPUs execute hypercalls, too */

static void other_cpu_runs(void);


static unsigned int any(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static bool outside(unsigned int cpu)
{
	return pcpus[cpu]->epoch & 1;
}

/* Can this CPU translate by this entry, now or when it enters the guest next? */
static bool usable(unsigned int cpu, const struct translation *e)
{
	const struct vcpu *v = e->v;

	if (!v || cpu == DEVICE)
		return v;
	if (cpus[cpu].loaded == v)
		return outside(cpu) || !(pcpus[cpu]->work & BIT(WORK_TLB));
	return tag[v->domain->id][v->id].cpu == cpu &&
	       tag[v->domain->id][v->id].generation == v->domain->p2m.generation;
}

static bool granted_by(const struct domain *owner, grant_ref_t ref, const struct domain *d,
		       mfn_t mfn, u16 need)
{
	struct grant_active *act = grant_active(owner->grant, ref);

	return (act->readers || act->writers) && act->grantee == d->id && act->mfn == mfn &&
	       (grant_entry(owner->grant, ref)->flags & need) == need;
}

/*
 * Does the granter's entry say that d may read the frame, or write it? A page that moved may have
 * several grants.
 */
static bool granted(const struct domain *owner, const struct domain *d, mfn_t mfn, bool writable)
{
	static grant_ref_t last[MiB(64) >> PAGE_SHIFT]; /* where to look first */
	u16 need = writable ? GTF_reading | GTF_writing : GTF_reading;

	if (granted_by(owner, last[mfn], d, mfn, need))
		return true;
	for (grant_ref_t ref = 0; ref < RAM_GFNS * DOMAINS; ref++)
		if (granted_by(owner, ref, d, mfn, need)) {
			last[mfn] = ref;
			return true;
		}
	return false;
}

static void check_entry(unsigned int cpu, const struct translation *e)
{
	if (!usable(cpu, e))
		return;
	checks++;
	if (!mfn_to_page(e->mfn)->ref)
		fail_msg("frame %#lx is free, and CPU %u can still reach it", e->mfn, cpu);
	for (unsigned int i = 0; i < 4; i++)
		if (e->table[i] && mfn_to_page(e->table[i])->owner != OWNER_KEEL)
			fail_msg("table %#lx is free, and CPU %u can still walk it", e->table[i], cpu);
	if (e->granter && !granted(e->granter, e->v->domain, e->mfn, e->writable))
		fail_msg("d%u is told that frame %#lx is unused, and CPU %u can still %s it", e->granter->id,
			 e->mfn, cpu, e->writable ? "write" : "read");
}

static void check_all(void)
{
	for (unsigned int cpu = 0; cpu <= DEVICE; cpu++)
		for (unsigned int i = 0; i < ENTRIES; i++)
			check_entry(cpu, &cpus[cpu].entry[i]);
}

static void check_frame_is_unreachable(mfn_t mfn, u64 n)
{
	for (unsigned int cpu = 0; cpu <= DEVICE; cpu++)
		for (unsigned int i = 0; i < ENTRIES; i++) {
			const struct translation *e = &cpus[cpu].entry[i];

			if (!usable(cpu, e))
				continue;
			if (e->mfn >= mfn && e->mfn < mfn + n)
				fail_msg("frame %#lx is freed, and CPU %u can still reach it", e->mfn, cpu);
			for (unsigned int j = 0; j < 4; j++)
				if (e->table[j] >= mfn && e->table[j] < mfn + n)
					fail_msg("table %#lx is freed, and CPU %u can still walk it", e->table[j], cpu);
		}
}

/* The owner of the frame that d reaches through a grant. A grant must be in use. */
static struct domain *find_granter(struct domain *d, mfn_t mfn, bool writable)
{
	u16 owner = mfn_to_page(mfn)->owner;

	if (owner >= DOMAINS || !granted(domains[owner], d, mfn, writable))
		fail_msg("d%u reaches frame %#lx of %u through no grant in use", d->id, mfn, owner);
	return domains[owner];
}

static gfn_t any_page(void)
{
	switch (any(4)) {
	case 0:
		return any(RAM_GFNS);
	case 1:
		return SUPER + any(4) * 512 + any(512);
	default:
		return SCRATCH + any(SCRATCH_GFNS);
	}
}

static gfn_t any_gfn(void)
{
	return any(16) ? any_page() : ACQUIRED + any(2);
}

/* Does the hardware take it for a leaf? The IOMMU does if its next-level field is 0. */
static bool is_leaf(unsigned int cpu, u64 entry, unsigned int level)
{
	if (cpu != DEVICE)
		return level == 1 || entry & format.superpage;
	assert_true(!(entry & 0xe00) || (entry >> 9 & 7) == level - 1);
	return !(entry & 0xe00);
}

/*
 * A memory access by the guest on this CPU, or by the device: the hardware walks the tables (SDM
 * vol. 3, 29.3.2).
 */
static void fill(unsigned int cpu)
{
	struct vcpu *v = cpus[cpu].loaded;
	gfn_t gfn = any_gfn();
	struct translation e = { .v = v, .gfn = gfn };
	enum p2m_type t;
	u64 *table = cpu == DEVICE ? v->domain->p2m.arch.iommu_root : v->domain->p2m.arch.root, entry = 0;

	for (unsigned int level = cpu == DEVICE ? iommu_caps.levels : 4; level > 0; level--) {
		entry = table[gfn >> 9 * (level - 1) & 511];
		e.table[level - 1] = virt_to_mfn(table);
		if (!(entry & 1)) { /* what leads there is cached all the same */
			e.mfn = virt_to_mfn(table);
			break;
		}
		if (is_leaf(cpu, entry, level)) {
			e.mfn = (entry & 0xffffffffff000ull) >> PAGE_SHIFT;
			e.mfn += gfn & (BIT(9 * (level - 1)) - 1);
			break;
		}
		table = mfn_to_virt((entry & 0xffffffffff000ull) >> PAGE_SHIFT);
	}
	e.writable = entry & 2;
	if (!(entry & 1)) {
		cpus[cpu].entry[any(ENTRIES)] = e;
		return;
	}
	p2m_get(v->domain, gfn, &t, NULL);
	if (t == P2M_GRANT_RW || t == P2M_GRANT_RO) /* a foreign page is kept by its reference alone */
		e.granter = find_granter(v->domain, e.mfn, e.writable);
	else if (t != P2M_FOREIGN)
		assert_int_equal(mfn_to_page(e.mfn)->owner, v->domain->id);
	cpus[cpu].entry[any(ENTRIES)] = e;
	fills++;
}

static void guests_run(void)
{
	for (unsigned int i = 0; cpus[DEVICE].loaded && i < 3; i++)
		fill(DEVICE);
	for (unsigned int cpu = 1; cpu < FAKE_CPUS; cpu++)
		for (unsigned int i = 0; cpus[cpu].loaded && outside(cpu) && i < 3; i++)
			fill(cpu);
	check_all();
}

/* It forgets no more than it must: what does not lead to one of these pages stays. */
void iommu_flush(const struct domain *d)
{
	gfn_t first;
	unsigned int order = iommu_stale(&d->p2m, &first);

	guests_run();
	for (unsigned int i = 0; i < ENTRIES; i++)
		if (cpus[DEVICE].entry[i].v && cpus[DEVICE].entry[i].v->domain == d &&
		    cpus[DEVICE].entry[i].gfn - first < BIT(order))
			cpus[DEVICE].entry[i].v = NULL;
	guests_run();
}

static const struct iommu_ops ops = { .name = "model" };
const struct iommu_ops *iommu_ops = &ops;

static void new_tag(unsigned int cpu, struct vcpu *v)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		for (unsigned int j = 0; j < ENTRIES; j++)
			if (cpus[i].entry[j].v == v)
				cpus[i].entry[j].v = NULL;
	tag[v->domain->id][v->id].cpu = cpu;
	tag[v->domain->id][v->id].generation = v->domain->p2m.generation;
}

/* Exit from the guest, run the loop, and enter again: WORK_TLB gives the loaded vCPU a new tag. */
static void leave_guest(unsigned int cpu)
{
	pcpus[cpu]->epoch++;
	cpus[cpu].interrupt = false;
}

static void enter_guest(unsigned int cpu)
{
	u64 work = pcpus[cpu]->work;

	pcpus[cpu]->work = 0;
	if (work & BIT(WORK_TLB) && cpus[cpu].loaded)
		new_tag(cpu, cpus[cpu].loaded);
	pcpus[cpu]->epoch++;
}

void pcpu_kick(struct pcpu *cpu, unsigned int work_bit)
{
	guests_run();
	cpu->work |= BIT(work_bit);
	if (outside(cpu->id))
		cpus[cpu->id].interrupt = true;
	guests_run();
}

void pcpu_wait_exit(const cpumask_t *mask)
{
	guests_run();
	for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++)
		if (cpumask_test(mask, cpu) && cpus[cpu].interrupt) {
			leave_guest(cpu);
			enter_guest(cpu);
			guests_run();
		}
}

static void unload(unsigned int cpu)
{
	if (cpus[cpu].loaded)
		cpumask_clear_cpu(&cpus[cpu].loaded->domain->p2m.dirty, cpu);
	cpus[cpu].loaded = NULL;
}

/* arch_context_switch(): the CPU is inside Keel. */
static void load(unsigned int cpu, struct vcpu *v)
{
	unload(cpu);
	cpus[cpu].loaded = v;
	cpumask_set(&v->domain->p2m.dirty, cpu);
	if (tag[v->domain->id][v->id].cpu != cpu ||
	    tag[v->domain->id][v->id].generation != v->domain->p2m.generation)
		new_tag(cpu, v);
}

static struct vcpu *any_unloaded(void)
{
	for (;;) {
		struct vcpu *v = domains[any(DOMAINS)]->vcpu[any(VCPUS)];
		bool loaded = false;

		for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++)
			loaded |= cpus[cpu].loaded == v;
		if (!loaded)
			return v;
	}
}

static void reschedule(unsigned int cpu)
{
	struct vcpu *v = any_unloaded();

	if (cpu == 0) {
		/*
		 * The vCPU enters the guest, caches translations, and exits. Then another one may
		 * make the calls.
		 */
		enter_guest(0);
		for (unsigned int i = 0; i < 4; i++)
			fill(0);
		leave_guest(0);
		if (any(2))
			load(0, v);
		fake_run_on(0, cpus[0].loaded);
		return;
	}
	leave_guest(cpu);
	load(cpu, v);
	enter_guest(cpu);
}

/* The calling domain's operations. */
static void op_map(struct domain *d)
{
	struct gnttab_map_grant_ref op[GRANT_BATCH];
	unsigned int n = 1 + any(GRANT_BATCH), slot = 0;

	for (unsigned int i = 0; i < n; i++) {
		domid_t granter = (domid_t)any(DOMAINS);

		op[i] = (struct gnttab_map_grant_ref){
			.host_addr = (u64)(SCRATCH + any(SCRATCH_GFNS)) << PAGE_SHIFT, .dom = granter,
			.flags = GNTMAP_host_map | (any(2) ? GNTMAP_readonly : 0),
			.ref = any(RAM_GFNS) * DOMAINS + d->id };
	}
	assert_int_equal(do_grant_table_op(GNTTABOP_map_grant_ref, (u64)op, n, 0, 0), 0);
	for (unsigned int i = 0; i < n; i++) {
		if (op[i].status != GNTST_okay)
			continue;
		while (slot < HANDLES && handles[d->id][slot].used)
			slot++;
		assert_in_range(slot, 0, HANDLES - 1); /* max_maptrack makes sure of that */
		handles[d->id][slot].handle = op[i].handle;
		handles[d->id][slot].gfn = PFN_DOWN(op[i].host_addr);
		handles[d->id][slot].used = true;
	}
}

static void op_unmap(struct domain *d)
{
	struct gnttab_unmap_grant_ref op[GRANT_BATCH];
	unsigned int n = 0, limit = 1 + any(GRANT_BATCH);

	for (unsigned int i = 0; i < HANDLES && n < limit; i++) {
		if (!handles[d->id][i].used || any(2))
			continue;
		op[n++] = (struct gnttab_unmap_grant_ref){ .host_addr = handles[d->id][i].gfn << PAGE_SHIFT,
							   .handle = handles[d->id][i].handle };
		handles[d->id][i].used = false;
	}
	assert_int_equal(do_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)op, n, 0, 0), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(op[i].status, GNTST_okay);
}

static void set_ram(struct domain *d, gfn_t gfn, unsigned int order)
{
	struct page_info *pg = alloc_domain_pages(d, order);
	int rc;

	if (!pg)
		return;
	p2m_write_lock(&d->p2m);
	rc = p2m_set(d, gfn, page_to_mfn(pg), order, P2M_RAM);
	p2m_write_unlock(d);
	if (order && rc == -EBUSY)	/* small pages are mapped there */
		put_pages(pg, order);
	else
		assert_int_equal(rc, 0);
}

static void op_remove_many(struct domain *d)
{
	gfn_t gfn = SUPER + any(4) * 512 + any(256);
	unsigned int n = 1 + any(200);

	p2m_write_lock(&d->p2m);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(p2m_set(d, gfn + i, INVALID_MFN, 0, P2M_HOLE), 0);
	p2m_write_unlock(d);
}

static void op_remove(struct domain *d, unsigned int order)
{
	gfn_t gfn = !order ? any_gfn() : any(2) ? SCRATCH : SUPER + any(4) * 512;

	int rc;

	p2m_write_lock(&d->p2m);
	rc = p2m_set(d, gfn, INVALID_MFN, order, P2M_HOLE);
	for (u64 i = 0; order && rc == -EBUSY && i < BIT(order); i++)
		assert_int_equal(p2m_set(d, gfn + i, INVALID_MFN, 0, P2M_HOLE), 0);
	if (!order)
		assert_int_equal(rc, 0);
	p2m_write_unlock(d);
}

static struct gnttab_copy_ptr any_side(struct domain *d, bool by_ref)
{
	struct gnttab_copy_ptr p = { .domid = by_ref ? (domid_t)any(DOMAINS) : DOMID_SELF };

	if (by_ref)
		p.u.ref = any(RAM_GFNS) * DOMAINS + d->id;
	else
		p.u.gmfn = any_page();
	return p;
}

static void op_copy(struct domain *d)
{
	struct gnttab_copy op = { .len = 64, .flags = (u16)any(4) };

	op.source = any_side(d, op.flags & GNTCOPY_source_gref);
	op.dest = any_side(d, op.flags & GNTCOPY_dest_gref);
	assert_int_equal(do_grant_table_op(GNTTABOP_copy, (u64)&op, 1, 0, 0), 0);
}

/*
 * Keel reads or writes a frame for d. The frame must be d's own, or granted and in use, or d must
 * be privileged.
 */
static void check_access(const void *p, struct domain *d, bool write)
{
	const struct page_info *pg = virt_to_page(p);

	if (!pg->ref)
		fail_msg("Keel copies with frame %#lx, which is free", page_to_mfn(pg));
	if (pg->owner != d->id && !d->control)
		find_granter(d, page_to_mfn(pg), write);
}

static void *model_memmove(void *dst, const void *src, size_t n)
{
	struct domain *d = current->domain;

	if (!fake_locks_held()) /* the worst that another vCPU can do then */
		op_unmap(d);
	check_access(src, d, false);
	check_access(dst, d, true);
	return memmove(dst, src, n);
}

static void op_add_batch(struct domain *d)
{
	domid_t foreign = (domid_t)any(DOMAINS);
	u64 idxs[8], gfns[8];
	s32 errs[8];
	struct xen_add_to_physmap_batch op = { .domid = DOMID_SELF, .size = 1 + any(8), .idxs = (u64)idxs,
		.gpfns = (u64)gfns, .errs = (u64)errs, .space = XENMAPSPACE_gmfn };

	if (d->control && any(4)) {
		op.space = XENMAPSPACE_gmfn_foreign;
		op.u.foreign_domid = foreign;
	}
	for (unsigned int i = 0; i < op.size; i++) {
		idxs[i] = any_gfn();
		gfns[i] = any_gfn();
	}
	assert_int_equal(do_memory_op(XENMEM_add_to_physmap_batch, (u64)&op, 0, 0, 0), 0);
}

static void op_acquire(struct domain *d)
{
	u64 gfn = ACQUIRED + any(2);
	struct xen_mem_acquire_resource op = { .domid = (domid_t)(1 + any(DOMAINS - 1)), .nr_frames = 1,
		.type = XENMEM_resource_grant_table, .frame_list = (u64)&gfn };

	do_memory_op(XENMEM_acquire_resource, (u64)&op, 0, 0, 0);
}

static void op_physmap(struct domain *d)
{
	struct xen_remove_from_physmap op = { .domid = DOMID_SELF, .gpfn = any_gfn() };

	switch (any(4)) {
	case 0:
		op_acquire(d);
		break;
	case 1:
		do_memory_op(XENMEM_remove_from_physmap, (u64)&op, 0, 0, 0);
		break;
	default:
		op_add_batch(d);
	}
}

/* Pages become clean and are written to: rights change, superpages are split. */
static void op_log(struct domain *d)
{
	static u64 bits[P2M_LOG_STEP / 64];
	gfn_t gfn = any_gfn();

	if (!any(4))
		(d->p2m.log_dirty ? p2m_log_stop(d) : (void)p2m_log_start(d));
	memset(bits, (int)any(256), sizeof(bits));
	p2m_log_protect(d, gfn & -P2M_LOG_STEP, any(2) ? bits : NULL);
	p2m_write_lock(&d->p2m);
	p2m_write_unlock(d);
	p2m_log_fault(d, gfn);
}

static void op_any(struct domain *d)
{
	switch (any(14)) {
	case 0:
	case 1:
		op_map(d);
		break;
	case 3:
	case 4:
		op_unmap(d);
		break;
	case 5:
		set_ram(d, any_gfn(), 0);
		break;
	case 6:
		set_ram(d, SUPER + any(4) * 512, 9);
		break;
	case 7:
		op_remove(d, any(2) * 9);
		break;
	case 2:
	case 8:
		op_remove_many(d);
		break;
	case 9:
		op_physmap(d);
		break;
	case 10:
		op_log(d);
		break;
	default:
		op_copy(d);
	}
}

/* Another CPU executes a hypercall while CPU 0 holds no lock. */
static void other_cpu_runs(void)
{
	unsigned int cpu = 1 + any(FAKE_CPUS - 1);
	struct vcpu *me = cpus[0].loaded;
	static bool nested;

	if (nested || !me || this_cpu()->id || !cpus[cpu].loaded || any(16))
		return;
	nested = true;
	leave_guest(cpu);
	fake_run_on(cpu, cpus[cpu].loaded);
	op_any(current->domain);
	fake_run_on(0, me);
	enter_guest(cpu);
	nested = false;
}

void lock_rank_check(u8 rank)
{
	if (!fake_locks_held() && started)
		other_cpu_runs();
	real_lock_rank_check(rank);
}

static void step(void)
{
	struct domain *d = cpus[0].loaded->domain;

	guests_run();
	if (any(6))
		op_any(d);
	else
		reschedule(any(FAKE_CPUS));
	guests_run();
	assert_int_equal(fake_locks_held(), 0);
}

static void make_domain(domid_t id)
{
	struct domain *d = fake_domain(id, VCPUS);

	assert_int_equal(grant_init(d, 1, 1), 0);
	domains[id] = d;
	assert_int_equal(d->p2m.arch.iommu_root != NULL, id == 0);
	for (gfn_t gfn = 0; gfn < RAM_GFNS; gfn++) {
		set_ram(d, gfn, 0);
		for (domid_t to = 0; to < DOMAINS; to++)
			assert_int_equal(grant_seed(d, (grant_ref_t)gfn * DOMAINS + to, to, gfn, gfn % 5 == 0), 0);
	}
}

static void start(unsigned int seed)
{
	started = false;
	fake_reset();
	srand(seed);
	memset(cpus, 0, sizeof(cpus));
	memset(tag, 0xff, sizeof(tag));
	memset(handles, 0, sizeof(handles));
	p2m_format = &format;
	for (domid_t id = 0; id < DOMAINS; id++)
		make_domain(id);
	fake_on_free = check_frame_is_unreachable;
	cpus[DEVICE].loaded = domains[0]->vcpu[0];
	for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++)
		load(cpu, any_unloaded());
	for (unsigned int cpu = 1; cpu < FAKE_CPUS; cpu++)
		enter_guest(cpu);
	fake_run_on(0, cpus[0].loaded);
}

/* One domain is destroyed, while the others go on using its pages. */
static void destroy(struct domain *d)
{
	struct vcpu *other = domains[(d->id + 1) % DOMAINS]->vcpu[0];

	for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++)
		if (cpus[cpu].loaded && (cpus[cpu].loaded->domain == d || cpus[cpu].loaded == other)) {
			if (cpu)
				leave_guest(cpu);
			unload(cpu);
		}
	load(0, other);
	fake_run_on(0, other);
	d->state = DOMAIN_DYING;
	while (grant_release_mappings(d) == -ERESTART)
		guests_run();
	while (p2m_teardown_step(d) == -ERESTART)
		guests_run();
	check_all();
}

static void random_changes(void **state)
{
	for (unsigned int seed = 1; seed <= 16; seed++) {
		start(seed);
		started = true;
		for (unsigned int i = 0; i < 600; i++)
			step();
		started = false;
		destroy(domains[seed % DOMAINS]);
		for (unsigned int i = 0; i < 50; i++)
			op_unmap(domains[(seed + 1) % DOMAINS]);
	}
	/* The model was active. */
	assert_true(checks > 100000);
	assert_true(fills > 10000);
}

/* Both trees map the same pages, as far as devices may reach them. */
static void mirror_is_true(void **state)
{
	static const enum p2m_type types[] = { P2M_HOLE, P2M_RAM, P2M_SHARED, P2M_GRANT_RO, P2M_MMIO,
					       P2M_FOREIGN };

	for (unsigned int max_order = 0; max_order <= 9; max_order += 9) {
		struct domain *d;

		start(1);
		for (unsigned int cpu = 0; cpu <= DEVICE; cpu++) {
			cpus[cpu].loaded = NULL;	/* no real memory is mapped here */
			cpumask_clear_cpu(&domains[0]->p2m.dirty, cpu);
		}
		iommu_caps.format.max_order = max_order;
		d = domains[0];
		for (unsigned int i = 0; i < 200; i++) {
			unsigned int order = any(2) * 9;
			gfn_t gfn = SUPER + (order ? any(4) * 512 : any(2048));
			enum p2m_type t = types[any(ARRAY_SIZE(types))];

			p2m_write_lock(&d->p2m);
			for (u64 j = 0; order && j < 512; j++)	/* a superpage cannot replace small pages */
				assert_int_equal(p2m_set(d, gfn + j, INVALID_MFN, 0, P2M_HOLE), 0);
			assert_int_equal(p2m_set(d, gfn, 0x100000 + gfn, order, p2m_has_ref(t) ? P2M_MMIO_RAMLIKE : t),
					 0);
			p2m_write_unlock(d);
			if (t == P2M_RAM)
				set_ram(d, gfn, order);
		}
		for (gfn_t gfn = SUPER; gfn < SUPER + 2048; gfn++) {
			u64 *table = d->p2m.arch.iommu_root, e = 0;
			enum p2m_type t;
			mfn_t mfn = p2m_get(d, gfn, &t, NULL);

			for (unsigned int level = 3; level > 0; level--) {
				e = table[gfn >> 9 * (level - 1) & 511];
				if (!e || !(e & 0xe00)) {
					e += e ? (gfn & (BIT(9 * (level - 1)) - 1)) << PAGE_SHIFT : 0;
					break;
				}
				table = mfn_to_virt((e & 0xffffffffff000ull) >> PAGE_SHIFT);
			}
			assert_int_equal(e, iommu_caps.format.leaf[t] ? mfn << PAGE_SHIFT | iommu_caps.format.leaf[t]
					 : 0);
		}
	}
	iommu_caps.format.max_order = 0;
}

/* Without memory for the tables of either tree, nothing changes. */
static void no_memory_for_tables(void **state)
{
	for (unsigned int n = 1; n == 1 || fake_failure_happened(); n++) {
		struct page_info *pg;
		enum p2m_type t;
		int rc;

		start(1);
		pg = alloc_domain_pages(domains[0], 0);
		p2m_write_lock(&domains[0]->p2m);
		fake_fail_nth(n);
		rc = p2m_set(domains[0], 0x80000, page_to_mfn(pg), 0, P2M_RAM);
		fake_fail_nth(0);
		assert_int_equal(rc, fake_failure_happened() ? -ENOMEM : 0);
		p2m_get(domains[0], 0x80000, &t, NULL);
		assert_int_equal(t, rc ? P2M_HOLE : P2M_RAM);
		p2m_write_unlock(domains[0]);
	}
}

/*
 * A gigabyte for which both trees need smaller entries: without memory for the last of the mirror's
 * tables, nothing is mapped.
 */
static void all_of_a_gigabyte_or_nothing(void **state)
{
	static const unsigned int failing[] = { 1, 2, 3, 200, 514 };
	struct p2m_format small = format;

	small.max_order = 9;
	for (unsigned int i = 0; i < ARRAY_SIZE(failing); i++) {
		enum p2m_type t;

		start(1);
		p2m_format = &small;
		for (unsigned int cpu = 0; cpu <= DEVICE; cpu++)
			cpus[cpu].loaded = NULL;	/* no real memory is mapped here */
		p2m_write_lock(&domains[0]->p2m);
		fake_fail_nth(failing[i]);
		assert_int_equal(p2m_set(domains[0], 0x80000, 0x80000, 18, P2M_RAM), -ENOMEM);
		fake_fail_nth(0);
		for (gfn_t gfn = 0x80000; gfn < 0xc0000; gfn += 512) {
			p2m_get(domains[0], gfn, &t, NULL);
			assert_int_equal(t, P2M_HOLE);
		}
		p2m_write_unlock(domains[0]);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(random_changes),
	UNIT_TEST(mirror_is_true),
	UNIT_TEST(no_memory_for_tables),
	UNIT_TEST(all_of_a_gigabyte_or_nothing),
};

UNIT_MAIN(tests)
