/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/vmx/caps.c arch/x86/vmx/check.c */
/* VMX capabilities, from made-up MSRs; reasons for failed entries, from made-up guest states. */
#include "test/unit/unit.h"

#include "arch/x86/vmx/caps.h"
#include "arch/x86/vmx/fields.h"
#include "arch/x86/vmx/vmcs.h"
#include <public/errno.h>

/* --- capabilities --- */

/* Every control may be 1 and none must be; all EPT and VPID features. */
static struct vmx_msrs everything(void)
{
	const u64 all = 0xffffffffull << 32;

	return (struct vmx_msrs){
		.basic = VMX_BASIC_TRUE | 0x12, .pin = all, .proc = all, .exit = all, .entry = all, .proc2 = all,
		.ept_vpid = 0xf0106734141ull, .cr0_fixed0 = 0x80000021, .cr4_fixed0 = X86_CR4_VMXE,
		.misc = 0x20000065,
	};
}

static void all_capabilities_are_used(void **state)
{
	struct vmx_msrs m = everything();
	struct vmx_caps c;
	const char *why = "";

	assert_int_equal(vmx_caps_choose(&m, &c, &why), 0);
	assert_int_equal(c.revision, 0x12);
	assert_true(c.true_controls && c.accessed_dirty && c.pages_1g && c.invept_single);
	assert_int_equal(c.cr0_fixed0, X86_CR0_NE);	/* an unrestricted guest may clear PE and PG */
	assert_int_equal(c.cr4_fixed0, X86_CR4_VMXE);
	assert_int_equal(c.proc2,
			 PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | PROC2_RDTSCP | PROC2_WBINVD |
				  PROC2_PAUSE_LOOP | PROC2_INVPCID | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS);
	assert_true(c.pin & PIN_PREEMPTION_TIMER);
	/* With a TPR shadow, accesses to CR8 need not exit. */
	assert_int_equal(c.proc & (PROC_TPR_SHADOW | PROC_CR8_LOAD | PROC_CR8_STORE), PROC_TPR_SHADOW);
	assert_int_equal(c.preemption_shift, 5);
	/* Window exits and the mode are set only when needed. */
	assert_int_equal(c.proc & (PROC_INTR_WINDOW | PROC_NMI_WINDOW), 0);
	assert_int_equal(c.entry & ENTRY_IA32E, 0);
}

static void optional_capabilities_may_be_missing(void **state)
{
	struct vmx_msrs m = everything();
	struct vmx_caps c;
	const char *why = "";

	m.basic &= ~VMX_BASIC_TRUE;
	m.pin &= ~(PIN_PREEMPTION_TIMER << 32);
	m.proc2 = (PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED) << 32;
	m.ept_vpid &= ~(BIT(17) | BIT(21) | BIT(25));
	assert_int_equal(vmx_caps_choose(&m, &c, &why), 0);
	assert_int_equal(c.pin & PIN_PREEMPTION_TIMER, 0);
	assert_false(c.true_controls || c.accessed_dirty || c.pages_1g || c.invept_single);
	assert_int_equal(c.proc2, PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED);
}

/* The virtual APIC needs three features and the TPR shadow. If one is missing, Keel uses none. */
static void the_virtual_apic_is_whole_or_not_there(void **state)
{
	static const u32 bits[] = { PROC2_X2APIC, PROC2_APIC_REGISTERS, PROC2_VIRTUAL_INTERRUPTS, 0 };

	for (unsigned int i = 0; i < ARRAY_LEN(bits); i++) {
		struct vmx_msrs m = everything();
		struct vmx_caps c;
		const char *why = "";

		m.proc2 &= ~((u64)bits[i] << 32);
		if (!bits[i])
			m.proc &= ~(PROC_TPR_SHADOW << 32);
		assert_int_equal(vmx_caps_choose(&m, &c, &why), 0);
		assert_int_equal(c.proc2 & (PROC2_X2APIC | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS), 0);
		assert_int_equal(!(c.proc & PROC_CR8_LOAD), !!bits[i]);
		assert_int_equal(!(c.proc & PROC_CR8_STORE), !!bits[i]);
	}
}

static void what_must_be_1_is_1(void **state)
{
	struct vmx_msrs m = everything();
	struct vmx_caps c;
	const char *why = "";

	m.pin |= 0x16;
	m.proc |= 0x0401e172;
	m.exit |= 0x36dff;
	m.entry |= 0x11ff & ~ENTRY_IA32E;
	assert_int_equal(vmx_caps_choose(&m, &c, &why), 0);
	assert_int_equal(c.pin & 0x16, 0x16);
	assert_int_equal(c.proc & 0x0401e172, 0x0401e172);
	assert_int_equal(c.exit & 0x36dff, 0x36dff);
	assert_int_equal(c.entry & 0x11ff, 0x11ff & ~ENTRY_IA32E);
}

