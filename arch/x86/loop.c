/* SPDX-License-Identifier: GPL-2.0-only */
/* The main loop of each CPU: do its work, run its vCPU, handle the exit. */
#include "arch/x86/hvm/ops.h"
#include "arch/x86/mce.h"
#include "arch/x86/microcode.h"
#include "arch/x86/pcpu.h"
#include "common/console.h"
#include "common/printk.h"
#include "common/rcu.h"
#include "common/sched.h"
#include "common/time.h"
#include "common/timer.h"

static void do_work(struct pcpu *cpu)
{
	u64 work = __atomic_exchange_n(&cpu->work, 0, __ATOMIC_SEQ_CST);

	if (work & BIT(WORK_STOP))
		for (;;)
			__asm__ volatile("cli; hlt");
	if (work & BIT(WORK_NMI))
		nmi_report(cpu);
	if (work & BIT(WORK_ARCH)) {
		mce_work();
		microcode_work();
	}
	if (work & BIT(WORK_TLB))
		hvm_ops->flush_tlb();
	if (work & BIT(WORK_TIMER))
		timer_process();
	if (work & BIT(WORK_CONSOLE))
		console_drain();
	if (work & BIT(WORK_RCU))
		rcu_process();
	if (work & BIT(WORK_SCHED))
		schedule();
}

/* Outside Keel until an interrupt comes; the handler's entry ends that (traps.c). */
static void idle(struct pcpu *cpu)
{
	__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
	if (!READ_ONCE(cpu->work))
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	if (pcpu_outside(cpu->epoch))
		__atomic_fetch_add(&cpu->epoch, 1, __ATOMIC_SEQ_CST);
}

void vcpu_loop(void)
{
	struct pcpu *cpu = this_cpu();
	struct exit_info e;

	for (;;) {
		struct x86_vcpu *v;

		if (unlikely(READ_ONCE(cpu->work)))
			do_work(cpu);
		if (unlikely(cpu->curr->idle)) {
			idle(cpu);
			continue;
		}
		v = x86_vcpu(cpu->curr);
		vcpu_time_update(&v->v);
		hvm_prepare_entry(v);
		hvm_ops->run(v, &e);
		cpu->nr_exits++;
		hvm_handle_exit(v, &e);
	}
}
