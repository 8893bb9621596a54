/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables that Keel writes itself: Dom0's, and those of guests started at boot. */
#include <public/errno.h>

#include "arch/x86/acpi/acpi.h"
#include <public/hvm/pvh_layout.h>

#include "guest_pci.hex"

#define LAPIC_ADDRESS 0xfee00000u
#define MADT_PCAT_COMPAT BIT(0)
#define OEM_ID "Keel  "
#define OEM_TABLE_ID "KEELPVH "

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

struct madt { struct acpi_table h; u32 lapic_address, flags; } __packed;
struct madt_lapic { u8 type, len, uid, apic_id; u32 flags; } __packed;
struct madt_ioapic { u8 type, len, id, reserved; u32 address, gsi_base; } __packed;
struct madt_override { u8 type, len, bus, source; u32 gsi; u16 flags; } __packed;
struct madt_x2apic { u8 type, len; u16 reserved; u32 apic_id, flags, uid; } __packed;

struct mcfg { struct acpi_table h; u64 reserved, base; u16 segment; u8 first_bus, last_bus; u32 reserved2; } __packed;

struct facs { char sig[4]; u32 len, signature, waking_vector, global_lock, flags; u64 x_waking_vector;
	u8 version, reserved[31]; } __packed;

/* ACPI 6.5, table 5.9, as of revision 5 (268 bytes). */
struct fadt {
	struct acpi_table h;
	u32 facs, dsdt;
	u8 reserved0, pm_profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct acpi_gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
	struct acpi_gas sleep_control, sleep_status;
} __packed;
_Static_assert(sizeof(struct rsdp) == 36, "ACPI 6.5, table 5.3");
_Static_assert(sizeof(struct facs) == 64, "ACPI 6.5, table 5.12");
_Static_assert(sizeof(struct fadt) == 268, "revision 5");
_Static_assert(offsetof(struct fadt, flags) == 112 && offsetof(struct fadt, x_facs) == 132, "ACPI 6.5, table 5.9");

/* What is being built: bytes at buf, seen by the guest at gpa. */
struct build {
	u8 *buf;
	size_t size, used;
	u64 gpa;
	bool full;
};

/* Room for n zeroed bytes, aligned to 16 (to 64 for the FACS); NULL and b->full when there is none. */
static void *take(struct build *b, size_t n, size_t align)
{
	size_t at = ROUND_UP(b->used, align);

	if (b->full || at > b->size || n > b->size - at) {
		b->full = true;
		return NULL;
	}
	memset(b->buf + at, 0, n);
	b->used = at + n;
	return b->buf + at;
}

static u64 gpa_of(const struct build *b, const void *p)
{
	return b->gpa + (u64)((const u8 *)p - b->buf);
}

static u8 checksum(const void *p, size_t len)
{
	const u8 *bytes = p;
	u8 sum = 0;

	while (len--)
		sum += *bytes++;
	return (u8)-sum;
}

/* Fills the header of a table that takes the buffer from t to its present end, and its checksum. */
static void finish(struct build *b, struct acpi_table *t, const char *sig, u8 revision)
{
	if (b->full)
		return;
	memcpy(t->sig, sig, 4);
	t->len = (u32)(b->buf + b->used - (u8 *)t);
	t->revision = revision;
	memcpy(t->oem_id, OEM_ID, sizeof(t->oem_id));
	memcpy(t->oem_table_id, OEM_TABLE_ID, sizeof(t->oem_table_id));
	t->oem_revision = 1;
	memcpy(t->creator, "KEEL", 4);
	t->creator_revision = 1;
	t->checksum = 0;
	t->checksum = checksum(t, t->len);
}

/* An entry right behind what was taken last. */
static void append(struct build *b, const void *entry, size_t len)
{
	void *p = take(b, len, 1);

	if (p)
		memcpy(p, entry, len);
}

static void append_address(struct build *b, u64 addr)
{
	append(b, &addr, sizeof(addr));
}

static int finish_rsdp(struct build *b, struct rsdp *r, const struct acpi_table *xsdt, u64 *rsdp_gpa, size_t *used)
{
	if (b->full)
		return -ENOSPC;
	memcpy(r->sig, "RSD PTR ", sizeof(r->sig));
	memcpy(r->oem_id, OEM_ID, sizeof(r->oem_id));
	r->revision = 2;
	r->len = sizeof(*r);
	r->xsdt = gpa_of(b, xsdt);
	r->checksum = checksum(r, 20);
	r->ext_checksum = checksum(r, sizeof(*r));
	*rsdp_gpa = gpa_of(b, r);
	*used = b->used;
	return 0;
}

