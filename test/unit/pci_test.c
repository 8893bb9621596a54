/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/pci/vpci.c arch/x86/pci/vpci_dev.c arch/x86/pci/vpci_msi.c
 *	arch/x86/pci/vpci_msix.c arch/x86/hvm/vlapic.c arch/x86/hvm/vlapic_regs.c
 *	arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c
 */
#include "test/unit/x86.h"

#include <public/physdev.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/irq/irq.c" /* its tables start anew with each test */
#include "arch/x86/pci/vpci_internal.h"
#include "common/pci.h"

#define MMCFG 0xe0000000ull

void hvm_vcpu_init(struct vcpu *v) { }
void hvm_vcpu_sipi(struct vcpu *v, u8 vector) { }
void hvm_inject_nmi(struct vcpu *v) { }
void vioapic_eoi(struct domain *d, u8 vector) { }
void ioapic_mask(u32 gsi, bool mask) { }
void lapic_eoi(void) { }
u32 lapic_read(unsigned int reg) { return 0; }
void lapic_write(unsigned int reg, u32 val) { }

bool vioapic_is_page(struct domain *d, gfn_t gfn)
{
	return gfn == 0xfec00;
}

struct acpi_info acpi;

/* --- The machine: functions with their registers, and 1 MiB of device memory (frames that are nobody's) --- */

struct function {
	u32 sbdf;
	bool present;
	u8 reg[4096], writable[4096];
};

#define NVME	PCI_SBDF(0, 0, 3 << 3)	/* MSI with 4 vectors, 64-bit; MSI-X with 8 entries in BAR 0 */
#define BRIDGE	PCI_SBDF(0, 0, 4 << 3)
#define LEAF	PCI_SBDF(0, 1, 2 << 3 | 1) /* behind it, where a test wants it; so is INNER, with DEEP behind it */
#define INNER	PCI_SBDF(0, 1, 3 << 3)
#define DEEP	PCI_SBDF(0, 6, 5 << 3)
#define NIC	PCI_SBDF(0, 1, 0)	/* behind it: 32-bit MSI with mask bits */
#define PF	PCI_SBDF(0, 2, 0)	/* SR-IOV, 16 KiB for each virtual function */
#define VF(n)	(PF + 1 + (n))		/* MSI-X with 2 entries */
#define PLAIN	PCI_SBDF(0, 0, 0x1f << 3 | 1) /* no capabilities; function 1 of a multi-function device */

static struct function functions[16];
static u8 device_memory[MiB(1)] __aligned(PAGE_SIZE);
static unsigned int mappings;

static struct function *function(u32 sbdf)
{
	for (unsigned int i = 0; i < ARRAY_LEN(functions); i++)
		if (functions[i].present && functions[i].sbdf == sbdf)
			return &functions[i];
	return NULL;
}

u32 pci_conf_read(u32 sbdf, unsigned int reg, unsigned int size)
{
	struct function *f = function(sbdf);
	u32 val = ~0u;

	assert_true(IS_ALIGNED(reg, size) && reg + size <= 4096);
	if (f)
		memcpy(&val, f->reg + reg, size);
	return size == 4 ? val : val & ((1u << size * 8) - 1);
}

void pci_conf_write(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	struct function *f = function(sbdf);

	assert_true(IS_ALIGNED(reg, size) && reg + size <= 4096);
	for (unsigned int i = 0; f && i < size; i++, val >>= 8)
		f->reg[reg + i] = (f->reg[reg + i] & ~f->writable[reg + i]) | ((u8)val & f->writable[reg + i]);
}

void *map_mmio(paddr_t pa, size_t len)
{
	assert_true(pa < sizeof(device_memory) && len <= sizeof(device_memory) - pa);
	mappings++;
	return device_memory + pa;
}

static void set(struct function *f, unsigned int reg, unsigned int size, u32 val, u32 writable)
{
	memcpy(f->reg + reg, &val, size);
	memcpy(f->writable + reg, &writable, size);
}

static struct function *new_function(u32 sbdf, u32 id, u8 type)
{
	struct function *f = functions;

