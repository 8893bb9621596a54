/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/acpi/acpi.c arch/x86/acpi/parse.c arch/x86/acpi/dom0_tables.c
 * arch/x86/acpi/guest_tables.c
 */
#include "test/unit/unit.h"

#include <public/hvm/pvh_layout.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>

#include "arch/x86/acpi/acpi.h"
#include "common/printk.h"

/* A small machine: physical memory at MACHINE, with tables put where a test wants them. */
#define MACHINE 0xe0000u
static u8 machine[0x20000];
static u8 low_memory[0x100000];

static bool map_reaches(paddr_t pa, size_t len, paddr_t base, size_t size)
{
	return pa >= base && pa - base <= size && len <= size - (pa - base);
}

/*
 * Every mapping is an exact heap copy, so that ASan sees a read beyond the length that was asked
 * for.
 */
static void *copies[512];
static unsigned int nr_copies;

const void *map_firmware(paddr_t pa, size_t len)
{
	u8 *copy;

	if (!map_reaches(pa, len, MACHINE, sizeof(machine)) && !map_reaches(pa, len, 0, MACHINE))
		return NULL;
	assert_true(nr_copies < ARRAY_LEN(copies));
	copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, pa >= MACHINE ? machine + (pa - MACHINE) : low_memory + pa, len);
	copies[nr_copies++] = copy;
	return copy;
}

static char told[8192];	/* all messages of a test, in lines */

void printk(enum log_level level, const char *fmt, ...)
{
	size_t len = strlen(told);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told + len, sizeof(told) - 1 - len, fmt, ap);
	va_end(ap);
	strcat(told, "\n");
}

static int reset_machine(void **state)
{
	told[0] = 0;
	while (nr_copies)
		free(copies[--nr_copies]);
	memset(machine, 0, sizeof(machine));
	memset(low_memory, 0, sizeof(low_memory));
	memset(&acpi, 0, sizeof(acpi));
	return 0;
}

static u8 sum(const void *p, size_t len)
{
	const u8 *b = p;
	u8 s = 0;

	while (len--)
		s += *b++;
	return s;
}

static void put(void *at, u64 val, size_t width) { memcpy(at, &val, width); }
static u64 get(const void *at, size_t width) { u64 v = 0; memcpy(&v, at, width); return v; }

static void seal(u8 *t) { t[9] = 0; t[9] = (u8)-sum(t, get(t + 4, 4)); }

static u8 *table(u32 at, const char *sig, u32 len)
{
	u8 *t = machine + (at - MACHINE);

	memset(t, 0, len);
	memcpy(t, sig, 4);
	put(t + 4, len, 4);
	t[8] = 6;
	return t;
}

enum { RSDP = 0xe0000, XSDT = 0xe0100, MADT = 0xe0200, FADT = 0xe0400, DSDT = 0xe0600,
       MCFG = 0xe0700, HPET = 0xe0800, SPCR = 0xe0900, SSDT = 0xe0a00, RSDT = 0xe0b00 };

static void put_rsdp(u32 at)
{
	u8 *r = at >= MACHINE ? machine + (at - MACHINE) : low_memory + at;

	memcpy(r, "RSD PTR ", 8);
	r[15] = 2;
	put(r + 16, RSDT, 4);
	put(r + 20, 36, 4);
	put(r + 24, XSDT, 8);
	r[8] = (u8)-sum(r, 20);
	r[32] = (u8)-sum(r, 36);
}

static const u8 madt_entries[] = {
	0, 8, 0, 0, 1, 0, 0, 0,				/* CPU uid 0 id 0 */
	0, 8, 1, 2, 1, 0, 0, 0,				/* CPU uid 1 id 2 */
	0, 8, 2, 4, 0, 0, 0, 0,				/* disabled */
	9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,	/* x2APIC id 256, uid 7 */
	9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,	/* the same CPU as uid 1 again */
	1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,	/* IO-APIC 5 at fec00000, GSI 0 */
	1, 12, 6, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0,	/* IO-APIC 6 at fec01000, GSI 24 */
	2, 10, 0, 0, 2, 0, 0, 0, 0, 0,			/* IRQ 0 = GSI 2 */
	2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0,		/* IRQ 9 = GSI 9, level */
	4, 6, 0xff, 0, 0, 1,				/* NMI at LINT1 of every CPU */
	10, 12, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0,		/* and at LINT0 of uid 7 */
	4, 6, 1, 0, 0, 2,				/* there is no LINT2 */
	0x7f, 4, 0, 0,					/* a type that ACPI may define later */
};

