/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables of guests that have none of the machine's: of those that Keel starts at boot, and,
 * built into the tools, of theirs. The values are libxl's for PVH. There is no \_S5 object: a guest
 * powers off by halting every CPU with interrupts off.
 */
#include "arch/x86/acpi/tables.h"

#include <public/errno.h>
#include <public/hvm/pvh_layout.h>

#include "guest_pci.hex"

#define MADT_PCAT_COMPAT BIT(0)
#define OEM_ID "Keel  "
#define OEM_TABLE_ID "KEELPVH "

struct madt_lapic { u8 type, len, uid, apic_id; u32 flags; } __packed;

struct mcfg { struct acpi_table h; u64 reserved, base; u16 segment; u8 first_bus, last_bus;
	      u32 reserved2; } __packed;

struct facs { char sig[4]; u32 len, signature, waking_vector, global_lock, flags;
	      u64 x_waking_vector;
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
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr, x_gpe0,
		x_gpe1;
	struct acpi_gas sleep_control, sleep_status;
} __packed;
_Static_assert(sizeof(struct rsdp) == 36, "ACPI 6.5, table 5.3");
_Static_assert(sizeof(struct facs) == 64, "ACPI 6.5, table 5.12");
_Static_assert(sizeof(struct fadt) == 268, "revision 5");
_Static_assert(offsetof(struct fadt, flags) == 112 && offsetof(struct fadt, x_facs) == 132,
	       "ACPI 6.5, table 5.9");

void *acpi_take(struct acpi_build *b, size_t n, size_t align)
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

u64 acpi_gpa(const struct acpi_build *b, const void *p)
{
	return b->gpa + (u64)((const u8 *)p - b->buf);
}

void acpi_finish(struct acpi_build *b, struct acpi_table *t, const char *sig, u8 revision)
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
	t->checksum = (u8)-acpi_sum(t, t->len);
}

void acpi_append(struct acpi_build *b, const void *entry, size_t len)
{
	void *p = acpi_take(b, len, 1);

	if (p)
		memcpy(p, entry, len);
}

void acpi_append_address(struct acpi_build *b, u64 addr)
{
	acpi_append(b, &addr, sizeof(addr));
}

int acpi_finish_rsdp(struct acpi_build *b, struct rsdp *r, const struct acpi_table *xsdt,
		     u64 *rsdp_gpa, size_t *used)
{
	if (b->full)
		return -ENOSPC;
	memcpy(r->sig, "RSD PTR ", sizeof(r->sig));
	memcpy(r->oem_id, OEM_ID, sizeof(r->oem_id));
	r->revision = 2;
	r->len = sizeof(*r);
	r->xsdt = acpi_gpa(b, xsdt);
	r->checksum = (u8)-acpi_sum(r, 20);
	r->ext_checksum = (u8)-acpi_sum(r, sizeof(*r));
	*rsdp_gpa = acpi_gpa(b, r);
	*used = b->used;
	return 0;
}

/* As xl's guests have it: with PCAT_COMPAT, without IO-APIC. */
static struct acpi_table *guest_madt(struct acpi_build *b, unsigned int nr_vcpus)
{
	struct madt *m = acpi_take(b, sizeof(*m), 16);

	if (!m)
		return NULL;
	m->lapic_address = PVH_LAPIC_BASE;
	m->flags = MADT_PCAT_COMPAT;
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		struct madt_lapic e = { .type = 0, .len = sizeof(e), .uid = (u8)i, .apic_id = (u8)PVH_APIC_ID(i),
					.flags = 1 };

		acpi_append(b, &e, sizeof(e));
	}
	acpi_finish(b, &m->h, "APIC", 2);
	return &m->h;
}

static struct acpi_gas io_register(u64 port, u8 bits)
{
	return (struct acpi_gas){ .space = 1, .bits = bits, .access = bits == 8 ? 1 : 2, .address = port };
}

static struct acpi_table *guest_fadt(struct acpi_build *b, u64 facs, u64 dsdt)
{
	struct fadt *f = acpi_take(b, sizeof(*f), 16);

