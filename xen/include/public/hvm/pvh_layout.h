/* SPDX-License-Identifier: MIT */
/*
 * Where a PVH guest's PCI hierarchy lies, if it has one: what the hypervisor answers, and the
 * tables (MCFG, SSDT) that whoever builds the guest writes for it. Keel's own, not in Xen.
 */
#ifndef PUBLIC_HVM_PVH_LAYOUT_H
#define PUBLIC_HVM_PVH_LAYOUT_H

/* Configuration space (PCI Express 5.0, 7.2.2): buses 0 to PVH_PCI_BUSES - 1, a MiB each. */
#define PVH_PCI_ECAM_BASE 0xfd000000
#define PVH_PCI_BUSES     24

/* The window of BARs that have 64 bits: the upper half of what the guest's physical addresses, of so many bits, reach. */
#define PVH_PCI_WINDOW_BASE(bits) (1ull << ((bits) - 1))
#define PVH_PCI_WINDOW_SIZE(bits) (1ull << ((bits) - 1))

/* The window of BARs that have 32 bits. Who builds the guest puts no RAM there, and its tables behind it. */
#define PVH_PCI_WINDOW32_BASE 0xdc000000
#define PVH_PCI_WINDOW32_SIZE 0x20000000

#endif
