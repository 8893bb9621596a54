/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known about a PCI function, and why guests cannot get it. */
#include "lib/pci_info.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"
#include "lib/sysfs.h"

#define NR_BARS 6
#define RESOURCE_MEM	0x200		/* Linux's IORESOURCE_MEM, IORESOURCE_MEM_64 */
#define RESOURCE_MEM_64	0x100000

const char *pci_reason(int rc)
{
	switch (-rc) {
#define PCI_REFUSED(error, text) case error: return text;
#include <public/pci_refused.inc>
	case ENODEV:
		return "the hypervisor does not know it";
	default:
		return strerror(-rc);
	}
}

int pci_owners_get(struct keel *k, struct pci_owners *o)
{
	o->domains = keel_domain_list(k, &o->domain);
	return o->domains < 0 ? o->domains : 0;
}

void pci_owners_free(struct pci_owners *o)
{
	free(o->domain);
	*o = (struct pci_owners){ 0 };
}

const char *pci_owner_name(const struct pci_owners *o, unsigned int owner, char *room, size_t size)
{
	if (!owner)
		return "Dom0";
	if (owner == DOMID_IO)
		return "quarantine";
	snprintf(room, size, "domain %u", owner);
	for (int i = 0; i < o->domains; i++)
		if (o->domain[i].id == owner && *o->domain[i].name)
			snprintf(room, size, "%s", o->domain[i].name);
	return room;
}

unsigned int pci_owner(struct keel *k, const struct pci_owners *o, uint32_t sbdf)
{
	int rc = hyper_test_assign(k, 0, sbdf);

	if (rc == -EEXIST || rc == -ENODEV)
		return 0;
	for (int i = 0; i < o->domains; i++)
		if (o->domain[i].id && hyper_test_assign(k, o->domain[i].id, sbdf) == -EEXIST)
			return o->domain[i].id;
	return DOMID_IO;
}

int pci_linked(uint32_t sbdf, const char *link, uint32_t *to)
{
	struct keel_error unused;
	struct guest_pci p;
	char name[16], target[32];
	int rc;

	guest_pci_text(sbdf, name);
	rc = sysfs_link(target, sizeof(target), SYSFS_PCI "/%s/%s", name, link);
	if (!rc)
		rc = guest_parse_pci(&p, target, NULL, NULL, &unused);
	if (!rc)
		*to = p.sbdf;
	return rc;
}

int pci_virtfn(uint32_t pf, unsigned int index, uint32_t *vf)
{
	char link[24];

	snprintf(link, sizeof(link), "virtfn%u", index);
	return pci_linked(pf, link, vf);
}

int pci_physfn(uint32_t sbdf, uint32_t *pf, unsigned int *index)
{
	uint32_t vf;
	int rc = pci_linked(sbdf, "physfn", pf);

	for (*index = 0; !rc; ++*index) {
		rc = pci_virtfn(*pf, *index, &vf);
		if (!rc && vf == sbdf)
			return 0;
	}
	return rc;
}

#define CONFIG_STATUS	0x06
#define CONFIG_CAPS	0x34
#define CAP_EXPRESS	0x10

/* As the hypervisor looks for it: in the PCI Express capability. */
static bool resets_itself(const char *name)
{
	uint8_t config[257] = { 0 };
	unsigned int at;

	sysfs_read((char *)config, sizeof(config), SYSFS_PCI "/%s/config", name);
	at = config[CONFIG_STATUS] & 0x10 ? config[CONFIG_CAPS] & 0xfc : 0;
	for (unsigned int i = 0; at >= 0x40 && i < 48; i++) {
		if (config[at] == CAP_EXPRESS)
			return at + 7 < 256 && config[at + 7] & 0x10;
		at = config[at + 1] & 0xfc;
	}
	return false;
}

/*
 * rc: test_assign's answer. The hypervisor looks for a way of reset before it checks some of the
 * reasons, and after others.
 */
static const char *way_of_reset(const char *name, int rc)
{
	if (resets_itself(name))
		return "flr";
	switch (-rc) {
	case ENOTTY:
	case EOPNOTSUPP:
	case EISDIR:
	case ENOTEMPTY:
	case EACCES:
	case ECHILD:
	case EMLINK:
	case ENODEV:
		return "";
	default:
		return "bus";
	}
}

static unsigned int number(const char *name, const char *file, int base)
{
	char text[32];

	return sysfs_read(text, sizeof(text), SYSFS_PCI "/%s/%s", name, file) ? 0
	       : strtoul(text, NULL, base);
}

/* The hypervisor shows memory BARs page by page. */
static int bars_refused(const char *name)
{
	unsigned long long first, last, flags;
	char text[2048], *line = text;
	uint64_t start[NR_BARS] = { 0 }, size[NR_BARS] = { 0 };

	if (sysfs_read(text, sizeof(text), SYSFS_PCI "/%s/resource", name))
		return 0;
	for (unsigned int i = 0; i < NR_BARS; i++) {
		if (line && sscanf(line, "%llx %llx %llx", &first, &last, &flags) == 3 && flags & RESOURCE_MEM) {
			start[i] = first;
			size[i] = last - first + 1;
		}
		line = line ? strchr(line, '\n') : NULL;
		line = line ? line + 1 : NULL;
	}
	for (unsigned int i = 0; i < NR_BARS; i++) {
		if (!size[i])
			continue;
		if (!start[i])
			return -ENXIO;
		if ((start[i] | size[i]) & (KEEL_PAGE_SIZE - 1))
			return -EADDRINUSE;
	}
	return 0;
}

