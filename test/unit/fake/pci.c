/* SPDX-License-Identifier: GPL-2.0-only */
/* No PCI functions for guests, unless a test brings the real ones. */
#include <public/errno.h>

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/pci/vpci.h"
#include "common/pci.h"

#include "fake_internal.h"

FAKE long arch_pci_assign(struct domain *d, u32 sbdf)
{
	return -ENODEV;
}

FAKE long arch_pci_deassign(struct domain *d, u32 sbdf)
{
	return -ENODEV;
}

FAKE long arch_pci_test_assign(struct domain *d, u32 sbdf)
{
	return -ENODEV;
}

FAKE unsigned int arch_pci_group(u32 sbdf, u32 *list, unsigned int max)
{
	return 0;
}

FAKE int arch_pci_log_start(struct domain *d)
{
	return p2m_log_start(d);
}

FAKE bool arch_pci_has_functions(const struct domain *d)
{
	return false;
}

FAKE bool arch_pci_assignable(void)
{
	return false;
}

FAKE int vpci_guest_init(struct domain *d)
{
	return 0;
}

FAKE void vpci_guest_close(struct domain *d)
{
}

FAKE void vpci_guest_free(struct domain *d)
{
}

FAKE unsigned int cpu_policy_phys_bits(void)
{
	return 40;
}

static bool no_match(struct vcpu *v, u64 gpa)
{
	return false;
}

FAKE const struct mmio_handler vpci_config_mmio = { no_match, NULL, NULL };
