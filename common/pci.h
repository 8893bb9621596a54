/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions, as the domain that owns them names them. */
#ifndef COMMON_PCI_H
#define COMMON_PCI_H

#include "common/types.h"

/*
 * Arch: PHYSDEVOP_pci_device_add and _remove. flags: XEN_PCI_DEV_*; physfn_bdf:
 * bus << 8 | devfn of the physical function of a virtual one. 0, -ENODEV (no
 * such function), -ENOMEM, -EINVAL (a physical function without SR-IOV). No locks.
 */
int arch_pci_device_add(u16 seg, u8 bus, u8 devfn, u32 flags, u16 physfn_bdf);
int arch_pci_device_remove(u16 seg, u8 bus, u8 devfn);

/*
 * Arch: the i-th range of memory that firmware has devices use, first and last byte, and the
 * function (segment << 16 | bus << 8 | devfn), RESERVED_FOR_ALL: any. false: there is no i-th. Does
 * not change after boot.
 */
#define RESERVED_FOR_ALL (~0u)
bool arch_reserved_memory(unsigned int i, u64 *first, u64 *last, u32 *sbdf);

#endif
