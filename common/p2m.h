/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The physical-to-machine map of a domain: the nested page table itself, in the
 * vendor's format, with the type of each entry in its software bits.
 *
 * Rules. Changes happen under the write lock and become visible to the guest's
 * CPUs and, in the mirror that a domain with devices has, to the IOMMU at p2m_write_unlock() at the
 * latest, which flushes once for the batch. The references that removed entries held are dropped
 * only after that flush. Readers under the read lock may use what they find, without
 * a reference, until they unlock.
 */
#ifndef COMMON_P2M_H
#define COMMON_P2M_H

#include <machine/p2m.h>

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
	P2M_ONES,	/* a hole that reads as ones without an exit; p2m_get() reports it as P2M_HOLE */
	P2M_RESERVED,	/* the same, and the firmware says what devices may do there: p2m_set_reserved() */
	P2M_NR_TYPES
};

static inline bool p2m_is_ram(enum p2m_type t) { return t == P2M_RAM; }
/* Memory that the guest's hypercall arguments may lie in. */
static inline bool p2m_is_readable(enum p2m_type t) { return t >= P2M_RAM && t <= P2M_FOREIGN; }
static inline bool p2m_is_writable(enum p2m_type t) { return p2m_is_readable(t) &&
						      t != P2M_GRANT_RO; }
static inline bool p2m_has_ref(enum p2m_type t) { return t >= P2M_RAM && t <= P2M_FOREIGN; }

#define P2M_BATCH 64

struct p2m {
	rwlock_t lock;		/* RANK_P2M */
	struct arch_p2m arch;	/* the tables */
	u64 generation;		/* atomic: counts flushes */
	gfn_t max_gfn;		/* highest gfn ever mapped */
	u64 nr_tables;		/* table pages, against p2m_max_tables() */
	mfn_t rest;		/* teardown: frames of a superpage that was removed */
	u64 nr_rest;
	bool need_flush;
	bool log_dirty;		/* P: lock for writing */
	u32 log_faults;		/* P: lock for writing; atomic */
	unsigned int nr_put;	/* references to drop after the flush */
	u64 put[P2M_BATCH];	/* mfn << 6 | order */
	cpumask_t dirty;	/* atomic: CPUs on which a vCPU of the domain is loaded */
};

int p2m_init(struct domain *d);
/*
 * One step of removing everything, with a bounded number of instructions and without allocating: 0
 * when done, else -ERESTART. No vCPU runs, the domain has no devices, and nothing is added any
 * more.
 */
int p2m_teardown_step(struct domain *d);
/* After the last step, in a grace period's callback. */
void p2m_free(struct domain *d);
/*
 * How many tables the domain may have: d->paging_mempool, or a default for its memory and devices.
 * Any context.
 */
u64 p2m_max_tables(const struct domain *d);

static inline void p2m_read_lock(struct p2m *p) { read_lock(&p->lock); }
static inline void p2m_read_unlock(struct p2m *p) { read_unlock(&p->lock); }
void p2m_write_lock(struct p2m *p);
/* Flushes if anything changed, then drops the collected references, then unlocks. */
void p2m_write_unlock(struct domain *d);
/*
 * In a long batch: releases the lock for a moment, without a flush, takes interrupts, and acquires
 * it again. Removed entries keep their references until the flush, and their grants stay in use
 * until after it. No other lock held.
 */
void p2m_write_relax(struct domain *d);

/*
 * Sets 2^order frames from gfn (0, 9 or 18; both aligned to it) to mfn of type t (P2M_HOLE: mfn
 * ignored). Takes over one reference per frame if p2m_has_ref(t). Old entries are removed and their
 * references dropped after the flush; a superpage in the way is split. Write lock held. -ENOMEM
 * (also: the domain's limit of tables), -EINVAL (gfn too large), -EBUSY (order > 0, and there are
 * smaller pages, or a gigabyte). Undone on error.
 */
int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t);

/* One frame of P2M_RESERVED; devices may do what access says. As p2m_set(). */
#define P2M_DEVICES_READ 1
#define P2M_DEVICES_WRITE 2
int p2m_set_reserved(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int access);

/*
 * The largest order for which each tree of tables has a single entry; p2m_set() takes long for
 * larger ones.
 */
unsigned int p2m_max_order(const struct domain *d);

/*
 * Splits a superpage around gfn (< p2m_gfn_limit), so that removing the frame cannot fail. Write
 * lock held. 0, -ENOMEM.
 */
int p2m_split(struct domain *d, gfn_t gfn);

/*
 * The frame at gfn; INVALID_MFN and P2M_HOLE if nothing is mapped. order may be NULL. Any p2m lock
 * held.
 */
mfn_t p2m_get(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order);

/*
 * Makes the hole at gfn read as all ones without further exits: it, and as much around it as is
 * empty and does not contain the frame `but`; only the one page for the hardware domain, which
 * finds devices by touching them. Needs tables only along the path to `but` (or to the page). Write
 * lock held. -EINVAL: no tables reach there; -ENOMEM.
 */
int p2m_show_ones(struct domain *d, gfn_t gfn, gfn_t but);

/*
 * The page at gfn, with a reference of its own: RAM of the domain, or, if shared, a page that Keel
 * shows it; else NULL. Never a page that is mapped by grant, since a reference keeps the frame, but
 * not the grant. Takes the read lock.
 */
struct page_info *p2m_get_page(struct domain *d, gfn_t gfn, bool shared);

/*
 * Log-dirty mode. A page is dirty if it was written, or mapped at its gfn, since it became clean.
 * Writes count if they come from the guest, from Keel, which calls p2m_log_write() under the same
 * lock as the write, or through a writable grant, when that ends. Writes through foreign mappings
 * do not count.
 */
#define P2M_LOG_STEP 512	/* pages, and the alignment of a step */
/* Starts the log, with all pages dirty. No p2m lock. 0, -EINVAL (it is on), -ESRCH (d is dying). */
int p2m_log_start(struct domain *d);
void p2m_log_stop(struct domain *d);
/*
 * Sets the bits of those of n pages from gfn on (n <= P2M_LOG_STEP, gfn aligned to it) that are
 * dirty; how many. No p2m lock.
 */
unsigned int p2m_log_read(struct domain *d, gfn_t gfn, unsigned int n, u64 *bits);
/*
 * Makes pages of the step at gfn clean: those in bits, or all (NULL; superpages are not split
 * then). Takes effect after the next p2m_write_unlock(). No p2m lock.
 */
void p2m_log_protect(struct domain *d, gfn_t gfn, const u64 *bits);
/*
 * The guest faulted on a write to its RAM at gfn: makes the page writable and dirty. No p2m lock.
 */
void p2m_log_fault(struct domain *d, gfn_t gfn);
/*
 * The guest may execute its page at gfn, and faulted: it was large, and is small now, or was before
 * and the fault is old. No p2m lock.
 */
void p2m_exec_fault(struct domain *d, gfn_t gfn);
/* Any p2m lock held. */
void p2m_log_written(struct p2m *p, gfn_t gfn);
static inline void p2m_log_write(struct p2m *p, gfn_t gfn)
{
	if (unlikely(READ_ONCE(p->log_dirty)))
		p2m_log_written(p, gfn);
}

/* Flush translations of d on all CPUs that may hold them, and wait. Any locks. */
void p2m_flush(struct domain *d);

/* Highest gfn + 1 that this machine's nested tables can translate. */
extern gfn_t p2m_gfn_limit;

#endif
