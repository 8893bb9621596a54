/* SPDX-License-Identifier: GPL-2.0-only */
/* The IO-APICs that Dom0 sees: one for each of the machine's, at the same place. */
#ifndef ARCH_X86_HVM_VIOAPIC_H
#define ARCH_X86_HVM_VIOAPIC_H

#include "arch/x86/hvm/mmio.h"

/*
 * Makes d's IO-APICs after the machine's. 0 or -ENOMEM. For the hardware domain, which is never
 * destroyed, and without which there is no boot: nothing is freed.
 */
int vioapic_init(struct domain *d);
/* v's local APIC ends a level interrupt with this vector. Any lock below RANK_VIOAPIC. */
void vioapic_eoi(struct domain *d, u8 vector);
/* Does the page hold registers of one of d's IO-APICs? */
bool vioapic_is_page(struct domain *d, gfn_t gfn);

extern const struct mmio_handler vioapic_mmio;

#endif
