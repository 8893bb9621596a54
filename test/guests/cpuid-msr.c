/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest sees of the CPU: hidden and visible features, and #GP for all other MSRs. */
#include "lib/guest.h"

const char test_title[] = "cpuid-msr";

#define MSR_EFER 0xc0000080
#define MSR_PAT  0x277
#define MSR_MTRR_CAP 0xfe
#define MSR_MTRR_DEF 0x2ff

static u32 max_basic, max_extended;

static void test_cpuid(void)
{
	u32 a, b, c, d, first_b, first_c, first_d;

	cpuid(0, 0, &max_basic, &first_b, &first_c, &first_d);
	cpuid(0x80000000, 0, &max_extended, &b, &c, &d);
	printk("leaves to %#x and %#x\n", max_basic, max_extended);
	EXPECT(max_basic >= 0xd && max_basic < 0x100, "%#x", max_basic);
	EXPECT(max_extended >= 0x80000008 && max_extended < 0x80000100, "%#x", max_extended);
	cpuid(1, 0, &a, &b, &c, &d);
	EXPECT(!(c & 1u << 3), "MONITOR is shown");
	EXPECT(!(c & 1u << 5), "VMX is shown");
	EXPECT(c & 1u << 31, "the hypervisor bit");
	EXPECT(c & 1u << 21, "x2APIC is not shown");
	EXPECT(d & 1u << 9, "no APIC");
	EXPECT(d & 1u << 12, "no MTRRs");
	EXPECT(d & 1u << 16, "no PAT");
	EXPECT_EQ(b >> 24, 0); /* the initial APIC id of vCPU 0 */
	cpuid(0x80000001, 0, &a, &b, &c, &d);
	EXPECT(!(c & 1u << 2), "SVM is shown");
	EXPECT(d & 1u << 29, "no long mode");
	EXPECT(d & 1u << 20, "no NX");
	if (max_extended >= 0x8000000a) {
		cpuid(0x8000000a, 0, &a, &b, &c, &d);
		EXPECT_EQ(a | b | c | d, 0);
	}
	cpuid(0xa, 0, &a, &b, &c, &d);
	EXPECT_EQ(a & 0xff, 0); /* no counters without vPMU */
	cpuid(0x80000008, 0, &a, &b, &c, &d);
	EXPECT((a & 0xff) >= 36 && (a & 0xff) <= 52, "%u physical bits", a & 0xff);
	if (max_basic >= 0xb) {
		cpuid(0xb, 0, &a, &b, &c, &d);
		if (b) /* if the leaf is there */
			EXPECT_EQ(d, 0);
	}
	/* The vendor is the hardware's: a kernel decides between VMMCALL and VMCALL by it. */
	EXPECT(first_b == 0x68747541 || first_b == 0x6f677948 || first_b == 0x756e6547, "vendor %#x",
	       first_b);
}

static void test_xsave_leaf(void)
{
	u32 a, b, c, d, size;

	cpuid(1, 0, &a, &b, &c, &d);
	if (!(c & 1u << 26)) {
		printk("no XSAVE\n");
		return;
	}
	EXPECT_EQ(c >> 27 & 1, 0); /* OSXSAVE follows CR4 */
	cpuid(0xd, 0, &a, &size, &c, &d);
	EXPECT((a & 3) == 3 && c >= 576 && c <= 8192, "features %#x, %u bytes", a, c);
	asm volatile("movq %%cr4, %%rax; orq $0x40000, %%rax; movq %%rax, %%cr4" ::: "rax");
	cpuid(1, 0, &a, &b, &c, &d);
	EXPECT_EQ(c >> 27 & 1, 1);
	cpuid(0xd, 0, &a, &size, &c, &d);
	EXPECT_EQ(size, 576); /* XCR0 is 1 or 3 */
	asm volatile("xsetbv" ::"c"(0), "a"(3), "d"(0));
	asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	EXPECT_EQ(a, 3);
}

static void bad_xcr0(void *arg)
{
	asm volatile("xsetbv" ::"c"(0), "a"(2), "d"(0)); /* without x87 */
}

static void test_efer(void)
{
	u64 efer = rdmsr(MSR_EFER);

	EXPECT_EQ(efer & 0xd00, 0xd00); /* LME, LMA, NXE */
	EXPECT_EQ(efer & 1ull << 12, 0); /* SVME is the hypervisor's own */
	wrmsr(MSR_EFER, efer | 1);
	EXPECT_EQ(rdmsr(MSR_EFER), efer | 1);
	wrmsr(MSR_EFER, efer & ~1ull);
	EXPECT_EQ(rdmsr(MSR_EFER) & 1, 0);
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer | 1ull << 12), 1); /* no SVM */
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer | 1ull << 40), 1);
	EXPECT_EQ(try_wrmsr(MSR_EFER, efer & ~0x100ull), 1); /* LME with paging on */
}

