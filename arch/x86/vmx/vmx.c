/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel: Virtual Machine Extensions (SDM vol. 3, chapters 24 to 29). CPUs, vCPUs, events; state is
 * in state.c, exits in exit.c.
 */
#include "arch/x86/irq/irq.h"
#include "arch/x86/mm.h"
#include "arch/x86/mitigations.h"
#include "arch/x86/pcpu.h"
#include "arch/x86/vmx/caps.h"
#include "arch/x86/vmx/vmcs.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/time.h"
#include "common/vsnprintf.h"
#include <public/errno.h>

static struct vmx_caps vmx; /* read once, all CPUs are alike */
static char vmx_features[160];
#define LONGEST_RUN_MS 10

/* Of MSRs two pages each: in the second SPEC_CTRL does not exit. */
static u8 *default_msr_bitmap, *x2apic_msr_bitmap, *default_io_bitmap;

static void vmclear(paddr_t pa) { __asm__ volatile("vmclear %0" : : "m"(pa) : "cc", "memory"); }

static void vmptrld(paddr_t pa) { __asm__ volatile("vmptrld %0" : : "m"(pa) : "cc", "memory"); }

static void invept(u64 type, u64 eptp)
{
	struct { u64 eptp, zero; } desc = { eptp, 0 };

	__asm__ volatile("invept %0, %1" : : "m"(desc), "r"(type) : "cc", "memory");
}

/* If firmware has not locked the choice, Keel makes it and locks it. */
static int check_feature_control(const char **why)
{
	u64 fc;

	if (rdmsr_safe(MSR_FEATURE_CONTROL, &fc))
		return 0; /* VMX without it: nothing can be locked */
	switch (vmx_feature_control(fc)) {
	case VMX_FIRMWARE_OPEN:
		wrmsr_safe(MSR_FEATURE_CONTROL, fc | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
		if (this_cpu()->id == 0)
			pr_info("VMX: the firmware left IA32_FEATURE_CONTROL open: VMX is enabled in it, and it is locked");
		return 0;
	case VMX_FIRMWARE_ON:
		return 0;
	case VMX_FIRMWARE_OFF:
		break;
	}
	*why = "VMX is disabled and locked by the firmware (IA32_FEATURE_CONTROL): enable it in the firmware's setup";
	return -EACCES;
}

static u64 read_msr_or_0(u32 msr)
{
	u64 val;

	return rdmsr_safe(msr, &val) ? 0 : val;
}

static void read_msrs(struct vmx_msrs *m)
{
	u64 basic = rdmsr(MSR_VMX_BASIC);
	u32 base = basic & VMX_BASIC_TRUE ? MSR_VMX_TRUE_PINBASED : MSR_VMX_PINBASED;

	*m = (struct vmx_msrs){
		.basic = basic, .pin = rdmsr(base), .proc = rdmsr(base + 1), .exit = rdmsr(base + 2),
		.entry = rdmsr(base + 3), .proc2 = read_msr_or_0(MSR_VMX_PROCBASED2),
		.ept_vpid = read_msr_or_0(MSR_VMX_EPT_VPID_CAP), .misc = rdmsr(MSR_VMX_MISC),
		.cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0), .cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0),
	};
}

static struct p2m_format vmx_p2m_format;

