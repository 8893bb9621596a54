/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which controls Keel requires, which it uses if they are there, and the messages for those that
 * are missing.
 */
#include "arch/x86/vmx/caps.h"

#include "arch/x86/vmx/vmcs.h"
#include <public/errno.h>

enum { PIN, PROC, PROC2, EXIT, ENTRY, NR_WORDS };

/* In the order in which messages about missing ones say most. */
static const struct { u8 word; u32 bit; const char *why; } required[] = {
	{ PROC, PROC_SECONDARY,
	  "the CPU has VMX, but no secondary processor-based controls (IA32_VMX_PROCBASED_CTLS)" },
	{ PROC2, PROC2_EPT, "the CPU has VMX, but no extended page tables (EPT)" },
	{ PROC2, PROC2_VPID, "the CPU has VMX, but no virtual processor ids (VPID)" },
	{ PROC2, PROC2_UNRESTRICTED, "the CPU has VMX, but not the unrestricted guest mode" },
	{ PIN, PIN_EXTINT, "VMX cannot exit for external interrupts" },
	{ PIN, PIN_NMI, "VMX cannot exit for NMIs" },
	{ PIN, PIN_VIRTUAL_NMI, "VMX has no virtual NMIs" },
	{ PROC, PROC_INTR_WINDOW, "VMX has no interrupt window" },
	{ PROC, PROC_NMI_WINDOW, "VMX has no NMI window" },
	{ PROC, PROC_TSC_OFFSET, "VMX cannot offset the TSC" },
	{ PROC, PROC_HLT, "VMX cannot exit for HLT" },
	{ PROC, PROC_MWAIT, "VMX cannot exit for MWAIT" },
	{ PROC, PROC_MONITOR, "VMX cannot exit for MONITOR" },
	{ PROC, PROC_RDPMC, "VMX cannot exit for RDPMC" },
	{ PROC, PROC_CR8_LOAD, "VMX cannot exit for writes of CR8" },
	{ PROC, PROC_CR8_STORE, "VMX cannot exit for reads of CR8" },
	{ PROC, PROC_MOV_DR, "VMX cannot exit for debug registers" },
	{ PROC, PROC_IO_BITMAPS, "VMX has no I/O bitmaps" },
	{ PROC, PROC_MSR_BITMAPS, "VMX has no MSR bitmaps" },
	{ EXIT, EXIT_SAVE_DEBUG, "VMX exits cannot save the debug controls" },
	{ EXIT, EXIT_HOST64, "VMX has no 64-bit hosts" },
	{ EXIT, EXIT_SAVE_PAT, "VMX exits cannot save the PAT" },
	{ EXIT, EXIT_LOAD_PAT, "VMX exits cannot load the PAT" },
	{ EXIT, EXIT_SAVE_EFER, "VMX exits cannot save EFER" },
	{ EXIT, EXIT_LOAD_EFER, "VMX exits cannot load EFER" },
	{ ENTRY, ENTRY_LOAD_DEBUG, "VMX entries cannot load the debug controls" },
	{ ENTRY, ENTRY_LOAD_PAT, "VMX entries cannot load the PAT" },
	{ ENTRY, ENTRY_LOAD_EFER, "VMX entries cannot load EFER" },
};

/* Useful only all together, and with the TPR shadow. */
#define VIRTUAL_APIC (PROC2_X2APIC | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS)

/* Used if they are there. */
static const u32 optional[NR_WORDS] = {
	[PIN] = PIN_PREEMPTION_TIMER,
	[PROC] = PROC_TPR_SHADOW,
	[PROC2] = PROC2_RDTSCP | PROC2_WBINVD | PROC2_PAUSE_LOOP | PROC2_INVPCID | VIRTUAL_APIC,
};

/* Allowed, and set only while they are needed. */
static const u32 on_demand[NR_WORDS] = {
	[PROC] = PROC_INTR_WINDOW | PROC_NMI_WINDOW,
	[PROC2] = PROC2_X2APIC,
	[ENTRY] = ENTRY_IA32E,
};

enum vmx_firmware vmx_feature_control(u64 msr)
{
	if (!(msr & FEATURE_CONTROL_LOCK))
		return VMX_FIRMWARE_OPEN;
	return msr & FEATURE_CONTROL_VMX ? VMX_FIRMWARE_ON : VMX_FIRMWARE_OFF;
}

/* Low half: bits that must be 1; high half: bits that may be (SDM vol. 3, A.2). */
static int choose_controls(const u64 *cap, u32 *word, const char **why)
{
	for (unsigned int i = 0; i < NR_WORDS; i++)
		word[i] = (u32)cap[i] | (optional[i] & (u32)(cap[i] >> 32));
	for (unsigned int i = 0; i < ARRAY_SIZE(required); i++) {
		if (!(cap[required[i].word] >> 32 & required[i].bit)) {
			*why = required[i].why;
			return -ENODEV;
		}
		word[required[i].word] |= required[i].bit;
	}
	if (!(word[PROC] & PROC_TPR_SHADOW) || ~word[PROC2] & VIRTUAL_APIC)
		word[PROC2] &= ~VIRTUAL_APIC;
	if (word[PROC] & PROC_TPR_SHADOW)
		word[PROC] &= ~(PROC_CR8_LOAD | PROC_CR8_STORE);
	for (unsigned int i = 0; i < NR_WORDS; i++)
		word[i] &= ~on_demand[i];
	return 0;
}

/* SDM vol. 3, A.10. */
static const struct { unsigned int bit; const char *why; } required_ept[] = {
	{ 6, "EPT cannot be walked in 4 levels" },
	{ 14, "EPT tables cannot be in write-back memory" },
	{ 20, "the CPU has EPT, but no INVEPT" },
	{ 26, "INVEPT cannot invalidate everything" },
	{ 32, "the CPU has VPID, but no INVVPID" },
	{ 41, "INVVPID cannot invalidate one id" },
	{ 16, "EPT has no 2 MiB pages" },
};

int vmx_caps_choose(const struct vmx_msrs *m, struct vmx_caps *c, const char **why)
{
	const u64 cap[NR_WORDS] = { [PIN] = m->pin, [PROC] = m->proc, [PROC2] = m->proc2, [EXIT] = m->exit,
				    [ENTRY] = m->entry };
	u32 word[NR_WORDS];
	int rc = choose_controls(cap, word, why);

	if (rc)
		return rc;
	for (unsigned int i = 0; i < ARRAY_SIZE(required_ept); i++) {
		if (m->ept_vpid >> required_ept[i].bit & 1)
			continue;
		*why = required_ept[i].why;
		return -ENODEV;
	}
	*c = (struct vmx_caps){
		.revision = (u32)m->basic & 0x7fffffff,
		.pin = word[PIN], .proc = word[PROC], .proc2 = word[PROC2], .exit = word[EXIT],
		.entry = word[ENTRY],
		.cr0_fixed0 = m->cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG), /* unrestricted guests choose these */
		.cr4_fixed0 = m->cr4_fixed0,
		.true_controls = m->basic >> 55 & 1,
		.pages_1g = m->ept_vpid >> 17 & 1,
		.accessed_dirty = m->ept_vpid >> 21 & 1,
		.preemption_shift = m->misc & 31,
		.invept_single = m->ept_vpid >> 25 & 1,
	};
	return 0;
}
