/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pci.h"

#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/pci_info.h"
#include "lib/store.h"
#include "lib/sysfs.h"
#include "lib/vf_link.h"

#define NO_DRIVER "keel-assigned"	/* matches none, so that none takes the function */

unsigned int pci_address_bits(void)
{
	unsigned int a = 36, b, c, d;

	__get_cpuid(0x80000008, &a, &b, &c, &d);
	return a & 0xff;
}

/* Between these two calls nobody else changes owners, and no signal ends the work halfway. */
static int begin(struct keel *k, sigset_t *old)
{
	int lock = keel_lock(k);

	if (lock >= 0)
		keel_hold_signals(old);
	return lock;
}

static int end(int lock, const sigset_t *old, int rc)
{
	keel_release_signals(old);
	close(lock);
	return rc;
}

static int look(struct keel *k, uint32_t sbdf, struct pci_info *p)
{
	struct pci_owners o;
	int rc = pci_owners_get(k, &o);

	if (rc)
		return rc;
	rc = pci_info_get(k, &o, sbdf, p);
	pci_owners_free(&o);
	return rc;
}

static int cannot_be_assigned(struct keel *k, const char *name, const char *why, const char *advice)
{
	return keel_fail(&k->err, EBUSY, "PCI function %s cannot be assigned: %s%s%s", name, why,
			 *advice ? "; " : "", advice);
}

int pci_check(struct keel *k, uint32_t sbdf)
{
	char name[16];
	struct pci_info p;
	int rc = look(k, sbdf, &p);

	if (rc || !p.refused.error)
		return rc;
	guest_pci_text(sbdf, name);
	return cannot_be_assigned(k, name, p.refused.why, p.refused.advice);
}

/* What driver_override holds, to be written back; "\n" for nothing. */
static void override_of(const char *name, char *room, size_t size)
{
	if (sysfs_read(room, size, SYSFS_PCI "/%s/driver_override", name) || !*room ||
	    !strcmp(room, "(null)"))
		snprintf(room, size, "\n");
}

static void probe(struct keel *k, const char *name)
{
	if (sysfs_write(name, "/sys/bus/pci/drivers_probe"))
		keel_warn(k, "no driver of Dom0 takes PCI function %s", name);
}

static int quarantine(struct keel *k, uint32_t sbdf, const char *name)
{
	int rc = hyper_assign(k, DOMID_IO, sbdf);

	return rc ? cannot_be_assigned(k, name, pci_reason(rc), "") : 0;
}

static int take_from_driver(struct keel *k, const struct pci_info *p, const char *name)
{
	char override[128];
	int rc;

	override_of(name, override, sizeof(override));
	rc = sysfs_write(NO_DRIVER, SYSFS_PCI "/%s/driver_override", name);
	if (!rc && *p->driver)
		rc = sysfs_write(name, SYSFS_PCI "/%s/driver/unbind", name);
	if (rc) {
		sysfs_write(override, SYSFS_PCI "/%s/driver_override", name);
		return keel_fail(&k->err, -rc, "PCI function %s cannot be taken from its driver: %s", name,
				 strerror(-rc));
	}
	rc = quarantine(k, p->sbdf, name);
	if (rc) {
		sysfs_write(override, SYSFS_PCI "/%s/driver_override", name);
		if (*p->driver)
			probe(k, name);
	}
	return rc;
}

int pci_make_assignable(struct keel *k, uint32_t sbdf)
{
	char name[16];
	struct pci_info p;
	sigset_t old;
	int lock = begin(k, &old);
	bool again;
	int rc;

	if (lock < 0)
		return lock;
	guest_pci_text(sbdf, name);
	rc = look(k, sbdf, &p);
	/* In quarantine it is reset once more. */
	again = !rc && p.owner == DOMID_IO && p.for_good.error == EIO;
	/* Before its driver loses it, which may end its virtual functions. */
	if (!rc && p.for_good.error && !again)
		rc = cannot_be_assigned(k, name, p.for_good.why, p.for_good.advice);
	if (!rc && !k->dry_run)
		rc = take_from_driver(k, &p, name);
	return end(lock, &old, rc);
}

