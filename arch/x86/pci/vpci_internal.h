/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of arch/x86/pci: what the parts of the virtual configuration space share. */
#ifndef ARCH_X86_PCI_VPCI_INTERNAL_H
#define ARCH_X86_PCI_VPCI_INTERNAL_H

#include "arch/x86/iommu/iommu.h"
#include "arch/x86/pci/config.h"
#include "arch/x86/pci/vpci.h"
#include "common/domain.h"
#include "common/rcu.h"

/* The words of an MSI-X entry (PCI 3.0, 6.8.2). An MSI capability has the first three. */
enum { MSG_ADDR, MSG_ADDR_HIGH, MSG_DATA, MSG_CTRL, MSG_WORDS };

/* A message signalled interrupt. */
struct vpci_msg {
	u32 word[MSG_WORDS];	/* as the guest wrote it. V */
	struct domain *d;	/* whose it is */
	u64 route;		/* atomic, read by the interrupt handler: what the words mean */
	struct irq_user irq;
	struct irq_desc *desc;	/* the machine's interrupt that stands for it, while it is in use. V */
};

enum vpci_reset_state { RESET_OVER, RESET_HELD, RESET_SETTLES, RESET_FAILED };

/* A reset of a function, and what it loses. V: struct vpci's lock */
struct vpci_reset {
	enum vpci_reset_state state;
	u32 bridge;		/* whose bus is reset; 0: the function resets itself */
	u16 slot;		/* that port's control, meanwhile muted */
	u64 since, due;		/* ns of now(): its begin, the next step */
	u32 header[16];
	u16 control[4];		/* of PCI Express: device, link, and the second ones */
};

struct guest_fn;
struct guest_bus;

/* One PCI function. V: struct vpci's lock */
struct vpci_dev {
	struct list_head link;	/* hash bucket. V */
	struct vpci_dev *next_msix; /* functions with MSI-X; written under V, read without */
	struct rcu_head rcu;
	u32 sbdf;
	domid_t owner;		/* the hardware domain, a guest, DOMID_IO: nobody (assign.c) */
	/* of a guest's struct vpci: what the guest sees. NULL in the hardware domain's */
	struct guest_fn *fn;
	struct iommu_device iommu;
	struct vpci_reset reset; /* between two owners */
	bool bridge, virtfn;
	u8 express;		/* offset of the capability, 0 = none */
	bool resets_itself;	/* by that */
	u32 physfn;		/* virtfn: sbdf of the physical function */
	unsigned int nr_bars;
	u16 sriov, acs;		/* offsets of the capabilities, 0 = none */
	u32 anchor;		/* the topmost bridge that lets what is below reach each other; none: sbdf */
	u64 vf_bar_size[6];	/* learnt when virtual functions are switched on */
	bool bars_known;	/* not a virtual function's: sizes, with the type's bits, before a guest had it */
	u64 bar_kind[6];

	u8 msi;			/* offset of the capability, 0 = none */
	bool msi_64;
	struct vpci_msg msi_msg;

	u8 msix;
	u16 msix_ctrl;		/* ENABLE and MASKALL as the guest sees them */
	unsigned int nr_entries;
	u8 table_bar;
	u32 table_offset;
	u32 pending;		/* where the pending bits are, as the capability says it */
	/* Where the table is decoded now: pages trapped; none if first > last. Read without lock. */
	gfn_t table_first, table_last;
	u64 table_gpa, table_host;	/* for its domain, and in the machine */
	void *table_va;		/* map_mmio() of table_mapped's pages, NULL until needed */
	u64 table_mapped;
	unsigned int order;	/* of this allocation */
	struct vpci_msg entries[]; /* nr_entries */
};

/* Whose the functions are that no guest has. */
static inline domid_t vpci_home(void) { return hardware_domain ? hardware_domain->id : DOMID_IO; }

/*
 * Is it a guest's, in the hardware domain's list? (While that domain is built, there are no
 * guests.)
 */
static inline bool vpci_is_guests(const struct vpci_dev *dev)
{
	return hardware_domain && !dev->fn && dev->owner != hardware_domain->id && dev->owner != DOMID_IO;
}

static inline bool vpci_is_resetting(const struct vpci_dev *dev)
{
	return dev->reset.state == RESET_HELD || dev->reset.state == RESET_SETTLES;
}

/* A guest's, or not fit for another owner: it is neither moved nor forgotten. */
static inline bool vpci_stays(const struct vpci_dev *dev)
{
	return vpci_is_guests(dev) || vpci_is_resetting(dev) ||
	       (dev->owner == DOMID_IO && dev->reset.state == RESET_FAILED);
}

#define VPCI_BUCKETS 64

struct vpci {
	spinlock_t lock;	/* RANK_VPCI */
	struct domain *d;	/* NULL: the machine's functions, with no hardware domain */
	u32 cf8;		/* the address register. V */
	struct list_head bucket[VPCI_BUCKETS];
	struct vpci_dev *msix_list; /* written under V, read without */
	unsigned int nr_vectors; /* a guest's, in use for its messages. V */
	struct timer reset_timer; /* the machine's: the next step of its functions' resets */
	struct guest_bus *bus;	/* a guest's; NULL: the hardware domain sees the machine's */
};

/* Lock held; to leave it early, return. */
#define for_each_function(dev, p)				\
	for (unsigned int i_ = 0; i_ < VPCI_BUCKETS; i_++)	\
		list_for_each_entry(dev, &(p)->bucket[i_], link)

