/* SPDX-License-Identifier: GPL-2.0-only */
/* The x86 parts of domains and vCPUs. common/ sees only the first members. */
#ifndef ARCH_X86_HVM_VCPU_H
#define ARCH_X86_HVM_VCPU_H

#include "arch/x86/cpu.h"
#include "arch/x86/hvm/vlapic.h"
#include "common/domain.h"

/* General registers in the order of their encoding, so that reg[n] is "register n". */
enum { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
       REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, NR_REGS };

struct segment {
	u16 sel;
	/* as in a VMCB: type, S, DPL, P, AVL, L, D/B, G in bits 0..11 (APM vol. 2, 15.5 and B) */
	u16 attr;
	u32 limit;
	u64 base;
};

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, NR_SEGS };

/*
 * Everything of a vCPU's architectural CPU state that is not in gpr[], the FPU area, or its local
 * APIC.
 */
struct hvm_state {
	u64 rip, rflags, cr0, cr2, cr3, cr4, efer, dr6, dr7;
	struct segment seg[NR_SEGS];
	struct { u32 limit; u64 base; } gdtr, idtr;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 pat, spec_ctrl;
	u8 interruptibility;	/* bit 0: STI/MOV SS shadow; bit 1: NMI blocked */
	bool pending_event;	/* an event whose delivery an exit interrupted: */
	u8 pending_vector, pending_type;
	u32 pending_error;
};

/* Virtual NMI/INIT/SIPI state */
enum vcpu_boot_state { VB_RUNNING, VB_INIT /* got INIT: reset when it starts */, VB_WAIT_SIPI };

#define WALK_SLOTS 4

/* Cached walks of the guest's tables to some pages: each entry is read again at each use. */
struct walk_slot {
	u64 vpn, cr3;
	u64 generation;		/* of the p2m: the pointers here are valid while it is unchanged */
	u8 levels;		/* of the tables; 0: unused */
	u8 nr;			/* entries on the way */
	bool nx, writable;	/* EFER.NXE then; the p2m lets the page be written */
	void *page;
	u64 *pte[5], entry[5];
};

/* What each vendor keeps of a vCPU; only svm/ and vmx/ look. */
struct svm_vcpu {
	paddr_t vmcb_pa;		/* first: entry.S */
	struct vmcb *vmcb;
	u64 asid_generation;		/* the CPU's, when it gave the ASID */
};

struct vmx_vcpu {
	void *vmcs;
	paddr_t vmcs_pa;
	u64 cr2, dr6, switched_msrs[5];	/* have no place in the VMCS */
	u64 cr0_fixed, cr4_fixed;
	u32 proc;			/* primary processor-based controls, as in the VMCS */
	bool launched;			/* VMRESUME, not VMLAUNCH */
	bool x2apic;			/* vapic.c: the CPU does the x2APIC's MSRs; the next are as in the VMCS */
	u8 tpr_threshold;
	u16 intr_status;
	u64 eoi_exits[4];
	u32 *apic_page;			/* NULL: the CPU has no TPR shadow */
};

struct x86_vcpu {
	struct vcpu v;			/* first */
	u64 gpr[NR_REGS];		/* entry.S uses the offset; RSP and RAX synchronised with the VMCB by ops */
	union {
		struct svm_vcpu svm;
		struct vmx_vcpu vmx;
	};
	u32 measures;			/* at entries and exits: bits of enum mitigation, MEASURE_SPEC_CTRL */
	u64 spec_ctrl;			/* the guest's, unless the CPU keeps it: mitigations.h */
	bool vendor_init;		/* vcpu_init() has filled the union */
	bool apic_virtual;		/* the CPU delivers the local APIC's interrupts */
	struct pcpu *tlb_cpu;		/* where its translations are, */
	u64 p2m_generation;		/* made of this p2m */
	u64 tsc_offset;
	u64 xcr0;
	void *xsave;			/* XSAVE or FXSAVE area, 64-byte aligned page(s) */
	u64 dr[4];
	u64 tsc_aux, pat, mtrr_def_type;
	u64 mtrr_var[16], mtrr_fixed[11];
	struct { u64 gstatus, ext_ctl, bank[8]; u32 injected; } vmce; /* vmce.c */
	bool nmi_pending, nmi_blocked;
	bool exception_pending;		/* to inject at the next entry */
	u8 exc_vector;
	bool exc_has_error;
	u32 exc_error;
	enum vcpu_boot_state boot_state; /* D */
	u32 sipi;			/* D: start at this vector (| SIPI_PENDING) once it has stopped */
	struct walk_slot walks[WALK_SLOTS]; /* guest_access.c */
	struct vlapic vlapic;
};

struct vioapic;
struct vpci;
struct cpu_policy;

struct x86_domain {
	struct domain d;		/* first */
	u8 *io_bitmap;			/* Dom0's own; NULL: a shared one */
	struct vioapic *vioapic;	/* Dom0 only: one a physical IO-APIC */
	unsigned int nr_vioapics;
	struct vpci *vpci;		/* Dom0 only */
	struct cpu_policy *cpuid;	/* what CPUID shows (cpuid.c) */
};

static inline struct x86_vcpu *x86_vcpu(const struct vcpu *v) { return (struct x86_vcpu *)v; }
static inline struct x86_domain *x86_domain(const struct domain *d) { return (void *)d; }
static inline struct vlapic *vlapic(const struct vcpu *v) { return &x86_vcpu(v)->vlapic; }
#define current_x86 x86_vcpu(current)

/*
 * Queue an exception for the current vCPU's next entry; error < 0 = has none. #DF and triple faults
 * by the rules.
 */
void hvm_inject_exception(struct vcpu *v, u8 vector, s32 error);
/*
 * A triple fault of the current vCPU: ends its domain, for the reason that the domain has chosen.
 */
void hvm_triple_fault(struct vcpu *v);
static inline void hvm_inject_gp(struct vcpu *v) { hvm_inject_exception(v, X86_EXC_GP, 0); }
static inline void hvm_inject_ud(struct vcpu *v) { hvm_inject_exception(v, X86_EXC_UD, -1); }
/*
 * INIT, and the start at vector << 12 in real mode (second SIPI ignored). Neither waits for v's
 * CPU, which might itself be at an INIT for the caller: the state is replaced when v has stopped.
 * No locks held.
 */
void hvm_vcpu_init(struct vcpu *v);
/* The state after INIT, waiting for a start-up IPI. v is held (vcpu_is_held()). */
void hvm_vcpu_reset(struct vcpu *v);
void hvm_vcpu_sipi(struct vcpu *v, u8 vector);
/*
 * The code that the current vCPU executes at ip, in its user or kernel mode: 0 or -EFAULT, as
 * copy_from_guest(), but code is not data, so SMAP does not count (SDM vol. 3, 4.6.1). No p2m lock
 * may be held.
 */
int copy_insn_from_guest(void *dst, u64 ip, size_t len);
/*
 * A memory operand of the current vCPU's instruction, with the rights of its privilege level.
 * Otherwise as above.
 */
int copy_operand(void *buf, u64 gva, size_t len, bool from);
/* Do the guest's tables allow access to the byte at gva, whether there is memory or not? */
bool operand_is_mapped(u64 gva, bool write);
/*
 * 32-bit flat protected mode, paging off: a PVH kernel's entry. ebx: its start_info
 * (public/hvm/start_info.h).
 */
void hvm_vcpu_set_pvh_entry(struct vcpu *v, u32 eip, u32 ebx);

#endif
