/* SPDX-License-Identifier: GPL-2.0-only */
/* The physical-to-machine map: nested page tables of either vendor's format. */
#include "common/p2m.h"

#include "arch/x86/p2m_format.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"
#include <public/errno.h>

/* Bits 52..55 are ignored by both vendors' hardware: they hold the type (APM vol. 2, 5.3.3; SDM vol. 3, table 29-6). */
#define P2M_TYPE_SHIFT 52
#define P2M_ADDR 0x000ffffffffff000ull
#define LEVELS 4

const struct p2m_format *p2m_format;
gfn_t p2m_gfn_limit = BIT(36);

static enum p2m_type entry_type(u64 e)
{
	return e >> P2M_TYPE_SHIFT & 15;
}

static bool entry_is_leaf(u64 e, unsigned int level)
{
	return level == 1 || e & p2m_format->superpage;
}

static mfn_t entry_mfn(u64 e)
{
	return (e & P2M_ADDR) >> PAGE_SHIFT;
}

static u64 make_leaf(mfn_t mfn, unsigned int level, enum p2m_type t)
{
	return mfn << PAGE_SHIFT | p2m_format->leaf[t] | (u64)t << P2M_TYPE_SHIFT |
	       (level > 1 ? p2m_format->superpage : 0);
}

static unsigned int level_shift(unsigned int level)
{
	return 9 * (level - 1);
}

static u64 *slot_of(u64 *table, gfn_t gfn, unsigned int level)
{
	return &table[gfn >> level_shift(level) & 511];
}

void p2m_write_lock(struct p2m *p)
{
	write_lock(&p->lock);
}

/* Drops the references that removed entries held: only after a flush. */
static void drop_references(struct p2m *p)
{
	for (unsigned int i = 0; i < p->nr_put; i++) {
		mfn_t mfn = p->put[i] >> 6;
		unsigned int order = p->put[i] & 63;

		for (u64 j = 0; j < BIT(order); j++)
			put_page(mfn_to_page(mfn + j));
	}
	p->nr_put = 0;
}

static void flush_and_drop(struct domain *d)
{
	struct p2m *p = &d->p2m;

	if (p->need_flush) {
		p->need_flush = false;
		p2m_flush(d);
	}
	drop_references(p);
}

void p2m_write_unlock(struct domain *d)
{
	flush_and_drop(d);
	write_unlock(&d->p2m.lock);
}

void p2m_flush(struct domain *d)
{
	struct p2m *p = &d->p2m;
	cpumask_t mask;

	/* vCPUs that are not loaded anywhere take a new tag when they see the new generation. */
	__atomic_fetch_add(&p->generation, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < ARRAY_SIZE(mask.bits); i++) {
		mask.bits[i] = __atomic_load_n(&p->dirty.bits[i], __ATOMIC_SEQ_CST);
		for (u64 m = mask.bits[i]; m; m &= m - 1)
			pcpu_kick(pcpus[i * 64 + ffs64(m)], WORK_TLB);
	}
	pcpu_wait_exit(&mask);
}

static void put_later(struct domain *d, mfn_t mfn, unsigned int order)
{
	struct p2m *p = &d->p2m;

	if (p->nr_put == P2M_BATCH)
		flush_and_drop(d);
	p->put[p->nr_put++] = mfn << 6 | order;
}

/* Everything that an entry led to goes once nobody can reach it any more. */
static void release_entry(struct domain *d, u64 e, unsigned int level)
{
	if (!e)
		return;
	d->p2m.need_flush = true;
	if (entry_is_leaf(e, level)) {
		if (p2m_has_ref(entry_type(e)))
			put_later(d, entry_mfn(e), level_shift(level));
		return;
	}
	u64 *table = mfn_to_virt(entry_mfn(e));

	for (unsigned int i = 0; i < 512; i++)
		release_entry(d, table[i], level - 1);
	d->p2m.nr_tables--;
	put_later(d, entry_mfn(e), 0);
}

/* A table in place of a hole or of a superpage (then with the same contents). NULL: no memory. */
static u64 *make_table(struct domain *d, u64 *slot, unsigned int level)
{
	u64 *table = alloc_page(), old = *slot;

	if (!table)
		return NULL;
	if (old) {
		u64 step = BIT(level_shift(level - 1));

		for (unsigned int i = 0; i < 512; i++)
			table[i] = make_leaf(entry_mfn(old) + i * step, level - 1, entry_type(old));
		d->p2m.need_flush = true;
	}
	d->p2m.nr_tables++;
	WRITE_ONCE(*slot, virt_to_mfn(table) << PAGE_SHIFT | p2m_format->table);
	return table;
}

