/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/hvm/vcpu_start.c arch/x86/hvm/vcpu_context.c common/vcpu_op.c common/spinlock.c
 */
#include "test/unit/unit.h"
#include "test/unit/x86.h"

#include "arch/x86/hvm/ops.h"
#include "common/hypercall.h"

/* regs.c decides which values are valid. */
int hvm_state_check(const struct domain *d, struct hvm_state *s)
{
	return 0;
}
#include <public/hvm/hvm_vcpu.h>

/* What else vcpu_op.c calls. */
void evtchn_vcpu_info_moved(struct vcpu *v)
{
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
}

/* The scheduler hears of each change before the next one. */
void vcpu_wake(struct vcpu *v)
{
	assert_true(lock_is_mine(&v->domain->lock));
	fake_events.wakes++;
	fake_events.last_wake = v;
}

void vcpu_time_update(struct vcpu *v)
{
}


static struct hvm_state state;
static unsigned int states_set, apic_resets;
static struct x86_vcpu *state_of;

static void record_state(struct x86_vcpu *v, const struct hvm_state *s)
{
	assert_false(v->v.sched.running);
	states_set++;
	state_of = v;
	state = *s;
}

static const struct hvm_ops recorder = { .set_state = record_state };

void vlapic_reset(struct vcpu *v)
{
	apic_resets++;
}

static struct x86_domain *x;
static struct vcpu *bsp, *ap;

static int setup(void **unused)
{
	fake_reset();
	hvm_ops = &recorder;
	x = x86_domain_new(1, 2);
	bsp = x->d.vcpu[0];
	ap = x->d.vcpu[1];
	ap->wait_flags = BIT(VPF_DOWN);
	ap->initialised = false;
	spin_lock(&x->d.lock);
	hvm_vcpu_reset(ap);
	spin_unlock(&x->d.lock);
	states_set = apic_resets = 0;
	fake_run_on(0, bsp);
	bsp->sched.running = true;
	return 0;
}

static int teardown(void **unused)
{
	x86_free(x);
	return unit_teardown(unused);
}

static void a_new_vcpu_starts_in_real_mode(void **unused)
{
	hvm_vcpu_init(ap);
	assert_int_equal(ap->wait_flags, BIT(VPF_DOWN));
	hvm_vcpu_sipi(ap, 0x9a);
	assert_int_equal(ap->wait_flags, 0);
	assert_int_equal(fake_events.wakes, 1);
	assert_ptr_equal(fake_events.last_wake, ap);
	assert_int_equal(apic_resets, 1);
	assert_int_equal(state.rip, 0);
	assert_int_equal(state.seg[SEG_CS].base, 0x9a000);
	assert_int_equal(state.seg[SEG_CS].sel, 0x9a00);
	assert_int_equal(state.cr0 & X86_CR0_PE, 0);
	assert_true(ap->initialised);
	/* A second start-up IPI is ignored. */
	hvm_vcpu_sipi(ap, 0x10);
	assert_int_equal(fake_events.wakes, 1);
	assert_int_equal(state.seg[SEG_CS].base, 0x9a000);
}

static void a_running_vcpu_stops_first(void **unused)
{
	hvm_vcpu_sipi(ap, 0x10);
	ap->sched.running = true;
	states_set = 0;
	fake_events.wakes = 0;
	/* Neither call waits, and the state stays untouched while the vCPU may run. */
	ap->wait_flags = BIT(VPF_BLOCKED) | BIT(VPF_POLL);
	hvm_vcpu_init(ap);
	assert_int_equal(ap->wait_flags, BIT(VPF_DOWN));
	assert_int_equal(fake_events.sleeps, 1);
	hvm_vcpu_sipi(ap, 0x9a);
	assert_int_equal(states_set, 0);
	arch_vcpu_stopped(ap); /* not yet */
	assert_int_equal(states_set, 0);
	ap->sched.running = false;
	arch_vcpu_stopped(ap);
	assert_int_equal(states_set, 2);
	assert_int_equal(state.seg[SEG_CS].base, 0x9a000);
	assert_int_equal(fake_events.wakes, 1);
	assert_int_equal(ap->wait_flags, 0);
	arch_vcpu_stopped(ap);
	assert_int_equal(fake_events.wakes, 1);
}

static void stopped_without_sipi_it_stays_down(void **unused)
{
	hvm_vcpu_sipi(ap, 0x10);
	ap->sched.running = true;
	hvm_vcpu_init(ap);
	ap->sched.running = false;
	arch_vcpu_stopped(ap);
	assert_int_equal(ap->wait_flags, BIT(VPF_DOWN));
	/* INIT cancels a start that has not happened yet. */
	ap->sched.running = true;
	hvm_vcpu_sipi(ap, 0x20);
	hvm_vcpu_init(ap);
	ap->sched.running = false;
	arch_vcpu_stopped(ap);
	assert_int_equal(ap->wait_flags, BIT(VPF_DOWN));
	hvm_vcpu_sipi(ap, 0x30);
	assert_int_equal(ap->wait_flags, 0);
	assert_int_equal(state.seg[SEG_CS].base, 0x30000);
}

