/* SPDX-License-Identifier: GPL-2.0-only */
/* The layout of a guest's memory, and its ACPI tables. */
#include "test/check.h"

#include <public/hvm/pvh_layout.h>

#include "lib/acpi.h"
#include "lib/layout.h"

#define MIB (1ULL << 20)

static struct keel_error e;

static struct layout_request request(uint64_t memory)
{
	return (struct layout_request){
		.memory = memory, .kernel_start = 16 * MIB, .kernel_end = 74 * MIB,
		.ramdisk_size = 5 * MIB + 1, .cmdline_size = 100,
	};
}

/* The guarantees of lib/layout.c, for any layout. */
static void check(const struct layout *l, const struct layout_request *r)
{
	uint64_t ram = 0;

	assert_true(l->start_info >= r->kernel_end);
	assert_int_equal(l->start_info % 4096, 0);
	assert_true(l->ranges <= LAYOUT_RANGES);
	assert_true(l->start_info + LAYOUT_START_SIZE <= 1ULL << 30);
	assert_true(l->cmdline >= l->start_info + 4096);
	assert_true(l->ramdisk >= l->cmdline + r->cmdline_size);
	assert_true(l->ramdisk + r->ramdisk_size <= l->low_end);
	assert_true(l->low_end <= 0xfc000000);
	for (unsigned int i = 0; i < l->ranges; i++) {
		assert_int_equal(l->range[i].start % 4096, 0);
		if (i)
			assert_true(l->range[i].start >= l->range[i - 1].start + l->range[i - 1].size);
		if (l->range[i].type == RANGE_RAM)
			ram += l->range[i].size;
	}
	assert_int_equal(ram, r->memory);
}

static void sizes(void **state)
{
	static const uint64_t mib[] = { 128, 256, 1024, 3520, 3521, 4031, 4032, 4033, 4096, 65536 };
	struct layout l;

	for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
		struct layout_request r = request(mib[i] * MIB);

		assert_int_equal(layout_make(&l, &r, &e), 0);
		check(&l, &r);
		assert_int_equal(l.high_end != 0, mib[i] > 4032);
		/* The gap for BARs does not reduce the guest's memory. */
		r.pci = true;
		assert_int_equal(layout_make(&l, &r, &e), 0);
		check(&l, &r);
		assert_true(l.low_end <= PVH_PCI_WINDOW32_BASE);
		assert_int_equal(l.high_end != 0, mib[i] > 3520);
	}
}

/*
 * All ranges fit into the page, and nothing behind it is written. A guest with functions and memory
 * above 4 GiB has five ranges.
 */
static void start_info(void **state)
{
	struct pvh_start *page = malloc(LAYOUT_START_SIZE);	/* ASan checks accesses beyond its end */
	struct layout l;

	assert_non_null(page);
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct layout_request r = request(5000 * MIB);

		r.pci = pci;
		assert_int_equal(layout_make(&l, &r, &e), 0);
		layout_start_info(&l, pci ? r.ramdisk_size : 0, page);
		assert_int_equal(page->info.magic, 0x336ec578);
		assert_int_equal(page->info.version, 1);
		assert_int_equal(page->info.nr_modules, pci);
		assert_int_equal(page->info.modlist_paddr, pci ? l.start_info + 64 : 0);
		assert_int_equal(page->info.memmap_paddr, l.start_info + 96);
		assert_int_equal(page->info.memmap_entries, 4 + pci);
		assert_int_equal(page->module.paddr, pci ? l.ramdisk : 0);
		assert_int_equal(page->module.size, pci ? r.ramdisk_size : 0);
		for (unsigned int i = 0; i < l.ranges; i++) {
			assert_int_equal(page->map[i].addr, l.range[i].start);
			assert_int_equal(page->map[i].size, l.range[i].size);
			assert_int_equal(page->map[i].type, l.range[i].type);
		}
		assert_int_equal(page->map[3 + pci].addr, 1ULL << 32);
		assert_int_equal(page->map[3 + pci].size, (5000 - (pci ? 3520 : 4032)) * MIB);
		assert_int_equal(page->map[3 + pci].type, RANGE_RAM);
	}
	free(page);
}

