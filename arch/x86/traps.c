/* SPDX-License-Identifier: GPL-2.0-only */
/* Host exceptions, NMIs and the stack trace. */
#include "arch/x86/boot/layout.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/mce.h"
#include "arch/x86/mm.h"
#include "arch/x86/pcpu.h"
#include "common/console.h"
#include "common/efi.h"
#include "common/printk.h"
#include "common/symbols.h"

/* As entry.S pushes it. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

struct idt_gate { u16 off0, sel; u8 ist, type; u16 off1; u32 off2, rsvd; };
struct desc_ptr { u16 limit; u64 base; } __packed;

static struct idt_gate idt[NR_IST_USES][256] __aligned(16);

extern char trap_stubs[];
extern const struct { u64 insn, fixup; } __table_ex_table_start[], __table_ex_table_end[];

/* entry.S calls these. */
u64 exception_stack_for(const struct trap_frame *f);
void handle_exception(struct trap_frame *f);
void handle_irq(u8 vector);

static const char *const names[32] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode",
	"device not available", "double fault", "coprocessor overrun", "invalid TSS",
		"segment not present",
	"stack fault", "general protection", "page fault", "reserved", "x87 error", "alignment check",
	"machine check", "SIMD error", "virtualization", "control protection",
};

static void set_gate(struct idt_gate *g, u64 addr, u8 ist)
{
	*g = (struct idt_gate){ .off0 = (u16)addr, .sel = SEL_CODE, .ist = ist, .type = 0x8e,
				.off1 = (u16)(addr >> 16), .off2 = (u32)(addr >> 32) };
}

void traps_use_ist(enum ist_use use)
{
	const struct desc_ptr idtr = { sizeof(idt[use]) - 1, (u64)idt[use] };

	__asm__ volatile("lidt %0" : : "m"(idtr));
}

static void init_idt(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		u64 addr = (u64)trap_stubs + 16 * i;

		set_gate(&idt[IST_NONE][i], addr, 0);
		/* NMIs and machine checks interrupt each other: on one stack the frame of the first was lost. */
		set_gate(&idt[IST_NMI][i], addr, i == X86_EXC_MC ? 2 : i == X86_EXC_DF || i == X86_EXC_NMI);
		set_gate(&idt[IST_ALL][i], addr, i == X86_EXC_NMI ? 1 : 2);
	}
}

/* SDM vol. 3, 3.4.5 and 7.2.3: flat 64-bit code, data, and the TSS. */
void traps_init_cpu(struct x86_pcpu *cpu)
{
	u64 tss = (u64)&cpu->tss;
	struct desc_ptr gdtr = { sizeof(cpu->gdt) - 1, (u64)cpu->gdt };

	if (!idt[IST_NONE][0].type)
		init_idt();
	cpu->tss.ist[0] = map_stack(cpu->p.id, STACK_IST, cpu);
	cpu->tss.ist[1] = map_stack(cpu->p.id, STACK_IST_MC, cpu);
	cpu->exception_stack = map_stack(cpu->p.id, STACK_EXCEPTION, cpu);
	cpu->tss.iomap = sizeof(cpu->tss);
	cpu->gdt[1] = 0x00af9b000000ffff;
	cpu->gdt[2] = 0x00cf93000000ffff;
	cpu->gdt[3] = 0x0000890000000000 | (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 |
		      (tss >> 24 & 0xff) << 56;
	cpu->gdt[4] = tss >> 32;
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1: mov %2, %%eax\n\t"
			 "mov %%eax, %%ds\n\tmov %%eax, %%es\n\tmov %%eax, %%ss\n\t"
			 "ltr %w3"
			 : : "m"(gdtr), "i"(SEL_CODE), "i"(SEL_DATA), "r"(SEL_TSS) : "rax", "memory");
	traps_use_ist(IST_NMI);
}

/* On which stack the handler runs: the exception stack, unless it is in use already. */
u64 exception_stack_for(const struct trap_frame *f)
{
	u64 top = this_x86_pcpu()->exception_stack;

	if (top - f->rsp < CPU_STACK_SIZE || top - (u64)f < CPU_STACK_SIZE)
		return 0;
	return top;
}

static void print_frame(u64 addr)
{
	u64 off;
	const char *sym = symbol_lookup(addr, &off);

	if (sym)
		pr_err("  [%016lx] %s+%#lx\n", addr, sym, off);
	else
		pr_err("  [%016lx]\n", addr);
}

