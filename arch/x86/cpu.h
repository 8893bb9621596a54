/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions and registers of x86 (Intel SDM vol. 3, AMD APM vol. 2). */
#ifndef ARCH_X86_CPU_H
#define ARCH_X86_CPU_H

#include "common/lib.h"

#define X86_CR0_PE BIT(0)
#define X86_CR0_MP BIT(1)
#define X86_CR0_ET BIT(4)
#define X86_CR0_NE BIT(5)
#define X86_CR0_WP BIT(16)
#define X86_CR0_NW BIT(29)
#define X86_CR0_CD BIT(30)
#define X86_CR0_PG BIT(31)
#define X86_CR4_PSE BIT(4)
#define X86_CR4_PAE BIT(5)
#define X86_CR4_MCE BIT(6)
#define X86_CR4_PGE BIT(7)
#define X86_CR4_OSFXSR BIT(9)
#define X86_CR4_OSXMMEXCPT BIT(10)
#define X86_CR4_LA57 BIT(12)
#define X86_CR4_VMXE BIT(13)
#define X86_CR4_FSGSBASE BIT(16)
#define X86_CR4_PCIDE BIT(17)
#define X86_CR4_OSXSAVE BIT(18)
#define X86_CR4_SMEP BIT(20)
#define X86_CR4_SMAP BIT(21)
#define X86_CR4_PKE BIT(22)
#define X86_EFLAGS_TF BIT(8)
#define X86_EFLAGS_IF BIT(9)
#define X86_EFLAGS_RF BIT(16)
#define X86_EFLAGS_VM BIT(17)
#define X86_EFLAGS_AC BIT(18)

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_FEATURE_CONTROL 0x3a
#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD 0x49
#define MSR_FLUSH_CMD 0x10b
#define MSR_MTRRCAP 0xfe
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_MCG_CAP 0x179
#define MSR_MISC_ENABLE 0x1a0
#define MSR_PAT 0x277
#define PAT_RESET 0x0007040600070406ull /* SDM vol. 3, 12.12.4 */
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC(reg) (0x800 + ((reg) >> 4))
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SFMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX 0xc0000103u
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NX BIT(11)
#define EFER_SVME BIT(12)
#define EFER_AUTO_IBRS BIT(21)

/* Exception vectors */
enum { X86_EXC_DE, X86_EXC_DB, X86_EXC_NMI, X86_EXC_BP, X86_EXC_OF, X86_EXC_BR, X86_EXC_UD,
       X86_EXC_NM, X86_EXC_DF, X86_EXC_TS = 10, X86_EXC_NP, X86_EXC_SS, X86_EXC_GP, X86_EXC_PF,
       X86_EXC_MF = 16, X86_EXC_AC, X86_EXC_MC, X86_EXC_XM };

struct cpuid_regs { u32 a, b, c, d; };

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* 0, or -EFAULT where the MSR does not exist (traps.c recovers). */
int rdmsr_safe(u32 msr, u64 *v);
int wrmsr_safe(u32 msr, u64 v);

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}

static inline u64 rdtsc_ordered(void)
{
	__asm__ volatile("lfence" ::: "memory");
	return rdtsc();
}

/* Writes the cache line of p back (SDM vol. 2). */
static inline void clflush(const void *p) { __asm__ volatile("clflush (%0)" : : "r"(p) : "memory");
					    }

