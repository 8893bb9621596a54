/* SPDX-License-Identifier: GPL-2.0-only */
/* Firmware tables (ACPI 6.5): what Keel needs from them, read with bounds checks. */
#ifndef ARCH_X86_ACPI_ACPI_H
#define ARCH_X86_ACPI_ACPI_H

#include "arch/x86/acpi/tables.h"
#include "common/pcpu.h"

#define ACPI_ALL_CPUS 0xffffffffu

/* Arrays are allocated, as long as the tables need (array_add()). */
struct acpi_info {
	unsigned int nr_tables;
	struct acpi_table_ref { char sig[5]; paddr_t addr; } *tables;
	/* MADT */
	u32 madt_bad; /* offset of the first entry that is wrong, and left out; 0: none */
	paddr_t lapic_address;
	unsigned int nr_cpus;
	struct acpi_cpu { u32 apic_id, acpi_uid; } *cpus; /* those that can be used */
	struct acpi_override { u8 bus, source; u32 gsi; u16 flags; } *overrides;
	unsigned int nr_overrides;
	struct acpi_ioapic { u8 id; u32 address, gsi_base; } *ioapics;
	unsigned int nr_ioapics;
	struct acpi_nmi { u32 acpi_uid; u8 lint; } *nmis; /* uid ACPI_ALL_CPUS: of every CPU */
	unsigned int nr_nmis;
	/* FADT */
	paddr_t dsdt;
	u32 pm1a_cnt, pm1b_cnt, pm_timer_port; /* I/O ports, 0 = none */
	bool pm_timer_32bit, hw_reduced;
	bool no_cmos_rtc;	/* there is no clock at ports 70h/71h */
	u8 rtc_century;		/* CMOS index of the century, 0 = none */
	struct acpi_gas sleep_control; /* hw_reduced: where SLP_TYP goes; address 0 = none */
	struct acpi_gas reset_reg;
	u8 reset_value;
	bool has_reset;
	bool has_s5;
	u8 s5_typ_a, s5_typ_b;
	/* HPET, MCFG, SPCR */
	paddr_t hpet;	/* register block, 0 = none */
	struct acpi_mcfg { paddr_t base; u16 segment; u8 start_bus, end_bus; } *mcfg;
	unsigned int nr_mcfg;
	struct { bool present, mmio; u64 base; u32 gsi; } spcr;
	bool x2apic_opt_out; /* DMAR: firmware asks not to use x2APIC mode */
};
extern struct acpi_info acpi;

/*
 * Reads all tables from the RSDP (0: search). 0, or -errno after a message that says which table is
 * broken. Tables are in the direct map or mapped by map_firmware().
 */
int acpi_init(paddr_t rsdp);

/*
 * The nth table (from 0) with that signature, mapped and checked again. 0, -ENODEV: there is none,
 * -EINVAL after a message.
 */
int acpi_find(const char *sig, unsigned int n, const struct acpi_table **t);

/* What ACPI calls a CPU; its APIC id if the MADT does not list it. */
u32 acpi_uid_of(u32 apic_id);

/*
 * Parsers: pure, over the len bytes of a table whose header acpi_table_fits() accepted; fuzzed.
 */
/* Header complete, length within len and at least a header (ACPI 6.5, 5.2.6). */
bool acpi_table_fits(const void *table, size_t len);
/* Is their checksum right? Firmware that is wrong in this only is believed, with a line. */
bool acpi_sum_ok(const void *bytes, size_t len);
/*
 * An RSDP within len bytes: its XSDT and RSDT (0: none), and whether its checksums are right.
 * false: signature or length wrong, or neither table.
 */
bool acpi_parse_rsdp(const void *rsdp, size_t len, paddr_t *xsdt, paddr_t *rsdt, bool *sums);
/* Address of an RSDP with right checksums within a memory area that begins at base; 0 = none. */
paddr_t acpi_scan_rsdp(const void *area, size_t len, paddr_t base);
/*
 * Fills lapic_address, cpus (enabled ones only, each APIC id once), overrides, ioapics and nmis.
 * Entries that are too short for their type are left out; one of no possible length ends the list.
 * false: not even a header.
 */
bool acpi_parse_madt(const void *madt, size_t len, struct acpi_info *info);
bool acpi_parse_fadt(const void *fadt, size_t len, struct acpi_info *info);
bool acpi_parse_mcfg(const void *mcfg, size_t len, struct acpi_info *info);
bool acpi_parse_hpet(const void *hpet, size_t len, struct acpi_info *info);
bool acpi_parse_spcr(const void *spcr, size_t len, struct acpi_info *info);
/* Only what concerns the CPUs; the rest is arch/x86/iommu/dmar.c's. */
bool acpi_parse_dmar_flags(const void *dmar, size_t len, struct acpi_info *info);

/* \_S5's SLP_TYP values by a bounded scan of a DSDT's or SSDT's bytes. Pure, fuzzed. */
bool acpi_find_s5(const u8 *aml, size_t len, u8 *typ_a, u8 *typ_b);

/* Boot, after acpi_init(): maps the registers of the two below. */
void acpi_power_init(void);
/* Machine power. These print nothing, take no lock, and return if the machine did not obey. */
void acpi_power_off(void);
void acpi_reset(void);

/*
 * Dom0's tables: RSDP, XSDT with the native tables that Dom0 may see,
 * and its own MADT, built in buf, which is to appear at gpa. *used: bytes taken.
 * 0, -ENOSPC (buf too small), -EINVAL (gpa not aligned to 64). Reads only the parsed acpi.
 */
int acpi_build_dom0(void *buf, size_t size, u64 gpa, unsigned int nr_vcpus, u64 *rsdp_gpa,
		    size_t *used);

#endif
