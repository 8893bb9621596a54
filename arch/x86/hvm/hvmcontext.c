/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's CPU state as records (public/hvm/save.h; docs/abi.md, domctl): what tools set before
 * a domain starts, and what they save and restore.
 */
#include <public/hvm/save.h>

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/mtrr.h"
#include "arch/x86/hvm/regs.h"
#include "common/domctl.h"
#include "common/guest_access.h"
#include "common/hypercall.h"
#include "common/printk.h"
#include "common/time.h"

#define XSAVE_PREFIX offsetof(struct hvm_hw_cpu_xsave, save_area)
#define XSAVE_HEADER 512	/* of an XSAVE area */
#define MXCSR_OFFSET 24
#define MXCSR_VALID 0xffffu
#define RECORDS_PER_VCPU 20
#define EFER_VALID (EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | EFER_AUTO_IBRS)

/* The segments in both forms. */
#define SEGMENTS(X) \
	X(cs, CS) X(ds, DS) X(es, ES) X(fs, FS) X(gs, GS) X(ss, SS) X(tr, TR) X(ldtr, LDTR)
/* The rest of the record, and where the vCPU's state has it. */
#define FIELDS(X) X(rip, rip) X(rflags, rflags) X(cr0, cr0) X(cr2, cr2) X(cr3, cr3) X(cr4, cr4) \
	X(dr6, dr6) X(dr7, dr7) X(idtr_limit, idtr.limit) X(idtr_base, idtr.base) \
	X(gdtr_limit, gdtr.limit) X(gdtr_base, gdtr.base) \
	X(sysenter_cs, sysenter_cs) X(sysenter_esp, sysenter_esp) X(sysenter_eip, sysenter_eip) \
	X(shadow_gs, kernel_gs_base) X(msr_lstar, lstar) X(msr_star, star) X(msr_cstar, cstar) \
	X(msr_syscall_mask, sfmask)
#define DEBUG_REGS(X) X(dr0, dr[0]) X(dr1, dr[1]) X(dr2, dr[2]) X(dr3, dr[3])

/* The records of a domain as a stream in the caller's memory. buffer 0: only counts. */
struct stream {
	u64 buffer;
	u32 size, pos;
	int err;
	bool tsc_loaded;
	bool apply;	/* load: else the records are only looked at */
	bool ran;	/* load: a vCPU had a state before, so the domain is not new */
};

/* Adds bytes to the stream; bytes that do not fit are an error, but still count. */
static void put(struct stream *s, const void *data, u32 len)
{
	if (s->buffer && !s->err && len)
		s->err = len > s->size - min(s->pos, s->size) ? -ENOSPC
			 : copy_to_guest(s->buffer + s->pos, data, len);
	s->pos += len;
}

static void put_record(struct stream *s, u16 code, u16 instance, const void *data, u32 len)
{
	struct hvm_save_descriptor desc = { code, instance, len };

	put(s, &desc, sizeof(desc));
	put(s, data, len);
}

static void save_cpu(struct stream *s, struct x86_vcpu *x)
{
	struct hvm_hw_cpu c = { 0 };
	struct hvm_state st;

	hvm_ops->get_state(x, &st);
	memcpy(c.fpu_regs, x->xsave, sizeof(c.fpu_regs));
	c.flags = XEN_X86_FPU_INITIALISED;
#define GPR(field, reg) c.field = x->gpr[REG_##reg];
	HVM_GPRS(GPR)
#undef GPR
#define SEG(field, seg_name)					\
	c.field##_sel = st.seg[SEG_##seg_name].sel;		\
	c.field##_limit = st.seg[SEG_##seg_name].limit;		\
	c.field##_base = st.seg[SEG_##seg_name].base;		\
	c.field##_arbytes = st.seg[SEG_##seg_name].attr;
	SEGMENTS(SEG)
#undef SEG
#define FIELD(field, state) c.field = st.state;
	FIELDS(FIELD)
#undef FIELD
#define DEBUG_REG(field, reg) c.field = x->reg;
	DEBUG_REGS(DEBUG_REG)
#undef DEBUG_REG
	c.msr_efer = st.efer & EFER_VALID;
	c.msr_tsc_aux = x->tsc_aux;
	c.tsc = rdtsc() + x->tsc_offset;
	/* an exception that an instruction raised recurs by itself */
	if (st.pending_event && st.pending_type < HEV_SWINT) {
		c.pending_vector = st.pending_vector;
		c.pending_type = st.pending_type & 7;
		c.pending_valid = 1;
		c.error_code = st.pending_error;
	}
	put_record(s, HVM_SAVE_CODE_CPU, (u16)x->v.id, &c, sizeof(c));
}

