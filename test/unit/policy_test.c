/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/hvm/cpuid.c arch/x86/hvm/cpuid_policy.c arch/x86/hvm/cpuid_serialise.c
 *	arch/x86/hvm/msr.c arch/x86/hvm/portio.c arch/x86/hvm/hvmcontext.c arch/x86/hvm/regs.c
 *	arch/x86/hvm/vmce.c arch/x86/hvm/vcpu_context.c arch/x86/hvm/guest_context.c
 *
 * CPUID is the build host's; what must be hidden is hidden on any host.
 */
#include "test/abi/refused.h"
#include "test/unit/x86.h"

#include <public/cpuid.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/hvm/save.h>
#include <public/sched.h>
#include <public/x86_32.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/mtrr.h"
#include "arch/x86/hvm/regs.h"
#include "arch/x86/pci/vpci.h"
#include "arch/x86/uart.h"
#include "common/console.h"
#include "common/domctl.h"
#include "common/vcpu_op.h"
#include "common/version.h"

#include "test/unit/spec/dumps.h"

struct cpu_features cpu_features = { .phys_bits = 40 };
struct acpi_info acpi;

static struct x86_domain *x;
static struct vcpu *v0;
static struct hvm_state states[4];	/* of each vCPU */
static u64 regs[16], apic_bases[4], tsc_offsets[4];
static u32 lapic_regs[4][256];
static char debug_out[64];
static unsigned int debug_len, vpci_calls;
static char config_port;

int rdmsr_safe(u32 msr, u64 *v)
{
	return -EFAULT;
}

static u64 command;	/* the last one to the CPU, with its MSR in the upper half */

int wrmsr_safe(u32 msr, u64 v)
{
	command = (u64)msr << 32 | v;
	return 0;
}

int vlapic_msr_read(struct vcpu *v, u32 msr, u64 *val)
{
	*val = msr;
	return 0;
}

int vlapic_msr_write(struct vcpu *v, u32 msr, u64 val)
{
	return val ? 0 : -EINVAL;
}

void vlapic_save_regs(struct vcpu *v, u32 r[256])
{
	memcpy(r, lapic_regs[v->id], sizeof(lapic_regs[0]));
}

int vlapic_load_regs(struct vcpu *v, const u32 r[256], bool apply)
{
	if (apply)
		memcpy(lapic_regs[v->id], r, sizeof(lapic_regs[0]));
	return 0;
}

u64 vlapic_get_base(const struct vcpu *v)
{
	return apic_bases[v->id];
}

int vlapic_load_base(struct vcpu *v, u64 base, bool apply)
{
	if (!base)
		return -EINVAL;
	if (apply)
		apic_bases[v->id] = base;
	return 0;
}


unsigned int version_reported(void)
{
	return 4 << 16 | 17;
}

u32 vpci_port_in(struct vcpu *v, u16 port, unsigned int size)
{
	vpci_calls++;
	return 0x80861237;
}

void vpci_port_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	vpci_calls++;
	config_port = (char)port;
}

u16 uart_port(void)
{
	return 0x3f8;
}

void console_line_write(const char *s, size_t len)
{
	debug_out[debug_len++] = *s;
}

static unsigned int guest_chars;

void console_guest_write(struct domain *d, const char *s, size_t len)
{
	debug_out[debug_len++] = *s;
	guest_chars++;
}

static u64 my_get_reg(struct x86_vcpu *v, unsigned int reg)
{
	return regs[reg];
}

static void my_set_reg(struct x86_vcpu *v, unsigned int reg, u64 val)
{
	regs[reg] = val;
}

static void my_get_paging(struct x86_vcpu *v, struct hvm_paging *p)
{
	*p = (struct hvm_paging){ regs[HREG_CR0], regs[HREG_CR3], regs[HREG_CR4],
				  regs[HREG_EFER] & ~EFER_SVME, regs[HREG_RFLAGS] };
}

void hvm_inject_exception(struct vcpu *v, u8 vector, s32 error)
{
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
}

static void my_get_state(struct x86_vcpu *v, struct hvm_state *s)
{
	*s = states[v->v.id];
}

static void my_set_state(struct x86_vcpu *v, const struct hvm_state *s)
{
	states[v->v.id] = *s;
}

static void my_set_tsc_offset(struct x86_vcpu *v, u64 offset)
{
	tsc_offsets[v->v.id] = offset;
}

static struct hvm_ops my_ops;

static void make_domain(domid_t id, unsigned int vcpus)
{
	x = x86_domain_new(id, vcpus);
	v0 = x->d.vcpu[0];
	x->d.max_pages = 100;
	assert_int_equal(cpuid_policy_init(&x->d), 0);
	for (unsigned int i = 0; i < vcpus; i++) {
		struct x86_vcpu *v = x86_vcpu(x->d.vcpu[i]);

		v->vlapic.enabled = true;
		v->xsave = calloc(1, 8192);
		v->xcr0 = 1;
	}
}

static void drop_domain(void)
{
	for (unsigned int i = 0; i < x->d.max_vcpus; i++)
		free(x86_vcpu(x->d.vcpu[i])->xsave);
	cpuid_policy_free(&x->d);
	x86_free(x);
}

static int setup(void **state)
{
	fake_reset();
	my_ops = x86_test_ops;
	my_ops.get_reg = my_get_reg;
	my_ops.set_reg = my_set_reg;
	my_ops.get_paging = my_get_paging;
	my_ops.get_state = my_get_state;
	my_ops.set_state = my_set_state;
	my_ops.set_tsc_offset = my_set_tsc_offset;
	hvm_ops = &my_ops;
	memset(regs, 0, sizeof(regs));
	memset(states, 0, sizeof(states));
	memset(&acpi, 0, sizeof(acpi));
	debug_len = vpci_calls = 0;
	make_domain(1, 3);
	x->d.pause_count = 1; /* as the domctls do it */
	return 0;
}

static int teardown(void **state)
{
	drop_domain();
	return unit_teardown(state);
}

static struct cpuid_regs leaf(u32 l, u32 s)
{
	struct cpuid_regs r;

	hvm_cpuid(v0, l, s, &r);
	return r;
}

static void what_is_hidden(void **state)
{
	assert_false(leaf(1, 0).c & (BIT(3) | BIT(5) | BIT(6) | BIT(15)));	/* MONITOR VMX SMX PDCM */
	/* SVM IBS SKINIT TOPOEXT MONITORX */
	assert_false(leaf(0x80000001, 0).c & (BIT(2) | BIT(10) | BIT(12) | BIT(22) | BIT(29)));
	/* SGX PQM MPX PQE PT */
	assert_false(leaf(7, 0).b & (BIT(2) | BIT(12) | BIT(14) | BIT(15) | BIT(25)));
	assert_int_equal(leaf(0xa, 0).a, 0);
	assert_int_equal(leaf(5, 0).a, 0);
	assert_int_equal(leaf(0x8000000a, 0).a, 0);
	assert_int_equal(leaf(0x50000000, 0).a, 0);
	assert_int_equal(leaf(~0u, 0).a, 0);
	assert_int_equal(leaf(0xd, 1).a & BIT(3), 0);	/* XSAVES */
}

static void what_is_shown(void **state)
{
	assert_int_equal(leaf(0, 0).b, cpuid(0, 0).b);	/* the vendor: Linux chooses its hypercall by it */
	assert_true(leaf(1, 0).c & BIT(31));
	assert_true(leaf(1, 0).c & BIT(21));
	assert_true(leaf(1, 0).d & (BIT(9) | BIT(12) | BIT(16)));
	assert_int_equal(leaf(0x80000008, 0).a & 0xff, fls64(p2m_gfn_limit) + 12);
	assert_true(leaf(0, 0).a <= 0xd);
	assert_true(leaf(0x80000000, 0).a <= 0x80000021);
}

static void apic_ids_are_twice_the_vcpu(void **state)
{
	struct cpuid_regs r;

	for (unsigned int i = 0; i < 3; i++) {
		hvm_cpuid(x->d.vcpu[i], 1, 0, &r);
		assert_int_equal(r.b >> 24, i * 2);
		if (leaf(0, 0).a >= 0xb) {
			hvm_cpuid(x->d.vcpu[i], 0xb, 1, &r);
			assert_int_equal(r.d, i * 2);
			assert_int_equal(r.b, 3);	/* cores */
			assert_int_equal(r.a, 3);	/* bits that hold ids 0..4 */
			hvm_cpuid(x->d.vcpu[i], 0xb, 7, &r);
			assert_int_equal(r.c, 7);
			assert_int_equal(r.b, 0);
		}
	}
}

static void state_shows(void **state)
{
	if (leaf(1, 0).c & BIT(26)) {
		assert_false(leaf(1, 0).c & BIT(27));
		regs[HREG_CR4] = X86_CR4_OSXSAVE;
		assert_true(leaf(1, 0).c & BIT(27));
	}
	x86_vcpu(v0)->vlapic.enabled = false;
	assert_false(leaf(1, 0).d & BIT(9));
}

static void xens_leaves(void **state)
{
	struct cpuid_regs r = leaf(XEN_CPUID_FIRST_LEAF, 0);

	assert_int_equal(r.a, XEN_CPUID_FIRST_LEAF + 5);
	assert_int_equal(r.b, XEN_CPUID_SIGNATURE_EBX);
	assert_int_equal(leaf(XEN_CPUID_FIRST_LEAF + 1, 0).a, 0x40011);
	assert_int_equal(leaf(XEN_CPUID_FIRST_LEAF + 2, 0).b, XEN_HYPERCALL_PAGE_MSR);
	hvm_cpuid(x->d.vcpu[2], XEN_CPUID_FIRST_LEAF + 4, 0, &r);
	assert_true(r.a & XEN_HVM_CPUID_VCPU_ID_PRESENT);
	assert_true(r.a & XEN_HVM_CPUID_UPCALL_VECTOR);
	assert_int_equal(r.b, 2);
	assert_int_equal(r.c, 1);
	assert_int_equal(leaf(XEN_CPUID_FIRST_LEAF + 6, 0).a, 0);
}

