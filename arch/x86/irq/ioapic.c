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
#include "common/heap.h"
#include "common/printk.h"

#define IOREGSEL (0x00 / 4)
#define IOWIN	 (0x10 / 4)
#define REG_VERSION 0x01
#define REG_RTE(pin) (0x10 + 2 * (pin))

#define RTE_ACTIVE_LOW	BIT(13)
#define RTE_LEVEL	BIT(15)
#define RTE_MASKED	BIT(16)

#define MAX_PINS 240 /* bits in reserved_pins */

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

struct ioapic_info *ioapics;
unsigned int nr_ioapics;

static spinlock_t ioapic_lock = SPINLOCK_INIT(RANK_HW);

static u32 read_reg(const struct ioapic_info *io, unsigned int reg)
{
	io->regs[IOREGSEL] = reg;
	return io->regs[IOWIN];
}

static void write_reg(const struct ioapic_info *io, unsigned int reg, u32 val)
{
	io->regs[IOREGSEL] = reg;
	io->regs[IOWIN] = val;
}

/* The IO-APIC that has the GSI, and its pin; NULL if there is none. */
static struct ioapic_info *find_pin(u32 gsi, unsigned int *pin)
{
	for (struct ioapic_info *io = ioapics; io < ioapics + nr_ioapics; io++) {
		*pin = gsi - io->gsi_base;
		if (gsi >= io->gsi_base && *pin < io->nr_pins)
			return io;
	}
	return NULL;
}

const struct ioapic_info *ioapic_of(u32 gsi)
{
	unsigned int pin;

	return find_pin(gsi, &pin);
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
	struct ioapic_info *io = find_pin(gsi, &pin);
	u64 rte;
	u32 low;
	int rc;

	if (!io)
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
		set_bit(pin, io->reserved_pins);
	write_reg(io, REG_RTE(pin), RTE_MASKED);
	write_reg(io, REG_RTE(pin) + 1, (u32)(rte >> 32));
	write_reg(io, REG_RTE(pin), low | (desc->masked ? RTE_MASKED : 0));
	spin_unlock(&ioapic_lock);
	return 0;
}

void ioapic_mask(u32 gsi, bool mask)
{
	unsigned int pin;
	const struct ioapic_info *io = find_pin(gsi, &pin);
	u32 low;

	if (!io)
		return;
	spin_lock(&ioapic_lock);
	low = read_reg(io, REG_RTE(pin));
	/*
	 * A remapped entry's vector may differ from the one that the CPU's EOI names, so the EOI
	 * does not reach it: masked as an edge for a moment, the pin forgets that an interrupt was
	 * in service (82093AA, 3.2.4). Only for a moment, or it would miss that the device releases
	 * the line.
	 */
	if (mask && low & RTE_LEVEL)
		write_reg(io, REG_RTE(pin), (low & ~RTE_LEVEL) | RTE_MASKED);
	write_reg(io, REG_RTE(pin), mask ? low | RTE_MASKED : low & ~RTE_MASKED);
	if (mask)
		read_reg(io, REG_RTE(pin)); /* the write has arrived before the caller's EOI */
	spin_unlock(&ioapic_lock);
}

bool ioapic_reserved(u32 gsi)
{
	unsigned int pin;
	const struct ioapic_info *io = find_pin(gsi, &pin);

	return io && test_bit(pin, io->reserved_pins);
}

static void add_ioapic(u8 id, u32 address, u32 gsi_base)
{
	struct ioapic_info new = { .id = id, .address = address, .gsi_base = gsi_base };

	new.regs = map_mmio(address, PAGE_SIZE);
	if (!new.regs) {
		pr_warn("IO-APIC %u: cannot map its registers at %#x\n", id, address);
		return;
	}
	new.nr_pins = min_t(u32, (read_reg(&new, REG_VERSION) >> 16 & 0xff) + 1, MAX_PINS);
	for (unsigned int pin = 0; pin < new.nr_pins; pin++)
		write_reg(&new, REG_RTE(pin), RTE_MASKED);
	array_add(ioapics, nr_ioapics) = new;
	pr_info("IO-APIC %u at %#x: GSI %u..%u\n", id, address, gsi_base, gsi_base + new.nr_pins - 1);
}

int ioapic_init(void)
{
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
		add_ioapic(acpi.ioapics[i].id, acpi.ioapics[i].address, acpi.ioapics[i].gsi_base);
	return nr_ioapics ? 0 : -ENODEV;
}
