/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting and stopping CPUs. */
#include "arch/x86/acpi/acpi.h"
#include "arch/x86/acpi/srat.h"
#include "arch/x86/boot/layout.h"
#include "arch/x86/cpufreq.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/mce.h"
#include "arch/x86/microcode.h"
#include "arch/x86/mitigations.h"
#include "arch/x86/mm.h"
#include "arch/x86/pcpu.h"
#include "arch/x86/time.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/platform.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/timer.h"
#include "common/watchdog.h"
#include <public/platform.h>

#define NOBODY 0xffffffffull
#define INIT_NS 10000000ull
#define LATE_NS 10000000000ull
#define STOP_NS 100000000ull	/* a CPU takes its NMI at once */

extern const char trampoline_start[], trampoline_end[], trampoline_args[];

/* The page below 1 MiB where CPUs start; kept out of Dom0's map. */
static paddr_t smp_trampoline;

void smp_reserve_trampoline(void)
{
	paddr_t base, end;

	for (unsigned int i = 0; boot_free_range(i, &base, &end) && base < KiB(600); i++)
		smp_trampoline = min(end, (paddr_t)KiB(600)) - PAGE_SIZE;
	if (!smp_trampoline) {
		pr_warn("No RAM below 600 KiB: only the first CPU is used");
		return;
	}
	boot_reserve(smp_trampoline, smp_trampoline + PAGE_SIZE, "start of CPUs");
}

static struct x86_pcpu *alloc_cpu(unsigned int id, u32 apic_id)
{
	struct x86_pcpu *c = alloc_pages(size_to_order(sizeof(*c)));

	if (!c)
		panic("CPU%u: no memory for it; go on without it by maxcpus=%u", id, id);
	c->p.id = id;
	c->apic_id = apic_id;
	c->p.node = numa_node_of_cpu(apic_id);
	pcpus[id] = &c->p;
	return c;
}

/* Before anything that asks for this_cpu(): the boot stack gets its pointer. */
void smp_init_boot_cpu(void)
{
	static struct x86_pcpu boot_cpu __aligned(64);

	pcpus[0] = &boot_cpu.p;
	nr_cpus = 1;
	boot_cpu.up = true;
	*(void **)(boot_stack + KEEL_BOOT_STACK_SIZE - 8) = &boot_cpu;
}

static void start_secondary(struct x86_pcpu *c)
{
	int rc;

	traps_init_cpu(c);
	cpu_init_this();
	microcode_init_cpu();
	mitigations_init_cpu();
	cpufreq_init_cpu();
	lapic_init_cpu();
	rc = hvm_ops->cpu_up();
	if (rc) {
		pr_err("CPU%u: %s cannot be enabled: error %d", c->p.id, hvm_ops->name, rc);
		WRITE_ONCE(c->unfit, true);
		for (;;) /* until comes_late() sends it back to where it waits for a start */
			cpu_relax();
	}
	sched_init_cpu(&c->p);
	mce_init_cpu();
	__atomic_store_n(&c->up, true, __ATOMIC_RELEASE);
	time_cpu_up();
	vcpu_loop();
}

/*
 * It has not come up. If it does not even run yet, it never will: it finds its id gone, and halts.
 * Else its stack and id are in use, and nobody else's any more, unless it cannot run guests.
 */