/* Two vCPUs send INIT to each other at the same time: both stop, and no CPU waits for ever. */
static void init_to_each_other(void **unused)
{
	hvm_vcpu_sipi(ap, 0x10);
	ap->sched.running = true;
	hvm_vcpu_init(ap);
	fake_run_on(1, ap);
	hvm_vcpu_init(bsp);
	assert_true(test_bit(VPF_DOWN, &ap->wait_flags) && test_bit(VPF_DOWN, &bsp->wait_flags));
}

/* VCPUOP_* calls for the vCPU that others start, stop and reset. */
static long vcpu_op(unsigned long cmd)
{
	static struct vcpu_hvm_context c;

	c = (struct vcpu_hvm_context){ .mode = VCPU_HVM_MODE_32B };
	c.cpu_regs.x86_32 = (struct vcpu_hvm_x86_32){ .eip = 0x1234, .cr0 = X86_CR0_PE, .cs_limit = ~0u,
						      .ss_limit = ~0u, .cs_ar = 0xc9b, .ss_ar = 0xc93, .ds_ar = 0xc93, .es_ar = 0xc93,
						      .tr_ar = 0x8b };
	return do_vcpu_op(cmd, ap->id, (unsigned long)&c, 0, 0);
}

static void a_start_state_is_given_once(void **unused)
{
	assert_int_equal(vcpu_op(VCPUOP_up), -EINVAL);
	assert_int_equal(vcpu_op(VCPUOP_initialise), 0);
	assert_int_equal(states_set, 1);
	assert_int_equal(state.rip, 0x1234);
	assert_int_equal(vcpu_op(VCPUOP_initialise), -EEXIST);
	assert_int_equal(vcpu_op(VCPUOP_up), 0);
	assert_int_equal(ap->wait_flags, 0);
	ap->sched.running = true;
	assert_int_equal(vcpu_op(VCPUOP_initialise), -EEXIST);
	hvm_vcpu_sipi(ap, 0x10); /* it has started: ignored */
	assert_int_equal(states_set, 1);
	assert_int_equal(vcpu_op(VCPUOP_down), 0);
	assert_int_equal(vcpu_op(VCPUOP_initialise), -EEXIST);
	assert_int_equal(vcpu_op(VCPUOP_up), 0); /* continues, perhaps before its CPU noticed the stop */
	assert_int_equal(states_set, 1);
}

/* Between INIT and the start-up IPI, only a start-up IPI starts the vCPU. */
static void after_init_only_a_start_up_ipi_counts(void **unused)
{
	hvm_vcpu_sipi(ap, 0x10);
	ap->sched.running = true;
	states_set = 0;
	hvm_vcpu_init(ap);
	assert_int_equal(vcpu_op(VCPUOP_up), -EINVAL);
	assert_int_equal(vcpu_op(VCPUOP_initialise), -EBUSY);
	hvm_vcpu_sipi(ap, 0x20);
	assert_int_equal(vcpu_op(VCPUOP_up), -EINVAL);
	assert_int_equal(vcpu_op(VCPUOP_initialise), -EBUSY);
	assert_int_equal(states_set, 0);
	assert_int_equal(ap->wait_flags, BIT(VPF_DOWN));
	ap->sched.running = false;
	assert_int_equal(vcpu_op(VCPUOP_initialise), 0); /* before its CPU handled the start-up IPI */
	arch_vcpu_stopped(ap);
	assert_int_equal(states_set, 1);
	assert_int_equal(ap->wait_flags, BIT(VPF_DOWN));
	assert_int_equal(vcpu_op(VCPUOP_up), 0);
	assert_int_equal(ap->wait_flags, 0);
}

static void pvh_entry(void **unused)
{
	hvm_vcpu_set_pvh_entry(ap, 0x1000000, 0x5000);
	assert_int_equal(state.rip, 0x1000000);
	assert_int_equal(state.cr0 & (X86_CR0_PE | X86_CR0_PG), X86_CR0_PE);
	assert_int_equal(x86_vcpu(ap)->gpr[REG_RBX], 0x5000);
	assert_int_equal(state.seg[SEG_CS].base, 0);
	assert_int_equal(state.seg[SEG_CS].limit, 0xffffffff);
	assert_ptr_equal(state_of, x86_vcpu(ap));
	assert_int_equal(ap->wait_flags, 0);
}

#define START_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	START_TEST(a_new_vcpu_starts_in_real_mode),
	START_TEST(a_running_vcpu_stops_first),
	START_TEST(stopped_without_sipi_it_stays_down),
	START_TEST(init_to_each_other),
	START_TEST(a_start_state_is_given_once),
	START_TEST(after_init_only_a_start_up_ipi_counts),
	START_TEST(pvh_entry),
};

UNIT_MAIN(tests)
