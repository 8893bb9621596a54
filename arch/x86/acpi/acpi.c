/* SPDX-License-Identifier: GPL-2.0-only */
/* Firmware tables: finds them, maps them, and has them parsed (ACPI 6.5, 5.2). */
#include "arch/x86/acpi/acpi.h"
#include "arch/x86/mm.h"

#include <public/errno.h>

#include "common/heap.h"
#include "common/printk.h"

#define HEADER_LEN sizeof(struct acpi_table)
#define RSDP_MAP_LEN 36
#define BIOS_AREA 0xe0000u
#define BIOS_AREA_LEN 0x20000u
#define BDA_EBDA_SEGMENT 0x40e

struct acpi_info acpi;

/* Maps the whole of the table at addr, as long as it says it is; NULL after a message. */
static const struct acpi_table *map_table(paddr_t addr, const char *what)
{
	const struct acpi_table *t;
	u32 len;

	t = addr ? map_firmware(addr, HEADER_LEN) : NULL;
	if (!t) {
		pr_err("ACPI: %s at %#lx cannot be reached", what, addr);
		return NULL;
	}
	len = t->len;
	if (len >= HEADER_LEN && len <= MiB(16))
		t = map_firmware(addr, len);
	if (!t || !acpi_table_fits(t, len)) {
		pr_err("ACPI: %s at %#lx is broken: length %u", what, addr, len);
		return NULL;
	}
	return t;
}

/* The same for a table that is met first: a wrong checksum is told, and no more, as Linux does. */
static const struct acpi_table *meet_table(paddr_t addr, const char *what)
{
	const struct acpi_table *t = map_table(addr, what);

	if (t && acpi_sum(t, t->len))
		pr_warn("ACPI: %.4s at %#lx: its checksum is wrong; it is used", t->sig, addr);
	return t;
}

/* Legacy BIOS places (ACPI 6.5, 5.2.5.1): the first KiB of the EBDA, then E0000..FFFFF. */
static paddr_t search_rsdp(void)
{
	const void *area = map_firmware(BDA_EBDA_SEGMENT, sizeof(u16));
	paddr_t found = 0;
	u16 segment = 0;

	if (area)
		memcpy(&segment, area, sizeof(segment));
	if (segment >= 0x8000 && segment < 0xa000) {
		area = map_firmware((paddr_t)segment << 4, KiB(1));
		found = area ? acpi_scan_rsdp(area, KiB(1), (paddr_t)segment << 4) : 0;
	}
	if (!found) {
		area = map_firmware(BIOS_AREA, BIOS_AREA_LEN);
		found = area ? acpi_scan_rsdp(area, BIOS_AREA_LEN, BIOS_AREA) : 0;
	}
	return found;
}

static void scan_s5(const struct acpi_table *t)
{
	if (!acpi.has_s5)
		acpi.has_s5 = acpi_find_s5((const u8 *)t + HEADER_LEN, t->len - HEADER_LEN, &acpi.s5_typ_a,
					   &acpi.s5_typ_b);
}

static bool table_fadt(const void *t, size_t len, struct acpi_info *info)
{
	const struct acpi_table *dsdt;

	if (!acpi_parse_fadt(t, len, info))
		return false;
	dsdt = meet_table(acpi.dsdt, "DSDT");
	if (dsdt)
		scan_s5(dsdt);
	return true;
}

static bool table_madt(const void *t, size_t len, struct acpi_info *info)
{
	if (!acpi_parse_madt(t, len, info))
		return false;
	if (info->madt_bad)
		pr_warn("ACPI: APIC: the entry at offset %#x has a wrong length: left out%s", info->madt_bad,
			len - info->madt_bad < 2 || ((const u8 *)t)[info->madt_bad + 1] < 2 ?
			", with all behind it" : "");
	return true;
}

static bool table_ssdt(const void *t, size_t len, struct acpi_info *info)
{
	scan_s5(t);
	return true;
}

typedef bool (*acpi_parser)(const void *table, size_t len, struct acpi_info *info);

/* What Keel reads. Without a needed one it cannot run this machine. */
static const struct {
	char sig[5];
	bool needed;
	acpi_parser parse;
} readers[] = {
	{ "APIC", true, table_madt },
	{ "FACP", true, table_fadt },
	{ "MCFG", false, acpi_parse_mcfg },
	{ "HPET", false, acpi_parse_hpet },
	{ "SPCR", false, acpi_parse_spcr },
	{ "SSDT", false, table_ssdt },
	{ "DMAR", false, acpi_parse_dmar_flags },
};

