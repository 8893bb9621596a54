/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine with PCI functions, for unit tests of the code between them and domains: registers are
 * memory, and interrupts come from the real irq.c.
 */
#ifndef TEST_UNIT_PCI_MACHINE_H
#define TEST_UNIT_PCI_MACHINE_H

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/mm.h"
#include "arch/x86/irq/irq.c" /* includes the source: each test starts with fresh tables */
#include "arch/x86/pci/vpci_internal.h"

#define MMCFG 0xe0000000ull

FAKE void hvm_vcpu_init(struct vcpu *v) { }
FAKE void hvm_vcpu_sipi(struct vcpu *v, u8 vector) { }
FAKE void arch_vcpu_send_nmi(struct vcpu *v) { }
FAKE void vioapic_eoi(struct domain *d, u8 vector) { }
FAKE void ioapic_mask(u32 gsi, bool mask) { }
FAKE void lapic_eoi(void) { }
FAKE u32 lapic_read(unsigned int reg) { return 0; }
FAKE void lapic_write(unsigned int reg, u32 val) { }

FAKE bool vioapic_is_page(struct domain *d, gfn_t gfn)
{
	return gfn == 0xfec00;
}

struct acpi_info acpi;
struct boot_info boot_info;
struct ioapic_info *ioapics;
unsigned int nr_ioapics;
struct cpu_features cpu_features = { .phys_bits = 46 };

/*
 * --- The machine: functions with their registers, and 1 MiB of device memory (frames that are
 * nobody's) ---
 */

struct function {
	u32 sbdf;
	bool present, held;	/* held: its bus is in reset, or it has not come back from one */
	u8 express;		/* offset of the capability with a function-level reset */
	unsigned int resets;
	u8 reg[4096], writable[4096];
};

#define NVME	PCI_SBDF(0, 0, 3 << 3)	/* MSI with 4 vectors, 64-bit; MSI-X with 8 entries in BAR 0 */
#define BRIDGE	PCI_SBDF(0, 0, 4 << 3)
/* behind the bridge, if a test creates it; so is INNER, with DEEP behind that */
#define LEAF	PCI_SBDF(0, 1, 2 << 3 | 1)
#define INNER	PCI_SBDF(0, 1, 3 << 3)
#define DEEP	PCI_SBDF(0, 6, 5 << 3)
#define NIC	PCI_SBDF(0, 1, 0)	/* behind it: 32-bit MSI with mask bits, no reset of its own */
#define PF	PCI_SBDF(0, 2, 0)	/* SR-IOV, 16 KiB for each virtual function */
#define VF(n)	(PF + 1 + (n))		/* MSI-X with 2 entries */
/* function 1 of a multi-function device; sends no messages */
#define PLAIN	PCI_SBDF(0, 0, 0x1f << 3 | 1)

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
	if (f && !f->held)
		memcpy(&val, f->reg + reg, size);
	return size == 4 ? val : val & ((1u << size * 8) - 1);
}

/* A reset loses what software wrote. */
static void reset_function(struct function *f)
{
	f->resets++;
	for (unsigned int i = 0; i < 256; i++)
		f->reg[i] &= ~f->writable[i];
}

static void reset_bus(struct function *bridge, bool hold)
{
	for (struct function *f = functions; f < functions + ARRAY_LEN(functions); f++) {
		if (f->present && (f->sbdf >> 8 & 0xff) == bridge->reg[0x19] && f->held != hold) {
			f->held = hold;
			if (!hold)
				reset_function(f);
		}
	}
}

void pci_conf_write(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	struct function *f = function(sbdf);

	assert_true(IS_ALIGNED(reg, size) && reg + size <= 4096);
	for (unsigned int i = 0; f && i < size; i++, val >>= 8)
		f->reg[reg + i] = (f->reg[reg + i] & ~f->writable[reg + i]) | ((u8)val & f->writable[reg + i]);
	if (f && f->express && f->reg[f->express + 9] & 0x80)
		reset_function(f);
	if (f && f->reg[PCI_HEADER_TYPE] == 1 && reg <= 0x3e && reg + size > 0x3e)
		reset_bus(f, f->reg[0x3e] & BIT(6));
}

