/* SPDX-License-Identifier: GPL-2.0-only */
/* Parsers of firmware tables. Pure: they trust none of the bytes. */
#include "arch/x86/acpi/acpi.h"

#include "common/heap.h"

#define RSDP_V1_LEN 20
#define RSDP_V2_LEN 36
#define SDT_HEADER_LEN sizeof(struct acpi_table)
#define MAX_TABLE_LEN MiB(16)

#define GAS_SPACE_MEMORY 0
#define GAS_SPACE_IO 1

bool acpi_table_fits(const void *table, size_t len)
{
	const struct acpi_table *t = table;

	return len >= SDT_HEADER_LEN && t->len >= SDT_HEADER_LEN && t->len <= len &&
	       t->len <= MAX_TABLE_LEN;
}

/* ACPI 6.5, 5.2.5.3. Revision 0 has 20 bytes, 2 and later 36 and a second checksum. */
bool acpi_parse_rsdp(const void *rsdp, size_t len, paddr_t *xsdt, paddr_t *rsdt, bool *sums)
{
	const u8 *p = rsdp;

	*xsdt = *rsdt = 0;
	*sums = len >= RSDP_V1_LEN && !acpi_sum(p, RSDP_V1_LEN);
	if (len < RSDP_V1_LEN || memcmp(p, "RSD PTR ", 8) != 0)
		return false;
	if (p[15] >= 2 && len >= RSDP_V2_LEN) {
		*xsdt = get64(p + 24);
		*sums &= !acpi_sum(p, RSDP_V2_LEN);
	}
	*rsdt = get32(p + 16);
	return *xsdt || *rsdt;
}

paddr_t acpi_scan_rsdp(const void *area, size_t len, paddr_t base)
{
	const u8 *p = area;
	paddr_t x, r;
	bool sums;

	for (size_t i = 0; i + RSDP_V1_LEN <= len; i += 16)
		if (acpi_parse_rsdp(p + i, len - i, &x, &r, &sums) && sums)
			return base + i;
	return 0;
}

static void add_cpu(struct acpi_info *info, u32 apic_id, u32 uid, u32 flags)
{
	if (!(flags & BIT(0)))
		return;
	for (unsigned int i = 0; i < info->nr_cpus; i++)
		if (info->cpus[i].apic_id == apic_id)
			return;
	array_add(info->cpus, info->nr_cpus) = (struct acpi_cpu){ apic_id, uid };
}

static void add_ioapic(struct acpi_info *info, const u8 *e)
{
	struct acpi_ioapic io = { e[2], get32(e + 4), get32(e + 8) };

	for (unsigned int i = 0; i < info->nr_ioapics; i++)
		if (info->ioapics[i].address == io.address || info->ioapics[i].gsi_base == io.gsi_base)
			return;
	array_add(info->ioapics, info->nr_ioapics) = io;
}

static void add_nmi(struct acpi_info *info, u32 uid, u8 lint)
{
	if (lint <= 1)
		array_add(info->nmis, info->nr_nmis) = (struct acpi_nmi){ uid, lint };
}

/* ACPI 6.5, 5.2.12: one entry of e[1] bytes. false: too short for its type. */
static bool madt_entry(const u8 *e, struct acpi_info *info)
{
	static const u8 min_len[] = { [0] = 8, [1] = 12, [2] = 10, [4] = 6, [5] = 12, [9] = 16,
					  [10] = 12 };

	if (e[0] >= ARRAY_SIZE(min_len))
		return true;
	if (e[1] < min_len[e[0]])
		return false;
	switch (e[0]) {
	case 0: /* local APIC; id 255 means that an x2APIC entry describes it */
		if (e[3] != 0xff)
			add_cpu(info, e[3], e[2], get32(e + 4));
		break;
	case 1:
		add_ioapic(info, e);
		break;
	case 2:
		array_add(info->overrides, info->nr_overrides) =
			(struct acpi_override){ e[2], e[3], get32(e + 4), get16(e + 8) };
		break;
	case 4:
		add_nmi(info, e[2] == 0xff ? ACPI_ALL_CPUS : e[2], e[5]);
		break;
	case 5:
		info->lapic_address = get64(e + 4);
		break;
	case 9:
		add_cpu(info, get32(e + 4), get32(e + 12), get32(e + 8));
		break;
	case 10:
		add_nmi(info, get32(e + 4), e[8]);
		break;
	}
	return true;
}

bool acpi_parse_madt(const void *madt, size_t len, struct acpi_info *info)
{
	const u8 *p = madt;
	size_t off = SDT_HEADER_LEN + 8;

	info->nr_cpus = info->nr_overrides = info->nr_ioapics = info->nr_nmis = 0;
	info->madt_bad = 0;
	if (len < off)
		return false;
	info->lapic_address = get32(p + SDT_HEADER_LEN);
	for (size_t n; off < len; off += n) {
		n = len - off < 2 ? 0 : p[off + 1];
		if (n < 2 || n > len - off)
			n = 0;
		if ((!n || !madt_entry(p + off, info)) && !info->madt_bad)
			info->madt_bad = (u32)off;
		if (!n) /* where the next one begins is not known */
			break;
	}
	return true;
}

/*
 * The extended (GAS) form of a fixed register if it is there and in I/O space, else the old port
 * number.
 */
static u32 fadt_port(const u8 *p, size_t len, size_t old_off, size_t x_off)
{
	if (len >= x_off + sizeof(struct acpi_gas) && p[x_off] == GAS_SPACE_IO) {
		u64 x = get64(p + x_off + 4);

		if (x != 0 && x <= 0xffff)
			return (u32)x;
	}
	return get32(p + old_off) <= 0xffff ? get32(p + old_off) : 0;
}

