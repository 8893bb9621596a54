/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GNTTABOP_copy: bytes from one page to another, each named by a grant reference
 * or by a frame number of the caller (abi.md 11.13). No mapping, no flush.
 */
#include <public/errno.h>

#include "common/grant_table.h"
#include "common/guest_access.h"

/* One side of a copy: a page in use until grant_copy_put(). */
struct copy_side {
	struct page_info *pg;
	struct domain *granter; /* NULL: the caller's own frame */
	grant_ref_t ref;
	bool readonly;
};

static s16 grant_copy_get_gref(const struct gnttab_copy_ptr *ptr, struct copy_side *side)
{
	struct domain *d = current->domain;

	side->granter = ptr->domid == DOMID_SELF ? d : grant_find_granter(ptr->domid);
	if (!side->granter)
		return GNTST_bad_domain;
	side->ref = ptr->u.ref;
	return grant_pin(side->granter, side->ref, d->id, side->readonly, &side->pg);
}

static s16 grant_copy_get_gmfn(const struct gnttab_copy_ptr *ptr, struct copy_side *side)
{
	enum p2m_type t;

	if (ptr->domid != DOMID_SELF)
		return GNTST_permission_denied;
	side->granter = NULL;
	side->pg = p2m_get_page(current->domain, ptr->u.gmfn, &t);
	if (!side->pg)
		return GNTST_bad_page;
	if (side->readonly ? p2m_is_readable(t) : p2m_is_writable(t))
		return GNTST_okay;
	put_page(side->pg);
	return GNTST_bad_page;
}

static s16 grant_copy_get(const struct gnttab_copy_ptr *ptr, bool by_ref, bool readonly, struct copy_side *side)
{
	side->readonly = readonly;
	return by_ref ? grant_copy_get_gref(ptr, side) : grant_copy_get_gmfn(ptr, side);
}

static void grant_copy_put(struct copy_side *side)
{
	if (side->granter)
		grant_unpin(side->granter, side->ref, side->readonly);
	else
		put_page(side->pg);
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
		/* Both may be one page, and overlap. */
		memmove((u8 *)page_to_virt(dst.pg) + op->dest.offset,
			(const u8 *)page_to_virt(src.pg) + op->source.offset, op->len);
		grant_copy_put(&dst);
	}
	grant_copy_put(&src);
	return status;
}

long grant_copy_batch(u64 gva, unsigned int n)
{
	struct gnttab_copy op[GRANT_COPY_BATCH];

	if (copy_from_guest(op, gva, n * sizeof(*op)))
		return -EFAULT;
	for (unsigned int i = 0; i < n; i++)
		op[i].status = grant_copy_one(&op[i]);
	return copy_to_guest(gva, op, n * sizeof(*op)) ? -EFAULT : 0;
}
