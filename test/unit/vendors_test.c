/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/svm/svm.c arch/x86/vmx/vmx.c arch/x86/vmx/state.c arch/x86/vmx/caps.c arch/x86/vmx/vapic.c */
/* The two vendors' tables: complete, and of one policy. */
#include "test/unit/unit.h"

#include "arch/x86/pcpu.h"

/* Both have functions of these names for themselves. */
#define decode_io svm_decode_io
#define decode_npf svm_decode_npf
#define decode_exception svm_decode_exception
#include "arch/x86/svm/exit.c"
#undef decode_io
#undef decode_npf
#undef decode_exception
#include "arch/x86/vmx/exit.c"

/* What the tables' functions call, and nothing here does. */
struct cpu_features cpu_features;
int rdmsr_safe(u32 msr, u64 *v) { return -1; }
int wrmsr_safe(u32 msr, u64 v) { return -1; }
u64 keel_cr3(void) { return 0; }
void traps_use_ist(bool ist) { }
void svm_enter(u64 *gpr, paddr_t vmcb) { }
int vmx_enter(u64 *gpr, bool launched) { return 1; }
void vmx_explain_failure(const struct exit_info *e, bool instruction) { }
u32 arch_tsc_khz(void) { return 1000000; }
int vlapic_msr_read(struct vcpu *v, u32 msr, u64 *val) { return -1; }
u8 vlapic_get_cr8(struct vcpu *v) { return 0; }
u32 mitigations;
void mitigations_entry_slow(void) { }

/* Every entry is a pointer; a new one that a vendor has forgotten is found here. */
static void both_tables_are_complete(void **state)
{
	const struct hvm_ops *const vendors[] = { &svm_ops, &vmx_ops };

	assert_int_equal(sizeof(struct hvm_ops) % sizeof(void *), 0);
	assert_true(sizeof(struct hvm_ops) / sizeof(void *) <= 24);
	for (unsigned int v = 0; v < ARRAY_LEN(vendors); v++) {
		const void *const *entry = (const void *const *)vendors[v];

		for (unsigned int i = 0; i < sizeof(struct hvm_ops) / sizeof(void *); i++)
			if (!entry[i])
				fail_msg("%s has nothing in entry %u of the table", vendors[v]->name, i);
	}
}

/* Why a guest stopped means the same on both. */
static void exits_mean_the_same(void **state)
{
	static const struct { u16 svm, vmx; } rows[] = {
		{ SVM_EXIT_INTR, VMX_EXIT_EXTINT },
		{ SVM_EXIT_EXCEPTION + X86_EXC_DB, VMX_EXIT_EXCEPTION },
		{ SVM_EXIT_EXCEPTION + X86_EXC_AC, VMX_EXIT_EXCEPTION },
		{ SVM_EXIT_EXCEPTION + X86_EXC_MC, VMX_EXIT_EXCEPTION },
		{ SVM_EXIT_SHUTDOWN, VMX_EXIT_TRIPLE },
		{ SVM_EXIT_INIT, VMX_EXIT_INIT },
		{ SVM_EXIT_VINTR, VMX_EXIT_INTR_WINDOW },
		{ SVM_EXIT_IRET, VMX_EXIT_NMI_WINDOW },
		{ SVM_EXIT_TASK_SWITCH, VMX_EXIT_TASK },
		{ SVM_EXIT_CPUID, VMX_EXIT_CPUID },
		{ SVM_EXIT_HLT, VMX_EXIT_HLT },
		{ SVM_EXIT_INVD, VMX_EXIT_INVD },
		{ SVM_EXIT_RDPMC, VMX_EXIT_RDPMC },
		{ SVM_EXIT_VMMCALL, VMX_EXIT_VMCALL },
		{ SVM_EXIT_DR_READ, VMX_EXIT_DR },
		{ SVM_EXIT_DR_WRITE + 7, VMX_EXIT_DR },
		{ SVM_EXIT_IOIO, VMX_EXIT_IO },
		{ SVM_EXIT_MSR, VMX_EXIT_RDMSR },
		{ SVM_EXIT_MWAIT, VMX_EXIT_MWAIT },
		{ SVM_EXIT_MWAIT_ARMED, VMX_EXIT_MWAIT },
		{ SVM_EXIT_MONITOR, VMX_EXIT_MONITOR },
		{ SVM_EXIT_PAUSE, VMX_EXIT_PAUSE },
		{ SVM_EXIT_WBINVD, VMX_EXIT_WBINVD },
		{ SVM_EXIT_XSETBV, VMX_EXIT_XSETBV },
		/* The vendor's own instructions are none in a guest. */
		{ SVM_EXIT_VMRUN, VMX_EXIT_VMCLEAR + 1 },	/* VMLAUNCH */
		{ SVM_EXIT_VMLOAD, VMX_EXIT_VMCLEAR + 2 },	/* VMPTRLD */
		{ SVM_EXIT_SKINIT, VMX_EXIT_GETSEC },
		{ SVM_EXIT_INVLPGA, VMX_EXIT_INVVPID },
		{ SVM_EXIT_STGI, VMX_EXIT_VMXON },
		{ SVM_EXIT_CLGI, VMX_EXIT_INVEPT },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(exits[rows[i].svm].reason, reasons[rows[i].vmx]);
		assert_int_not_equal(reasons[rows[i].vmx], EXIT_UNKNOWN);
	}
	assert_int_equal(reasons[VMX_EXIT_EPT_VIOLATION], EXIT_NPF);
	assert_int_equal(reasons[VMX_EXIT_WRMSR], EXIT_MSR_WRITE);
}

