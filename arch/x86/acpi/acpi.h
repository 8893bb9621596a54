/* SPDX-License-Identifier: GPL-2.0-only */
/* Firmware tables (ACPI 6.5): what Keel needs of them, read with bounds checked. */
#ifndef ARCH_X86_ACPI_ACPI_H
#define ARCH_X86_ACPI_ACPI_H

#include "common/pcpu.h"

struct acpi_table { char sig[4]; u32 len; u8 revision, checksum; char oem_id[6]; char oem_table_id[8];
	u32 oem_revision; char creator[4]; u32 creator_revision; } __packed;

struct acpi_gas { u8 space, bits, offset, access; u64 address; } __packed;

#define ACPI_MAX_TABLES 64
#define ACPI_MAX_MCFG 8
#define ACPI_MAX_OVERRIDES 24

struct acpi_info {
	unsigned int nr_tables;
	struct { char sig[5]; paddr_t addr; u32 len; } tables[ACPI_MAX_TABLES];
	/* MADT */
	paddr_t lapic_address;
	unsigned int nr_cpus;
	struct { u32 apic_id, acpi_uid; bool enabled; } cpus[NR_CPUS];
	struct { u8 bus, source; u32 gsi; u16 flags; } overrides[ACPI_MAX_OVERRIDES];
	unsigned int nr_overrides;
	paddr_t madt;
	/* FADT */
	paddr_t facs, dsdt, fadt;
	u16 sci_int;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm_timer_port; /* I/O ports, 0 = none */
	u8 pm1_evt_len;
	bool pm_timer_32bit, hw_reduced;
	struct acpi_gas reset_reg;
	u8 reset_value;
	bool has_reset;
	bool has_s5;
	u8 s5_typ_a, s5_typ_b;
	/* HPET, MCFG, SPCR */
	paddr_t hpet;
	struct { paddr_t base; u16 segment; u8 start_bus, end_bus; } mcfg[ACPI_MAX_MCFG];
	unsigned int nr_mcfg;
	struct { bool present, mmio; u64 base; u32 gsi; } spcr;
};
extern struct acpi_info acpi;

/* Reads all tables from the RSDP (0: search). 0, or -errno after a message that says which table is broken. Tables are in the direct map or mapped by map_firmware(). */
int acpi_init(paddr_t rsdp);
/* \_S5's SLP_TYP values by a bounded scan of a DSDT's or SSDT's bytes. Pure, fuzzed. */
bool acpi_find_s5(const u8 *aml, size_t len, u8 *typ_a, u8 *typ_b);
/* Firmware memory outside RAM, read-only view; valid for ever. mm.c */
const void *map_firmware(paddr_t pa, size_t len);
/* Device registers, uncached; for the few that Keel owns (drivers-none/allowed.list). mm.c */
void *map_mmio(paddr_t pa, size_t len);

/* Machine power: prints nothing. */
void acpi_power_off(void);
void acpi_reset(void);

#endif
