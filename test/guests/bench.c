/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Repeats each operation at one place, so that the hypervisor's instructions can be counted (make
 * bench): each function op_NAME holds the exiting instruction of operation NAME. Option n= is the
 * number of repetitions (200). Option tsc=1 prints how far the TSC advances in each operation, for
 * emulators whose TSC counts instructions. Option maps=0 leaves out the mapping of its own grants,
 * which on Xen works only once.
 */
#include "lib/guest.h"

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/hypfs.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>

const char test_title[] = "bench";

#define UPCALL 0xf3

static struct evtchn_send to_masked, to_open;
static struct evtchn_unmask unmask_arg;
static struct vcpu_set_singleshot_timer far_timer;
static struct xen_feature_info feature_info;
static struct gnttab_copy one_copy;
static volatile u64 upcalls, sink;
#define BATCH 64
static struct gnttab_map_grant_ref maps[BATCH];
static struct gnttab_unmap_grant_ref unmaps[BATCH];

#define OP NOINLINE void

OP op_nothing(void) { asm volatile("" ::: "memory"); }
OP op_null(void) { hypercall(xen_version, XENVER_version, 0, 0); }
OP op_nosys(void) { hypercall(xsm_op, 0, 0, 0); }
OP op_get_features(void) { xen_version(get_features, &feature_info); }
OP op_send_masked(void) { evtchn_op(send, &to_masked); }
OP op_send_upcall(void) { evtchn_op(send, &to_open); }
OP op_unmask(void) { evtchn_op(unmask, &unmask_arg); }
OP op_yield(void) { sched_op(yield, 0); }
OP op_set_timer(void) { vcpu_op(set_singleshot_timer, 0, &far_timer); }
OP op_stop_timer(void) { vcpu_op(stop_singleshot_timer, 0, 0); }
OP op_is_up(void) { vcpu_op(is_up, 0, 0); }
OP op_grant_copy_64(void) { grant_op(copy, &one_copy, 1); }

OP op_map_1(void) { grant_op(map_grant_ref, maps, 1); }
OP op_map_16(void) { grant_op(map_grant_ref, maps, 16); }
OP op_map_64(void) { grant_op(map_grant_ref, maps, 64); }
OP op_unmap_1(void) { grant_op(unmap_grant_ref, unmaps, 1); }
OP op_unmap_16(void) { grant_op(unmap_grant_ref, unmaps, 16); }
OP op_unmap_64(void) { grant_op(unmap_grant_ref, unmaps, 64); }

OP op_cpuid(void)
{
	u32 a, b, c, d;

	cpuid(1, 0, &a, &b, &c, &d);
}

OP op_cpuid_xen(void)
{
	u32 a, b, c, d;

	cpuid(0x40000000, 0, &a, &b, &c, &d);
}

OP op_port_in(void) { sink += inb(0xed); }
OP op_port_out(void) { outb(0xed, 0); }
OP op_rdmsr(void) { sink += rdmsr(MSR_APIC_BASE); }
OP op_x2apic_tpr(void) { wrmsr(0x808, 0); }
OP op_x2apic_id(void) { sink += rdmsr(0x802); }
OP op_x2apic_self_ipi(void) { wrmsr(0x83f, 0x51); }
OP op_x2apic_eoi(void) { wrmsr(0x80b, 0); }
OP op_xapic_tpr(void) { *(volatile u32 *)0xfee00080 = 0; }
OP op_xapic_read(void) { sink += *(volatile u32 *)0xfee00030; }
OP op_hlt_until_timer(void) { asm volatile("sti; hlt; cli" ::: "memory"); }

static void upcall(struct regs *regs)
{
	struct vcpu_info *info = this_cpu()->vcpu_info;
	u32 i;

	op_x2apic_eoi();
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
	__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < 4; i++)
		shared_info->evtchn_pending[i] &= shared_info->evtchn_mask[i];
	upcalls++;
}

static void self_interrupt(struct regs *regs)
{
	op_x2apic_eoi();
}

