/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a domain's memory is: Dom0's part of the host's RAM, and the memory map of each domain. */
#include "arch/x86/builder/build.h"

#include <public/hvm/pvh_layout.h>

#include "arch/x86/iommu/iommu.h"
#include "arch/x86/mm.h"
#include "common/dom0_option.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/printk.h"

#define GUEST_HOLE PFN_DOWN(PVH_PCI_WINDOW32_BASE) /* up to 4 GiB */

u64 dom0_max_mem;

static struct gpa_range dom0_ram[BUILD_MAX_RANGES];
static unsigned int nr_dom0_ram;

/* dom0_mem=, the tree, or a quarter of the memory within bounds. Sets dom0_max_mem, too. */
static u64 dom0_memory(const struct bootcfg_domain *cfg)
{
	u64 total = 0, base, end, room, dflt, mem;
	char opt[DOM0_OPTION_LEN];

	for (unsigned int i = 0; boot_free_range(i, &base, &end); i++)
		total += end - base;
	/* Keel needs page tables, and guests need memory, too. */
	room = total - min(total, MiB(DOM0_MEM_REST_MIB));
	dflt = cfg->memory_kb ? KiB(cfg->memory_kb)
			      : min(min_t(u64, max_t(u64, total / 4, MiB(DOM0_MEM_LEAST_MIB)), GiB(DOM0_MEM_MOST_GIB)),
				    room);
	if (!option_string("dom0_mem", opt, sizeof(opt)) ||
	    !dom0_mem_parse(opt, total, dflt, &mem, &dom0_max_mem)) {
		mem = dflt;
		dom0_max_mem = ~0ull;
	}
	if (mem < min(room, DOM0_MEM_MIN)) {
		pr_warn("Dom0: %lu MiB of memory are too little: it gets %lu MiB\n", mem >> 20,
			(u64)min(room, DOM0_MEM_MIN) >> 20);
		mem = min(room, DOM0_MEM_MIN);
	}
	if (mem > room) {
		pr_warn("Dom0: %lu MiB of memory asked for, %lu MiB are free: it gets %lu MiB\n", mem >> 20,
			total >> 20, room >> 20);
		mem = room;
	}
	if (dom0_max_mem == ~0ull)
		dom0_max_mem = mem;
	return mem & PAGE_MASK;
}

void dom0_reserve_memory(const struct bootcfg_domain *cfg)
{
	u64 left = dom0_memory(cfg), base, end;

	for (unsigned int i = 0; left && boot_free_range(i, &base, &end); i++) {
		if (nr_dom0_ram == BUILD_MAX_RANGES) {
			pr_warn("Dom0: RAM is in more than %u pieces: it gets %lu MiB less", BUILD_MAX_RANGES,
				left >> 20);
			break;
		}
		dom0_ram[nr_dom0_ram].base = base;
		dom0_ram[nr_dom0_ram].end = min(end, base + left);
		left -= dom0_ram[nr_dom0_ram].end - base;
		nr_dom0_ram++;
	}
	for (unsigned int i = 0; i < nr_dom0_ram; i++)
		boot_reserve(dom0_ram[i].base, dom0_ram[i].end, "Dom0");
}

/* Dom0's RAM has the machine's addresses: gfn = mfn. */
static void map_dom0_ram(struct builder *b)
{
	struct domain *d = b->d;

	memcpy(b->ram, dom0_ram, sizeof(dom0_ram));
	b->nr_ram = nr_dom0_ram;
	d->direct_mapped = !iommu_on();
	for (unsigned int i = 0; i < nr_dom0_ram; i++) {
		mfn_t m = PFN_DOWN(dom0_ram[i].base), end = PFN_DOWN(dom0_ram[i].end);

		d->tot_pages += end - m;
		heap_add_used(end - m);
		for (mfn_t f = m; f < end; f++) {
			struct page_info *pg = mfn_to_page(f);

			pg->owner = d->id;
			pg->ref = 1;
			pg->flags = d->direct_mapped ? PGF_PINNED_GFN : 0;
		}
		while (m < end) {
			unsigned int order = m && !(m & 0x3ffff) && end - m >= BIT(18) ? 18
					   : m && !(m & 0x1ff) && end - m >= BIT(9) ? 9 : 0;

			if (p2m_set(d, m, m, order, P2M_RAM))
				panic("Dom0: no memory for its page tables");
			m += BIT(order);
		}
	}
}

