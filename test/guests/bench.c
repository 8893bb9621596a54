/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One operation over and over at one place, for counting what the hypervisor executes (make
 * bench): each function op_NAME holds the exiting instruction of operation NAME. Option n=: how
 * often each (200).
 */
#include "lib/guest.h"

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>

const char test_title[] = "bench";

#define UPCALL 0xf3

static struct evtchn_send to_masked, to_open;
static struct evtchn_unmask unmask_arg;
static struct vcpu_set_singleshot_timer far_timer;
static struct xen_feature_info feature_info;
static struct gnttab_copy one_copy;
static volatile u64 upcalls, sink;

#define OP NOINLINE void

OP op_null(void) { hypercall(xen_version, XENVER_version, 0, 0); }
OP op_nosys(void) { hypercall(xsm_op, 0, 0, 0); }
OP op_get_features(void) { xen_version(get_features, &feature_info); }
OP op_send_masked(void) { evtchn_op(send, &to_masked); }
OP op_send_upcall(void) { evtchn_op(send, &to_open); }
OP op_unmask(void) { evtchn_op(unmask, &unmask_arg); }
OP op_yield(void) { sched_op(yield, 0); }
OP op_set_timer(void) { vcpu_op(set_singleshot_timer, 0, &far_timer); }
OP op_stop_timer(void) { vcpu_op(stop_singleshot_timer, 0, 0); }
OP op_is_up(void) { vcpu_op(is_up, 0, 0); }
OP op_grant_copy_64(void) { grant_op(copy, &one_copy, 1); }

OP op_cpuid(void)
{
	u32 a, b, c, d;

	cpuid(1, 0, &a, &b, &c, &d);
}

OP op_cpuid_xen(void)
{
	u32 a, b, c, d;

	cpuid(0x40000000, 0, &a, &b, &c, &d);
}

OP op_port_in(void) { sink += inb(0xed); }
OP op_port_out(void) { outb(0xed, 0); }
OP op_rdmsr(void) { sink += rdmsr(MSR_APIC_BASE); }
OP op_x2apic_tpr(void) { wrmsr(0x808, 0); }
OP op_x2apic_id(void) { sink += rdmsr(0x802); }
OP op_x2apic_self_ipi(void) { wrmsr(0x83f, 0x51); }
OP op_x2apic_eoi(void) { wrmsr(0x80b, 0); }
OP op_xapic_tpr(void) { *(volatile u32 *)0xfee00080 = 0; }
OP op_xapic_read(void) { sink += *(volatile u32 *)0xfee00030; }
OP op_hlt_until_timer(void) { asm volatile("sti; hlt; cli" ::: "memory"); }

static void upcall(struct regs *regs)
{
	struct vcpu_info *info = this_cpu()->vcpu_info;
	u32 i;

	op_x2apic_eoi();
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
	__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < 4; i++)
		shared_info->evtchn_pending[i] &= shared_info->evtchn_mask[i];
	upcalls++;
}

static void self_ipi(struct regs *regs)
{
	op_x2apic_eoi();
}

static void repeat(void (*fn)(void), u64 n)
{
	while (n--)
		fn();
}

static void setup_events(void)
{
	struct evtchn_bind_ipi a = { 0, 0 }, b = { 0, 0 };
	struct evtchn_bind_virq timer = { VIRQ_TIMER, 0, 0 };
	struct xen_hvm_evtchn_upcall_vector vector = { 0, UPCALL };

	EXPECT_EQ(evtchn_op(bind_ipi, &a), 0);
	EXPECT_EQ(evtchn_op(bind_ipi, &b), 0);
	EXPECT_EQ(evtchn_op(bind_virq, &timer), 0);
	to_masked.port = a.port;
	to_open.port = b.port;
	unmask_arg.port = b.port;
	shared_info->evtchn_mask[a.port / 64] |= 1ull << (a.port % 64);
	set_irq_handler(UPCALL, upcall);
	set_irq_handler(0x51, self_ipi);
	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &vector), 0);
}

static void setup_copy(void)
{
	one_copy.source.u.gmfn = gfn_of(alloc_page());
	one_copy.dest.u.gmfn = gfn_of(alloc_page());
	one_copy.source.domid = one_copy.dest.domid = DOMID_SELF;
	one_copy.len = 64;
}

static void timers(u64 n)
{
	while (n--) {
		u64 before = upcalls;

		far_timer.timeout_abs_ns = now_ns() + 100000;
		op_set_timer();
		while (upcalls == before)
			op_hlt_until_timer();
	}
}

void test_main(void)
{
	static void (*const ops[])(void) = { op_null, op_nosys, op_get_features, op_yield, op_is_up, op_cpuid,
		op_cpuid_xen, op_port_in, op_port_out, op_rdmsr, op_xapic_tpr, op_xapic_read };
	static void (*const x2_ops[])(void) = { op_x2apic_tpr, op_x2apic_id, op_grant_copy_64, op_unmask,
		op_set_timer, op_stop_timer };
	u64 n = option_number("n", 200), i;

	apic_enable();
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		repeat(ops[i], n);
	if (!apic_enter_x2())
		skip("no x2APIC");
	apic_enable();
	setup_events();
	setup_copy();
	far_timer.timeout_abs_ns = now_ns() + 3600 * 1000000000ull;
	for (i = 0; i < ARRAY_SIZE(x2_ops); i++)
		repeat(x2_ops[i], n);
	for (i = 0; i < n; i++) {
		shared_info->evtchn_pending[to_masked.port / 64] &= ~(1ull << (to_masked.port % 64));
		op_send_masked();
	}
	irq_on();
	repeat(op_x2apic_self_ipi, n);
	i = upcalls;
	repeat(op_send_upcall, n);
	EXPECT_EQ(upcalls - i, n);
	irq_off();
	EXPECT_EQ(one_copy.status, GNTST_okay);
	timers(n / 4 + 1);
	printk("%lu of each, %lu upcalls\n", n, upcalls);
}
