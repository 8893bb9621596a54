/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_TOOLS_TEST_ELF_H
#define KEEL_TOOLS_TEST_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The smallest kernel: a segment, and Xen's notes. */
struct test_kernel {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
	struct { uint32_t name_size, size, type; char name[4]; uint32_t value; } note[2];
};

/* Without @pvh it has no PVH entry, without @dom0 it cannot be Dom0. */
static inline struct test_kernel test_kernel(bool pvh, bool dom0)
{
	return (struct test_kernel){
		.e = { .e_ident = ELFMAG "\2\1\1", .e_type = ET_EXEC, .e_machine = EM_X86_64,
		       .e_phoff = offsetof(struct test_kernel, p), .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2 },
		.p = { { .p_type = PT_LOAD, .p_paddr = 0x100000, .p_memsz = 4096,
			 .p_filesz = sizeof(struct test_kernel) },
		       { .p_type = PT_NOTE, .p_offset = offsetof(struct test_kernel, note),
			 .p_filesz = sizeof(((struct test_kernel *)0)->note) } },
		.note = { { 4, 4, pvh ? 18 : 99, "Xen", 0x100000 }, { 4, 4, 17, "Xen", dom0 ? 1 << 11 : 0 } },
	};
}

#endif
