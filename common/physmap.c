/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_op: putting frames into a physical map. Anything may replace device memory that Keel
 * itself mapped at first touch: Linux chooses the region for its grant and foreign mappings early.
 */
#include <public/memory.h>

#include "common/grant.h"
#include "common/guest_access.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/memory_internal.h"

#define BATCH 16
#define STATUS_FRAMES BIT(31)	/* XENMAPIDX_grant_table_status: version 2 only */

/* A page of Keel's that guests may see, at gfn of d. */
static int map_shared(struct domain *d, gfn_t gfn, void *va, enum p2m_type t)
{
	struct page_info *pg = virt_to_page(va);
	int rc;

	if (!get_page(pg, OWNER_NONE))
		return -ESRCH;
	rc = physmap_set(d, gfn, page_to_mfn(pg), 0, t);
	if (rc)
		put_page(pg);
	return rc;
}

/* A domain has one shared_info page: its old place becomes a hole. */
static int map_shared_info(struct domain *d, u64 idx, gfn_t gfn)
{
	enum p2m_type t;
	gfn_t old;
	mfn_t mfn;
	int rc = idx ? -EINVAL : map_shared(d, gfn, d->shared_info, P2M_SHARED);

	if (rc)
		return rc;
	p2m_write_lock(&d->p2m);
	old = d->shared_info_gfn;
	d->shared_info_gfn = gfn;
	mfn = p2m_get(d, old, &t, NULL);
	if (old && old != gfn && t == P2M_SHARED && mfn == virt_to_mfn(d->shared_info))
		p2m_set(d, old, INVALID_MFN, 0, P2M_HOLE);
	p2m_write_unlock(d);
	return 0;
}

static int map_grant_frame(struct domain *d, u64 idx, gfn_t gfn)
{
	void *frame;
	int rc;

	if (idx >= STATUS_FRAMES || idx >= d->max_grant_frames)
		return -EINVAL;
	frame = grant_table_frame(d, (unsigned int)idx);
	rc = frame ? map_shared(d, gfn, frame, P2M_SHARED) : -EINVAL;
	if (rc == 0)
		grant_table_mapped(d, (unsigned int)idx, gfn);
	return rc;
}

/* p2m write lock held. Steps that can fail come first: if they do, both places are unchanged. */
static int move_frame(struct domain *d, gfn_t from, gfn_t to, mfn_t mfn)
{
	enum p2m_type t;
	int rc;

	p2m_get(d, to, &t, NULL);
	if (t == P2M_GRANT_RW || t == P2M_GRANT_RO)
		return -EINVAL;
	rc = p2m_split(d, from);
	if (rc)
		return rc;
	if (!get_page(mfn_to_page(mfn), d->id))
		return -EINVAL;
	rc = p2m_set(d, to, mfn, 0, P2M_RAM);
	if (rc)
		put_page(mfn_to_page(mfn));
	else
		p2m_set(d, from, INVALID_MFN, 0, P2M_HOLE);
	return rc;
}

/* Moves a page of d from gfn `from`. */
static int move_page(struct domain *d, gfn_t from, gfn_t to)
{
	enum p2m_type t;
	mfn_t mfn;
	int rc = 0;

	p2m_write_lock(&d->p2m);
	mfn = p2m_get(d, from, &t, NULL);
	if (!p2m_is_ram(t) || READ_ONCE(d->state) != DOMAIN_ALIVE)
		rc = -EINVAL;
	else if (from != to)
		rc = move_frame(d, from, to, mfn);
	p2m_write_unlock(d);
	return rc;
}

/* Another domain's page, which lives on until it is unmapped, even if its domain does not. */
static int map_foreign(struct domain *d, struct domain *fd, u64 idx, gfn_t gfn)
{
	struct page_info *pg;
	int rc;

	if (fd == d)
		return -EINVAL;
	pg = p2m_get_page(fd, idx, true);
	if (!pg)
		return -EINVAL;
	rc = physmap_set(d, gfn, page_to_mfn(pg), 0, P2M_FOREIGN);
	if (rc)
		put_page(pg);
	return rc;
}

static int add_one(struct domain *d, struct domain *fd, unsigned int space, u64 idx, gfn_t gfn)
{
	switch (space) {
	case XENMAPSPACE_shared_info:
		return map_shared_info(d, idx, gfn);
	case XENMAPSPACE_grant_table:
		return map_grant_frame(d, idx, gfn);
	case XENMAPSPACE_gmfn:
		return move_page(d, idx, gfn);
	case XENMAPSPACE_gmfn_foreign:
		return map_foreign(d, fd, idx, gfn);
	case XENMAPSPACE_gmfn_range:
	case XENMAPSPACE_dev_mmio:
		return -EOPNOTSUPP;
	default:
		return -ENOSYS;
	}
}

