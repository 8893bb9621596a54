/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control registers only hold bits that CPUID shows, and debug registers hold what their vCPU
 * wrote; #DB and INT1 arrive where they belong. With two vCPUs on one CPU (dom0_max_vcpus), neither
 * sees the other's debug registers.
 */
#include "lib/guest.h"
#include <public/sched.h>
#include <public/version.h>

const char test_title[] = "registers";

#define CR0_NW (1ul << 29)
#define CR0_CD (1ul << 30)
#define CR4_LA57 (1ul << 12)
#define CR4_OSXSAVE (1ul << 18)
#define DR6_INIT 0xffff0ff0ul
#define FAULT_DB 1

static u64 read_cr0(void)
{
	u64 v;

	asm volatile("movq %%cr0, %0" : "=r"(v));
	return v;
}

static u64 read_cr4(void)
{
	u64 v;

	asm volatile("movq %%cr4, %0" : "=r"(v));
	return v;
}

static void write_cr0(void *arg)
{
	asm volatile("movq %0, %%cr0" ::"r"(arg) : "memory");
}

static void write_cr4(void *arg)
{
	asm volatile("movq %0, %%cr4" ::"r"(arg) : "memory");
}

static void lmsw(void *arg)
{
	asm volatile("lmsw %w0" ::"r"(arg));
}

/* The caches cannot be disabled: the bits do not even stick. */
static void test_cr0(void)
{
	u64 cr0 = read_cr0();

	EXPECT_EQ(try_call(write_cr0, (void *)(cr0 | CR0_CD | CR0_NW)), 0);
	EXPECT_EQ(read_cr0(), cr0);
	xen_version(version, 0);
	EXPECT_EQ(read_cr0(), cr0);
	EXPECT_EQ(try_call(write_cr0, (void *)(cr0 | CR0_NW)), 1); /* NW without CD */
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
	EXPECT_EQ(try_call(write_cr0, (void *)(cr0 & ~(1ul << 31))), 1); /* paging off in 64-bit code */
	EXPECT_EQ(try_call(write_cr0, (void *)(cr0 & ~1ul)), 1);
	if (!on_amd) /* QEMU's SVM sees no change */
		EXPECT_EQ(try_call(write_cr0, (void *)(cr0 | 1ul << 32)), 1);
	/* MP, EM, TS, and WP, whose changes exit only on SVM. */
	EXPECT_EQ(try_call(write_cr0, (void *)((cr0 ^ 1ul << 16) | 0xe)), 0);
	EXPECT_EQ(read_cr0(), (cr0 ^ 1ul << 16) | 0xe);
	EXPECT_EQ(try_call(lmsw, (void *)(cr0 & 0xf & ~0xcul)), 0);
	EXPECT_EQ(read_cr0(), (cr0 ^ 1ul << 16) & ~0xcul);
	EXPECT_EQ(try_call(write_cr0, (void *)cr0), 0);
}

/*
 * The CPUID bit that permits each bit of CR4: leaf, register (c or d, or b of leaf 7). 0: no CPU
 * here has it.
 */
static const struct {
	u32 leaf;
	char reg;
	u8 bit;
} cr4_bits[64] = {
	{ 1, 'd', 1 }, { 1, 'd', 1 }, { 1, 'd', 4 }, { 1, 'd', 2 }, { 1, 'd', 3 }, { 1, 'd', 6 },
	{ 1, 'd', 7 }, { 1, 'd', 13 }, { 1, 'd', 0 }, { 1, 'd', 24 }, { 1, 'd', 25 }, { 7, 'c', 2 },
	{ 7, 'c', 16 }, [16] = { 7, 'b', 0 }, [17] = { 1, 'c', 17 }, [18] = { 1, 'c', 26 },
	[20] = { 7, 'b', 7 }, [21] = { 7, 'b', 20 }, [22] = { 7, 'c', 3 },
};

static bool shown(u32 leaf, char reg, u8 bit)
{
	u32 a, b, c, d;

	if (!leaf)
		return false;
	cpuid(leaf, 0, &a, &b, &c, &d);
	return (reg == 'b' ? b : reg == 'c' ? c : d) >> bit & 1;
}

