/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/hvm/npf.c arch/x86/p2m_log.c common/spinlock.c */
/*
 * Nested page faults with the real nested tables: a simulated CPU walks them and faults where they
 * demand it.
 */
#include "test/unit/x86.h"

#include "arch/x86/p2m.c"

#include "arch/x86/hvm/mmio.h"
#include "arch/x86/mm.h"

#define APIC_PAGE PFN_DOWN(APIC_DEFAULT_PHYS_BASE)
#define TRAPPED 0xfec00 /* trapped in Dom0, like the local APIC's page in every domain */

static const struct p2m_format format = {
	.leaf = { [P2M_RAM] = 7, [P2M_SHARED] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1,
		  [P2M_FOREIGN] = 3, [P2M_MMIO] = 3, [P2M_MMIO_RAMLIKE] = 7, [P2M_ONES] = 1, [P2M_RESERVED] = 7 },
	.exec = 4, .table = 7, .superpage = 0x80, .superpage_mask = 0x80, .max_order = 18, .types = true,
};

struct iommu_caps iommu_caps;
const struct iommu_ops *iommu_ops;
void iommu_flush(const struct domain *d) { }
struct boot_info boot_info;
struct cpu_features cpu_features;

bool is_host_ram(paddr_t pa)
{
	return pa < GiB(1);
}

bool hvm_mmio_is_trapped(struct domain *d, gfn_t gfn)
{
	return gfn == APIC_PAGE || (d->hardware && gfn == TRAPPED);
}

static unsigned int emulated;
static bool emulation_fails;

bool hvm_emulate_mmio(struct x86_vcpu *v, u64 gpa, bool write)
{
	emulated++;
	return !emulation_fails;
}

static unsigned int injected;
static int last_vector, first_of_two;

void hvm_inject_exception(struct vcpu *v, u8 vector, s32 error)
{
	assert_int_equal(error, vector == X86_EXC_UD ? -1 : 0);
	first_of_two = x86_vcpu(v)->exception_pending ? x86_vcpu(v)->exc_vector : -1;
	x86_vcpu(v)->exception_pending = false;
	last_vector = vector;
	injected++;
}

static struct x86_domain *x;
static struct domain *d;

static void create(domid_t id)
{
	x = x86_domain_new(id, 1);
	d = &x->d;
	d->max_pages = ~0ull;
}

static int setup(void **state)
{
	fake_reset();
	memset(ones, 0, sizeof(ones));
	memset(&x86_state, 0, sizeof(x86_state));
	p2m_format = &format;
	p2m_gfn_limit = BIT(28);
	cpu_features.phys_bits = 40;
	emulated = injected = 0;
	emulation_fails = false;
	create(1);
	return 0;
}

static int teardown(void **state)
{
	fake_check_quiet();
	assert_int_equal(fake_events.crashes, 0);
	x86_free_with_p2m(x);
	return 0;
}

enum access { READ = 1, WRITE = 2, EXEC = 4 };

/* The CPU's walk: where the byte at gpa is, or NULL for a nested fault. */
static u8 *cpu_walk(u64 gpa, enum access a)
{
	u64 *table = d->p2m.arch.root;

	for (unsigned int level = 4;; level--) {
		u64 e = gpa >> 48 ? 0 : table[gpa >> (12 + 9 * (level - 1)) & 511];

		if (!(e & 1) || (e & a) != a)
			return NULL;
		table = mfn_to_virt((e & 0xffffffffff000ull) >> PAGE_SHIFT);
		if (level == 1)
			return (u8 *)table + (gpa & ~PAGE_MASK);
		if (level == 2 && e & 0x80)
			return (u8 *)table + (gpa & (MiB(2) - 1));
		assert_false(e & 0x80);
	}
}

static void raise(u64 gpa, enum access a, bool operand)
{
	struct exit_info e = { .reason = EXIT_NPF, .npf = { gpa, a == WRITE, a == EXEC, operand } };

	hvm_nested_fault(x86_vcpu(d->vcpu[0]), &e);
}

/* Reads as any instruction does; returns the number of exits. */
static unsigned int exits_to_read(u64 gpa, u8 *val)
{
	unsigned int n = 0;

	while (!cpu_walk(gpa, READ)) {
		raise(gpa, READ, true);
		assert_true(++n < 3);
	}
	*val = *cpu_walk(gpa, READ);
	return n;
}

