/* SPDX-License-Identifier: GPL-2.0-only */
/* The physical-to-machine map: nested page tables of either vendor's format. */
#include "common/p2m.h"

#include "arch/x86/cpu.h"
#include "arch/x86/iommu/iommu.h"
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

/* A domain has up to two trees of tables that say the same: its CPUs' nested one, and an IOMMU's. */
struct tree {
	const struct p2m_format *format;
	u64 *root;
	unsigned int levels;
};

static struct tree nested_tree(const struct domain *d)
{
	return (struct tree){ p2m_format, d->p2m.root, LEVELS };
}

static struct tree mirror_tree(const struct domain *d)
{
	return (struct tree){ &iommu_caps.format, d->p2m.iommu_root, iommu_caps.levels };
}

static enum p2m_type entry_type(u64 e)
{
	return e >> P2M_TYPE_SHIFT & 15;
}

static bool entry_is_leaf(const struct p2m_format *f, u64 e, unsigned int level)
{
	return level == 1 || (e & f->superpage_mask) == f->superpage;
}

static mfn_t entry_mfn(u64 e)
{
	return (e & P2M_ADDR) >> PAGE_SHIFT;
}

static u64 make_leaf(const struct p2m_format *f, mfn_t mfn, unsigned int level, enum p2m_type t)
{
	if (!f->leaf[t])
		return 0;
	return mfn << PAGE_SHIFT | f->leaf[t] | (f->types ? (u64)t << P2M_TYPE_SHIFT : 0) |
	       (level > 1 ? f->superpage : 0);
}

/*
 * What makes a slot of each level a hole that reads as ones: a page of them, and tables full of such entries, for
 * the slots above. All domains share them, so that no guest pays or takes memory for looking at nothing.
 */
static u64 ones[LEVELS];

static bool is_hole(u64 e)
{
	return !e || entry_type(e) == P2M_ONES;
}

static unsigned int level_shift(unsigned int level)
{
	return 9 * (level - 1);
}

static u64 *slot_of(u64 *table, gfn_t gfn, unsigned int level)
{
	return &table[gfn >> level_shift(level) & 511];
}

