/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF-64 Object File Format: what the loader of the core and the builder of domains read. */
#ifndef COMMON_ELF64_H
#define COMMON_ELF64_H

#include <stdint.h>

struct elf64_ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf64_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

#define PT_LOAD 1
#define PT_NOTE 4
#define PF_W 2

#endif