static void set(gfn_t gfn, mfn_t mfn, enum p2m_type t)
{
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, gfn, mfn, 0, t), 0);
	p2m_write_unlock(d);
}

static mfn_t a_page(void)
{
	return virt_to_mfn(alloc_page());
}

static enum p2m_type type_of(gfn_t gfn)
{
	enum p2m_type t;

	p2m_get(d, gfn, &t, NULL);
	return t;
}

static void a_hole_reads_as_ones(void **state)
{
	static const u64 places[] = { 0xff8, 0xf0000, 0xfedfffff, 0xfee01000, GiB(5), BIT(40) + 3,
				      BIT(47) };
	u64 pages;
	u8 val;

	fake_populate(d, 1);
	fake_populate(d, 0x150);
	for (unsigned int i = 0; i < ARRAY_LEN(places); i++) {
		assert_int_equal(exits_to_read(places[i], &val), 1);
		assert_int_equal(val, 0xff);
		assert_null(cpu_walk(places[i], WRITE));
		assert_null(cpu_walk(places[i], EXEC));
		assert_int_equal(type_of(PFN_DOWN(places[i])), P2M_HOLE);
	}
	assert_int_equal(injected + emulated, 0);
	/* Many such reads cost no memory, and neighbouring addresses need no further exit. */
	pages = fake_live_pages();
	for (u64 gpa = 0; gpa < BIT(47); gpa += GiB(3) + 0x12345) {
		unsigned int n = exits_to_read(gpa, &val);

		assert_true(n <= 1);
		assert_int_equal(val, 0xff);
	}
	assert_true(fake_live_pages() <= pages + 1);
	assert_true(d->p2m.nr_tables < 12);
	assert_int_equal(exits_to_read(GiB(6), &val), 0);
}

static void the_apic_stays_out(void **state)
{
	u8 val;

	/* Reads around it, and a read of the page itself. */
	exits_to_read(GiB(8), &val);
	exits_to_read(GiB(1), &val);
	exits_to_read(0xfed00000, &val);
	exits_to_read(0xfee01000, &val);
	exits_to_read(0xfedff000, &val);
	raise(APIC_DEFAULT_PHYS_BASE + 0x20, READ, true);
	assert_int_equal(emulated, 1);
	assert_null(cpu_walk(APIC_DEFAULT_PHYS_BASE + 0x20, READ));
	assert_int_equal(injected, 0);
}

static void memory_comes_and_goes(void **state)
{
	u8 val;
	mfn_t mfn;
	u64 pages, generation;

	exits_to_read(MiB(6), &val);
	generation = d->p2m.generation;
	mfn = fake_populate(d, PFN_DOWN(MiB(6)) + 1);
	memset(mfn_to_virt(mfn), 0x11, PAGE_SIZE);
	assert_true(d->p2m.generation > generation); /* a CPU's TLB may still have the page of ones */
	assert_int_equal(exits_to_read(MiB(6) + PAGE_SIZE, &val), 0);
	assert_int_equal(val, 0x11);
	assert_non_null(cpu_walk(MiB(6) + PAGE_SIZE, WRITE));
	assert_int_equal(exits_to_read(MiB(6), &val), 1);
	assert_int_equal(val, 0xff);
	assert_int_equal(exits_to_read(MiB(8), &val), 1);
	set(PFN_DOWN(MiB(6)) + 1, 0, P2M_HOLE);
	assert_int_equal(exits_to_read(MiB(6) + PAGE_SIZE, &val), 1);
	assert_int_equal(val, 0xff);
	/* Unmapping a page of ones changes nothing and needs no table. */
	exits_to_read(GiB(7), &val);
	pages = fake_live_pages();
	set(PFN_DOWN(GiB(7)), 0, P2M_HOLE);
	set(PFN_DOWN(MiB(6)), 0, P2M_HOLE);
	assert_int_equal(fake_live_pages(), pages);
}

static void teardown_leaves_the_shared_tables(void **state)
{
	u64 before = fake_live_pages();
	struct x86_domain *first = x;
	unsigned int steps = 0;
	u8 val;

	create(2);
	exits_to_read(GiB(3), &val);
	exits_to_read(GiB(900), &val);
	fake_populate(d, 5);
	fake_populate(d, PFN_DOWN(GiB(2)));
	exits_to_read(0, &val);
	exits_to_read(MiB(2), &val);
	exits_to_read(GiB(1), &val);
	while (p2m_teardown_step(d))
		assert_true(++steps < 8);
	assert_int_equal(type_of(5), P2M_HOLE);
	p2m_free(d);
	x86_free(x);
	x = first;
	d = &x->d;
	assert_int_equal(fake_live_pages(), before);
	exits_to_read(GiB(3), &val);
	assert_int_equal(val, 0xff);
}