static void sizes_of_the_xsave_area(void **state)
{
	struct cpu_policy p = { 0 };

	p.xstate[2] = (struct cpuid_regs){ 256, 576, 0, 0 };
	p.xstate[5] = (struct cpuid_regs){ 64, 1088, 2, 0 };
	assert_int_equal(cpu_policy_xsave_size(&p, 3, false), 576);
	assert_int_equal(cpu_policy_xsave_size(&p, 7, false), 832);
	assert_int_equal(cpu_policy_xsave_size(&p, 0x23, false), 1152);
	assert_int_equal(cpu_policy_xsave_size(&p, 0x23, true), 640);
	assert_int_equal(cpu_policy_xsave_size(&p, 0x27, true), 896);
}

static u32 read_policy(struct xen_cpuid_leaf *l)
{
	struct xen_domctl_cpu_policy op = { .leaves = (u64)l, .nr_leaves = CPUID_MAX_SERIALISED };

	assert_int_equal(arch_get_cpu_policy(&x->d, &op), 0);
	return op.nr_leaves;
}

static void set_policy(struct xen_cpuid_leaf *l, u32 n)
{
	struct xen_domctl_cpu_policy op = { .leaves = (u64)l, .nr_leaves = n };

	assert_int_equal(arch_set_cpu_policy(&x->d, &op), 0);
}

/* What a tool or a saved stream may ask for: all features, and some that do not exist. */
static void a_policy_of_ones(void **state)
{
	static struct xen_cpuid_leaf l[CPUID_MAX_SERIALISED], again[CPUID_MAX_SERIALISED];
	u32 n = read_policy(l);

	cpu_features.xcr0 = 0xe7;
	for (u32 i = 0; i < n; i++)
		l[i].a = l[i].b = l[i].c = l[i].d = ~0u;
	set_policy(l, n);
	for (unsigned int i = 0; i < CPUID_NR_FEATURESET; i++)
		assert_int_equal(cpu_policy_feature_word(x->cpuid, i) &
				 ~cpu_policy_feature_word(cpu_policy_max(), i), 0);
	assert_int_equal(cpu_policy_xcr0(x->cpuid) & ~0xe7ull, 0);
	assert_true(leaf(7, 0).a <= 1 && leaf(0, 0).a <= 0xd && leaf(0x80000000, 0).a <= 0x80000021);
	assert_int_equal(leaf(0x80000008, 0).a, (fls64(p2m_gfn_limit) + 12) | 48 << 8);
	/* The result can be written out and read back. */
	n = read_policy(l);
	set_policy(l, n);
	assert_int_equal(read_policy(again), n);
	assert_memory_equal(l, again, n * sizeof(l[0]));
	cpu_features.xcr0 = 0;
}

/* On a machine with few leaves, too. */
static void a_number_of_subleaves_of_ones(void **state)
{
	static struct xen_cpuid_leaf l[] = { { 7, 0, ~0u, 0, 0, 0 }, { 7, 1, 0, 0, 0, 0 } };

	set_policy(l, ARRAY_LEN(l));
	assert_true(leaf(7, 0).a <= 1);
}

static void components_come_whole(void **state)
{
	static const u32 rows[][2] = { /* asked for, given */
		{ 0, 3 }, { 1, 3 }, { 5, 7 }, { 0xe3, 3 }, { 0x67, 7 }, { 0x27, 7 }, { 0xe7, 0xe7 },
	};
	static struct xen_cpuid_leaf l[CPUID_MAX_SERIALISED];
	u32 n;

	cpu_features.xcr0 = 0xe7;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows) && leaf(1, 0).c & BIT(26); i++) {
		n = read_policy(l);
		for (u32 k = 0; k < n; k++) {
			if (l[k].leaf == 0xd)
				l[k].a = l[k].subleaf == 0 ? rows[i][0] : 0;
			else if (l[k].leaf == 1 || l[k].leaf == 7)
				l[k].b = l[k].c = l[k].d = ~0u;
		}
		set_policy(l, n);
		assert_int_equal(cpu_policy_xcr0(x->cpuid), rows[i][1]);
		if (!(rows[i][1] & 4))
			assert_false(leaf(1, 0).c & (BIT(12) | BIT(28)) || leaf(7, 0).b & BIT(5));
		if (!(rows[i][1] & 0xe0))
			assert_false(leaf(7, 0).b & BIT(16));
	}
	cpu_features.xcr0 = 0;
}

/* libxc's limits (arch/x86/hvm/cpuid.h): what it reads must fit into its buffers. */
static void policies_go_out_and_in(void **state)
{
	static struct xen_cpuid_leaf l[CPUID_MAX_SERIALISED];
	struct xen_msr_entry m[2];
	struct xen_domctl_cpu_policy op = { 0 };
	u32 n;

	assert_int_equal(arch_get_cpu_policy(&x->d, &op), 0);
	assert_int_equal(op.nr_leaves, 120);
	assert_int_equal(op.nr_msrs, 2);
	op.leaves = (u64)l;
	op.msrs = (u64)m;
	assert_int_equal(arch_get_cpu_policy(&x->d, &op), 0);
	n = op.nr_leaves;
	assert_true(n > 10 && n <= 120);
	for (u32 i = 0; i < n; i++) {
		bool sub = l[i].leaf == 4 || l[i].leaf == 7 || l[i].leaf == 0xb || l[i].leaf == 0xd;

		assert_true(l[i].leaf <= 0xd || l[i].leaf == 0x40000000 || l[i].leaf == 0x40000100 ||
			    (l[i].leaf >= 0x80000000 && l[i].leaf <= 0x80000021));
		assert_int_equal(l[i].subleaf == 0xffffffff, !sub);
		if (l[i].leaf == 1)	/* asks for features that the host lacks */
			l[i].c |= BIT(5) | BIT(3);
	}
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), 0);
	what_is_hidden(NULL);
	assert_int_equal(op.err_leaf, ~0u);
	/* features that were refused stay away */
	for (u32 i = 0; i < n; i++)
		if (l[i].leaf == 1)
			l[i].c &= ~BIT(0);
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), 0);
	assert_false(leaf(1, 0).c & BIT(0));
	op.nr_leaves = 3;
	assert_int_equal(arch_get_cpu_policy(&x->d, &op), -ENOBUFS);
	op.nr_leaves = 121;
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), -E2BIG);
	op.nr_leaves = 1;
	l[0] = (struct xen_cpuid_leaf){ 0x80000022, 0xffffffff, 0, 0, 0, 0 };
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), -ERANGE);
	assert_int_equal(op.err_leaf, 0x80000022);
	l[0] = (struct xen_cpuid_leaf){ 1, 0, 0, 0, 0, 0 };
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), -ERANGE);
	l[0].subleaf = 0xffffffff;
	m[0] = (struct xen_msr_entry){ 0x123, 0, 0 };
	op.nr_msrs = 1;
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), -ERANGE);
	assert_int_equal(op.err_msr, 0x123);
	op.leaves = 8;
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), -EFAULT);
	fake_fail_nth(1);
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), -ENOMEM);
	fake_fail_nth(0);
}

static void machine_policies(void **state)
{
	u32 words[19];
	struct xen_sysctl op = { .u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_default };
	struct xen_sysctl fs = { .u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_host };

	assert_int_equal(arch_sysctl_cpu_policy(&op), 0);
	assert_int_equal(op.u.cpu_policy.nr_leaves, 120);
	op.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_max;
	assert_int_equal(arch_sysctl_cpu_policy(&op), -EOPNOTSUPP);
	op.u.cpu_policy.index = 6;
	assert_int_equal(arch_sysctl_cpu_policy(&op), -EINVAL);
	assert_int_equal(arch_sysctl_featureset(&fs), 0);
	assert_int_equal(fs.u.cpu_featureset.nr_features, 19);
	fs.u.cpu_featureset.features = (u64)words;
	assert_int_equal(arch_sysctl_featureset(&fs), 0);
	assert_int_equal(words[0], cpuid(1, 0).d);
	fs.u.cpu_featureset.nr_features = 4;
	assert_int_equal(arch_sysctl_featureset(&fs), -ENOBUFS);
	fs.u.cpu_featureset.index = 99;
	assert_int_equal(arch_sysctl_featureset(&fs), -EINVAL);
}

static u64 rd(u32 msr)
{
	u64 val = 0x5555;

	assert_int_equal(hvm_rdmsr(v0, msr, &val), 0);
	return val;
}

/* A guest is told which faults the CPU has not, and nothing that it could not act on. */
static void arch_capabilities(void **state)
{
	struct cpu_policy *max = (struct cpu_policy *)cpu_policy_max(), kept = *max;
	static struct xen_cpuid_leaf l[CPUID_MAX_SERIALISED];
	struct xen_msr_entry m[CPUID_MAX_SERIALISED_MSRS];
	struct xen_domctl_cpu_policy op = { .leaves = (u64)l, .nr_leaves = CPUID_MAX_SERIALISED,
					    .msrs = (u64)m, .nr_msrs = 2 };
	u64 val;

	max->feat[0].d = BIT(29);
	max->arch_caps = ~0ull;
	cpu_policy_default(x->cpuid, &x->d);
	assert_int_equal(rd(0x10a), 0x400000001d1ae17d);	/* IBRS_ALL only with IBRS */
	max->feat[0].d |= BIT(26);
	cpu_policy_default(x->cpuid, &x->d);
	assert_int_equal(leaf(7, 0).d, BIT(29) | BIT(26));
	assert_int_equal(rd(0x10a), 0x400000001d1ae17f);
	assert_int_equal(hvm_wrmsr(v0, 0x10a, 0), -EINVAL);
	assert_int_equal(arch_get_cpu_policy(&x->d, &op), 0);
	assert_int_equal(op.nr_msrs, 2);
	assert_int_equal(m[1].idx, 0x10a);
	assert_int_equal(m[1].val, 0x400000001d1ae17f);
	m[1].val = BIT(0) | BIT(7);
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), 0);
	assert_int_equal(rd(0x10a), 1);
	/* the machine's are the most */
	max->arch_caps = BIT(5);
	m[1].val = ~0ull;
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), 0);
	assert_int_equal(rd(0x10a), BIT(5));
	op.nr_msrs = 1;
	assert_int_equal(arch_get_cpu_policy(&x->d, &op), -ENOBUFS);
	/* It is saved also if it says nothing: another machine's may say more. */
	m[1].val = 0;
	op.nr_msrs = 2;
	assert_int_equal(arch_set_cpu_policy(&x->d, &op), 0);
	m[1].idx = 0;
	assert_int_equal(arch_get_cpu_policy(&x->d, &op), 0);
	assert_int_equal(op.nr_msrs, 2);
	assert_int_equal(m[1].idx, 0x10a);
	/* without the feature there is no MSR */
	max->feat[0].d &= ~BIT(29);
	cpu_policy_default(x->cpuid, &x->d);
	assert_int_equal(hvm_rdmsr(v0, 0x10a, &val), -EINVAL);
	assert_int_equal(x->cpuid->arch_caps, 0);
	*max = kept;
	cpu_policy_default(x->cpuid, &x->d);
}

