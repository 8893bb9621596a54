/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMUs: what devices may read and write, and which interrupts they may send.
 *
 * Each domain that has devices has a table of its own, in the hardware's format, that
 * mirrors its p2m (arch/x86/p2m.c): a device reaches what its domain may reach, at the same
 * frame numbers. A device that no domain owns reaches nothing.
 */
#ifndef ARCH_X86_IOMMU_IOMMU_H
#define ARCH_X86_IOMMU_IOMMU_H

#include "arch/x86/irq/irq.h"
#include "arch/x86/p2m_format.h"

struct domain;

/* What all units of the machine can do; set by probe(). */
struct iommu_caps {
	struct p2m_format format; /* of the tables */
	unsigned int levels;	/* of the tables: 3 or 4 */
	bool irq_remap;		/* interrupts go through remapping */
	bool wide_dest;		/* remapped interrupts reach APIC ids of 32 bits */
	bool posted;		/* posted interrupts: reported, not used */
	bool caches_holes;	/* entries that were not present must be flushed, too (VT-d's caching mode) */
	unsigned int nr_ids;	/* hardware's numbers for domains, 0 not used */
	unsigned int nr_units;
};

/* One vendor's hardware. Interrupts off everywhere. */
struct iommu_ops {
	const char *name;
	/*
	 * Reads the firmware's table, maps the units' registers, fills iommu_caps, reports reserved memory
	 * by iommu_add_reserved(). 0; -ENODEV: the machine has none; other -errno after a message that
	 * says what is wrong.
	 */
	int (*probe)(void);
	/*
	 * Makes the tables, starts the queues, switches translation and, if iommu_caps.irq_remap,
	 * interrupt remapping on. From now on all devices are shut out until they are attached. No
	 * interrupt is programmed yet. 0 or -errno after a message.
	 */
	int (*init)(void);
	/* The machine has vectors and IO-APICs now: fault interrupts on. */
	void (*enable_faults)(void);
	/*
	 * The id with which the function's requests arrive, according to firmware; NULL: firmware
	 * names no ids. Called when the function is found. physfn: a virtual function's physical
	 * one, which counts if firmware does not name the virtual one; otherwise the function
	 * itself. known: the id, if firmware gives the function its own.
	 */
	u32 (*alias)(u32 sbdf, u32 physfn, u32 known);
	/*
	 * The function's DMA goes through d's table (d->p2m.arch.iommu_root, number d->p2m.arch.iommu_id);
	 * d NULL: it reaches nothing. Returns after the flush. 0, -ENOENT (no unit has it), -ENOMEM.
	 */
	int (*attach)(u32 sbdf, struct domain *d);
	/*
	 * Forgets d's stale translations (iommu_stale()), or more, in all units; returns when that
	 * is done.
	 */
	void (*flush)(const struct domain *d);
	/*
	 * Gives desc (kind, source, vector, cpu, level) an entry of its own in the remapping table, or
	 * changes the one that it has (desc->remap), and flushes. 0, -ENOSPC, -ENODEV.
	 */
	int (*irq_map)(struct irq_desc *desc);
	/* Takes it away: what the source sends from now on is a fault. */
	void (*irq_unmap)(struct irq_desc *desc);
	/* The message for irq_map()'s entry. */
	void (*irq_message)(const struct irq_desc *desc, u64 *addr, u32 *data);
	/* An IO-APIC's redirection entry for it, without polarity, trigger mode and mask. */
	u64 (*irq_redirection)(const struct irq_desc *desc);
};

/* The table of the vendor whose functions begin with v, each named as its operation. */
#define IOMMU_OPS(vendor, v, ...) {							\
	.name = vendor, .probe = v##_probe, .init = v##_init, .enable_faults = v##_enable_faults, \
	.attach = v##_attach, .flush = v##_flush, .irq_map = v##_irq_map,		\
	.irq_unmap = v##_irq_unmap, .irq_message = v##_irq_message,			\
	.irq_redirection = v##_irq_redirection, ##__VA_ARGS__ }

extern const struct iommu_ops vtd_ops, amdvi_ops;

/* The machine's; NULL: iommu=off. Set once at boot. */
extern const struct iommu_ops *iommu_ops;
extern struct iommu_caps iommu_caps;

