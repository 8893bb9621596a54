/* SPDX-License-Identifier: MIT */
/* physdev_op: interrupts and PCI devices of the domain that owns the hardware. */
#ifndef XEN_PUBLIC_PHYSDEV_H
#define XEN_PUBLIC_PHYSDEV_H

#include <public/xen.h>

#define PHYSDEVOP_map_pirq              13
#define PHYSDEVOP_unmap_pirq            14
#define PHYSDEVOP_manage_pci_add        15
#define PHYSDEVOP_manage_pci_remove     16
#define PHYSDEVOP_setup_gsi             21
#define PHYSDEVOP_pci_mmcfg_reserved    24
#define PHYSDEVOP_pci_device_add        25
#define PHYSDEVOP_pci_device_remove     26

struct physdev_manage_pci {
	uint8_t bus, devfn;
};

struct physdev_setup_gsi {
	int32_t gsi;
	uint8_t triggering; /* 0 edge, 1 level */
	uint8_t polarity;   /* 0 high, 1 low */
};

struct physdev_pci_mmcfg_reserved {
	uint64_t address;
	uint16_t segment;
	uint8_t start_bus, end_bus;
	uint32_t flags; /* 1: reserved */
};

#define XEN_PCI_DEV_VIRTFN 0x2

struct physdev_pci_device_add {
	uint16_t seg;
	uint8_t bus, devfn;
	uint32_t flags; /* XEN_PCI_DEV_* */
	struct {
		uint8_t bus, devfn;
	} physfn;
	uint32_t optarr[XEN_FLEX_ARRAY_DIM]; /* with XEN_PCI_DEV_PXM: the proximity domain */
};

struct physdev_pci_device {
	uint16_t seg;
	uint8_t bus, devfn;
};

#endif
