/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/vmx/caps.c arch/x86/hvm/vcpu.c common/option.c */
/* The two vendors' tables: complete, and equivalent. */
#include "test/unit/unit.h"

#include "test/unit/vendors.h"

/* Functions that the tables name and this test never calls. */
struct cpu_features cpu_features;
u64 cpu_policy_cr4(const struct cpu_policy *p) { return X86_CR4_PAE | X86_CR4_PGE; }
u32 arch_tsc_khz(void) { return 1000000; }
int vlapic_msr_read(struct vcpu *v, u32 msr, u64 *val) { return -1; }
u8 vlapic_get_cr8(struct vcpu *v) { return 0; }
u32 mitigations;

static unsigned int before_entries, after_refusals;
void mitigations_before_entry(struct x86_vcpu *v) { before_entries++; }
int mitigations_after_exit(u64 *gpr) { after_refusals++; return 0; }

void mitigations_guest_spec_ctrl(struct x86_vcpu *v, u64 val, bool direct)
{
	v->spec_ctrl = val;
	v->measures = !val ? 0 : MEASURE_SPEC_CTRL | (direct ? MEASURE_SPEC_CTRL_DIRECT : 0);
}
void hvm_port_policy_dom0(u8 *bitmap) { }
int vioapic_init(struct domain *d) { return 0; }
int vpci_init(struct domain *d) { return 0; }
void hvm_vcpu_reset(struct vcpu *v) { }
void vlapic_init(struct vcpu *v) { }
void vlapic_destroy(struct vcpu *v) { }
int cpuid_policy_init(struct domain *d) { return 0; }
void cpuid_policy_free(struct domain *d) { }

/* The vector that waits in the local APIC for the next entry. */
static u8 pending, held;
static unsigned int acked;

struct vlapic_pending vlapic_pending_vector(struct vcpu *v)
{
	return (struct vlapic_pending){ pending, held };
}

void vlapic_ack_vector(struct vcpu *v, u8 vector)
{
	acked++;
}

static const struct hvm_ops *const vendors[] = { &svm_ops, &vmx_ops };
static struct x86_domain domain;
static struct x86_vcpu vcpu;

/* A CPU with all features, and a vCPU of it. It is current, so its VMCS is, too. */
static void make_vcpu(unsigned int vendor)
{
	const u64 all = 0xffffffffull << 32;
	const struct vmx_msrs m = { .basic = VMX_BASIC_TRUE, .pin = all, .proc = all, .exit = all,
				    .entry = all,
		.proc2 = (PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | PROC2_WBINVD |
			  PROC2_PAUSE_LOOP) << 32,
		.ept_vpid = 0xf0106734141ull, .cr4_fixed0 = X86_CR4_VMXE };
	const char *why;

	fake_reset();
	hvm_ops = vendors[vendor];
	svm.pause_filter = true;
	memset(&domain, 0, sizeof(domain));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(test_vmcs, 0, sizeof(test_vmcs));
	assert_int_equal(p2m_init(&domain.d), 0);
	vcpu.v.domain = &domain.d;
	default_msrpm = default_iopm = default_msr_bitmap = default_io_bitmap = NULL;
	assert_int_equal(vendor ? init_bitmaps() : svm_init_bitmaps(), 0);
	assert_int_equal(vmx_caps_choose(&m, &vmx, &why), 0);
	assert_int_equal(hvm_ops->vcpu_init(&vcpu), 0);
	fake_run_on(0, &vcpu.v);
}

/* No entry may be NULL; this finds a new entry that one vendor lacks. */
static void both_tables_are_complete(void **state)
{
	assert_int_equal(sizeof(struct hvm_ops) % sizeof(void *), 0);
	assert_true(sizeof(struct hvm_ops) / sizeof(void *) <= 24);
	for (unsigned int v = 0; v < ARRAY_LEN(vendors); v++) {
		const void *const *entry = (const void *const *)vendors[v];

		for (unsigned int i = 0; i < sizeof(struct hvm_ops) / sizeof(void *); i++)
			if (!entry[i])
				fail_msg("%s has nothing in entry %u of the table", vendors[v]->name, i);
	}
}

/* An exit has the same reason on both. */
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
		/* A guest cannot use the vendor's virtualization instructions. */
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

/*
 * Each reason that one vendor reports, the other reports, too, except for a few that only one has.
 */
static void both_say_the_same_reasons(void **state)
{
	bool by_svm[NR_EXITS] = { [EXIT_NPF] = true, [EXIT_MSR_WRITE] = true, [EXIT_BAD_STATE] = true,
				  [EXIT_APIC] = true };
	bool by_vmx[NR_EXITS] = { [EXIT_NMI] = true };	/* and the virtual APIC is VMX's */

	for (unsigned int i = 0; i < ARRAY_LEN(exits); i++)
		by_svm[exits[i].reason] = true;
	for (unsigned int i = 0; i < ARRAY_LEN(reasons); i++)
		by_vmx[reasons[i]] = true;
	for (unsigned int i = 0; i < NR_EXITS; i++)
		if (by_svm[i] != by_vmx[i])
			fail_msg("reason %u comes from one vendor only", i);
}

/* A guest's rights to a page depend on the page's type, not on the CPU. */
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

/* SVM without next-RIP needs the instructions' lengths; VMX reports them. */
static void lengths_are_those_of_the_instructions(void **state)
{
	assert_int_equal(exits[SVM_EXIT_CPUID].len, 2);
	assert_int_equal(exits[SVM_EXIT_HLT].len, 1);
	assert_int_equal(exits[SVM_EXIT_MSR].len, 2);
	assert_int_equal(exits[SVM_EXIT_VMMCALL].len, 3);
	assert_int_equal(exits[SVM_EXIT_XSETBV].len, 3);
	assert_int_equal(exits[SVM_EXIT_WBINVD].len, 2);
	assert_int_equal(exits[SVM_EXIT_IOIO].len, 0);	/* given by exit_info_2 */
}