/* If a control that Keel needs is missing, there is a message that names it. */
static void each_missing_control_has_its_message(void **state)
{
	static const struct { size_t msr; u64 bit; const char *text; } rows[] = {
		{ offsetof(struct vmx_msrs, proc), PROC_SECONDARY, "secondary processor-based controls" },
		{ offsetof(struct vmx_msrs, proc2), PROC2_EPT, "no extended page tables" },
		{ offsetof(struct vmx_msrs, proc2), PROC2_VPID, "no virtual processor ids" },
		{ offsetof(struct vmx_msrs, proc2), PROC2_UNRESTRICTED, "not the unrestricted guest" },
		{ offsetof(struct vmx_msrs, pin), PIN_EXTINT, "external interrupts" },
		{ offsetof(struct vmx_msrs, pin), PIN_NMI, "exit for NMIs" },
		{ offsetof(struct vmx_msrs, pin), PIN_VIRTUAL_NMI, "virtual NMIs" },
		{ offsetof(struct vmx_msrs, proc), PROC_INTR_WINDOW, "interrupt window" },
		{ offsetof(struct vmx_msrs, proc), PROC_NMI_WINDOW, "NMI window" },
		{ offsetof(struct vmx_msrs, proc), PROC_TSC_OFFSET, "offset the TSC" },
		{ offsetof(struct vmx_msrs, proc), PROC_HLT, "HLT" },
		{ offsetof(struct vmx_msrs, proc), PROC_MWAIT, "MWAIT" },
		{ offsetof(struct vmx_msrs, proc), PROC_MONITOR, "MONITOR" },
		{ offsetof(struct vmx_msrs, proc), PROC_RDPMC, "RDPMC" },
		{ offsetof(struct vmx_msrs, proc), PROC_CR8_LOAD, "writes of CR8" },
		{ offsetof(struct vmx_msrs, proc), PROC_CR8_STORE, "reads of CR8" },
		{ offsetof(struct vmx_msrs, proc), PROC_MOV_DR, "debug registers" },
		{ offsetof(struct vmx_msrs, proc), PROC_IO_BITMAPS, "I/O bitmaps" },
		{ offsetof(struct vmx_msrs, proc), PROC_MSR_BITMAPS, "MSR bitmaps" },
		{ offsetof(struct vmx_msrs, exit), EXIT_SAVE_DEBUG, "exits cannot save the debug controls" },
		{ offsetof(struct vmx_msrs, exit), EXIT_HOST64, "64-bit hosts" },
		{ offsetof(struct vmx_msrs, exit), EXIT_SAVE_PAT, "exits cannot save the PAT" },
		{ offsetof(struct vmx_msrs, exit), EXIT_LOAD_PAT, "exits cannot load the PAT" },
		{ offsetof(struct vmx_msrs, exit), EXIT_SAVE_EFER, "exits cannot save EFER" },
		{ offsetof(struct vmx_msrs, exit), EXIT_LOAD_EFER, "exits cannot load EFER" },
		{ offsetof(struct vmx_msrs, entry), ENTRY_LOAD_DEBUG, "entries cannot load the debug controls" },
		{ offsetof(struct vmx_msrs, entry), ENTRY_LOAD_PAT, "entries cannot load the PAT" },
		{ offsetof(struct vmx_msrs, entry), ENTRY_LOAD_EFER, "entries cannot load EFER" },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		struct vmx_msrs m = everything();
		struct vmx_caps c;
		const char *why = "";

		*(u64 *)((char *)&m + rows[i].msr) &= ~(rows[i].bit << 32);
		assert_int_equal(vmx_caps_choose(&m, &c, &why), -ENODEV);
		if (!strstr(why, rows[i].text))
			fail_msg("\"%s\" does not say \"%s\"", why, rows[i].text);
	}
}

static void each_missing_ept_feature_has_its_message(void **state)
{
	static const struct { unsigned int bit; const char *text; } rows[] = {
		{ 6, "4 levels" }, { 14, "write-back" }, { 16, "2 MiB pages" }, { 20, "no INVEPT" },
		{ 26, "invalidate everything" }, { 32, "no INVVPID" }, { 41, "invalidate one id" },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		struct vmx_msrs m = everything();
		struct vmx_caps c;
		const char *why = "";

		m.ept_vpid &= ~BIT(rows[i].bit);
		assert_int_equal(vmx_caps_choose(&m, &c, &why), -ENODEV);
		if (!strstr(why, rows[i].text))
			fail_msg("\"%s\" does not say \"%s\"", why, rows[i].text);
	}
}

