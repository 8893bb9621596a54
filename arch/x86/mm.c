/* SPDX-License-Identifier: GPL-2.0-only */
/* Keel's address space, and RAM before the heap exists. */
#include "arch/x86/mm.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/boot/layout.h"
#include "arch/x86/cpu.h"
#include "common/heap.h"
#include "common/printk.h"

#define MAX_BOOT_RANGES 256

_Static_assert(RAM_LIMIT <= BIT(DIRECTMAP_BITS), "RAM ends within the direct map");
_Static_assert(DIRECTMAP_BASE + BIT(DIRECTMAP_BITS) <= MMIO_BASE, "that ends before the devices");
_Static_assert(MMIO_BASE + MMIO_WINDOWS * GiB(1) <= STACKS_BASE, "devices end before the stacks");
_Static_assert(STACKS_BASE + (u64)NR_CPUS * NR_STACKS * 2 * CPU_STACK_SIZE <= FRAMETABLE_BASE,
	       "stacks end before the frame table");
_Static_assert(FRAMETABLE_BASE + RAM_LIMIT / PAGE_SIZE * sizeof(struct page_info) <= KEEL_VIRT_BASE,
	       "the frame table ends before the image");

struct boot_info boot_info;
struct page_info *frame_table = (struct page_info *)FRAMETABLE_BASE;
mfn_t max_mfn;

static struct { paddr_t base, end; } free_ranges[MAX_BOOT_RANGES];
static unsigned int nr_free;
static bool own_tables;	/* the direct map works */
static bool heap_ready;
static u64 *root;	/* in the direct map, once that works; until then boot_virt(root_pa) */
static paddr_t root_pa;

static void free_ranges_delete(unsigned int i)
{
	memmove(&free_ranges[i], &free_ranges[i + 1], (--nr_free - i) * sizeof(free_ranges[0]));
}

static void free_ranges_insert(unsigned int i, paddr_t base, paddr_t end)
{
	if (nr_free == MAX_BOOT_RANGES) {
		pr_warn("Memory map: more than %u pieces of free RAM: %#lx..%#lx is not used",
			MAX_BOOT_RANGES, base, end);
		return;
	}
	memmove(&free_ranges[i + 1], &free_ranges[i], (nr_free++ - i) * sizeof(free_ranges[0]));
	free_ranges[i].base = base;
	free_ranges[i].end = end;
}

/* Gives [base, end) back, joined with its neighbours. */
static void free_ranges_give(paddr_t base, paddr_t end)
{
	unsigned int i = 0;

	while (i < nr_free && free_ranges[i].base < base)
		i++;
	free_ranges_insert(i, base, end);
	for (i = i ? i - 1 : 0; i + 1 < nr_free && free_ranges[i].base <= base;) {
		if (free_ranges[i].end != free_ranges[i + 1].base) {
			i++;
			continue;
		}
		free_ranges[i].end = free_ranges[i + 1].end;
		free_ranges_delete(i + 1);
	}
}

void boot_reserve(paddr_t base, paddr_t end, const char *why)
{
	base &= PAGE_MASK;
	end = ROUND_UP(end, PAGE_SIZE);
	for (unsigned int i = 0; i < nr_free;) {
		paddr_t b = free_ranges[i].base, e = free_ranges[i].end;

		if (e <= base || b >= end) {
			i++;
			continue;
		}
		free_ranges_delete(i);
		if (b < base)
			free_ranges_insert(i++, b, base);
		if (e > end)
			free_ranges_insert(i++, end, e);
	}
	if (why)
		pr_debug("memory: %012lx-%012lx %s\n", base, end, why);
}

bool boot_free_range(unsigned int i, paddr_t *base, paddr_t *end)
{
	if (i >= nr_free)
		return false;
	*base = free_ranges[i].base;
	*end = free_ranges[i].end;
	return true;
}

bool is_host_ram(paddr_t pa)
{
	for_each_boot_range(r)
		if (pa - r->base < r->size)
			return r->type == BOOT_RANGE_RAM;
	return false;
}

/* Before Keel's tables are loaded, the loader's identity map of the low 4 GiB serves. */
static void *boot_virt(paddr_t pa) { return own_tables ? pa_to_virt(pa) : (void *)pa; }