static void special_pages(void **state)
{
	struct layout_request r = request(256 * MIB);
	struct layout l;

	assert_int_equal(layout_make(&l, &r, &e), 0);
	assert_int_equal(l.ranges, 3);
	assert_int_equal(l.range[1].start, 0xfc000000);
	assert_int_equal(l.range[1].type, RANGE_ACPI);
	assert_int_equal(l.range[2].start, 0xfeff8000);
	assert_int_equal(l.range[2].size, 0x8000);
	assert_int_equal(l.range[2].type, RANGE_RESERVED);
	assert_int_equal(PVH_STORE_GFN, 0xfeffc);
	assert_int_equal(PVH_CONSOLE_GFN, 0xfefff);
}

static void refused(void **state)
{
	struct layout_request r = request(64 * MIB);
	struct layout l;

	assert_int_equal(layout_make(&l, &r, &e), -ENOMEM);
	assert_contains(e.text, "set at least memory = 96");
	r.memory = 96 * MIB;
	assert_int_equal(layout_make(&l, &r, &e), 0);
	r.memory = 95 * MIB;
	assert_int_equal(layout_make(&l, &r, &e), -ENOMEM);

	r = request(8192 * MIB);
	r.cmdline_size = 4097;
	assert_int_equal(layout_make(&l, &r, &e), -EINVAL);
	assert_contains(e.text, "4096 bytes long; at most 4095");
	r = request(8192 * MIB);
	r.ramdisk_size = 1ULL << 40;
	assert_int_equal(layout_make(&l, &r, &e), -EFBIG);
	r.ramdisk_size = 4000 * MIB;
	assert_int_equal(layout_make(&l, &r, &e), -EFBIG);
	r = request(8192 * MIB);
	r.kernel_end = 1 << 30;
	assert_int_equal(layout_make(&l, &r, &e), -EINVAL);
	assert_contains(e.text, "below 1 GiB");
}

/* The tables as a guest finds them. */
static unsigned char tables[4096] __attribute__((aligned(16)));
#define BASE 0xfc000000ULL

static uint8_t sum(const void *p, size_t size)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (size--)
		s += *b++;
	return s;
}

static uint32_t u32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t u64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static const unsigned char *table(uint64_t at, const char *signature, size_t used)
{
	const unsigned char *p = tables + (at - BASE);

	assert_true(at >= BASE && at - BASE + 36 <= used);
	assert_memory_equal(p, signature, 4);
	assert_true(at - BASE + u32(p + 4) <= used);
	if (memcmp(signature, "FACS", 4))
		assert_int_equal(sum(p, u32(p + 4)), 0);
	return p;
}

/* The size, or 0 if the buffer is too small. */
static size_t build(void *out, size_t size, unsigned int cpus, unsigned int pci_bits)
{
	uint64_t rsdp;
	size_t used;

	if (acpi_build_guest(out, size, BASE, cpus, pci_bits, &rsdp, &used))
		return 0;
	assert_int_equal(rsdp, BASE);
	return used;
}

