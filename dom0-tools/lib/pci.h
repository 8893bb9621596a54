/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PCI_H
#define KEEL_LIB_PCI_H

#include <stdint.h>

#include "lib/guest.h"
#include "lib/keel.h"

/*
 * PCI functions of the machine, for guests. With k->dry_run the functions that change something
 * only check what can be checked in advance. One is assignable when no driver of Dom0 has it and
 * the hypervisor has put it into quarantine. What refuses one is in pci_info.h.
 */

/* Bits of the physical addresses that guests have. */
unsigned int pci_address_bits(void);

/* Could the function be given to a guest now? */
int pci_check(struct keel *k, uint32_t sbdf);
/*
 * Takes it from its driver and puts it into quarantine, where it is reset; if that fails, its
 * driver gets it back.
 */
int pci_make_assignable(struct keel *k, uint32_t sbdf);
/* Back to Dom0, whose drivers may have it again. */
int pci_give_back(struct keel *k, uint32_t sbdf);

/*
 * The function becomes the guest's, with its settings, once its reset is over. What the settings
 * were is kept in xenstore. If it fails, they are put back.
 */
int pci_attach(struct keel *k, unsigned int domid, const struct guest_pci *p);
/* Takes it from the guest into quarantine, and restores the old settings. */
int pci_detach(struct keel *k, unsigned int domid, uint32_t sbdf);
/*
 * The guest ends, or has ended: takes functions with settings from it, and restores the old
 * settings. Call it before its memory is freed, which takes long enough for another guest to get
 * the functions.
 */
void pci_forget(struct keel *k, unsigned int domid);

/* vf.c: the physical function gets so many virtual ones, ready to be assigned; 0: none. */
int pci_create_vfs(struct keel *k, uint32_t pf, unsigned int vfs);

#endif
