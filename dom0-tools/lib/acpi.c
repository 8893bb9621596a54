/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The values are those of libxl's tables for PVH. There is no \_S5 object: a guest powers off by halting every
 * CPU with interrupts off, which is how the hypervisor learns of it.
 */
#include "lib/acpi.h"

#include <stdbool.h>
#include <string.h>

#include <public/hvm/pvh_layout.h>

#include "guest_pci.hex"

struct __attribute__((packed)) acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
};

struct __attribute__((packed)) rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
};

struct __attribute__((packed)) xsdt {
	struct acpi_header h;
	uint64_t entry[4];
};

struct __attribute__((packed)) address {
	uint8_t space, width, offset, access;
	uint64_t address;
};

/* ACPI 6.4 table 5.9, as long as revision 5 has it. */
struct __attribute__((packed)) fadt {
	struct acpi_header h;
	uint32_t facs, dsdt;
	uint8_t reserved1, profile;
	uint16_t sci;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base;
	uint8_t cst_cnt;
	uint16_t lvl2_lat, lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct address reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct address x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr;
	struct address x_gpe0, x_gpe1, sleep_control, sleep_status;
};

_Static_assert(sizeof(struct fadt) == 268, "FADT revision 5");

struct __attribute__((packed)) facs {
	char signature[4];
	uint32_t length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t x_waking_vector;
	uint8_t version, reserved[31];
};

_Static_assert(sizeof(struct facs) == 64, "FACS");

struct __attribute__((packed)) madt {
	struct acpi_header h;
	uint32_t lapic, flags;
};

struct __attribute__((packed)) madt_lapic {
	uint8_t type, length, uid, apic_id;
	uint32_t flags;
};

#define FADT_WBINVD		(1 << 0)
#define FADT_PROC_C1		(1 << 2)
#define FADT_PWR_BUTTON		(1 << 4)
#define FADT_SLP_BUTTON		(1 << 5)
#define FADT_FIX_RTC		(1 << 6)
#define FADT_TMR_VAL_EXT	(1 << 8)
#define FADT_USE_PLATFORM_CLOCK	(1 << 15)
#define MADT_ENABLED		(1 << 0)
#define BOOT_ARCH_NO_VGA	(1 << 2)
#define BOOT_ARCH_NO_CMOS_RTC	(1 << 5)

struct writer {
	unsigned char *out;
	size_t size, used;
	uint64_t base;
};

static void *take(struct writer *w, size_t size, size_t align, uint64_t *address)
{
	size_t at = (w->used + align - 1) & ~(align - 1);

	if (at > w->size || size > w->size - at)
		return NULL;
	w->used = at + size;
	*address = w->base + at;
	return memset(w->out + at, 0, size);
}

static uint8_t complement(const void *p, size_t size)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (size--)
		sum += *b++;
	return -sum;
}

