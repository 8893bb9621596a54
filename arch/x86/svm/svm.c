/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMD: Secure Virtual Machine (APM vol. 2, chapter 15). CPUs, vCPUs, state and events; exits are in
 * exit.c.
 */
#include "arch/x86/svm/vmcb.h"

#include "arch/x86/mitigations.h"
#include "arch/x86/pcpu.h"
#include "common/guest_access.h"
#include "common/heap.h"
#include "common/printk.h"
#include "common/time.h"
#include "common/vsnprintf.h"
#include <public/errno.h>

static struct { bool nrips, decode_assists, pause_filter, spec_ctrl; u32 nr_asids; } svm;
/* Two bitmaps of MSRs: in the second SPEC_CTRL does not exit. */
static u8 *default_msrpm, *default_iopm;
static char svm_features[64];

#define MSRPM_ORDER 1
#define MSRPM_SIZE (PAGE_SIZE << MSRPM_ORDER)
#define IOPM_ORDER 2 /* 3 pages */

static bool is_loaded(const struct x86_vcpu *v) { return this_cpu()->curr == &v->v; }

static void vmsave(paddr_t pa) { __asm__ volatile("vmsave %0" : : "a"(pa) : "memory"); }

static void vmload(paddr_t pa) { __asm__ volatile("vmload %0" : : "a"(pa) : "memory"); }

static int svm_probe(const char **text)
{
	struct cpuid_regs r;
	u64 vm_cr;

	if (cpuid(0x80000000, 0).a < 0x8000000a || !(cpuid(0x80000001, 0).c & BIT(2))) {
		*text = "the CPU has no SVM (CPUID 8000_0001h ECX bit 2)";
		return -ENODEV;
	}
	if (!rdmsr_safe(MSR_VM_CR, &vm_cr) && vm_cr & VM_CR_SVMDIS) {
		*text = vm_cr & VM_CR_LOCK
		       ? "SVM is disabled and locked by the firmware: enable it in the firmware's setup"
		       : "SVM is disabled (VM_CR.SVMDIS): enable it in the firmware's setup";
		return -EACCES;
	}
	r = cpuid(0x8000000a, 0);
	if (!(r.d & BIT(0))) {
		*text = "the CPU has SVM, but no nested paging (CPUID 8000_000Ah EDX bit 0)";
		return -EOPNOTSUPP;
	}
	svm.nr_asids = r.b;
	svm.nrips = r.d >> 3 & 1;
	svm.decode_assists = r.d >> 7 & 1;
	svm.pause_filter = (r.d >> 10 & 5) == 5; /* it and its threshold */
	svm.spec_ctrl = r.d >> 20 & 1;
	if (svm.nr_asids < 2) {
		*text = "the CPU has fewer than 2 address space ids";
		return -EOPNOTSUPP;
	}
	snprintf(svm_features, sizeof(svm_features), "nested paging, %u ASIDs%s", svm.nr_asids,
		 svm.nrips ? ", next RIP" : "");
	*text = svm_features;
	return 0;
}

/* Two bits an MSR: read, write (APM vol. 2, 15.11). */
static void msr_allow(u8 *bitmap, u32 msr)
{
	unsigned int off = msr < 0x2000 ? 0 : msr < 0xc0002000 ? 0x800 : 0x1000;
	unsigned int bit = (msr & 0x1fff) * 2;

	bitmap[off + bit / 8] &= (u8)~(3u << bit % 8);
}

static int init_bitmaps(void)
{
	static const u32 direct[] = { HVM_DIRECT_MSRS };

	default_msrpm = alloc_pages(MSRPM_ORDER + 1);
	default_iopm = alloc_pages(IOPM_ORDER);
	if (!default_msrpm || !default_iopm)
		return -ENOMEM;
	memset(default_msrpm, 0xff, MSRPM_SIZE);
	memset(default_iopm, 0xff, PAGE_SIZE << IOPM_ORDER);
	for (unsigned int i = 0; i < ARRAY_SIZE(direct); i++)
		msr_allow(default_msrpm, direct[i]);
	memcpy(default_msrpm + MSRPM_SIZE, default_msrpm, MSRPM_SIZE);
	msr_allow(default_msrpm + MSRPM_SIZE, MSR_SPEC_CTRL);
	return 0;
}

