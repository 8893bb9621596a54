/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/builder/elf.c common/boot_info.c common/dom0_option.c common/option.c
 * common/lib/string.c arch/x86/string.c
 */
/* Where Dom0's memory and its kernel go, over maps as firmware makes them; the kernel's notes. */
#include "test/unit/unit.h"

#include <stdlib.h>

#include <public/elfnote.h>
#include <public/errno.h>

#include "common/elf64.h"

#include "arch/x86/builder/memmap.c" /* the source itself: each test resets its reserved ranges */

#define TOP GiB(6)
#define NR (TOP >> PAGE_SHIFT)
#define POOL PFN_DOWN(GiB(5)) /* where alloc_domain_pages() takes from */

struct boot_info boot_info;
struct iommu_reserved *iommu_reserved;
unsigned int iommu_nr_reserved;
static struct domain dom0;
static struct builder b;
static mfn_t *map;	/* gfn to mfn; INVALID_MFN is a hole */
static bool iommu;
static mfn_t pool;

unsigned int iommu_reserved_access(mfn_t mfn) { return 0; }
void heap_add_used(u64 pages) { }
u64 heap_free_pages(void) { return 0; }
const char *boot_range_name(uint32_t type) { return type == BOOT_RANGE_NVS ? "ACPI NVS"
					     : "something"; }
void boot_reserve(paddr_t base, paddr_t end, const char *why) { }
void p2m_write_lock(struct p2m *p) { }
void p2m_write_unlock(struct domain *d) { }

/* Of the machine; 0 where the map has a hole. */
static u32 firmware_type(u64 p)
{
	for (unsigned int i = 0; i < boot_info.nr_ranges; i++)
		if (p - boot_info.ranges[i].base < boot_info.ranges[i].size)
			return boot_info.ranges[i].type;
	return 0;
}

bool mfn_valid(mfn_t mfn) { return firmware_type(mfn << PAGE_SHIFT) == BOOT_RANGE_RAM; }

/* All RAM is free, but for the first page. */
bool boot_free_range(unsigned int i, paddr_t *base, paddr_t *end)
{
	for (unsigned int k = 0; k < boot_info.nr_ranges; k++) {
		const struct boot_range *r = &boot_info.ranges[k];

		if (r->type != BOOT_RANGE_RAM || i--)
			continue;
		*base = max(ROUND_UP(r->base, PAGE_SIZE), (u64)PAGE_SIZE);
		*end = (r->base + r->size) & PAGE_MASK;
		return true;
	}
	return false;
}

struct page_info *alloc_domain_pages(struct domain *d, unsigned int order)
{
	d->tot_pages++;
	return order ? NULL : mfn_to_page(pool++);
}

int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	assert_true(gfn + BIT(order) <= NR);
	for (u64 i = 0; i < BIT(order); i++)
		map[gfn + i] = mfn + i;
	return 0;
}

static unsigned int nr_reserved_set;
static bool no_tables;

int p2m_set_reserved(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int access)
{
	if (no_tables)
		return -ENOMEM;
	nr_reserved_set++;
	return p2m_set(d, gfn, mfn, 0, P2M_RESERVED);
}

mfn_t p2m_get(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order)
{
	*t = gfn < NR && map[gfn] != INVALID_MFN ? P2M_RAM : P2M_HOLE;
	return gfn < NR ? map[gfn] : INVALID_MFN;
}

static int setup(void **state)
{
	static struct page_info *frames;

	unit_setup(state);
	map = map ?: malloc(NR * sizeof(*map));
	frames = frames ?: calloc(NR, sizeof(*frames));
	frame_table = frames;
	memset(map, 0xff, NR * sizeof(*map)); /* INVALID_MFN */
	memset(&boot_info, 0, sizeof(boot_info));
	memset(dom0_ram, 0, sizeof(dom0_ram));
	nr_dom0_ram = 0;
	free(dom0.e820);
	memset(&dom0, 0, sizeof(dom0));
	dom0.e820 = calloc(MAX_E820, sizeof(*dom0.e820));
	pool = POOL;
	return 0;
}

static int teardown(void **state)
{
	free(dom0.e820);
	dom0.e820 = NULL;
	return unit_teardown(state);
}

