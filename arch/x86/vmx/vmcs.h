/* SPDX-License-Identifier: GPL-2.0-only */
/* VMX's numbers: fields, controls, exit reasons (SDM vol. 3, appendices A, B, C and chapter 25). */
#ifndef ARCH_X86_VMX_VMCS_H
#define ARCH_X86_VMX_VMCS_H

#include "arch/x86/hvm/ops.h"

#define MSR_VMX_BASIC		0x480
#define MSR_VMX_PINBASED	0x481
#define MSR_VMX_PROCBASED	0x482
#define MSR_VMX_EXIT		0x483
#define MSR_VMX_ENTRY		0x484
#define MSR_VMX_MISC		0x485
#define MSR_VMX_CR0_FIXED0	0x486
#define MSR_VMX_CR4_FIXED0	0x488
#define MSR_VMX_PROCBASED2	0x48b
#define MSR_VMX_EPT_VPID_CAP	0x48c
#define MSR_VMX_TRUE_PINBASED	0x48d	/* and PROCBASED, EXIT, ENTRY behind it */
#define VMX_BASIC_TRUE		BIT(55)
#define FEATURE_CONTROL_LOCK	BIT(0)
#define FEATURE_CONTROL_VMX	BIT(2)

#define PIN_EXTINT BIT(0)
#define PIN_NMI BIT(3)
#define PIN_VIRTUAL_NMI BIT(5)
#define PIN_PREEMPTION_TIMER BIT(6)
#define PIN_POSTED_INTERRUPTS BIT(7)
#define PROC_INTR_WINDOW BIT(2)
#define PROC_NMI_WINDOW BIT(22)
#define PROC_TSC_OFFSET BIT(3)
#define PROC_HLT BIT(7)
#define PROC_MWAIT BIT(10)
#define PROC_RDPMC BIT(11)
#define PROC_CR8_LOAD BIT(19)
#define PROC_CR8_STORE BIT(20)
#define PROC_TPR_SHADOW BIT(21)
#define PROC_MOV_DR BIT(23)
#define PROC_IO_BITMAPS BIT(25)
#define PROC_MSR_BITMAPS BIT(28)
#define PROC_MONITOR BIT(29)
#define PROC_SECONDARY BIT(31)
#define PROC2_EPT BIT(1)
#define PROC2_RDTSCP BIT(3)
#define PROC2_X2APIC BIT(4)
#define PROC2_VPID BIT(5)
#define PROC2_WBINVD BIT(6)
#define PROC2_UNRESTRICTED BIT(7)
#define PROC2_APIC_REGISTERS BIT(8)
#define PROC2_VIRTUAL_INTERRUPTS BIT(9)
#define PROC2_PAUSE_LOOP BIT(10)
#define PROC2_INVPCID BIT(12)
#define EXIT_SAVE_DEBUG BIT(2)
#define EXIT_HOST64 BIT(9)
#define EXIT_SAVE_PAT BIT(18)
#define EXIT_LOAD_PAT BIT(19)
#define EXIT_SAVE_EFER BIT(20)
#define EXIT_LOAD_EFER BIT(21)
#define ENTRY_LOAD_DEBUG BIT(2)
#define ENTRY_IA32E BIT(9)
#define ENTRY_LOAD_PAT BIT(14)
#define ENTRY_LOAD_EFER BIT(15)