static void put_tables(void)
{
	static const u8 s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x0a, 0x05, 0x00,
				 0x00 };
	u8 *t;

	t = table(MADT, "APIC", 44 + sizeof(madt_entries));
	put(t + 36, 0xfee00000, 4);
	memcpy(t + 44, madt_entries, sizeof(madt_entries));
	seal(t);
	t = table(DSDT, "DSDT", 36 + 20 + sizeof(s5));
	memcpy(t + 36 + 20, s5, sizeof(s5));
	seal(t);
	t = table(FADT, "FACP", 268);
	put(t + 36, 0xe0c00, 4);
	put(t + 40, DSDT, 4);
	put(t + 46, 9, 2);
	put(t + 56, 0x600, 4);
	put(t + 64, 0x604, 4);
	put(t + 76, 0x608, 4);
	t[88] = 4;
	t[91] = 4;
	t[108] = 0x32;
	put(t + 112, BIT(8) | BIT(10), 4);
	t[116] = 1;
	put(t + 120, 0xcf9, 8);
	t[128] = 6;
	seal(t);
	t = table(MCFG, "MCFG", 60);
	put(t + 44, 0xb0000000, 8);
	t[55] = 255;
	seal(t);
	t = table(HPET, "HPET", 56);
	put(t + 44, 0xfed00000, 8);
	seal(t);
	t = table(SPCR, "SPCR", 80);
	t[40] = 1;
	put(t + 44, 0x3f8, 8);
	t[52] = 3;
	t[53] = 4;
	put(t + 54, 4, 4);
	seal(t);
	t = table(XSDT, "XSDT", 36 + 5 * 8);
	put(t + 36, FADT, 8);
	put(t + 44, MADT, 8);
	put(t + 52, MCFG, 8);
	put(t + 60, HPET, 8);
	put(t + 68, SPCR, 8);
	seal(t);
	put_rsdp(RSDP);
}

static void reads_everything(void **state)
{
	put_tables();
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi.nr_tables, 5);
	assert_int_equal(acpi.nr_cpus, 3);
	assert_int_equal(acpi.cpus[1].apic_id, 2);
	assert_int_equal(acpi.cpus[2].apic_id, 256);
	assert_int_equal(acpi.cpus[2].acpi_uid, 7);
	assert_int_equal(acpi.lapic_address, 0xfee00000);
	assert_int_equal(acpi.nr_ioapics, 2);
	assert_int_equal(acpi.ioapics[1].id, 6);
	assert_int_equal(acpi.ioapics[1].address, 0xfec01000);
	assert_int_equal(acpi.ioapics[1].gsi_base, 24);
	assert_int_equal(acpi.nr_overrides, 2);
	assert_int_equal(acpi.nr_nmis, 2);
	assert_int_equal(acpi.nmis[0].acpi_uid, ACPI_ALL_CPUS);
	assert_int_equal(acpi.nmis[0].lint, 1);
	assert_int_equal(acpi.nmis[1].acpi_uid, 7);
	assert_int_equal(acpi.nmis[1].lint, 0);
	assert_int_equal(acpi.overrides[0].gsi, 2);
	assert_int_equal(acpi.overrides[1].flags, 0xd);
	assert_int_equal(acpi.dsdt, DSDT);
	assert_int_equal(acpi.pm1a_cnt, 0x604);
	assert_int_equal(acpi.pm1b_cnt, 0);
	assert_int_equal(acpi.pm_timer_port, 0x608);
	assert_true(acpi.pm_timer_32bit);
	assert_true(acpi.has_reset);
	assert_int_equal(acpi.reset_reg.address, 0xcf9);
	assert_int_equal(acpi.reset_value, 6);
	assert_int_equal(acpi.rtc_century, 0x32);
	assert_true(acpi.has_s5);
	assert_int_equal(acpi.s5_typ_a, 5);
	assert_int_equal(acpi.s5_typ_b, 5);
	assert_int_equal(acpi.nr_mcfg, 1);
	assert_int_equal(acpi.mcfg[0].base, 0xb0000000);
	assert_int_equal(acpi.mcfg[0].end_bus, 255);
	assert_int_equal(acpi.hpet, 0xfed00000);
	assert_true(acpi.spcr.present && !acpi.spcr.mmio);
	assert_int_equal(acpi.spcr.base, 0x3f8);
	assert_int_equal(acpi.spcr.gsi, 4);
}