/* Prints which of the firmware's entries [start, end) overlaps. */
static void tell_covered(const struct builder *b, u64 start, u64 end)
{
	for_each_boot_range(r)
		if (r->type != BOOT_RANGE_RAM && r->base < end && r->base + r->size > start)
			pr_warn("%s: its kernel's place has %s of the firmware's at %#lx..%#lx, which it cannot see there",
				build_name(b), boot_range_name(r->type), max(r->base, start), min(r->base + r->size, end));
}

static void __noreturn cannot_place(const struct builder *b, u64 start, u64 end, const char *why)
{
	tell_covered(b, start, end);
	panic("%s: its kernel must be at %#lx..%#lx, which is not all its RAM; %s", build_name(b), start,
	      end, why);
}

static bool has_acpi_tables(u64 page)
{
	for_each_boot_range(r)
		if (r->type == BOOT_RANGE_ACPI && r->base < page + PAGE_SIZE && r->base + r->size > page)
			return true;
	return false;
}

static bool is_ram(struct builder *b, u64 p)
{
	enum p2m_type t;

	return p2m_get(b->d, PFN_DOWN(p), &t, NULL) != INVALID_MFN && t == P2M_RAM;
}

/* If a relocatable kernel's own place is not RAM, it goes to the lowest RAM that suits it. */
static void move_kernel(struct builder *b)
{
	struct elf_kernel *k = &b->elf;
	u64 start = k->start & PAGE_MASK, size = k->end - start, p;

	for (p = start; p < k->end && is_ram(b, p); p += PAGE_SIZE)
		;
	if (p >= k->end || !k->reloc.align)
		return;
	for (unsigned int i = 0; i < b->nr_ram; i++) {
		u64 base = max(max(b->ram[i].base, (u64)k->reloc.min), (u64)MiB(1));
		u64 end = min(b->ram[i].end, k->reloc.max + 1ull);

		base = ROUND_UP(base, (u64)k->reloc.align);
		if (base + size > end)
			continue;
		pr_info("%s: its kernel is moved from %#lx to %#lx, where there is RAM", build_name(b), start,
			base);
		elf_move(k, base + (k->start - start));
		return;
	}
}

/*
 * Any other kernel must be where it was linked. Pages of it that are not RAM in the machine are
 * translated for Dom0. An IOMMU translates its devices' DMA, too. Without one, DMA would reach
 * whatever the machine has there, so these can only be pages that Linux neither writes nor frees.
 * (It reads them by DMA through bounce buffers only, as swiotlb=force tells it.)
 */
static void map_kernel_place(struct builder *b)
{
	u64 start = b->elf.start & PAGE_MASK, end = ROUND_UP(b->elf.end, PAGE_SIZE);

	for (u64 p = start; p < end; p += PAGE_SIZE) {
		struct page_info *pg;

		if (is_ram(b, p))
			continue;
		if (!b->d->hardware)
			cannot_place(b, start, end, "give it more memory");
		if (has_acpi_tables(p))
			cannot_place(b, start, end, "it needs the ACPI tables that are there");
		if (!b->d->p2m.arch.iommu_root && !elf_page_constant(&b->elf, p))
			cannot_place(b, start, end, "without an IOMMU only its constant part can be elsewhere");
		pg = alloc_domain_pages(b->d, 0);
		if (!pg || p2m_set(b->d, PFN_DOWN(p), page_to_mfn(pg), 0, P2M_RAM))
			panic("%s: no memory for its kernel", build_name(b));
		if (!b->translated.end)
			b->translated.base = p;
		b->translated.end = p + PAGE_SIZE;
	}
	if (b->translated.end)
		tell_covered(b, b->translated.base, b->translated.end);
}