static void test_pat_mtrr(void)
{
	u64 pat = rdmsr(MSR_PAT), cap, def;

	if (on_keel) /* Dom0 on Xen starts with Xen's value */
		EXPECT_EQ(pat, 0x0007040600070406);
	wrmsr(MSR_PAT, 0x0007010600070106);
	EXPECT_EQ(rdmsr(MSR_PAT), 0x0007010600070106);
	if (on_keel) { /* on Xen the guest writes the register itself, unchecked */
		EXPECT_EQ(try_wrmsr(MSR_PAT, 0x0202020202020202), 1); /* 2 is not a memory type */
		EXPECT_EQ(rdmsr(MSR_PAT), 0x0007010600070106);
	}
	wrmsr(MSR_PAT, pat);
	EXPECT_EQ(try_rdmsr(MSR_MTRR_CAP, &cap), 0);
	EXPECT_EQ(try_rdmsr(MSR_MTRR_DEF, &def), 0);
	printk("MTRR capabilities %#lx, default type %#lx\n", cap, def);
	EXPECT(def & 1u << 11, "MTRRs are off: Linux then does without PAT");
	EXPECT_EQ(try_wrmsr(MSR_MTRR_CAP, cap), 1);
}

/* MSRs that belong to the hypervisor or do not exist. */
static void test_unknown(void)
{
	static const u32 unknown[] = {
		0x12345, 0x3fffffff, 0x4000ffff, 0xc0001fff, 0xc0011fff, 0xffffffff,
		0x480, 0x481, /* VMX capabilities */
		0x400000f0,   /* beyond Hyper-V's MSRs */
		0xc0010117,   /* VM_HSAVE_PA, which Xen shows as 0 */
	};
	u64 value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown) - !on_keel; i++) {
		EXPECT(try_rdmsr(unknown[i], &value), "MSR %#x can be read: %#lx", unknown[i], value);
		EXPECT(try_wrmsr(unknown[i], 0), "MSR %#x can be written", unknown[i]);
		EXPECT_EQ(this_cpu()->fault.vector, FAULT_GP);
	}
}

static void test_plain(void)
{
	u64 value;

	wrmsr(0xc0000082, 0x1234567890); /* LSTAR */
	EXPECT_EQ(rdmsr(0xc0000082), 0x1234567890);
	wrmsr(0xc0000081, 0x0023001000000000); /* STAR */
	EXPECT_EQ(rdmsr(0xc0000081), 0x0023001000000000);
	wrmsr(0xc0000102, 0xffff888000001000); /* KERNEL_GS_BASE */
	EXPECT_EQ(rdmsr(0xc0000102), 0xffff888000001000);
	wrmsr(0xc0000100, 0x1000); /* FS base */
	EXPECT_EQ(rdmsr(0xc0000100), 0x1000);
	wrmsr(0x174, 8); /* SYSENTER */
	wrmsr(0x175, 0x5000);
	wrmsr(0x176, 0x6000);
	EXPECT_EQ(rdmsr(0x174) & 0xffff, 8);
	EXPECT_EQ(rdmsr(0x175), 0x5000);
	EXPECT_EQ(rdmsr(0x176), 0x6000);
	EXPECT_EQ(try_rdmsr(0x10, &value), 0); /* TSC */
	EXPECT_EQ(try_rdmsr(0x8b, &value), 0); /* microcode revision */
	EXPECT_EQ(try_rdmsr(0x179, &value), 0); /* MCG_CAP: two banks */
	EXPECT_EQ(value & 0xff, 2);
	wrmsr(0x404, ~0ull);
	EXPECT_EQ(rdmsr(0x404), ~0ull);
	EXPECT_EQ(rdmsr(0x405), 0);
}

static void do_vmrun(void *arg)
{
	asm volatile("vmrun" ::"a"(0x1000));
}

static void do_vmxoff(void *arg)
{
	asm volatile("vmxoff");
}

static void do_monitor(void *arg)
{
	asm volatile("monitor" ::"a"(arg), "c"(0), "d"(0));
}

static void do_invd_free(void *arg)
{
	asm volatile("wbinvd");
}

static void test_instructions(void)
{
	u64 buffer[8];

	EXPECT_EQ(try_call(do_vmrun, 0), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
	EXPECT_EQ(try_call(do_vmxoff, 0), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
	EXPECT_EQ(try_call(do_monitor, buffer), 1);
	EXPECT_EQ(this_cpu()->fault.vector, FAULT_UD);
	EXPECT_EQ(try_call(do_invd_free, 0), 0);
}

void test_main(void)
{
	u32 a, b, c, d;

	test_cpuid();
	test_xsave_leaf();
	cpuid(1, 0, &a, &b, &c, &d);
	if (c & 1u << 26)
		EXPECT_EQ(try_call(bad_xcr0, 0), 1);
	test_efer();
	test_pat_mtrr();
	test_unknown();
	test_plain();
	test_instructions();
}
