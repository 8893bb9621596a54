/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root ports of a guest's PCI Express hierarchy, and what answers in it.
 * A port has what PCI Express 5.0, 7.5 requires of one with a hot-plug capable slot, and no more:
 * no I/O window, no errors. Its windows are set up as firmware would, the prefetchable one for BARs
 * of 64 bits.
 */
#include "arch/x86/pci/guest_bus_internal.h"

#include "arch/x86/hvm/cpuid.h"
#include "common/heap.h"
#include <public/errno.h>

#define PORT_WINDOW	0x20
#define PORT_PREFETCH	0x24
#define PORT_PREFETCH_BASE 0x28		/* upper halves: */
#define PORT_PREFETCH_LIMIT 0x2c

#define EXPRESS		0x40
#define MSI		0x80

#define LINK_CAP	(EXPRESS + 0x0c)
#define LINK_CONTROL	(EXPRESS + 0x10)
#define LINK_SPEED_WIDTH 0x11u		/* 2.5 GT/s, one lane */
#define LINK_ACTIVE	BIT(29)		/* with the control: */
#define SLOT_CAP	(EXPRESS + 0x14)
#define SLOT_CONTROL	(EXPRESS + 0x18)
#define SLOT_PRESENCE_ENABLE BIT(3)
#define SLOT_HP_INTERRUPT BIT(5)
#define SLOT_LINK_ENABLE BIT(12)
#define SLOT_PRESENCE_CHANGED BIT(19)	/* with the status: */
#define SLOT_PRESENT	BIT(22)
#define SLOT_LINK_CHANGED BIT(24)
#define SLOT_CHANGES	(SLOT_PRESENCE_CHANGED | SLOT_LINK_CHANGED)

/* A port's registers: their fixed bits, and those that software may write. All others are 0. */
static const struct { u8 reg; u32 fixed, writable; } registers[] = {
	{ PCI_VENDOR_ID, 0xcf005853, 0 },	/* vendor 0x5853: Xen */
	{ PCI_COMMAND, PCI_STATUS_CAPS << 16, 0x0547 },	/* I/O, memory, master, parity, SERR, INTx off */
	{ 0x08, 0x06040001, 0 },		/* PCI to PCI bridge, revision 1 */
	{ 0x0c, 1 << 16, 0xff },		/* header type; cache line */
	{ PCI_PRIMARY_BUS, 0, 0xffffff },
	{ PORT_WINDOW, 0, 0xfff0fff0 },
	{ PORT_PREFETCH, 0x00010001, 0xfff0fff0 }, /* of 64 bits */
	{ PORT_PREFETCH_BASE, 0, ~0u },
	{ PORT_PREFETCH_LIMIT, 0, ~0u },
	{ PCI_CAPABILITIES, EXPRESS, 0 },
	{ 0x3c, 0, 0x7f00ff },			/* bridge control, interrupt line */
	{ EXPRESS, 0x0142u << 16 | MSI << 8 | PCI_CAP_EXPRESS, 0 }, /* version 2, root port, a slot */
	{ EXPRESS + 0x04, 0x8000, 0 },		/* role-based errors; 128 bytes of payload */
	{ EXPRESS + 0x08, 0, 0xffff },		/* device control */
	{ LINK_CAP, BIT(20) | LINK_SPEED_WIDTH, 0 }, /* tells whether its link is active */
	{ LINK_CONTROL, LINK_SPEED_WIDTH << 16, 0x0fff },
	{ SLOT_CAP, BIT(18) | BIT(6) | BIT(5), 0 }, /* hot-plug, surprise; commands need no time */
	{ SLOT_CONTROL, 0, 0x1fff },
	{ EXPRESS + 0x1c, 0, 0x1f },		/* root control */
	{ MSI, MSI_CTRL_64 << 16 | PCI_CAP_MSI, MSI_CTRL_ENABLE << 16 },
	{ MSI + 4, 0, ~3u }, { MSI + 8, 0, ~0u }, { MSI + 12, 0, 0xffff },
};

