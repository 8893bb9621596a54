/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/hvm/vlapic.c arch/x86/hvm/vlapic_regs.c
 *	arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c
 */
#include "test/unit/x86.h"

#include "arch/x86/hvm/upcall.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/irq/irq.h"
#include "common/evtchn.h"

#define X2APIC(reg) (0x800 + ((reg) >> 4))
#define BASE(mode) (APIC_DEFAULT_PHYS_BASE | (mode))

/* What the APIC sent. */
static unsigned int resets, sipis, nmis, eois;
static u8 sipi_vector, eoi_vector;
static struct vcpu *sipi_target, *reset_target, *nmi_target;

void hvm_vcpu_init(struct vcpu *v)
{
	vlapic_reset(v);
	resets++;
	reset_target = v;
}

void hvm_vcpu_sipi(struct vcpu *v, u8 vector)
{
	sipis++;
	sipi_target = v;
	sipi_vector = vector;
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
	nmis++;
	nmi_target = v;
}

void vioapic_eoi(struct domain *d, u8 vector)
{
	eois++;
	eoi_vector = vector;
}

static struct x86_domain *x;
static struct vcpu *v0, *v1;

static int setup(void **state)
{
	fake_reset();
	x = x86_domain_new(1, 8);
	v0 = x->d.vcpu[0];
	v1 = x->d.vcpu[1];
	for (unsigned int i = 0; i < x->d.max_vcpus; i++) {
		vlapic_init(x->d.vcpu[i]);
		apic(x, i)->svr = 0x1ff;
	}
	resets = sipis = nmis = eois = 0;
	return 0;
}

static int teardown(void **state)
{
	fake_check_quiet();
	x86_free(x);
	return 0;
}

static void set_x2apic(struct vcpu *v)
{
	assert_int_equal(vlapic_msr_write(v, MSR_APIC_BASE, BASE(APIC_BASE_EN | APIC_BASE_EXTD)), 0);
}

static u64 get(struct vcpu *v, u32 msr)
{
	u64 val = 0xdeadbeef;

	assert_int_equal(vlapic_msr_read(v, msr, &val), 0);
	return val;
}

static void put(struct vcpu *v, u32 msr, u64 val)
{
	assert_int_equal(vlapic_msr_write(v, msr, val), 0);
}

static void take(struct vcpu *v, int vector)
{
	assert_pending(v, vector, 0);
	vlapic_ack_vector(v, (u8)vector);
}

static void highest_vector_first(void **state)
{
	vlapic_set_irq(v0, 0x31, false);
	vlapic_set_irq(v0, 0xf3, false);
	vlapic_set_irq(v0, 0x52, false);
	vlapic_set_irq(v0, 0x94, false);
	take(v0, 0xf3);
	assert_pending(v0, 0, 0);
	vlapic_eoi(v0);
	take(v0, 0x94);
	vlapic_eoi(v0);
	take(v0, 0x52);
	vlapic_set_irq(v0, 0x5f, false); /* the same priority class waits */
	assert_pending(v0, 0, 0);
	vlapic_set_irq(v0, 0x60, false); /* a higher class nests */
	take(v0, 0x60);
	vlapic_eoi(v0);
	assert_int_equal(vlapic_ppr(apic(x, 0)), 0x50);
	vlapic_eoi(v0);
	take(v0, 0x5f);
	vlapic_eoi(v0);
	take(v0, 0x31);
	vlapic_eoi(v0);
	assert_pending(v0, 0, 0);
	vlapic_eoi(v0); /* nothing is in service: no effect */
	assert_int_equal(eois, 0);
}

static void disabled_apic_delivers_nothing(void **state)
{
	vlapic_set_irq(v0, 0x45, false);
	apic(x, 0)->enabled = false; /* off in MSR_APIC_BASE */
	assert_pending(v0, 0, 0);
	apic(x, 0)->enabled = true;
	take(v0, 0x45);
}

