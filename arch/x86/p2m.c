/* SPDX-License-Identifier: GPL-2.0-only */
/* The physical-to-machine map: nested page tables of either vendor's format. */
#include "common/p2m.h"

#include "arch/x86/cpu.h"
#include "arch/x86/iommu/iommu.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"
#include <public/domctl.h>
#include <public/errno.h>

const struct p2m_format *p2m_format;
gfn_t p2m_gfn_limit = BIT(36);

/*
 * The default limit of a domain's tables: those for its RAM, some for a few other places, and some
 * for its grant mappings.
 */
#define TABLES_BASE 256
#define TABLES_DEVICES BIT(17)	/* for the domain that drives devices: 256 GiB of their memory */

/* About how many instructions a step of the teardown may take, and how many its parts take. */
#define TEARDOWN_BUDGET 6000
#define COST_SLOT 8
#define COST_TABLE 150
#define COST_FRAME 300
#define COST_SUPERPAGE 10000
#define NO_REGION (~0ull)

/* A domain has up to two equivalent trees of tables: the nested one of its CPUs, and an IOMMU's. */
struct tree {
	const struct p2m_format *format;
	u64 *root;
	unsigned int levels;
	struct p2m_hint *hint;
};

static struct tree nested_tree(struct domain *d)
{
	return (struct tree){ p2m_format, d->p2m.arch.root, P2M_LEVELS, &d->p2m.arch.hint[0] };
}

static struct tree mirror_tree(struct domain *d)
{
	return (struct tree){ &iommu_caps.format, d->p2m.arch.iommu_root, iommu_caps.levels,
			      &d->p2m.arch.hint[1] };
}

static bool entry_is_leaf(const struct p2m_format *f, u64 e, unsigned int level)
{
	return level == 1 || (e & f->superpage_mask) == f->superpage;
}

static mfn_t entry_mfn(u64 e) { return (e & P2M_ADDR) >> PAGE_SHIFT; }

bool p2m_large_noexec;

static u64 make_leaf(const struct p2m_format *f, mfn_t mfn, unsigned int level, u64 bits)
{
	if (level > 1 && bits)
		bits = (p2m_large_noexec ? bits & ~f->exec : bits) | f->superpage;
	return bits ? mfn << PAGE_SHIFT | bits : 0;
}

/* Of a nested entry: the vendor's bits, and the type. */
#define NESTED_BITS(t) (p2m_format->leaf[t] ? p2m_format->leaf[t] | (u64)(t) << P2M_TYPE_SHIFT : 0)

/*
 * What makes a slot of each level a hole that reads as ones: a page of them, and tables full of
 * such entries, for the slots above. All domains share them, so that no guest pays or takes memory
 * for looking at nothing.
 */
static u64 ones[P2M_LEVELS];

static bool is_hole(u64 e) { return !e || p2m_entry_type(e) == P2M_ONES; }

static unsigned int level_shift(unsigned int level) { return 9 * (level - 1); }

static u64 *slot_of(u64 *table, gfn_t gfn, unsigned int level)
{
	return &table[gfn >> level_shift(level) & 511];
}

static u64 *table_of(u64 e) { return mfn_to_virt(entry_mfn(e)); }

/* How many entries of a table are in use. */
static u32 *used(const u64 *table) { return &virt_to_page(table)->entries; }

static void write_entry(const struct p2m_format *f, u64 *slot, u64 e)
{
	*used(slot) += is_hole(*slot) - is_hole(e);
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
	for (unsigned int i = 0; i < p->nr_put; i++)
		put_pages(mfn_to_page(p->put[i] >> 6), p->put[i] & 63);
	p->nr_put = 0;
}

static void flush_and_drop(struct domain *d)
{
	struct p2m *p = &d->p2m;

	if (p->need_flush) {
		p->need_flush = false;
		p2m_flush(d);
		if (p->arch.stale_end) {
			iommu_flush(d);
			p->arch.stale_end = 0;
		}
	}
	drop_references(p);
}

void p2m_write_unlock(struct domain *d)
{
	flush_and_drop(d);
	write_unlock(&d->p2m.lock);
}

void p2m_write_relax(struct domain *d)
{
	write_unlock(&d->p2m.lock);
	irq_window();
	write_lock(&d->p2m.lock);
}

