/* SPDX-License-Identifier: GPL-2.0-only */
#include "arch/x86/uart.h"
#include "common/boot_info.h"
#include "common/bootcfg.h"
#include "common/cmdline.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/symbols.h"

void start_keel(struct boot_info *bi);
static struct bootcfg cfg;

static void *p2v(u64 pa) { return (void *)(uintptr_t)pa; }

void start_keel(struct boot_info *bi)
{
	static char line[BOOT_CMDLINE_LEN], err[BOOTCFG_ERR_LEN];
	const void *fdt = bi->fdt ? p2v(bi->fdt) : NULL;
	u64 off;
	u32 i, j;

	bootcfg_command_line(bi, fdt, line, sizeof(line));
	option_init(line);
	uart_init();
	printk_init();
	pr_info("command line: %s", line);
	boot_info_print(bi);
	cmdline_check();
	pr_info("symbol %s", symbol_lookup((u64)(uintptr_t)start_keel + 5, &off));
	if (bootcfg_parse(bi, fdt, &cfg, err, sizeof(err)))
		panic("%s", err);
	for (i = 0; i < cfg.nr_domains; i++) {
		struct bootcfg_domain *d = &cfg.domains[i];
		pr_info("domain %s id %u flags %u mem %lu cpus %u kernel %d ramdisk %d cmdline %s", d->name, d->domid, d->flags, d->memory_kb, d->cpus, d->kernel, d->ramdisk, d->cmdline);
		for (j = 0; j < d->nr_evtchns; j++)
			pr_info(" evtchn %u -> %u:%u", d->evtchns[j].port, d->evtchns[j].peer, d->evtchns[j].peer_port);
		if (bootcfg_check_kernel(&bi->modules[d->kernel], p2v(bi->modules[d->kernel].base), err, sizeof(err)))
			panic("%s", err);
	}
	panic("end");
}
#include "common/pcpu.h"
#include "common/domain.h"
void arch_send_kick(struct pcpu *cpu) {}
void arch_stack_trace(void) {}
void arch_halt(void) { for (;;) asm volatile("cli; hlt"); }
void arch_machine_down(u8 r) { for (;;) asm volatile("cli; hlt"); }