void *map_mmio(paddr_t pa, size_t len)
{
	if (fake_alloc_fails())
		return NULL;
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

/* PCI Express, version 2, with a function-level reset. */
static void express(struct function *f, u8 pos)
{
	f->express = pos;
	set(f, pos, 4, 0x00020010, 0);
	set(f, pos + 4u, 4, BIT(28) | 1, 0);
	for (unsigned int i = 0; i < 4; i++)
		set(f, pos + (const u8[]){ 0x08, 0x10, 0x28, 0x30 }[i], 2, 0, 0xffff);
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
	set(f, 0x50, 2, 0x6005, 0);
	set(f, 0x52, 2, MSI_CTRL_64 | 2 << 1 | MSI_CTRL_ENABLE, 0x71);
	set(f, 0x54, 4, 0, 0xfffffffc);
	set(f, 0x58, 4, 0, 0xffffffff);
	set(f, 0x5c, 2, 0, 0xffff);
	express(f, 0x60);
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
	set(f, 0x3e, 2, 0, 0xffff);
}

static void new_pf(void)
{
	struct function *f = new_function(PF, 0x10ed8086, 0);

	set(f, 0x100, 4, 0x14010001, 0); /* AER, then SR-IOV at 0x140 */
	set(f, 0x140, 4, 0x00010010, 0);
	set(f, 0x148, 2, 0, 0x0009);
	set(f, 0x150, 2, 2, 0xffff);
	set(f, 0x154, 2, 1, 0);
	set(f, 0x156, 2, 1, 0);
	set(f, 0x15a, 2, 0x10ca, 0);
	set(f, 0x164, 4, 0x40004, 0xffffc000);
	set(f, 0x168, 4, 0, 0xffffffff);
	for (unsigned int i = 0; i < 2; i++) {
		f = new_function(VF(i), 0xffffffff, 0);
		capabilities(f, 0x70);
		set(f, PCI_COMMAND, 2, 0, 4); /* no memory bit in virtual functions */
		set(f, 0x70, 2, 0x0011, 0);
		set(f, 0x72, 2, 1, 0xc000);
		set(f, 0x74, 4, 0x3000, 0);
		set(f, 0x08, 4, 0x02000001, 0);
		set(f, 0x71, 1, 0x90, 0);
		express(f, 0x90);
	}
}

/* The device sends a message. Keel must have set up the vector that it has on the machine. */
static void send(struct vcpu *then, u32 addr, u32 data)
{
	assert_int_equal(addr & 0xfff00fff, 0xfee00000);
	for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++) {
		if (x86_pcpu(pcpus[cpu])->apic_id != (addr >> 12 & 0xff))
			continue;
		fake_run_on(cpu, NULL);
		irq_dispatch((u8)data);
		fake_run_on(0, then);
		return;
	}
	fail_msg("no CPU has the APIC id in %#x", addr);
}

static u32 *host_table(u64 at)
{
	return (u32 *)(device_memory + at);
}

static inline void send_msix(struct vcpu *then, u64 table, unsigned int i)
{
	u32 *e = host_table(table) + i * 4;

	assert_int_equal(e[3] & 1, 0);
	assert_int_equal(e[1], 0);
	send(then, e[0], e[2]);
}

/* Before each test. */
static void new_machine(void)
{
	static struct acpi_mcfg mcfg = { .base = MMCFG, .end_bus = 7 };

	memset(tables, 0, sizeof(tables));
	memset(functions, 0, sizeof(functions));
	memset(device_memory, 0, sizeof(device_memory));
	mappings = 0;
	acpi = (struct acpi_info){ .nr_mcfg = 1, .mcfg = &mcfg };
	new_nvme();
	new_bridge();
	new_nic();
	new_pf();
	for (unsigned int i = 0; i < 2; i++) {
		struct function *f = new_function(PLAIN - 1 + i, i ? 0x29228086 : 0x29188086, 0x80);

		capabilities(f, 0x40);
		express(f, 0x40);
	}
}

/* What Keel, whose hardware domain stays, never does. */
FAKE void forget_machine(struct domain *d)
{
	struct vpci *p = x86_domain(d)->vpci;

	timer_kill(&p->reset_timer);
	spin_lock(&p->lock);
	vpci_forget_range(p, 0, ~0u);
	x86_domain(d)->vpci = vpci_machine = NULL;
	spin_unlock(&p->lock);
	free_pages(p, size_to_order(sizeof(*p)));
}

#endif
