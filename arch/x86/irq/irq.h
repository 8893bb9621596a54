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
#define VECTOR_CMCI      0xe3
#define VECTOR_SPURIOUS  0xef

/*
 * Registers of the local APIC, as offsets of the xAPIC page (SDM vol. 3, table 11-1; APM vol. 2,
 * table 16-2).
 */
#define APIC_ID		0x020
#define APIC_LVR	0x030
#define APIC_TPR	0x080
#define APIC_APR	0x090
#define APIC_PPR	0x0a0
#define APIC_EOI	0x0b0
#define APIC_RRD	0x0c0
#define APIC_LDR	0x0d0
#define APIC_DFR	0x0e0
#define APIC_SVR	0x0f0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_LVT_CMCI	0x2f0
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PERF	0x340
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_ERROR	0x370
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_SELF_IPI	0x3f0	/* x2APIC only */

#define APIC_SVR_ENABLE		BIT(8)
#define APIC_LVT_MASKED		BIT(16)
#define APIC_LVT_PERIODIC	BIT(17)
#define APIC_LVT_TSC_DEADLINE	BIT(18)
#define APIC_BASE_BSP		BIT(8)
#define APIC_BASE_EXTD		BIT(10)
#define APIC_BASE_EN		BIT(11)
#define APIC_ICR_BUSY		BIT(12)
#define APIC_ICR_ASSERT		BIT(14)
#define APIC_ICR_LEVEL		BIT(15)

/* Delivery modes: ICR and LVT bits 8..10, MSI data, redirection entries. */
enum apic_delivery { APIC_DM_FIXED, APIC_DM_LOWEST, APIC_DM_SMI, APIC_DM_REMOTE_READ, APIC_DM_NMI,
		     APIC_DM_INIT, APIC_DM_STARTUP, APIC_DM_EXTINT };

/* lapic.c: this CPU's own. Interrupts off, any locks. */
void lapic_init_cpu(void);		/* x2APIC where it is, else xAPIC; enables, masks LVTs */
/*
 * Once, before that, with the microcode loaded: clears in cpu_features what Keel may not use of the
 * local APIC because the firmware asks for that, or the CPU's model has an erratum.
 */
void lapic_choose_mode(void);
u32 lapic_id(void);
void lapic_eoi(void);
void lapic_send_ipi(u32 apic_id, u8 vector);
void lapic_send_init(u32 apic_id);
void lapic_send_sipi(u32 apic_id, u8 page);
void lapic_send_nmi(u32 apic_id);
/*
 * One register, by its offset in the xAPIC page, in either mode: for the one-shot timer
 * (arch/x86/time.c).
 */
u32 lapic_read(unsigned int reg);
void lapic_write(unsigned int reg, u32 val);

/*
 * The receiver of an interrupt. It must stay for a grace period after irq_free(): the handler may
 * run on another CPU.
 */
struct irq_user {
	void (*handler)(struct irq_user *user); /* on the CPU that took it, interrupts off, no lock held */
};

/* A device interrupt: an IO-APIC pin or an MSI of a device. L: RANK_IRQ */
/* IRQ_MSI_SLOT: by any function of the device; after IRQ_MSI */
enum irq_kind { IRQ_NONE, IRQ_GSI, IRQ_KEEL, IRQ_MSI, IRQ_MSI_SLOT };
struct irq_desc {
	enum irq_kind kind;
	u8 vector;
	unsigned int cpu;	/* index into pcpus */
	u32 gsi;		/* of an IO-APIC's pin */
	u32 source;		/* of a message: the id that it arrives with (iommu_device.alias) */
	u16 remap;		/* its entry in the IOMMU's remapping table */
	bool remapped;		/* it has one */
	bool level, masked;
	struct irq_user *user;	/* atomic; NULL: nobody's */
};

/*
 * Chooses a vector on a CPU, if possible this one (~0u: any), for a GSI or a function's messages
 * (source: its PCI_SBDF, which the IOMMU checks). NULL: none left. Takes the
 * interrupt and heap locks. The handler for a level interrupt runs with its pin
 * masked and acknowledged: whoever quiets the device calls ioapic_mask(gsi, false).
 */
struct irq_desc *irq_alloc(enum irq_kind kind, u32 source, unsigned int cpu, struct irq_user *user);
/* How many there are, in use or not. */
unsigned int irq_nr_vectors(void);
/* The source must be masked before; an interrupt that is already on its way is dropped. */
void irq_free(struct irq_desc *desc);
/*
 * Address and data of the message that raises it (SDM vol. 3, 11.11), or of its entry in the
 * remapping table.
 */
void irq_msi_message(const struct irq_desc *desc, u64 *addr, u32 *data);

/* ioapic.c: physical IO-APICs, from ACPI. */
struct ioapic_info {
	u8 id;
	u32 address, gsi_base, nr_pins;
	volatile u32 *regs;	/* these two: ioapic.c's own */
	u64 reserved_pins[4];	/* Keel's own */
};
extern struct ioapic_info *ioapics;
extern unsigned int nr_ioapics;
int ioapic_init(void);			/* finds them, masks all pins and the 8259s; 0 or -ENODEV */
/*
 * Routes a pin to desc; unmasked unless desc->masked. A pin that was Keel's own (IRQ_KEEL) once is
 * reserved for ever. 0, or -errno when the IOMMU has no entry for it: the pin stays masked.
 */
int ioapic_program(u32 gsi, struct irq_desc *desc, bool level, bool active_low);
void ioapic_mask(u32 gsi, bool mask);
/* The IO-APIC that has the GSI, NULL if none. */
const struct ioapic_info *ioapic_of(u32 gsi);
/* Keel's own (its console): never given to a guest. */
bool ioapic_reserved(u32 gsi);

/* Entry from traps.c for vectors >= 32. */
void irq_dispatch(u8 vector);

#endif
