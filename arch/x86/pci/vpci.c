/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into configuration space: ports, ECAM, and the hypercalls by which
 * Dom0 names functions. Almost everything of Dom0's goes through to the device; a dword
 * that belongs to MSI or MSI-X goes to these, and a few writes are looked at
 * afterwards because they move things.
 */
#include "arch/x86/pci/vpci.h"

#include <public/errno.h>
#include <public/physdev.h>

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/guest_bus_internal.h"
#include "common/heap.h"
#include "common/pci.h"
#include "common/printk.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define CF8_ENABLE   BIT(31)
#define CF8_RESERVED 0x7f000000u /* no extended registers through the ports */
#define CONFIG_SIZE  4096
#define ECAM_BUS_SHIFT 20

struct vpci *vpci_machine;

static bool owned_read(const struct vpci_dev *dev, unsigned int dword, u32 *val)
{
	if (!dev)
		return false;
	if (vpci_msi_owns(dev, dword))
		*val = vpci_msi_read(dev, dword);
	else if (vpci_msix_owns(dev, dword))
		*val = vpci_msix_read(dev, dword);
	else
		return false;
	return true;
}

static void owned_write(struct vpci *p, struct vpci_dev *dev, unsigned int dword, u32 val)
{
	if (vpci_msi_owns(dev, dword))
		vpci_msi_write(dev, dword, val);
	else
		vpci_msix_write(p, dev, dword, val);
}

/* One naturally aligned access. Lock held. */
static u32 read_aligned(struct vpci *p, u32 sbdf, unsigned int reg, unsigned int size)
{
	const struct vpci_dev *dev = vpci_find(p, sbdf);
	u32 val;

	/* As it will be: Linux could save it now, and write it back later. */
	if (dev && vpci_is_resetting(dev))
		return vpci_reset_read(dev, reg & ~3u) >> (reg & 3) * 8 & (u32)bytes_mask(size);
	if (owned_read(dev, reg & ~3u, &val))
		return val >> (reg & 3) * 8 & (u32)bytes_mask(size);
	return pci_conf_read(sbdf, reg, size);
}

static bool overlaps(unsigned int reg, unsigned int size, unsigned int first, unsigned int len)
{
	return reg < first + len && reg + size > first;
}

/* Virtual functions' BARs follow their physical function's registers. */
static void relocate_virtfns(struct vpci *p, u32 physfn)
{
	for (struct vpci_dev *dev = p->msix_list; dev; dev = dev->next_msix)
		if (dev->virtfn && dev->physfn == physfn)
			vpci_msix_relocate(p, dev);
}

/* Secondary bus 0: no bus is behind it (it has no numbers yet). */
static void forget_behind(struct vpci *p, u32 bridge, u32 numbers)
{
	if (numbers >> 8 & 0xff)
		vpci_forget_range(p, PCI_SBDF(bridge >> 16, numbers >> 8 & 0xff, 0),
				  PCI_SBDF(bridge >> 16, numbers >> 16 & 0xff, 0xff));
}

/*
 * A function that a guest owns does not move, go, or get another routing id: such a write does
 * nothing.
 */
static bool moves_assigned(struct vpci *p, const struct vpci_dev *dev, unsigned int reg,
			   unsigned int size, u32 val)
{
	bool moves = (dev->bridge && overlaps(reg, size, PCI_PRIMARY_BUS, 0x1c)) ||
		     (dev->sriov && overlaps(reg, size, dev->sriov + SRIOV_CTRL, SRIOV_BAR(6) - SRIOV_CTRL));
	unsigned int shift = (reg & 3) * 8;
	u32 buses = 0;

	if (!moves)
		return false;
	if (dev->bridge) {
		buses = pci_conf_read(dev->sbdf, PCI_PRIMARY_BUS, 4);
		if (reg / 4 == PCI_PRIMARY_BUS / 4)
			buses = (buses & ~((u32)bytes_mask(size) << shift)) | (val & (u32)bytes_mask(size)) << shift;
	}
	return vpci_holds_assigned(p, dev, buses);
}