	while (f->present)
		f++;
	f->sbdf = sbdf;
	f->present = true;
	set(f, PCI_VENDOR_ID, 4, id, 0);
	set(f, PCI_COMMAND, 2, 0, 0x547);
	set(f, PCI_HEADER_TYPE, 1, type, 0);
	set(f, 0x3c, 1, 0, 0xff);
	return f;
}

static void capabilities(struct function *f, u8 first)
{
	set(f, PCI_STATUS, 2, PCI_STATUS_CAPS, 0);
	set(f, PCI_CAPABILITIES, 1, first, 0);
}

static void new_nvme(void)
{
	struct function *f = new_function(NVME, 0x00101b36, 0);

	capabilities(f, 0x40);
	set(f, PCI_BAR(0), 4, 0x20004, 0xffffc000); /* 64-bit, 16 KiB at 0x20000 */
	set(f, PCI_BAR(1), 4, 0, 0xffffffff);
	set(f, 0x40, 2, 0x5011, 0);
	set(f, 0x42, 2, 7 | MSIX_CTRL_ENABLE, 0xc000); /* left on by firmware */
	set(f, 0x44, 4, 0x2000, 0);
	set(f, 0x48, 4, 0x3000, 0);
	set(f, 0x50, 2, 0x0005, 0);
	set(f, 0x52, 2, MSI_CTRL_64 | 2 << 1 | MSI_CTRL_ENABLE, 0x71);
	set(f, 0x54, 4, 0, 0xfffffffc);
	set(f, 0x58, 4, 0, 0xffffffff);
	set(f, 0x5c, 2, 0, 0xffff);
}

static void new_nic(void)
{
	struct function *f = new_function(NIC, 0x10d38086, 0);

	capabilities(f, 0xd0);
	set(f, 0xd0, 2, 0x0005, 0);
	set(f, 0xd2, 2, BIT(8), 0x71);
	set(f, 0xd4, 4, 0, 0xfffffffc);
	set(f, 0xd8, 2, 0, 0xffff);
	set(f, 0xdc, 4, 0, 1); /* mask bits */
}

static void new_bridge(void)
{
	struct function *f = new_function(BRIDGE, 0x000c1b36, 1);

	set(f, PCI_PRIMARY_BUS, 4, 0x00010100, 0x00ffffff);
}

static void new_pf(void)
{
	struct function *f = new_function(PF, 0x10ed8086, 0);

	set(f, 0x100, 4, 0x14010001, 0); /* AER, then SR-IOV at 0x140 */
	set(f, 0x140, 4, 0x00010010, 0);
	set(f, 0x148, 2, 0, 0x0009);
	set(f, 0x154, 2, 1, 0);
	set(f, 0x156, 2, 1, 0);
	set(f, 0x164, 4, 0x40004, 0xffffc000);
	set(f, 0x168, 4, 0, 0xffffffff);
	for (unsigned int i = 0; i < 2; i++) {
		f = new_function(VF(i), 0xffffffff, 0);
		capabilities(f, 0x70);
		set(f, PCI_COMMAND, 2, 0, 4); /* no memory bit in virtual functions */
		set(f, 0x70, 2, 0x0011, 0);
		set(f, 0x72, 2, 1, 0xc000);
		set(f, 0x74, 4, 0x3000, 0);
	}
}

/* --- The guest --- */

static struct x86_domain *x;
static struct vcpu *v0;

static int setup(void **state)
{
	fake_reset();
	memset(tables, 0, sizeof(tables));
	memset(functions, 0, sizeof(functions));
	memset(device_memory, 0, sizeof(device_memory));
	mappings = 0;
	acpi = (struct acpi_info){ .nr_mcfg = 1, .mcfg[0] = { .base = MMCFG, .end_bus = 7 } };
	new_nvme();
	new_bridge();
	new_nic();
	new_pf();
	new_function(PLAIN - 1, 0x29188086, 0x80);
	new_function(PLAIN, 0x29228086, 0x80);
	x = x86_domain_new(0, 4);
	v0 = x->d.vcpu[0];
	for (unsigned int i = 0; i < 4; i++) {
		vlapic_init(x->d.vcpu[i]);
		apic(x, i)->svr = 0x1ff;
	}
	assert_int_equal(vpci_init(&x->d), 0);
	return 0;
}

