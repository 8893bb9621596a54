/* SPDX-License-Identifier: GPL-2.0-only */
/* What each CPU's control registers and PAT are, whatever firmware left in them. */
#include "test/unit/unit.h"

#include "arch/x86/cpu.h"
#include "arch/x86/pcpu.h"
static u64 cr[5], pat, xcr0;
#undef READ_CR
#undef WRITE_CR
#define READ_CR(n) cr[n]
#define WRITE_CR(n, v) ((void)(cr[n] = (u64)(v)))
#define wrmsr(msr, val) ((void)(assert_int_equal(msr, MSR_PAT), pat = (val)))
#define xsetbv(i, val) ((void)(xcr0 = (val)))
#define cpuid(leaf, subleaf) ((void)(leaf), (void)(subleaf), (struct cpuid_regs){ 0 })
#define irq_window cpu_irq_window /* executes STI */
#include "arch/x86/cpu.c"

#define OWN (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

static void nothing_of_firmwares_stays(void **state)
{
	cr[4] = ~0ull;
	cr[0] = ~0ull;
	cpu_init_this();
	assert_int_equal(cr[4], OWN | X86_CR4_MCE | X86_CR4_VMXE);
	assert_int_equal(pat, 0x0007040600070406);
	assert_int_equal(cr[0] & (X86_CR0_CD | X86_CR0_NW | BIT(2) | BIT(3)), 0);
	/* the others, as INIT and the trampoline leave them */
	cr[4] = X86_CR4_PAE | X86_CR4_PGE;
	cr[0] = X86_CR0_PE | X86_CR0_PG | X86_CR0_CD | X86_CR0_NW;
	cpu_features.xsave = true;
	cpu_features.xcr0 = 7;
	cpu_init_this();
	assert_int_equal(cr[4], OWN | X86_CR4_OSXSAVE);
	assert_int_equal(cr[0], X86_CR0_PE | X86_CR0_PG | X86_CR0_WP | X86_CR0_MP | X86_CR0_NE);
	assert_int_equal(xcr0, 7);
}

static const struct CMUnitTest tests[] = { UNIT_TEST(nothing_of_firmwares_stays) };
UNIT_MAIN(tests)
