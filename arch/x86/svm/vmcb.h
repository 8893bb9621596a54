/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block and SVM's numbers (APM vol. 2, chapter 15 and appendices B, C),
 * and what svm.c and exit.c have of each other.
 */
#ifndef ARCH_X86_SVM_VMCB_H
#define ARCH_X86_SVM_VMCB_H

#include "arch/x86/hvm/ops.h"

#define MSR_VM_CR	0xc0010114u
#define MSR_VM_HSAVE_PA	0xc0010117u
#define VM_CR_LOCK	BIT(3)
#define VM_CR_SVMDIS	BIT(4)

struct vmcb {
	u16 cr_read, cr_write, dr_read, dr_write;	/* 0x000 */
	u32 exceptions;					/* 0x008 */
	u32 misc1, misc2;				/* 0x00c */
	u8 rsvd0[0x3c - 0x14];
	u16 pause_threshold, pause_count;		/* 0x03c */
	u64 iopm_pa, msrpm_pa, tsc_offset;		/* 0x040 */
	u32 asid;					/* 0x058 */
	u8 tlb_control, rsvd1[3];			/* 0x05c */
	u64 vintr;					/* 0x060 */
	u64 interrupt_shadow;				/* 0x068 */
	u64 exit_code, exit_info1, exit_info2, exit_int_info; /* 0x070 */
	u64 np_enable;					/* 0x090 */
	u8 rsvd2[0xa8 - 0x98];
	u64 event_inj;					/* 0x0a8 */
	u64 n_cr3;					/* 0x0b0 */
	u64 lbr_enable;					/* 0x0b8 */
	u64 clean;					/* 0x0c0 */
	u64 next_rip;					/* 0x0c8 */
	u8 insn_len, insn[15];				/* 0x0d0 */
	u8 rsvd3[0x400 - 0xe0];
	struct segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 0x400 */
	u8 rsvd4[0x4cb - 0x4a0];
	u8 cpl;						/* 0x4cb */
	u8 rsvd5[4];
	u64 efer;					/* 0x4d0 */
	u8 rsvd6[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;	/* 0x548 */
	u8 rsvd7[0x5d8 - 0x580];
	u64 rsp;					/* 0x5d8 */
	u8 rsvd8[0x5f8 - 0x5e0];
	/* 0x5f8 */
	u64 rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	u8 rsvd9[0x668 - 0x648];
	u64 g_pat, dbgctl;				/* 0x668 */
	u8 rsvd10[0x6e0 - 0x678];
	u64 spec_ctrl;					/* 0x6e0 */
	u8 rsvd11[0x1000 - 0x6e8];
};
_Static_assert(sizeof(struct vmcb) == 0x1000, "APM vol. 2, appendix B");
_Static_assert(offsetof(struct vmcb, event_inj) == 0xa8 && offsetof(struct vmcb, cpl) == 0x4cb &&
	       offsetof(struct vmcb, cr4) == 0x548 && offsetof(struct vmcb, rsp) == 0x5d8 &&
	       offsetof(struct vmcb, cr2) == 0x640 && offsetof(struct vmcb, g_pat) == 0x668 &&
	       offsetof(struct vmcb, spec_ctrl) == 0x6e0,
	       "APM vol. 2, table B-2");

#define MISC1_INTR BIT(0)
#define MISC1_NMI BIT(1)
#define MISC1_SMI BIT(2)
#define MISC1_INIT BIT(3)
#define MISC1_VINTR BIT(4)
#define MISC1_CR0_SEL BIT(5)	/* writes that change more than TS and MP */
#define MISC1_RDPMC BIT(15)
#define MISC1_CPUID BIT(18)
#define MISC1_IRET BIT(20)
#define MISC1_INVD BIT(22)
#define MISC1_PAUSE BIT(23)
#define MISC1_HLT BIT(24)
#define MISC1_INVLPGA BIT(26)
#define MISC1_IOIO BIT(27)
#define MISC1_MSR BIT(28)
#define MISC1_TASK_SWITCH BIT(29)
#define MISC1_SHUTDOWN BIT(31)
#define MISC2_VMRUN BIT(0)
#define MISC2_VMMCALL BIT(1)
#define MISC2_VMLOAD BIT(2)
#define MISC2_VMSAVE BIT(3)
#define MISC2_STGI BIT(4)
#define MISC2_CLGI BIT(5)
#define MISC2_SKINIT BIT(6)
#define MISC2_ICEBP BIT(8)
#define MISC2_WBINVD BIT(9)
#define MISC2_MONITOR BIT(10)
#define MISC2_MWAIT BIT(11)
#define MISC2_XSETBV BIT(13)
#define MISC2_RDPRU BIT(14)

#define VINTR_TPR_MASK 0xfull
#define VINTR_IRQ BIT(8)
#define VINTR_IGN_TPR BIT(20)
#define VINTR_MASKING BIT(24)

#define EVENTINJ_VALID BIT(31)
#define EVENTINJ_ERROR BIT(11)

enum {
	SVM_EXIT_CR_READ = 0x00, SVM_EXIT_CR_WRITE = 0x10, SVM_EXIT_DR_READ = 0x20,
	SVM_EXIT_DR_WRITE = 0x30, SVM_EXIT_EXCEPTION = 0x40, SVM_EXIT_INTR = 0x60, SVM_EXIT_NMI,
	SVM_EXIT_SMI, SVM_EXIT_INIT, SVM_EXIT_VINTR, SVM_EXIT_CR0_SEL,
	SVM_EXIT_RDPMC = 0x6f, SVM_EXIT_CPUID = 0x72, SVM_EXIT_IRET = 0x74, SVM_EXIT_INVD = 0x76,
	SVM_EXIT_PAUSE, SVM_EXIT_HLT, SVM_EXIT_INVLPG, SVM_EXIT_INVLPGA, SVM_EXIT_IOIO, SVM_EXIT_MSR,
	SVM_EXIT_TASK_SWITCH, SVM_EXIT_FERR, SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN, SVM_EXIT_VMMCALL,
	SVM_EXIT_VMLOAD, SVM_EXIT_VMSAVE, SVM_EXIT_STGI, SVM_EXIT_CLGI, SVM_EXIT_SKINIT, SVM_EXIT_RDTSCP,
	SVM_EXIT_ICEBP, SVM_EXIT_WBINVD, SVM_EXIT_MONITOR, SVM_EXIT_MWAIT, SVM_EXIT_MWAIT_ARMED,
	SVM_EXIT_XSETBV, SVM_EXIT_RDPRU, SVM_NR_EXITS, SVM_EXIT_NPF = 0x400,
};

/* Where the instruction of this length ends; only in 64-bit code is that beyond 4 GiB. */
static inline u64 svm_rip_after(const struct vmcb *c, unsigned int len)
{
	u64 rip = c->rip + len;

	return unlikely((rip ^ c->rip) >> 32) && !(c->efer & EFER_LMA && c->cs.attr & BIT(9)) ? (u32)rip
	       : rip;
}

/*
 * Translates the VMCB's exit into vendor-neutral terms; puts an event that the exit interrupted
 * back.
 */
void svm_decode_exit(struct x86_vcpu *v, struct vmcb *c, struct exit_info *e, bool nrips,
		     bool assists);
/* The guest used a debug register: from now on, until it leaves this CPU, it has them. */
void svm_load_debug_regs(struct x86_vcpu *v);

/*
 * entry.S: runs the guest of the vCPU with these general registers (RAX and RSP are in the VMCB)
 * until it exits.
 */
void svm_enter(u64 *gpr);
void svm_enter_guarded(u64 *gpr);
void svm_enter_barrier(u64 *gpr);
_Static_assert(offsetof(struct x86_vcpu, svm.vmcb_pa) == offsetof(struct x86_vcpu, gpr) + 16 * 8,
	       "entry.S");

#endif
