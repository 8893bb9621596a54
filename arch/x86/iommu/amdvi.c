/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMD-Vi: AMD I/O Virtualization Technology Specification (48882). One device table serves the
 * units of a PCI segment, and behind it lies that of the next (an id here is ivrs_index()). Every
 * invalidation goes to all units and is waited for, so a unit's command ring never holds more than
 * one batch. Interrupts use entries of 32 bits.
 */
#include "arch/x86/iommu/amdvi.h"

#include <public/errno.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/iommu/iommu.h"
#include "arch/x86/iommu/ivrs.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/config.h"
#include "arch/x86/pcpu.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"
#include "common/timer.h"

#define LEVELS	 4
#define PATIENCE 20000000u	/* pauses of the CPU, some seconds: no invalidation takes that long */
#define MOST_FRAMES 18		/* as an order, that are forgotten by themselves */
#define DEVICE_TABLE_LEN (IVRS_NR_IDS * sizeof(device_table[0]))
#define BLOCKED	 (AMDVI_DTE_V | AMDVI_DTE_TV) /* translated, by no table, without permissions */

/* Memory that a unit shares with Keel. */
struct rings {
	struct amdvi_cmd commands[AMDVI_RING_LEN / sizeof(struct amdvi_cmd)];
	u64 events[AMDVI_RING_LEN / sizeof(u64)];
	u64 completed; /* the unit writes the number of the last wait command here */
};

static struct unit {
	volatile u64 *regs;
	struct rings *rings;
	u64 control;
	u64 waits;	/* wait commands so far. L: lock */
	u32 tail;	/* of the command ring, bytes. L: lock */
} *units;

static struct ivrs ivrs;
static struct timer event_timer;
static u64 (*device_table)[4];	/* L: lock */
static spinlock_t lock = SPINLOCK_INIT(RANK_IRQ); /* never together with that of the descriptors */

static u64 read_reg(const struct unit *u, unsigned int reg) { return u->regs[reg / 8]; }

static void write_reg(const struct unit *u, unsigned int reg, u64 val) { u->regs[reg / 8] = val; }

/* --- Commands --- */

static void post(struct unit *u, struct amdvi_cmd cmd)
{
	u->rings->commands[u->tail / sizeof(cmd)] = cmd;
	u->tail = (u->tail + sizeof(cmd)) % AMDVI_RING_LEN;
}

static void wait_for(const struct unit *u, const char *what)
{
	const struct ivrs_unit *which = &ivrs.unit[u - units];

	for (unsigned int i = 0; READ_ONCE(u->rings->completed) != u->waits; i++) {
		if (i == PATIENCE)
			panic("AMD-Vi unit " PCI_FMT " does not answer when it is to %s: command %#lx of %#x, status %#lx; if it happens again, look for a newer firmware or try iommu=off",
			      PCI_ARGS(which->id), what, read_reg(u, AMDVI_CMD_HEAD), u->tail,
			      read_reg(u, AMDVI_STATUS));
		cpu_relax();
	}
	smp_rmb();
}

/* Lock held. Returns when all units have done it. */
static void command(const struct amdvi_cmd *cmd, unsigned int n, const char *what)
{
	for (struct unit *u = units; u < units + ivrs.nr_units; u++) {
		for (unsigned int i = 0; i < n; i++)
			post(u, cmd[i]);
		post(u, AMDVI_CMD_WAIT(virt_to_pa(&u->rings->completed), ++u->waits));
		smp_wmb();
		write_reg(u, AMDVI_CMD_TAIL, u->tail);
	}
	for (struct unit *u = units; u < units + ivrs.nr_units; u++)
		wait_for(u, what);
}

/* --- Devices --- */

/* Lock held, or boot. Messages that firmware asks to let pass: system management, NMI, INIT... */
static void let_pass(u32 id, u8 flags)
{
	u64 *e = device_table[id];

	WRITE_ONCE(e[1], (e[1] & ~AMDVI_DTE1_SYSMGT(3)) | AMDVI_DTE1_SYSMGT(IVRS_DEV_SYSMGT(flags)));
	if (iommu_caps.irq_remap)
		WRITE_ONCE(e[2], (e[2] & ~AMDVI_DTE2_PASS(~0u)) | AMDVI_DTE2_PASS(flags));
}

/*
 * Lock held. The words change one by one; in between, the device is blocked. Firmware's exceptions
 * do not apply to a guest's device, nor to one that a guest had, until Dom0 gets it.
 */
