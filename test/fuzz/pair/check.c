/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model. While all vCPUs are in their guests and nothing waits to be freed, it counts
 * everything again from Keel's structures: the references to each frame, Keel's pages and their
 * users, connected ports, grants in use, and vCPUs that wait to run.
 */
#include "test/fuzz/pair/pair.h"

#include <stdlib.h>
#include <string.h>

#include <public/domctl.h>
#include <public/errno.h>

#include "arch/x86/iommu/iommu.h"
#include "common/evtchn_internal.h"
#include "common/grant_internal.h"
#include "common/hypercall.h"

static u32 *want;		/* references on each frame */
static u64 keel_at_start, tables;
static bool table_page[256];	/* pages of the table of domains that some domain has used */
static u8 pins[PAIR_OBJECTS][PAIR_REFS][2];

void *pair_copy(void *dst, const void *src, size_t n);
void __sanitizer_cov_trace_pc(void);

#define REQUIRE(c, fmt, ...) do { if (!(c)) pair_fail(fmt, ##__VA_ARGS__); } while (0)

static u64 keel_frames(void)
{
	u64 n = 0;

	for (mfn_t m = PAIR_FIRST_FRAME; m < max_mfn; m++)
		n += frame_table[m].owner == OWNER_KEEL;
	return n;
}

void pair_note_start(void)
{
	want = calloc(max_mfn, sizeof(*want));
	keel_at_start = keel_frames();
}

static unsigned int object_index(const struct domain *d)
{
	for (unsigned int i = 0; i < PAIR_OBJECTS; i++)
		if (pair_domains[i] && &pair_domains[i]->x.d == d)
			return i;
	pair_fail("a pointer to a domain that is gone");
}

/* A page of the table of domains is never freed. */
static void note_id(const struct domain *d)
{
	table_page[d->id / (PAGE_SIZE / sizeof(d))] = true;
}

/* --- Memory --- */

/* If a page is mapped by grant, its owner's grant entry must say that it is in use. */
static void check_grant_entry(struct domain *d, mfn_t mfn, bool writable)
{
	struct domain *owner = domain_find(mfn_to_page(mfn)->owner);
	struct grant_table *gt = owner ? owner->grant : NULL;

	for (grant_ref_t ref = 0; gt && ref < grant_refs(gt); ref++) {
		const struct grant_active *a = grant_active(gt, ref);

		if (a->mfn == mfn && a->grantee == d->id && (a->writers || (a->readers && !writable)))
			return;
	}
	pair_fail("d%u reaches frame %#lx of d%u, and no grant in use allows it", d->id, mfn,
		  mfn_to_page(mfn)->owner);
}

static void check_leaf(struct domain *d, gfn_t gfn, mfn_t mfn, enum p2m_type t, u64 n)
{
	for (u64 i = 0; i < n; i++) {
		struct page_info *pg = mfn_to_page(mfn + i);

		REQUIRE(mfn_valid(mfn + i), "d%u has frame %#lx at %#lx, which does not exist", d->id, mfn + i,
			gfn + i);
		REQUIRE(pg->ref, "d%u has frame %#lx at %#lx, which is free", d->id, mfn + i, gfn + i);
		if (t == P2M_RAM)
			REQUIRE(pg->owner == d->id && !(pg->flags & PGF_XEN_HEAP),
				"d%u has frame %#lx of d%u as its RAM at %#lx", d->id, mfn + i, pg->owner, gfn + i);
		if (t == P2M_SHARED)
			REQUIRE(pg->owner == d->id && pg->flags & PGF_XEN_HEAP, "d%u: a shared page is not", d->id);
		want[mfn + i]++;
	}
	if (t == P2M_GRANT_RW || t == P2M_GRANT_RO)
		check_grant_entry(d, mfn, t == P2M_GRANT_RW);
}

static void count_tree(struct domain *d, u64 *table, unsigned int level, gfn_t base)
{
	tables++;
	for (unsigned int i = 0; i < 512; i++) {
		u64 e = table[i];
		mfn_t mfn = (e & 0xffffffffff000ull) >> PAGE_SHIFT;
		gfn_t gfn = base | (gfn_t)i << 9 * (level - 1);

		if (!e)
			continue;
		if (level == 1 || e & 0x80)
			check_leaf(d, gfn, mfn, e >> 52 & 15, BIT(9 * (level - 1)));
		else
			count_tree(d, mfn_to_virt(mfn), level - 1, gfn);
	}
}