/* Like Debian 12's kernel (text and constants, data, the rest). Debian 13's has the note, too. */
static void debian_kernel(struct elf_kernel *k, bool reloc)
{
	*k = (struct elf_kernel){ .entry = 0x1000850, .has_entry = true, .nr_segments = 3,
				  .start = MiB(16), .end = MiB(74) };
	k->seg[0].paddr = MiB(16);
	k->seg[0].memsz = MiB(24) + 0x123;
	k->seg[1].paddr = MiB(42);
	k->seg[1].memsz = MiB(6);
	k->seg[1].writable = true;
	k->seg[2].paddr = MiB(48);
	k->seg[2].memsz = MiB(26);
	k->seg[2].writable = true;
	if (reloc) {
		k->reloc.align = MiB(2);
		k->reloc.min = MiB(16);
		k->reloc.max = GiB(1) - 1;
	}
}

#define RAM BOOT_RANGE_RAM
#define RSV BOOT_RANGE_RESERVED
#define NVS BOOT_RANGE_NVS
#define TABLES BOOT_RANGE_ACPI

/*
 * Up to 10 ranges of the firmware's map, where a relocatable kernel goes, and what prevents one
 * that cannot be moved.
 */
static const struct machine {
	const char *name;
	struct { u64 base, end; u32 type; } r[10];
	u64 moved;
	const char *without_iommu, *with_iommu;
} machines[] = {
	{ "plain", { { 0, 0xa0000, RAM }, { 0xf0000, MiB(1), RSV }, { MiB(1), GiB(1), RAM } }, MiB(16),
	  NULL, NULL },
	{ "OVMF with SMM", { { 0, 0xa0000, RAM }, { MiB(1), 0x807000, RAM }, { 0x807000, 0x808000, NVS },
		{ 0x808000, 0x810000, RAM }, { 0x810000, 0x1710000, NVS }, { 0x1710000, GiB(1), RAM } }, MiB(24),
		NULL, NULL },
	{ "tables over the constants",
	  { { 0, MiB(20) + 64, RAM }, { MiB(20) + 64, MiB(20) + 65, TABLES }, { MiB(21), GiB(1), RAM } },
		MiB(22), "ACPI tables", "ACPI tables" },
	{ "one page over the gap",
	  { { 0, MiB(41), RAM }, { MiB(41), MiB(41) + PAGE_SIZE, RSV }, { MiB(42), GiB(1), RAM } },
		MiB(42), "only its constant part", NULL },
	{ "a part of a page over the data",
	  { { 0, MiB(50) + 1, RAM }, { MiB(50) + PAGE_SIZE, GiB(1), RAM } },
		MiB(52), "only its constant part", NULL },
	{ "nothing at 16 MiB, and little",
	  { { 0, MiB(16), RAM }, { MiB(64), MiB(110), RAM }, { GiB(4), GiB(5), RAM } },
		0, "only its constant part", NULL },
	{ "low RAM ends early", { { 0, MiB(32), RAM }, { GiB(1), GiB(2), RAM } }, 0,
	  "only its constant part", NULL },
	{ "just room below 1 GiB", { { 0, MiB(32), RAM }, { GiB(1) - MiB(58), GiB(2), RAM } },
	  GiB(1) - MiB(58),
		"only its constant part", NULL },
	{ "a page too little below 1 GiB",
	  { { 0, MiB(32), RAM }, { GiB(1) - MiB(58) + PAGE_SIZE, GiB(2), RAM } }, 0,
		"only its constant part", NULL },
	{ "pieces", { { 0, MiB(30), RAM }, { MiB(30), MiB(31), RSV }, { MiB(31), MiB(88), RAM },
		      { MiB(88), MiB(90), NVS },
		{ MiB(90), MiB(149), RAM }, { MiB(150), GiB(1), RAM } }, MiB(90), NULL, NULL },
};

static void read_machine(const struct machine *m, bool reloc)
{
	static const struct bootcfg_domain cfg = { .name = "Domain-0", .memory_kb = 768 << 10,
						   .flags = BOOTCFG_HARDWARE };

	for (unsigned int i = 0; i < ARRAY_LEN(m->r) && m->r[i].type; i++)
		boot_info_add_range(&boot_info, m->r[i].base, m->r[i].end - m->r[i].base, m->r[i].type, 0);
	memset(&b, 0, sizeof(b));
	b.cfg = &cfg;
	b.d = &dom0;
	dom0.hardware = true;
	iommu_ops = iommu ? (const struct iommu_ops *)&dom0 : NULL;
	dom0.p2m.arch.iommu_root = iommu ? (u64 *)&dom0 : NULL;
	debian_kernel(&b.elf, reloc);
	dom0_reserve_memory(&cfg);
}