static void add_table(paddr_t addr)
{
	const struct acpi_table *t = meet_table(addr, "a table");
	struct acpi_table_ref r = { .addr = addr };

	if (!t)
		return;
	memcpy(r.sig, t->sig, 4);
	array_add(acpi.tables, acpi.nr_tables) = r;
}

/* Enters all tables that the root table (XSDT: 8-byte entries, RSDT: 4-byte ones) names. */
static int walk_root(paddr_t root, bool xsdt)
{
	const struct acpi_table *t = meet_table(root, xsdt ? "XSDT" : "RSDT");
	size_t width = xsdt ? 8 : 4;

	if (!t)
		return -EINVAL;
	if (memcmp(t->sig, xsdt ? "XSDT" : "RSDT", 4) != 0) {
		pr_err("ACPI: no %s at %#lx, but \"%.4s\"", xsdt ? "XSDT" : "RSDT", root, t->sig);
		return -EINVAL;
	}
	for (size_t off = HEADER_LEN; off + width <= t->len; off += width) {
		paddr_t addr = 0;

		memcpy(&addr, (const u8 *)t + off, width);
		if (addr)
			add_table(addr);
	}
	return acpi.nr_tables ? 0 : -ENODEV;
}

int acpi_find(const char *sig, unsigned int n, const struct acpi_table **t)
{
	for (unsigned int i = 0; i < acpi.nr_tables; i++) {
		if (strcmp(acpi.tables[i].sig, sig) != 0 || n--)
			continue;
		*t = map_table(acpi.tables[i].addr, sig);
		return *t ? 0 : -EINVAL;
	}
	return -ENODEV;
}

u32 acpi_uid_of(u32 apic_id)
{
	for (unsigned int i = 0; i < acpi.nr_cpus; i++)
		if (acpi.cpus[i].apic_id == apic_id)
			return acpi.cpus[i].acpi_uid;
	return apic_id;
}

static int read_tables(const char *sig, bool needed, acpi_parser parse)
{
	const struct acpi_table *t;
	unsigned int n = 0;
	int rc;

	do {
		rc = acpi_find(sig, n++, &t);
		if (rc || parse(t, t->len, &acpi))
			continue;
		printk(needed ? LOG_ERR : LOG_WARN, "ACPI: %s is broken: not all of it makes sense", sig);
		rc = -EINVAL;
	} while (rc != -ENODEV && strcmp(sig, "SSDT") == 0);
	if (needed && rc == -ENODEV)
		pr_err("ACPI: the firmware has no %s table, which Keel needs", sig);
	return needed ? rc : 0;
}

/* Enters the tables that the RSDP leads to: by its XSDT, or if that is of no use by its RSDT. */
static int read_rsdp(paddr_t rsdp)
{
	const void *p = map_firmware(rsdp, RSDP_MAP_LEN);
	paddr_t xsdt, rsdt;
	bool sums;
	int rc = -EINVAL;

	if (!p || !acpi_parse_rsdp(p, RSDP_MAP_LEN, &xsdt, &rsdt, &sums)) {
		pr_err("ACPI: RSDP at %#lx is broken: signature or length wrong", rsdp);
		return -EINVAL;
	}
	if (!sums)
		pr_warn("ACPI: RSDP at %#lx: its checksum is wrong; it is used", rsdp);
	if (xsdt)
		rc = walk_root(xsdt, true);
	return rc && rsdt ? walk_root(rsdt, false) : rc;
}

int acpi_init(paddr_t rsdp)
{
	int rc = rsdp ? read_rsdp(rsdp) : -ENODEV;

	if (rc) {
		rsdp = search_rsdp();
		rc = rsdp ? read_rsdp(rsdp) : rc;
	}
	if (rc == -ENODEV)
		pr_err("ACPI: no RSDP with tables: the loader gave none and none is in the BIOS area");
	if (rc)
		return rc;
	for (unsigned int i = 0; i < ARRAY_SIZE(readers); i++) {
		rc = read_tables(readers[i].sig, readers[i].needed, readers[i].parse);
		if (rc)
			return rc;
	}
	pr_info("ACPI: %u tables, %u CPUs, %u IO-APICs%s", acpi.nr_tables, acpi.nr_cpus, acpi.nr_ioapics,
		acpi.has_s5 ? "" : ", no \\_S5: cannot power off");
	return 0;
}
