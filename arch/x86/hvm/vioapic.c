/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dom0's IO-APICs (82093AA data sheet, chapter 3). Each pin that the guest
 * unmasks is connected to the machine's pin with the same number, with the
 * trigger mode and polarity that the guest wants; vector and destination are
 * Keel's there, and the guest's here.
 *
 * A level interrupt masks the machine's pin when it arrives, and the guest's
 * EOI unmasks it: "remote IRR" of the guest's entry is the time between.
 */
#include "arch/x86/hvm/vioapic.h"

#include <public/errno.h>

#include "arch/x86/hvm/vcpu.h"
#include "arch/x86/irq/irq.h"
#include "common/heap.h"
#include "common/printk.h"

#define IOREGSEL 0x00
#define IOWIN	 0x10
#define REGION_SIZE 0x100

#define REG_ID	    0x00
#define REG_VERSION 0x01
#define REG_ARB	    0x02
#define REG_RTE	    0x10
#define VERSION	    0x11 /* no EOI register, as the 82093AA */

#define RTE_VECTOR(rte)	  ((u8)(rte))
#define RTE_MODE(rte)	  ((rte) >> 8 & 7)
#define RTE_LOGICAL	  BIT(11)
#define RTE_ACTIVE_LOW	  BIT(13)
#define RTE_REMOTE_IRR	  BIT(14)
#define RTE_LEVEL	  BIT(15)
#define RTE_MASKED	  BIT(16)
#define RTE_DEST(rte)	  ((u32)((rte) >> 56))
#define RTE_WRITABLE_LOW  0x1afffull
#define RTE_WRITABLE_HIGH 0xff00000000000000ull

#define MAX_PINS 240

struct vioapic_pin {
	struct vioapic *io;
	struct irq_user irq;
	struct irq_desc *desc;	/* NULL until the guest first unmasks it */
	u64 rte;		/* as the guest sees it */
	u32 gsi;
};

/* Contents: lock of the domain's first IO-APIC (vioapics_lock()). */
struct vioapic {
	struct domain *d;
	spinlock_t lock;	/* RANK_VIOAPIC; only the first one's is used */
	u32 address, gsi_base, nr_pins;
	u8 id;
	u8 index;		/* IOREGSEL */
	u64 in_service[DIV_ROUND_UP(MAX_PINS, 64)]; /* pins with remote IRR */
	struct vioapic_pin *pins;
};

static spinlock_t *vioapics_lock(struct domain *d) { return &x86_domain(d)->vioapic[0].lock; }

/* The device's interrupt arrived. Level: its pin is masked now, until the guest's EOI. */
static void pin_interrupt(struct irq_user *user)
{
	struct vioapic_pin *pin = container_of(user, struct vioapic_pin, irq);
	struct vioapic *io = pin->io;
	unsigned int n = (unsigned int)(pin - io->pins);
	bool deliver, level;
	u64 rte;

	spin_lock(vioapics_lock(io->d));
	rte = pin->rte;
	level = rte & RTE_LEVEL;
	deliver = !(rte & RTE_MASKED) && !(level && rte & RTE_REMOTE_IRR);
	if (deliver && level) {
		pin->rte |= RTE_REMOTE_IRR;
		io->in_service[n / 64] |= BIT(n % 64);
	}
	spin_unlock(vioapics_lock(io->d));
	if (deliver)
		vlapic_deliver_msg(io->d, RTE_DEST(rte), rte & RTE_LOGICAL, RTE_MODE(rte), RTE_VECTOR(rte),
				   level);
}

/* Makes the machine's pin follow the guest's entry. Lock held. */
static void connect(struct vioapic_pin *pin, bool reprogram)
{
	bool level = pin->rte & RTE_LEVEL;
	bool masked = pin->rte & RTE_MASKED || (level && pin->rte & RTE_REMOTE_IRR);

	if (!pin->desc) {
		if (masked || ioapic_reserved(pin->gsi))
			return;
		pin->irq.handler = pin_interrupt;
		pin->desc = irq_alloc(IRQ_GSI, pin->gsi, vlapic_dest_cpu(pin->io->d, RTE_DEST(pin->rte),
								       pin->rte & RTE_LOGICAL), &pin->irq);
		if (!pin->desc) {
			pr_guest(pin->io->d, "GSI %u: no free interrupt vector on any CPU, it stays masked\n", pin->gsi);
			return;
		}
		reprogram = true;
	}
	if (!reprogram) {
		if (pin->desc->masked != masked)
			ioapic_mask(pin->gsi, masked);
		pin->desc->masked = masked;
		return;
	}
	ioapic_mask(pin->gsi, true);
	pin->desc->masked = masked;
	if (ioapic_program(pin->gsi, pin->desc, level, pin->rte & RTE_ACTIVE_LOW))
		pr_guest(pin->io->d, "GSI %u: the IOMMU has no entry left for it, it stays masked\n", pin->gsi);
}

static void end_of_service(struct vioapic *io, unsigned int n)
{
	struct vioapic_pin *pin = &io->pins[n];

	pin->rte &= ~RTE_REMOTE_IRR;
	io->in_service[n / 64] &= ~BIT(n % 64);
	/* The handler of the interrupt masked the pin, whatever desc->masked says. */
	if (pin->desc && !(pin->rte & RTE_MASKED)) {
		pin->desc->masked = false;
		ioapic_mask(pin->gsi, false);
	}
}