static int teardown(void **state)
{
	vpci_free(&x->d);
	fake_rcu_run();
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(!tables[i] || tables[i]->used == 0); /* no vector is lost */
	fake_check_quiet();
	x86_free(x);
	return 0;
}

static u64 ecam(u32 sbdf, unsigned int reg)
{
	return MMCFG + ((u64)(sbdf & 0xffff) << 12) + reg;
}

static u32 get(u32 sbdf, unsigned int reg, unsigned int size)
{
	u64 val = 0;

	assert_true(vpci_mmcfg_mmio.match(v0, ecam(sbdf, reg)));
	vpci_mmcfg_mmio.read(v0, ecam(sbdf, reg), size, &val);
	return (u32)val;
}

static void put(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	vpci_mmcfg_mmio.write(v0, ecam(sbdf, reg), size, val);
}

static bool pending(unsigned int vcpu, u8 vector)
{
	return test_and_clear_bit(vector, apic(x, vcpu)->irr);
}

/* The device sends a message: where it goes on the machine, Keel must have arranged. */
static void send(u32 addr, u32 data)
{
	assert_int_equal(addr & 0xfff00fff, 0xfee00000);
	for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++) {
		if (pcpus[cpu]->apic_id != (addr >> 12 & 0xff))
			continue;
		fake_run_on(cpu, NULL);
		irq_dispatch((u8)data);
		fake_run_on(0, v0);
		return;
	}
	fail_msg("no CPU has the APIC id in %#x", addr);
}

static void send_msi(u32 sbdf, unsigned int cap, bool wide)
{
	assert_true(pci_conf_read(sbdf, cap + 2, 2) & MSI_CTRL_ENABLE);
	send(pci_conf_read(sbdf, cap + 4, 4), pci_conf_read(sbdf, cap + (wide ? 12 : 8), 2));
}

static u32 *host_table(u64 at)
{
	return (u32 *)(device_memory + at);
}

static void send_msix(u64 table, unsigned int i)
{
	u32 *e = host_table(table) + i * 4;

	assert_int_equal(e[3] & 1, 0);
	assert_int_equal(e[1], 0);
	send(e[0], e[2]);
}

static void table_write(u64 gpa, unsigned int size, u64 val)
{
	assert_true(vpci_msix_mmio.match(v0, gpa));
	vpci_msix_mmio.write(v0, gpa, size, val);
}

static u64 table_read(u64 gpa, unsigned int size)
{
	u64 val = 0;

	assert_true(vpci_msix_mmio.match(v0, gpa));
	vpci_msix_mmio.read(v0, gpa, size, &val);
	return val;
}

static void set_entry(u64 table, unsigned int i, u32 addr, u32 data, u32 ctrl)
{
	table_write(table + i * 16, 4, addr);
	table_write(table + i * 16 + 4, 4, 0);
	table_write(table + i * 16 + 8, 4, data);
	table_write(table + i * 16 + 12, 4, ctrl);
}

static void scan_finds_functions(void **state)
{
	static const u32 known[] = { NVME, BRIDGE, NIC, PF, PLAIN - 1, PLAIN };

	for (unsigned int i = 0; i < ARRAY_LEN(known); i++)
		assert_non_null(vpci_find(x->vpci, known[i]));
	assert_null(vpci_find(x->vpci, VF(0)));
	/* What firmware left on is off. */
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7);
	assert_int_equal(pci_conf_read(NVME, 0x52, 2) & MSI_CTRL_ENABLE, 0);
}

static void most_registers_pass_through(void **state)
{
	assert_int_equal(get(NVME, 0, 4), 0x00101b36);
	assert_int_equal(get(NVME, 1, 1), 0x1b);
	assert_int_equal(get(NVME, 1, 2), 0x101b);
	put(NVME, 0x3c, 1, 0x0b);
	assert_int_equal(pci_conf_read(NVME, 0x3c, 1), 0x0b);
	assert_int_equal(get(PCI_SBDF(0, 5, 0), 0, 4), 0xffffffff);
	put(PCI_SBDF(0, 5, 0), 4, 2, 6); /* nobody there */
	assert_int_equal(get(NVME, 4094, 4), 0xffffffff); /* over the end */
	assert_false(vpci_mmcfg_mmio.match(v0, MMCFG + MiB(8)));
	put(NIC, 0xdc, 4, 1); /* mask bits are the device's own */
	assert_int_equal(pci_conf_read(NIC, 0xdc, 4), 1);
	u64 both = 0;

	vpci_mmcfg_mmio.read(v0, ecam(NVME, 0), 8, &both);
	assert_int_equal(both, 0x0010000000101b36ull);
}

