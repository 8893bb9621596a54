/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PCI_H
#define KEEL_LIB_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/keel.h"

/*
 * PCI functions of the machine, for guests. One is assignable when no driver of Dom0 has it and the
 * hypervisor has put it into quarantine. All of sysfs that they need is below /sys/bus/pci/devices.
 */

/* Bits of the physical addresses that guests have. */
unsigned int pci_address_bits(void);

/* Could the function be given to a guest now? */
int pci_check(struct keel *k, uint32_t sbdf);
/* Takes it from its driver, resets it, and puts it into quarantine; if that fails, its driver gets it back. */
int pci_make_assignable(struct keel *k, uint32_t sbdf);
/* Reset, then back to Dom0, whose drivers may have it again. */
int pci_give_back(struct keel *k, uint32_t sbdf);

/* The function, reset, becomes the guest's. */
int pci_attach(struct keel *k, unsigned int domid, uint32_t sbdf);
/* It leaves the guest for the quarantine, and is reset. */
int pci_detach(struct keel *k, unsigned int domid, uint32_t sbdf);

/* Writes to a file of the function's folder in sysfs. 0 or -errno, without a message. */
int pci_write_file(uint32_t sbdf, const char *file, const char *text);

/* vf.c: the physical function gets so many virtual ones, ready to be assigned; 0: none. */
int pci_create_vfs(struct keel *k, uint32_t pf, unsigned int vfs);

#endif