static void firmware_may_lock_vmx_out(void **state)
{
	assert_int_equal(vmx_feature_control(0), VMX_FIRMWARE_OPEN);
	/* not locked: Keel can set it */
	assert_int_equal(vmx_feature_control(FEATURE_CONTROL_VMX), VMX_FIRMWARE_OPEN);
	assert_int_equal(vmx_feature_control(FEATURE_CONTROL_LOCK), VMX_FIRMWARE_OFF);
	/* VMX inside SMX only */
	assert_int_equal(vmx_feature_control(FEATURE_CONTROL_LOCK | BIT(1)), VMX_FIRMWARE_OFF);
	assert_int_equal(vmx_feature_control(FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX), VMX_FIRMWARE_ON);
}

static void what_keel_does_not_use_stays_off(void **state)
{
	struct vmx_msrs m = everything();
	struct vmx_caps c;
	const char *why = "";

	assert_int_equal(vmx_caps_choose(&m, &c, &why), 0);
	assert_int_equal(c.pin & PIN_POSTED_INTERRUPTS, 0);
	assert_int_equal(c.exit & BIT(15), 0);	/* acknowledge interrupt */
	assert_int_equal(c.proc2 & (BIT(17) | BIT(25)), 0);	/* page-modification logging, TSC scaling */
}

/* --- failed entries --- */

#define SEGMENT(v, seg, part) ((v)[(seg) * 4 + VD_ES_##part])

/* A 64-bit guest in the state that Linux leaves. */
static void good_guest(u64 *v)
{
	memset(v, 0, VMX_NR_DUMP * sizeof(*v));
	for (unsigned int i = SEG_ES; i <= SEG_GS; i++) {
		SEGMENT(v, i, LIMIT) = 0xffffffff;
		SEGMENT(v, i, ATTR) = 0xc093;
	}
	SEGMENT(v, SEG_CS, ATTR) = 0xa09b;
	SEGMENT(v, SEG_LDTR, ATTR) = ATTR_UNUSABLE;
	SEGMENT(v, SEG_TR, ATTR) = 0x8b;
	SEGMENT(v, SEG_TR, LIMIT) = 0x67;
	v[VD_CR0] = 0x80050033;
	v[VD_CR3] = 0x1000;
	v[VD_CR4] = 0x20a0;
	v[VD_EFER] = 0xd01;
	v[VD_ENTRY_CTLS] = ENTRY_IA32E;
	v[VD_PAT] = 0x0007040600070406;
	v[VD_DR7] = 0x400;
	v[VD_RIP] = 0xffffffff81000000;
	v[VD_RFLAGS] = 0x202;
	v[VD_LINK] = ~0ull;
}

static void good_guests_have_no_fault(void **state)
{
	u64 v[VMX_NR_DUMP];

	good_guest(v);
	assert_null(vmx_check_guest(v, 39));
	/* Real mode after INIT: all segments have 64 KiB, and CS looks like data. */
	v[VD_CR0] = X86_CR0_NE | X86_CR0_ET;
	v[VD_CR4] = X86_CR4_VMXE;
	v[VD_EFER] = 0;
	v[VD_ENTRY_CTLS] = 0;
	v[VD_RIP] = 0;
	v[VD_RFLAGS] = 2;
	for (unsigned int i = SEG_ES; i <= SEG_GS; i++) {
		SEGMENT(v, i, LIMIT) = 0xffff;
		SEGMENT(v, i, ATTR) = i == SEG_CS ? 0x9b : 0x93;
	}
	assert_null(vmx_check_guest(v, 39));
	SEGMENT(v, SEG_CS, ATTR) = 0x93;
	assert_null(vmx_check_guest(v, 39));
}

