/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC in xAPIC and x2APIC mode: registers, interrupts to itself and to another vCPU.
 * Option waits=0 leaves out the test that interrupts wait for IF, which Bochs 2.7 with apicv=on
 * gets wrong.
 */
#include "lib/guest.h"

#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/vcpu.h>

const char test_title[] = "apic";

static volatile u32 count[256], order[8], nr_order;

static void note(struct regs *regs)
{
	if (this_cpu()->id == 0 && nr_order < 8)
		order[nr_order++] = regs->vector;
	__atomic_fetch_add(&count[regs->vector], 1, __ATOMIC_SEQ_CST); /* on both vCPUs at once */
	apic_write(APIC_EOI, 0);
}

/* An interrupt is in service until the EOI: meanwhile its class is the processor priority. */
static void look_at_isr(struct regs *regs)
{
	u32 v = regs->vector;

	EXPECT(apic_read(APIC_ISR + (v / 32) * 16) >> (v % 32) & 1, "vector %#x is not in service", v);
	EXPECT(!(apic_read(APIC_IRR + (v / 32) * 16) >> (v % 32) & 1), "vector %#x is still requested", v);
	EXPECT_EQ(apic_read(APIC_PPR) & 0xf0, v & 0xf0);
	apic_write(APIC_EOI, 0);
	EXPECT(!(apic_read(APIC_ISR + (v / 32) * 16) >> (v % 32) & 1),
	       "vector %#x is in service after EOI", v);
	count[v]++;
}

static void open_window(void)
{
	asm volatile("sti; nop; nop; cli" ::: "memory");
}

static void self_ipi(u32 vector)
{
	apic_icr(0, 0x44000 | vector); /* shorthand: self */
}

static void test_registers(void)
{
	u32 version = apic_read(APIC_VERSION);

	EXPECT(((version & 0xff) & 0xf0) == 0x10, "version %#x", version);
	EXPECT((version >> 16 & 0xff) >= 3, "last LVT %u", version >> 16 & 0xff);
	EXPECT_EQ(apic_is_x2() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24, 0);
	apic_write(APIC_TPR, 0x35);
	EXPECT_EQ(apic_read(APIC_TPR) & 0xff, 0x35);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT0, 0x10000 | 0x77);
	EXPECT_EQ(apic_read(APIC_LVT0) & 0x100ff, 0x10077);
	EXPECT_EQ(apic_read(APIC_SVR) & 0x1ff, 0x1ff);
	/*
	 * While the APIC is switched off by software, every LVT entry is masked and no fixed
	 * interrupt is taken.
	 */
	apic_write(APIC_LVT1, 0x78);
	apic_write(APIC_SVR, 0xff);
	EXPECT(apic_read(APIC_LVT1) & 0x10000, "LVT1 %#x", apic_read(APIC_LVT1));
	apic_write(APIC_LVT1, 0x78);
	EXPECT(apic_read(APIC_LVT1) & 0x10000, "LVT1 can be unmasked while off: %#x",
	       apic_read(APIC_LVT1));
	apic_write(APIC_SVR, 0x1ff);
}

static void test_self(void)
{
	u32 i;

	memset((void *)count, 0, sizeof(count));
	set_irq_handler(0x51, look_at_isr);
	self_ipi(0x51);
	EXPECT_EQ(count[0x51], 0);
	EXPECT(apic_read(APIC_IRR + 0x20) >> 17 & 1, "vector 0x51 is not in IRR");
	open_window();
	EXPECT_EQ(count[0x51], 1);
	/* Three at once arrive by priority; the same one sent twice arrives once. */
	nr_order = 0;
	for (i = 0; i < 3; i++)
		set_irq_handler(0x40 + 0x20 * i, note);
	self_ipi(0x40);
	self_ipi(0x80);
	self_ipi(0x60);
	self_ipi(0x60);
	for (i = 0; i < 4; i++)
		open_window();
	EXPECT_EQ(nr_order, 3);
	EXPECT(order[0] == 0x80 && order[1] == 0x60 && order[2] == 0x40, "%#x %#x %#x", order[0], order[1],
	       order[2]);
	/* With IF set: at once. */
	irq_on();
	self_ipi(0x40);
	irq_off();
	EXPECT_EQ(count[0x40], 2);
}