static void ports(void **state)
{
	assert_int_equal(vpci_port_in(v0, 0xcfc, 4), 0xffffffff); /* not enabled */
	vpci_port_out(v0, 0xcf8, 4, BIT(31) | NVME << 8);
	assert_int_equal(vpci_port_in(v0, 0xcf8, 4), BIT(31) | NVME << 8);
	assert_int_equal(vpci_port_in(v0, 0xcfc, 4), 0x00101b36);
	assert_int_equal(vpci_port_in(v0, 0xcfe, 2), 0x0010);
	assert_int_equal(vpci_port_in(v0, 0xcfd, 1), 0x1b);
	assert_int_equal(vpci_port_in(v0, 0xcfe, 4), 0xffffffff); /* over the end of the ports */
	vpci_port_out(v0, 0xcf8, 4, BIT(31) | NVME << 8 | 0x3c);
	vpci_port_out(v0, 0xcfc, 1, 5);
	assert_int_equal(pci_conf_read(NVME, 0x3c, 1), 5);
	vpci_port_out(v0, 0xcf8, 1, 0); /* a byte there is another register */
	assert_int_equal(vpci_port_in(v0, 0xcfc, 1), 5);
	vpci_port_out(v0, 0xcf8, 4, BIT(31) | BIT(24) | NVME << 8);
	assert_int_equal(vpci_port_in(v0, 0xcfc, 4), 0xffffffff);
}

static void msi(void **state)
{
	put(NVME, 0x54, 4, 0xfee02000); /* vCPU 1 */
	put(NVME, 0x58, 4, 0);
	put(NVME, 0x5c, 2, 0x4041);
	assert_int_equal(pci_conf_read(NVME, 0x54, 4), 0); /* the device does not see it */
	assert_int_equal(get(NVME, 0x52, 2), MSI_CTRL_64); /* one vector, off */
	put(NVME, 0x52, 2, get(NVME, 0x52, 2) | MSI_CTRL_ENABLE | 2 << 4);
	assert_int_equal(get(NVME, 0x52, 2), MSI_CTRL_64 | MSI_CTRL_ENABLE);
	assert_int_equal(get(NVME, 0x54, 4), 0xfee02000);
	assert_int_equal(get(NVME, 0x5c, 2), 0x4041);
	assert_int_equal(pci_conf_read(NVME, 0x52, 2), MSI_CTRL_64 | 2 << 1 | MSI_CTRL_ENABLE);
	send_msi(NVME, 0x50, true);
	assert_true(pending(1, 0x41));
	put(NVME, 0x54, 4, 0xfee06000); /* moves to vCPU 3 */
	send_msi(NVME, 0x50, true);
	assert_true(pending(3, 0x41));
	put(NVME, 0x54, 4, 0x12345000); /* a DMA write, but no interrupt: nobody gets it */
	send_msi(NVME, 0x50, true);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(pending(i, 0x41));
	/* A reset clears the registers; the guest's restoring programs them again. */
	pci_conf_write(NVME, 0x52, 2, 0);
	pci_conf_write(NVME, 0x54, 4, 0);
	put(NVME, 0x54, 4, 0xfee00000);
	put(NVME, 0x50, 4, MSI_CTRL_ENABLE << 16);
	send_msi(NVME, 0x50, true);
	assert_true(pending(0, 0x41));
	put(NVME, 0x52, 1, 0);
	assert_int_equal(pci_conf_read(NVME, 0x52, 2) & MSI_CTRL_ENABLE, 0);
}