static int svm_cpu_up(void)
{
	struct x86_pcpu *cpu = this_x86_pcpu();
	u8 *pages = alloc_pages(1); /* host save area, host VMCB */

	if (!pages || (!default_msrpm && init_bitmaps()))
		return -ENOMEM;
	if (wrmsr_safe(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME)) /* the firmware has set VM_CR.SVMDIS */
		return -EACCES;
	wrmsr(MSR_VM_HSAVE_PA, virt_to_pa(pages));
	cpu->svm.host_vmcb = virt_to_pa(pages + PAGE_SIZE);
	vmsave(cpu->svm.host_vmcb);
	cpu->svm.next_asid = 1;
	cpu->svm.max_asid = svm.nr_asids - 1;
	cpu->svm.asid_generation = 1;
	return 0;
}

static int svm_vcpu_init(struct x86_vcpu *v)
{
	struct vmcb *vmcb = alloc_page();
	struct x86_domain *d = x86_domain(v->v.domain);

	if (!vmcb)
		return -ENOMEM;
	v->svm.vmcb = vmcb;
	v->svm.vmcb_pa = virt_to_pa(vmcb);
	vmcb->cr_read = 0;
	vmcb->cr_write = BIT(4);
	vmcb->dr_read = vmcb->dr_write = 0xffff;
	vmcb->exceptions = HVM_EXCEPTIONS;
	vmcb->misc1 = MISC1_INTR | MISC1_NMI | MISC1_SMI | MISC1_INIT | MISC1_CR0_SEL | MISC1_RDPMC |
		      MISC1_CPUID | MISC1_INVD | MISC1_HLT | MISC1_INVLPGA | MISC1_IOIO | MISC1_MSR |
		      MISC1_TASK_SWITCH | MISC1_SHUTDOWN;
	vmcb->misc2 = MISC2_VMRUN | MISC2_VMMCALL | MISC2_VMLOAD | MISC2_VMSAVE | MISC2_STGI | MISC2_CLGI |
		      MISC2_SKINIT | MISC2_ICEBP | MISC2_WBINVD | MISC2_MONITOR | MISC2_MWAIT | MISC2_XSETBV |
		      MISC2_RDPRU;
	if (svm.pause_filter) {
		vmcb->misc1 |= MISC1_PAUSE;
		vmcb->pause_count = PAUSE_COUNT;
		vmcb->pause_threshold = PAUSE_GAP;
	}
	vmcb->iopm_pa = virt_to_pa(d->io_bitmap ? d->io_bitmap : default_iopm);
	vmcb->msrpm_pa = virt_to_pa(default_msrpm);
	vmcb->vintr = VINTR_MASKING;
	vmcb->np_enable = 1;
	vmcb->n_cr3 = virt_to_pa(v->v.domain->p2m.arch.root);
	vmcb->asid = 1;
	vmcb->g_pat = v->pat;
	return 0;
}

static void svm_vcpu_fini(struct x86_vcpu *v) { free_page(v->svm.vmcb); }

/* A tag unused since the last full flush of this CPU. */
static void svm_new_asid(struct x86_vcpu *v, struct x86_pcpu *cpu)
{
	struct vmcb *vmcb = v->svm.vmcb;

	if (cpu->svm.next_asid > cpu->svm.max_asid) {
		cpu->svm.asid_generation++;
		cpu->svm.next_asid = 1;
		cpu->svm.flush_all = true;
	}
	vmcb->asid = cpu->svm.next_asid++;
	v->tlb_cpu = &cpu->p;
	v->svm.asid_generation = cpu->svm.asid_generation;
	v->p2m_generation = __atomic_load_n(&v->v.domain->p2m.generation, __ATOMIC_SEQ_CST);
}

static bool asid_is_stale(const struct x86_vcpu *v, const struct x86_pcpu *cpu)
{
	return v->tlb_cpu != &cpu->p || v->svm.asid_generation != cpu->svm.asid_generation ||
	       v->p2m_generation != READ_ONCE(v->v.domain->p2m.generation);
}

static void svm_flush_tlb(void)
{
	struct x86_pcpu *cpu = this_x86_pcpu();

	if (!cpu->p.curr->idle)
		svm_new_asid(x86_vcpu(cpu->p.curr), cpu);
}

/*
 * Debug registers exit until the guest uses one. They are its own then while it is on this CPU;
 * with a breakpoint on, from the moment when it comes to one: DR7 arms whatever addresses DR0 to
 * DR3 hold.
 */
static void set_debug_exits(struct vmcb *c)
{
	c->dr_read = c->dr_write = c->dr7 & DR7_ENABLED ? 0 : 0xffff;
}

