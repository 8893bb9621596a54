/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a guest stopped, in terms that both vendors share (SDM vol. 3, appendix C and 28.2). */
#include "arch/x86/vmx/vmcs.h"

static const u8 reasons[VMX_NR_EXITS] = {
	[VMX_EXIT_EXCEPTION] = EXIT_EXCEPTION,
	[VMX_EXIT_EXTINT] = EXIT_INTR,
	[VMX_EXIT_TRIPLE] = EXIT_SHUTDOWN,
	[VMX_EXIT_INIT] = EXIT_INIT_SIGNAL,
	[VMX_EXIT_INTR_WINDOW] = EXIT_WINDOW,
	[VMX_EXIT_NMI_WINDOW] = EXIT_NMI_UNBLOCKED,
	[VMX_EXIT_TASK] = EXIT_TASK_SWITCH,
	[VMX_EXIT_CPUID] = EXIT_CPUID,
	[VMX_EXIT_GETSEC] = EXIT_UD,
	[VMX_EXIT_HLT] = EXIT_HLT,
	[VMX_EXIT_INVD] = EXIT_INVD,
	[VMX_EXIT_RDPMC] = EXIT_RDPMC,
	[VMX_EXIT_VMCALL] = EXIT_HYPERCALL,
	[VMX_EXIT_VMCLEAR ... VMX_EXIT_VMXON] = EXIT_UD,
	[VMX_EXIT_CR] = EXIT_CR,
	[VMX_EXIT_DR] = EXIT_DR,
	[VMX_EXIT_IO] = EXIT_IO,
	[VMX_EXIT_RDMSR] = EXIT_MSR_READ,
	[VMX_EXIT_WRMSR] = EXIT_MSR_WRITE,
	[VMX_EXIT_BAD_STATE] = EXIT_BAD_STATE,
	[VMX_EXIT_BAD_MSR] = EXIT_BAD_STATE,
	[VMX_EXIT_MWAIT] = EXIT_UD,
	[VMX_EXIT_MONITOR] = EXIT_UD,
	[VMX_EXIT_PAUSE] = EXIT_PAUSE,
	[VMX_EXIT_TPR] = EXIT_APIC,
	[VMX_EXIT_EOI] = EXIT_APIC,
	[VMX_EXIT_EPT_VIOLATION] = EXIT_NPF,
	[VMX_EXIT_INVEPT] = EXIT_UD,
	[VMX_EXIT_PREEMPTION_TIMER] = EXIT_INTR,
	[VMX_EXIT_INVVPID] = EXIT_UD,
	[VMX_EXIT_WBINVD] = EXIT_WBINVD,
	[VMX_EXIT_XSETBV] = EXIT_XSETBV,
	[VMX_EXIT_APIC_WRITE] = EXIT_APIC,
};

/* An event whose delivery the exit interrupted is delivered again (SDM vol. 3, 28.2.4). */
static void reinject(void)
{
	u64 info = vmread(VMCS_IDT_INFO);

	if (likely(!(info & INTR_INFO_VALID)))
		return;
	vmwrite(VMCS_ENTRY_INTR, info & ~BIT(12));
	vmwrite(VMCS_ENTRY_LEN, vmread(VMCS_EXIT_LEN));
	if (info & INTR_INFO_ERROR)
		vmwrite(VMCS_ENTRY_ERROR, vmread(VMCS_IDT_ERROR));
	if ((info >> 8 & 7) == HEV_NMI) /* it was blocked by its own delivery */
		vmwrite(VMCS_INTERRUPTIBILITY, vmread(VMCS_INTERRUPTIBILITY) & ~BLOCKED_NMI);
}

/*
 * An IRET that faulted had unblocked NMIs already: it will be executed again (SDM vol. 3, 28.2.3).
 */
static void block_nmi_again(u64 info)
{
	if (unlikely(info & BIT(12)) && !(vmread(VMCS_IDT_INFO) & INTR_INFO_VALID))
		vmwrite(VMCS_INTERRUPTIBILITY, vmread(VMCS_INTERRUPTIBILITY) | BLOCKED_NMI);
}

u64 vmx_wrap_rip(u64 rip)
{
	bool wide = vmx_get_reg(current_x86, HREG_EFER) & EFER_LMA &&
		    vmx_get_reg(current_x86, HREG_CS_ATTR) & CS_L;

	return wide ? rip : (u32)rip;
}

static void decode_io(struct exit_info *e)
{
	u64 q = vmread(VMCS_QUALIFICATION);

	e->io.port = (u16)(q >> 16);
	e->io.size = (u8)((q & 7) + 1);
	e->io.in = q >> 3 & 1;
	e->io.string = q >> 4 & 1;
	e->io.rep = q >> 5 & 1;
	if (!e->io.string)
		return;
	q = vmread(VMCS_INSN_INFO);
	e->io.addr_size = (u8)(2 << (q >> 7 & 3));
	e->io.seg = e->io.in ? SEG_ES : q >> 15 & 7;
}

static void decode_npf(struct exit_info *e)
{
	u64 q = vmread(VMCS_QUALIFICATION);

	e->next_rip = 0;
	e->npf.gpa = vmread(VMCS_GPA);
	e->npf.write = q >> 1 & 1;
	e->npf.exec = q >> 2 & 1;
	e->npf.operand = q >> 8 & 1 && !(vmread(VMCS_IDT_INFO) & INTR_INFO_VALID);
	block_nmi_again(q);
}