void p2m_flush(struct domain *d)
{
	struct p2m *p = &d->p2m;
	cpumask_t mask;

	/* vCPUs that are not loaded anywhere take a new tag when they see the new generation. */
	__atomic_fetch_add(&p->generation, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i * 64 < nr_cpus; i++) {
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

/*
 * Releases what an entry led to, once nobody can reach it any more: a table is empty by then.
 * Leaves of the mirror hold no references.
 */
static void release_entry(struct domain *d, const struct tree *tree, u64 e, unsigned int level)
{
	if (!e)
		return;
	d->p2m.need_flush = true;
	if (is_hole(e))
		return;
	if (!entry_is_leaf(tree->format, e, level)) {
		d->p2m.nr_tables--;
		tree->hint->table = NULL;
		put_later(d, entry_mfn(e), 0);
	} else if (tree->format->types && p2m_has_ref(p2m_entry_type(e))) {
		put_later(d, entry_mfn(e), level_shift(level));
	}
}

static void replace(struct domain *d, const struct tree *tree, u64 *slot, u64 e, unsigned int level)
{
	u64 old = *slot;

	if (!old && !e)
		return;
	write_entry(tree->format, slot, e);
	release_entry(d, tree, old, level);
}

/* Removes empty tables, from the one of this level that contains gfn upwards. Allocates nothing. */
static void prune(struct domain *d, const struct tree *tree, gfn_t gfn, unsigned int level)
{
	for (; level < tree->levels; level++) {
		u64 *table = tree->root, *slot = NULL;

		for (unsigned int l = tree->levels; l > level; l--) {
			slot = slot_of(table, gfn, l);
			if (is_hole(*slot) || entry_is_leaf(tree->format, *slot, l))
				break;
			table = table_of(*slot);
			if (l == level + 1 && *used(table))
				return;
		}
		if (is_hole(*slot) || entry_is_leaf(tree->format, *slot, level + 1))
			continue;
		if (!tree->format->types)
			iommu_make_stale(&d->p2m, gfn, level_shift(level + 1));
		replace(d, tree, slot, 0, level + 1);
	}
}

/*
 * An entry was removed. The last table of 4 KiB entries that became empty stays until another one
 * does, so that a page that comes and goes does not cost a table each time.
 */
static void entry_went(struct domain *d, const struct tree *tree, u64 *slot, gfn_t gfn,
		       unsigned int level)
{
	gfn_t kept = tree->hint->empty;

	if (*used(slot))
		return;
	if (level > 1) {
		prune(d, tree, gfn, level);
	} else if (kept != gfn >> 9) {
		tree->hint->empty = gfn >> 9;
		if (kept != NO_REGION)
			prune(d, tree, kept << 9, 1);
	}
}

u64 p2m_max_tables(const struct domain *d)
{
	u64 n = READ_ONCE(d->paging_mempool) >> PAGE_SHIFT;

	if (n)
		return n;
	n = TABLES_BASE + min(READ_ONCE(d->max_pages), heap_total_pages()) / 256 +
	    d->max_maptrack_frames / 2;
	if (d->hardware)
		n += TABLES_DEVICES;
	return d->p2m.arch.iommu_root ? 2 * n : n;
}

/*
 * A table in place of a hole or of a superpage (then with the same contents). NULL: no memory, or
 * the domain's limit.
 */
static u64 *make_table(struct domain *d, const struct p2m_format *f, u64 *slot, gfn_t gfn,
		       unsigned int level)
{
	u64 *table, old = *slot;

	table = d->p2m.nr_tables < p2m_max_tables(d) ? alloc_pages_near(d->home, 0) : NULL;
	if (!table)
		return NULL;
	*used(table) = is_hole(old) ? 0 : 512;
	if (!is_hole(old)) {
		u64 step = BIT(level_shift(level - 1)) << PAGE_SHIFT, e = old;

		if (level == 2)
			e = (e & ~f->superpage) | (p2m_format->leaf[p2m_entry_type(e)] & f->exec);
		for (unsigned int i = 0; i < 512; i++)
			table[i] = e + i * step;
	}
	if (old && f->types)
		d->p2m.need_flush = true;
	else if (old)
		iommu_make_stale(&d->p2m, gfn, level_shift(level));
	if (unlikely(f->noncoherent))
		for (unsigned int i = 0; i < 512; i += 8)
			clflush(&table[i]);
	d->p2m.nr_tables++;
	write_entry(f, slot, virt_to_mfn(table) << PAGE_SHIFT | f->table | f->table_level * (level - 1));
	return table;
}

/*
 * The entry of level target for gfn, with the tables on the way to it; NULL, if there are none and
 * make is false. 0, or -ENOMEM: then there are no more tables than before.
 */
static int find_slot(struct domain *d, const struct tree *tree, gfn_t gfn, unsigned int target,
		     bool make, u64 **found)
{
	struct p2m_hint *hint = tree->hint;
	u64 *table = tree->root;

	if (target == 1 && hint->table && hint->region == gfn >> 9) {
		*found = &hint->table[gfn & 511];
		return 0;
	}
	*found = NULL;
	for (unsigned int level = tree->levels; level > target; level--) {
		u64 *slot = slot_of(table, gfn, level);

		if (!is_hole(*slot) && !entry_is_leaf(tree->format, *slot, level)) {
			table = table_of(*slot);
			continue;
		}
		if (is_hole(*slot) && !make)
			return 0;
		table = make_table(d, tree->format, slot, gfn, level);
		if (!table) {
			prune(d, tree, gfn, level);
			return -ENOMEM;
		}
	}
	*found = slot_of(table, gfn, target);
	if (target == 1) {
		hint->table = table;
		hint->region = gfn >> 9;
	}
	return 0;
}

/*
 * The mirror of 2^order frames. With commit false it finds or makes the tables, without a visible
 * change; with true it then cannot fail. What the IOMMU cannot translate is left out.
 */
static int mirror_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, u64 bits,
		      bool commit)
{
	struct tree tree = mirror_tree(d);
	unsigned int step = min(order, tree.format->max_order), level = 1 + step / 9;
	u64 *slot;

	if (!tree.root || gfn >> 9 * tree.levels)
		return 0;
	for (u64 i = 0; i < BIT(order); i += BIT(step)) {
		int rc = find_slot(d, &tree, gfn + i, level, bits, &slot);

		if (rc)
			return rc;
		if (!commit || !slot)
			continue;
		if (*slot || iommu_caps.caches_holes)
			iommu_make_stale(&d->p2m, gfn + i, step);
		u64 e = make_leaf(tree.format, mfn + i, level, bits);

		replace(d, &tree, slot, e, level);
		if (!e)
			entry_went(d, &tree, slot, gfn + i, level);
	}
	return 0;
}

/* Undoes what mirror_set() made before it, or a later step, failed. */
static void mirror_undo(struct domain *d, gfn_t gfn, unsigned int order)
{
	struct tree tree = mirror_tree(d);
	unsigned int step = min(order, tree.format->max_order);

	if (!tree.root || gfn >> 9 * tree.levels)
		return;
	for (u64 i = 0; i < BIT(order); i += BIT(max(step, 9u)))
		prune(d, &tree, gfn + i, 1 + step / 9);
}

/* A superpage may only replace a hole or a superpage of its size, so no table with entries goes. */
static int make_room(struct domain *d, const struct tree *tree, gfn_t gfn, unsigned int order)
{
	struct tree mirror = mirror_tree(d);
	unsigned int have;
	enum p2m_type t;
	u64 *slot;
	int rc;

	if (tree->hint->empty != NO_REGION)
		prune(d, tree, tree->hint->empty << 9, 1);
	if (mirror.root && mirror.hint->empty != NO_REGION)
		prune(d, &mirror, mirror.hint->empty << 9, 1);
	prune(d, tree, gfn, 1); /* it may be a hole that reads as ones */
	rc = find_slot(d, tree, gfn, 1 + order / 9, false, &slot);
	if (rc || !slot || is_hole(*slot))
		return rc;
	p2m_get(d, gfn, &t, &have);
	/* a gigabyte of references is too much */
	return have == order && (order == 9 || !p2m_has_ref(t)) ? 0 : -EBUSY;
}

/* access: what devices may do with P2M_RESERVED. */
static int set_frames(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t,
		      unsigned int access)
{
	struct p2m *p = &d->p2m;
	struct tree tree = nested_tree(d);
	unsigned int target = 1 + order / 9;
	u64 bits = t == P2M_RESERVED ? iommu_caps.format.reserved[access] : iommu_caps.format.leaf[t];
	u64 *slot, e;
	int rc;

	if (gfn >= p2m_gfn_limit ||
	    (order && (p2m_gfn_limit - gfn < BIT(order) || !IS_ALIGNED(gfn, BIT(order)) ||
		       (t != P2M_HOLE && !IS_ALIGNED(mfn, BIT(order))) || order % 9 || order > 18)))
		return -EINVAL;
	rc = order ? make_room(d, &tree, gfn, order) : 0;
	/* Splits everything before anything changes, so that the parts find their tables. */
	if (!rc && p->arch.iommu_root) {
		rc = mirror_set(d, gfn, mfn, order, bits, false);
		if (rc)
			mirror_undo(d, gfn, order);
	}
	if (rc)
		return rc;
	if (order > p2m_format->max_order) {
		for (u64 i = 0; i < 512 && !rc; i++)
			rc = set_frames(d, gfn + (i << 9), t == P2M_HOLE ? mfn : mfn + (i << 9), 9, t, access);
		return rc;
	}
	rc = find_slot(d, &tree, gfn, target, t != P2M_HOLE, &slot);
	if (rc && p->arch.iommu_root)
		mirror_undo(d, gfn, order);
	if (rc || !slot)
		return rc;
	if (p->arch.iommu_root)
		mirror_set(d, gfn, mfn, order, bits, true);
	e = make_leaf(p2m_format, mfn, target, NESTED_BITS(t));
	replace(d, &tree, slot, e, target);
	if (!e)
		entry_went(d, &tree, slot, gfn, target);
	else if (gfn + BIT(order) - 1 > p->max_gfn)
		p->max_gfn = gfn + BIT(order) - 1;
	return 0;
}

int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	return set_frames(d, gfn, mfn, order, t, 0);
}

