/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/hvm/vlapic.c arch/x86/hvm/vlapic_regs.c
 *	arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c
 */
#include "test/unit/x86.h"

#include "arch/x86/hvm/vioapic.c" /* what it never frees is freed here */
#include "arch/x86/irq/irq.c" /* its tables start anew with each test */

#define IOREGSEL 0x00
#define IOWIN 0x10
#define LEVEL BIT(15)
#define LOW BIT(13)
#define MASKED BIT(16)
#define REMOTE_IRR BIT(14)

void hvm_vcpu_init(struct vcpu *v) { }
void hvm_vcpu_sipi(struct vcpu *v, u8 vector) { }
void arch_vcpu_send_nmi(struct vcpu *v) { }

/* The machine's IO-APICs. */
static struct ioapic_info machine[] = {
	{ .id = 2, .address = 0xfec00000, .gsi_base = 0, .nr_pins = 24 },
	{ .id = 3, .address = 0xfec01000, .gsi_base = 24, .nr_pins = 8 },
};
struct ioapic_info *ioapics = machine;
unsigned int nr_ioapics;

static struct pin { bool masked, level, low; u8 vector; unsigned int programmed; unsigned int cpu;
		    } pins[32];
static unsigned int host_eois;
static void (*at_eoi)(void);
static u32 reserved_gsi;

int ioapic_program(u32 gsi, struct irq_desc *desc, bool level, bool active_low)
{
	struct pin *p = &pins[gsi];

	desc->gsi = gsi;
	desc->level = level;
	*p = (struct pin){ desc->masked, level, active_low, desc->vector, p->programmed + 1, desc->cpu };
	return 0;
}

void ioapic_mask(u32 gsi, bool mask)
{
	pins[gsi].masked = mask;
}

bool ioapic_reserved(u32 gsi)
{
	return gsi == reserved_gsi;
}

void lapic_eoi(void)
{
	host_eois++;
	if (at_eoi)
		at_eoi();
}

u32 lapic_read(unsigned int reg)
{
	return 0;
}

void lapic_write(unsigned int reg, u32 val)
{
}

static struct x86_domain *x;
static struct vcpu *v0;

static int setup(void **state)
{
	fake_reset();
	memset(pins, 0, sizeof(pins));
	for (unsigned int i = 0; i < ARRAY_LEN(pins); i++)
		pins[i].masked = true;
	memset(tables, 0, sizeof(tables));
	nr_ioapics = 2;
	reserved_gsi = 4;
	host_eois = 0;
	x = x86_domain_new(0, 4);
	v0 = x->d.vcpu[0];
	for (unsigned int i = 0; i < 4; i++) {
		vlapic_init(x->d.vcpu[i]);
		apic(x, i)->svr = 0x1ff;
	}
	assert_int_equal(vioapic_init(&x->d), 0);
	return 0;
}

static void free_vioapics(struct x86_domain *xd)
{
	struct vioapic *io = xd->vioapic;

	for (unsigned int i = 0; io && i < xd->nr_vioapics; i++) {
		for (unsigned int n = 0; io[i].pins && n < io[i].nr_pins; n++)
			if (io[i].pins[n].desc) {
				ioapic_mask(io[i].pins[n].gsi, true);
				irq_free(io[i].pins[n].desc);
			}
		if (io[i].pins)
			free_pages(io[i].pins, size_to_order(io[i].nr_pins * sizeof(io[i].pins[0])));
	}
	if (io)
		free_pages(io, size_to_order(xd->nr_vioapics * sizeof(*io)));
	xd->vioapic = NULL;
	xd->nr_vioapics = 0;
}

static int teardown(void **state)
{
	free_vioapics(x);
	for (unsigned int i = 0; i < ARRAY_LEN(pins); i++)
		assert_true(pins[i].masked);
	fake_check_quiet();
	x86_free(x);
	return 0;
}

static u64 io_base(u32 gsi)
{
	return ioapics[gsi >= 24].address;
}