/* Remedies, as in docs/passthrough.md. */
static void advise(struct pci_refusal *r, const char *name)
{
	static const struct {
		int error;
		const char *advice;	/* with the function's address */
	} table[] = {
		{ EOPNOTSUPP,
		  "`keel dmesg` says what there is; VT-d or AMD-Vi must be on in the firmware's settings" },
		{ EISDIR, "take what is behind it" },
		{ ENOTEMPTY, "detach these (`keel pci-detach`), then `keel vf-create %s 0` removes them" },
		{ EACCES, "`keel pci-list` shows it; a setting of the firmware (USB legacy support) may end that" },
		{ ECHILD, "`keel pci-assignable-remove` gives that one back" },
		{ EMLINK, "`keel vf-create %s 0` removes them" },
		{ EIO, "`keel pci-assignable-add %s` tries again" },
		{ EOVERFLOW,
		  "`echo 1 > /sys/bus/pci/devices/%s/remove`, then `echo 1 > /sys/bus/pci/rescan`: it gets a place anew" },
		{ ENXIO, "\"above 4G decoding\" in the firmware's settings makes room" },
	};

	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].error == r->error)
			snprintf(r->advice, sizeof(r->advice), table[i].advice, name);
}

static void find_for_good(const struct pci_owners *o, struct pci_info *p, const char *name, int rc)
{
	char guest[GUEST_NAME_MAX + 1];
	struct pci_refusal *r = &p->for_good;

	if (p->owner && p->owner != DOMID_IO) {
		pci_owner_name(o, p->owner, guest, sizeof(guest));
		r->error = EBUSY;
		snprintf(r->why, sizeof(r->why), "%s has it", guest);
		snprintf(r->advice, sizeof(r->advice), "`keel pci-detach %s %s` takes it back", guest, name);
		return;
	}
	if (!rc || rc == -ETXTBSY)
		rc = bars_refused(name);
	if (!rc)
		return;
	r->error = -rc;
	snprintf(r->why, sizeof(r->why), "%s", pci_reason(rc));
	advise(r, name);
}

static bool for_guests(const char *driver)
{
	return !*driver || !strcmp(driver, "pciback") || !strcmp(driver, "pci-stub");
}

/* Another function of its group belongs to a domain. */
static void find_group(struct keel *k, const struct pci_owners *o, struct pci_info *p)
{
	char name[16], guest[GUEST_NAME_MAX + 1];
	struct pci_refusal *r = &p->refused;
	unsigned int owner;

	for (int i = 0; i < p->nr_group && !r->error; i++) {
		owner = p->group[i] == p->sbdf ? DOMID_IO : pci_owner(k, o, p->group[i]);
		if (owner == DOMID_IO)
			continue;
		guest_pci_text(p->group[i], name);
		r->error = EXDEV;
		snprintf(r->why, sizeof(r->why), "it shares a group with %s, which is not in quarantine but %s's",
			 name, pci_owner_name(o, owner, guest, sizeof(guest)));
		if (owner)
			snprintf(r->advice, sizeof(r->advice), "`keel pci-detach %s %s` takes that one back",
				 pci_owner_name(o, owner, guest, sizeof(guest)), name);
		else
			snprintf(r->advice, sizeof(r->advice), "`keel pci-assignable-add %s` takes that one; all of a "
				 "group go to one guest", name);
	}
}

/* All reasons why a guest cannot get it now. rc: the hypervisor's answer. */
static void find_refused(struct keel *k, const struct pci_owners *o, struct pci_info *p,
			 const char *name, int rc)
{
	struct pci_refusal *r = &p->refused;

	find_for_good(o, p, name, rc);
	*r = p->for_good;
	find_group(k, o, p);
	if (!r->error && !for_guests(p->driver)) {
		r->error = EBUSY;
		snprintf(r->why, sizeof(r->why), "Dom0's driver %s has it", p->driver);
	} else if (!r->error && rc) {
		r->error = -rc;
		snprintf(r->why, sizeof(r->why), "%s", pci_reason(rc));
	} else {
		return;
	}
	snprintf(r->advice, sizeof(r->advice), "`keel pci-assignable-add %s` takes it from there", name);
}

int pci_info_get(struct keel *k, const struct pci_owners *o, uint32_t sbdf, struct pci_info *p)
{
	char name[16];
	int rc;

	*p = (struct pci_info){ .sbdf = sbdf };
	guest_pci_text(sbdf, name);
	p->vendor = number(name, "vendor", 16);
	if (!p->vendor)
		return keel_fail(&k->err, ENODEV,
				 "there is no PCI function %s; `keel pci-list` shows what there is", name);
	p->class = number(name, "class", 16) >> 8;
	p->device = number(name, "device", 16);
	sysfs_link(p->driver, sizeof(p->driver), SYSFS_PCI "/%s/driver", name);
	p->virtfn = !pci_physfn(sbdf, &p->physfn, &p->index);
	p->vfs = number(name, "sriov_numvfs", 10);
	p->max_vfs = number(name, "sriov_totalvfs", 10);
	sysfs_read(p->reset, sizeof(p->reset), SYSFS_PCI "/%s/reset_method", name);
	p->nr_reserved = hyper_reserved(k, sbdf, p->reserved, PCI_MAX_RESERVED);
	if (p->nr_reserved < 0)
		return keel_fail(&k->err, -p->nr_reserved, "cannot ask for reserved memory: %s",
				 strerror(-p->nr_reserved));
	p->nr_group = hyper_device_group(k, sbdf, p->group, PCI_MAX_GROUP);
	p->owner = pci_owner(k, o, sbdf);
	p->assignable = p->owner == DOMID_IO || (!p->owner && *p->driver && for_guests(p->driver));
	rc = hyper_test_assign(k, DOMID_IO, sbdf);
	p->way = way_of_reset(name, rc);
	find_refused(k, o, p, name, rc);
	return 0;
}