/* An MSR access exits on both vendors or on neither, for reads and for writes. */
static void the_same_msrs_exit(void **state)
{
	static const u32 first[] = { 0, 0xc0000000 };
	unsigned int direct = 0;

	make_vcpu(0);
	make_vcpu(1);
	assert_int_equal(svm_init_bitmaps(), 0);
	for (unsigned int i = 0; i < 2 * 0x2000; i++) {
		u32 low = i & 0x1fff, svm_bit = low * 2;
		unsigned int svm_bits = default_msrpm[(i >> 13) * 0x800 + svm_bit / 8] >> svm_bit % 8 & 3;
		const u8 *b = default_msr_bitmap + (i >> 13) * 1024 + low / 8;
		unsigned int vmx_bits = (b[0] >> low % 8 & 1) | (b[2048] >> low % 8 & 1) << 1;

		if (svm_bits != vmx_bits)
			fail_msg("MSR %#x: %u on SVM, %u on VMX", first[i >> 13] + low, svm_bits, vmx_bits);
		direct += !svm_bits;
	}
	assert_int_equal(direct, 10); /* HVM_DIRECT_MSRS */
}

static void the_same_instructions_exit(void **state)
{
	static const struct { u32 misc1, misc2, vmcs; u64 control; } rows[] = {
		{ MISC1_INTR, 0, VMCS_PIN, PIN_EXTINT },
		{ MISC1_NMI, 0, VMCS_PIN, PIN_NMI },
		{ MISC1_HLT, 0, VMCS_PROC, PROC_HLT },
		{ MISC1_RDPMC, 0, VMCS_PROC, PROC_RDPMC },
		{ MISC1_IOIO, 0, VMCS_PROC, PROC_IO_BITMAPS },
		{ MISC1_MSR, 0, VMCS_PROC, PROC_MSR_BITMAPS },
		{ MISC1_VINTR, 0, VMCS_PROC, PROC_INTR_WINDOW },
		{ MISC1_IRET, 0, VMCS_PROC, PROC_NMI_WINDOW },
		{ 0, MISC2_MWAIT, VMCS_PROC, PROC_MWAIT },
		{ 0, MISC2_MONITOR, VMCS_PROC, PROC_MONITOR },
		{ 0, MISC2_WBINVD, VMCS_PROC2, PROC2_WBINVD },
		{ MISC1_PAUSE, 0, VMCS_PROC2, PROC2_PAUSE_LOOP },
	};
	struct vmcb c;

	make_vcpu(0);
	c = *vcpu.svm.vmcb;
	make_vcpu(1);
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		bool svm_exits = c.misc1 & rows[i].misc1 || c.misc2 & rows[i].misc2;

		if (svm_exits != !!(vmread(rows[i].vmcs) & rows[i].control))
			fail_msg("row %u: exits on one vendor only", i);
	}
	/* Loops of PAUSE exit, a single one does not. */
	assert_true(c.misc1 & MISC1_PAUSE);
	assert_int_equal(c.pause_count, PAUSE_COUNT);
	assert_int_equal(c.pause_threshold, PAUSE_GAP);
	assert_int_equal(vmread(VMCS_PAUSE_GAP), PAUSE_GAP);
	assert_int_equal(vmread(VMCS_PAUSE_WINDOW), PAUSE_CYCLES);
	assert_false(vmread(VMCS_PROC) & BIT(30));
	assert_int_equal(c.exceptions, vmread(VMCS_EXCEPTIONS));
	assert_int_equal(c.dr_read & c.dr_write, 0xffff);
	assert_true(vmread(VMCS_PROC) & PROC_MOV_DR);
	/* CPUID, INVD, XSETBV, VMCALL, triple faults, task switches and INIT always exit on VMX. */
	assert_int_equal(~c.misc1 &
			 (MISC1_CPUID | MISC1_INVD | MISC1_TASK_SWITCH | MISC1_SHUTDOWN | MISC1_INIT), 0);
	assert_int_equal(~c.misc2 & (MISC2_XSETBV | MISC2_VMMCALL), 0);
	/* CR8 is the guest's own on both. */
	assert_int_equal(c.cr_read | (c.cr_write & ~BIT(4)), 0);
	assert_int_equal(vmread(VMCS_PROC) & (PROC_CR8_LOAD | PROC_CR8_STORE), 0);
}

/*
 * What the next entry injects, and which windows it asks for. event has the encoding that both
 * share, or 0.
 */
struct outcome { u32 event, error, acked; bool window, nmi_window, cr8; };

static struct outcome entry_of(unsigned int vendor)
{
	const struct vmcb *c = vcpu.svm.vmcb;
	struct outcome o = { .acked = acked };

	if (vendor) {
		o.event = (u32)vmread(VMCS_ENTRY_INTR);
		o.error = o.event & INTR_INFO_ERROR ? (u32)vmread(VMCS_ENTRY_ERROR) : 0;
		o.window = vcpu.vmx.proc & PROC_INTR_WINDOW;
		o.nmi_window = vcpu.vmx.proc & PROC_NMI_WINDOW;
		o.cr8 = vcpu.vmx.tpr_threshold == 4;
	} else {
		o.event = (u32)c->event_inj;
		o.error = (u32)(c->event_inj >> 32);
		o.window = c->misc1 & MISC1_VINTR;
		o.nmi_window = c->misc1 & MISC1_IRET;
		o.cr8 = c->cr_write & BIT(8) && !o.window;
	}
	return o;
}

