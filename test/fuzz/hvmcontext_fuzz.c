/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/hvm/cpuid.c arch/x86/hvm/cpuid_policy.c arch/x86/hvm/cpuid_serialise.c
 *	arch/x86/hvm/msr.c arch/x86/hvm/vmce.c arch/x86/hvm/hvmcontext.c
 *	arch/x86/hvm/regs.c arch/x86/hvm/guest_context.c arch/x86/hvm/vlapic_regs.c arch/x86/vmx/check.c
 */
/*
 * Save records with some bytes changed. A refused record changes nothing. With an accepted one,
 * both vendors' CPUs must enter the guest and load its registers. The rules are those of SDM vol.
 * 3, 27.3.1 (vmx/check.c, on the VMCS that vmx/state.c fills), of APM vol. 2, 15.5.1 and 15.20, and
 * of WRMSR, XSETBV and XRSTOR. The guest's CPUID policy, which is part of a save stream, may be
 * changed first.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>
#include <public/hvm/save.h>

#include "fake.h"

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/regs.h"
#include "arch/x86/vmx/fields.h"
#include "arch/x86/vmx/vmcs.h"
#include "common/domctl.h"
#include "common/version.h"

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* The VMCS is in memory; no privileged instruction is executed. */
#define __asm__ if (0) __asm__
#undef READ_CR
#define READ_CR(n) 0
#define rdmsr(msr) ((u64)(msr) * 0)
static u64 vmcs[0x8000];
#define vmread(field) (vmcs[field])
#define vmwrite(field, val) ((void)(vmcs[field] = (u64)(val)))
#pragma GCC diagnostic ignored "-Wuninitialized"
#include "arch/x86/vmx/state.c"
#undef __asm__

#define XSAVE_SIZE 832
struct cpu_features cpu_features = { .phys_bits = 40, .xsave = true, .xcr0 = 7,
				     .xsave_size = XSAVE_SIZE };

int rdmsr_safe(u32 msr, u64 *v) { return -EFAULT; }
int wrmsr_safe(u32 msr, u64 v) { return 0; }
unsigned int version_reported(void) { return 0; }
void hvm_inject_exception(struct vcpu *v, u8 vector, s32 error) { }
void vlapic_eoi(struct vcpu *v) { }
void vlapic_error(struct vcpu *v, u32 esr_bit) { }
void vlapic_send_ipi(struct vcpu *v, u64 icr) { }
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level) { }
void vlapic_reset(struct vcpu *v) { }
void vlapic_set_tpr(struct vcpu *v, u8 tpr) { x86_vcpu(v)->vlapic.tpr = tpr; }
void vlapic_set_cr8(struct vcpu *v, u8 cr8) { }
u8 vlapic_ppr(const struct vlapic *l) { return 0; }
void vlapic_timer_start(struct vcpu *v, u32 initial) { }
void vlapic_timer_set_divide(struct vcpu *v, u32 tdcr) { }
void vlapic_timer_mode_changed(struct vcpu *v) { }
u32 vlapic_timer_count(struct vcpu *v) { return 0; }
void vlapic_timer_stop(struct vcpu *v) { }
paddr_t vmx_vmcs_enter(struct x86_vcpu *v) { return 0; }
void vmx_vmcs_leave(struct x86_vcpu *v, paddr_t before) { }
void vmx_set_proc(struct x86_vcpu *v, u64 controls) { v->vmx.proc = (u32)controls; }
void vmx_flush_vpid(void) { }
void vmx_set_msr_exits(struct x86_vcpu *v) { }
void vmx_save_msrs(struct x86_vcpu *v) { }
bool vmx_load_msrs(struct x86_vcpu *v) { return true; }
void mitigations_guest_spec_ctrl(struct x86_vcpu *v, u64 val, bool direct) { }

static struct x86_domain dom;
static struct x86_vcpu vcpu;
static struct hvm_state loaded;
static struct shared_info shared;
static u8 area[2 * PAGE_SIZE];
static bool set;

static const u32 dumped[] = {
#define ROW(name, encoding) [VD_##name] = encoding,
	VMX_DUMP_FIELDS(ROW)
#undef ROW
};

static bool is_canonical(u64 addr, const struct hvm_state *s)
{
	u64 top = (s64)addr >> (s->cr4 & X86_CR4_LA57 ? 56 : 47);

	return !top || top == ~0ull;
}