static void task_priority_holds_back(void **state)
{
	vlapic_set_irq(v0, 0x45, false);
	vlapic_mmio_write(v0, APIC_TPR, 0x4f);
	assert_pending(v0, 0, 4); /* could be taken below class 4 */
	assert_int_equal(x86_tpr[0], 4);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TPR), 0x4f);
	assert_int_equal(vlapic_mmio_read(v0, APIC_PPR), 0x4f);
	vlapic_mmio_write(v0, APIC_TPR, 0x40); /* all of its class */
	assert_pending(v0, 0, 4);
	vlapic_mmio_write(v0, APIC_TPR, 0x4f);
	x86_tpr[0] = 3; /* MOV to CR8, which Keel sees only afterwards */
	assert_pending(v0, 0x45, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TPR), 0x30);
	vlapic_ack_vector(v0, 0x45);
	vlapic_set_irq(v0, 0x46, false); /* held back by what is in service; a lower TPR does not help */
	assert_pending(v0, 0, 0);
}

static void level_interrupts_tell_the_ioapic(void **state)
{
	vlapic_set_irq(v0, 0x61, true);
	take(v0, 0x61);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TMR + 0x30), 2);
	vlapic_mmio_write(v0, APIC_EOI, 0);
	assert_int_equal(eois, 1);
	assert_int_equal(eoi_vector, 0x61);
	vlapic_set_irq(v0, 0x61, false);
	take(v0, 0x61);
	vlapic_mmio_write(v0, APIC_EOI, 0);
	assert_int_equal(eois, 1);
}

static void disabled_apic_accepts_nothing(void **state)
{
	apic(x, 0)->svr = 0xff;
	vlapic_set_irq(v0, 0x40, false);
	assert_pending(v0, 0, 0);
	put(v0, MSR_APIC_BASE, BASE(0));
	apic(x, 0)->svr = 0x1ff;
	vlapic_set_irq(v0, 0x40, false);
	assert_int_equal(apic(x, 0)->irr[1], 0);
	assert_false(vlapic_mmio_active(v0, APIC_DEFAULT_PHYS_BASE));
}

static void kicks_others_and_sleepers_only(void **state)
{
	vlapic_set_irq(v0, 0x40, false); /* current: it looks before its next entry */
	assert_int_equal(fake_events.kicks, 0);
	vlapic_set_irq(v1, 0x40, false);
	assert_int_equal(fake_events.kicks, 1);
	vlapic_set_irq(v1, 0x40, false); /* pending already */
	assert_int_equal(fake_events.kicks, 1);
	set_bit(VPF_BLOCKED, &v0->wait_flags);
	vlapic_set_irq(v0, 0x41, false);
	assert_int_equal(fake_events.kicks, 2);
}

static void mode_changes(void **state)
{
	static const u64 modes[] = { 0, APIC_BASE_EN, APIC_BASE_EN | APIC_BASE_EXTD };
	/* from, to: allowed? (SDM vol. 3, 11.12.5) */
	static const bool ok[3][3] = { { true, true, false }, { true, true, true },
				       { true, false, true } };

	for (unsigned int from = 0; from < 3; from++) {
		for (unsigned int to = 0; to < 3; to++) {
			u64 want = BASE(modes[to]) | APIC_BASE_BSP;

			assert_int_equal(vlapic_load_base(v0, BASE(modes[from]), true), 0);
			assert_int_equal(vlapic_msr_write(v0, MSR_APIC_BASE, BASE(modes[to])),
					 ok[from][to] ? 0 : -EINVAL);
			if (!ok[from][to])
				want = BASE(modes[from]) | APIC_BASE_BSP;
			assert_int_equal(get(v0, MSR_APIC_BASE), want);
		}
	}
	/* extended without enabled, another base, reserved bits */
	assert_int_equal(vlapic_msr_write(v0, MSR_APIC_BASE, BASE(APIC_BASE_EXTD)), -EINVAL);
	assert_int_equal(vlapic_msr_write(v0, MSR_APIC_BASE, 0xfee01000 | APIC_BASE_EN), -EINVAL);
	assert_int_equal(vlapic_msr_write(v0, MSR_APIC_BASE, BASE(APIC_BASE_EN | 1)), -EINVAL);
	assert_int_equal(vlapic_msr_write(v0, MSR_APIC_BASE, BASE(APIC_BASE_EN) | BIT(50)), -EINVAL);
	assert_int_equal(get(v1, MSR_APIC_BASE), BASE(APIC_BASE_EN)); /* only vCPU 0 boots */
}

