/* SPDX-License-Identifier: GPL-2.0-only */
/* The vendor table: all that differs between SVM and VMX. At most 24 entries. */
#ifndef ARCH_X86_HVM_OPS_H
#define ARCH_X86_HVM_OPS_H

#include "arch/x86/hvm/vcpu.h"
#include "arch/x86/p2m_format.h"

/* Exits in vendor-neutral terms; the table in hvm/exit.c is indexed by these. */
enum hvm_exit {
	EXIT_UNKNOWN,	/* 0: what the vendor's table leaves out */
	EXIT_INTR,	/* a host interrupt is due */
	EXIT_NMI,
	EXIT_WINDOW,	/* the guest can take an interrupt now */
	EXIT_CPUID, EXIT_HLT, EXIT_IO, EXIT_MSR_READ, EXIT_MSR_WRITE, EXIT_HYPERCALL,
	EXIT_NPF,	/* nested page fault / EPT violation */
	EXIT_EXCEPTION,	/* an intercepted exception */
	EXIT_XSETBV, EXIT_INVD, EXIT_WBINVD, EXIT_PAUSE, EXIT_RDPMC, EXIT_CR, EXIT_DR,
	EXIT_SHUTDOWN,	/* triple fault */
	EXIT_UD,	/* an instruction that guests do not have: #UD */
	EXIT_TASK_SWITCH,
	EXIT_NMI_UNBLOCKED, /* the guest's NMI handler ends */
	EXIT_INIT_SIGNAL,
	EXIT_APIC,	/* the CPU has written a register of the local APIC; Keel must do the rest */
	EXIT_BAD_STATE,	/* the CPU refused the guest's state */
	NR_EXITS
};

/* What an exit says about itself; filled by run(). */
struct exit_info {
	enum hvm_exit reason;
	u32 raw;	/* vendor's exit code, for messages */
	u64 next_rip;	/* where to go on if the instruction is done; 0 if it must be decoded */
	union {
		/* of strings: SEG_ES... */
		struct { u16 port; u8 size, addr_size, seg; bool in, string, rep; } io;
		/*
		 * operand: the access is the instruction's own, not one of a page walk or of an
		 * event's delivery
		 */
		struct { u64 gpa; bool write, exec, operand; } npf;
		struct { u8 vector; u32 error; u64 cr2; } exc;
		struct { u8 cr, gpr; bool write; u64 val; } cr;
		struct { u16 reg; u32 val; } apic; /* of EOI: the vector whose service has ended */
	};
};

/* Kinds of event, with the numbers of pending_type in a save record (public/hvm/save.h). */
enum hvm_event { HEV_INTR = 0, HEV_NMI = 2, HEV_EXCEPTION = 3, HEV_SWINT = 4, HEV_INT1 = 5,
		 HEV_SWEXC = 6 };

/* Exceptions with an error code (SDM vol. 3, table 6-1); none in real mode. */
#define ERROR_VECTORS (BIT(X86_EXC_DF) | BIT(X86_EXC_TS) | BIT(X86_EXC_NP) | BIT(X86_EXC_SS) | \
		       BIT(X86_EXC_GP) | BIT(X86_EXC_PF) | BIT(X86_EXC_AC))

static inline bool hvm_event_has_error(const struct hvm_state *s)
{
	return s->pending_type == HEV_EXCEPTION && s->cr0 & X86_CR0_PE && s->pending_vector < 32 &&
	       BIT(s->pending_vector) & ERROR_VECTORS;
}

/* How the guest's addresses are translated now. */
struct hvm_paging { u64 cr0, cr3, cr4, efer, rflags; };

/*
 * Which exit to ask for: none, as soon as an interrupt can be taken, or at a write of CR8 that may
 * admit this class.
 */
struct hvm_window { bool intr; u8 cr8_class; };
#define HVM_WINDOW_NONE ((struct hvm_window){ 0 })
#define HVM_WINDOW_INTR ((struct hvm_window){ .intr = true })
#define HVM_WINDOW_CR8(c) ((struct hvm_window){ .cr8_class = (c) })