static void write_entry(const struct p2m_format *f, u64 *slot, u64 e)
{
	WRITE_ONCE(*slot, e);
	if (unlikely(f->noncoherent))
		clflush(slot);
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
		if (p->iommu_root)
			iommu_flush(d);
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

/* Everything that an entry led to goes once nobody can reach it any more. Leaves of the mirror hold no references. */
static void release_entry(struct domain *d, const struct p2m_format *f, u64 e, unsigned int level)
{
	if (!e)
		return;
	d->p2m.need_flush = true;
	if (is_hole(e))
		return;
	if (entry_is_leaf(f, e, level)) {
		if (f->types && p2m_has_ref(entry_type(e)))
			put_later(d, entry_mfn(e), level_shift(level));
		return;
	}
	u64 *table = mfn_to_virt(entry_mfn(e));

	for (unsigned int i = 0; i < 512; i++)
		release_entry(d, f, table[i], level - 1);
	d->p2m.nr_tables--;
	put_later(d, entry_mfn(e), 0);
}

/* A table in place of a hole or of a superpage (then with the same contents). NULL: no memory. */
static u64 *make_table(struct domain *d, const struct p2m_format *f, u64 *slot, unsigned int level)
{
	u64 *table = alloc_page(), old = *slot;

	if (!table)
		return NULL;
	if (!is_hole(old)) {
		u64 step = BIT(level_shift(level - 1)) << PAGE_SHIFT, e = old;

		if (level == 2)
			e &= ~f->superpage;
		for (unsigned int i = 0; i < 512; i++)
			table[i] = e + i * step;
	}
	if (old)
		d->p2m.need_flush = true;
	if (unlikely(f->noncoherent))
		for (unsigned int i = 0; i < 512; i += 8)
			clflush(&table[i]);
	d->p2m.nr_tables++;
	write_entry(f, slot, virt_to_mfn(table) << PAGE_SHIFT | f->table | f->table_level * (level - 1));
	return table;
}

/*
 * The entry of level target for gfn, with the tables on the way to it; NULL, if there are none and
 * make is false. 0 or -ENOMEM.
 */
static int find_slot(struct domain *d, const struct tree *tree, gfn_t gfn, unsigned int target, bool make, u64 **found)
{
	u64 *table = tree->root;

	*found = NULL;
	for (unsigned int level = tree->levels; level > target; level--) {
		u64 *slot = slot_of(table, gfn, level);

		if (!is_hole(*slot) && !entry_is_leaf(tree->format, *slot, level)) {
			table = mfn_to_virt(entry_mfn(*slot));
			continue;
		}
		if (is_hole(*slot) && !make)
			return 0;
		table = make_table(d, tree->format, slot, level);
		if (!table)
			return -ENOMEM;
	}
	*found = slot_of(table, gfn, target);
	return 0;
}

static void replace(struct domain *d, const struct p2m_format *f, u64 *slot, u64 e, unsigned int level)
{
	u64 old = *slot;

	if (!old && !e)
		return;
	write_entry(f, slot, e);
	release_entry(d, f, old, level);
}

/*
 * The mirror of 2^order frames: commit false finds or makes the tables that it takes, and changes
 * nothing that can be seen; true cannot fail after that. What the IOMMU cannot translate stays out.
 */
static int mirror_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t, bool commit)
{
	struct tree tree = mirror_tree(d);
	unsigned int step = min(order, tree.format->max_order), level = 1 + step / 9;
	u64 *slot;

	if (!tree.root || gfn >> 9 * tree.levels)
		return 0;
	for (u64 i = 0; i < BIT(order); i += BIT(step)) {
		int rc = find_slot(d, &tree, gfn + i, level, tree.format->leaf[t], &slot);

		if (rc)
			return rc;
		if (!commit || !slot)
			continue;
		if (iommu_caps.caches_holes)
			d->p2m.need_flush = true;
		replace(d, tree.format, slot, make_leaf(tree.format, mfn + i, level, t), level);
	}
	return 0;
}

int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	struct p2m *p = &d->p2m;
	struct tree tree = nested_tree(d);
	unsigned int target = 1 + order / 9;
	u64 *slot;
	int rc;

	if (gfn >= p2m_gfn_limit || p2m_gfn_limit - gfn < BIT(order) || !IS_ALIGNED(gfn, BIT(order)) ||
	    (t != P2M_HOLE && !IS_ALIGNED(mfn, BIT(order))) || order % 9 || order > 18)
		return -EINVAL;
	/* For all of it before any of it is changed: the parts find their tables there. */
	rc = p->iommu_root ? mirror_set(d, gfn, mfn, order, t, false) : 0;
	if (rc)
		return rc;
	if (order > p2m_format->max_order) {
		for (u64 i = 0; i < 512 && !rc; i++)
			rc = p2m_set(d, gfn + (i << 9), t == P2M_HOLE ? mfn : mfn + (i << 9), 9, t);
		return rc;
	}
	rc = find_slot(d, &tree, gfn, target, t != P2M_HOLE, &slot);
	if (rc || !slot)
		return rc;
	/* The mirror first: when a full batch makes the other one flush, no device may reach what it drops. */
	if (p->iommu_root)
		mirror_set(d, gfn, mfn, order, t, true);
	t = min_t(enum p2m_type, t, P2M_RESERVED);	/* what devices may do there is no matter of the CPUs' */
	replace(d, p2m_format, slot, make_leaf(p2m_format, mfn, target, t), target);
	if (t != P2M_HOLE && gfn + BIT(order) - 1 > p->max_gfn)
		p->max_gfn = gfn + BIT(order) - 1;
	return 0;
}

int p2m_split(struct domain *d, gfn_t gfn)
{
	struct tree nested = nested_tree(d), mirror = mirror_tree(d);
	u64 *slot;
	int rc = find_slot(d, &nested, gfn, 1, false, &slot);

	if (!rc && mirror.root && !(gfn >> 9 * mirror.levels))
		rc = find_slot(d, &mirror, gfn, 1, false, &slot);
	return rc;
}

