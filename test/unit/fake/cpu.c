/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUs: one thread plays all of them. Locks are counted. RCU runs on request. */
#include <string.h>

#include <public/errno.h>

#include "arch/x86/mce.h"
#include "arch/x86/pcpu.h"
#include "common/hypercall.h"
#include "common/platform.h"

#include "fake_internal.h"

struct fake_events fake_events;
void (*fake_on_wait)(void);

FAKE struct pcpu *pcpus[NR_CPUS];
FAKE unsigned int nr_cpus;

static struct x86_pcpu cpus[FAKE_CPUS];
static struct vcpu idle[FAKE_CPUS];
static unsigned int kicks[FAKE_CPUS], running, locks;
static struct rcu_head *rcu_waiting;

void fake_reset_cpus(void)
{
	memset(cpus, 0, sizeof(cpus));
	memset(idle, 0, sizeof(idle));
	memset(kicks, 0, sizeof(kicks));
	memset(&fake_events, 0, sizeof(fake_events));
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		idle[i].idle = true;
		idle[i].cpu = &cpus[i].p;
		cpus[i].p.id = i;
		cpus[i].apic_id = i * 2;
		cpus[i].p.idle = cpus[i].p.curr = &idle[i];
		pcpus[i] = &cpus[i].p;
	}
	nr_cpus = FAKE_CPUS;
	running = locks = 0;
	rcu_waiting = NULL;
	fake_on_wait = NULL;
}

struct pcpu *this_cpu(void)
{
	return &cpus[running].p;
}

void fake_run_on(unsigned int cpu, struct vcpu *v)
{
	running = cpu;
	cpus[cpu].p.curr = v ? v : &idle[cpu];
	if (v)
		v->cpu = &cpus[cpu].p;
}

/* There are no machine checks. */
FAKE void mce_interrupt(void)
{
}

FAKE u64 mce_cap(void)
{
	return 0;
}

FAKE bool mce_oldest(bool urgent, struct mce_record *r, u64 *id)
{
	return false;
}

FAKE void mce_ack(bool urgent, u64 id)
{
}

FAKE long do_arch_0(unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
		    unsigned long a5)
{
	return -ENOSYS;
}

/* Microcode: all CPUs take it. unit-microcode has the real one. */
FAKE long arch_microcode_update(u64 gva, u32 len, bool force)
{
	return 0;
}

FAKE void arch_send_kick(struct pcpu *cpu)
{
	kicks[cpu->id]++;
}

unsigned int fake_kicks(unsigned int cpu)
{
	return kicks[cpu];
}

FAKE u32 arch_cpu_hw_id(unsigned int cpu)
{
	return cpus[cpu].apic_id;
}

FAKE void pcpu_kick(struct pcpu *cpu, unsigned int work_bit)
{
	set_bit(work_bit, &cpu->work);
	arch_send_kick(cpu);
}

FAKE void pcpu_wait_exit(const cpumask_t *mask)
{
	if (fake_on_wait)
		fake_on_wait();
}

FAKE void irq_window(void)
{
	if (fake_locks_held())
		fake_fail("irq_window() with %u locks held", fake_locks_held());
	if (fake_on_wait)
		fake_on_wait();
}

/* Without the real spinlock.c, locks are only counted. */
FAKE void lock_rank_check(u8 rank)
{
}

FAKE void lock_rank_note(const void *lock, u8 rank)
{
	locks++;
}

FAKE void lock_rank_forget(const void *lock)
{
	if (!locks)
		fake_fail("a lock is released that is not held");
	locks--;
}

FAKE bool lock_is_mine(const void *lock)
{
	return locks;
}

FAKE void spin_wait(const spinlock_t *l, u32 me)
{
	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me)
		cpu_relax();
}

FAKE void rwlock_wait(const rwlock_t *l, bool (*must_wait)(const rwlock_t *l))
{
	while (must_wait(l))
		cpu_relax();
}

FAKE void spin_lock_pair(spinlock_t *a, spinlock_t *b)
{
	spin_lock(a);
	if (a != b)
		spin_lock(b);
}

FAKE void spin_unlock_pair(spinlock_t *a, spinlock_t *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}

unsigned int fake_locks_held(void)
{
	unsigned int n = locks;

	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		n += cpus[i].p.nr_held;
	return n;
}

void fake_check_quiet(void)
{
	if (fake_locks_held())
		fake_fail("%u locks are still held", fake_locks_held());
}

FAKE void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	for (struct rcu_head *h = rcu_waiting; h; h = h->next)
		if (h == head)
			fake_fail("rcu_call() of an object that waits already");
	head->fn = fn;
	head->next = rcu_waiting;
	rcu_waiting = head;
}

void fake_rcu_run(void)
{
	while (rcu_waiting) {
		struct rcu_head *head = rcu_waiting;

		rcu_waiting = head->next;
		head->fn(head);
	}
}
