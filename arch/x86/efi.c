/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EFI's runtime services: finding them at boot, and their calls. A call runs on page tables of its
 * own, whose upper half is Keel's. Their lower half shows what services use where it is, as boot
 * services had it: Keel does not move them (SetVirtualAddressMap).
 */
#include <machine/directmap.h>

#include "arch/x86/mitigations.h"
#include "arch/x86/mm.h"
#include "arch/x86/pcpu.h"
#include "common/efi.h"
#include "common/option.h"
#include "common/printk.h"

#define SYSTEM_SIGNATURE 0x5453595320494249ull	/* "IBI SYST" */
#define RUNTIME_SIGNATURE 0x56524553544e5552ull	/* "RUNTSERV" */

const struct efi_system *efi_system;
const struct efi_runtime *efi_runtime;

static u64 *tables;		/* the top level */
static struct pcpu *inside;	/* the CPU that runs a service */
static bool broken;		/* one has faulted */
u64 efi_stack;			/* efi_call.S: where the call began */

extern const char efi_return[];
/* efi_call.S: the service's status; if it has faulted, anything. */
u64 efi_call(const void *const args[5], u64 service, paddr_t top);

void efi_init(void)
{
	const struct efi_system *st;
	const struct efi_runtime *rt = NULL;

	if (!boot_info.efi_system || !option_flag("efi"))
		return;
	st = map_firmware(boot_info.efi_system, sizeof(*st));
	if (st && st->h.signature == SYSTEM_SIGNATURE)
		rt = map_firmware(st->runtime, sizeof(*rt));
	tables = rt && rt->h.signature == RUNTIME_SIGNATURE ? map_runtime() : NULL;
	if (!tables) {
		pr_warn("EFI: the firmware's tables are damaged: Dom0 cannot use its services");
		return;
	}
	efi_system = st;
	efi_runtime = rt;
	pr_info("EFI %u.%u: Dom0 may use the firmware's runtime services", st->h.version >> 16,
		(st->h.version & 0xffff) / 10);
}

bool efi_faulted(u64 vector, u64 *rip, u64 *rsp)
{
	if (inside != this_cpu())
		return false;
	pr_err("EFI: a runtime service faulted (vector %lu at rip %#lx): none is used until the next boot",
	       vector, *rip);
	broken = true;
	*rip = (u64)efi_return;
	*rsp = efi_stack;
	return true;
}

/* The vCPU's state is in memory meanwhile, as if the CPU were idle. */
u64 arch_efi_call(enum efi_service service, const void *const args[5])
{
	const u64 *keels = pa_to_virt(keel_cr3());
	u64 status;
	const u32 mxcsr = 0x1f80;
	struct vcpu *v = current;

	if (broken || inside || efi_runtime->services[service] >= BIT(47)) /* where map_runtime() ends */
		return EFI_DEVICE_ERROR;
	memcpy(tables + 256, keels + 256, PAGE_SIZE / 2);
	arch_context_switch(v, this_cpu()->idle);
	mitigations_domain_switch(); /* no guest says where the firmware's branches go */
	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr) : "memory");
	traps_use_ist(IST_ALL);
	WRITE_ONCE(inside, this_cpu());
	status = efi_call(args, efi_runtime->services[service], virt_to_pa(tables));
	WRITE_ONCE(inside, NULL);
	traps_use_ist(IST_NMI);
	arch_context_switch(this_cpu()->idle, v);
	return broken ? EFI_DEVICE_ERROR : status;
}