/* The x2APIC form for all: Dom0 has its local APIC id = 2 * vCPU in both modes. flags 0: there is no 8259. */
static struct acpi_table *dom0_madt(struct build *b, unsigned int nr_vcpus)
{
	struct madt *m = take(b, sizeof(*m), 16);

	if (!m)
		return NULL;
	m->lapic_address = LAPIC_ADDRESS;
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
		struct madt_ioapic e = { .type = 1, .len = sizeof(e), .id = acpi.ioapics[i].id,
					 .address = acpi.ioapics[i].address, .gsi_base = acpi.ioapics[i].gsi_base };

		append(b, &e, sizeof(e));
	}
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		struct madt_x2apic e = { .type = 9, .len = sizeof(e), .apic_id = i * 2, .flags = 1, .uid = i };

		append(b, &e, sizeof(e));
	}
	for (unsigned int i = 0; i < acpi.nr_overrides; i++) {
		struct madt_override e = { .type = 2, .len = sizeof(e), .bus = acpi.overrides[i].bus,
					   .source = acpi.overrides[i].source, .gsi = acpi.overrides[i].gsi,
					   .flags = acpi.overrides[i].flags };

		append(b, &e, sizeof(e));
	}
	finish(b, &m->h, "APIC", 5);
	return &m->h;
}

static bool acpi_dom0_may_see(const char *sig)
{
	/* What Dom0 needs to run devices. Not: who counts CPUs, memory, interrupts, IOMMUs or timers (Keel owns them). */
	static const char allowed[][5] = { "FACP", "PSDT", "SSDT", "SBST", "MCFG", "SLIC", "MSDM", "WDAT",
					   "FPDT", "S3PT", "TCPA", "TPM2", "VFCT" };

	if (strncmp(sig, "OEM", 3) == 0)
		return true;
	for (unsigned int i = 0; i < ARRAY_SIZE(allowed); i++)
		if (strncmp(sig, allowed[i], 4) == 0)
			return true;
	return false;
}

int acpi_build_dom0(void *buf, size_t size, u64 gpa, unsigned int nr_vcpus, u64 *rsdp_gpa, size_t *used)
{
	struct build b = { .buf = buf, .size = size, .gpa = gpa };
	struct acpi_table *madt, *xsdt;
	struct rsdp *rsdp;

	if (!IS_ALIGNED(gpa, 64))
		return -EINVAL;
	rsdp = take(&b, sizeof(*rsdp), 16);
	madt = dom0_madt(&b, nr_vcpus);
	xsdt = take(&b, sizeof(*xsdt), 16);
	if (!xsdt)
		return -ENOSPC;
	append_address(&b, gpa_of(&b, madt));
	for (unsigned int i = 0; i < acpi.nr_tables; i++)
		if (acpi_dom0_may_see(acpi.tables[i].sig))
			append_address(&b, acpi.tables[i].addr);
	finish(&b, xsdt, "XSDT", 1);
	return finish_rsdp(&b, rsdp, xsdt, rsdp_gpa, used);
}

/* As xl's guests have it: with PCAT_COMPAT, without IO-APIC. Ids stay below 255 (MAX_VCPUS is 128). */
static struct acpi_table *guest_madt(struct build *b, unsigned int nr_vcpus)
{
	struct madt *m = take(b, sizeof(*m), 16);

	if (!m)
		return NULL;
	m->lapic_address = LAPIC_ADDRESS;
	m->flags = MADT_PCAT_COMPAT;
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		struct madt_lapic e = { .type = 0, .len = sizeof(e), .uid = (u8)i, .apic_id = (u8)(i * 2), .flags = 1 };

		append(b, &e, sizeof(e));
	}
	finish(b, &m->h, "APIC", 2);
	return &m->h;
}

static struct acpi_gas io_register(u64 port, u8 bits)
{
	return (struct acpi_gas){ .space = 1, .bits = bits, .access = bits == 8 ? 1 : 2, .address = port };
}

static struct acpi_table *guest_fadt(struct build *b, u64 facs, u64 dsdt)
{
	struct fadt *f = take(b, sizeof(*f), 16);

