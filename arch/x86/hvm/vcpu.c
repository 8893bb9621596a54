/* SPDX-License-Identifier: GPL-2.0-only */
/* x86 vCPUs and domains: their parts, and the switch between them. */
#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/vcpu.h"

#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/hvm/upcall.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/mitigations.h"
#include "arch/x86/pci/vpci.h"
#include "arch/x86/pcpu.h"
#include <public/domctl.h>

#include "common/compat.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/printk.h"
#include "common/time.h"
#include <public/sched.h>

const struct hvm_ops *hvm_ops;
const char *hvm_features;

#define MTRR_DEF_RESET 0xc06 /* on, fixed ranges on, write-back: what firmware leaves */
#define FCW_RESET 0x037f
#define MXCSR_RESET 0x1f80

struct domain *arch_domain_alloc(void)
{
	return alloc_pages(size_to_order(sizeof(struct x86_domain)));
}

void arch_domain_free(struct domain *d)
{
	struct x86_domain *x = x86_domain(d);

	/*
	 * The next domain may get the same address, but is a different domain. Each CPU writes its
	 * own field.
	 */
	for (unsigned int i = 0; i < nr_cpus; i++) {
		const struct domain *gone = d;

		cas(&x86_pcpu(pcpus[i])->last_domain, &gone, NULL);
	}
	cpuid_policy_free(d);
	vpci_guest_free(d);
	free_pages(x->io_bitmap, IO_BITMAP_ORDER);
	free_pages(x, size_to_order(sizeof(*x)));
}

int arch_domain_init(struct domain *d, const struct domain_config *cfg)
{
	struct x86_domain *x = x86_domain(d);
	int rc = cpuid_policy_init(d);

	d->hvm_params[HVM_PARAM_TRIPLE_FAULT_REASON] = SHUTDOWN_reboot;
	if (!rc && !d->hardware && d->create_flags & XEN_DOMCTL_CDF_iommu)
		rc = vpci_guest_init(d);
	if (rc || !d->hardware)
		return rc;
	x->io_bitmap = alloc_pages(IO_BITMAP_ORDER);
	if (!x->io_bitmap)
		return -ENOMEM;
	memset(x->io_bitmap, 0xff, PAGE_SIZE << IO_BITMAP_ORDER);
	hvm_port_policy_dom0(x->io_bitmap);
	rc = vioapic_init(d);
	return rc ?: vpci_init(d);
}

void arch_domain_teardown(struct domain *d)
{
	BUG_ON(d->hardware); /* always allowed; a domain that cannot be created never comes here */
	vpci_guest_close(d);
}

struct vcpu *arch_vcpu_alloc(struct domain *d, unsigned int id)
{
	return alloc_pages(size_to_order(sizeof(struct x86_vcpu)));
}

/* FPU state after reset (SDM vol. 3, table 10-1). */
static void fpu_reset(struct x86_vcpu *v)
{
	u8 *area = v->xsave;

	memset(area, 0, cpu_features.xsave_size);
	*(u16 *)area = FCW_RESET;
	*(u32 *)(area + 24) = MXCSR_RESET;
	v->xcr0 = 1;
}

int arch_vcpu_init(struct vcpu *v)
{
	struct x86_vcpu *x = x86_vcpu(v);
	int rc;

	x->xsave = alloc_pages(size_to_order(cpu_features.xsave_size));
	if (!x->xsave)
		return -ENOMEM;
	x->pat = PAT_RESET;
	x->mtrr_def_type = MTRR_DEF_RESET;
	x->measures = mitigations & (MEASURES_ENTRY | MEASURES_EXIT);
	fpu_reset(x);
	rc = hvm_ops->vcpu_init(x);
	if (rc)
		return rc;
	x->vendor_init = true;
	vlapic_init(v);
	spin_lock(&v->domain->lock);
	hvm_vcpu_reset(v);
	spin_unlock(&v->domain->lock);
	return 0;
}

void arch_vcpu_free(struct vcpu *v)
{
	struct x86_vcpu *x = x86_vcpu(v);

	if (x->vendor_init) {
		vlapic_destroy(v);
		hvm_ops->vcpu_fini(x);
	}
	free_pages(x->xsave, size_to_order(cpu_features.xsave_size));
	free_pages(x, size_to_order(sizeof(*x)));
}

/* Makes its CPU check the pending events: wakes it, or interrupts the guest. */
void arch_vcpu_kick(struct vcpu *v)
{
	if (test_bit(VPF_POLL, &v->wait_flags))
		evtchn_poll_end(v);
	if (test_bit(VPF_BLOCKED, &v->wait_flags)) {
		clear_bit(VPF_BLOCKED, &v->wait_flags);
		vcpu_wake(v);
	}
	if (v != current && READ_ONCE(v->cpu->curr) == v)
		pcpu_kick(v->cpu, WORK_KICK);
}