/* Takes RAM without clearing it. */
static paddr_t boot_take(u64 size, u64 align, paddr_t limit)
{
	if (!own_tables)
		limit = min(limit, (paddr_t)GiB(4));
	for (unsigned int i = nr_free; i-- > 0;) {
		paddr_t top = min(free_ranges[i].end, limit), base;

		if (top < size)
			continue;
		base = ROUND_DOWN(top - size, align);
		if (top <= free_ranges[i].base || base < free_ranges[i].base || base < MiB(1))
			continue;
		boot_reserve(base, base + size, NULL);
		return base;
	}
	panic("Out of memory at boot: no %lu KiB of RAM below %#lx; load smaller files or give the machine more RAM",
	      size >> 10, limit);
}

/* Frames that are never freed, zeroed. Before mm_init_heap(). */
static paddr_t boot_alloc(u64 size, u64 align, paddr_t limit)
{
	paddr_t base = boot_take(ROUND_UP(size, PAGE_SIZE), align, limit);

	memset(boot_virt(base), 0, ROUND_UP(size, PAGE_SIZE));
	return base;
}

/* 0: no memory, which happens only after boot. */
static u64 new_table(void)
{
	void *p;

	if (!heap_ready)
		return boot_alloc(PAGE_SIZE, PAGE_SIZE, ~0ull);
	p = alloc_page();
	return p ? virt_to_pa(p) : 0;
}

static u64 *next_table(u64 *entry)
{
	if (!(*entry & PTE_P)) {
		u64 table = new_table();

		if (!table)
			return NULL;
		*entry = table | PTE_P | PTE_RW | PTE_A;
	}
	BUG_ON(*entry & PTE_PS);
	return boot_virt(*entry & PTE_ADDR);
}

bool map_pages(u64 va, paddr_t pa, u64 size, u64 flags)
{
	for (u64 done = 0; done < size;) {
		u64 a = va + done, p = pa + done, left = size - done;
		u64 *t = own_tables ? root : boot_virt(root_pa);
		unsigned int level = 4;

		for (; level > 1; level--) {
			unsigned int shift = PAGE_SHIFT + 9 * (level - 1);
			u64 *e = &t[a >> shift & 511];

			if ((level == 2 || (level == 3 && cpu_features.gb_pages)) && left >= BIT(shift) &&
			    IS_ALIGNED(a | p, BIT(shift)) && !(*e & PTE_P)) {
				*e = p | flags | PTE_PS;
				done += BIT(shift);
				break;
			}
			if (level == 2 && *e & PTE_P && *e & PTE_PS && (*e & PTE_ADDR) == (p & ~(MiB(2) - 1))) {
				done += min(left, MiB(2) - (a & (MiB(2) - 1))); /* mapped already */
				break;
			}
			t = next_table(e);
			if (!t)
				return false;
		}
		if (level == 1) {
			t[a >> PAGE_SHIFT & 511] = p | flags;
			done += PAGE_SIZE;
		}
	}
	return true;
}

u64 *map_runtime(void)
{
	u64 *keels = root, *tables = alloc_page();
	bool ok = tables;

	root = tables;
	for_each_boot_range(r)
		if (r->flags & BOOT_RANGE_EFI_RUNTIME)
			ok = ok && r->base + r->size <= BIT(min(cpu_features.phys_bits, 47u)) &&
			     map_pages(r->base, r->base, r->size, PTE_P | PTE_RW | PTE_A | PTE_D);
	root = keels;
	return ok ? tables : NULL;
}

/*
 * RAM counts in whole pages: what shares a page with something else is nobody's, as is RAM beyond
 * what Keel can keep account of.
 */
static void limit_ram(struct boot_range *r)
{
	paddr_t base = ROUND_UP(r->base, PAGE_SIZE), end = r->base + r->size;

	if (r->type != BOOT_RANGE_RAM)
		return;
	if (end > RAM_LIMIT)
		pr_warn("memory: %012lx-%012lx is left out: Keel uses RAM below 16 TiB only\n",
			max_t(paddr_t, r->base, RAM_LIMIT), end - 1);
	end = min_t(paddr_t, end, RAM_LIMIT) & PAGE_MASK;
	if (r->base >= end || base >= end)
		r->type = BOOT_RANGE_RESERVED;
	else
		*r = (struct boot_range){ base, end - base, r->type, r->flags };
}

