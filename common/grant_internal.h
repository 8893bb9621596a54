/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of grant.c, grant_map.c and grant_copy.c. */
#ifndef COMMON_GRANT_INTERNAL_H
#define COMMON_GRANT_INTERNAL_H

#include <machine/nospec.h>
#include "common/domain.h"
#include "common/grant.h"
#include "common/heap.h"

#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define MAPTRACK_PER_FRAME (PAGE_SIZE / sizeof(struct maptrack))
/*
 * Operations until the hypercall is continued: with one flush for all of them; others: about 20,000
 * instructions.
 */
#define GRANT_BATCH 64
#define GRANT_COPY_BATCH 32

/*
 * A granted page in use. While anybody maps or copies it (readers or writers not 0), the frame and
 * the grantee are those of the first use, whatever the guest writes into its entry, and one
 * reference on the frame is held, which also keeps the granter (as a zombie) and its table.
 */
struct grant_active {
	u32 mfn;
	domid_t grantee;
	u8 readers, writers; /* a writer counts as writer only */
};
_Static_assert(sizeof(struct grant_active) == sizeof(struct grant_entry_v1),
	       "a page of these for a frame of the table");

enum maptrack_state { MT_FREE, MT_BUSY /* being mapped or unmapped */, MT_USED };

/* A mapping, named by its handle. */
struct maptrack {
	grant_ref_t ref;
	domid_t granter;
	u8 state;	/* enum maptrack_state */
	bool readonly;
	u64 gfn;	/* free: the next free handle */
};
_Static_assert(sizeof(struct maptrack) == 16, "256 a page");

#define MAPTRACK_END (~0ull)

/* One domain's table: what it grants, and what it has mapped. G: lock */
struct grant_table {
	spinlock_t lock;	/* RANK_GRANT; never two at once */
	unsigned int nr_frames, max_frames;	/* G: nr_frames */
	struct grant_entry_v1 **shared;		/* G; the guest writes the entries at any time */
	struct grant_active **active;		/* G */
	gfn_t *gfn;				/* G: where the guest put the frames last */
	unsigned int order;			/* of this structure with its arrays */
	/* Maptrack: made with the first mapping. */
	unsigned int nr_maptrack, max_maptrack;	/* G: frames */
	struct maptrack **maptrack;		/* G */
	u64 maptrack_free;			/* G: first free handle, or MAPTRACK_END */
};

static inline unsigned int grant_refs(const struct grant_table *gt)
{
	return gt->nr_frames * (unsigned int)GRANTS_PER_FRAME;
}

static inline struct grant_entry_v1 *grant_entry(const struct grant_table *gt, grant_ref_t ref)
{
	return &gt->shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

static inline struct grant_active *grant_active(const struct grant_table *gt, grant_ref_t ref)
{
	return &gt->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/*
 * Pins a granted page for grantee, and tells the granter by GTF_reading and GTF_writing. GNTST_okay
 * with the page in *pg, valid until grant_unpin(); else GNTST_*, nothing changed. No grant or p2m
 * lock held.
 */
s16 grant_pin(struct domain *granter, grant_ref_t ref, domid_t grantee, bool readonly,
	      struct page_info **pg);
/*
 * Ends one use. The caller has flushed everything that could reach the page through it. No grant
 * lock held.
 */
void grant_unpin(struct domain *granter, grant_ref_t ref, bool readonly);
/* The frame of a page in use. */
mfn_t grant_pinned_mfn(struct domain *granter, grant_ref_t ref);

/* A domain that grants: alive, found by its id only. NULL: GNTST_bad_domain. */
struct domain *grant_find_granter(domid_t id);

/*
 * n <= GRANT_BATCH operations (copies: GRANT_COPY_BATCH) at gva. No locks. 0 (results in each
 * status), or -EFAULT: then none of the batch remains mapped.
 */
long grant_map_batch(struct domain *d, void *arg, u64 gva, unsigned long n);
long grant_unmap_batch(struct domain *d, void *arg, u64 gva, unsigned long n);
long grant_unmap_replace_batch(struct domain *d, void *arg, u64 gva, unsigned long n);
long grant_copy_batch(struct domain *d, void *arg, u64 gva, unsigned long n);

#endif
