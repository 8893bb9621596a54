/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of the CPU that runs this (SDM vol. 3, chapter 11): x2APIC
 * mode where the CPU has it, xAPIC otherwise. Destinations are always physical
 * APIC ids: Bochs 2.7 reads the logical ones of x2APIC as 0.
 */
#include "arch/x86/irq/irq.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/microcode.h"
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

/*
 * In deadline mode the timer of these can miss its deadline, unless the microcode is of this
 * revision or later: errata of Intel's specification updates, as Linux's
 * apic_validate_deadline_timer() has them. Revision 0 is an emulator's.
 */
static bool deadline_works(void)
{
	enum { ANY = 0xff };
	static const struct { u8 model, stepping; u32 mended; } errata[] = {
		{ 0x3c, ANY, 0x22 }, { 0x45, ANY, 0x20 }, { 0x46, ANY, 0x17 }, { 0x3d, ANY, 0x25 },
		{ 0x47, ANY, 0x17 }, { 0x4e, ANY, 0xb2 }, { 0x5e, ANY, 0xb2 }, { 0x8e, ANY, 0x52 },
		{ 0x9e, ANY, 0x52 }, { 0x3f, 2, 0x3a }, { 0x3f, 4, 0x0f }, { 0x4f, ANY, 0x0b000020 },
		{ 0x56, 2, 0x11 }, { 0x56, 3, 0x0700000e }, { 0x56, 4, 0x0f00000c }, { 0x56, 5, 0x0e000003 },
		{ 0x55, 3, 0x01000136 }, { 0x55, 4, 0x02000014 },
	};
	const struct cpu_features *f = &cpu_features;
	u32 revision = microcode_revision();

	for (unsigned int i = 0; f->intel && f->family == 6 && revision && i < ARRAY_SIZE(errata); i++)
		if (f->model == errata[i].model && revision < errata[i].mended &&
		    (errata[i].stepping == ANY || f->stepping == errata[i].stepping))
			return false;
	return true;
}

/* A firmware that left x2APIC mode on has no say any more: it can only be left through a reset. */
void lapic_choose_mode(void)
{
	if (acpi.x2apic_opt_out && cpu_features.x2apic && !(rdmsr(MSR_APIC_BASE) & APIC_BASE_EXTD)) {
		pr_info("Local APIC: not in x2APIC mode, as the firmware asks (DMAR)");
		cpu_features.x2apic = false;
	}
	if (cpu_features.tsc_deadline && !deadline_works()) {
		pr_warn("Local APIC: its deadline mode has an erratum with microcode %#x: not used",
			microcode_revision());
		cpu_features.tsc_deadline = false;
	}
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
			panic("local APIC: cannot map its registers at %#lx; switch x2APIC on in the firmware's setup",
			      (unsigned long)(base & APIC_BASE_ADDR_MASK));
	}
}

/*
 * Firmware may have given the thermal sensor's interrupt to its SMI handler. It programs the boot
 * CPU; in the others INIT masked the entry (SDM vol. 3, 11.4.7.3), so they get the boot CPU's.
 */
static u32 thermal_lvt(void)
{
	static u32 firmwares;

	if (this_cpu() == pcpus[0])
		firmwares = lapic_read(APIC_LVT_THERMAL);
	return (firmwares >> 8 & 7) == APIC_DM_SMI ? firmwares : APIC_LVT_MASKED | VECTOR_SPURIOUS;
}

static void mask_lvts(void)
{
	static const u16 lvts[] = { APIC_LVT_TIMER, APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR,
				    APIC_LVT_PERF, APIC_LVT_THERMAL };
	/* Version register bits 16..23: number of the last entry; perf and thermal come as 5th and 6th. */
	unsigned int last = lapic_read(APIC_LVR) >> 16 & 0xff;

	for (unsigned int i = 0; i < ARRAY_SIZE(lvts) && i <= last; i++)
		lapic_write(lvts[i], lvts[i] == APIC_LVT_THERMAL ? thermal_lvt()
			    : APIC_LVT_MASKED | VECTOR_SPURIOUS);
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
