/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/hvm/vlapic.c arch/x86/hvm/vlapic_regs.c
 *	arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c
 */
/* The virtual-APIC page, with a VMCS in memory and a CPU that follows SDM vol. 3, chapter 30. */
#include "test/unit/x86.h"

#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/vmx/vmcs.h"

static u64 vmcs[0x8000];
#define vmread(field) (vmcs[field])
#define vmwrite(field, val) ((void)(vmcs[field] = (val)))
#include "arch/x86/vmx/vapic.c"

void hvm_vcpu_init(struct vcpu *v) { }
void hvm_vcpu_sipi(struct vcpu *v, u8 vector) { }
void arch_vcpu_send_nmi(struct vcpu *v) { }
void vioapic_eoi(struct domain *d, u8 vector) { }

static unsigned int modes; /* how often the mode changed */
static bool x2apic;

void vmx_set_msr_exits(struct x86_vcpu *vcpu)
{
	modes++;
	x2apic = vcpu->vmx.x2apic;
}

static struct x86_domain *x;
static struct x86_vcpu *v;
static u32 page[1024];

/* As in vmx.c: the vlapic holds the task priority. */
static u8 get_tpr(struct x86_vcpu *vcpu)
{
	return vlapic_get_cr8(&vcpu->v);
}

static int setup(void **state)
{
	static struct hvm_ops ops;

	ops = x86_test_ops;
	ops.get_tpr = get_tpr;
	hvm_ops = &ops;
	fake_reset();
	x = x86_domain_new(1, 2);
	v = x86_vcpu(x->d.vcpu[0]);
	vlapic_init(&v->v);
	v->vlapic.svr = 0x1ff;
	memset(page, 0, sizeof(page));
	memset(vmcs, 0, sizeof(vmcs));
	v->vmx.apic_page = page;
	v->apic_virtual = true;
	modes = 0;
	return 0;
}

static int teardown(void **state)
{
	x86_free(x);
	return 0;
}

/* --- the CPU's part --- */

static u32 *reg(unsigned int base, unsigned int vector)
{
	return &page[(base + vector / 32 * 16) / 4];
}

static u8 top(unsigned int base)
{
	for (unsigned int i = 255; i; i--)
		if (*reg(base, i) >> (i % 32) & 1)
			return (u8)i;
	return 0;
}

static void set_status(u8 svi, u8 rvi)
{
	vmcs[VMCS_INTR_STATUS] = (u64)svi << 8 | rvi;
}

/* Virtual-interrupt delivery (30.2.2): the vector, or 0 if the priority holds it back. */
static u8 cpu_deliver(void)
{
	u8 rvi = (u8)vmcs[VMCS_INTR_STATUS], svi = vmcs[VMCS_INTR_STATUS] >> 8 & 0xff;
	u8 ppr = max_t(u8, page[APIC_TPR / 4] & 0xf0, svi & 0xf0);

	if ((rvi & 0xf0) <= ppr)
		return 0;
	*reg(APIC_IRR, rvi) &= ~(1u << rvi % 32);
	*reg(APIC_ISR, rvi) |= 1u << rvi % 32;
	set_status(rvi, top(APIC_IRR));
	return rvi;
}

/* EOI virtualization (30.1.4). Returns whether it exits. */
static bool cpu_eoi(void)
{
	u8 svi = vmcs[VMCS_INTR_STATUS] >> 8 & 0xff;

	*reg(APIC_ISR, svi) &= ~(1u << svi % 32);
	set_status(top(APIC_ISR), (u8)vmcs[VMCS_INTR_STATUS]);
	return vmcs[VMCS_EOI_EXIT0 + 2 * (svi / 64)] >> (svi % 64) & 1;
}

static void cpu_self_ipi(u8 vector)
{
	*reg(APIC_IRR, vector) |= 1u << vector % 32;
	set_status(vmcs[VMCS_INTR_STATUS] >> 8 & 0xff, max_t(u8, vector, (u8)vmcs[VMCS_INTR_STATUS]));
}

