/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables that Keel writes for Dom0, in addition to those of the machine that it may see. */
#include "arch/x86/acpi/acpi.h"

#include <public/errno.h>
#include <public/hvm/pvh_layout.h>

struct madt_ioapic { u8 type, len, id, reserved; u32 address, gsi_base; } __packed;
struct madt_override { u8 type, len, bus, source; u32 gsi; u16 flags; } __packed;
struct madt_x2apic { u8 type, len; u16 reserved; u32 apic_id, flags, uid; } __packed;

/*
 * The x2APIC form for all: Dom0 has its local APIC id = 2 * vCPU in both modes. flags 0: there is
 * no 8259.
 */
static struct acpi_table *dom0_madt(struct acpi_build *b, unsigned int nr_vcpus)
{
	struct madt *m = acpi_take(b, sizeof(*m), 16);

	if (!m)
		return NULL;
	m->lapic_address = PVH_LAPIC_BASE;
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
		struct madt_ioapic e = { .type = 1, .len = sizeof(e), .id = acpi.ioapics[i].id,
					 .address = acpi.ioapics[i].address, .gsi_base = acpi.ioapics[i].gsi_base };

		acpi_append(b, &e, sizeof(e));
	}
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		struct madt_x2apic e = { .type = 9, .len = sizeof(e), .apic_id = PVH_APIC_ID(i), .flags = 1,
					 .uid = i };

		acpi_append(b, &e, sizeof(e));
	}
	for (unsigned int i = 0; i < acpi.nr_overrides; i++) {
		struct madt_override e = { .type = 2, .len = sizeof(e), .bus = acpi.overrides[i].bus,
					   .source = acpi.overrides[i].source, .gsi = acpi.overrides[i].gsi,
					   .flags = acpi.overrides[i].flags };

		acpi_append(b, &e, sizeof(e));
	}
	acpi_finish(b, &m->h, "APIC", 5);
	return &m->h;
}

static bool acpi_dom0_may_see(const char *sig)
{
	/*
	 * Tables that Dom0 needs to drive devices. Not those that describe CPUs, memory,
	 * interrupts, IOMMUs or timers, which Keel owns.
	 */
	static const char allowed[][5] = { "FACP", "PSDT", "SSDT", "SBST", "MCFG", "SLIC", "MSDM", "WDAT",
					   "FPDT", "S3PT", "TCPA", "TPM2", "VFCT" };

	if (strncmp(sig, "OEM", 3) == 0)
		return true;
	for (unsigned int i = 0; i < ARRAY_SIZE(allowed); i++)
		if (strncmp(sig, allowed[i], 4) == 0)
			return true;
	return false;
}

int acpi_build_dom0(void *buf, size_t size, u64 gpa, unsigned int nr_vcpus, u64 *rsdp_gpa,
		    size_t *used)
{
	struct acpi_build b = { .buf = buf, .size = size, .gpa = gpa };
	struct acpi_table *madt, *xsdt;
	struct rsdp *rsdp;

	if (!IS_ALIGNED(gpa, 64))
		return -EINVAL;
	rsdp = acpi_take(&b, sizeof(*rsdp), 16);
	madt = dom0_madt(&b, nr_vcpus);
	xsdt = acpi_take(&b, sizeof(*xsdt), 16);
	if (!xsdt)
		return -ENOSPC;
	acpi_append_address(&b, acpi_gpa(&b, madt));
	for (unsigned int i = 0; i < acpi.nr_tables; i++)
		if (acpi_dom0_may_see(acpi.tables[i].sig))
			acpi_append_address(&b, acpi.tables[i].addr);
	acpi_finish(&b, xsdt, "XSDT", 1);
	return acpi_finish_rsdp(&b, rsdp, xsdt, rsdp_gpa, used);
}
