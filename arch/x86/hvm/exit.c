/* SPDX-License-Identifier: GPL-2.0-only */
/* Handles a guest's exits: one function for each reason. */
#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/hvm/regs.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/pcpu.h"
#include "common/compat.h"
#include "common/hypercall.h"
#include "common/printk.h"
#include <public/sched.h>

static void exit_nothing(struct x86_vcpu *v, const struct exit_info *e)
{
}

/* The interrupt is pending at the local APIC: take it here. */
static void exit_intr(struct x86_vcpu *v, const struct exit_info *e) { irq_window(); }

static void exit_window(struct x86_vcpu *v, const struct exit_info *e)
{
	hvm_ops->set_window(v, HVM_WINDOW_NONE);
}

static void exit_nmi_unblocked(struct x86_vcpu *v, const struct exit_info *e)
{
	v->nmi_blocked = false;
}

static void exit_cpuid(struct x86_vcpu *v, const struct exit_info *e)
{
	struct cpuid_regs r;

	hvm_cpuid(&v->v, (u32)v->gpr[REG_RAX], (u32)v->gpr[REG_RCX], &r);
	v->gpr[REG_RAX] = r.a;
	v->gpr[REG_RBX] = r.b;
	v->gpr[REG_RCX] = r.c;
	v->gpr[REG_RDX] = r.d;
	hvm_ops->skip_insn(v, e, 2);
}

/* With interrupts off only INIT can wake it: it is down. */
static void exit_hlt(struct x86_vcpu *v, const struct exit_info *e)
{
	u64 flags = hvm_ops->get_reg(v, HREG_RFLAGS);

	hvm_ops->skip_insn(v, e, 1);
	if (unlikely(flags & X86_EFLAGS_TF)) /* the single step ends it */
		return;
	if (!(flags & X86_EFLAGS_IF) && !v->nmi_pending)
		vcpu_went_down(&v->v);
	else
		vcpu_block();
}

static void exit_msr_read(struct x86_vcpu *v, const struct exit_info *e)
{
	u64 val;

	if (hvm_rdmsr(&v->v, (u32)v->gpr[REG_RCX], &val)) {
		hvm_inject_gp(&v->v);
		return;
	}
	v->gpr[REG_RAX] = (u32)val;
	v->gpr[REG_RDX] = val >> 32;
	hvm_ops->skip_insn(v, e, 2);
}

static void exit_msr_write(struct x86_vcpu *v, const struct exit_info *e)
{
	u64 val = (u32)v->gpr[REG_RAX] | v->gpr[REG_RDX] << 32;

	if (hvm_wrmsr(&v->v, (u32)v->gpr[REG_RCX], val))
		hvm_inject_gp(&v->v);
	else
		hvm_ops->skip_insn(v, e, 2);
}

static noinline long hypercall_32bit(struct x86_vcpu *v)
{
	const u32 args[5] = { (u32)v->gpr[REG_RBX], (u32)v->gpr[REG_RCX], (u32)v->gpr[REG_RDX],
			      (u32)v->gpr[REG_RSI], (u32)v->gpr[REG_RDI] };

	if (!(hvm_ops->get_reg(v, HREG_CR0) & X86_CR0_PE))
		return -EPERM;
	return hypercall_dispatch_32bit((u32)v->gpr[REG_RAX], args);
}

/* Calling convention: docs/abi.md, "Rules for all". */
static void exit_hypercall(struct x86_vcpu *v, const struct exit_info *e)
{
	const u64 *r = v->gpr, cs = hvm_ops->get_reg(v, HREG_CS_ATTR);
	long rc;

	if (unlikely(cs & CS_CPL))
		rc = -EPERM;
	else if (unlikely(!(cs & CS_L)))
		rc = hypercall_32bit(v);
	else
		rc = hypercall_dispatch(r[REG_RAX], r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8]);
	if (unlikely(v->v.hypercall_continued)) {
		v->v.hypercall_continued = false;
		return;
	}
	v->gpr[REG_RAX] = (u64)rc;
	hvm_ops->skip_insn(v, e, 3);
}

static void exit_io(struct x86_vcpu *v, const struct exit_info *e)
{
	u64 *rax = &v->gpr[REG_RAX];

	if (e->io.string) {
		hvm_string_io(v, e);
		return;
	}
	if (e->io.in) {
		u64 mask = bytes_mask(e->io.size), val = hvm_port_in(&v->v, e->io.port, e->io.size) & mask;

		*rax = e->io.size == 4 ? val : (*rax & ~mask) | val;
	} else {
		hvm_port_out(&v->v, e->io.port, e->io.size, (u32)(*rax & bytes_mask(e->io.size)));
	}
	hvm_ops->skip_insn(v, e, 0);
}

static noinline void machine_check(struct x86_vcpu *v)
{
	struct mce_record used;

	if (mce_in_guest(&used) && !vmce_inject(&v->v, &used))
		domain_crash(v->v.domain, "memory that it used has lost its data");
}

static void exit_exception(struct x86_vcpu *v, const struct exit_info *e)
{
	switch (e->exc.vector) {
	case X86_EXC_AC: /* intercepted so that its delivery cannot loop for ever */
		hvm_inject_exception(&v->v, X86_EXC_AC, 0);
		return;
	case X86_EXC_DB: /* so is this; behind INT1 if next_rip says where that is */
		if (e->next_rip)
			hvm_ops->set_reg(v, HREG_RIP, e->next_rip);
		hvm_inject_exception(&v->v, X86_EXC_DB, -1);
		return;
	case X86_EXC_MC:
		machine_check(v);
		return;
	}
	domain_crash(v->v.domain, "unexpected exception %u", e->exc.vector);
}

