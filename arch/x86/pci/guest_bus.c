/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root ports of a guest's PCI Express hierarchy, and the way into its configuration space.
 * A port has what PCI Express 5.0, 7.5 requires of one with a hot-plug capable slot, and no more:
 * no I/O window, no errors. Its windows are set up as firmware would, the prefetchable one for BARs
 * of 64 bits.
 */
#include "arch/x86/pci/guest_bus.h"

#include "arch/x86/hvm/cpuid.h"
#include "common/heap.h"
#include <public/errno.h>

#define PORT_ID		0xcf005853u	/* vendor 0x5853: Xen */
#define PORT_CLASS	0x06040001u	/* PCI to PCI bridge, revision 1 */
#define COMMAND_BITS	0x0547u		/* I/O, memory, master, parity, SERR, INTx off */

#define EXPRESS		0x40
#define MSI		0x80

/* version 2, root port, with a slot */
#define EXPRESS_HEADER	(0x0142u << 16 | MSI << 8 | PCI_CAP_EXPRESS)
#define DEV_CAP		0x8000u		/* role-based errors; 128 bytes of payload */
#define LINK_SPEED_WIDTH 0x11u		/* 2.5 GT/s, one lane */
#define LINK_CAP	(BIT(20) | LINK_SPEED_WIDTH)	/* tells whether its link is active */
#define LINK_ACTIVE	BIT(13)
#define SLOT_CAP	(BIT(18) | BIT(6) | BIT(5))	/* hot-plug, surprise; commands need no time */
#define SLOT_PRESENCE_CHANGED BIT(3)
#define SLOT_PRESENT	BIT(6)
#define SLOT_LINK_CHANGED BIT(8)
#define SLOT_CHANGES	(SLOT_PRESENCE_CHANGED | SLOT_LINK_CHANGED)
#define SLOT_HP_INTERRUPT BIT(5)	/* in the control; events' enables there: */
#define SLOT_PRESENCE_ENABLE BIT(3)
#define SLOT_LINK_ENABLE BIT(12)
#define SLOT_CONTROL_BITS 0x1fffu

#define MSI_HEADER	(MSI_CTRL_64 << 16 | PCI_CAP_MSI)

static struct guest_port *port_at(struct guest_bus *bus, unsigned int nr)
{
	for (unsigned int i = 0; i < GUEST_PORTS; i++)
		if (nr && (bus->port[i].buses >> 8 & 0xff) == nr)
			return &bus->port[i];
	return NULL;
}

/* PCI Express 5.0, 6.7.3.4: an interrupt when the first enabled event comes. */
static void signal(struct vpci *p, struct guest_port *port)
{
	u32 events = 0;
	u64 route = port->msi.route;

	if (port->slot_control & SLOT_PRESENCE_ENABLE)
		events |= port->slot_status & SLOT_PRESENCE_CHANGED;
	if (port->slot_control & SLOT_LINK_ENABLE)
		events |= port->slot_status & SLOT_LINK_CHANGED;
	if (!(port->slot_control & SLOT_HP_INTERRUPT))
		events = 0;
	if (events && !port->signalled && port->msi_on)
		vpci_msg_deliver(p->d, route);
	port->signalled = events;
}

void guest_port_plug(struct vpci *p, struct guest_port *port, struct guest_fn *fn)
{
	port->fn = fn;
	port->slot_status |= SLOT_CHANGES;
	signal(p, port);
}

static u32 express_read(const struct guest_port *port, unsigned int dword)
{
	switch (dword) {
	case 0x00:
		return EXPRESS_HEADER;
	case 0x04:
		return DEV_CAP;
	case 0x08:
		return port->dev_control;
	case 0x0c:
		return (port->index + 1u) << 24 | LINK_CAP;
	case 0x10:
		return (LINK_SPEED_WIDTH | (port->fn ? LINK_ACTIVE : 0)) << 16 | port->link_control;
	case 0x14:
		return (port->index + 1u) << 19 | SLOT_CAP;
	case 0x18:
		return (port->slot_status | (port->fn ? SLOT_PRESENT : 0u)) << 16 | port->slot_control;
	case 0x1c:
		return port->root_control;
	default:
		return 0;
	}
}

