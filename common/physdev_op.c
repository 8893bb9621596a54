/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * physdev_op: what Dom0 tells about the PCI devices that it found (docs/abi.md, physdev_op).
 * Keel sees most by itself, through the configuration accesses; virtual functions
 * it knows only from here.
 */
#include <public/physdev.h>

#include "common/guest_access.h"
#include "common/hypercall.h"
#include "common/pci.h"

static long op_done(const void *arg)
{
	return 0;
}

/* Passthrough: later. */
static long op_not_supported(const void *arg)
{
	return -EOPNOTSUPP;
}

static long op_device_add(const void *arg)
{
	const struct physdev_pci_device_add *add = arg;

	return arch_pci_device_add(add->seg, add->bus, add->devfn, add->flags,
				   (u16)(add->physfn.bus << 8 | add->physfn.devfn));
}

static long op_device_remove(const void *arg)
{
	const struct physdev_pci_device *dev = arg;

	return arch_pci_device_remove(dev->seg, dev->bus, dev->devfn);
}

static const struct {
	long (*fn)(const void *arg);
	u8 size;	/* of the argument, which must be readable */
} ops[] = {
	[PHYSDEVOP_map_pirq] = { op_not_supported, sizeof(struct physdev_map_pirq) },
	[PHYSDEVOP_unmap_pirq] = { op_not_supported, sizeof(struct physdev_unmap_pirq) },
	[PHYSDEVOP_manage_pci_add] = { op_done, sizeof(struct physdev_manage_pci) },
	[PHYSDEVOP_manage_pci_remove] = { op_done, sizeof(struct physdev_manage_pci) },
	[PHYSDEVOP_setup_gsi] = { op_done, sizeof(struct physdev_setup_gsi) },
	[PHYSDEVOP_pci_mmcfg_reserved] = { op_done, sizeof(struct physdev_pci_mmcfg_reserved) },
	[PHYSDEVOP_pci_device_add] = { op_device_add, sizeof(struct physdev_pci_device_add) },
	[PHYSDEVOP_pci_device_remove] = { op_device_remove, sizeof(struct physdev_pci_device) },
};

long do_physdev_op(unsigned long cmd, unsigned long gva, unsigned long a3, unsigned long a4, unsigned long a5)
{
	u8 arg[64] __aligned(8);

	if (cmd >= ARRAY_SIZE(ops) || !ops[cmd].fn)
		return -ENOSYS;
	if (!current->domain->hardware)
		return -EPERM;
	if (copy_from_guest(arg, gva, ops[cmd].size))
		return -EFAULT;
	return ops[cmd].fn(arg);
}
