/* SPDX-License-Identifier: GPL-2.0-only */
/* Page tables, page allocation, the memory map, shared_info and its clock. */
#include "guest.h"
#include "guest_internal.h"

#include <public/event_channel.h>
#include <public/memory.h>
#include <public/sched.h>

struct shared_info *shared_info;
struct memory_range memory_map[64];
unsigned int nr_memory_ranges;

static u8 shared_info_page[PAGE_SIZE] PAGE_ALIGNED;
static u8 pages[256][PAGE_SIZE] PAGE_ALIGNED;
static u32 next_page;
static u64 next_va = 0x700000000000;

void *alloc_page(void)
{
	u32 i = __atomic_fetch_add(&next_page, 1, __ATOMIC_RELAXED);

	if (i >= ARRAY_SIZE(pages))
		error_stop("the guest's own pages are used up");
	memset(pages[i], 0, PAGE_SIZE);
	return pages[i];
}

u64 find_va(void)
{
	return __atomic_fetch_add(&next_va, 1 << 20, __ATOMIC_RELAXED);
}

/* The table that entry refers to. level is entry's own (4 to 2). */
static u64 *next_table(u64 *entry, int level)
{
	u64 *table, old = *entry, step = 1ull << (12 + 9 * (level - 2));
	unsigned int i;

	if ((old & PTE_P) && !(old & 0x80))
		return (u64 *)(old & 0xffffffffff000);
	table = alloc_page();
	if (old & PTE_P)
		for (i = 0; i < 512; i++)
			table[i] = ((old & ~0x1000ull) + i * step) & (level == 2 ? ~0x80ull : ~0ull);
	*entry = (u64)table | PTE_P | PTE_W | PTE_U;
	return table;
}

void map_page(u64 va, u64 pa, u64 flags)
{
	u64 *table = pml4;
	int level;

	for (level = 4; level > 1; level--)
		table = next_table(&table[va >> (12 + 9 * (level - 1)) & 511], level);
	WRITE_ONCE(table[va >> 12 & 511], flags ? pa | flags : 0);
	asm volatile("invlpg (%0)" ::"r"(va) : "memory");
}

u64 find_hole(void)
{
	static u64 next;
	unsigned int i;
	u64 top = 0;

	if (!next) {
		for (i = 0; i < nr_memory_ranges; i++)
			if (memory_map[i].addr < 1ull << 38 && memory_map[i].addr + memory_map[i].size > top)
				top = memory_map[i].addr + memory_map[i].size;
		/* Above all memory, and above where firmware of small machines puts 64-bit BARs. */
		next = (((top >> 30) + 1) << 30 | 1ull << 36) >> PAGE_SHIFT;
	}
	next += 256;
	return next - 256;
}

static void read_memory_map(void)
{
	struct xen_memory_map arg = { ARRAY_SIZE(memory_map), (u64)memory_map };
	const struct hvm_memmap_table_entry *e = (const void *)start_info->memmap_paddr;
	unsigned int i;

	if (!memory_op(memory_map, &arg)) {
		nr_memory_ranges = arg.nr_entries;
		return;
	}
	if (start_info->version < 1)
		return;
	for (i = 0; i < start_info->memmap_entries && i < ARRAY_SIZE(memory_map); i++)
		memory_map[i] = (struct memory_range){ e[i].addr, e[i].size, e[i].type };
	nr_memory_ranges = i;
}

void memory_init(void)
{
	struct xen_add_to_physmap arg = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = gfn_of(shared_info_page),
	};
	long ret = memory_op(add_to_physmap, &arg);

	read_memory_map();
	if (ret) {
		printk("add_to_physmap(shared_info): %ld\n", ret);
		error_stop("shared_info cannot be mapped");
	}
	shared_info = (struct shared_info *)shared_info_page;
	this_cpu()->vcpu_info = &shared_info->vcpu_info[0];
}

u64 pvclock_read(const struct vcpu_time_info *t)
{
	u32 version;
	u64 ns, delta;

	do {
		version = READ_ONCE(t->version);
		barrier();
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = ((unsigned __int128)delta * t->tsc_to_system_mul >> 32) + t->system_time;
		barrier();
	} while ((version & 1) || version != READ_ONCE(t->version));
	return ns;
}

u64 now_ns(void)
{
	return pvclock_read(&this_cpu()->vcpu_info->time);
}

void delay_us(u64 us)
{
	u64 end = now_ns() + us * 1000;

	while (now_ns() < end)
		cpu_relax();
}

void rest_ns(u64 ns)
{
	static struct evtchn_alloc_unbound port = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct sched_poll poll = { (u64)&port.port, 1, now_ns() + ns };

	if (!port.port)
		EXPECT_EQ(evtchn_op(alloc_unbound, &port), 0);
	sched_op(poll, &poll);
}

bool wait_for(const volatile u32 *flag)
{
	u64 end = now_ns() + PATIENCE_NS;

	while (!*flag && now_ns() < end)
		cpu_relax();
	return *flag;
}