/*
 * Memory that firmware reserves for devices: at the same place in both tables. Never RAM of a
 * domain.
 */
static void map_reserved(struct domain *d)
{
	for (unsigned int i = 0; i < iommu_nr_reserved; i++) {
		const struct iommu_reserved *r = &iommu_reserved[i];
		u64 ram = 0, failed = 0;

		if (i && r->first == r[-1].first && r->last == r[-1].last)
			continue; /* of another device: done */
		for (u64 m = PFN_DOWN(r->first); m <= PFN_DOWN(r->last) && !failed; m++)
			if (mfn_valid(m) && mfn_to_page(m)->owner != OWNER_NONE)
				ram++;
			else if (p2m_set_reserved(d, m, m, iommu_reserved_access(m)))
				failed = m;
		if (ram)
			pr_warn("IOMMU: reserved memory %#lx..%#lx: %lu KiB of it are RAM in the firmware's map: left out\n",
				r->first, r->last, ram << 2);
		if (failed)
			pr_warn("IOMMU: reserved memory %#lx..%#lx: left out from %#lx on: no memory for page tables\n",
				r->first, r->last, failed << PAGE_SHIFT);
	}
}

/* The largest piece that can start at gfn without reaching into the range for devices. */
static unsigned int ram_order(gfn_t gfn, u64 left)
{
	u64 room = gfn < GUEST_HOLE ? min(left, GUEST_HOLE - gfn) : left;

	return room >= BIT(18) && !(gfn & 0x3ffff) ? 18 : room >= BIT(9) && !(gfn & 0x1ff) ? 9 : 0;
}

/* A guest's RAM starts at 0 and leaves out the range for devices below 4 GiB. */
static void map_guest_ram(struct builder *b)
{
	u64 left = PFN_UP(KiB(b->cfg->memory_kb));
	gfn_t gfn = 0;

	while (left) {
		unsigned int order = ram_order(gfn, left);
		struct page_info *pg = alloc_domain_pages(b->d, order);

		for (; !pg && order; order -= 9)
			pg = alloc_domain_pages(b->d, order - 9);
		if (!pg)
			panic("%s: %lu KiB of its %lu KiB of memory are missing: %lu KiB are free", b->cfg->name,
			      left << 2, b->cfg->memory_kb, heap_free_pages() << 2);
		memset(page_to_virt(pg), 0, PAGE_SIZE << order);
		if (p2m_set(b->d, gfn, page_to_mfn(pg), order, P2M_RAM))
			panic("%s: no memory for its page tables", b->cfg->name);
		left -= BIT(order);
		gfn += BIT(order);
		if (gfn == GUEST_HOLE && left) {
			b->ram[b->nr_ram++] = (struct gpa_range){ 0, gfn << PAGE_SHIFT };
			gfn = PFN_DOWN(GiB(4));
		}
	}
	b->ram[b->nr_ram] = (struct gpa_range){ gfn > PFN_DOWN(GiB(4)) ? GiB(4) : 0, gfn << PAGE_SHIFT };
	b->nr_ram++;
}

u64 build_place(struct builder *b, u64 size, u64 align, u64 limit)
{
	for (unsigned int i = b->nr_ram; i-- > 0;) {
		u64 top = min(b->ram[i].end, limit);

again:
		if (top < b->ram[i].base + size)
			continue;
		top = ROUND_DOWN(top - size, align);
		if (top < b->ram[i].base || top < MiB(1))
			continue;
		if (top < b->elf.end && top + size > b->elf.start) {
			top = b->elf.start;
			goto again;
		}
		for (unsigned int j = 0; j < b->nr_used; j++) {
			if (top < b->used[j].end && top + size > b->used[j].base) {
				top = b->used[j].base;
				goto again;
			}
		}
		BUG_ON(b->nr_used == ARRAY_SIZE(b->used));
		b->used[b->nr_used++] = (struct gpa_range){ top, ROUND_UP(top + size, PAGE_SIZE) };
		return top;
	}
	return 0;
}

