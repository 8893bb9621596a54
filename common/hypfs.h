/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree of named values that hypfs_op reads: /buildinfo and /params as in Xen, and Keel's own
 * figures under /keel. Values are computed at each read: each part of the tree is a function that
 * names its leaves to the walk, which keeps the requested ones.
 */
#ifndef COMMON_HYPFS_H
#define COMMON_HYPFS_H

#include "common/types.h"

struct hypfs_walk;

/* Name a leaf. The leaves of one folder must follow each other. path has no leading slash. */
void hypfs_string(struct hypfs_walk *w, const char *path, const char *value);
void hypfs_uint(struct hypfs_walk *w, const char *path, u64 value);
void hypfs_bool(struct hypfs_walk *w, const char *path, bool value);

/* Arch: leaves under keel/cpu-faults, keel/features and keel/iommu. */
void arch_hypfs_cpu_faults(struct hypfs_walk *w);
void arch_hypfs_features(struct hypfs_walk *w);
void arch_hypfs_iommu(struct hypfs_walk *w);

#endif