static void msi_32_bit_by_bytes(void **state)
{
	for (unsigned int i = 0; i < 4; i++)
		put(NIC, 0xd4 + i, 1, 0xfee04000 >> 8 * i & 0xff);
	put(NIC, 0xd8, 1, 0x33);
	put(NIC, 0xd9, 1, 0x01); /* lowest priority */
	put(NIC, 0xd2, 1, 1);
	send_msi(NIC, 0xd0, false);
	assert_true(pending(2, 0x33));
}

static void decode(bool on)
{
	put(NVME, PCI_COMMAND, 2, on ? 6 : 4);
}

static void msix_table_is_trapped_where_it_is(void **state)
{
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_true(vpci_mmio_is_trapped(&x->d, PFN_DOWN(MMCFG)));
	/* Mapped at first touch, before anybody knew. */
	p2m_write_lock(&x->d.p2m);
	assert_int_equal(p2m_set(&x->d, 0x22, 0x22, 0, P2M_MMIO), 0);
	assert_int_equal(p2m_set(&x->d, 0x23, 0x23, 0, P2M_MMIO), 0);
	p2m_write_unlock(&x->d);
	decode(true);
	for (gfn_t gfn = 0x20; gfn < 0x24; gfn++) {
		enum p2m_type t;

		assert_int_equal(vpci_mmio_is_trapped(&x->d, gfn), gfn == 0x22);
		p2m_get(&x->d, gfn, &t, NULL);
		assert_int_equal(t, gfn == 0x23 ? P2M_MMIO : P2M_HOLE);
	}
	decode(false);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	/* Sizing, then another place. */
	put(NVME, PCI_BAR(0), 4, 0xffffffff);
	assert_int_equal(get(NVME, PCI_BAR(0), 4), 0xffffc004);
	put(NVME, PCI_BAR(0), 4, 0x60000);
	decode(true);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_true(vpci_mmio_is_trapped(&x->d, 0x62));
	put(NVME, PCI_BAR(0), 4, 0x80000); /* with decoding on */
	assert_true(vpci_mmio_is_trapped(&x->d, 0x82));
	assert_int_equal(mappings, 0); /* nobody set up an interrupt yet */
}

static void msix(void **state)
{
	decode(true);
	assert_int_equal(get(NVME, 0x42, 2), 7);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(table_read(0x2200c + i * 16, 4), 1);
		table_write(0x2200c + i * 16, 4, 1); /* as Linux begins */
		assert_int_equal(host_table(0x22000)[i * 4 + 3], 1);
	}
	set_entry(0x22000, 2, 0xfee02000, 0x52, 1);
	assert_int_equal(host_table(0x22000)[2 * 4 + 3], 1);
	assert_int_equal(host_table(0x22000)[2 * 4], 0);
	table_write(0x2202c, 4, 0);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(get(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE);
	send_msix(0x22000, 2);
	assert_true(pending(1, 0x52));
	assert_int_equal(table_read(0x22020, 4), 0xfee02000); /* the guest reads its own */
	assert_int_equal(table_read(0x22028, 8), 0x52);
	/* Another vCPU, by accesses of 8 bytes. */
	table_write(0x2202c, 4, 1);
	assert_int_equal(host_table(0x22000)[2 * 4 + 3], 1);
	table_write(0x22020, 8, 0xfee06000);
	table_write(0x22028, 8, 0x53);
	send_msix(0x22000, 2);
	assert_true(pending(3, 0x53));
	/* Accesses that no table takes. */
	table_write(0x22020, 2, 0);
	table_write(0x22022, 4, 0);
	assert_int_equal(table_read(0x22022, 4) & 0xffffffff, 0xffffffff);
	assert_int_equal(table_read(0x22020, 4), 0xfee06000);
	/* All vectors. */
	for (unsigned int i = 0; i < 8; i++)
		set_entry(0x22000, i, 0xfee00000, 0x60 + i, 0);
	for (unsigned int i = 0; i < 8; i++) {
		send_msix(0x22000, i);
		assert_true(pending(0, 0x60 + i));
	}
	put(NVME, 0x42, 2, 0);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(!tables[i] || tables[i]->used == 0);
	assert_int_equal(mappings, 1);
}