static void add_entry(struct domain *d, u64 base, u64 end, u32 type)
{
	__typeof__(d->e820) last = d->nr_e820 ? &d->e820[d->nr_e820 - 1] : NULL;

	if (base >= end)
		return;
	if (last && last->type == type && last->addr + last->size == base) {
		last->size += end - base;
		return;
	}
	if (d->nr_e820 == MAX_E820) {
		pr_warn("Dom0: its memory map has more than %u entries: %#lx..%#lx is left out", MAX_E820,
			base, end);
		return;
	}
	d->e820[d->nr_e820].addr = base;
	d->e820[d->nr_e820].size = end - base;
	d->e820[d->nr_e820++].type = type;
}

/* [base, end) of RAM that the domain has, with its ACPI tables cut out. */
static void add_ram(struct builder *b, u64 base, u64 end)
{
	u64 a = max(base, b->acpi.base), e = min(end, b->acpi.end);

	if (a >= e) {
		add_entry(b->d, base, end, BOOT_RANGE_RAM);
		return;
	}
	add_entry(b->d, base, a, BOOT_RANGE_RAM);
	add_entry(b->d, a, e, BOOT_RANGE_ACPI);
	add_entry(b->d, e, end, BOOT_RANGE_RAM);
}

/*
 * RAM of the host that Dom0 does not have. Below 4 GiB it is left out, so that Linux puts its
 * region for grants and foreign pages there and not over BARs. Above, it is UNUSABLE, so that no
 * device is put there.
 */
static void add_host_ram(struct builder *b, u64 base, u64 end)
{
	for (unsigned int i = 0; i < b->nr_ram; i++) {
		u64 a = max(base, b->ram[i].base), e = min(end, b->ram[i].end);

		if (a >= e)
			continue;
		if (a > GiB(4))
			add_entry(b->d, max(base, (u64)GiB(4)), a, BOOT_RANGE_UNUSABLE);
		add_ram(b, a, e);
		base = e;
	}
	if (end > GiB(4))
		add_entry(b->d, max(base, (u64)GiB(4)), end, BOOT_RANGE_UNUSABLE);
}

/* [base, end) is RAM, whatever the map says there. */
static void overlay_ram(struct domain *d, u64 base, u64 end)
{
	static __typeof__(*d->e820) old[MAX_E820];
	unsigned int n = d->nr_e820;
	bool done = base >= end;

	memcpy(old, d->e820, n * sizeof(old[0]));
	d->nr_e820 = 0;
	for (unsigned int i = 0; i < n; i++) {
		u64 first = old[i].addr, last = first + old[i].size;

		add_entry(d, first, min(last, base), old[i].type);
		if (!done && last > base) {
			add_entry(d, base, end, BOOT_RANGE_RAM);
			done = true;
		}
		add_entry(d, max(first, end), last, old[i].type);
	}
	if (!done)
		add_entry(d, base, end, BOOT_RANGE_RAM);
}

void build_memmap(struct builder *b)
{
	struct domain *d = b->d;

	if (!d->hardware) {
		for (unsigned int i = 0; i < b->nr_ram; i++)
			add_ram(b, b->ram[i].base, b->ram[i].end);
		return;
	}
	for_each_boot_range(r)
		if (r->type == BOOT_RANGE_RAM)
			add_host_ram(b, r->base, r->base + r->size);
		else
			add_entry(d, r->base, r->base + r->size, r->type);
	if (b->translated.end)
		overlay_ram(d, b->translated.base, b->translated.end);
}

void build_ram(struct builder *b)
{
	p2m_write_lock(&b->d->p2m);
	if (b->d->hardware) {
		map_dom0_ram(b);
		map_reserved(b->d);
	} else {
		map_guest_ram(b);
	}
	move_kernel(b);
	map_kernel_place(b);
	p2m_write_unlock(b->d);
}
