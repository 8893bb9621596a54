/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the image is linked: shared by C, assembly and the linker script. */
#ifndef ARCH_X86_BOOT_LAYOUT_H
#define ARCH_X86_BOOT_LAYOUT_H

#ifdef __ASSEMBLY__
#define LAYOUT_UL(x)		x
#else
#define LAYOUT_UL(x)		x##UL
#endif

/* The image's window: 1 GiB at the top of the address space, for the kernel code model. */
#define KEEL_VIRT_BASE		LAYOUT_UL(0xffffffff80000000)

/*
 * Where multiboot puts the image, and the first address that it must not reach (a kernel's place).
 */
#define KEEL_LOAD_PHYS		LAYOUT_UL(0x200000)
#define KEEL_LOAD_LIMIT		LAYOUT_UL(0x1000000)

/* The address where the image is linked to run, wherever it is loaded (at 2 MiB granularity). */
#define KEEL_IMAGE_VIRT		(KEEL_VIRT_BASE + KEEL_LOAD_PHYS)

#define KEEL_BOOT_STACK_SIZE	32768

#define KEEL_BOOT_CS		0x08
#define KEEL_BOOT_DS		0x10

#ifndef __ASSEMBLY__
/* Page-aligned bounds of the image's parts: text RX, rodata R, data (and bss) RW. */
extern char __image_start[], __image_end[];
extern const char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __bss_start[], __bss_end[];
extern char boot_stack[], boot_stack_end[];
#endif

#endif /* ARCH_X86_BOOT_LAYOUT_H */
