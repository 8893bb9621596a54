/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration space of a machine's function in a guest. Identity is fixed when it is
 * assigned; a virtual function's identity is only in its physical function (SR-IOV 1.1, 3.4.1).
 * BARs are virtual, and prefetchable if they have 64 bits. Of the capabilities the guest sees PCI
 * Express, MSI and MSI-X; of all else nothing. What it writes reaches the device only for the bits
 * named here.
 */
#include "arch/x86/pci/guest_bus_internal.h"

#include "common/domain.h"
#include "common/printk.h"
#include <public/errno.h>

#define COMMAND_BITS	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | BIT(6) | BIT(8) | BIT(10))
#define BAR_TYPE	0xcu		/* of one with 64 bits; prefetchable */
#define EXPRESS_LEN	0x14		/* link and device registers; version 1 of the capability, an endpoint */
#define DEV_CAP_PAYLOAD	0x7u
#define MAX_STEP	512		/* entries changed before the lock is let go */

static bool is_wide(const struct guest_fn *fn, unsigned int bar)
{
	return bar + 1 < NR_BARS && fn->bar[bar + 1].upper_half;
}

u64 guest_fn_bar(const struct guest_fn *fn, unsigned int bar)
{
	return bar < NR_BARS && fn->command & PCI_COMMAND_MEMORY ? fn->bar[bar].gpa : 0;
}

/* Unmaps the BAR where it is still mapped: the guest may have mapped something else over it. */
static void unmap_bar(struct domain *d, struct guest_bar *bar)
{
	gfn_t gfn = bar->mapped;
	u64 pages = bar->size >> PAGE_SHIFT, n;

	if (gfn == INVALID_GFN)
		return;
	for (u64 i = 0, budget = 0; i < pages; i += n, budget++) {
		enum p2m_type t;
		unsigned int order;
		mfn_t mfn;

		if (budget % MAX_STEP == 0) {
			if (i)
				p2m_write_unlock(d);
			p2m_write_lock(&d->p2m);
		}
		mfn = p2m_get(d, gfn + i, &t, &order);
		n = min(BIT(order) - ((gfn + i) & (BIT(order) - 1)), pages - i);
		if (t == P2M_MMIO && mfn == PFN_DOWN(bar->host) + i && n == BIT(order))
			p2m_set(d, gfn + i, INVALID_MFN, order, P2M_HOLE);
	}
	p2m_write_unlock(d);
	bar->mapped = INVALID_GFN;
}

/* The largest step that both addresses and what is left allow, and that no trapped page lies in. */
static unsigned int step_order(struct domain *d, const struct vpci_dev *dev, gfn_t gfn, mfn_t mfn,
			       u64 left)
{
	for (unsigned int order = p2m_max_order(d); order; order -= 9)
		if (IS_ALIGNED(gfn | mfn, BIT(order)) && left >= BIT(order) &&
		    (READ_ONCE(dev->table_first) > gfn + BIT(order) - 1 || READ_ONCE(dev->table_last) < gfn))
			return order;
	return 0;
}

/*
 * Maps BARs inside the windows only, and only where nothing is: not over RAM, nor over another
 * function. A BAR that cannot be mapped is not decoded. The pages of the MSI-X table stay out.
 */
static void map_bar(struct domain *d, const struct vpci_dev *dev, struct guest_bar *bar)
{
	gfn_t gfn = PFN_DOWN(bar->gpa);
	u64 pages = bar->size >> PAGE_SHIFT, n;

	if (!bar->size || !guest_bus_has_room(bar->gpa, bar->size))
		return;
	bar->mapped = gfn;
	for (u64 i = 0, budget = 0; i < pages; i += n, budget++) {
		unsigned int order = step_order(d, dev, gfn + i, PFN_DOWN(bar->host) + i, pages - i);
		enum p2m_type t;

		n = BIT(order);
		if (budget % MAX_STEP == 0) {
			if (i)
				p2m_write_unlock(d);
			p2m_write_lock(&d->p2m);
		}
		p2m_get(d, gfn + i, &t, NULL);
		if (t == P2M_HOLE && !(order == 0 && vpci_msix_find(d, (gfn + i) << PAGE_SHIFT)) &&
		    p2m_set(d, gfn + i, PFN_DOWN(bar->host) + i, order, P2M_MMIO) == -ENOMEM)
			pr_guest(d, "no memory to map a BAR of " PCI_FMT "\n", PCI_ARGS(dev->sbdf));
	}
	p2m_write_unlock(d);
}

