/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library of the test guests: PVH kernels that run on Keel or on Xen, as Dom0 or as a guest.
 *
 * A guest is one C file with test_title and test_main(). It reports failures with EXPECT(). It ends
 * by returning, by skip() or by error_stop(); the library prints one line "Test result:
 * SUCCESS|SKIP|FAILURE|ERROR" and shuts the domain down.
 */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/errno.h>
#include <public/hvm/start_info.h>
#include <public/xen.h>

#include "test/abi/refused.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE_SIZE  4096ul
#define PAGE_SHIFT 12
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_ALIGNED __attribute__((aligned(4096)))
#define NOINLINE     __attribute__((noinline))

/* What each guest defines. */
extern const char test_title[];
void test_main(void);

/* --- console --- */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int snprintk(char *out, size_t room, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintk(char *out, size_t room, const char *fmt, va_list args);
extern bool quiet; /* quiet=1: nothing is printed */
void console_write(const char *text, size_t len);

/* --- results --- */
void expect_failed(const char *file, int line, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void expect_passed(void);
void skip(const char *why) __attribute__((noreturn));
/* Something that the test needs did not work. */
void error_stop(const char *why) __attribute__((noreturn));
void shutdown(unsigned int reason) __attribute__((noreturn));

#define EXPECT(cond, ...)                                                     \
	do {                                                                  \
		if (cond)                                                     \
			expect_passed();                                      \
		else                                                          \
			expect_failed(__FILE__, __LINE__, #cond, "" __VA_ARGS__); \
	} while (0)
#define EXPECT_EQ(got, wanted)                                                \
	do {                                                                  \
		long got_ = (long)(got), wanted_ = (long)(wanted);            \
		if (got_ == wanted_)                                          \
			expect_passed();                                      \
		else                                                          \
			expect_failed(__FILE__, __LINE__, #got, "is %ld (%#lx), expected %ld (%s)", \
				      got_, got_, wanted_, #wanted);          \
	} while (0)
/* For calls where two hypervisors reasonably return different errnos. */
#define EXPECT_IN(got, a, b)                                                  \
	do {                                                                  \
		long got_ = (long)(got);                                      \
		if (got_ == (long)(a) || got_ == (long)(b))                   \
			expect_passed();                                      \
		else                                                          \
			expect_failed(__FILE__, __LINE__, #got, "is %ld, expected %s or %s", \
				      got_, #a, #b);                          \
	} while (0)

/* --- environment --- */
extern const struct hvm_start_info *start_info;
extern bool on_amd;  /* VMMCALL, else VMCALL */
extern bool on_keel; /* else it is Xen */
extern bool is_dom0; /* it is the initial domain */
extern unsigned int nr_vcpus;
extern u32 xen_leaves; /* base of the hypervisor's CPUID leaves */
domid_t own_domid(void);
/* The value of "name=..." on the command line, or NULL. */
const char *option(const char *name);
u64 option_number(const char *name, u64 otherwise);

/* --- CPU --- */
struct regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct cpu {
	struct cpu *self;
	u64 try_rsp;  /* head.S uses this offset: 8 */
	u64 user_rsp; /* head.S uses this offset: 16 */
	unsigned int id;
	struct vcpu_info *vcpu_info;
	volatile u32 up;
	void (*fn)(void);
	struct {
		u64 vector, error, cr2, rip;
	} fault;
	volatile u64 irqs[256];
	struct {
		u32 reserved0;
		u64 rsp[3];
		u64 reserved1;
		u64 ist[7];
		u64 reserved2;
		u16 reserved3, iomap;
	} __attribute__((packed)) tss;
};

#define MAX_CPUS 8
extern struct cpu *cpus[MAX_CPUS];

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	asm volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}

#define barrier()   asm volatile("" ::: "memory")
#define cpu_relax() asm volatile("pause" ::: "memory")
#define irq_on()    asm volatile("sti" ::: "memory")
#define irq_off()   asm volatile("cli" ::: "memory")
#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

static inline void cpuid(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c, u32 *d)
{
	asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(sub));
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 inl(u16 port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* --- faults that a test expects --- */
#define FAULT_UD 6
#define FAULT_GP 13
#define FAULT_PF 14
/* Called first if it is set. If it returns true, execution continues at r->rip. */
extern bool (*fault_hook)(struct regs *r);
int try_call(void (*fn)(void *arg), void *arg);
/* These return 0, or 1 if the access faulted (this_cpu()->fault has the fault). */
int try_rdmsr(u32 msr, u64 *value);
int try_wrmsr(u32 msr, u64 value);
int try_read32(const void *addr, u32 *value);
int try_write32(void *addr, u32 value);
/* The flags that user code starts with. IOPL is 0 at first. */
extern u64 user_rflags;
long run_user(const void *code, void *stack_top);

/* --- interrupts --- */
typedef void (*irq_handler_t)(struct regs *regs);
/*
 * For vectors from 32 on. An interrupt without a handler is counted in cpu->irqs[] and ends with
 * EOI.
 */
void set_irq_handler(u8 vector, irq_handler_t fn);

/* --- hypercalls --- */
static inline long hypercall5(unsigned long nr, unsigned long a1, unsigned long a2,
			      unsigned long a3, unsigned long a4, unsigned long a5)
{
	register unsigned long r10 asm("r10") = a4;
	register unsigned long r8 asm("r8") = a5;
	long ret;

	if (on_amd)
		asm volatile("vmmcall" : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
			     : "0"(nr) : "memory");
	else
		asm volatile("vmcall" : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
			     : "0"(nr) : "memory");
	return ret;
}

#define hypercall(nr, a1, a2, a3) \
	hypercall5(__HYPERVISOR_##nr, (unsigned long)(a1), (unsigned long)(a2), (unsigned long)(a3), 0, 0)
#define evtchn_op(op, arg) hypercall(event_channel_op, EVTCHNOP_##op, arg, 0)
#define memory_op(op, arg) hypercall(memory_op, XENMEM_##op, arg, 0)
#define vcpu_op(op, vcpu, arg) hypercall(vcpu_op, VCPUOP_##op, vcpu, arg)
#define hvm_op(op, arg) hypercall(hvm_op, HVMOP_##op, arg, 0)
#define sched_op(op, arg) hypercall(sched_op, SCHEDOP_##op, arg, 0)
#define grant_op(op, arg, n) hypercall(grant_table_op, GNTTABOP_##op, arg, n)
#define xen_version(op, arg) hypercall(xen_version, XENVER_##op, arg, 0)

/* --- memory --- */
extern struct shared_info *shared_info;
/* The memory map (E820) as the hypervisor reports it, at most 64 entries. */
struct memory_range {
	u64 addr, size;
	u32 type;
} __attribute__((packed));
extern struct memory_range memory_map[64];
extern unsigned int nr_memory_ranges;

#define PTE_P  0x001ull
#define PTE_W  0x002ull
#define PTE_U  0x004ull
#define PTE_UC 0x018ull
#define PTE_NX (1ull << 63)
/* Maps one page at va (any canonical address), splitting larger pages. flags 0 unmaps. */
void map_page(u64 va, u64 pa, u64 flags);
/* A new zeroed page of the guest's own RAM (identity mapped). It is never freed. */
void *alloc_page(void);
/* A gfn where nothing is mapped. The gfns after it are free, too. */
u64 find_hole(void);
/* An address for map_page(), 1 MiB away from the last one. */
u64 find_va(void);

static inline u64 gfn_of(const void *p)
{
	return (u64)p >> PAGE_SHIFT;
}

/* --- time --- */
u64 pvclock_read(const struct vcpu_time_info *t);
u64 now_ns(void);
void delay_us(u64 us);
/* Blocks the vCPU for this time; events do not wake it. Only one vCPU may call it at a time. */
void rest_ns(u64 ns);
/*
 * How long to wait for something before it counts as lost. This is long, because it does not test
 * time: a busy host may stop the emulator for a while, and QEMU sometimes notices an interrupt late
 * (docs/testing.md).
 */
#define PATIENCE_NS (20 * 1000000000ull)
/* Waits until *flag is not 0. Returns false after PATIENCE_NS. */
bool wait_for(const volatile u32 *flag);

/* --- local APIC --- */
#define MSR_APIC_BASE    0x1b
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_BSP    (1u << 8)
#define APIC_ID      0x020
#define APIC_VERSION 0x030
#define APIC_TPR     0x080
#define APIC_PPR     0x0a0
#define APIC_EOI     0x0b0
#define APIC_LDR     0x0d0
#define APIC_DFR     0x0e0
#define APIC_SVR     0x0f0
#define APIC_ISR     0x100
#define APIC_TMR     0x180
#define APIC_IRR     0x200
#define APIC_ESR     0x280
#define APIC_ICR     0x300
#define APIC_ICR2    0x310
#define APIC_LVTT    0x320
#define APIC_LVT0    0x350
#define APIC_LVT1    0x360
#define APIC_TMICT   0x380
#define APIC_TMCCT   0x390
#define APIC_TDCR    0x3e0
#define APIC_SELF_IPI 0x3f0
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
/* dest has the width of the current mode. */
void apic_icr(u32 dest, u32 command);
bool apic_is_x2(void);
void apic_enable(void);
bool apic_enter_x2(void);

/* --- other vCPUs --- */
/* Starts vCPU id (1..) at fn by INIT and SIPI. False: it was not up within a second. */
bool start_cpu(unsigned int id, void (*fn)(void));

/* --- random numbers --- */
u64 random_seed(u64 seed);
u64 random_next(u64 *state);

void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);
const char *strstr(const char *text, const char *word);

#endif