static void ids(void **state)
{
	assert_int_equal(vlapic_mmio_read(v1, APIC_ID), 2u << 24);
	assert_int_equal(vlapic_mmio_read(v1, APIC_LVR), 0x50014);
	set_x2apic(v1);
	assert_int_equal(get(v1, X2APIC(APIC_ID)), 2);
	assert_int_equal(get(v1, X2APIC(APIC_LDR)), BIT(2));
	apic(x, 1)->id = 0x24;
	vlapic_load_base(v1, BASE(APIC_BASE_EN | APIC_BASE_EXTD), true);
	assert_int_equal(get(v1, X2APIC(APIC_LDR)), 0x20010);
}

/* Every x2APIC MSR: which can be read, which values can be written. */
static void x2apic_registers(void **state)
{
	set_x2apic(v0);
	for (u32 msr = 0x800; msr <= 0x8ff; msr++) {
		unsigned int reg = (msr - 0x800) << 4;
		bool readable = reg == APIC_ID || reg == APIC_LVR || reg == APIC_TPR || reg == APIC_PPR ||
				reg == APIC_LDR || reg == APIC_SVR || (reg >= APIC_ISR && reg <= APIC_ESR) ||
				reg == APIC_ICR || (reg >= APIC_LVT_TIMER && reg <= APIC_TMCCT) || reg == APIC_TDCR;
		bool writable = reg == APIC_TPR || reg == APIC_EOI || reg == APIC_SVR || reg == APIC_ESR ||
				reg == APIC_ICR || (reg >= APIC_LVT_TIMER && reg <= APIC_TMICT) ||
				reg == APIC_TDCR || reg == APIC_SELF_IPI;
		u64 val;

		assert_int_equal(vlapic_msr_read(v0, msr, &val), readable ? 0 : -EINVAL);
		/*
		 * Zero is valid for every writable register (as an IPI it only records an error).
		 */
		assert_int_equal(vlapic_msr_write(v0, msr, 0), writable ? 0 : -EINVAL);
		if (reg != APIC_ICR)
			assert_int_equal(vlapic_msr_write(v0, msr, BIT(32)), -EINVAL);
	}
	assert_int_equal(vlapic_msr_write(v0, MSR_TSC_DEADLINE, 0), -EINVAL);
}

static void x2apic_reserved_bits(void **state)
{
	static const struct { unsigned int reg; u64 bad, good; } cases[] = {
		{ APIC_TPR, 0x100, 0xff },	{ APIC_EOI, 1, 0 },
		{ APIC_ESR, 1, 0 },		{ APIC_SVR, 0x400, 0x1ef },
		{ APIC_TDCR, 4, 0xb },		{ APIC_SELF_IPI, 0x100, 0x33 },
		{ APIC_LVT_TIMER, 0x400ff, 0x310ff }, /* no TSC deadline */
		{ APIC_LVT_TIMER, 0x1100, 0x20 },
		{ APIC_LVT_LINT0, 0x20000, 0x1f7ff }, { APIC_LVT_PERF, 0x8000, 0x117ff },
		{ APIC_LVT_ERROR, 0x100, 0x110ff },
		{ APIC_ICR, 0x1000, 0x40 },	{ APIC_ICR, 0x10040, 0x40 },
		{ APIC_ICR, 0x100040, 0x40 },	{ APIC_ICR, 0x2040, 0x40 },
	};

	set_x2apic(v0);
	for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(vlapic_msr_write(v0, X2APIC(cases[i].reg), cases[i].bad), -EINVAL);
		assert_int_equal(vlapic_msr_write(v0, X2APIC(cases[i].reg), cases[i].good), 0);
	}
	/* And none of these in xAPIC mode. */
	assert_int_equal(vlapic_msr_write(v1, X2APIC(APIC_EOI), 0), -EINVAL);
}