/* Builds records as libxc does. */
static u8 blob[16384];
static u32 blob_len;

static void add(u16 code, u16 instance, const void *data, u32 len)
{
	struct hvm_save_descriptor d = { code, instance, len };

	memcpy(blob + blob_len, &d, sizeof(d));
	memcpy(blob + blob_len + sizeof(d), data, len);
	blob_len += (u32)sizeof(d) + len;
}

static void begin(void)
{
	struct hvm_save_header h = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION };

	blob_len = 0;
	add(HVM_SAVE_CODE_HEADER, 0, &h, sizeof(h));
}

static long load(void)
{
	return arch_set_hvmcontext(&x->d, (u64)blob, blob_len);
}

/* By the vendors' pages of these CPUs: bits of the MSRs, whether EFER has automatic IBRS. */
static void guests_of_published_cpus(void **state)
{
	static const struct { const char *cpu; u64 spec, pred, flush, caps; bool auto_ibrs; } rows[] = {
		{ "Xeon-E5-2650-v4", 0, 0, 0, 0, false }, { "Xeon-Gold-6130", 7, 1, 1, 0, false },
		{ "Xeon-Platinum-8268", 7, 1, 1, 0x2b, false }, { "Cooperlake", 7, 1, 1, 0x16b, false },
		{ "Ice-Lake-Server", 7, 1, 1, 0xb, false },
		{ "Xeon-Bronze-3408U", 7, 1, 1, 0x408e16b, false },
		{ "EPYC-7601-32-Core-ibpb", 0, 1, 0, 0, false }, { "EPYC-7502-32-Core", 7, 1, 0, 0, false },
		{ "EPYC-7713-64-Core", 0x87, 1, 0, 0, false }, { "EPYC-9334-32-Core", 0x87, 1, 1, 0, true },
		{ "Ryzen-9-9950X-16-Core", 0x87, 0x81, 1, 0, true },
	};
	struct cpu_policy *max = (struct cpu_policy *)cpu_policy_max(), kept = *max;

	assert_int_equal(ARRAY_LEN(rows), ARRAY_LEN(dumps));
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(dumps[i].name, rows[i].cpu);
		memset(max->feat, 0, sizeof(max->feat));
		max->extd[8].b = max->extd[0x21].a = max->extd[0x21].c = 0;
		max->arch_caps = dumps[i].arch_caps;
		for (unsigned int l = 0; l < ARRAY_LEN(dumps[i].leaves); l++) {
			struct cpuid_regs *r = cpu_policy_leaf(max, dumps[i].leaves[l].leaf, 0);

			if (r && !dumps[i].leaves[l].subleaf && dumps[i].leaves[l].leaf)
				*r = (struct cpuid_regs){ r->a, dumps[i].leaves[l].b, r->c, dumps[i].leaves[l].d };
			if (dumps[i].leaves[l].leaf == 0x80000021)
				max->extd[0x21].a = dumps[i].leaves[l].a;
		}
		cpu_policy_default(x->cpuid, &x->d);
		assert_int_equal(cpu_policy_spec_bits(x->cpuid, 0x48), rows[i].spec);
		assert_int_equal(cpu_policy_spec_bits(x->cpuid, 0x49), rows[i].pred);
		assert_int_equal(cpu_policy_spec_bits(x->cpuid, 0x10b), rows[i].flush);
		assert_int_equal(x->cpuid->arch_caps, rows[i].caps);
		regs[HREG_EFER] = 0;
		assert_int_equal(hvm_wrmsr(v0, MSR_EFER, EFER_AUTO_IBRS), rows[i].auto_ibrs ? 0 : -EINVAL);
	}
	*max = kept;
	cpu_policy_default(x->cpuid, &x->d);
}

/* Only these bits of the policy. */
static void show(u32 leaf_7d, u32 leaf_8b, u32 leaf_21a)
{
	x->cpuid->feat[0].d = leaf_7d;
	x->cpuid->extd[8].b = leaf_8b;
	x->cpuid->extd[0x21].a = leaf_21a;
}

static void speculation_is_controlled_as_cpuid_says(void **state)
{
	static const struct { u32 leaf_7d, leaf_8b, leaf_21a; u64 spec, pred, flush; } rows[] = {
		{ 0, 0, 0, 0, 0, 0 }, { ~0u & ~(BIT(26) | BIT(27) | BIT(28) | BIT(31)), 0, 0, 0, 0, 0 },
		{ BIT(26), 0, 0, 1, 1, 0 }, { BIT(27), 0, 0, 2, 0, 0 }, { BIT(31), 0, 0, 4, 0, 0 },
		{ BIT(28), 0, 0, 0, 0, 1 }, { 0, BIT(12), 0, 0, 1, 0 }, { 0, BIT(14), 0, 1, 0, 0 },
		{ 0, BIT(15), 0, 2, 0, 0 }, { 0, BIT(24), 0, 4, 0, 0 }, { 0, BIT(28), 0, 0x80, 0, 0 },
		{ 0, BIT(12), BIT(27), 0, 0x81, 0 },
		{ BIT(26) | BIT(27) | BIT(28) | BIT(31), 0, 0, 7, 1, 1 },
	};
	u64 val;

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		const u64 allowed[] = { rows[i].spec, rows[i].pred, rows[i].flush };
		static const u32 nr[] = { 0x48, 0x49, 0x10b };

		show(rows[i].leaf_7d, rows[i].leaf_8b, rows[i].leaf_21a);
		for (unsigned int m = 0; m < 3; m++) {
			assert_int_equal(hvm_wrmsr(v0, nr[m], 0), allowed[m] ? 0 : -EINVAL);
			for (unsigned int bit = 0; bit < 64; bit++) {
				bool ok = allowed[m] >> bit & 1;

				regs[HREG_SPEC_CTRL] = command = 0;
				assert_int_equal(hvm_wrmsr(v0, nr[m], BIT(bit)), ok ? 0 : -EINVAL);
				assert_int_equal(regs[HREG_SPEC_CTRL], ok && !m ? BIT(bit) : 0);
				assert_int_equal(command, ok && m ? (u64)nr[m] << 32 | BIT(bit) : 0);
			}
		}
		regs[HREG_SPEC_CTRL] = 5;
		assert_int_equal(hvm_rdmsr(v0, 0x48, &val), allowed[0] ? 0 : -EINVAL);
		assert_true(!allowed[0] || val == 5);
		assert_int_equal(hvm_rdmsr(v0, 0x49, &val), -EINVAL);	/* write-only */
		assert_int_equal(hvm_rdmsr(v0, 0x10b, &val), -EINVAL);
	}
}

/* Xen's record of MSRs, in the last record but one of a domain's. */
struct msr_record { struct hvm_save_descriptor desc; u32 count, pad; struct hvm_one_msr msr; };

static const struct msr_record *saved_msrs(void)
{
	const struct msr_record *r;

	blob_len = sizeof(blob);
	assert_int_equal(arch_get_hvmcontext(&x->d, (u64)blob, &blob_len), 0);
	r = (const struct msr_record *)(blob + blob_len - sizeof(struct hvm_save_descriptor) - sizeof(*r));
	return r->desc.typecode == HVM_SAVE_CODE_CPU_MSR && r->desc.length == 24 ? r : NULL;
}

static void spec_ctrl_goes_with_its_vcpu(void **state)
{
	struct msr_record r;

	show(BIT(26) | BIT(31), 0, 0);
	assert_null(saved_msrs());	/* as Xen: none, if it is 0 */
	regs[HREG_SPEC_CTRL] = 7;	/* a bit more than it may have */
	assert_non_null(saved_msrs());
	r = *saved_msrs();
	assert_int_equal(r.desc.instance, 2);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.msr.index, 0x48);
	assert_int_equal(r.msr.val, 5);
	begin();
	add(HVM_SAVE_CODE_CPU_MSR, 1, &r.count, 24);
	add(HVM_SAVE_CODE_END, 0, "", 0);
	assert_int_equal(load(), 0);
	assert_int_equal(states[1].spec_ctrl, 5);
	assert_int_equal(states[0].spec_ctrl, 0);
	show(BIT(26), 0, 0);
	states[1].spec_ctrl = 0;
	assert_int_equal(load(), -ENXIO);
	assert_int_equal(states[1].spec_ctrl, 0);
	r.msr = (struct hvm_one_msr){ 0x140, 0, 1 };
	begin();
	add(HVM_SAVE_CODE_CPU_MSR, 1, &r.count, 24);
	add(HVM_SAVE_CODE_END, 0, "", 0);
	assert_int_equal(load(), -ENXIO);
}