static void msix_after_a_function_reset(void **state)
{
	decode(true);
	set_entry(0x22000, 0, 0xfee00000, 0x61, 0); /* before it is enabled: only kept */
	assert_int_equal(host_table(0x22000)[3] & 1, 1);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	send_msix(0x22000, 0);
	assert_true(pending(0, 0x61));
	pci_conf_write(NVME, 0x42, 2, 0);
	memset(device_memory + 0x22000, 0, 128);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	send_msix(0x22000, 0);
	assert_true(pending(0, 0x61));
	/* Moved while it is on. */
	put(NVME, PCI_BAR(0), 4, 0x60000);
	send_msix(0x62000, 0);
	assert_true(pending(0, 0x61));
}

static void beside_the_table(void **state)
{
	u32 val = 0x11223344;

	set(function(NVME), 0x44, 4, 0x2100, 0); /* table and other registers on one page */
	arch_pci_device_remove(0, 0, 3 << 3);
	decode(true);
	memcpy(device_memory + 0x22010, &val, 4);
	assert_int_equal(table_read(0x22010, 4), 0x11223344);
	assert_int_equal(table_read(0x22012, 1), 0x22);
	assert_int_equal(table_read(0x22012, 2), 0x1122);
	table_write(0x22080, 2, 0xbeef);
	assert_int_equal(device_memory[0x22080] | device_memory[0x22081] << 8, 0xbeef);
	table_write(0x22180, 8, 0x0102030405060708ull); /* behind the 8 entries */
	assert_int_equal(device_memory[0x22180], 8);
	assert_int_equal(device_memory[0x22187], 1);
	table_write(0x22083, 2, 0x5555); /* not aligned */
	assert_int_equal(device_memory[0x22083], 0);
	set_entry(0x22100, 0, 0xfee00000, 0x61, 0);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	send_msix(0x22100, 0);
	assert_true(pending(0, 0x61));
}

bool iommu_hides(mfn_t mfn)
{
	return mfn == 0xfed90;
}

struct cpu_features cpu_features = { .phys_bits = 46 };

static void set_bar_high(u32 high)
{
	put(NVME, PCI_BAR(0), 4, MiB(4));
	put(NVME, PCI_BAR(1), 4, high);
	assert_false(vpci_mmio_is_trapped(&x->d, ((u64)high << 20) + PFN_DOWN(MiB(4)) + 2));
	put(NVME, PCI_BAR(1), 4, 0);
}

static void a_bar_over_ram_is_not_written_to(void **state)
{
	put(NVME, PCI_BAR(0), 4, MiB(4));
	decode(true);
	assert_false(vpci_mmio_is_trapped(&x->d, PFN_DOWN(MiB(4)) + 2));
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	set_bar_high(0x100000); /* beyond what any CPU addresses */
	assert_int_equal(mappings, 0);
	set(function(NVME), 0x44, 4, 0, 0); /* the table at the BAR's start */
	arch_pci_device_remove(0, 0, 3 << 3);
	put(NVME, PCI_BAR(0), 4, 0xfee00000);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_false(vpci_mmio_is_trapped(&x->d, 0xfee00));
	put(NVME, PCI_BAR(0), 4, 0xfec00000);
	assert_false(vpci_mmio_is_trapped(&x->d, 0xfec00));
	put(NVME, PCI_BAR(0), 4, MMCFG);
	/* An IOMMU's registers on the table's last page, and what is beyond the CPU's or Keel's reach. */
	put(NVME, PCI_BAR(0), 4, 0xfed90000);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_false(vpci_mmio_is_trapped(&x->d, 0xfed90));
	cpu_features.phys_bits = 40;
	set_bar_high(0x100);
	cpu_features.phys_bits = 46;
	set_bar_high(0x1000);
	assert_int_equal(mappings, 0);
	put(NVME, PCI_BAR(0), 4, 0x60000);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x60));
}

static struct vpci_dev *found_anew(u32 sbdf)
{
	arch_pci_device_remove(0, (u8)(sbdf >> 8), (u8)sbdf);
	assert_int_equal(arch_pci_device_add(0, (u8)(sbdf >> 8), (u8)sbdf, 0, 0), 0);
	return vpci_find(x->vpci, sbdf);
}

