/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * physdev_op: what Dom0 tells about the PCI devices that it found (abi.md 2.5 item 29).
 * Keel finds them by itself, through the configuration accesses that it sees.
 */
#include <public/physdev.h>

#include "common/guest_access.h"
#include "common/hypercall.h"

static long op_done(void)
{
	return 0;
}

/* Passthrough: later. */
static long op_not_supported(void)
{
	return -EOPNOTSUPP;
}

static const struct {
	long (*fn)(void);
	u8 size;	/* of the argument, which must be readable */
} ops[] = {
	[PHYSDEVOP_map_pirq] = { op_not_supported, sizeof(struct physdev_map_pirq) },
	[PHYSDEVOP_unmap_pirq] = { op_not_supported, sizeof(struct physdev_unmap_pirq) },
	[PHYSDEVOP_manage_pci_add] = { op_done, sizeof(struct physdev_manage_pci) },
	[PHYSDEVOP_manage_pci_remove] = { op_done, sizeof(struct physdev_manage_pci) },
	[PHYSDEVOP_setup_gsi] = { op_done, sizeof(struct physdev_setup_gsi) },
	[PHYSDEVOP_pci_mmcfg_reserved] = { op_done, sizeof(struct physdev_pci_mmcfg_reserved) },
	[PHYSDEVOP_pci_device_add] = { op_done, sizeof(struct physdev_pci_device_add) },
	[PHYSDEVOP_pci_device_remove] = { op_done, sizeof(struct physdev_pci_device) },
};

long do_physdev_op(unsigned long cmd, unsigned long gva, unsigned long a3, unsigned long a4, unsigned long a5)
{
	u8 arg[64];

	if (cmd >= ARRAY_SIZE(ops) || !ops[cmd].fn)
		return -ENOSYS;
	if (!current->domain->hardware)
		return -EPERM;
	if (copy_from_guest(arg, gva, ops[cmd].size))
		return -EFAULT;
	return ops[cmd].fn();
}
