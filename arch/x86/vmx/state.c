/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's state in the VMCS. Each function makes v's VMCS current for as long as it needs. */
#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/mitigations.h"
#include "arch/x86/vmx/vmcs.h"
#include "common/guest_access.h"
#include "common/printk.h"

#define ATTR_PRESENT 0x80u
#define ATTR_S 0x10u

/*
 * hvm_state's attributes are packed as in a VMCB: bits 8..11 are bits 12..15 here (SDM vol. 3,
 * 25.4.1).
 */
static u64 attr_to_vmx(const struct segment *s)
{
	u64 a = (s->attr & 0xff) | (u64)(s->attr & 0xf00) << 4;

	if (s->attr & ATTR_S) /* loaded segments are accessed: the CPU refuses others */
		a |= 1;
	return s->attr & ATTR_PRESENT ? a : a | ATTR_UNUSABLE;
}

static u16 attr_from_vmx(u64 a)
{
	/* An unusable SS still has the privilege level. */
	return (u16)((a & 0xff & (a & ATTR_UNUSABLE ? ~ATTR_PRESENT : ~0u)) | (a >> 4 & 0xf00));
}

static u64 get_cr2(const struct x86_vcpu *v) { return vmx_is_loaded(v) ? READ_CR(2) : v->vmx.cr2; }

static void set_cr2(struct x86_vcpu *v, u64 val)
{
	v->vmx.cr2 = val;
	if (vmx_is_loaded(v))
		WRITE_CR(2, val);
}

/* DR6 is the CPU's own while the guest may touch the debug registers. */
static bool debug_regs_loaded(const struct x86_vcpu *v)
{
	return vmx_is_loaded(v) && !(v->vmx.proc & PROC_MOV_DR);
}

static u64 get_dr6(const struct x86_vcpu *v)
{
	return debug_regs_loaded(v) ? READ_DR(6) : v->vmx.dr6;
}

static void set_dr6(struct x86_vcpu *v, u64 val)
{
	v->vmx.dr6 = val & 0xffffffff;
	if (debug_regs_loaded(v))
		WRITE_DR(6, v->vmx.dr6);
}

void vmx_set_debug_exits(struct x86_vcpu *v)
{
	bool armed = vmread(VMCS_GUEST_DR7) & DR7_ENABLED;

	vmx_set_proc(v, armed ? v->vmx.proc & ~PROC_MOV_DR : v->vmx.proc | PROC_MOV_DR);
}

/* What the VMCS has as it is. */
#define VMX_SAME(X) X(GUEST_RIP, rip) X(GUEST_CR3, cr3) X(GUEST_PAT, pat) \
	X(GDTR_LIMIT, gdtr.limit) X(GDTR_BASE, gdtr.base) \
	X(IDTR_LIMIT, idtr.limit) X(IDTR_BASE, idtr.base) X(GUEST_SYSENTER_CS, sysenter_cs) \
	X(GUEST_SYSENTER_ESP, sysenter_esp) X(GUEST_SYSENTER_EIP, sysenter_eip)

void vmx_get_state(struct x86_vcpu *v, struct hvm_state *s)
{
	paddr_t before = vmx_vmcs_enter(v);
	u64 event;

	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < NR_SEGS; i++) {
		s->seg[i].sel = (u16)vmread(VMCS_GUEST_ES_SEL + 2 * i);
		s->seg[i].limit = (u32)vmread(VMCS_GUEST_ES_LIMIT + 2 * i);
		s->seg[i].attr = attr_from_vmx(vmread(VMCS_GUEST_ES_ATTR + 2 * i));
		s->seg[i].base = vmread(VMCS_GUEST_ES_BASE + 2 * i);
	}
#define GET(field, state) s->state = (__typeof__(s->state))vmread(VMCS_##field);
	VMX_SAME(GET)
#undef GET
	s->rflags = vmread(VMCS_GUEST_RFLAGS);
	s->cr0 = vmx_get_reg(v, HREG_CR0);
	s->cr2 = get_cr2(v);
	s->cr4 = vmx_get_reg(v, HREG_CR4);
	s->efer = vmread(VMCS_GUEST_EFER);
	s->dr6 = get_dr6(v);
	s->dr7 = vmread(VMCS_GUEST_DR7);
	s->spec_ctrl = v->spec_ctrl;
	if (vmx_is_loaded(v))
		vmx_save_msrs(v);
#define GET_MSR(nr, field) s->field = v->vmx.switched_msrs[VMX_MSR_##nr];
	VMX_SWITCHED_MSRS(GET_MSR)
