/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Behaviour at the machine's edges: missing memory. With role=dom0 it only waits until domain 1,
 * which runs the same program, has ended.
 */
#include "lib/guest.h"

#include <public/domctl.h>
#include <public/memory.h>

const char test_title[] = "edges";

static u8 *hole;	/* two pages, mapped to a gfn without memory */
static u8 *ram;

static void map_hole(u64 gpa)
{
	map_page((u64)hole, gpa, PTE_P | PTE_W);
	map_page((u64)hole + PAGE_SIZE, gpa + PAGE_SIZE, PTE_P | PTE_W);
}

static bool all_ones(const u8 *p, size_t n)
{
	while (n && *p == 0xff)
		p++, n--;
	return !n;
}

static void read_all_ways(void *arg)
{
	u64 a = 0, b = 0, c = 0, d = 0, flags;
	u8 *to = ram;
	const u8 *from = hole + 1;

	asm volatile("movb (%1), %b0" : "+r"(a) : "r"(hole));
	EXPECT_EQ(a, 0xff);
	asm volatile("movzwl 2(%1), %k0; movslq 4(%1), %2; movq 8(%1), %3" : "=&r"(a), "+r"(hole),
		     "=&r"(b), "=&r"(c));
	EXPECT_EQ(a, 0xffff);
	EXPECT_EQ(b, -1);
	EXPECT_EQ(c, -1);
	/* Across two missing pages. */
	EXPECT_EQ(*(volatile u64 *)(hole + PAGE_SIZE - 3), -1);
	c = 64;
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(c) : : "memory");
	EXPECT(all_ones(ram, 64), "REP MOVSB brought something else");
	asm volatile("movdqu (%0), %%xmm0; movdqu %%xmm0, (%1)" : : "r"(hole + 3),
		     "r"(ram + 128) : "memory");
	EXPECT(all_ones(ram + 128, 16), "MOVDQU brought something else");
	asm volatile("cmpq $-1, (%1); pushfq; popq %0" : "=r"(flags) : "r"(hole) : "memory", "cc");
	EXPECT(flags & 0x40, "CMP: flags %#lx", flags);
	asm volatile("btl $5, (%1); sbbq %0, %0" : "=r"(d) : "r"(hole) : "cc");
	EXPECT_EQ(d, -1);
	asm volatile("addq (%1), %0" : "+r"(d) : "r"(hole) : "cc");
	EXPECT_EQ(d, -2);
	from = hole;
	to = hole + 512;
	c = 512;
	asm volatile("repe cmpsb" : "+D"(to), "+S"(from), "+c"(c) : : "cc");
	EXPECT_EQ(c, 0);
}

static void write_known_ways(void *arg)
{
	u64 a = 0x1234, zero = 0;

	asm volatile("movb %b1, (%0); movw %w1, (%0); movl %k1, 2(%0); movq %1, (%0)" : : "r"(hole),
		     "r"(a) : "memory");
	asm volatile("andl $0, (%0); orq $0, 8(%0); xorb %%al, (%0); lock addl $3, (%0)" : : "r"(hole)
		     : "memory", "cc");
	asm volatile("xchgl %k0, (%1)" : "+r"(zero) : "r"(hole) : "memory");
	EXPECT_EQ(zero, 0xffffffff);
	EXPECT(all_ones(hole, 32), "a write changed what is not there");
}

static void clear_by_sse(void *arg)
{
	asm volatile("pxor %%xmm0, %%xmm0; movdqu %%xmm0, (%0)" : : "r"(hole) : "memory");
}

static void jump(void *arg)
{
	((void (*)(void))hole)();
}

