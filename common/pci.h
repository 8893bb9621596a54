/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions, as the domain that owns them names them. */
#ifndef COMMON_PCI_H
#define COMMON_PCI_H

#include "common/types.h"

struct domain;

/*
 * Arch: PHYSDEVOP_pci_device_add and _remove. flags: XEN_PCI_DEV_*; physfn_bdf:
 * bus << 8 | devfn of the physical function of a virtual one. 0, -ENODEV (no
 * such function), -ENOMEM, -EINVAL (a physical function without SR-IOV). No locks.
 */
int arch_pci_device_add(u16 seg, u8 bus, u8 devfn, u32 flags, u16 physfn_bdf);
int arch_pci_device_remove(u16 seg, u8 bus, u8 devfn);

/*
 * Arch: assigns the function (segment << 16 | bus << 8 | devfn) to d, or to nobody (d NULL). It
 * must belong to nobody, or to the hardware domain and not be in use. It is reset when it leaves
 * its domain, and belongs to nobody meanwhile. 0, -ENODEV (no such function), -EPERM (d cannot have
 * devices), a reason of public/pci_refused.inc after a line in the log, -ERESTART (its reset is in
 * progress: call again), -ENOSPC (d's ports are full), -ENOMEM. No locks.
 */
long arch_pci_assign(struct domain *d, u32 sbdf);
/*
 * Takes the function from d, so that it belongs to nobody; or, with d NULL, gives nobody's function
 * to the hardware domain. 0, -ENODEV, -ERESTART.
 */
long arch_pci_deassign(struct domain *d, u32 sbdf);
/*
 * Could it be assigned to d (NULL: to nobody)? 0, -EEXIST (d has it), a reason as above without a
 * log, -ENODEV.
 */
long arch_pci_test_assign(struct domain *d, u32 sbdf);
/*
 * Lists the functions that can only be assigned together with it, including itself. Returns their
 * number, at most max.
 */
unsigned int arch_pci_group(u32 sbdf, u32 *list, unsigned int max);
/* Has d functions now? Any locks. */
bool arch_pci_has_functions(const struct domain *d);
/*
 * p2m_log_start() for a domain that has no functions; it gets none while the log is on. The same
 * errors, or -EOPNOTSUPP. No locks.
 */
int arch_pci_log_start(struct domain *d);
/* Can domains with devices of their own be created? */
bool arch_pci_assignable(void);

/*
 * Arch: the i-th range of memory that firmware reserves for devices, first and last byte, and the
 * function (segment << 16 | bus << 8 | devfn), RESERVED_FOR_ALL: any. false: there is no i-th. Does
 * not change after boot.
 */
#define RESERVED_FOR_ALL (~0u)
bool arch_reserved_memory(unsigned int i, u64 *first, u64 *last, u32 *sbdf);

#endif