void vioapic_eoi(struct domain *d, u8 vector)
{
	struct x86_domain *x = x86_domain(d);

	if (!x->vioapic)
		return;
	spin_lock(vioapics_lock(d));
	for (unsigned int i = 0; i < x->nr_vioapics; i++) {
		struct vioapic *io = &x->vioapic[i];

		for (unsigned int w = 0; w < ARRAY_SIZE(io->in_service); w++) {
			for (u64 left = io->in_service[w]; left; left &= left - 1) {
				unsigned int n = w * 64 + ffs64(left);

				if (RTE_VECTOR(io->pins[n].rte) == vector)
					end_of_service(io, n);
			}
		}
	}
	spin_unlock(vioapics_lock(d));
}

static void write_rte(struct vioapic *io, unsigned int n, u64 writable, u64 val)
{
	struct vioapic_pin *pin = &io->pins[n];
	u64 old = pin->rte;

	pin->rte = (old & ~writable) | (val & writable);
	/* Edge entries have no remote IRR: Linux clears a stuck one by way of edge mode. */
	if (!(pin->rte & RTE_LEVEL) && pin->rte & RTE_REMOTE_IRR) {
		pin->rte &= ~RTE_REMOTE_IRR;
		io->in_service[n / 64] &= ~BIT(n % 64);
	}
	connect(pin, (old ^ pin->rte) & (RTE_LEVEL | RTE_ACTIVE_LOW | RTE_REMOTE_IRR));
}

static u32 read_window(const struct vioapic *io)
{
	unsigned int n = (io->index - REG_RTE) / 2;

	switch (io->index) {
	case REG_ID:
	case REG_ARB:
		return (u32)io->id << 24;
	case REG_VERSION:
		return VERSION | (io->nr_pins - 1) << 16;
	}
	if (io->index < REG_RTE || n >= io->nr_pins)
		return 0;
	n = (unsigned int)index_nospec(n, io->nr_pins);
	return (u32)(io->index & 1 ? io->pins[n].rte >> 32 : io->pins[n].rte);
}

static void write_window(struct vioapic *io, u32 val)
{
	unsigned int n = (io->index - REG_RTE) / 2;

	if (io->index == REG_ID)
		io->id = val >> 24 & 0xf;
	if (io->index < REG_RTE || n >= io->nr_pins)
		return;
	n = (unsigned int)index_nospec(n, io->nr_pins);
	if (io->index & 1)
		write_rte(io, n, RTE_WRITABLE_HIGH, (u64)val << 32);
	else
		write_rte(io, n, RTE_WRITABLE_LOW, val);
}

static struct vioapic *find(struct domain *d, u64 gpa)
{
	struct x86_domain *x = x86_domain(d);

	for (unsigned int i = 0; x->vioapic && i < x->nr_vioapics; i++)
		if (gpa - x->vioapic[i].address < REGION_SIZE)
			return &x->vioapic[i];
	return NULL;
}

bool vioapic_is_page(struct domain *d, gfn_t gfn)
{
	struct x86_domain *x = x86_domain(d);

	for (unsigned int i = 0; x->vioapic && i < x->nr_vioapics; i++)
		if (PFN_DOWN(x->vioapic[i].address) == gfn)
			return true;
	return false;
}

static bool mmio_match(struct vcpu *v, u64 gpa) { return find(v->domain, gpa); }

/* Registers take 32-bit accesses; the index also the 8-bit ones that the data sheet shows. */
static void mmio_read(struct vcpu *v, u64 gpa, unsigned int size, u64 *val)
{
	struct vioapic *io = find(v->domain, gpa);
	unsigned int offset = gpa - io->address;

	*val = 0;
	spin_lock(vioapics_lock(v->domain));
	if (offset == IOREGSEL)
		*val = io->index;
	else if (offset == IOWIN && size >= 4)
		*val = read_window(io);
	spin_unlock(vioapics_lock(v->domain));
}

static void mmio_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	struct vioapic *io = find(v->domain, gpa);
	unsigned int offset = gpa - io->address;

	spin_lock(vioapics_lock(v->domain));
	if (offset == IOREGSEL)
		io->index = (u8)val;
	else if (offset == IOWIN && size >= 4)
		write_window(io, (u32)val);
	spin_unlock(vioapics_lock(v->domain));
}

const struct mmio_handler vioapic_mmio = { mmio_match, mmio_read, mmio_write };

static int init_one(struct domain *d, struct vioapic *io, const struct ioapic_info *host)
{
	*io = (struct vioapic){ .d = d, .address = host->address, .gsi_base = host->gsi_base,
				.id = host->id, .nr_pins = min_t(u32, host->nr_pins, MAX_PINS) };
	spin_lock_init(&io->lock, RANK_VIOAPIC);
	io->pins = alloc_pages(size_to_order(io->nr_pins * sizeof(io->pins[0])));
	if (!io->pins)
		return -ENOMEM;
	for (unsigned int n = 0; n < io->nr_pins; n++)
		io->pins[n] = (struct vioapic_pin){ .io = io, .rte = RTE_MASKED, .gsi = io->gsi_base + n };
	return 0;
}

int vioapic_init(struct domain *d)
{
	struct x86_domain *x = x86_domain(d);

	if (!nr_ioapics)
		return 0;
	x->vioapic = alloc_pages(size_to_order(nr_ioapics * sizeof(x->vioapic[0])));
	if (!x->vioapic)
		return -ENOMEM;
	x->nr_vioapics = nr_ioapics;
	for (unsigned int i = 0; i < nr_ioapics; i++)
		if (init_one(d, &x->vioapic[i], &ioapics[i]) < 0)
			return -ENOMEM;
	return 0;
}
