/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/spinlock.c */
/*
 * Keel's address space on machines whose addresses have up to 52 bits: what can be mapped is where
 * the tables say, and what cannot is refused.
 */
#include "test/unit/unit.h"

#include "arch/x86/cpu.h"
/* What the fake machine has not. */
#define DIRECTMAP_BASE 0xffff800000000000ull
#define CPU_STACK_ORDER 2
#define CPU_STACK_SIZE (PAGE_SIZE << CPU_STACK_ORDER)
#include "arch/x86/mm.c"

struct cpu_features cpu_features = { .phys_bits = 52, .gb_pages = true };
char __image_start[1], __image_end[1], __rodata_end[1], __rodata_start[1];
const char __text_start[1], __text_end[1];
bool heap_poisons;

void heap_add_range(paddr_t base, paddr_t end)
{
}

#define TOP (BIT(52) - PAGE_SIZE)

static void new_tables(void)
{
	heap_ready = true;
	own_tables = true;
	boot_info.nr_ranges = 1;
	boot_info.ranges[0] = (struct boot_range){ .base = MiB(1), .size = FAKE_RAM - MiB(1),
						   .type = BOOT_RANGE_RAM };
	root = alloc_page();
}

/* The entry of a page of 4 KiB. */
static u64 entry(const volatile void *p)
{
	u64 va = (u64)p, *t = root, e;

	for (unsigned int shift = 39; shift > PAGE_SHIFT; shift -= 9) {
		e = t[va >> shift & 511];
		assert_true(e & PTE_P && !(e & PTE_PS));
		t = pa_to_virt(e & PTE_ADDR);
	}
	return t[va >> PAGE_SHIFT & 511];
}

static void registers_anywhere(void **state)
{
	static const paddr_t at[] = { 0xfee00000, 0xfed90000, 0x3ffe00001000, BIT(44) + 0xfee00000, TOP };
	u8 *va[ARRAY_LEN(at)];

	new_tables();
	for (unsigned int i = 0; i < ARRAY_LEN(at); i++) {
		va[i] = map_mmio(at[i] + 8, 8);
		assert_true((u64)va[i] >= MMIO_BASE && (u64)va[i] < STACKS_BASE);
		assert_true(entry(va[i]) == (at[i] | MAP_UC));
		assert_int_equal((u64)va[i] % PAGE_SIZE, 8);
	}
	for (unsigned int i = 0; i < ARRAY_LEN(at); i++)
		assert_ptr_equal(map_mmio(at[i] + 8, 8), va[i]);
	assert_int_equal(va[0] - va[1], at[0] - at[1]);
	assert_null(map_mmio(GiB(9) - 4, 8));
	assert_non_null(map_mmio(GiB(9) - 8, 8));
	cpu_features.phys_bits = 51;
	assert_null(map_mmio(BIT(51) + GiB(7), 8));
	cpu_features.phys_bits = 52;
}

/* What EFI's runtime services use is where it is, for all that they do; nothing else is there. */
static void runtime_tables(void **state)
{
	unsigned int rounds = 0;
	u64 *keels, *own;

	new_tables();
	keels = root;
	boot_info.nr_ranges = 4;
	boot_info.ranges[1] = (struct boot_range){ MiB(128), MiB(2) + 0x1000, BOOT_RANGE_RESERVED,
						   BOOT_RANGE_EFI_RUNTIME };
	boot_info.ranges[2] = (struct boot_range){ MiB(256), MiB(2), BOOT_RANGE_RESERVED, 0 };
	boot_info.ranges[3] = (struct boot_range){ 0xffc00000, MiB(4), BOOT_RANGE_RESERVED,
						   BOOT_RANGE_EFI_RUNTIME };
	own = map_runtime();
	assert_ptr_equal(root, keels);
	for (unsigned int i = 0; i < 512; i++)
		assert_true(!keels[i] && !own[i] == !!i);
	root = own;
	assert_true(is_mapped(MiB(128)) && is_mapped(MiB(130)) && !is_mapped(MiB(130) + 0x1000));
	assert_true(entry((void *)MiB(130)) == (MiB(130) | PTE_P | PTE_RW | PTE_A | PTE_D));
	assert_true(is_mapped(0xffc00000) && is_mapped(0xfffff000));
	assert_true(!is_mapped(MiB(256)) && !is_mapped(MiB(1)));
	root = keels;
	boot_info.ranges[3].base = BIT(47) - MiB(4);
	assert_non_null(map_runtime());
	boot_info.ranges[3].base += PAGE_SIZE;
	assert_null(map_runtime());
	boot_info.ranges[3].base = BIT(40) - MiB(4);
	cpu_features.phys_bits = 39;
	assert_null(map_runtime());
	cpu_features.phys_bits = 52;
	FAKE_EACH_FAILURE(n) {
		fake_fail_nth(n);
		own = map_runtime();
		assert_int_equal(!own, fake_failure_happened());
		fake_fail_nth(0);
		assert_ptr_equal(root, keels);
		rounds++;
	}
	assert_true(rounds > 4);
}