static void fadt_gas(const u8 *p, size_t len, size_t off, struct acpi_gas *gas)
{
	if (len >= off + sizeof(*gas))
		memcpy(gas, p + off, sizeof(*gas));
}

/* ACPI 6.5, table 5.9; revision 1 has 116 bytes and no extended fields. */
bool acpi_parse_fadt(const void *fadt, size_t len, struct acpi_info *info)
{
	const u8 *p = fadt;
	u32 flags;

	if (len < 116)
		return false;
	flags = get32(p + 112);
	info->dsdt = len >= 148 && get64(p + 140) ? get64(p + 140) : get32(p + 40);
	info->pm1a_cnt = fadt_port(p, len, 64, 172);
	info->pm1b_cnt = fadt_port(p, len, 68, 184);
	info->pm_timer_port = p[91] == 4 ? fadt_port(p, len, 76, 208) : 0;
	info->rtc_century = p[108];
	info->no_cmos_rtc = p[8] >= 3 && (get16(p + 109) & BIT(5));
	info->pm_timer_32bit = flags & BIT(8);
	info->hw_reduced = p[8] >= 5 && (flags & BIT(20));
	if (len >= 129 && (flags & BIT(10))) {
		fadt_gas(p, len, 116, &info->reset_reg);
		info->reset_value = p[128];
		info->has_reset = info->reset_reg.address != 0;
	}
	if (info->hw_reduced)
		fadt_gas(p, len, 244, &info->sleep_control);
	return true;
}

/*
 * PCI Firmware Specification 3.3, table 4-2: entries of 16 bytes after 8 reserved ones. What cannot
 * be is left out.
 */
bool acpi_parse_mcfg(const void *mcfg, size_t len, struct acpi_info *info)
{
	const u8 *p = mcfg;
	bool all = true;

	info->nr_mcfg = 0;
	for (size_t off = SDT_HEADER_LEN + 8; off + 16 <= len; off += 16) {
		u64 base = get64(p + off);

		if (p[off + 10] > p[off + 11] || !base || !IS_ALIGNED(base, MiB(1)) || base >> 52)
			all = false;
		else
			array_add(info->mcfg, info->nr_mcfg) =
				(struct acpi_mcfg){ base, get16(p + off + 8), p[off + 10], p[off + 11] };
	}
	return all && info->nr_mcfg > 0;
}

/* IA-PC HPET specification 1.0a, 3.2.4. */
bool acpi_parse_hpet(const void *hpet, size_t len, struct acpi_info *info)
{
	const u8 *p = hpet;

	if (len < 56 || p[40] != GAS_SPACE_MEMORY || !get64(p + 44) || !IS_ALIGNED(get64(p + 44), 8))
		return false;
	info->hpet = get64(p + 44);
	return true;
}

/*
 * Microsoft's SPCR specification: types 0, 1 and 12h are 16550s; interrupt type bit 1 = through an
 * IO-APIC.
 */
bool acpi_parse_spcr(const void *spcr, size_t len, struct acpi_info *info)
{
	const u8 *p = spcr;

	if (len < 58 || (p[36] != 0 && p[36] != 1 && p[36] != 0x12))
		return false;
	if (p[40] > GAS_SPACE_IO || !get64(p + 44))
		return false;
	info->spcr.present = true;
	info->spcr.mmio = p[40] == GAS_SPACE_MEMORY;
	info->spcr.base = get64(p + 44);
	info->spcr.gsi = p[52] & BIT(1) ? get32(p + 54) : p[52] & BIT(0) ? p[53] : 0;
	return true;
}

/* VT-d specification 4.1, 8.1. */
bool acpi_parse_dmar_flags(const void *dmar, size_t len, struct acpi_info *info)
{
	u8 flags = len < 48 ? 0 : ((const u8 *)dmar)[37];

	info->x2apic_opt_out = (flags & 3) == 3; /* the second bit counts only with the first */
	return len >= 48;
}

/*
 * An integer constant of a package (ACPI 6.5, 20.2.3) at *off: ZeroOp, OneOp,
 * or a byte, word or double word with its prefix; its low byte.
 */
static bool aml_integer(const u8 *aml, size_t len, size_t *off, u8 *val)
{
	static const u8 width[] = { [0x0a] = 1, [0x0b] = 2, [0x0c] = 4 };
	u8 op;

	if (*off >= len)
		return false;
	op = aml[(*off)++];
	if (op == 0x00 || op == 0x01) {
		*val = op;
		return true;
	}
	if (op >= ARRAY_SIZE(width) || !width[op] || len - *off < width[op])
		return false;
	*val = aml[*off];
	*off += width[op];
	return true;
}

bool acpi_find_s5(const u8 *aml, size_t len, u8 *typ_a, u8 *typ_b)
{
	/* NameOp [RootChar] "_S5_" PackageOp PkgLength NumElements element element ... */
	for (size_t i = 1; i + 7 <= len; i++) {
		size_t off = i + 5;
		u8 a, b;

		if (memcmp(aml + i, "_S5_\x12", 5) != 0)
			continue;
		if (aml[i - 1] != 0x08 && !(i >= 2 && aml[i - 1] == '\\' && aml[i - 2] == 0x08))
			continue;
		off += 1 + (aml[off] >> 6); /* PkgLength: bits 7:6 of its first byte = further bytes */
		if (off >= len || aml[off] < 1)
			continue;
		b = aml[off++];
		if (!aml_integer(aml, len, &off, &a) || a > 7)
			continue;
		*typ_a = *typ_b = a;
		if (b >= 2 && aml_integer(aml, len, &off, &b) && b <= 7)
			*typ_b = b;
		return true;
	}
	return false;
}
