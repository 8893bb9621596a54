/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel VT-d (specification 4.1; sections are named where they matter), legacy mode with
 * queued invalidation. The units of a PCI segment share one root table, since no two have the same
 * device, and one interrupt remapping table. Hardware reads both at any time: an entry's half that
 * has the present bit is written last, and first when it goes.
 */
#include "arch/x86/iommu/vtd.h"

#include <public/errno.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/iommu/dmar.h"
#include "arch/x86/iommu/iommu.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/config.h"
#include "arch/x86/pcpu.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"
#include "common/timer.h"

#define QUEUE_LEN 256		/* descriptors of 16 bytes: one page */
#define IRT_MIN_ORDER 2		/* pages of 256 entries: 1024 */
#define IRT_MAX_ORDER 8		/* 65536: the index has 16 bits */
#define IRQS_PER_CPU (VECTOR_LAST_DEV - VECTOR_FIRST_DEV + 1)

struct unit {
	u64 base;
	u8 *regs;
	u64 cap, ecap;
	const struct dmar_entry *scope;
	spinlock_t lock;	/* the queue and the command register; RANK_HW */
	struct vtd_entry *queue; /* P: lock, like tail and asked */
	unsigned int tail;
	u32 asked;		/* the number of the last wait; the unit writes it to *done */
	u32 *done;
};

static struct dmar dmar;
static struct unit *units;
static unsigned int nr_units;
/* Requests name no segment: a table of interrupts for all would let one segment send another's. */
static struct segment { u32 number; struct vtd_entry *root, *irt; } *segments;
static unsigned int nr_segments;
static unsigned int irt_order;
static u64 irt_used[(256u << IRT_MAX_ORDER) / 64];
static struct timer fault_timer;
static unsigned int patience = 10000000;	/* looks, each a pause apart: a second or so */

#define for_each_unit(u) for (struct unit *u = units; u < units + nr_units; u++)

/* --- Registers --- */

#define REG32(u, reg) (*(volatile u32 *)((u)->regs + (reg)))
#define REG64(u, reg) (*(volatile u64 *)((u)->regs + (reg)))

static u32 read32(const struct unit *u, unsigned int reg) { return REG32(u, reg); }
static u64 read64(const struct unit *u, unsigned int reg) { return REG64(u, reg); }
static void write32(const struct unit *u, unsigned int reg, u32 v) { REG32(u, reg) = v; }
static void write64(const struct unit *u, unsigned int reg, u64 v) { REG64(u, reg) = v; }

static void __noreturn no_answer(const struct unit *u, const char *what)
{
	panic("VT-d unit at %#lx: %s was not done in time (fault status %#x); if it happens again, look for a newer firmware or try iommu=off",
	      u->base, what, read32(u, VTD_FSTS));
}

static bool reaches(const struct unit *u, unsigned int reg, u32 mask, u32 want)
{
	for (unsigned int i = 0; i < patience; i++) {
		if ((read32(u, reg) & mask) == want)
			return true;
		cpu_relax();
	}
	return false;
}

/* One command at a time (11.4.4): the status says when it is done, for WBF by going away. */
static bool command(const struct unit *u, u32 bit, bool on)
{
	u32 sticky = read32(u, VTD_GSTS) & GCMD_STICKY;

	write32(u, VTD_GCMD, on ? sticky | bit : sticky & ~bit);
	return reaches(u, VTD_GSTS, bit, on && bit != GCMD_WBF ? bit : 0);
}

static void must(const struct unit *u, u32 bit, bool on, const char *what)
{
	if (!command(u, bit, on))
		no_answer(u, what);
}

/* What hardware may read past the caches is written back to memory. */
static void publish(const void *p, size_t len)
{
	smp_wmb();
	for (size_t i = 0; iommu_caps.format.noncoherent && i < len; i += 64)
		clflush((const u8 *)p + i);
}

