/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI configuration space as Dom0 sees it: the machine's own, except that Keel
 * stands between the guest and what aims interrupts: MSI capabilities, MSI-X
 * tables, and the BARs that say where these tables are.
 */
#ifndef ARCH_X86_PCI_VPCI_H
#define ARCH_X86_PCI_VPCI_H

#include "arch/x86/hvm/mmio.h"

/*
 * Finds all functions, and what of theirs must be trapped. 0 or -ENOMEM. Once, for the hardware
 * domain; with d NULL for guests that are started without one: functions that no guest gets belong
 * to nobody then.
 */
int vpci_init(struct domain *d);
/* Why arch_pci_assign() refused, for a negative errno of it, in words. */
const char *vpci_refused_words(long rc);
extern struct vpci *vpci_machine; /* of all functions; NULL before vpci_init() */

/* A hierarchy of its own for a guest that devices can be assigned to. 0 or -ENOMEM. */
int vpci_guest_init(struct domain *d);
/* The guest's functions become nobody's: d's vCPUs do not run, its memory is still all there. */
void vpci_guest_close(struct domain *d);
void vpci_guest_free(struct domain *d);

/* Ports 0xcf8 and 0xcfc..0xcff of the hardware domain. No locks held. */
u32 vpci_port_in(struct vcpu *v, u16 port, unsigned int size);
void vpci_port_out(struct vcpu *v, u16 port, unsigned int size, u32 val);

/*
 * Is the page at gfn emulated (an MSI-X table, configuration space, a guest's window of BARs)? Then
 * it must stay out of the p2m, or what is not mapped there is emulated. hvm_mmio_is_trapped() asks.
 * Any locks.
 */
bool vpci_mmio_is_trapped(struct domain *d, gfn_t gfn);

/* Can there be a device's registers, and nothing else, as far as is known by then? Bytes. */
bool vpci_is_device_range(u64 first, u64 size);

extern const struct mmio_handler vpci_msix_mmio, vpci_config_mmio;

#endif
