/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables, version 1 (public/grant_table.h; docs/abi.md, grant_table_op). */
#ifndef COMMON_GRANT_H
#define COMMON_GRANT_H

#include <public/grant_table.h>

#include "common/domain.h"

#define GRANT_MAX_FRAMES 1024	      /* most that a domain may be given */
#define GRANT_MAX_MAPTRACK_FRAMES 4096
#define GRANT_DEFAULT_FRAMES 64
#define GRANT_DEFAULT_MAPTRACK_FRAMES 1024

/*
 * A table of one frame that grows to max_frames. 0, -EINVAL (a limit of 0, or above those here),
 * -ENOMEM.
 */
int grant_init(struct domain *d, unsigned int max_frames, unsigned int max_maptrack);
/*
 * Unmaps everything that d has mapped; -ERESTART when it must be called again. d does not run any
 * more.
 */
int grant_release_mappings(struct domain *d);
/* Only when no CPU can still look at the table (rcu), and no page of d is mapped by others. */
void grant_free(struct domain *d);

/*
 * The frame with this index of d's table, grown on demand (XENMAPSPACE_grant_table,
 * acquire_resource). NULL: beyond the limit or no memory.
 */
void *grant_table_frame(struct domain *d, unsigned int idx);
/* Notes that a frame of the table is mapped at gfn of d, for GNTTABOP_setup_table. */
void grant_table_mapped(struct domain *d, unsigned int idx, gfn_t gfn);
/* GNTTABOP_setup_table, with gfns of this size in the caller's list; the answer is in *op. */
void grant_setup_table(struct gnttab_setup_table *op, size_t gfn_size);
/*
 * Writes entry `ref`: the builder's and the boot configuration's granted pages. 0, -EINVAL,
 * -ENOMEM.
 */
int grant_seed(struct domain *d, grant_ref_t ref, domid_t to, gfn_t gfn, bool readonly);

long do_grant_table_op(unsigned long cmd, unsigned long uop, unsigned long count, unsigned long,
		       unsigned long);

#endif