/* Whatever one vendor can say, the other can, except what only one has. */
static void both_say_the_same_reasons(void **state)
{
	bool by_svm[NR_EXITS] = { [EXIT_NPF] = true, [EXIT_MSR_WRITE] = true, [EXIT_BAD_STATE] = true, [EXIT_APIC] = true };
	bool by_vmx[NR_EXITS] = { [EXIT_NMI] = true };	/* and the virtual APIC is VMX's */

	for (unsigned int i = 0; i < ARRAY_LEN(exits); i++)
		by_svm[exits[i].reason] = true;
	for (unsigned int i = 0; i < ARRAY_LEN(reasons); i++)
		by_vmx[reasons[i]] = true;
	for (unsigned int i = 0; i < NR_EXITS; i++)
		if (by_svm[i] != by_vmx[i] && i != EXIT_CR)	/* control registers never exit on SVM */
			fail_msg("reason %u comes from one vendor only", i);
}

/* What a guest may do with a page of a kind does not depend on the CPU. */
static void pages_have_the_same_rights(void **state)
{
	const u64 *svm = svm_ops.p2m_format->leaf, *vmx = vmx_ops.p2m_format->leaf;

	for (unsigned int t = 0; t < P2M_NR_TYPES; t++) {
		assert_int_equal(svm[t] & 1, vmx[t] & 1);			/* present, readable */
		assert_int_equal(svm[t] >> 1 & 1, vmx[t] >> 1 & 1);		/* writable */
		if (svm[t])
			assert_int_equal(!(svm[t] >> 63), vmx[t] >> 2 & 1);	/* executable */
	}
	assert_int_equal(svm_ops.p2m_format->superpage, vmx_ops.p2m_format->superpage);
}

/* Lengths of instructions serve SVM without next-RIP; VMX tells them. */
static void lengths_are_those_of_the_instructions(void **state)
{
	assert_int_equal(exits[SVM_EXIT_CPUID].len, 2);
	assert_int_equal(exits[SVM_EXIT_HLT].len, 1);
	assert_int_equal(exits[SVM_EXIT_MSR].len, 2);
	assert_int_equal(exits[SVM_EXIT_VMMCALL].len, 3);
	assert_int_equal(exits[SVM_EXIT_XSETBV].len, 3);
	assert_int_equal(exits[SVM_EXIT_WBINVD].len, 2);
	assert_int_equal(exits[SVM_EXIT_IOIO].len, 0);	/* in exit_info_2 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(both_tables_are_complete),
		UNIT_TEST(exits_mean_the_same),
		UNIT_TEST(both_say_the_same_reasons),
		UNIT_TEST(pages_have_the_same_rights),
		UNIT_TEST(lengths_are_those_of_the_instructions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