static void svm_switch_from(struct x86_vcpu *v)
{
	struct vmcb *vmcb = v->svm.vmcb;

	vmsave(v->svm.vmcb_pa);
	vmload(this_x86_pcpu()->svm.host_vmcb);
	traps_use_ist(IST_NMI);
	if (!vmcb->dr_write) { /* the guest's breakpoints are loaded */
		read_breakpoints(v->dr);
		WRITE_DR(7, DR7_RESET); /* the exit did that; not so in QEMU 7.2 */
		set_debug_exits(vmcb);
	}
}

static bool svm_switch_to(struct x86_vcpu *v)
{
	struct x86_pcpu *cpu = this_x86_pcpu();

	if (asid_is_stale(v, cpu))
		svm_new_asid(v, cpu);
	traps_use_ist(IST_NONE); /* the task register will be the guest's */
	vmload(v->svm.vmcb_pa);
	if (unlikely(!v->svm.vmcb->dr_write))
		svm_load_debug_regs(v);
	return true; /* VMLOAD and VMRUN make addresses canonical themselves, or exit */
}

void svm_load_debug_regs(struct x86_vcpu *v)
{
	struct vmcb *vmcb = v->svm.vmcb;

	write_breakpoints(v->dr);
	vmcb->dr_read = vmcb->dr_write = 0;
}

static void svm_run(struct x86_vcpu *v, struct exit_info *e)
{
	struct x86_pcpu *cpu = this_x86_pcpu();
	struct vmcb *vmcb = v->svm.vmcb;

	__atomic_fetch_add(&cpu->p.epoch, 1, __ATOMIC_SEQ_CST);
	if (unlikely(READ_ONCE(cpu->p.work))) {
		__atomic_fetch_add(&cpu->p.epoch, 1, __ATOMIC_SEQ_CST);
		e->reason = EXIT_INTR;
		return;
	}
	vmcb->tlb_control = 0;
	if (unlikely(cpu->svm.flush_all)) {
		cpu->svm.flush_all = false;
		vmcb->tlb_control = 1;
	}
	vmcb->rax = v->gpr[REG_RAX];
	vmcb->rsp = v->gpr[REG_RSP];
	if (unlikely(v->measures & MEASURES_ENTRY))
		mitigations_before_entry(v);
	if (likely(!(v->measures & MEASURES_EXIT)))
		svm_enter(v->gpr);
	else if (likely(!(v->measures & 1u << MIT_IBPB_EXIT)))
		svm_enter_guarded(v->gpr);
	else
		svm_enter_barrier(v->gpr);
	v->gpr[REG_RAX] = vmcb->rax;
	v->gpr[REG_RSP] = vmcb->rsp;
	__atomic_fetch_add(&cpu->p.epoch, 1, __ATOMIC_SEQ_CST);
	svm_decode_exit(v, vmcb, e, svm.nrips, svm.decode_assists);
}

static u64 svm_get_spec_ctrl(const struct x86_vcpu *v)
{
	return svm.spec_ctrl ? v->svm.vmcb->spec_ctrl : v->spec_ctrl;
}

/*
 * Newer CPUs keep a guest's own beside the host's, and what is on in one of them is on for the
 * guest: it may write it. On others Keel loads it, together with what is on for good.
 */
static void svm_set_spec_ctrl(struct x86_vcpu *v, u64 val)
{
	if (!svm.spec_ctrl) {
		mitigations_guest_spec_ctrl(v, val, false);
		return;
	}
	v->svm.vmcb->spec_ctrl = val;
	v->svm.vmcb->msrpm_pa = virt_to_pa(default_msrpm) + (val ? MSRPM_SIZE : 0);
}

/* What a VMCB has by the same name and as it is. */
#define SVM_SAME(X) \
	X(rip) X(rflags) X(cr0) X(cr2) X(cr3) X(cr4) X(star) X(lstar) X(cstar) X(sfmask) \
	X(kernel_gs_base) X(sysenter_cs) X(sysenter_esp) X(sysenter_eip) \
	X(gdtr.limit) X(gdtr.base) X(idtr.limit) X(idtr.base)
#define SVM_SEGMENTS(X) \
	X(es, ES) X(cs, CS) X(ss, SS) X(ds, DS) X(fs, FS) X(gs, GS) X(ldtr, LDTR) X(tr, TR)