static void write_reg(u64 base, u8 reg, u32 val)
{
	assert_true(vioapic_mmio.match(v0, base + IOREGSEL));
	vioapic_mmio.write(v0, base + IOREGSEL, 4, reg);
	vioapic_mmio.write(v0, base + IOWIN, 4, val);
}

static u32 read_reg(u64 base, u8 reg)
{
	u64 val;

	vioapic_mmio.write(v0, base + IOREGSEL, 4, reg);
	vioapic_mmio.read(v0, base + IOWIN, 4, &val);
	return (u32)val;
}

static u8 rte_reg(u32 gsi)
{
	return (u8)(0x10 + 2 * (gsi - (gsi >= 24 ? 24 : 0)));
}

static void set_rte(u32 gsi, u64 rte)
{
	write_reg(io_base(gsi), rte_reg(gsi) + 1, (u32)(rte >> 32));
	write_reg(io_base(gsi), rte_reg(gsi), (u32)rte);
}

static u32 rte_low(u32 gsi)
{
	return read_reg(io_base(gsi), rte_reg(gsi));
}

/* The device asserts the line: what the machine does. */
static void interrupt(u32 gsi)
{
	struct pin *p = &pins[gsi];

	assert_false(p->masked);
	fake_run_on(p->cpu, NULL);
	irq_dispatch(p->vector);
	fake_run_on(0, v0);
}

static bool pending(unsigned int vcpu, u8 vector)
{
	return test_bit(vector, apic(x, vcpu)->irr);
}

static void end(unsigned int vcpu, u8 vector)
{
	struct vcpu *v = x->d.vcpu[vcpu];

	assert_pending(v, vector, 0);
	vlapic_ack_vector(v, vector);
	vlapic_eoi(v);
}

static void registers(void **state)
{
	assert_int_equal(read_reg(0xfec00000, 0), 2u << 24);
	assert_int_equal(read_reg(0xfec01000, 0), 3u << 24);
	assert_int_equal(read_reg(0xfec00000, 1), 0x170011);
	assert_int_equal(read_reg(0xfec01000, 1), 0x070011);
	assert_int_equal(rte_low(0), MASKED);
	set_rte(0, 0xab000000000ff0ffull | MASKED);
	assert_int_equal(rte_low(0), 0x1a0ff); /* status bits stay */
	assert_int_equal(read_reg(0xfec00000, 0x11), 0xab000000);
	assert_int_equal(read_reg(0xfec01000, 0x10 + 16), 0); /* pin 8 of 8 */
	write_reg(0xfec01000, 0x10 + 16, 0x30);
	write_reg(0xfec01000, 0xff, 0x30);
	assert_false(vioapic_mmio.match(v0, 0xfec00100));
	assert_true(vioapic_is_page(&x->d, 0xfec01));
	assert_false(vioapic_is_page(&x->d, 0xfec02));
}

static void nothing_is_connected_before_unmask(void **state)
{
	set_rte(9, 0x31 | LEVEL | MASKED);
	assert_int_equal(pins[9].programmed, 0);
	set_rte(9, 0x31 | LEVEL | LOW);
	assert_int_equal(pins[9].programmed, 1);
	assert_true(pins[9].level && pins[9].low && !pins[9].masked);
	set_rte(9, 0x31 | LEVEL | LOW | MASKED);
	assert_true(pins[9].masked);
	set_rte(9, 0x32 | LEVEL | LOW); /* another vector: the machine's entry does not change */
	assert_false(pins[9].masked);
	assert_int_equal(pins[9].programmed, 1);
	set_rte(9, 0x32); /* another trigger mode */
	assert_int_equal(pins[9].programmed, 2);
	assert_false(pins[9].level || pins[9].low || pins[9].masked);
}

static void edge(void **state)
{
	set_rte(30, 0x41 | 2ull << 56);
	interrupt(30);
	assert_int_equal(host_eois, 1);
	assert_true(pending(1, 0x41));
	assert_false(pins[30].masked);
	assert_false(rte_low(30) & REMOTE_IRR);
	end(1, 0x41);
	interrupt(30);
	assert_true(pending(1, 0x41));
	assert_false(test_bit(0x41, apic(x, 1)->tmr));
}