static u32 port_read(const struct guest_port *port, unsigned int dword)
{
	if (dword >= EXPRESS && dword < MSI)
		return express_read(port, dword - EXPRESS);
	switch (dword) {
	case PCI_VENDOR_ID:
		return PORT_ID;
	case PCI_COMMAND:
		return PCI_STATUS_CAPS << 16 | port->command;
	case 0x08:
		return PORT_CLASS;
	case 0x0c:
		return 1 << 16 | port->cache_line;
	case PCI_PRIMARY_BUS:
		return port->buses;
	case 0x20:
		return port->window;
	case 0x24:
		return port->prefetch | 0x00010001;	/* of 64 bits */
	case 0x28:
		return port->prefetch_base;
	case 0x2c:
		return port->prefetch_limit;
	case PCI_CAPABILITIES:
		return EXPRESS;
	case 0x3c:
		return (u32)port->bridge_control << 16 | port->int_line;
	case MSI:
		return MSI_HEADER | (port->msi_on ? MSI_CTRL_ENABLE << 16 : 0);
	case MSI + 4:
		return (u32)port->msi.addr;
	case MSI + 8:
		return (u32)(port->msi.addr >> 32);
	case MSI + 12:
		return port->msi.data;
	default:
		return 0;
	}
}

static void express_write(struct vpci *p, struct guest_port *port, unsigned int dword, u32 val,
			  u32 mask)
{
	if (dword == 0x08)
		port->dev_control = (u16)val;
	if (dword == 0x10)
		port->link_control = (u16)(val & 0x0fff);
	if (dword == 0x1c)
		port->root_control = (u16)(val & 0x1f);
	if (dword != 0x18)
		return;
	port->slot_control = (u16)(val & SLOT_CONTROL_BITS);
	port->slot_status &= (u16) ~(val >> 16 & mask >> 16 & SLOT_CHANGES); /* ones clear */
	signal(p, port);
}

static void msi_write(struct guest_port *port, unsigned int dword, u32 val)
{
	if (dword == MSI)
		port->msi_on = val & MSI_CTRL_ENABLE << 16;
	if (dword == MSI + 4)
		port->msi.addr = (port->msi.addr & ~0xffffffffull) | (val & ~3u);
	if (dword == MSI + 8)
		port->msi.addr = (port->msi.addr & 0xffffffffull) | (u64)val << 32;
	if (dword == MSI + 12)
		port->msi.data = val & 0xffff;
	vpci_msg_changed(&port->msi);
}

/* val: the whole dword, with what was there where mask is 0. */
static void port_write(struct vpci *p, struct guest_port *port, unsigned int dword, u32 val,
		       u32 mask)
{
	if (dword >= EXPRESS && dword < MSI)
		express_write(p, port, dword - EXPRESS, val, mask);
	else if (dword >= MSI)
		msi_write(port, dword, val);
	switch (dword) {
	case PCI_COMMAND:
		port->command = (u16)(val & COMMAND_BITS);
		break;
	case 0x0c:
		port->cache_line = (u8)val;
		break;
	case PCI_PRIMARY_BUS:
		port->buses = val & 0xffffff;
		break;
	case 0x20:
		port->window = val & 0xfff0fff0;
		break;
	case 0x24:
		port->prefetch = val & 0xfff0fff0;
		break;
	case 0x28:
		port->prefetch_base = val;
		break;
	case 0x2c:
		port->prefetch_limit = val;
		break;
	case 0x3c:
		port->int_line = (u8)val;
		port->bridge_control = (u16)(val >> 16 & 0x7f);
		break;
	}
}

/* What answers at a guest's bus and function: a port, a function behind one, or neither. */
static void route(struct guest_bus *bus, u32 bdf, struct guest_port **port, struct guest_fn **fn)
{
	struct guest_port *behind = port_at(bus, bdf >> 8);

	*port = !(bdf & ~0xf8u) && bdf >> 3 < GUEST_PORTS ? &bus->port[bdf >> 3] : NULL;
	*fn = behind && !(bdf & 0xff) ? behind->fn : NULL;
}

static u32 read_dword(const struct guest_port *port, const struct guest_fn *fn, unsigned int dword)
{
	return port ? port_read(port, dword) : fn ? guest_fn_read(fn, dword) : ~0u;
}

u32 guest_bus_read(struct vpci *p, u32 bdf, unsigned int reg, unsigned int size)
{
	struct guest_port *port;
	struct guest_fn *fn;

	route(p->bus, bdf, &port, &fn);
	return read_dword(port, fn, reg & ~3u) >> (reg & 3) * 8 & (u32)bytes_mask(size);
}