static void scans_for_the_rsdp(void **state)
{
	static u8 mem[256];
	u8 sum = 0;

	assert_int_equal(acpi_scan_rsdp(mem, sizeof(mem), 0xe0000), 0);
	memcpy(mem + 64, "RSD PTR ", 8);
	mem[64 + 16] = 1; /* the RSDT's address */
	for (unsigned int i = 0; i < 20; i++)
		sum += mem[64 + i];
	assert_int_equal(acpi_scan_rsdp(mem, sizeof(mem), 0xe0000), 0);
	mem[64 + 8] = (u8)-sum;
	assert_int_equal(acpi_scan_rsdp(mem, sizeof(mem), 0xe0000), 0xe0040);
	assert_int_equal(acpi_scan_rsdp(mem, 83, 0xe0000), 0);
	assert_int_equal(acpi_scan_rsdp(mem, 84, 0xe0000), 0xe0040);
	assert_int_equal(acpi_scan_rsdp(mem, 0, 0xe0000), 0);
	/* Only on 16-byte boundaries. */
	assert_int_equal(acpi_scan_rsdp(mem + 8, 200, 0), 0);
}

static void finds_the_rsdp_itself(void **state)
{
	put_tables();
	memset(machine, 0, 36);
	assert_int_equal(acpi_init(0), -ENODEV);
	put_rsdp(0xf5a40);
	assert_int_equal(acpi_init(0), 0);
	assert_int_equal(acpi.nr_cpus, 3);
	reset_machine(NULL);
	put_tables();
	memset(machine, 0, 36);
	put(low_memory + 0x40e, 0x9fc0, 2);
	put_rsdp(0x9fc20);
	assert_int_equal(acpi_init(0), 0);
}

static void put_rsdt(void)
{
	u8 *t = table(RSDT, "RSDT", 36 + 2 * 4);

	put(t + 36, FADT, 4);
	put(t + 40, MADT, 4);
	seal(t);
}

static void an_old_machine_has_an_rsdt(void **state)
{
	u8 *t = machine;

	put_tables();
	put_rsdt();
	t[15] = 0;
	t[8] = 0;
	t[8] = (u8)-sum(t, 20);
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi.nr_cpus, 3);
	assert_int_equal(acpi.nr_mcfg, 0);
}

/* Each is read as if its checksum were right, with one line that names it. */
static void wrong_checksums_are_told(void **state)
{
	static const struct { u32 at, where; const char *name; } t[] = {
		{ RSDP, 9, "RSDP" }, { RSDP, 33, "RSDP" }, { XSDT, 17, "XSDT" }, { MADT, 17, "APIC" },
		{ FADT, 17, "FACP" }, { DSDT, 17, "DSDT" }, { MCFG, 17, "MCFG" }, { HPET, 17, "HPET" },
		{ SPCR, 17, "SPCR" },
	};
	char line[80];

	for (unsigned int i = 0; i < ARRAY_LEN(t); i++) {
		char *said;

		reset_machine(NULL);
		put_tables();
		machine[t[i].at - MACHINE + t[i].where] ^= 0x40;
		assert_int_equal(acpi_init(RSDP), 0);
		assert_int_equal(acpi.nr_tables, 5);
		assert_int_equal(acpi.nr_cpus, 3);
		assert_true(acpi.has_s5 && acpi.nr_mcfg && acpi.hpet && acpi.spcr.present);
		snprintf(line, sizeof(line), "%s at %#x: its checksum is wrong", t[i].name, t[i].at);
		said = strstr(told, line);
		assert_non_null(said);
		assert_null(strstr(said + strlen(line), "checksum"));
	}
}

static void nothing_is_told_of_good_tables(void **state)
{
	put_tables();
	assert_int_equal(acpi_init(RSDP), 0);
	assert_null(strstr(told, "checksum"));
	assert_null(strstr(told, "left out"));
	assert_null(strstr(told, "broken"));
}

