/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_ELF_H
#define KEEL_LIB_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/blob.h"

#define KEEL_ELF_MAX_SEGMENTS 32

/* What is loaded of a PVH kernel, by guest-physical address. */
struct keel_elf_segment {
	uint64_t paddr;
	uint64_t memory_size;
	const unsigned char *data;
	uint64_t data_size;		/* at most memory_size; the rest is zero */
};

struct keel_elf {
	struct keel_elf_segment segment[KEEL_ELF_MAX_SEGMENTS];
	unsigned int segments;
	uint64_t start, end;		/* of all segments */
	uint32_t entry;			/* XEN_ELFNOTE_PHYS32_ENTRY */
	bool dom0;			/* XEN_ELFNOTE_SUPPORTED_FEATURES has XENFEAT_dom0 */
};

/*
 * Reads a little-endian x86 ELF (32 or 64 bits). Everything is checked against the size of the
 * file; @k points into @image. -ENOEXEC: no kernel that starts through PVH; -EINVAL: damaged.
 */
int keel_elf_parse(struct keel_elf *k, const struct blob *image, struct keel_error *e);

/* The same, of one that can be Dom0. -ENOEXEC, too: it cannot. */
int keel_elf_parse_dom0(struct keel_elf *k, const struct blob *image, struct keel_error *e);

#endif