/* The loader's stack and structures are in RAM that will be allocated: take a copy first. */
void mm_init_early(const struct boot_info *bi)
{
	boot_info = *bi;
	for (unsigned int i = 0; i < boot_info.nr_ranges; i++) {
		struct boot_range *r = &boot_info.ranges[i];

		limit_ram(r);
		if (r->type != BOOT_RANGE_RAM)
			continue;
		free_ranges_insert(nr_free, r->base, r->base + r->size);
		max_mfn = (r->base + r->size) >> PAGE_SHIFT;
	}
	boot_reserve(boot_info.image_phys, boot_info.image_phys + boot_info.image_size, "Keel");
	boot_reserve(boot_info.tables_phys, boot_info.tables_phys + boot_info.tables_size, NULL);
	for (unsigned int i = 0; i < boot_info.nr_modules; i++)
		boot_reserve(boot_info.modules[i].base, boot_info.modules[i].base + boot_info.modules[i].size,
			     boot_info.modules[i].name);
	if (boot_info.fdt)
		boot_reserve(boot_info.fdt, boot_info.fdt + boot_info.fdt_size, "device tree");
}

static void map_image(void)
{
	u64 delta = KEEL_IMAGE_VIRT - boot_info.image_phys;
	const struct { const char *start, *end; u64 flags; } parts[] = {
		{ __text_start, __text_end, MAP_RX },
		{ __rodata_start, __rodata_end, MAP_RO },
		{ __data_start, __image_end, MAP_RW },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++)
		map_pages((u64)parts[i].start, (u64)parts[i].start - delta, parts[i].end - parts[i].start,
			  parts[i].flags);
}

/* The direct map leaves the image's code and constants out: writable nowhere. */
static void map_ram(paddr_t base, paddr_t end)
{
	paddr_t ro = boot_info.image_phys, ro_end = ro + (u64)(__rodata_end - __image_start);

	if (base < ro_end && end > ro) {
		if (base < ro)
			map_ram(base, ro);
		if (end > ro_end)
			map_ram(ro_end, end);
		return;
	}
	map_pages(DIRECTMAP_BASE + base, base, end - base, MAP_RW);
}

void mm_init_paging(void)
{
	paddr_t top = boot_alloc(PAGE_SIZE, PAGE_SIZE, GiB(4));

	root_pa = top; /* below 4 GiB: CPUs start with it in protected mode */
	for_each_boot_range(r)
		if (r->type == BOOT_RANGE_RAM)
			map_ram(r->base, r->base + r->size);
	map_image();
	WRITE_CR(4, (READ_CR(4) | X86_CR4_PGE | X86_CR4_PAE) & ~X86_CR4_PCIDE);
	WRITE_CR(3, root_pa);
	WRITE_CR(0, READ_CR(0) | X86_CR0_WP);
	own_tables = true;
	root = pa_to_virt(root_pa);
}

u64 keel_cr3(void)
{
	return root_pa;
}

void mm_unmap_low(void)
{
	root[0] = 0;
	WRITE_CR(3, root_pa);
}

/* Copy by words: this is a hundred megabytes, and some emulators execute each step separately. */
static void copy_module(void *to, const void *from, u64 size)
{
	u64 words = size / sizeof(u64);

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	memcpy(to, from, size % sizeof(u64));
}

/* Modules may lie where Dom0's kernel must be: they go to the top of RAM. */
void mm_move_modules(void)
{
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		struct boot_module *m = &boot_info.modules[i];
		paddr_t to;

		if (!m->size)
			continue;
		to = boot_take(ROUND_UP(m->size, PAGE_SIZE), PAGE_SIZE, ~0ull);
		copy_module(pa_to_virt(to), pa_to_virt(m->base), m->size);
		free_ranges_give(m->base & PAGE_MASK, ROUND_UP(m->base + m->size, PAGE_SIZE));
		m->base = to;
	}
}

void mm_free_modules(void)
{
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *m = &boot_info.modules[i];

		if (m->size)
			heap_add_range(m->base, ROUND_UP(m->base + m->size, PAGE_SIZE));
	}
}

/*
 * The frame table exists only where RAM is. It is some GiB on a large machine: each entry is
 * written once here, and once more if the heap gets the frame.
 */
