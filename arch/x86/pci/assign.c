/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners of PCI functions: the hardware domain, a guest, or nobody (DOMID_IO: quarantined, its DMA
 * reaches nothing). The hardware domain's struct vpci_dev always exists and has the owner in
 * `owner`, which changes under the hardware domain's vpci lock. A guest has a struct vpci_dev of
 * its own. The two locks are never held together: `owner` is set first and reset last.
 */
#include "arch/x86/pci/guest_bus_internal.h"

#include "common/domain.h"
#include "common/heap.h"
#include "common/pci.h"
#include "common/printk.h"
#include <public/errno.h>

#define SRIOV_VF_DEVICE 0x1a

/* It is there, and not in a reset that Dom0 has started. */
static bool answers(const struct vpci_dev *dev)
{
	return pci_conf_read(dev->sbdf, PCI_COMMAND, 4) != ~0u;
}

/*
 * The sizes of the function's BARs, with decoding off: nobody uses it, and it answers. The first
 * answer counts, from before a guest had it: on some cards a guest can change the answer, and a
 * larger BAR would reach what lies beside it.
 */
static long size_bars(struct vpci_dev *dev, struct guest_bar *bar)
{
	u32 command = pci_conf_read(dev->sbdf, PCI_COMMAND, 2);
	u64 size[NR_BARS], kind;
	long rc = 0;

	pci_conf_write(dev->sbdf, PCI_COMMAND, 2, command & ~PCI_COMMAND_MEMORY);
	vpci_size_bars(dev->sbdf, PCI_BAR(0), size);
	pci_conf_write(dev->sbdf, PCI_COMMAND, 2, command);
	for (unsigned int i = 0; i < NR_BARS; i++) {
		bar[i].size = size[i];
		bar[i].host = size[i] ? vpci_read_bar(dev->sbdf, PCI_BAR(i)) : 0;
		kind = size[i] ? size[i] | (pci_conf_read(dev->sbdf, PCI_BAR(i), 4) & ~PCI_BAR_MASK) : 0;
		if (!dev->bars_known)
			dev->bar_kind[i] = kind;
		else if (dev->bar_kind[i] != kind)
			rc = -EOVERFLOW;
	}
	dev->bars_known = true;
	return rc;
}

/* Dom0's lock held. */
static long find_bars(struct vpci *p, struct vpci_dev *dev, struct guest_bar *bar)
{
	const struct vpci_dev *pf = dev->virtfn ? vpci_find(p, dev->physfn) : NULL;
	u32 sbdf = pf ? pf->sbdf : dev->sbdf, first = pf ? pf->sriov + SRIOV_BAR(0) : PCI_BAR(0);
	long rc = dev->virtfn ? 0 : size_bars(dev, bar);

	for (unsigned int i = 0; pf && i < NR_BARS; i++) {
		bar[i].host = vpci_bar_base(p, dev, i);
		bar[i].size = bar[i].host ? pf->vf_bar_size[i] : 0;
	}
	for (unsigned int i = 0; i + 1 < NR_BARS; i++)
		bar[i + 1].upper_half = bar[i].size &&
					(pci_conf_read(sbdf, first + 4 * i, 4) & PCI_BAR_TYPE) == PCI_BAR_64;
	return rc;
}

/*
 * Keel performs the guest's accesses on the MSI-X table's pages, so these must belong to the
 * function, whatever the function claims.
 */
static bool is_in_bar(const struct guest_bar *bar, u32 place, u64 size)
{
	return (place & 7) < NR_BARS && (place & ~7u) + size <= bar[place & 7].size;
}

static long msix_refused(const struct vpci_dev *dev, const struct guest_bar *bar)
{
	if (!dev->msix ||
	    (is_in_bar(bar, dev->table_offset | dev->table_bar, dev->nr_entries * MSIX_ENTRY_SIZE) &&
			   is_in_bar(bar, dev->pending, (dev->nr_entries + 63) / 64 * 8)))
		return 0;
	return -E2BIG;
}