struct op {
	const char *name;
	void (*fn)(void);
};
#define ROW(op) { #op, op_##op }

#define MAX_LENGTHS 32
static bool by_tsc;
static struct { u64 ticks, count; } lengths[MAX_LENGTHS];
static u64 nothing; /* the cost of an empty measurement */

static void once(void (*fn)(void))
{
	u64 start, ticks;
	u32 i;

	if (!by_tsc) {
		fn();
		return;
	}
	start = rdtsc();
	fn();
	ticks = rdtsc() - start;
	for (i = 0; i < MAX_LENGTHS - 1 && lengths[i].count && lengths[i].ticks != ticks; i++)
		;
	lengths[i].ticks = ticks;
	lengths[i].count++;
}

static void report(const char *name)
{
	u32 i, usual = 0;

	if (!by_tsc)
		return;
	for (i = 1; i < MAX_LENGTHS; i++)
		if (lengths[i].count > lengths[usual].count)
			usual = i;
	if (!nothing) /* the first row measures nothing */
		nothing = lengths[usual].ticks;
	else
		printk("tsc %s %lu %lu\n", name, lengths[usual].ticks - nothing, lengths[usual].count);
	memset(lengths, 0, sizeof(lengths));
}

static void repeat(const struct op *op, u64 n)
{
	while (n--)
		once(op->fn);
	report(op->name);
}

static void setup_events(void)
{
	struct evtchn_bind_ipi a = { 0, 0 }, b = { 0, 0 };
	struct evtchn_bind_virq timer = { VIRQ_TIMER, 0, 0 };
	struct xen_hvm_evtchn_upcall_vector vector = { 0, UPCALL };

	EXPECT_EQ(evtchn_op(bind_ipi, &a), 0);
	EXPECT_EQ(evtchn_op(bind_ipi, &b), 0);
	EXPECT_EQ(evtchn_op(bind_virq, &timer), 0);
	to_masked.port = a.port;
	to_open.port = b.port;
	unmask_arg.port = b.port;
	shared_info->evtchn_mask[a.port / 64] |= 1ull << (a.port % 64);
	set_irq_handler(UPCALL, upcall);
	set_irq_handler(0x51, self_interrupt);
	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &vector), 0);
}

static void setup_copy(void)
{
	one_copy.source.u.gmfn = gfn_of(alloc_page());
	one_copy.dest.u.gmfn = gfn_of(alloc_page());
	one_copy.source.domid = one_copy.dest.domid = DOMID_SELF;
	one_copy.len = 64;
}

/* Grants one page to itself, BATCH times, and finds the holes where it will be mapped. */
static void setup_maps(void)
{
	struct xen_add_to_physmap add = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table };
	struct grant_entry_v1 *table = alloc_page();
	u64 gpa = find_hole() << PAGE_SHIFT;
	u32 i;

	add.gpfn = gfn_of(table);
	EXPECT_EQ(memory_op(add_to_physmap, &add), 0);
	table[8].domid = own_domid();
	table[8].frame = gfn_of(alloc_page());
	barrier();
	WRITE_ONCE(table[8].flags, GTF_permit_access);
	for (i = 0; i < BATCH; i++)
		maps[i] = (struct gnttab_map_grant_ref){ gpa + i * PAGE_SIZE, GNTMAP_host_map, 8, own_domid(), 0,
							 0, 0 };
}

/* How often the IOMMU has been flushed so far; 0 without one. */
static u64 iommu_flushes(void)
{
	static const char path[] = "/keel/iommu/flushes";
	struct {
		struct xen_hypfs_direntry e;
		char value[32];
	} got;
	u64 n = 0;
	u32 i;

	if (hypercall5(__HYPERVISOR_hypfs_op, XEN_HYPFS_OP_read, (u64)path, sizeof(path), (u64)&got,
		       sizeof(got)) < 0)
		return 0;
	if (got.e.type == XEN_HYPFS_TYPE_UINT)
		memcpy(&n, got.value, got.e.content_len < sizeof(n) ? got.e.content_len : sizeof(n));
	for (i = 0; got.e.type == XEN_HYPFS_TYPE_STRING && got.value[i] >= '0'; i++)
		n = n * 10 + got.value[i] - '0';
	return n;
}

