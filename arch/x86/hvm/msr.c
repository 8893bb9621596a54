/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs of a guest, as a table: ranges with what a read gives and what a write does. An MSR that is
 * not in it raises #GP, with a line in the log. Intel SDM vol. 4; AMD APM vol. 2, appendix A, and
 * the processors' PPRs. The table has those that Linux uses.
 *
 * The most frequent ones, x2APIC registers, bypass the table.
 */
#include <public/cpuid.h>
#include <public/errno.h>

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/mtrr.h"
#include "arch/x86/hvm/regs.h"
#include "common/compat.h"
#include "common/guest_access.h"
#include "common/printk.h"
#include "common/time.h"

#define MTRR_DEF_TYPE_BITS (0xffull | BIT(10) | BIT(11))
#define HYPERCALLS_IN_PAGE (PAGE_SIZE / XEN_HYPERCALL_STUB_SIZE)
#define HYPERCALL_IRET 23

struct msr_entry {
	u32 first, last;
	int (*read)(struct vcpu *v, u32 msr, u64 *val);		/* NULL: #GP, without a line */
	int (*write)(struct vcpu *v, u32 msr, u64 val);
	u64 value;	/* for read_value */
};

static const struct msr_entry *find_msr(u32 msr);

static int read_value(struct vcpu *v, u32 msr, u64 *val)
{
	*val = find_msr(msr)->value;
	return 0;
}

static int write_ignore(struct vcpu *v, u32 msr, u64 val) { return 0; }

static int read_arch_caps(struct vcpu *v, u32 msr, u64 *val)
{
	const struct cpu_policy *p = x86_domain(v->domain)->cpuid;

	*val = p->arch_caps;
	return p->feat[0].d & BIT(29) ? 0 : -EINVAL;
}

static int read_tsc(struct vcpu *v, u32 msr, u64 *val)
{
	*val = rdtsc() + x86_vcpu(v)->tsc_offset;
	return 0;
}

static int write_tsc(struct vcpu *v, u32 msr, u64 val)
{
	struct x86_vcpu *x = x86_vcpu(v);

	x->tsc_offset = val - rdtsc();
	hvm_ops->set_tsc_offset(x, x->tsc_offset);
	v->time_version = 0; /* the guest's clock is based on the new count */
	vcpu_time_update(v);
	return 0;
}

static u64 *mtrr_of(struct x86_vcpu *x, u32 msr)
{
	if (msr == MSR_MTRR_DEF_TYPE)
		return &x->mtrr_def_type;
	if (msr < 0x250)
		return &x->mtrr_var[index_nospec(msr - 0x200, ARRAY_SIZE(x->mtrr_var))];
	msr = msr == 0x250 ? 0 : msr < 0x268 ? msr - 0x258 + 1 : msr - 0x268 + 3;
	return &x->mtrr_fixed[index_nospec(msr, ARRAY_SIZE(x->mtrr_fixed))];
}

static int read_mtrr(struct vcpu *v, u32 msr, u64 *val)
{
	*val = *mtrr_of(x86_vcpu(v), msr);
	return 0;
}

bool hvm_mtrr_ok(u32 msr, u64 val)
{
	if (msr == MSR_MTRR_DEF_TYPE)
		return !(val & ~MTRR_DEF_TYPE_BITS) && memory_type_ok((u8)val);
	if (msr < 0x250)
		return !(val >> cpu_features.phys_bits) && (msr & 1 || memory_type_ok((u8)val));
	return memory_types_ok(val, false);
}

/* Kept, and without effect: nested paging takes the type from the guest's PAT and Keel's tables. */
static int write_mtrr(struct vcpu *v, u32 msr, u64 val)
{
	if (!hvm_mtrr_ok(msr, val))
		return -EINVAL;
	*mtrr_of(x86_vcpu(v), msr) = val;
	return 0;
}

static int read_efer(struct vcpu *v, u32 msr, u64 *val)
{
	*val = hvm_ops->get_reg(x86_vcpu(v), HREG_EFER) & ~EFER_SVME;
	return 0;
}

/* LMA is the CPU's to set; LME cannot change while paging is on, since they would no longer fit. */
static int write_efer(struct vcpu *v, u32 msr, u64 val)
{
	struct x86_vcpu *x = x86_vcpu(v);
	struct hvm_paging p;

	hvm_ops->get_paging(x, &p);
	p.efer = (val & ~EFER_LMA) | (p.efer & EFER_LMA);
	if (!hvm_paging_ok(v->domain, &p))
		return -EINVAL;
	hvm_ops->set_reg(x, HREG_EFER, p.efer);
	return 0;
}

