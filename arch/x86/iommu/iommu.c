/* SPDX-License-Identifier: GPL-2.0-only */
/* What both vendors' IOMMUs share: the choice at boot, owners of devices, faults. */
#include "arch/x86/iommu/iommu.h"

#include <public/errno.h>

#include "arch/x86/cpu.h"
#include "arch/x86/pci/config.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/hypfs.h"
#include "common/option.h"
#include "common/pci.h"
#include "common/printk.h"
#include "common/time.h"
#include "common/vsnprintf.h"

#define BUCKETS 64
#define FAULT_WINDOW_NS 1000000000ull
#define FAULTS_IN_WINDOW 1000	/* of one device: more are a flood */

const struct iommu_ops *iommu_ops;
struct iommu_caps iommu_caps;
struct iommu_reserved *iommu_reserved;
unsigned int iommu_nr_reserved;

static const struct iommu_ops *const vendors[] = {
	&vtd_ops, &amdvi_ops, NULL
};

#define MAX_IDS 4096	/* domains with devices at a time */
static u64 ids_taken[MAX_IDS / 64];	/* atomic */

static struct frames { mfn_t first, last; } *hidden; /* written at boot */
static unsigned int nr_hidden;

static spinlock_t lock = SPINLOCK_INIT(RANK_IOMMU);
static struct iommu_device *devices[BUCKETS];	/* L: lock */
static u64 nr_faults, nr_cut_off;		/* L: lock */
static u64 nr_flushes;				/* atomic */

void iommu_init(void)
{
	if (!option_flag("iommu")) {
		pr_warn("iommu=off: nothing keeps devices from writing to any memory, and Dom0's DMA is bounced");
		return;
	}
	for (const struct iommu_ops *const *v = vendors; *v && !iommu_ops; v++) {
		int rc = (*v)->probe();

		if (!rc)
			iommu_ops = *v;
		else if (rc != -ENODEV)
			panic("%s cannot be used (see above). Start Keel with iommu=off to go on without protection from devices",
			      (*v)->name);
	}
	if (!iommu_ops)
		panic("No IOMMU: the firmware has neither a DMAR nor an IVRS table. Switch VT-d or AMD-Vi on in the "
		      "firmware's setup, or start Keel with iommu=off to go on without protection from devices");
	if (iommu_ops->init())
		panic("%s cannot be switched on (see above). Start Keel with iommu=off to go on without protection from devices",
		      iommu_ops->name);
	if (!iommu_caps.irq_remap)
		pr_warn("%s: no interrupt remapping: a device can send any interrupt", iommu_ops->name);
	pr_info("IOMMU: %s, %u unit%s, tables of %u levels, interrupts %sremapped", iommu_ops->name,
		iommu_caps.nr_units, iommu_caps.nr_units == 1 ? "" : "s", iommu_caps.levels,
		iommu_caps.irq_remap ? "" : "not ");
}

void iommu_late_init(void)
{
	if (iommu_ops)
		iommu_ops->enable_faults();
}

void iommu_hide(paddr_t first, size_t len)
{
	array_add(hidden, nr_hidden) = (struct frames){ PFN_DOWN(first), PFN_DOWN(first + len - 1) };
}

bool iommu_hides_any(mfn_t first, mfn_t last)
{
	unsigned int i = 0;

	while (i < nr_hidden && (last < hidden[i].first || first > hidden[i].last))
		i++;
	return i < nr_hidden;
}

bool iommu_hides(mfn_t mfn)
{
	return iommu_hides_any(mfn, mfn);
}

/* --- Devices --- */

/* One for all functions of a device. */
static struct iommu_device **bucket(u32 alias)
{
	return &devices[(alias >> 3 ^ alias >> 6) % BUCKETS];
}

/* One of those whose requests arrive with the id. */
static struct iommu_device *find(u32 id)
{
	struct iommu_device *dev = *bucket(id);

	while (dev && dev->alias != id && !(dev->sbdf == id && iommu_two_functions(dev)))
		dev = dev->next;
	return dev;
}

int iommu_attach(struct iommu_device *dev, struct domain *d)
{
	int rc;

	if (!iommu_ops)
		return 0;
	spin_lock(&lock);
	rc = iommu_ops->attach(dev->sbdf, d);
	if (!rc && dev->alias != dev->sbdf) {
		rc = iommu_ops->attach(dev->alias, d);
		if (rc)
			iommu_ops->attach(dev->sbdf, dev->owner); /* it had an entry before: nothing to allocate */
	}
	if (!rc && !dev->owner) {
		dev->next = *bucket(dev->alias);
		*bucket(dev->alias) = dev;
	}
	if (!rc) {
		dev->owner = d;
		dev->cut_off = false;
	}
	spin_unlock(&lock);
	return rc;
}

