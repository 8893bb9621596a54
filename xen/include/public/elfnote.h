/* SPDX-License-Identifier: MIT */
/* Types of the ELF notes named "Xen" in a kernel. */
#ifndef XEN_PUBLIC_ELFNOTE_H
#define XEN_PUBLIC_ELFNOTE_H

/* Physical address of the 32-bit entry point of PVH. */
#define XEN_ELFNOTE_PHYS32_ENTRY       18

#endif
