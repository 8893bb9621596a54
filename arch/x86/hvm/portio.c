/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports that exit. A guest only has the debug console's port. Dom0 has all ports except those that
 * Keel keeps, watches or hides: the table. Ports without an owner read as ones (the PIT's channel 2
 * as 0), and writes to them are dropped.
 */
#include <public/sched.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/pci/vpci.h"
#include "arch/x86/uart.h"
#include "common/console.h"
#include "common/printk.h"

#define PORT_PIT_2 0x42
#define PORT_CMOS_INDEX 0x70
#define PORT_KBD_COMMAND 0x64
#define PORT_RESET 0xcf9
#define PM1_SLP_TYP(v) ((v) >> 10 & 7)	/* ACPI 6.5, 4.8.3.2.1 */
#define PM1_SLP_EN BIT(13)

struct port_range {
	u16 first, last;
	u32 (*in)(struct vcpu *v, u16 port, unsigned int size);	/* NULL: all ones */
	void (*out)(struct vcpu *v, u16 port, unsigned int size, u32 val);	/* NULL: dropped */
};

static u32 raw_in(struct vcpu *v, u16 port, unsigned int size) { return port_in(port, size); }

static u32 debug_in(struct vcpu *v, u16 port, unsigned int size)
{
	return XEN_HVM_DEBUGCONS_IOPORT;	/* how guests find it */
}

static void debug_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	char c = (char)val;

	if (size != 1)
		return;
	if (v->domain->hardware)
		console_line_write(&c, 1);
	else
		console_guest_write(v->domain, &c, 1);
}

/* Bit 7 masks the machine's NMIs, which are Keel's. */
static void cmos_index_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	outb(PORT_CMOS_INDEX, (u8)(val & 0x7f));
	if (size == 2)
		outb(PORT_CMOS_INDEX + 1, (u8)(val >> 8));
}

static void reset_by(struct vcpu *v, const char *what)
{
	pr_info("Dom0 resets the machine through %s", what);
	domain_shutdown(v->domain, SHUTDOWN_reboot, NULL);
}

/* Commands 0xf0 to 0xff pulse the controller's outputs; bit 0 is the reset line. */
static void kbd_command_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	if (size == 1 && (val & 0xf1) == 0xf0)
		reset_by(v, "the keyboard controller");
	else
		port_out(port, size, val);
}

static void reset_control_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	if (val & 4)
		reset_by(v, "port 0xcf9");
}

static u32 reset_control_in(struct vcpu *v, u16 port, unsigned int size) { return 0; }

static void acpi_reset_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	if (size == 1 && val == acpi.reset_value)
		reset_by(v, "ACPI's reset register");
	else
		port_out(port, size, val);
}

/* Sleeping: S5 is Dom0's end, and then the machine's; in other states Keel could not come back. */
static void pm1_cnt_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	bool high = port == acpi.pm1a_cnt + 1 || port == acpi.pm1b_cnt + 1;
	u32 reg = high ? val << 8 : val;
	u8 s5 = port - high == acpi.pm1b_cnt ? acpi.s5_typ_b : acpi.s5_typ_a;

	if (!(reg & PM1_SLP_EN) || (size == 1 && !high)) {
		port_out(port, size, val);
	} else if (acpi.has_s5 && PM1_SLP_TYP(reg) == s5) {
		domain_shutdown(v->domain, SHUTDOWN_poweroff, NULL);
	} else {
		pr_guest(v->domain, "sleep state with SLP_TYP %u refused: only S5 (power off) is supported",
			 PM1_SLP_TYP(reg));
	}
}