static void page_is_empty(void)
{
	for (unsigned int i = 1; i < 256; i++)
		assert_false((*reg(APIC_IRR, i) | *reg(APIC_ISR, i)) >> (i % 32) & 1);
}

/* --- tests --- */

static void interrupts_go_in_by_priority(void **state)
{
	vlapic_set_irq(&v->v, 0x40, false);
	vlapic_set_irq(&v->v, 0x91, false);
	vmx_vapic_load(v);
	assert_int_equal(v->vlapic.irr[1] | v->vlapic.irr[2], 0);	/* they are in the page now */
	assert_int_equal(vmcs[VMCS_INTR_STATUS], 0x91);
	assert_int_equal(cpu_deliver(), 0x91);
	assert_int_equal(cpu_deliver(), 0);	/* 0x91 is in service */
	vmx_vapic_save(v);
	page_is_empty();
	assert_int_equal(v->vlapic.isr_top, 0x91);
	assert_pending(&v->v, 0, 0);
	/* An interrupt that came in between is not lost, nor are the older ones. */
	vlapic_set_irq(&v->v, 0xa0, false);
	vmx_vapic_load(v);
	assert_int_equal(vmcs[VMCS_INTR_STATUS], 0x91a0);
	assert_int_equal(cpu_deliver(), 0xa0);
	assert_false(cpu_eoi());
	assert_false(cpu_eoi());
	assert_int_equal(cpu_deliver(), 0x40);
	assert_false(cpu_eoi());
	vmx_vapic_save(v);
	page_is_empty();
	assert_int_equal(v->vlapic.isr_top, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(v->vlapic.isr[i] | v->vlapic.irr[i], 0);
}

/*
 * While the page holds the vCPU's interrupts, one from another CPU goes to the vlapic, and is
 * merged later.
 */
static void interrupts_that_come_while_the_guest_runs(void **state)
{
	vlapic_set_irq(&v->v, 0x50, false);
	vmx_vapic_load(v);
	vlapic_set_irq(&v->v, 0x50, false);
	vlapic_set_irq(&v->v, 0x51, false);
	vmx_vapic_save(v);
	assert_int_equal(v->vlapic.irr[1], 3ull << (0x50 - 64));
	vmx_vapic_load(v);
	assert_int_equal(cpu_deliver(), 0x51);
	cpu_eoi();
	assert_int_equal(cpu_deliver(), 0x50);
	cpu_eoi();
	assert_int_equal(cpu_deliver(), 0);
}

static void the_guests_own_interrupts_are_seen(void **state)
{
	vmx_vapic_load(v);
	page[APIC_TPR / 4] = 0x65;
	cpu_self_ipi(0x61);
	assert_int_equal(cpu_deliver(), 0);
	vmx_vapic_save(v);
	assert_int_equal(v->vlapic.tpr, 0x65);
	assert_pending(&v->v, 0, 6);	/* the task priority holds it back */
	/* A value that Keel writes takes effect at the next entry. */
	vlapic_set_tpr(&v->v, 0x20);
	vmx_vapic_load(v);
	assert_int_equal(cpu_deliver(), 0x61);
}

static void level_interrupts_end_with_an_exit(void **state)
{
	struct exit_info e = { .raw = VMX_EXIT_EOI };

	vlapic_set_irq(&v->v, 0x70, true);
	vlapic_set_irq(&v->v, 0x31, false);
	vmx_vapic_load(v);
	assert_int_equal(*reg(APIC_TMR, 0x70), 1u << 0x70 % 32);
	assert_int_equal(cpu_deliver(), 0x70);
	assert_true(cpu_eoi());
	vmcs[VMCS_QUALIFICATION] = 0x70;
	vmx_vapic_save(v);
	vmx_decode_apic(v, &e);
	assert_int_equal(e.apic.reg, APIC_EOI);
	assert_int_equal(e.apic.val, 0x70);
	vmx_vapic_load(v);
	assert_int_equal(cpu_deliver(), 0x31);
	assert_false(cpu_eoi());
	vmx_vapic_save(v);
	/* The same vector from an edge-triggered source: its EOI does not exit. */
	vlapic_set_irq(&v->v, 0x70, false);
	vmx_vapic_load(v);
	assert_int_equal(*reg(APIC_TMR, 0x70), 0);
	assert_int_equal(cpu_deliver(), 0x70);
	assert_false(cpu_eoi());
}

static void x2apic_registers_are_in_the_page(void **state)
{
	vmx_vapic_load(v);
	assert_int_equal(modes, 0);
	v = x86_vcpu(x->d.vcpu[1]);
	vlapic_init(&v->v);
	v->vmx.apic_page = page;
	v->apic_virtual = true;
	assert_int_equal(vlapic_msr_write(&v->v, MSR_APIC_BASE,
					  APIC_DEFAULT_PHYS_BASE | APIC_BASE_EN | APIC_BASE_EXTD), 0);
	vmx_vapic_load(v);
	vmx_vapic_load(v);
	assert_int_equal(modes, 1);
	assert_true(x2apic);
	assert_int_equal(page[APIC_ID / 4], 2);
	assert_int_equal(page[APIC_LDR / 4], 1 << 2);
	assert_int_equal(page[APIC_LVR / 4] & 0xff, 0x14);
	/* With the APIC off, Keel refuses its MSRs. */
	assert_int_equal(vlapic_msr_write(&v->v, MSR_APIC_BASE, APIC_DEFAULT_PHYS_BASE), 0);
	vmx_vapic_load(v);
	assert_int_equal(modes, 2);
	assert_false(x2apic);
}

static void writes_that_the_cpu_does_not_finish(void **state)
{
	struct exit_info e = { .raw = VMX_EXIT_APIC_WRITE };

	page[APIC_SELF_IPI / 4] = 0x0f;
	vmcs[VMCS_QUALIFICATION] = APIC_SELF_IPI;
	vmx_decode_apic(v, &e);
	assert_int_equal(e.apic.reg, APIC_SELF_IPI);
	assert_int_equal(e.apic.val, 0x0f);
	e.raw = VMX_EXIT_TPR;
	v->vlapic.tpr = 0x30;
	vmx_decode_apic(v, &e);
	assert_int_equal(e.apic.reg, APIC_TPR);
	assert_int_equal(e.apic.val, 0x30);
}

/* Without virtual-interrupt delivery the page only holds the task priority. */
static void a_tpr_shadow_alone(void **state)
{
	v->apic_virtual = false;
	vlapic_set_irq(&v->v, 0x50, false);
	vlapic_set_tpr(&v->v, 0x77);
	vmx_vapic_load(v);
	assert_int_equal(page[APIC_TPR / 4], 0x77);
	assert_int_equal(v->vlapic.irr[1], 1ull << (0x50 - 64));
	assert_int_equal(vmcs[VMCS_INTR_STATUS], 0);
	vmx_set_tpr_threshold(v, 5);
	assert_int_equal(vmcs[VMCS_TPR_THRESHOLD], 5);
	page[APIC_TPR / 4] = 0x40;
	vmx_vapic_save(v);
	assert_int_equal(v->vlapic.tpr, 0x40);
	assert_int_equal(vmcs[VMCS_TPR_THRESHOLD], 0);	/* above the TPR, the entry would fail */
	assert_pending(&v->v, 0x50, 0);
}

static void without_a_page_nothing_is_done(void **state)
{
	v->vmx.apic_page = NULL;
	v->apic_virtual = false;
	vlapic_set_irq(&v->v, 0x50, false);
	vmx_vapic_load(v);
	vmx_vapic_save(v);
	assert_int_equal(v->vlapic.irr[1], 1ull << (0x50 - 64));
	assert_int_equal(vmcs[VMCS_INTR_STATUS], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(interrupts_go_in_by_priority, setup, teardown),
		cmocka_unit_test_setup_teardown(interrupts_that_come_while_the_guest_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(the_guests_own_interrupts_are_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(level_interrupts_end_with_an_exit, setup, teardown),
		cmocka_unit_test_setup_teardown(x2apic_registers_are_in_the_page, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_that_the_cpu_does_not_finish, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tpr_shadow_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_page_nothing_is_done, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
