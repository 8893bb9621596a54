/* SPDX-License-Identifier: GPL-2.0-only */
/* Reset and power off: which registers are written, in which order. */
#include "test/unit/unit.h"

#include "arch/x86/cpu.h"
static void write_port(u16 port, u32 val);
#define outb write_port
#define outw write_port
#define inb(port) ((u8)0)
#define inw(port) ((u16)1)
#include "arch/x86/acpi/power.c"

struct acpi_info acpi;

enum { PCI = 0x10000, MEMORY = 0x20000 };
static struct { u32 where, val; } written[16];
static unsigned int nr_written;
static u8 memory[16];

static void note(u32 where, u32 val)
{
	assert_true(nr_written < ARRAY_LEN(written));
	written[nr_written].where = where;
	written[nr_written++].val = val;
}

static void write_port(u16 port, u32 val) { note(port, val); }

void pci_conf_write_last(u32 sbdf, unsigned int reg, u8 val)
{
	note(PCI | sbdf, reg << 8 | val);
}

static bool booted; /* later nothing may be mapped */
void *map_mmio(paddr_t pa, size_t len)
{
	assert_false(booted);
	return pa == 0xfed00004 || pa == 0xb2 ? memory + 4 : NULL;
}

static int setup(void **state)
{
	acpi = (struct acpi_info){ .has_reset = true, .reset_value = 0x5a };
	memset(memory, 0, sizeof(memory));
	nr_written = 0;
	booted = false;
	return 0;
}

static void reset_by(u8 space, u64 address)
{
	setup(NULL);
	acpi.reset_reg = (struct acpi_gas){ .space = space, .address = address };
	acpi_power_init();
	booted = true;
	acpi_reset();
	/* Then the chipset's register, then the keyboard controller's line. */
	assert_true(nr_written >= 3);
	assert_true(written[nr_written - 3].where == 0xcf9 && written[nr_written - 2].where == 0xcf9);
	assert_true(written[nr_written - 2].val == 6 && written[nr_written - 1].where == 0x64);
	nr_written -= 3;
}

static void each_space_has_its_way(void **state)
{
	reset_by(1, 0xb2);
	assert_true(nr_written == 1 && written[0].where == 0xb2 && written[0].val == 0x5a);
	reset_by(0, 0xfed00004);
	assert_true(nr_written == 0 && memory[4] == 0x5a);
	reset_by(0, 0xfed00008); /* nowhere */
	reset_by(2, 0x001f00020044);
	assert_int_equal(nr_written, 1);
	assert_int_equal(written[0].where, PCI | 0x1f << 3 | 2);
	assert_int_equal(written[0].val, 0x44 << 8 | 0x5a);
	/* a register of a kind that nobody knows, or at no port */
	reset_by(3, 0x44);
	assert_int_equal(nr_written, 0);
	reset_by(1, 0x10000);
	assert_int_equal(nr_written, 0);
	acpi.reset_reg.address = 0xb2;
	acpi.has_reset = false;
	acpi_reset();
	assert_int_equal(nr_written, 3);
}

static void power_off_by_both_registers(void **state)
{
	acpi_power_off();
	assert_int_equal(nr_written, 0); /* no \_S5 */
	acpi.has_s5 = true;
	acpi.s5_typ_a = 5;
	acpi.s5_typ_b = 7;
	acpi.pm1a_cnt = 0x604;
	acpi.pm1b_cnt = 0x704;
	acpi_power_off();
	assert_int_equal(nr_written, 4);
	assert_true(written[1].where == 0x604 && written[1].val == (1 | 5 << 10 | 1 << 13));
	assert_true(written[3].where == 0x704 && written[3].val == (1 | 7 << 10 | 1 << 13));
	nr_written = 0;
	acpi.hw_reduced = true;
	acpi.sleep_control = (struct acpi_gas){ .space = 1, .address = 0x808 };
	acpi_power_off();
	assert_true(nr_written == 1 && written[0].where == 0x808 && written[0].val == (5 << 2 | 1 << 5));
	acpi.sleep_control = (struct acpi_gas){ .space = 0, .address = 0xfed00004 };
	acpi_power_init();
	booted = true;
	acpi_power_off();
	assert_true(nr_written == 1 && memory[4] == (5 << 2 | 1 << 5));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(each_space_has_its_way, setup),
	cmocka_unit_test_setup(power_off_by_both_registers, setup),
};
UNIT_MAIN(tests)