static void each_broken_rule_is_named(void **state)
{
	static const struct { unsigned int field; u64 val; const char *text; } rows[] = {
		{ VD_CR0, 0x80050032, "paging without protected mode" },
		{ VD_CR4, 0x2000, "without paging or PAE" },
		{ VD_CR3, 1ull << 39, "CR3" },
		{ VD_DR7, 1ull << 32, "DR7" },
		{ VD_SYSENTER_EIP, 1ull << 60, "SYSENTER" },
		{ VD_PAT, 0x0007040600070402, "PAT" },
		{ VD_EFER, 0x1d01, "reserved bits" },
		{ VD_EFER, 0x901, "EFER.LMA" },
		{ VD_TR_ATTR, 0x89, "TR" },
		{ VD_TR_LIMIT, 0x100067, "TR" },
		{ VD_LDTR_ATTR, 0x8b, "LDTR" },
		{ VD_FS_BASE, 1ull << 60, "not canonical" },
		{ VD_CS_ATTR, 0xa093 | ATTR_UNUSABLE, "CS is unusable" },
		{ VD_CS_ATTR, 0xa09a, "not accessed code" },
		{ VD_CS_ATTR, 0xa0fb, "privilege level" },
		{ VD_CS_ATTR, 0xe09b, "64-bit and 32-bit" },
		{ VD_CS_LIMIT, 0xfffff000, "CS's limit" },
		{ VD_DS_ATTR, 0xc092, "not accessed, or not readable" },
		{ VD_DS_ATTR, 0xc013, "absent" },
		{ VD_SS_LIMIT, 0xfffff000, "a limit" },
		{ VD_ES_BASE, 1ull << 32, "high bits" },
		{ VD_GDTR_BASE, 1ull << 60, "descriptor tables" },
		{ VD_IDTR_LIMIT, 0x10000, "descriptor tables" },
		{ VD_RIP, 1ull << 60, "RIP" },
		{ VD_RFLAGS, 0x200, "RFLAGS" },
		{ VD_RFLAGS, 0x8202, "RFLAGS" },
		{ VD_ACTIVITY, 4, "activity" },
		{ VD_INTERRUPTIBILITY, 3, "interruptibility" },
		{ VD_LINK, 0, "link pointer" },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		u64 v[VMX_NR_DUMP];
		const char *why;

		good_guest(v);
		v[rows[i].field] = rows[i].val;
		why = vmx_check_guest(v, 39);
		if (!why || !strstr(why, rows[i].text))
			fail_msg("row %u: \"%s\" does not say \"%s\"", i, why ? why : "nothing", rows[i].text);
	}
}

static void events_that_cannot_be_injected_are_named(void **state)
{
	u64 v[VMX_NR_DUMP];

	good_guest(v);
	v[VD_ENTRY_INTR] = INTR_INFO_VALID | 0x30;
	assert_null(vmx_check_guest(v, 39));
	v[VD_RFLAGS] = 2;
	assert_non_null(strstr(vmx_check_guest(v, 39), "injection"));
	v[VD_RFLAGS] = 0x202;
	v[VD_INTERRUPTIBILITY] = BLOCKED_STI;
	assert_non_null(strstr(vmx_check_guest(v, 39), "injection"));
	v[VD_ENTRY_INTR] = INTR_INFO_VALID | HEV_NMI << 8 | 2;
	assert_null(vmx_check_guest(v, 39));
	v[VD_INTERRUPTIBILITY] = BLOCKED_MOV_SS;
	assert_non_null(strstr(vmx_check_guest(v, 39), "injection"));
	v[VD_ENTRY_INTR] = 0;
	v[VD_RFLAGS] |= X86_EFLAGS_TF;
	assert_non_null(strstr(vmx_check_guest(v, 39), "single-step"));
	v[VD_PENDING_DEBUG] = PENDING_DBG_BS;
	assert_null(vmx_check_guest(v, 39));
}

static void instruction_errors_have_names(void **state)
{
	assert_string_equal(vmx_error_name(7), "VM entry with invalid control fields");
	assert_string_equal(vmx_error_name(8), "VM entry with invalid host state");
	assert_string_equal(vmx_error_name(0), "unknown VM-instruction error");
	assert_string_equal(vmx_error_name(14), "unknown VM-instruction error");
	assert_string_equal(vmx_error_name(29), "unknown VM-instruction error");
	assert_string_equal(vmx_error_name(~0u), "unknown VM-instruction error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(all_capabilities_are_used),
		UNIT_TEST(optional_capabilities_may_be_missing),
		UNIT_TEST(the_virtual_apic_is_whole_or_not_there),
		UNIT_TEST(what_must_be_1_is_1),
		UNIT_TEST(each_missing_control_has_its_message),
		UNIT_TEST(each_missing_ept_feature_has_its_message),
		UNIT_TEST(firmware_may_lock_vmx_out),
		UNIT_TEST(what_keel_does_not_use_stays_off),
		UNIT_TEST(good_guests_have_no_fault),
		UNIT_TEST(each_broken_rule_is_named),
		UNIT_TEST(events_that_cannot_be_injected_are_named),
		UNIT_TEST(instruction_errors_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