static void set_owner(u32 id, const struct domain *d)
{
	u64 *e = device_table[id];
	struct amdvi_cmd cmd[] = { AMDVI_CMD_DEVICE((u16)id), AMDVI_CMD_DOMAIN((u16)e[1]) };

	WRITE_ONCE(e[0], BLOCKED);
	WRITE_ONCE(e[1],
		   (e[1] & AMDVI_DTE1_SYSMGT(3)) | (d ? d->p2m.arch.iommu_id : AMDVI_DTE1_ONE_FAULT));
	if (d)
		let_pass(id, d->hardware ? ivrs.dev[id].flags : 0);
	if (d)
		WRITE_ONCE(e[0], BLOCKED | AMDVI_DTE_MODE(LEVELS) | virt_to_pa(d->p2m.arch.iommu_root) |
			   AMDVI_PTE_IR | AMDVI_PTE_IW);
	command(cmd, ARRAY_SIZE(cmd), "forget a device");
}

/* ~0: no unit has it. */
static u32 id_of(u32 sbdf)
{
	u32 id = ivrs_index(&ivrs, sbdf);

	return id == ~0u || ivrs.dev[id].unit == IVRS_NO_UNIT ? ~0u : id;
}

/* What the id's requests arrive with. */
static u32 alias_of(u32 id) { return (id & ~0xffffu) | ivrs.dev[id].alias; }

/*
 * A function that IVRS does not name, such as a virtual one that did not exist at power-on, is
 * treated like its physical one. An alias that is known from elsewhere counts where IVRS has none.
 */
static u32 amdvi_alias(u32 sbdf, u32 physfn, u32 known)
{
	u32 id = ivrs_index(&ivrs, sbdf), pf = id_of(physfn);

	if (id_of(sbdf) == ~0u && pf != ~0u && id != ~0u) {
		ivrs.dev[id] = ivrs.dev[pf];
		if (ivrs.dev[id].alias == (u16)physfn)
			ivrs.dev[id].alias = (u16)sbdf;
	}
	if (id_of(sbdf) != ~0u && ivrs.dev[id].alias == (u16)sbdf && known != sbdf) {
		ivrs.dev[id].alias = (u16)known;
		ivrs.dev[alias_of(id)].unit = ivrs.dev[id].unit;
	}
	return id_of(sbdf) == ~0u ? sbdf : (sbdf & ~0xffffu) | ivrs.dev[id].alias;
}

static int amdvi_attach(u32 sbdf, struct domain *d)
{
	if (id_of(sbdf) == ~0u)
		return -ENOENT;
	spin_lock(&lock);
	set_owner(id_of(sbdf), d);
	spin_unlock(&lock);
	return 0;
}

static void amdvi_flush(const struct domain *d)
{
	gfn_t first;
	unsigned int order = iommu_stale(&d->p2m, &first);
	struct amdvi_cmd cmd = order > MOST_FRAMES ? AMDVI_CMD_DOMAIN(d->p2m.arch.iommu_id)
			       : AMDVI_CMD_FRAMES(d->p2m.arch.iommu_id, first, order);

	spin_lock(&lock);
	command(&cmd, 1, "forget a domain's pages");
	spin_unlock(&lock);
}

/* --- Interrupts --- */

/* ~0: IVRS does not name it. */
static u32 ioapic_source(u8 id)
{
	for (unsigned int i = 0; i < ivrs.nr_ioapics; i++)
		if (ivrs.ioapic[i].id == id)
			return ivrs_index(&ivrs, ivrs.ioapic[i].source);
	return ~0u;
}

/* The id that an interrupt comes from (~0: none); its table is that of the id's alias. */
static u32 source_id(const struct irq_desc *desc)
{
	const struct ioapic_info *io;

	if (desc->kind >= IRQ_MSI)
		return id_of(desc->source);
	io = ioapic_of(desc->gsi);
	return io ? ioapic_source(io->id) : ~0u;
}

static u32 *irq_table(u32 id)
{
	u64 word = device_table[alias_of(id)][2];

	return word & AMDVI_DTE2_REMAP ? pa_to_virt(word & AMDVI_DTE2_ROOT) : NULL;
}

static void set_irq_table(u32 id, const u32 *table)
{
	WRITE_ONCE(device_table[id][2], (device_table[id][2] & AMDVI_DTE2_PASS(~0u)) | AMDVI_DTE2_IV |
		   AMDVI_DTE2_REMAP | AMDVI_DTE2_LEN_512 | virt_to_pa(table));
}