static long bars_refused(const struct vpci_dev *dev, const struct guest_bar *bar)
{
	u64 sizes = 0;

	for (unsigned int i = 0; i < NR_BARS; i++) {
		if (!bar[i].size)
			continue;
		if (!bar[i].host)
			return -ENXIO;
		if ((bar[i].host | bar[i].size) & (PAGE_SIZE - 1))
			return -EADDRINUSE;
		if (!vpci_is_device_range(bar[i].host, bar[i].size))
			return -ERANGE;
		sizes |= bar[i].size;
	}
	return dev->virtfn && !sizes ? -ENXIO : msix_refused(dev, bar);
}

/*
 * Its place puts it in no group: a virtual function is separate from others of its card, if the
 * ports above are isolated.
 */
static bool is_apart(const struct vpci_dev *dev)
{
	return dev->bridge || (dev->virtfn && dev->anchor == dev->sbdf);
}

/*
 * Functions whose requests the IOMMU cannot tell apart, or that can reach each other behind its
 * back.
 */
bool vpci_one_group(const struct vpci_dev *a, const struct vpci_dev *b)
{
	if (a->iommu.alias == b->iommu.alias)
		return true;
	return !is_apart(a) && !is_apart(b) && a->anchor >> 3 == b->anchor >> 3;
}

static long group_refused(struct vpci *p, const struct vpci_dev *dev, domid_t to)
{
	struct vpci_dev *other;

	for_each_function(other, p)
		if (other != dev && vpci_one_group(dev, other) && other->owner != to && other->owner != DOMID_IO)
			return -EXDEV;
	return 0;
}

static bool has_reserved_memory(const struct iommu_device *dev)
{
	for (unsigned int i = 0; i < iommu_nr_reserved; i++)
		if (iommu_reserved[i].sbdf == dev->sbdf || iommu_reserved[i].sbdf == dev->alias ||
		    iommu_reserved[i].sbdf == RESERVED_FOR_ALL)
			return true;
	return false;
}

/*
 * A physical function and its virtual ones never go to two guests: the owner of the former can
 * reset the latter.
 */
static long sriov_refused(struct vpci *p, const struct vpci_dev *dev)
{
	const struct vpci_dev *pf = dev->virtfn ? vpci_find(p, dev->physfn) : NULL;

	if (dev->virtfn && (!pf || pf->owner != vpci_home()))
		return -ECHILD;
	/* During its reset it does not answer; whoever takes it waits. */
	if (dev->sriov && !vpci_is_resetting(dev) &&
	    pci_conf_read(dev->sbdf, dev->sriov + SRIOV_CTRL, 2) & SRIOV_CTRL_VFE)
		return -EMLINK;
	return 0;
}

/* Dom0's lock held. Why the function cannot be to's (public/pci_refused.inc); 0: it can. */
static long refused(struct vpci *p, const struct vpci_dev *dev, domid_t to)
{
	long rc;

	if (!arch_pci_assignable())
		return -EOPNOTSUPP;
	if (dev->bridge)
		return -EISDIR;
	if (dev->owner != DOMID_IO && dev->owner != vpci_home())
		return -EBUSY;
	if (dev->owner != DOMID_IO && !dev->iommu.owner)
		return -ENOENT;
	if (vpci_holds_assigned(p, dev, 0))
		return -ENOTEMPTY;
	if (has_reserved_memory(&dev->iommu))
		return -EACCES;
	rc = sriov_refused(p, dev);
	if (rc)
		return rc;
	if (!vpci_can_reset(p, dev))
		return -ENOTTY;
	if (dev->reset.state == RESET_FAILED)
		return -EIO;
	/*
	 * Checked last: reasons that remain when Domain 0's driver releases the function come
	 * first, so that a list shows them.
	 */
	if (dev->owner == vpci_home() && vpci_in_use(dev))
		return -ETXTBSY;
	return to == DOMID_IO ? 0 : group_refused(p, dev, to);
}

#define PCI_REFUSED(error, text) case -error: return text;

const char *vpci_refused_words(long rc)
{
	switch (rc) {
#include <public/pci_refused.inc>
	case -ENODEV:
		return "there is no such function";
	case -EPERM:
		return "the domain was made without passthrough";
	default:
		return "no memory, or no port for it";
	}
}