/* BARs or their decoding change: old mappings go first, so that no two are ever at one place. */
static void remap(struct vpci *p, struct guest_fn *fn, u16 command, unsigned int bar, u64 gpa)
{
	bool was = fn->command & PCI_COMMAND_MEMORY, is = command & PCI_COMMAND_MEMORY;

	for (unsigned int i = 0; i < NR_BARS; i++)
		if (was && (i == bar || !is))
			unmap_bar(p->d, &fn->bar[i]);
	fn->command = command;
	if (bar < NR_BARS)
		fn->bar[bar].gpa = gpa;
	vpci_msix_relocate(p, fn->dev);
	for (unsigned int i = 0; i < NR_BARS; i++)
		if (is && (i == bar || !was))
			map_bar(p->d, fn->dev, &fn->bar[i]);
}

/* A reset took the machine's BARs away, too; those of virtual functions are in the physical one. */
static void restore_bars(const struct guest_fn *fn)
{
	for (unsigned int i = 0; i < NR_BARS && !fn->dev->virtfn; i++) {
		const struct guest_bar *bar = &fn->bar[i];

		if (!bar->size)
			continue;
		pci_conf_write(fn->dev->sbdf, PCI_BAR(i), 4, (u32)bar->host);
		if (is_wide(fn, i))
			pci_conf_write(fn->dev->sbdf, PCI_BAR(i + 1), 4, (u32)(bar->host >> 32));
	}
}

/*
 * The machine's function decodes its memory as long as it is assigned; only mastering is the
 * guest's, until the function is cut off for its faults: whichever of that and this comes last
 * switches it off.
 */
static void write_host_command(const struct guest_fn *fn)
{
	u32 val = PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF, master = fn->command & PCI_COMMAND_MASTER;

	restore_bars(fn);
	if (!vpci_enable_acs(fn->dev) && fn->dev->acs)
		master = 0; /* in a reset: not before its requests to peers go through the IOMMU */
	pci_conf_write(fn->dev->sbdf, PCI_COMMAND, 2, val | master);
	smp_mb();
	if (READ_ONCE(fn->dev->iommu.cut_off))
		pci_conf_write(fn->dev->sbdf, PCI_COMMAND, 2, val);
}

static void write_command(struct vpci *p, struct guest_fn *fn, u16 val)
{
	val &= COMMAND_BITS;
	if ((val ^ fn->command) & PCI_COMMAND_MEMORY)
		remap(p, fn, val, NR_BARS, 0);
	fn->command = val;
	write_host_command(fn);
}

static void write_bar(struct vpci *p, struct guest_fn *fn, unsigned int i, u32 val)
{
	unsigned int low = fn->bar[i].upper_half ? i - 1 : i;
	struct guest_bar *bar = &fn->bar[low];
	u64 gpa;

	if (!bar->size)
		return;
	gpa = low == i ? (bar->gpa & ~0xffffffffull) | val : (bar->gpa & 0xffffffffull) | (u64)val << 32;
	gpa &= ~(bar->size - 1);
	if (gpa != bar->gpa)
		remap(p, fn, fn->command, low, gpa);
}

static const struct guest_cap *cap_at(const struct guest_fn *fn, unsigned int dword)
{
	for (const struct guest_cap *c = fn->cap; c < fn->cap + NR_CAPS; c++)
		if (c->len && dword >= c->pos && dword < c->pos + c->len)
			return c;
	return NULL;
}

/*
 * The link and the device as they are; what software may set reads as after a reset. It does not
 * reach the device.
 */
static u32 express_read(const struct guest_fn *fn, unsigned int offset)
{
	u32 host = pci_conf_read(fn->dev->sbdf, fn->cap[CAP_EXPRESS].pos + offset, 4);

	switch (offset) {
	case 0x00:
		return (host & 0xffff) | 1 << 16; /* version 1, endpoint, no message number */
	case 0x04:
		return (host & ~(DEV_CAP_PAYLOAD | PCI_EXPRESS_RESETS)) | (fn->resets ? PCI_EXPRESS_RESETS : 0);
	case 0x0c:
		return host & ~0xc00u;	/* no ASPM */
	case 0x10:
		return host & 0xffff0000;
	default:
		return 0;
	}
}

static u32 cap_read(const struct guest_fn *fn, const struct guest_cap *c, unsigned int dword)
{
	const struct vpci_dev *dev = fn->dev;
	u32 val;

	if (c == &fn->cap[CAP_EXPRESS])
		val = express_read(fn, dword - c->pos);
	else if (vpci_msi_owns(dev, dword))
		val = vpci_msi_read(dev, dword);
	else if (vpci_msix_owns(dev, dword))
		val = vpci_msix_read(dev, dword);
	else
		val = pci_conf_read(dev->sbdf, dword, 4);
	return dword == c->pos ? (val & 0xffff00ffu) | (u32)c->next << 8 : val;
}