static void save_lapic(struct stream *s, struct x86_vcpu *x)
{
	struct hvm_hw_lapic l = { .apic_base_msr = vlapic_get_base(&x->v),
				  .timer_divisor = x->vlapic.timer_divide };
	u32 regs[256];

	put_record(s, HVM_SAVE_CODE_LAPIC, (u16)x->v.id, &l, sizeof(l));
	vlapic_save_regs(&x->v, regs);
	put_record(s, HVM_SAVE_CODE_LAPIC_REGS, (u16)x->v.id, regs, sizeof(regs));
}

static void save_mtrr(struct stream *s, struct x86_vcpu *x)
{
	struct hvm_hw_mtrr m = { .msr_pat_cr = x->pat, .msr_mtrr_cap = MTRR_CAP_VALUE,
				 .msr_mtrr_def_type = x->mtrr_def_type };

	memcpy(m.msr_mtrr_var, x->mtrr_var, sizeof(m.msr_mtrr_var));
	memcpy(m.msr_mtrr_fixed, x->mtrr_fixed, sizeof(m.msr_mtrr_fixed));
	put_record(s, HVM_SAVE_CODE_MTRR, (u16)x->v.id, &m, sizeof(m));
}

static void save_xsave(struct stream *s, struct x86_vcpu *x)
{
	struct hvm_save_descriptor desc = { HVM_SAVE_CODE_CPU_XSAVE, (u16)x->v.id,
					    (u32)XSAVE_PREFIX + cpu_features.xsave_size };
	/* Accumulated: a guest without XSAVE uses x87 and SSE, and what it switched off may have state. */
	const u64 *area = x->xsave;
	u64 prefix[3] = { cpu_features.xcr0, x->xcr0, x->xcr0 | 3 | area[XSAVE_HEADER / 8] };

	_Static_assert(sizeof(prefix) == XSAVE_PREFIX, "feature mask, XCR0, accumulated XCR0");
	if (!cpu_features.xsave)
		return;
	put(s, &desc, sizeof(desc));
	put(s, prefix, sizeof(prefix));
	put(s, x->xsave, cpu_features.xsave_size);
}

static u64 spec_ctrl_bits(const struct x86_vcpu *x)
{
	return cpu_policy_spec_bits(x86_domain(x->v.domain)->cpuid, MSR_SPEC_CTRL);
}

/* As Xen: those that are not 0. Bits that the policy hides are not the guest's. */
static void save_msrs(struct stream *s, struct x86_vcpu *x)
{
	u64 val = hvm_ops->get_reg(x, HREG_SPEC_CTRL) & spec_ctrl_bits(x);
	const struct { u32 count, pad; struct hvm_one_msr msr; } r = { 1, 0, { MSR_SPEC_CTRL, 0, val } };

	if (val)
		put_record(s, HVM_SAVE_CODE_CPU_MSR, (u16)x->v.id, &r, sizeof(r));
}

static void save_vcpu(struct stream *s, struct x86_vcpu *x)
{
	struct hvm_vmce_vcpu vmce = { .caps = vmce_cap(), .mcg_ext_ctl = x->vmce.ext_ctl };
	struct hvm_tsc_adjust adjust = { 0 };

	if (!test_bit(VPF_DOWN, &x->v.wait_flags))
		save_cpu(s, x);
	save_lapic(s, x);
	save_mtrr(s, x);
	save_xsave(s, x);
	put_record(s, HVM_SAVE_CODE_VMCE_VCPU, (u16)x->v.id, &vmce, sizeof(vmce));
	put_record(s, HVM_SAVE_CODE_TSC_ADJUST, (u16)x->v.id, &adjust, sizeof(adjust));
	save_msrs(s, x);
}