#define EVENT(type, vector) (INTR_INFO_VALID | (type) << 8 | (vector))

static void injection_has_one_priority(void **state)
{
	static const struct {
		bool exception, nmi, nmi_blocked, flag, shadow, in_flight;
		u8 pending, held, callback;
		struct outcome out;
	} rows[] = {
		{ .flag = true },
		{ .pending = 0x40, .flag = true, .out = { EVENT(HEV_INTR, 0x40), 0, 1, false, false } },
		{ .pending = 0x40, .out = { 0, 0, 0, true, false } },
		{ .pending = 0x40, .flag = true, .shadow = true, .out = { 0, 0, 0, true, false } },
		{ .nmi = true, .out = { EVENT(HEV_NMI, 2), 0, 0, false, true } },
		{ .nmi = true, .pending = 0x40, .flag = true, .out = { EVENT(HEV_NMI, 2), 0, 0, true, true } },
		{ .nmi = true, .nmi_blocked = true, .pending = 0x40, .flag = true,
		  .out = { EVENT(HEV_INTR, 0x40), 0, 1, false, false } },
		{ .nmi = true, .shadow = true },
		{ .exception = true,
		  .out = { EVENT(HEV_EXCEPTION, X86_EXC_GP) | INTR_INFO_ERROR, 7, 0, false, false } },
		{ .exception = true, .nmi = true, .pending = 0x40, .flag = true,
		  .out = { EVENT(HEV_EXCEPTION, X86_EXC_GP) | INTR_INFO_ERROR, 7, 0, true, false } },
		/* An event whose delivery was interrupted is injected first. */
		{ .in_flight = true, .nmi = true, .pending = 0x40, .flag = true,
		  .out = { EVENT(HEV_SWINT, 0x80), 0, 0, true, false } },
		/*
		 * A callback ends without an EOI, so an interrupt that waits at the local APIC
		 * needs a window.
		 */
		{ .callback = 0x31, .flag = true, .out = { EVENT(HEV_INTR, 0x31) } },
		{ .callback = 0x31, .pending = 0x40, .flag = true, .out = { EVENT(HEV_INTR, 0x31), 0, 0, true } },
		{ .callback = 0x31, .pending = 0x40, .out = { 0, 0, 0, true } },
		/* An interrupt that only the task priority holds back waits for a write of CR8. */
		{ .held = 4, .flag = true, .out = { .cr8 = true } },
		{ .callback = 0x31, .held = 4, .flag = true, .out = { EVENT(HEV_INTR, 0x31), .cr8 = true } },
	};
	static u32 apic_page[PAGE_SIZE / 4];
	static struct vcpu_info info;

	for (unsigned int i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		unsigned int vendor = i % 2, r = i / 2;
		struct hvm_state s = { .rip = 0x1000, .rflags = rows[r].flag ? X86_EFLAGS_IF : 0,
				       .cr0 = X86_CR0_PE, .interruptibility = rows[r].shadow,
				       .pending_event = rows[r].in_flight,
				       .pending_vector = 0x80, .pending_type = HEV_SWINT };
		struct outcome o;

		make_vcpu(vendor);
		hvm_ops->set_state(&vcpu, &s);
		if (vendor)
			vcpu.vmx.apic_page = apic_page;
		vcpu.exception_pending = rows[r].exception;
		vcpu.exc_vector = X86_EXC_GP;
		vcpu.exc_has_error = true;
		vcpu.exc_error = 7;
		vcpu.nmi_pending = rows[r].nmi;
		vcpu.nmi_blocked = rows[r].nmi_blocked;
		pending = rows[r].pending;
		held = rows[r].held;
		vcpu.vlapic.irr[1] = pending || held; /* 0x40 */
		vcpu.v.info = &info;
		info.evtchn_upcall_pending = !!rows[r].callback;
		domain.d.hvm_params[HVM_PARAM_CALLBACK_IRQ] = 2ull << 56 | rows[r].callback;
		acked = 0;
		hvm_prepare_entry(&vcpu);
		o = entry_of(vendor);
		if (o.event != rows[r].out.event || o.error != rows[r].out.error ||
		    o.acked != rows[r].out.acked || o.window != rows[r].out.window ||
		    o.nmi_window != rows[r].out.nmi_window || o.cr8 != rows[r].out.cr8)
			fail_msg("%s, row %u: event %#x, error %u, %u acknowledged, windows %u %u %u", hvm_ops->name, r,
				 o.event, o.error, o.acked, o.window, o.nmi_window, o.cr8);
	}
}

/* The record of one vendor's vCPU is the same as that of the other's. */
static void states_are_the_same(void **state)
{
	struct hvm_state s = { .rip = 0xffffffff81000000, .rflags = 0x202, .cr0 = 0x80050033, .cr2 = 0,
		.cr3 = 0x1000, .cr4 = 0x20 | BIT(7), .efer = 0xd01, .dr6 = 0xffff0ff0, .dr7 = 0x400,
		.gdtr = { 0x7f, 0xfffffe0000001000 }, .idtr = { 0xfff, 0xfffffe0000000000 },
		.star = 0x23001000000000,
		.lstar = 0xffffffff82000000, .cstar = 1, .sfmask = 0x47700, .kernel_gs_base = 0x7f00,
		.sysenter_cs = 0x10,
		.sysenter_esp = 0xffff8000, .sysenter_eip = 0xffff9000, .pat = 0x0407050600070106,
		.interruptibility = 1, .spec_ctrl = 5,
		.pending_event = true, .pending_vector = X86_EXC_PF, .pending_type = HEV_EXCEPTION,
		.pending_error = 2 };
	struct hvm_state out[2];

	for (unsigned int i = 0; i < NR_SEGS; i++)
		s.seg[i] = (struct segment){ (u16)(8 * i + 8), 0xc93, 0xffffffff, 0x10000 * i };
	s.seg[SEG_CS].attr = 0xa9b;
	s.seg[SEG_TR].attr = 0x8b;
	s.seg[SEG_LDTR].attr = 0x2; /* not present */
	for (unsigned int vendor = 0; vendor < 2; vendor++) {
		make_vcpu(vendor);
		fake_run_on(0, NULL);
		hvm_ops->set_state(&vcpu, &s);
		hvm_ops->get_state(&vcpu, &out[vendor]);
		assert_memory_equal(&out[vendor], &s, sizeof(s));
	}
	/* A TR that LTR loaded is busy, whatever QEMU's VMCB says. A record with it is accepted. */
	make_vcpu(0);
	hvm_ops->set_state(&vcpu, &s);
	vcpu.svm.vmcb->tr.attr = 0x89;
	hvm_ops->get_state(&vcpu, &out[0]);
	assert_int_equal(out[0].seg[SEG_TR].attr, 0x8b);
}