/* Tells the log why, and returns rc. */
static long tell(u32 sbdf, long rc)
{
	if (rc && rc != -ERESTART)
		pr_info("PCI: " PCI_FMT " is not assigned: %s\n", PCI_ARGS(sbdf), vpci_refused_words(rc));
	return rc;
}

#define NO_FUNCTION (~0u)

static struct guest_port *port_with(struct guest_bus *bus, u32 sbdf)
{
	for (struct guest_port *port = bus->port; port < bus->port + GUEST_PORTS; port++)
		if ((port->fn ? port->fn->dev->sbdf : NO_FUNCTION) == sbdf)
			return port;
	return NULL;
}

/* Dom0's lock held. Takes the function from Dom0: it belongs to nobody, and is reset. */
static void retire(struct vpci *p, struct vpci_dev *dev)
{
	vpci_msi_release(dev);
	vpci_msix_release(dev);
	iommu_detach(&dev->iommu);
	dev->owner = DOMID_IO;
	vpci_reset_save(dev);
	vpci_reset_start(p, dev);
}

/* Dom0's lock held. Fills fn with what `to` will see of the function. */
static long learn(struct vpci *p, struct vpci_dev *dev, domid_t to, struct guest_fn *fn)
{
	const struct vpci_dev *pf = dev->virtfn ? vpci_find(p, dev->physfn) : NULL;
	long rc = refused(p, dev, to);
	u32 id;

	if (!rc && !answers(dev))
		rc = -EIO;
	if (!rc)
		rc = find_bars(p, dev, fn->bar);
	if (rc)
		return rc;
	id = !dev->virtfn ? pci_conf_read(dev->sbdf, PCI_VENDOR_ID, 4) :
	     pf ? pci_conf_read(pf->sbdf, PCI_VENDOR_ID, 2) |
		  pci_conf_read(pf->sbdf, pf->sriov + SRIOV_VF_DEVICE, 2) << 16 : ~0u;
	guest_fn_init(fn, dev, id);
	return bars_refused(dev, fn->bar);
}

/*
 * Dom0's lock held. Gives the function to `to`, once it belongs to nobody and its reset is over;
 * -ERESTART before.
 */
static long take(struct vpci *p, struct vpci_dev *dev, domid_t to, struct guest_fn *fn)
{
	long rc;

	if (vpci_reset_runs(dev))
		return -ERESTART;
	rc = learn(p, dev, to, fn);
	if (rc)
		return rc;
	if (dev->owner != DOMID_IO) {
		retire(p, dev);
		return -ERESTART;
	}
	/* Dom0 may have moved or switched it on in quarantine. */
	vpci_reset_save(dev);
	vpci_msi_release(dev);
	vpci_msix_release(dev);
	dev->owner = to;
	return 0;
}

/* Takes the function from `from`: it belongs to nobody, and is reset unless `from` never saw it. */
static void let_go(struct vpci *p, u32 sbdf, domid_t from, bool seen)
{
	struct vpci_dev *dev;

	spin_lock(&p->lock);
	dev = vpci_find(p, sbdf);
	if (dev && dev->owner == from) {
		dev->owner = DOMID_IO;
		dev->table_mapped = 0; /* mapping the MSI-X table masks what the guest left there */
		if (seen)
			vpci_reset_start(p, dev);
	}
	spin_unlock(&p->lock);
}

/* g's lock held. Can the guest have one more? */
static long guest_refused(struct vpci *g)
{
	if (g->bus->closed)
		return -ESRCH;
	if (READ_ONCE(g->d->p2m.log_dirty))
		return -EINPROGRESS;
	return port_with(g->bus, NO_FUNCTION) ? 0 : -ENOSPC;
}

/* The same, before anything is done for it. */
static long ask_guest(struct vpci *g)
{
	long rc;

	spin_lock(&g->lock);
	rc = guest_refused(g);
	spin_unlock(&g->lock);
	return rc;
}