/* What the loader named is of no use: the RSDT serves, or another RSDP in the BIOS area. */
static void ways_to_the_tables(void **state)
{
	static const u64 nowhere[] = { 0x7fff0000, ~0ull, 0 };

	for (unsigned int i = 0; i < ARRAY_LEN(nowhere); i++) {
		reset_machine(NULL);
		put_tables();
		put_rsdt();
		put(machine + 24, nowhere[i], 8);
		assert_int_equal(acpi_init(RSDP), 0);
		assert_int_equal(acpi.nr_tables, 2);
		assert_int_equal(acpi.nr_cpus, 3);
	}
	/* an XSDT by its address only, and one without entries */
	for (unsigned int i = 0; i < 2; i++) {
		reset_machine(NULL);
		put_tables();
		put_rsdt();
		if (i)
			put(machine + (XSDT - MACHINE) + 4, 36, 4);
		else
			machine[XSDT - MACHINE] = 'Y';
		assert_int_equal(acpi_init(RSDP), 0);
		assert_int_equal(acpi.nr_tables, 2);
	}
	reset_machine(NULL);
	put_tables();
	assert_int_equal(acpi_init(0x1000), 0); /* no RSDP is there */
	assert_int_equal(acpi.nr_tables, 5);
	machine[0] = 'X';
	reset_machine(NULL);
	assert_true(acpi_init(0x1000) < 0);
}

/* Without a DSDT the machine cannot be powered off, and that is all. */
static void a_dsdt_may_be_missing(void **state)
{
	put_tables();
	put(machine + (FADT - MACHINE) + 40, 0x7fff0000, 4);
	assert_int_equal(acpi_init(RSDP), 0);
	assert_false(acpi.has_s5);
	assert_non_null(strstr(told, "DSDT at 0x7fff0000"));
}

/* Of a list of CPUs, IO-APICs and so on only what is wrong is lost. */
static void entries_that_lie(void **state)
{
	static const struct { u32 at; u8 len; unsigned int cpus, ioapics; const char *said; } c[] = {
		{ 44 + 8, 0, 1, 0, "offset 0x34 has a wrong length: left out, with all behind it" },
		{ 44 + 8, 1, 1, 0, "offset 0x34 has a wrong length: left out, with all behind it" },
		/* what follows is read as it is */
		{ 44 + 56, 2, 3, 0, "offset 0x64 has a wrong length: left out" },
		{ 44 + sizeof(madt_entries) - 4, 5, 3, 2, "has a wrong length: left out" }, /* beyond the end */
	};

	for (unsigned int i = 0; i < ARRAY_LEN(c); i++) {
		u8 *m = machine + (MADT - MACHINE);

		reset_machine(NULL);
		put_tables();
		m[c[i].at + 1] = c[i].len;
		seal(m);
		assert_int_equal(acpi_init(RSDP), 0);
		assert_int_equal(acpi.nr_cpus, c[i].cpus);
		assert_in_range(acpi.nr_ioapics, c[i].ioapics, 2);
		assert_non_null(strstr(told, c[i].said));
	}
	/* one byte behind the last entry */
	reset_machine(NULL);
	put_tables();
	put(machine + (MADT - MACHINE) + 4, 44 + sizeof(madt_entries) + 1, 4);
	seal(machine + (MADT - MACHINE));
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi.nr_cpus, 3);
	assert_non_null(strstr(told, "has a wrong length: left out, with all behind it"));
	/* a local APIC's of 6 bytes: one CPU less, and the rest is there */
	reset_machine(NULL);
	put_tables();
	memmove(machine + (MADT - MACHINE) + 44 + 6, machine + (MADT - MACHINE) + 44 + 8,
		sizeof(madt_entries) - 8);
	machine[MADT - MACHINE + 45] = 6;
	put(machine + (MADT - MACHINE) + 4, 44 + sizeof(madt_entries) - 2, 4);
	seal(machine + (MADT - MACHINE));
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi.nr_cpus, 2);
	assert_int_equal(acpi.nr_ioapics, 2);
	assert_int_equal(acpi.nr_nmis, 2);
	assert_non_null(strstr(told, "offset 0x2c has a wrong length: left out"));
	/* IO-APICs by the address or the GSIs of another */
	for (unsigned int i = 0; i < 2; i++) {
		reset_machine(NULL);
		put_tables();
		put(machine + (MADT - MACHINE) + 44 + 68 + (i ? 8 : 4), i ? 0 : 0xfec00000, 4);
		seal(machine + (MADT - MACHINE));
		assert_int_equal(acpi_init(RSDP), 0);
		assert_int_equal(acpi.nr_ioapics, 1);
		assert_int_equal(acpi.ioapics[0].id, 5);
	}
}