static void walk(unsigned int cpus)
{
	size_t used = build(tables, sizeof(tables), cpus, 0);
	const unsigned char *xsdt, *fadt, *madt;

	assert_true(used > 0);
	assert_memory_equal(tables, "RSD PTR ", 8);
	assert_int_equal(tables[15], 2);
	assert_int_equal(sum(tables, 20), 0);
	assert_int_equal(sum(tables, 36), 0);
	xsdt = table(u64(tables + 24), "XSDT", used);
	assert_int_equal(u32(xsdt + 4), 36 + 16);
	fadt = table(u64(xsdt + 36), "FACP", used);
	madt = table(u64(xsdt + 44), "APIC", used);
	assert_int_equal(u32(fadt + 4), 268);
	assert_int_equal(u32(fadt + 36), u64(fadt + 132));
	assert_int_equal(u32(fadt + 40), u64(fadt + 140));
	assert_int_equal(u64(fadt + 132) % 64, 0);
	table(u64(fadt + 132), "FACS", used);
	table(u64(fadt + 140), "DSDT", used);
	assert_int_equal(u32(fadt + 56), 0xb000);
	assert_int_equal(u32(madt + 36), 0xfee00000);
	assert_int_equal(u32(madt + 4), 44 + 8 * cpus);
	for (unsigned int i = 0; i < cpus; i++) {
		const unsigned char *l = madt + 44 + 8 * i;

		assert_int_equal(l[0], 0);
		assert_int_equal(l[1], 8);
		assert_int_equal(l[2], i);
		assert_int_equal(l[3], i * 2);
		assert_int_equal(u32(l + 4), 1);	/* enabled: Linux does not start others later */
	}
}

static void acpi(void **state)
{
	walk(1);
	walk(5);
	walk(128);
}

/* A host bridge: its window and configuration space are where the hypervisor emulates them. */
static void acpi_with_pci(void **state)
{
	size_t used = build(tables, sizeof(tables), 2, 40);
	const unsigned char *xsdt = table(u64(tables + 24), "XSDT", used), *mcfg, *ssdt;
	const uint64_t window[3] = { 1ull << 39, (1ull << 40) - 1, 1ull << 39 };
	const uint32_t window32[4] = { PVH_PCI_WINDOW32_BASE,
				       PVH_PCI_WINDOW32_BASE + PVH_PCI_WINDOW32_SIZE - 1, 0, PVH_PCI_WINDOW32_SIZE };
	struct layout_request r = { .memory = 256 << 20, .kernel_start = 1 << 20, .kernel_end = 2 << 20,
				    .pci = true };
	struct layout l;
	bool reserved = false;

	assert_int_equal(u32(xsdt + 4), 36 + 32);
	mcfg = table(u64(xsdt + 52), "MCFG", used);
	ssdt = table(u64(xsdt + 60), "SSDT", used);
	assert_int_equal(u32(mcfg + 4), 60);
	assert_int_equal(u64(mcfg + 44), 0xfd000000);
	assert_int_equal(mcfg[54], 0);
	assert_int_equal(mcfg[55], 23);
	assert_non_null(memmem(ssdt, u32(ssdt + 4), &window[0], 8));
	assert_non_null(memmem(ssdt, u32(ssdt + 4), &window[1], 8));
	assert_non_null(memmem(ssdt, u32(ssdt + 4), window32, sizeof(window32)));
	assert_null(memmem(ssdt, u32(ssdt + 4), "\x11\x11\x11\x11", 4));
	assert_null(memmem(ssdt, u32(ssdt + 4), "\x22\x22\x22\x22", 4));

	assert_int_equal(layout_make(&l, &r, &e), 0);
	for (unsigned int i = 0; i < l.ranges; i++)
		reserved |= l.range[i].start == 0xfd000000 && l.range[i].size == 24 << 20 &&
			    l.range[i].type == RANGE_RESERVED;
	assert_true(reserved);
	assert_int_equal(PVH_PCI_WINDOW32_BASE + (uint64_t)PVH_PCI_WINDOW32_SIZE, LAYOUT_ACPI);
}

static void acpi_room(void **state)
{
	size_t need = build(tables, sizeof(tables), 4, 0);

	for (size_t n = 0; n < need; n++) {
		unsigned char *exact = malloc(n ? n : 1);

		assert_int_equal(build(exact, n, 4, 0), 0);
		free(exact);
	}
	assert_int_equal(build(tables, need, 4, 0), need);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes), cmocka_unit_test(start_info), cmocka_unit_test(special_pages),
			cmocka_unit_test(refused),
		cmocka_unit_test(acpi), cmocka_unit_test(acpi_with_pci), cmocka_unit_test(acpi_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
