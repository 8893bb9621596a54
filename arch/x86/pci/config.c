/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's configuration space: ports for the first 256 bytes of segment
 * 0, ECAM for everything else. A bus of ECAM is mapped when it is first used.
 */
#include "arch/x86/mm.h"
#include "arch/x86/pci/config.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "common/spinlock.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  BIT(31)

static spinlock_t config_lock = SPINLOCK_INIT(RANK_HW); /* address and data port together */

/* The register's address in ECAM, a page a function, or NULL. Any lock below RANK_MM. */
static volatile void *ecam(u32 sbdf, unsigned int reg)
{
	unsigned int bus = sbdf >> 8 & 0xff;
	u8 *p;

	for (unsigned int i = 0; i < acpi.nr_mcfg; i++) {
		if (acpi.mcfg[i].segment != sbdf >> 16 || bus < acpi.mcfg[i].start_bus ||
		    bus > acpi.mcfg[i].end_bus)
			continue;
		p = map_mmio(acpi.mcfg[i].base + ((u64)(sbdf & 0xffff) << PAGE_SHIFT), PAGE_SIZE);
		return p ? p + reg : NULL;
	}
	return NULL;
}

static bool by_ports(u32 sbdf, unsigned int reg) { return reg < 256 && sbdf >> 16 == 0; }

static void select_register(u32 sbdf, unsigned int reg)
{
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | sbdf << 8 | (reg & 0xfc));
}

u32 pci_conf_read(u32 sbdf, unsigned int reg, unsigned int size)
{
	volatile void *p;
	u32 val;

	if (!by_ports(sbdf, reg)) {
		p = ecam(sbdf, reg);
		return (u32)(p ? mmio_load(p, size) : bytes_mask(size));
	}
	spin_lock(&config_lock);
	select_register(sbdf, reg);
	val = port_in(CONFIG_DATA + (reg & 3), size);
	spin_unlock(&config_lock);
	return val;
}

void pci_conf_write(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	volatile void *p;

	if (!by_ports(sbdf, reg)) {
		p = ecam(sbdf, reg);
		if (p)
			mmio_store(p, size, val);
		return;
	}
	spin_lock(&config_lock);
	select_register(sbdf, reg);
	port_out(CONFIG_DATA + (reg & 3), size, val);
	spin_unlock(&config_lock);
}

void pci_conf_write_last(u32 sbdf, unsigned int reg, u8 val)
{
	select_register(sbdf, reg);
	outb(CONFIG_DATA + (reg & 3), val);
}
