/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reset of a function between two owners (PCI Express 5.0, 6.6): its own, or else a reset of
 * its bus, if it is alone there. No CPU waits for it: the function is in quarantine, and a timer
 * takes the steps. At the end, registers that the reset loses get what their domain or firmware
 * wrote.
 */
#include "arch/x86/pci/vpci_internal.h"

#include "common/printk.h"

#define PAUSE_NS  200000ull	/* between two steps: each is long for one turn with interrupts off */
#define TICK_NS	  5000000ull	/* also how long a bus is held in reset: at least 1 ms (6.6.1) */
/* before the first request to it, and until what is under way has come back */
#define SETTLE_NS 100000000ull
#define LIMIT_NS  2000000000ull	/* a function that answers later is broken (6.6.1: a second) */

#define BRIDGE_CONTROL	0x3e
#define BRIDGE_RESET	BIT(6)
#define EXPRESS_SLOT	BIT(8)	/* of the capability's flags: the port has one */
#define SLOT_CONTROL	0x18u
#define SLOT_STATUS	0x1au
#define SLOT_CHANGES	(BIT(3) | BIT(8))	/* presence, link */
#define SLOT_ENABLES	(BIT(3) | BIT(5) | BIT(12)) /* of their events */

/* the last two from version 2 on */
static const u8 express_controls[] = { 0x08, 0x10, 0x28, 0x30 };

/* The bridge to a bus that holds this function alone, and no bus behind. */
static struct vpci_dev *own_bridge(struct vpci *p, const struct vpci_dev *dev)
{
	struct vpci_dev *bridge = vpci_bridge_above(p, dev->sbdf), *o;
	u32 buses = bridge ? pci_conf_read(bridge->sbdf, PCI_PRIMARY_BUS, 4) : 0;

	if (!bridge || (buses >> 8 ^ buses >> 16) & 0xff)
		return NULL;
	for_each_function(o, p)
		if (o != dev && o->sbdf >> 8 == dev->sbdf >> 8)
			return NULL;
	return bridge;
}

bool vpci_can_reset(struct vpci *p, const struct vpci_dev *dev)
{
	return dev->resets_itself || own_bridge(p, dev);
}

static unsigned int nr_controls(const struct vpci_dev *dev)
{
	return !dev->express ? 0 :
	       (pci_conf_read(dev->sbdf, dev->express + 2u, 2) & 15) < 2 ? 2
		       : ARRAY_SIZE(express_controls);
}

void vpci_reset_save(struct vpci_dev *dev)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(dev->reset.header); i++)
		dev->reset.header[i] = pci_conf_read(dev->sbdf, 4 * i, 4);
	for (unsigned int i = 0; i < nr_controls(dev); i++)
		dev->reset.control[i] = (u16)pci_conf_read(dev->sbdf, dev->express + express_controls[i], 2);
}

u32 vpci_reset_read(const struct vpci_dev *dev, unsigned int dword)
{
	if (dword < sizeof(dev->reset.header))
		return dev->reset.header[index_nospec(dword / 4, ARRAY_SIZE(dev->reset.header))];
	for (unsigned int i = 0; dev->express && i < ARRAY_SIZE(express_controls); i++)
		if (dword == dev->express + express_controls[i])
			return dev->reset.control[i];
	return 0;
}

/* Without bus mastering: the next owner switches that on. */
static void restore(const struct vpci_dev *dev)
{
	for (unsigned int i = 0; i < nr_controls(dev); i++)
		pci_conf_write(dev->sbdf, dev->express + express_controls[i], 2,
			       dev->reset.control[i] & (i ? 0xffff : ~PCI_EXPRESS_RESET));
	for (unsigned int i = ARRAY_SIZE(dev->reset.header) - 1; i > 1; i--)
		pci_conf_write(dev->sbdf, 4 * i, 4, dev->reset.header[i]);
	vpci_enable_acs(dev);
	pci_conf_write(dev->sbdf, PCI_COMMAND, 2, dev->reset.header[1] & 0xffff & ~PCI_COMMAND_MASTER);
}

/*
 * The link goes down under the reset: Dom0's driver of the port would take that for a device that
 * was pulled.
 */