/* APM vol. 2, 15.5.1 and 15.20. */
static void svm_enters(const struct hvm_state *s)
{
	bool lm = s->efer & EFER_LME && s->cr0 & X86_CR0_PG;

	require(!(s->cr0 >> 32) && !(s->dr6 >> 32) && !(s->dr7 >> 32) &&
		!(s->cr3 >> cpu_features.phys_bits));
	require(s->cr0 & X86_CR0_CD || !(s->cr0 & X86_CR0_NW));
	require(!(s->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)) && !(s->cr4 & ~0x777fffull));
	require(!lm || (s->cr4 & X86_CR4_PAE && s->cr0 & X86_CR0_PE));
	require(!lm || (s->seg[SEG_CS].attr & 0x600) != 0x600);
	if (!s->pending_event)
		return;
	require(s->pending_type == HEV_INTR || s->pending_type == HEV_NMI ||
		s->pending_type == HEV_EXCEPTION);
	require(s->pending_type != HEV_EXCEPTION || (s->pending_vector < 32 && s->pending_vector != 2));
}

static void my_set_state(struct x86_vcpu *v, const struct hvm_state *s)
{
	loaded = *s;
	set = true;
}

/*
 * A vCPU that may run must be able to enter. The state of one that stays down does not matter until
 * it is set.
 */
static void what_runs_enters(void)
{
	u64 val[VMX_NR_DUMP];

	require(vcpu.v.initialised || test_bit(VPF_DOWN, &vcpu.v.wait_flags));
	if (!vcpu.v.initialised)
		return;
	memset(vmcs, 0, sizeof(vmcs));
	vmwrite(VMCS_LINK, ~0ull);
	vmx_set_state(&vcpu, &loaded);
	for (unsigned int i = 0; i < VMX_NR_DUMP; i++)
		val[i] = vmread(dumped[i]);
	require(!vmx_check_guest(val, cpu_features.phys_bits));
	svm_enters(&loaded);
	require(!(vmread(VMCS_GUEST_CR0) & (X86_CR0_CD | X86_CR0_NW)));
	/* WRMSR */
	require(is_canonical(loaded.lstar, &loaded) && is_canonical(loaded.cstar, &loaded) &&
		is_canonical(loaded.kernel_gs_base, &loaded) && !(loaded.sfmask >> 32) &&
		!(loaded.sysenter_cs >> 32));
	require(!(vcpu.tsc_aux >> 32));
}

static void my_get_state(struct x86_vcpu *v, struct hvm_state *s)
{
	*s = loaded;
}

static void my_set_tsc_offset(struct x86_vcpu *v, u64 offset)
{
}

static const struct hvm_ops my_ops = { .set_state = my_set_state, .get_state = my_get_state,
				       .set_tsc_offset = my_set_tsc_offset };
const struct hvm_ops *hvm_ops = &my_ops;

static u8 blob[8192];
static u32 blob_len;

static void add(u16 code, const void *data, u32 len)
{
	struct hvm_save_descriptor d = { code, 0, len };

	memcpy(blob + blob_len, &d, sizeof(d));
	memcpy(blob + blob_len + sizeof(d), data, len);
	blob_len += (u32)sizeof(d) + len;
}