/* Registers that the vendor's part keeps. They come here only where its bitmap lets them exit. */
enum value_kind { ANY, ADDRESS, LOW_HALF, TYPES };

static const struct { u32 msr; u16 offset; enum value_kind kind; } state_msrs[] = {
#define ROW(msr, field, kind) { msr, offsetof(struct hvm_state, field), kind }
	ROW(MSR_SYSENTER_CS, sysenter_cs, LOW_HALF),
	ROW(MSR_SYSENTER_ESP, sysenter_esp, ADDRESS),
	ROW(MSR_SYSENTER_EIP, sysenter_eip, ADDRESS),
	ROW(MSR_STAR, star, ANY),
	ROW(MSR_LSTAR, lstar, ADDRESS),
	ROW(MSR_CSTAR, cstar, ADDRESS),
	ROW(MSR_SFMASK, sfmask, LOW_HALF),
	ROW(MSR_FS_BASE, seg[SEG_FS].base, ADDRESS),
	ROW(MSR_GS_BASE, seg[SEG_GS].base, ADDRESS),
	ROW(MSR_KERNEL_GS_BASE, kernel_gs_base, ADDRESS),
	ROW(MSR_PAT, pat, TYPES),
#undef ROW
};

static u64 *state_field(const struct hvm_state *s, unsigned int i)
{
	return (u64 *)((char *)s + state_msrs[i].offset);
}

static unsigned int state_row(u32 msr)
{
	unsigned int i = 0;

	while (state_msrs[i].msr != msr)
		i++;
	return i;
}

static bool state_msr_ok(const struct hvm_state *s, unsigned int i)
{
	u64 val = *state_field(s, i);

	switch (state_msrs[i].kind) {
	case ADDRESS:
		return hvm_canonical(s->cr4, val);
	case LOW_HALF:
		return !(val >> 32);
	case TYPES:
		return memory_types_ok(val, true);
	default:
		return true;
	}
}

bool hvm_state_msrs_ok(const struct hvm_state *s)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(state_msrs); i++)
		if (!state_msr_ok(s, i))
			return false;
	return true;
}

static int read_state(struct vcpu *v, u32 msr, u64 *val)
{
	struct hvm_state s;

	hvm_ops->get_state(x86_vcpu(v), &s);
	*val = *state_field(&s, state_row(msr));
	return 0;
}

static int write_state(struct vcpu *v, u32 msr, u64 val)
{
	struct x86_vcpu *x = x86_vcpu(v);
	struct hvm_state s;

	hvm_ops->get_state(x, &s);
	*state_field(&s, state_row(msr)) = val;
	if (!state_msr_ok(&s, state_row(msr)))
		return -EINVAL;
	if (msr == MSR_PAT)
		x->pat = val;
	hvm_ops->set_state(x, &s);
	return 0;
}

static int read_tsc_aux(struct vcpu *v, u32 msr, u64 *val)
{
	if (!cpu_features.rdtscp)
		return -EINVAL;
	*val = x86_vcpu(v)->tsc_aux;
	return 0;
}

/* RDTSCP and RDPID read the CPU's own register. */
static int write_tsc_aux(struct vcpu *v, u32 msr, u64 val)
{
	if (!cpu_features.rdtscp || val >> 32)
		return -EINVAL;
	x86_vcpu(v)->tsc_aux = val;
	wrmsr(MSR_TSC_AUX, val);
	return 0;
}

static int read_spec_ctrl(struct vcpu *v, u32 msr, u64 *val)
{
	*val = hvm_ops->get_reg(x86_vcpu(v), HREG_SPEC_CTRL);
	return cpu_policy_spec_bits(x86_domain(v->domain)->cpuid, msr) ? 0 : -EINVAL;
}

/* What PRED_CMD and FLUSH_CMD do for a guest's own processes hurts nobody else. */
static int write_spec_msr(struct vcpu *v, u32 msr, u64 val)
{
	u64 allowed = cpu_policy_spec_bits(x86_domain(v->domain)->cpuid, msr);

	if (!allowed || val & ~allowed)
		return -EINVAL;
	if (msr == MSR_SPEC_CTRL)
		hvm_ops->set_reg(x86_vcpu(v), HREG_SPEC_CTRL, val);
	return msr != MSR_SPEC_CTRL && val && wrmsr_safe(msr, val) ? -EINVAL : 0;
}

static int read_microcode(struct vcpu *v, u32 msr, u64 *val)
{
	if (rdmsr_safe(msr, val))
		*val = 0;
	return 0;
}