static void holes_read_as_ones(void)
{
	u64 gpa = find_hole() << PAGE_SHIFT, cr4;

	asm volatile("movq %%cr4, %0; orq $0x200, %0; movq %0, %%cr4" : "=&r"(cr4)); /* OSFXSR: SSE */
	map_hole(gpa);
	EXPECT_EQ(try_call(read_all_ways, NULL), 0);
	EXPECT_EQ(try_call(write_known_ways, NULL), 0);
	/* An instruction that Keel does not decode is refused, and has no effect. */
	if (try_call(clear_by_sse, NULL))
		EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
	EXPECT(all_ones(hole, 32), "an SSE write changed what is not there");
	EXPECT_EQ(try_call(jump, NULL), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
	EXPECT_EQ(this_cpu()->fault.rip, (u64)hole);
}

/*
 * Addresses that firmware uses on a PC, neighbours of the local APIC, and the limits of the page
 * tables.
 */
static void probing(void)
{
	static const u64 places[] = { 0xf0000, 0xe0000, 0xfed00000, 0xfed40000, 0xfedff000, 0xfee01000,
				      0xff000000, 1ull << 32, 1ull << 38, 0x7fffffe000 };
	u32 a, b, c, d, i, bits;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i] < 0x100000 && start_info->memmap_paddr && is_dom0)
			continue;
		map_hole(places[i]);
		if (places[i] >= 0x100000) /* RAM in some configurations */
			EXPECT_EQ(*(volatile u64 *)hole, -1);
	}
	map_hole(0xfee00000);
	EXPECT_EQ(*(volatile u32 *)(hole + APIC_VERSION) & 0xf0, 0x10);
	cpuid(0x80000008, 0, &a, &b, &c, &d);
	bits = a & 0xff;
	EXPECT(bits >= 36 && bits <= 52, "%u physical address bits", bits);
	map_hole((1ull << bits) - 2 * PAGE_SIZE);
	EXPECT_EQ(*(volatile u64 *)hole, -1);
	/* Many places, far from each other. */
	for (i = 0; i < 20000; i++) {
		map_hole((1ull << 36) + (u64)i * 0x10001000 % (1ull << (bits - 1)));
		if (*(volatile u8 *)hole != 0xff)
			break;
	}
	EXPECT_EQ(i, 20000);
}

static void touch(void *arg)
{
	*(volatile u64 *)arg;
}

/*
 * Page tables in missing memory: an exception, or the end of a guest that cannot take one. This
 * guest can.
 */
static void tables_in_a_hole(void)
{
	u64 va = 0x600000000000, hole_table = (find_hole() << PAGE_SHIFT) | PTE_P | PTE_W, *entry, cr3;

	asm volatile("movq %%cr3, %0" : "=r"(cr3));
	entry = (u64 *)(cr3 & ~0xfffull) + (va >> 39 & 511);
	WRITE_ONCE(*entry, hole_table);
	EXPECT_EQ(try_call(touch, (void *)va), 1);
	EXPECT_IN(this_cpu()->fault.vector, FAULT_GP, FAULT_PF);
	WRITE_ONCE(*entry, 0);
	asm volatile("movq %0, %%cr3" : : "r"(cr3) : "memory");
}

/* A page that was given back reads as ones. A new page at the same gfn is visible at once. */
static void balloon(void)
{
	static u8 pages[512 * PAGE_SIZE] PAGE_ALIGNED;
	u64 gfn = gfn_of(pages) + 200;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	volatile u8 *p = pages + 200 * PAGE_SIZE;
	u32 i;

	*(u64 **)&r.extent_start = &gfn;
	for (i = 0; i < 3; i++) {
		*p = 0x55;
		EXPECT_EQ(memory_op(decrease_reservation, &r), 1);
		EXPECT_EQ(*p, 0xff);
		*p = 0;
		EXPECT_EQ(p[4095], 0xff);
		EXPECT_EQ(memory_op(populate_physmap, &r), 1);
		EXPECT_EQ(*p, 0);
		*p = 0x77;
		EXPECT_EQ(*p, 0x77);
	}
}

/* --- Single steps over instructions that Keel emulates --- */

static u64 step_rip[16], dr6_seen;
static volatile u32 steps;

static bool note_step(struct regs *r)
{
	u64 dr6;

	if (r->vector != 1)
		return false;
	asm volatile("movq %%db6, %0" : "=r"(dr6));
	dr6_seen |= dr6;
	if (steps < ARRAY_SIZE(step_rip))
		step_rip[steps] = r->rip;
	steps++;
	asm volatile("movq %0, %%db6" : : "r"(0xffff0ff0ul));
	return true;
}