/* vpci_dev.c: the functions that are known. Lock held. */
struct vpci_dev *vpci_find(struct vpci *p, u32 sbdf);
/* Finds it, or learns what a function that answers has. NULL: nothing there, or no memory. */
struct vpci_dev *vpci_discover(struct vpci *p, u32 sbdf);
/* Is there a virtual function of pf's now? */
bool vpci_is_virtfn(const struct vpci_dev *pf, u32 sbdf);
struct vpci_dev *vpci_add_virtfn(struct vpci *p, u32 sbdf, u32 physfn);
void vpci_forget(struct vpci *p, struct vpci_dev *dev);
void vpci_forget_range(struct vpci *p, u32 first_sbdf, u32 last_sbdf);
/*
 * In a guest's, for the function that is dev in the hardware domain's. 0, -ENOMEM, or an error of
 * iommu_attach().
 */
int vpci_add_assigned(struct vpci *p, const struct vpci_dev *host, struct guest_fn *fn);
/*
 * Sizes of the memory BARs from register reg on; decoding is off. The upper half of one has none.
 */
void vpci_size_bars(u32 sbdf, unsigned int reg, u64 size[6]);
u64 vpci_read_bar(u32 sbdf, unsigned int reg);
/* Can the two only change hands together? */
bool vpci_one_group(const struct vpci_dev *a, const struct vpci_dev *b);
/* Has the owner switched interrupts of the function on? */
bool vpci_in_use(const struct vpci_dev *dev);
/*
 * Has a guest a virtual function of dev, or must something behind it stay, by the bus numbers that
 * it has or gets?
 */
bool vpci_holds_assigned(struct vpci *p, const struct vpci_dev *dev, u32 buses);
/*
 * Its requests to peers go through the IOMMU from now on. Also after each reset. false: it cannot
 * do that.
 */
bool vpci_enable_acs(const struct vpci_dev *dev);
/* Sizes of the virtual functions' BARs; they are switched off. */
void vpci_size_vf_bars(struct vpci_dev *dev);
/* Base of a memory BAR as it is decoded now; 0 = not decoded, or no memory. */
u64 vpci_bar_base(struct vpci *p, const struct vpci_dev *dev, unsigned int bar);

/* The bridge whose secondary bus is sbdf's; NULL: it is on a root bus. */
struct vpci_dev *vpci_bridge_above(struct vpci *p, u32 sbdf);

/* reset.c. The hardware domain's lock held, but for init. */
void vpci_reset_init(struct vpci *p);
/* By itself, or with its bus, if it is alone there? */
bool vpci_can_reset(struct vpci *p, const struct vpci_dev *dev);
/*
 * Keeps what is written back after each reset from now on: the function is as its domain wants it.
 */
void vpci_reset_save(struct vpci_dev *dev);
/* A register as it will be when the reset that is under way is over. */
u32 vpci_reset_read(const struct vpci_dev *dev, unsigned int dword);
/* The function is nobody's, and reaches no memory. */
void vpci_reset_start(struct vpci *p, struct vpci_dev *dev);
/* Is it under way still? Takes the next step if it is time. */
bool vpci_reset_runs(struct vpci_dev *dev);
/* The function goes. */
void vpci_reset_abandon(struct vpci_dev *dev);

/* vpci.c: an empty one; NULL: no memory. */
struct vpci *vpci_alloc(struct domain *d);
/* Is it in the configuration space's memory range, as p's domain has it? */
bool vpci_in_config_space(const struct vpci *p, u64 gpa);

/*
 * vpci_msi.c. Lock held. A dword of the capability: is it Keel's, what is in it, what the guest
 * writes.
 */
bool vpci_msi_owns(const struct vpci_dev *dev, unsigned int reg);
u32 vpci_msi_read(const struct vpci_dev *dev, unsigned int reg);
void vpci_msi_write(struct vpci_dev *dev, unsigned int reg, u32 val);
void vpci_msi_release(struct vpci_dev *dev);
/* Gives a message of dev a vector. false, after a line in the log: there is none. */
bool vpci_msg_connect(const struct vpci_dev *dev, struct vpci_msg *m);
void vpci_msg_disconnect(struct vpci_msg *m);
/* The guest writes one of the words. */
void vpci_msg_write(struct vpci_msg *m, unsigned int word, u32 val);
/* What address and data mean. */
u64 vpci_msg_route(const u32 *word);
/* Sends the interrupt that a route means. Any locks below RANK_VCPU. */
void vpci_msg_deliver(struct domain *d, u64 route);

/* vpci_msix.c. Lock held. */
bool vpci_msix_owns(const struct vpci_dev *dev, unsigned int reg);
u32 vpci_msix_read(const struct vpci_dev *dev, unsigned int reg);
void vpci_msix_write(struct vpci *p, struct vpci_dev *dev, unsigned int reg, u32 val);
/* BARs or decoding changed: the table may be elsewhere. */
void vpci_msix_relocate(struct vpci *p, struct vpci_dev *dev);
void vpci_msix_release(struct vpci_dev *dev);
/*
 * The function whose table is on this page (exactly at gpa, if there are several). Without lock,
 * valid until the exit ends.
 */
struct vpci_dev *vpci_msix_find(struct domain *d, u64 gpa);

#endif