static u32 *reg_of(struct guest_port *port, unsigned int dword) { return &port->config[dword / 4]; }

static struct guest_port *port_at(struct guest_bus *bus, unsigned int nr)
{
	for (unsigned int i = 0; i < GUEST_PORTS; i++)
		if (nr && (*reg_of(&bus->port[i], PCI_PRIMARY_BUS) >> 8 & 0xff) == nr)
			return &bus->port[i];
	return NULL;
}

/* PCI Express 5.0, 6.7.3.4: an interrupt when the first enabled event comes. */
static void signal(struct vpci *p, struct guest_port *port)
{
	u32 slot = *reg_of(port, SLOT_CONTROL), events = 0;

	if (slot & SLOT_PRESENCE_ENABLE)
		events |= slot & SLOT_PRESENCE_CHANGED;
	if (slot & SLOT_LINK_ENABLE)
		events |= slot & SLOT_LINK_CHANGED;
	if (!(slot & SLOT_HP_INTERRUPT))
		events = 0;
	if (events && !port->signalled && *reg_of(port, MSI) & MSI_CTRL_ENABLE << 16)
		vpci_msg_deliver(p->d, vpci_msg_route(reg_of(port, MSI + 4)));
	port->signalled = events;
}

void guest_port_plug(struct vpci *p, struct guest_port *port, struct guest_fn *fn)
{
	port->fn = fn;
	*reg_of(port, SLOT_CONTROL) |= SLOT_CHANGES;
	signal(p, port);
}

static u32 port_read(const struct guest_port *port, unsigned int dword)
{
	u32 val = dword >= GUEST_PORT_CONFIG ? 0 :
		  port->config[index_nospec(dword / 4, GUEST_PORT_CONFIG / 4)];

	if (port->fn && dword == LINK_CONTROL)
		val |= LINK_ACTIVE;
	if (port->fn && dword == SLOT_CONTROL)
		val |= SLOT_PRESENT;
	return val;
}

/* val: the whole dword, with what was there where mask is 0. */
static void port_write(struct vpci *p, struct guest_port *port, unsigned int dword, u32 val,
		       u32 mask)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++) {
		u32 *reg = reg_of(port, registers[i].reg), writable = registers[i].writable;

		if (registers[i].reg == dword)
			*reg = (*reg & ~writable) | (val & writable);
	}
	if (dword == SLOT_CONTROL) {
		*reg_of(port, SLOT_CONTROL) &= ~(val & mask & SLOT_CHANGES); /* ones clear */
		signal(p, port);
	}
}

/* What answers at a guest's bus and function: a port, a function behind one, or neither. */
static void route(struct guest_bus *bus, u32 bdf, struct guest_port **port, struct guest_fn **fn)
{
	struct guest_port *behind = port_at(bus, bdf >> 8);

	*port = !(bdf & ~0xf8u) && bdf >> 3 < GUEST_PORTS ?
		&bus->port[index_nospec(bdf >> 3, GUEST_PORTS)] : NULL;
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

		for (unsigned int r = 0; r < ARRAY_SIZE(registers); r++)
			*reg_of(port, registers[r].reg) = registers[r].fixed;
		*reg_of(port, PCI_PRIMARY_BUS) = (i + 1) << 16 | (i + 1) << 8;
		*reg_of(port, PORT_WINDOW) = window_register(base32, base32 + share32 - 1);
		*reg_of(port, PORT_PREFETCH) |= window_register(base, last);
		*reg_of(port, PORT_PREFETCH_BASE) = (u32)(base >> 32);
		*reg_of(port, PORT_PREFETCH_LIMIT) = (u32)(last >> 32);
		*reg_of(port, LINK_CAP) |= (i + 1) << 24;	/* the port's number, and the slot's */
		*reg_of(port, SLOT_CAP) |= (i + 1) << 19;
	}
	return 0;
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
