/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_POOL_H
#define KEEL_LIB_POOL_H

#include "lib/guest.h"
#include "lib/keel.h"

/* A CPU pool. */
struct pool {
	unsigned int id, scheduler, domains;
	char name[GUEST_NAME_MAX + 1];
	struct guest_cpus cpus;
};

#define POOL_NO_ID ~0u		/* it is not made yet */

/* All pools, by id: an array to free; returns how many. */
int pool_list(struct keel *k, struct pool **out);
/* @who is a name, or an id. -ENOENT if there is none. */
int pool_find(struct keel *k, const char *who, struct pool *p);
void pool_name(struct keel *k, unsigned int id, char out[GUEST_NAME_MAX + 1]);
/* The CPUs that are in no pool. */
int pool_free_cpus(struct keel *k, struct guest_cpus *cpus);
const char *pool_scheduler_name(unsigned int scheduler);

/*
 * These change pools, or with k->dry_run only check whether they could; the lock is held. A failure
 * leaves all as it was: CPUs of a list come or go together. An empty list for a new pool is the
 * first CPU that is free.
 */
int pool_create(struct keel *k, struct pool *p);
int pool_destroy(struct keel *k, const struct pool *p);
int pool_rename(struct keel *k, struct pool *p, const char *name);
int pool_add(struct keel *k, const struct pool *p, const struct guest_cpus *cpus);
int pool_remove(struct keel *k, const struct pool *p, const struct guest_cpus *cpus);
int pool_move(struct keel *k, const struct pool *p, unsigned int domid);

#endif
