/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's RAM is an array. */
#ifndef MACHINE_DIRECTMAP_H
#define MACHINE_DIRECTMAP_H

#include "common/types.h"

extern u8 *fake_ram;
static inline void *pa_to_virt(paddr_t pa) { return fake_ram + pa; }
static inline paddr_t virt_to_pa(const void *va) { return (u64)va - (u64)fake_ram; }

#endif
