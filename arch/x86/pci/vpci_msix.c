/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSI-X (PCI 3.0, 6.8.2): the pages that hold a function's table are not in the
 * guest's p2m. The guest's entries are kept here and the device's are Keel's;
 * whatever else lies on these pages is passed through.
 */
#include "arch/x86/acpi/acpi.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/guest_bus_internal.h"
#include "common/heap.h"
#include "common/printk.h"

bool vpci_msix_owns(const struct vpci_dev *dev, unsigned int reg)
{
	return dev->msix && reg == dev->msix;
}

u32 vpci_msix_read(const struct vpci_dev *dev, unsigned int reg)
{
	u32 host = pci_conf_read(dev->sbdf, reg, 4);

	return (host & ~((u32)(MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL) << 16)) | (u32)dev->msix_ctrl << 16;
}

/*
 * The device's table, mapped when an interrupt is first set up there; NULL: not decoded, or no
 * space for it. Then all is masked: whoever had the function before may have left entries that are
 * not.
 */
static volatile u32 *host_entry(struct vpci_dev *dev, unsigned int i)
{
	u64 host = dev->table_host;
	bool first = !dev->table_mapped;
	volatile u32 *table;

	if (!host || vpci_is_guests(dev))
		return NULL;
	if (!dev->table_va || dev->table_mapped != host) {
		dev->table_va = map_mmio(host & ~(PAGE_SIZE - 1),
					 (dev->table_last - dev->table_first + 1) << PAGE_SHIFT);
		if (!dev->table_va)
			return NULL;
		dev->table_mapped = host;
	}
	table = (volatile u32 *)((u8 *)dev->table_va + (host & (PAGE_SIZE - 1)));
	for (unsigned int n = 0; first && n < dev->nr_entries; n++)
		table[n * (MSIX_ENTRY_SIZE / 4) + 3] = MSIX_ENTRY_MASKED;
	return table + i * (MSIX_ENTRY_SIZE / 4);
}

/*
 * Makes the device's entry follow the guest's. Always all of it: a function reset may have cleared
 * it.
 */
static void sync_entry(struct vpci_dev *dev, unsigned int i)
{
	struct vpci_msg *m = &dev->entries[i];
	volatile u32 *host = host_entry(dev, i);
	u64 addr;
	u32 data;

	if (!host)
		return;
	host[3] = MSIX_ENTRY_MASKED;
	if (!(dev->msix_ctrl & MSIX_CTRL_ENABLE) || m->word[MSG_CTRL] & MSIX_ENTRY_MASKED ||
	    !vpci_msg_connect(dev, m))
		return;
	irq_msi_message(m->desc, &addr, &data);
	host[0] = (u32)addr;
	host[1] = (u32)(addr >> 32);
	host[2] = data;
	host[3] = 0;
}

static void write_host_ctrl(const struct vpci_dev *dev, u16 ctrl)
{
	pci_conf_write(dev->sbdf, dev->msix + 2u, 2, ctrl);
}

/*
 * All entries that are or have been in use; the others are masked. The device sends nothing while
 * its table is out of reach.
 */
