/* SPDX-License-Identifier: GPL-2.0-only */
/* Keel's own address space: layout and mapping calls. */
#ifndef ARCH_X86_MM_H
#define ARCH_X86_MM_H

#include "common/lib.h"
#include "common/platform.h"

/*
 * The upper half, top-level slot by slot; mm.c asserts that no part runs into the next:
 *   0xffff800000000000  direct map of RAM and firmware tables (64 TiB)
 *   0xffffc00000000000  device registers, uncached: windows of 1 GiB, in order of first use
 *   0xffffd00000000000  stacks, each between unmapped guard pages
 *   0xffffe00000000000  frame table, present only where RAM is
 *   0xffffffff80000000  the image
 */
#define DIRECTMAP_BITS	46u
#define MMIO_BASE	0xffffc00000000000ull
#define MMIO_WINDOWS	1024
#define STACKS_BASE	0xffffd00000000000ull
#define FRAMETABLE_BASE	0xffffe00000000000ull
#define RAM_LIMIT	BIT(32 + PAGE_SHIFT) /* the heap's lists have frame numbers of 32 bits */

/* Page table entry bits (SDM vol. 3, 4.5; APM vol. 2, 5.3). */
#define PTE_P	BIT(0)
#define PTE_RW	BIT(1)
#define PTE_US	BIT(2)
#define PTE_PWT	BIT(3)
#define PTE_PCD	BIT(4)
#define PTE_A	BIT(5)
#define PTE_D	BIT(6)
#define PTE_PS	BIT(7)
#define PTE_G	BIT(8)
#define PTE_NX	BIT(63)
#define PTE_ADDR 0x000ffffffffff000ull

#define MAP_RX	(PTE_P | PTE_A | PTE_G)
#define MAP_RO	(PTE_P | PTE_A | PTE_G | PTE_NX)
#define MAP_RW	(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX)
#define MAP_UC	(MAP_RW | PTE_PWT | PTE_PCD)

/*
 * Boot, in this order: takes a copy of what the loader gave; own page tables, direct map; moves the
 * modules out of the way.
 */
void mm_init_early(const struct boot_info *bi);
void mm_init_paging(void);
void mm_move_modules(void);
void mm_init_frames(void);
/* Gives all free RAM to the heap. */
void mm_init_heap(void);
/* Gives the modules' memory to the heap, once the domains made from them are complete. */
void mm_free_modules(void);
/* Marks [base, end) as taken before the heap gets the rest. */
void boot_reserve(paddr_t base, paddr_t end, const char *why);
/* Free RAM ranges (RAM without what is reserved), ascending: i-th; false at the end. */
bool boot_free_range(unsigned int i, paddr_t *base, paddr_t *end);

/*
 * Maps into Keel's tables; splits nothing. Only at boot or for new places. false: no memory (at
 * boot it panics).
 */
bool map_pages(u64 va, paddr_t pa, u64 size, u64 flags);
/*
 * Boot: the top level of other tables, whose lower half shows what EFI's runtime services use where
 * it is; the upper half is empty. NULL: no memory for them, or no such addresses.
 */
u64 *map_runtime(void);
/* Firmware memory, read-only, for ever. NULL: no memory for tables, or no such address. */
const void *map_firmware(paddr_t pa, size_t len);
/*
 * Device registers, uncached; for the few that Keel owns (drivers-none/allowed.list). NULL: no
 * memory for tables, or no such address.
 */
void *map_mmio(paddr_t pa, size_t len);
/*
 * The stack of one kind of a CPU: maps it, writes the CPU's pointer to its top; returns the first
 * free address.
 */
enum stack_kind { STACK_MAIN, STACK_EXCEPTION, STACK_IST, STACK_IST_MC, NR_STACKS };
u64 map_stack(unsigned int cpu, enum stack_kind kind, void *pcpu);
u64 keel_cr3(void);
/* Removes the identity map that starting CPUs needed. */
void mm_unmap_low(void);
/* Is it RAM (of anybody), by the firmware's map? */
bool is_host_ram(paddr_t pa);

#endif
