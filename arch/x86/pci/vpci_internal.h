/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the virtual configuration space share. */
#ifndef ARCH_X86_PCI_VPCI_INTERNAL_H
#define ARCH_X86_PCI_VPCI_INTERNAL_H

#include "arch/x86/iommu/iommu.h"
#include "arch/x86/pci/config.h"
#include "arch/x86/pci/vpci.h"
#include "common/domain.h"

/* A message signalled interrupt as the guest wrote it. addr, data, ctrl: V. */
struct vpci_msg {
	u64 addr;
	u32 data;
	u32 ctrl;		/* MSI-X: the entry's vector control */
	struct domain *d;	/* whose it is */
	u64 route;		/* atomic, read by the interrupt handler: what addr and data mean */
	struct irq_desc *desc;	/* the machine's interrupt that stands for it, while it is in use. V */
};

/* One PCI function. V: struct vpci's lock */
struct guest_fn;
struct guest_bus;

struct vpci_dev {
	struct list_head link;	/* hash bucket. V */
	struct vpci_dev *next_msix; /* functions with MSI-X; written under V, read without */
	struct rcu_head rcu;
	u32 sbdf;
	domid_t owner;		/* the hardware domain, a guest, DOMID_IO: nobody (assign.c) */
	struct guest_fn *fn;	/* of a guest's struct vpci: what the guest sees. NULL in the hardware domain's */
	struct iommu_device iommu;
	bool bridge, virtfn;
	u32 physfn;		/* virtfn: sbdf of the physical function */
	unsigned int nr_bars;
	u16 sriov;		/* offset of the capability, 0 = none */
	u64 vf_bar_size[6];	/* learnt when virtual functions are switched on */

	u8 msi;			/* offset of the capability, 0 = none */
	bool msi_64;
	struct vpci_msg msi_msg;

	u8 msix;
	u16 msix_ctrl;		/* ENABLE and MASKALL as the guest sees them */
	unsigned int nr_entries;
	u8 table_bar;
	u32 table_offset;
	/* Where the table is decoded now: pages trapped; none if first > last. Read without lock. */
	gfn_t table_first, table_last;
	u64 table_gpa, table_host;	/* for its domain, and in the machine */
	void *table_va;		/* map_mmio() of table_mapped's pages, NULL until needed */
	u64 table_mapped;
	unsigned int order;	/* of this allocation */
	struct vpci_msg entries[]; /* nr_entries */
};

/* Is it a guest's, in the hardware domain's list? (While that domain is built, there are no guests.) */
static inline bool vpci_is_guests(const struct vpci_dev *dev)
{
	return hardware_domain && !dev->fn && dev->owner != hardware_domain->id && dev->owner != DOMID_IO;
}

#define VPCI_BUCKETS 64

struct vpci {
	spinlock_t lock;	/* RANK_VPCI */
	struct domain *d;
	u32 cf8;		/* the address register. V */
	struct list_head bucket[VPCI_BUCKETS];
	struct vpci_dev *msix_list; /* written under V, read without */
	unsigned int nr_vectors; /* in use for its messages. V */
	struct guest_bus *bus;	/* a guest's; NULL: the hardware domain sees the machine's */
};

/* vpci_dev.c: the functions that are known. Lock held. */
struct vpci_dev *vpci_find(struct vpci *p, u32 sbdf);
/* Finds it, or learns what a function that answers has. NULL: nothing there, or no memory. */
struct vpci_dev *vpci_discover(struct vpci *p, u32 sbdf);
/* Is there a virtual function of pf's now? */
bool vpci_is_virtfn(const struct vpci_dev *pf, u32 sbdf);
struct vpci_dev *vpci_add_virtfn(struct vpci *p, u32 sbdf, u32 physfn);
void vpci_forget(struct vpci *p, struct vpci_dev *dev);
void vpci_forget_range(struct vpci *p, u32 first_sbdf, u32 last_sbdf);
/* In a guest's, for the function that is dev in the hardware domain's. 0, -ENOMEM, or an error of iommu_attach(). */
int vpci_add_assigned(struct vpci *p, const struct vpci_dev *host, struct guest_fn *fn);
/* Sizes of the memory BARs from register reg on; decoding is off. The upper half of one has none. */
void vpci_size_bars(u32 sbdf, unsigned int reg, u64 size[6]);
u64 vpci_read_bar(u32 sbdf, unsigned int reg);
/* Do the two change hands only together? */
bool vpci_one_group(const struct vpci_dev *a, const struct vpci_dev *b);
/* Can there be a device's registers, and nothing else? Bytes. */
bool vpci_is_device_range(u64 first, u64 size);
/* Has the owner interrupts of it on? */
bool vpci_in_use(const struct vpci_dev *dev);
/* Does a guest own a virtual function of dev, or something behind it, by the bus numbers that it has or gets? */
bool vpci_holds_assigned(struct vpci *p, const struct vpci_dev *dev, u32 buses);
/* Sizes of the virtual functions' BARs; they are switched off. */
void vpci_size_vf_bars(struct vpci_dev *dev);
/* Base of a memory BAR as it is decoded now; 0 = not decoded, or no memory. */
u64 vpci_bar_base(struct vpci *p, const struct vpci_dev *dev, unsigned int bar);

/* vpci.c: an empty one; NULL: no memory. */
struct vpci *vpci_alloc(struct domain *d);
/* Is it in the configuration space's memory range? */
bool vpci_in_mmcfg(u64 gpa);

/* vpci_msi.c. Lock held. A dword of the capability: is it Keel's, what is in it, what the guest writes. */
bool vpci_msi_owns(const struct vpci_dev *dev, unsigned int reg);
u32 vpci_msi_read(const struct vpci_dev *dev, unsigned int reg);
void vpci_msi_write(struct vpci_dev *dev, unsigned int reg, u32 val);
void vpci_msi_release(struct vpci_dev *dev);
/* Gives a message of dev a vector. false, after a line in the log: there is none. */
bool vpci_msg_connect(const struct vpci_dev *dev, struct vpci_msg *m);
void vpci_msg_disconnect(struct vpci_msg *m);
void vpci_msg_changed(struct vpci_msg *m);
/* Sends the interrupt that a route means. Any locks below RANK_VCPU. */
void vpci_msg_deliver(struct domain *d, u64 route);

/* vpci_msix.c. Lock held. */
bool vpci_msix_owns(const struct vpci_dev *dev, unsigned int reg);
u32 vpci_msix_read(const struct vpci_dev *dev, unsigned int reg);
void vpci_msix_write(struct vpci *p, struct vpci_dev *dev, unsigned int reg, u32 val);
/* BARs or decoding changed: the table may be elsewhere. */
void vpci_msix_relocate(struct vpci *p, struct vpci_dev *dev);
void vpci_msix_release(struct vpci_dev *dev);
/* The function whose table is on this page (exactly at gpa, if there are several). Without lock, valid until the exit ends. */
struct vpci_dev *vpci_msix_find(struct domain *d, u64 gpa);

#endif
