/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_ACPI_H
#define KEEL_LIB_ACPI_H

#include <stddef.h>
#include <stdint.h>

/*
 * The ACPI tables of a PVH guest: RSDP, XSDT, FADT, FACS, DSDT, MADT (ACPI 6.4 section 5.2).
 * Writes them to @out, which will be at guest address @base, and returns their size; 0 if @size
 * is too small. The RSDP comes first. @cpus are listed, all of them enabled.
 * @pci_bits: with a PCI hierarchy (MCFG, SSDT) in a space of so many bits, hvm/pvh_layout.h; 0: without.
 */
size_t acpi_build(void *out, size_t size, uint64_t base, unsigned int cpus, unsigned int pci_bits);

#endif