void mm_init_frames(void)
{
	static const struct page_info keels = { .ref = 1, .owner = OWNER_KEEL };
	u64 done = 0; /* two pieces of RAM may share a page of it */

	for_each_boot_range(r) {
		u64 first, last, align, gap;

		if (r->type != BOOT_RANGE_RAM)
			continue;
		first = (FRAMETABLE_BASE + PFN_DOWN(r->base) * sizeof(struct page_info)) & PAGE_MASK;
		last = ROUND_UP(FRAMETABLE_BASE + PFN_DOWN(r->base + r->size) * sizeof(struct page_info),
				PAGE_SIZE);
		first = max(first, done);
		if (first >= last)
			continue;
		align = last - first < MiB(4) ? PAGE_SIZE : MiB(2); /* by large pages */
		gap = first & (align - 1);
		map_pages(first, boot_take(gap + last - first, align, ~0ull) + gap, last - first, MAP_RW);
		for (struct page_info *pg = (void *)first; pg < (struct page_info *)last; pg++)
			*pg = keels;
		done = last;
	}
}

void mm_init_heap(void)
{
	heap_ready = true;
	heap_poisons = IS_ENABLED(CONFIG_DEBUG);
	for (unsigned int i = 0; i < nr_free; i++)
		heap_add_range(max(free_ranges[i].base, (paddr_t)MiB(1)), free_ranges[i].end);
	nr_free = 0;
}

bool mfn_valid(mfn_t mfn)
{
	return mfn < max_mfn && is_host_ram(mfn << PAGE_SHIFT);
}

static bool is_mapped(u64 va)
{
	u64 *t = root;

	for (unsigned int level = 4; level > 0; level--) {
		u64 e = t[va >> (PAGE_SHIFT + 9 * (level - 1)) & 511];

		if (!(e & PTE_P))
			return false;
		if (level == 1 || e & PTE_PS)
			return true;
		t = pa_to_virt(e & PTE_ADDR);
	}
	return false;
}

static spinlock_t map_lock = SPINLOCK_INIT(RANK_MM); /* tables, once all CPUs run */

/* false: no memory, or no place: firmware names any address. What has been mapped stays. */
static bool map_missing(u64 virt_base, unsigned int bits, paddr_t pa, size_t len, u64 flags)
{
	paddr_t end = ROUND_UP(pa + len, PAGE_SIZE);
	bool ok = pa < end && end <= BIT(min(bits, cpu_features.phys_bits));

	spin_lock(&map_lock);
	for (pa &= PAGE_MASK; ok && pa < end; pa += PAGE_SIZE)
		ok = is_mapped(virt_base + pa) || map_pages(virt_base + pa, pa, PAGE_SIZE, flags);
	spin_unlock(&map_lock);
	return ok;
}

const void *map_firmware(paddr_t pa, size_t len)
{
	return map_missing(DIRECTMAP_BASE, DIRECTMAP_BITS, pa, len, MAP_RO) ? pa_to_virt(pa) : NULL;
}

void *map_mmio(paddr_t pa, size_t len)
{
	static u32 gib[MMIO_WINDOWS]; /* L: map_lock. Which one each shows, plus 1 */
	u32 want = (u32)(pa >> 30) + 1;
	unsigned int i = 0;
	u64 base;

	if ((pa & (GiB(1) - 1)) + len > GiB(1) || pa >> cpu_features.phys_bits)
		return NULL;
	spin_lock(&map_lock);
	while (i < MMIO_WINDOWS && gib[i] && gib[i] != want)
		i++;
	if (i < MMIO_WINDOWS)
		gib[i] = want;
	spin_unlock(&map_lock);
	if (i == MMIO_WINDOWS)
		return NULL;
	base = MMIO_BASE + i * GiB(1) - (pa & ~(GiB(1) - 1));
	return map_missing(base, 52, pa, len, MAP_UC) ? (void *)(base + pa) : NULL;
}

u64 map_stack(unsigned int cpu, enum stack_kind kind, void *pcpu)
{
	/* Each stack is aligned to its size, with as much unmapped below it. */
	u64 base = STACKS_BASE + ((u64)cpu * NR_STACKS + kind) * 2 * CPU_STACK_SIZE + CPU_STACK_SIZE;
	u64 *top = (u64 *)(base + CPU_STACK_SIZE);

	if (!is_mapped(base)) /* else of a CPU that did not start */
		map_pages(base, heap_ready ? virt_to_pa(alloc_pages(CPU_STACK_ORDER))
			  : boot_alloc(CPU_STACK_SIZE, PAGE_SIZE, ~0ull), CPU_STACK_SIZE, MAP_RW);
	top[-1] = (u64)pcpu;
	top[-2] = 0;
	return (u64)&top[-2];
}