static void mute_slot(struct vpci_reset *r, bool mute)
{
	u8 express = pci_find_cap(r->bridge, PCI_CAP_EXPRESS);

	if (!express || !(pci_conf_read(r->bridge, express + 2u, 2) & EXPRESS_SLOT))
		return;
	if (mute)
		r->slot = (u16)pci_conf_read(r->bridge, express + SLOT_CONTROL, 2);
	else
		pci_conf_write(r->bridge, express + SLOT_STATUS, 2, SLOT_CHANGES);
	pci_conf_write(r->bridge, express + SLOT_CONTROL, 2, mute ? r->slot & ~SLOT_ENABLES : r->slot);
}

static void hold_bus(u32 bridge, bool hold)
{
	u32 control = pci_conf_read(bridge, BRIDGE_CONTROL, 2);

	pci_conf_write(bridge, BRIDGE_CONTROL, 2, hold ? control | BRIDGE_RESET : control & ~BRIDGE_RESET);
}

/*
 * A virtual function that is switched off does not exist, and comes back reset (SR-IOV 1.1,
 * 3.3.3.1).
 */
static bool is_off(const struct vpci_dev *dev)
{
	const struct vpci_dev *pf = dev->virtfn ? vpci_find(vpci_machine, dev->physfn) : NULL;

	return pf && pf->sriov && !(pci_conf_read(pf->sbdf, pf->sriov + SRIOV_CTRL, 2) & SRIOV_CTRL_VFE);
}

static void end(struct vpci_dev *dev, enum vpci_reset_state state)
{
	if (dev->reset.state == RESET_HELD)
		hold_bus(dev->reset.bridge, false);
	if (dev->reset.bridge)
		mute_slot(&dev->reset, false);
	dev->reset.state = state;
}

void vpci_reset_start(struct vpci *p, struct vpci_dev *dev)
{
	struct vpci_dev *bridge = dev->resets_itself ? NULL : own_bridge(p, dev);
	struct vpci_reset *r = &dev->reset;

	r->bridge = bridge ? bridge->sbdf : 0;
	r->since = now();
	r->due = r->since + (bridge ? TICK_NS : SETTLE_NS);
	r->state = bridge ? RESET_HELD : is_off(dev) ? RESET_OVER : dev->resets_itself ? RESET_SETTLES
		   : RESET_FAILED;
	if (bridge) {
		mute_slot(r, true);
		hold_bus(r->bridge, true);
	} else if (dev->resets_itself) {
		/*
		 * Its last owner may have begun a reset just now: then the function answers
		 * nothing, and this reset may get lost.
		 */
		pci_conf_write(dev->sbdf, dev->express + 8u, 2, r->control[0] | PCI_EXPRESS_RESET);
	}
	timer_set(&p->reset_timer, r->since + TICK_NS);
}

static void step(struct vpci_dev *dev)
{
	struct vpci_reset *r = &dev->reset;

	if (now() < r->due)
		return;
	r->due = now() + SETTLE_NS;
	if (r->state == RESET_HELD) {
		hold_bus(r->bridge, false);
		r->state = RESET_SETTLES;
	} else if (pci_conf_read(dev->sbdf, PCI_COMMAND, 4) != ~0u) {
		restore(dev);
		end(dev, RESET_OVER);
	} else if (is_off(dev)) {
		end(dev, RESET_OVER);
	} else if (now() - r->since > LIMIT_NS) {
		pr_warn("PCI: " PCI_FMT " does not come back from its reset\n", PCI_ARGS(dev->sbdf));
		end(dev, RESET_FAILED);
	}
}

bool vpci_reset_runs(struct vpci_dev *dev)
{
	if (vpci_is_resetting(dev))
		step(dev);
	return vpci_is_resetting(dev);
}

void vpci_reset_abandon(struct vpci_dev *dev)
{
	if (vpci_is_resetting(dev))
		end(dev, RESET_FAILED);
}

static void tick(void *data)
{
	struct vpci *p = data;
	struct vpci_dev *dev;
	u64 next = 0;

	spin_lock(&p->lock);
	for (unsigned int i = 0; i < VPCI_BUCKETS && next != PAUSE_NS; i++) {
		list_for_each_entry(dev, &p->bucket[i], link) {
			if (!vpci_is_resetting(dev))
				continue;
			next = now() < dev->reset.due ? TICK_NS : PAUSE_NS;
			step(dev);
			if (next == PAUSE_NS)
				break;
		}
	}
	if (next)
		timer_set(&p->reset_timer, now() + next);
	spin_unlock(&p->lock);
}

void vpci_reset_init(struct vpci *p)
{
	timer_init(&p->reset_timer, pcpus[0], tick, p);
}