/*
 * The class of TPR holds an interrupt back, even if TPR is written through CR8. (Xen on QEMU's SVM
 * hangs here.)
 */
static void test_priority(void)
{
	u32 before = count[0x60];
	u64 cr8;

	apic_write(APIC_TPR, 0x60);
	self_ipi(0x60);
	open_window();
	EXPECT_EQ(count[0x60], before);
	asm volatile("movq %%cr8, %0" : "=r"(cr8));
	EXPECT_EQ(cr8, 6);
	apic_write(APIC_TPR, 0x5f);
	open_window();
	EXPECT_EQ(count[0x60], before + 1);
	asm volatile("movq %0, %%cr8" ::"r"(7ul));
	EXPECT_EQ(apic_read(APIC_TPR) & 0xf0, 0x70);
	self_ipi(0x60);
	open_window();
	EXPECT_EQ(count[0x60], before + 1);
	irq_on();
	asm volatile("movq %0, %%cr8; nop" ::"r"(0ul) : "memory");
	irq_off();
	EXPECT_EQ(count[0x60], before + 2);
}

#define LOW      0x52
#define HIGH     0x82
#define CALLBACK 0x31

/* Without an exit in x2APIC mode, which has a register for it. */
static void quiet_self_ipi(u32 vector)
{
	if (apic_is_x2())
		wrmsr(0x800 + (APIC_SELF_IPI >> 4), vector);
	else
		self_ipi(vector);
}

static u64 host_interrupt_at;

/*
 * Lets the hypervisor's timer fire soon, for a timer event that no port of this guest listens to.
 */
static void arm_host_interrupt(void)
{
	struct vcpu_set_singleshot_timer arg = { (host_interrupt_at = now_ns() + 1000000), 0 };

	EXPECT_EQ(vcpu_op(set_singleshot_timer, 0, &arg), 0);
}

/*
 * Nothing may be delivered until that interrupt has passed: if interrupts are off, they stay off.
 */
static void pass_host_interrupt(void)
{
	u32 before = count[LOW];

	while (now_ns() < host_interrupt_at + 1000000)
		cpu_relax();
	EXPECT_EQ(count[LOW], before);
}

static void eoi_then_wait(struct regs *regs)
{
	note(regs);
	pass_host_interrupt();
}

static void callback(struct regs *regs)
{
	WRITE_ONCE(this_cpu()->vcpu_info->evtchn_upcall_pending, 0);
	count[CALLBACK]++;
	pass_host_interrupt();
}

/*
 * An interrupt waits for IF, whatever makes it pending and whatever the hypervisor does in between.
 * (The library checks that no handler is ever entered with IF clear.)
 */