static void a_superpage_comes_over_ones(void **state)
{
	u64 before;
	u8 val;

	set(PFN_DOWN(GiB(5) + MiB(8)), 7, P2M_MMIO);
	assert_int_equal(exits_to_read(GiB(5) + MiB(2), &val), 1);
	before = fake_live_pages();
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, PFN_DOWN(GiB(5) + MiB(2)), BIT(20), 9, P2M_MMIO), 0);
	p2m_write_unlock(d);
	assert_int_equal(type_of(PFN_DOWN(GiB(5) + MiB(3))), P2M_MMIO);
	assert_int_equal(fake_live_pages(), before);
	assert_int_equal(exits_to_read(GiB(5) + MiB(4), &val), 1);
	assert_int_equal(val, 0xff);
}

static void writes_are_emulated(void **state)
{
	raise(MiB(5), WRITE, true);
	assert_int_equal(emulated, 1);
	assert_int_equal(injected, 0);
	assert_int_equal(type_of(PFN_DOWN(MiB(5))), P2M_HOLE);
	emulation_fails = true;
	raise(MiB(5), WRITE, true);
	assert_int_equal(last_vector, X86_EXC_GP);
	/* Beyond the tables' reach, reads are emulated, too. */
	emulation_fails = false;
	raise(BIT(50), READ, true);
	assert_int_equal(emulated, 3);
	assert_int_equal(injected, 1);
}

static void no_memory_for_a_table(void **state)
{
	fake_populate(d, 1);
	fake_fail_nth(1);
	raise(0xfee01000, READ, true); /* next to the APIC's page: needs tables */
	assert_true(fake_failure_happened());
	assert_int_equal(emulated, 1);
	assert_int_equal(injected, 0);
}

static void code_that_is_not_there(void **state)
{
	raise(MiB(5), EXEC, true);
	assert_int_equal(last_vector, X86_EXC_UD);
	set(7, a_page(), P2M_GRANT_RW);
	raise(7 << PAGE_SHIFT, EXEC, true);
	assert_int_equal(last_vector, X86_EXC_GP);
	set(8, a_page(), P2M_GRANT_RO);
	raise(8 << PAGE_SHIFT, WRITE, true);
	assert_int_equal(injected, 3);
	/* Allowed by now: the guest just continues. */
	raise(8 << PAGE_SHIFT, READ, true);
	set(9, a_page(), P2M_RAM);
	raise(9 << PAGE_SHIFT, EXEC, true);
	raise(9 << PAGE_SHIFT, WRITE, true);
	assert_int_equal(injected, 3);
	assert_int_equal(emulated, 0);
}

/*
 * A fault on the way to an exception handler is not emulated, because the access is not an operand
 * of the instruction. It ends after a few steps, never in a loop.
 */
static void on_the_way_to_a_handler(void **state)
{
	raise(MiB(5), WRITE, false);
	assert_int_equal(last_vector, X86_EXC_GP);
	assert_int_equal(first_of_two, -1);
	x86_state.pending_event = true;
	x86_state.pending_type = HEV_INTR;
	x86_state.pending_vector = X86_EXC_GP;
	raise(MiB(5), WRITE, false);
	assert_int_equal(first_of_two, -1);
	x86_state.pending_type = HEV_EXCEPTION;
	raise(MiB(5), WRITE, false);
	assert_int_equal(first_of_two, X86_EXC_GP);
	x86_state.pending_vector = X86_EXC_DF;
	raise(MiB(5), WRITE, false);
	assert_int_equal(first_of_two, X86_EXC_DF);
	x86_state.pending_vector = X86_EXC_DE;
	raise(APIC_DEFAULT_PHYS_BASE, READ, false);
	assert_int_equal(first_of_two, X86_EXC_DE);
	x86_state.pending_vector = X86_EXC_UD; /* a benign exception */
	raise(MiB(5), WRITE, false);
	assert_int_equal(first_of_two, -1);
	assert_int_equal(emulated, 0);
	/* Reads, of descriptors for example, get ones. */
	injected = 0;
	raise(MiB(5), READ, false);
	assert_non_null(cpu_walk(MiB(5), READ));
	assert_int_equal(injected, 0);
}