void guest_bus_write(struct vpci *p, u32 bdf, unsigned int reg, unsigned int size, u32 val)
{
	unsigned int shift = (reg & 3) * 8, dword = reg & ~3u;
	u32 mask = (u32)bytes_mask(size) << shift;
	struct guest_port *port;
	struct guest_fn *fn;

	route(p->bus, bdf, &port, &fn);
	val = (read_dword(port, fn, dword) & ~mask) | (val << shift & mask);
	if (port)
		port_write(p, port, dword, val, mask);
	else if (fn)
		guest_fn_write(p, fn, dword, val, mask);
}

/* A port's registers for its share of a window, but for the upper halves. */
static u32 window_register(u64 base, u64 last)
{
	return (u32)(last >> 16 & 0xfff0) << 16 | (u32)(base >> 16 & 0xfff0);
}

int guest_bus_init(struct vpci *p)
{
	unsigned int bits = cpu_policy_phys_bits();
	u64 share = PVH_PCI_WINDOW_SIZE(bits) / 32, share32 = PVH_PCI_WINDOW32_SIZE / 32;

	p->bus = alloc_pages(size_to_order(sizeof(*p->bus)));
	if (!p->bus)
		return -ENOMEM;
	for (unsigned int i = 0; i < GUEST_PORTS; i++) {
		struct guest_port *port = &p->bus->port[i];
		u64 base = PVH_PCI_WINDOW_BASE(bits) + i * share, last = base + share - 1;
		u64 base32 = PVH_PCI_WINDOW32_BASE + i * share32;

		port->index = (u8)i;
		port->buses = (i + 1) << 16 | (i + 1) << 8;
		port->window = window_register(base32, base32 + share32 - 1);
		port->prefetch = window_register(base, last);
		port->prefetch_base = (u32)(base >> 32);
		port->prefetch_limit = (u32)(last >> 32);
	}
	return 0;
}

static bool in_ecam(u64 gpa)
{
	return gpa - PVH_PCI_ECAM_BASE < PVH_PCI_BUSES * MiB(1);
}

static bool is_within(u64 gpa, u64 size, u64 base, u64 room)
{
	return size <= room && gpa - base <= room - size;
}

bool guest_bus_has_room(u64 gpa, u64 size)
{
	unsigned int bits = cpu_policy_phys_bits();

	return is_within(gpa, size, PVH_PCI_WINDOW32_BASE, PVH_PCI_WINDOW32_SIZE) ||
	       is_within(gpa, size, PVH_PCI_WINDOW_BASE(bits), PVH_PCI_WINDOW_SIZE(bits));
}

bool guest_bus_decodes(u64 gpa)
{
	return in_ecam(gpa) || guest_bus_has_room(gpa, 1);
}

static bool ecam_match(struct vcpu *v, u64 gpa)
{
	struct vpci *p = READ_ONCE(x86_domain(v->domain)->vpci);

	return p && p->bus && in_ecam(gpa);
}

static void ecam_read(struct vcpu *v, u64 gpa, unsigned int size, u64 *val)
{
	struct vpci *p = x86_domain(v->domain)->vpci;
	u64 offset = gpa - PVH_PCI_ECAM_BASE;

	if (!IS_ALIGNED(offset, (u64)size))
		return;
	spin_lock(&p->lock);
	*val = guest_bus_read(p, (u32)(offset >> 12), offset & 0xfff, min_t(unsigned int, size, 4));
	if (size == 8)
		*val |= (u64)guest_bus_read(p, (u32)(offset >> 12), (offset & 0xfff) + 4, 4) << 32;
	spin_unlock(&p->lock);
}

static void ecam_write(struct vcpu *v, u64 gpa, unsigned int size, u64 val)
{
	struct vpci *p = x86_domain(v->domain)->vpci;
	u64 offset = gpa - PVH_PCI_ECAM_BASE;

	if (!IS_ALIGNED(offset, (u64)size))
		return;
	spin_lock(&p->lock);
	guest_bus_write(p, (u32)(offset >> 12), offset & 0xfff, min_t(unsigned int, size, 4), (u32)val);
	if (size == 8)
		guest_bus_write(p, (u32)(offset >> 12), (offset & 0xfff) + 4, 4, (u32)(val >> 32));
	spin_unlock(&p->lock);
}

const struct mmio_handler guest_ecam_mmio = { ecam_match, ecam_read, ecam_write };
