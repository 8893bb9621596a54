/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_HOTPLUG_H
#define KEEL_LIB_HOTPLUG_H

#include "lib/domain.h"

/*
 * Disks and interfaces of a guest that runs. What is stored of the guest follows, so that it has
 * them, or has them no more, when keeld starts it again; its file is left alone. Guests of other
 * toolstacks are refused, since theirs is stored elsewhere. Without a lock. A dry run
 * checks what can be checked in advance.
 */

/* A failure leaves nothing. */
int hotplug_disk(struct keel *k, const struct keel_domain *d, const struct guest_disk *disk);
/* Fills in the address and the number that @vif leaves open. */
int hotplug_vif(struct keel *k, const struct keel_domain *d, struct guest_vif *vif);
/* @type: vbd or vif. Asks the guest to close it, or with @force does not. */
int hotplug_remove(struct keel *k, const struct keel_domain *d, const char *type,
		   unsigned int number, bool force);

/* See disk_resize(). What is stored does not change. */
int hotplug_resize(struct keel *k, const struct keel_domain *d, unsigned int number,
		   uint64_t *size);

#endif