static void set_entry(struct vtd_entry *e, struct vtd_entry to)
{
	if (e->hi != to.hi) {
		WRITE_ONCE(e->lo, to.lo & ENTRY_FPD);
		publish(e, sizeof(*e));
		WRITE_ONCE(e->hi, to.hi);
		publish(e, sizeof(*e));
	}
	WRITE_ONCE(e->lo, to.lo);
	publish(e, sizeof(*e));
}

/* --- The queue --- */

static void put(struct unit *u, struct vtd_entry desc)
{
	u->queue[u->tail] = desc;
	publish(&u->queue[u->tail], sizeof(desc));
	u->tail = (u->tail + 1) % QUEUE_LEN;
}

/* Has the unit do one invalidation, and waits until it is done. Any locks below RANK_HW. */
static void invalidate(struct unit *u, struct vtd_entry desc, const char *what)
{
	bool done = true;

	spin_lock(&u->lock);
	if (u->cap & CAP_RWBF)
		done = command(u, GCMD_WBF, true);
	put(u, desc);
	put(u, VTD_INV_WAIT(virt_to_pa(u->done), ++u->asked));
	write64(u, VTD_IQT, u->tail * sizeof(desc));
	for (unsigned int i = 0; done && READ_ONCE(*u->done) != u->asked; i++) {
		cpu_relax();
		done = i < patience;
	}
	spin_unlock(&u->lock);
	if (!done)
		no_answer(u, what);
	smp_rmb();
}

static void vtd_flush(const struct domain *d)
{
	gfn_t first;
	unsigned int order = iommu_stale(&d->p2m, &first);

	for_each_unit(u)
		invalidate(u, vtd_inv_frames(u->cap, d->p2m.arch.iommu_id, first, order),
			   "the flush of a domain's translations");
}

/* --- Which unit --- */

/* The function that a scope names; on the way there are bridges, whose secondary buses are read. */
static u32 scope_sbdf(const struct dmar_scope *s, u16 segment)
{
	u32 sbdf = 0;
	u8 bus = s->bus;

	for (unsigned int i = 0; i < s->depth; i++) {
		if (i)
			bus = (u8)pci_conf_read(sbdf, PCI_PRIMARY_BUS + 1, 1);
		sbdf = PCI_SBDF(segment, bus, (s->path[2 * i] & 31) << 3 | (s->path[2 * i + 1] & 7));
	}
	return sbdf;
}

static bool scope_has(const struct dmar_scope *s, u32 sbdf)
{
	u32 head = scope_sbdf(s, (u16)(sbdf >> 16));
	u8 bus = (u8)(sbdf >> 8);

	if (head == sbdf)
		return s->type != DMAR_SCOPE_IOAPIC;
	return s->type == DMAR_SCOPE_BRIDGE && bus > (head >> 8 & 0xff) &&
	       bus >= pci_conf_read(head, PCI_PRIMARY_BUS + 1, 1) &&
	       bus <= pci_conf_read(head, PCI_PRIMARY_BUS + 2, 1);
}

static bool has_unit(u32 sbdf)
{
	for_each_unit(u) {
		if (u->scope->segment != sbdf >> 16)
			continue;
		if (u->scope->all)
			return true;
		for (unsigned int i = 0; i < u->scope->nr_scopes; i++)
			if (scope_has(&dmar.scopes[u->scope->scope + i], sbdf))
				return true;
	}
	return false;
}

/* Of a function, or of a number << 16; NULL: it has no unit. */
static struct segment *segment_of(u32 sbdf)
{
	for (struct segment *s = segments; s < segments + nr_segments; s++)
		if (s->number == sbdf >> 16)
			return s;
	return NULL;
}

/* The function that the interrupt comes from, for a pin that of its IO-APIC; ~0: no unit has it. */
static u32 source_of(const struct irq_desc *desc)
{
	const struct ioapic_info *io = desc->kind >= IRQ_MSI ? NULL : ioapic_of(desc->gsi);

	if (desc->kind >= IRQ_MSI)
		return desc->source;
	for_each_unit(u)
		for (unsigned int i = 0; io && i < u->scope->nr_scopes; i++) {
			const struct dmar_scope *s = &dmar.scopes[u->scope->scope + i];

			if (s->type == DMAR_SCOPE_IOAPIC && s->id == io->id)
				return scope_sbdf(s, u->scope->segment);
		}
	return ~0u;
}