static inline void outb(u16 port, u8 v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outw(u16 port, u16 v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outl(u16 port, u32 v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }
static inline u8 inb(u16 port) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
				 return v; }
static inline u16 inw(u16 port) { u16 v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
				  return v; }
static inline u32 inl(u16 port) { u32 v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
				  return v; }

/* An access of 1, 2 or 4 bytes to a port; of 8, too, to a device's memory. */
static inline u32 port_in(u16 port, unsigned int size)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static inline void port_out(u16 port, unsigned int size, u32 v)
{
	if (size == 1)
		outb(port, (u8)v);
	else if (size == 2)
		outw(port, (u16)v);
	else
		outl(port, v);
}

static inline u64 mmio_load(const volatile void *p, unsigned int size)
{
	return size == 1 ? *(const volatile u8 *)p : size == 2 ? *(const volatile u16 *)p :
	       size == 4 ? *(const volatile u32 *)p : *(const volatile u64 *)p;
}

static inline void mmio_store(volatile void *p, unsigned int size, u64 v)
{
	if (size == 1)
		*(volatile u8 *)p = (u8)v;
	else if (size == 2)
		*(volatile u16 *)p = (u16)v;
	else if (size == 4)
		*(volatile u32 *)p = (u32)v;
	else
		*(volatile u64 *)p = v;
}

#define READ_CR(n) ({ u64 _v; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(_v)); _v; })
#define WRITE_CR(n, v) __asm__ volatile("mov %0, %%cr" #n : : "r"((u64)(v)) : "memory")

#define READ_DR(n) ({ u64 _v; __asm__ volatile("mov %%db" #n ", %0" : "=r"(_v)); _v; })
#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%db" #n : : "r"((u64)(v)))
#define DR6_BS BIT(14)
#define DR7_ENABLED 0xffull	/* a breakpoint is on, locally or globally */
#define DR7_RESET 0x400ull

static inline void read_breakpoints(u64 dr[4])
{
	dr[0] = READ_DR(0);
	dr[1] = READ_DR(1);
	dr[2] = READ_DR(2);
	dr[3] = READ_DR(3);
}

static inline void write_breakpoints(const u64 dr[4])
{
	WRITE_DR(0, dr[0]);
	WRITE_DR(1, dr[1]);
	WRITE_DR(2, dr[2]);
	WRITE_DR(3, dr[3]);
}

static inline void invlpg(u64 va) { __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory"); }
static inline void wbinvd(void) { __asm__ volatile("wbinvd" ::: "memory"); }

static inline u64 xgetbv(u32 i)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(i));
	return (u64)hi << 32 | lo;
}

static inline void xsetbv(u32 i, u64 v)
{
	__asm__ volatile("xsetbv" : : "c"(i), "a"((u32)v), "d"((u32)(v >> 32)));
}

/*
 * For values of a guest: false if the CPU refuses one. All have been checked before, so this
 * reveals a missing check; the guest ends, not Keel (traps.c).
 */
#ifdef KEEL_FAKE_ARCH
#define TRY_INSN(insn, ...) do { if (0) goto refused; } while (0)
#else
#define TRY_INSN(insn, ...)							\
	__asm__ goto("1: " insn "\n\t.pushsection .table.ex_table, \"a\"\n\t"	\
		     ".quad 1b, %l[refused]\n\t.popsection" : : __VA_ARGS__ : "memory" : refused)
#endif

static inline bool wrmsr_try(u32 msr, u64 v)
{
	TRY_INSN("wrmsr", "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)));
	return true;
refused:
	return false;
}

static inline bool xsetbv_try(u32 i, u64 v)
{
	TRY_INSN("xsetbv", "c"(i), "a"((u32)v), "d"((u32)(v >> 32)));
	return true;
refused:
	return false;
}

/* What this machine's CPUs have, read once at boot (cpu.c). */
struct cpu_features {
	bool amd, intel;	/* CPUID vendor; only svm/, vmx/, cpuid policy and mitigations may look */
	bool x2apic, tsc_deadline, invariant_tsc, xsave, gb_pages, rdtscp;
	bool fpu_pointers_stay;	/* XRSTOR leaves FIP, FDP and FOP alone while no exception is pending */
	unsigned int phys_bits;
	u64 xcr0;		/* XSAVE components that guests may use */
	u32 xsave_size;		/* of an area with these (standard format) */
	u32 family, model, stepping;
};
extern struct cpu_features cpu_features;

#endif