/* The CPL is SS's, also in a conforming segment of code, which has another DPL. */
static void what_code_runs(void **state)
{
	struct hvm_state s = { .rflags = 2, .cr0 = X86_CR0_PE };

	for (unsigned int i = 0; i < 8; i++) {
		make_vcpu(i % 2);
		s.seg[SEG_CS] = (struct segment){ .attr = i & 2 ? 0xa9f : 0xcff, .base = 0x5000 };
		s.seg[SEG_SS].attr = i & 4 ? 0xcf3 : 0xc93;
		hvm_ops->set_state(&vcpu, &s);
		assert_int_equal(hvm_cpl(&vcpu), i & 4 ? 3 : 0);
		assert_int_equal(hvm_in_32bit(&vcpu), !(i & 2));
		assert_int_equal(hvm_ops->get_reg(&vcpu, HREG_CS_ATTR) & ~CS_CPL, i & 2 ? 0xa9f : 0xc9f);
		assert_int_equal(hvm_ops->get_reg(&vcpu, HREG_CS_BASE), 0x5000);
	}
}

#define PE_CD (X86_CR0_PE | X86_CR0_CD | X86_CR0_NW)

static bool debug_exits(void)
{
	const struct vmcb *c = vcpu.svm.vmcb;

	return hvm_ops == &vmx_ops ? vcpu.vmx.proc & PROC_MOV_DR : c->dr_read == 0xffff &&
	       c->dr_write == 0xffff;
}

/* A vCPU that is on no CPU, with this DR7. Its DR0 is 0x1000. */
static void make_debugged(unsigned int vendor, u64 dr7)
{
	struct hvm_state s = { .rflags = 2, .cr0 = X86_CR0_PE, .dr6 = 0xffff0ff0, .dr7 = dr7 };

	make_vcpu(vendor);
	fake_run_on(0, NULL);
	for (unsigned int i = 0; i < ARRAY_LEN(cpu_dr); i++)
		cpu_dr[i] = 0xbad0 + i;
	vcpu.dr[0] = 0x1000;
	hvm_ops->set_state(&vcpu, &s);
}

static void come_and_go(void (*there)(void))
{
	fake_run_on(0, &vcpu.v);
	hvm_ops->switch_to(&vcpu);
	there();
	hvm_ops->switch_from(&vcpu);
	fake_run_on(0, NULL);
}

static void own_breakpoints(void)
{
	assert_false(debug_exits());
	assert_int_equal(cpu_dr[0], 0x1000);
}

static void foreign_breakpoints(void)
{
	assert_true(debug_exits());
	assert_int_equal(cpu_dr[0], 0xbad0); /* the registers were not loaded */
}

static void uses_debug_registers(void)
{
	struct exit_info e = { 0 };

	if (hvm_ops == &vmx_ops) {
		vmwrite(VMCS_EXIT_REASON, VMX_EXIT_DR);
		vmx_decode_exit(&vcpu, &e);
	} else {
		vcpu.svm.vmcb->exit_code = SVM_EXIT_DR_WRITE;
		svm_decode_exit(&vcpu, vcpu.svm.vmcb, &e, false, false);
	}
	assert_int_equal(e.reason, EXIT_DR);
	own_breakpoints();
	cpu_dr[0] = 0x2000;
}

static void arms_a_breakpoint(void)
{
	uses_debug_registers();
	if (hvm_ops == &vmx_ops)
		vmwrite(VMCS_GUEST_DR7, 0x402);
	else
		vcpu.svm.vmcb->dr7 = 0x402;
}

/*
 * Each entry loads DR7: a vCPU that has armed a breakpoint must find its own addresses in DR0 to
 * DR3.
 */
static void breakpoints_go_with_their_vcpu(void **state)
{
	for (unsigned int vendor = 0; vendor < 2; vendor++) {
		make_debugged(vendor, 0xd0402);
		for (unsigned int i = 0; i < 2; i++) {
			come_and_go(own_breakpoints);
			cpu_dr[0] = 0xbad0; /* another vCPU's */
		}
		make_debugged(vendor, 0x400);
		come_and_go(foreign_breakpoints);
		come_and_go(uses_debug_registers);
		assert_int_equal(vcpu.dr[0], 0x2000);
		cpu_dr[0] = 0xbad0;
		come_and_go(foreign_breakpoints);
		vcpu.dr[0] = 0x1000;
		come_and_go(arms_a_breakpoint);
		cpu_dr[0] = 0xbad0;
		vcpu.dr[0] = 0x1000;
		come_and_go(own_breakpoints);
	}
}

static void nothing(void) { }