/* The mirror: the same frames, as far as devices may reach them. */
static void count_mirror(struct domain *d, u64 *table, unsigned int level, gfn_t base)
{
	tables++;
	for (unsigned int i = 0; i < 512; i++) {
		u64 e = table[i];
		mfn_t mfn = (e & 0xffffffffff000ull) >> PAGE_SHIFT;
		gfn_t gfn = base | (gfn_t)i << 9 * (level - 1);
		enum p2m_type t;

		if (!e)
			continue;
		if (e & 0xe00)
			count_mirror(d, mfn_to_virt(mfn), level - 1, gfn);
		else
			REQUIRE(p2m_get(d, gfn, &t, NULL) == mfn && iommu_caps.format.leaf[t] == (e & 0xe03),
				"a device of d%u reaches another frame at %#lx", d->id, gfn);
	}
}

static void count_p2m(struct domain *d)
{
	if (!d->p2m.arch.root)
		return;
	tables = 0;
	count_tree(d, d->p2m.arch.root, 4, 0);
	for (u64 i = 0; i < d->p2m.nr_rest; i++)	/* the rest of a superpage that is being freed */
		want[d->p2m.rest + i]++;
	if (d->p2m.arch.iommu_root)
		count_mirror(d, d->p2m.arch.iommu_root, iommu_caps.levels, 0);
	REQUIRE(tables == d->p2m.nr_tables, "d%u has %lu tables, and counts %lu", d->id, tables,
		d->p2m.nr_tables);
	pair_note_limits(); /* for a domain that no operation has reached so far */
	/*
	 * Each CPU may have compared with an old limit, and then exceed the new one by one table.
	 */
	REQUIRE(tables <= ((struct pair_domain *)d)->max_tables + pair->cfg.cpus,
		"d%u has %lu tables, of %lu that it may have", d->id, tables,
			((struct pair_domain *)d)->max_tables);
	REQUIRE(!d->p2m.nr_put && !d->p2m.need_flush, "d%u: changes of the p2m are not finished", d->id);
}

static u64 keel_pages_of(const struct domain *d)
{
	const struct grant_table *gt = d->grant;
	u64 n = pair_arch_pages(d) + d->p2m.nr_tables + (d->e820 ? 1 : 0);

	n += (d->evtchn.more[0] != NULL) + (d->evtchn.more[1] != NULL) + (d->evtchn.fifo != NULL);
	for (evtchn_port_t port = 0; port < EVTCHN_MAX_PORTS; port += EVTCHN_PER_PAGE)
		n += evtchn_lookup(&d->evtchn, port) != NULL;
	if (gt)
		n += BIT(gt->order) + gt->nr_frames + gt->nr_maptrack +
		     (gt->maptrack ? BIT(size_to_order(gt->max_maptrack * sizeof(*gt->maptrack))) : 0);
	return n;
}

static void count_shared(struct domain *d)
{
	if (d->shared_info)
		want[virt_to_mfn(d->shared_info)]++;
	for (unsigned int i = 0; d->grant && i < d->grant->nr_frames; i++)
		want[virt_to_mfn(d->grant->shared[i])]++;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i] && d->vcpu[i]->info_page)
			want[page_to_mfn(d->vcpu[i]->info_page)]++;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i] && d->vcpu[i]->fifo.control)
			want[virt_to_mfn(d->vcpu[i]->fifo.control)]++;
	for (unsigned int i = 0; d->evtchn.fifo && i < d->evtchn.fifo->nr_words; i++)
		want[virt_to_mfn(d->evtchn.fifo->words[i])]++;
}

