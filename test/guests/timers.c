/* SPDX-License-Identifier: GPL-2.0-only */
/* pvclock, the one-shot timer of each vCPU and the local APIC's timer. */
#include "lib/guest.h"

#include <public/event_channel.h>
#include <public/hvm/hvm_op.h>
#include <public/sched.h>
#include <public/vcpu.h>

const char test_title[] = "timers";

#define UPCALL 0xf3
#define APIC_TIMER 0x60
#define MS 1000000ull

static u32 timer_port;
static volatile u32 fired;
static volatile u64 fired_at;

static void upcall(struct regs *regs)
{
	struct vcpu_info *info = this_cpu()->vcpu_info;
	u64 bit = 1ull << (timer_port % 64);

	apic_write(APIC_EOI, 0);
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
	__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_and(&shared_info->evtchn_pending[timer_port / 64], ~bit, __ATOMIC_SEQ_CST) &
	    bit) {
		fired_at = now_ns();
		fired++;
	}
}

static void setup(void)
{
	struct evtchn_bind_virq bind = { VIRQ_TIMER, 0, 0 };
	struct xen_hvm_evtchn_upcall_vector vector = { 0, UPCALL };
	struct evtchn_unmask unmask;

	EXPECT_EQ(vcpu_op(stop_periodic_timer, 0, 0), 0);
	EXPECT_EQ(evtchn_op(bind_virq, &bind), 0);
	timer_port = bind.port;
	set_irq_handler(UPCALL, upcall);
	apic_enable();
	EXPECT_EQ(hvm_op(set_evtchn_upcall_vector, &vector), 0);
	unmask.port = timer_port;
	EXPECT_EQ(evtchn_op(unmask, &unmask), 0);
	irq_on();
}

static long singleshot(u64 at, u32 flags)
{
	struct vcpu_set_singleshot_timer arg = { at, flags };

	return vcpu_op(set_singleshot_timer, 0, &arg);
}

static bool wait_fired(u32 count)
{
	u64 end = now_ns() + PATIENCE_NS;

	while (fired < count && now_ns() < end)
		cpu_relax();
	return fired >= count;
}

static void test_singleshot(void)
{
	u32 n = fired, i;
	u64 at = now_ns() + 5 * MS;

	EXPECT_EQ(singleshot(at, 0), 0);
	EXPECT(wait_fired(n + 1), "the timer did not fire");
	EXPECT(fired_at >= at, "%lu ns early", at - fired_at);
	printk("one shot: %lu us late\n", (fired_at - at) / 1000);
	delay_us(10000);
	EXPECT_EQ(fired, n + 1); /* only once */
	EXPECT_EQ(singleshot(now_ns() - MS, 0), 0); /* in the past: at once */
	EXPECT(wait_fired(n + 2), "a past time did not fire");
	EXPECT_EQ(singleshot(1, 0), 0);
	EXPECT(wait_fired(n + 3), "time 1 did not fire");
	EXPECT_EQ(singleshot(0, 0), 0);
	EXPECT(wait_fired(n + 4), "time 0 did not fire");
	n = fired;
	if (on_keel) { /* Xen 4.17 accepts the flag and still fires */
		EXPECT_EQ(singleshot(now_ns() - MS, VCPU_SSHOTTMR_future), -ETIME);
		delay_us(2000);
		EXPECT_EQ(fired, n);
	}
	EXPECT_EQ(singleshot(now_ns() + 20 * MS, 0), 0);
	EXPECT_EQ(vcpu_op(stop_singleshot_timer, 0, 0), 0);
	delay_us(40000);
	EXPECT_EQ(fired, n); /* stopped */
	EXPECT_EQ(vcpu_op(stop_singleshot_timer, 0, 0), 0);
	/* A later setting replaces an earlier one. */
	EXPECT_EQ(singleshot(now_ns() + 3600000 * MS, 0), 0);
	at = now_ns() + 3 * MS;
	EXPECT_EQ(singleshot(at, 0), 0);
	EXPECT(wait_fired(n + 1), "the nearer time did not replace the further");
	EXPECT_EQ(singleshot(now_ns() + (1ull << 61), 0), 0); /* centuries away */
	delay_us(2000);
	EXPECT_EQ(fired, n + 1);
	/* Many timers in a row. */
	n = fired;
	for (i = 0; i < 50; i++) {
		singleshot(now_ns() + 200000, 0);
		if (!wait_fired(n + i + 1))
			break;
	}
	EXPECT_EQ(i, 50);
	vcpu_op(stop_singleshot_timer, 0, 0);
}

static void test_halt(void)
{
	u32 n = fired;
	u64 start = now_ns();

	EXPECT_EQ(singleshot(start + 10 * MS, 0), 0);
	while (fired == n && now_ns() < start + PATIENCE_NS)
		asm volatile("sti; hlt");
	EXPECT(fired == n + 1 && fired_at >= start + 10 * MS,
	       "HLT until the timer: fired %u, after %lu ns", fired - n, fired_at - start);
	/* SCHEDOP_block is like HLT, but also enables upcalls. */
	n = fired;
	start = now_ns();
	EXPECT_EQ(singleshot(start + 5 * MS, 0), 0);
	while (fired == n && now_ns() < start + PATIENCE_NS)
		EXPECT_EQ(sched_op(block, 0), 0);
	EXPECT_EQ(fired, n + 1);
}

