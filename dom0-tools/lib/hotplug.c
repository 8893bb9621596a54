/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/hotplug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/device.h"

/* Whether the guest can be changed, as far as that shows in advance. */
static int check_guest(struct keel *k, const struct keel_domain *d)
{
	struct guest_config g;
	int rc;

	if (d->shutdown || d->dying)
		return keel_fail(&k->err, EINVAL, "%s does not run: it is %s", d->name,
				 keel_domain_state_name(d));
	rc = skeleton_need_config(k, d, &g);
	if (rc)
		return rc;
	guest_free(&g);
	return 0;
}

/* The lock is not held while a driver or a script works, so only for the change itself. */
static int change_config(struct keel *k, unsigned int domid, skeleton_change_fn *change, void *arg)
{
	int lock = keel_lock(k), rc;

	if (lock < 0)
		return lock;
	rc = skeleton_change(k, domid, change, arg);
	close(lock);
	return rc;
}

/* Whoever ended the guest meanwhile may have looked for its devices too early. */
static int end(struct keel *k, const struct keel_domain *d, int rc)
{
	struct keel_error before = k->err;
	struct keel_domain now;

	if (keel_domain_by_id(k, d->id, &now) == -ESRCH) {
		keel_domain_forget(k, d->id);
		return keel_fail(&k->err, ESRCH, "%s has ended meanwhile", d->name);
	}
	k->err = before;
	return rc;
}

static int room_for(struct keel *k, const char *name, const char *what, unsigned int n,
		    unsigned int max)
{
	if (n < max)
		return 0;
	return keel_fail(&k->err, ENOSPC, "%s has %u %s, and can have no more", name, n, what);
}

static int drop_disk(struct keel *k, struct guest_config *g, void *arg)
{
	for (unsigned int i = 0; i < g->disks; i++)
		if (g->disk[i].number == *(unsigned int *)arg) {
			free(g->disk[i].path);
			g->disks--;
			memmove(&g->disk[i], &g->disk[i + 1], (g->disks - i) * sizeof(g->disk[0]));
			g->disk[g->disks].path = NULL;
			break;
		}
	return 0;
}

static int drop_vif(struct keel *k, struct guest_config *g, void *arg)
{
	for (unsigned int i = 0; i < g->vifs; i++)
		if (g->vif[i].devid == *(unsigned int *)arg) {
			g->vifs--;
			memmove(&g->vif[i], &g->vif[i + 1], (g->vifs - i) * sizeof(g->vif[0]));
			break;
		}
	return 0;
}

/*
 * A stored device of the same number is gone already: another toolstack took it, or a detachment
 * was cut short. Two of one number would keep the guest from being started again.
 */
static int add_disk(struct keel *k, struct guest_config *g, void *arg)
{
	const struct guest_disk *disk = arg;
	unsigned int number = disk->number;
	char *path = NULL;
	int rc;

	drop_disk(k, g, &number);
	rc = room_for(k, g->name, "disks", g->disks, GUEST_MAX_DISKS);
	if (!rc)
		path = strdup(disk->path);
	if (!path)
		return rc ? rc : keel_fail(&k->err, ENOMEM, "no memory");
	g->disk[g->disks] = *disk;
	g->disk[g->disks++].path = path;
	return 0;
}

static int add_vif(struct keel *k, struct guest_config *g, void *arg)
{
	struct guest_vif *vif = arg;
	int rc;

	drop_vif(k, g, &vif->devid);
	rc = room_for(k, g->name, "interfaces", g->vifs, GUEST_MAX_VIFS);
	if (!rc)
		g->vif[g->vifs++] = *vif;
	return rc;
}

int hotplug_disk(struct keel *k, const struct keel_domain *d, const struct guest_disk *disk)
{
	sigset_t old;
	int rc;

	keel_hold_signals(&old);
	rc = check_guest(k, d);
	if (!rc && k->dry_run) {
		rc = disk_check(k, disk);
	} else if (!rc) {
		rc = disk_attach(k, d->id, disk);
		if (!rc) {
			rc = change_config(k, d->id, add_disk, (void *)disk);
			if (rc)
				device_drop(k, "vbd", d->id, disk->number);
		}
		rc = end(k, d, rc);
	}
	keel_release_signals(&old);
	return rc;
}

int hotplug_vif(struct keel *k, const struct keel_domain *d, struct guest_vif *vif)
{
	sigset_t old;
	int rc;

	keel_hold_signals(&old);
	rc = check_guest(k, d);
	if (!rc && k->dry_run) {
		rc = vif_check(k, vif);
	} else if (!rc) {
		rc = vif_attach(k, d->id, vif);
		if (!rc) {
			rc = change_config(k, d->id, add_vif, vif);
			if (rc)
				device_drop(k, "vif", d->id, vif->devid);
		}
		rc = end(k, d, rc);
	}
	keel_release_signals(&old);
	return rc;
}

int hotplug_remove(struct keel *k, const struct keel_domain *d, const char *type,
		   unsigned int number, bool force)
{
	sigset_t old;
	int rc;

	keel_hold_signals(&old);
	rc = check_guest(k, d);
	if (!rc)
		rc = device_detach(k, type, d->id, number, force);
	if (!k->dry_run && (!rc || rc == -EBUSY)) {
		struct keel_error before = k->err;
		int changed = change_config(k, d->id, strcmp(type, "vif") ? drop_disk : drop_vif, &number);

		if (changed)
			rc = changed;
		else
			k->err = before;
	}
	keel_release_signals(&old);
	return rc;
}

int hotplug_resize(struct keel *k, const struct keel_domain *d, unsigned int number,
		   uint64_t *size)
{
	sigset_t old;
	int rc;

	keel_hold_signals(&old);
	rc = check_guest(k, d);
	if (!rc)
		rc = disk_resize(k, d->id, number, size);
	keel_release_signals(&old);
	return rc;
}
