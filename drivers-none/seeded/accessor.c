/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: arch/x86/ahci.c */
u32 f(void *bar) { return mmio_read32(bar + 0x10); }
