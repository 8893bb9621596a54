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

#endif