static void level(void **state)
{
	set_rte(16, 0x51 | LEVEL | LOW | 4ull << 56);
	interrupt(16);
	assert_true(pins[16].masked);
	assert_int_equal(host_eois, 1);
	assert_true(rte_low(16) & REMOTE_IRR);
	assert_true(pending(2, 0x51));
	vioapic_eoi(&x->d, 0x50); /* another interrupt's */
	assert_true(pins[16].masked);
	end(2, 0x51);
	assert_false(pins[16].masked);
	assert_false(rte_low(16) & REMOTE_IRR);
	interrupt(16); /* still asserted */
	assert_true(pending(2, 0x51));
	end(2, 0x51);
	assert_false(pins[16].masked);
}

/* The guest masks and unmasks while it handles the interrupt. */
static void level_masked_in_service(void **state)
{
	u64 rte = 0x51 | LEVEL;

	set_rte(16, rte);
	interrupt(16);
	set_rte(16, rte | MASKED);
	set_rte(16, rte);
	assert_true(pins[16].masked); /* not before the EOI */
	end(0, 0x51);
	assert_false(pins[16].masked);
	set_rte(16, rte | MASKED);
	assert_true(pins[16].masked);
	set_rte(16, rte);
	assert_false(pins[16].masked);
	interrupt(16);
	set_rte(16, rte | MASKED);
	end(0, 0x51);
	assert_true(pins[16].masked); /* the guest's own mask */
	assert_false(rte_low(16) & REMOTE_IRR);
	set_rte(16, rte);
	assert_false(pins[16].masked);
}

/*
 * An interrupt was under way when the guest masked the pin. It is not lost: the line is still
 * asserted.
 */
static void level_race_with_mask(void **state)
{
	struct pin before;

	set_rte(16, 0x51 | LEVEL);
	before = pins[16];
	set_rte(16, 0x51 | LEVEL | MASKED);
	fake_run_on(before.cpu, NULL);
	irq_dispatch(before.vector);
	fake_run_on(0, v0);
	assert_false(pending(0, 0x51));
	assert_true(pins[16].masked);
	set_rte(16, 0x51 | LEVEL);
	assert_false(pins[16].masked);
	interrupt(16);
	assert_true(pending(0, 0x51));
}

/*
 * How Linux ends a level interrupt on an IO-APIC without an EOI register: it switches the pin to
 * edge and back.
 */
static void remote_irr_is_cleared_by_edge_mode(void **state)
{
	set_rte(16, 0x51 | LEVEL);
	interrupt(16);
	write_reg(io_base(16), rte_reg(16), 0x51 | MASKED);
	assert_false(rte_low(16) & REMOTE_IRR);
	assert_true(pins[16].masked);
	write_reg(io_base(16), rte_reg(16), 0x51 | LEVEL);
	assert_false(pins[16].masked);
	assert_true(pins[16].level);
	interrupt(16);
	assert_true(pins[16].masked);
}

static void two_pins_one_vector(void **state)
{
	set_rte(16, 0x51 | LEVEL);
	set_rte(17, 0x51 | LEVEL);
	interrupt(16);
	interrupt(17);
	end(0, 0x51);
	assert_false(pins[16].masked || pins[17].masked);
}

static void keels_own_pin_is_not_given(void **state)
{
	set_rte(4, 0x34);
	assert_int_equal(pins[4].programmed, 0);
	assert_true(pins[4].masked);
	assert_int_equal(rte_low(4), 0x34);
}

static void other_domains_have_none(void **state)
{
	struct x86_domain *other = x86_domain_new(1, 1);

	assert_false(vioapic_mmio.match(other->d.vcpu[0], 0xfec00000));
	vioapic_eoi(&other->d, 0x51);
	x86_free(other);
	hardware_domain = &x->d;
	fake_run_on(0, v0);
}

