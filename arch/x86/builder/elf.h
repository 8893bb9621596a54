/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel for a domain: an ELF with the PVH note (public/elfnote.h), uncompressed. */
#ifndef ARCH_X86_BUILDER_ELF_H
#define ARCH_X86_BUILDER_ELF_H

#include "common/types.h"

#define ELF_MAX_SEGMENTS 16

struct elf_kernel {
	u32 entry;	/* XEN_ELFNOTE_PHYS32_ENTRY */
	bool has_entry;
	bool dom0;	/* XENFEAT_dom0 is in XEN_ELFNOTE_SUPPORTED_FEATURES */
	/* XEN_ELFNOTE_PHYS32_RELOC; align 0: it must be where it was linked to */
	struct { u32 align, min, max; } reloc;
	unsigned int nr_segments;
	struct elf_segment { u64 offset, filesz, paddr, memsz; bool writable; } seg[ELF_MAX_SEGMENTS];
	u64 start, end;	/* guest physical, of all segments */
};

/* Reads headers and notes. 0, or -EINVAL with *why. Pure, bounds-checked (fuzzed). */
int elf_parse(const void *image, u64 size, struct elf_kernel *k, const char **why);

/* Moves the kernel, which has a reloc note, to another place. */
void elf_move(struct elf_kernel *k, u64 start);

/* Is the whole page at guest physical p in a read-only segment? */
bool elf_page_constant(const struct elf_kernel *k, u64 p);

#endif