	if (!f)
		return NULL;
	*f = (struct fadt){
		.facs = (u32)facs, .dsdt = (u32)dsdt, .x_facs = facs, .x_dsdt = dsdt, .sci_int = 9,
		.pm1a_evt = 0xb000, .pm1a_cnt = 0xb004, .gpe0 = 0xafe0,
		.pm1_evt_len = 4, .pm1_cnt_len = 2, .gpe0_len = 4, .x_pm1a_evt = io_register(0xb000, 32),
		.x_pm1a_cnt = io_register(0xb004, 16), .x_gpe0 = io_register(0xafe0, 32),
		.c2_latency = 0xfff, .c3_latency = 0xfff,	/* more than 100 and 1000: no C2, no C3 */
		.boot_arch = BIT(2) | BIT(5),			/* no VGA, no CMOS clock */
		/* WBINVD, C1, power and sleep button not fixed, RTC not fixed, 32-bit timer, platform clock */
		.flags = BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(15),
	};
	acpi_finish(b, &f->h, "FACP", 5);
	return &f->h;
}

static struct acpi_table *guest_mcfg(struct acpi_build *b)
{
	struct mcfg *m = acpi_take(b, sizeof(*m), 16);

	if (!m)
		return NULL;
	m->base = PVH_PCI_ECAM_BASE;
	m->last_bus = PVH_PCI_BUSES - 1;
	acpi_finish(b, &m->h, "MCFG", 1);
	return &m->h;
}

/*
 * The host bridge. guest_pci.asl has patterns of one byte, eight times, where the window's numbers
 * belong.
 */
static struct acpi_table *guest_ssdt(struct acpi_build *b, unsigned int bits)
{
	static const u64 pattern[] = { 0x1111111111111112, 0x1111111111111111, 0x2222222222222222 };
	u64 value[] = { PVH_PCI_WINDOW_SIZE(bits), PVH_PCI_WINDOW_BASE(bits),
			PVH_PCI_WINDOW_BASE(bits) + PVH_PCI_WINDOW_SIZE(bits) - 1 };
	size_t len = sizeof(guest_pci_aml_code);
	u8 *t = acpi_take(b, len, 16);

	if (!t)
		return NULL;
	memcpy(t, guest_pci_aml_code, len);
	for (unsigned int i = 0; i < ARRAY_SIZE(pattern); i++)
		for (size_t at = 0; at + sizeof(u64) <= len; at++)
			if (!memcmp(t + at, &pattern[i], sizeof(u64)))
				memcpy(t + at, &value[i], sizeof(u64));
	acpi_finish(b, (struct acpi_table *)t, "SSDT", 2);
	return (struct acpi_table *)t;
}

int acpi_build_guest(void *buf, size_t size, u64 gpa, unsigned int nr_vcpus, unsigned int pci_bits,
		     u64 *rsdp_gpa, size_t *used)
{
	struct acpi_build b = { .buf = buf, .size = size, .gpa = gpa };
	struct acpi_table *dsdt, *fadt, *madt, *xsdt, *mcfg = NULL, *ssdt = NULL;
	struct rsdp *rsdp;
	struct facs *facs;

	/* The FADT's old fields for FACS and DSDT have 32 bits. */
	if (!IS_ALIGNED(gpa, 64) || gpa + size > GiB(4))
		return -EINVAL;
	rsdp = acpi_take(&b, sizeof(*rsdp), 16);
	facs = acpi_take(&b, sizeof(*facs), 64);
	dsdt = acpi_take(&b, sizeof(*dsdt), 16);
	if (!dsdt)
		return -ENOSPC;
	memcpy(facs->sig, "FACS", 4);
	facs->len = sizeof(*facs);
	facs->version = 1;
	acpi_finish(&b, dsdt, "DSDT", 2);
	fadt = guest_fadt(&b, acpi_gpa(&b, facs), acpi_gpa(&b, dsdt));
	madt = guest_madt(&b, nr_vcpus);
	if (pci_bits) {
		mcfg = guest_mcfg(&b);
		ssdt = guest_ssdt(&b, pci_bits);
	}
	xsdt = acpi_take(&b, sizeof(*xsdt), 16);
	if (!xsdt)
		return -ENOSPC;
	acpi_append_address(&b, acpi_gpa(&b, fadt));
	acpi_append_address(&b, acpi_gpa(&b, madt));
	if (pci_bits) {
		acpi_append_address(&b, acpi_gpa(&b, mcfg));
		acpi_append_address(&b, acpi_gpa(&b, ssdt));
	}
	acpi_finish(&b, xsdt, "XSDT", 1);
	return acpi_finish_rsdp(&b, rsdp, xsdt, rsdp_gpa, used);
}
