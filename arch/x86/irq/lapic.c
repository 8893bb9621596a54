/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of the CPU that runs this (SDM vol. 3, chapter 11): x2APIC
 * mode where the CPU has it, xAPIC otherwise. Destinations are always physical
 * APIC ids: Bochs 2.7 reads the logical ones of x2APIC as 0.
 */
#include "arch/x86/irq/irq.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/mm.h"
#include "common/printk.h"

#define APIC_BASE_ADDR_MASK 0x000ffffffffff000ull

static volatile u32 *xapic; /* NULL in x2APIC mode */

u32 lapic_read(unsigned int reg)
{
	return xapic ? xapic[reg / 4] : (u32)rdmsr(MSR_X2APIC(reg));
}

void lapic_write(unsigned int reg, u32 val)
{
	if (xapic)
		xapic[reg / 4] = val;
	else
		wrmsr(MSR_X2APIC(reg), val);
}

u32 lapic_id(void)
{
	u32 id = lapic_read(APIC_ID);

	return xapic ? id >> 24 : id;
}

void lapic_eoi(void)
{
	lapic_write(APIC_EOI, 0);
}

/*
 * Writes the interrupt command register. In x2APIC mode WRMSR orders nothing:
 * what the other CPU is to see must be visible first (SDM vol. 3, 11.12.3).
 */
static void write_icr(u32 apic_id, u32 low)
{
	if (!xapic) {
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC(APIC_ICR), (u64)apic_id << 32 | low);
		return;
	}
	while (xapic[APIC_ICR / 4] & APIC_ICR_BUSY)
		cpu_relax();
	xapic[APIC_ICR2 / 4] = apic_id << 24;
	xapic[APIC_ICR / 4] = low;
}

void lapic_send_ipi(u32 apic_id, u8 vector)
{
	write_icr(apic_id, APIC_ICR_ASSERT | vector);
}

void lapic_send_init(u32 apic_id)
{
	write_icr(apic_id, APIC_ICR_LEVEL | APIC_ICR_ASSERT | APIC_DM_INIT << 8);
}

void lapic_send_sipi(u32 apic_id, u8 page)
{
	write_icr(apic_id, APIC_ICR_ASSERT | APIC_DM_STARTUP << 8 | page);
}

void lapic_send_nmi(u32 apic_id)
{
	write_icr(apic_id, APIC_ICR_ASSERT | APIC_DM_NMI << 8);
}

static void enable_mode(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_EN))
		wrmsr(MSR_APIC_BASE, base |= APIC_BASE_EN);
	if (base & APIC_BASE_EXTD)
		return;
	if (cpu_features.x2apic) {
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_EXTD);
		return;
	}
	if (!xapic) {
		xapic = map_mmio(base & APIC_BASE_ADDR_MASK, PAGE_SIZE);
		if (!xapic)
			panic("local APIC: cannot map its registers at %#lx",
			      (unsigned long)(base & APIC_BASE_ADDR_MASK));
	}
}

static void mask_lvts(void)
{
	static const u16 lvts[] = { APIC_LVT_TIMER, APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR,
				    APIC_LVT_PERF, APIC_LVT_THERMAL };
	/* Version register bits 16..23: number of the last entry; perf and thermal come as 5th and 6th. */
	unsigned int last = lapic_read(APIC_LVR) >> 16 & 0xff;

	for (unsigned int i = 0; i < ARRAY_SIZE(lvts) && i <= last; i++)
		lapic_write(lvts[i], APIC_LVT_MASKED | VECTOR_SPURIOUS);
	lapic_write(APIC_LVT_ERROR, VECTOR_ERROR);
}

/* The inputs to which the machine's NMI is wired (ACPI 6.5, 5.2.12.7 and 5.2.12.13). */
static void connect_nmis(void)
{
	u32 uid = acpi_uid_of(lapic_id());

	for (unsigned int i = 0; i < acpi.nr_nmis; i++)
		if (acpi.nmis[i].acpi_uid == ACPI_ALL_CPUS || acpi.nmis[i].acpi_uid == uid)
			lapic_write(acpi.nmis[i].lint ? APIC_LVT_LINT1 : APIC_LVT_LINT0, APIC_DM_NMI << 8);
}

/* What firmware left in service would block everything below it for ever. */
static void finish_leftovers(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		u32 any = 0;

		for (unsigned int w = 0; w < 8; w++)
			any |= lapic_read(APIC_ISR + w * 0x10);
		if (!any)
			return;
		lapic_eoi();
	}
}

void lapic_init_cpu(void)
{
	enable_mode();
	lapic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	mask_lvts();
	connect_nmis();
	lapic_write(APIC_TPR, 0);
	finish_leftovers();
	lapic_write(APIC_ESR, 0);
}