static void svm_get_state(struct x86_vcpu *v, struct hvm_state *s)
{
	struct vmcb *c = v->svm.vmcb;

	if (is_loaded(v))
		vmsave(v->svm.vmcb_pa);
	memset(s, 0, sizeof(*s));
#define GET(field) s->field = c->field;
	SVM_SAME(GET)
#undef GET
#define GET_SEGMENT(field, nr) s->seg[SEG_##nr] = c->field;
	SVM_SEGMENTS(GET_SEGMENT)
#undef GET_SEGMENT
	s->efer = c->efer & ~EFER_SVME;
	s->dr6 = c->dr6;
	s->dr7 = c->dr7;
	s->seg[SEG_SS].attr = (u16)((c->ss.attr & ~0x60) | (c->cpl & 3) << 5); /* also of a null SS */
	s->seg[SEG_TR].attr |= 2; /* busy, as what LTR loads is; QEMU's has that in the descriptor only */
	s->pat = c->g_pat;
	s->spec_ctrl = svm_get_spec_ctrl(v);
	s->interruptibility = c->interrupt_shadow & 1;
	s->pending_event = !!(c->event_inj & EVENTINJ_VALID);
	s->pending_vector = (u8)c->event_inj;
	s->pending_type = c->event_inj >> 8 & 7;
	s->pending_error = (u32)(c->event_inj >> 32);
}

static void svm_set_state(struct x86_vcpu *v, const struct hvm_state *s)
{
	struct vmcb *c = v->svm.vmcb;

#define SET(field) c->field = s->field;
	SVM_SAME(SET)
#undef SET
#define SET_SEGMENT(field, nr) c->field = s->seg[SEG_##nr];
	SVM_SEGMENTS(SET_SEGMENT)
#undef SET_SEGMENT
	c->efer = s->efer | EFER_SVME;
	c->dr6 = s->dr6 & 0xffffffff;
	c->dr7 = s->dr7 & 0xffffffff;
	if (!is_loaded(v)) /* else its registers are here already, if it has used them */
		set_debug_exits(c);
	c->cpl = c->ss.attr >> 5 & 3;
	c->g_pat = s->pat;
	svm_set_spec_ctrl(v, s->spec_ctrl);
	c->interrupt_shadow = s->interruptibility & 1;
	c->event_inj = 0;
	if (s->pending_event)
		c->event_inj = EVENTINJ_VALID | s->pending_vector | (u64)s->pending_type << 8 |
			       (hvm_event_has_error(s) ? EVENTINJ_ERROR : 0) | (u64)s->pending_error << 32;
	v->tlb_cpu = NULL; /* translations of the state before go with the tag */
	if (is_loaded(v)) {
		vmload(v->svm.vmcb_pa);
		svm_new_asid(v, this_x86_pcpu());
	}
}

static u64 svm_get_reg(struct x86_vcpu *v, unsigned int reg)
{
	struct vmcb *c = v->svm.vmcb;

	if (likely(reg == HREG_CS_ATTR)) /* each hypercall asks */
		return (c->cs.attr & ~CS_CPL) | c->cpl << 5;
	switch (reg) {
#define GET(nr, field) case HREG_##nr: return c->field;
	GET(RIP, rip) GET(RFLAGS, rflags) GET(CR0, cr0) GET(CR2, cr2) GET(CR3, cr3) GET(CR4, cr4)
	GET(CS_BASE, cs.base)
#undef GET
	case HREG_EFER:
		return c->efer & ~EFER_SVME;
	case HREG_SPEC_CTRL:
		return svm_get_spec_ctrl(v);
	}
	BUG();
}

static void svm_get_paging(struct x86_vcpu *v, struct hvm_paging *p)
{
	const struct vmcb *c = v->svm.vmcb;

	*p = (struct hvm_paging){ c->cr0, c->cr3, c->cr4, c->efer & ~EFER_SVME, c->rflags };
}

static void svm_set_reg(struct x86_vcpu *v, unsigned int reg, u64 val)
{
	struct vmcb *c = v->svm.vmcb;

	switch (reg) {
#define SET(nr, field) case HREG_##nr: c->field = val; return;
	SET(RIP, rip) SET(RFLAGS, rflags) SET(CR2, cr2) SET(PAT, g_pat)
#undef SET
	case HREG_CR0:
		c->cr0 = val;
		c->efer = val & X86_CR0_PG && c->efer & EFER_LME ? c->efer | EFER_LMA : c->efer & ~EFER_LMA;
		break;
	case HREG_CR3:
		c->cr3 = val;
		break;
	case HREG_CR4:
		c->cr4 = val;
		break;
	case HREG_EFER:
		c->efer = val | EFER_SVME;
		return;
	case HREG_SPEC_CTRL:
		svm_set_spec_ctrl(v, val);
		return;
	default:
		BUG();
	}
	/* Paging may be another now. */
	svm_new_asid(v, this_x86_pcpu());
}