static void segments_of_configuration_space(void **state)
{
	u8 *t;

	put_tables();
	t = table(MCFG, "MCFG", 44 + 5 * 16);
	put(t + 44, 0xb0000000, 8);
	t[55] = 127;
	put(t + 60, 0xc0080000, 8);	/* not aligned */
	t[71] = 255;
	put(t + 76, 0x80000000000, 8);
	put(t + 84, 1, 2);
	t[87] = 255;
	t[102] = 7;			/* ends before it begins */
	put(t + 92, 0xd0000000, 8);
	put(t + 108, 0xfffffffffff00000, 8); /* the second bus would be at 0 */
	t[119] = 255;
	seal(t);
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi.nr_mcfg, 2);
	assert_int_equal(acpi.mcfg[0].end_bus, 127);
	assert_true(acpi.mcfg[1].base == 0x80000000000 && acpi.mcfg[1].segment == 1);
	assert_non_null(strstr(told, "MCFG is broken: not all of it makes sense"));
}

static void firmware_may_want_xapic(void **state)
{
	static const u8 flags[] = { 0, 1, 2, 3, 7 };
	u8 *t;

	for (unsigned int i = 0; i < ARRAY_LEN(flags); i++) {
		reset_machine(NULL);
		put_tables();
		t = table(HPET, "DMAR", 48);
		t[37] = flags[i];
		seal(t);
		assert_int_equal(acpi_init(RSDP), 0);
		assert_int_equal(acpi.x2apic_opt_out, i >= 3);
	}
}

/* A second search sees it, too: the table may have changed since the first. */
static void finds_tables(void **state)
{
	const struct acpi_table *t;

	put_tables();
	memcpy(table(HPET, "MCFG", 64) + 10, "second", 6);
	seal(machine + (HPET - MACHINE));
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi_find("MCFG", 0, &t), 0);
	assert_int_equal(t->len, 60);
	assert_int_equal(acpi_find("MCFG", 1, &t), 0);
	assert_true(t->len == 64 && memcmp(t->oem_id, "second", 6) == 0);
	assert_int_equal(acpi_find("MCFG", 2, &t), -ENODEV);
	assert_int_equal(acpi_find("DMAR", 0, &t), -ENODEV);
	machine[HPET - MACHINE + 17] ^= 0x40;
	assert_int_equal(acpi_find("MCFG", 1, &t), 0);
	put(machine + (HPET - MACHINE) + 4, 0x20000, 4);
	assert_int_equal(acpi_find("MCFG", 1, &t), -EINVAL);
	assert_int_equal(acpi_find("MCFG", 0, &t), 0);
}

static void lying_lengths_are_refused(void **state)
{
	static const u32 lens[] = { 0, 35, 0x20000, 0x7fffffff, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_LEN(lens); i++) {
		reset_machine(NULL);
		put_tables();
		put(machine + (MADT - MACHINE) + 4, lens[i], 4);
		assert_int_equal(acpi_init(RSDP), -ENODEV);
		reset_machine(NULL);
		put_tables();
		put(machine + (XSDT - MACHINE) + 4, lens[i], 4);
		assert_true(acpi_init(RSDP) < 0);
	}
}

/*
 * Cut at every length, and with each byte changed: the parser never reads beyond the end (ASan),
 * and the number of entries stays within bounds.
 */
static void madt_survives_cuts(void **state)
{
	size_t len = 44 + sizeof(madt_entries);
	static struct acpi_info info;
	u8 *whole;

	put_tables();
	for (size_t cut = 0; cut <= len; cut++) {
		u8 *copy = malloc(cut ? cut : 1);

		memcpy(copy, machine + (MADT - MACHINE), cut);
		acpi_parse_madt(copy, cut, &info);
		assert_true(info.nr_ioapics <= 2 && info.nr_cpus <= 3);
		free(copy);
	}
	whole = malloc(len);
	for (size_t i = 44; i < len; i++) {
		memcpy(whole, machine + (MADT - MACHINE), len);
		whole[i] = 0;
		acpi_parse_madt(whole, len, &info);
		whole[i] = 0xff;
		acpi_parse_madt(whole, len, &info);
		assert_true(info.nr_ioapics + info.nr_cpus <= len / 6);
	}
	free(whole);
}

