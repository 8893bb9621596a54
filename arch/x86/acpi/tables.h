/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing firmware tables (ACPI 6.5). Pure: guest_tables.c is built for the tools in Dom0, too. */
#ifndef ARCH_X86_ACPI_TABLES_H
#define ARCH_X86_ACPI_TABLES_H

#include "common/lib.h"

struct acpi_table { char sig[4]; u32 len; u8 revision, checksum; char oem_id[6];
		    char oem_table_id[8];
	u32 oem_revision; char creator[4]; u32 creator_revision; } __packed;

struct acpi_gas { u8 space, bits, offset, access; u64 address; } __packed;

struct rsdp {
	char sig[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 len;
	u64 xsdt;
	u8 ext_checksum, reserved[3];
} __packed;

/* 0 if the bytes have the right checksum among them. */
static inline u8 acpi_sum(const void *bytes, size_t len)
{
	const u8 *p = bytes;
	u8 sum = 0;

	while (len--)
		sum += *p++;
	return sum;
}

struct madt { struct acpi_table h; u32 lapic_address, flags; } __packed;

/* Tables under construction: bytes at buf, seen by the guest at gpa. */
struct acpi_build {
	u8 *buf;
	size_t size, used;
	u64 gpa;
	bool full;
};

/*
 * Room for n zeroed bytes, aligned to 16 (to 64 for the FACS); NULL and b->full if buf has no room.
 */
void *acpi_take(struct acpi_build *b, size_t n, size_t align);
u64 acpi_gpa(const struct acpi_build *b, const void *p);
/* Room for an entry right behind the last one. */
void acpi_append(struct acpi_build *b, const void *entry, size_t len);
void acpi_append_address(struct acpi_build *b, u64 addr);
/* Fills the header of a table that takes the buffer from t to its present end, and its checksum. */
void acpi_finish(struct acpi_build *b, struct acpi_table *t, const char *sig, u8 revision);
/* The last step. 0, or -ENOSPC. */
int acpi_finish_rsdp(struct acpi_build *b, struct rsdp *r, const struct acpi_table *xsdt,
		     u64 *rsdp_gpa, size_t *used);

/*
 * A guest's tables, in buf, which is to appear at gpa: RSDP (first), XSDT, FADT, FACS, empty DSDT,
 * MADT; if it can have PCI functions, MCFG and an SSDT for physical addresses of pci_bits bits
 * (else 0). *used: bytes taken. 0, -ENOSPC (buf too small), -EINVAL (gpa not aligned to 64, or not
 * below 4 GiB).
 */
int acpi_build_guest(void *buf, size_t size, u64 gpa, unsigned int nr_vcpus, unsigned int pci_bits,
		     u64 *rsdp_gpa, size_t *used);

#endif