static void exit_xsetbv(struct x86_vcpu *v, const struct exit_info *e)
{
	u64 val = (u32)v->gpr[REG_RAX] | v->gpr[REG_RDX] << 32;

	/* SVM does not specify whether the exit comes before these faults. */
	if (!(hvm_ops->get_reg(v, HREG_CR4) & X86_CR4_OSXSAVE))
		hvm_inject_ud(&v->v);
	else if (hvm_cpl(v) || hvm_xsetbv(&v->v, (u32)v->gpr[REG_RCX], val))
		hvm_inject_gp(&v->v);
	else
		hvm_ops->skip_insn(v, e, 3);
}

/* Only a domain that drives devices can need a write-back of the caches. */
static void exit_wbinvd(struct x86_vcpu *v, const struct exit_info *e)
{
	if (v->v.domain->hardware)
		wbinvd();
	hvm_ops->skip_insn(v, e, 2);
}

/*
 * What is due comes first: it may be what wakes the vCPU to yield to. Bochs does not let an
 * interrupt end a guest whose IF is clear, and only here is one that spins outside.
 */
static void exit_pause(struct x86_vcpu *v, const struct exit_info *e)
{
	hvm_ops->skip_insn(v, e, 2);
	irq_window();
	vcpu_yield();
}

static void exit_bad(struct x86_vcpu *v, const struct exit_info *e)
{
	struct hvm_state s;

	hvm_ops->get_state(v, &s);
	pr_err("cr0 %lx cr3 %lx cr4 %lx efer %lx rip %lx rflags %lx cs %x/%x ss %x/%x\n", s.cr0, s.cr3,
	       s.cr4, s.efer, s.rip, s.rflags, s.seg[SEG_CS].sel, s.seg[SEG_CS].attr, s.seg[SEG_SS].sel,
	       s.seg[SEG_SS].attr);
	domain_crash(v->v.domain, "vCPU %u: %s (%s exit %#x)", v->v.id,
		     e->reason == EXIT_BAD_STATE ? "state that the CPU refuses" : "exit that Keel does not know",
		     hvm_ops->name, e->raw);
}

/* Registers of which some bits are the policy's, and CR8 where the CPU has no virtual one. */
static void exit_cr(struct x86_vcpu *v, const struct exit_info *e)
{
	if (e->cr.write && e->cr.cr != 8) {
		if (hvm_set_cr(v, e->cr.cr, e->cr.val)) {
			hvm_inject_gp(&v->v);
			return;
		}
	} else if (e->cr.cr == 3) {
		v->gpr[e->cr.gpr] = hvm_ops->get_reg(v, HREG_CR3);
	} else if (e->cr.cr == 8 && e->cr.write && e->cr.val < 16) {
		vlapic_set_tpr(&v->v, (u8)(e->cr.val << 4));
	} else if (e->cr.cr == 8 && !e->cr.write) {
		v->gpr[e->cr.gpr] = vlapic_get_cr8(&v->v);
	} else {
		hvm_inject_gp(&v->v);
		return;
	}
	hvm_ops->skip_insn(v, e, 0);
}

/* Registers that the CPU handles itself do not come here, or need nothing else. */
static void exit_apic(struct x86_vcpu *v, const struct exit_info *e)
{
	if (e->apic.reg == APIC_EOI)
		vioapic_eoi(v->v.domain, (u8)e->apic.val);
	else if (e->apic.reg == APIC_SELF_IPI) /* with an illegal vector */
		vlapic_msr_write(&v->v, 0x800 + APIC_SELF_IPI / 16, e->apic.val);
}

static void exit_gp(struct x86_vcpu *v, const struct exit_info *e) { hvm_inject_gp(&v->v); }

static void exit_ud(struct x86_vcpu *v, const struct exit_info *e) { hvm_inject_ud(&v->v); }

static void exit_shutdown(struct x86_vcpu *v, const struct exit_info *e)
{
	mce_at_shutdown();
	hvm_triple_fault(&v->v);
}

static void (*const handlers[NR_EXITS])(struct x86_vcpu *, const struct exit_info *) = {
	[EXIT_INTR] = exit_intr,
	[EXIT_NMI] = exit_nothing, /* the host's handler has run when interrupts were let in again */
	[EXIT_WINDOW] = exit_window,
	[EXIT_CPUID] = exit_cpuid,
	[EXIT_HLT] = exit_hlt,
	[EXIT_IO] = exit_io,
	[EXIT_MSR_READ] = exit_msr_read,
	[EXIT_MSR_WRITE] = exit_msr_write,
	[EXIT_HYPERCALL] = exit_hypercall,
	[EXIT_NPF] = hvm_nested_fault,
	[EXIT_EXCEPTION] = exit_exception,
	[EXIT_XSETBV] = exit_xsetbv,
	[EXIT_INVD] = exit_wbinvd,
	[EXIT_WBINVD] = exit_wbinvd,
	[EXIT_PAUSE] = exit_pause,
	[EXIT_RDPMC] = exit_gp,
	[EXIT_CR] = exit_cr,
	[EXIT_DR] = exit_nothing, /* the registers are the guest's now */
	[EXIT_SHUTDOWN] = exit_shutdown,
	[EXIT_UD] = exit_ud,
	[EXIT_TASK_SWITCH] = exit_bad,
	[EXIT_NMI_UNBLOCKED] = exit_nmi_unblocked,
	[EXIT_INIT_SIGNAL] = exit_nothing,
	[EXIT_APIC] = exit_apic,
	[EXIT_BAD_STATE] = exit_bad,
	[EXIT_UNKNOWN] = exit_bad,
};

void hvm_handle_exit(struct x86_vcpu *v, const struct exit_info *e)
{
	handlers[e->reason](v, e);
}
