/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables that are a domain's physical-to-machine map: the nested one, and its mirror for
 * devices (arch/x86/p2m.c).
 */
#ifndef MACHINE_P2M_H
#define MACHINE_P2M_H

#include "common/types.h"

/* Of one tree of tables. P: lock for writing */
struct p2m_hint {
	u64 *table;		/* the last level's table that was used last, NULL: none */
	gfn_t region;		/* gfn >> 9 of it */
	gfn_t empty;		/* gfn >> 9 of the one that became empty last; it may be gone, or in use again */
};

struct arch_p2m {
	u64 *root;		/* P: lock for writing */
	u64 *iommu_root;	/* NULL: the domain has no mirror */
	u16 iommu_id;		/* what IOMMUs call the domain */
	gfn_t stale, stale_end;	/* what IOMMUs must forget, if the end is not 0. P: lock for writing */
	struct p2m_hint hint[2]; /* nested, mirror */
};

#endif
