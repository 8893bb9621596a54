/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of a control domain. */
#include "control.h"

#include <public/sysctl.h>

static struct xen_domctl args[MAX_CPUS];

struct xen_domctl *domctl_arg(void)
{
	return &args[this_cpu()->id];
}

long domctl(u32 cmd, domid_t domain)
{
	struct xen_domctl *d = domctl_arg();

	d->cmd = cmd;
	d->interface_version = XEN_DOMCTL_INTERFACE_VERSION_V15;
	d->domain = domain;
	return hypercall(domctl, d, 0, 0);
}

long create_domain(domid_t *id, u32 vcpus, u32 max_evtchn_port)
{
	struct xen_domctl_createdomain_v15 *c = &domctl_arg()->u.createdomain_v15;
	long rc;

	memset(c, 0, sizeof(*c));
	c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	c->max_vcpus = vcpus;
	c->max_evtchn_port = max_evtchn_port;
	c->max_grant_frames = c->max_maptrack_frames = -1;
	c->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	rc = domctl(XEN_DOMCTL_createdomain, *id);
	if (!rc)
		*id = domctl_arg()->domain;
	return rc;
}

u64 free_pages(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	return hypercall(sysctl, &op, 0, 0) ? 0 : op.u.physinfo.free_pages;
}