static void madt_may_be_long(void **state)
{
	size_t len = 44 + 600 * 12;
	static struct acpi_info info;
	u8 *m = calloc(1, len);

	for (int type = 1; type <= 2; type++) {
		for (size_t off = 44; off < len; off += 12) {
			m[off] = (u8)type;
			m[off + 1] = 12;
			put(m + off + 4, off << 12, 4);
			put(m + off + 8, off, 4);
		}
		m[44] = 9;
		m[45] = 24;
		put(m + 44 + 8, 1, 4);
		assert_true(acpi_parse_madt(m, len, &info));
		assert_int_equal(type == 1 ? info.nr_ioapics : info.nr_overrides,
				 598);
	}
	free(m);
	m = calloc(1, 44 + 16 * 1000);
	for (u32 i = 0; i < 1000; i++) {
		m[44 + i * 16] = 9;
		m[45 + i * 16] = 16;
		put(m + 44 + i * 16 + 4, i, 4);
		m[44 + i * 16 + 8] = 1;
	}
	assert_true(acpi_parse_madt(m, 44 + 16 * 1000, &info));
	assert_int_equal(info.nr_cpus, 1000);
	assert_int_equal(info.cpus[999].apic_id, 999);
	free(m);
}

static void extended_fadt_fields_win(void **state)
{
	static struct acpi_info info;
	u8 *t;

	put_tables();
	t = machine + (FADT - MACHINE);
	t[172] = 1;
	put(t + 176, 0x1804, 8);
	t[184] = 0; /* in memory: not a port */
	put(t + 188, 0xfed80000, 8);
	put(t + 140, 0x123456789, 8);
	assert_true(acpi_parse_fadt(t, 268, &info));
	assert_int_equal(info.pm1a_cnt, 0x1804);
	assert_int_equal(info.pm1b_cnt, 0);
	assert_true(info.dsdt == 0x123456789);
	memset(&info, 0, sizeof(info));
	assert_true(acpi_parse_fadt(t, 116, &info));
	assert_int_equal(info.pm1a_cnt, 0x604);
	assert_false(info.has_reset);
	assert_false(acpi_parse_fadt(t, 115, &info));
}

