/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a VM entry is refused: the CPU says only that the guest's state is bad. The same
 * checks in the order of SDM vol. 3, 27.3.1, each message begins with its group.
 */
#include "arch/x86/vmx/fields.h"

#include "arch/x86/hvm/regs.h"
#include "arch/x86/vmx/vmcs.h"

#define SEG(v, seg, part) ((v)[(seg) * 4 + VD_ES_##part])
#define CS_ATTR(v) SEG(v, SEG_CS, ATTR)

enum { TYPE = 15, S = BIT(4), P = BIT(7), L = BIT(13), DB = BIT(14), G = BIT(15) };

static unsigned int dpl(u64 attr) { return attr >> 5 & 3; }

static bool ia32e(const u64 *v) { return v[VD_ENTRY_CTLS] & ENTRY_IA32E; }

/* 27.3.1.1 */
static const char *check_registers(const u64 *v, unsigned int phys_bits)
{
	u64 cr0 = v[VD_CR0], efer = v[VD_EFER];

	if (cr0 & X86_CR0_PG && !(cr0 & X86_CR0_PE))
		return "control registers: paging without protected mode";
	if (ia32e(v) && !(cr0 & X86_CR0_PG && v[VD_CR4] & X86_CR4_PAE))
		return "control registers: IA-32e mode without paging or PAE";
	if (!ia32e(v) && v[VD_CR4] & X86_CR4_PCIDE)
		return "control registers: PCIDE outside IA-32e mode";
	if (v[VD_CR3] >> phys_bits)
		return "control registers: CR3 is beyond the physical addresses";
	if (v[VD_DR7] >> 32)
		return "debug registers: DR7 has high bits";
	if (!hvm_canonical(v[VD_CR4], v[VD_SYSENTER_ESP]) || !hvm_canonical(v[VD_CR4], v[VD_SYSENTER_EIP]))
		return "MSRs: a SYSENTER address is not canonical";
	for (unsigned int i = 0; i < 64; i += 8)
		if ((v[VD_PAT] >> i & 0xff) > 7 || (v[VD_PAT] >> i & 0xfe) == 2)
			return "MSRs: the PAT has a type that does not exist";
	if (efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
		return "MSRs: EFER has reserved bits";
	if (!!(efer & EFER_LMA) != ia32e(v) ||
	    (cr0 & X86_CR0_PG && !(efer & EFER_LMA) != !(efer & EFER_LME)))
		return "MSRs: EFER.LMA, EFER.LME and the entry's mode differ";
	return NULL;
}

static const char *check_v8086(const u64 *v)
{
	for (unsigned int i = SEG_ES; i <= SEG_GS; i++)
		if (SEG(v, i, BASE) != SEG(v, i, SEL) << 4 || SEG(v, i, LIMIT) != 0xffff ||
		    SEG(v, i, ATTR) != 0xf3)
			return "segments: base, limit or access rights are not those of virtual-8086 mode";
	return NULL;
}

static bool granularity_ok(const u64 *v, unsigned int seg)
{
	u64 limit = SEG(v, seg, LIMIT);

	if (~limit & 0xfff && SEG(v, seg, ATTR) & G)
		return false;
	return !(limit >> 20) || SEG(v, seg, ATTR) & G;
}

static const char *check_code(const u64 *v)
{
	u64 attr = CS_ATTR(v), ss = SEG(v, SEG_SS, ATTR);
	unsigned int type = attr & TYPE;

	if (attr & ATTR_UNUSABLE || !(attr & S) || !(attr & P) || attr >> 8 & 15)
		return "segments: CS is unusable, absent or no code segment";
	if (type != 3 && !(type & 8 && type & 1))
		return "segments: CS has a type that is not accessed code";
	if ((type == 3 && dpl(attr)) || ((type & 12) == 8 && dpl(attr) != dpl(ss)) ||
	    ((type & 12) == 12 && dpl(attr) > dpl(ss)))
		return "segments: CS's privilege level does not fit SS's";
	if (ia32e(v) && attr & L && attr & DB)
		return "segments: CS is 64-bit and 32-bit code at once";
	return NULL;
}

static const char *check_data(const u64 *v, unsigned int seg)
{
	u64 attr = SEG(v, seg, ATTR);

	if (attr & ATTR_UNUSABLE)
		return NULL;
	if (seg != SEG_FS && seg != SEG_GS && SEG(v, seg, BASE) >> 32)
		return "segments: a data segment's base has high bits";
	if (!(attr & S) || !(attr & P) || attr >> 8 & 15)
		return "segments: a data segment is absent or a system segment";
	if (seg == SEG_SS ? (attr & TYPE) != 3 && (attr & TYPE) != 7 : !(attr & 1) ||
	    ((attr & 8) && !(attr & 2)))
		return "segments: a data segment's type is not accessed, or not readable";
	if (seg == SEG_SS && dpl(attr) && !(v[VD_CR0] & X86_CR0_PE))
		return "segments: SS has a privilege level in real mode";
	return granularity_ok(v, seg) ? NULL : "segments: a limit does not fit its granularity";
}

static const char *check_system(const u64 *v)
{
	u64 tr = SEG(v, SEG_TR, ATTR), ldtr = SEG(v, SEG_LDTR, ATTR);

	if (tr & ATTR_UNUSABLE || tr & S || !(tr & P) ||
	    ((tr & TYPE) != 11 && ((tr & TYPE) != 3 || ia32e(v))))
		return "segments: TR is no busy task state segment";
	if (SEG(v, SEG_TR, SEL) & 4 || !granularity_ok(v, SEG_TR))
		return "segments: TR's selector or limit";
	if (!(ldtr & ATTR_UNUSABLE) &&
	    ((ldtr & TYPE) != 2 || ldtr & S || !(ldtr & P) || SEG(v, SEG_LDTR, SEL) & 4 ||
					!granularity_ok(v, SEG_LDTR)))
		return "segments: LDTR is no local descriptor table";
	if (!hvm_canonical(v[VD_CR4], SEG(v, SEG_TR, BASE)) ||
	    !hvm_canonical(v[VD_CR4], SEG(v, SEG_FS, BASE)) ||
	    !hvm_canonical(v[VD_CR4], SEG(v, SEG_GS, BASE)) || SEG(v, SEG_CS, BASE) >> 32 ||
	    (!(ldtr & ATTR_UNUSABLE) && !hvm_canonical(v[VD_CR4], SEG(v, SEG_LDTR, BASE))))
		return "segments: a base is not canonical";
	return NULL;
}

/* 27.3.1.2 */
static const char *check_segments(const u64 *v)
{
	const char *why = check_system(v);

	if (why)
		return why;
	if (v[VD_RFLAGS] & X86_EFLAGS_VM)
		return check_v8086(v);
	why = check_code(v);
	if (!why && !granularity_ok(v, SEG_CS))
		why = "segments: CS's limit does not fit its granularity";
	for (unsigned int i = SEG_ES; i <= SEG_GS && !why; i++)
		if (i != SEG_CS)
			why = check_data(v, i);
	return why;
}

/* 27.3.1.3 and 27.3.1.4 */
static const char *check_tables_and_flags(const u64 *v)
{
	u64 flags = v[VD_RFLAGS];

	if (!hvm_canonical(v[VD_CR4], v[VD_GDTR_BASE]) || !hvm_canonical(v[VD_CR4], v[VD_IDTR_BASE]))
		return "descriptor tables: a base is not canonical";
	if (v[VD_GDTR_LIMIT] >> 16 || v[VD_IDTR_LIMIT] >> 16)
		return "descriptor tables: a limit has more than 16 bits";
	if (!(ia32e(v) && CS_ATTR(v) & L) && v[VD_RIP] >> 32)
		return "RIP: has high bits outside 64-bit code";
	if (ia32e(v) && CS_ATTR(v) & L && !hvm_canonical(v[VD_CR4], v[VD_RIP]))
		return "RIP: is not canonical";
	if (flags & ~0x3f7fd7ull || !(flags & 2))
		return "RFLAGS: reserved bits";
	if (flags & X86_EFLAGS_VM && (ia32e(v) || !(v[VD_CR0] & X86_CR0_PE)))
		return "RFLAGS: virtual-8086 mode outside legacy protected mode";
	return NULL;
}

/* 27.3.1.5, and 27.2.1.3 for what is injected */
static const char *check_events(const u64 *v)
{
	u64 blocked = v[VD_INTERRUPTIBILITY], event = v[VD_ENTRY_INTR];
	bool if_flag = v[VD_RFLAGS] & X86_EFLAGS_IF, valid = event & INTR_INFO_VALID;
	unsigned int type = event >> 8 & 7;

	if (v[VD_ACTIVITY] > 3)
		return "activity: a state that does not exist";
	if (blocked & ~0x1full || (blocked & 3) == 3 || (blocked & 1 && !if_flag))
		return "interruptibility: blocking bits that exclude each other or the interrupt flag";
	if (valid && type == HEV_INTR && (!if_flag || blocked & 3))
		return "injection: an interrupt while the guest cannot take one";
	if (valid && type == HEV_NMI && blocked & 2)
		return "injection: an NMI behind a load of SS";
	if (valid && event & INTR_INFO_ERROR && !(v[VD_CR0] & X86_CR0_PE))
		return "injection: an error code in real mode";
	if (blocked & 3 && !(v[VD_PENDING_DEBUG] & BIT(14)) != !(v[VD_RFLAGS] & X86_EFLAGS_TF))
		return "pending debug exceptions: single-step does not fit RFLAGS.TF";
	if (v[VD_LINK] != ~0ull)
		return "VMCS link pointer: set without VMCS shadowing";
	return NULL;
}

const char *vmx_check_guest(const u64 *v, unsigned int phys_bits)
{
	const char *why = check_registers(v, phys_bits);

	why = why ? why : check_segments(v);
	why = why ? why : check_tables_and_flags(v);
	return why ? why : check_events(v);
}

const char *vmx_error_name(u32 error)
{
	static const char *const names[] = {
		[4] = "VMLAUNCH of a VMCS that is not clear",
		[5] = "VMRESUME of a VMCS that was not launched",
		[7] = "VM entry with invalid control fields",
		[8] = "VM entry with invalid host state",
		[26] = "VM entry with events blocked by MOV SS",
	};

	return error < ARRAY_SIZE(names) && names[error] ? names[error] : "unknown VM-instruction error";
}