/* Log-dirty mode has removed the right to write: the write restores it, and the guest continues. */
static void a_clean_page_is_written(void **state)
{
	set(1, a_page(), P2M_RAM);
	assert_int_equal(p2m_log_start(d), 0);
	p2m_log_protect(d, 0, NULL);
	p2m_write_lock(&d->p2m);
	p2m_write_unlock(d);
	assert_null(cpu_walk(PAGE_SIZE, WRITE));
	assert_non_null(cpu_walk(PAGE_SIZE, READ));
	raise(PAGE_SIZE, EXEC, false);
	assert_null(cpu_walk(PAGE_SIZE, WRITE));
	raise(PAGE_SIZE, WRITE, true);
	assert_non_null(cpu_walk(PAGE_SIZE, WRITE));
	assert_int_equal(injected, 0);
	assert_int_equal(d->p2m.log_faults, 1);
}

static void dom0_finds_its_devices(void **state)
{
	struct x86_domain *first = x;
	u8 val;

	create(0);
	raise(0xd0000000, READ, true);
	assert_int_equal(type_of(0xd0000), P2M_MMIO);
	/* RAM of others reads as ones, page by page: the next page may be a device. */
	assert_int_equal(exits_to_read(MiB(900), &val), 1);
	assert_int_equal(val, 0xff);
	assert_null(cpu_walk(MiB(900) + PAGE_SIZE, READ));
	assert_int_equal(exits_to_read(BIT(45), &val), 1);
	assert_null(cpu_walk(BIT(45) + PAGE_SIZE, READ));
	raise((u64)TRAPPED << PAGE_SHIFT, READ, true);
	assert_int_equal(emulated, 1);
	raise(0xd0001000, EXEC, true);
	assert_int_equal(type_of(0xd0001), P2M_MMIO);
	raise(0xd0001000, EXEC, true);
	assert_int_equal(last_vector, X86_EXC_GP);
	x86_free_with_p2m(x);
	x = first;
	d = &x->d;
}

static u8 *map_large(gfn_t gfn)
{
	struct page_info *pg = alloc_domain_pages(d, 9);

	assert_non_null(pg);
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, gfn, page_to_mfn(pg), 9, P2M_RAM), 0);
	p2m_write_unlock(d);
	return page_to_virt(pg);
}

/* iTLB multihit: a large page is not executed, what is executed becomes small. */
static void code_in_a_large_page(void **state)
{
	u64 gpa = MiB(4), other = MiB(6), tables;
	u8 *large;

	p2m_large_noexec = true;
	large = map_large(PFN_DOWN(gpa));
	map_large(PFN_DOWN(other));
	tables = d->p2m.nr_tables;
	assert_ptr_equal(cpu_walk(gpa + 0x5000, WRITE), large + 0x5000);
	assert_null(cpu_walk(gpa, EXEC));
	raise(gpa + 0x5000, EXEC, true);
	assert_int_equal(d->p2m.nr_tables, tables + 1);
	assert_ptr_equal(cpu_walk(gpa + 0x5008, EXEC), large + 0x5008);
	assert_ptr_equal(cpu_walk(gpa + MiB(2) - 1, EXEC), large + MiB(2) - 1);
	raise(gpa + 0x5000, EXEC, true); /* an old translation of another CPU */
	assert_int_equal(d->p2m.nr_tables, tables + 1);
	/* Without memory for the split it is executed as it is. */
	assert_null(cpu_walk(other, EXEC));
	fake_fail_from(1);
	raise(other + 0x5000, EXEC, true);
	fake_fail_from(0);
	assert_int_equal(d->p2m.nr_tables, tables + 1);
	assert_non_null(cpu_walk(other + 0x5000, EXEC));
	assert_int_equal(injected, 0);
	p2m_large_noexec = false;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(a_hole_reads_as_ones), T(the_apic_stays_out), T(memory_comes_and_goes),
		T(teardown_leaves_the_shared_tables),
	T(a_superpage_comes_over_ones), T(writes_are_emulated), T(no_memory_for_a_table),
	T(code_that_is_not_there), T(on_the_way_to_a_handler), T(a_clean_page_is_written),
	T(dom0_finds_its_devices), T(code_in_a_large_page),
};

UNIT_MAIN(tests)