/*
 * Plugs it into the guest's hierarchy; host: the hardware domain's structure, whose owner is the
 * guest by now.
 */
static long plug(struct vpci *g, const struct vpci_dev *host, struct guest_fn *fn)
{
	long rc;

	spin_lock(&g->lock);
	rc = guest_refused(g);
	if (!rc)
		rc = vpci_add_assigned(g, host, fn);
	if (!rc)
		guest_port_plug(g, port_with(g->bus, NO_FUNCTION), fn);
	spin_unlock(&g->lock);
	return rc;
}

/*
 * Dom0's lock held. 0: everything that the function's last owner began is over. A function whose
 * reset failed may continue it, so it does not return to Dom0 before a reset has completed. Each
 * call starts a new reset, and its continuations get the outcome.
 */
static long wait_for_reset(struct vpci *p, struct vpci_dev *dev)
{
	if (vpci_reset_runs(dev))
		return -ERESTART;
	if (dev->reset.state != RESET_FAILED)
		return 0;
	if (now() < dev->reset.due)
		return -EIO;
	vpci_reset_start(p, dev);
	return -ERESTART;
}

/* Back from quarantine. */
static long give_back(struct vpci *p, u32 sbdf)
{
	struct vpci_dev *dev;
	long rc = -ENODEV;

	spin_lock(&p->lock);
	dev = vpci_find(p, sbdf);
	if (dev && dev->owner == DOMID_IO) {
		rc = group_refused(p, dev, vpci_home());
		if (!rc)
			rc = wait_for_reset(p, dev);
		if (!rc)
			rc = iommu_attach(&dev->iommu, hardware_domain);
	}
	if (!rc) {
		dev->owner = vpci_home();
		vpci_msix_relocate(p, dev);
	}
	spin_unlock(&p->lock);
	return rc;
}

static long assign_guest(struct vpci *p, u32 sbdf, struct domain *d)
{
	struct vpci *g = x86_domain(d)->vpci;
	struct vpci_dev *dev;
	struct guest_fn *fn;
	long rc;

	if (d->hardware || !g)
		return -EPERM;
	rc = ask_guest(g);
	if (rc)
		return rc;
	fn = alloc_page();
	if (!fn)
		return -ENOMEM;
	spin_lock(&p->lock);
	dev = vpci_find(p, sbdf);
	rc = dev ? take(p, dev, d->id, fn) : -ENODEV;
	spin_unlock(&p->lock);
	/* From here on dev stays: a guest's function is never forgotten. */
	if (!rc) {
		rc = plug(g, dev, fn);
		if (rc)
			let_go(p, sbdf, d->id, false);
	}
	if (rc)
		free_page(fn);
	return rc;
}

/* g's lock held. Releases it. */
static long unplug(struct vpci *g, struct guest_port *port)
{
	struct guest_fn *fn = port ? port->fn : NULL;
	u32 sbdf = fn ? fn->dev->sbdf : 0;

	if (fn) {
		guest_port_plug(g, port, NULL);
		guest_fn_stop(g, fn);
	}
	spin_unlock(&g->lock);
	if (!fn)
		return -ENODEV;
	free_page(fn);
	let_go(vpci_machine, sbdf, g->d->id, true);
	return 0;
}

static long quarantine(struct vpci *p, u32 sbdf)
{
	struct vpci_dev *dev;
	long rc = -ENODEV;

	spin_lock(&p->lock);
	dev = vpci_find(p, sbdf);
	if (dev)
		rc = 0;
	if (dev && dev->owner == DOMID_IO && dev->reset.state == RESET_FAILED) {
		vpci_reset_start(p, dev);
	} else if (dev && (dev->owner != DOMID_IO || !hardware_domain)) {
		rc = refused(p, dev, DOMID_IO);
		if (!rc && !answers(dev))
			rc = -EIO;
		if (!rc)
			retire(p, dev);
	}
	spin_unlock(&p->lock);
	return rc;
}

long arch_pci_assign(struct domain *d, u32 sbdf)
{
	struct vpci *p = vpci_machine;
	long rc = -EOPNOTSUPP;

	if (p && iommu_on())
		rc = d ? assign_guest(p, sbdf, d) : quarantine(p, sbdf);
	return tell(sbdf, rc);
}