/* Only one of the two is measured. */
static void map_and_unmap(const struct op *map, const struct op *unmap, bool measure_map, u32 batch,
			  u64 n)
{
	u64 before = iommu_flushes(), i;
	u32 j;

	for (i = 0; i < n; i++) {
		if (measure_map)
			once(map->fn);
		else
			map->fn();
		for (j = 0; j < batch; j++)
			unmaps[j] = (struct gnttab_unmap_grant_ref){ maps[j].host_addr, 0, maps[j].handle, 0 };
		if (measure_map)
			unmap->fn();
		else
			once(unmap->fn);
		EXPECT(maps[batch - 1].status == GNTST_okay && unmaps[batch - 1].status == GNTST_okay, "%d, %d",
		       maps[batch - 1].status, unmaps[batch - 1].status);
	}
	report(measure_map ? map->name : unmap->name);
	if (measure_map)
		printk("flushes %s %lu in %lu\n", map->name, iommu_flushes() - before, n);
}

static void grant_maps(u64 n)
{
	static const struct op map[] = { ROW(map_1), ROW(map_16), ROW(map_64) };
	static const struct op unmap[] = { ROW(unmap_1), ROW(unmap_16), ROW(unmap_64) };

	static const u32 batch[] = { 1, 16, 64 };
	u32 i;

	setup_maps();
	for (i = 0; i < ARRAY_SIZE(map); i++) {
		map_and_unmap(&map[i], &unmap[i], true, batch[i], n);
		map_and_unmap(&map[i], &unmap[i], false, batch[i], n);
	}
}

static void timers(u64 n)
{
	while (n--) {
		u64 before = upcalls;

		far_timer.timeout_abs_ns = now_ns() + 100000;
		op_set_timer();
		while (upcalls == before)
			op_hlt_until_timer();
	}
}

void test_main(void)
{
	static const struct op ops[] = { ROW(nothing), ROW(null), ROW(nosys), ROW(get_features),
					 ROW(yield), ROW(is_up),
		ROW(cpuid), ROW(cpuid_xen), ROW(port_in), ROW(port_out), ROW(rdmsr), ROW(xapic_tpr),
		ROW(xapic_read) };
	static const struct op x2_ops[] = { ROW(x2apic_tpr), ROW(x2apic_id), ROW(grant_copy_64),
					    ROW(unmask),
		ROW(set_timer), ROW(stop_timer) };
	static const struct op self_ipi = ROW(x2apic_self_ipi), send_upcall = ROW(send_upcall);
	u64 n = option_number("n", 200), i;

	by_tsc = option_number("tsc", 0);
	apic_enable();
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		repeat(&ops[i], n);
	if (!apic_enter_x2())
		skip("no x2APIC");
	apic_enable();
	setup_events();
	setup_copy();
	far_timer.timeout_abs_ns = now_ns() + 3600 * 1000000000ull;
	for (i = 0; i < ARRAY_SIZE(x2_ops); i++)
		repeat(&x2_ops[i], n);
	for (i = 0; i < n; i++) {
		shared_info->evtchn_pending[to_masked.port / 64] &= ~(1ull << (to_masked.port % 64));
		once(op_send_masked);
	}
	report("send_masked");
	irq_on();
	repeat(&self_ipi, n);
	i = upcalls;
	repeat(&send_upcall, n);
	EXPECT_EQ(upcalls - i, n);
	irq_off();
	EXPECT_EQ(one_copy.status, GNTST_okay);
	if (option_number("maps", 1))
		grant_maps(n / 4 + 1);
	timers(n / 4 + 1);
	printk("%lu of each, %lu upcalls\n", n, upcalls);
}
