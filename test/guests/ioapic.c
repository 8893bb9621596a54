/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dom0's IO-APIC with the interrupt of the real-time clock, edge-triggered and level-triggered. A
 * level interrupt repeats only after the guest's EOI has reached the IO-APIC, with the local APIC
 * in either mode.
 */
#include "lib/guest.h"

const char test_title[] = "ioapic";

#define PIN 8
#define VECTOR 0x48
#define LEVEL (1u << 15)
#define REMOTE_IRR (1u << 14)
#define MASKED (1u << 16)
#define INTERRUPTS 20

static volatile u32 *const ioapic = (volatile u32 *)0xfec00000;
static volatile u32 interrupts, not_in_service, still_in_service;
static u32 trigger;

static u32 read_entry(void)
{
	ioapic[0] = 0x10 + 2 * PIN;
	return ioapic[4];
}

static void write_entry(u32 low)
{
	ioapic[0] = 0x11 + 2 * PIN;
	ioapic[4] = 0; /* to APIC id 0 */
	ioapic[0] = 0x10 + 2 * PIN;
	ioapic[4] = low;
}

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void cmos_set(u8 reg, u8 value)
{
	outb(0x70, reg);
	outb(0x71, value);
}

static void clock(struct regs *regs)
{
	not_in_service += trigger && !(read_entry() & REMOTE_IRR);
	cmos(0x0c); /* clears the interrupt at its source */
	if (++interrupts < INTERRUPTS) {
		apic_write(APIC_EOI, 0);
		return;
	}
	/* The last interrupt: with the source off, nothing may be in service after the EOI. */
	cmos_set(0x0b, cmos(0x0b) & ~0x40);
	cmos(0x0c);
	write_entry(VECTOR | trigger | MASKED);
	apic_write(APIC_EOI, 0);
	still_in_service += !!(read_entry() & REMOTE_IRR);
}

static void count(const char *what)
{
	u64 end = now_ns() + PATIENCE_NS;

	interrupts = 0;
	write_entry(VECTOR | trigger);
	cmos_set(0x0a, 0x26); /* 1024 interrupts a second */
	cmos_set(0x0b, cmos(0x0b) | 0x40);
	cmos(0x0c);
	irq_on();
	while (interrupts < INTERRUPTS && now_ns() < end)
		cpu_relax();
	irq_off();
	printk("%s: %u interrupts\n", what, interrupts);
	/* An edge that came during the last handler still counts. */
	EXPECT(interrupts == INTERRUPTS || (!trigger && interrupts == INTERRUPTS + 1), "%u interrupts",
	       interrupts);
	EXPECT_EQ(not_in_service, 0);
	EXPECT_EQ(still_in_service, 0);
	EXPECT_EQ(read_entry() & 0x1ffff, VECTOR | trigger | MASKED);
}

void test_main(void)
{
	if (!is_dom0)
		skip("only Dom0 has an IO-APIC");
	apic_enable();
	set_irq_handler(VECTOR, clock);
	count("edge, xAPIC");
	trigger = LEVEL;
	count("level, xAPIC");
	if (!apic_enter_x2())
		return;
	apic_enable();
	count("level, x2APIC");
	trigger = 0;
	count("edge, x2APIC");
}