/* Buses behind a bridge get other numbers: their functions are found anew. */
static void write_bus_numbers(struct vpci *p, struct vpci_dev *dev, unsigned int reg,
			      unsigned int size, u32 val)
{
	u32 sbdf = dev->sbdf, old = pci_conf_read(sbdf, PCI_PRIMARY_BUS, 4), new;

	pci_conf_write(sbdf, reg, size, val);
	vpci_enable_acs(dev); /* it may come from a reset */
	new = pci_conf_read(sbdf, PCI_PRIMARY_BUS, 4);
	if (((old ^ new) & 0x00ffff00u) == 0)
		return;
	forget_behind(p, sbdf, old);
	forget_behind(p, sbdf, new);
}

static void write_sriov_ctrl(struct vpci_dev *dev, unsigned int reg, unsigned int size, u32 val)
{
	u32 old = pci_conf_read(dev->sbdf, dev->sriov + SRIOV_CTRL, 2);

	/* The page size that the guest chose counts now, and nothing is decoded yet. */
	if (reg == dev->sriov + SRIOV_CTRL && val & SRIOV_CTRL_VFE && !(old & SRIOV_CTRL_VFE))
		vpci_size_vf_bars(dev);
	pci_conf_write(dev->sbdf, reg, size, val);
}

static void write_through(struct vpci *p, struct vpci_dev *dev, unsigned int reg, unsigned int size,
			  u32 val)
{
	if (moves_assigned(p, dev, reg, size, val))
		return;
	if (dev->bridge && overlaps(reg, size, PCI_PRIMARY_BUS, 4)) {
		write_bus_numbers(p, dev, reg, size, val);
		return;
	}
	if (dev->acs && overlaps(reg, size, dev->acs + ACS_CTRL, 2)) {
		vpci_enable_acs(dev); /* all that Dom0 can do about it */
		return;
	}
	if (dev->sriov && overlaps(reg, size, dev->sriov + SRIOV_CTRL, 2)) {
		write_sriov_ctrl(dev, reg, size, val);
		relocate_virtfns(p, dev->sbdf);
		return;
	}
	pci_conf_write(dev->sbdf, reg, size, val);
	if (overlaps(reg, size, PCI_COMMAND, 2) || overlaps(reg, size, PCI_BAR(0), 4 * dev->nr_bars))
		vpci_msix_relocate(p, dev);
	if (dev->sriov && overlaps(reg, size, dev->sriov + SRIOV_BAR(0), 24))
		relocate_virtfns(p, dev->sbdf);
}

static void write_aligned(struct vpci *p, u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	struct vpci_dev *dev = vpci_discover(p, sbdf);
	unsigned int shift = (reg & 3) * 8;
	u32 mask = (u32)bytes_mask(size), old;

	if (!dev || vpci_is_guests(dev) || vpci_is_resetting(dev))
		/* Nothing there, or a virtual function that nobody named; or it is a guest's, or nobody's yet. */
		return;
	if (owned_read(dev, reg & ~3u, &old))
		owned_write(p, dev, reg & ~3u, (old & ~(mask << shift)) | (val & mask) << shift);
	else
		write_through(p, dev, reg, size, val);
}

static u32 config_read(struct vpci *p, u32 sbdf, unsigned int reg, unsigned int size)
{
	u32 val = 0;

	if (reg + size > CONFIG_SIZE)
		return (u32)bytes_mask(size);
	spin_lock(&p->lock);
	if (p->bus)
		val = guest_bus_read(p, sbdf, reg, size);
	else if (IS_ALIGNED(reg, size))
		val = read_aligned(p, sbdf, reg, size);
	else
		for (unsigned int i = 0; i < size; i++)
			val |= read_aligned(p, sbdf, reg + i, 1) << (8 * i);
	spin_unlock(&p->lock);
	return val;
}

static void config_write(struct vpci *p, u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	if (reg + size > CONFIG_SIZE)
		return;
	spin_lock(&p->lock);
	if (p->bus)
		guest_bus_write(p, sbdf, reg, size, val);
	else if (IS_ALIGNED(reg, size))
		write_aligned(p, sbdf, reg, size, val);
	else
		for (unsigned int i = 0; i < size; i++)
			write_aligned(p, sbdf, reg + i, 1, val >> (8 * i) & 0xff);
	spin_unlock(&p->lock);
}

/* Which register an access to the data ports means. */
static bool port_target(const struct vpci *p, u16 port, unsigned int size, u32 *sbdf,
			unsigned int *reg)
{
	u32 cf8 = READ_ONCE(p->cf8);

	if (port < PORT_DATA || port + size > PORT_DATA + 4 || !(cf8 & CF8_ENABLE) || cf8 & CF8_RESERVED)
		return false;
	*sbdf = cf8 >> 8 & 0xffff;
	*reg = (cf8 & 0xfc) + (port - PORT_DATA);
	return true;
}

