/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's image. File offset and physical address differ by one constant over the whole
 * file, since multiboot1's address fields describe one run of bytes.
 */
#include "arch/x86/boot/layout.h"

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(start64)

PHDRS {
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	bss PT_LOAD FLAGS(6);
}

#define AT_PHYS(sec) AT(ADDR(sec) - KEEL_VIRT_BASE)

SECTIONS {
	. = KEEL_IMAGE_VIRT;
	__image_start = .;

	.text : AT_PHYS(.text) {
		__text_start = .;
		KEEP(*(.multiboot))
		*(.text.entry .text.entry.*)
		*(.text.hot .text.hot.*)
		*(.text .text.*)
		. = ALIGN(4096);
		__text_end = .;
	} :text = 0xcccccccc

	.rodata : AT_PHYS(.rodata) {
		__rodata_start = .;
		*(.rodata .rodata.*)
		. = ALIGN(8);
		__table_ex_table_start = .;
		KEEP(*(.table.ex_table))
		__table_ex_table_end = .;
		KEEP(*(.symtab.keel))
		. = ALIGN(4096);
		__rodata_end = .;
	} :rodata

	.data : AT_PHYS(.data) {
		__data_start = .;
		*(.data.page_aligned)
		*(.data .data.*)
		*(.got .got.*)
		. = ALIGN(4096);
		__data_end = .;
	} :data

	.bss : AT_PHYS(.bss) {
		__bss_start = .;
		*(.bss.page_aligned)
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
		__bss_end = .;
	} :bss

	__image_end = .;

	/DISCARD/ : {
		*(.note.gnu.property .note.GNU-stack .note.gnu.build-id .comment)
		*(.eh_frame .eh_frame_hdr .interp .dynamic .dynsym .dynstr .hash .gnu.hash)
	}
}

ASSERT(__image_end - KEEL_VIRT_BASE <= KEEL_LOAD_LIMIT, "the image reaches the place of a kernel")
ASSERT(SIZEOF(.text) != 0, "the image is empty")
