/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's IO-APICs (82093AA data sheet; PCI ids in the chipset's). Their
 * registers are reached by index, under a lock.
 */
#include "arch/x86/irq/irq.h"

#include <public/errno.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/iommu/iommu.h"
#include "arch/x86/mm.h"
#include "arch/x86/pcpu.h"
#include "common/printk.h"

#define IOREGSEL (0x00 / 4)
#define IOWIN	 (0x10 / 4)
#define REG_VERSION 0x01
#define REG_RTE(pin) (0x10 + 2 * (pin))

#define RTE_ACTIVE_LOW	BIT(13)
#define RTE_LEVEL	BIT(15)
#define RTE_MASKED	BIT(16)

#define MAX_PINS 240

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

struct ioapic_info ioapics[MAX_IOAPICS];
unsigned int nr_ioapics;

static spinlock_t ioapic_lock = SPINLOCK_INIT(RANK_HW);
static volatile u32 *regs[MAX_IOAPICS];
static u64 reserved_pins[MAX_IOAPICS][DIV_ROUND_UP(MAX_PINS, 64)]; /* Keel's own */

static u32 read_reg(unsigned int i, unsigned int reg)
{
	regs[i][IOREGSEL] = reg;
	return regs[i][IOWIN];
}

static void write_reg(unsigned int i, unsigned int reg, u32 val)
{
	regs[i][IOREGSEL] = reg;
	regs[i][IOWIN] = val;
}

/* Index of the IO-APIC that has the GSI, and its pin; -1 if there is none. */
static int find_pin(u32 gsi, unsigned int *pin)
{
	for (unsigned int i = 0; i < nr_ioapics; i++) {
		if (gsi < ioapics[i].gsi_base || gsi - ioapics[i].gsi_base >= ioapics[i].nr_pins)
			continue;
		*pin = gsi - ioapics[i].gsi_base;
		return (int)i;
	}
	return -1;
}

const struct ioapic_info *ioapic_of(u32 gsi)
{
	unsigned int pin;
	int i = find_pin(gsi, &pin);

	return i < 0 ? NULL : &ioapics[i];
}

/*
 * Delivery, as the pin's entry says it: physical destination and vector, or an entry of the
 * remapping table.
 */
static int redirection(struct irq_desc *desc, u64 *rte)
{
	int rc;

	*rte = (u64)x86_pcpu(pcpus[desc->cpu])->apic_id << 56 | desc->vector;
	if (!iommu_on() || !iommu_caps.irq_remap)
		return 0;
	rc = iommu_ops->irq_map(desc);
	if (!rc)
		*rte = iommu_ops->irq_redirection(desc);
	return rc;
}

int ioapic_program(u32 gsi, struct irq_desc *desc, bool level, bool active_low)
{
	unsigned int pin;
	int i = find_pin(gsi, &pin), rc;
	u64 rte;
	u32 low;

	if (i < 0)
		return -ENODEV;
	desc->gsi = gsi;
	desc->level = level;
	rc = redirection(desc, &rte);
	if (rc)
		return rc;
	low = (u32)rte;
	if (level)
		low |= RTE_LEVEL;
	if (active_low)
		low |= RTE_ACTIVE_LOW;
	spin_lock(&ioapic_lock);
	if (desc->kind == IRQ_KEEL)
		set_bit(pin, reserved_pins[i]);
	write_reg(i, REG_RTE(pin), RTE_MASKED);
	write_reg(i, REG_RTE(pin) + 1, (u32)(rte >> 32));
	write_reg(i, REG_RTE(pin), low | (desc->masked ? RTE_MASKED : 0));
	spin_unlock(&ioapic_lock);
	return 0;
}

void ioapic_mask(u32 gsi, bool mask)
{
	unsigned int pin;
	int i = find_pin(gsi, &pin);
	u32 low;

	if (i < 0)
		return;
	spin_lock(&ioapic_lock);
	low = read_reg(i, REG_RTE(pin));
	/*
	 * A remapped entry's vector may differ from the one that the CPU's EOI names, so the EOI
	 * does not reach it: masked as an edge for a moment, the pin forgets that an interrupt was
	 * in service (82093AA, 3.2.4). Only for a moment, or it would miss that the device releases
	 * the line.
	 */
	if (mask && low & RTE_LEVEL)
		write_reg(i, REG_RTE(pin), (low & ~RTE_LEVEL) | RTE_MASKED);
	write_reg(i, REG_RTE(pin), mask ? low | RTE_MASKED : low & ~RTE_MASKED);
	if (mask)
		read_reg(i, REG_RTE(pin)); /* the write has arrived before the caller's EOI */
	spin_unlock(&ioapic_lock);
}

bool ioapic_reserved(u32 gsi)
{
	unsigned int pin;
	int i = find_pin(gsi, &pin);

	return i >= 0 && test_bit(pin, reserved_pins[i]);
}

static void add_ioapic(u8 id, u32 address, u32 gsi_base)
{
	struct ioapic_info *io = &ioapics[nr_ioapics];
	unsigned int i = nr_ioapics;

	if (i == MAX_IOAPICS) {
		pr_warn("IO-APIC %u at %#x: more than %u, ignored\n", id, address, MAX_IOAPICS);
		return;
	}
	regs[i] = map_mmio(address, PAGE_SIZE);
	if (!regs[i]) {
		pr_warn("IO-APIC %u: cannot map its registers at %#x\n", id, address);
		return;
	}
	*io = (struct ioapic_info){ .id = id, .address = address, .gsi_base = gsi_base };
	io->nr_pins = min_t(u32, (read_reg(i, REG_VERSION) >> 16 & 0xff) + 1, MAX_PINS);
	for (unsigned int pin = 0; pin < io->nr_pins; pin++)
		write_reg(i, REG_RTE(pin), RTE_MASKED);
	nr_ioapics++;
	pr_info("IO-APIC %u at %#x: GSI %u..%u\n", id, address, gsi_base, gsi_base + io->nr_pins - 1);
}

int ioapic_init(void)
{
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
		add_ioapic(acpi.ioapics[i].id, acpi.ioapics[i].address, acpi.ioapics[i].gsi_base);
	return nr_ioapics ? 0 : -ENODEV;
}