static bool comes_late(struct x86_pcpu *c, volatile u64 *id)
{
	u64 want = c->apic_id, limit = now() + LATE_NS;

	if (__atomic_compare_exchange_n(id, &want, NOBODY, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return false;
	while (!READ_ONCE(c->up)) {
		if (now() > limit)
			panic("CPU%u with APIC id %u has started, and does not come up; go on without it by maxcpus=%u",
			      c->p.id, c->apic_id, c->p.id);
		if (READ_ONCE(c->unfit)) {
			lapic_send_init(c->apic_id);
			return false;
		}
		cpu_relax();
	}
	return true;
}

/* SIPI-SIPI, after INIT (SDM vol. 3, 9.4.4). */
static bool start_cpu(struct x86_pcpu *c, volatile u64 *args)
{
	u64 limit;

	args[0] = keel_cr3();
	args[1] = map_stack(c->p.id, STACK_MAIN, c);
	args[2] = (u64)start_secondary;
	args[3] = (u64)c;
	__atomic_store_n(&args[4], c->apic_id, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 2 && !READ_ONCE(c->up); i++) {
		lapic_send_sipi(c->apic_id, (u8)(smp_trampoline >> PAGE_SHIFT));
		for (limit = now() + (i ? 1000000000 : 200000); now() < limit && !READ_ONCE(c->up);)
			cpu_relax();
	}
	if (!__atomic_load_n(&c->up, __ATOMIC_ACQUIRE) && !comes_late(c, &args[4]))
		return false;
	time_compare_cpu();
	return true;
}

/* Bits of an APIC id in which the threads of a core differ; none, if all threads are used. */
static u32 thread_bits(void)
{
	return option_flag("smt") || cpuid(0, 0).a < 0xb ? 0 : (1u << (cpuid(0xb, 0).a & 31)) - 1;
}

/* Not the boot CPU, nor the second thread of a core, if these are not used. */
static bool is_wanted(u32 apic_id, u32 bits)
{
	return apic_id != lapic_id() && !((apic_id ^ lapic_id()) & bits);
}

/* Id 255 is all CPUs, and there are no higher ones, unless in x2APIC mode. */
static bool has_address(u32 apic_id) { return cpu_features.x2apic || apic_id < 0xff; }

/* The wait is once for all: with 500 CPUs it would be 5 s. */
static void init_all(u32 bits)
{
	u64 limit = now() + INIT_NS;

	for (unsigned int i = 0; i < acpi.nr_cpus; i++)
		if (is_wanted(acpi.cpus[i].apic_id, bits) && has_address(acpi.cpus[i].apic_id))
			lapic_send_init(acpi.cpus[i].apic_id);
	while (now() < limit)
		cpu_relax();
}

void smp_start_all(void)
{
	u32 bits = thread_bits(), first = 0;
	u64 most = smp_trampoline ? min_t(u64, option_number("maxcpus"), NR_CPUS) : 1;
	u8 *page = pa_to_virt(smp_trampoline);
	unsigned int left = 0;

	if (smp_trampoline) {
		memcpy(page, trampoline_start, trampoline_end - trampoline_start);
		/* The page turns paging on under itself. */
		map_pages(smp_trampoline, smp_trampoline, PAGE_SIZE, MAP_RX | PTE_RW);
		init_all(bits);
	}
	for (unsigned int i = 0; i < acpi.nr_cpus; i++) {
		u32 id = acpi.cpus[i].apic_id;
		struct x86_pcpu *c;

		if (!is_wanted(id, bits))
			continue;
		if (nr_cpus >= most || !has_address(id)) {
			first = left++ ? first : id;
			continue;
		}
		c = alloc_cpu(nr_cpus, id);
		if (!start_cpu(c, (volatile u64 *)(page + (trampoline_args - trampoline_start)))) {
			pr_warn("CPU with APIC id %u does not start: left out\n", id);
			pcpus[nr_cpus] = NULL;
			continue;
		}
		nr_cpus++;
	}
	mm_unmap_low();
	pr_info("CPUs: %u\n", nr_cpus);
	if (left)
		pr_warn("CPUs: %u more, the first with APIC id %u, are left out: %s\n", left, first,
			nr_cpus < most ? "without x2APIC mode ids end at 254" : !smp_trampoline ?
			"they have no place to start" : most < NR_CPUS ? "maxcpus= says so" :
			"Keel was built for " STR(CONFIG_MAX_CPUS));
}

void smp_stop_others(void)
{
	for (unsigned int i = 0; i < nr_cpus; i++) {
		if (pcpus[i] == this_cpu() || !pcpus[i])
			continue;
		set_bit(WORK_STOP, &pcpus[i]->work);
		lapic_send_nmi(x86_pcpu(pcpus[i])->apic_id);
	}
}

void arch_other_cpus_trace(void)
{
	u64 limit = now() + STOP_NS;
	cpumask_t inside = { { 0 } };
	struct pcpu *cpu;

	for_each_cpu(cpu)
		if (cpu != this_cpu() && !pcpu_outside(READ_ONCE(cpu->epoch)))
			cpumask_set(&inside, cpu->id);
	smp_stop_others();
	for_each_cpu_in(cpu, &inside) {
		while (!READ_ONCE(x86_pcpu(cpu)->stopped_at) && now() < limit)
			cpu_relax();
		traps_trace_cpu(x86_pcpu(cpu));
	}
}

void arch_cpu_is_stuck(struct pcpu *cpu)
{
	set_bit(WORK_STUCK, &cpu->work);
	lapic_send_nmi(x86_pcpu(cpu)->apic_id);
}

void arch_send_kick(struct pcpu *cpu)
{
	lapic_send_ipi(x86_pcpu(cpu)->apic_id, VECTOR_KICK);
}

u32 arch_cpu_hw_id(unsigned int cpu)
{
	return x86_pcpu(pcpus[cpu])->apic_id;
}

void arch_cpu_ids(unsigned int cpu, struct xenpf_pcpuinfo *info)
{
	info->apic_id = arch_cpu_hw_id(cpu);
	info->acpi_id = acpi_uid_of(info->apic_id);
}