/* What requests from behind a bridge arrive with, by its kind. */
static void bridges_send_in_their_own_name(void **state)
{
	static const struct { bool express; u32 type, alias; } kinds[] = {
		{ false, 0, BRIDGE }, { true, 4, LEAF }, { true, 7, LEAF & ~0xffu }, { true, 8, BRIDGE },
	};
	struct function *b = function(BRIDGE), *inner = new_function(INNER, 0x000e1b36, 1);

	put(NIC, 0xd4, 4, 0xfee00000);
	put(NIC, 0xd8, 2, 0x33);
	put(NIC, 0xd2, 2, 1);
	assert_int_equal(vpci_find(x->vpci, NIC)->msi_msg.desc->source, BRIDGE); /* messages as well */
	new_function(LEAF, 0x100e8086, 0);
	new_function(DEEP, 0x100e8086, 0);
	set(inner, PCI_PRIMARY_BUS, 4, 0x00060601, 0);
	set(b, 0x40, 2, PCI_CAP_EXPRESS, 0);
	for (unsigned int i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].express)
			capabilities(b, 0x40);
		set(b, 0x42, 2, 2 | kinds[i].type << 4, 0);
		assert_int_equal(found_anew(LEAF)->iommu.alias, kinds[i].alias);
		assert_int_equal(found_anew(BRIDGE)->iommu.alias, BRIDGE);
		found_anew(INNER);
		/* A conventional bridge, too, unless one above it decides. */
		assert_int_equal(found_anew(DEEP)->iommu.alias, kinds[i].type == 4 ? INNER : kinds[i].alias);
	}
	/* A bridge that leads to its own bus, or to one above it, does not. */
	set(b, PCI_PRIMARY_BUS, 4, 0x00020200, 0);
	for (unsigned int bus = 0; bus < 2; bus++) {
		set(inner, PCI_PRIMARY_BUS, 4, bus << 8, 0);
		assert_int_equal(found_anew(INNER)->iommu.alias, INNER);
		assert_int_equal(found_anew(NVME)->iommu.alias, NVME);
		assert_int_equal(found_anew(LEAF)->iommu.alias, LEAF);
	}
	/* Who knows better is asked instead. */
	set(b, PCI_PRIMARY_BUS, 4, 0x00010100, 0);
	assert_int_equal(found_anew(LEAF)->iommu.alias, BRIDGE);
	iommu_caps.aliases = true;
	assert_int_equal(found_anew(LEAF)->iommu.alias, LEAF);
	iommu_caps.aliases = false;
}

static void buses_get_other_numbers(void **state)
{
	put(NIC, 0xd4, 4, 0xfee00000);
	put(NIC, 0xd8, 2, 0x33);
	put(NIC, 0xd2, 2, 1);
	put(BRIDGE, PCI_PRIMARY_BUS + 1, 1, 5); /* secondary */
	assert_null(vpci_find(x->vpci, NIC));
	assert_int_equal(pci_conf_read(NIC, 0xd2, 2) & 1, 0);
	put(BRIDGE, PCI_PRIMARY_BUS + 2, 1, 5);
	function(NIC)->sbdf = PCI_SBDF(0, 5, 0);
	put(PCI_SBDF(0, 5, 0), PCI_COMMAND, 2, 4);
	assert_non_null(vpci_find(x->vpci, PCI_SBDF(0, 5, 0)));
	assert_non_null(vpci_find(x->vpci, BRIDGE));
	assert_non_null(vpci_find(x->vpci, PF));
	put(PCI_SBDF(0, 5, 0), 0xd4, 4, 0xfee00000);
	put(PCI_SBDF(0, 5, 0), 0xd8, 2, 0x34);
	put(PCI_SBDF(0, 5, 0), 0xd2, 2, 1);
	send_msi(PCI_SBDF(0, 5, 0), 0xd0, false);
	assert_true(pending(0, 0x34));
}