int p2m_set_reserved(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int access)
{
	return set_frames(d, gfn, mfn, 0, P2M_RESERVED, access);
}

unsigned int p2m_max_order(const struct domain *d)
{
	return d->p2m.arch.iommu_root ? min(p2m_format->max_order, iommu_caps.format.max_order)
	       : p2m_format->max_order;
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
	unsigned int have;
	u64 e = likely(gfn < p2m_gfn_limit) ? *p2m_entry_at(&d->p2m, gfn, &have) : 0;
	bool hole = is_hole(e);

	*t = hole ? P2M_HOLE : p2m_entry_type(e);
	if (order)
		*order = hole ? 0 : have;
	return hole ? INVALID_MFN : entry_mfn(e) + (gfn & (BIT(have) - 1));
}

int p2m_show_ones(struct domain *d, gfn_t gfn, gfn_t but)
{
	u64 *table = d->p2m.arch.root;

	if (gfn >> 9 * P2M_LEVELS || !ones[0])
		return -EINVAL;
	for (unsigned int level = P2M_LEVELS;; level--) {
		u64 *slot = slot_of(table, gfn, level);
		bool whole = level == 1 ||
			     (!d->hardware && gfn >> level_shift(level) != but >> level_shift(level));

		if (is_hole(*slot) && whole) {
			write_entry(p2m_format, slot, ones[level - 1]);
			return 0;
		}
		if (!is_hole(*slot) && entry_is_leaf(p2m_format, *slot, level))
			return 0; /* since then */
		table = is_hole(*slot) ? make_table(d, p2m_format, slot, gfn, level)
			: mfn_to_virt(entry_mfn(*slot));
		if (!table) {
			struct tree tree = nested_tree(d);

			prune(d, &tree, gfn, level);
			return -ENOMEM;
		}
	}
}

