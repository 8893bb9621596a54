/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI functions that Keel knows: found at boot, or when the guest first
 * writes to one. A function costs a page or so, and there are no more of them
 * than answer.
 */
#include "arch/x86/pci/guest_bus_internal.h"
#include "common/heap.h"
#include <public/errno.h>
#include "common/printk.h"
#include "common/rcu.h"

#define NO_VENDOR 0xffff
#define HEADER_BRIDGE 1
#define HEADER_NORMAL 0
#define MAX_CAPS 48	/* 4-byte aligned in 64..255 */
#define MAX_EXT_CAPS 96 /* a bound for broken lists */
#define ADDR_LIMIT BIT(52)

static struct list_head *bucket(struct vpci *p, u32 sbdf)
{
	return &p->bucket[(sbdf ^ sbdf >> 6) % VPCI_BUCKETS];
}

struct vpci_dev *vpci_find(struct vpci *p, u32 sbdf)
{
	struct vpci_dev *dev;

	list_for_each_entry(dev, bucket(p, sbdf), link)
		if (dev->sbdf == sbdf)
			return dev;
	return NULL;
}

u8 pci_find_cap(u32 sbdf, u8 id)
{
	unsigned int pos;

	if (!(pci_conf_read(sbdf, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	pos = pci_conf_read(sbdf, PCI_CAPABILITIES, 1) & 0xfc;
	for (unsigned int i = 0; i < MAX_CAPS && pos >= 0x40; i++) {
		u32 header = pci_conf_read(sbdf, pos, 2);

		if ((header & 0xff) == id)
			return (u8)pos;
		pos = header >> 8 & 0xfc;
	}
	return 0;
}

static u16 find_ext_cap(u32 sbdf, u16 id)
{
	unsigned int pos = 0x100;

	for (unsigned int i = 0; i < MAX_EXT_CAPS && pos >= 0x100; i++) {
		u32 header = pci_conf_read(sbdf, pos, 4);

		if (header == 0 || header == ~0u)
			return 0;
		if ((header & 0xffff) == id)
			return (u16)pos;
		pos = header >> 20 & 0xffc;
	}
	return 0;
}

/* Firmware's interrupts are over: until the guest sets its own up, the function sends none. */
static void read_msi(struct vpci_dev *dev)
{
	u32 ctrl;

	dev->msi = pci_find_cap(dev->sbdf, PCI_CAP_MSI);
	if (!dev->msi)
		return;
	ctrl = pci_conf_read(dev->sbdf, dev->msi + 2u, 2);
	dev->msi_64 = ctrl & MSI_CTRL_64;
	if (ctrl & MSI_CTRL_ENABLE)
		pci_conf_write(dev->sbdf, dev->msi + 2u, 2, ctrl & ~MSI_CTRL_ENABLE);
}

static void read_msix(struct vpci_dev *dev, u8 pos, u32 ctrl)
{
	u32 table = pci_conf_read(dev->sbdf, pos + MSIX_TABLE, 4);

	if ((table & 7) >= (dev->virtfn ? 6 : dev->nr_bars))
		return; /* reserved: such a table does not exist */
	dev->msix = pos;
	dev->nr_entries = (ctrl & MSIX_CTRL_SIZE) + 1;
	dev->table_bar = table & 7;
	dev->table_offset = table & ~7u;
	dev->pending = pci_conf_read(dev->sbdf, pos + MSIX_PENDING, 4);
	dev->table_first = INVALID_GFN;
	if (ctrl & MSIX_CTRL_ENABLE)
		pci_conf_write(dev->sbdf, pos + 2u, 2, 0);
}

/* Buses below have greater numbers: what lies is passed over. */
struct vpci_dev *vpci_bridge_above(struct vpci *p, u32 sbdf)
{
	struct vpci_dev *dev;

	for_each_function(dev, p)
		if (dev->bridge && dev->sbdf >> 16 == sbdf >> 16 && dev->sbdf >> 8 < sbdf >> 8 &&
		    pci_conf_read(dev->sbdf, PCI_PRIMARY_BUS + 1, 1) == (sbdf >> 8 & 0xff))
			return dev;
	return NULL;
}

bool vpci_enable_acs(const struct vpci_dev *dev)
{
	u32 bits, ctrl;

	if (!dev->acs)
		return false;
	bits = pci_conf_read(dev->sbdf, dev->acs + ACS_CAP, 2) & ACS_ISOLATES;
	ctrl = pci_conf_read(dev->sbdf, dev->acs + ACS_CTRL, 2);
	if (ctrl == 0xffff)
		return false; /* it answers nothing: in its reset */
	if ((ctrl & bits) == bits)
		return true;
	pci_conf_write(dev->sbdf, dev->acs + ACS_CTRL, 2, ctrl | bits);
	return (pci_conf_read(dev->sbdf, dev->acs + ACS_CTRL, 2) & bits) == bits;
}

/*
 * PCI Express 5.0, 6.12. Functions below it can reach those of other owners only through the IOMMU.
 */
static bool isolates(const struct vpci_dev *bridge, u32 type)
{
	if (type == PCI_EXPRESS_UPSTREAM && !(pci_conf_read(bridge->sbdf, PCI_HEADER_TYPE, 1) & 0x80))
		return true; /* the ports below it decide */
	return type >= PCI_EXPRESS_ROOT && type <= PCI_EXPRESS_DOWNSTREAM && vpci_enable_acs(bridge);
}

/*
 * Devices whose requests come with the id of this function, whether or not it exists: vendor << 16
 * and device, as in the lists of Linux's `quirk_dma_func0_alias()` and Linux's
 * `quirk_dma_func1_alias()`.
 */
static u32 quirk(u32 sbdf)
{
	static const u32 by_0[] = { 0x1180e832, 0x1180e476, 0x67663d40, 0x67663d41 };
	static const u32 by_1[] = {
		0x1b4b9120, 0x1b4b9123, 0x1b4b9125, 0x1b4b9128, 0x1b4b9130, 0x1b4b9170, 0x1b4b9172,
		0x1b4b917a, 0x1b4b9182, 0x1b4b9183, 0x1b4b91a0, 0x1b4b9215, 0x1b4b9220, 0x1b4b9230,
		0x1b4b9235, 0x11030642, 0x11030645, 0x197b2392, 0x1c280122,
	};
	u32 id = pci_conf_read(sbdf, PCI_VENDOR_ID, 4);

	id = id << 16 | id >> 16;
	for (unsigned int i = 0; i < ARRAY_SIZE(by_0); i++)
		if (by_0[i] == id)
			return sbdf & ~7u;
	for (unsigned int i = 0; i < ARRAY_SIZE(by_1); i++)
		if (by_1[i] == id)
			return (sbdf & ~7u) | 1;
	return sbdf;
}

/*
 * The id that requests of the function arrive with: bridges to conventional PCI make them their own
 * (VT-d 3.4.1). Sets dev->anchor.
 */
static u32 requester(struct vpci *p, struct vpci_dev *dev)
{
	u32 id = dev->virtfn ? dev->sbdf : quirk(dev->sbdf), sbdf = dev->virtfn ? dev->physfn : dev->sbdf;

	dev->anchor = dev->sbdf;
	for (const struct vpci_dev *b; (b = vpci_bridge_above(p, sbdf)); sbdf = b->sbdf) {
		u32 type = b->express ? PCI_EXPRESS_TYPE(pci_conf_read(b->sbdf, b->express + 2u, 2)) : 8;

		id = type == 7 ? sbdf & ~0xffu : type == 8 ? b->sbdf : id;
		if (!isolates(b, type))
			dev->anchor = b->sbdf;
	}
	return id;
}

/* Into the lists, by which it is found. */
static void enter(struct vpci *p, struct vpci_dev *dev)
{
	dev->msi_msg.d = p->d;
	for (unsigned int i = 0; i < dev->nr_entries; i++) {
		dev->entries[i].d = p->d;
		dev->entries[i].word[MSG_CTRL] = MSIX_ENTRY_MASKED;
	}
	list_add_tail(&dev->link, bucket(p, dev->sbdf));
	if (!dev->msix)
		return;
	dev->next_msix = p->msix_list;
	__atomic_store_n(&p->msix_list, dev, __ATOMIC_RELEASE);
	vpci_msix_relocate(p, dev);
}

/* Has a guest a function of dev's group? */
static bool in_guests_group(struct vpci *p, const struct vpci_dev *dev)
{
	struct vpci_dev *o;

	for_each_function(o, p)
		if (vpci_is_guests(o) && vpci_one_group(dev, o))
			return true;
	return false;
}

/* 0 or -ENOMEM. */
static int link_dev(struct vpci *p, struct vpci_dev *dev)
{
	u32 id = requester(p, dev);
	int rc;

	dev->owner = p->d ? p->d->id : DOMID_IO;
	dev->iommu.sbdf = dev->sbdf;
	dev->iommu.alias = iommu_ops && iommu_ops->alias ?
			   iommu_ops->alias(dev->sbdf, dev->virtfn ? dev->physfn : dev->sbdf,
					    dev->virtfn ? dev->sbdf : quirk(dev->sbdf)) : id;
	if (!p->d || in_guests_group(p, dev)) {
		dev->owner = DOMID_IO; /* Dom0's with the rest of its group */
		enter(p, dev);
		return 0;
	}
	rc = iommu_attach(&dev->iommu, p->d);
	if (rc == -ENOMEM)
		return rc;
	if (rc)
		pr_warn(PCI_FMT ": its DMA goes past the IOMMU or nowhere: error %d\n", PCI_ARGS(dev->sbdf), rc);
	enter(p, dev);
	return 0;
}

/* Reads what it has and enters it. NULL: no memory. */
static struct vpci_dev *add_dev(struct vpci *p, u32 sbdf, bool virtfn, u32 physfn)
{
	u8 msix = pci_find_cap(sbdf, PCI_CAP_MSIX);
	u32 ctrl = msix ? pci_conf_read(sbdf, msix + 2u, 2) : 0;
	unsigned int entries = msix ? (ctrl & MSIX_CTRL_SIZE) + 1 : 0;
	struct vpci_dev *dev;
	unsigned int order = size_to_order(sizeof(*dev) + entries * sizeof(dev->entries[0]));
	u8 type = pci_conf_read(sbdf, PCI_HEADER_TYPE, 1) & 0x7f;

	dev = alloc_pages(order);
	if (!dev)
		return NULL;
	dev->order = order;
	dev->sbdf = sbdf;
	dev->virtfn = virtfn;
	dev->physfn = physfn;
	dev->bridge = !virtfn && type == HEADER_BRIDGE;
	dev->nr_bars = virtfn ? 0 : type == HEADER_NORMAL ? 6 : type == HEADER_BRIDGE ? 2 : 0;
	dev->express = pci_find_cap(sbdf, PCI_CAP_EXPRESS);
	dev->resets_itself = dev->express && pci_conf_read(sbdf, dev->express + 4u, 4) &
			     PCI_EXPRESS_RESETS;
	read_msi(dev);
	if (msix)
		read_msix(dev, msix, ctrl);
	dev->acs = find_ext_cap(sbdf, PCI_EXT_CAP_ACS);
	vpci_enable_acs(dev);
	if (!virtfn)
		dev->sriov = find_ext_cap(sbdf, PCI_EXT_CAP_SRIOV);
	/* Switched on already, as after a restart of the guest: sizes cannot be learnt any more. */
	if (dev->sriov && !(pci_conf_read(sbdf, dev->sriov + SRIOV_CTRL, 2) & SRIOV_CTRL_VFE))
		vpci_size_vf_bars(dev);
	if (!link_dev(p, dev))
		return dev;
	free_pages(dev, order); /* the next access finds it anew */
	return NULL;
}

struct vpci_dev *vpci_discover(struct vpci *p, u32 sbdf)
{
	struct vpci_dev *dev = vpci_find(p, sbdf);

	if (dev || pci_conf_read(sbdf, PCI_VENDOR_ID, 2) == NO_VENDOR)
		return dev;
	return add_dev(p, sbdf, false, 0);
}

bool vpci_is_virtfn(const struct vpci_dev *pf, u32 sbdf)
{
	u32 offset = pci_conf_read(pf->sbdf, pf->sriov + SRIOV_OFFSET, 2);
	u32 stride = pci_conf_read(pf->sbdf, pf->sriov + SRIOV_STRIDE, 2);
	u32 number = pci_conf_read(pf->sbdf, pf->sriov + SRIOV_NUM_VFS, 2),
		     distance = sbdf - pf->sbdf - offset;

	if (sbdf < pf->sbdf + offset || !number)
		return false;
	return stride ? distance % stride == 0 && distance / stride < number : distance == 0;
}

struct vpci_dev *vpci_add_virtfn(struct vpci *p, u32 sbdf, u32 physfn)
{
	struct vpci_dev *dev = vpci_find(p, sbdf);

	return dev ? dev : add_dev(p, sbdf, true, physfn);
}

int vpci_add_assigned(struct vpci *p, const struct vpci_dev *host, struct guest_fn *fn)
{
	struct vpci_dev *dev = alloc_pages(host->order);
	int rc;

	if (!dev)
		return -ENOMEM;
	*dev = (struct vpci_dev){
		.order = host->order, .sbdf = host->sbdf, .owner = p->d->id, .fn = fn,
		.iommu = { .sbdf = host->sbdf, .alias = host->iommu.alias },
		.virtfn = host->virtfn, .acs = host->acs, .msi = host->msi, .msi_64 = host->msi_64,
		.msix = host->msix, .nr_entries = host->nr_entries, .table_bar = host->table_bar,
		.table_offset = host->table_offset, .table_first = INVALID_GFN,
	};
	rc = iommu_attach(&dev->iommu, p->d);
	if (rc) {
		free_pages(dev, dev->order);
		return rc;
	}
	fn->dev = dev;
	enter(p, dev);
	return 0;
}

bool vpci_in_use(const struct vpci_dev *dev)
{
	return dev->msi_msg.desc || dev->msix_ctrl & MSIX_CTRL_ENABLE;
}

static bool is_behind(u32 sbdf, u32 bridge, u32 buses)
{
	u32 nr = sbdf >> 8 & 0xff;

	return buses >> 8 & 0xff && sbdf >> 16 == bridge >> 16 && nr >= (buses >> 8 & 0xff) &&
	       nr <= (buses >> 16 & 0xff);
}

bool vpci_holds_assigned(struct vpci *p, const struct vpci_dev *dev, u32 buses)
{
	struct vpci_dev *o;
	u32 have = dev->bridge ? pci_conf_read(dev->sbdf, PCI_PRIMARY_BUS, 4) : 0;

	if (!dev->bridge && !dev->sriov)
		return false;
	for_each_function(o, p)
		if ((o->virtfn && o->physfn == dev->sbdf && vpci_is_guests(o)) ||
		    (dev->bridge && vpci_stays(o) &&
		     (is_behind(o->sbdf, dev->sbdf, have) || is_behind(o->sbdf, dev->sbdf, buses))))
			return true;
	return false;
}

static void free_dev(struct rcu_head *head)
{
	struct vpci_dev *dev = container_of(head, struct vpci_dev, rcu);

	free_pages(dev, dev->order);
}

void vpci_forget(struct vpci *p, struct vpci_dev *dev)
{
	struct vpci_dev **link;

	vpci_reset_abandon(dev);
	vpci_msi_release(dev);
	vpci_msix_release(dev);
	iommu_detach(&dev->iommu);
	list_del(&dev->link);
	for (link = &p->msix_list; *link; link = &(*link)->next_msix) {
		if (*link != dev)
			continue;
		WRITE_ONCE(*link, dev->next_msix);
		break;
	}
	/* Handlers under way and readers of the list may still look at it. */
	rcu_call(&dev->rcu, free_dev);
}

void vpci_forget_range(struct vpci *p, u32 first_sbdf, u32 last_sbdf)
{
	struct vpci_dev *dev, *next;

	for (unsigned int i = 0; i < VPCI_BUCKETS; i++) {
		list_for_each_entry_safe(dev, next, &p->bucket[i], link)
			if (dev->sbdf >= first_sbdf && dev->sbdf <= last_sbdf && !vpci_is_guests(dev))
				vpci_forget(p, dev);
	}
}

u64 vpci_read_bar(u32 sbdf, unsigned int reg)
{
	u32 low = pci_conf_read(sbdf, reg, 4);
	u64 base = low & PCI_BAR_MASK;

	if (low & PCI_BAR_IO)
		return 0;
	if ((low & PCI_BAR_TYPE) == PCI_BAR_64)
		base |= (u64)pci_conf_read(sbdf, reg + 4, 4) << 32;
	return base;
}

void vpci_size_bars(u32 sbdf, unsigned int first, u64 size[6])
{
	for (unsigned int i = 0; i < 6; i++) {
		unsigned int reg = first + 4 * i;
		u32 low = pci_conf_read(sbdf, reg, 4), high;
		bool wide = i < 5 && (low & (PCI_BAR_IO | PCI_BAR_TYPE)) == PCI_BAR_64;
		u64 mask;

		pci_conf_write(sbdf, reg, 4, ~0u);
		mask = low & PCI_BAR_IO ? 0 : pci_conf_read(sbdf, reg, 4) & PCI_BAR_MASK;
		pci_conf_write(sbdf, reg, 4, low);
		if (wide) {
			high = pci_conf_read(sbdf, reg + 4, 4);
			pci_conf_write(sbdf, reg + 4, 4, ~0u);
			mask |= (u64)pci_conf_read(sbdf, reg + 4, 4) << 32;
			pci_conf_write(sbdf, reg + 4, 4, high);
		} else if (mask) {
			mask |= ~0xffffffffull;
		}
		size[i] = -mask;
		if (wide)
			size[++i] = 0;
	}
}

void vpci_size_vf_bars(struct vpci_dev *dev)
{
	u64 size[6];

	vpci_size_bars(dev->sbdf, dev->sriov + SRIOV_BAR(0), size);
	/*
	 * As for bar_kind: once a guest may have had the function, only unchanged BARs are
	 * accepted.
	 */
	for (unsigned int i = 0; i < ARRAY_SIZE(size); i++)
		dev->vf_bar_size[i] = dev->bars_known && size[i] != dev->vf_bar_size[i] ? 0 : size[i];
}

/*
 * SR-IOV 1.1, 3.3: the BARs of all virtual functions lie behind each other, from the physical
 * function's VF BAR on.
 */
static u64 virtfn_bar(struct vpci *p, const struct vpci_dev *dev, unsigned int bar)
{
	struct vpci_dev *pf = vpci_find(p, dev->physfn);
	u32 ctrl, offset, stride, distance;
	u64 base;

	if (!pf || !pf->sriov || bar >= ARRAY_SIZE(pf->vf_bar_size))
		return 0;
	ctrl = pci_conf_read(pf->sbdf, pf->sriov + SRIOV_CTRL, 2);
	offset = pci_conf_read(pf->sbdf, pf->sriov + SRIOV_OFFSET, 2);
	stride = pci_conf_read(pf->sbdf, pf->sriov + SRIOV_STRIDE, 2);
	distance = (dev->sbdf & 0xffff) - (pf->sbdf & 0xffff) - offset;
	base = vpci_read_bar(pf->sbdf, pf->sriov + SRIOV_BAR(bar));
	if ((ctrl & (SRIOV_CTRL_VFE | SRIOV_CTRL_MSE)) != (SRIOV_CTRL_VFE | SRIOV_CTRL_MSE) || !base ||
	    !pf->vf_bar_size[bar] || distance > 0xffff)
		return 0;
	return base + (stride ? distance / stride : 0) * pf->vf_bar_size[bar];
}

u64 vpci_bar_base(struct vpci *p, const struct vpci_dev *dev, unsigned int bar)
{
	u64 base;

	if (dev->fn)
		base = guest_fn_bar(dev->fn, bar);
	else if (dev->virtfn)
		base = virtfn_bar(p, dev, bar);
	else if (pci_conf_read(dev->sbdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY)
		base = vpci_read_bar(dev->sbdf, PCI_BAR(bar));
	else
		base = 0;
	return base < ADDR_LIMIT ? base : 0;
}