static void xapic_page(void **state)
{
	assert_true(vlapic_mmio_active(v0, APIC_DEFAULT_PHYS_BASE + 0x300));
	assert_false(vlapic_mmio_active(v0, APIC_DEFAULT_PHYS_BASE + PAGE_SIZE));
	vlapic_mmio_write(v0, APIC_ID, 0x55000000);
	assert_int_equal(vlapic_mmio_read(v0, APIC_ID), 0);
	vlapic_mmio_write(v0, APIC_LDR, 0x12345678);
	assert_int_equal(vlapic_mmio_read(v0, APIC_LDR), 0x12000000);
	vlapic_mmio_write(v0, APIC_DFR, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_DFR), 0x0fffffff);
	vlapic_mmio_write(v0, APIC_LVT_LINT0, 0xffffffff);
	assert_int_equal(vlapic_mmio_read(v0, APIC_LVT_LINT0), 0x1a7ff);
	vlapic_mmio_write(v0, APIC_LVT_ERROR, 0xfe);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TPR + 4), 0); /* between two registers */
	assert_int_equal(apic(x, 0)->esr_pending, 0);
	vlapic_mmio_write(v0, 0x40, 1); /* no register there */
	assert_int_equal(vlapic_mmio_read(v0, APIC_ESR), 0);
	vlapic_mmio_write(v0, APIC_ESR, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_ESR), ESR_ILLEGAL_REGISTER);
	take(v0, 0xfe);
	vlapic_mmio_write(v0, APIC_ESR, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_ESR), 0);
}

static void software_disable_masks(void **state)
{
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0xef);
	assert_int_equal(vlapic_mmio_read(v0, APIC_LVT_TIMER), 0xef);
	vlapic_mmio_write(v0, APIC_SVR, 0xff);
	assert_int_equal(vlapic_mmio_read(v0, APIC_LVT_TIMER), 0x100ef);
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0xef); /* cannot be unmasked while the APIC is off */
	assert_int_equal(vlapic_mmio_read(v0, APIC_LVT_TIMER), 0x100ef);
}

static bool pending(unsigned int vcpu, u8 vector)
{
	return test_and_clear_bit(vector, apic(x, vcpu)->irr);
}

/* Sends an IPI, and returns a bit mask of the vCPUs that got it. */
static unsigned int reached(u64 icr, u8 vector)
{
	unsigned int who = 0;

	vlapic_send_ipi(v0, icr);
	for (unsigned int i = 0; i < x->d.max_vcpus; i++)
		who |= pending(i, vector) << i;
	return who;
}

static void xapic_destinations(void **state)
{
	u64 to = 1ull << 56;

	assert_int_equal(reached(0x40 | 4 * to, 0x40), BIT(2));
	assert_int_equal(reached(0x40 | 5 * to, 0x40), 0); /* nobody has an odd id */
	assert_int_equal(reached(0x40 | 16 * to, 0x40), 0);
	assert_int_equal(reached(0x40 | 0xff * to, 0x40), 0xff);
	assert_int_equal(reached(0x40 | 1 << 18, 0x40), BIT(0));
	assert_int_equal(reached(0x40 | 2 << 18, 0x40), 0xff);
	assert_int_equal(reached(0x40 | 3 << 18, 0x40), 0xfe);
	for (unsigned int i = 0; i < 8; i++)
		apic(x, i)->ldr = 1u << (24 + i);
	assert_int_equal(reached(0x40 | 1 << 11 | 0x81 * to, 0x40), 0x81);
	assert_int_equal(reached(0x40 | 1 << 11, 0x40), 0);
	for (unsigned int i = 0; i < 8; i++) { /* two clusters of four */
		apic(x, i)->ldr = (i / 4 << 4 | 1u << i % 4) << 24;
		apic(x, i)->dfr = 0x0fffffff;
	}
	assert_int_equal(reached(0x40 | 1 << 11 | 0x13 * to, 0x40), 0x30);
	assert_int_equal(reached(0x40 | 1 << 11 | 0xf1 * to, 0x40), 0x11);
}