static void check_frames(void)
{
	u64 free = 0, keel = 0, of[PAIR_OBJECTS] = { 0 }, claimed = 0, keel_wanted = keel_at_start;
	struct domain *d;

	for (unsigned int i = 0; i < ARRAY_SIZE(table_page); i++)
		keel_wanted += table_page[i];
	for (mfn_t m = PAIR_FIRST_FRAME; m < max_mfn; m++) {
		const struct page_info *pg = mfn_to_page(m);

		if (pg->owner == OWNER_FREE) {
			free++;
			REQUIRE(!pg->ref && !want[m], "frame %#lx is free, and used", m);
		} else if (pg->owner == OWNER_KEEL) {
			keel += !want[m];
			/*
			 * A page that was shared with a guest that is gone is freed when its last
			 * user drops it.
			 */
			REQUIRE(!want[m] || (pg->flags & PGF_XEN_HEAP && pg->ref == want[m]),
				"frame %#lx is Keel's own, and mapped", m);
		} else {
			REQUIRE(pg->ref == want[m], "frame %#lx of d%u has %u references, and %u are known", m,
				pg->owner, pg->ref, want[m]);
			d = domain_find(pg->owner);
			REQUIRE(d || pg->flags & PGF_XEN_HEAP, "frame %#lx belongs to d%u, which is gone", m, pg->owner);
			if (d)
				of[object_index(d)] += !(pg->flags & PGF_XEN_HEAP);
		}
	}
	REQUIRE(free == heap_free_pages(), "%lu frames are free, and %lu counted", free,
		heap_free_pages());
	for_each_object(d) {
		REQUIRE(of[_o] == d->tot_pages, "d%u owns %lu pages, and counts %lu", d->id, of[_o],
			d->tot_pages);
		claimed += d->claimed;
		keel_wanted += keel_pages_of(d);
	}
	REQUIRE(keel == keel_wanted, "%lu frames are Keel's, and %lu known", keel, keel_wanted);
	REQUIRE(claimed == heap_claimed_pages(), "%lu pages are claimed, and %lu counted", claimed,
		heap_claimed_pages());
}

/* --- Event channels --- */

static void check_port(struct domain *d, evtchn_port_t port, const struct evtchn *chn)
{
	const struct evtchn *other;
	struct vcpu *v;

	REQUIRE(!(chn->seq & 1), "d%u port %u is left in the middle of a change", d->id, port);
	switch (chn->state) {
	case EC_FREE:
		REQUIRE(port == 0 || !test_bit(port / EVTCHN_PER_PAGE, d->evtchn.full) ||
			port > d->evtchn.max_port, "d%u: port %u is free and never found", d->id, port);
		return;
	case EC_INTERDOMAIN:
		object_index(chn->remote);
		other = evtchn_lookup(&chn->remote->evtchn, chn->remote_port);
		REQUIRE(chn->remote->id == chn->remote_dom && other && other->state == EC_INTERDOMAIN &&
			other->remote == d && other->remote_port == port,
			"d%u port %u is connected to d%u port %u, and that one not to it", d->id, port, chn->remote_dom,
			chn->remote_port);
		break;
	case EC_VIRQ:
		v = domain_vcpu(d, chn->virq == VIRQ_TIMER || chn->virq == VIRQ_DEBUG ||
				chn->virq == VIRQ_XENOPROF || chn->virq == VIRQ_XENPMU ? chn->vcpu : 0);
		REQUIRE(v && v->virq_port[chn->virq] == port, "d%u port %u: its VIRQ is not bound there", d->id,
			port);
		break;
	}
	REQUIRE(d->state == DOMAIN_ALIVE || d->state == DOMAIN_DYING, "d%u is a zombie, with port %u",
		d->id, port);
	REQUIRE(domain_vcpu(d, chn->vcpu), "d%u port %u notifies vCPU %u, which is not there", d->id, port,
		chn->vcpu);
}

static void check_ports(struct domain *d)
{
	struct vcpu *v;

	for (evtchn_port_t port = 0; port < EVTCHN_MAX_PORTS; port += EVTCHN_PER_PAGE)
		for (unsigned int i = 0; evtchn_lookup(&d->evtchn, port) && i < EVTCHN_PER_PAGE; i++)
			check_port(d, port + i, evtchn_lookup(&d->evtchn, port + i));
	for_each_vcpu(d, v)
		for (unsigned int i = 0; i < MAX_VIRQS; i++) {
			const struct evtchn *chn = v->virq_port[i] ? evtchn_lookup(&d->evtchn, v->virq_port[i]) : NULL;

			REQUIRE(!v->virq_port[i] || (chn && chn->state == EC_VIRQ && chn->virq == i),
				"d%u VIRQ %u is bound to port %u, which is another's", d->id, i, v->virq_port[i]);
		}
}