static void simple_msrs(void **state)
{
	u64 val;

	assert_int_equal(rd(MSR_MTRRCAP), 0x508);
	assert_int_equal(rd(MSR_MCG_CAP), 0x9000002);
	assert_int_equal(rd(0x405), 0);
	assert_int_equal(hvm_rdmsr(v0, 0x408, &val), -EINVAL);
	assert_int_equal(rd(0x3a), 0x100001); /* or the kernel leaves 0x4d0 alone */
	assert_int_equal(rd(0xc0010015), BIT(24));
	assert_int_equal(rd(0x8b), 0);	/* the host has none here */
	assert_int_equal(hvm_wrmsr(v0, 0x8b, 5), 0);
	assert_int_equal(hvm_wrmsr(v0, MSR_MTRRCAP, 5), -EINVAL);
	assert_int_equal(hvm_rdmsr(v0, 0xc1, &val), -EINVAL);
	assert_int_equal(hvm_rdmsr(v0, 0x12345, &val), -EINVAL);
	assert_non_null(strstr(fake_last_message, "0x12345"));
	assert_int_equal(hvm_wrmsr(v0, 0xffffffff, 0), -EINVAL);
	assert_int_equal(rd(0x80b), 0x80b);	/* x2APIC's go to the local APIC */
	assert_int_equal(hvm_wrmsr(v0, 0x80b, 0), -EINVAL);
	/* reading any MSR is safe */
	for (u32 msr = 0; msr < 0x2000; msr++)
		hvm_rdmsr(v0, msr, &val);
	for (u32 msr = 0xc0010000; msr < 0xc0012000; msr++)
		hvm_rdmsr(v0, msr, &val);
}

static void mtrrs(void **state)
{
	static const u32 all[] = { 0x200, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x26f, 0x2ff };

	for (unsigned int i = 0; i < ARRAY_LEN(all); i++) {
		assert_int_equal(hvm_wrmsr(v0, all[i], 0), 0);
		assert_int_equal(hvm_wrmsr(v0, all[i], all[i] == 0x20f ? 0x800 : 6), 0);
		assert_int_equal(rd(all[i]), all[i] == 0x20f ? 0x800 : 6);
	}
	assert_int_equal(rd(0x201), 0);
	assert_int_equal(rd(0x269), 0);
	assert_int_equal(hvm_wrmsr(v0, 0x2ff, 0xc06), 0);
	assert_int_equal(hvm_wrmsr(v0, 0x2ff, 0x1006), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, 0x2ff, 2), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, 0x200, 7), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, 0x200, 1ull << 40), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, 0x250, 0x0606060606060307), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, MSR_PAT, 0x0007040600070406), 0);
	assert_int_equal(states[0].pat, 0x0007040600070406);
	assert_int_equal(hvm_wrmsr(v0, MSR_PAT, 2), -EINVAL);
}

static void efer(void **state)
{
	regs[HREG_EFER] = EFER_SVME | EFER_SCE;
	assert_int_equal(rd(MSR_EFER), EFER_SCE);
	assert_int_equal(hvm_wrmsr(v0, MSR_EFER, EFER_LME), 0);
	assert_int_equal(hvm_wrmsr(v0, MSR_EFER, EFER_SVME), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, MSR_EFER, BIT(14)), -EINVAL);
	regs[HREG_CR0] = X86_CR0_PG | X86_CR0_PE;
	regs[HREG_CR4] = X86_CR4_PAE;
	regs[HREG_EFER] = EFER_LME | EFER_LMA;
	assert_int_equal(hvm_wrmsr(v0, MSR_EFER, 0), -EINVAL);	/* with paging on */
	assert_int_equal(hvm_wrmsr(v0, MSR_EFER, EFER_LME | EFER_SCE), 0);
	assert_true(regs[HREG_EFER] & EFER_LMA);
}

