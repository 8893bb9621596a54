/* SPDX-License-Identifier: GPL-2.0-only */
/* From the loader to the first domain: one line a step, in the order that they need each other. */
#include <public/errno.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/acpi/srat.h"
#include "arch/x86/builder/build.h"
#include "arch/x86/cpufreq.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/iommu/iommu.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/mce.h"
#include "arch/x86/microcode.h"
#include "arch/x86/mitigations.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/vpci.h"
#include "arch/x86/pcpu.h"
#include "arch/x86/time.h"
#include "arch/x86/uart.h"
#include "common/cmdline.h"
#include "common/console.h"
#include "common/efi.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/version.h"
#include "common/watchdog.h"

void start_keel(struct boot_info *bi);

static struct bootcfg bootcfg;

static const void *fdt(void) { return boot_info.fdt ? pa_to_virt(boot_info.fdt) : NULL; }

static void read_boot_config(void)
{
	char err[BOOTCFG_ERR_LEN];

	if (bootcfg_parse(&boot_info, fdt(), &bootcfg, err, sizeof(err)))
		panic("Boot configuration: %s", err);
	if (bootcfg_dom0(&bootcfg))
		dom0_reserve_memory(bootcfg_dom0(&bootcfg));
}

/* Before anything else asks what the CPUs can do. */
static void load_microcode(void)
{
	const struct bootcfg_domain *dom0 = bootcfg_dom0(&bootcfg);
	const struct boot_module *m = dom0 && dom0->ramdisk != BOOTCFG_NO_MODULE ?
				      &boot_info.modules[dom0->ramdisk] : NULL;

	microcode_init(m ? pa_to_virt(m->base) : NULL, m ? m->size : 0);
}

/* The vendor whose table fits this machine; why not, if none does. */
static void choose_hvm(void)
{
	static const struct hvm_ops *const vendors[] = { &svm_ops, &vmx_ops };
	const char *text = "no vendor's table is built in";

	for (unsigned int i = 0; i < ARRAY_SIZE(vendors); i++) {
		int rc = vendors[i]->probe(&text);

		if (!rc)
			hvm_ops = vendors[i];
		if (rc != -ENODEV) /* it is this vendor's, whether it can be used or not */
			break;
	}
	if (!hvm_ops)
		panic("This machine cannot run guests: %s", text);
	p2m_format = hvm_ops->p2m_format;
	p2m_gfn_limit = BIT(min(cpu_features.phys_bits, 48u) - PAGE_SHIFT);
	if (hvm_ops->cpu_up())
		panic("CPU0: %s cannot be enabled; switch it on in the firmware's setup", hvm_ops->name);
	pr_info("Guests run by %s: %s", hvm_ops->name, text);
	hvm_features = text;
}

static void init_memory(struct boot_info *bi)
{
	mm_init_early(bi);
	mm_init_paging();
	traps_init_cpu((struct x86_pcpu *)this_cpu());
	arch_screen_init();
	mm_move_modules();
	mm_init_frames();
	smp_reserve_trampoline();
	read_boot_config();
	mm_init_heap();
}

/* On the boot CPU's own stack; the boot stack is not used again. */
static void __noreturn start_loop(void)
{
	mm_free_modules();
	start_domains(&bootcfg);
	console_start_async();
	watchdog_init();
	vcpu_loop();
}

static void __noreturn switch_stack(void (*fn)(void))
{
	u64 top = map_stack(0, STACK_MAIN, this_cpu());

	__asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call *%1; ud2" : : "r"(top),
			 "r"(fn) : "memory");
	__builtin_unreachable();
}

void start_keel(struct boot_info *bi)
{
	static char cmdline[OPTION_CMDLINE_LEN];

	smp_init_boot_cpu();
	bootcfg_command_line(bi, (const void *)bi->fdt, cmdline, sizeof(cmdline));
	option_init(cmdline);
	version_init();
	printk_init();
	uart_init();
	pr_info("Keel " KEEL_RELEASE ", a hypervisor with the Xen ABI");
	cmdline_check();
	boot_info_print(bi);
	cpu_init_features();
	init_memory(bi);
	load_microcode();
	cpu_init_this();
	if (acpi_init(boot_info.rsdp))
		panic("The firmware's ACPI tables cannot be used (see above): look for a newer firmware, or switch ACPI on in its setup");
	acpi_power_init();
	uart_use_spcr();
	lapic_choose_mode();
	lapic_init_cpu();
	numa_init();
	ioapic_init();
	iommu_init();
	time_init();
	choose_hvm();
	mitigations_init();
	cpufreq_init_cpu();
	sched_init();
	mce_init_cpu();
	efi_init();
	smp_start_all();
	time_check_cpus();
	build_domains(&bootcfg);
	iommu_late_init();
	switch_stack(start_loop);
}
