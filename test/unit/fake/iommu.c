/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine without IOMMU, unless a test has its own. */
#include "arch/x86/iommu/iommu.h"

#include "fake_internal.h"

FAKE const struct iommu_ops *iommu_ops;
FAKE struct iommu_caps iommu_caps;
FAKE struct iommu_reserved *iommu_reserved;
FAKE unsigned int iommu_nr_reserved;

FAKE void iommu_hide(paddr_t first, size_t len)
{
}

FAKE bool iommu_hides_any(mfn_t first, mfn_t last)
{
	return false;
}

FAKE bool iommu_hides(mfn_t mfn)
{
	return false;
}

FAKE int iommu_attach(struct iommu_device *dev, struct domain *d)
{
	return 0;
}

FAKE u16 iommu_id_alloc(void)
{
	static u16 last;

	return ++last;
}

FAKE void iommu_id_free(u16 id)
{
}

FAKE void iommu_flush(const struct domain *d)
{
	iommu_ops->flush(d);
}

FAKE void iommu_detach(struct iommu_device *dev)
{
}