enum vmcs_field {
	VMCS_VPID = 0x0000, VMCS_INTR_STATUS = 0x0810, /* RVI, SVI */
	VMCS_GUEST_ES_SEL = 0x0800, /* and CS, SS, DS, FS, GS, LDTR, TR: 2 apart */
	VMCS_HOST_ES_SEL = 0x0c00, VMCS_HOST_CS_SEL = 0x0c02, VMCS_HOST_SS_SEL = 0x0c04,
	VMCS_HOST_DS_SEL = 0x0c06, VMCS_HOST_FS_SEL = 0x0c08, VMCS_HOST_GS_SEL = 0x0c0a,
	VMCS_HOST_TR_SEL = 0x0c0c, VMCS_IO_BITMAP_A = 0x2000, VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004, VMCS_TSC_OFFSET = 0x2010, VMCS_VIRTUAL_APIC = 0x2012,
	VMCS_EPTP = 0x201a, VMCS_EOI_EXIT0 = 0x201c, /* four, 2 apart */
	VMCS_GPA = 0x2400, VMCS_LINK = 0x2800, VMCS_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804, VMCS_GUEST_EFER = 0x2806, VMCS_PDPTE0 = 0x280a, VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02, VMCS_PIN = 0x4000, VMCS_PROC = 0x4002, VMCS_EXCEPTIONS = 0x4004,
	VMCS_PF_MASK = 0x4006, VMCS_PF_MATCH = 0x4008, VMCS_CR3_TARGETS = 0x400a, VMCS_EXIT_CTLS = 0x400c,
	VMCS_EXIT_STORES = 0x400e, VMCS_EXIT_LOADS = 0x4010, VMCS_ENTRY_LOADS = 0x4014,
	VMCS_ENTRY_CTLS = 0x4012, VMCS_ENTRY_INTR = 0x4016, VMCS_ENTRY_ERROR = 0x4018,
	VMCS_ENTRY_LEN = 0x401a, VMCS_TPR_THRESHOLD = 0x401c, VMCS_PROC2 = 0x401e,
	VMCS_PAUSE_GAP = 0x4020, VMCS_PAUSE_WINDOW = 0x4022,
	VMCS_INSN_ERROR = 0x4400, VMCS_EXIT_REASON = 0x4402, VMCS_EXIT_INTR = 0x4404,
	VMCS_EXIT_INTR_ERROR = 0x4406, VMCS_IDT_INFO = 0x4408, VMCS_IDT_ERROR = 0x440a,
	VMCS_EXIT_LEN = 0x440c, VMCS_INSN_INFO = 0x440e, VMCS_GUEST_ES_LIMIT = 0x4800,
	VMCS_GDTR_LIMIT = 0x4810, VMCS_IDTR_LIMIT = 0x4812, VMCS_GUEST_ES_ATTR = 0x4814,
	VMCS_INTERRUPTIBILITY = 0x4824, VMCS_ACTIVITY = 0x4826, VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_PREEMPTION_TIMER = 0x482e, VMCS_HOST_SYSENTER_CS = 0x4c00, VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002, VMCS_CR0_SHADOW = 0x6004, VMCS_CR4_SHADOW = 0x6006,
	VMCS_QUALIFICATION = 0x6400, VMCS_GUEST_CR0 = 0x6800, VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804, VMCS_GUEST_ES_BASE = 0x6806, VMCS_GDTR_BASE = 0x6816,
	VMCS_IDTR_BASE = 0x6818, VMCS_GUEST_DR7 = 0x681a, VMCS_GUEST_RSP = 0x681c, VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820, VMCS_PENDING_DBG = 0x6822, VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826, VMCS_HOST_CR0 = 0x6c00, VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04, VMCS_HOST_FS_BASE = 0x6c06, VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a, VMCS_HOST_GDTR = 0x6c0c, VMCS_HOST_IDTR = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10, VMCS_HOST_SYSENTER_EIP = 0x6c12, VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
};

/* Basic exit reasons (SDM vol. 3, appendix C). */
enum {
	VMX_EXIT_EXCEPTION = 0, VMX_EXIT_EXTINT = 1, VMX_EXIT_TRIPLE = 2, VMX_EXIT_INIT = 3,
	VMX_EXIT_INTR_WINDOW = 7, VMX_EXIT_NMI_WINDOW = 8, VMX_EXIT_TASK = 9, VMX_EXIT_CPUID = 10,
	VMX_EXIT_GETSEC = 11, VMX_EXIT_HLT = 12, VMX_EXIT_INVD = 13, VMX_EXIT_RDPMC = 15,
	VMX_EXIT_VMCALL = 18, VMX_EXIT_VMCLEAR = 19, VMX_EXIT_VMXON = 27, VMX_EXIT_CR = 28,
	VMX_EXIT_DR = 29, VMX_EXIT_IO = 30, VMX_EXIT_RDMSR = 31, VMX_EXIT_WRMSR = 32,
	VMX_EXIT_BAD_STATE = 33, VMX_EXIT_BAD_MSR = 34, VMX_EXIT_MWAIT = 36, VMX_EXIT_MONITOR = 39,
	VMX_EXIT_PAUSE = 40, VMX_EXIT_ENTRY_MC = 41, VMX_EXIT_TPR = 43, VMX_EXIT_EOI = 45,
	VMX_EXIT_EPT_VIOLATION = 48, VMX_EXIT_EPT_MISCONFIG = 49, VMX_EXIT_INVEPT = 50,
	VMX_EXIT_PREEMPTION_TIMER = 52, VMX_EXIT_INVVPID = 53, VMX_EXIT_WBINVD = 54, VMX_EXIT_XSETBV = 55,
	VMX_EXIT_APIC_WRITE = 56, VMX_NR_EXITS = 70,
};

#define INTR_INFO_VALID BIT(31)
#define INTR_INFO_ERROR BIT(11)
/* The types in bits 8 to 10 are enum hvm_event's. */
_Static_assert(HEV_INTR == 0 && HEV_NMI == 2 && HEV_EXCEPTION == 3 && HEV_SWINT == 4 &&
	       HEV_INT1 == 5 && HEV_SWEXC == 6, "SDM vol. 3, table 25-17");