struct hvm_ops {
	const char *name;
	/* CPU */
	/* Can this machine do it? Once, on CPU 0. *text: what of the CPU is used, or why not. */
	int (*probe)(const char **text);
	int (*cpu_up)(void);				/* each CPU */
	/* vCPU */
	int (*vcpu_init)(struct x86_vcpu *v);
	void (*vcpu_fini)(struct x86_vcpu *v);
	void (*switch_from)(struct x86_vcpu *v);	/* its CPU state leaves this CPU */
	bool (*switch_to)(struct x86_vcpu *v);		/* false: the CPU refuses its state */
	/* enters the guest; interrupts off on return */
	void (*run)(struct x86_vcpu *v, struct exit_info *e);
	/* State: get/set everything, or the few registers that handlers need */
	void (*get_state)(struct x86_vcpu *v, struct hvm_state *s);
	void (*set_state)(struct x86_vcpu *v, const struct hvm_state *s);
	u64 (*get_reg)(struct x86_vcpu *v, unsigned int reg); /* enum hvm_reg */
	void (*set_reg)(struct x86_vcpu *v, unsigned int reg, u64 val);
	void (*get_paging)(struct x86_vcpu *v, struct hvm_paging *p); /* of the current vCPU */
	/* rip += len (or next_rip); ends shadow and RF, and a single step */
	void (*skip_insn)(struct x86_vcpu *v, const struct exit_info *e, unsigned int len);
	/* Events: what to inject at the next entry; false if it cannot be taken now */
	/* nothing else being injected, no shadow; IF for HEV_INTR */
	bool (*can_inject)(struct x86_vcpu *v, enum hvm_event type);
	void (*inject)(struct x86_vcpu *v, u8 vector, u8 type, s32 error); /* type: enum hvm_event */
	void (*set_window)(struct x86_vcpu *v, struct hvm_window w);
	/* Policy */
	void (*set_tpr)(struct x86_vcpu *v, u8 tpr);
	u8 (*get_tpr)(struct x86_vcpu *v);
	void (*set_tsc_offset)(struct x86_vcpu *v, u64 offset);
	/* Memory */
	void (*flush_tlb)(void);			/* all guest translations of this CPU */
	const struct p2m_format *p2m_format;
};

/* The table of the vendor whose functions begin with v, each named as its operation. */
#define HVM_OPS(vendor, v) {								\
	.name = vendor, .probe = v##_probe, .cpu_up = v##_cpu_up,			\
	.vcpu_init = v##_vcpu_init, .vcpu_fini = v##_vcpu_fini,				\
	.switch_from = v##_switch_from, .switch_to = v##_switch_to, .run = v##_run,	\
	.get_state = v##_get_state, .set_state = v##_set_state,				\
	.get_reg = v##_get_reg, .set_reg = v##_set_reg, .get_paging = v##_get_paging,	\
	.skip_insn = v##_skip_insn, .can_inject = v##_can_inject, .inject = v##_inject,	\
	.set_window = v##_set_window, .set_tpr = v##_set_tpr, .get_tpr = v##_get_tpr,	\
	.set_tsc_offset = v##_set_tsc_offset, .flush_tlb = v##_flush_tlb,		\
	.p2m_format = &v##_p2m_format }

/*
 * What guests may touch without an exit, and what exits, on both vendors: MSRs that the
 * vendor's part keeps with the vCPU; exceptions that could loop for ever while they are
 * delivered (#AC, #DB), or that are the machine's (#MC).
 */
#define HVM_DIRECT_MSRS								\
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, \
	MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP
#define HVM_EXCEPTIONS (BIT(X86_EXC_MC) | BIT(X86_EXC_AC) | BIT(X86_EXC_DB))

/*
 * A guest's loop of so many PAUSEs, or of so many cycles, exits: it waits for another vCPU, which
 * may need this CPU. More than PAUSE_GAP cycles between two PAUSEs end a loop (APM vol. 2, 15.14.4;
 * SDM vol. 3, 26.1.3).
 */
#define PAUSE_COUNT 3000
#define PAUSE_CYCLES 4096
#define PAUSE_GAP 128

enum hvm_reg { HREG_RIP, HREG_RFLAGS, HREG_CR0, HREG_CR2, HREG_CR3, HREG_CR4, HREG_EFER,
	HREG_CS_ATTR, HREG_CS_BASE, HREG_PAT, HREG_SPEC_CTRL };

/* Of HREG_CS_ATTR. The CPL stands for the DPL, which differs if the segment is a conforming one. */
#define CS_CPL (BIT(5) | BIT(6))
#define CS_L BIT(9)
#define CS_DB BIT(10)

extern const struct hvm_ops *hvm_ops; /* chosen once at boot */
extern const char *hvm_features; /* what of the CPU it uses, in words */
extern const struct hvm_ops svm_ops, vmx_ops;

/* Does it execute code that is not 64-bit? */
static inline bool hvm_in_32bit(struct x86_vcpu *v)
{
	return !(hvm_ops->get_reg(v, HREG_CS_ATTR) & CS_L);
}

static inline unsigned int hvm_cpl(struct x86_vcpu *v)
{
	return (hvm_ops->get_reg(v, HREG_CS_ATTR) & CS_CPL) >> 5;
}

/* hvm/exit.c: handles one exit of the current vCPU. */
void hvm_handle_exit(struct x86_vcpu *v, const struct exit_info *e);
/* hvm/npf.c: the handler of EXIT_NPF. */
void hvm_nested_fault(struct x86_vcpu *v, const struct exit_info *e);
/* hvm/vcpu.c: before each entry: inject what is due. */
void hvm_prepare_entry(struct x86_vcpu *v);

#endif