static u32 e820_type(u64 p)
{
	for (unsigned int i = 0; i < dom0.nr_e820; i++)
		if (p - dom0.e820[i].addr < dom0.e820[i].size)
			return dom0.e820[i].type;
	return 0;
}

/* What must hold on every machine on which Dom0 was built. */
static void check_dom0(void)
{
	u64 start = b.elf.start, end = b.elf.end, place, last = 0;

	build_memmap(&b);
	for (unsigned int i = 0; i < dom0.nr_e820; i++) {
		assert_true(dom0.e820[i].size && dom0.e820[i].addr >= last);
		last = dom0.e820[i].addr + dom0.e820[i].size;
	}
	for (u64 p = 0; p < TOP; p += PAGE_SIZE) {
		bool kernel = p >= start && p < end;
		u32 type = firmware_type(p);

		if (type == RAM && firmware_type(p + PAGE_SIZE - 1) != RAM)
			type = 0;
		if (kernel)
			assert_int_equal(e820_type(p), RAM);
		else if (type && type != RAM) /* Dom0's map repeats everything that the firmware's says */
			assert_int_equal(e820_type(p), type);
		if (e820_type(p) == RAM)
			assert_true(map[p >> PAGE_SHIFT] != INVALID_MFN);
		/* DMA without an IOMMU reaches the frame at the same address. */
		if (map[p >> PAGE_SHIFT] != INVALID_MFN && map[p >> PAGE_SHIFT] != p >> PAGE_SHIFT) {
			assert_true(kernel && type != RAM);
			assert_true(iommu || (p >= b.elf.seg[0].paddr &&
					      p + PAGE_SIZE <= b.elf.seg[0].paddr + b.elf.seg[0].memsz));
		}
	}
	place = build_place(&b, MiB(8), PAGE_SIZE, GiB(1));
	assert_true(place && (place >= end || place + MiB(8) <= start));
	assert_int_equal(e820_type(place), RAM);
}

static bool build_fails(void)
{
	return FAKE_PANICS(build_ram(&b));
}

static void kernel_that_stays(void **state)
{
	for (unsigned int i = 0; i < 2 * ARRAY_LEN(machines); i++) {
		const struct machine *m = &machines[i / 2];
		const char *stop;

		teardown(state);
		setup(state);
		iommu = i % 2;
		stop = iommu ? m->with_iommu : m->without_iommu;
		read_machine(m, false);
		if (stop) {
			assert_true(build_fails());
			assert_non_null(strstr(fake_panic_message, "Dom0: its kernel must be at 0x1000000..0x4a00000"));
			assert_non_null(strstr(fake_panic_message, stop));
			continue;
		}
		build_ram(&b);
		assert_int_equal(b.elf.start, MiB(16));
		assert_int_equal(b.elf.entry, 0x1000850);
		check_dom0();
	}
}

static void kernel_that_can_be_moved(void **state)
{
	for (unsigned int i = 0; i < 2 * ARRAY_LEN(machines); i++) {
		const struct machine *m = &machines[i / 2];

		teardown(state);
		setup(state);
		iommu = i % 2;
		read_machine(m, true);
		if (!m->moved && !iommu) {
			assert_true(build_fails());
			continue;
		}
		build_ram(&b);
		assert_int_equal(b.elf.start, m->moved ?: MiB(16));
		assert_int_equal(b.elf.end - b.elf.start, MiB(58));
		assert_int_equal(b.elf.entry - b.elf.start, 0x850);
		assert_int_equal(b.elf.seg[1].paddr - b.elf.start, MiB(26));
		if (m->moved) /* nothing of the firmware's ranges is hidden */
			assert_int_equal(b.translated.end, 0);
		check_dom0();
	}
}

static void lowest_place_of_the_note(void **state)
{
	iommu = false;
	read_machine(&machines[1], true);
	b.elf.reloc.min = MiB(200) + 1;
	build_ram(&b);
	assert_int_equal(b.elf.start, MiB(202));
	check_dom0();
}