/* A guest in 64-bit, 32-bit or real mode. */
static void good_records(unsigned int mode)
{
	struct hvm_save_header h = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION };
	struct hvm_hw_cpu c = { .rip = 0x1000, .rflags = 0x202, .cr0 = 0x11, .dr6 = 0xffff0ff0,
				.dr7 = 0x400,
		.cs_arbytes = 0xc9b, .ds_arbytes = 0xc93, .es_arbytes = 0xc93, .ss_arbytes = 0xc93,
		.fs_arbytes = 0xc93,
		.gs_arbytes = 0xc93, .tr_arbytes = 0x8b, .ldtr_arbytes = 0x82, .cs_limit = ~0u, .ds_limit = ~0u,
		.es_limit = ~0u, .ss_limit = ~0u, .fs_limit = ~0u, .gs_limit = ~0u, .tr_limit = 0x67,
		.flags = XEN_X86_FPU_INITIALISED };
	struct hvm_hw_lapic l = { .apic_base_msr = 0xfee00900 };
	struct hvm_hw_mtrr m = { .msr_pat_cr = 0x0007040600070406, .msr_mtrr_def_type = 0xc06 };
	struct { u64 mask, xcr0, accum; u8 area[XSAVE_SIZE]; } x = { 7, 7, 7, { 0 } };
	struct { u32 count, pad; struct hvm_one_msr msr; } s = {
		.count = 1, .msr = { MSR_SPEC_CTRL, 0, mode ? 0 : 5 } };
	static u32 regs[256];

	if (mode == 0) {
		c.cr0 = 0x80050033;
		c.cr3 = 0x1000;
		c.cr4 = 0x20;
		c.msr_efer = 0xd01;
		c.cs_arbytes = 0xa9b;
		c.rip = c.msr_lstar = 0xffffffff81000000;
	} else if (mode == 2) {
		c.cr0 = 0x10;
		c.cs_arbytes = 0x9b;
		c.cs_limit = 0xffff;
	}
	x.area[512] = 7;
	blob_len = 0;
	add(HVM_SAVE_CODE_HEADER, &h, sizeof(h));
	add(HVM_SAVE_CODE_CPU, &c, sizeof(c));
	add(HVM_SAVE_CODE_LAPIC, &l, sizeof(l));
	add(HVM_SAVE_CODE_LAPIC_REGS, regs, sizeof(regs));
	add(HVM_SAVE_CODE_MTRR, &m, sizeof(m));
	add(HVM_SAVE_CODE_CPU_XSAVE, &x, sizeof(x));
	add(HVM_SAVE_CODE_CPU_MSR, &s, sizeof(s));
	add(HVM_SAVE_CODE_END, "", 0);
}

static void start(void)
{
	static struct cpu_policy *policy, first;

	if (!policy) {
		fake_reset();
		dom.d.max_vcpus = 1;
		/* AMD only; states must also pass VMX's rules */
		((struct cpu_policy *)cpu_policy_max())->extd[0x21].a &= ~(u32)BIT(8);
		require(!cpuid_policy_init(&dom.d));
		policy = dom.cpuid;
		first = *policy;
	}
	*policy = first;
	memset(&dom, 0, sizeof(dom));
	dom.cpuid = policy;
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&loaded, 0, sizeof(loaded));
	memset(area, 0, sizeof(area));
	dom.d.id = 1;
	dom.d.max_vcpus = 1;
	dom.d.pause_count = 1;
	dom.d.vcpu[0] = &vcpu.v;
	dom.d.shared_info = &shared;
	dom.d.evtchn.mask = shared.evtchn_mask;
	dom.d.evtchn.word_shift = 6;
	vcpu.v.domain = &dom.d;
	vcpu.xsave = area;
	vcpu.xcr0 = 1;
	dom.cpuid->xstate[0].a = 7;
	dom.cpuid->basic[1].d |= 0x030020fe;
	dom.cpuid->basic[1].c |= BIT(17) | BIT(26);
	dom.cpuid->extd[1].d |= BIT(11) | BIT(20) | BIT(29);
	dom.cpuid->feat[0].c |= BIT(16);
	dom.cpuid->feat[0].d |= BIT(26) | BIT(31);
	set = false;
}

/* What XRSTOR refuses (SDM vol. 1, 13.8.1), and vectors that a local APIC cannot hold. */
static void others_are_right(void)
{
	const u64 *header = (const u64 *)(area + 512);

	require(vcpu.xcr0 & 1 && !(vcpu.xcr0 & ~7ull) && (vcpu.xcr0 & 6) != 4);
	require(!(header[0] & ~7ull) && !header[1] && !header[2] && !(*(u32 *)(area + 24) >> 16));
	require(!(vcpu.vlapic.irr[0] & 0xffff) && !(vcpu.vlapic.isr[0] & 0xffff));
	require(vcpu.vlapic.enabled || !vcpu.vlapic.x2apic);
	require(!(loaded.spec_ctrl & ~cpu_policy_spec_bits(dom.cpuid, MSR_SPEC_CTRL)));
	for (unsigned int i = 0; i < ARRAY_SIZE(vcpu.mtrr_var); i++)
		require(!(vcpu.mtrr_var[i] >> cpu_features.phys_bits));
}