static void test_waits_for_if(void)
{
	struct xen_hvm_param via = { DOMID_SELF, 0, HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | CALLBACK };
	u32 i, eax, ecx, before, early = 0, n = count[LOW] = count[HIGH] = count[CALLBACK] = 0;

	set_irq_handler(LOW, note);
	/*
	 * Sent by the vCPU to itself. Each window here turns interrupts off again without an exit.
	 */
	arm_host_interrupt();
	open_window();
	quiet_self_ipi(LOW);
	pass_host_interrupt();
	open_window();
	EXPECT_EQ(count[LOW], ++n);
	/* Held back by the task priority, which is then lowered. */
	apic_write(APIC_TPR, 0x60);
	arm_host_interrupt();
	quiet_self_ipi(LOW);
	open_window();
	apic_write(APIC_TPR, 0);
	pass_host_interrupt();
	open_window();
	EXPECT_EQ(count[LOW], ++n);
	/* Held back by an interrupt of higher priority, until its handler sends EOI. */
	set_irq_handler(HIGH, eoi_then_wait);
	arm_host_interrupt();
	quiet_self_ipi(LOW);
	quiet_self_ipi(HIGH);
	open_window();
	EXPECT_EQ(count[HIGH], 1);
	EXPECT_EQ(count[LOW], ++n);
	/* While an event that does not come from the APIC is being handled. */
	set_irq_handler(CALLBACK, callback);
	EXPECT_EQ(hvm_op(set_param, &via), 0);
	quiet_self_ipi(LOW);
	WRITE_ONCE(this_cpu()->vcpu_info->evtchn_upcall_pending, 1);
	arm_host_interrupt();
	open_window();
	EXPECT_EQ(count[CALLBACK], 1);
	EXPECT_EQ(count[LOW], ++n);
	via.value = 0;
	EXPECT_EQ(hvm_op(set_param, &via), 0);
	/*
	 * After STI no interrupt comes before the next instruction, even if STI is the first
	 * instruction after an exit. (QEMU's SVM forgets the interrupt shadow at an entry. A host
	 * interrupt may cause one such entry.)
	 */
	for (i = 0; i < 8; i++) {
		quiet_self_ipi(LOW);
		before = count[LOW];
		asm volatile("cpuid; sti; cli" : "=a"(eax), "=c"(ecx) : "0"(0), "1"(0) : "rbx", "rdx", "memory");
		early += count[LOW] - before;
		open_window();
		EXPECT_EQ(count[LOW], ++n);
	}
	EXPECT(early <= on_amd, "%u of 8 interrupts came between STI and the next instruction", early);
	/* The same with HLT. */
	quiet_self_ipi(LOW);
	for (i = 0; i < 3 && !on_amd; i++)
		asm volatile("sti; cli" ::: "memory");
	EXPECT_EQ(count[LOW], n);
	asm volatile("sti; hlt; cli" ::: "memory");
	EXPECT_EQ(count[LOW], ++n);
}

static volatile u32 ap_mode, ap_running, ap_stop, ap_id;

static void ap_main(void)
{
	if (ap_mode)
		apic_enter_x2();
	apic_enable();
	ap_id = apic_is_x2() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	if (!apic_is_x2()) { /* flat logical id: bit 1 */
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 2u << 24);
	}
	ap_running = 1;
	while (!ap_stop)
		asm volatile("sti; hlt; cli");
	ap_running = 2;
}

static bool got(u32 vector, u32 n)
{
	u64 end = now_ns() + PATIENCE_NS;

	while (count[vector] < n && now_ns() < end)
		cpu_relax();
	return count[vector] >= n;
}

static void test_other_cpu(bool x2)
{
	u32 logical, i;

	ap_mode = x2;
	ap_running = ap_stop = 0;
	memset((void *)count, 0, sizeof(count));
	for (i = 0x90; i < 0x98; i++)
		set_irq_handler(i, note);
	EXPECT(start_cpu(1, ap_main), "vCPU 1 does not start");
	EXPECT(wait_for(&ap_running), "vCPU 1 does not get on");
	EXPECT_EQ(ap_id, 2);
	apic_icr(2, 0x4090); /* physical */
	EXPECT(got(0x90, 1), "a physical IPI did not arrive");
	if (!x2) {
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 1u << 24);
		logical = 2;
	} else {
		logical = 1u << 2; /* APIC id 2: cluster 0, bit 2 */
		EXPECT_EQ(apic_read(APIC_LDR), 1);
	}
	apic_icr(logical, 0x4891);
	EXPECT(got(0x91, 1), "a logical IPI did not arrive");
	apic_icr(0, 0xc4092); /* all but self */
	EXPECT(got(0x92, 1), "an IPI to all but self did not arrive");
	apic_icr(0, 0x84093); /* all */
	open_window();
	EXPECT(got(0x93, 2), "an IPI to all arrived %u times", count[0x93]);
	apic_icr(x2 ? 0xffffffff : 0xff, 0x4094); /* broadcast by destination */
	open_window();
	EXPECT(got(0x94, 2), "a broadcast arrived %u times", count[0x94]);
	apic_icr(6, 0x4095); /* nobody there */
	apic_icr(logical, 0x4996); /* lowest priority, with only one candidate */
	EXPECT(got(0x96, 1), "a lowest-priority IPI did not arrive");
	EXPECT_EQ(count[0x95], 0);
	for (i = 0; i < 1000; i++) {
		apic_icr(2, 0x4097);
		if (!got(0x97, i + 1))
			break;
	}
	EXPECT_EQ(i, 1000);
	ap_stop = 1;
	apic_icr(2, 0x4090);
	while (ap_running != 2)
		cpu_relax();
	/* The other vCPU halts now with interrupts off; INIT and SIPI bring it back. */
}

