/* SPDX-License-Identifier: GPL-2.0-only */
/* Host interrupts: the local APIC, IO-APICs, MSI, and the vectors on each CPU. */
#ifndef ARCH_X86_IRQ_IRQ_H
#define ARCH_X86_IRQ_IRQ_H

#include "common/pcpu.h"

/* Fixed vectors (APM/SDM: 0..31 are exceptions); devices get 0x30..0xdf. */
#define VECTOR_FIRST_DEV 0x30
#define VECTOR_LAST_DEV  0xdf
#define VECTOR_TIMER     0xe0
#define VECTOR_KICK      0xe1
#define VECTOR_ERROR     0xe2
#define VECTOR_SPURIOUS  0xef

/* lapic.c: this CPU's own. */
void lapic_init_cpu(void);		/* x2APIC where it is, else xAPIC; enables, masks LVTs */
u32 lapic_id(void);
void lapic_eoi(void);
void lapic_send_ipi(u32 apic_id, u8 vector);
void lapic_send_init(u32 apic_id);
void lapic_send_sipi(u32 apic_id, u8 page);
void lapic_send_nmi(u32 apic_id);
void lapic_timer_calibrate(void);	/* once, on CPU 0 */

/* A device interrupt: an IO-APIC pin or an MSI of a device. L: RANK_IRQ */
enum irq_kind { IRQ_NONE, IRQ_GSI, IRQ_MSI, IRQ_KEEL };
struct irq_desc {
	enum irq_kind kind;
	u8 vector;
	unsigned int cpu;	/* index into pcpus */
	u32 gsi;		/* IRQ_GSI */
	bool level, masked, in_service;
	void (*handler)(struct irq_desc *desc); /* on the CPU that took it, interrupts off */
	void *data;
	u64 count;
};

/* Chooses a vector on a CPU (cpu may be any: ~0u). NULL: none left. */
struct irq_desc *irq_alloc(enum irq_kind kind, unsigned int cpu, void (*handler)(struct irq_desc *), void *data);
void irq_free(struct irq_desc *desc);
/* Address and data of the message that raises it, without remapping (SDM vol. 3, 11.11). */
void irq_msi_message(const struct irq_desc *desc, u64 *addr, u32 *data);

/* ioapic.c: physical IO-APICs, from ACPI. */
struct ioapic_info { u8 id; u32 address, gsi_base, nr_pins; };
extern struct ioapic_info ioapics[];
extern unsigned int nr_ioapics;
int ioapic_init(void);			/* masks all pins */
void ioapic_program(u32 gsi, const struct irq_desc *desc, bool level, bool active_low);
void ioapic_mask(u32 gsi, bool mask);

/* Entry from traps.c for vectors >= 32. */
void irq_dispatch(u8 vector);

#endif