/*
 * Boot: finds and starts the IOMMU, or panics and says what is missing; iommu=off: warns what that
 * means.
 */
void iommu_init(void);
void iommu_late_init(void);

/* A PCI function and its owner; part of the structure that describes the function. L: RANK_IOMMU */
struct iommu_device {
	struct iommu_device *next;
	u32 sbdf, alias;	/* alias: what its requests arrive with; several may have one */
	struct domain *owner;	/* NULL: quarantined */
	bool cut_off;		/* for its faults */
	u64 window_start, window_faults;
};

/*
 * Makes d the owner; dev->sbdf and alias are set. 0 without an IOMMU. 0 or -errno of
 * iommu_ops->attach(). Any locks below RANK_IOMMU.
 */
int iommu_attach(struct iommu_device *dev, struct domain *d);
/* The function is gone, or has no owner: it reaches nothing. */
void iommu_detach(struct iommu_device *dev);

/*
 * A number by which units know a domain with devices; 0: none is left. Free it only after the
 * domain's last translation was flushed. Any locks.
 */
u16 iommu_id_alloc(void);
void iommu_id_free(u16 id);

/* Flushes d's stale translations from all units; returns when that is done. Any locks. */
void iommu_flush(const struct domain *d);

/*
 * What IOMMUs have cached of the mirror for 2^order gfns is about to change: the next flush forgets
 * it. P: lock for writing.
 */
static inline void iommu_make_stale(struct p2m *p, gfn_t gfn, unsigned int order)
{
	p->need_flush = true;
	gfn &= -BIT(order);
	p->arch.stale = p->arch.stale_end ? min(p->arch.stale, gfn) : gfn;
	p->arch.stale_end = max(p->arch.stale_end, gfn + BIT(order));
}

/*
 * The smallest aligned block with all of d's stale translations, of 2^order frames from *first on;
 * there are some.
 */
static inline unsigned int iommu_stale(const struct p2m *p, gfn_t *first)
{
	gfn_t differ = p->arch.stale ^ (p->arch.stale_end - 1);
	unsigned int order = differ ? fls64(differ) + 1 : 0;

	*first = p->arch.stale & -BIT(order);
	return order;
}

/*
 * For the vendor's fault handler: logs (rate-limited), counts, and cuts off a device that floods.
 * sbdf ~0: unknown.
 */
void iommu_fault(u32 sbdf, u64 addr, bool write, const char *reason);
/*
 * A device that faults must not keep a CPU busy: how many faults are read at a time, and how long
 * the unit rests then.
 */
#define IOMMU_FAULT_READS 64
#define IOMMU_FAULT_REST_NS 1000000ull

/*
 * Memory that firmware reserves for devices (RMRR, IVMD): stays mapped for the device's owner.
 * Bytes. sbdf ~0: all devices.
 */
struct iommu_reserved { u64 first, last; u32 sbdf; unsigned int access; /* 1: read, 2: write */ };
extern struct iommu_reserved *iommu_reserved;
extern unsigned int iommu_nr_reserved;
void iommu_add_reserved(u64 first, u64 last, u32 sbdf, unsigned int access);
/*
 * What devices may do with a reserved frame. All devices of a domain share one table, so this is
 * what any of them may do.
 */
unsigned int iommu_reserved_access(mfn_t mfn);

/*
 * A unit's registers, which probe() names: no domain gets that memory. iommu_hides(): is the frame
 * of it? Any locks.
 */
void iommu_hide(paddr_t first, size_t len);
bool iommu_hides(mfn_t mfn);
bool iommu_hides_any(mfn_t first, mfn_t last);

static inline bool iommu_on(void) { return iommu_ops != NULL; }

/* Its requests arrive with the id of another function of its device, or with its own. */
static inline bool iommu_two_functions(const struct iommu_device *dev)
{
	return dev->alias != dev->sbdf && dev->alias >> 3 == dev->sbdf >> 3;
}

/* The source that irq_map() gets. A vendor that knows aliases lets either id send the message. */
static inline u32 iommu_msi_source(const struct iommu_device *dev)
{
	return iommu_ops && iommu_ops->alias ? dev->sbdf : dev->alias;
}

#endif