static void test_cr4(void)
{
	u64 cr4 = read_cr4();

	for (unsigned int i = 0; i < 64; i++) {
		bool has = shown(cr4_bits[i].leaf, cr4_bits[i].reg, cr4_bits[i].bit);

		/* PAE must stay set; this guest runs on user-accessible pages */
		if (i == 5 || i == 20 || i == 21)
			continue;
		if (1ul << i == CR4_LA57) /* cannot change while paging is on */
			has = false;
		if (try_call(write_cr4, (void *)(cr4 | 1ul << i)) == has)
			EXPECT(0, "CR4 bit %u: %s", i, has ? "shown and refused" : "hidden and taken");
		else
			expect_passed();
		EXPECT_EQ(read_cr4(), has ? cr4 | 1ul << i : cr4);
		write_cr4((void *)cr4);
	}
	EXPECT_EQ(try_call(write_cr4, (void *)(cr4 & ~0x20ul)), 1); /* PAE in long mode */
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
	EXPECT_EQ(read_cr4(), cr4);
}

static void rdpkru(void *arg)
{
	asm volatile(".byte 0x0f, 0x01, 0xee" ::"c"(0) : "eax", "edx");
}

static void xsetbv(void *arg)
{
	asm volatile("xsetbv" ::"c"(0), "a"((u32)(u64)arg), "d"((u64)arg >> 32));
}

/* Ring 3. */
asm(".pushsection .text\n"
    "user_xsetbv: xor %ecx, %ecx\n xor %edx, %edx\n mov $1, %eax\n xsetbv\n xor %eax, %eax\n int $0x80\n"
    "user_int1: .byte 0xf1\n user_int1_end: xor %eax, %eax\n int $0x80\n"
    /* A single step that the load of SS delays until INT1 is done. */
    "user_step: mov %ss, %eax\n pushfq\n orq $0x100, (%rsp)\n popfq\n mov %eax, %ss\n .byte 0xf1\n"
    "user_step_end: xor %eax, %eax\n int $0x80\n"
    "kernel_int1: .byte 0xf1\n kernel_int1_end: ret\n"
    ".popsection\n");
extern const u8 user_xsetbv[], user_int1[], user_int1_end[], user_step[], user_step_end[],
	kernel_int1[], kernel_int1_end[];
static u8 user_stack[4096] PAGE_ALIGNED;

static void call_user(void *arg)
{
	run_user(arg, user_stack + sizeof(user_stack));
}

/* What a CPU with all components would accept (SDM vol. 1, 13.3). */
static bool xcr0_consistent(u64 v)
{
	return v & 1 && (!(v & 4) || v & 2) && (!(v & 0xe0) || (v & 0xe4) == 0xe4) &&
	       (v >> 3 & 1) == (v >> 4 & 1) && (v >> 17 & 1) == (v >> 18 & 1);
}

/*
 * On QEMU 7.2 XSETBV does not exit: it accepts whatever its CPU has, even if CPUID hides that. On
 * AMD the test only prints this. unit-vendors checks that Keel asks for the exit.
 */
static void test_xcr0_values(void)
{
	static const u64 values[] = { 0, 1, 2, 3, 4, 5, 7, 9, 0x1b, 0x21, 0x27, 0x67, 0xe0, 0xe3, 0xe7,
				      0x201, 0x207, 0x60007, 1ul << 63 | 1 };
	u32 shown_lo, shown_hi, b, c;
	unsigned int no_exit = 0;

	cpuid(0xd, 0, &shown_lo, &b, &c, &shown_hi);
	EXPECT_EQ(shown_lo & 3, 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
		bool hidden = values[i] & ~((u64)shown_hi << 32 | shown_lo);
		bool may = !hidden && xcr0_consistent(values[i]);
		bool faulted = try_call(xsetbv, (void *)values[i]);

		if (on_amd && hidden && xcr0_consistent(values[i]) && !faulted)
			no_exit++;
		else if (faulted == may)
			EXPECT(0, "XCR0 %#lx is %s", values[i], may ? "refused" : "taken");
		else
			expect_passed();
		if (faulted)
			EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
	}
	if (no_exit)
		printk("XSETBV does not exit (in QEMU 7.2): %u hidden values of XCR0 are taken\n", no_exit);
	EXPECT_EQ(try_call(xsetbv, (void *)3), 0);
}

