/* SPDX-License-Identifier: GPL-2.0-only */
/* domctl and sysctl: what their files share, and what they need of the arch. */
#ifndef COMMON_DOMCTL_H
#define COMMON_DOMCTL_H

#include <public/domctl.h>
#include <public/sysctl.h>

#include "common/domain.h"

/*
 * One operation, on a copy of the argument, which goes back to the caller if the entry says
 * so. -ERESTART: call again, with what goes back.
 */
typedef long (*domctl_fn)(struct domain *d, struct xen_domctl *op);

#define DC_COPYBACK 1	/* the argument is also output */
#define DC_OTHER 2	/* not on the caller itself: -EINVAL */
#define DC_NO_DOMAIN 4	/* finds its domain itself: d is NULL */

struct domctl_entry {
	u32 cmd;
	u8 flags;
	domctl_fn fn;
};

/* A family's table ends with cmd 0. */
extern const struct domctl_entry domctl_life[], domctl_vcpu[], domctl_misc[], domctl_pci[];

/* Fills the description that getdomaininfo and getdomaininfolist give. */
void domain_info_get(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* Bitmaps in guest memory. Bits beyond the mask are dropped, bits beyond the guest's buffer too. 0 or -EFAULT. */
int bitmap_to_guest(const struct xenctl_bitmap *bitmap, const cpumask_t *mask);
/* All CPUs that are up. */
void cpumask_online(cpumask_t *mask);

/* Arch: serialised CPUID policies (arch/x86/hvm/cpuid_serialise.c). Errnos: docs/abi.md, domctl. */
long arch_get_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op);
long arch_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op);
long arch_sysctl_cpu_policy(struct xen_sysctl_cpu_policy *op);
long arch_sysctl_featureset(struct xen_sysctl_cpu_featureset *op);
/* Arch: saved state (arch/x86/hvm/hvmcontext.c). d is paused, and no vCPU of it runs. *size: in room (or length), out length. */
long arch_get_hvmcontext(struct domain *d, u64 buffer, u32 *size);
long arch_set_hvmcontext(struct domain *d, u64 buffer, u32 size);
/* Arch: registers (arch/x86/hvm/guest_context.c), likewise. -EFAULT; -EINVAL: a state that no guest could make. */
long arch_get_vcpucontext(struct vcpu *v, u64 gva);
long arch_set_vcpucontext(struct vcpu *v, u64 gva);
/* Arch: the machine. */
void arch_hw_cap(u32 cap[8]);
void arch_cpu_topology(unsigned int cpu, u32 *core, u32 *socket);
unsigned int arch_gpaddr_bits(void);

#endif
