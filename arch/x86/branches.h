/* SPDX-License-Identifier: GPL-2.0-only */
/* What the indirect branches and returns of Keel's own code are. */
#ifndef ARCH_X86_BRANCHES_H
#define ARCH_X86_BRANCHES_H

#define THUNK_SIZE 64		/* from one register's thunk to the next one's */
#define THUNK_ALIGNED 20	/* from the retpoline to a plain branch in the same half of the line */

/* Whether the compiler made branches and returns go through thunks.S (Makefile). */
#ifndef KEEL_THUNKS
#define KEEL_THUNKS 0
#endif

#ifndef __ASSEMBLY__

#include "common/types.h"

/*
 * Boot, once, before other CPUs run: makes of Keel's branches what the CPU needs. That is one
 * instruction in their place, or with retpoline the retpoline of indirect branches, and with
 * aligned branches and returns in the upper half of a cache line.
 */
void branches_init(bool retpoline, bool aligned);
/* The same in any writable code. */
void branches_patch(u8 *text, size_t size, bool retpoline, bool aligned);

/* thunks.S: what the CPU knows of the branches before is replaced (Branch History Injection). */
void clear_branch_history(void);

#endif

#endif
