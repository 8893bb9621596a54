/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * physdev_op: Dom0 reports the PCI devices that it found (docs/abi.md, physdev_op). Keel finds most
 * of them itself, through accesses to configuration space, but learns of virtual functions only
 * here.
 */
#include <public/physdev.h>

#include "common/op.h"
#include "common/pci.h"

static long op_done(struct domain *d, void *arg, u64 gva, unsigned long more) { return 0; }

static long op_device_add(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct physdev_pci_device_add *add = arg;

	return arch_pci_device_add(add->seg, add->bus, add->devfn, add->flags,
				   (u16)(add->physfn.bus << 8 | add->physfn.devfn));
}

static long op_device_remove(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	const struct physdev_pci_device *dev = arg;

	return arch_pci_device_remove(dev->seg, dev->bus, dev->devfn);
}

static const struct op ops[] = {
	OP(PHYSDEVOP_map_pirq, NULL, HC_HARDWARE, .answer = -EOPNOTSUPP),
	OP(PHYSDEVOP_unmap_pirq, NULL, HC_HARDWARE, .answer = -EOPNOTSUPP),
	OP(PHYSDEVOP_manage_pci_add, op_done, HC_HARDWARE, OP_ARG(struct physdev_manage_pci)),
	OP(PHYSDEVOP_manage_pci_remove, op_done, HC_HARDWARE, OP_ARG(struct physdev_manage_pci)),
	OP(PHYSDEVOP_setup_gsi, op_done, HC_HARDWARE, OP_ARG(struct physdev_setup_gsi)),
	OP(PHYSDEVOP_pci_mmcfg_reserved, op_done, HC_HARDWARE, OP_ARG(struct physdev_pci_mmcfg_reserved)),
	OP(PHYSDEVOP_pci_device_add, op_device_add, HC_HARDWARE, OP_ARG(struct physdev_pci_device_add)),
	OP(PHYSDEVOP_pci_device_remove, op_device_remove, HC_HARDWARE, OP_ARG(struct physdev_pci_device)),
};

long do_physdev_op(u64 cmd, u64 gva, u64 a3, u64 a4, u64 a5)
{
	return op_run(ops, ARRAY_SIZE(ops), cmd, gva, 0);
}
