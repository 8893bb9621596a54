/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry bits of nested tables, by type (svm: APM vol. 2, 15.25; vmx: SDM vol. 3, 29.3). */
#ifndef ARCH_X86_P2M_FORMAT_H
#define ARCH_X86_P2M_FORMAT_H

#include "common/heap.h"
#include "common/p2m.h"

struct p2m_format {
	u64 leaf[P2M_NR_TYPES];	/* bits of a leaf entry of a type; 0: the type is not mapped */
	/* in an IOMMU's format, instead of leaf[P2M_RESERVED]: by P2M_DEVICES_READ and _WRITE */
	u64 reserved[4];
	u64 exec;		/* bits that allow execution; 0: p2m_large_noexec does not apply */
	u64 table;		/* bits of an entry that points to a table */
	u64 table_level;	/* times the level of that table: AMD-Vi's next level field */
	u64 superpage;		/* makes a level 2 or 3 entry a leaf: these bits of superpage_mask are set */
	u64 superpage_mask;
	unsigned int max_order;	/* of a leaf: 0, 9 or 18 */
	bool types;		/* bits 52..55 are ignored by hardware and hold the type */
	bool noncoherent;	/* hardware reads it past the caches: entries are written back */
};

extern const struct p2m_format *p2m_format; /* the vendor's; set once at boot */

/* Large pages are not executable (iTLB multihit): p2m_exec_fault(). Set once at boot. */
extern bool p2m_large_noexec;

/*
 * Bits 52..55 are ignored by both vendors' hardware: they hold the type (APM vol. 2, 5.3.3; SDM
 * vol. 3, table 29-6). An entry that points to a table has neither a type nor any bit above it, so
 * walks need not know the vendor's format.
 */
#define P2M_TYPE_SHIFT 52
#define P2M_ADDR 0x000ffffffffff000ull
#define P2M_WRITE BIT(1)	/* both vendors' nested entries allow writes by it */
#define P2M_LEVELS 4

static inline enum p2m_type p2m_entry_type(u64 e) { return e >> P2M_TYPE_SHIFT & 15; }

/*
 * The nested entry that decides what is at gfn (< p2m_gfn_limit): an empty one, or one of a type,
 * for 2^order frames. Any p2m lock held.
 */
static inline u64 *p2m_entry_at(const struct p2m *p, gfn_t gfn, unsigned int *order)
{
	u64 *table = p->arch.root;

	for (*order = 9 * (P2M_LEVELS - 1);; *order -= 9) {
		u64 *slot = &table[gfn >> *order & 511], e = READ_ONCE(*slot);

		if (!e || e >= BIT(P2M_TYPE_SHIFT))
			return slot;
		table = mfn_to_virt((e & P2M_ADDR) >> PAGE_SHIFT);
	}
}

#endif