static void fpu_save(struct x86_vcpu *v)
{
	if (!cpu_features.xsave) {
		__asm__ volatile("fxsaveq (%0)" : : "r"(v->xsave) : "memory");
		return;
	}
	v->xcr0 = xgetbv(0);
	if (v->xcr0 != cpu_features.xcr0)
		xsetbv(0, cpu_features.xcr0);
	__asm__ volatile("xsaveq (%0)" : : "r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
}

/*
 * Execute an FPU instruction of Keel's own, so that the next vCPU does not see the last one's FPU
 * pointers.
 */
static void fpu_clear_pointers(void)
{
	static const u32 zero;

	__asm__ volatile("fnclex; ffree %%st(7); fildl %0" : : "m"(zero));
}

static bool fpu_load(struct x86_vcpu *v)
{
	if (cpu_features.fpu_pointers_stay)
		fpu_clear_pointers();
	if (!cpu_features.xsave) {
		TRY_INSN("fxrstorq (%0)", "r"(v->xsave));
		return true;
	}
	TRY_INSN("xrstorq (%0)", "r"(v->xsave), "a"(~0u), "d"(~0u));
	return v->xcr0 == cpu_features.xcr0 || xsetbv_try(0, v->xcr0);
refused:
	return false;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	struct pcpu *cpu = this_cpu();

	if (!prev->idle) {
		struct x86_vcpu *x = x86_vcpu(prev);

		fpu_save(x);
		hvm_ops->switch_from(x);
		cpumask_clear_cpu(&prev->domain->p2m.dirty, cpu->id);
	}
	WRITE_ONCE(cpu->curr, next);
	if (!next->idle) {
		struct x86_vcpu *x = x86_vcpu(next);

		if (this_x86_pcpu()->last_domain != next->domain) {
			this_x86_pcpu()->last_domain = next->domain;
			mitigations_domain_switch();
		}
		/* Must come before the generation is read: from here on flushes reach this CPU. */
		cpumask_set(&next->domain->p2m.dirty, cpu->id);
		if (!hvm_ops->switch_to(x) || !fpu_load(x))
			domain_crash(next->domain, "vCPU %u: a state that the CPU does not load", next->id);
		if (cpu_features.rdtscp)
			wrmsr(MSR_TSC_AUX, x->tsc_aux);
	}
}

void hvm_triple_fault(struct vcpu *v)
{
	struct domain *d = v->domain;

	pr_guest(d, "vCPU %u: triple fault, rip %#lx", v->id, hvm_ops->get_reg(x86_vcpu(v), HREG_RIP));
	domain_shutdown(d, (u8)d->hvm_params[HVM_PARAM_TRIPLE_FAULT_REASON], "triple fault");
}

/*
 * A fault during the delivery of another event: the rules of SDM vol. 3, table 6-5, simplified to
 * contributory faults.
 */
void hvm_inject_exception(struct vcpu *v, u8 vector, s32 error)
{
	struct x86_vcpu *x = x86_vcpu(v);

	if (x->exception_pending) {
		if (x->exc_vector == X86_EXC_DF) {
			hvm_triple_fault(v);
			return;
		}
		vector = X86_EXC_DF;
		error = 0;
	}
	x->exception_pending = true;
	x->exc_vector = vector;
	x->exc_has_error = error >= 0;
	x->exc_error = (u32)error;
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
	WRITE_ONCE(x86_vcpu(v)->nmi_pending, true);
	arch_vcpu_kick(v);
}

/*
 * Events for the next entry: exception, NMI, interrupt, in this order. If the guest cannot take one
 * now, opens a window.
 */
void hvm_prepare_entry(struct x86_vcpu *v)
{
	struct hvm_pending p;
	struct vlapic_pending next;

	if (unlikely(v->exception_pending)) {
		v->exception_pending = false;
		hvm_ops->inject(v, v->exc_vector, HEV_EXCEPTION, v->exc_has_error ? (s32)v->exc_error : -1);
	} else if (unlikely(v->nmi_pending) && !v->nmi_blocked && hvm_ops->can_inject(v, HEV_NMI)) {
		v->nmi_pending = false;
		v->nmi_blocked = true;
		hvm_ops->inject(v, X86_EXC_NMI, HEV_NMI, -1);
	}
	p = hvm_pending_vector(v);
	if (likely(!(p.vector | p.held_class)) || (p.via_apic && v->apic_virtual))
		return;
	if (p.held_class) { /* the guest lowers its task priority without an exit */
		hvm_ops->set_window(v, HVM_WINDOW_CR8(p.held_class));
		return;
	}
	if (!hvm_ops->can_inject(v, HEV_INTR)) {
		hvm_ops->set_window(v, HVM_WINDOW_INTR);
		return;
	}
	if (p.via_apic) {
		vlapic_ack_vector(&v->v, p.vector);
	} else if (!v->apic_virtual) { /* no EOI will follow that could deliver what waits there */
		next = vlapic_pending_vector(&v->v);
		if (next.held_class)
			hvm_ops->set_window(v, HVM_WINDOW_CR8(next.held_class));
		else if (next.vector)
			hvm_ops->set_window(v, HVM_WINDOW_INTR);
	}
	hvm_ops->inject(v, p.vector, HEV_INTR, -1);
}

bool arch_runs_32bit(void)
{
	return hvm_in_32bit(current_x86);
}

void arch_hypercall_rewrite(u64 nr, const u64 args[5])
{
	static const u8 regs[2][5] = { { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8 },
				       { REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI } }; /* 32 bits */
	struct x86_vcpu *x = current_x86;

	x->gpr[REG_RAX] = nr;
	for (unsigned int i = 0; i < 5; i++)
		x->gpr[regs[hvm_in_32bit(x)][i]] = args[i];
}

s64 arch_vcpu_tsc_offset(struct vcpu *v)
{
	return (s64)x86_vcpu(v)->tsc_offset;
}