/* An exit loads the CR4 of the CPU that the vCPU is on, not of the one where it was made. */
static void an_exit_keeps_the_cpus_cr4(void **state)
{
	make_debugged(1, 0x400);
	cpu_cr4 = X86_CR4_MCE | X86_CR4_OSXSAVE;
	come_and_go(nothing);
	assert_int_equal(test_vmcs[VMCS_HOST_CR4], X86_CR4_MCE | X86_CR4_OSXSAVE);
	cpu_cr4 = X86_CR4_MCE;
	come_and_go(nothing);
	assert_int_equal(test_vmcs[VMCS_HOST_CR4], X86_CR4_MCE);
}

/* The exit of a debug exception on VMX, as the CPU leaves it. */
static struct exit_info debug_exit(u64 type, u64 rip, u64 flags, u64 blocked, bool code64)
{
	struct exit_info e = { 0 };

	make_vcpu(1);
	vmwrite(VMCS_EXIT_REASON, VMX_EXIT_EXCEPTION);
	vmwrite(VMCS_EXIT_INTR, INTR_INFO_VALID | type << 8 | X86_EXC_DB);
	vmwrite(VMCS_EXIT_LEN, 1);
	vmwrite(VMCS_GUEST_RIP, rip);
	vmwrite(VMCS_GUEST_RFLAGS, flags);
	vmwrite(VMCS_INTERRUPTIBILITY, blocked);
	vmwrite(VMCS_GUEST_EFER, EFER_LMA);
	vmwrite(VMCS_GUEST_ES_ATTR + 2 * SEG_CS, code64 ? 0xa09b : 0xc09b);
	vmx_decode_exit(&vcpu, &e);
	assert_int_equal(e.reason, EXIT_EXCEPTION);
	assert_int_equal(e.exc.vector, X86_EXC_DB);
	return e;
}

/*
 * SDM vol. 3, 27.3.1.5: an entry in an interrupt shadow requires a pending single step if TF is
 * set, and forbids it if not.
 */
static void a_debug_exception_can_be_delivered(void **state)
{
	static const u64 blocks[] = { 0, BLOCKED_STI, BLOCKED_MOV_SS };

	for (unsigned int i = 0; i < ARRAY_LEN(blocks); i++) {
		assert_int_equal(debug_exit(HEV_EXCEPTION, 0x1000, X86_EFLAGS_TF, blocks[i], true).next_rip, 0);
		assert_int_equal(vmread(VMCS_INTERRUPTIBILITY), blocks[i]);
		assert_int_equal(vmread(VMCS_PENDING_DBG), blocks[i] ? PENDING_DBG_BS : 0);
		debug_exit(HEV_EXCEPTION, 0x1000, 0, blocks[i], true);
		assert_int_equal(vmread(VMCS_PENDING_DBG), 0);
		assert_int_equal(debug_exit(HEV_INT1, 0x1000, X86_EFLAGS_TF, blocks[i], true).next_rip, 0x1001);
		assert_int_equal(vmread(VMCS_INTERRUPTIBILITY), 0);
		assert_int_equal(vmread(VMCS_PENDING_DBG), 0);
	}
}

/* SDM vol. 3, 27.8: the entry failed, and the guest executed nothing. */
static void a_machine_check_in_an_entry(void **state)
{
	struct exit_info e = { 0 };

	make_vcpu(1);
	vmwrite(VMCS_EXIT_REASON, BIT(31) | VMX_EXIT_ENTRY_MC);
	vmx_decode_exit(&vcpu, &e);
	assert_int_equal(e.reason, EXIT_EXCEPTION);
	assert_int_equal(e.exc.vector, X86_EXC_MC);
}

static struct exit_info int1_exit(u64 rip, bool code64)
{
	struct exit_info e = { 0 };
	struct vmcb *c;

	make_vcpu(0);
	c = vcpu.svm.vmcb;
	c->exit_code = SVM_EXIT_ICEBP;
	c->rip = rip;
	c->efer = EFER_LMA;
	c->cs.attr = code64 ? 0xa9b : 0xc9b;
	c->interrupt_shadow = 1;
	assert_true(c->misc2 & MISC2_ICEBP);
	svm_decode_exit(&vcpu, c, &e, false, false);
	assert_int_equal(e.reason, EXIT_EXCEPTION);
	assert_int_equal(e.exc.vector, X86_EXC_DB);
	assert_int_equal(c->interrupt_shadow, 0);
	return e;
}

/*
 * Only 64-bit code can continue beyond 4 GiB: with such a RIP in other code, the entry would fail.
 */
static void int1_ends_behind_itself(void **state)
{
	static const struct { u64 rip, next; bool code64; } rows[] = {
		{ 0x1000, 0x1001, true }, { 0x1000, 0x1001, false }, { 0xffffffff, 0x100000000, true },
		{ 0xffffffff, 0, false }, { 0xfffffffffffffffe, 0xffffffffffffffff, true },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(int1_exit(rows[i].rip, rows[i].code64).next_rip, rows[i].next);
		assert_int_equal(debug_exit(HEV_INT1, rows[i].rip, 2, 0, rows[i].code64).next_rip, rows[i].next);
		hvm_ops->skip_insn(&vcpu, NULL, 1);
		assert_int_equal(vmread(VMCS_GUEST_RIP), rows[i].next);
	}
}

/*
 * When Keel has emulated an instruction, it ends like a real one: RF is cleared, and a single step
 * follows.
 */