/*
 * 32 bytes a hypercall (XEN_HYPERCALL_STUB_SIZE): mov $nr, %eax; the instruction; ret. iret has no
 * place here.
 */
static int write_hypercall_page(struct vcpu *v, u32 msr, u64 val)
{
	u8 stub[XEN_HYPERCALL_STUB_SIZE];
	struct domain *d = v->domain;

	if (val & (PAGE_SIZE - 1) || compat_latch())	/* which page: there is one */
		return -EINVAL;
	for (u32 i = 0; i < HYPERCALLS_IN_PAGE; i++) {
		memset(stub, 0xcc, sizeof(stub));
		stub[0] = 0xb8;
		memcpy(&stub[1], &i, sizeof(i));
		memcpy(&stub[5], cpuid_hypercall_insn(), 3);
		stub[8] = 0xc3;
		if (i == HYPERCALL_IRET)
			memcpy(stub, "\x0f\x0b", 2);	/* ud2 */
		if (copy_to_gpa(d, val + i * sizeof(stub), stub, sizeof(stub)))
			return -EINVAL;
	}
	return 0;
}

/* In order of their numbers. */
static const struct msr_entry msrs[] = {
	{ MSR_TSC, MSR_TSC, read_tsc, write_tsc, 0 },
	{ 0x17, 0x17, read_value, NULL, 0 },			/* PLATFORM_ID */
	{ 0x2a, 0x2a, read_value, write_ignore, 0 },		/* EBL_CR_POWERON */
	{ 0x34, 0x34, read_value, NULL, 0 },			/* SMI_COUNT */
	/* locked, with local machine checks and nothing else */
	{ MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, read_value, NULL, BIT(0) | BIT(20) },
	{ MSR_SPEC_CTRL, MSR_SPEC_CTRL, read_spec_ctrl, write_spec_msr, 0 },
	{ MSR_PRED_CMD, MSR_PRED_CMD, NULL, write_spec_msr, 0 },
	{ 0x79, 0x79, NULL, write_ignore, 0 },			/* microcode update: the host's business */
	{ 0x8b, 0x8b, read_microcode, write_ignore, 0 },
	{ 0xc1, 0xc8, NULL, NULL, 0 },				/* performance counters: there is no PMU */
	{ MSR_INTEL_PLATFORM_INFO, MSR_INTEL_PLATFORM_INFO, read_value, NULL, 0 },
	{ 0xe7, 0xe8, NULL, NULL, 0 },				/* MPERF, APERF */
	{ MSR_MTRRCAP, MSR_MTRRCAP, read_value, NULL, MTRR_CAP_VALUE },
	{ MSR_ARCH_CAPABILITIES, MSR_ARCH_CAPABILITIES, read_arch_caps, NULL, 0 },
	{ MSR_FLUSH_CMD, MSR_FLUSH_CMD, NULL, write_spec_msr, 0 },
	{ 0x140, 0x140, NULL, NULL, 0 },			/* MISC_FEATURES_ENABLES */
	{ MSR_SYSENTER_CS, MSR_SYSENTER_EIP, read_state, write_state, 0 },
	{ MSR_MCG_CAP, MSR_MCG_STATUS, vmce_read, vmce_write, 0 },
	{ 0x186, 0x18d, NULL, NULL, 0 },			/* event selects */
	{ 0x198, 0x199, read_value, write_ignore, 0 },		/* PERF_STATUS, PERF_CTL */
	/* fast strings; branch trace and PEBS are not there */
	{ MSR_MISC_ENABLE, MSR_MISC_ENABLE, read_value, write_ignore, BIT(0) | BIT(11) | BIT(12) },
	{ 0x1d9, 0x1d9, read_value, write_ignore, 0 },		/* DEBUGCTL */
	{ 0x1db, 0x1de, read_value, NULL, 0 },			/* last branch and exception */
	{ 0x200, 0x20f, read_mtrr, write_mtrr, 0 },
	{ 0x250, 0x250, read_mtrr, write_mtrr, 0 },
	{ 0x258, 0x259, read_mtrr, write_mtrr, 0 },
	{ 0x268, 0x26f, read_mtrr, write_mtrr, 0 },
	{ MSR_PAT, MSR_PAT, read_state, write_state, 0 },
	{ MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, read_mtrr, write_mtrr, 0 },
	{ 0x309, 0x30b, NULL, NULL, 0 },			/* fixed counters */
	{ 0x345, 0x345, read_value, NULL, 0 },			/* PERF_CAPABILITIES */
	{ 0x38d, 0x390, NULL, NULL, 0 },
	{ MSR_MC_CTL(0), MSR_MC_CTL(2) - 1, vmce_read, vmce_write, 0 },
	{ MSR_MCG_EXT_CTL, MSR_MCG_EXT_CTL, vmce_read, vmce_write, 0 },
	{ 0x606, 0x65c, NULL, NULL, 0 },			/* RAPL */
	{ XEN_HYPERCALL_PAGE_MSR, XEN_HYPERCALL_PAGE_MSR, NULL, write_hypercall_page, 0 },
	{ MSR_EFER, MSR_EFER, read_efer, write_efer, 0 },
	{ MSR_STAR, MSR_SFMASK, read_state, write_state, 0 },
	{ 0xc00000e7, 0xc00000e8, NULL, NULL, 0 },		/* read-only MPERF, APERF */
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, read_state, write_state, 0 },
	{ MSR_TSC_AUX, MSR_TSC_AUX, read_tsc_aux, write_tsc_aux, 0 },
	{ 0xc0010000, 0xc0010007, NULL, NULL, 0 },		/* AMD performance counters */
	{ 0xc0010010, 0xc0010010, read_value, write_ignore, 0 },	/* SYSCFG */
	/* HWCR: the TSC runs at P0's speed */
	{ 0xc0010015, 0xc0010015, read_value, write_ignore, BIT(24) },
	{ 0xc001001f, 0xc001001f, read_value, write_ignore, 0 },	/* NB_CFG */
	{ 0xc0010020, 0xc0010020, NULL, write_ignore, 0 },	/* microcode */
	{ 0xc0010055, 0xc0010055, read_value, write_ignore, 0 },	/* interrupt pending message */
	{ 0xc0010058, 0xc0010058, read_value, write_ignore, 0 },	/* MMIO_CFG_BASE */
	{ 0xc0010061, 0xc001006b, NULL, NULL, 0 },		/* P-states */
	{ 0xc0010114, 0xc0010114, read_value, NULL, BIT(3) | BIT(4) },	/* VM_CR: SVM off, locked */
	{ 0xc0010140, 0xc0010141, read_value, NULL, 0 },	/* OSVW */
	{ 0xc0010200, 0xc001020b, NULL, NULL, 0 },
	{ 0xc0010299, 0xc001029b, NULL, NULL, 0 },		/* RAPL */
	{ 0xc0011000, 0xc0011028, read_value, write_ignore, 0 },	/* the core's own configuration */
	{ 0xc0011029, 0xc0011029, read_value, write_ignore, BIT(1) },	/* DE_CFG: LFENCE serialises */
	{ 0xc001102a, 0xc001103f, read_value, write_ignore, 0 },
};