/* Lock held. Sets desc->remap and desc->remapped. */
static int choose_entry(struct irq_desc *desc, u32 id)
{
	u32 *table = irq_table(id);

	if (!table)
		table = alloc_page();
	if (!table)
		return -ENOMEM;
	set_irq_table(alias_of(id), table);
	set_irq_table(id, table);
	for (u16 i = 0; i < AMDVI_NR_IRQS; i++) {
		if (table[i])
			continue;
		desc->remap = i;
		desc->remapped = true;
		return 0;
	}
	return -ENOSPC;
}

/* Lock held. */
static void set_entry(const struct irq_desc *desc, u32 id, u32 entry)
{
	u16 alias = ivrs.dev[id].alias;
	struct amdvi_cmd cmd[] = { AMDVI_CMD_DEVICE((u16)id), AMDVI_CMD_IRQS((u16)id),
				   AMDVI_CMD_DEVICE(alias), AMDVI_CMD_IRQS(alias) };

	WRITE_ONCE(irq_table(id)[desc->remap], entry);
	command(cmd, ARRAY_SIZE(cmd), "forget a device's interrupts");
}

static int amdvi_irq_map(struct irq_desc *desc)
{
	u32 id = source_id(desc);
	int rc = 0;

	if (id == ~0u)
		return -ENODEV;
	spin_lock(&lock);
	if (!desc->remapped)
		rc = choose_entry(desc, id);
	if (!rc)
		set_entry(desc, id, AMDVI_IRTE(desc->vector, x86_pcpu(pcpus[desc->cpu])->apic_id));
	spin_unlock(&lock);
	return rc;
}

static void amdvi_irq_unmap(struct irq_desc *desc)
{
	spin_lock(&lock);
	set_entry(desc, source_id(desc), 0);
	desc->remapped = false;
	spin_unlock(&lock);
}

/*
 * [2.2.5.1] The message's data, and vector and delivery mode of a redirection entry, are the index;
 * the rest is 0.
 */
static void amdvi_irq_message(const struct irq_desc *desc, u64 *addr, u32 *data)
{
	*addr = 0xfee00000;
	*data = desc->remap;
}

static u64 amdvi_irq_redirection(const struct irq_desc *desc) { return desc->remap; }

/* --- Faults --- */

static const char *page_fault_reason(u64 lo)
{
	if (lo & AMDVI_EVENT_IRQ)
		return "an interrupt that nobody asked for";
	if (!(lo & AMDVI_EVENT_PRESENT))
		return "nothing is mapped there";
	return lo & AMDVI_EVENT_RESERVED ? "reserved bits are set in a table"
	       : "the mapping does not permit it";
}

static void report(const struct unit *u, u64 lo, u64 hi)
{
	u32 sbdf = (ivrs.unit[u - units].id & ~0xffffu) | (u16)lo;
	static const char *const reasons[16] = {
		[1] = "the device table entry is illegal", [3] = "hardware error in the device table",
		[4] = "hardware error in a page table", [7] = "the device does not answer an invalidation",
		[8] = "the device may not make such a request",
	};
	unsigned int kind = lo >> 60;
	static struct ratelimit limit;

	if (kind == 2)
		iommu_fault(sbdf, hi, lo & AMDVI_EVENT_WRITE, page_fault_reason(lo));
	else if (reasons[kind])
		iommu_fault(sbdf, hi, false, reasons[kind]);
	else if (ratelimit_ok(&limit))
		pr_err("AMD-Vi: %s: event %#lx %#lx\n", kind == 5 || kind == 6 ? "a command failed"
		       : "of unknown kind", lo, hi);
}

/*
 * [2.5.1] Lost events stay lost; the log restarts where it is. After an overflow it is off already.
 */
static void restart_log(struct unit *u)
{
	write_reg(u, AMDVI_CONTROL, u->control & ~AMDVI_CTRL_EVENTS);
	for (unsigned int i = 0; i < 1000 && read_reg(u, AMDVI_STATUS) & AMDVI_STATUS_EVENTS_ON; i++)
		cpu_relax();
	write_reg(u, AMDVI_STATUS, AMDVI_STATUS_OVERFLOW);
	write_reg(u, AMDVI_CONTROL, u->control);
}

/* Returns how many it read. */
static unsigned int read_events(struct unit *u)
{
	u32 head = read_reg(u, AMDVI_EVENT_HEAD) % AMDVI_RING_LEN;
	unsigned int n = 0;

	for (; n < IOMMU_FAULT_READS && head != read_reg(u, AMDVI_EVENT_TAIL) % AMDVI_RING_LEN; n++) {
		u64 *e = &u->rings->events[head / 8];

		/* The unit may move its tail before the event is complete. */
		for (unsigned int i = 0; !(READ_ONCE(e[0]) >> 60) && i < 1000; i++)
			cpu_relax();
		report(u, e[0], e[1]);
		e[0] = 0;
		head = (head + 16) % AMDVI_RING_LEN;
		write_reg(u, AMDVI_EVENT_HEAD, head);
	}
	return n;
}

