/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of memory_op.c, physmap.c and compat.c. */
#ifndef COMMON_MEMORY_INTERNAL_H
#define COMMON_MEMORY_INTERNAL_H

#include "common/domain.h"

/*
 * Makes the guest call again for the items from `start` on; the handler returns what this returns.
 */
long memory_continue(unsigned int op, u64 start, u64 gva);

/*
 * Maps 2^order frames at a gfn of d, and takes over their reference. It replaces what is mapped
 * there, except a grant mapping, which only its handle ends. 0, -EINVAL, -ENOMEM, -ESRCH (d is
 * dying).
 */
int physmap_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t);

/*
 * Copies the memory map of d to the guest's buffer, which has room for *nr entries; *nr becomes the
 * number of entries. 0, -ENOSYS, -EFAULT.
 */
long memory_map_copy(struct domain *d, u64 buffer, u32 *nr);

/* Operations of physmap.c (common/op.h); start: how many items are done already. */
long memory_add_to_physmap(struct domain *d, void *arg, u64 gva, unsigned long start);
long memory_add_to_physmap_batch(struct domain *d, void *arg, u64 gva, unsigned long start);
long memory_remove_from_physmap(struct domain *d, void *arg, u64 gva, unsigned long start);
long memory_acquire_resource(struct domain *d, void *arg, u64 gva, unsigned long start);

#endif
