/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grant tables: the table itself, its entries in use, and the operations that query it
 * (docs/abi.md, grant_table_op). grant_map.c maps, grant_copy.c copies.
 */
#include <public/errno.h>

#include "common/grant_internal.h"
#include "common/op.h"
#include "common/printk.h"

#define FRAMES_PER_STEP 16	/* between two checks for interrupts */

/* G: one more frame. 0, -ENOSPC, -ENOMEM. */
static int grant_grow(struct domain *d)
{
	struct grant_table *gt = d->grant;
	void *shared, *active;

	if (gt->nr_frames >= gt->max_frames)
		return -ENOSPC;
	shared = alloc_page();
	active = alloc_page();
	if (!shared || !active) {
		free_page(shared);
		free_page(active);
		return -ENOMEM;
	}
	share_keel_page(shared, d);
	gt->shared[gt->nr_frames] = shared;
	gt->active[gt->nr_frames] = active;
	gt->gfn[gt->nr_frames] = INVALID_GFN;
	gt->nr_frames++;
	return 0;
}

int grant_init(struct domain *d, unsigned int max_frames, unsigned int max_maptrack)
{
	struct grant_table *gt;
	unsigned int order;
	int err;

	if (max_frames == 0 || max_frames > GRANT_MAX_FRAMES || max_maptrack > GRANT_MAX_MAPTRACK_FRAMES)
		return -EINVAL;
	/* The structure, and behind it the arrays. */
	order = size_to_order(sizeof(*gt) + max_frames * (2 * sizeof(void *) + sizeof(gfn_t)));
	gt = alloc_pages(order);
	if (!gt)
		return -ENOMEM;
	*gt = (struct grant_table){ .order = order, .max_frames = max_frames, .max_maptrack = max_maptrack,
				    .maptrack_free = MAPTRACK_END };
	spin_lock_init(&gt->lock, RANK_GRANT);
	gt->shared = (void *)(gt + 1);
	gt->active = (void *)(gt->shared + max_frames);
	gt->gfn = (void *)(gt->active + max_frames);
	d->grant = gt;
	d->max_grant_frames = max_frames;
	d->max_maptrack_frames = max_maptrack;
	spin_lock(&gt->lock);
	err = grant_grow(d);
	spin_unlock(&gt->lock);
	if (err)
		grant_free(d);
	return err;
}

/* Is a page of d in use by anybody, or has d a mapping? For the ledger. */
static bool grants_in_use(const struct grant_table *gt)
{
	for (grant_ref_t ref = 0; ref < grant_refs(gt); ref++) {
		if (grant_active(gt, ref)->readers || grant_active(gt, ref)->writers)
			return true;
		if (ref % GRANTS_PER_FRAME == 0)
			irq_window();
	}
	for (grant_handle_t h = 0; h < gt->nr_maptrack * MAPTRACK_PER_FRAME; h++) {
		if (gt->maptrack[h / MAPTRACK_PER_FRAME][h % MAPTRACK_PER_FRAME].state != MT_FREE)
			return true;
		if (h % MAPTRACK_PER_FRAME == 0)
			irq_window();
	}
	return false;
}

void grant_free(struct domain *d)
{
	struct grant_table *gt = d->grant;

	if (!gt)
		return;
	ASSERT(!grants_in_use(gt));
	for (unsigned int i = 0; i < gt->nr_frames; i++) {
		unshare_keel_page(gt->shared[i]);
		free_page(gt->active[i]);
	}
	for (unsigned int i = 0; i < gt->nr_maptrack; i++)
		free_page(gt->maptrack[i]);
	if (gt->maptrack)
		free_pages(gt->maptrack, size_to_order(gt->max_maptrack * sizeof(*gt->maptrack)));
	d->grant = NULL;
	free_pages(gt, gt->order);
}

/* G */
static int grant_grow_to(struct domain *d, unsigned int frames)
{
	int err = 0;

	while (!err && d->grant->nr_frames < frames)
		err = grant_grow(d);
	return err;
}

void *grant_table_frame(struct domain *d, unsigned int idx)
{
	struct grant_table *gt = d->grant;
	void *frame = NULL;
	int err;

	if (idx >= gt->max_frames)
		return NULL;
	for (;;) {
		spin_lock(&gt->lock);
		err = grant_grow_to(d, min(idx + 1, gt->nr_frames + FRAMES_PER_STEP));
		if (idx < gt->nr_frames)
			frame = gt->shared[index_nospec(idx, gt->nr_frames)];
		spin_unlock(&gt->lock);
		if (frame || err)
			return frame;
		irq_window();
	}
}

void grant_table_mapped(struct domain *d, unsigned int idx, gfn_t gfn)
{
	spin_lock(&d->grant->lock);
	if (idx < d->grant->nr_frames)
		d->grant->gfn[index_nospec(idx, d->grant->nr_frames)] = gfn;
	spin_unlock(&d->grant->lock);
}