static int vmx_probe(const char **text)
{
	struct vmx_msrs m;
	int rc;

	if (!(cpuid(1, 0).c & BIT(5))) {
		if (!cpu_features.amd)
			*text = "the CPU has neither SVM (CPUID 8000_0001h ECX bit 2) nor VMX (CPUID 1 ECX bit 5)";
		return -ENODEV;
	}
	rc = check_feature_control(text);
	if (rc)
		return rc;
	read_msrs(&m);
	/*
	 * CPUs got posted interrupts with them. Bochs 2.7, without, delivers virtual interrupts to guests
	 * with IF clear.
	 */
	if (!option_flag_or("apicv", m.pin >> 32 & PIN_POSTED_INTERRUPTS))
		m.proc2 &= ~((u64)PROC2_VIRTUAL_INTERRUPTS << 32);
	rc = vmx_caps_choose(&m, &vmx, text);
	if (rc)
		return rc;
	vmx_p2m_format.max_order = vmx.pages_1g ? 18 : 9;
	snprintf(vmx_features, sizeof(vmx_features), "EPT, VPID, unrestricted guests%s%s%s%s%s",
		 vmx.pages_1g ? ", 1 GiB pages" : "", vmx.accessed_dirty ? ", accessed and dirty bits" : "",
		 vmx.pin & PIN_PREEMPTION_TIMER ? ", preemption timer" : "", vmx.true_controls ? ", true controls"
		 : "", vmx.proc2 & PROC2_VIRTUAL_INTERRUPTS ? ", virtual APIC" :
		 vmx.proc & PROC_TPR_SHADOW ? ", TPR shadow" : "");
	*text = vmx_features;
	return 0;
}

/* Bits of 1: exit. Reads in the lower half, writes in the upper one (SDM vol. 3, 25.6.9). */
static void msr_allow(u8 *bitmap, u32 msr)
{
	bitmap[(msr < 0x2000 ? 0 : 1024) + (msr & 0x1fff) / 8] &= (u8)~(1u << msr % 8);
}

/*
 * Of the x2APIC's registers those that are in the virtual-APIC page, or whose writes the CPU does
 * alone.
 */
static void init_x2apic_bitmap(void)
{
	static const u16 reads[] = { APIC_ID, APIC_LVR, APIC_TPR, APIC_PPR, APIC_LDR };
	static const u16 writes[] = { APIC_TPR, APIC_EOI, APIC_SELF_IPI };

	memcpy(x2apic_msr_bitmap, default_msr_bitmap, PAGE_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(reads); i++)
		msr_allow(x2apic_msr_bitmap, 0x800 + reads[i] / 16);
	for (u32 reg = APIC_ISR; reg < APIC_ESR; reg += 16)
		msr_allow(x2apic_msr_bitmap, 0x800 + reg / 16);
	for (unsigned int i = 0; i < ARRAY_SIZE(writes); i++)
		msr_allow(x2apic_msr_bitmap + 2048, 0x800 + writes[i] / 16);
}

static void allow_spec_ctrl(u8 *bitmap)
{
	memcpy(bitmap + PAGE_SIZE, bitmap, PAGE_SIZE);
	msr_allow(bitmap + PAGE_SIZE, MSR_SPEC_CTRL);
	msr_allow(bitmap + PAGE_SIZE + 2048, MSR_SPEC_CTRL);
}

static int init_bitmaps(void)
{
	static const u32 direct[] = { HVM_DIRECT_MSRS };

	default_msr_bitmap = alloc_pages(1);
	x2apic_msr_bitmap = alloc_pages(1);
	default_io_bitmap = alloc_pages(1);
	if (!default_msr_bitmap || !x2apic_msr_bitmap || !default_io_bitmap)
		return -ENOMEM;
	memset(default_msr_bitmap, 0xff, PAGE_SIZE);
	memset(default_io_bitmap, 0xff, 2 * PAGE_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(direct); i++) {
		msr_allow(default_msr_bitmap, direct[i]);
		msr_allow(default_msr_bitmap + 2048, direct[i]);
	}
	init_x2apic_bitmap();
	allow_spec_ctrl(default_msr_bitmap);
	allow_spec_ctrl(x2apic_msr_bitmap);
	return 0;
}

static int vmx_cpu_up(void)
{
	struct x86_pcpu *cpu = this_x86_pcpu();
	u32 *region = alloc_page();
	const char *why;
	u8 failed;

	if (!region || (!default_msr_bitmap && init_bitmaps()))
		return -ENOMEM;
	if (check_feature_control(&why))
		return -EACCES;
	*region = vmx.revision;
	cpu->vmx.vmxon_region = virt_to_pa(region);
	WRITE_CR(0, READ_CR(0) | X86_CR0_NE);
	WRITE_CR(4, READ_CR(4) | X86_CR4_VMXE);
	__asm__ volatile("vmxon %1; setna %0" : "=q"(failed) : "m"(cpu->vmx.vmxon_region) : "cc",
			 "memory");
	if (failed)
		return -EIO;
	return 0;
}