/* --- Devices --- */

static struct vtd_entry *context_of(const struct segment *s, u32 sbdf)
{
	struct vtd_entry *bus = &s->root[sbdf >> 8 & 0xff];

	if (!(bus->lo & ENTRY_P)) {
		struct vtd_entry *table = alloc_page();

		if (!table)
			return NULL;
		publish(table, PAGE_SIZE);
		set_entry(bus, (struct vtd_entry){ virt_to_pa(table) | ENTRY_P, 0 });
	}
	return (struct vtd_entry *)pa_to_virt(bus->lo & PAGE_MASK) + (sbdf & 0xff);
}

/*
 * Hardware caches the entry under the domain number of the old entry, or 0. All units are told,
 * since a virtual function's unit may differ from what its place on the bus suggests. A device that
 * loses its domain reports no more faults, as it may have been cut off for them.
 */
static int vtd_attach(u32 sbdf, struct domain *d)
{
	struct vtd_entry *e, to = { ENTRY_FPD, 0 };
	const struct segment *s = segment_of(sbdf);
	u16 before;

	if (!s || !has_unit(sbdf))
		return -ENOENT;
	e = context_of(s, sbdf);
	if (!e)
		return -ENOMEM;
	before = vtd_context_domain(*e);
	if (d) {
		publish(d->p2m.arch.iommu_root, PAGE_SIZE);
		to = vtd_context(virt_to_pa(d->p2m.arch.iommu_root), iommu_caps.levels, d->p2m.arch.iommu_id);
	}
	set_entry(e, to);
	for_each_unit(u) {
		invalidate(u, VTD_INV_CONTEXT(before, (u16)sbdf), "the flush of a device's context");
		invalidate(u, VTD_INV_IOTLB(u->cap, before), "the flush of the old domain's translations");
		if (d && d->p2m.arch.iommu_id != before)
			invalidate(u, VTD_INV_IOTLB(u->cap, d->p2m.arch.iommu_id),
				   "the flush of the new domain's translations");
	}
	return 0;
}

/* --- Interrupts --- */

static void change_irte(struct irq_desc *desc, struct segment *s, struct vtd_entry to)
{
	set_entry(&s->irt[desc->remap], to);
	for_each_unit(u)
		invalidate(u, VTD_INV_IRQ(desc->remap), "the flush of an interrupt's entry");
}

static int vtd_irq_map(struct irq_desc *desc)
{
	u32 source = source_of(desc);
	struct segment *s = segment_of(source);
	unsigned int n = 256u << irt_order, i = 0;

	if (source == ~0u || !s)
		return -ENODEV;
	if (!desc->remapped) {
		while (i < n && test_and_set_bit(i, irt_used))
			i++;
		if (i == n)
			return -ENOSPC;
		desc->remap = (u16)i;
		desc->remapped = true;
	}
	change_irte(desc, s, vtd_irte(desc->vector, x86_pcpu(pcpus[desc->cpu])->apic_id, desc->level,
				      iommu_caps.wide_dest, (u16)source, desc->kind == IRQ_MSI_SLOT));
	return 0;
}

static void vtd_irq_unmap(struct irq_desc *desc)
{
	if (!desc->remapped)
		return;
	change_irte(desc, segment_of(source_of(desc)), (struct vtd_entry){ 0, 0 });
	desc->remapped = false;
	clear_bit(desc->remap, irt_used);
}

static void vtd_irq_message(const struct irq_desc *desc, u64 *addr, u32 *data)
{
	*addr = vtd_message_address(desc->remap);
	*data = 0;
}

static u64 vtd_irq_redirection(const struct irq_desc *desc)
{
	return vtd_redirection(desc->remap, desc->vector);
}

/* --- Faults --- */