/*
 * A device must not keep the CPU here: after this many events the unit's interrupt goes off, and a
 * timer continues.
 */
static void handle_events(void *data)
{
	static struct ratelimit limit;

	for (struct unit *u = units; u < units + ivrs.nr_units; u++) {
		bool rest;

		if (!(u->control & AMDVI_CTRL_EVENT_IRQ))
			continue;
		write_reg(u, AMDVI_CONTROL, u->control);
		write_reg(u, AMDVI_STATUS, AMDVI_STATUS_EVENT_IRQ);
		rest = read_events(u) == IOMMU_FAULT_READS;
		if (read_reg(u, AMDVI_STATUS) & AMDVI_STATUS_OVERFLOW) {
			if (ratelimit_ok(&limit))
				pr_warn("AMD-Vi: more events than the log holds; some are lost\n");
			restart_log(u);
		}
		if (!rest)
			continue;
		write_reg(u, AMDVI_CONTROL, u->control & ~AMDVI_CTRL_EVENT_IRQ);
		timer_set(&event_timer, now() + IOMMU_FAULT_REST_NS);
	}
}

/*
 * On one CPU only, as the timer, so that the log needs no lock; iommu_fault() may call
 * amdvi_attach().
 */
static void fault_interrupt(struct irq_user *user) { handle_events(NULL); }

static struct irq_user fault_user = { fault_interrupt };

/* A unit's own message bypasses interrupt remapping, so it has the machine's format. */
static void amdvi_enable_faults(void)
{
	timer_init(&event_timer, pcpus[0], handle_events, NULL);
	for (struct unit *u = units; u < units + ivrs.nr_units; u++) {
		u32 id = ivrs.unit[u - units].id;
		unsigned int pos = pci_find_cap(id, PCI_CAP_MSI);
		struct irq_desc *desc = pos ? irq_alloc(IRQ_KEEL, 0, 0, &fault_user) : NULL;
		u64 addr;
		u32 data;

		if (!desc) {
			pr_warn("AMD-Vi unit " PCI_FMT ": no interrupt: its faults are not reported\n", PCI_ARGS(id));
			continue;
		}
		irq_msi_message(desc, &addr, &data);
		pci_conf_write(id, pos + 4, 4, (u32)addr);
		pci_conf_write(id, pos + 8, 4, (u32)(addr >> 32));
		pci_conf_write(id, pos + 12, 2, data);
		pci_conf_write(id, pos + 2, 2, MSI_CTRL_ENABLE);
		u->control |= AMDVI_CTRL_EVENT_IRQ;
	}
	handle_events(NULL);
}

/* --- Boot --- */

static int probe_unit(struct unit *u, const struct ivrs_unit *which)
{
	u32 cap = pci_conf_read(which->id, which->capability, 4);
	u64 features = 0;

	u->regs = map_mmio(which->base, AMDVI_REGS_LEN);
	iommu_hide(which->base, AMDVI_REGS_LEN);
	if (cap & AMDVI_CAP_FEATURES && u->regs)
		features = read_reg(u, AMDVI_FEATURES);
	if ((cap & AMDVI_CAP_ID_MASK) != AMDVI_CAP_ID || !AMDVI_FEATURES_FIT(features)) {
		pr_err("AMD-Vi: IVRS names a unit " PCI_FMT " that does not exist or is too old: capability %#x is %#x, features %#lx",
		       PCI_ARGS(which->id), which->capability, cap, features);
		return -ENXIO;
	}
	iommu_caps.caches_holes |= !!(cap & AMDVI_CAP_NP_CACHE);
	return 0;
}

static void reserve(const struct ivrs_memory *m)
{
	bool all = m->first == 0 && m->last == IVRS_NR_IDS - 1;

	for (u32 id = m->first; id <= m->last && !all; id++) {
		u32 sbdf = PCI_SBDF(m->segment, 0, id);

		if (m->first == m->last || (u16)pci_conf_read(sbdf, PCI_VENDOR_ID, 2) != 0xffff)
			iommu_add_reserved(m->start, m->end, sbdf, m->access);
	}
	if (all)
		iommu_add_reserved(m->start, m->end, ~0u, m->access);
}