long arch_get_hvmcontext(struct domain *d, u64 buffer, u32 *size)
{
	struct hvm_save_header header = { HVM_FILE_MAGIC, HVM_FILE_VERSION, 0, cpuid(1, 0).a,
					  arch_tsc_khz() };
	struct stream s = { .buffer = buffer, .size = *size };
	struct vcpu *v;

	put_record(&s, HVM_SAVE_CODE_HEADER, 0, &header, sizeof(header));
	for_each_vcpu(d, v) {
		spin_lock(&d->lock);
		ASSERT(vcpu_is_held(v));
		save_vcpu(&s, x86_vcpu(v));
		spin_unlock(&d->lock);
		irq_window();
	}
	put_record(&s, HVM_SAVE_CODE_END, 0, NULL, 0);
	*size = s.pos;
	return s.err;
}

/*
 * A saved TSC continues from where it was. All vCPUs get one offset, from the first record, so that
 * their TSCs stay in step. A new guest's (0) is the host's.
 */
static void load_tsc(struct x86_vcpu *x, struct stream *s, u64 tsc)
{
	struct vcpu *v;

	if (s->tsc_loaded)
		return;
	s->tsc_loaded = true;
	tsc -= rdtsc();
	for_each_vcpu(x->v.domain, v) {
		x86_vcpu(v)->tsc_offset = tsc;
		hvm_ops->set_tsc_offset(x86_vcpu(v), tsc);
	}
}

void hvm_load_fpu(struct x86_vcpu *x, const u8 fxsave[XSAVE_HEADER])
{
	memcpy(x->xsave, fxsave, XSAVE_HEADER);
	*(u32 *)((u8 *)x->xsave + MXCSR_OFFSET) &= MXCSR_VALID;
	if (cpu_features.xsave)
		*(u64 *)((u8 *)x->xsave + XSAVE_HEADER) |= 3;
}

/*
 * A kernel that continues in a new domain finds its ports masked until it unmasks them. Linux masks
 * 2-level ports at boot only, and counts on it after a restore, too: the IPI of its spinlocks it
 * never unmasks, and delivered it is a BUG.
 */
static void mask_ports(const struct evtchn_table *t)
{
	memset(READ_ONCE(t->mask), 0xff, (evtchn_is_32bit(t) ? EVTCHN_MAX_PORTS_32 : EVTCHN_2L_PORTS) / 8);
}

