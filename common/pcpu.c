/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work bits and epochs: how one CPU gets another's attention, without waiting for a CPU that is
 * inside Keel anyway.
 *
 * A CPU on its way into a guest or idle makes its epoch odd and then reads its work bits; if there
 * are any it turns back. A CPU that sets a work bit of another reads the epoch after that. Both
 * sides have a full barrier in between, so either the CPU sees the bit, or the kicker sees the odd
 * epoch and interrupts it.
 */
#include "common/pcpu.h"

#include "common/printk.h"
#include "common/watchdog.h"

struct pcpu *pcpus[NR_CPUS];
unsigned int nr_cpus;

/* An idle CPU passes through Keel, and its work bits, before it enters a guest. */
static bool pcpu_idle(const struct pcpu *cpu) { return READ_ONCE(cpu->curr) == cpu->idle; }

void pcpu_kick(struct pcpu *cpu, unsigned int work_bit)
{
	bool first = !test_and_set_bit(work_bit, &cpu->work);

	if (!pcpu_outside(READ_ONCE(cpu->epoch)))
		return;
	smp_rmb(); /* pairs with the way out: curr is set before the epoch turns odd */
	/*
	 * In a guest: whoever set the bit first has sent the interrupt. An idle CPU gets one for
	 * each kick, so that a lost interrupt only delays the work; it need not flush.
	 */
	if (pcpu_idle(cpu) ? work_bit == WORK_TLB : !first)
		return;
	arch_send_kick(cpu);
}

/*
 * A CPU without work bits has been inside Keel since the kick. One with bits has an interrupt on
 * its way, so each of these waits ends soon.
 */
static bool pcpu_still_in_guest(struct pcpu *cpu, u64 epoch)
{
	return pcpu_outside(epoch) && READ_ONCE(cpu->epoch) == epoch && READ_ONCE(cpu->work) != 0 &&
	       !pcpu_idle(cpu);
}

static noinline void wait_exit_of(struct pcpu *cpu, u64 epoch)
{
	struct watch w = { 0 };

	do {
		cpu_relax();
		if (watchdog_waits(&w))
			panic("CPU%u has not left its guest for %u s", cpu->id, w.seconds);
	} while (pcpu_still_in_guest(cpu, epoch));
}

void pcpu_wait_exit(const cpumask_t *mask)
{
	struct pcpu *cpu;

	smp_mb();
	for_each_cpu_in(cpu, mask) {
		u64 epoch = READ_ONCE(cpu->epoch);

		if (pcpu_still_in_guest(cpu, epoch))
			wait_exit_of(cpu, epoch);
	}
	smp_mb();
}