static void set_caps(void)
{
	struct p2m_format *f = &iommu_caps.format;
	u64 leaf = AMDVI_PTE_P | AMDVI_PTE_FC | AMDVI_PTE_IR;

	f->leaf[P2M_RAM] = f->leaf[P2M_GRANT_RW] = f->leaf[P2M_FOREIGN] = leaf | AMDVI_PTE_IW;
	f->leaf[P2M_GRANT_RO] = f->reserved[P2M_DEVICES_READ] = leaf;
	f->reserved[P2M_DEVICES_WRITE] = (leaf ^ AMDVI_PTE_IR) | AMDVI_PTE_IW;
	f->reserved[P2M_DEVICES_READ | P2M_DEVICES_WRITE] = leaf | AMDVI_PTE_IW;
	f->table = AMDVI_PTE_P | AMDVI_PTE_IR | AMDVI_PTE_IW;
	f->table_level = AMDVI_PTE_LEVEL;
	f->superpage_mask = AMDVI_PTE_LEVEL_MASK;
	f->max_order = 18;
	iommu_caps.levels = LEVELS;
	/* Interrupts can be remapped only if the id of each IO-APIC is known. */
	iommu_caps.irq_remap = true;
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++)
		iommu_caps.irq_remap &= ioapic_source(acpi.ioapics[i].id) != ~0u;
	iommu_caps.nr_ids = 0x10000;
	iommu_caps.nr_units = ivrs.nr_units;
}

static int amdvi_probe(void)
{
	const struct acpi_table *table;
	int rc = acpi_find("IVRS", 0, &table);
	const char *why;
	size_t at;

	if (rc)
		return rc;
	why = ivrs_parse(table, table->len, &ivrs, &at);
	if (why) {
		pr_err("AMD-Vi: the firmware's IVRS table is wrong at offset %#lx: %s", at, why);
		return -EINVAL;
	}
	units = alloc_pages(size_to_order(ivrs.nr_units * sizeof(*units)));
	if (!units)
		return -ENOMEM;
	for (unsigned int i = 0; i < ivrs.nr_units && !rc; i++)
		rc = probe_unit(&units[i], &ivrs.unit[i]);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < ivrs.nr_memory; i++)
		reserve(&ivrs.memory[i]);
	set_caps();
	return 0;
}

/* [3.4] The firmware may have left it on. */
static void start_unit(struct unit *u, const struct ivrs_unit *which)
{
	u32 first = ivrs_index(&ivrs, which->id & ~0xffffu);

	write_reg(u, AMDVI_CONTROL, 0);
	write_reg(u, AMDVI_DEV_TABLE,
		  virt_to_pa(device_table + first) | (DEVICE_TABLE_LEN / PAGE_SIZE - 1));
	write_reg(u, AMDVI_CMD_BASE, virt_to_pa(u->rings->commands) | AMDVI_RING_CODE);
	write_reg(u, AMDVI_EVENT_BASE, virt_to_pa(u->rings->events) | AMDVI_RING_CODE);
	for (unsigned int reg = AMDVI_CMD_HEAD; reg <= AMDVI_EVENT_TAIL; reg += 8)
		write_reg(u, reg, 0);
	write_reg(u, AMDVI_STATUS, AMDVI_STATUS_OVERFLOW | AMDVI_STATUS_EVENT_IRQ);
	u->control = AMDVI_CTRL_IVHD(which->flags) | AMDVI_CTRL_COHERENT | AMDVI_CTRL_COMMANDS |
		     AMDVI_CTRL_EVENTS | AMDVI_CTRL_ON;
	write_reg(u, AMDVI_CONTROL, u->control);
}

static int amdvi_init(void)
{
	struct amdvi_cmd all = AMDVI_CMD_ALL;

	device_table = alloc_pages(size_to_order(ivrs.nr_segments * DEVICE_TABLE_LEN));
	for (u32 id = 0; device_table && id < ivrs.nr_segments * IVRS_NR_IDS; id++) {
		device_table[id][0] = BLOCKED;
		device_table[id][1] = AMDVI_DTE1_ONE_FAULT;
		device_table[id][2] = iommu_caps.irq_remap ? AMDVI_DTE2_IV : 0;
		let_pass(id, ivrs.dev[id].flags);
	}
	for (unsigned int i = 0; i < ivrs.nr_units; i++) {
		units[i].rings = alloc_pages(size_to_order(sizeof(struct rings)));
		if (!device_table || !units[i].rings) {
			pr_err("AMD-Vi: no memory for its tables");
			return -ENOMEM;
		}
		start_unit(&units[i], &ivrs.unit[i]);
	}
	spin_lock(&lock);
	command(&all, 1, "forget all");
	spin_unlock(&lock);
	return 0;
}

const struct iommu_ops amdvi_ops = IOMMU_OPS("AMD-Vi", amdvi, .alias = amdvi_alias);
