/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapping other domains' granted pages into one's own address space.
 *
 * Order, for each batch. Mapping: pin the entries, then change the p2m. Unmapping: change the p2m,
 * flush (p2m_write_unlock() does both), and only then unpin, which tells the granter that nobody
 * can reach its page any more (docs/locking.md).
 */
#include <public/errno.h>

#include "common/grant_internal.h"
#include "common/guest_access.h"
#include "common/printk.h"

#define RELEASE_PER_STEP 256 /* handles visited, used or not */
#define UNINTERRUPTED 16	/* operations between two checks for interrupts */

/* G: the entry of a handle that there is. */
static struct maptrack *maptrack_entry(const struct grant_table *gt, grant_handle_t handle)
{
	return &gt->maptrack[handle / MAPTRACK_PER_FRAME][handle % MAPTRACK_PER_FRAME];
}

/* G: the entry of a handle that the guest names, NULL if there is none. */
static struct maptrack *maptrack_find(const struct grant_table *gt, grant_handle_t handle)
{
	u32 n = gt->nr_maptrack * MAPTRACK_PER_FRAME;

	return handle < n ? maptrack_entry(gt, (grant_handle_t)index_nospec(handle, n)) : NULL;
}

/* G: one more page of handles. 0, -ENOSPC, -ENOMEM. */
static int maptrack_grow(struct grant_table *gt)
{
	struct maptrack *page;

	if (gt->nr_maptrack >= gt->max_maptrack)
		return -ENOSPC;
	if (!gt->maptrack)
		gt->maptrack = alloc_pages(size_to_order(gt->max_maptrack * sizeof(*gt->maptrack)));
	page = gt->maptrack ? alloc_page() : NULL;
	if (!page)
		return -ENOMEM;
	for (unsigned int i = MAPTRACK_PER_FRAME; i-- > 0;) {
		page[i].gfn = gt->maptrack_free;
		gt->maptrack_free = gt->nr_maptrack * MAPTRACK_PER_FRAME + i;
	}
	gt->maptrack[gt->nr_maptrack++] = page;
	return 0;
}

/*
 * A handle, busy until the mapping is complete. GNTST_okay, or GNTST_no_space (Xen's status for
 * both errors).
 */
static s16 maptrack_alloc(struct grant_table *gt, const struct maptrack *what,
			  grant_handle_t *handle)
{
	s16 status = GNTST_no_space;

	spin_lock(&gt->lock);
	if (gt->maptrack_free != MAPTRACK_END || maptrack_grow(gt) == 0) {
		struct maptrack *m;

		*handle = (grant_handle_t)gt->maptrack_free;
		m = maptrack_entry(gt, *handle);
		gt->maptrack_free = m->gfn;
		*m = *what;
		m->state = MT_BUSY;
		status = GNTST_okay;
	}
	spin_unlock(&gt->lock);
	return status;
}

static void maptrack_set_state(struct grant_table *gt, grant_handle_t handle, u8 state)
{
	spin_lock(&gt->lock);
	maptrack_entry(gt, handle)->state = state;
	spin_unlock(&gt->lock);
}

static void maptrack_free(struct grant_table *gt, grant_handle_t handle)
{
	struct maptrack *m;

	spin_lock(&gt->lock);
	m = maptrack_entry(gt, handle);
	m->state = MT_FREE;
	m->gfn = gt->maptrack_free;
	gt->maptrack_free = handle;
	spin_unlock(&gt->lock);
}

/* A mapping that is being made or removed. */
struct grant_mapping {
	s16 status;		/* the rest counts only if this is GNTST_okay */
	grant_handle_t handle;
	struct maptrack what;
	struct domain *granter;	/* kept by the pin, or by this exit */
	struct page_info *pg;
};

/* The current batch, in the CPU's scratch memory, since it is too large for the stack. */
struct grant_work {
	union {
		struct gnttab_map_grant_ref map[GRANT_BATCH];
		struct gnttab_unmap_grant_ref unmap[GRANT_BATCH];
	};
	struct grant_mapping m[GRANT_BATCH];
};
_Static_assert(sizeof(struct grant_work) <= sizeof(this_cpu()->scratch), "it fits");

static struct grant_work *work(void) { return (void *)this_cpu()->scratch; }

/* Before operation i of a batch, no lock held. */
static void let_interrupts_in(unsigned int i)
{
	if (i % UNINTERRUPTED == 0)
		irq_window();
}

/* The same under the p2m's write lock: the batch still needs only one flush. */
static void let_others_in(struct domain *d, unsigned int i)
{
	if (i && i % UNINTERRUPTED == 0)
		p2m_write_relax(d);
}

