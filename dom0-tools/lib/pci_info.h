/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PCI_INFO_H
#define KEEL_LIB_PCI_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/domain.h"
#include "lib/hyper.h"

#define PCI_MAX_GROUP		64
#define PCI_MAX_RESERVED	32	/* more than the hypervisor keeps */

/* Why no guest can get a function, and what helps; all empty if one can. */
struct pci_refusal {
	int error;		/* the hypervisor's errno; EBUSY too for reasons of the tools' own */
	char why[160], advice[192];
};

/* A PCI function of the machine: what Linux says in sysfs, and what the hypervisor says. */
struct pci_info {
	uint32_t sbdf;
	unsigned int class, vendor, device;
	char driver[32];		/* of Dom0; "" for none */
	bool virtfn;
	uint32_t physfn;		/* virtfn: the physical function, and which of its virtual ones it is */
	unsigned int index;
	unsigned int vfs, max_vfs;	/* a physical function: virtual functions now, and at most */
	char reset[64];			/* the ways in which Linux could reset it; "" if it cannot */
	/*
	 * How the hypervisor does when it changes hands: "flr", by itself; "bus", with its bus; "": not,
	 * or not known.
	 */
	const char *way;
	struct hyper_range reserved[PCI_MAX_RESERVED];
	int nr_reserved;
	uint32_t group[PCI_MAX_GROUP];	/* what must have the same owner, itself included */
	int nr_group;
	unsigned int owner;		/* a domain's id; DOMID_IO: nobody, it is in quarantine */
	struct pci_refusal refused;	/* now */
	/*
	 * What would refuse it even if Dom0's driver left it and all of its group were in quarantine. That
	 * driver, and that group, are only in .refused.
	 */
	struct pci_refusal for_good;
	bool assignable;		/* `keel pci-assignable-add` has taken it, or `xl` */
};

/* The domains that may own a function, to be asked for many. */
struct pci_owners {
	struct keel_domain *domain;
	int domains;
};

int pci_owners_get(struct keel *k, struct pci_owners *o);
void pci_owners_free(struct pci_owners *o);
/* "Dom0", "quarantine", or the guest's name, or "domain N". */
const char *pci_owner_name(const struct pci_owners *o, unsigned int owner, char *room, size_t size);
unsigned int pci_owner(struct keel *k, const struct pci_owners *o, uint32_t sbdf);

/* -ENODEV, with a text, if there is no such function. */
int pci_info_get(struct keel *k, const struct pci_owners *o, uint32_t sbdf, struct pci_info *p);
/* In words, for a negative errno of assign_device and test_assign_device. */
const char *pci_reason(int rc);

/*
 * A virtual function: its physical one, and which of its virtual ones it is. 0 or -errno, without a
 * text.
 */
int pci_physfn(uint32_t sbdf, uint32_t *pf, unsigned int *index);
/* A physical function's virtual one of that number. The same. */
int pci_virtfn(uint32_t pf, unsigned int index, uint32_t *vf);
/* The function that a link in another's folder leads to. 0 or -errno, without a text. */
int pci_linked(uint32_t sbdf, const char *link, uint32_t *to);

#endif