void iommu_detach(struct iommu_device *dev)
{
	struct iommu_device **p = bucket(dev->alias);

	if (!iommu_ops || !dev->owner)
		return;
	spin_lock(&lock);
	while (*p != dev)
		p = &(*p)->next;
	*p = dev->next;
	dev->owner = NULL;
	if (dev->sbdf != dev->alias)
		iommu_ops->attach(dev->sbdf, NULL);
	if (!find(dev->alias))
		iommu_ops->attach(dev->alias, NULL);
	spin_unlock(&lock);
}

u16 iommu_id_alloc(void)
{
	for (u16 id = 1; id < min(iommu_caps.nr_ids, (unsigned int)MAX_IDS); id++)
		if (!test_and_set_bit(id, ids_taken))
			return id;
	return 0;
}

void iommu_id_free(u16 id)
{
	clear_bit(id, ids_taken);
}

void iommu_flush(const struct domain *d)
{
	__atomic_fetch_add(&nr_flushes, 1, __ATOMIC_RELAXED);
	iommu_ops->flush(d);
}

/* --- Faults --- */

/* A device that floods is cut off: its faults would keep a CPU busy. */
static bool floods(struct iommu_device *dev)
{
	u64 t = now();

	if (t - dev->window_start > FAULT_WINDOW_NS) {
		dev->window_start = t;
		dev->window_faults = 0;
	}
	return ++dev->window_faults > FAULTS_IN_WINDOW && !dev->cut_off;
}

/*
 * The IOMMU logs some requests regardless of the entry, so a device that is cut off must send none.
 * In a reset it sends none.
 */
static void cut_off_all(u32 alias)
{
	iommu_ops->attach(alias, NULL);
	for (struct iommu_device *dev = *bucket(alias); dev; dev = dev->next) {
		u32 command;

		if (dev->alias != alias)
			continue;
		iommu_ops->attach(dev->sbdf, NULL);
		WRITE_ONCE(dev->cut_off, true);
		smp_mb();
		command = pci_conf_read(dev->sbdf, PCI_COMMAND, 2);
		if (command != 0xffff)
			pci_conf_write(dev->sbdf, PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
	}
}

void iommu_fault(u32 sbdf, u64 addr, bool write, const char *reason)
{
	static struct ratelimit limit;
	struct iommu_device *dev;
	bool cut_off = false;
	char owner[16] = "nobody's";

	spin_lock(&lock);
	nr_faults++;
	dev = find(sbdf);
	if (dev && dev->owner)
		snprintf(owner, sizeof(owner), "d%u's", dev->owner->id);
	if (dev && floods(dev)) {
		cut_off = true;
		nr_cut_off++;
		cut_off_all(dev->alias);
	}
	spin_unlock(&lock);
	if (ratelimit_ok(&limit))
		pr_warn("IOMMU: " PCI_FMT " (%s): %s at %#lx refused: %s\n", PCI_ARGS(sbdf), owner,
			write ? "write" : "read", addr, reason);
	if (cut_off)
		pr_err("IOMMU: " PCI_FMT " (%s) is cut off: more than %u faults in a second\n", PCI_ARGS(sbdf),
		       owner, FAULTS_IN_WINDOW);
}

void iommu_add_reserved(u64 first, u64 last, u32 sbdf, unsigned int access)
{
	if (last < first || last >> cpu_features.phys_bits)
		pr_warn("IOMMU: reserved memory %#lx..%#lx left out: %s\n", first, last, last < first ?
			"its end is before its begin" : "the CPUs do not have such addresses");
	else
		array_add(iommu_reserved, iommu_nr_reserved) =
			(struct iommu_reserved){ first, last, sbdf, access };
}

unsigned int iommu_reserved_access(mfn_t mfn)
{
	unsigned int access = 0;

	for (const struct iommu_reserved *r = iommu_reserved; r < iommu_reserved + iommu_nr_reserved; r++)
		if (mfn >= PFN_DOWN(r->first) && mfn <= PFN_DOWN(r->last))
			access |= r->access;
	return access;
}

bool arch_reserved_memory(unsigned int i, u64 *first, u64 *last, u32 *sbdf)
{
	if (i >= iommu_nr_reserved)
		return false;
	*first = iommu_reserved[i].first;
	*last = iommu_reserved[i].last;
	*sbdf = iommu_reserved[i].sbdf;
	return true;
}

void arch_hypfs_iommu(struct hypfs_walk *w)
{
	hypfs_string(w, "keel/iommu/name", iommu_ops ? iommu_ops->name : "off");
	if (!iommu_ops)
		return;
	hypfs_uint(w, "keel/iommu/units", iommu_caps.nr_units);
	hypfs_bool(w, "keel/iommu/interrupts_remapped", iommu_caps.irq_remap);
	hypfs_bool(w, "keel/iommu/posted_interrupts", iommu_caps.posted);
	hypfs_uint(w, "keel/iommu/flushes", READ_ONCE(nr_flushes));
	hypfs_uint(w, "keel/iommu/faults", READ_ONCE(nr_faults));
	hypfs_uint(w, "keel/iommu/cut_off", READ_ONCE(nr_cut_off));
}