static void place_that_suits_is_kept(void **state)
{
	iommu = false;
	read_machine(&machines[0], true);
	elf_move(&b.elf, MiB(32));
	build_ram(&b);
	assert_int_equal(b.elf.start, MiB(32));
	check_dom0();
}

/* The warning names what Dom0 does not see. */
static void what_is_hidden_is_told(void **state)
{
	iommu = true;
	read_machine(&machines[1], false);
	build_ram(&b);
	assert_non_null(strstr(fake_last_message, "ACPI NVS of the firmware's at 0x1000000..0x1710000"));
	assert_int_equal(b.translated.base, MiB(16));
	assert_int_equal(b.translated.end, 0x1710000);
}

static void guest_wants_memory(void **state)
{
	static const struct bootcfg_domain cfg = { .name = "small", .memory_kb = 32 << 10 };

	iommu = true;
	read_machine(&machines[0], false);
	b.cfg = &cfg;
	b.nr_ram = 0;
	dom0.hardware = false;
	assert_true(FAKE_PANICS(map_kernel_place(&b)));
	assert_non_null(strstr(fake_panic_message, "small: its kernel must be at"));
	assert_non_null(strstr(fake_panic_message, "give it more memory"));
}

/* A guest's memory comes in large pieces; devices are placed where these do not reach. */
static void a_guests_memory_leaves_a_hole(void **state)
{
	assert_int_equal(ram_order(0, BIT(20)), 18);
	assert_int_equal(ram_order(PFN_DOWN(GiB(3)), BIT(20)), 9);
	assert_int_equal(ram_order(GUEST_HOLE - BIT(9), BIT(20)), 9);
	assert_int_equal(ram_order(GUEST_HOLE - 1, BIT(20)), 0);
	assert_int_equal(ram_order(PFN_DOWN(GiB(4)), BIT(18)), 18);
	assert_int_equal(ram_order(PFN_DOWN(GiB(4)), BIT(18) - 1), 9);
	assert_int_equal(ram_order(0, 511), 0);
}

/* An ELF file with one segment and the notes that a test puts in. */
static struct {
	struct elf64_ehdr eh;
	struct elf64_phdr load, note;
	u8 notes[256];
} file;
static struct elf_kernel k;

static void begin_file(void)
{
	memset(&file, 0, sizeof(file));
	memcpy(file.eh.ident, "\177ELF\2\1", 6);
	file.eh.machine = 62;
	file.eh.phoff = offsetof(__typeof__(file), load);
	file.eh.phentsize = sizeof(struct elf64_phdr);
	file.eh.phnum = 2;
	file.load = (struct elf64_phdr){ .type = PT_LOAD, .flags = 5, .paddr = MiB(16),
					 .memsz = 2 * PAGE_SIZE };
	file.note = (struct elf64_phdr){ .type = PT_NOTE, .offset = offsetof(__typeof__(file), notes) };
}

static void add_note(const char *name, u32 type, u32 words, const u32 *v)
{
	u32 head[3] = { 4, words * 4, type };
	u8 *p = file.notes + file.note.filesz;

	memcpy(p, head, sizeof(head));
	memcpy(p + 12, name, 4);
	memcpy(p + 16, v, words * 4);
	file.note.filesz += 16 + words * 4;
}
#define NOTE(type, ...) do { \
	const u32 _v[] = { __VA_ARGS__ }; \
	add_note("Xen", type, ARRAY_LEN(_v), _v); \
} while (0)

static int parse(void)
{
	const char *why;

	return elf_parse(&file, sizeof(file), &k, &why);
}

static void notes(void **state)
{
	begin_file();
	NOTE(6, 0x756e694c);
	assert_int_equal(parse(), -EINVAL);
	NOTE(XEN_ELFNOTE_PHYS32_ENTRY, 0x1000850, 0);
	assert_int_equal(parse(), 0);
	assert_int_equal(k.entry, 0x1000850);
	assert_false(k.dom0);
	assert_int_equal(k.reloc.align, 0);
	add_note("GNU", XEN_ELFNOTE_SUPPORTED_FEATURES, 1, (const u32[]){ 0x8801 });
	NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8001);
	assert_int_equal(parse(), 0);
	assert_false(k.dom0);
	NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801);
	NOTE(XEN_ELFNOTE_PHYS32_RELOC, 0x200000, 0x1000000, 0x3fffffff);
	assert_int_equal(parse(), 0);
	assert_true(k.dom0);
	assert_int_equal(k.reloc.align, 0x200000);
	assert_int_equal(k.reloc.min, 0x1000000);
	assert_int_equal(k.reloc.max, 0x3fffffff);
	/* A note that reaches beyond its segment is ignored. */
	file.note.filesz -= 4;
	assert_int_equal(parse(), 0);
	assert_int_equal(k.reloc.align, 0);
}