/* Ports that every PC has. */
static const struct port_range fixed[] = {
	{ 0x00, 0x1f, NULL, NULL },		/* DMA */
	{ 0x20, 0x21, NULL, NULL },		/* 8259 */
	{ 0x40, 0x43, NULL, NULL },		/* PIT */
	{ 0x61, 0x61, NULL, NULL },
	{ PORT_KBD_COMMAND, PORT_KBD_COMMAND, raw_in, kbd_command_out },
	{ PORT_CMOS_INDEX, PORT_CMOS_INDEX, NULL, cmos_index_out },
	{ 0x81, 0x8f, NULL, NULL },		/* DMA pages; 0x80 is a delay */
	{ 0x92, 0x92, NULL, NULL },		/* fast A20 and reset */
	{ 0xa0, 0xa1, NULL, NULL },
	{ 0xc0, 0xdf, NULL, NULL },		/* DMA */
	{ XEN_HVM_DEBUGCONS_IOPORT, XEN_HVM_DEBUGCONS_IOPORT, debug_in, debug_out },
	{ 0xf0, 0xf0, NULL, NULL },
	{ 0x4d0, 0x4d1, NULL, NULL },		/* edge or level of the 8259 */
	/* as a byte; else it is part of the 32-bit configuration address port */
	{ PORT_RESET, PORT_RESET, reset_control_in, reset_control_out },
	{ 0xcf8, 0xcfb, vpci_port_in, vpci_port_out },
	{ 0xcfc, 0xcff, vpci_port_in, vpci_port_out },
};

static bool covers(const struct port_range *r, u16 port)
{
	return port >= r->first && port <= r->last;
}

/* Ports that depend on the machine, numbered by i. false: no more. */
static bool machine_range(unsigned int i, struct port_range *r)
{
	u16 p = 0;

	switch (i) {
	case 0:
	case 1:
		p = (u16)(i ? acpi.pm1b_cnt : acpi.pm1a_cnt);
		*r = (struct port_range){ p, p + 1, raw_in, pm1_cnt_out };
		break;
	case 2:
		/* the address space of system I/O is 1 (ACPI 6.5, 5.2.3.2) */
		p = acpi.has_reset && acpi.reset_reg.space == 1 && acpi.reset_reg.address != PORT_RESET ?
			(u16)acpi.reset_reg.address : 0;
		*r = (struct port_range){ p, p, raw_in, acpi_reset_out };
		break;
	case 3:
		p = uart_port();
		*r = (struct port_range){ p, p + UART_NR_PORTS - 1, NULL, NULL };
		break;
	default:
		return false;
	}
	if (!p)
		*r = (struct port_range){ 1, 0, NULL, NULL };	/* covers nothing */
	return true;
}

static bool find_range(u16 port, unsigned int size, struct port_range *r)
{
	for (unsigned int i = 0; machine_range(i, r); i++)
		if (covers(r, port))
			return true;
	for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (covers(&fixed[i], port) && (size == 1 || fixed[i].in != reset_control_in)) {
			*r = fixed[i];
			return true;
		}
	}
	return false;
}

/*
 * An access that exits although no range has its first port: wide, over the edge of one. The whole
 * access is dropped, so that it does not touch ports that Keel keeps.
 */
u32 hvm_port_in(struct vcpu *v, u16 port, unsigned int size)
{
	u32 ones = (u32)bytes_mask(size);
	struct port_range r;

	if (port == PORT_PIT_2) /* Linux would read 100,000 times and wait for a count of ones to change */
		return 0;
	if (!v->domain->hardware)
		return port == XEN_HVM_DEBUGCONS_IOPORT && size == 1 ? debug_in(v, port, size) : ones;
	if (!find_range(port, size, &r) || !r.in)
		return ones;
	return r.in(v, port, size) & ones;
}

void hvm_port_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	struct port_range r;

	if (!v->domain->hardware) {
		if (port == XEN_HVM_DEBUGCONS_IOPORT)
			debug_out(v, port, size, val);
		return;
	}
	if (find_range(port, size, &r) && r.out)
		r.out(v, port, size, val);
}

static void trap_range(u8 *bitmap, const struct port_range *r)
{
	for (u32 p = r->first; p <= r->last; p++)
		bitmap[p / 8] |= (u8)(1 << p % 8);
}

void hvm_port_policy_dom0(u8 *bitmap)
{
	struct port_range r;

	memset(bitmap, 0, 65536 / 8);
	for (unsigned int i = 0; machine_range(i, &r); i++)
		trap_range(bitmap, &r);
	for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++)
		trap_range(bitmap, &fixed[i]);
}
