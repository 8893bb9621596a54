/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private header of arch/x86/pci: the PCI Express hierarchy that a guest sees. Root ports on bus 0,
 * each of which holds one of the machine's functions or nothing, and signals by MSI when that
 * changes (native hotplug).
 */
#ifndef ARCH_X86_PCI_GUEST_BUS_INTERNAL_H
#define ARCH_X86_PCI_GUEST_BUS_INTERNAL_H

#include <public/hvm/pvh_layout.h>

#include "arch/x86/pci/vpci_internal.h"

/* port i is device i of bus 0; behind it is bus i + 1 at first */
#define GUEST_PORTS (PVH_PCI_BUSES - 1)
#define NR_BARS 6

/*
 * A memory BAR, with 32 or 64 bits as the machine has it: where the machine has it, and what the
 * guest wrote.
 */
struct guest_bar {
	u64 host, size;		/* size 0: there is none, or it is the upper half of the one before */
	u64 gpa;		/* as written, aligned to size */
	gfn_t mapped;		/* where it is in the p2m; INVALID_GFN: nowhere */
	bool upper_half;
};

/* A capability that the guest sees, at the offset where the function has it. */
struct guest_cap { u8 pos, len, next; };
enum { CAP_EXPRESS, CAP_MSI, CAP_MSIX, NR_CAPS };

/* A function of the machine as a guest sees it. V: the guest's vpci lock, as all here. */
struct guest_fn {
	struct vpci_dev *dev;	/* of the guest's struct vpci */
	u32 id, subsystem, class;
	u16 command;
	u16 dev_control;	/* the machine's, as it was before the guest */
	u8 int_line, first_cap;
	bool resets;		/* it can do a function-level reset */
	struct guest_cap cap[NR_CAPS];
	struct guest_bar bar[NR_BARS];
};

#define GUEST_PORT_CONFIG 0x90	/* bytes of configuration space; behind them all is 0 */

/* A root port: its registers. guest_bus.c says which of their bits are fixed. */
struct guest_port {
	u32 config[GUEST_PORT_CONFIG / 4];
	bool signalled;
	struct guest_fn *fn;
};

struct guest_bus {
	bool closed;		/* the domain dies: nothing is plugged any more */
	struct guest_port port[GUEST_PORTS];
};

/* guest_bus.c. Lock held. */
int guest_bus_init(struct vpci *p);
u32 guest_bus_read(struct vpci *p, u32 bdf, unsigned int reg, unsigned int size);
void guest_bus_write(struct vpci *p, u32 bdf, unsigned int reg, unsigned int size, u32 val);
/* Is all of it where the guest's BARs can be? Bytes. */
bool guest_bus_has_room(u64 gpa, u64 size);
/* The function comes, or goes (NULL): the guest is told. */
void guest_port_plug(struct vpci *p, struct guest_port *port, struct guest_fn *fn);

/* guest_fn.c. Lock held. dword: aligned register; mask: bytes of it that are written. */
u32 guest_fn_read(const struct guest_fn *fn, unsigned int dword);
void guest_fn_write(struct vpci *p, struct guest_fn *fn, unsigned int dword, u32 val, u32 mask);
/* Where the guest has a BAR now; 0: not decoded. */
u64 guest_fn_bar(const struct guest_fn *fn, unsigned int bar);
/* Learns what the machine's function has, whose BARs are in fn->bar[].host and .size. */
void guest_fn_init(struct guest_fn *fn, const struct vpci_dev *host, u32 physfn_id);
/* Takes the function out of the guest's memory and stops its DMA and interrupts. */
void guest_fn_stop(struct vpci *p, struct guest_fn *fn);

#endif
