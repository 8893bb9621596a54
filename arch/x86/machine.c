/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine as a whole: halt, power off, reset. */
#include "arch/x86/acpi/acpi.h"
#include "arch/x86/pcpu.h"
#include "common/console.h"
#include "common/domain.h"
#include "common/efi.h"
#include "common/option.h"
#include "common/printk.h"
#include <public/sched.h>

#define POWER_OFF_WAIT 3000000000ull /* ns; machines take their time */

void arch_halt(void)
{
	smp_stop_others();
	for (;;)
		__asm__ volatile("cli; hlt");
}

void arch_machine_down(u8 reason)
{
	static const struct { u16 limit; u64 base; } __packed no_idt;

	console_start_sync();
	smp_stop_others();
	if (reason == SHUTDOWN_poweroff) {
		acpi_power_off();
		for (u64 limit = now() + POWER_OFF_WAIT; now() < limit;)
			cpu_relax();
		pr_err("The machine does not switch off: ACPI S5 had no effect");
		arch_halt();
	}
	if (reason == SHUTDOWN_crash || reason == SHUTDOWN_watchdog)
		efi_keep_log();
	if (reason == SHUTDOWN_crash && option_flag("noreboot"))
		arch_halt();
	acpi_reset();
	/* Nothing is left but a triple fault. */
	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
	arch_halt();
}
