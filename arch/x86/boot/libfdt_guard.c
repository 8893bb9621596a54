/* SPDX-License-Identifier: GPL-2.0-only */
/* A readable %fs:0x28 for libfdt: see common/bootfiles.h. Also linked into the UEFI loader. */
#include "common/bootfiles.h"

#define MSR_FS_BASE	0xc0000100u
#define RFLAGS_IF	0x200u

static uint64_t canary_page[512] __attribute__((aligned(4096)));

static uint64_t read_fs_base(void)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (MSR_FS_BASE));
	return (uint64_t)hi << 32 | lo;
}

static void write_fs_base(uint64_t base)
{
	asm volatile("wrmsr" : : "c" (MSR_FS_BASE), "a" ((uint32_t)base),
		     "d" ((uint32_t)(base >> 32)) : "memory");
}

void arch_libfdt_begin(struct libfdt_guard *g)
{
	asm volatile("pushfq; popq %0; cli" : "=r" (g->rflags) : : "memory");
	g->fs_base = read_fs_base();
	write_fs_base((uintptr_t)canary_page);
}

void arch_libfdt_end(const struct libfdt_guard *g)
{
	write_fs_base(g->fs_base);
	if (g->rflags & RFLAGS_IF)
		asm volatile("sti" : : : "memory");
}