/* Once, at boot. */
static int make_ones(void)
{
	for (unsigned int level = 0; level < P2M_LEVELS; level++) {
		u64 *page = alloc_page();

		if (!page)
			return -ENOMEM;
		for (unsigned int i = 0; i < 512; i++)
			page[i] = level ? ones[level - 1] : ~0ull;
		ones[level] = level ? virt_to_mfn(page) << PAGE_SHIFT | p2m_format->table |
			      (u64)P2M_ONES << P2M_TYPE_SHIFT :
				      make_leaf(p2m_format, virt_to_mfn(page), 1, NESTED_BITS(P2M_ONES));
	}
	return 0;
}

struct page_info *p2m_get_page(struct domain *d, gfn_t gfn, bool shared)
{
	struct page_info *pg = NULL;
	enum p2m_type t;
	mfn_t mfn;

	p2m_read_lock(&d->p2m);
	mfn = p2m_get(d, gfn, &t, NULL);
	if ((t == P2M_RAM || (shared && t == P2M_SHARED)) && get_page(mfn_to_page(mfn), OWNER_NONE))
		pg = mfn_to_page(mfn);
	p2m_read_unlock(&d->p2m);
	return pg;
}

int p2m_init(struct domain *d)
{
	struct p2m *p = &d->p2m;

	rwlock_init(&p->lock, RANK_P2M);
	if (p2m_format->leaf[P2M_ONES] && !ones[P2M_LEVELS - 1] && make_ones())
		return -ENOMEM;
	p->arch.hint[0].empty = p->arch.hint[1].empty = NO_REGION;
	p->arch.root = alloc_page();
	if (!p->arch.root)
		return -ENOMEM;
	*used(p->arch.root) = 0;
	p->nr_tables = 1;
	if (!(d->hardware || d->create_flags & XEN_DOMCTL_CDF_iommu) || !iommu_on())
		return 0;
	p->arch.iommu_root = alloc_page();
	if (!p->arch.iommu_root)
		return -ENOMEM;
	*used(p->arch.iommu_root) = 0;
	p->nr_tables++;
	p->arch.iommu_id = iommu_id_alloc();
	return p->arch.iommu_id ? 0 : -ENOSPC;
}