static const struct msr_entry *find_msr(u32 msr)
{
	unsigned int lo = 0, hi = ARRAY_SIZE(msrs);

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (msr > msrs[mid].last)
			lo = mid + 1;
		else if (msr < msrs[mid].first)
			hi = mid;
		else
			return &msrs[mid];
	}
	return NULL;
}

static bool is_apic_msr(u32 msr)
{
	return (msr & ~0xffu) == 0x800 || msr == MSR_APIC_BASE || msr == MSR_TSC_DEADLINE;
}

int hvm_rdmsr(struct vcpu *v, u32 msr, u64 *val)
{
	const struct msr_entry *e;

	if (is_apic_msr(msr))
		return vlapic_msr_read(v, msr, val);
	e = find_msr(msr);
	if (e)
		return e->read ? e->read(v, msr, val) : -EINVAL;
	pr_guest(v->domain, "vCPU %u reads the unknown MSR %#x: #GP", v->id, msr);
	return -EINVAL;
}

int hvm_wrmsr(struct vcpu *v, u32 msr, u64 val)
{
	const struct msr_entry *e;

	if (is_apic_msr(msr))
		return vlapic_msr_write(v, msr, val);
	e = find_msr(msr);
	if (e)
		return e->write ? e->write(v, msr, val) : -EINVAL;
	pr_guest(v->domain, "vCPU %u writes %#lx to the unknown MSR %#x: #GP", v->id, val, msr);
	return -EINVAL;
}

/* The guest's XCR0 is loaded while it is current, also inside Keel. */
int hvm_xsetbv(struct vcpu *v, u32 index, u64 val)
{
	if (index || !hvm_xcr0_ok(v->domain, val) || !xsetbv_try(0, val))
		return -EINVAL;
	x86_vcpu(v)->xcr0 = val;
	return 0;
}
