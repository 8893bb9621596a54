/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls on the machine's PCI functions. */
#include "lib/hyper.h"

#include <errno.h>
#include <public/memory.h>

static int pci(struct keel *k, unsigned int cmd, unsigned int domid, uint32_t sbdf)
{
	struct xen_domctl d = { .cmd = cmd, .domain = domid };

	d.u.assign_device.dev = XEN_DOMCTL_DEV_PCI;
	d.u.assign_device.u.pci.machine_sbdf = sbdf;
	return hyper_domctl(k, &d);
}

int hyper_assign(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	return pci(k, XEN_DOMCTL_assign_device, domid, sbdf);
}

int hyper_deassign(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	return pci(k, XEN_DOMCTL_deassign_device, domid, sbdf);
}

int hyper_test_assign(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	return pci(k, XEN_DOMCTL_test_assign_device, domid, sbdf);
}

int hyper_device_group(struct keel *k, uint32_t sbdf, uint32_t *list, unsigned int max)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_get_device_group };
	uint32_t *buffer = hyper_buffer(k, max * sizeof(*list));
	int rc;

	if (!buffer)
		return -ENOMEM;
	d.u.get_device_group.machine_sbdf = sbdf;
	d.u.get_device_group.max_sdevs = max;
	SET_HANDLE(d.u.get_device_group.sdev_array, buffer);
	rc = hyper_domctl(k, &d);
	if (!rc) {
		rc = d.u.get_device_group.num_sdevs < max ? d.u.get_device_group.num_sdevs : max;
		memcpy(list, buffer, rc * sizeof(*list));
	}
	hyper_buffer_free(k, buffer);
	return rc;
}

int hyper_reserved(struct keel *k, uint32_t sbdf, struct hyper_range *list, unsigned int max)
{
	struct xen_reserved_device_memory_map map = {
		.nr_entries = max, .dev.pci = { sbdf >> 16, sbdf >> 8 & 0xff, sbdf & 0xff },
	};
	struct xen_reserved_device_memory *r = hyper_buffer(k, max * sizeof(*r));
	long rc;

	if (!r)
		return -ENOMEM;
	SET_HANDLE(map.buffer, r);
	rc = hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_reserved_device_memory_map, &map, sizeof(map));
	for (unsigned int i = 0; !rc && i < map.nr_entries; i++)
		list[i] = (struct hyper_range){
			r[i].start_pfn << KEEL_PAGE_SHIFT, ((r[i].start_pfn + r[i].nr_pages) << KEEL_PAGE_SHIFT) - 1,
		};
	hyper_buffer_free(k, r);
	return rc ? rc : (int)map.nr_entries;
}
