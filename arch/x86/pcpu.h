/* SPDX-License-Identifier: GPL-2.0-only */
/* The x86 part of a pCPU: descriptor tables, stacks, what a vendor keeps. */
#ifndef ARCH_X86_PCPU_H
#define ARCH_X86_PCPU_H

#include "arch/x86/cpu.h"
#include "common/pcpu.h"

/* Selectors. Start-up uses the first two as well (KEEL_BOOT_CS, KEEL_BOOT_DS). */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x18
#define NR_GDT	 5

struct trap_frame;
struct tss { u32 rsvd0; u64 rsp[3]; u64 rsvd1; u64 ist[7]; u64 rsvd2; u16 rsvd3, iomap; } __packed;

struct x86_pcpu {
	struct pcpu p;		/* first */
	u32 apic_id;
	u64 gdt[NR_GDT];
	struct tss tss;
	u64 exception_stack;	/* where exceptions and NMIs move to, whatever stack they found */
	union {			/* what each vendor keeps; only svm/ and vmx/ look */
		struct {
			paddr_t host_vmcb;	/* host state for VMLOAD */
			u64 asid_generation;
			u32 next_asid, max_asid;
			bool flush_all;		/* at the next VMRUN */
		} svm;
		struct { paddr_t vmxon_region; } vmx;
	};
	const struct trap_frame *stopped_at; /* by the NMI of smp_stop_others() */
	const struct domain *last_domain; /* whose vCPU ran here last; only compared */
	bool up, unfit;		/* set by the CPU itself; unfit: it cannot run guests */
};

static inline struct x86_pcpu *x86_pcpu(const struct pcpu *cpu) { return (struct x86_pcpu *)cpu; }

static inline struct x86_pcpu *this_x86_pcpu(void) { return (struct x86_pcpu *)this_cpu(); }

/*
 * traps.c: this CPU's descriptor tables and TSS; what has a stack from the TSS: nothing while a
 * guest's TR is loaded, all while the stack is not Keel's.
 */
enum ist_use { IST_NONE, IST_NMI, IST_ALL, NR_IST_USES };
void traps_init_cpu(struct x86_pcpu *cpu);
void traps_use_ist(enum ist_use use);
/* Prints the calls that led here, by name. Any context. */
void arch_stack_trace(void);
/* The same of a CPU that was stopped. */
void traps_trace_cpu(const struct x86_pcpu *cpu);

/* smp.c */
void smp_init_boot_cpu(void);
void smp_reserve_trampoline(void); /* before Dom0 gets its RAM */
void smp_start_all(void);
/* Stops all other CPUs for good (panic, shutdown). Any context. */
void smp_stop_others(void);

/* cpu.c */
void cpu_init_features(void);
void cpu_init_this(void);

/* nmi.c: tells of an NMI of the machine's, outside the handler. No locks held. */
void nmi_report(const struct pcpu *cpu);

/* loop.c: what a CPU does for ever. */
void vcpu_loop(void) __noreturn;

#endif