static void x2apic_destinations(void **state)
{
	u64 to = 1ull << 32;

	for (unsigned int i = 0; i < 8; i++)
		set_x2apic(x->d.vcpu[i]);
	assert_int_equal(reached(0x40 | 14 * to, 0x40), BIT(7));
	assert_int_equal(reached(0x40 | 0x100 * to, 0x40), 0);
	assert_int_equal(reached(0x40 | 0xffffffff * to, 0x40), 0xff);
	assert_int_equal(reached(0x40 | 1 << 11 | 0x5 * to, 0x40), 0x3); /* ids 0 and 2 */
	assert_int_equal(reached(0x40 | 1 << 11 | 0xff * to, 0x40), 0xf); /* not a broadcast here */
	assert_int_equal(reached(0x40 | 1 << 11 | 0x10001 * to, 0x40), 0);
	put(v0, X2APIC(APIC_SELF_IPI), 0x77);
	assert_true(pending(0, 0x77));
	assert_int_equal(get(v0, X2APIC(APIC_ICR)), 0); /* a self IPI leaves it alone */
	put(v0, X2APIC(APIC_ICR), 0x41 | 2 * to);
	assert_int_equal(get(v0, X2APIC(APIC_ICR)), 0x41 | 2 * to);
	assert_true(pending(1, 0x41));
}

static void lowest_priority_goes_to_one(void **state)
{
	unsigned int seen = 0;

	assert_int_equal(__builtin_popcount(reached(0x40 | 1 << 8 | 0xffull << 56, 0x40)), 1);
	for (unsigned int i = 0; i < 8; i++)
		apic(x, i)->tpr = i == 5 ? 0x10 : 0x20;
	assert_int_equal(reached(0x40 | 1 << 8 | 0xffull << 56, 0x40), BIT(5));
	apic(x, 5)->svr = 0xff; /* a vCPU that accepts no interrupts is not chosen */
	for (unsigned int i = 0; i < 64; i++)
		seen |= reached(0x40 | 1 << 8 | 0xffull << 56, 0x40);
	assert_int_equal(seen, 0xdf); /* equal candidates take turns */
}

static void startup_sequence(void **state)
{
	vlapic_mmio_write(v0, APIC_ICR2, 2u << 24);
	vlapic_mmio_write(v0, APIC_ICR, APIC_ICR_LEVEL | APIC_ICR_ASSERT | APIC_DM_INIT << 8);
	assert_int_equal(resets, 1);
	assert_ptr_equal(reset_target, v1);
	vlapic_mmio_write(v0, APIC_ICR, APIC_ICR_LEVEL | APIC_DM_INIT << 8); /* for old CPUs */
	assert_int_equal(resets, 1);
	vlapic_mmio_write(v0, APIC_ICR, APIC_DM_STARTUP << 8 | 0x9a);
	assert_int_equal(sipis, 1);
	assert_ptr_equal(sipi_target, v1);
	assert_int_equal(sipi_vector, 0x9a);
	vlapic_mmio_write(v0, APIC_ICR, 3u << 18 | APIC_ICR_ASSERT | APIC_DM_INIT << 8);
	assert_int_equal(resets, 8); /* all others */
	vlapic_mmio_write(v0, APIC_ICR, 2u << 18 | APIC_ICR_ASSERT | APIC_DM_INIT << 8);
	assert_int_equal(resets, 8); /* all including self: invalid for INIT */
	vlapic_mmio_write(v0, APIC_ICR, APIC_DM_NMI << 8);
	assert_int_equal(nmis, 1);
	assert_ptr_equal(nmi_target, v1);
}

