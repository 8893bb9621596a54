/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NMIs of the machine: somebody pressed the button, or a bus or a management controller reports an
 * error (nmi=). Those that Keel sends itself are handled in traps.c.
 */
#include "arch/x86/pcpu.h"
#include "common/timer.h"
#include "common/dump.h"
#include "common/option.h"
#include "common/printk.h"

/* NMI status and control of a PC (Intel 300 Series Chipset datasheet vol. 2, NMI_STS_CNT). */
#define NMI_STATUS 0x61
#define NMI_SERR BIT(7)
#define NMI_IOCHK BIT(6)
#define NMI_DISABLE (BIT(2) | BIT(3))	/* SERR#, IOCHK#: clears it, too */
#define NMI_WRITABLE 0x0f

#define DUMP_NS 10000000000ull		/* from one dump to the next */

enum { NMI_REPORT, NMI_FATAL, NMI_IGNORE };

static u8 take_status(void)
{
	u8 status = inb(NMI_STATUS);

	if (status == 0xff) /* there is no such port */
		return 0;
	if (status & (NMI_SERR | NMI_IOCHK)) {
		outb(NMI_STATUS, (status & NMI_WRITABLE) | NMI_DISABLE);
		outb(NMI_STATUS, status & NMI_WRITABLE & ~NMI_DISABLE);
	}
	return status;
}

void nmi_report(const struct pcpu *cpu)
{
	static u64 dumped;	/* atomic; 0: never */
	int what = option_choice("nmi");
	u8 status = take_status();
	u64 before = __atomic_load_n(&dumped, __ATOMIC_RELAXED), t = now();

	if (what == NMI_IGNORE)
		return;
	pr_warn("CPU%u: NMI%s%s", cpu->id,
		status & NMI_SERR ? ", SERR: a PCI device reports an error" : "",
		status & NMI_IOCHK ? ", IOCHK: a device reports an error" : "");
	if (what == NMI_FATAL)
		panic("An NMI came, and nmi=fatal is set");
	/* Several CPUs may get the same one. */
	if ((before && t - before < DUMP_NS) || !cas(&dumped, &before, t))
		return;
	dump_machine();
}