static void steps_over_an_instruction(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct hvm_state s = { .rip = 0x1000, .cr0 = X86_CR0_PE, .dr6 = 0xffff0ff0, .interruptibility = 1,
				       .rflags = 2 | (i & 2 ? X86_EFLAGS_TF : 0) | (i & 4 ? X86_EFLAGS_RF : 0) };
		bool step = i & 2;

		make_vcpu(i % 2);
		hvm_ops->set_state(&vcpu, &s);
		hvm_ops->skip_insn(&vcpu, NULL, 2);
		hvm_ops->get_state(&vcpu, &s);
		assert_int_equal(s.rip, 0x1002);
		assert_int_equal(s.rflags, 2 | (step ? X86_EFLAGS_TF : 0));
		assert_int_equal(s.interruptibility, 0);
		if (hvm_ops == &vmx_ops) {
			assert_int_equal(vmread(VMCS_PENDING_DBG), step ? PENDING_DBG_BS : 0);
			continue;
		}
		assert_int_equal(vcpu.exception_pending, step);
		assert_int_equal(s.dr6 & DR6_BS, step ? DR6_BS : 0);
		if (step)
			assert_true(vcpu.exc_vector == X86_EXC_DB && !vcpu.exc_has_error);
	}
}

/*
 * WBNOINVD is WBINVD with a prefix. If the CPU does not report where an instruction ends, Keel has
 * to find out.
 */
static void wbnoinvd_has_a_prefix(void **state)
{
	static u8 code[] = { 0xf3, 0x0f, 0x09, 0x0f, 0x09, 0x66, 0xf3, 0x0f, 0x09 };
	static const struct { unsigned int at, len; } rows[] = { { 0, 3 }, { 3, 2 }, { 5, 4 } };
	struct exit_info e;
	struct vmcb *c;

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		make_vcpu(0);
		c = vcpu.svm.vmcb;
		c->exit_code = SVM_EXIT_WBINVD;
		c->efer = EFER_LMA;
		c->cs.attr = BIT(9);
		c->rip = (u64)&code[rows[i].at];
		svm_decode_exit(&vcpu, c, &e, false, false);
		assert_int_equal(e.reason, EXIT_WBINVD);
		assert_int_equal(e.next_rip - c->rip, rows[i].len);
		c->next_rip = c->rip + 7;
		svm_decode_exit(&vcpu, c, &e, true, false);
		assert_int_equal(e.next_rip - c->rip, 7);
	}
}

/* RDPRU would show the machine's performance counters. The guest's CPUID does not have it. */
static void rdpru_is_none(void **state)
{
	make_vcpu(0);
	assert_true(vcpu.svm.vmcb->misc2 & BIT(14)); /* APM vol. 2, appendix B */
	assert_int_equal(exits[0x8e].reason, EXIT_UD);
}

/* OUTS through FS with 32-bit addresses; INS, which always uses ES. */
static void string_io_says_the_same(void **state)
{
	for (unsigned int vendor = 0; vendor < 2; vendor++) {
		struct exit_info e = { 0 };

		make_vcpu(vendor);
		for (unsigned int in = 0; in < 2; in++) {
			if (vendor) {
				vmwrite(VMCS_EXIT_REASON, VMX_EXIT_IO);
				vmwrite(VMCS_QUALIFICATION, 0xe9ull << 16 | 3 << 4 | in << 3 | 1);
				vmwrite(VMCS_INSN_INFO, 1 << 7 | SEG_FS << 15);
				vmx_decode_exit(&vcpu, &e);
			} else {
				vcpu.svm.vmcb->exit_code = SVM_EXIT_IOIO;
				vcpu.svm.vmcb->exit_info1 = 0xe9 << 16 | SEG_FS << 10 | BIT(8) | 2 << 4 | 3 << 2 | in;
				svm_decode_exit(&vcpu, vcpu.svm.vmcb, &e, false, false);
			}
			assert_int_equal(e.reason, EXIT_IO);
			assert_true(e.io.string && e.io.rep && e.io.in == in);
			assert_int_equal(e.io.port, 0xe9);
			assert_int_equal(e.io.size, 2);
			assert_int_equal(e.io.addr_size, 4);
			assert_int_equal(e.io.seg, in ? SEG_ES : SEG_FS);
		}
		if (vendor)
			continue;
		vcpu.svm.vmcb->exit_info1 &= ~(7ull << 7); /* like QEMU 7.2 */
		svm_decode_exit(&vcpu, vcpu.svm.vmcb, &e, false, false);
		assert_int_equal(e.io.addr_size, 4);
		vcpu.svm.vmcb->efer = EFER_LMA;
		vcpu.svm.vmcb->cs.attr = BIT(9);
		svm_decode_exit(&vcpu, vcpu.svm.vmcb, &e, false, false);
		assert_int_equal(e.io.addr_size, 8);
	}
}

/*
 * CD and NW are not the guest's to set, nor are bits of CR4 that its policy hides. A vCPU with a
 * new state uses no old translations.
 */
static void control_registers_are_shared_out(void **state)
{
	struct hvm_state s = { .rflags = 2, .cr0 = PE_CD, .cr4 = X86_CR4_PGE };
	const struct vmcb *c;

	make_vcpu(1);
	assert_int_equal(vmread(VMCS_CR0_MASK) & (X86_CR0_CD | X86_CR0_NW), X86_CR0_CD | X86_CR0_NW);
	hvm_ops->set_state(&vcpu, &s);
	assert_int_equal(vmread(VMCS_GUEST_CR0) & (X86_CR0_CD | X86_CR0_NW), 0);
	assert_int_equal(vmread(VMCS_CR4_MASK), ~(X86_CR4_PAE | X86_CR4_PGE));
	assert_int_equal(vmread(VMCS_GUEST_CR4), X86_CR4_PGE | X86_CR4_VMXE | X86_CR4_MCE);
	assert_int_equal(hvm_ops->get_reg(&vcpu, HREG_CR4), X86_CR4_PGE);
	make_vcpu(0);
	c = vcpu.svm.vmcb;
	assert_true(c->cr_write & BIT(4) && c->misc1 & MISC1_CR0_SEL);
	for (unsigned int vendor = 0; vendor < 2; vendor++) {
		make_vcpu(vendor);
		fake_run_on(0, NULL);
		vcpu.tlb_cpu = pcpus[0];
		hvm_ops->set_state(&vcpu, &s);
		assert_null(vcpu.tlb_cpu);
	}
}

