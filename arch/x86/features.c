/* SPDX-License-Identifier: GPL-2.0-only */
/* Features of this machine that are in use, as hypfs shows them under /keel/features. */
#include "arch/x86/cpu.h"
#include "arch/x86/hvm/ops.h"
#include "common/hypfs.h"

void arch_hypfs_features(struct hypfs_walk *w)
{
	hypfs_string(w, "keel/features/hvm", hvm_ops->name);
	hypfs_string(w, "keel/features/hvm_features", hvm_features);
	hypfs_bool(w, "keel/features/gb_pages", cpu_features.gb_pages);
	hypfs_bool(w, "keel/features/invariant_tsc", cpu_features.invariant_tsc);
	hypfs_bool(w, "keel/features/x2apic", cpu_features.x2apic);
	hypfs_bool(w, "keel/features/xsave", cpu_features.xsave);
}