int grant_seed(struct domain *d, grant_ref_t ref, domid_t to, gfn_t gfn, bool readonly)
{
	struct grant_table *gt = d->grant;
	struct grant_entry_v1 *e;
	int err;

	if (gfn > UINT32_MAX || ref / GRANTS_PER_FRAME >= gt->max_frames)
		return -EINVAL;
	spin_lock(&gt->lock);
	err = grant_grow_to(d, ref / GRANTS_PER_FRAME + 1);
	if (!err) {
		e = grant_entry(gt, ref);
		e->domid = to;
		e->frame = (u32)gfn;
		smp_wmb();
		WRITE_ONCE(e->flags, GTF_permit_access | (readonly ? GTF_readonly : 0));
	}
	spin_unlock(&gt->lock);
	return err;
}

/* Flags and domid of an entry change together: both are in its first 32 bits. */
static u32 grant_head(u16 flags, domid_t domid) { return flags | (u32)domid << 16; }

/*
 * Sets GTF_reading, and GTF_writing for a writer, if the entry allows grantee that access now. The
 * guest may change the entry at any time: after a few tries Keel gives up.
 */
static s16 grant_claim(struct grant_entry_v1 *e, domid_t grantee, bool readonly)
{
	u32 *head = (u32 *)e, old = READ_ONCE(*head);

	for (unsigned int tries = 0; tries < 5; tries++) {
		u16 flags = (u16)old;

		if ((flags & GTF_type_mask) != GTF_permit_access || old >> 16 != grantee)
			return GNTST_general_error;
		if (!readonly && flags & GTF_readonly)
			return GNTST_general_error;
		flags |= readonly ? GTF_reading : GTF_reading | GTF_writing;
		if (cas(head, &old, grant_head(flags, grantee)))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

/* G: clears the flags that the remaining pins (none, or readers only) do not need. */
static void grant_unclaim(struct grant_entry_v1 *e, const struct grant_active *act)
{
	u16 clear = 0;

	if (!act->writers)
		clear |= GTF_writing;
	if (!act->writers && !act->readers)
		clear |= GTF_reading;
	if (clear)
		__atomic_fetch_and(&e->flags, (u16)~clear, __ATOMIC_SEQ_CST);
}

/* G: the frame that the entry names, with a reference: only a page that the granter itself owns. */
static s16 grant_resolve(struct domain *granter, struct grant_entry_v1 *e, struct grant_active *act)
{
	struct page_info *pg = p2m_get_page(granter, READ_ONCE(e->frame), false);

	if (!pg)
		return GNTST_bad_page;
	act->mfn = (u32)page_to_mfn(pg);
	return GNTST_okay;
}

/* G */
static s16 grant_pin_locked(struct domain *granter, grant_ref_t ref, domid_t grantee, bool readonly)
{
	struct grant_entry_v1 *e = grant_entry(granter->grant, ref);
	struct grant_active *act = grant_active(granter->grant, ref);
	bool pinned = act->readers || act->writers;
	s16 status = GNTST_okay;

	if (pinned && act->grantee != grantee)
		return GNTST_general_error;
	if ((readonly ? act->readers : act->writers) == UINT8_MAX)
		return GNTST_general_error;
	if (!pinned || (!readonly && !act->writers))
		status = grant_claim(e, grantee, readonly);
	if (status != GNTST_okay)
		return status;
	if (!pinned) {
		status = grant_resolve(granter, e, act);
		if (status != GNTST_okay) {
			grant_unclaim(e, act);
			return status;
		}
		act->grantee = grantee;
	}
	if (readonly)
		act->readers++;
	else
		act->writers++;
	return GNTST_okay;
}

s16 grant_pin(struct domain *granter, grant_ref_t ref, domid_t grantee, bool readonly,
	      struct page_info **pg)
{
	struct grant_table *gt = granter->grant;
	s16 status = GNTST_bad_gntref;

	spin_lock(&gt->lock);
	if (ref < grant_refs(gt)) {
		ref = (grant_ref_t)index_nospec(ref, grant_refs(gt));
		status = grant_pin_locked(granter, ref, grantee, readonly);
		if (status == GNTST_okay)
			*pg = mfn_to_page(grant_active(gt, ref)->mfn);
	}
	spin_unlock(&gt->lock);
	return status;
}

static inline void unpin(struct domain *granter, grant_ref_t ref, bool readonly)
{
	struct grant_table *gt = granter->grant;
	struct grant_active *act;
	mfn_t mfn = INVALID_MFN;

	spin_lock(&gt->lock);
	act = grant_active(gt, ref);
	if (readonly)
		act->readers--;
	else
		act->writers--;
	grant_unclaim(grant_entry(gt, ref), act);
	if (!act->readers && !act->writers)
		mfn = act->mfn;
	spin_unlock(&gt->lock);
	if (mfn != INVALID_MFN)
		put_page(mfn_to_page(mfn)); /* last: it may end a zombie */
}

/*
 * The grantee may have written to the page, so it becomes dirty. A granter that changed its entry
 * meanwhile harms only itself. A function of its own, so that the common case pays only for the
 * check.
 */
static noinline void unpin_written(struct domain *granter, grant_ref_t ref)
{
	struct grant_table *gt = granter->grant;

	spin_lock(&gt->lock);
	p2m_read_lock(&granter->p2m);
	p2m_log_write(&granter->p2m, READ_ONCE(grant_entry(gt, ref)->frame));
	p2m_read_unlock(&granter->p2m);
	spin_unlock(&gt->lock);
	unpin(granter, ref, false);
}

void grant_unpin(struct domain *granter, grant_ref_t ref, bool readonly)
{
	if (unlikely(READ_ONCE(granter->p2m.log_dirty)) && !readonly)
		unpin_written(granter, ref);
	else
		unpin(granter, ref, readonly);
}

mfn_t grant_pinned_mfn(struct domain *granter, grant_ref_t ref)
{
	struct grant_table *gt = granter->grant;
	mfn_t mfn;

	spin_lock(&gt->lock);
	mfn = grant_active(gt, ref)->mfn;
	spin_unlock(&gt->lock);
	return mfn;
}

struct domain *grant_find_granter(domid_t id)
{
	struct domain *d = domain_find(id);

	return d && READ_ONCE(d->state) == DOMAIN_ALIVE && d->grant ? d : NULL;
}

/*
 * The domain whose table a query concerns. NULL with *status: GNTST_bad_domain or
 * GNTST_permission_denied.
 */
static struct domain *grant_resolve_domain(domid_t id, s16 *status)
{
	long err = 0;
	struct domain *d = domain_resolve(id, &err);

	if (d && d->grant)
		return d;
	*status = err == -EPERM ? GNTST_permission_denied : GNTST_bad_domain;
	return NULL;
}

static long grant_query_size(struct domain *me, void *arg, u64 gva, unsigned long n)
{
	struct gnttab_query_size *op = arg;
	struct domain *d = grant_resolve_domain(op->dom, &op->status);

	if (d) {
		op->nr_frames = READ_ONCE(d->grant->nr_frames);
		op->max_nr_frames = d->grant->max_frames;
		op->status = GNTST_okay;
	}
	return 0;
}

/* The gfn of a frame of the guest's table; all ones if it is not mapped. */
static xen_pfn_t grant_frame_gfn(struct domain *d, unsigned int idx)
{
	enum p2m_type t;
	gfn_t gfn;
	mfn_t mfn;

	spin_lock(&d->grant->lock);
	gfn = d->grant->gfn[idx];
	spin_unlock(&d->grant->lock);
	if (gfn == INVALID_GFN)
		return INVALID_GFN;
	p2m_read_lock(&d->p2m);
	mfn = p2m_get(d, gfn, &t, NULL);
	p2m_read_unlock(&d->p2m);
	return t == P2M_SHARED && mfn == virt_to_mfn(d->grant->shared[idx]) ? gfn : INVALID_GFN;
}

static s16 grant_fill_frame_list(struct domain *d, const struct gnttab_setup_table *op, size_t size)
{
	for (unsigned int i = 0; i < op->nr_frames; i++) {
		xen_pfn_t gfn = grant_frame_gfn(d, i);

		if (i % FRAMES_PER_STEP == 0)
			irq_window();
		if (copy_elem_to_guest(op->frame_list, i, &gfn, size))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

void grant_setup_table(struct gnttab_setup_table *op, size_t gfn_size)
{
	struct domain *d = grant_resolve_domain(op->dom, &op->status);

	if (d) {
		op->status = GNTST_general_error;
		if (op->nr_frames <= d->grant->max_frames &&
		    (op->nr_frames == 0 || grant_table_frame(d, op->nr_frames - 1)))
			op->status = grant_fill_frame_list(d, op, gfn_size);
	}
}

static long grant_setup_table_64(struct domain *me, void *arg, u64 gva, unsigned long n)
{
	grant_setup_table(arg, sizeof(xen_pfn_t));
	return 0;
}

/* Only version 1 is implemented; the answer says so, and Linux accepts that. */
static long grant_set_version(struct domain *me, void *arg, u64 gva, unsigned long n)
{
	struct gnttab_set_version *op = arg;
	long err = op->version == 1 ? 0 : op->version == 2 ? -ENOSYS : -EINVAL;

	op->version = 1;
	return err;
}

static long grant_get_version(struct domain *me, void *arg, u64 gva, unsigned long n)
{
	struct gnttab_get_version *op = arg;
	long err = 0;

	if (domain_resolve(op->dom, &err))
		op->version = 1;
	return err;
}

/* Two unused entries of the caller change places. */
static s16 grant_swap(struct grant_table *gt, grant_ref_t a, grant_ref_t b)
{
	struct grant_active *pa, *pb;
	struct grant_entry_v1 e;
	s16 status = GNTST_okay;

	spin_lock(&gt->lock);
	if (a >= grant_refs(gt) || b >= grant_refs(gt)) {
		status = GNTST_bad_gntref;
	} else if (a != b) {
		a = (grant_ref_t)index_nospec(a, grant_refs(gt));
		b = (grant_ref_t)index_nospec(b, grant_refs(gt));
		pa = grant_active(gt, a);
		pb = grant_active(gt, b);
		if (pa->readers || pa->writers || pb->readers || pb->writers) {
			status = GNTST_eagain;
		} else {
			e = *grant_entry(gt, a);
			*grant_entry(gt, a) = *grant_entry(gt, b);
			*grant_entry(gt, b) = e;
		}
	}
	spin_unlock(&gt->lock);
	return status;
}

static long grant_swap_batch(struct domain *d, void *arg, u64 gva, unsigned long n)
{
	struct gnttab_swap_grant_ref op[GRANT_COPY_BATCH];

	if (copy_from_guest(op, gva, n * sizeof(*op)))
		return -EFAULT;
	for (unsigned long i = 0; i < n; i++)
		op[i].status = grant_swap(d->grant, op[i].ref_a, op[i].ref_b);
	return copy_to_guest(gva, op, n * sizeof(*op)) ? -EFAULT : 0;
}

#define SINGLE(name, handler) OP(GNTTABOP_##name, handler, HC_ANY, OP_ARG(struct gnttab_##name))
#define BATCH(name, handler, n) \
	OP(GNTTABOP_##name, handler, HC_ANY, OP_ARG(struct gnttab_##name), .most = n)

/*
 * transfer, dump_table and get_status_frames are missing: Xen does not offer them to PVH guests
 * either.
 */
static const struct op grant_ops[] = {
	BATCH(map_grant_ref, grant_map_batch, GRANT_BATCH),
	BATCH(unmap_grant_ref, grant_unmap_batch, GRANT_BATCH),
	BATCH(unmap_and_replace, grant_unmap_replace_batch, GRANT_BATCH),
	BATCH(copy, grant_copy_batch, GRANT_COPY_BATCH),
	BATCH(swap_grant_ref, grant_swap_batch, GRANT_COPY_BATCH),
	SINGLE(setup_table, grant_setup_table_64),
	SINGLE(query_size, grant_query_size),
	SINGLE(set_version, grant_set_version),
	SINGLE(get_version, grant_get_version),
	/* exists on other architectures only: refused for any count */
	OP(GNTTABOP_cache_flush, NULL, HC_ANY, .answer = -EOPNOTSUPP),
};

/* One batch; the guest calls again with the remaining items as arguments. */
static long grant_run_batch(unsigned long cmd, const struct op *op, u64 gva, unsigned int count)
{
	unsigned int n = min_t(unsigned int, count, op->most);
	long err = op->fn(current->domain, NULL, gva, n);

	if (err || n == count)
		return err;
	return hypercall_continue(__HYPERVISOR_grant_table_op, cmd, gva + (u64)n * op->size, count - n, 0);
}

/* Its copy of the argument is no burden for batches. */
static noinline long grant_run_single(const struct op *op, u64 gva, unsigned int count)
{
	u8 arg[OP_ARG_MAX] __aligned(8);
	struct domain *d;
	long err;

	if (count != 1)
		return -EINVAL;
	err = op_get(op, gva, arg, &d);
	if (err)
		return err;
	err = op->fn(d, arg, gva, 1);
	return copy_to_guest(gva, arg, op->size) ? -EFAULT : err;
}

long do_grant_table_op(u64 cmd, u64 gva, u64 count, u64 a4, u64 a5)
{
	const struct op *op = &grant_ops[index_nospec((u32)cmd, ARRAY_SIZE(grant_ops))];

	if ((u32)cmd >= ARRAY_SIZE(grant_ops))
		op = NULL;
	if ((s32)count < 0)
		return -EINVAL;
	if (op && op->most)	/* then it has a handler, too */
		return op_allowed(op) ? grant_run_batch((u32)cmd, op, gva, (u32)count) : -EPERM;
	return op && op->fn ? grant_run_single(op, gva, (u32)count)
	       : op_answer(grant_ops, ARRAY_SIZE(grant_ops), (u32)cmd);
}