static void finish(struct acpi_header *h, const char *signature, uint8_t revision, size_t size)
{
	memcpy(h->signature, signature, 4);
	h->length = size;
	h->revision = revision;
	memcpy(h->oem_id, "KEEL  ", 6);
	memcpy(h->oem_table_id, "KEELPVH ", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "KEEL", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = complement(h, size);
}

static struct address io_port(uint32_t port, uint8_t bytes)
{
	return (struct address){ .space = 1, .width = bytes * 8, .address = port };
}

static bool build_fadt(struct writer *w, uint64_t *where)
{
	uint64_t facs_at = 0, dsdt_at = 0;
	struct facs *facs = take(w, sizeof(*facs), 64, &facs_at);
	struct acpi_header *dsdt = take(w, sizeof(*dsdt), 16, &dsdt_at);
	struct fadt *f = take(w, sizeof(*f), 16, where);

	if (!facs || !dsdt || !f)
		return false;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	finish(dsdt, "DSDT", 2, sizeof(*dsdt));

	f->facs = f->x_facs = facs_at;
	f->dsdt = f->x_dsdt = dsdt_at;
	f->sci = 9;
	f->pm1a_evt = 0xb000;
	f->pm1_evt_len = 4;
	f->pm1a_cnt = 0xb004;
	f->pm1_cnt_len = 2;
	f->gpe0 = 0xafe0;
	f->gpe0_len = 4;
	f->lvl2_lat = f->lvl3_lat = 0xffff;	/* no C2, no C3 */
	f->boot_arch = BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_CMOS_RTC;
	f->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_FIX_RTC |
		FADT_TMR_VAL_EXT | FADT_USE_PLATFORM_CLOCK;
	f->reset_reg = io_port(0xcf9, 1);
	f->reset_value = 6;
	f->x_pm1a_evt = io_port(f->pm1a_evt, 4);
	f->x_pm1a_cnt = io_port(f->pm1a_cnt, 2);
	f->x_gpe0 = io_port(f->gpe0, 4);
	finish(&f->h, "FACP", 5, sizeof(*f));
	return true;
}

/*
 * APIC ids are twice the vCPU's number, as the hypervisor gives them out. All are enabled: Linux
 * keeps no APIC id of a CPU that is not, and could not start it later.
 */
static bool build_madt(struct writer *w, unsigned int cpus, uint64_t *where)
{
	size_t size = sizeof(struct madt) + cpus * sizeof(struct madt_lapic);
	struct madt *m = take(w, size, 16, where);
	struct madt_lapic *l = (struct madt_lapic *)(m + 1);

	if (!m || cpus > 128)
		return false;
	m->lapic = 0xfee00000;
	for (unsigned int i = 0; i < cpus; i++)
		l[i] = (struct madt_lapic){ 0, sizeof(*l), i, i * 2, MADT_ENABLED };
	finish(&m->h, "APIC", 3, size);
	return true;
}

struct __attribute__((packed)) mcfg {
	struct acpi_header h;
	uint64_t reserved, base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
};

static bool build_mcfg(struct writer *w, uint64_t *where)
{
	struct mcfg *m = take(w, sizeof(*m), 16, where);

	if (!m)
		return false;
	m->base = PVH_PCI_ECAM_BASE;
	m->last_bus = PVH_PCI_BUSES - 1;
	finish(&m->h, "MCFG", 1, sizeof(*m));
	return true;
}

/* Puts a number into the place that a byte, eight times, marks. */
static void put(unsigned char *table, size_t size, unsigned char first, unsigned char mark, uint64_t value)
{
	unsigned char pattern[8];

	memset(pattern, mark, sizeof(pattern));
	pattern[0] = first;
	memcpy(memmem(table, size, pattern, sizeof(pattern)), &value, sizeof(value));
}

static bool build_ssdt(struct writer *w, unsigned int bits, uint64_t *where)
{
	size_t size = sizeof(guest_pci_aml_code);
	unsigned char *t = take(w, size, 16, where);
	struct acpi_header *h = (struct acpi_header *)t;

	if (!t)
		return false;
	memcpy(t, guest_pci_aml_code, size);
	put(t, size, 0x12, 0x11, PVH_PCI_WINDOW_SIZE(bits));
	put(t, size, 0x11, 0x11, PVH_PCI_WINDOW_BASE(bits));
	put(t, size, 0x22, 0x22, PVH_PCI_WINDOW_BASE(bits) + PVH_PCI_WINDOW_SIZE(bits) - 1);
	finish(h, "SSDT", 2, size);
	return true;
}

size_t acpi_build(void *out, size_t size, uint64_t base, unsigned int cpus, unsigned int pci_bits)
{
	struct writer w = { out, size, 0, base };
	uint64_t rsdp_at, xsdt_at, entry[4];
	unsigned int n = 2;
	struct rsdp *r = take(&w, sizeof(*r), 16, &rsdp_at);
	struct xsdt *x = take(&w, sizeof(*x), 16, &xsdt_at);

	if (!r || !x || !build_fadt(&w, &entry[0]) || !build_madt(&w, cpus, &entry[1]))
		return 0;
	if (pci_bits) {
		if (!build_mcfg(&w, &entry[2]) || !build_ssdt(&w, pci_bits, &entry[3]))
			return 0;
		n = 4;
	}
	memcpy(x->entry, entry, n * sizeof(entry[0]));
	finish(&x->h, "XSDT", 1, sizeof(x->h) + n * sizeof(entry[0]));
	memcpy(r->signature, "RSD PTR ", 8);
	memcpy(r->oem_id, "KEEL  ", 6);
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt = xsdt_at;
	r->checksum = complement(r, 20);	/* the part that revision 0 knew */
	r->extended_checksum = complement(r, sizeof(*r));
	return w.used;
}