static void test_errors(void)
{
	struct vcpu_set_singleshot_timer arg = { now_ns() + 1000 * MS, 0 };

	EXPECT_EQ(hypercall(vcpu_op, VCPUOP_set_singleshot_timer, 0, 0x123456789000), -EFAULT);
	if (nr_vcpus > 1)
		EXPECT_EQ(vcpu_op(set_singleshot_timer, 1, &arg), -EINVAL); /* another vCPU's */
	EXPECT_EQ(vcpu_op(set_singleshot_timer, 4000, &arg), -ENOENT);
	EXPECT_EQ(hypercall(vcpu_op, 99, 0, 0), -ENOSYS);
}

static volatile u64 latest;
static volatile u32 ap_running, stop, backward;
static volatile u64 worst, readings;

/* Both vCPUs read the clock alternately, through one variable: it must never go back. */
static void race_clock(void)
{
	u64 seen, now;

	while (!stop) {
		seen = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
		now = now_ns();
		if (now < seen) {
			backward++;
			if (seen - now > worst)
				worst = seen - now;
		}
		readings++;
		while (seen < now && !__atomic_compare_exchange_n(&latest, &seen, now, false, __ATOMIC_SEQ_CST,
								  __ATOMIC_RELAXED))
			;
	}
}

static void ap_main(void)
{
	ap_running = 1;
	race_clock();
	ap_running = 2;
}

static void test_pvclock(void)
{
	struct vcpu_time_info *t = &this_cpu()->vcpu_info->time;
	u64 last = now_ns(), now, i;

	printk("pvclock: version %u, mul %#x, shift %d, flags %#x\n", t->version, t->tsc_to_system_mul,
	       t->tsc_shift, t->flags);
	EXPECT_EQ(t->version & 1, 0);
	EXPECT(t->version > 0 && t->tsc_to_system_mul, "the clock is not set");
	EXPECT(shared_info->wc_sec > 1500000000 || !is_dom0, "wall clock %u s", shared_info->wc_sec);
	EXPECT_EQ(shared_info->wc_version & 1, 0);
	EXPECT(shared_info->wc_nsec < 1000000000, "%u ns", shared_info->wc_nsec);
	for (i = 0; i < 100000; i++, last = now) {
		now = now_ns();
		if (now < last)
			break;
	}
	EXPECT_EQ(i, 100000);
	if (nr_vcpus < 2)
		return;
	latest = now_ns();
	EXPECT(start_cpu(1, ap_main), "vCPU 1 does not start");
	EXPECT(wait_for(&ap_running), "vCPU 1 does not get on");
	now = now_ns();
	while (now_ns() < now + 200 * MS) {
		u64 seen = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
		u64 mine = now_ns();

		if (mine < seen) {
			backward++;
			if (seen - mine > worst)
				worst = seen - mine;
		}
		if (seen < mine)
			__atomic_compare_exchange_n(&latest, &seen, mine, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
	stop = 1;
	while (ap_running != 2)
		cpu_relax();
	printk("%lu readings of the other vCPU; %u backward, by %lu ns at most\n", readings, backward,
	       worst);
	/* If the stable bit is clear, the kernel corrects small steps back itself. */
	EXPECT(!backward || (!(t->flags & XEN_PVCLOCK_TSC_STABLE_BIT) && worst < 100000),
	       "the clock went back %u times, by %lu ns", backward, worst);
}

static volatile u32 ticks;

static void apic_tick(struct regs *regs)
{
	apic_write(APIC_EOI, 0);
	ticks++;
}

static void test_apic_timer(void)
{
	u64 start;
	u32 n;

	set_irq_handler(APIC_TIMER, apic_tick);
	apic_write(APIC_TDCR, 0xb); /* by 1 */
	apic_write(APIC_LVTT, APIC_TIMER); /* one shot */
	EXPECT_EQ(apic_read(APIC_TMCCT), 0);
	start = now_ns();
	apic_write(APIC_TMICT, 1000000);
	EXPECT(apic_read(APIC_TMCCT) <= 1000000, "current count %u", apic_read(APIC_TMCCT));
	while (!ticks && now_ns() < start + PATIENCE_NS)
		cpu_relax();
	EXPECT_EQ(ticks, 1);
	printk("LAPIC timer: 1000000 counts in %lu us\n", (now_ns() - start) / 1000);
	delay_us(30000);
	EXPECT_EQ(ticks, 1);
	EXPECT_EQ(apic_read(APIC_TMCCT), 0);
	/* Periodic. */
	apic_write(APIC_LVTT, APIC_TIMER | 1u << 17);
	apic_write(APIC_TMICT, 1000000);
	start = now_ns();
	while (ticks < 6 && now_ns() < start + PATIENCE_NS)
		cpu_relax();
	EXPECT(ticks >= 6, "%u ticks", ticks);
	/* Masked: continues to count, without an interrupt. */
	apic_write(APIC_LVTT, APIC_TIMER | 1u << 17 | 1u << 16);
	n = ticks;
	delay_us(30000);
	EXPECT_EQ(ticks, n);
	apic_write(APIC_TMICT, 0);
	EXPECT_EQ(apic_read(APIC_TMCCT), 0);
}

/*
 * There is no PIT. Linux would measure the TSC with this counter; the first byte it reads tells it
 * that there is none.
 */
static void test_pit(void)
{
	EXPECT_EQ(inb(0x40), 0xff);
	EXPECT_EQ(inb(0x42), 0);
}

void test_main(void)
{
	test_pvclock();
	test_pit();
	setup();
	test_singleshot();
	test_halt();
	test_apic_timer();
	irq_off();
	test_errors();
}