static int load_cpu(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	const struct hvm_hw_cpu *c = data;
	struct hvm_state st = { .pat = x->pat };

#define SEG(field, seg_name)					\
	st.seg[SEG_##seg_name] = (struct segment){ (u16)c->field##_sel, (u16)c->field##_arbytes, \
						   c->field##_limit, c->field##_base };
	SEGMENTS(SEG)
#undef SEG
#define FIELD(field, state) st.state = c->field;
	FIELDS(FIELD)
#undef FIELD
	st.efer = c->msr_efer;
	st.pending_event = c->pending_valid;
	st.pending_vector = c->pending_vector;
	st.pending_type = c->pending_type;
	st.pending_error = c->error_code;
	if (c->msr_tsc_aux >> 32 || hvm_state_check(x->v.domain, &st))
		return -EINVAL;
	if (!s->apply)
		return 0;
#define GPR(field, reg) x->gpr[REG_##reg] = c->field;
	HVM_GPRS(GPR)
#undef GPR
#define DEBUG_REG(field, reg) x->reg = c->field;
	DEBUG_REGS(DEBUG_REG)
#undef DEBUG_REG
	x->tsc_aux = c->msr_tsc_aux;
	if (c->flags & XEN_X86_FPU_INITIALISED)
		hvm_load_fpu(x, c->fpu_regs);
	if (c->tsc)
		load_tsc(x, s, c->tsc);
	if (!s->ran && st.cr0 & X86_CR0_PG)
		mask_ports(&x->v.domain->evtchn);
	hvm_ops->set_state(x, &st);
	x->boot_state = VB_RUNNING;
	x->v.initialised = true;
	clear_bit(VPF_DOWN, &x->v.wait_flags);
	return 0;
}

static int load_lapic(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	const struct hvm_hw_lapic *l = data;

	return vlapic_load_base(&x->v, l->apic_base_msr, s->apply);
}

static int load_lapic_regs(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	return vlapic_load_regs(&x->v, data, s->apply);
}

static int load_mtrr(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	const struct hvm_hw_mtrr *m = data;
	struct hvm_state st;
	bool ok;

	ok = memory_types_ok(m->msr_pat_cr, true) && hvm_mtrr_ok(MSR_MTRR_DEF_TYPE, m->msr_mtrr_def_type);
	for (u32 i = 0; i < ARRAY_SIZE(x->mtrr_var); i++)
		ok &= hvm_mtrr_ok(0x200 + i, m->msr_mtrr_var[i]);
	for (u32 i = 0; i < ARRAY_SIZE(x->mtrr_fixed); i++)
		ok &= hvm_mtrr_ok(0x250, m->msr_mtrr_fixed[i]); /* the fixed ranges are alike */
	if (!ok)
		return -EINVAL;
	if (!s->apply)
		return 0;
	memcpy(x->mtrr_var, m->msr_mtrr_var, sizeof(m->msr_mtrr_var));
	memcpy(x->mtrr_fixed, m->msr_mtrr_fixed, sizeof(m->msr_mtrr_fixed));
	x->mtrr_def_type = m->msr_mtrr_def_type;
	x->pat = m->msr_pat_cr;
	hvm_ops->get_state(x, &st);
	st.pat = m->msr_pat_cr;
	hvm_ops->set_state(x, &st);
	return 0;
}

/* Only values that XRSTOR accepts without a fault may get into the area. */
static int load_xsave(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	const struct hvm_hw_cpu_xsave *r = data;
	u64 bits = r->save_area.xsave_hdr.xstate_bv;
	u8 *area = x->xsave;

	if (!cpu_features.xsave || !hvm_xcr0_ok(x->v.domain, r->xcr0) || bits & ~r->xcr0_accum ||
	    bits & ~cpu_policy_xcr0(x86_domain(x->v.domain)->cpuid) || r->save_area.xsave_hdr.xcomp_bv)
		return -EINVAL;
	if (!s->apply)
		return 0;
	memset(area, 0, cpu_features.xsave_size);
	if (copy_from_guest(area, s->buffer + s->pos + XSAVE_PREFIX,
			    min(len - (u32)XSAVE_PREFIX, cpu_features.xsave_size)))
		return -EFAULT;
	*(u32 *)(area + MXCSR_OFFSET) &= MXCSR_VALID;
	memset(area + XSAVE_HEADER, 0, sizeof(r->save_area.xsave_hdr));
	memcpy(area + XSAVE_HEADER, &bits, sizeof(bits));
	x->xcr0 = r->xcr0;
	return 0;
}

static int load_vmce(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	const struct hvm_vmce_vcpu *m = data;

	if (m->mcg_ext_ctl & ~MCG_LMCE_EN)
		return -EINVAL;
	if (s->apply)
		x->vmce.ext_ctl = m->mcg_ext_ctl;
	return 0;
}

/* Of the MSRs that Xen saves here Keel's guests have only SPEC_CTRL. Others must be 0. */
static int load_msrs(struct x86_vcpu *x, struct stream *s, const void *data, u32 len)
{
	struct hvm_one_msr m;
	struct hvm_state st;
	u32 count = *(const u32 *)data;

	if (count > (len - sizeof(struct hvm_msr)) / sizeof(m))
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		if (copy_elem_from_guest(&m, s->buffer + s->pos + sizeof(struct hvm_msr), i, sizeof(m)))
			return -EFAULT;
		if (m.val && (m.index != MSR_SPEC_CTRL || m.val & ~spec_ctrl_bits(x)))
			return -ENXIO;
		if (!s->apply || m.index != MSR_SPEC_CTRL)
			continue;
		hvm_ops->get_state(x, &st);
		st.spec_ctrl = m.val;
		hvm_ops->set_state(x, &st);
	}
	return 0;
}