/* --- Grants --- */

static void count_handles(struct domain *d)
{
	const struct grant_table *gt = d->grant;

	for (grant_handle_t h = 0; gt && h < gt->nr_maptrack * MAPTRACK_PER_FRAME; h++) {
		const struct maptrack *m = &gt->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME];
		struct domain *granter;

		REQUIRE(m->state != MT_BUSY, "d%u: handle %u is left busy", d->id, h);
		if (m->state != MT_USED)
			continue;
		granter = domain_find(m->granter);
		REQUIRE(granter && granter->grant && m->ref < grant_refs(granter->grant),
			"d%u: handle %u names reference %u of d%u, which is gone", d->id, h, m->ref, m->granter);
		REQUIRE(grant_active(granter->grant, m->ref)->grantee == d->id,
			"d%u: handle %u is of another's grant", d->id, h);
		if (m->ref < PAIR_REFS)
			pins[object_index(granter)][m->ref][!m->readonly]++;
	}
}

/*
 * False if the guest has written something else there, by mistake or not: then the flags that Keel
 * set may be lost.
 */
static bool is_as_written(const struct domain *d, grant_ref_t ref, struct grant_entry_v1 e)
{
	const u64 *written = ((const struct pair_domain *)d)->written;

	e.flags &= (u16)~(GTF_reading | GTF_writing);
	return pair->cfg.honest && written[ref] && memcmp(&written[ref], &e, sizeof(e)) == 0;
}

static void check_grants(struct domain *d, unsigned int index)
{
	const struct grant_table *gt = d->grant;

	for (grant_ref_t ref = 0; gt && ref < min(grant_refs(gt), (u32)PAIR_REFS); ref++) {
		const struct grant_active *a = grant_active(gt, ref);
		struct grant_entry_v1 e = *grant_entry(gt, ref);

		REQUIRE(a->readers == pins[index][ref][0] && a->writers == pins[index][ref][1],
			"d%u: reference %u has %u readers and %u writers, and %u and %u are known", d->id, ref,
				a->readers,
			a->writers, pins[index][ref][0], pins[index][ref][1]);
		if (is_as_written(d, ref, e))
			REQUIRE(!!(e.flags & GTF_writing) == !!a->writers &&
				!!(e.flags & GTF_reading) == (a->writers || a->readers),
				"d%u: reference %u says %#x, with %u readers and %u writers", d->id, ref, e.flags, a->readers,
				a->writers);
		if (!a->readers && !a->writers)
			continue;
		want[a->mfn]++;
		REQUIRE(mfn_to_page(a->mfn)->owner == d->id, "d%u grants frame %#x of d%u", d->id, a->mfn,
			mfn_to_page(a->mfn)->owner);
	}
}

/* --- Life --- */

static void check_vcpu(struct vcpu *v)
{
	struct domain *d = v->domain;
	bool curr = false;

	for (unsigned int i = 0; i < pair->cfg.cpus; i++)
		curr |= pcpus[i]->curr == v;
	REQUIRE(curr == v->sched.running && curr == !!pair_vcpu(v)->loaded_on,
		"d%u vCPU %u: running %u, loaded %u", d->id, v->id, v->sched.running, curr);
	REQUIRE(!curr || vcpu_runnable(v), "d%u vCPU %u runs, and may not", d->id, v->id);
	REQUIRE(curr || !vcpu_runnable(v) || v->sched.queued || v->sched.parked,
		"d%u vCPU %u could run, and waits nowhere", d->id, v->id);
	REQUIRE(!v->sched.queued || vcpu_runnable(v), "d%u vCPU %u waits to run, and may not", d->id,
		v->id);
}

static void check_life(struct domain *d)
{
	struct vcpu *v;

	note_id(d);
	REQUIRE(domain_find(d->id) == d, "d%u is not freed, and cannot be found", d->id);
	REQUIRE(d->pause_count == d->controller_pauses + d->shutting_down + (d->state != DOMAIN_ALIVE),
		"d%u is paused %u times, %u by controllers", d->id, d->pause_count, d->controller_pauses);
	for_each_vcpu(d, v)
		check_vcpu(v);
}