static void allocations_fail(void **state)
{
	struct x86_domain *other = x86_domain_new(2, 1);
	u64 before = fake_live_pages();

	FAKE_EACH_FAILURE(n) {
		int rc;

		fake_fail_nth(n);
		rc = vioapic_init(&other->d);
		assert_int_equal(rc, fake_failure_happened() ? -ENOMEM : 0);
		free_vioapics(other);
	}
	assert_int_equal(fake_live_pages(), before);
	fake_fail_nth(0);
	x86_free(other);
	fake_run_on(0, v0);
}

static void vectors_run_out(void **state)
{
	struct irq_desc *all[FAKE_CPUS * 176], *one;
	unsigned int n = 0;

	while ((one = irq_alloc(IRQ_MSI, 0, ~0u, NULL)) != NULL) {
		assert_true(n < ARRAY_LEN(all));
		all[n++] = one;
	}
	assert_int_equal(n, ARRAY_LEN(all));
	set_rte(9, 0x31 | LEVEL); /* stays masked */
	assert_int_equal(pins[9].programmed, 0);
	irq_free(all[5]);
	set_rte(9, 0x31 | LEVEL | MASKED);
	set_rte(9, 0x31 | LEVEL);
	assert_int_equal(pins[9].programmed, 1);
	for (unsigned int i = 0; i < n; i++)
		if (i != 5)
			irq_free(all[i]);
}

static unsigned int got[2];

static void count(struct irq_user *user);
static struct irq_user users[] = { { count }, { count } };

static void count(struct irq_user *user)
{
	got[user - users]++;
}

/* A late interrupt of a removed device must not reach the next user of its vector. */
static void vectors_rest_after_use(void **state)
{
	struct irq_desc *a = irq_alloc(IRQ_MSI, 0, 2, &users[0]), *b;

	memset(got, 0, sizeof(got));
	assert_int_equal(a->cpu, 2);
	irq_free(a);
	b = irq_alloc(IRQ_MSI, 0, 2, &users[1]);
	assert_int_equal(b->cpu, 2);
	assert_int_not_equal(a->vector, b->vector);
	fake_run_on(2, NULL);
	irq_dispatch(a->vector); /* no user: only an EOI */
	assert_int_equal(host_eois, 1);
	assert_int_equal(got[0] + got[1], 0);
	fake_run_on(0, v0);
	irq_free(b);
}

static struct irq_desc *changing;

/*
 * Another CPU frees the vector, and allocates until it gets the same one again, after all others.
 */
static void change_hands(void)
{
	struct irq_desc *others[176], *desc;
	unsigned int n = 0;

	irq_free(changing);
	while ((desc = irq_alloc(IRQ_MSI, 0, 2, &users[1])) != changing)
		others[n++] = desc;
	while (n)
		irq_free(others[--n]);
}

/* An interrupt goes to the user that had the vector when the interrupt came. */
static void a_vector_changes_hands(void **state)
{
	memset(got, 0, sizeof(got));
	changing = irq_alloc(IRQ_MSI, 0, 2, &users[0]);
	at_eoi = change_hands;
	fake_run_on(2, NULL);
	irq_dispatch(changing->vector);
	at_eoi = NULL;
	assert_int_equal(got[0], 1);
	assert_int_equal(got[1], 0);
	irq_dispatch(changing->vector);
	assert_int_equal(got[1], 1);
	fake_run_on(0, v0);
	irq_free(changing);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(registers), T(nothing_is_connected_before_unmask), T(edge), T(level), T(level_masked_in_service),
	T(level_race_with_mask), T(remote_irr_is_cleared_by_edge_mode), T(two_pins_one_vector),
	T(keels_own_pin_is_not_given), T(other_domains_have_none), T(allocations_fail), T(vectors_run_out),
	T(vectors_rest_after_use), T(a_vector_changes_hands),
};

UNIT_MAIN(tests)
