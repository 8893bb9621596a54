/* SPDX-License-Identifier: GPL-2.0-only */
/* IDT, faults that tests expect, interrupts. */
#include "guest.h"
#include "guest_internal.h"

extern const u8 trap_stubs[256][16], try_resume[], run_user_resume[];

struct cpu boot_cpu;
struct cpu *cpus[MAX_CPUS];

static struct {
	u16 low, selector;
	u8 ist, type;
	u16 middle;
	u32 high, zero;
} idt[256];

static irq_handler_t handlers[256];
bool (*fault_hook)(struct regs *r);

static void set_gate(unsigned int vector, const void *code, unsigned int dpl)
{
	u64 at = (u64)code;

	idt[vector].low = at;
	idt[vector].middle = at >> 16;
	idt[vector].high = at >> 32;
	idt[vector].selector = 8;
	idt[vector].type = 0x8e | dpl << 5;
}

static void load_tss(struct cpu *c)
{
	u64 *entry = gdt + 8 + 2 * c->id, base = (u64)&c->tss;
	static u8 stacks[MAX_CPUS][8192];

	c->tss.rsp[0] = (u64)stacks[c->id] + sizeof(stacks[0]);
	c->tss.iomap = sizeof(c->tss);
	entry[0] = (sizeof(c->tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		   (base >> 24 & 0xff) << 56;
	entry[1] = base >> 32;
	asm volatile("ltr %w0" ::"r"(0x40 + 16 * c->id));
}

void cpu_init(struct cpu *c)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) desc = { sizeof(idt) - 1, (u64)idt };
	unsigned int i;

	if (!c->id)
		for (i = 0; i < 256; i++)
			set_gate(i, trap_stubs[i], i == 0x80 ? 3 : 0);
	asm volatile("lgdt %0" ::"m"(*gdt_desc64));
	asm volatile("lidt %0" ::"m"(desc));
	c->self = c;
	cpus[c->id] = c;
	wrmsr(0xc0000101, (u64)c); /* GS base */
	load_tss(c);
}

void set_irq_handler(u8 vector, irq_handler_t fn)
{
	handlers[vector] = fn;
}

static void __attribute__((noreturn)) unexpected(const struct regs *r)
{
	u64 cr2;

	asm volatile("movq %%cr2, %0" : "=r"(cr2));
	printk("trap %lu, error %#lx, at %#lx, cr2 %#lx, rsp %#lx, vCPU %u\n", r->vector, r->error,
	       r->rip, cr2, r->rsp, this_cpu()->id);
	printk("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", r->rax, r->rbx, r->rcx,
	       r->rdx, r->rsi, r->rdi, r->rbp);
	error_stop("a trap that the test did not expect");
}

void trap_handler(struct regs *r)
{
	struct cpu *c = this_cpu();

	if (r->vector == 0x80 && (r->cs & 3)) {
		r->rip = (u64)run_user_resume;
		r->cs = 0x08;
		r->ss = 0x10;
		r->rsp = c->user_rsp;
		return;
	}
	if (r->vector >= 32) {
		EXPECT(r->rflags & 0x200, "vector %#lx came with IF clear, at %#lx", r->vector, r->rip);
		c->irqs[r->vector]++;
		if (handlers[r->vector])
			handlers[r->vector](r);
		else
			apic_write(APIC_EOI, 0);
		return;
	}
	if (r->vector == 2) { /* NMI: counted */
		c->irqs[2]++;
		return;
	}
	if (fault_hook && fault_hook(r))
		return;
	if (!c->try_rsp)
		unexpected(r);
	c->fault.vector = r->vector;
	c->fault.error = r->error;
	c->fault.rip = r->rip;
	asm volatile("movq %%cr2, %0" : "=r"(c->fault.cr2));
	r->rip = (u64)try_resume;
	r->rsp = c->try_rsp;
	r->cs = 0x08;
	r->ss = 0x10;
	r->rflags &= ~0x100ul; /* TF */
}

struct access {
	u64 where, value;
};

static void do_rdmsr(void *arg)
{
	struct access *a = arg;

	a->value = rdmsr(a->where);
}

static void do_wrmsr(void *arg)
{
	struct access *a = arg;

	wrmsr(a->where, a->value);
}

static void do_read32(void *arg)
{
	struct access *a = arg;

	a->value = *(volatile u32 *)a->where;
}

static void do_write32(void *arg)
{
	struct access *a = arg;

	*(volatile u32 *)a->where = a->value;
}

static int try_access(void (*fn)(void *), u64 where, u64 in, u64 *out)
{
	struct access a = { where, in };
	int faulted = try_call(fn, &a);

	if (out)
		*out = a.value;
	return faulted;
}

int try_rdmsr(u32 msr, u64 *value)
{
	return try_access(do_rdmsr, msr, 0, value);
}

int try_wrmsr(u32 msr, u64 value)
{
	return try_access(do_wrmsr, msr, value, NULL);
}

int try_read32(const void *addr, u32 *value)
{
	u64 v;
	int faulted = try_access(do_read32, (u64)addr, 0, &v);

	if (value)
		*value = v;
	return faulted;
}

int try_write32(void *addr, u32 value)
{
	return try_access(do_write32, (u64)addr, value, NULL);
}