static void state_msrs(void **state)
{
	static const u32 all[] = { 0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
				   0xc0000100, 0xc0000101, 0xc0000102 };

	for (unsigned int i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(hvm_wrmsr(v0, all[i], 0x1000 + i), 0);
	for (unsigned int i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(rd(all[i]), 0x1000 + i);
	assert_int_equal(hvm_wrmsr(v0, 0xc0000082, 0x0000800000000000), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, 0xc0000082, 0xffff800000000000), 0);
}

static void tsc(void **state)
{
	u64 before;

	assert_int_equal(hvm_wrmsr(v0, MSR_TSC, 1000), 0);
	before = rd(MSR_TSC);
	assert_true(before >= 1000 && before < 1ull << 40);
}

static void hypercall_page(void **state)
{
	mfn_t mfn = 0;
	u8 *page;

	mfn = fake_populate(&x->d, 7);
	page = mfn_to_virt(mfn);
	assert_int_equal(hvm_wrmsr(v0, XEN_HYPERCALL_PAGE_MSR, 7 << 12), 0);
	assert_int_equal(page[32 * 12], 0xb8);
	assert_int_equal(page[32 * 12 + 1], 12);
	assert_memory_equal(page + 32 * 12 + 5, cpuid_hypercall_insn(), 3);
	assert_int_equal(page[32 * 12 + 8], 0xc3);
	assert_memory_equal(page + 32 * 23, "\x0f\x0b", 2);
	assert_int_equal(hvm_wrmsr(v0, XEN_HYPERCALL_PAGE_MSR, 7 << 12 | 1), -EINVAL);
	assert_int_equal(hvm_wrmsr(v0, XEN_HYPERCALL_PAGE_MSR, 8 << 12), -EINVAL);
}

static void bad_xcr0(void **state)
{
	struct cpu_policy *p = x->cpuid;

	p->xstate[0].a = 0xe7;
	assert_int_equal(hvm_xsetbv(v0, 1, 1), -EINVAL);
	assert_int_equal(hvm_xsetbv(v0, 0, 0), -EINVAL);
	assert_int_equal(hvm_xsetbv(v0, 0, 5), -EINVAL);	/* AVX without SSE */
	assert_int_equal(hvm_xsetbv(v0, 0, 0x27), -EINVAL);	/* a part of AVX-512 */
	assert_int_equal(hvm_xsetbv(v0, 0, 0xe3), -EINVAL);	/* AVX-512 without AVX */
	assert_int_equal(hvm_xsetbv(v0, 0, BIT(9) | 1), -EINVAL);
}

static void a_guest_has_no_ports(void **state)
{
	assert_int_equal(hvm_port_in(v0, 0xcf8, 4), 0xffffffff);
	assert_int_equal(hvm_port_in(v0, 0xb004, 2), 0xffff);
	assert_int_equal(hvm_port_in(v0, 0x3f8, 1), 0xff);
	assert_int_equal(hvm_port_in(v0, 0xe9, 1), 0xe9);
	v0->domain->control = true;	/* control gives neither ports nor Dom0's line */
	guest_chars = 0;
	hvm_port_out(v0, 0xe9, 1, 'h');
	hvm_port_out(v0, 0xcf9, 1, 6);
	hvm_port_out(v0, 0x64, 1, 0xfe);
	assert_int_equal(hvm_port_in(v0, 0xcf8, 4), 0xffffffff);
	assert_int_equal(guest_chars, 1);
	assert_int_equal(debug_len, 1);
	assert_int_equal(debug_out[0], 'h');
	assert_int_equal(vpci_calls, 0);
	assert_int_equal(fake_events.shutdowns, 0);
}

static void to_dom0(void)
{
	drop_domain();
	make_domain(0, 1);
	acpi.pm1a_cnt = 0x604;
	acpi.has_s5 = true;
	acpi.s5_typ_a = 5;
	acpi.has_reset = true;
	acpi.reset_reg.space = 1;
	acpi.reset_reg.address = 0xb2f0;
	acpi.reset_value = 0x5a;
}

static void dom0_ends_the_machine(void **state)
{
	to_dom0();
	hvm_port_out(v0, 0x604, 2, BIT(13) | 1 << 10);	/* S1, S3 ... */
	assert_int_equal(fake_events.shutdowns, 0);
	hvm_port_out(v0, 0x604, 2, BIT(13) | 5 << 10);
	assert_int_equal(fake_events.shutdowns, 1);
	assert_int_equal(fake_events.shutdown_reason, SHUTDOWN_poweroff);
	hvm_port_out(v0, 0x605, 1, (BIT(13) | 5 << 10) >> 8);	/* the high byte alone */
	assert_int_equal(fake_events.shutdowns, 2);
	hvm_port_out(v0, 0xcf9, 1, 2);
	assert_int_equal(fake_events.shutdowns, 2);
	hvm_port_out(v0, 0xcf9, 1, 6);
	assert_int_equal(fake_events.shutdowns, 3);
	assert_int_equal(fake_events.shutdown_reason, SHUTDOWN_reboot);
	hvm_port_out(v0, 0x64, 1, 0xfe);
	assert_int_equal(fake_events.shutdowns, 4);
	hvm_port_out(v0, 0xb2f0, 1, 0x5a);
	assert_int_equal(fake_events.shutdowns, 5);
}

static void dom0s_ports(void **state)
{
	static u8 bitmap[8192];
	static const u16 kept[] = { 0x20, 0xa1, 0x40, 0x43, 0x61, 0x64, 0x70, 0x92, 0xe9, 0x3f8, 0x3ff,
				    0x4d0, 0x604, 0x605, 0xcf8, 0xcf9, 0xcff, 0xb2f0 };
	static const u16 given[] = { 0x60, 0x71, 0x80, 0x2f8, 0x3f7, 0x400, 0x600, 0x603, 0x606, 0xcf7,
				     0xd00, 0xffff };

	to_dom0();
	hvm_port_policy_dom0(bitmap);
	for (unsigned int i = 0; i < ARRAY_LEN(kept); i++)
		assert_true(bitmap[kept[i] / 8] >> kept[i] % 8 & 1);
	for (unsigned int i = 0; i < ARRAY_LEN(given); i++)
		assert_false(bitmap[given[i] / 8] >> given[i] % 8 & 1);
	assert_int_equal(hvm_port_in(v0, 0x20, 1), 0xff);
	assert_int_equal(hvm_port_in(v0, 0x3f8, 1), 0xff);
	assert_int_equal(hvm_port_in(v0, 0xcfc, 4), 0x80861237);
	assert_int_equal(hvm_port_in(v0, 0xcfc, 2), 0x1237);
	hvm_port_out(v0, 0xcf8, 4, 0x80000000);
	assert_int_equal(vpci_calls, 3);
	hvm_port_out(v0, 0x21, 1, 0xff);
	hvm_port_out(v0, 0xe9, 1, 'x');
	assert_int_equal(debug_out[0], 'x');
}

static void all_are_new(void)
{
	for (unsigned int i = 0; i < x->d.max_vcpus; i++)
		x->d.vcpu[i]->initialised = false;
}

static void only_vcpus_with_a_record_come_up(void **state)
{
	struct hvm_hw_cpu c = { .rip = 0x1000850, .rbx = 0x7000, .cr0 = 0x11, .cs_arbytes = 0xc9b,
				.cs_limit = ~0u, .tr_arbytes = 0x8b, .tr_limit = 0x67 };

	begin();
	add(HVM_SAVE_CODE_CPU, 0, &c, sizeof(c));
	add(HVM_SAVE_CODE_END, 0, "", 0);
	x86_vcpu(v0)->boot_state = VB_WAIT_SIPI;
	all_are_new();
	assert_int_equal(load(), 0);
	assert_false(test_bit(VPF_DOWN, &v0->wait_flags));
	assert_true(test_bit(VPF_DOWN, &x->d.vcpu[1]->wait_flags));
	assert_true(test_bit(VPF_DOWN, &x->d.vcpu[2]->wait_flags));
	assert_true(v0->initialised);
	assert_int_equal(x86_vcpu(v0)->boot_state, VB_RUNNING);
	assert_int_equal(states[0].rip, 0x1000850);
	assert_int_equal(states[0].rflags, 2);
	assert_int_equal(states[0].seg[SEG_CS].attr, 0xc9b);
	assert_int_equal(x86_vcpu(v0)->gpr[REG_RBX], 0x7000);
	assert_int_equal(x->d.shared_info->evtchn_mask[0], 0);	/* as in a new guest */
}

static void bad_records(void **state)
{
	struct hvm_hw_cpu c = { .cr0 = 0x80000000 };
	struct hvm_hw_mtrr m = { .msr_pat_cr = 2 };
	struct hvm_vmce_vcpu vmce = { .mcg_ext_ctl = 2 };
	struct { u32 count, pad; struct hvm_one_msr msr; } ms = { .count = 1, .msr = { 0x48, 0, 1 } };

	blob_len = 0;
	assert_int_equal(load(), -ENODATA);
	begin();
	assert_int_equal(load(), -ENODATA);	/* no END record */
	blob[8] ^= 1;	/* the magic */
	assert_int_equal(load(), -EINVAL);
	begin();
	add(HVM_SAVE_CODE_CPU, 0, &c, sizeof(c));
	assert_int_equal(load(), -EINVAL);	/* paging without protection */
	begin();
	add(HVM_SAVE_CODE_CPU, 3, &c, sizeof(c));
	assert_int_equal(load(), -EINVAL);	/* no such vCPU */
	begin();
	add(HVM_SAVE_CODE_CPU, 0, &c, 100);
	assert_int_equal(load(), -EINVAL);	/* short */
	begin();
	add(HVM_SAVE_CODE_MTRR, 0, &m, sizeof(m));
	assert_int_equal(load(), -EINVAL);
	begin();
	add(HVM_SAVE_CODE_VMCE_VCPU, 0, &vmce, sizeof(vmce));
	assert_int_equal(load(), -EINVAL);
	begin();
	add(99, 0, &m, 8);
	assert_int_equal(load(), -EINVAL);
	begin();
	add(HVM_SAVE_CODE_CPU_MSR, 0, &ms, 4 + 16);
	ms.count = 1;
	assert_true(load() < 0);
	begin();
	add(HVM_SAVE_CODE_IOAPIC, 0, &m, 8);	/* known, but not for PVH: skipped */
	add(HVM_SAVE_CODE_END, 0, "", 0);
	assert_int_equal(load(), 0);
	((struct hvm_save_descriptor *)(blob + 32))->length = ~0u;
	assert_int_equal(load(), -ENODATA);
	assert_int_equal(arch_set_hvmcontext(&x->d, 8, 100), -EFAULT);
	begin();
	for (unsigned int i = 0; i < 200; i++)
		add(HVM_SAVE_CODE_PIC, 0, "", 0);
	assert_int_equal(load(), -E2BIG);
}

/* State read from one domain and loaded into another makes the two equal. */
static void saved_state_comes_back(void **state)
{
	u32 size = 0;
	struct hvm_state before = { .rip = 0x1234, .rflags = 0x202, .cr0 = 0x80000011, .cr3 = 0x5000,
				    .cr4 = 0x20, .efer = 0x500, .dr6 = 0xffff0ff0, .dr7 = 0x400, .gdtr.limit = 0x7f,
				    .pat = 0x0007040600070406, .lstar = 77,
				    .kernel_gs_base = 88, .sysenter_eip = 99 };

	for (unsigned int i = 0; i < NR_SEGS; i++)
		before.seg[i] = (struct segment){ (u16)(i * 8), 0x93, 0xffff + i, 0x1000 * i };
	before.seg[SEG_CS].attr = 0x29b;
	before.seg[SEG_TR].attr = 0x8b;
	before.seg[SEG_LDTR].attr = 0x82;
	states[0] = states[1] = states[2] = before;
	for (unsigned int i = 0; i < NR_REGS; i++)
		x86_vcpu(v0)->gpr[i] = 0x100 + i;
	x86_vcpu(v0)->mtrr_def_type = 0xc06;
	x86_vcpu(v0)->pat = before.pat;
	x86_vcpu(v0)->mtrr_var[3] = 0x800;
	x86_vcpu(v0)->vmce.ext_ctl = 1;
	for (unsigned int i = 0; i < 3; i++)
		apic_bases[i] = 0xfee00800;
	lapic_regs[1][8] = 0x55;
	assert_int_equal(arch_get_hvmcontext(&x->d, 0, &size), 0);
	assert_true(size > 3000 && size < sizeof(blob));
	blob_len = 100;
	assert_int_equal(arch_get_hvmcontext(&x->d, (u64)blob, &blob_len), -ENOSPC);
	assert_int_equal(blob_len, size);	/* how long it is */
	assert_int_equal(arch_get_hvmcontext(&x->d, (u64)blob, &blob_len), 0);

	memset(states, 0, sizeof(states));
	x86_vcpu(v0)->vmce.ext_ctl = 0;
	memset(x86_vcpu(v0)->gpr, 0, sizeof(x86_vcpu(v0)->gpr));
	memset(lapic_regs, 0, sizeof(lapic_regs));
	x86_vcpu(v0)->mtrr_var[3] = x86_vcpu(v0)->pat = 0;
	assert_int_equal(load(), 0);
	before.pat = states[0].pat;
	assert_memory_equal(&states[0], &before, sizeof(before));
	assert_int_equal(x86_vcpu(v0)->pat, 0x0007040600070406);
	assert_int_equal(x86_vcpu(v0)->gpr[REG_R15], 0x100 + REG_R15);
	assert_int_equal(x86_vcpu(v0)->mtrr_var[3], 0x800);
	assert_int_equal(x86_vcpu(v0)->vmce.ext_ctl, 1);
	assert_int_equal(x86_vcpu(x->d.vcpu[1])->vmce.ext_ctl, 0);
	assert_int_equal(lapic_regs[1][8], 0x55);
	assert_int_equal(tsc_offsets[0], tsc_offsets[2]);
	assert_int_equal(x->d.shared_info->evtchn_mask[0], 0);	/* not reset by the load: it was there */
	v0->initialised = false;
	assert_int_equal(load(), 0);
	/* a vCPU that is added to a running domain */
	assert_int_equal(x->d.shared_info->evtchn_mask[0], 0);
	assert_true(v0->initialised);
	all_are_new();
	assert_int_equal(load(), 0);
	for (unsigned int i = 0; i < ARRAY_LEN(x->d.shared_info->evtchn_mask); i++)
		assert_int_equal(x->d.shared_info->evtchn_mask[i], ~0ul);
	/* In the 32-bit layout these words are elsewhere, and there are fewer. */
	memset(x->d.shared_info, 0, PAGE_SIZE);
	x->d.evtchn.mask = (u64 *)((struct shared_info_32 *)x->d.shared_info)->evtchn_mask;
	x->d.evtchn.word_shift = 5;
	all_are_new();
	assert_int_equal(load(), 0);
	for (unsigned int i = 0; i < PAGE_SIZE; i++) {
		const u8 *byte = (const u8 *)x->d.shared_info + i, *mask = (const u8 *)x->d.evtchn.mask;

		assert_int_equal(*byte, byte >= mask && byte < mask + EVTCHN_MAX_PORTS_32 / 8 ? 0xff : 0);
	}
}

/* Bits of CR4, each with the CPUID bit that shows it. Other bits are on no CPU. */
static void cr4_is_what_cpuid_shows(void **state)
{
	static const struct { u32 leaf; size_t reg; u32 shown; u64 cr4; } rows[] = {
#define REG(r) offsetof(struct cpuid_regs, r)
		{ 1, REG(d), BIT(1), 3 }, { 1, REG(d), BIT(4), 1 << 2 }, { 1, REG(d), BIT(2), 1 << 3 },
		{ 1, REG(d), BIT(3), 1 << 4 }, { 1, REG(d), BIT(6), 1 << 5 }, { 1, REG(d), BIT(7), 1 << 6 },
		{ 1, REG(d), BIT(13), 1 << 7 }, { 1, REG(d), BIT(24), 1 << 9 }, { 1, REG(d), BIT(25), 1 << 10 },
		{ 7, REG(c), BIT(2), 1 << 11 }, { 7, REG(c), BIT(16), 1 << 12 }, { 7, REG(b), BIT(0), 1 << 16 },
		{ 1, REG(c), BIT(17), 1 << 17 }, { 1, REG(c), BIT(26), 1 << 18 }, { 7, REG(b), BIT(7), 1 << 20 },
		{ 7, REG(b), BIT(20), 1 << 21 }, { 7, REG(c), BIT(3), 1 << 22 },
#undef REG
	};
	struct cpu_policy *p = x86_domain(&x->d)->cpuid;
	u64 all = 1 << 8;

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		*(u32 *)((char *)cpu_policy_leaf(p, rows[i].leaf, 0) + rows[i].reg) |= rows[i].shown;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		all |= rows[i].cr4;
	assert_int_equal(cpu_policy_cr4(p), all);
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		u32 *reg = (u32 *)((char *)cpu_policy_leaf(p, rows[i].leaf, 0) + rows[i].reg);

		*reg &= ~rows[i].shown;
		assert_int_equal(cpu_policy_cr4(p), all & ~rows[i].cr4);
		assert_int_equal(hvm_set_cr(x86_vcpu(v0), 4, rows[i].cr4), -EINVAL);
		*reg |= rows[i].shown;
	}
	for (unsigned int i = 0; i < 64; i++)
		if (!(all & BIT(i)))
			assert_int_equal(hvm_set_cr(x86_vcpu(v0), 4, BIT(i)), -EINVAL);
	/*
	 * Even a policy that asks for everything hides a feature whose XSAVE component Keel does
	 * not save.
	 */
	cpu_policy_clamp(p, &x->d);
	assert_int_equal(cpu_policy_cr4(p) & X86_CR4_PKE, 0);
}