long arch_pci_deassign(struct domain *d, u32 sbdf)
{
	struct vpci *p = vpci_machine, *g = d ? x86_domain(d)->vpci : NULL;

	if (!p || (d ? d->hardware || !g : !hardware_domain))
		return -ENODEV;
	if (!d)
		return tell(sbdf, give_back(p, sbdf));
	spin_lock(&g->lock);
	return unplug(g, port_with(g->bus, sbdf));
}

long arch_pci_test_assign(struct domain *d, u32 sbdf)
{
	struct vpci *p = vpci_machine, *g = d && !d->hardware ? x86_domain(d)->vpci : NULL;
	struct vpci_dev *dev;
	struct guest_bar bar[NR_BARS] = { 0 };
	long rc = -ENODEV;

	if (!p)
		return -ENODEV;
	if (d && !d->hardware && !g)
		return -EPERM;
	spin_lock(&p->lock);
	dev = vpci_find(p, sbdf);
	if (dev)
		rc = d && dev->owner == d->id ? -EEXIST : refused(p, dev, d ? d->id : DOMID_IO);
	/*
	 * Dom0 may use a device without interrupts, so do not write its BARs to learn their size.
	 */
	if (!rc && (dev->virtfn || (dev->owner == DOMID_IO && !vpci_is_resetting(dev) && answers(dev)))) {
		rc = find_bars(p, dev, bar);
		if (!rc)
			rc = bars_refused(dev, bar);
	}
	spin_unlock(&p->lock);
	return !rc && g ? ask_guest(g) : rc;
}

unsigned int arch_pci_group(u32 sbdf, u32 *list, unsigned int max)
{
	struct vpci *p = vpci_machine;
	struct vpci_dev *dev, *other;
	unsigned int n = 0;

	if (!p)
		return 0;
	spin_lock(&p->lock);
	dev = vpci_find(p, sbdf);
	for_each_function(other, p)
		if (dev && (other == dev || vpci_one_group(dev, other)) && n < max)
			list[n++] = other->sbdf;
	spin_unlock(&p->lock);
	return n;
}

bool arch_pci_has_functions(const struct domain *d)
{
	const struct vpci *g = x86_domain(d)->vpci;

	for (unsigned int i = 0; g && g->bus && i < GUEST_PORTS; i++)
		if (READ_ONCE(g->bus->port[i].fn))
			return true;
	return false;
}

/* No log records what devices write. */
int arch_pci_log_start(struct domain *d)
{
	struct vpci *g = x86_domain(d)->vpci;
	int rc;

	if (d->hardware)
		return -EOPNOTSUPP;
	if (g)
		spin_lock(&g->lock);
	rc = arch_pci_has_functions(d) ? -EOPNOTSUPP : p2m_log_start(d);
	if (g)
		spin_unlock(&g->lock);
	return rc;
}

bool arch_pci_assignable(void)
{
	return iommu_on() && iommu_caps.irq_remap;
}

int vpci_guest_init(struct domain *d)
{
	struct vpci *p = vpci_alloc(d);

	if (!p)
		return -ENOMEM;
	if (guest_bus_init(p)) {
		free_pages(p, size_to_order(sizeof(*p)));
		return -ENOMEM;
	}
	x86_domain(d)->vpci = p;
	return 0;
}

void vpci_guest_close(struct domain *d)
{
	struct vpci *g = x86_domain(d)->vpci;

	if (!g)
		return;
	for (unsigned int i = 0; i < GUEST_PORTS; i++) {
		spin_lock(&g->lock);
		g->bus->closed = true;
		unplug(g, &g->bus->port[i]);
		irq_window();
	}
}

void vpci_guest_free(struct domain *d)
{
	struct vpci *g = x86_domain(d)->vpci;

	if (!g)
		return;
	free_pages(g->bus, size_to_order(sizeof(*g->bus)));
	free_pages(g, size_to_order(sizeof(*g)));
	x86_domain(d)->vpci = NULL;
}