mfn_t p2m_get(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order)
{
	u64 *table = d->p2m.root;

	if (unlikely(gfn >= p2m_gfn_limit))
		goto hole;
	for (unsigned int level = LEVELS; level > 0; level--) {
		u64 e = READ_ONCE(*slot_of(table, gfn, level));

		if (is_hole(e))
			break;
		if (entry_is_leaf(p2m_format, e, level)) {
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

int p2m_show_ones(struct domain *d, gfn_t gfn, gfn_t but)
{
	u64 *table = d->p2m.root;

	if (gfn >> 9 * LEVELS || !ones[0])
		return -EINVAL;
	for (unsigned int level = LEVELS;; level--) {
		u64 *slot = slot_of(table, gfn, level);
		bool whole = level == 1 || (!d->hardware && gfn >> level_shift(level) != but >> level_shift(level));

		if (is_hole(*slot) && whole) {
			write_entry(p2m_format, slot, ones[level - 1]);
			return 0;
		}
		if (!is_hole(*slot) && entry_is_leaf(p2m_format, *slot, level))
			return 0; /* since then */
		table = is_hole(*slot) ? make_table(d, p2m_format, slot, level) : mfn_to_virt(entry_mfn(*slot));
		if (!table)
			return -ENOMEM;
	}
}

/* Once, at boot. */
static int make_ones(void)
{
	for (unsigned int level = 0; level < LEVELS; level++) {
		u64 *page = alloc_page();

		if (!page)
			return -ENOMEM;
		for (unsigned int i = 0; i < 512; i++)
			page[i] = level ? ones[level - 1] : ~0ull;
		ones[level] = level ? virt_to_mfn(page) << PAGE_SHIFT | p2m_format->table | (u64)P2M_ONES << P2M_TYPE_SHIFT :
				      make_leaf(p2m_format, virt_to_mfn(page), 1, P2M_ONES);
	}
	return 0;
}

struct page_info *p2m_get_page(struct domain *d, gfn_t gfn, enum p2m_type *t)
{
	struct page_info *pg = NULL;
	enum p2m_type type;
	mfn_t mfn;

	p2m_read_lock(&d->p2m);
	mfn = p2m_get(d, gfn, &type, NULL);
	if ((type == P2M_RAM || type == P2M_SHARED) && get_page(mfn_to_page(mfn), OWNER_NONE))
		pg = mfn_to_page(mfn);
	p2m_read_unlock(&d->p2m);
	if (t)
		*t = type;
	return pg;
}

int p2m_init(struct domain *d)
{
	rwlock_init(&d->p2m.lock, RANK_P2M);
	if (p2m_format->leaf[P2M_ONES] && !ones[LEVELS - 1] && make_ones())
		return -ENOMEM;
	d->p2m.root = alloc_page();
	if (!d->p2m.root)
		return -ENOMEM;
	d->p2m.nr_tables = 1;
	if (!d->hardware || !iommu_on())
		return 0;
	if (d->id + 1u >= iommu_caps.nr_ids)
		return -ENOSPC;
	d->p2m.iommu_id = d->id + 1;
	d->p2m.iommu_root = alloc_page();
	if (!d->p2m.iommu_root)
		return -ENOMEM;
	d->p2m.nr_tables++;
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
			if (is_hole(e) || entry_is_leaf(p2m_format, e, level))
				break;
			table = mfn_to_virt(entry_mfn(e));
		}
		*order = level_shift(level);
		if (!is_hole(e))
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
		release_entry(d, p2m_format, p->root[i], LEVELS);
	for (unsigned int i = 0; p->iommu_root && i < 512; i++)
		release_entry(d, &iommu_caps.format, p->iommu_root[i], iommu_caps.levels);
	p->need_flush = false; /* no vCPU and no device is left that could have translations */
	drop_references(p);
	if (p->iommu_root)
		free_page(p->iommu_root);
	free_page(p->root);
	p->root = p->iommu_root = NULL;
}