static void sync_entries(struct vpci_dev *dev)
{
	write_host_ctrl(dev, MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	if (!host_entry(dev, 0))
		return;
	for (unsigned int i = 0; i < dev->nr_entries; i++)
		if (dev->entries[i].desc || !(dev->entries[i].word[MSG_CTRL] & MSIX_ENTRY_MASKED))
			sync_entry(dev, i);
	write_host_ctrl(dev, dev->msix_ctrl);
}

void vpci_msix_write(struct vpci *p, struct vpci_dev *dev, unsigned int reg, u32 val)
{
	u16 ctrl = (u16)(val >> 16) & (u16)(MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL), old = dev->msix_ctrl;
	bool on = ctrl & MSIX_CTRL_ENABLE;

	dev->msix_ctrl = ctrl;
	if (!dev->table_gpa) /* BARs may have been set up behind our back, as by a bridge's bus numbers */
		vpci_msix_relocate(p, dev);
	if (on)
		sync_entries(dev);
	else
		write_host_ctrl(dev, ctrl);
	if (!on && old & MSIX_CTRL_ENABLE)
		for (unsigned int i = 0; i < dev->nr_entries; i++)
			vpci_msg_disconnect(&dev->entries[i]);
}

void vpci_msix_release(struct vpci_dev *dev)
{
	if (!dev->msix)
		return;
	if (dev->msix_ctrl & MSIX_CTRL_ENABLE)
		write_host_ctrl(dev, 0);
	dev->msix_ctrl = 0;
	for (unsigned int i = 0; i < dev->nr_entries; i++)
		vpci_msg_disconnect(&dev->entries[i]);
}

/*
 * Device memory that was mapped at first touch must fault from now on. Other mappings are the
 * guest's own business.
 */
static void unmap_pages(struct domain *d, gfn_t first, gfn_t last)
{
	enum p2m_type t;

	p2m_write_lock(&d->p2m);
	for (gfn_t gfn = first; gfn <= last; gfn++) {
		p2m_get(d, gfn, &t, NULL);
		if (t == P2M_MMIO && p2m_set(d, gfn, INVALID_MFN, 0, P2M_HOLE) < 0)
			pr_guest(d, "no memory to take the MSI-X table at %#llx out of the address space\n",
				 (unsigned long long)gfn << PAGE_SHIFT);
	}
	p2m_write_unlock(d);
}

/*
 * Keel writes through this address, so a BAR that the guest puts over RAM, or
 * over registers that Keel keeps to itself, or where nothing can be, is as good as not decoded.
 */
static bool is_device_memory(const struct vpci *p, u64 gpa, u64 size)
{
	struct domain *d = p->d;

	for (gfn_t gfn = PFN_DOWN(gpa); gfn <= PFN_DOWN(gpa + size - 1); gfn++) {
		if (!mfn_valid(gfn) && gfn != PFN_DOWN(APIC_DEFAULT_PHYS_BASE) && !vioapic_is_page(d, gfn) &&
		    !vpci_in_config_space(p, gfn << PAGE_SHIFT) && !iommu_hides(gfn) &&
		    !(gfn >> (cpu_features.phys_bits - PAGE_SHIFT)))
			continue;
		pr_guest(d, "MSI-X table at %#llx: no device memory, ignored\n", (unsigned long long)gpa);
		return false;
	}
	return true;
}

/*
 * A BAR of the hardware domain that moves needs nothing else: device memory is always mapped gfn =
 * mfn, so what is mapped at the old place is right for whatever is there now.
 */
void vpci_msix_relocate(struct vpci *p, struct vpci_dev *dev)
{
	u64 base = dev->msix && p->d ? vpci_bar_base(p, dev, dev->table_bar) : 0;
	u64 gpa = base ? base + dev->table_offset : 0;

	if (gpa && !dev->fn && !is_device_memory(p, gpa, dev->nr_entries * MSIX_ENTRY_SIZE))
		gpa = 0;
	if (!dev->msix || gpa == dev->table_gpa)
		return;
	/*
	 * Readers without lock may see one of the two change first: a page trapped too much or too few for
	 * a moment.
	 */
	WRITE_ONCE(dev->table_last, 0);
	WRITE_ONCE(dev->table_first, INVALID_GFN);
	dev->table_host = dev->fn && gpa ? dev->fn->bar[dev->table_bar].host + dev->table_offset : gpa;
	dev->table_gpa = gpa;
	if (!gpa)
		return;
	WRITE_ONCE(dev->table_first, PFN_DOWN(gpa));
	WRITE_ONCE(dev->table_last, PFN_DOWN(gpa + dev->nr_entries * MSIX_ENTRY_SIZE - 1));
	/* From here on nobody maps these pages (vpci_mmio_is_trapped() is asked under the p2m lock). */
	unmap_pages(p->d, dev->table_first, dev->table_last);
	if (dev->msix_ctrl & MSIX_CTRL_ENABLE)
		sync_entries(dev);
}

static bool in_table(const struct vpci_dev *dev, u64 gpa)
{
	u64 table = READ_ONCE(dev->table_gpa);

	return table && gpa >= table && gpa - table < (u64)dev->nr_entries * MSIX_ENTRY_SIZE;
}

struct vpci_dev *vpci_msix_find(struct domain *d, u64 gpa)
{
	struct vpci *p = READ_ONCE(x86_domain(d)->vpci);
	struct vpci_dev *dev, *neighbour = NULL;
	gfn_t gfn = PFN_DOWN(gpa);

	for (dev = p ? READ_ONCE(p->msix_list) : NULL; dev; dev = READ_ONCE(dev->next_msix)) {
		if (gfn < READ_ONCE(dev->table_first) || gfn > READ_ONCE(dev->table_last))
			continue;
		if (in_table(dev, gpa))
			return dev;
		neighbour = dev;
	}
	return neighbour;
}

static bool mmio_match(struct vcpu *v, u64 gpa) { return vpci_msix_find(v->domain, gpa); }

/* What lies on the table's pages beside it. */
static void *beside_table(struct vpci_dev *dev, u64 gpa)
{
	if (!host_entry(dev, 0))
		return NULL;
	return (u8 *)dev->table_va + index_nospec(gpa - (dev->table_first << PAGE_SHIFT),
		(dev->table_last - dev->table_first + 1) << PAGE_SHIFT);
}

static void entry_write(struct vpci_dev *dev, unsigned int i, unsigned int word, u32 val)
{
	vpci_msg_write(&dev->entries[i], word, val);
	if (word == MSG_CTRL)
		sync_entry(dev, i);
}

/* Aligned, and in the table only 4 or 8 bytes (PCI 3.0, 6.8.2); others read ~0 and are dropped. */
static bool valid_access(const struct vpci_dev *dev, u64 gpa, unsigned int size)
{
	return IS_ALIGNED(gpa, (u64)size) && (size >= 4 || !in_table(dev, gpa));
}

static unsigned int word_at(const struct vpci_dev *dev, u64 gpa)
{
	return (unsigned int)index_nospec((gpa - dev->table_gpa) / 4, dev->nr_entries * MSG_WORDS);
}

static void mmio_read(struct vcpu *v, u64 gpa, unsigned int size, u64 *val)
{
	struct vpci *p = x86_domain(v->domain)->vpci;
	struct vpci_dev *dev;
	void *host;

	spin_lock(&p->lock);
	dev = vpci_msix_find(v->domain, gpa);
	if (!dev || !valid_access(dev, gpa, size)) {
		*val = ~0ull;
	} else if (in_table(dev, gpa)) {
		unsigned int word = word_at(dev, gpa);
		const u32 *entry = dev->entries[word / MSG_WORDS].word;

		*val = entry[word % MSG_WORDS];
		if (size == 8)
			*val |= (u64)entry[word % MSG_WORDS + 1] << 32;
	} else {
		host = beside_table(dev, gpa);
		*val = host ? mmio_load(host, size) : ~0ull;
	}
	spin_unlock(&p->lock);
}

static void mmio_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	struct vpci *p = x86_domain(v->domain)->vpci;
	struct vpci_dev *dev;
	void *host;

	spin_lock(&p->lock);
	dev = vpci_msix_find(v->domain, gpa);
	if (dev && valid_access(dev, gpa, size) && in_table(dev, gpa)) {
		unsigned int word = word_at(dev, gpa);

		entry_write(dev, word / MSG_WORDS, word % MSG_WORDS, (u32)val);
		if (size == 8)
			entry_write(dev, word / MSG_WORDS, word % MSG_WORDS + 1, (u32)(val >> 32));
	} else if (dev && valid_access(dev, gpa, size)) {
		host = beside_table(dev, gpa);
		if (host)
			mmio_store(host, size, val);
	}
	spin_unlock(&p->lock);
}

const struct mmio_handler vpci_msix_mmio = { mmio_match, mmio_read, mmio_write };