static void test_xcr0(void)
{

	/* CR4.PKE is refused above, unless PKRU is saved with a vCPU */
	EXPECT_EQ(try_call(rdpkru, 0), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
	EXPECT_EQ(try_call(xsetbv, (void *)1), 1); /* CR4.OSXSAVE is clear */
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
	if (!shown(1, 'c', 26))
		return;
	write_cr4((void *)(read_cr4() | CR4_OSXSAVE));
	test_xcr0_values();
	EXPECT_EQ(try_call(call_user, (void *)user_xsetbv), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
}

static void test_addresses(void)
{
	static const u32 msrs[] = { 0xc0000082, 0xc0000083, 0xc0000102, 0xc0000100, 0x175, 0x176 };

	/* QEMU's SVM lets a guest write anything */
	for (unsigned int i = 0; !on_amd && i < ARRAY_SIZE(msrs); i++)
		EXPECT_EQ(try_wrmsr(msrs[i], 0x8000000000000000), 1);
}

static void call_kernel(void *arg)
{
	((void (*)(void))arg)();
}

/* INT1 is a trap: the reported RIP is the next instruction. */
static void test_int1(void)
{
	EXPECT_EQ(try_call(call_user, (void *)user_int1), 1);
	if (on_amd && this_cpu()->fault.vector == FAULT_UD) {
		printk("no INT1 (in QEMU)\n");
		return;
	}
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_DB);
	EXPECT_EQ(this_cpu()->fault.rip - (u64)user_int1_end, 0);
	EXPECT_EQ(try_call(call_kernel, (void *)kernel_int1), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_DB);
	EXPECT_EQ(this_cpu()->fault.rip - (u64)kernel_int1_end, 0);
	EXPECT_EQ(try_call(call_user, (void *)user_step), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_DB);
	EXPECT_EQ(this_cpu()->fault.rip - (u64)user_step_end, 0);
}

static volatile u64 a, b;
static volatile u32 turn;

static void write_a(void *arg)
{
	a = 1;
}

static void write_b(void *arg)
{
	b = 1;
}

static void set_breakpoint(const volatile u64 *addr)
{
	asm volatile("movq %0, %%db0; movq %1, %%db6; movq %2, %%db7"
		     ::"r"(addr), "r"(DR6_INIT), "r"(addr ? 0x000d0402ul : 0x400ul));
}

static void wait_for_turn(u32 n)
{
	while (READ_ONCE(turn) != n)
		sched_op(yield, 0);
}

static void other(void)
{
	u64 dr0;

	wait_for_turn(1);
	EXPECT_EQ(try_call(write_a, 0), 0); /* only the first vCPU has armed it */
	set_breakpoint(&b);
	turn = 2;
	wait_for_turn(3);
	asm volatile("movq %%db0, %0" : "=r"(dr0));
	EXPECT_EQ(dr0, (u64)&b);
	set_breakpoint(0);
	turn = 4;
	for (;;)
		sched_op(yield, 0);
}

static void test_breakpoint(void)
{
	u64 dr6, dr7;

	set_breakpoint(&a);
	EXPECT_EQ(try_call(write_a, 0), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_DB);
	asm volatile("movq %%db6, %0" : "=r"(dr6));
	EXPECT_EQ(dr6 & 0xf, 1);
	EXPECT_EQ(try_call(write_b, 0), 0);
	xen_version(version, 0);
	asm volatile("movq %%db7, %0" : "=r"(dr7));
	EXPECT_EQ(dr7, 0x000d0402);
	set_breakpoint(0);
	EXPECT_EQ(try_call(write_a, 0), 0);
}

static void test_breakpoints(void)
{
	u64 dr7;

	set_breakpoint(&a);
	turn = 1;
	wait_for_turn(2);
	EXPECT_EQ(try_call(write_a, 0), 1);
	EXPECT_EQ(try_call(write_b, 0), 0); /* the other vCPU's */
	asm volatile("movq %%db7, %0" : "=r"(dr7));
	EXPECT_EQ(dr7, 0x000d0402);
	turn = 3;
	wait_for_turn(4);
	set_breakpoint(0);
}

void test_main(void)
{
	test_cr0();
	test_cr4();
	test_xcr0();
	test_addresses();
	test_int1();
	test_breakpoint();
	/*
	 * QEMU keeps breakpoints apart from DR7, and VMRUN does not change them. The next MOV to
	 * DR7 then removes a breakpoint that is not there, and QEMU 7.2 crashes.
	 */
	if (nr_vcpus < 2 || on_amd)
		return;
	EXPECT(start_cpu(1, other), "vCPU 1");
	test_breakpoints();
}