/* By number (chapter 7). */
static const char *fault_reason(u8 code)
{
	static const char *const reasons[] = {
		[1] = "nobody's device", "nobody's device", "wrong context entry", "address too large",
		"not writable", "not readable", "a table cannot be read", "the root table cannot be read",
		"a context table cannot be read", "reserved bits in a root entry",
		"reserved bits in a context entry", "reserved bits in a table", "a translated request",
		[0x20] = "interrupt: reserved bits in the message", "interrupt: no such number",
		"interrupt: nobody asked for it", "interrupt: the table cannot be read",
		"interrupt: reserved bits in the table", "interrupt: not in remappable format",
		"interrupt: not its own", "interrupt: its descriptor cannot be read",
		"interrupt: reserved bits in its descriptor",
	};

	return code < ARRAY_SIZE(reasons) && reasons[code] ? reasons[code] : "unknown reason";
}

/* Reads and clears each record, from the oldest on. false: nothing was pending. */
static bool read_faults(const struct unit *u)
{
	unsigned int n = CAP_NFR(u->cap), first;
	u32 status = read32(u, VTD_FSTS);
	struct vtd_fault f;

	if (!(status & (FSTS_PPF | FSTS_PFO)))
		return false;
	first = FSTS_FRI(status);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int reg = CAP_FRO(u->cap) + (first + i) % n * 16;
		struct vtd_entry record = { read64(u, reg), read64(u, reg + 8) };

		if (!vtd_fault_decode(record, &f))
			continue;
		write32(u, reg + 12, (u32)BIT(31));
		iommu_fault((u32)u->scope->segment << 16 | f.sid, f.address, f.write, fault_reason(f.code));
	}
	if (status & FSTS_PFO)
		write32(u, VTD_FSTS, FSTS_PFO);
	return true;
}

/*
 * While a record is pending no new interrupt comes (chapter 7), so a timer reads what is left after
 * a while.
 */
static void handle_faults(void *data)
{
	for_each_unit(u) {
		unsigned int n = 0;

		while (n < IOMMU_FAULT_READS && read_faults(u))
			n += CAP_NFR(u->cap);
		if (n >= IOMMU_FAULT_READS)
			timer_set(&fault_timer, now() + IOMMU_FAULT_REST_NS);
	}
}

static void fault_interrupt(struct irq_user *user) { handle_faults(NULL); }

static struct irq_user fault_user = { fault_interrupt };

/* This interrupt is the unit's own and not remapped (chapter 7). */
static void vtd_enable_faults(void)
{
	struct irq_desc *desc = irq_alloc(IRQ_KEEL, 0, 0, &fault_user);
	u64 addr;
	u32 data;

	if (!desc) {
		pr_warn("VT-d: no vector is left for fault interrupts: faults are not reported");
		return;
	}
	timer_init(&fault_timer, this_cpu(), handle_faults, NULL);
	irq_msi_message(desc, &addr, &data);
	for_each_unit(u) {
		write32(u, VTD_FEDATA, data);
		write32(u, VTD_FEADDR, (u32)addr);
		write32(u, VTD_FEUADDR, (u32)(addr >> 32));
		write32(u, VTD_FECTL, 0);
	}
	handle_faults(NULL);
}

/* --- Start --- */

static int probe_unit(struct unit *u, const struct dmar_entry *e)
{
	size_t len;

	*u = (struct unit){ .base = e->first, .scope = e, .lock = SPINLOCK_INIT(RANK_HW) };
	u->regs = map_mmio(u->base, PAGE_SIZE);
	if (!u->regs) {
		pr_err("VT-d: the registers of the unit at %#lx cannot be mapped", u->base);
		return -ENOMEM;
	}
	u->cap = read64(u, VTD_CAP);
	u->ecap = read64(u, VTD_ECAP);
	if (u->cap == ~0ull || !(u->ecap & ECAP_QI)) {
		pr_err("VT-d: the unit at %#lx %s (capabilities %#lx, %#lx)", u->base, u->cap == ~0ull ?
		       "does not answer" : "has no queued invalidation, which Keel needs", u->cap, u->ecap);
		return -EINVAL;
	}
	len = CAP_FRO(u->cap) + CAP_NFR(u->cap) * 16;
	if (len > PAGE_SIZE)
		u->regs = map_mmio(u->base, len);
	iommu_hide(u->base, max_t(size_t, len, PAGE_SIZE));
	return u->regs ? 0 : -ENOMEM;
}