u32 vpci_port_in(struct vcpu *v, u16 port, unsigned int size)
{
	struct vpci *p = v->domain->hardware ? x86_domain(v->domain)->vpci : NULL;
	unsigned int reg;
	u32 sbdf;

	if (p && port == PORT_ADDRESS && size == 4)
		return READ_ONCE(p->cf8);
	if (p && port_target(p, port, size, &sbdf, &reg))
		return config_read(p, sbdf, reg, size);
	return (u32)bytes_mask(size);
}

void vpci_port_out(struct vcpu *v, u16 port, unsigned int size, u32 val)
{
	struct vpci *p = v->domain->hardware ? x86_domain(v->domain)->vpci : NULL;
	unsigned int reg;
	u32 sbdf;

	if (p && port == PORT_ADDRESS && size == 4)
		WRITE_ONCE(p->cf8, val);
	else if (p && port_target(p, port, size, &sbdf, &reg))
		config_write(p, sbdf, reg, size, val);
}

/*
 * Which register an access to memory means: to the machine's ECAM, or to the one that a guest has,
 * which takes aligned accesses only.
 */
static bool memory_target(const struct vpci *p, u64 gpa, unsigned int size, u32 *sbdf,
			  unsigned int *reg)
{
	u64 offset = gpa - PVH_PCI_ECAM_BASE, bus;

	*reg = gpa & (CONFIG_SIZE - 1);
	*sbdf = (u32)(offset >> 12);
	if (p->bus)
		return offset < PVH_PCI_BUSES * MiB(1) && IS_ALIGNED(gpa, (u64)size);
	for (unsigned int i = 0; i < acpi.nr_mcfg; i++) {
		offset = gpa - acpi.mcfg[i].base;
		bus = offset >> ECAM_BUS_SHIFT;
		if (bus < acpi.mcfg[i].start_bus || bus > acpi.mcfg[i].end_bus)
			continue;
		*sbdf = PCI_SBDF(acpi.mcfg[i].segment, bus, offset >> 12 & 0xff);
		return true;
	}
	return false;
}

bool vpci_in_config_space(const struct vpci *p, u64 gpa)
{
	unsigned int reg;
	u32 sbdf;

	return memory_target(p, gpa, 1, &sbdf, &reg);
}

static bool meet(u64 a, u64 a_size, u64 b, u64 b_size) { return a < b + b_size && b < a + a_size; }

bool vpci_is_device_range(u64 first, u64 size)
{
	u64 limit = BIT(cpu_features.phys_bits);

	if (first >= limit || size > limit - first ||
	    meet(first, size, APIC_DEFAULT_PHYS_BASE, PAGE_SIZE) ||
	    iommu_hides_any(PFN_DOWN(first), PFN_DOWN(first + size - 1)))
		return false;
	for_each_boot_range(r)
		if (r->type != BOOT_RANGE_RESERVED && meet(first, size, r->base, r->size))
			return false;
	for (unsigned int i = 0; i < nr_ioapics; i++)
		if (meet(first, size, ioapics[i].address, PAGE_SIZE))
			return false;
	for (unsigned int i = 0; i < acpi.nr_mcfg; i++)
		if (meet(first, size, acpi.mcfg[i].base, (acpi.mcfg[i].end_bus + 1ull) << ECAM_BUS_SHIFT))
			return false;
	return true;
}

bool vpci_mmio_is_trapped(struct domain *d, gfn_t gfn)
{
	const struct vpci *p = READ_ONCE(x86_domain(d)->vpci);
	u64 gpa = gfn << PAGE_SHIFT;

	return p && (vpci_in_config_space(p, gpa) ||
		     (p->bus ? guest_bus_has_room(gpa, 1) : !!vpci_msix_find(d, gpa)));
}

static bool config_match(struct vcpu *v, u64 gpa)
{
	const struct vpci *p = READ_ONCE(x86_domain(v->domain)->vpci);

	return p && vpci_in_config_space(p, gpa);
}

static void config_mmio_read(struct vcpu *v, u64 gpa, unsigned int size, u64 *val)
{
	struct vpci *p = x86_domain(v->domain)->vpci;
	unsigned int reg;
	u32 sbdf;

	if (!memory_target(p, gpa, size, &sbdf, &reg))
		return;
	*val = config_read(p, sbdf, reg, min_t(unsigned int, size, 4));
	if (size == 8)
		*val |= (u64)config_read(p, sbdf, reg + 4, 4) << 32;
}