static noinline void end_traced_insn(struct x86_vcpu *v, struct vmcb *c)
{
	if (c->rflags & X86_EFLAGS_TF) {
		c->dr6 |= DR6_BS;
		hvm_inject_exception(&v->v, X86_EXC_DB, -1);
	}
	c->rflags &= ~X86_EFLAGS_RF;
}

static void svm_skip_insn(struct x86_vcpu *v, const struct exit_info *e, unsigned int len)
{
	struct vmcb *c = v->svm.vmcb;

	c->rip = e && e->next_rip ? e->next_rip : svm_rip_after(c, len);
	c->interrupt_shadow = 0;
	if (unlikely(c->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF)))
		end_traced_insn(v, c);
}

static bool svm_can_inject(struct x86_vcpu *v, enum hvm_event type)
{
	struct vmcb *c = v->svm.vmcb;

	return (type != HEV_INTR || c->rflags & X86_EFLAGS_IF) && !(c->interrupt_shadow & 1) &&
	       !(c->event_inj & EVENTINJ_VALID);
}

/* EVENTINJ takes an event's kind as it is. */
_Static_assert(HEV_INTR == 0 && HEV_NMI == 2 && HEV_EXCEPTION == 3 && HEV_SWINT == 4,
	       "APM vol. 2, 15.20");

static void svm_inject(struct x86_vcpu *v, u8 vector, u8 type, s32 error)
{
	struct vmcb *c = v->svm.vmcb;

	c->event_inj = EVENTINJ_VALID | vector | (u64)type << 8;
	if (error >= 0)
		c->event_inj |= EVENTINJ_ERROR | (u64)(u32)error << 32;
	if (type == HEV_NMI)
		c->misc1 |= MISC1_IRET; /* the end of the handler unblocks the next one */
}

/*
 * STI; HLT: the interrupt must not come in between, or an idle guest would sleep through what it
 * brought. QEMU's SVM forgets the shadow at VMRUN, and a window would open at once; but HLT exits
 * by itself.
 */
static bool halts_next(const struct vmcb *c)
{
	u8 insn;

	return c->interrupt_shadow & 1 && !copy_from_guest(&insn, c->cs.base + c->rip, 1) && insn == 0xf4;
}

/*
 * A virtual interrupt of the lowest vector that the guest never gets: its intercept tells when one
 * could be taken. One that the task priority holds back waits for the next write to CR8, not for a
 * virtual interrupt with a priority: QEMU 7.2 compares it with >=, and aborts when a guest writes
 * CR8 while any virtual interrupt is pending.
 */
static void svm_set_window(struct x86_vcpu *v, struct hvm_window w)
{
	struct vmcb *c = v->svm.vmcb;

	c->misc1 &= ~MISC1_VINTR;
	c->vintr &= ~(VINTR_IRQ | VINTR_IGN_TPR);
	c->cr_write = w.cr8_class || w.intr ? c->cr_write | BIT(8) : c->cr_write & ~BIT(8);
	if (w.intr && likely(!halts_next(c))) {
		c->misc1 |= MISC1_VINTR;
		c->vintr |= VINTR_IRQ | VINTR_IGN_TPR;
	}
}

static void svm_set_tpr(struct x86_vcpu *v, u8 tpr)
{
	struct vmcb *c = v->svm.vmcb;

	c->vintr = (c->vintr & ~VINTR_TPR_MASK) | (tpr & VINTR_TPR_MASK);
}

static u8 svm_get_tpr(struct x86_vcpu *v) { return v->svm.vmcb->vintr & VINTR_TPR_MASK; }

static void svm_set_tsc_offset(struct x86_vcpu *v, u64 offset) { v->svm.vmcb->tsc_offset = offset; }

/*
 * Nested tables are walked as user accesses. Memory types: write-back, so that the
 * guest's own types and the host's MTRRs decide, as without a hypervisor.
 */
static const struct p2m_format svm_p2m_format = {
	.leaf = {
		[P2M_RAM] = 0x67,	/* P RW US A D */
		[P2M_SHARED] = 0x67 | BIT(63),
		[P2M_GRANT_RW] = 0x67 | BIT(63),
		[P2M_GRANT_RO] = 0x25 | BIT(63),
		[P2M_FOREIGN] = 0x67 | BIT(63),
		[P2M_MMIO] = 0x67 | BIT(63),
		[P2M_MMIO_RAMLIKE] = 0x67,
		[P2M_ONES] = 0x25 | BIT(63),
		[P2M_RESERVED] = 0x67,
	},
	.table = 0x67,
	.superpage = BIT(7),
	.superpage_mask = BIT(7),
	.max_order = 18,
	.types = true,
};

const struct hvm_ops svm_ops = HVM_OPS("SVM", svm);