static void windows_run_out(void **state)
{
	u64 n = 0;

	new_tables();
	while (map_mmio(GiB(100) + n * GiB(1), PAGE_SIZE))
		n++;
	assert_int_equal(n, MMIO_WINDOWS - 5); /* the test before has the others */
	assert_null(map_mmio(GiB(5000), PAGE_SIZE));
	assert_non_null(map_mmio(GiB(100) + PAGE_SIZE, PAGE_SIZE));
}

static void tables_out_of_reach(void **state)
{
	new_tables();
	assert_ptr_equal(map_firmware(BIT(46) - 8, 8), pa_to_virt(BIT(46) - 8));
	assert_null(map_firmware(BIT(46) - 8, 9));
	assert_null(map_firmware(BIT(46), 1));
	assert_null(map_firmware(TOP, 1));
}

static void ram_beyond_the_limit(void **state)
{
	static struct boot_info bi = { .nr_ranges = 3, .ranges = {
		{ .base = MiB(1), .size = MiB(1), .type = BOOT_RANGE_RAM },
		{ .base = BIT(44) - GiB(1), .size = GiB(3), .type = BOOT_RANGE_RAM },
		{ .base = BIT(51), .size = GiB(1), .type = BOOT_RANGE_RAM } } };
	paddr_t base, end;

	nr_free = 0;
	mm_init_early(&bi);
	assert_true(boot_free_range(1, &base, &end) && base == BIT(44) - GiB(1) && end == BIT(44));
	assert_false(boot_free_range(2, &base, &end));
	assert_true(max_mfn == BIT(32));
	assert_true(is_host_ram(BIT(44) - 1));
	assert_false(is_host_ram(BIT(44)) || is_host_ram(BIT(51)));
	limit_ram(&bi.ranges[1]);
	assert_non_null(strstr(fake_last_message, "100000000000-10007fffffff is left out"));
}

/* Firmware's entries may end anywhere: a page with two kinds of memory is nobody's RAM. */
static void ram_in_whole_pages(void **state)
{
	static struct boot_info bi = { .nr_ranges = 5, .ranges = {
		{ .base = MiB(1) + 0x400, .size = MiB(2), .type = BOOT_RANGE_RAM },
		{ .base = MiB(3) + 0x400, .size = 0x400, .type = BOOT_RANGE_ACPI },
		{ .base = MiB(3) + 0x800, .size = 0x400, .type = BOOT_RANGE_RAM }, /* within a page */
		{ .base = MiB(3) + 0xc00, .size = 0x800, .type = BOOT_RANGE_RAM }, /* at a border */
		{ .base = 0 - PAGE_SIZE / 2, .size = 0x400, .type = BOOT_RANGE_RAM } } };
	paddr_t base, end;

	nr_free = 0;
	mm_init_early(&bi);
	assert_true(boot_free_range(0, &base, &end) && base == MiB(1) + PAGE_SIZE && end == MiB(3));
	assert_false(boot_free_range(1, &base, &end));
	assert_true(max_mfn == MiB(3) >> PAGE_SHIFT);
	max_mfn = BIT(32); /* as with RAM above */
	assert_true(mfn_valid(0x2ff) && !mfn_valid(0x300) && !mfn_valid(0x100) && mfn_valid(0x101));
	for (unsigned int i = 0; i < boot_info.nr_ranges; i++)
		assert_int_equal(boot_info.ranges[i].type == BOOT_RANGE_RAM, i == 0);
	assert_int_equal(boot_info.ranges[1].type, BOOT_RANGE_ACPI);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(registers_anywhere),
	UNIT_TEST(runtime_tables),
	UNIT_TEST(windows_run_out),
	UNIT_TEST(tables_out_of_reach),
	UNIT_TEST(ram_beyond_the_limit),
	UNIT_TEST(ram_in_whole_pages),
};

UNIT_MAIN(tests)
