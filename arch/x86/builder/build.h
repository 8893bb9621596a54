/* SPDX-License-Identifier: GPL-2.0-only */
/* Building the domains that the boot configuration names. */
#ifndef ARCH_X86_BUILDER_BUILD_H
#define ARCH_X86_BUILDER_BUILD_H

#include "arch/x86/builder/elf.h"
#include "common/bootcfg.h"
#include "common/domain.h"

#define BUILD_MAX_RANGES 64

struct gpa_range { u64 base, end; };

/* One domain under construction. Guest physical addresses throughout. */
struct builder {
	const struct bootcfg_domain *cfg;
	struct domain *d;
	struct elf_kernel elf;
	const u8 *kernel;
	struct gpa_range ram[BUILD_MAX_RANGES];	/* its RAM, ascending */
	unsigned int nr_ram;
	struct gpa_range used[8];		/* what the builder placed */
	unsigned int nr_used;
	struct gpa_range acpi;
	struct gpa_range translated;		/* RAM for parts of the kernel where the machine has none */
	u64 start_info, rsdp;
};

/*
 * Before the heap: takes Dom0's RAM from the free ranges, lowest first. Panics with a message if
 * that is impossible.
 */
void dom0_reserve_memory(const struct bootcfg_domain *cfg);
extern u64 dom0_max_mem; /* bytes that Dom0 may have; set by dom0_reserve_memory() */
/*
 * Creates all domains, paused. Panics naming the domain and what is wrong with its kernel or
 * memory.
 */
void build_domains(const struct bootcfg *cfg);
/* Lets the domains run. */
void start_domains(const struct bootcfg *cfg);

/* For messages. */
static inline const char *build_name(const struct builder *b)
{
	return b->d->hardware ? "Dom0" : b->cfg->name;
}

/*
 * memmap.c: gives the domain its RAM, including the kernel's place. Panics naming what is in the
 * way.
 */
void build_ram(struct builder *b);
/* Fills the domain's e820 from the host's (Dom0) or its own RAM. */
void build_memmap(struct builder *b);
/*
 * Free RAM of the domain outside the kernel's place, highest first below limit; 0 if there is none.
 */
u64 build_place(struct builder *b, u64 size, u64 align, u64 limit);

#endif