/*
 * The bytes at RIP, in 64-bit code, and the exit that results; gpr[n] is 0x1000 + n, CR0 is
 * 0x80000031.
 */
static void writes_of_control_registers(void **state)
{
	static const struct { u8 b[6]; u16 code; enum hvm_exit reason; u8 cr, gpr, len; u64 val;
			      } rows[] = {
		{ { 0x0f, 0x22, 0xe0 }, SVM_EXIT_CR_WRITE + 4, EXIT_CR, 4, 0, 3, 0x1000 },
		{ { 0x41, 0x0f, 0x22, 0xe7 }, SVM_EXIT_CR_WRITE + 4, EXIT_CR, 4, 15, 4, 0x100f },
		{ { 0x66, 0x0f, 0x22, 0xe3 }, SVM_EXIT_CR_WRITE + 4, EXIT_CR, 4, 3, 4, 0x1003 },
		{ { 0x0f, 0x22, 0xc6 }, SVM_EXIT_CR0_SEL, EXIT_CR, 0, 6, 3, 0x1006 },
		{ { 0x0f, 0x01, 0xf7 }, SVM_EXIT_CR0_SEL, EXIT_CR, 0, 7, 3, 0x80000037 },	/* LMSW */
		{ { 0x0f, 0x01, 0x37 }, SVM_EXIT_CR0_SEL, EXIT_UD, 0, 7, 3, 0x80000037 },	/* from memory */
		{ { 0x90, 0x0f, 0x22 }, SVM_EXIT_CR0_SEL, EXIT_INTR, 0, 0, 0, 0 },		/* other code by now */
		{ { 0x0f, 0x01, 0xf7 }, SVM_EXIT_CR_WRITE + 4, EXIT_INTR, 4, 0, 0, 0 },
		{ { 0x44, 0x0f, 0x22, 0xc1 }, SVM_EXIT_CR_WRITE + 8, EXIT_CR, 8, 1, 4, 0x1001 },
		{ { 0x90 }, SVM_EXIT_CR_WRITE + 8, EXIT_WINDOW, 8, 0, 0, 0 },
	};

	for (unsigned int i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const unsigned int r = i / 2;
		bool assists = i % 2 && rows[r].reason == EXIT_CR && rows[r].val < 0x80000000;
		struct exit_info e = { 0 };
		u8 code[32] = { 0 };
		struct vmcb *c;

		make_vcpu(0);
		memcpy(code, rows[r].b, sizeof(rows[r].b));
		for (unsigned int g = 0; g < NR_REGS; g++)
			vcpu.gpr[g] = 0x1000 + g;
		c = vcpu.svm.vmcb;
		c->cr0 = 0x80000031;
		c->efer = EFER_LMA;
		c->cs.attr = 0xa9b;
		c->exit_code = rows[r].code;
		c->rip = (u64)code;
		if (assists) { /* the CPU reports the operands: the bytes do not matter */
			memset(code, 0x90, sizeof(code));
			c->exit_info1 = BIT(63) | rows[r].gpr;
			c->next_rip = c->rip + rows[r].len;
		}
		svm_decode_exit(&vcpu, c, &e, false, assists);
		if (e.reason != rows[r].reason || e.cr.cr != rows[r].cr || !e.cr.write ||
		    e.cr.val != rows[r].val || e.cr.gpr != rows[r].gpr ||
		    (rows[r].len && e.next_rip != c->rip + rows[r].len))
			fail_msg("row %u: reason %u, CR%u, register %u, %#lx", r, e.reason, e.cr.cr, e.cr.gpr, e.cr.val);
		assert_false(c->cr_write & BIT(8));
	}
}

/* A vCPU's measures: which way into the guest they lead to, and whether something comes before. */
static void measures_choose_the_entry(void **state)
{
#define MEASURE(m) (1u << MIT_##m)
	static const struct { u32 measures; unsigned int svm, vmx, before; } rows[] = {
		{ 0, 1, 1, 0 }, { MEASURE(RSB_FILL), 2, 2, 0 }, { MEASURE(IBRS_EXIT), 2, 2, 1 },
		{ MEASURE(VERW_ENTRY), 1, 1, 1 }, { MEASURE(L1D_ENTRY), 1, 1, 1 },
		{ MEASURE(VERW_ENTRY) | MEASURE(RSB_FILL), 2, 2, 1 },
		{ MEASURE(IBPB_EXIT), 3, 2, 0 }, { MEASURE(IBPB_EXIT) | MEASURE(RSB_FILL), 3, 2, 0 },
		{ MEASURE_SPEC_CTRL, 2, 2, 1 },
	};
	struct exit_info e;

	for (unsigned int i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		unsigned int r = i / 2;

		make_vcpu(i % 2);
		vcpu.measures = rows[r].measures;
		before_entries = after_refusals = way = 0;
		hvm_ops->run(&vcpu, &e);
		assert_int_equal(way, i % 2 ? rows[r].vmx : rows[r].svm);
		assert_int_equal(before_entries, rows[r].before);
		/* VMLAUNCH refuses: then no exit undoes what came before */
		assert_int_equal(after_refusals, i % 2 && way == 2);
		if (i % 2)
			assert_int_equal(e.reason, EXIT_BAD_STATE);
	}
}