static u64 eptp(const struct x86_vcpu *v)
{
	/* Write-back, 4 levels (SDM vol. 3, 25.6.11). */
	return virt_to_pa(v->v.domain->p2m.arch.root) | 6 | 3 << 3 | (vmx.accessed_dirty ? BIT(6) : 0);
}

paddr_t vmx_vmcs_enter(struct x86_vcpu *v)
{
	paddr_t before;

	__asm__ volatile("vmptrst %0" : "=m"(before) : : "cc");
	if (before != v->vmx.vmcs_pa)
		vmptrld(v->vmx.vmcs_pa);
	return before;
}

void vmx_vmcs_leave(struct x86_vcpu *v, paddr_t before)
{
	if (before == v->vmx.vmcs_pa)
		return;
	vmclear(v->vmx.vmcs_pa);
	v->vmx.launched = false;
	if (before != ~0ull)
		vmptrld(before);
}

/*
 * What of the host is the same on all CPUs, and not 0; the rest is written when the vCPU comes to
 * one.
 */
static void write_host_state(void)
{
	vmwrite(VMCS_HOST_ES_SEL, SEL_DATA);
	vmwrite(VMCS_HOST_CS_SEL, SEL_CODE);
	vmwrite(VMCS_HOST_SS_SEL, SEL_DATA);
	vmwrite(VMCS_HOST_DS_SEL, SEL_DATA);
	vmwrite(VMCS_HOST_TR_SEL, SEL_TSS);
	vmwrite(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmwrite(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(VMCS_HOST_CR0, READ_CR(0));
	vmwrite(VMCS_HOST_CR3, keel_cr3());
}

/* A new VMCS holds anything (SDM vol. 3, 25.11.3). Of the host, what Keel does not use is 0. */
static void write_zeros(void)
{
	static const u16 fields[] = {
		VMCS_PF_MASK, VMCS_PF_MATCH, VMCS_CR3_TARGETS, VMCS_EXIT_STORES, VMCS_EXIT_LOADS,
		VMCS_ENTRY_LOADS, VMCS_TSC_OFFSET, VMCS_DEBUGCTL, VMCS_ENTRY_INTR, VMCS_ENTRY_ERROR,
		VMCS_ENTRY_LEN, VMCS_PDPTE0, VMCS_PDPTE0 + 2, VMCS_PDPTE0 + 4, VMCS_PDPTE0 + 6,
		VMCS_HOST_FS_SEL, VMCS_HOST_GS_SEL, VMCS_HOST_FS_BASE, VMCS_HOST_GS_BASE,
		VMCS_HOST_SYSENTER_CS, VMCS_HOST_SYSENTER_ESP, VMCS_HOST_SYSENTER_EIP,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		vmwrite(fields[i], 0);
}

/*
 * The longest that a guest runs without an exit; each entry starts it anew. Interrupts
 * need none of this on real CPUs, but Bochs 2.7 holds them back from a guest that was
 * entered with its interrupt flag clear, and would so keep kicks and timers waiting for ever.
 */
static void set_preemption_timer(void)
{
	u64 ticks = (u64)arch_tsc_khz() * LONGEST_RUN_MS >> vmx.preemption_shift;

	if (vmx.pin & PIN_PREEMPTION_TIMER)
		vmwrite(VMCS_PREEMPTION_TIMER, min(ticks, 0xffffffffull));
}

void vmx_set_proc(struct x86_vcpu *v, u64 controls)
{
	v->vmx.proc = (u32)controls;
	vmwrite(VMCS_PROC, v->vmx.proc);
}

void vmx_set_msr_exits(struct x86_vcpu *v)
{
	vmwrite(VMCS_PROC2, v->vmx.x2apic ? vmx.proc2 | PROC2_X2APIC : vmx.proc2);
	vmwrite(VMCS_MSR_BITMAP, virt_to_pa(v->vmx.x2apic ? x2apic_msr_bitmap : default_msr_bitmap) +
		(v->measures & MEASURE_SPEC_CTRL_DIRECT ? PAGE_SIZE : 0));
}

static void set_virtual_apic(struct x86_vcpu *v)
{
	vmx_set_msr_exits(v);
	if (!v->vmx.apic_page)
		return;
	vmwrite(VMCS_VIRTUAL_APIC, virt_to_pa(v->vmx.apic_page));
	vmx_set_tpr_threshold(v, 0);
	v->apic_virtual = vmx.proc2 & PROC2_VIRTUAL_INTERRUPTS;
	for (unsigned int i = 0; v->apic_virtual && i < ARRAY_SIZE(v->vmx.eoi_exits); i++)
		vmwrite(VMCS_EOI_EXIT0 + 2 * i, 0);
	if (v->apic_virtual)
		vmwrite(VMCS_INTR_STATUS, 0);
}

static int vmx_vcpu_init(struct x86_vcpu *v)
{
	struct x86_domain *d = x86_domain(v->v.domain);
	u32 *vmcs = alloc_page();
	paddr_t before, io = virt_to_pa(d->io_bitmap ? d->io_bitmap : default_io_bitmap);

	if (vmx.proc & PROC_TPR_SHADOW)
		v->vmx.apic_page = alloc_page();
	if (!vmcs || (vmx.proc & PROC_TPR_SHADOW && !v->vmx.apic_page)) {
		free_page(v->vmx.apic_page);
		free_page(vmcs);
		return -ENOMEM;
	}
	*vmcs = vmx.revision;
	v->vmx.vmcs = vmcs;
	v->vmx.vmcs_pa = virt_to_pa(vmcs);
	vmclear(v->vmx.vmcs_pa);
	before = vmx_vmcs_enter(v);
	write_zeros();
	set_preemption_timer();
	vmwrite(VMCS_PIN, vmx.pin);
	vmx_set_proc(v, vmx.proc);
	set_virtual_apic(v);
	if (vmx.proc2 & PROC2_PAUSE_LOOP) {
		vmwrite(VMCS_PAUSE_GAP, PAUSE_GAP);
		vmwrite(VMCS_PAUSE_WINDOW, PAUSE_CYCLES);
	}
	vmwrite(VMCS_EXIT_CTLS, vmx.exit);
	vmwrite(VMCS_ENTRY_CTLS, vmx.entry);
	vmwrite(VMCS_EXCEPTIONS, HVM_EXCEPTIONS);
	vmwrite(VMCS_IO_BITMAP_A, io);
	vmwrite(VMCS_IO_BITMAP_B, io + PAGE_SIZE);
	vmwrite(VMCS_EPTP, eptp(v));
	vmwrite(VMCS_LINK, ~0ull);
	vmwrite(VMCS_CR0_MASK, vmx.cr0_fixed0 | X86_CR0_CD | X86_CR0_NW);
	v->vmx.cr0_fixed = vmx.cr0_fixed0;
	/* without MCE a machine check stops the CPU */
	v->vmx.cr4_fixed = vmx.cr4_fixed0 | (READ_CR(4) & X86_CR4_MCE);
	write_host_state();
	vmx_vmcs_leave(v, before);
	return 0;
}

static void vmx_vcpu_fini(struct x86_vcpu *v)
{
	vmclear(v->vmx.vmcs_pa);
	free_page(v->vmx.vmcs);
	free_page(v->vmx.apic_page);
}

static const u32 switched_msrs[] = {
#define NUMBER(nr, field) MSR_##nr,
	VMX_SWITCHED_MSRS(NUMBER)
#undef NUMBER
};

void vmx_save_msrs(struct x86_vcpu *v)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(switched_msrs); i++)
		v->vmx.switched_msrs[i] = rdmsr(switched_msrs[i]);
}

bool vmx_load_msrs(struct x86_vcpu *v)
{
	bool ok = true;

	for (unsigned int i = 0; i < ARRAY_SIZE(switched_msrs); i++)
		ok &= wrmsr_try(switched_msrs[i], v->vmx.switched_msrs[i]);
	return ok;
}

static void flush_if_stale(struct x86_vcpu *v)
{
	u64 gen = __atomic_load_n(&v->v.domain->p2m.generation, __ATOMIC_SEQ_CST);

	if (v->tlb_cpu == this_cpu() && v->p2m_generation == gen)
		return;
	v->tlb_cpu = this_cpu();
	v->p2m_generation = gen;
	invept(vmx.invept_single ? 1 : 2, eptp(v));
}

static void vmx_switch_from(struct x86_vcpu *v)
{
	vmx_save_msrs(v);
	v->vmx.cr2 = READ_CR(2);
	if (!(v->vmx.proc & PROC_MOV_DR)) { /* the guest's breakpoints are loaded */
		read_breakpoints(v->dr);
		v->vmx.dr6 = READ_DR(6);
		vmx_set_debug_exits(v);
	}
	vmclear(v->vmx.vmcs_pa);
	v->vmx.launched = false;
}

static bool vmx_switch_to(struct x86_vcpu *v)
{
	struct x86_pcpu *cpu = this_x86_pcpu();
	struct { u16 limit; u64 base; } __packed idtr;
	bool ok;

	vmptrld(v->vmx.vmcs_pa);
	__asm__ volatile("sidt %0" : "=m"(idtr));
	vmwrite(VMCS_HOST_TR_BASE, (u64)&cpu->tss);
	vmwrite(VMCS_HOST_GDTR, (u64)cpu->gdt);
	vmwrite(VMCS_HOST_IDTR, idtr.base);
	vmwrite(VMCS_HOST_CR4, READ_CR(4));
	WRITE_CR(2, v->vmx.cr2); /* the guest's while it is loaded: Keel's own page faults are fatal */
	/*
	 * Ids are the domain's own: tags need no generation. Two domains with one id differ in
	 * their EPT, and what a vCPU or its domain left here before goes with the INVEPT that
	 * each arrival on a CPU brings.
	 */
	vmwrite(VMCS_VPID, 1 + (v->v.domain->id * 128u + v->v.id) % 0xfffe);
	ok = vmx_load_msrs(v);
	flush_if_stale(v);
	if (unlikely(!(v->vmx.proc & PROC_MOV_DR)))
		vmx_load_debug_regs(v);
	return ok;
}

void vmx_flush_vpid(void)
{
	struct { u64 vpid, addr; } desc = { vmread(VMCS_VPID), 0 };

	__asm__ volatile("invvpid %0, %1" : : "m"(desc), "r"(1ul) : "cc", "memory");
}

static void vmx_flush_tlb(void)
{
	struct vcpu *v = current;

	if (!v->idle)
		flush_if_stale(x86_vcpu(v));
}

static int enter(struct x86_vcpu *v)
{
	if (unlikely(v->measures & MEASURES_ENTRY))
		mitigations_before_entry(v);
	if (likely(!(v->measures & MEASURES_EXIT)))
		return vmx_enter(v->gpr, v->vmx.launched);
	if (likely(!vmx_enter_guarded(v->gpr, v->vmx.launched)))
		return 0;
	return mitigations_after_exit(v->gpr) ?: 1;	/* refused: there was no exit */
}

static void vmx_run(struct x86_vcpu *v, struct exit_info *e)
{
	struct pcpu *cpu = this_cpu();

	__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
	if (unlikely(READ_ONCE(cpu->work))) {
		__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
		e->reason = EXIT_INTR;
		return;
	}
	vmwrite(VMCS_GUEST_RSP, v->gpr[REG_RSP]);
	vmx_vapic_load(v);
	if (unlikely(enter(v))) {
		__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
		e->reason = EXIT_BAD_STATE;
		e->raw = (u32)vmread(VMCS_INSN_ERROR);
		e->next_rip = 0;
		vmx_explain_failure(e, true);
		return;
	}
	v->vmx.launched = true;
	v->gpr[REG_RSP] = vmread(VMCS_GUEST_RSP);
	__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
	vmx_vapic_save(v);
	vmx_decode_exit(v, e);
}

static void vmx_skip_insn(struct x86_vcpu *v, const struct exit_info *e, unsigned int len)
{
	u64 flags = vmread(VMCS_GUEST_RFLAGS);

	vmwrite(VMCS_GUEST_RIP,
		e && e->next_rip ? e->next_rip : vmx_rip_after(vmread(VMCS_GUEST_RIP), len));
	vmwrite(VMCS_INTERRUPTIBILITY, vmread(VMCS_INTERRUPTIBILITY) & ~(BLOCKED_STI | BLOCKED_MOV_SS));
	if (unlikely(flags & X86_EFLAGS_RF))
		vmwrite(VMCS_GUEST_RFLAGS, flags & ~X86_EFLAGS_RF);
	if (unlikely(flags & X86_EFLAGS_TF))
		vmwrite(VMCS_PENDING_DBG, vmread(VMCS_PENDING_DBG) | PENDING_DBG_BS);
}

static bool vmx_can_inject(struct x86_vcpu *v, enum hvm_event type)
{
	return !(vmread(VMCS_ENTRY_INTR) & INTR_INFO_VALID) &&
	       !(vmread(VMCS_INTERRUPTIBILITY) & (BLOCKED_STI | BLOCKED_MOV_SS)) &&
	       (type != HEV_INTR || vmread(VMCS_GUEST_RFLAGS) & X86_EFLAGS_IF);
}

static void vmx_inject(struct x86_vcpu *v, u8 vector, u8 type, s32 error)
{
	u64 info = INTR_INFO_VALID | vector | (u64)type << 8;

	if (error >= 0 && vmread(VMCS_GUEST_CR0) & X86_CR0_PE) { /* real mode has no error codes */
		info |= INTR_INFO_ERROR;
		vmwrite(VMCS_ENTRY_ERROR, (u32)error);
	}
	vmwrite(VMCS_ENTRY_INTR, info);
	if (type == HEV_NMI)
		vmx_set_proc(v, v->vmx.proc | PROC_NMI_WINDOW); /* the end of the handler unblocks the next one */
}

/* Without a TPR shadow each write of CR8 exits. */
static void vmx_set_window(struct x86_vcpu *v, struct hvm_window w)
{
	if (w.cr8_class) {
		if (v->vmx.apic_page)
			vmx_set_tpr_threshold(v, w.cr8_class);
		return;
	}
	vmx_set_proc(v, w.intr ? v->vmx.proc | PROC_INTR_WINDOW : v->vmx.proc & ~PROC_INTR_WINDOW);
}

/* CR8 exits, or the virtual-APIC page follows the vlapic at each entry and exit. */
static void vmx_set_tpr(struct x86_vcpu *v, u8 tpr)
{
}

static u8 vmx_get_tpr(struct x86_vcpu *v) { return vlapic_get_cr8(&v->v); }

static void vmx_set_tsc_offset(struct x86_vcpu *v, u64 offset)
{
	paddr_t before = vmx_vmcs_enter(v);

	vmwrite(VMCS_TSC_OFFSET, offset);
	vmx_vmcs_leave(v, before);
}

/*
 * Read 1, write 2, execute 4; the memory type in bits 3..5: write-back 6, uncached 0. max_order is
 * set by probe.
 */
static struct p2m_format vmx_p2m_format = {
	.leaf = {
		[P2M_RAM] = 7 | 6 << 3,
		[P2M_SHARED] = 3 | 6 << 3,
		[P2M_GRANT_RW] = 3 | 6 << 3,
		[P2M_GRANT_RO] = 1 | 6 << 3,
		[P2M_FOREIGN] = 3 | 6 << 3,
		[P2M_MMIO] = 3,
		[P2M_MMIO_RAMLIKE] = 7 | 6 << 3,
		[P2M_ONES] = 1 | 6 << 3,
		[P2M_RESERVED] = 7 | 6 << 3,
	},
	.exec = 4,
	.table = 7,
	.superpage = BIT(7),
	.superpage_mask = BIT(7),
	.types = true,
};

const struct hvm_ops vmx_ops = HVM_OPS("VMX", vmx);
