/* SPDX-License-Identifier: GPL-2.0-only */
/* What the CPUs can do, and their set-up. */
#include "arch/x86/cpu.h"

#include "arch/x86/pcpu.h"
#include "common/printk.h"

struct cpu_features cpu_features;

/* Components that guests may use: x87, SSE, AVX, and AVX-512 (SDM vol. 1, 13.1). */
#define XCR0_GUEST 0xe7ull

static void read_xsave(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0xd, 0);

	f->xcr0 = ((u64)r.d << 32 | r.a) & XCR0_GUEST;
	if ((f->xcr0 & 0xe0) != 0xe0)
		f->xcr0 &= ~0xe0ull;
	f->xsave_size = 576; /* legacy area and header */
	for (unsigned int i = 2; i < 63; i++) {
		if (!(f->xcr0 & BIT(i)))
			continue;
		r = cpuid(0xd, i);
		f->xsave_size = max(f->xsave_size, r.a + r.b);
	}
}

void cpu_init_features(void)
{
	struct cpu_features *f = &cpu_features;
	struct cpuid_regs r = cpuid(0, 0);
	u32 max_ext = cpuid(0x80000000, 0).a;

	f->amd = (r.b == 0x68747541 && r.c == 0x444d4163) || (r.b == 0x6f677948 && r.c == 0x656e6975);
	f->intel = r.b == 0x756e6547 && r.c == 0x6c65746e;
	r = cpuid(1, 0);
	f->family = r.a >> 8 & 15;
	f->model = r.a >> 4 & 15;
	f->stepping = r.a & 15;
	if (f->family == 6 || f->family == 15)
		f->model |= r.a >> 12 & 0xf0;
	if (f->family == 15)
		f->family += r.a >> 20 & 0xff;
	f->x2apic = r.c >> 21 & 1;
	f->tsc_deadline = r.c >> 24 & 1;
	f->xsave = r.c >> 26 & 1;
	r = cpuid(0x80000001, 0);
	f->gb_pages = r.d >> 26 & 1;
	f->rdtscp = r.d >> 27 & 1;
	if (max_ext >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).d >> 8 & 1;
	f->phys_bits = 36;
	/* AMD before Zen 2 (APM vol. 3, FXRSTOR; CPUID 8000_0008h EBX bit 2). */
	f->fpu_pointers_stay = f->amd && (max_ext < 0x80000008 || !(cpuid(0x80000008, 0).b & BIT(2)));
	if (max_ext >= 0x80000008)
		f->phys_bits = cpuid(0x80000008, 0).a & 0xff;
	if (f->xsave)
		read_xsave(f);
	else
		f->xsave_size = 512;
}

/*
 * Each CPU: the control registers that guests' FPU state needs, and the PAT as after a reset.
 * Firmware may have left other bits on (CET, UMIP), on one CPU more than on another: they go.
 */
void cpu_init_this(void)
{
	u64 cr4 = (READ_CR(4) & (X86_CR4_MCE | X86_CR4_VMXE)) | X86_CR4_PAE | X86_CR4_PGE |
		  X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	wrmsr(MSR_PAT, PAT_RESET);
	if (cpu_features.xsave)
		cr4 |= X86_CR4_OSXSAVE;
	WRITE_CR(4, cr4);
	/* No lazy FPU: a guest's registers are loaded while it is current. */
	WRITE_CR(0, (READ_CR(0) | X86_CR0_WP | X86_CR0_MP | X86_CR0_NE) &
		 ~(BIT(2) | BIT(3) | X86_CR0_CD | X86_CR0_NW));
	if (cpu_features.xsave)
		xsetbv(0, cpu_features.xcr0);
}

void irq_window(void)
{
	__asm__ volatile("sti; nop; cli" ::: "memory");
}
