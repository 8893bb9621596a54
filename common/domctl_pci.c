/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domctl: the PCI functions of guests (docs/passthrough.md). DOMID_IO stands for nobody:
 * quarantine.
 */
#include <public/errno.h>

#include "common/domctl.h"

#include "common/pci.h"

#define GROUP_MAX 64

static long on_function(const struct xen_domctl *op, long (*fn)(struct domain *d, u32 sbdf))
{
	struct domain *d = op->domain == DOMID_IO ? NULL : domain_find(op->domain);

	if (op->u.assign_device.dev != XEN_DOMCTL_DEV_PCI ||
	    op->u.assign_device.flags & ~XEN_DOMCTL_DEV_RDM_RELAXED)
		return -EINVAL;
	if (!d && op->domain != DOMID_IO)
		return -ESRCH;
	return fn(d, op->u.assign_device.u.pci.machine_sbdf);
}

static long op_assign(struct domain *none, struct xen_domctl *op)
{
	return on_function(op, arch_pci_assign);
}

static long op_deassign(struct domain *none, struct xen_domctl *op)
{
	return on_function(op, arch_pci_deassign);
}

static long op_test_assign(struct domain *none, struct xen_domctl *op)
{
	return on_function(op, arch_pci_test_assign);
}

static long op_group(struct domain *none, struct xen_domctl *op)
{
	struct xen_domctl_get_device_group *g = &op->u.get_device_group;
	u32 list[GROUP_MAX];

	g->num_sdevs = arch_pci_group(g->machine_sbdf, list, min(g->max_sdevs, (u32)GROUP_MAX));
	return copy_to_guest(g->sdev_array, list, g->num_sdevs * sizeof(list[0])) ? -EFAULT : 0;
}

const struct op domctl_pci[NR_DOMCTLS] = {
	DOMCTL_OP_ALONE(assign_device, op_assign, 0),
	DOMCTL_OP_ALONE(test_assign_device, op_test_assign, 0),
	DOMCTL_OP_ALONE(deassign_device, op_deassign, 0),
	DOMCTL_OP_ALONE(get_device_group, op_group, OP_OUT),
};
