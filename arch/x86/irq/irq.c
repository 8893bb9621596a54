/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vectors. Each CPU has its own table of device vectors, so the machine has
 * 176 times as many interrupts as it has CPUs. The table of a CPU is made when
 * it gets its first interrupt.
 */
#include "arch/x86/irq/irq.h"

#include "arch/x86/iommu/iommu.h"
#include "arch/x86/mce.h"
#include "arch/x86/pcpu.h"
#include "common/heap.h"
#include "common/printk.h"

#define NR_DEV_VECTORS (VECTOR_LAST_DEV - VECTOR_FIRST_DEV + 1)
#define MSI_ADDR_BASE 0xfee00000ull

struct vector_table {
	unsigned int used, next;
	struct irq_desc desc[NR_DEV_VECTORS];
};

static spinlock_t irq_lock = SPINLOCK_INIT(RANK_IRQ);
static struct vector_table *tables[NR_CPUS]; /* set once, never freed; contents: irq_lock */

static bool remapping(void) { return iommu_on() && iommu_caps.irq_remap; }

/*
 * Without remapping a message or a redirection entry has 8 bits for the APIC id; 255 is everybody.
 */
static bool reachable(unsigned int cpu)
{
	return (remapping() && iommu_caps.wide_dest) || x86_pcpu(pcpus[cpu])->apic_id < 0xff;
}

unsigned int irq_nr_vectors(void)
{
	unsigned int n = 0;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		n += reachable(cpu) ? NR_DEV_VECTORS : 0;
	return n;
}

static unsigned int choose_cpu(void)
{
	unsigned int best = ~0u, best_used = ~0u;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		unsigned int used = tables[cpu] ? tables[cpu]->used : 0;

		if (reachable(cpu) && used < NR_DEV_VECTORS && used < best_used) {
			best = cpu;
			best_used = used;
		}
	}
	return best;
}

static struct irq_desc *take_vector(unsigned int cpu)
{
	struct vector_table *t = tables[cpu];

	if (!t) {
		t = alloc_pages(size_to_order(sizeof(*t)));
		if (!t)
			return NULL;
		WRITE_ONCE(tables[cpu], t);
	}
	/*
	 * A freed vector is the last to be reused: its last interrupts may still be on their way.
	 */
	for (unsigned int n = 0; n < NR_DEV_VECTORS; n++) {
		unsigned int i = (t->next + n) % NR_DEV_VECTORS;
		struct irq_desc *desc = &t->desc[i];

		if (desc->kind != IRQ_NONE)
			continue;
		*desc = (struct irq_desc){ .vector = (u8)(VECTOR_FIRST_DEV + i), .cpu = cpu };
		t->next = i + 1;
		t->used++;
		return desc;
	}
	return NULL;
}

struct irq_desc *irq_alloc(enum irq_kind kind, u32 source, unsigned int cpu, struct irq_user *user)
{
	struct irq_desc *desc = NULL;

	spin_lock(&irq_lock);
	if (cpu < nr_cpus && reachable(cpu))
		desc = take_vector(cpu);
	if (!desc)
		cpu = choose_cpu();
	if (!desc && cpu < nr_cpus)
		desc = take_vector(cpu);
	if (desc) {
		desc->kind = kind;
		desc->source = source;
		__atomic_store_n(&desc->user, user, __ATOMIC_RELEASE);
	}
	spin_unlock(&irq_lock);
	if (desc && kind >= IRQ_MSI && remapping() && iommu_ops->irq_map(desc)) {
		irq_free(desc);
		desc = NULL;
	}
	return desc;
}

void irq_free(struct irq_desc *desc)
{
	if (desc->remapped)
		iommu_ops->irq_unmap(desc);
	spin_lock(&irq_lock);
	WRITE_ONCE(desc->user, NULL);
	desc->kind = IRQ_NONE;
	tables[desc->cpu]->used--;
	spin_unlock(&irq_lock);
}

void irq_msi_message(const struct irq_desc *desc, u64 *addr, u32 *data)
{
	if (desc->remapped) {
		iommu_ops->irq_message(desc, addr, data);
		return;
	}
	*addr = MSI_ADDR_BASE | (u64)x86_pcpu(pcpus[desc->cpu])->apic_id << 12;
	*data = desc->vector;
}

static void dispatch_device(u8 vector)
{
	struct vector_table *t = READ_ONCE(tables[this_cpu()->id]);
	struct irq_desc *desc = t ? &t->desc[vector - VECTOR_FIRST_DEV] : NULL;
	/* Read once: another CPU may free the vector, and take it for somebody else. */
	struct irq_user *user = desc ? __atomic_load_n(&desc->user, __ATOMIC_ACQUIRE) : NULL;

	if (!user) {
		lapic_eoi();
		return;
	}
	if (desc->level)
		ioapic_mask(desc->gsi, true);
	lapic_eoi();
	user->handler(user);
}

static void report_error(void)
{
	static struct ratelimit limit;
	u32 esr;

	lapic_write(APIC_ESR, 0);
	esr = lapic_read(APIC_ESR);
	if (ratelimit_ok(&limit))
		pr_warn("CPU %u: local APIC error, ESR %#x\n", this_cpu()->id, esr);
}

void irq_dispatch(u8 vector)
{
	this_cpu()->nr_irqs++;
	switch (vector) {
	case VECTOR_FIRST_DEV ... VECTOR_LAST_DEV:
		dispatch_device(vector);
		break;
	case VECTOR_TIMER:
		lapic_eoi();
		set_bit(WORK_TIMER, &this_cpu()->work);
		break;
	case VECTOR_KICK:
		lapic_eoi();
		break;
	case VECTOR_CMCI:
		lapic_eoi();
		mce_interrupt();
		break;
	case VECTOR_ERROR:
		lapic_eoi();
		report_error();
		break;
	case VECTOR_SPURIOUS:
		break; /* has no bit in service (SDM vol. 3, 11.9) */
	default:
		lapic_eoi();
		break;
	}
}