static void test_x2_registers(void)
{
	u64 value;

	EXPECT_EQ(try_rdmsr(0x802, &value), 0);
	EXPECT_EQ(value, 0);
	EXPECT_EQ(try_wrmsr(0x802, 1), 1); /* the id is read-only */
	EXPECT_EQ(try_wrmsr(0x803, 0), 1); /* the version */
	EXPECT_EQ(try_rdmsr(0x80b, &value), 1); /* EOI is write-only */
	EXPECT_EQ(try_wrmsr(0x80b, 1), 1); /* and only 0 can be written */
	EXPECT_EQ(try_rdmsr(0x80e, &value), 1); /* no DFR */
	EXPECT_EQ(try_wrmsr(0x80e, 0xffffffff), 1);
	EXPECT_EQ(try_rdmsr(0x831, &value), 1); /* no ICR2 */
	EXPECT_EQ(try_rdmsr(0x83f, &value), 1); /* self IPI is write-only */
	EXPECT_EQ(try_wrmsr(0x83f, 0x100), 1);
	EXPECT_EQ(try_wrmsr(0x808, 0x100), 1); /* reserved bits of TPR */
	EXPECT_EQ(try_wrmsr(0x8ff, 0), 1);
	EXPECT_EQ(try_rdmsr(0x8ff, &value), 1);
	EXPECT_EQ(try_wrmsr(0x810, 0), 1); /* ISR */
	set_irq_handler(0x51, note);
	count[0x51] = 0;
	wrmsr(0x83f, 0x51);
	open_window();
	EXPECT_EQ(count[0x51], 1);
}

static void test_base(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	EXPECT_EQ(base & 0xfffff000 & ~0xfffull, 0xfee00000);
	EXPECT_EQ(base & APIC_BASE_BSP, APIC_BASE_BSP);
	EXPECT_EQ(base & APIC_BASE_ENABLE, APIC_BASE_ENABLE);
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, base | 1), 1);
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, base | 1ull << 60), 1);
	/* x2APIC mode with the APIC disabled is invalid. */
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, (base & ~(u64)APIC_BASE_ENABLE) | APIC_BASE_X2APIC), 1);
	EXPECT_EQ(rdmsr(MSR_APIC_BASE), base);
}

void test_main(void)
{
	u64 value;

	test_base();
	if (apic_is_x2()) {
		printk("in x2APIC mode from the start\n");
	} else {
		apic_enable();
		EXPECT_EQ(try_rdmsr(0x802, &value), 1); /* not in xAPIC mode */
		test_registers();
		test_self();
		if (on_keel)
			test_priority();
		if (option_number("waits", 1))
			test_waits_for_if();
		if (nr_vcpus > 1)
			test_other_cpu(false);
		if (!apic_enter_x2())
			skip("no x2APIC");
	}
	/* no direct way back to xAPIC mode */
	EXPECT_EQ(try_wrmsr(MSR_APIC_BASE, 0xfee00000 | APIC_BASE_BSP | APIC_BASE_ENABLE), 1);
	apic_enable();
	test_registers();
	test_self();
	if (on_keel)
		test_priority();
	if (option_number("waits", 1))
		test_waits_for_if();
	test_x2_registers();
	if (nr_vcpus > 1)
		test_other_cpu(true);
}