/* What all units have in common. -EINVAL: no table fits all. */
static int choose_caps(void)
{
	u64 all = ~0ull, any = 0, ecap = ~0ull;
	struct p2m_format *f = &iommu_caps.format;

	iommu_caps.nr_ids = 65536;
	for_each_unit(u) {
		all &= u->cap;
		any |= u->cap;
		ecap &= u->ecap;
		iommu_caps.nr_ids = min_t(unsigned int, iommu_caps.nr_ids,
					  1u << min_t(u64, 4 + 2 * CAP_ND(u->cap), 16));
	}
	if (!(all & (CAP_39_BIT | CAP_48_BIT))) {
		pr_err("VT-d: the units have tables neither of 39 nor of 48 bits in common (capabilities %#lx)",
		       all);
		return -EINVAL;
	}
	iommu_caps.levels = all & CAP_48_BIT ? 4 : 3;
	iommu_caps.nr_units = nr_units;
	/* Only wide entries may target CPUs in x2APIC mode (EIME of IRTA_REG, 11.4). */
	iommu_caps.irq_remap = dmar.irq_remap && ecap & ECAP_IR &&
			       (ecap & ECAP_EIM || !cpu_features.x2apic);
	iommu_caps.wide_dest = iommu_caps.irq_remap && cpu_features.x2apic;
	iommu_caps.posted = iommu_caps.irq_remap && all & CAP_PI;
	iommu_caps.caches_holes = any & CAP_CM;
	*f = (struct p2m_format){
		.leaf = { [P2M_RAM] = SS_READ | SS_WRITE, [P2M_GRANT_RW] = SS_READ | SS_WRITE,
			  [P2M_FOREIGN] = SS_READ | SS_WRITE, [P2M_GRANT_RO] = SS_READ },
		.reserved = { [P2M_DEVICES_READ] = SS_READ, [P2M_DEVICES_WRITE] = SS_WRITE,
			      [P2M_DEVICES_READ | P2M_DEVICES_WRITE] = SS_READ | SS_WRITE },
		.table = SS_READ | SS_WRITE, .superpage = SS_PAGE, .superpage_mask = SS_PAGE,
		.max_order = !(all & CAP_2M) ? 0 : all & CAP_1G ? 18 : 9,
		.noncoherent = !(ecap & ECAP_C),
	};
	/*
	 * No request may bypass the caches, whatever it asks for: it could read old contents of a
	 * page that Keel has cleared in the cache only.
	 */
	for (unsigned int t = 0; t < ARRAY_SIZE(f->leaf) && ecap & ECAP_SC; t++)
		if (f->leaf[t])
			f->leaf[t] |= SS_SNP;
	for (unsigned int a = 1; a < ARRAY_SIZE(f->reserved) && ecap & ECAP_SC; a++)
		f->reserved[a] |= SS_SNP;
	return 0;
}

/* Firmware lists devices that the machine could have. */
static void add_reserved(const struct dmar_entry *r)
{
	for (unsigned int i = 0; i < r->nr_scopes; i++) {
		u32 sbdf = scope_sbdf(&dmar.scopes[r->scope + i], r->segment);

		if (pci_conf_read(sbdf, PCI_VENDOR_ID, 2) != 0xffff)
			iommu_add_reserved(r->first, r->last, sbdf, 3);
	}
}

