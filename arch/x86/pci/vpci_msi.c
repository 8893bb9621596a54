/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MSI capability (PCI 3.0, 6.8.1): the guest's address and data stay here,
 * the device gets Keel's. Functions with several vectors show one.
 */
#include "arch/x86/pci/vpci_internal.h"
#include "common/printk.h"

#define GUEST_VECTORS 16
#define GUEST_VECTORS_PER_VCPU 8

/* Fields of a route, in one word so that the interrupt handler reads all or nothing of a change. */
#define ROUTE_LOGICAL BIT(11)
#define ROUTE_VALID   BIT(12)
#define ROUTE_DEST_SHIFT 16

/*
 * Message address: bits 12..19 destination, bit 2 logical; data: vector, delivery mode (SDM vol. 3,
 * 11.11).
 */
u64 vpci_msg_route(const u32 *word)
{
	u32 addr = word[MSG_ADDR];

	return (word[MSG_DATA] & 0x7ff) | (addr & BIT(2) ? ROUTE_LOGICAL : 0) |
	       (u64)(addr >> 12 & 0xff) << ROUTE_DEST_SHIFT |
	       (addr >> 20 == 0xfee && !word[MSG_ADDR_HIGH] ? ROUTE_VALID : 0);
}

void vpci_msg_write(struct vpci_msg *m, unsigned int word, u32 val)
{
	m->word[word] = word == MSG_ADDR ? val & ~3u : val;
	WRITE_ONCE(m->route, vpci_msg_route(m->word));
}

void vpci_msg_deliver(struct domain *d, u64 route)
{
	if (route & ROUTE_VALID)
		vlapic_deliver_msg(d, (u32)(route >> ROUTE_DEST_SHIFT), route & ROUTE_LOGICAL, route >> 8 & 7,
				   (u8)route, false);
}

/* The device's interrupt: pass it on as the guest's message. MSIs are edges. */
static void msg_interrupt(struct irq_user *user)
{
	const struct vpci_msg *m = container_of(user, struct vpci_msg, irq);

	vpci_msg_deliver(m->d, READ_ONCE(m->route));
}

static unsigned int guests_vectors; /* atomic */

static void return_share(struct vpci *p)
{
	if (p->d->hardware)
		return;
	p->nr_vectors--;
	__atomic_fetch_sub(&guests_vectors, 1, __ATOMIC_RELAXED);
}

/*
 * Vectors are the machine's: a guest gets some for each of its vCPUs, and all guests together three
 * quarters. The hardware domain takes what it needs.
 */
static bool take_share(struct vpci *p)
{
	if (p->d->hardware)
		return true;
	if (p->nr_vectors >= GUEST_VECTORS + GUEST_VECTORS_PER_VCPU * p->d->max_vcpus)
		return false;
	p->nr_vectors++;
	if (__atomic_add_fetch(&guests_vectors, 1, __ATOMIC_RELAXED) <= irq_nr_vectors() / 4 * 3)
		return true;
	return_share(p);
	return false;
}

bool vpci_msg_connect(const struct vpci_dev *dev, struct vpci_msg *m)
{
	struct vpci *p = x86_domain(m->d)->vpci;

	if (m->desc)
		return true;
	m->irq.handler = msg_interrupt;
	if (take_share(p)) {
		m->desc = irq_alloc(iommu_two_functions(&dev->iommu) ? IRQ_MSI_SLOT : IRQ_MSI,
				    iommu_msi_source(&dev->iommu),
				    vlapic_dest_cpu(m->d, (u32)(m->route >> ROUTE_DEST_SHIFT),
						    m->route & ROUTE_LOGICAL), &m->irq);
		if (!m->desc)
			return_share(p);
	}
	if (!m->desc)
		pr_guest(m->d, "MSI: no free interrupt vector, it stays masked\n");
	return m->desc;
}

void vpci_msg_disconnect(struct vpci_msg *m)
{
	if (m->desc) {
		irq_free(m->desc);
		return_share(x86_domain(m->d)->vpci);
	}
	m->desc = NULL;
}

/* Offsets in the capability: data comes after an address of 4 or 8 bytes. */
static unsigned int data_reg(const struct vpci_dev *dev)
{
	return dev->msi + (dev->msi_64 ? 12u : 8u);
}

/* Mask and pending bits behind them are the device's own. */
bool vpci_msi_owns(const struct vpci_dev *dev, unsigned int reg)
{
	return dev->msi && reg >= dev->msi && reg <= data_reg(dev);
}

static unsigned int word_of(const struct vpci_dev *dev, unsigned int reg)
{
	unsigned int word = reg == data_reg(dev) ? MSG_DATA : (reg - dev->msi) / 4 - 1;

	return (unsigned int)index_nospec(word, MSG_WORDS);
}

u32 vpci_msi_read(const struct vpci_dev *dev, unsigned int reg)
{
	if (reg == dev->msi)
		return pci_conf_read(dev->sbdf, reg, 4) & ~((MSI_CTRL_CAPABLE | MSI_CTRL_IN_USE) << 16);
	return dev->msi_msg.word[word_of(dev, reg)];
}

static void program(const struct vpci_dev *dev, const struct irq_desc *desc)
{
	u64 addr;
	u32 data;

	irq_msi_message(desc, &addr, &data);
	pci_conf_write(dev->sbdf, dev->msi + 4u, 4, (u32)addr);
	if (dev->msi_64)
		pci_conf_write(dev->sbdf, dev->msi + 8u, 4, (u32)(addr >> 32));
	pci_conf_write(dev->sbdf, data_reg(dev), 2, data);
}

/*
 * The device is programmed at each write that leaves MSI on, not only when it
 * goes on: the guest restores the registers that way after a function reset,
 * which Keel does not see.
 */
static void write_ctrl(struct vpci_dev *dev, u16 ctrl)
{
	bool on = ctrl & MSI_CTRL_ENABLE;
	u16 host = 0; /* nothing else is used; what is read may be ones, in a reset */

	if (on && vpci_msg_connect(dev, &dev->msi_msg)) {
		program(dev, dev->msi_msg.desc);
		host |= MSI_CTRL_ENABLE;
	}
	pci_conf_write(dev->sbdf, dev->msi + 2u, 2, host);
	if (!on)
		vpci_msg_disconnect(&dev->msi_msg);
}

void vpci_msi_write(struct vpci_dev *dev, unsigned int reg, u32 val)
{
	if (reg == dev->msi)
		write_ctrl(dev, (u16)(val >> 16));
	else
		vpci_msg_write(&dev->msi_msg, word_of(dev, reg), reg == data_reg(dev) ? val & 0xffff : val);
}

void vpci_msi_release(struct vpci_dev *dev)
{
	if (!dev->msi || !dev->msi_msg.desc)
		return;
	pci_conf_write(dev->sbdf, dev->msi + 2u, 2, 0);
	vpci_msg_disconnect(&dev->msi_msg);
}
