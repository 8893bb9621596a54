/* SPDX-License-Identifier: MIT */
/* physdev_op: interrupts and PCI devices of the domain that owns the hardware. */
#ifndef XEN_PUBLIC_PHYSDEV_H
#define XEN_PUBLIC_PHYSDEV_H

#include <public/xen.h>

#define PHYSDEVOP_irq_status_query      5
#define PHYSDEVOP_set_iopl              6
#define PHYSDEVOP_set_iobitmap          7
#define PHYSDEVOP_apic_read             8
#define PHYSDEVOP_apic_write            9
#define PHYSDEVOP_alloc_irq_vector      10
#define PHYSDEVOP_free_irq_vector       11
#define PHYSDEVOP_eoi                   12
#define PHYSDEVOP_map_pirq              13
#define PHYSDEVOP_unmap_pirq            14
#define PHYSDEVOP_manage_pci_add        15
#define PHYSDEVOP_manage_pci_remove     16
#define PHYSDEVOP_pirq_eoi_gmfn_v1      17
#define PHYSDEVOP_restore_msi           19
#define PHYSDEVOP_manage_pci_add_ext    20
#define PHYSDEVOP_setup_gsi             21
#define PHYSDEVOP_get_free_pirq         23
#define PHYSDEVOP_pci_mmcfg_reserved    24
#define PHYSDEVOP_pci_device_add        25
#define PHYSDEVOP_pci_device_remove     26
#define PHYSDEVOP_restore_msi_ext       27
#define PHYSDEVOP_pirq_eoi_gmfn_v2      28
#define PHYSDEVOP_dbgp_op               29
#define PHYSDEVOP_prepare_msix          30
#define PHYSDEVOP_release_msix          31
/* From interface 4.20 on. */
#define PHYSDEVOP_pci_device_reset      32

struct physdev_eoi {
	uint32_t irq;
};
XEN_ASSERT_SIZE(struct physdev_eoi, 4);

#define XENIRQSTAT_needs_eoi (1u << 0)
#define XENIRQSTAT_shared    (1u << 1)

struct physdev_irq_status_query {
	uint32_t irq;   /* IN */
	uint32_t flags; /* OUT: XENIRQSTAT_* */
};
XEN_ASSERT_SIZE(struct physdev_irq_status_query, 8);

#define MAP_PIRQ_TYPE_MSI       0x0
#define MAP_PIRQ_TYPE_GSI       0x1
#define MAP_PIRQ_TYPE_UNKNOWN   0x2
#define MAP_PIRQ_TYPE_MSI_SEG   0x3
#define MAP_PIRQ_TYPE_MULTI_MSI 0x4

struct physdev_map_pirq {
	domid_t domid;
	int32_t type; /* MAP_PIRQ_TYPE_* */
	int32_t index;
	int32_t pirq;
	int32_t bus;
	int32_t devfn;
	int32_t entry_nr;
	uint64_t table_base;
};
XEN_ASSERT_SIZE(struct physdev_map_pirq, 40);
XEN_ASSERT_OFFSET(struct physdev_map_pirq, type, 4);
XEN_ASSERT_OFFSET(struct physdev_map_pirq, table_base, 32);

struct physdev_unmap_pirq {
	domid_t domid;
	int32_t pirq;
};
XEN_ASSERT_SIZE(struct physdev_unmap_pirq, 8);

struct physdev_manage_pci {
	uint8_t bus;
	uint8_t devfn;
};
XEN_ASSERT_SIZE(struct physdev_manage_pci, 2);

struct physdev_setup_gsi {
	int32_t gsi;
	uint8_t triggering; /* 0 edge, 1 level */
	uint8_t polarity;   /* 0 high, 1 low */
};
XEN_ASSERT_SIZE(struct physdev_setup_gsi, 8);
XEN_ASSERT_OFFSET(struct physdev_setup_gsi, polarity, 5);

struct physdev_get_free_pirq {
	int32_t type;  /* IN */
	uint32_t pirq; /* OUT */
};
XEN_ASSERT_SIZE(struct physdev_get_free_pirq, 8);

#define XEN_PCI_MMCFG_RESERVED 0x1

struct physdev_pci_mmcfg_reserved {
	uint64_t address;
	uint16_t segment;
	uint8_t start_bus;
	uint8_t end_bus;
	uint32_t flags; /* XEN_PCI_MMCFG_* */
};
XEN_ASSERT_SIZE(struct physdev_pci_mmcfg_reserved, 16);
XEN_ASSERT_OFFSET(struct physdev_pci_mmcfg_reserved, flags, 12);

#define XEN_PCI_DEV_EXTFN  0x1
#define XEN_PCI_DEV_VIRTFN 0x2
#define XEN_PCI_DEV_PXM    0x4

struct physdev_pci_device_add {
	uint16_t seg;
	uint8_t bus;
	uint8_t devfn;
	uint32_t flags; /* XEN_PCI_DEV_* */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn;
	uint32_t optarr[XEN_FLEX_ARRAY_DIM]; /* with XEN_PCI_DEV_PXM: the proximity domain */
};
XEN_ASSERT_SIZE(struct physdev_pci_device_add, 12);
XEN_ASSERT_OFFSET(struct physdev_pci_device_add, flags, 4);
XEN_ASSERT_OFFSET(struct physdev_pci_device_add, physfn, 8);

struct physdev_pci_device {
	uint16_t seg;
	uint8_t bus;
	uint8_t devfn;
};
XEN_ASSERT_SIZE(struct physdev_pci_device, 4);

#endif