void pair_check_all(void)
{
	struct domain *d;

	memset(want, 0, max_mfn * sizeof(*want));
	for_each_object(d) {
		if (d->grant)
			memset(pins[_o], 0, sizeof(pins[_o]));
		check_life(d);
	}
	for_each_object(d)
		count_handles(d);
	for_each_object(d) {
		count_p2m(d);
		count_shared(d);
		check_grants(d, _o);
		check_ports(d);
	}
	check_frames();
	if (pair->over)
		pair_check_end();
}

/* Does a control domain have a foreign mapping of the frame? */
static bool maps_foreign(const u64 *table, unsigned int level, mfn_t mfn)
{
	for (unsigned int i = 0; i < 512; i++) {
		mfn_t m = (table[i] & 0xffffffffff000ull) >> PAGE_SHIFT;

		if (!table[i])
			continue;
		if (level == 1 ? m == mfn && (table[i] >> 52 & 15) == P2M_FOREIGN :
		    !(table[i] & 0x80) && maps_foreign(mfn_to_virt(m), level - 1, mfn))
			return true;
	}
	return false;
}

/*
 * GNTTABOP_copy may access another domain's page only while the owner's grant entry says so.
 * Control domains may do more.
 */
static void check_access(struct domain *d, const void *p, bool write)
{
	struct page_info *pg = virt_to_page(p);

	if (pg->owner != d->id && !(pg->flags & PGF_XEN_HEAP) && !d->control &&
	    !maps_foreign(d->p2m.arch.root, 4, page_to_mfn(pg)))
		check_grant_entry(d, page_to_mfn(pg), write);
}

/* A copy in the sources. Other CPUs may run before it. */
void *pair_copy(void *dst, const void *src, size_t n)
{
	struct domain *d = current->domain;

	__sanitizer_cov_trace_pc();
	if (n)
		PAIR_ATOMIC(check_access(d, dst, true); check_access(d, src, false));
	return memmove(dst, src, n);
}

/* d is being freed: nothing may refer to it any more. */
void pair_check_freed(struct domain *d)
{
	struct domain *o;

	note_id(d);
	for (unsigned int i = 0; i < pair->cfg.cpus; i++)
		REQUIRE(pcpus[i]->curr->idle || pcpus[i]->curr->domain != d, "d%u is freed, and runs", d->id);
	for_each_object(o) {
		if (domain_find(o->id) != o) /* that domain is being freed, too */
			continue;
		for (evtchn_port_t port = 0; port < EVTCHN_MAX_PORTS; port += EVTCHN_PER_PAGE)
			for (unsigned int i = 0; evtchn_lookup(&o->evtchn, port) && i < EVTCHN_PER_PAGE; i++) {
				const struct evtchn *chn = evtchn_lookup(&o->evtchn, port + i);

				REQUIRE(chn->state != EC_INTERDOMAIN || chn->remote != d,
					"d%u is freed, and port %u of d%u points to it", d->id, port + i, o->id);
			}
	}
}

void pair_check_end(void)
{
	struct domain *d;

	for_each_object(d)
		REQUIRE(d->hardware, "d%u was destroyed, and never goes", d->id);
	pair->ended = true;
	pair_stop();
}

/*
 * Notes the most tables that each domain may have: its limit, or what it had when the limit was
 * lowered.
 */
void pair_note_limits(void)
{
	struct domain *d;

	for_each_object(d) {
		struct pair_domain *p = (struct pair_domain *)d;

		p->max_tables = max(p2m_max_tables(d), min(p->max_tables, d->p2m.nr_tables));
	}
}

/* Results that no operation may return. */
void pair_check_result(struct vcpu *v, const struct pair_op *op, long rc)
{
	const struct xen_domctl *c = (const void *)op->data;

	REQUIRE(rc != -ERESTART, "hypercall %u answers -ERESTART", op->nr);
	if (op->nr != __HYPERVISOR_domctl || op->len < sizeof(*c) || c->cmd != XEN_DOMCTL_destroydomain)
		return;
	REQUIRE(rc != -ENOMEM, "destroying a domain takes memory");
	if (op->last)
		REQUIRE(rc == 0 || rc == -ESRCH, "destroying a domain fails at the end: %ld", rc);
}