static int vtd_probe(void)
{
	const struct acpi_table *table;
	int rc = acpi_find("DMAR", 0, &table);

	if (rc)
		return rc;
	if (dmar_parse(table, table->len, &dmar)) {
		pr_err("VT-d: the firmware's DMAR table is wrong at offset %#lx: %s", dmar.bad_offset, dmar.why);
		return -EINVAL;
	}
	units = alloc_pages(size_to_order(dmar.nr_units * sizeof(*units)));
	if (!units)
		return -ENOMEM;
	for (nr_units = 0; nr_units < dmar.nr_units && !rc; nr_units++)
		rc = probe_unit(&units[nr_units], &dmar.units[nr_units]);
	if (rc || !nr_units)
		return rc ? rc : -ENODEV;
	for (const struct dmar_entry *r = dmar.reserved; r < dmar.reserved + dmar.nr_reserved; r++)
		add_reserved(r);
	return choose_caps();
}

/* Switch off whatever the firmware left on, then start the queue (6.5.2). */
static void start_queue(struct unit *u)
{
	must(u, GCMD_TE, false, "switching translation off");
	must(u, GCMD_IRE, false, "switching interrupt remapping off");
	must(u, GCMD_QIE, false, "stopping the queue");
	write32(u, VTD_FECTL, FECTL_IM);
	write64(u, VTD_IQT, 0);
	write64(u, VTD_IQA, virt_to_pa(u->queue));
	must(u, GCMD_QIE, true, "starting the queue");
}

/* Set pointer, then invalidate globally, then switch on (6.6, 11.4.4). */
static void start_unit(struct unit *u)
{
	const struct segment *s = segment_of((u32)u->scope->segment << 16);

	if (iommu_caps.irq_remap) {
		write64(u, VTD_IRTA,
			virt_to_pa(s->irt) | (iommu_caps.wide_dest ? IRTA_EIME : 0) | (irt_order + 7));
		must(u, GCMD_SIRTP, true, "setting the interrupt remapping table");
		invalidate(u, VTD_INV_IRQ_ALL, "the flush of all interrupt entries");
		must(u, GCMD_IRE, true, "switching interrupt remapping on");
	}
	write64(u, VTD_RTADDR, virt_to_pa(s->root));
	must(u, GCMD_SRTP, true, "setting the root table");
	invalidate(u, VTD_INV_CONTEXT_ALL, "the flush of all contexts");
	invalidate(u, VTD_INV_IOTLB_ALL(u->cap), "the flush of all translations");
	must(u, GCMD_TE, true, "switching translation on");
	if (u->cap & CAP_PMR) {
		write32(u, VTD_PMEN, 0);
		if (!reaches(u, VTD_PMEN, PMEN_PRS, 0))
			no_answer(u, "opening the firmware's protected memory");
	}
}

/* false: no memory. */
static bool add_segment(u32 number)
{
	struct segment *s = &segments[nr_segments];

	*s = (struct segment){ number, alloc_page(), alloc_pages(irt_order) };
	if (!s->root || !s->irt)
		return false;
	publish(s->root, PAGE_SIZE);
	publish(s->irt, PAGE_SIZE << irt_order);
	nr_segments++;
	return true;
}

static int vtd_init(void)
{
	u32 *done = alloc_pages(size_to_order(nr_units * sizeof(*done)));

	irt_order = IRT_MIN_ORDER;
	while (irt_order < IRT_MAX_ORDER && 256u << irt_order < acpi.nr_cpus * IRQS_PER_CPU)
		irt_order++;
	segments = alloc_pages(size_to_order(nr_units * sizeof(*segments)));
	if (!done || !segments)
		goto no_memory;
	for_each_unit(u) {
		u->queue = alloc_page();
		if (!u->queue || (!segment_of((u32)u->scope->segment << 16) && !add_segment(u->scope->segment)))
			goto no_memory;
		u->done = done++;
	}
	for_each_unit(u)
		start_queue(u);
	for_each_unit(u)
		start_unit(u);
	return 0;
no_memory:
	pr_err("VT-d: no memory for the tables");
	return -ENOMEM;
}

const struct iommu_ops vtd_ops = IOMMU_OPS("VT-d", vtd);
