/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: common/bus.c */
u32 f(u32 bdf) { return pci_read32(bdf, 0x10); }