static void init_clears_the_apic(void **state)
{
	vlapic_set_irq(v1, 0x40, false);
	vlapic_send_ipi(v0, 2ull << 56 | APIC_ICR_ASSERT | APIC_DM_INIT << 8);
	assert_int_equal(apic(x, 1)->irr[1], 0);
	assert_int_equal(apic(x, 1)->svr, 0xff);
	assert_int_equal(apic(x, 1)->id, 2);
}

static void illegal_vectors(void **state)
{
	vlapic_mmio_write(v0, APIC_LVT_ERROR, 0xfe);
	vlapic_mmio_write(v0, APIC_ICR, 1 << 18 | 0xf);
	vlapic_mmio_write(v0, APIC_ESR, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_ESR),
			 ESR_SEND_ILLEGAL_VECTOR | ESR_RECEIVE_ILLEGAL_VECTOR);
	assert_true(pending(0, 0xfe));
	/* To another vCPU: sender and receiver each record their error. */
	vlapic_mmio_write(v0, APIC_ICR2, 2u << 24);
	vlapic_mmio_write(v0, APIC_ICR, 0xf);
	vlapic_mmio_write(v0, APIC_ESR, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_ESR), ESR_SEND_ILLEGAL_VECTOR);
	vlapic_mmio_write(v1, APIC_ESR, 0);
	assert_int_equal(vlapic_mmio_read(v1, APIC_ESR), ESR_RECEIVE_ILLEGAL_VECTOR);
	vlapic_set_irq(v0, 15, false);
	vlapic_mmio_write(v0, APIC_ESR, 0);
	assert_int_equal(vlapic_mmio_read(v0, APIC_ESR), ESR_RECEIVE_ILLEGAL_VECTOR);
	assert_true(pending(0, 0xfe));
	vlapic_mmio_write(v0, APIC_LVT_ERROR, 0x3); /* the error vector is invalid, too: no recursion */
	vlapic_set_irq(v0, 2, false);
	assert_pending(v0, 0, 0);
}

static void illegal_self_ipi(void **state)
{
	set_x2apic(v0);
	put(v0, X2APIC(APIC_SELF_IPI), 0xf);
	put(v0, X2APIC(APIC_ESR), 0);
	assert_int_equal(get(v0, X2APIC(APIC_ESR)), ESR_SEND_ILLEGAL_VECTOR | ESR_RECEIVE_ILLEGAL_VECTOR);
	put(v0, X2APIC(APIC_SELF_IPI), 0x10);
	put(v0, X2APIC(APIC_ESR), 0);
	assert_int_equal(get(v0, X2APIC(APIC_ESR)), 0);
	assert_pending(v0, 0x10, 0);
}

static void messages(void **state)
{
	vlapic_deliver_msg(&x->d, 2, false, APIC_DM_FIXED, 0x50, true);
	assert_true(pending(1, 0x50));
	assert_true(test_bit(0x50, apic(x, 1)->tmr));
	vlapic_deliver_msg(&x->d, 3, false, APIC_DM_FIXED, 0x50, false);
	vlapic_deliver_msg(&x->d, 2, false, APIC_DM_NMI, 0, false);
	assert_int_equal(nmis, 1);
	vlapic_deliver_msg(&x->d, 2, false, APIC_DM_INIT, 0, false);
	vlapic_deliver_msg(&x->d, 2, false, APIC_DM_STARTUP, 0, false);
	vlapic_deliver_msg(&x->d, 2, false, APIC_DM_SMI, 0x60, false);
	vlapic_deliver_msg(&x->d, 2, false, APIC_DM_EXTINT, 0x60, false);
	assert_int_equal(resets + sipis, 0);
	assert_pending(v1, 0, 0);
	vlapic_deliver_msg(&x->d, 0xff, false, APIC_DM_FIXED, 0x51, false);
	for (unsigned int i = 0; i < 8; i++)
		assert_true(pending(i, 0x51));
}

static void nearest_cpu(void **state)
{
	assert_int_equal(vlapic_dest_cpu(&x->d, 6, false), 3); /* vCPU 3 is on CPU 3 */
	assert_int_equal(vlapic_dest_cpu(&x->d, 10, false), 1);
	assert_int_equal(vlapic_dest_cpu(&x->d, 3, false), ~0u);
	assert_int_equal(vlapic_dest_cpu(&x->d, 0xff, false), 0);
}

