/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of the chipset: HPET (IA-PC HPET specification 1.0a), ACPI PM timer (ACPI
 * 6.5, 4.8.3.3), PIT channel 2 (8254 data sheet) and the real-time clock (MC146818A).
 */
#include "arch/x86/mm.h"
#include "arch/x86/timeref.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "common/clock.h"

#define HPET_CAP_PERIOD (0x04 / 4)	/* high half of the capabilities: femtoseconds a tick */
#define HPET_CONFIG	(0x10 / 4)
#define HPET_COUNTER	(0xf0 / 4)
#define HPET_ENABLE	BIT(0)
#define HPET_LEGACY	BIT(1)		/* takes over IRQ 0 and 8 */
#define HPET_MAX_PERIOD 100000000u	/* 2.3.4 */
#define FS_PER_SECOND	1000000000000000ull

#define PM_TIMER_HZ 3579545

#define PIT_CH2	    0x42
#define PIT_COMMAND 0x43
#define PIT_GATE    0x61	/* bit 0: channel 2 counts, bit 1: to the speaker, bit 5: its output */
#define PIT_HZ	    1193182
#define PIT_COUNT   0xe000	/* 48 ms */

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define RTC_UPDATING BIT(7)	/* in register 0Ah */

static volatile u32 *hpet;
static u16 pm_timer;

static u32 read_hpet(void) { return hpet[HPET_COUNTER]; }

/* Some chipsets return garbage once in a while: two readings in a row must fit. */
static u32 read_pm_timer(void)
{
	u32 a = inl(pm_timer), b;

	for (unsigned int i = 0; i < 10; i++) {
		b = inl(pm_timer);
		if (b - a < 1000)
			return b;
		a = b;
	}
	return a;
}

static struct timeref hpet_ref = { .name = "HPET", .bits = 32, .read = read_hpet };
static struct timeref pm_ref = { .name = "ACPI PM timer", .hz = PM_TIMER_HZ,
				 .read = read_pm_timer };

static bool counts(const struct timeref *r)
{
	u32 start = r->read();

	for (unsigned int i = 0; i < 1000; i++)
		if (r->read() != start)
			return true;
	return false;
}

static bool find_hpet(void)
{
	u32 period;

	if (!acpi.hpet)
		return false;
	hpet = map_mmio(acpi.hpet, 0x400);
	if (!hpet)
		return false;
	period = hpet[HPET_CAP_PERIOD];
	if (!period || period > HPET_MAX_PERIOD)
		return false;
	hpet[HPET_CONFIG] = (hpet[HPET_CONFIG] & ~HPET_LEGACY) | HPET_ENABLE;
	hpet_ref.hz = FS_PER_SECOND / period;
	return counts(&hpet_ref);
}

static bool find_pm_timer(void)
{
	if (!acpi.pm_timer_port)
		return false;
	pm_timer = (u16)acpi.pm_timer_port;
	pm_ref.bits = acpi.pm_timer_32bit ? 32 : 24;
	return counts(&pm_ref);
}

const struct timeref *timeref_find(void)
{
	return find_hpet() ? &hpet_ref : find_pm_timer() ? &pm_ref : NULL;
}

u64 timeref_pit_measure(u64 *ns)
{
	u8 gate = inb(PIT_GATE);
	u64 start, end, tries = 100000000;

	outb(PIT_GATE, (gate & ~3) | 1);
	outb(PIT_COMMAND, 0xb0); /* channel 2, both bytes, mode 0: output rises at the end */
	outb(PIT_CH2, PIT_COUNT & 0xff);
	outb(PIT_CH2, PIT_COUNT >> 8);
	start = rdtsc_ordered();
	while (!(inb(PIT_GATE) & BIT(5)) && --tries)
		cpu_relax();
	end = rdtsc_ordered();
	outb(PIT_GATE, gate);
	*ns = PIT_COUNT * 1000000000ull / PIT_HZ;
	return tries ? end - start : 0;
}

static u8 cmos(u8 reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

static void rtc_read_regs(struct rtc_regs *r)
{
	*r = (struct rtc_regs){ .second = cmos(0x00), .minute = cmos(0x02), .hour = cmos(0x04),
				.day = cmos(0x07), .month = cmos(0x08), .year = cmos(0x09), .status_b = cmos(0x0b) };
	if (acpi.rtc_century) {
		r->has_century = true;
		r->century = cmos(acpi.rtc_century);
	}
}

u64 rtc_read(void)
{
	struct rtc_regs a, b;

	if (acpi.no_cmos_rtc)
		return 0;
	for (unsigned int i = 0; i < 5; i++) {
		/* An update takes 2 ms at most; a register file without a clock reads FFh. */
		for (unsigned int n = 0; (cmos(0x0a) & RTC_UPDATING) && n < 10000; n++)
			cpu_relax();
		rtc_read_regs(&a);
		rtc_read_regs(&b);
		if (memcmp(&a, &b, sizeof(a)) == 0)
			return rtc_to_epoch(&a);
	}
	return 0;
}
