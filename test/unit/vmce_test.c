/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/hvm/vmce.c arch/x86/p2m_log.c common/spinlock.c */
/* A guest's own machine checks, with the real nested tables: who gets one, and what it says. */
#include "test/unit/x86.h"

#include "arch/x86/p2m.c"

#include "arch/x86/hvm/io.h"

static const struct p2m_format format = {
	.leaf = { [P2M_RAM] = 7, [P2M_SHARED] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1,
		  [P2M_FOREIGN] = 3, [P2M_MMIO] = 3, [P2M_MMIO_RAMLIKE] = 7, [P2M_ONES] = 1, [P2M_RESERVED] = 7 },
	.exec = 4, .table = 7, .superpage = 0x80, .superpage_mask = 0x80, .max_order = 18, .types = true,
};

struct iommu_caps iommu_caps;
const struct iommu_ops *iommu_ops;
void iommu_flush(const struct domain *d) { }
struct cpu_features cpu_features;

static struct x86_domain *x;
static struct domain *d;
static struct vcpu *v;
static unsigned int injected;

void hvm_inject_exception(struct vcpu *u, u8 vector, s32 error)
{
	assert_ptr_equal(u, v);
	assert_int_equal(vector, X86_EXC_MC);
	assert_true(error < 0);
	injected++;
}

static int setup(void **state)
{
	fake_reset();
	p2m_format = &format;
	p2m_gfn_limit = BIT(36);
	cpu_features = (struct cpu_features){ .phys_bits = 46 };
	x = x86_domain_new(1, 2);
	d = &x->d;
	v = d->vcpu[0];
	d->max_pages = ~0ull;
	x86_state = (struct hvm_state){ .cr4 = X86_CR4_MCE };
	injected = 0;
	return 0;
}

static int teardown(void **state)
{
	fake_check_quiet();
	assert_int_equal(fake_events.crashes, 0);
	x86_free_with_p2m(x);
	return 0;
}

static void map(gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, gfn, mfn, order, t), 0);
	p2m_write_unlock(d);
}

static u64 rd(u32 msr)
{
	u64 val;

	assert_int_equal(vmce_read(v, msr, &val), 0);
	return val;
}

/* As Intel's CPUs report a load of lost data. */
static struct mce_record lost(mfn_t mfn)
{
	return (struct mce_record){ .status = 0xbd80000000000134, .addr = mfn << PAGE_SHIFT | 0x40,
				    .misc = 2 << 6 | 6, .gstatus = MCG_EIPV | MCG_MCIP, .frame = mfn };
}

static bool inject(mfn_t mfn)
{
	struct mce_record r = lost(mfn);

	return vmce_inject(v, &r);
}

static void the_banks(void **state)
{
	static const u32 only_zero[] = { MSR_MCG_STATUS, 0x401, 0x402, 0x403, 0x405, 0x406, 0x407 };
	u64 val;

	assert_int_equal(rd(MSR_MCG_CAP), 2 | MCG_SER_P | MCG_LMCE_P);
	assert_int_equal(vmce_write(v, MSR_MCG_CAP, 0), -EINVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(only_zero); i++) {
		assert_int_equal(vmce_write(v, only_zero[i], 1), -EINVAL);
		assert_int_equal(vmce_write(v, only_zero[i], 0), 0);
	}
	/* Linux uses only banks whose control keeps what it writes. */
	for (u32 msr = 0x400; msr <= 0x404; msr += 4) {
		assert_int_equal(vmce_write(v, msr, ~0ull), 0);
		assert_int_equal(rd(msr), ~0ull);
	}
	assert_int_equal(vmce_write(v, MSR_MCG_EXT_CTL, 2), -EINVAL);
	assert_int_equal(vmce_write(v, MSR_MCG_EXT_CTL, 1), 0);
	assert_int_equal(rd(MSR_MCG_EXT_CTL), 1);
	cpu_features.amd = true;
	assert_int_equal(rd(MSR_MCG_CAP), 2);
	assert_int_equal(vmce_read(v, MSR_MCG_EXT_CTL, &val), -EINVAL);
	assert_int_equal(vmce_write(v, MSR_MCG_EXT_CTL, 0), -EINVAL);
}