static void decode_cr(struct x86_vcpu *v, struct exit_info *e)
{
	u64 q = vmread(VMCS_QUALIFICATION);
	unsigned int type = q >> 4 & 3;
	u64 cr0 = vmx_get_reg(v, HREG_CR0);

	e->cr.cr = q & 15;
	e->cr.gpr = q >> 8 & 15;
	e->cr.write = type != 1;
	e->cr.val = type == 0 ? v->gpr[e->cr.gpr]
		  : type == 2 ? cr0 & ~BIT(3) /* CLTS */
			      : (cr0 & ~0xeull) | (q >> 16 & 0xf); /* LMSW */
}

/* The exit leaves DR6 and DR7 as they were before the exception (SDM vol. 3, 28.1). */
static void update_debug_status(struct x86_vcpu *v)
{
	u64 q = vmread(VMCS_QUALIFICATION) & (15 | BIT(13) | BIT(14));

	if (v->vmx.proc & PROC_MOV_DR) {
		v->vmx.dr6 = (v->vmx.dr6 & ~15ull) | q;
	} else {
		v->vmx.dr6 = (READ_DR(6) & ~15ull) | q;
		WRITE_DR(6, v->vmx.dr6);
	}
	vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~BIT(13));
}

/*
 * INT1 is a trap that exits before the instruction; done, it also ends a shadow. The exit has taken
 * a single step that was pending in a shadow, without which no entry is possible (SDM vol. 3,
 * 27.3.1.5).
 */
static void decode_debug(struct x86_vcpu *v, struct exit_info *e, bool int1)
{
	u64 blocked = vmread(VMCS_INTERRUPTIBILITY);

	update_debug_status(v);
	if (int1) {
		e->next_rip = vmx_rip_after(vmread(VMCS_GUEST_RIP), vmread(VMCS_EXIT_LEN));
		vmwrite(VMCS_INTERRUPTIBILITY, blocked & ~(BLOCKED_STI | BLOCKED_MOV_SS));
	} else if (blocked & (BLOCKED_STI | BLOCKED_MOV_SS) && vmread(VMCS_GUEST_RFLAGS) & X86_EFLAGS_TF) {
		vmwrite(VMCS_PENDING_DBG, vmread(VMCS_PENDING_DBG) | PENDING_DBG_BS);
	}
}

static void decode_exception(struct x86_vcpu *v, struct exit_info *e)
{
	u64 info = vmread(VMCS_EXIT_INTR);

	e->next_rip = 0;
	if ((info >> 8 & 7) == HEV_NMI) {
		e->reason = EXIT_NMI;
		__asm__ volatile("int $2"); /* the exit took it away from the host */
		return;
	}
	e->exc.vector = (u8)info;
	e->exc.error = (u32)vmread(VMCS_EXIT_INTR_ERROR);
	e->exc.cr2 = vmread(VMCS_QUALIFICATION);
	block_nmi_again(info);
	if (e->exc.vector == X86_EXC_DB)
		decode_debug(v, e, (info >> 8 & 7) == HEV_INT1);
}

void vmx_load_debug_regs(struct x86_vcpu *v)
{
	write_breakpoints(v->dr);
	WRITE_DR(6, v->vmx.dr6);
	vmx_set_proc(v, v->vmx.proc & ~PROC_MOV_DR);
}

#define VMX_DETAILED (BIT(EXIT_IO) | BIT(EXIT_NPF) | BIT(EXIT_CR) | BIT(EXIT_EXCEPTION) | \
		      BIT(EXIT_DR) | BIT(EXIT_APIC) | \
		  BIT(EXIT_NMI_UNBLOCKED) | BIT(EXIT_BAD_STATE))

/* What else an exit tells. Apart, so that those that tell nothing save no registers. */
static noinline void vmx_decode_details(struct x86_vcpu *v, struct exit_info *e)
{
	switch (e->reason) {
	case EXIT_IO:
		decode_io(e);
		break;
	case EXIT_NPF:
		decode_npf(e);
		break;
	case EXIT_CR:
		decode_cr(v, e);
		break;
	case EXIT_EXCEPTION:
		decode_exception(v, e);
		break;
	case EXIT_DR:
		vmx_load_debug_regs(v);
		break;
	case EXIT_APIC:
		vmx_decode_apic(v, e);
		break;
	case EXIT_NMI_UNBLOCKED:
		vmx_set_proc(v, v->vmx.proc & ~PROC_NMI_WINDOW);
		break;
	case EXIT_BAD_STATE:
		if ((u16)e->raw != VMX_EXIT_ENTRY_MC) {
			vmx_explain_failure(e, false);
			break;
		}
		e->reason = EXIT_EXCEPTION; /* the entry may succeed another time */
		e->exc.vector = X86_EXC_MC;
		break;
	default:
		break;
	}
}

void vmx_decode_exit(struct x86_vcpu *v, struct exit_info *e)
{
	u32 full = (u32)vmread(VMCS_EXIT_REASON);
	u16 reason = (u16)full;

	e->raw = full;
	e->reason = full >> 31 ? EXIT_BAD_STATE : reason < VMX_NR_EXITS ? reasons[reason] : EXIT_UNKNOWN;
	e->next_rip = vmx_rip_after(vmread(VMCS_GUEST_RIP), vmread(VMCS_EXIT_LEN));
	if (likely(!(full >> 31)))
		reinject();
	if (BIT(e->reason) & VMX_DETAILED)
		vmx_decode_details(v, e);
}