int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	struct p2m *p = &d->p2m;
	unsigned int target = 1 + order / 9;
	u64 *table = p->root, *slot, old;

	if (gfn >= p2m_gfn_limit || p2m_gfn_limit - gfn < BIT(order) || !IS_ALIGNED(gfn, BIT(order)) ||
	    (t != P2M_HOLE && !IS_ALIGNED(mfn, BIT(order))) || order % 9 || order > 18)
		return -EINVAL;
	if (order == 18 && !p2m_format->gb_pages) {
		int rc = 0;

		for (u64 i = 0; i < 512 && !rc; i++)
			rc = p2m_set(d, gfn + (i << 9), t == P2M_HOLE ? mfn : mfn + (i << 9), 9, t);
		return rc;
	}
	for (unsigned int level = LEVELS; level > target; level--) {
		slot = slot_of(table, gfn, level);
		if (*slot && !entry_is_leaf(*slot, level)) {
			table = mfn_to_virt(entry_mfn(*slot));
			continue;
		}
		if (!*slot && t == P2M_HOLE)
			return 0;
		table = make_table(d, slot, level);
		if (!table)
			return -ENOMEM;
	}
	slot = slot_of(table, gfn, target);
	old = *slot;
	WRITE_ONCE(*slot, t == P2M_HOLE ? 0 : make_leaf(mfn, target, t));
	release_entry(d, old, target);
	if (t != P2M_HOLE && gfn + BIT(order) - 1 > p->max_gfn)
		p->max_gfn = gfn + BIT(order) - 1;
	return 0;
}

mfn_t p2m_get(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order)
{
	u64 *table = d->p2m.root;

	if (unlikely(gfn >= p2m_gfn_limit))
		goto hole;
	for (unsigned int level = LEVELS; level > 0; level--) {
		u64 e = READ_ONCE(*slot_of(table, gfn, level));

		if (!e)
			break;
		if (entry_is_leaf(e, level)) {
			*t = entry_type(e);
			if (order)
				*order = level_shift(level);
			return entry_mfn(e) + (gfn & (BIT(level_shift(level)) - 1));
		}
		table = mfn_to_virt(entry_mfn(e));
	}
hole:
	*t = P2M_HOLE;
	if (order)
		*order = 0;
	return INVALID_MFN;
}

struct page_info *p2m_get_page(struct domain *d, gfn_t gfn, enum p2m_type *t)
{
	struct page_info *pg = NULL;
	enum p2m_type type;
	mfn_t mfn;

	p2m_read_lock(&d->p2m);
	mfn = p2m_get(d, gfn, &type, NULL);
	if (p2m_is_readable(type) && get_page(mfn_to_page(mfn), OWNER_NONE))
		pg = mfn_to_page(mfn);
	p2m_read_unlock(&d->p2m);
	if (t)
		*t = type;
	return pg;
}

int p2m_init(struct domain *d)
{
	rwlock_init(&d->p2m.lock, RANK_P2M);
	d->p2m.root = alloc_page();
	if (!d->p2m.root)
		return -ENOMEM;
	d->p2m.nr_tables = 1;
	return 0;
}

/* The first gfn >= gfn that may be mapped: skips what the upper tables say is empty. */
static gfn_t next_mapped(struct domain *d, gfn_t gfn, unsigned int *order)
{
	while (gfn <= d->p2m.max_gfn) {
		u64 *table = d->p2m.root, e = 0;
		unsigned int level = LEVELS;

		for (;; level--) {
			e = *slot_of(table, gfn, level);
			if (!e || entry_is_leaf(e, level))
				break;
			table = mfn_to_virt(entry_mfn(e));
		}
		*order = level_shift(level);
		if (e)
			return gfn;
		gfn = (gfn | (BIT(*order) - 1)) + 1;
	}
	return INVALID_GFN;
}

int p2m_teardown_step(struct domain *d)
{
	int rc = 0;

	p2m_write_lock(&d->p2m);
	for (unsigned int budget = 0; budget < 512;) {
		unsigned int order;
		gfn_t gfn = next_mapped(d, d->destroy_next_gfn, &order);

		if (gfn == INVALID_GFN)
			goto out;
		if (order > 9)
			order = 9; /* p2m_set splits it: a gigabyte is too much for one step */
		gfn &= ~(BIT(order) - 1);
		rc = p2m_set(d, gfn, INVALID_MFN, order, P2M_HOLE);
		if (rc)
			break;
		d->destroy_next_gfn = gfn + BIT(order);
		budget += BIT(order);
	}
	rc = rc ?: -ERESTART;
out:
	p2m_write_unlock(d);
	return rc;
}

void p2m_free(struct domain *d)
{
	struct p2m *p = &d->p2m;

	if (!p->root)
		return;
	for (unsigned int i = 0; i < 512; i++)
		release_entry(d, p->root[i], LEVELS);
	p->need_flush = false; /* no vCPU is left that could have translations */
	drop_references(p);
	free_page(p->root);
	p->root = NULL;
}
