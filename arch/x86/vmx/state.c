/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's state in the VMCS. Each function makes v's VMCS current for as long as it needs. */
#include "arch/x86/vmx/vmcs.h"
#include "common/printk.h"

/* hvm_state's attributes are packed as in a VMCB: bits 8..11 are bits 12..15 here (SDM vol. 3, 25.4.1). */
static u64 attr_to_vmx(const struct segment *s)
{
	u64 a = (s->attr & 0xff) | (u64)(s->attr & 0xf00) << 4;

	return s->attr & 0x80 ? a : a | ATTR_UNUSABLE;
}

static u16 attr_from_vmx(u64 a)
{
	return a & ATTR_UNUSABLE ? 0 : (u16)((a & 0xff) | (a >> 4 & 0xf00));
}

void vmx_get_state(struct x86_vcpu *v, struct hvm_state *s)
{
	paddr_t before = vmx_vmcs_enter(v);
	bool loaded = before == v->vmcs_pa && current == &v->v;

	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < NR_SEGS; i++) {
		s->seg[i].sel = (u16)vmread(VMCS_GUEST_ES_SEL + 2 * i);
		s->seg[i].limit = (u32)vmread(VMCS_GUEST_ES_LIMIT + 2 * i);
		s->seg[i].attr = attr_from_vmx(vmread(VMCS_GUEST_ES_ATTR + 2 * i));
		s->seg[i].base = vmread(VMCS_GUEST_ES_BASE + 2 * i);
	}
	s->rip = vmread(VMCS_GUEST_RIP);
	s->rflags = vmread(VMCS_GUEST_RFLAGS);
	s->cr0 = vmx_get_reg(v, HREG_CR0);
	s->cr2 = v->cr2;
	s->cr3 = vmread(VMCS_GUEST_CR3);
	s->cr4 = vmx_get_reg(v, HREG_CR4);
	s->efer = vmread(VMCS_GUEST_EFER);
	s->dr6 = v->dr6;
	s->dr7 = vmread(VMCS_GUEST_DR7);
	s->gdtr.limit = (u32)vmread(VMCS_GDTR_LIMIT);
	s->gdtr.base = vmread(VMCS_GDTR_BASE);
	s->idtr.limit = (u32)vmread(VMCS_IDTR_LIMIT);
	s->idtr.base = vmread(VMCS_IDTR_BASE);
	s->star = loaded ? rdmsr(MSR_STAR) : v->switched_msrs[0];
	s->lstar = loaded ? rdmsr(MSR_LSTAR) : v->switched_msrs[1];
	s->cstar = loaded ? rdmsr(MSR_CSTAR) : v->switched_msrs[2];
	s->sfmask = loaded ? rdmsr(MSR_SFMASK) : v->switched_msrs[3];
	s->kernel_gs_base = loaded ? rdmsr(MSR_KERNEL_GS_BASE) : v->switched_msrs[4];
	s->sysenter_cs = vmread(VMCS_GUEST_SYSENTER_CS);
	s->sysenter_esp = vmread(VMCS_GUEST_SYSENTER_ESP);
	s->sysenter_eip = vmread(VMCS_GUEST_SYSENTER_EIP);
	s->pat = vmread(VMCS_GUEST_PAT);
	s->interruptibility = vmread(VMCS_INTERRUPTIBILITY) & 3 ? 1 : 0;
	vmx_vmcs_leave(v, before);
}

