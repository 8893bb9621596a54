/* SPDX-License-Identifier: GPL-2.0-only */
/* domctl and sysctl: what their files share, and what they need of the arch. */
#ifndef COMMON_DOMCTL_H
#define COMMON_DOMCTL_H

#include <public/domctl.h>
#include <public/sysctl.h>

#include "common/op.h"

/*
 * A handler gets a copy of the argument, which is copied back to the caller with OP_OUT, and the
 * domain that the argument names, or looks it up itself. -ERESTART: call again, with the
 * copied-back argument.
 */
#define DOMCTL_OP_ALONE(name, handler, does) \
	OP_FORM(XEN_DOMCTL_##name, domctl, handler, HC_CONTROL, .flags = does)
#define DOMCTL_OP(name, handler, does) \
	OP_FORM(XEN_DOMCTL_##name, domctl, handler, HC_CONTROL, .flags = does, \
		.domid = offsetof(struct xen_domctl, domain) + 1)

/* One table in families. */
#define NR_DOMCTLS (XEN_DOMCTL_set_llc_colors + 1)
extern const struct op domctl_life[NR_DOMCTLS], domctl_vcpu[NR_DOMCTLS], domctl_misc[NR_DOMCTLS],
	domctl_pci[NR_DOMCTLS];

/* Fills the description that getdomaininfo and getdomaininfolist give. */
void domain_info_get(struct domain *d, struct xen_domctl_getdomaininfo *info);

/*
 * Bitmaps in guest memory. Bits beyond the mask are dropped, bits beyond the guest's buffer too. 0
 * or -EFAULT.
 */
int bitmap_to_guest(const struct xenctl_bitmap *bitmap, const cpumask_t *mask);

/* Arch: serialised CPUID policies (arch/x86/hvm/cpuid_serialise.c). Errnos: docs/abi.md, domctl. */
long arch_get_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op);
long arch_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op);
long arch_sysctl_cpu_policy(struct xen_sysctl *sysctl);
long arch_sysctl_featureset(struct xen_sysctl *sysctl);
/*
 * Arch: saved state (arch/x86/hvm/hvmcontext.c). d is paused, and no vCPU of it runs. *size: in
 * room (or length), out length.
 */
long arch_get_hvmcontext(struct domain *d, u64 buffer, u32 *size);
long arch_set_hvmcontext(struct domain *d, u64 buffer, u32 size);
/*
 * Arch: registers (arch/x86/hvm/guest_context.c), likewise. -EFAULT; -EINVAL: a state that no guest
 * could make.
 */
long arch_get_vcpucontext(struct vcpu *v, u64 gva);
long arch_set_vcpucontext(struct vcpu *v, u64 gva);
/* Arch: the machine. */
void arch_hw_cap(u32 cap[8]);
void arch_cpu_topology(unsigned int cpu, u32 *core, u32 *socket);
unsigned int arch_gpaddr_bits(void);

#endif