static void virtual_functions(void **state)
{
	assert_int_equal(arch_pci_device_add(0, 2, 0, 0, 0), 0);
	assert_int_equal(arch_pci_device_add(0, 6, 0, 0, 0), -ENODEV);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3 | 1, XEN_PCI_DEV_VIRTFN, NVME), -EINVAL);
	assert_int_equal(arch_pci_device_add(0, 2, 1, XEN_PCI_DEV_VIRTFN, 0x700), -ENODEV);
	put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	assert_int_equal(get(PF, 0x164, 4), 0x40004);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(arch_pci_device_add(0, 2, 1 + i, XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_EXTFN, 0x200), 0);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x43));
	assert_true(vpci_mmio_is_trapped(&x->d, 0x47));
	assert_false(vpci_mmio_is_trapped(&x->d, 0x44));
	set_entry(0x47000, 1, 0xfee04000, 0x71, 0);
	put(VF(1), 0x72, 2, MSIX_CTRL_ENABLE);
	send_msix(0x47000, 1);
	assert_true(pending(2, 0x71));
	/* The physical function's registers move them. */
	put(PF, 0x148, 2, SRIOV_CTRL_VFE);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x47));
	put(PF, 0x164, 4, 0x80000);
	put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x87));
	send_msix(0x87000, 1);
	assert_int_equal(arch_pci_device_remove(0, 2, 2), 0);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x87));
	assert_true(vpci_mmio_is_trapped(&x->d, 0x83));
	assert_int_equal(arch_pci_device_remove(0, 2, 2), -ENODEV);
}

static void removed_and_added_again(void **state)
{
	decode(true);
	set_entry(0x22000, 0, 0xfee00000, 0x61, 0);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_int_equal(table_read(0x2200c, 4), 1);
}

/* Broken lists of capabilities end. */
static void capability_loops(void **state)
{
	struct function *f = new_function(PCI_SBDF(0, 3, 0), 0x12345678, 0);

	capabilities(f, 0x40);
	set(f, 0x40, 2, 0x4001, 0); /* points to itself */
	set(f, 0x100, 4, 0x10010001, 0);
	put(PCI_SBDF(0, 3, 0), PCI_COMMAND, 2, 0);
	assert_non_null(vpci_find(x->vpci, PCI_SBDF(0, 3, 0)));
	f = new_function(PCI_SBDF(0, 3, 8), 0x12345678, 0);
	capabilities(f, 0x40);
	set(f, 0x40, 2, 0x0011, 0);
	set(f, 0x42, 2, 0x7ff, 0xc000); /* 2,048 entries in a BAR that does not exist */
	set(f, 0x44, 4, 7, 0);
	put(PCI_SBDF(0, 3, 8), PCI_COMMAND, 2, 6);
	put(PCI_SBDF(0, 3, 8), 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(vpci_find(x->vpci, PCI_SBDF(0, 3, 8))->msix, 0);
}

static void no_memory_for_a_function(void **state)
{
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	fake_fail_nth(1);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), -ENOMEM);
	assert_true(fake_failure_happened());
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
}

static void no_vector_left(void **state)
{
	struct irq_desc *all[FAKE_CPUS * 176];

	for (unsigned int i = 0; i < ARRAY_LEN(all); i++)
		all[i] = irq_alloc(IRQ_MSI, 0, ~0u, NULL, NULL);
	put(NIC, 0xd4, 4, 0xfee00000);
	put(NIC, 0xd2, 2, 1);
	assert_int_equal(pci_conf_read(NIC, 0xd2, 2) & 1, 0);
	decode(true);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	set_entry(0x22000, 0, 0xfee00000, 0x61, 0);
	assert_int_equal(host_table(0x22000)[3], 1); /* masked, so that nothing is sent to nowhere */
	for (unsigned int i = 0; i < ARRAY_LEN(all); i++)
		irq_free(all[i]);
	table_write(0x2200c, 4, 0);
	send_msix(0x22000, 0);
	assert_true(pending(0, 0x61));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(scan_finds_functions), T(most_registers_pass_through), T(ports), T(msi), T(msi_32_bit_by_bytes),
	T(msix_table_is_trapped_where_it_is), T(msix), T(msix_after_a_function_reset), T(beside_the_table),
	T(a_bar_over_ram_is_not_written_to), T(bridges_send_in_their_own_name), T(buses_get_other_numbers), T(virtual_functions),
	T(removed_and_added_again), T(capability_loops), T(no_memory_for_a_function), T(no_vector_left),
};

UNIT_MAIN(tests)