/* Takes out a superpage as a whole: its frames are put in the next steps. */
static void release_whole(struct domain *d, const struct tree *tree, u64 e, unsigned int level)
{
	if (tree->format->types && level > 1 && entry_is_leaf(tree->format, e, level) &&
	    p2m_has_ref(p2m_entry_type(e))) {
		d->p2m.rest = entry_mfn(e);
		d->p2m.nr_rest = BIT(level_shift(level));
		d->p2m.need_flush = true;
	} else {
		release_entry(d, tree, e, level);
	}
}

/*
 * Takes at least one entry out of a table of 4 KiB entries, from i on, and more as far as the
 * budget goes.
 */
static void empty_table(struct domain *d, const struct tree *tree, u64 *table, unsigned int i,
			int *budget)
{
	for (; i < 512; i++) {
		*budget -= COST_SLOT;
		if (is_hole(table[i]))
			continue;
		replace(d, tree, &table[i], 0, 1);
		*budget -= COST_FRAME;
		if (*budget <= 0)
			return;
	}
}

/*
 * Empties a tree from its first entry on, wherever an earlier step has stopped. The mirror's leaves
 * hold no references, so its last tables are freed unvisited. Each step frees something, because
 * the way there takes at most 16,000 instructions. 0: nothing is left.
 */
static int empty_tree(struct domain *d, const struct tree *tree, int *budget)
{
	for (bool done = false; !d->p2m.nr_rest; done = true) {
		u64 *table = tree->root, *slot = NULL, e;
		unsigned int level, i, at = 0;

		for (level = tree->levels;; level--) {
			for (i = 0; i < 512 && is_hole(table[i]); i++)
				;
			*budget -= COST_SLOT * (int)i;
			if (i == 512 || level == 1)
				break;
			slot = &table[i];
			at = level;
			if (entry_is_leaf(tree->format, *slot, level) || (!tree->format->types && level == 2))
				break;
			table = table_of(*slot);
		}
		if (!slot)
			return 0;
		if (done && *budget <= 0)
			break;
		if (level == 1 && i < 512) {
			empty_table(d, tree, table, i, budget);
			continue;
		}
		e = *slot; /* a superpage, or a table without entries */
		*budget -= entry_is_leaf(tree->format, e, at) ? COST_SUPERPAGE : COST_TABLE;
		if (!tree->format->types)
			iommu_make_stale(&d->p2m, 0, 63);
		write_entry(tree->format, slot, 0);
		release_whole(d, tree, e, at);
	}
	return -ERESTART;
}

int p2m_teardown_step(struct domain *d)
{
	struct tree nested = nested_tree(d), mirror = mirror_tree(d);
	int budget = TEARDOWN_BUDGET, rc = 0;
	struct p2m *p = &d->p2m;

	p2m_write_lock(p);
	p->log_dirty = false; /* nobody reads the tables of removed entries */
	while (p->nr_rest && budget > 0) {
		put_pages(mfn_to_page(p->rest), 9);
		p->rest += 512;
		p->nr_rest -= 512;
		budget -= COST_SUPERPAGE;
	}
	if (budget > 0 && mirror.root)
		rc = empty_tree(d, &mirror, &budget);
	if (!rc)
		rc = budget > 0 ? empty_tree(d, &nested, &budget) : -ERESTART;
	p2m_write_unlock(d);
	return rc;
}

void p2m_free(struct domain *d)
{
	struct p2m *p = &d->p2m;

	if (!p->arch.root)
		return;
	BUG_ON(*used(p->arch.root) || (p->arch.iommu_root && *used(p->arch.iommu_root)));
	p->nr_tables -= p->arch.iommu_root ? 2 : 1;
	if (p->arch.iommu_root)
		free_page(p->arch.iommu_root);
	if (p->arch.iommu_id)
		iommu_id_free(p->arch.iommu_id);
	free_page(p->arch.root);
	p->arch.root = p->arch.iommu_root = NULL;
}
