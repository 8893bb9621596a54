/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The physical-to-machine map of a domain: the nested page table itself, in the
 * vendor's format, with the type of each entry in its software bits.
 *
 * Rules. Changes happen under the write lock and become visible to the guest's
 * CPUs and, in the mirror that a domain with devices has, to the IOMMU at p2m_write_unlock() at the latest, which flushes
 * once for the batch. The references that removed entries held are dropped only
 * after that flush. Readers under the read lock may use what they find, without
 * a reference, until they unlock.
 */
#ifndef COMMON_P2M_H
#define COMMON_P2M_H

#include "common/pcpu.h"
#include "common/types.h"

struct domain;
struct page_info;

enum p2m_type {
	P2M_HOLE,	/* nothing */
	P2M_RAM,	/* the domain's own page: holds its allocation reference */
	P2M_SHARED,	/* a Keel page shown to the guest (shared_info, grant frames): holds a reference */
	P2M_GRANT_RW,	/* mapped by grant: holds a reference */
	P2M_GRANT_RO,
	P2M_FOREIGN,	/* another domain's page mapped by privilege: holds a reference */
	P2M_MMIO,	/* device memory, uncached: no reference */
	P2M_MMIO_RAMLIKE, /* ACPI tables and other firmware memory, write-back: no reference */
	P2M_ONES,	/* a hole that reads as ones without an exit; p2m_get() calls it P2M_HOLE */
	P2M_RESERVED,	/* the same, and plus bits that the firmware sets: devices may 1 read, 2 write it; 0..3 */
	P2M_NR_TYPES = P2M_RESERVED + 4
};

static inline bool p2m_is_ram(enum p2m_type t) { return t == P2M_RAM; }
/* Memory that the guest's hypercall arguments may lie in. */
static inline bool p2m_is_readable(enum p2m_type t) { return t >= P2M_RAM && t <= P2M_FOREIGN; }
static inline bool p2m_is_writable(enum p2m_type t) { return p2m_is_readable(t) && t != P2M_GRANT_RO; }
static inline bool p2m_has_ref(enum p2m_type t) { return t >= P2M_RAM && t <= P2M_FOREIGN; }

#define P2M_BATCH 64

struct p2m {
	rwlock_t lock;		/* RANK_P2M */
	u64 *root;		/* arch's table; P: lock for writing */
	u64 generation;		/* atomic: counts flushes */
	gfn_t max_gfn;		/* highest gfn ever mapped */
	u64 nr_tables;		/* table pages, for accounting */
	bool need_flush;
	unsigned int nr_put;	/* references to drop after the flush */
	u64 put[P2M_BATCH];	/* mfn << 6 | order */
	u64 *iommu_root;	/* its mirror for devices; NULL: the domain has none */
	u16 iommu_id;		/* what IOMMUs call the domain */
	cpumask_t dirty;	/* atomic: CPUs on which a vCPU of the domain is loaded */
};

int p2m_init(struct domain *d);
/* One step of taking everything out, below *next gfn on: 0 done, -ERESTART. */
int p2m_teardown_step(struct domain *d);
void p2m_free(struct domain *d);

static inline void p2m_read_lock(struct p2m *p) { read_lock(&p->lock); }
static inline void p2m_read_unlock(struct p2m *p) { read_unlock(&p->lock); }
void p2m_write_lock(struct p2m *p);
/* Flushes if anything changed, then drops the collected references, then unlocks. */
void p2m_write_unlock(struct domain *d);

/*
 * Sets 2^order frames from gfn (0, 9 or 18; both aligned to it) to mfn of type t
 * (P2M_HOLE: mfn ignored). Takes over one reference per frame if p2m_has_ref(t).
 * What was there is removed and its reference dropped after the flush, a superpage
 * in the way is split. Write lock held. -ENOMEM, -EINVAL (gfn too large). Undone on error.
 */
int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t);

/* Splits a superpage around gfn (< p2m_gfn_limit), so that taking the frame out cannot fail. Write lock held. 0, -ENOMEM. */
int p2m_split(struct domain *d, gfn_t gfn);

/* The frame at gfn; INVALID_MFN and P2M_HOLE where nothing is. order may be NULL. Any p2m lock held. */
mfn_t p2m_get(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order);

/*
 * Makes the hole at gfn read as all ones without further exits: it, and as much around it as is empty and does
 * not contain the frame `but`; only the one page for the hardware domain, which finds devices by touching them.
 * Costs tables only on the way to `but` (or to the page). Write lock held. -EINVAL: no tables reach there; -ENOMEM.
 */
int p2m_show_ones(struct domain *d, gfn_t gfn, gfn_t but);

/*
 * The page at gfn with an own reference: RAM of the domain, or a page that Keel shows it; else NULL. Not what it
 * has mapped by grant: a reference keeps the frame, but not the grant. Takes the read lock. t may be NULL.
 */
struct page_info *p2m_get_page(struct domain *d, gfn_t gfn, enum p2m_type *t);

/* Flush translations of d on all CPUs that may hold them, and wait. Any locks. */
void p2m_flush(struct domain *d);

/* Highest gfn + 1 that this machine's nested tables can translate. */
extern gfn_t p2m_gfn_limit;

#endif
