/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_ACPI_H
#define KEEL_LIB_ACPI_H

#include <stddef.h>
#include <stdint.h>

/*
 * The ACPI tables of a PVH guest, by the hypervisor's own source (arch/x86/acpi/guest_tables.c,
 * which dom0-tools.mk builds with this header). Writes them to @buf, which will be at guest address
 * @gpa; the RSDP comes first. @nr_vcpus are listed, all of them enabled.
 * @pci_bits: with a PCI hierarchy (MCFG, SSDT) in a space of so many bits, hvm/pvh_layout.h; 0:
 * without. *@used: their size. 0, or a negative errno: @size is too small, or @gpa no place for
 * them.
 */
int acpi_build_guest(void *buf, size_t size, uint64_t gpa, unsigned int nr_vcpus,
		     unsigned int pci_bits, uint64_t *rsdp_gpa, size_t *used);

#endif