long memory_add_to_physmap(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_add_to_physmap *op = arg;

	if (op->space == XENMAPSPACE_gmfn_foreign)	/* has no place for the other domain's id */
		return -ENOSYS;
	return add_one(d, NULL, op->space, op->idx, op->gpfn);
}

/* Items [i, i + n): each one's error goes to errs. */
static int add_batch(const struct xen_add_to_physmap_batch *op, struct domain *d, struct domain *fd,
		     u64 i, u64 n)
{
	u64 idxs[BATCH], gfns[BATCH];
	s32 errs[BATCH];

	if (copy_from_guest(idxs, op->idxs + i * 8, n * 8) ||
	    copy_from_guest(gfns, op->gpfns + i * 8, n * 8))
		return -EFAULT;
	for (u64 j = 0; j < n; j++)
		errs[j] = add_one(d, fd, op->space, idxs[j], gfns[j]);
	return copy_to_guest(op->errs + i * sizeof(errs[0]), errs, n * sizeof(errs[0]));
}

/* Linux calls this for each page that a tool in Dom0 maps. */
long memory_add_to_physmap_batch(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_add_to_physmap_batch *op = arg;
	struct domain *fd = NULL;
	long err = 0;
	u64 n;

	if (op->space == XENMAPSPACE_gmfn_foreign)
		fd = domain_resolve(op->u.foreign_domid, &err);
	if (err)
		return err;
	for (u64 i = start; i < op->size; i += n) {
		if (i > start && hypercall_preempt_check())
			return memory_continue(XENMEM_add_to_physmap_batch, i, gva);
		n = min(op->size - i, (u64)BATCH);
		if (add_batch(op, d, fd, i, n))
			return -EFAULT;
	}
	return 0;
}

long memory_remove_from_physmap(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_remove_from_physmap *op = arg;
	enum p2m_type t;
	long rc;

	p2m_write_lock(&d->p2m);
	p2m_get(d, op->gpfn, &t, NULL);
	if (t == P2M_RAM || t == P2M_SHARED || t == P2M_FOREIGN)
		rc = p2m_set(d, op->gpfn, INVALID_MFN, 0, P2M_HOLE);
	else
		rc = -EINVAL;	/* nothing, a device's, or a grant mapping, which only its handle ends */
	p2m_write_unlock(d);
	return rc;
}

/* Checks the argument: 0; 1 if it only queries the number of frames; or an error. */
static long acquire_check(struct domain *d, struct xen_mem_acquire_resource *op, u64 gva)
{
	u64 end;

	if (op->pad || d == current->domain)
		return -EINVAL;
	if (op->type != XENMEM_resource_grant_table)
		return -EOPNOTSUPP;
	if (op->id != XENMEM_resource_grant_table_id_shared)
		return -EINVAL;
	if (!op->frame_list) {
		if (op->nr_frames)
			return -EINVAL;
		op->nr_frames = d->max_grant_frames;
		return copy_to_guest(gva, op, sizeof(*op)) ? -EFAULT : 1;
	}
	if (check_add_overflow(op->frame, (u64)op->nr_frames, &end) || end > d->max_grant_frames)
		return -EINVAL;
	return 0;
}

/*
 * Maps frames of another domain's grant table at the caller's gfns, which frame_list holds
 * as input. What was done before an error stays done, as after any batch.
 */
long memory_acquire_resource(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	struct xen_mem_acquire_resource *op = arg;
	long rc = acquire_check(d, op, gva);
	void *frame;
	gfn_t gfn;

	if (rc)
		return rc > 0 ? 0 : rc;
	for (u64 i = start; i < op->nr_frames; i++) {
		if (i > start && hypercall_preempt_check())
			return memory_continue(XENMEM_acquire_resource, i, gva);
		if (copy_elem_from_guest(&gfn, op->frame_list, i, sizeof(gfn)))
			return -EFAULT;
		frame = grant_table_frame(d, (unsigned int)(op->frame + i));
		rc = frame ? map_shared(current->domain, gfn, frame, P2M_FOREIGN) : -ENOMEM;
		if (rc)
			return rc;
	}
	return 0;
}