static int give_back(struct keel *k, uint32_t sbdf)
{
	struct pci_info p;
	char name[16];
	int rc = look(k, sbdf, &p);

	if (rc)
		return rc;
	guest_pci_text(sbdf, name);
	if (p.owner != DOMID_IO)
		return keel_fail(&k->err, EBUSY, "PCI function %s is not assignable: %s", name,
				 p.owner ? p.refused.why : "it is Dom0's");
	if (k->dry_run)
		return 0;
	/* pciback, if `xl` has given it to that. */
	if (*p.driver && sysfs_write(name, SYSFS_PCI "/%s/driver/unbind", name))
		keel_warn(k, "the driver %s does not let PCI function %s go", p.driver, name);
	rc = hyper_deassign(k, DOMID_IO, sbdf);
	if (rc)
		return keel_fail(&k->err, -rc, "PCI function %s does not come back: %s", name, pci_reason(rc));
	sysfs_write("\n", SYSFS_PCI "/%s/driver_override", name);
	probe(k, name);
	return 0;
}

int pci_give_back(struct keel *k, uint32_t sbdf)
{
	sigset_t old;
	int lock = begin(k, &old);

	return lock < 0 ? lock : end(lock, &old, give_back(k, sbdf));
}

static void kept_path(char path[STORE_PATH_MAX], unsigned int domid, uint32_t sbdf)
{
	snprintf(path, STORE_PATH_MAX, "/tool/keel/%u/pci/%08x", domid, sbdf);
}

/* The text may be damaged: use what can be read of it, and never leave trust on. */
static void restore(struct keel *k, uint32_t sbdf, const char *text)
{
	struct vf_settings before;
	struct keel_error why;
	char name[16];

	if (vf_settings_parse(&before, text, &why)) {
		guest_pci_text(sbdf, name);
		keel_warn(k, "not all settings of PCI function %s could be put back: %s", name, why.text);
		before.set |= VF_TRUST;		/* off, if it was not read */
	}
	vf_link_restore(k, sbdf, &before);
}

/* Restores the old settings, unless a guest uses them. Under the lock. */
static void put_back(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	char path[STORE_PATH_MAX], *text;

	kept_path(path, domid, sbdf);
	text = store_read(k, "%s", path);
	if (text && hyper_test_assign(k, DOMID_IO, sbdf) != -EBUSY)
		restore(k, sbdf, text);
	if (text)
		store_remove(k, "%s", path);
	free(text);
}

/*
 * A guest that has ended may have left settings that nobody restored yet: the next guest must not
 * record them as the old ones.
 */
static void put_back_leftovers(struct keel *k, uint32_t sbdf)
{
	unsigned int n;
	char **names = store_list(k, &n, "/tool/keel");

	for (unsigned int i = 0; names && i < n; i++)
		put_back(k, strtoul(names[i], NULL, 10), sbdf);
	free(names);
}

static void forget(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	char name[16];
	int rc = hyper_test_assign(k, domid, sbdf) == -EEXIST ? hyper_deassign(k, domid, sbdf) : 0;

	if (!rc) {
		put_back(k, domid, sbdf);
		return;
	}
	guest_pci_text(sbdf, name);
	keel_warn(k, "PCI function %s does not leave domain %u: %s", name, domid, strerror(-rc));
}

void pci_forget(struct keel *k, unsigned int domid)
{
	unsigned int n;
	char **names = store_list(k, &n, "/tool/keel/%u/pci", domid);
	sigset_t old;
	int lock = names && n ? begin(k, &old) : -1;

	if (lock < 0 && names && n)
		keel_warn(k, "settings of PCI functions stay as they are: %s", k->err.text);
	for (unsigned int i = 0; lock >= 0 && i < n; i++)
		forget(k, domid, strtoul(names[i], NULL, 16));
	if (lock >= 0)
		end(lock, &old, 0);
	free(names);
}