/* 100 MHz, divided by 16: 160 ns a tick. */
static void oneshot_timer(void **state)
{
	vlapic_mmio_write(v0, APIC_TDCR, 3);
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0xec);
	vlapic_mmio_write(v0, APIC_TMICT, 1000);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TMCCT), 1000);
	fake_advance(80000);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TMCCT), 500);
	fake_advance(79999);
	assert_false(pending(0, 0xec));
	fake_advance(1);
	assert_true(pending(0, 0xec));
	assert_int_equal(vlapic_mmio_read(v0, APIC_TMCCT), 0);
	fake_advance(1000000);
	assert_false(pending(0, 0xec));
	vlapic_mmio_write(v0, APIC_TMICT, 1000);
	vlapic_mmio_write(v0, APIC_TMICT, 0); /* stops it */
	fake_advance(1000000);
	assert_false(pending(0, 0xec));
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0x100ec);
	vlapic_mmio_write(v0, APIC_TMICT, 10);
	fake_advance(1000000);
	assert_false(pending(0, 0xec)); /* masked */
}

static void periodic_timer(void **state)
{
	vlapic_mmio_write(v0, APIC_TDCR, 0xb); /* by 1 */
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0x200ec);
	vlapic_mmio_write(v0, APIC_TMICT, 100000); /* 1 ms */
	for (unsigned int i = 0; i < 5; i++) {
		fake_advance(999999);
		assert_false(pending(0, 0xec));
		fake_advance(1);
		assert_true(pending(0, 0xec));
	}
	fake_advance(250000);
	assert_int_equal(vlapic_mmio_read(v0, APIC_TMCCT), 75000);
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0xec); /* one-shot now: the count has expired */
	fake_advance(5000000);
	assert_false(pending(0, 0xec));
	/* A period of 10 ns is not granted. */
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0x200ec);
	vlapic_mmio_write(v0, APIC_TMICT, 1);
	fake_advance(19999);
	assert_false(pending(0, 0xec));
	fake_advance(1);
	assert_true(pending(0, 0xec));
	vlapic_reset(v0);
	fake_advance(1000000);
	assert_false(pending(0, 0xec));
}

static void timer_divide_goes_on(void **state)
{
	vlapic_mmio_write(v0, APIC_TDCR, 0xb);
	vlapic_mmio_write(v0, APIC_LVT_TIMER, 0xec);
	vlapic_mmio_write(v0, APIC_TMICT, 1000);
	fake_advance(5000);
	vlapic_mmio_write(v0, APIC_TDCR, 0); /* by 2: the 500 that are left take 10 us */
	assert_int_equal(vlapic_mmio_read(v0, APIC_TMCCT), 500);
	fake_advance(9999);
	assert_false(pending(0, 0xec));
	fake_advance(1);
	assert_true(pending(0, 0xec));
}

static void upcall_by_own_vector(void **state)
{
	x->d.hvm_params[HVM_PARAM_CALLBACK_IRQ] = 2ull << 56 | 0xf4; /* not for this vCPU */
	v0->upcall_vector = 0xf3;
	v0->info->evtchn_upcall_pending = 1;
	apic(x, 0)->svr = 0xff;
	arch_upcall(v0); /* lost: the APIC is off */
	assert_int_equal(hvm_pending_vector(x86_vcpu(v0)).vector, 0);
	vlapic_mmio_write(v0, APIC_SVR, 0x1ff); /* but delivered when it is on again */
	assert_true(hvm_pending_vector(x86_vcpu(v0)).vector == 0xf3 &&
		    hvm_pending_vector(x86_vcpu(v0)).via_apic);
	assert_true(arch_vcpu_has_events(v0));
	vlapic_ack_vector(v0, 0xf3);
	v0->info->evtchn_upcall_pending = 0;
	vlapic_mmio_write(v0, APIC_SVR, 0x1ff);
	vlapic_mmio_write(v0, APIC_EOI, 0);
	assert_false(arch_vcpu_has_events(v0));
}

