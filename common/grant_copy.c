/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GNTTABOP_copy: bytes from one page to another, each named by a grant reference
 * or by a frame number of the caller. No mapping, no flush.
 */
#include <public/errno.h>

#include "common/grant_internal.h"
#include "common/guest_access.h"

#define UNINTERRUPTED 4	/* copies between two checks for interrupts */

/*
 * One side of a copy. A page named by reference is pinned until grant_copy_put(); one named by
 * frame number is looked up last.
 */
struct copy_side {
	struct page_info *pg;
	struct domain *granter; /* NULL: the caller's own frame */
	grant_ref_t ref;
	bool readonly;
};

static s16 grant_copy_get(const struct gnttab_copy_ptr *ptr, bool by_ref, bool readonly,
			  struct copy_side *side)
{
	struct domain *d = current->domain;

	side->readonly = readonly;
	side->granter = NULL;
	if (!by_ref)
		return ptr->domid == DOMID_SELF ? GNTST_okay : GNTST_permission_denied;
	side->granter = ptr->domid == DOMID_SELF ? d : grant_find_granter(ptr->domid);
	if (!side->granter)
		return GNTST_bad_domain;
	side->ref = ptr->u.ref;
	return grant_pin(side->granter, side->ref, d->id, readonly, &side->pg);
}

static void grant_copy_put(struct copy_side *side)
{
	if (side->granter)
		grant_unpin(side->granter, side->ref, side->readonly);
}

/*
 * The bytes of one side, or NULL. If the page is named by frame number, the caller's p2m lock is
 * held.
 */
static u8 *grant_copy_bytes(const struct gnttab_copy_ptr *ptr, const struct copy_side *side)
{
	enum p2m_type t;
	mfn_t mfn;

	if (side->granter)
		return (u8 *)page_to_virt(side->pg) + ptr->offset;
	mfn = p2m_get(current->domain, ptr->u.gmfn, &t, NULL);
	if (!(side->readonly ? p2m_is_readable(t) : p2m_is_writable(t)))
		return NULL;
	if (!side->readonly)
		p2m_log_write(&current->domain->p2m, ptr->u.gmfn);
	return (u8 *)mfn_to_virt(mfn) + ptr->offset;
}

/*
 * A frame of the caller may be a grant mapping, which lasts until its handle is unmapped: the lock
 * keeps it, not a reference on the frame.
 */
static s16 grant_copy_sides(const struct gnttab_copy *op, const struct copy_side *src,
			    const struct copy_side *dst)
{
	struct p2m *p = src->granter && dst->granter ? NULL : &current->domain->p2m;
	s16 status = GNTST_bad_page;
	u8 *from, *to;

	if (p)
		p2m_read_lock(p);
	from = grant_copy_bytes(&op->source, src);
	to = grant_copy_bytes(&op->dest, dst);
	if (from && to) {
		memmove(to, from, op->len); /* both may be one page, and overlap */
		status = GNTST_okay;
	}
	if (p)
		p2m_read_unlock(p);
	return status;
}

static s16 grant_copy_one(const struct gnttab_copy *op)
{
	struct copy_side src, dst;
	s16 status;

	if ((u32)op->source.offset + op->len > PAGE_SIZE || (u32)op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	status = grant_copy_get(&op->source, op->flags & GNTCOPY_source_gref, true, &src);
	if (status != GNTST_okay)
		return status;
	status = grant_copy_get(&op->dest, op->flags & GNTCOPY_dest_gref, false, &dst);
	if (status == GNTST_okay) {
		status = grant_copy_sides(op, &src, &dst);
		grant_copy_put(&dst);
	}
	grant_copy_put(&src);
	return status;
}

long grant_copy_batch(struct domain *d, void *arg, u64 gva, unsigned long n)
{
	struct gnttab_copy op[GRANT_COPY_BATCH];

	if (copy_from_guest(op, gva, n * sizeof(*op)))
		return -EFAULT;
	for (unsigned long i = 0; i < n; i++) {
		if (i && i % UNINTERRUPTED == 0)
			irq_window();
		op[i].status = grant_copy_one(&op[i]);
	}
	return copy_to_guest(gva, op, n * sizeof(*op)) ? -EFAULT : 0;
}
