/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/acpi/acpi.c arch/x86/acpi/parse.c arch/x86/acpi/dom0_tables.c
 * arch/x86/acpi/guest_tables.c
 */
/*
 * ACPI: the input is the memory at F0000, where an RSDP is found by its name alone; of tables that
 * have an odd length the checksums are right. The parsers also read the input by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/acpi/acpi.h"
#include "test/unit/fake/fake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define BASE 0xf0000u
#define MAX_INPUT 4096

static u8 *memory;
static size_t memory_len;
static void *copies[512];
static unsigned int nr_copies;

static void fix_checksum(u8 *p, size_t len, size_t at)
{
	u8 sum = 0;

	p[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += p[i];
	p[at] = (u8)-sum;
}

const void *map_firmware(paddr_t pa, size_t len)
{
	u8 *copy;

	if (pa < BASE || pa - BASE > memory_len || len > memory_len - (pa - BASE) || nr_copies == 512)
		return NULL;
	copy = malloc(len ? len : 1);
	memcpy(copy, memory + (pa - BASE), len);
	copies[nr_copies++] = copy;
	if (len >= 36 && ((struct acpi_table *)copy)->len == len && len % 2)
		fix_checksum(copy, len, 9);
	return copy;
}

static void check(void)
{
	if (acpi.has_s5 && (acpi.s5_typ_a > 7 || acpi.s5_typ_b > 7))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 out[16384];
	size_t used;
	u64 rsdp;
	u8 a, b;

	if (size > MAX_INPUT)
		return 0;
	memset(&acpi, 0, sizeof(acpi));
	memory = malloc(size ? size : 1);
	memory_len = size;
	memcpy(memory, data, size);
	acpi_init(BASE);
	check();
	if (acpi_build_dom0(out, sizeof(out), 0x1000, 4, &rsdp, &used) == 0 && used > sizeof(out))
		abort();
	acpi_parse_madt(memory, size, &acpi);
	acpi_parse_fadt(memory, size, &acpi);
	acpi_parse_mcfg(memory, size, &acpi);
	acpi_parse_hpet(memory, size, &acpi);
	acpi_parse_spcr(memory, size, &acpi);
	acpi_parse_dmar_flags(memory, size, &acpi);
	acpi_table_fits(memory, size);
	if (acpi.madt_bad >= (size ? size : 1))
		abort();
	acpi_find_s5(memory, size, &a, &b);
	acpi_scan_rsdp(memory, size, BASE);
	check();
	fake_free_arrays();
	free(memory);
	while (nr_copies)
		free(copies[--nr_copies]);
	return 0;
}