static void expect_bitmap(unsigned int vendor, const u8 *bitmap)
{
	assert_int_equal(vendor ? vmread(VMCS_MSR_BITMAP) : vcpu.svm.vmcb->msrpm_pa, virt_to_pa(bitmap));
}

/* The second half of each MSR bitmap: all as in the first, but for SPEC_CTRL. */
static void only_spec_ctrl_differs(const u8 *first, size_t size, unsigned int read,
				   unsigned int write)
{
	for (unsigned int i = 0; i < size * 8; i++)
		if ((first[i / 8] ^ first[size + i / 8]) >> i % 8 & 1)
			assert_true(i == read || i == write);
	assert_false(first[size + read / 8] >> read % 8 & 1);
	assert_false(first[size + write / 8] >> write % 8 & 1);
}

static void spec_ctrl_is_the_vcpus(void **state)
{
	make_vcpu(0);
	hvm_ops->set_reg(&vcpu, HREG_SPEC_CTRL, 4);
	assert_int_equal(vcpu.measures, MEASURE_SPEC_CTRL);
	assert_int_equal(vcpu.svm.vmcb->spec_ctrl, 0);
	expect_bitmap(0, default_msrpm);
	only_spec_ctrl_differs(default_msrpm, 8192, 0x48 * 2, 0x48 * 2 + 1);
	svm.spec_ctrl = true; /* the CPU keeps it */
	make_vcpu(0);
	expect_bitmap(0, default_msrpm);
	hvm_ops->set_reg(&vcpu, HREG_SPEC_CTRL, 4);
	assert_int_equal(vcpu.measures, 0);
	assert_int_equal(vcpu.svm.vmcb->spec_ctrl, 4);
	expect_bitmap(0, default_msrpm + 8192);
	vcpu.svm.vmcb->spec_ctrl = 6;
	assert_int_equal(hvm_ops->get_reg(&vcpu, HREG_SPEC_CTRL), 6);
	hvm_ops->set_reg(&vcpu, HREG_SPEC_CTRL, 0);
	assert_int_equal(vcpu.svm.vmcb->spec_ctrl, 0);
	expect_bitmap(0, default_msrpm);
	states_are_the_same(NULL);
	svm.spec_ctrl = false;

	make_vcpu(1);
	only_spec_ctrl_differs(default_msr_bitmap, PAGE_SIZE, 0x48, 2048 * 8 + 0x48);
	only_spec_ctrl_differs(x2apic_msr_bitmap, PAGE_SIZE, 0x48, 2048 * 8 + 0x48);
	expect_bitmap(1, default_msr_bitmap);
	hvm_ops->set_reg(&vcpu, HREG_SPEC_CTRL, 4);
	assert_int_equal(hvm_ops->get_reg(&vcpu, HREG_SPEC_CTRL), 4);
	expect_bitmap(1, default_msr_bitmap + PAGE_SIZE);
	vcpu.vmx.x2apic = true;
	vmx_set_msr_exits(&vcpu);
	expect_bitmap(1, x2apic_msr_bitmap + PAGE_SIZE);
	hvm_ops->set_reg(&vcpu, HREG_SPEC_CTRL, 0);
	expect_bitmap(1, x2apic_msr_bitmap);
}

/* Firmware may have locked it on one CPU only: that CPU is left out. */
static void a_cpu_without_virtualization(void **state)
{
	make_vcpu(0);
	has_msrs = -1;
	assert_int_equal(hvm_ops->cpu_up(), -EACCES);
	has_msrs = 0;
	assert_int_equal(hvm_ops->cpu_up(), 0);
	make_vcpu(1);
	an_msr = FEATURE_CONTROL_LOCK;
	assert_int_equal(hvm_ops->cpu_up(), -EACCES);
	has_msrs = -1;
}

/*
 * A new domain may be at the address of one that was freed: the barrier between domains is needed
 * all the same.
 */
static void a_domain_that_has_gone_ran_nowhere(void **state)
{
	struct domain *gone = arch_domain_alloc(), *other = arch_domain_alloc();

	test_pcpu = (struct x86_pcpu){ .last_domain = gone };
	pcpus[0] = &test_pcpu.p;
	nr_cpus = 1;
	arch_domain_free(other);
	assert_ptr_equal(test_pcpu.last_domain, gone);
	arch_domain_free(gone);
	assert_null(test_pcpu.last_domain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(both_tables_are_complete),
		UNIT_TEST(exits_mean_the_same),
		UNIT_TEST(both_say_the_same_reasons),
		UNIT_TEST(pages_have_the_same_rights),
		UNIT_TEST(lengths_are_those_of_the_instructions),
		UNIT_TEST(the_same_msrs_exit),
		UNIT_TEST(the_same_instructions_exit),
		UNIT_TEST(injection_has_one_priority),
		UNIT_TEST(states_are_the_same), UNIT_TEST(what_code_runs),
		UNIT_TEST(control_registers_are_shared_out),
		UNIT_TEST(writes_of_control_registers),
		UNIT_TEST(measures_choose_the_entry),
		UNIT_TEST(spec_ctrl_is_the_vcpus),
		UNIT_TEST(a_domain_that_has_gone_ran_nowhere), UNIT_TEST(a_cpu_without_virtualization),
		UNIT_TEST(breakpoints_go_with_their_vcpu), UNIT_TEST(an_exit_keeps_the_cpus_cr4),
		UNIT_TEST(a_debug_exception_can_be_delivered),
		UNIT_TEST(a_machine_check_in_an_entry),
		UNIT_TEST(int1_ends_behind_itself),
		UNIT_TEST(steps_over_an_instruction),
		UNIT_TEST(wbnoinvd_has_a_prefix),
		UNIT_TEST(rdpru_is_none),
		UNIT_TEST(string_io_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