static void set_system_state(struct x86_vcpu *v, const struct hvm_state *s)
{
	const u64 msrs[] = { s->star, s->lstar, s->cstar, s->sfmask, s->kernel_gs_base };
	static const u32 nr[] = { MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_KERNEL_GS_BASE };

	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
		v->switched_msrs[i] = msrs[i];
		if (current == &v->v)
			wrmsr(nr[i], msrs[i]);
	}
	vmwrite(VMCS_GUEST_SYSENTER_CS, s->sysenter_cs);
	vmwrite(VMCS_GUEST_SYSENTER_ESP, s->sysenter_esp);
	vmwrite(VMCS_GUEST_SYSENTER_EIP, s->sysenter_eip);
	vmwrite(VMCS_GUEST_PAT, s->pat);
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
	vmwrite(VMCS_GUEST_RIP, s->rip);
	vmwrite(VMCS_GUEST_RFLAGS, s->rflags | 2);
	vmx_set_reg(v, HREG_CR0, s->cr0);
	vmx_set_reg(v, HREG_CR4, s->cr4);
	vmwrite(VMCS_GUEST_CR3, s->cr3);
	v->cr2 = s->cr2;
	v->dr6 = s->dr6;
	vmx_set_reg(v, HREG_EFER, s->efer);
	vmwrite(VMCS_GUEST_DR7, s->dr7 & 0xffffffff);
	vmwrite(VMCS_GDTR_LIMIT, s->gdtr.limit);
	vmwrite(VMCS_GDTR_BASE, s->gdtr.base);
	vmwrite(VMCS_IDTR_LIMIT, s->idtr.limit);
	vmwrite(VMCS_IDTR_BASE, s->idtr.base);
	set_system_state(v, s);
	vmwrite(VMCS_INTERRUPTIBILITY, s->interruptibility & 1);
	vmwrite(VMCS_ACTIVITY, 0);
	vmwrite(VMCS_PENDING_DBG, 0);
	vmwrite(VMCS_ENTRY_INTR, 0);
	vmx_vmcs_leave(v, before);
}

/* What the guest believes: bits that VMX fixes come from the shadow. */
static u64 merged(u64 real, u64 shadow, u64 mask)
{
	return (real & ~mask) | (shadow & mask);
}

u64 vmx_get_reg(struct x86_vcpu *v, unsigned int reg)
{
	switch (reg) {
	case HREG_RIP:
		return vmread(VMCS_GUEST_RIP);
	case HREG_RFLAGS:
		return vmread(VMCS_GUEST_RFLAGS);
	case HREG_CR0:
		return merged(vmread(VMCS_GUEST_CR0), vmread(VMCS_CR0_SHADOW), v->cr0_fixed);
	case HREG_CR2:
		return v->cr2;
	case HREG_CR3:
		return vmread(VMCS_GUEST_CR3);
	case HREG_CR4:
		return merged(vmread(VMCS_GUEST_CR4), vmread(VMCS_CR4_SHADOW), v->cr4_fixed);
	case HREG_EFER:
		return vmread(VMCS_GUEST_EFER);
	case HREG_CPL:
		return vmread(VMCS_GUEST_ES_ATTR + 2 * SEG_SS) >> 5 & 3;
	case HREG_CS_ATTR:
		return attr_from_vmx(vmread(VMCS_GUEST_ES_ATTR + 2 * SEG_CS));
	case HREG_CS_BASE:
		return vmread(VMCS_GUEST_ES_BASE + 2 * SEG_CS);
	}
	BUG();
}

/* Long mode is active while paging is on and EFER.LME set: LMA and the entry control follow. */
static void update_lma(u64 cr0, u64 efer)
{
	bool lma = cr0 & X86_CR0_PG && efer & EFER_LME;
	u64 ctls = vmread(VMCS_ENTRY_CTLS);

	vmwrite(VMCS_GUEST_EFER, lma ? efer | EFER_LMA : efer & ~EFER_LMA);
	vmwrite(VMCS_ENTRY_CTLS, lma ? ctls | ENTRY_IA32E : ctls & ~ENTRY_IA32E);
}

void vmx_set_reg(struct x86_vcpu *v, unsigned int reg, u64 val)
{
	switch (reg) {
	case HREG_RIP:
		vmwrite(VMCS_GUEST_RIP, val);
		return;
	case HREG_RFLAGS:
		vmwrite(VMCS_GUEST_RFLAGS, val);
		return;
	case HREG_CR0:
		vmwrite(VMCS_CR0_SHADOW, val);
		vmwrite(VMCS_GUEST_CR0, val | v->cr0_fixed);
		update_lma(val, vmread(VMCS_GUEST_EFER));
		return;
	case HREG_CR2:
		v->cr2 = val;
		return;
	case HREG_CR3:
		vmwrite(VMCS_GUEST_CR3, val);
		return;
	case HREG_CR4:
		vmwrite(VMCS_CR4_SHADOW, val);
		vmwrite(VMCS_GUEST_CR4, val | v->cr4_fixed);
		return;
	case HREG_EFER:
		update_lma(vmread(VMCS_GUEST_CR0), val);
		return;
	case HREG_PAT:
		vmwrite(VMCS_GUEST_PAT, val);
		return;
	}
	BUG();
}