/* Translated guests may map a page into their address space, read-write or read-only. */
static s16 grant_map_check(const struct gnttab_map_grant_ref *op)
{
	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	if ((op->flags & ~GNTMAP_readonly) != GNTMAP_host_map)
		return GNTST_general_error;
	return GNTST_okay;
}

/* Takes the handle, the pin, and the reference that the p2m entry will hold. */
static void grant_map_prepare(struct domain *d, const struct gnttab_map_grant_ref *op,
			      struct grant_mapping *m)
{
	m->what = (struct maptrack){ .ref = op->ref, .granter = op->dom, .gfn = PFN_DOWN(op->host_addr),
				     .readonly = op->flags & GNTMAP_readonly };
	m->status = grant_map_check(op);
	if (m->status != GNTST_okay)
		return;
	m->granter = grant_find_granter(op->dom);
	if (!m->granter) {
		m->status = GNTST_bad_domain;
		return;
	}
	m->status = maptrack_alloc(d->grant, &m->what, &m->handle);
	if (m->status != GNTST_okay)
		return;
	m->status = grant_pin(m->granter, op->ref, d->id, m->what.readonly, &m->pg);
	if (m->status == GNTST_okay && !get_page(m->pg, m->granter->id)) {
		grant_unpin(m->granter, op->ref, m->what.readonly);
		m->status = GNTST_bad_page;
	}
	if (m->status != GNTST_okay)
		maptrack_free(d->grant, m->handle);
}

/* All changes of a batch, with the lock taken once and one flush. */
static void grant_map_commit(struct domain *d, struct grant_mapping *m, unsigned int n)
{
	bool failed[GRANT_BATCH] = {};

	irq_window();
	p2m_write_lock(&d->p2m);
	for (unsigned int i = 0; i < n; i++) {
		let_others_in(d, i);
		if (m[i].status == GNTST_okay && p2m_set(d, m[i].what.gfn, page_to_mfn(m[i].pg), 0,
							 m[i].what.readonly ? P2M_GRANT_RO : P2M_GRANT_RW))
			failed[i] = true;
	}
	p2m_write_unlock(d);
	for (unsigned int i = 0; i < n; i++) {
		let_interrupts_in(i);
		if (m[i].status != GNTST_okay)
			continue;
		if (!failed[i]) {
			maptrack_set_state(d->grant, m[i].handle, MT_USED);
			continue;
		}
		put_page(m[i].pg);
		grant_unpin(m[i].granter, m[i].what.ref, m[i].what.readonly);
		maptrack_free(d->grant, m[i].handle);
		m[i].status = GNTST_general_error;
	}
}

/* Retires a handle, so that nobody else unmaps it as well. any_addr: wherever it is mapped. */
static s16 grant_unmap_claim(struct grant_table *gt, grant_handle_t handle, bool any_addr,
			     gfn_t gfn, struct maptrack *what)
{
	s16 status = GNTST_bad_handle;
	struct maptrack *mt;

	spin_lock(&gt->lock);
	mt = maptrack_find(gt, handle);
	if (mt && mt->state == MT_USED) {
		status = GNTST_general_error;
		if (any_addr || mt->gfn == gfn) {
			mt->state = MT_BUSY;
			*what = *mt;
			status = GNTST_okay;
		}
	}
	spin_unlock(&gt->lock);
	return status;
}

/*
 * The pin keeps the granter, dying or not, and says which frame this is. If the granter is gone
 * anyway, Keel has a bug: the handle stays retired.
 */
static void grant_unmap_prepare(struct domain *d, grant_handle_t handle, bool any_addr, gfn_t gfn,
				struct grant_mapping *m)
{
	m->handle = handle;
	m->status = grant_unmap_claim(d->grant, handle, any_addr, gfn, &m->what);
	if (m->status != GNTST_okay)
		return;
	m->granter = domain_find(m->what.granter);
	if (!m->granter || !m->granter->grant) {
		pr_err("d%u: grant handle %u names domain %u, which is gone\n", d->id, handle, m->what.granter);
		m->status = GNTST_bad_domain;
		return;
	}
	m->pg = mfn_to_page(grant_pinned_mfn(m->granter, m->what.ref));
}

/*
 * p2m write lock held. If the guest has replaced the mapping, the replacement stays: the mapping is
 * gone already.
 */
static void grant_unmap_entry(struct domain *d, struct grant_mapping *m)
{
	enum p2m_type t;
	mfn_t mfn = p2m_get(d, m->what.gfn, &t, NULL);

	if ((t == P2M_GRANT_RW || t == P2M_GRANT_RO) && mfn == page_to_mfn(m->pg) &&
	    p2m_set(d, m->what.gfn, INVALID_MFN, 0, P2M_HOLE))
		m->status = GNTST_general_error;
}