static void s5_has_many_spellings(void **state)
{
	static const struct { u8 aml[20]; size_t len; bool found; u8 a, b; } c[] = {
		{ "\x08_S5_\x12\x06\x04\x0a\x05\x0a\x07\x00\x00", 14, true, 5, 7 },
		{ "\x08\\_S5_\x12\x06\x04\x0a\x05\x00\x00\x00", 14, true, 5, 0 },
		{ "\x08_S5_\x12\x40\x06\x04\x01\x01\x00\x00", 13, true, 1, 1 },
		{ "\x08_S5_\x12\x04\x01\x0a\x07", 10, true, 7, 7 },
		{ "\x08_S5_\x12\x07\x04\x0b\x03\x00\x0c\x02\x00\x00\x00", 16, true, 3, 2 },
		{ "\x08_S5_\x12\x06\x04\x0a\x08\x00\x00\x00", 13, false, 0, 0 }, /* 8 is no SLP_TYP */
		{ "\x09_S5_\x12\x06\x04\x0a\x05\x0a\x05\x00\x00", 14, false, 0, 0 },
		{ "\x08_S5_\x12\x06\x00\x0a\x05\x0a\x05", 12, false, 0, 0 },
		{ "\x08_S5_\x12\xc6", 7, false, 0, 0 },
		{ "\x08_S5_\x12\x06\x04\x0a", 9, false, 0, 0 },
		{ "_S5_\x12\x06\x04\x0a\x05", 9, false, 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(c); i++) {
		u8 *copy = malloc(c[i].len), a = 0xff, b = 0xff;

		memcpy(copy, c[i].aml, c[i].len);
		assert_int_equal(acpi_find_s5(copy, c[i].len, &a, &b), c[i].found);
		if (c[i].found) {
			assert_int_equal(a, c[i].a);
			assert_int_equal(b, c[i].b);
		}
		free(copy);
	}
}

static void s5_may_be_in_an_ssdt(void **state)
{
	u8 *t, *d;

	put_tables();
	d = machine + (DSDT - MACHINE);
	t = table(SSDT, "SSDT", get(d + 4, 4));
	memcpy(t + 36, d + 36, get(d + 4, 4) - 36);
	seal(t);
	memset(d + 36, 0, get(d + 4, 4) - 36);
	seal(d);
	t = machine + (XSDT - MACHINE);
	put(t + 60, SSDT, 8);
	seal(t);
	assert_int_equal(acpi_init(RSDP), 0);
	assert_true(acpi.has_s5);
	assert_int_equal(acpi.s5_typ_a, 5);
}

/* --- what Keel writes --- */

#define BUILD_GPA 0xfc000000ull
static u8 built[8192];

static const u8 *at_gpa(u64 gpa)
{
	assert_in_range(gpa, BUILD_GPA, BUILD_GPA + sizeof(built));
	return built + (gpa - BUILD_GPA);
}

static const u8 *checked_table(u64 gpa, const char *sig)
{
	const u8 *t = at_gpa(gpa);

	assert_memory_equal(t, sig, 4);
	assert_true(get(t + 4, 4) >= 36 && t + get(t + 4, 4) <= built + sizeof(built));
	assert_true(acpi_table_fits(t, get(t + 4, 4)) && !acpi_sum(t, get(t + 4, 4)));
	return t;
}

static const u8 *checked_xsdt(u64 rsdp_gpa)
{
	const u8 *r = at_gpa(rsdp_gpa);
	paddr_t xsdt, rsdt;
	bool sums;

	assert_int_equal(rsdp_gpa % 16, 0);
	assert_true(acpi_parse_rsdp(r, 36, &xsdt, &rsdt, &sums) && sums);
	assert_int_equal(r[15], 2);
	return checked_table(xsdt, "XSDT");
}

static void dom0_tables(void **state)
{
	static struct acpi_info info;
	size_t used;
	const u8 *x, *m;
	u64 rsdp;

	put_tables();
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi_build_dom0(built, sizeof(built), BUILD_GPA, 4, &rsdp, &used), 0);
	assert_true(used <= sizeof(built));
	x = checked_xsdt(rsdp);
	/* MADT first, then FADT and MCFG. HPET and SPCR are hidden, the native MADT is replaced. */
	assert_int_equal(get(x + 4, 4), 36 + 3 * 8);
	assert_int_equal(get(x + 44, 8), FADT);
	assert_int_equal(get(x + 52, 8), MCFG);
	m = checked_table(get(x + 36, 8), "APIC");
	assert_int_equal(get(m + 36, 4), 0xfee00000);
	assert_int_equal(get(m + 40, 4), 0); /* no PCAT_COMPAT */
	assert_true(acpi_parse_madt(m, get(m + 4, 4), &info));
	assert_int_equal(info.nr_cpus, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(info.cpus[i].apic_id, i * 2);
		assert_int_equal(info.cpus[i].acpi_uid, i);
	}
	assert_int_equal(info.nr_ioapics, 2);
	assert_memory_equal(info.ioapics, acpi.ioapics, 2 * sizeof(info.ioapics[0]));
	assert_int_equal(info.nr_overrides, 2);
	assert_memory_equal(info.overrides, acpi.overrides, 2 * sizeof(info.overrides[0]));
}

static void guest_tables(void **state)
{
	static struct acpi_info info;
	const u8 *x, *f, *m;
	size_t used;
	u64 rsdp;

	assert_int_equal(acpi_build_guest(built, sizeof(built), BUILD_GPA, 128, 0, &rsdp, &used), 0);
	x = checked_xsdt(rsdp);
	assert_int_equal(get(x + 4, 4), 36 + 2 * 8);
	f = checked_table(get(x + 36, 8), "FACP");
	assert_int_equal(get(f + 4, 4), 268);
	assert_true(acpi_parse_fadt(f, 268, &info));
	assert_int_equal(get(f + 56, 4), 0xb000);
	assert_int_equal(info.pm1a_cnt, 0xb004);
	assert_int_equal(info.pm_timer_port, 0);
	assert_true(info.no_cmos_rtc);
	assert_false(info.has_reset);
	assert_int_equal(get(f + 132, 8), get(f + 36, 4));
	assert_int_equal(get(f + 36, 4) % 64, 0);
	assert_memory_equal(at_gpa(get(f + 36, 4)), "FACS", 4);
	assert_int_equal(get(checked_table(info.dsdt, "DSDT") + 4, 4), 36);
	m = checked_table(get(x + 44, 8), "APIC");
	assert_int_equal(get(m + 40, 4), 1);
	assert_true(acpi_parse_madt(m, get(m + 4, 4), &info));
	assert_int_equal(info.nr_cpus, 128);
	assert_int_equal(info.cpus[5].apic_id, 10);
	assert_int_equal(info.cpus[5].acpi_uid, 5);
	assert_int_equal(info.nr_ioapics, 0);
}