#undef GET_MSR
	s->interruptibility = vmread(VMCS_INTERRUPTIBILITY) & (BLOCKED_STI | BLOCKED_MOV_SS) ? 1 : 0;
	event = vmread(VMCS_ENTRY_INTR);
	s->pending_event = !!(event & INTR_INFO_VALID);
	s->pending_vector = (u8)event;
	s->pending_type = event >> 8 & 7;
	s->pending_error = event & INTR_INFO_ERROR ? (u32)vmread(VMCS_ENTRY_ERROR) : 0;
	vmx_vmcs_leave(v, before);
}

/* Long mode is active while paging is on and EFER.LME set: LMA and the entry control follow. */
static void update_lma(u64 cr0, u64 efer)
{
	bool lma = cr0 & X86_CR0_PG && efer & EFER_LME;
	u64 ctls = vmread(VMCS_ENTRY_CTLS);

	vmwrite(VMCS_GUEST_EFER, lma ? efer | EFER_LMA : efer & ~EFER_LMA);
	vmwrite(VMCS_ENTRY_CTLS, lma ? ctls | ENTRY_IA32E : ctls & ~ENTRY_IA32E);
}

static void set_cr0(struct x86_vcpu *v, u64 val)
{
	vmwrite(VMCS_CR0_SHADOW, val);
	/* An exit leaves CD and NW as the guest has them (SDM vol. 3, 28.5.1). */
	vmwrite(VMCS_GUEST_CR0, (val & ~(X86_CR0_CD | X86_CR0_NW)) | v->vmx.cr0_fixed);
}

/* Bits that the policy does not show exit, and give #GP; the others the guest changes by itself. */
static void set_cr4(struct x86_vcpu *v, u64 val)
{
	vmwrite(VMCS_CR4_SHADOW, val);
	vmwrite(VMCS_GUEST_CR4, val | v->vmx.cr4_fixed);
}

/*
 * With EPT, entries take the four top entries of 3-level paging from the VMCS. The CPU
 * loads them itself, except where Keel emulated what turned this paging on.
 */
static void load_pdptes(struct x86_vcpu *v)
{
	u64 pdpte[4] = { 0 };

	if (!(vmread(VMCS_GUEST_CR0) & X86_CR0_PG) || !(vmread(VMCS_GUEST_CR4) & X86_CR4_PAE) ||
	    vmread(VMCS_GUEST_EFER) & EFER_LMA)
		return;
	/* Where there is no memory they are 0, so that the guest faults. */
	if (copy_from_gpa(v->v.domain, pdpte, vmread(VMCS_GUEST_CR3) & 0xffffffe0, sizeof(pdpte)))
		memset(pdpte, 0, sizeof(pdpte));
	for (unsigned int i = 0; i < ARRAY_SIZE(pdpte); i++) {
		/* Nor can what the CPU refuses be there (SDM vol. 3, 4.4.1). */
		bool bad = pdpte[i] & 0x1e6 || pdpte[i] >> cpu_features.phys_bits;

		vmwrite(VMCS_PDPTE0 + 2 * i, bad ? 0 : pdpte[i]);
	}
}

static void set_pending_event(const struct hvm_state *s)
{
	vmwrite(VMCS_ENTRY_INTR, !s->pending_event ? 0 : INTR_INFO_VALID | s->pending_vector |
		(u64)s->pending_type << 8 | (hvm_event_has_error(s) ? INTR_INFO_ERROR : 0));
	vmwrite(VMCS_ENTRY_ERROR, s->pending_error);
}

static void set_spec_ctrl(struct x86_vcpu *v, u64 val)
{
	mitigations_guest_spec_ctrl(v, val, true);
	vmx_set_msr_exits(v);
}

