/* SPDX-License-Identifier: GPL-2.0-only */
/* Power off and reset through the registers that the FADT names (ACPI 6.5, 4.8.3). */
#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/config.h"

#define PM1_KEEP    (BIT(0) | BIT(1))	/* SCI_EN and BM_RLD stay as they are */
#define PM1_SLP_TYP(t) ((u16)((t) << 10))
#define PM1_SLP_EN  BIT(13)
#define SLEEP_TYP(t) ((u8)((t) << 2))	/* SLEEP_CONTROL_REG, ACPI 6.5, 4.8.3.7 */
#define SLEEP_EN BIT(5)

#define RESET_CONTROL 0xcf9	/* chipset: 2 = prepare hard reset, 6 = do it, 0xe = with power cycle */
#define KBD_COMMAND 0x64
#define KBD_INPUT_FULL BIT(1)
#define KBD_PULSE_RESET 0xfe

static void write_pm1(u16 port, u8 typ)
{
	u16 val = (inw(port) & PM1_KEEP) | PM1_SLP_TYP(typ);

	outw(port, val);
	outw(port, val | PM1_SLP_EN);
}

/* Where they are mapped; NULL: they are not in memory. */
static volatile u8 *reset_reg, *sleep_control;

/* At the end nothing is mapped any more: a CPU with the lock may have stopped. */
void acpi_power_init(void)
{
	reset_reg = acpi.has_reset && !acpi.reset_reg.space ? map_mmio(acpi.reset_reg.address, 1) : NULL;
	sleep_control = acpi.sleep_control.address && !acpi.sleep_control.space ?
			map_mmio(acpi.sleep_control.address, 1) : NULL;
}

/*
 * One byte to a register in memory, where it is mapped, in I/O or in configuration space (bus 0;
 * ACPI 6.5, 5.2.3.2).
 */
static void write_gas(const struct acpi_gas *gas, volatile u8 *mapped, u8 val)
{
	if (mapped)
		*mapped = val;
	else if (gas->space == 1 && gas->address <= 0xffff)
		outb((u16)gas->address, val);
	else if (gas->space == 2)
		pci_conf_write_last(PCI_SBDF(0, 0, (gas->address >> 32 & 31) << 3 | (gas->address >> 16 & 7)),
				    gas->address & 0xff, val);
}

void acpi_power_off(void)
{
	if (!acpi.has_s5)
		return;
	if (acpi.hw_reduced) {
		if (acpi.sleep_control.address)
			write_gas(&acpi.sleep_control, sleep_control,
				  SLEEP_TYP(acpi.s5_typ_a) | SLEEP_EN);
		return;
	}
	if (acpi.pm1a_cnt)
		write_pm1((u16)acpi.pm1a_cnt, acpi.s5_typ_a);
	if (acpi.pm1b_cnt)
		write_pm1((u16)acpi.pm1b_cnt, acpi.s5_typ_b);
}

void acpi_reset(void)
{
	if (acpi.has_reset)
		write_gas(&acpi.reset_reg, reset_reg, acpi.reset_value);
	outb(RESET_CONTROL, 0x02);
	outb(RESET_CONTROL, 0x06);
	for (unsigned int i = 0; i < 10000 && (inb(KBD_COMMAND) & KBD_INPUT_FULL); i++)
		cpu_relax();
	outb(KBD_COMMAND, KBD_PULSE_RESET);
}