#define ATTR_UNUSABLE BIT(16)

#define BLOCKED_STI BIT(0)
#define BLOCKED_MOV_SS BIT(1)
#define BLOCKED_NMI BIT(3)
#define PENDING_DBG_BS BIT(14)

static inline u64 vmread(u64 field)
{
	u64 v;

	__asm__ volatile("vmread %1, %0" : "=r"(v) : "r"(field) : "cc");
	return v;
}

static inline void vmwrite(u64 field, u64 v)
{
	__asm__ volatile("vmwrite %1, %0" : : "r"(field), "r"(v) : "cc");
}

/* The primary processor-based controls of v's VMCS, which is current. vmx.c */
void vmx_set_proc(struct x86_vcpu *v, u64 controls);

/*
 * entry.S: VMLAUNCH or VMRESUME with these general registers; HOST_RSP and HOST_RIP
 * are set there. 0 when the guest ran, 1 when the instruction failed.
 */
int vmx_enter(u64 *gpr, bool launched);
int vmx_enter_guarded(u64 *gpr, bool launched);

/*
 * Where the instruction of this length at rip ends; only in 64-bit code is that beyond 4 GiB
 * (exit.c: vmx_wrap_rip()).
 */
u64 vmx_wrap_rip(u64 rip);
static inline u64 vmx_rip_after(u64 rip, u64 len)
{
	u64 after = rip + len;

	return unlikely((rip ^ after) >> 32) ? vmx_wrap_rip(after) : after;
}
/* exit.c: the current VMCS's exit in vendor-neutral terms. */
void vmx_decode_exit(struct x86_vcpu *v, struct exit_info *e);
/*
 * vapic.c: right before an entry, interrupts and task priority go from v's vlapic to the
 * virtual-APIC page; after the exit they come back. Where there is no such page nothing is done.
 */
void vmx_vapic_load(struct x86_vcpu *v);
void vmx_vapic_save(struct x86_vcpu *v);
/* A write of CR8 below this class exits, once. Not above the current task priority. */
void vmx_set_tpr_threshold(struct x86_vcpu *v, u8 class);
void vmx_decode_apic(struct x86_vcpu *v, struct exit_info *e);
/*
 * MSRs that have no place in the VMCS, and hvm_state's names of them. Keel itself uses none. vmx.c
 * keeps those that the CPU has, or gives it v's; false: the CPU refuses one.
 */
#define VMX_SWITCHED_MSRS(X) X(STAR, star) X(LSTAR, lstar) X(CSTAR, cstar) X(SFMASK, sfmask) \
	X(KERNEL_GS_BASE, kernel_gs_base)
#define VMX_MSR_INDEX(nr, field) VMX_MSR_##nr,
enum { VMX_SWITCHED_MSRS(VMX_MSR_INDEX) };
void vmx_save_msrs(struct x86_vcpu *v);
bool vmx_load_msrs(struct x86_vcpu *v);
/* vmx.c: v's VMCS, which is current, follows its vmx.x2apic and measures. */
void vmx_set_msr_exits(struct x86_vcpu *v);
/* exit.c: the guest has the debug registers from now on, until it leaves this CPU. */
void vmx_load_debug_regs(struct x86_vcpu *v);
/* state.c */
/*
 * v leaves this CPU, or is not on it; its VMCS is current. When it comes back, MOV to debug
 * registers exits, unless a breakpoint is on: DR7 would arm whatever addresses are in DR0 to DR3,
 * so they are loaded at once.
 */
void vmx_set_debug_exits(struct x86_vcpu *v);
void vmx_get_state(struct x86_vcpu *v, struct hvm_state *s);
void vmx_set_state(struct x86_vcpu *v, const struct hvm_state *s);
u64 vmx_get_reg(struct x86_vcpu *v, unsigned int reg);
void vmx_get_paging(struct x86_vcpu *v, struct hvm_paging *p);
void vmx_set_reg(struct x86_vcpu *v, unsigned int reg, u64 val);

/*
 * failure.c: prints why the current VMCS cannot be entered; instruction: VMLAUNCH or VMRESUME
 * itself failed.
 */
void vmx_explain_failure(const struct exit_info *e, bool instruction);

/*
 * Forgets the guest's linear translations of this CPU: its paging has changed without its knowing.
 * vmx.c
 */
void vmx_flush_vpid(void);

/* Are v's registers on this CPU now? Then its VMCS is the current one. */
static inline bool vmx_is_loaded(const struct x86_vcpu *v) { return current == &v->v; }

/*
 * vmx.c: makes v's VMCS the current one of this CPU; returns what was. The vCPU does not run
 * elsewhere.
 */
paddr_t vmx_vmcs_enter(struct x86_vcpu *v);
void vmx_vmcs_leave(struct x86_vcpu *v, paddr_t before);

#endif