void vmx_set_state(struct x86_vcpu *v, const struct hvm_state *s)
{
	paddr_t before = vmx_vmcs_enter(v);

	for (unsigned int i = 0; i < NR_SEGS; i++) {
		vmwrite(VMCS_GUEST_ES_SEL + 2 * i, s->seg[i].sel);
		vmwrite(VMCS_GUEST_ES_LIMIT + 2 * i, s->seg[i].limit);
		vmwrite(VMCS_GUEST_ES_ATTR + 2 * i, attr_to_vmx(&s->seg[i]));
		vmwrite(VMCS_GUEST_ES_BASE + 2 * i, s->seg[i].base);
	}
#define SET(field, state) vmwrite(VMCS_##field, s->state);
	VMX_SAME(SET)
#undef SET
	vmwrite(VMCS_GUEST_RFLAGS, s->rflags | 2);
	vmwrite(VMCS_CR4_MASK, ~cpu_policy_cr4(x86_domain(v->v.domain)->cpuid) | v->vmx.cr4_fixed);
	set_cr4(v, s->cr4);
	set_cr0(v, s->cr0);
	update_lma(s->cr0, s->efer);
	load_pdptes(v);
	set_cr2(v, s->cr2);
	set_dr6(v, s->dr6);
	vmwrite(VMCS_GUEST_DR7, s->dr7 & 0xffffffff);
	if (!vmx_is_loaded(v)) /* else its registers are here already, if it has used them */
		vmx_set_debug_exits(v);
#define SET_MSR(nr, field) v->vmx.switched_msrs[VMX_MSR_##nr] = s->field;
	VMX_SWITCHED_MSRS(SET_MSR)
#undef SET_MSR
	if (vmx_is_loaded(v))
		vmx_load_msrs(v);
	set_spec_ctrl(v, s->spec_ctrl);
	/* The shadow of STI needs the interrupt flag, that of MOV SS does not. */
	vmwrite(VMCS_INTERRUPTIBILITY, !(s->interruptibility & 1) ? 0 :
		s->rflags & X86_EFLAGS_IF ? BLOCKED_STI : BLOCKED_MOV_SS);
	vmwrite(VMCS_ACTIVITY, 0);
	vmwrite(VMCS_PENDING_DBG, s->interruptibility & 1 && s->rflags & X86_EFLAGS_TF ? PENDING_DBG_BS
		: 0);
	set_pending_event(s);
	if (vmx_is_loaded(v))
		vmx_flush_vpid();
	else
		v->tlb_cpu = NULL; /* translations of the state before go when it comes to a CPU */
	vmx_vmcs_leave(v, before);
}

/* What the guest believes: bits that VMX fixes come from the shadow. */
static u64 merged(u64 real, u64 shadow, u64 mask) { return (real & ~mask) | (shadow & mask); }

static u64 get_reg(struct x86_vcpu *v, unsigned int reg)
{
	switch (reg) {
#define GET(nr) case HREG_##nr: return vmread(VMCS_GUEST_##nr);
	GET(RIP) GET(RFLAGS) GET(CR3) GET(EFER)
#undef GET
	case HREG_CR0:
		return merged(vmread(VMCS_GUEST_CR0), vmread(VMCS_CR0_SHADOW), v->vmx.cr0_fixed);
	case HREG_CR2:
		return get_cr2(v);
	case HREG_CR4:
		return merged(vmread(VMCS_GUEST_CR4), vmread(VMCS_CR4_SHADOW), v->vmx.cr4_fixed);
	case HREG_CS_ATTR:
		return (attr_from_vmx(vmread(VMCS_GUEST_ES_ATTR + 2 * SEG_CS)) & ~CS_CPL) |
		       (vmread(VMCS_GUEST_ES_ATTR + 2 * SEG_SS) & CS_CPL);
	case HREG_CS_BASE:
		return vmread(VMCS_GUEST_ES_BASE + 2 * SEG_CS);
	case HREG_SPEC_CTRL:
		return v->spec_ctrl;
	}
	BUG();
}

u64 vmx_get_reg(struct x86_vcpu *v, unsigned int reg)
{
	paddr_t before;
	u64 val;

	if (likely(vmx_is_loaded(v)))
		return get_reg(v, reg);
	before = vmx_vmcs_enter(v);
	val = get_reg(v, reg);
	vmx_vmcs_leave(v, before);
	return val;
}

void vmx_get_paging(struct x86_vcpu *v, struct hvm_paging *p)
{
	*p = (struct hvm_paging){ vmx_get_reg(v, HREG_CR0), vmx_get_reg(v, HREG_CR3),
				  vmx_get_reg(v, HREG_CR4), vmx_get_reg(v, HREG_EFER), vmx_get_reg(v, HREG_RFLAGS) };
}

/* Of the current vCPU. */
void vmx_set_reg(struct x86_vcpu *v, unsigned int reg, u64 val)
{
	switch (reg) {
#define SET(nr) case HREG_##nr: vmwrite(VMCS_GUEST_##nr, val); return;
	SET(RIP) SET(RFLAGS) SET(PAT)
#undef SET
	case HREG_CR0:
		set_cr0(v, val);
		update_lma(val, vmread(VMCS_GUEST_EFER));
		break;
	case HREG_CR2:
		set_cr2(v, val);
		return;
	case HREG_CR3:
		vmwrite(VMCS_GUEST_CR3, val);
		break;
	case HREG_CR4:
		set_cr4(v, val);
		break;
	case HREG_EFER:
		update_lma(vmread(VMCS_GUEST_CR0), val);
		return;
	case HREG_SPEC_CTRL:
		set_spec_ctrl(v, val);
		return;
	default:
		BUG();
	}
	/* Paging may be another now. */
	load_pdptes(v);
	vmx_flush_vpid();
}
