/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls of a control domain. */
#include "control.h"

#include <public/hvm/save.h>
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

long set_start(domid_t domain, u64 pc, const void *header)
{
	struct {
		struct hvm_save_descriptor header;
		struct hvm_save_header h;
		struct hvm_save_descriptor cpu;
		struct hvm_hw_cpu c;
		struct hvm_save_descriptor end;
	} __attribute__((packed)) s = {
		.header = { HVM_SAVE_CODE_HEADER, 0, sizeof(s.h) }, .cpu = { HVM_SAVE_CODE_CPU, 0, sizeof(s.c) },
		.c = { .rip = pc, .rflags = 2, .cr0 = 0x11, .cs_limit = ~0u, .ds_limit = ~0u, .es_limit = ~0u,
		       .ss_limit = ~0u, .cs_arbytes = 0xc9b, .ds_arbytes = 0xc93, .es_arbytes = 0xc93,
		       .ss_arbytes = 0xc93,
		       .tr_limit = 0x67, .tr_arbytes = 0x8b, .dr6 = 0xffff0ff0, .dr7 = 0x400 },
	};

	memcpy(&s.h, (const u8 *)header + sizeof(s.header), sizeof(s.h));
	domctl_arg()->u.hvmcontext.size = sizeof(s);
	domctl_arg()->u.hvmcontext.buffer = (u64)&s;
	return domctl(XEN_DOMCTL_sethvmcontext, domain);
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
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo,
				 .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	return hypercall(sysctl, &op, 0, 0) ? 0 : op.u.physinfo.free_pages;
}