/* Each of the note's values may be missing; an invalid alignment makes the whole note void. */
static void reloc_notes(void **state)
{
	static const struct { u32 words, v[4], align, min, max; } t[] = {
		{ 0, { 0 }, MiB(2), 0, ~0u },
		{ 1, { 4096 }, 4096, 0, ~0u },
		{ 2, { MiB(4), 7 }, MiB(4), 7, ~0u },
		{ 4, { MiB(4), 7, 9, 11 }, MiB(4), 7, 9 },
		{ 3, { 0, 7, 9 }, 0, 0, 0 },
		{ 3, { 2048, 7, 9 }, 0, 0, 0 },
		{ 3, { MiB(3), 7, 9 }, 0, 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(t); i++) {
		begin_file();
		NOTE(XEN_ELFNOTE_PHYS32_ENTRY, 0x1000850);
		add_note("Xen", XEN_ELFNOTE_PHYS32_RELOC, t[i].words, t[i].v);
		assert_int_equal(parse(), 0);
		assert_int_equal(k.reloc.align, t[i].align);
		assert_int_equal(k.reloc.min, t[i].min);
		assert_int_equal(k.reloc.max, t[i].max);
	}
}

/* The same file with the headers of 32 bits. */
static void elf_of_32_bits(void **state)
{
	static struct {
		struct elf32_ehdr eh;
		struct elf32_phdr load, note;
		u32 notes[5];
	} small;
	const char *why;

	memcpy(small.eh.ident, "\177ELF\1\1", 6);
	small.eh.machine = 3;
	small.eh.phoff = offsetof(__typeof__(small), load);
	small.eh.phentsize = sizeof(struct elf32_phdr);
	small.eh.phnum = 2;
	small.load = (struct elf32_phdr){ .type = PT_LOAD, .flags = 7, .offset = 4, .filesz = 8,
					  .vaddr = 1, .paddr = MiB(1), .memsz = PAGE_SIZE };
	small.note = (struct elf32_phdr){ .type = PT_NOTE, .offset = offsetof(__typeof__(small), notes),
					  .filesz = 20 };
	memcpy(small.notes, (u32[]){ 4, 4, XEN_ELFNOTE_PHYS32_ENTRY, 0x6e6558, 0x100020 },
	       sizeof(small.notes));
	assert_int_equal(elf_parse(&small, sizeof(small), &k, &why), 0);
	assert_int_equal(k.entry, 0x100020);
	assert_int_equal(k.nr_segments, 1);
	assert_true(k.seg[0].offset == 4 && k.seg[0].filesz == 8 && k.seg[0].memsz == PAGE_SIZE &&
		    k.seg[0].writable);
	assert_true(k.start == MiB(1) && k.end == MiB(1) + PAGE_SIZE);
	small.load.offset = sizeof(small) - 7;
	assert_int_equal(elf_parse(&small, sizeof(small), &k, &why), -EINVAL);
	small.load.offset = 4;
	small.eh.phnum = 5;	/* the last header is cut off */
	assert_int_equal(elf_parse(&small, sizeof(small), &k, &why), -EINVAL);
	small.eh.phnum = 2;
	small.eh.phentsize = sizeof(struct elf64_phdr);
	assert_int_equal(elf_parse(&small, sizeof(small), &k, &why), -EINVAL);
	small.eh.phentsize = sizeof(struct elf32_phdr);
	small.eh.machine = 62;	/* neither of the two machines */
	assert_int_equal(elf_parse(&small, sizeof(small), &k, &why), -EINVAL);
	small.eh.machine = 3;
	small.eh.ident[5] = 2;
	assert_int_equal(elf_parse(&small, sizeof(small), &k, &why), -EINVAL);
}

static void constant_pages(void **state)
{
	debian_kernel(&k, false);
	assert_false(elf_page_constant(&k, MiB(16) - PAGE_SIZE));
	assert_true(elf_page_constant(&k, MiB(16)));
	assert_true(elf_page_constant(&k, MiB(40) - PAGE_SIZE));
	assert_false(elf_page_constant(&k, MiB(40)));	/* Linux frees the rest of this page */
	assert_false(elf_page_constant(&k, MiB(42)));
	k.seg[1].paddr = MiB(30) + 8;			/* a writable segment in the middle */
	k.seg[1].memsz = 8;
	assert_false(elf_page_constant(&k, MiB(30)));
	assert_true(elf_page_constant(&k, MiB(30) + PAGE_SIZE));
	begin_file();
	NOTE(XEN_ELFNOTE_PHYS32_ENTRY, 0x1000850);
	assert_int_equal(parse(), 0);
	assert_true(elf_page_constant(&k, MiB(16)));
	file.load.flags |= PF_W;
	assert_int_equal(parse(), 0);
	assert_false(elf_page_constant(&k, MiB(16)));
}

/* What does not fit into Dom0's map, or its list of RAM, is left out, and told. */
static void maps_of_many_pieces(void **state)
{
	static const struct bootcfg_domain cfg = { .name = "Dom0", .memory_kb = 512 << 10,
						   .flags = BOOTCFG_HARDWARE };

	for (u64 i = 0; i < 200; i++)
		boot_info_add_range(&boot_info, i * MiB(2), MiB(1), i & 1 ? BOOT_RANGE_RESERVED : BOOT_RANGE_RAM,
				    0);
	memset(&b, 0, sizeof(b));
	b.d = &dom0;
	dom0.hardware = true;
	dom0_reserve_memory(&cfg);
	assert_int_equal(nr_dom0_ram, BUILD_MAX_RANGES);
	assert_non_null(strstr(fake_last_message, "RAM is in more than 64 pieces"));
	memcpy(b.ram, dom0_ram, sizeof(dom0_ram));
	b.nr_ram = nr_dom0_ram;
	build_memmap(&b);
	assert_int_equal(dom0.nr_e820, MAX_E820);
	assert_non_null(strstr(fake_last_message, "more than 128 entries"));
}

/* Each region once, however many devices have it; a line for what is RAM, not one for each page. */
static void reserved_memory_of_any_kind(void **state)
{
	static struct iommu_reserved r[] = {
		{ MiB(8), MiB(8) + 0x3fff, 1, 3 }, { MiB(8), MiB(8) + 0x3fff, 2, 3 },
		{ MiB(1), MiB(1) + 0x2fff, 1, 3 },
	};

	boot_info_add_range(&boot_info, 0, MiB(4), BOOT_RANGE_RAM, 0);
	frame_table[PFN_DOWN(MiB(1))].owner = frame_table[PFN_DOWN(MiB(1)) + 1].owner = OWNER_KEEL;
	frame_table[PFN_DOWN(MiB(1)) + 2].owner = OWNER_NONE;
	iommu_reserved = r;
	iommu_nr_reserved = ARRAY_LEN(r);
	nr_reserved_set = 0;
	map_reserved(&dom0);
	iommu_nr_reserved = 0;
	assert_int_equal(nr_reserved_set, 5);
	assert_int_equal(map[PFN_DOWN(MiB(8))], PFN_DOWN(MiB(8)));
	assert_int_equal(map[PFN_DOWN(MiB(1))], INVALID_MFN);
	assert_non_null(strstr(fake_last_message, "0x100000..0x102fff: 8 KiB of it are RAM"));
	no_tables = true;
	iommu_nr_reserved = 1;
	map_reserved(&dom0);
	iommu_nr_reserved = 0;
	no_tables = false;
	assert_non_null(strstr(fake_last_message, "left out from 0x800000 on: no memory for page tables"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(maps_of_many_pieces),
	TEST(reserved_memory_of_any_kind),
	TEST(kernel_that_stays),
	TEST(kernel_that_can_be_moved),
	TEST(lowest_place_of_the_note),
	TEST(place_that_suits_is_kept),
	TEST(what_is_hidden_is_told),
	TEST(guest_wants_memory),
	TEST(a_guests_memory_leaves_a_hole),
	TEST(notes),
	TEST(reloc_notes),
	TEST(elf_of_32_bits),
	TEST(constant_pages),
};

UNIT_MAIN(tests)