	if (!f)
		return NULL;
	f->facs = (u32)facs;
	f->dsdt = (u32)dsdt;
	f->x_facs = facs;
	f->x_dsdt = dsdt;
	f->sci_int = 9;
	f->pm1a_evt = 0xb000;
	f->pm1a_cnt = 0xb004;
	f->gpe0 = 0xafe0;
	f->pm1_evt_len = 4;
	f->pm1_cnt_len = 2;
	f->gpe0_len = 4;
	f->x_pm1a_evt = io_register(f->pm1a_evt, 32);
	f->x_pm1a_cnt = io_register(f->pm1a_cnt, 16);
	f->x_gpe0 = io_register(f->gpe0, 32);
	f->c2_latency = 0xfff;	/* more than 100 and 1000: no C2, no C3 */
	f->c3_latency = 0xfff;
	f->boot_arch = BIT(2) | BIT(5);	/* no VGA, no CMOS clock */
	/* WBINVD, C1, power and sleep button not fixed, RTC not fixed, timer value 32 bit, platform clock */
	f->flags = BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(15);
	finish(b, &f->h, "FACP", 5);
	return &f->h;
}

static struct acpi_table *guest_mcfg(struct build *b)
{
	struct mcfg *m = take(b, sizeof(*m), 16);

	if (!m)
		return NULL;
	m->base = PVH_PCI_ECAM_BASE;
	m->last_bus = PVH_PCI_BUSES - 1;
	finish(b, &m->h, "MCFG", 1);
	return &m->h;
}

/* The host bridge. guest_pci.asl has patterns of one byte, eight times, where the window's numbers belong. */
static struct acpi_table *guest_ssdt(struct build *b, unsigned int bits)
{
	static const u64 pattern[] = { 0x1111111111111112, 0x1111111111111111, 0x2222222222222222 };
	u64 value[] = { PVH_PCI_WINDOW_SIZE(bits), PVH_PCI_WINDOW_BASE(bits),
			PVH_PCI_WINDOW_BASE(bits) + PVH_PCI_WINDOW_SIZE(bits) - 1 };
	size_t len = sizeof(guest_pci_aml_code);
	u8 *t = take(b, len, 16);

	if (!t)
		return NULL;
	memcpy(t, guest_pci_aml_code, len);
	for (unsigned int i = 0; i < ARRAY_SIZE(pattern); i++)
		for (size_t at = 0; at + sizeof(u64) <= len; at++)
			if (!memcmp(t + at, &pattern[i], sizeof(u64)))
				memcpy(t + at, &value[i], sizeof(u64));
	finish(b, (struct acpi_table *)t, "SSDT", 2);
	return (struct acpi_table *)t;
}

int acpi_build_guest(void *buf, size_t size, u64 gpa, unsigned int nr_vcpus, unsigned int pci_bits, u64 *rsdp_gpa,
		     size_t *used)
{
	struct build b = { .buf = buf, .size = size, .gpa = gpa };
	struct acpi_table *dsdt, *fadt, *madt, *xsdt, *mcfg = NULL, *ssdt = NULL;
	struct rsdp *rsdp;
	struct facs *facs;

	/* The FADT's old fields for FACS and DSDT have 32 bits. */
	if (!IS_ALIGNED(gpa, 64) || gpa + size > GiB(4))
		return -EINVAL;
	rsdp = take(&b, sizeof(*rsdp), 16);
	facs = take(&b, sizeof(*facs), 64);
	dsdt = take(&b, sizeof(*dsdt), 16);
	if (!dsdt)
		return -ENOSPC;
	memcpy(facs->sig, "FACS", 4);
	facs->len = sizeof(*facs);
	facs->version = 1;
	finish(&b, dsdt, "DSDT", 2);
	fadt = guest_fadt(&b, gpa_of(&b, facs), gpa_of(&b, dsdt));
	madt = guest_madt(&b, nr_vcpus);
	if (pci_bits) {
		mcfg = guest_mcfg(&b);
		ssdt = guest_ssdt(&b, pci_bits);
	}
	xsdt = take(&b, sizeof(*xsdt), 16);
	if (!xsdt)
		return -ENOSPC;
	append_address(&b, gpa_of(&b, fadt));
	append_address(&b, gpa_of(&b, madt));
	if (pci_bits) {
		append_address(&b, gpa_of(&b, mcfg));
		append_address(&b, gpa_of(&b, ssdt));
	}
	finish(&b, xsdt, "XSDT", 1);
	return finish_rsdp(&b, rsdp, xsdt, rsdp_gpa, used);
}