static void config_mmio_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	struct vpci *p = x86_domain(v->domain)->vpci;
	unsigned int reg;
	u32 sbdf;

	if (!memory_target(p, gpa, size, &sbdf, &reg))
		return;
	config_write(p, sbdf, reg, min_t(unsigned int, size, 4), (u32)val);
	if (size == 8)
		config_write(p, sbdf, reg + 4, 4, (u32)(val >> 32));
}

const struct mmio_handler vpci_config_mmio = { config_match, config_mmio_read, config_mmio_write };

int arch_pci_device_add(u16 seg, u8 bus, u8 devfn, u32 flags, u16 physfn_bdf)
{
	struct vpci *p = vpci_machine;
	u32 sbdf = PCI_SBDF(seg, bus, devfn), physfn = (u32)seg << 16 | physfn_bdf;
	bool virtfn = flags & XEN_PCI_DEV_VIRTFN;
	struct vpci_dev *dev;
	int rc = 0;

	if (!p)
		return -ENODEV;
	spin_lock(&p->lock);
	dev = vpci_discover(p, virtfn ? physfn : sbdf);
	if (!dev)
		rc = pci_conf_read(virtfn ? physfn : sbdf, PCI_VENDOR_ID, 2) == 0xffff ? -ENODEV : -ENOMEM;
	else if (virtfn && (!dev->sriov || !vpci_is_virtfn(dev, sbdf)))
		rc = -EINVAL;
	else if (virtfn && !vpci_add_virtfn(p, sbdf, physfn))
		rc = -ENOMEM;
	spin_unlock(&p->lock);
	return rc;
}

int arch_pci_device_remove(u16 seg, u8 bus, u8 devfn)
{
	struct vpci *p = vpci_machine;
	struct vpci_dev *dev;
	bool busy;

	if (!p)
		return -ENODEV;
	spin_lock(&p->lock);
	dev = vpci_find(p, PCI_SBDF(seg, bus, devfn));
	busy = dev && (vpci_stays(dev) || vpci_holds_assigned(p, dev, 0));
	if (dev && !busy)
		vpci_forget(p, dev);
	spin_unlock(&p->lock);
	return !dev ? -ENODEV : busy ? -EBUSY : 0;
}

static unsigned int scan_slot(struct vpci *p, u32 sbdf)
{
	unsigned int found = 0, functions = 1;

	for (unsigned int fn = 0; fn < functions; fn++) {
		spin_lock(&p->lock);
		if (vpci_discover(p, sbdf + fn))
			found++;
		spin_unlock(&p->lock);
		if (fn == 0 && found && pci_conf_read(sbdf, PCI_HEADER_TYPE, 1) & 0x80)
			functions = 8;
	}
	return found;
}

static unsigned int scan(struct vpci *p, u16 seg, unsigned int first, unsigned int last)
{
	unsigned int found = 0;

	for (unsigned int bus = first; bus <= last; bus++)
		for (unsigned int slot = 0; slot < 32; slot++)
			found += scan_slot(p, PCI_SBDF(seg, bus, slot << 3));
	return found;
}

struct vpci *vpci_alloc(struct domain *d)
{
	struct vpci *p = alloc_pages(size_to_order(sizeof(*p)));

	if (!p)
		return NULL;
	spin_lock_init(&p->lock, RANK_VPCI);
	p->d = d;
	for (unsigned int i = 0; i < VPCI_BUCKETS; i++)
		list_init(&p->bucket[i]);
	return p;
}

int vpci_init(struct domain *d)
{
	struct vpci *p = vpci_alloc(d);
	unsigned int found = 0;

	if (!p)
		return -ENOMEM;
	if (d)
		x86_domain(d)->vpci = p;
	vpci_machine = p;
	vpci_reset_init(p);
	for (unsigned int i = 0; i < acpi.nr_mcfg; i++)
		found += scan(p, acpi.mcfg[i].segment, acpi.mcfg[i].start_bus, acpi.mcfg[i].end_bus);
	if (!acpi.nr_mcfg)
		found = scan(p, 0, 0, 255);
	pr_info("PCI: %u functions\n", found);
	return 0;
}
