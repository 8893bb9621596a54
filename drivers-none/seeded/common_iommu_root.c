/* SPDX-License-Identifier: GPL-2.0-only; breaks: neutral; as: common/x.c */
bool f(const struct domain *d) { return d->p2m.arch.iommu_root; }