#define PG X86_CR0_PG
#define PE X86_CR0_PE
#define LM (EFER_LME | EFER_LMA)
#define PAE X86_CR4_PAE
#define PCIDE X86_CR4_PCIDE

static void show_everything(void)
{
	struct cpu_policy *p = x86_domain(&x->d)->cpuid;

	p->basic[1].c |= BIT(17) | BIT(26);
	p->basic[1].d |= 0x030020fe;
	p->feat[0].c |= BIT(16);
	p->extd[1].d |= BIT(11) | BIT(20) | BIT(29);
}

/* The register, the value written, and the value then read; UINT64_MAX: #GP. */
static void control_registers_fit_each_other(void **state)
{
	static const u64 gp = ~0ull;
	static const struct { u64 cr0, cr3, cr4, efer, cs; u8 cr; u64 val, then; } rows[] = {
		{ PE, 0, 0, 0, 0, 0, PE | X86_CR0_CD | X86_CR0_NW, PE | X86_CR0_ET },
		{ PE, 0, 0, 0, 0, 0, PE | X86_CR0_CD, PE | X86_CR0_ET },
		{ PE, 0, 0, 0, 0, 0, PE | X86_CR0_NW, gp },
		{ PE, 0, 0, 0, 0, 0, PE | BIT(32), gp },
		{ PE, 0, 0, 0, 0, 0, PE | BIT(20) | BIT(17), PE | X86_CR0_ET },
		{ PE, 0, 0, 0, 0, 0, 0, X86_CR0_ET },
		{ PE, 0, 0, 0, 0, 0, PG, gp },
		{ PE, 0, 0, 0, 0, 0, PG | PE, PG | PE | X86_CR0_ET },
		{ PE, 0, 0, EFER_LME, 0, 0, PG | PE, gp },		/* long mode without PAE */
		{ PE, 0, PAE, EFER_LME, 0, 0, PG | PE, PG | PE | X86_CR0_ET },
		{ PE, 0, PAE, EFER_LME, BIT(9), 0, PG | PE, gp },	/* in 64-bit code */
		{ PG | PE, 0, PAE, LM, BIT(9), 0, PE, gp },
		{ PG | PE, 0, PAE, LM, 0, 0, PE, PE | X86_CR0_ET },
		{ PG | PE, 0, PAE | PCIDE, LM, 0, 0, PE, gp },
		{ PG | PE, 0, PAE, LM, BIT(9), 4, 0, gp },
		{ PG | PE, 0, PAE, LM, BIT(9), 4, PAE | PCIDE, PAE | PCIDE },
		{ PG | PE, 0x1008, PAE, LM, BIT(9), 4, PAE | PCIDE, gp },
		{ PG | PE, 0x1008, PAE | PCIDE, LM, BIT(9), 4, PAE | PCIDE | 8, PAE | PCIDE | 8 },
		{ PG | PE, 0, PAE, 0, 0, 4, PAE | PCIDE, gp },
		{ PG | PE, 0, PAE, LM, BIT(9), 4, PAE | X86_CR4_LA57, gp },
		{ PE, 0, PAE, 0, 0, 4, PAE | X86_CR4_LA57, PAE | X86_CR4_LA57 },
		{ PE, 0, PAE, 0, 0, 4, PAE | X86_CR4_VMXE, gp },
		{ PG | PE, 0, PAE, LM, BIT(9), 3, 0x1000, 0x1000 },
		{ PG | PE, 0, PAE, LM, BIT(9), 3, BIT(40), gp },
		{ PG | PE, 0, PAE, LM, BIT(9), 3, BIT(63) | 0x1000, gp },
		{ PG | PE, 0, PAE | PCIDE, LM, BIT(9), 3, BIT(63) | 0x1001, 0x1001 },
		{ PG | PE, 0, PAE, LM, BIT(9), 2, 0, gp },
	};
	static const u8 hreg[] = { [0] = HREG_CR0, [2] = HREG_CR2, [3] = HREG_CR3, [4] = HREG_CR4 };

	show_everything();
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		u64 *reg = &regs[hreg[rows[i].cr]], before;
		int rc;

		regs[HREG_CR0] = rows[i].cr0;
		regs[HREG_CR3] = rows[i].cr3;
		regs[HREG_CR4] = rows[i].cr4;
		regs[HREG_EFER] = rows[i].efer;
		regs[HREG_CS_ATTR] = rows[i].cs;
		before = *reg;
		rc = hvm_set_cr(x86_vcpu(v0), rows[i].cr, rows[i].val);
		if (rc != (rows[i].then == gp ? -EINVAL : 0) ||
		    *reg != (rows[i].then == gp ? before : rows[i].then))
			fail_msg("row %u: %d, CR%u is %#lx", i, rc, rows[i].cr, *reg);
	}
}

static struct hvm_state state_64(void)
{
	struct hvm_state s = { .rip = 0xffffffff81000000, .rflags = 0x202, .cr0 = 0x80050033,
			       .cr3 = 0x1000, .cr4 = 0x20,
		.efer = 0xd01, .dr6 = 0xffff0ff0, .dr7 = 0x400, .pat = 0x0007040600070406,
		.gdtr = { 0x7f, 0xfffffe0000001000 }, .idtr = { 0xfff, 0xfffffe0000000000 } };

	for (unsigned int i = 0; i < NR_SEGS; i++)
		s.seg[i] = (struct segment){ 0x10, 0xc93, 0xffffffff, 0 };
	s.seg[SEG_CS].attr = 0xa9b;
	s.seg[SEG_TR] = (struct segment){ 0x40, 0x8b, 0x67, 0xfffffe0000003000 };
	s.seg[SEG_LDTR] = (struct segment){ 0, 0, 0, 0 };
	return s;
}

/* A good state with one field changed to a value that no guest could reach. */
static void states_that_no_guest_makes(void **state)
{
#define F(field) offsetof(struct hvm_state, field), sizeof(((struct hvm_state *)0)->field)
	static const struct { size_t at, size; u64 val; } rows[] = {
		{ F(rip), BIT(63) }, { F(rip), BIT(47) }, { F(rflags), BIT(3) }, { F(rflags), BIT(17) | 2 },
		{ F(rflags), BIT(22) }, { F(cr0), 0x80000000 }, { F(cr0), 0xa0050033 }, { F(cr0), 0x180050033 },
		{ F(cr0), 0x33 }, { F(cr3), BIT(40) }, { F(cr3), BIT(63) }, { F(cr4), 0 },
		{ F(cr4), 0x20 | X86_CR4_VMXE }, { F(cr4), 0x20 | BIT(23) }, { F(cr4), 0x20 | BIT(32) },
		{ F(cr4), 0x20 | BIT(15) }, { F(efer), 0x901 }, { F(efer), 0xc01 }, { F(efer), 0x1d01 },
		{ F(efer), BIT(14) | 0xd01 }, { F(dr6), BIT(32) }, { F(dr7), BIT(32) }, { F(pat), 2 },
		{ F(pat), 8 }, { F(lstar), BIT(63) }, { F(cstar), BIT(48) }, { F(kernel_gs_base), BIT(47) },
		{ F(sfmask), BIT(32) }, { F(sysenter_cs), BIT(32) }, { F(sysenter_esp), BIT(60) },
		{ F(sysenter_eip), BIT(60) }, { F(gdtr.base), BIT(63) }, { F(idtr.base), BIT(47) },
		{ F(gdtr.limit), 0x10000 }, { F(idtr.limit), 0x10000 }, { F(seg[SEG_FS].base), BIT(63) },
		{ F(seg[SEG_GS].base), BIT(63) }, { F(seg[SEG_TR].base), BIT(63) },
		{ F(seg[SEG_LDTR].base), BIT(63) }, { F(seg[SEG_CS].base), BIT(32) },
		{ F(seg[SEG_SS].base), BIT(32) }, { F(seg[SEG_CS].attr), 0xe9b }, { F(seg[SEG_CS].attr), 0xa1b },
		{ F(seg[SEG_CS].attr), 0xafb }, { F(seg[SEG_CS].attr), 0xa8b }, { F(seg[SEG_CS].attr), 0xa97 },
		{ F(seg[SEG_CS].attr), 0x1a9b }, { F(seg[SEG_CS].limit), 0xfff00000 },
		{ F(seg[SEG_DS].attr), 0xc83 }, { F(seg[SEG_DS].attr), 0xc99 }, { F(seg[SEG_SS].attr), 0xc9b },
		{ F(seg[SEG_SS].attr), 0xcf3 }, { F(seg[SEG_ES].attr), 0x493 }, { F(seg[SEG_TR].attr), 0 },
		{ F(seg[SEG_TR].attr), 0x89 }, { F(seg[SEG_TR].attr), 0x83 }, { F(seg[SEG_TR].attr), 0x9b },
		{ F(seg[SEG_TR].sel), 4 }, { F(seg[SEG_LDTR].attr), 0x81 }, { F(seg[SEG_LDTR].attr), 0x92 },
	};
	struct hvm_state s = state_64();

	show_everything();
	assert_int_equal(hvm_state_check(&x->d, &s), 0);
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		s = state_64();
		memcpy((char *)&s + rows[i].at, &rows[i].val, rows[i].size);
		if (hvm_state_check(&x->d, &s) != -EINVAL)
			fail_msg("row %u: %#lx at %#zx is taken", i, rows[i].val, rows[i].at);
	}
}

