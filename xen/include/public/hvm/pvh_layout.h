/* SPDX-License-Identifier: MIT */
/*
 * What a PVH guest looks like, to the hypervisor and to whoever builds the guest: its limits, its
 * pages of rings, and where its PCI hierarchy lies, if it has one. Keel's own, not in Xen.
 */
#ifndef PUBLIC_HVM_PVH_LAYOUT_H
#define PUBLIC_HVM_PVH_LAYOUT_H

/*
 * Local APIC ids are even, and stay below 255: the tables (MADT) may name them by the xAPIC's 8
 * bits.
 */
#define PVH_MAX_VCPUS 128
#define PVH_APIC_ID(vcpu) ((vcpu) * 2)
#define PVH_LAPIC_BASE 0xfee00000u

/*
 * Where libxl has these, too: from the tables up to 4 GiB no RAM but the pages of the rings, the
 * last of which these are.
 */
#define PVH_ACPI_BASE 0xfc000000u
#define PVH_STORE_GFN 0xfeffc
#define PVH_CONSOLE_GFN 0xfefff

/* Configuration space (PCI Express 5.0, 7.2.2): buses 0 to PVH_PCI_BUSES - 1, a MiB each. */
#define PVH_PCI_ECAM_BASE 0xfd000000
#define PVH_PCI_BUSES     24

/*
 * The window of BARs that have 64 bits: the upper half of what the guest's physical addresses, of
 * so many bits, reach.
 */
#define PVH_PCI_WINDOW_BASE(bits) (1ull << ((bits) - 1))
#define PVH_PCI_WINDOW_SIZE(bits) (1ull << ((bits) - 1))

/*
 * The window of BARs that have 32 bits. Who builds the guest puts no RAM there, and its tables
 * behind it.
 */
#define PVH_PCI_WINDOW32_BASE 0xdc000000
#define PVH_PCI_WINDOW32_SIZE 0x20000000

#endif