/* Sets the registers of a good state, some of them changed. */
static void change_registers(const uint8_t *data, size_t size)
{
	static struct vcpu_guest_context c;
	struct hvm_state was = loaded;
	static u8 area_was[sizeof(area)];
	u64 gpr[NR_REGS];
	u16 at;

	require(!arch_get_vcpucontext(&vcpu.v, (u64)&c));
	for (; size >= 10; data += 10, size -= 10) {
		memcpy(&at, data, 2);
		memcpy((u8 *)&c + at % (sizeof(c) - 8), data + 2, 8);
	}
	memcpy(area_was, area, sizeof(area));
	memcpy(gpr, vcpu.gpr, sizeof(gpr));
	if (arch_set_vcpucontext(&vcpu.v, (u64)&c))
		require(!memcmp(&was, &loaded, sizeof(was)) && !memcmp(gpr, vcpu.gpr, sizeof(gpr)) &&
			!memcmp(area, area_was, sizeof(area)));
	what_runs_enters();
	others_are_right();
}

static u32 read_policy(struct xen_cpuid_leaf *leaves)
{
	struct xen_domctl_cpu_policy op = { .leaves = (u64)leaves, .nr_leaves = CPUID_MAX_SERIALISED };

	require(!arch_get_cpu_policy(&dom.d, &op) && op.nr_leaves <= CPUID_MAX_SERIALISED);
	return op.nr_leaves;
}

static long set_policy(struct xen_cpuid_leaf *leaves, u32 n)
{
	struct xen_domctl_cpu_policy op = { .leaves = (u64)leaves, .nr_leaves = n };

	return arch_set_cpu_policy(&dom.d, &op);
}

/* No feature beyond what the machine and Keel offer; setting what was read changes nothing. */
static void policy_is_right(void)
{
	static struct xen_cpuid_leaf leaves[CPUID_MAX_SERIALISED], again[CPUID_MAX_SERIALISED];
	u64 xcr0 = cpu_policy_xcr0(dom.cpuid);
	u32 n = read_policy(leaves);

	for (unsigned int i = 0; i < CPUID_NR_FEATURESET; i++)
		require(!(cpu_policy_feature_word(dom.cpuid, i) &
			  ~cpu_policy_feature_word(cpu_policy_max(), i)));
	require(!(xcr0 & ~cpu_features.xcr0) && (!xcr0 || (xcr0 & 3) == 3));
	require(!set_policy(leaves, n) && read_policy(again) == n);
	require(!memcmp(leaves, again, n * sizeof(leaves[0])));
}

/* Sets the guest's leaves, some of them changed. Returns how much of data that used. */
static size_t change_policy(const uint8_t *data, size_t size)
{
	static struct xen_cpuid_leaf leaves[CPUID_MAX_SERIALISED];
	u32 n = read_policy(leaves);
	size_t took = 1;
	u16 at;

	for (unsigned int i = size ? data[0] % 8 : 0; i && size >= took + 6; i--, took += 6) {
		memcpy(&at, data + took, 2);
		memcpy((u8 *)leaves + at % (n * sizeof(leaves[0]) - 4), data + took + 2, 4);
	}
	if (!set_policy(leaves, n))
		policy_is_right();
	set = false;	/* a new policy sets all states again, unchanged */
	return min(took, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u8 widths[] = { 1, 2, 4, 8 };
	static struct x86_vcpu before;
	size_t took;
	long rc;

	if (size < 1)
		return 0;
	good_records(data[0] % 3);
	start();
	require(!arch_set_hvmcontext(&dom.d, (u64)blob, blob_len) && set);
	what_runs_enters();
	require(vcpu.v.initialised);
	if (data[0] & 0x80) {
		change_registers(data + 1, size - 1);
		return 0;
	}
	start();
	took = 1 + (data[0] & 0x40 ? change_policy(data + 1, size - 1) : 0);
	for (data += took, size -= took; size >= 11; data += 11, size -= 11) {
		u32 width = widths[data[2] & 3], at = (u32)(data[0] | data[1] << 8) % (blob_len - width);

		memcpy(blob + at, data + 3, width);
	}
	before = vcpu;
	rc = arch_set_hvmcontext(&dom.d, (u64)blob, blob_len);
	if (rc) {
		before.v.domain = vcpu.v.domain;
		require(!set && !memcmp(&before, &vcpu, sizeof(vcpu)));
		for (unsigned int i = 0; i < sizeof(area); i++)
			require(!area[i]);
	} else {
		what_runs_enters();
		others_are_right();
	}
	return 0;
}