static void fixed_bits_are_made(void **state)
{
	struct hvm_state s = state_64();

	show_everything();
	s.cr0 = 0xe1070023;	/* CD, NW, bits that do not exist */
	s.rflags = 0;
	s.dr6 = 0x400f;
	s.dr7 = 0xfbff;
	assert_int_equal(hvm_state_check(&x->d, &s), 0);
	assert_int_equal(s.cr0, 0x80050033);
	assert_int_equal(s.rflags, 2);
	assert_int_equal(s.dr6, 0xffff4fff);
	assert_int_equal(s.dr7, 0x27ff);
}

static void pending_events(void **state)
{
	static const struct { u8 type, vector; u32 error; u64 flags; bool taken, stays; u32 has;
			      } rows[] = {
		{ HEV_INTR, 0x40, 0, 0x202, true, true, 0 }, { HEV_INTR, 0x40, 0, 2, false, false, 0 },
		{ HEV_INTR, 5, 0, 0x202, false, false, 0 }, { HEV_INTR, 0x40, 7, 0x202, true, true, 0 },
		{ HEV_NMI, 2, 0, 2, true, true, 0 }, { HEV_NMI, 3, 0, 2, false, false, 0 },
		{ HEV_EXCEPTION, 14, 2, 2, true, true, 2 }, { HEV_EXCEPTION, 14, 0x8000, 2, false, false, 0 },
		{ HEV_EXCEPTION, 6, 2, 2, true, true, 0 }, { HEV_EXCEPTION, 2, 0, 2, false, false, 0 },
		{ HEV_EXCEPTION, 40, 0, 2, false, false, 0 }, { 1, 1, 0, 2, false, false, 0 },
		{ HEV_SWINT, 0x80, 0, 2, true, false, 0 }, { HEV_INT1, 1, 0, 2, true, false, 0 },
		{ 6, 3, 0, 2, true, false, 0 }, { HEV_EXCEPTION, 3, 0, 2, true, false, 0 },
		{ 7, 1, 0, 2, true, false, 0 },
	};

	show_everything();
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		struct hvm_state s = state_64();
		int rc;

		s.rflags = rows[i].flags;
		s.pending_event = true;
		s.pending_type = rows[i].type;
		s.pending_vector = rows[i].vector;
		s.pending_error = rows[i].error;
		rc = hvm_state_check(&x->d, &s);
		if (rc != (rows[i].taken ? 0 : -EINVAL) || (rows[i].taken && s.pending_event != rows[i].stays) ||
		    (rows[i].stays && s.pending_error != rows[i].has))
			fail_msg("row %u: %d, pending %u, error %u", i, rc, s.pending_event, s.pending_error);
	}
}

/* If one record is bad, the good one before it is not loaded either. */
static void what_is_refused_changes_nothing(void **state)
{
	struct hvm_hw_cpu c = { .rip = 0x1000850, .rbx = 0x7000, .cr0 = 0x11, .cs_arbytes = 0xc9b,
				.cs_limit = ~0u, .tr_arbytes = 0x8b, .tr_limit = 0x67, .dr0 = 5, .msr_tsc_aux = 3 };
	struct hvm_hw_mtrr m = { .msr_mtrr_def_type = 0xc06 };
	struct x86_vcpu before = *x86_vcpu(v0);

	for (unsigned int i = 0; i < 3; i++) {
		begin();
		add(HVM_SAVE_CODE_CPU, 0, &c, sizeof(c));
		m.msr_mtrr_var[3] = i == 0 ? BIT(63) : 0;
		m.msr_mtrr_fixed[10] = i == 1 ? 2 : 0;
		m.msr_mtrr_def_type = i == 2 ? 7 : 6;
		add(HVM_SAVE_CODE_MTRR, 0, &m, sizeof(m));
		add(HVM_SAVE_CODE_END, 0, "", 0);
		assert_int_equal(load(), -EINVAL);
		assert_memory_equal(x86_vcpu(v0), &before, sizeof(before));
		assert_int_equal(states[0].rip, 0);
	}
	c.msr_tsc_aux = BIT(32);
	begin();
	add(HVM_SAVE_CODE_CPU, 0, &c, sizeof(c));
	add(HVM_SAVE_CODE_END, 0, "", 0);
	assert_int_equal(load(), -EINVAL);
	assert_memory_equal(x86_vcpu(v0), &before, sizeof(before));
}

/* What XSETBV refuses, and what XRSTOR would refuse. */
static void xsave_records(void **state)
{
	struct { u64 mask, xcr0, accum; u8 area[832]; } r = { 7, 7, 7, { 0 } };
	static const struct { u64 xcr0, accum, bv, comp; int rc; } rows[] = {
		{ 7, 7, 7, 0, 0 }, { 3, 7, 4, 0, 0 }, { 5, 7, 3, 0, -EINVAL }, { 0, 7, 3, 0, -EINVAL },
		{ 2, 7, 3, 0, -EINVAL }, { 0xe7, 0xff, 3, 0, -EINVAL }, { 7, 7, 8, 0, -EINVAL },
		{ 7, 3, 4, 0, -EINVAL }, { 7, 7, 3, BIT(63), -EINVAL }, { 7, 7, 3, 1, -EINVAL },
		{ 0x207, 0x207, 3, 0, -EINVAL },
	};

	cpu_features.xsave = true;
	cpu_features.xsave_size = 832;
	x86_domain(&x->d)->cpuid->xstate[0].a = 7;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		r.xcr0 = rows[i].xcr0;
		r.accum = rows[i].accum;
		memcpy(r.area + 512, &rows[i].bv, 8);
		memcpy(r.area + 520, &rows[i].comp, 8);
		memset(r.area + 528, 0xff, 8);	/* reserved, and cleared */
		memset(r.area + 24, 0xff, 4);	/* MXCSR */
		begin();
		add(HVM_SAVE_CODE_CPU_XSAVE, 0, &r, sizeof(r));
		add(HVM_SAVE_CODE_END, 0, "", 0);
		x86_vcpu(v0)->xcr0 = 1;
		assert_int_equal(load(), rows[i].rc);
		assert_int_equal(x86_vcpu(v0)->xcr0, rows[i].rc ? 1 : rows[i].xcr0);
		assert_int_equal(((u64 *)x86_vcpu(v0)->xsave)[66], 0);
		assert_int_equal(((u32 *)x86_vcpu(v0)->xsave)[6] >> 16, 0);
	}
	/* A guest that never sets XCR0 has SSE, and one that switched AVX off may have its state. */
	for (u64 bv = 3; bv <= 4; bv++) {
		const struct hvm_save_descriptor *d = (const void *)blob;

		x86_vcpu(v0)->xcr0 = 1;
		((u64 *)x86_vcpu(v0)->xsave)[64] = bv;
		blob_len = sizeof(blob);
		assert_int_equal(arch_get_hvmcontext(&x->d, (u64)blob, &blob_len), 0);
		while (d->typecode != HVM_SAVE_CODE_CPU_XSAVE)
			d = (const void *)((const u8 *)(d + 1) + d->length);
		assert_int_equal(((const u64 *)(d + 1))[2], bv | 3);	/* Xen refuses AVX without SSE */
		((u64 *)x86_vcpu(v0)->xsave)[64] = 0;
		assert_int_equal(load(), 0);
		assert_int_equal(((u64 *)x86_vcpu(v0)->xsave)[64], bv);
	}
	assert_int_equal(hvm_xsetbv(v0, 0, 7), 0);
	assert_int_equal(x86_vcpu(v0)->xcr0, 7);
	cpu_features.xsave = false;
}

/*
 * VCPUOP_initialise takes what a save record may hold. If it refuses a state, the vCPU's registers
 * stay as they were.
 */
static void initial_states(void **state)
{
	struct vcpu_hvm_context c = { .mode = VCPU_HVM_MODE_64B }, bad;
	struct vcpu_hvm_x86_64 *r = &c.cpu_regs.x86_64;
	struct vcpu *v1 = x->d.vcpu[1];

	show_everything();
	*r = (struct vcpu_hvm_x86_64){ .rip = 0x1000, .rax = 5, .cr0 = PG | PE, .cr3 = 0x1000, .cr4 = PAE,
				       .efer = EFER_LME };
	x86_vcpu(v1)->pat = 0x0007040600070406;
	v1->initialised = false;
	set_bit(VPF_DOWN, &v1->wait_flags);
	for (unsigned int i = 0; i < 6; i++) {
		bad = c;
		bad.cpu_regs.x86_64.rax = 99;
		bad.cpu_regs.x86_64.cr4 |= i == 0 ? X86_CR4_VMXE : i == 1 ? BIT(23) : 0;
		bad.cpu_regs.x86_64.efer |= i == 2 ? BIT(14) : 0;
		bad.cpu_regs.x86_64.rip |= i == 3 ? BIT(63) : 0;
		bad.cpu_regs.x86_64.cr0 |= i == 4 ? BIT(32) | X86_CR0_NW : 0;
		bad.cpu_regs.x86_64.cr3 |= i == 5 ? BIT(45) : 0;
		assert_int_equal(arch_vcpu_op_initialise(v1, (u64)&bad), -EINVAL);
		assert_int_equal(x86_vcpu(v1)->gpr[REG_RAX], 0);
	}
	assert_int_equal(arch_vcpu_op_initialise(v1, (u64)&c), 0);
	assert_int_equal(x86_vcpu(v1)->gpr[REG_RAX], 5);
	assert_int_equal(states[1].efer, LM);
	v1->initialised = false;
	bad = (struct vcpu_hvm_context){ .mode = VCPU_HVM_MODE_32B };
	bad.cpu_regs.x86_32 = (struct vcpu_hvm_x86_32){ .cr0 = PE, .cs_ar = 0xc09b, .ss_ar = 0xc093,
							.tr_ar = 0x8b,
		.cs_limit = ~0u, .ss_limit = ~0u, .tr_limit = 0x67 };
	assert_int_equal(arch_vcpu_op_initialise(v1, (u64)&bad), 0);
	v1->initialised = false;
	bad.cpu_regs.x86_32.ss_limit = 0xfff00000;
	assert_int_equal(arch_vcpu_op_initialise(v1, (u64)&bad), -EINVAL);
}