#define STEP_OVER(name, insns, ...)                                           \
	do {                                                                  \
		u64 from_, to_;                                               \
		steps = 0;                                                    \
		dr6_seen = 0;                                                 \
		asm volatile("xorl %%eax, %%eax; movl $0x1b, %%ecx; pushfq; orq $0x100, (%%rsp); popfq\n"           \
			     "771: " insns "\n772: pushfq; andq $~0x100, (%%rsp); popfq\n" \
			     "leaq 771b(%%rip), %0; leaq 772b(%%rip), %1"     \
			     : "=&r"(from_), "=&r"(to_) : __VA_ARGS__ : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", \
				     "memory", "cc"); \
		EXPECT(steps >= 1 && step_rip[0] == to_, name ": %u steps, the first at +%ld of %ld", steps, \
		       step_rip[0] - from_, to_ - from_);                     \
		EXPECT(dr6_seen & 0x4000, name ": DR6 %#lx", dr6_seen);      \
	} while (0)

static void single_steps(void)
{
	u64 apic = (u64)find_va();

	fault_hook = note_step;
	STEP_OVER("NOP", "nop", "r"(0));
	STEP_OVER("CPUID", "cpuid", "r"(0));
	STEP_OVER("RDMSR", "rdmsr", "r"(0));
	STEP_OVER("IN", "inb $0xe9, %%al", "r"(0));
	STEP_OVER("HLT", "hlt", "r"(0));
	if (!apic_is_x2()) {
		map_page(apic, 0xfee00000, PTE_P | PTE_W | PTE_UC);
		STEP_OVER("MMIO", "movl 0x20(%2), %%eax", "r"(apic));
	}
	fault_hook = NULL;
}

/* The prefix is part of the instruction: execution continues right behind both. */
static void wbnoinvd(void *arg)
{
	asm volatile(".byte 0xf3, 0x0f, 0x09; movl $1, (%0)" : : "r"(arg) : "memory");
}

static void rdpru(void *arg)
{
	asm volatile(".byte 0x0f, 0x01, 0xfd" : : "c"(0) : "rax", "rdx");
}

static void instructions(void)
{
	u32 done = 0, a, b, c, d;

	EXPECT_EQ(try_call(wbnoinvd, &done), 0);
	EXPECT_EQ(done, 1);
	cpuid(0x80000008, 0, &a, &b, &c, &d);
	EXPECT_EQ(b >> 4 & 1, 0);
	EXPECT_EQ(try_call(rdpru, NULL), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
}

static void illegal_vectors(void)
{
	apic_enable();
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	apic_icr(0, 0x44000 | 5); /* shorthand: self */
	apic_write(APIC_ESR, 0);
	EXPECT_EQ(apic_read(APIC_ESR), 0x60);
}

/*
 * --- INS by user code that may use the port: it can write to its own memory, not to the kernel's
 * ---
 */

extern const u8 user_ins[], user_ins_end[];
asm(".pushsection .text\n"
    "user_ins: movq %rsp, %rdi\n movl $0xe9, %edx\n insb\n movl $1, %eax\n int $0x80\nuser_ins_end:\n"
    ".popsection");

static u8 *user_code;

static void ins_as_user(void *where)
{
	EXPECT_EQ(run_user(user_code, where), 1);
}

static void string_io(void)
{
	u8 *code = alloc_page(), *kernel = alloc_page();
	u64 kernel_va = find_va();

	user_code = (u8 *)find_va();
	memcpy(code, user_ins, user_ins_end - user_ins);
	map_page((u64)user_code, (u64)code, PTE_P | PTE_W | PTE_U);
	map_page(kernel_va, (u64)kernel, PTE_P | PTE_W);
	/* Without IOPL the CPU refuses the port first. */
	EXPECT_EQ(try_call(ins_as_user, user_code + 2048), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
	EXPECT_EQ(code[2048], 0);
	user_rflags |= 0x3000; /* IOPL 3: user code may use ports */
	EXPECT_EQ(try_call(ins_as_user, user_code + 2048), 0);
	EXPECT_EQ(code[2048], 0xe9);
	EXPECT_EQ(try_call(ins_as_user, (void *)kernel_va), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_PF);
	EXPECT_EQ(this_cpu()->fault.cr2, kernel_va);
	EXPECT_EQ(this_cpu()->fault.error & 6, 6);
	EXPECT_EQ(kernel[0], 0);
	user_rflags = 2;
}

/* Dom0's part: it ends after domain 1. */
static void wait_for_guest(void)
{
	static struct xen_domctl op;
	u64 end = now_ns() + 50000000000ull;

	do {
		delay_us(20000);
		memset(&op, 0, sizeof(op));
		op.cmd = XEN_DOMCTL_getdomaininfo;
		op.interface_version = XEN_DOMCTL_INTERFACE_VERSION_V15;
		op.domain = 1;
		EXPECT_EQ(hypercall(domctl, &op, 0, 0), 0);
	} while (!(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown) && now_ns() < end);
	EXPECT_EQ(op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift & 255, 0);
}

void test_main(void)
{
	const char *role = option("role");

	hole = (u8 *)find_va();
	ram = alloc_page();
	if (role && !strncmp(role, "dom0", 4)) {
		wait_for_guest();
		return;
	}
	if (!is_dom0) {
		holes_read_as_ones();
		probing();
		tables_in_a_hole();
	}
	balloon();
	instructions();
	illegal_vectors();
	single_steps();
	string_io();
}