/* Records for devices that a PVH guest does not have are skipped. */
static const struct { u32 min_len; int (*fn)(struct x86_vcpu *, struct stream *, const void *, u32);
		      } loaders[HVM_SAVE_CODE_MAX + 1] = {
	[HVM_SAVE_CODE_CPU] = { sizeof(struct hvm_hw_cpu), load_cpu },
	[HVM_SAVE_CODE_LAPIC] = { sizeof(struct hvm_hw_lapic), load_lapic },
	[HVM_SAVE_CODE_LAPIC_REGS] = { sizeof(struct hvm_hw_lapic_regs), load_lapic_regs },
	[HVM_SAVE_CODE_MTRR] = { sizeof(struct hvm_hw_mtrr), load_mtrr },
	[HVM_SAVE_CODE_CPU_XSAVE] = { sizeof(struct hvm_hw_cpu_xsave), load_xsave },
	[HVM_SAVE_CODE_VMCE_VCPU] = { sizeof(struct hvm_vmce_vcpu), load_vmce },
	[HVM_SAVE_CODE_CPU_MSR] = { sizeof(struct hvm_msr), load_msrs },
};

/* The next record's description; its data then begins at s->pos. */
static int next_record(struct stream *s, struct hvm_save_descriptor *desc)
{
	if (s->size - s->pos < sizeof(*desc))
		return -ENODATA;
	if (copy_from_guest(desc, s->buffer + s->pos, sizeof(*desc)))
		return -EFAULT;
	s->pos += sizeof(*desc);
	return desc->length > s->size - s->pos ? -ENODATA : 0;
}

static int check_header(struct stream *s)
{
	struct hvm_save_descriptor desc;
	struct hvm_save_header header;
	int rc = next_record(s, &desc);

	if (rc)
		return rc;
	if (desc.typecode != HVM_SAVE_CODE_HEADER || desc.length < sizeof(header))
		return -EINVAL;
	if (copy_from_guest(&header, s->buffer + s->pos, sizeof(header)))
		return -EFAULT;
	if (header.magic != HVM_FILE_MAGIC || header.version != HVM_FILE_VERSION)
		return -EINVAL;
	s->pos += desc.length;
	return 0;
}

static int load_record(struct domain *d, struct stream *s, const struct hvm_save_descriptor *desc)
{
	union { struct hvm_hw_cpu cpu; struct hvm_hw_lapic_regs regs; struct hvm_hw_mtrr mtrr; } data;
	struct vcpu *v;
	u32 type;
	int rc;

	if (desc->typecode > HVM_SAVE_CODE_MAX)
		return -EINVAL;
	type = (u32)index_nospec(desc->typecode, ARRAY_SIZE(loaders));
	if (!loaders[type].fn)
		return 0;
	v = domain_vcpu(d, desc->instance);
	if (!v || desc->length < loaders[type].min_len)
		return -EINVAL;
	if (copy_from_guest(&data, s->buffer + s->pos, loaders[type].min_len))
		return -EFAULT;
	spin_lock(&d->lock);
	ASSERT(vcpu_is_held(v));
	rc = loaders[type].fn(x86_vcpu(v), s, &data, desc->length);
	spin_unlock(&d->lock);
	return rc;
}

static int load_records(struct domain *d, struct stream *s)
{
	struct hvm_save_descriptor desc;
	int rc = check_header(s);

	if (rc)
		return rc;
	for (unsigned int n = 0; n < RECORDS_PER_VCPU * d->max_vcpus + RECORDS_PER_VCPU; n++) {
		rc = next_record(s, &desc);
		if (rc || desc.typecode == HVM_SAVE_CODE_END)
			return rc;
		rc = load_record(d, s, &desc);
		if (rc) {
			pr_info("d%u: record %u of vCPU %u refused: %d", d->id, desc.typecode, desc.instance, rc);
			return rc;
		}
		s->pos += desc.length;
		irq_window();
	}
	return -E2BIG;
}

/*
 * All vCPUs go down, and those with a CPU record come up. A refusal changes nothing, unless the
 * caller changes the records meanwhile: the second pass checks them again.
 */
long arch_set_hvmcontext(struct domain *d, u64 buffer, u32 size)
{
	struct stream s = { .buffer = buffer, .size = size };
	struct vcpu *v;
	int rc;

	rc = load_records(d, &s);
	if (rc)
		return rc;
	spin_lock(&d->lock);
	for_each_vcpu(d, v) {
		set_bit(VPF_DOWN, &v->wait_flags);
		s.ran |= v->initialised;
	}
	spin_unlock(&d->lock);
	s.pos = 0;
	s.apply = true;
	return load_records(d, &s);
}