static void the_page_that_lost_its_data(void **state)
{
	mfn_t mfn = page_to_mfn(virt_to_page(alloc_pages(0)));

	map(0x123, mfn, 0, P2M_MMIO);	/* not memory */
	map(0x765432, mfn, 0, P2M_GRANT_RW);
	assert_int_equal(vmce_write(v, MSR_MCG_EXT_CTL, 1), 0);
	assert_true(inject(mfn));
	assert_int_equal(injected, 1);
	assert_int_equal(rd(MSR_MCG_STATUS), MCG_EIPV | MCG_MCIP | MCG_LMCE_S);
	assert_int_equal(rd(0x405), lost(mfn).status);
	assert_int_equal(rd(0x406), 0x765432ull << PAGE_SHIFT | 0x40);
	assert_int_equal(rd(0x407), lost(mfn).misc);
	assert_int_equal(rd(0x401) | rd(0x402) | rd(0x403), 0);
	/* The handler has not ended, so the next one is too much. */
	assert_false(inject(mfn));
	assert_int_equal(vmce_write(v, MSR_MCG_STATUS, 0), 0);
	for (unsigned int i = 1; i < 32; i++) {
		assert_true(inject(mfn));
		assert_int_equal(vmce_write(v, MSR_MCG_STATUS, 0), 0);
	}
	assert_false(inject(mfn)); /* again and again */
	assert_int_equal(injected, 32);
}

static void in_a_large_page(void **state)
{
	void *large = alloc_pages(9);
	mfn_t mfn = virt_to_mfn(large);

	cpu_features.amd = true;
	map(0x40000, mfn, 9, P2M_RAM);
	assert_true(inject(mfn + 511));
	assert_int_equal(rd(MSR_MCG_STATUS), MCG_EIPV | MCG_MCIP); /* AMD's have no other */
	assert_int_equal(rd(0x406), (0x40000ull + 511) << PAGE_SHIFT | 0x40);
	assert_int_equal(vmce_write(v, MSR_MCG_STATUS, 0), 0);
	assert_false(inject(mfn + 512));
	assert_false(inject(mfn - 1));
	assert_int_equal(injected, 1);
}

static void who_cannot_take_it(void **state)
{
	mfn_t mfn = virt_to_mfn(alloc_pages(0));

	map(5, mfn, 0, P2M_RAM);
	assert_false(inject(mfn));	/* Intel's kernel that wants it on all CPUs */
	assert_int_equal(vmce_write(v, MSR_MCG_EXT_CTL, 1), 0);
	x86_state.cr4 = 0;
	assert_false(inject(mfn));
	x86_state = (struct hvm_state){ .cr4 = X86_CR4_MCE, .pending_event = true };
	assert_false(inject(mfn));
	x86_state.pending_event = false;
	assert_false(inject(INVALID_MFN));
	assert_false(inject(mfn + 1));
	assert_int_equal(injected, 0);
	assert_int_equal(rd(MSR_MCG_STATUS), 0);
	assert_true(inject(mfn));
}

/* A frame near the end of a space that is empty, but for a page here and there, is found soon. */
static unsigned int waits;

static void count_wait(void)
{
	waits++;
}

static void holes_are_passed(void **state)
{
	mfn_t mfn = virt_to_mfn(alloc_pages(0)), other = virt_to_mfn(alloc_pages(0));

	cpu_features.amd = true;
	map(BIT(20), other, 0, P2M_RAM);
	map(BIT(35) + 77, mfn, 0, P2M_RAM);
	waits = 0;
	fake_on_wait = count_wait;
	assert_true(inject(mfn));
	fake_on_wait = NULL;
	assert_int_equal(rd(0x406) >> PAGE_SHIFT, BIT(35) + 77);
	assert_in_range(waits, 10, 100);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(the_banks), T(the_page_that_lost_its_data), T(in_a_large_page), T(who_cannot_take_it),
	T(holes_are_passed),
};

UNIT_MAIN(tests)
