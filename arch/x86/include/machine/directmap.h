/* SPDX-License-Identifier: GPL-2.0-only */
/* Where all RAM is in Keel's address space. */
#ifndef MACHINE_DIRECTMAP_H
#define MACHINE_DIRECTMAP_H

#include "common/types.h"

#define DIRECTMAP_BASE 0xffff800000000000ull
static inline void *pa_to_virt(paddr_t pa) { return (void *)(DIRECTMAP_BASE + pa); }
/* direct map addresses only */
static inline paddr_t virt_to_pa(const void *va) { return (u64)va - DIRECTMAP_BASE; }

#endif