static void grant_unmap_commit(struct domain *d, struct grant_mapping *m, unsigned int n)
{
	bool claimed[GRANT_BATCH];

	irq_window();
	p2m_write_lock(&d->p2m);
	for (unsigned int i = 0; i < n; i++) {
		let_others_in(d, i);
		claimed[i] = m[i].status == GNTST_okay;
		if (claimed[i])
			grant_unmap_entry(d, &m[i]);
	}
	p2m_write_unlock(d); /* flushes; from now on the guest cannot reach the pages */
	for (unsigned int i = 0; i < n; i++) {
		let_interrupts_in(i);
		if (!claimed[i])
			continue;
		if (m[i].status != GNTST_okay) {
			maptrack_set_state(d->grant, m[i].handle, MT_USED);
			continue;
		}
		grant_unpin(m[i].granter, m[i].what.ref, m[i].what.readonly);
		maptrack_free(d->grant, m[i].handle);
	}
}

/* The handles could not be returned to the guest: undoes the mappings. */
static void grant_map_undo(struct domain *d, struct grant_mapping *m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		let_interrupts_in(i);
		if (m[i].status == GNTST_okay)
			grant_unmap_prepare(d, m[i].handle, true, 0, &m[i]);
	}
	grant_unmap_commit(d, m, n);
}

long grant_map_batch(struct domain *d, void *arg, u64 gva, unsigned long n)
{
	struct gnttab_map_grant_ref *op = work()->map;
	struct grant_mapping *m = work()->m;

	if (copy_from_guest(op, gva, n * sizeof(*op)))
		return -EFAULT;
	for (unsigned long i = 0; i < n; i++) {
		let_interrupts_in(i);
		grant_map_prepare(d, &op[i], &m[i]);
	}
	grant_map_commit(d, m, n);
	for (unsigned long i = 0; i < n; i++) {
		op[i].status = m[i].status;
		op[i].handle = m[i].status == GNTST_okay ? m[i].handle : ~0u;
		op[i].dev_bus_addr = 0; /* no device maps, and no machine addresses for guests */
	}
	if (copy_to_guest(gva, op, n * sizeof(*op)) == 0)
		return 0;
	grant_map_undo(d, m, n);
	return -EFAULT;
}

_Static_assert(sizeof(struct gnttab_unmap_and_replace) == sizeof(struct gnttab_unmap_grant_ref) &&
	       offsetof(struct gnttab_unmap_and_replace, new_addr) ==
	       offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr), "one stands for the other");

/*
 * A translated guest cannot replace the mapping by another page in one step: a new address is an
 * error, as in Xen.
 */
static inline __attribute__((always_inline)) long unmap_batch(struct domain *d, u64 gva,
							      unsigned long n, bool replace)
{
	struct gnttab_unmap_grant_ref *op = work()->unmap;
	struct grant_mapping *m = work()->m;

	if (copy_from_guest(op, gva, n * sizeof(*op)))
		return -EFAULT;
	for (unsigned long i = 0; i < n; i++) {
		let_interrupts_in(i);
		if (replace && op[i].dev_bus_addr)
			m[i].status = GNTST_general_error;
		else
			grant_unmap_prepare(d, op[i].handle, false, PFN_DOWN(op[i].host_addr), &m[i]);
	}
	grant_unmap_commit(d, m, n);
	for (unsigned long i = 0; i < n; i++)
		op[i].status = m[i].status;
	return copy_to_guest(gva, op, n * sizeof(*op)) ? -EFAULT : 0;
}

long grant_unmap_batch(struct domain *d, void *arg, u64 gva, unsigned long n)
{
	return unmap_batch(d, gva, n, false);
}

long grant_unmap_replace_batch(struct domain *d, void *arg, u64 gva, unsigned long n)
{
	return unmap_batch(d, gva, n, true);
}

int grant_release_mappings(struct domain *d)
{
	struct grant_mapping *m = work()->m;
	struct grant_table *gt = d->grant;
	unsigned int n = 0;

	if (!gt)
		return 0;
	for (unsigned int seen = 0; d->destroy_next_handle < gt->nr_maptrack * MAPTRACK_PER_FRAME;
	     seen++) {
		if (n == GRANT_BATCH || seen == RELEASE_PER_STEP) {
			grant_unmap_commit(d, m, n);
			return -ERESTART;
		}
		grant_unmap_prepare(d, d->destroy_next_handle++, true, 0, &m[n]);
		if (m[n].status == GNTST_okay)
			n++;
	}
	grant_unmap_commit(d, m, n);
	return 0;
}
