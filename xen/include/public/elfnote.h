/* SPDX-License-Identifier: MIT */
/* Types of the ELF notes named "Xen" in a kernel. */
#ifndef XEN_PUBLIC_ELFNOTE_H
#define XEN_PUBLIC_ELFNOTE_H

/* Bits of 32 (XENFEAT_*) that the kernel can do with; dom0: it can be the hardware domain. */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17

/* Physical address of the 32-bit entry point of PVH. */
#define XEN_ELFNOTE_PHYS32_ENTRY       18

/*
 * A PVH kernel that may be loaded elsewhere than it is linked to. Up to three values of 32 bits:
 * the alignment of its start, the lowest address of its start, the highest one of its last byte.
 */
#define XEN_ELFNOTE_PHYS32_RELOC       19

#endif