/*
 * A vCPU's registers, and those that a tool may not set. Only what Xen sets for HVM guests can be
 * set.
 */
static void contexts(void **state)
{
	static struct vcpu_guest_context c, again;
	static const struct { size_t at; u64 bad; } rows[] = {
		{ offsetof(struct vcpu_guest_context, user_regs.rip), BIT(63) },
		{ offsetof(struct vcpu_guest_context, user_regs.rflags), BIT(17) | 2 },
		{ offsetof(struct vcpu_guest_context, debugreg[6]), BIT(32) },
		{ offsetof(struct vcpu_guest_context, debugreg[7]), BIT(33) },
	};
	struct x86_vcpu *v = x86_vcpu(v0);

	show_everything();
	states[0] = state_64();
	states[0].cr2 = 0x1234;
	states[0].seg[SEG_GS].base = 0x5000;
	states[0].seg[SEG_FS].base = 0x6000;
	states[0].kernel_gs_base = 0x7000;
	for (unsigned int i = 0; i < NR_SEGS; i++)
		states[0].seg[i].sel = (u16)(i * 8);
	for (unsigned int i = 0; i < NR_REGS; i++)
		v->gpr[i] = 0x100 + i;
	v->dr[3] = 0x99;
	x->d.vm_assist = 32;
	memset(v->xsave, 0x11, 512);
	memset(&c, 0xff, sizeof(c));
	assert_int_equal(arch_get_vcpucontext(v0, (u64)&c), 0);
	assert_int_equal(c.flags, VGCF_I387_VALID | VGCF_IN_KERNEL | VGCF_online);
	assert_int_equal(c.fpu_ctxt.x[511], 0x11);
#define GPR(field, reg) assert_int_equal(c.user_regs.field, 0x100 + REG_##reg);
	HVM_GPRS(GPR)
#undef GPR
	assert_int_equal(c.user_regs.rip, states[0].rip);
	assert_int_equal(c.user_regs.rflags, 0x202);
	assert_int_equal(c.user_regs.cs, SEG_CS * 8);
	assert_int_equal(c.user_regs.gs, SEG_GS * 8);
	assert_int_equal(c.ctrlreg[0], 0x80050033);
	assert_int_equal(c.ctrlreg[2], 0x1234);
	assert_int_equal(c.ctrlreg[3], 0x1000);
	assert_int_equal(c.debugreg[3], 0x99);
	assert_int_equal(c.debugreg[7], 0x400);
	assert_int_equal(c.gs_base_kernel, 0x5000);
	assert_int_equal(c.gs_base_user, 0x7000);
	assert_int_equal(c.vm_assist, 32);
	for (unsigned int i = 0; i < sizeof(c.trap_ctxt); i++)
		assert_int_equal(((u8 *)c.trap_ctxt)[i], 0);	/* fields that a PVH guest lacks */
	assert_int_equal(c.kernel_sp, 0);
	states[0].seg[SEG_SS].attr |= 0x60;
	set_bit(VPF_DOWN, &v0->wait_flags);
	assert_int_equal(arch_get_vcpucontext(v0, (u64)&again), 0);
	assert_int_equal(again.flags, VGCF_I387_VALID);
	assert_int_equal(again.gs_base_user, 0x5000);
	assert_int_equal(again.gs_base_kernel, 0x7000);
	states[0].seg[SEG_SS].attr &= ~0x60;

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		struct x86_vcpu before = *v;
		struct hvm_state was = states[0];

		again = c;
		again.user_regs.rbx = 5;
		memcpy((u8 *)&again + rows[i].at, &rows[i].bad, 8);
		assert_int_equal(arch_set_vcpucontext(v0, (u64)&again), -EINVAL);
		assert_memory_equal(v, &before, sizeof(before));
		assert_memory_equal(&states[0], &was, sizeof(was));
	}
	c.user_regs.rax = 1;
	c.user_regs.rip += 3;
	c.user_regs.cs = c.user_regs.ss = 3;
	c.ctrlreg[3] = 0x9000;
	c.debugreg[0] = 0x44;
	memset(c.fpu_ctxt.x, 0xff, sizeof(c.fpu_ctxt.x));
	assert_int_equal(arch_set_vcpucontext(v0, (u64)&c), 0);
	assert_int_equal(v->gpr[REG_RAX], 1);
	assert_int_equal(v->gpr[REG_R15], 0x100 + REG_R15);
	assert_int_equal(v->dr[0], 0x44);
	assert_int_equal(states[0].rip, 0xffffffff81000003);
	assert_int_equal(states[0].cr3, 0x1000);
	assert_int_equal(states[0].seg[SEG_CS].sel, SEG_CS * 8);
	assert_int_equal(((u32 *)v->xsave)[6], 0xffff);	/* MXCSR that XRSTOR takes */
	assert_false(test_bit(VPF_DOWN, &v0->wait_flags));
	c.flags = 0;
	c.fpu_ctxt.x[0] = 7;
	assert_int_equal(arch_set_vcpucontext(v0, (u64)&c), 0);
	assert_true(test_bit(VPF_DOWN, &v0->wait_flags));
	assert_int_equal(((u8 *)v->xsave)[0], 0xff);
	v0->initialised = false; /* an INIT came meanwhile */
	assert_int_equal(arch_set_vcpucontext(v0, (u64)&c), -ENODATA);
	assert_int_equal(arch_set_vcpucontext(v0, 8), -EFAULT);
	assert_int_equal(arch_get_vcpucontext(v0, 8), -EFAULT);
}

/* Both forms of a start state: each register gets its value. */
static void initial_registers(void **state)
{
	struct vcpu_hvm_context c64 = { .mode = VCPU_HVM_MODE_64B }, c32 = { .mode = VCPU_HVM_MODE_32B };
	static const u64 order[] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
				     REG_RDI };
	struct vcpu *v1 = x->d.vcpu[1];

	c64.cpu_regs.x86_64 = (struct vcpu_hvm_x86_64){ .rax = 1, .rcx = 2, .rdx = 3, .rbx = 4, .rsp = 5,
							.rbp = 6,
		.rsi = 7, .rdi = 8, .rip = 0x9000, .rflags = 2, .cr0 = PG | PE, .cr3 = 0x1000, .cr4 = PAE,
		.efer = EFER_LME };
	c32.cpu_regs.x86_32 = (struct vcpu_hvm_x86_32){ .eax = 1, .ecx = 2, .edx = 3, .ebx = 4, .esp = 5,
							.ebp = 6,
		.esi = 7, .edi = 8, .eip = 0x9000, .eflags = 2, .cr0 = PE, .cr3 = 0x1000, .cr4 = PAE,
		.cs_ar = 0xc09b, .ss_ar = 0xc093, .tr_ar = 0x8b, .cs_limit = ~0u, .ss_limit = ~0u,
		.tr_limit = 0x67 };
	show_everything();
	set_bit(VPF_DOWN, &v1->wait_flags);
	for (unsigned int i = 0; i < 2; i++) {
		v1->initialised = false;
		memset(x86_vcpu(v1)->gpr, 0xff, sizeof(x86_vcpu(v1)->gpr));
		assert_int_equal(arch_vcpu_op_initialise(v1, i ? (u64)&c32 : (u64)&c64), 0);
		for (unsigned int n = 0; n < NR_REGS; n++)
			assert_int_equal(x86_vcpu(v1)->gpr[n < 8 ? order[n] : n], n < 8 ? n + 1 : 0);
		assert_int_equal(states[1].rip, 0x9000);
		assert_int_equal(states[1].rflags, 2);
		assert_int_equal(states[1].cr0 & ~0x10, i ? PE : PG | PE); /* ET is always 1 */
		assert_int_equal(states[1].cr3, 0x1000);
		assert_int_equal(states[1].cr4, PAE);
		assert_int_equal(states[1].efer, i ? 0 : LM);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	TEST(what_is_hidden),
	TEST(what_is_shown),
	TEST(apic_ids_are_twice_the_vcpu),
	TEST(state_shows),
	TEST(xens_leaves),
	TEST(sizes_of_the_xsave_area),
	TEST(policies_go_out_and_in),
	TEST(a_policy_of_ones),
	TEST(a_number_of_subleaves_of_ones),
	TEST(components_come_whole),
	TEST(machine_policies),
	TEST(guests_of_published_cpus),
	TEST(speculation_is_controlled_as_cpuid_says),
	TEST(spec_ctrl_goes_with_its_vcpu),
	TEST(simple_msrs),
	TEST(arch_capabilities),
	TEST(mtrrs),
	TEST(efer),
	TEST(state_msrs),
	TEST(tsc),
	TEST(hypercall_page),
	TEST(bad_xcr0),
	TEST(a_guest_has_no_ports),
	TEST(dom0_ends_the_machine),
	TEST(dom0s_ports),
	TEST(only_vcpus_with_a_record_come_up),
	TEST(bad_records),
	TEST(saved_state_comes_back),
	TEST(cr4_is_what_cpuid_shows),
	TEST(control_registers_fit_each_other),
	TEST(states_that_no_guest_makes),
	TEST(fixed_bits_are_made),
	TEST(pending_events),
	TEST(what_is_refused_changes_nothing),
	TEST(xsave_records),
	TEST(initial_states),
	TEST(contexts),
	TEST(initial_registers),
};

UNIT_MAIN(tests)
