/* SPDX-License-Identifier: GPL-2.0-only */
/* Access to the machine's PCI configuration space (PCI 3.0, 3.2.2.3.2; PCI Express 5.0, 7.2.2). */
#ifndef ARCH_X86_PCI_CONFIG_H
#define ARCH_X86_PCI_CONFIG_H

#include "common/lib.h"

/* A function's address: segment << 16 | bus << 8 | device << 3 | function. */
#define PCI_SBDF(seg, bus, devfn) ((u32)(seg) << 16 | (u32)(bus) << 8 | (devfn))
/* How messages show one. */
#define PCI_FMT "%04x:%02x:%02x.%x"
#define PCI_ARGS(sbdf) (u32)(sbdf) >> 16, (sbdf) >> 8 & 0xff, (sbdf) >> 3 & 31, (sbdf) & 7

/*
 * size: 1, 2 or 4, reg aligned to it. What nothing answers reads as ~0; also
 * registers from 256 on, and segments other than 0, where there is no ECAM.
 * Any locks below RANK_HW.
 */
u32 pci_conf_read(u32 sbdf, unsigned int reg, unsigned int size);
void pci_conf_write(u32 sbdf, unsigned int reg, unsigned int size, u32 val);
/* A byte of segment 0, below 256, that resets the machine: a CPU with the lock may have stopped. */
void pci_conf_write_last(u32 sbdf, unsigned int reg, u8 val);

/* Offset of the function's first capability with this id, 0 = none. vpci_dev.c */
u8 pci_find_cap(u32 sbdf, u8 id);

#define PCI_VENDOR_ID	0x00
#define PCI_COMMAND	0x04
#define PCI_COMMAND_MEMORY BIT(1)
#define PCI_COMMAND_MASTER BIT(2)
#define PCI_COMMAND_INTX_OFF BIT(10)
#define PCI_STATUS	0x06
#define PCI_STATUS_CAPS BIT(4)
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR(n)	(0x10 + 4 * (n))
#define PCI_PRIMARY_BUS 0x18 /* bridges: primary, secondary, subordinate */
#define PCI_CAPABILITIES 0x34
#define PCI_BAR_IO	BIT(0)
#define PCI_BAR_TYPE	0x6u
#define PCI_BAR_64	0x4u
#define PCI_BAR_MASK	(~0xfull)

#define PCI_CAP_MSI	0x05
#define PCI_CAP_EXPRESS	0x10
/* 7: bridge to conventional PCI, 8: the other way round */
#define PCI_EXPRESS_TYPE(flags) ((flags) >> 4 & 15)
#define PCI_EXPRESS_ROOT 4	/* types of ports; a switch has the other two */
#define PCI_EXPRESS_UPSTREAM 5
#define PCI_EXPRESS_DOWNSTREAM 6
#define PCI_EXPRESS_RESETS BIT(28) /* device capabilities: it can do a function-level reset */
#define PCI_EXPRESS_RESET BIT(15) /* device control: it begins */
#define PCI_CAP_MSIX	0x11
#define PCI_EXT_CAP_ACS	0x0d
#define PCI_EXT_CAP_SRIOV 0x10

#define MSI_CTRL_ENABLE	BIT(0)
#define MSI_CTRL_CAPABLE 0x0eu /* log2 of the vectors that it can have */
#define MSI_CTRL_IN_USE	0x70u
#define MSI_CTRL_64	BIT(7)
#define MSI_CTRL_MASKS	BIT(8) /* it has mask and pending bits */

#define MSIX_CTRL_SIZE	0x7ffu /* entries - 1 */
#define MSIX_CTRL_MASKALL BIT(14)
#define MSIX_CTRL_ENABLE BIT(15)
#define MSIX_TABLE	4 /* offset in the capability: where the table is */
#define MSIX_PENDING 8	/* the same of its pending bits */
#define MSIX_ENTRY_SIZE 16
#define MSIX_ENTRY_MASKED BIT(0)

#define ACS_CAP		4
#define ACS_CTRL	6
/* source validation; requests and completions to peers go up, and what comes up stays so */
#define ACS_ISOLATES	0x1du

#define SRIOV_CTRL	0x08
#define SRIOV_CTRL_VFE	BIT(0)
#define SRIOV_CTRL_MSE	BIT(3)
#define SRIOV_NUM_VFS	0x10
#define SRIOV_OFFSET	0x14
#define SRIOV_STRIDE	0x16
#define SRIOV_BAR(n)	(0x24 + 4 * (n))

#endif