static bool is_text(u64 a) { return a >= (u64)__text_start && a < (u64)__text_end; }

/* A frame there can be read: an NMI that ends a guest finds the guest's RBP, which is anything. */
static bool on_cpu_stack(u64 rbp)
{
	u64 cpu = (rbp - STACKS_BASE) / (2 * CPU_STACK_SIZE) / NR_STACKS;

	return rbp >= STACKS_BASE && cpu < NR_CPUS && pcpus[cpu] && rbp & CPU_STACK_SIZE &&
	       (rbp & (CPU_STACK_SIZE - 1)) <= CPU_STACK_SIZE - 16;
}

/* Follows frame pointers; stops at the first that does not lie on a stack of ours. */
static void trace_from(u64 rip, u64 rbp)
{
	print_frame(rip);
	for (unsigned int i = 0; i < 24; i++) {
		const u64 *frame = (const u64 *)rbp;
		bool boot = rbp >= (u64)boot_stack && rbp < (u64)boot_stack_end - 16;
		bool cpu = on_cpu_stack(rbp);

		if ((!boot && !cpu) || !IS_ALIGNED(rbp, 8) || !is_text(frame[1]))
			break;
		print_frame(frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

/*
 * An interrupt that found the CPU idle brings it back into Keel; one in an irq_window() finds it
 * there.
 */
void handle_irq(u8 vector)
{
	struct pcpu *cpu = this_cpu();

	if (pcpu_outside(cpu->epoch))
		__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
	irq_dispatch(vector);
}

void arch_stack_trace(void)
{
	pr_err("Call trace:\n");
	trace_from((u64)__builtin_return_address(0), (u64)__builtin_frame_address(0));
}

static void print_regs(const struct trap_frame *f)
{
	pr_err("CPU%u: %s (vector %lu, error %#lx) at rip %016lx\n", this_cpu()->id,
	       f->vector < 32 && names[f->vector] ? names[f->vector] : "exception", f->vector, f->error,
	       f->rip);
	pr_err("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	pr_err("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
	pr_err("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
	pr_err("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
	pr_err("cr2 %016lx cr3 %016lx rflags %08lx\n", READ_CR(2), READ_CR(3), f->rflags);
	pr_err("Call trace:\n");
	trace_from(f->rip, f->rbp);
}

/* Where a CPU was when it was stopped: it stays there, so its stack can be read. */
void traps_trace_cpu(const struct x86_pcpu *cpu)
{
	const struct trap_frame *f = __atomic_load_n(&cpu->stopped_at, __ATOMIC_ACQUIRE);

	pr_err("CPU%u was at:\n", cpu->p.id);
	if (f)
		trace_from(f->rip, f->rbp);
	else
		pr_err("  (it does not answer)\n");
}

/* From smp_stop_others(), from the watchdog, or from the machine. */
static void handle_nmi(const struct trap_frame *f)
{
	struct x86_pcpu *cpu = this_x86_pcpu();

	if (test_bit(WORK_STOP, &cpu->p.work)) {
		__atomic_store_n(&cpu->stopped_at, f, __ATOMIC_RELEASE);
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	if (test_bit(WORK_STUCK, &cpu->p.work)) {
		console_start_sync();
		print_regs(f);
		panic("CPU%u has been busy inside Keel for too long (watchdog_timeout)", cpu->p.id);
	}
	set_bit(WORK_NMI, &cpu->p.work); /* a message takes locks, which this CPU may hold */
}

void handle_exception(struct trap_frame *f)
{
	if (f->vector == X86_EXC_NMI)
		return handle_nmi(f);
	if (f->vector == X86_EXC_MC && mce_exception())
		return;
	for (unsigned int i = 0;
	     f->vector != X86_EXC_MC && &__table_ex_table_start[i] < __table_ex_table_end; i++) {
		if (__table_ex_table_start[i].insn == f->rip) {
			f->rip = __table_ex_table_start[i].fixup;
			return;
		}
	}
	if (f->vector != X86_EXC_MC && !is_text(f->rip) && efi_faulted(f->vector, &f->rip, &f->rsp))
		return;
	console_start_sync();
	print_regs(f);
	panic("Unexpected %s in Keel", f->vector < 32 && names[f->vector] ? names[f->vector]
	      : "exception");
}