/* Sets the settings, and stores the old ones in xenstore. */
static int settings(struct keel *k, unsigned int domid, const struct guest_pci *p)
{
	char path[STORE_PATH_MAX], text[VF_SETTINGS_TEXT];
	struct vf_settings before;
	int rc = vf_link_apply(k, p->sbdf, &p->vf, &before);

	if (rc || !before.set)
		return rc;
	kept_path(path, domid, p->sbdf);
	vf_settings_text(&before, text);
	rc = store_write(k, path, "%s", text);
	if (rc)
		vf_link_restore(k, p->sbdf, &before);
	return rc;
}

/* Is the guest the reason, rather than the function? */
static bool for_the_guest(int rc)
{
	return rc == -EPERM || rc == -ENOSPC || rc == -EINPROGRESS;
}

static int guest_refused(struct keel *k, unsigned int domid, int rc)
{
	char room[GUEST_NAME_MAX + 1];
	struct pci_owners o;
	const char *guest;

	if (pci_owners_get(k, &o))
		return -k->err.code;
	guest = pci_owner_name(&o, domid, room, sizeof(room));
	pci_owners_free(&o);
	if (rc == -EINPROGRESS)
		return keel_fail(&k->err, EBUSY,
				 "%s is being migrated, and cannot have PCI functions meanwhile; attach it when "
				 "that is over", guest);
	if (rc == -ENOSPC)
		return keel_fail(&k->err, ENOSPC, "%s has %d PCI functions, and no more ports", guest,
				 GUEST_MAX_PCI);
	return keel_fail(&k->err, EPERM,
			 "%s cannot have PCI functions: its configuration needs passthrough = "
			 "\"enabled\", and it must be created again with that", guest);
}

static int assign(struct keel *k, unsigned int domid, const struct guest_pci *p, const char *name)
{
	int rc = hyper_assign(k, domid, p->sbdf);

	if (!rc)
		return 0;
	if (for_the_guest(rc))
		return guest_refused(k, domid, rc);
	return cannot_be_assigned(k, name, pci_reason(rc), "");
}

/* Both can have each other, as far as that shows in advance. */
static int attach(struct keel *k, unsigned int domid, const struct guest_pci *p)
{
	char name[16];
	int rc;

	guest_pci_text(p->sbdf, name);
	put_back_leftovers(k, p->sbdf);
	rc = settings(k, domid, p);
	if (!rc) {
		rc = assign(k, domid, p, name);
		if (rc)
			put_back(k, domid, p->sbdf);
	}
	return rc;
}

int pci_attach(struct keel *k, unsigned int domid, const struct guest_pci *p)
{
	sigset_t old;
	int lock = begin(k, &old);
	int rc, why;

	if (lock < 0)
		return lock;
	rc = pci_check(k, p->sbdf);
	/* Before its settings are changed. */
	why = rc ? 0 : hyper_test_assign(k, domid, p->sbdf);
	if (for_the_guest(why))
		rc = guest_refused(k, domid, why);
	if (!rc && !k->dry_run)
		rc = attach(k, domid, p);
	return end(lock, &old, rc);
}

static int detach(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	char name[16];
	int rc;

	if (!k->dry_run)
		rc = hyper_deassign(k, domid, sbdf);
	else
		rc = hyper_test_assign(k, domid, sbdf) == -EEXIST ? 0 : -ENODEV;
	guest_pci_text(sbdf, name);
	if (rc == -ENODEV)
		return keel_fail(&k->err, ENODEV, "domain %u has no PCI function %s", domid, name);
	if (rc)
		return keel_fail(&k->err, -rc, "PCI function %s does not leave domain %u: %s", name, domid,
				 strerror(-rc));
	if (!k->dry_run)
		put_back(k, domid, sbdf);
	return 0;
}

int pci_detach(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	sigset_t old;
	int lock = begin(k, &old);

	return lock < 0 ? lock : end(lock, &old, detach(k, domid, sbdf));
}