static void upcall_by_callback_vector(void **state)
{
	x->d.hvm_params[HVM_PARAM_CALLBACK_IRQ] = 2ull << 56 | 0xf4;
	assert_false(arch_vcpu_has_events(v0));
	v0->info->evtchn_upcall_pending = 1;
	apic(x, 0)->svr = 0xff; /* works even if the APIC is off */
	arch_upcall(v0);
	assert_true(hvm_pending_vector(x86_vcpu(v0)).vector == 0xf4 &&
		    !hvm_pending_vector(x86_vcpu(v0)).via_apic);
	assert_int_equal(fake_events.kicks, 0);
	v1->info->evtchn_upcall_pending = 1;
	arch_upcall(v1);
	assert_int_equal(fake_events.kicks, 1);
	v0->info->evtchn_upcall_pending = 0;
	assert_int_equal(hvm_pending_vector(x86_vcpu(v0)).vector, 0);
	/* Other kinds of callback (GSI, PCI INTx) are not supported. */
	x->d.hvm_params[HVM_PARAM_CALLBACK_IRQ] = 1;
	v0->info->evtchn_upcall_pending = 1;
	assert_int_equal(hvm_pending_vector(x86_vcpu(v0)).vector, 0);
}

static void saved_and_loaded(void **state)
{
	u32 regs[256], again[256];

	set_x2apic(v0);
	vlapic_set_irq(v0, 0x45, true);
	vlapic_set_irq(v0, 0xf3, false);
	take(v0, 0xf3);
	put(v0, X2APIC(APIC_TPR), 0x20);
	put(v0, X2APIC(APIC_ICR), 0x41 | 6ull << 32);
	put(v0, X2APIC(APIC_LVT_TIMER), 0x200ec);
	put(v0, X2APIC(APIC_TMICT), 100000);
	vlapic_save_regs(v0, regs);
	assert_int_equal(regs[APIC_ID / 4], 0);
	assert_int_equal(regs[(APIC_ISR + 0x70) / 4], BIT(0xf3 - 0xe0));
	assert_int_equal(regs[APIC_ICR2 / 4], 6);
	vlapic_load_base(v1, BASE(APIC_BASE_EN | APIC_BASE_EXTD), true);
	assert_int_equal(vlapic_load_regs(v1, regs, true), 0);
	vlapic_save_regs(v1, again);
	again[APIC_ID / 4] = regs[APIC_ID / 4];
	again[APIC_LDR / 4] = regs[APIC_LDR / 4];
	assert_memory_equal(regs, again, sizeof(regs));
	assert_pending(v1, 0, 0);
	vlapic_eoi(v1);
	assert_pending(v1, 0x45, 0);
	fake_advance(2000000);
	assert_true(pending(1, 0xec));
	regs[APIC_IRR / 4] = BIT(3);
	assert_int_equal(vlapic_load_regs(v1, regs, true), -EINVAL);
	assert_int_equal(vlapic_load_base(v1, BASE(APIC_BASE_EXTD), true), -EINVAL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(highest_vector_first), T(task_priority_holds_back), T(level_interrupts_tell_the_ioapic),
	T(disabled_apic_delivers_nothing),
	T(disabled_apic_accepts_nothing), T(kicks_others_and_sleepers_only), T(mode_changes), T(ids),
	T(x2apic_registers), T(x2apic_reserved_bits), T(xapic_page), T(software_disable_masks),
	T(xapic_destinations), T(x2apic_destinations), T(lowest_priority_goes_to_one), T(startup_sequence),
	T(init_clears_the_apic), T(illegal_vectors), T(illegal_self_ipi), T(messages),
	T(nearest_cpu), T(oneshot_timer),
	T(periodic_timer), T(timer_divide_goes_on), T(upcall_by_own_vector), T(upcall_by_callback_vector),
	T(saved_and_loaded),
};

UNIT_MAIN(tests)