u32 guest_fn_read(const struct guest_fn *fn, unsigned int dword)
{
	const struct guest_cap *c = cap_at(fn, dword);

	if (c)
		return cap_read(fn, c, dword);
	switch (dword) {
	case PCI_VENDOR_ID:
		return fn->id;
	case PCI_COMMAND:
		return (fn->first_cap ? PCI_STATUS_CAPS << 16 : 0) | fn->command;
	case 0x08:
		return fn->class;
	case 0x10 ... 0x24: {
		unsigned int i = (unsigned int)index_nospec((dword - 0x10) / 4, NR_BARS);

		if (fn->bar[i].upper_half)
			return (u32)(fn->bar[i - 1].gpa >> 32);
		return (u32)fn->bar[i].gpa | (is_wide(fn, i) ? BAR_TYPE : 0);
	}
	case 0x2c:
		return fn->subsystem;
	case PCI_CAPABILITIES:
		return fn->first_cap;
	case 0x3c:
		return fn->int_line;
	default:
		return 0;
	}
}

/*
 * A function-level reset (PCI Express 5.0, 6.6.2): interrupts are off then, and memory is not
 * decoded.
 */
static void reset(struct vpci *p, struct guest_fn *fn)
{
	remap(p, fn, 0, NR_BARS, 0);
	vpci_msi_release(fn->dev);
	vpci_msix_release(fn->dev);
	for (unsigned int i = 0; i < NR_BARS; i++)
		fn->bar[i].gpa = 0;
	/*
	 * Not the value that is read: if the guest has just begun a reset, that is all ones, with a
	 * reserved payload size.
	 */
	pci_conf_write(fn->dev->sbdf, fn->cap[CAP_EXPRESS].pos + 8u, 2,
		       fn->dev_control | PCI_EXPRESS_RESET);
}

void guest_fn_write(struct vpci *p, struct guest_fn *fn, unsigned int dword, u32 val, u32 mask)
{
	const struct guest_cap *c = cap_at(fn, dword);

	if (c == &fn->cap[CAP_EXPRESS]) {
		if (dword == c->pos + 8u && val & mask & PCI_EXPRESS_RESET && fn->resets)
			reset(p, fn);
	} else if (c && vpci_msi_owns(fn->dev, dword)) {
		vpci_msi_write(fn->dev, dword, val);
	} else if (c && vpci_msix_owns(fn->dev, dword)) {
		vpci_msix_write(p, fn->dev, dword, val);
	} else if (c && c == &fn->cap[CAP_MSI] && dword == c->pos + c->len - 8u) {
		pci_conf_write(fn->dev->sbdf, dword, 4, val);	/* mask bits */
	} else if (dword == PCI_COMMAND) {
		write_command(p, fn, (u16)val);
	} else if (dword >= PCI_BAR(0) && dword <= PCI_BAR(5)) {
		write_bar(p, fn, (unsigned int)index_nospec((dword - PCI_BAR(0)) / 4, NR_BARS), val);
	} else if (dword == 0x3c) {
		fn->int_line = (u8)val;
	}
}

/* MSI: 10 or 14 bytes, and mask and pending bits where it has them (PCI 3.0, 6.8.1). */
static u8 msi_len(u32 control)
{
	u8 len = control & MSI_CTRL_64 ? 16 : 12;

	return control & MSI_CTRL_MASKS ? len + 8 : len;
}

static void add_cap(struct guest_fn *fn, unsigned int which, u8 pos, u8 len)
{
	if (!pos || pos + len > 256)
		return;
	fn->cap[which] = (struct guest_cap){ .pos = pos, .len = len, .next = fn->first_cap };
	fn->first_cap = pos;
}

void guest_fn_init(struct guest_fn *fn, const struct vpci_dev *host, u32 id)
{
	u32 sbdf = host->sbdf;

	fn->id = id;
	fn->class = pci_conf_read(sbdf, 0x08, 4);
	fn->subsystem = pci_conf_read(sbdf, 0x2c, 4);
	add_cap(fn, CAP_EXPRESS, host->express, EXPRESS_LEN);
	fn->dev_control = host->express ? (u16)pci_conf_read(sbdf, host->express + 8u, 2) : 0;
	add_cap(fn, CAP_MSI, host->msi, host->msi ? msi_len(pci_conf_read(sbdf, host->msi + 2u, 2)) : 0);
	add_cap(fn, CAP_MSIX, host->msix, 12);
	fn->resets = host->resets_itself;
	for (unsigned int i = 0; i < NR_BARS; i++)
		fn->bar[i].mapped = INVALID_GFN;
}

void guest_fn_stop(struct vpci *p, struct guest_fn *fn)
{
	vpci_msi_release(fn->dev);
	vpci_msix_release(fn->dev); /* while its table can be reached */
	remap(p, fn, 0, NR_BARS, 0);
	fn->command = 0;
	pci_conf_write(fn->dev->sbdf, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
	vpci_forget(p, fn->dev);
}
