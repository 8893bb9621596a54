/* SPDX-License-Identifier: GPL-2.0-only */
/* Microcode: what files of the vendors hold, and bringing it into the CPUs. */
#ifndef ARCH_X86_MICROCODE_H
#define ARCH_X86_MICROCODE_H

#include "common/types.h"

/* A CPU, as files of microcode name it. */
struct ucode_cpu {
	bool amd;
	u32 signature;	     /* CPUID 1 EAX */
	u32 platform;	     /* Intel: one bit, of eight */
	void (*pause)(void); /* called now and then in long loops; NULL: not */
};

struct ucode_patch {
	const u8 *data;	/* with its header */
	u32 len;
	s32 revision;	/* Intel's are signed; AMD's have no use for the highest bit */
};

/*
 * microcode_parse.c: pure. The inputs are anybody's: nothing outside of them is read, and no error
 * is worse than the others.
 */
/* A file of a cpio archive, or of several in a row; NULL: it is not there. */
const u8 *cpio_find(const u8 *cpio, u64 size, const char *path, u64 *len);
/* The newest patch for the CPU. 0; -ENOENT: there is none; -EINVAL: the file is damaged. */
int microcode_choose(const u8 *file, u64 size, const struct ucode_cpu *cpu,
		     struct ucode_patch *best);

/*
 * The boot CPU, once the heap works: its revision, and as `ucode=` says what Dom0's initrd has for
 * it. Exceptions must work.
 */
enum { UCODE_SCAN, UCODE_NO };
void microcode_init(const u8 *initrd, u64 size);
/* The boot CPU's revision, as loaded. */
u32 microcode_revision(void);
/* Each other CPU, before its features matter. */
void microcode_init_cpu(void);
/* WORK_ARCH: takes part in a late load, if there is one. Interrupts off, no locks. */
void microcode_work(void);

#endif