/* Does the table contain the number, in any place? */
static bool holds(const u8 *table, u64 number, size_t size)
{
	for (size_t i = 36; i + size <= get(table + 4, 4); i++)
		if (get(table + i, size) == number)
			return true;
	return false;
}

static void guest_tables_with_functions(void **state)
{
	static struct acpi_info info;
	const u8 *x, *m, *s;
	size_t used;
	u64 rsdp;

	assert_int_equal(acpi_build_guest(built, sizeof(built), BUILD_GPA, 1, 40, &rsdp, &used), 0);
	x = checked_xsdt(rsdp);
	assert_int_equal(get(x + 4, 4), 36 + 4 * 8);
	m = checked_table(get(x + 52, 8), "MCFG");
	assert_true(acpi_parse_mcfg(m, get(m + 4, 4), &info));
	assert_int_equal(info.nr_mcfg, 1);
	assert_true(info.mcfg[0].base == PVH_PCI_ECAM_BASE && info.mcfg[0].end_bus == PVH_PCI_BUSES - 1);
	s = checked_table(get(x + 60, 8), "SSDT");
	/* The window is the upper half; no pattern is left. */
	assert_true(holds(s, BIT(39), 8) && holds(s, BIT(40) - 1, 8));
	assert_true(holds(s, PVH_PCI_WINDOW32_BASE, 4) &&
		    holds(s, PVH_PCI_WINDOW32_BASE + PVH_PCI_WINDOW32_SIZE - 1, 4));
	assert_false(holds(s, 0x11111111, 4) || holds(s, 0x22222222, 4));
}

/* Every size that is too small gives -ENOSPC and writes nothing beyond it. */
static void small_buffers_are_refused(void **state)
{
	size_t need_dom0, need_guest, used;
	u64 rsdp;

	put_tables();
	assert_int_equal(acpi_init(RSDP), 0);
	assert_int_equal(acpi_build_dom0(built, sizeof(built), BUILD_GPA, 4, &rsdp, &need_dom0), 0);
	assert_int_equal(acpi_build_guest(built, sizeof(built), BUILD_GPA, 4, 40, &rsdp, &need_guest), 0);
	for (size_t size = 0; size <= max(need_dom0, need_guest); size++) {
		u8 *buf = malloc(size ? size : 1);

		assert_int_equal(acpi_build_dom0(buf, size, BUILD_GPA, 4, &rsdp, &used),
				 size < need_dom0 ? -ENOSPC : 0);
		assert_int_equal(acpi_build_guest(buf, size, BUILD_GPA, 4, 40, &rsdp, &used),
				 size < need_guest ? -ENOSPC : 0);
		free(buf);
	}
	assert_int_equal(acpi_build_dom0(built, sizeof(built), BUILD_GPA + 8, 4, &rsdp, &used), -EINVAL);
	assert_int_equal(acpi_build_guest(built, sizeof(built), GiB(4) - 64, 4, 0, &rsdp, &used), -EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset_machine, reset_machine)
static const struct CMUnitTest tests[] = {
	TEST(reads_everything),
	TEST(scans_for_the_rsdp),
	TEST(finds_the_rsdp_itself),
	TEST(an_old_machine_has_an_rsdt),
	TEST(wrong_checksums_are_told), TEST(nothing_is_told_of_good_tables), TEST(ways_to_the_tables),
	TEST(a_dsdt_may_be_missing), TEST(entries_that_lie), TEST(segments_of_configuration_space),
	TEST(firmware_may_want_xapic),
	TEST(finds_tables),
	TEST(lying_lengths_are_refused),
	TEST(madt_survives_cuts),
	TEST(madt_may_be_long),
	TEST(extended_fadt_fields_win),
	TEST(s5_has_many_spellings),
	TEST(s5_may_be_in_an_ssdt),
	TEST(dom0_tables), TEST(guest_tables_with_functions),
	TEST(guest_tables),
	TEST(small_buffers_are_refused),
};

UNIT_MAIN(tests)
