/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU pools. The hypervisor knows their numbers; their names are in xenstore, as xl writes them. */
#include "lib/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"
#include "lib/store.h"

static const char *const schedulers[] = { "credit", "credit2", "arinc653", "rtds", "null" };

const char *pool_scheduler_name(unsigned int id)
{
	return id >= 5 && id <= 9 ? schedulers[id - 5] : "unknown";
}

void pool_name(struct keel *k, unsigned int id, char out[GUEST_NAME_MAX + 1])
{
	char *name = store_read(k, "/local/pool/%u/name", id);

	if (name)
		snprintf(out, GUEST_NAME_MAX + 1, "%s", name);
	else
		snprintf(out, GUEST_NAME_MAX + 1, "Pool-%u", id);	/* what libxl calls it */
	free(name);
}

static void fill(struct keel *k, const struct hyper_pool *h, struct pool *p)
{
	*p = (struct pool){ .id = h->id, .scheduler = h->scheduler, .domains = h->domains,
			    .cpus = h->cpus };
	pool_name(k, h->id, p->name);
}

int pool_list(struct keel *k, struct pool **out)
{
	struct hyper_pool h = { .id = 0 };
	struct pool *all = NULL, *grown;
	int n = 0, rc;

	while (!(rc = hyper_pool_info(k, &h))) {
		grown = realloc(all, (n + 1) * sizeof(*all));
		if (!grown) {
			rc = -ENOMEM;
			break;
		}
		all = grown;
		fill(k, &h, &all[n++]);
		h.id++;
	}
	if (rc == -ENOENT) {	/* no more */
		*out = all;
		return n;
	}
	free(all);
	return keel_fail(&k->err, -rc, "cannot list the CPU pools: %s", strerror(-rc));
}

int pool_find(struct keel *k, const char *who, struct pool *p)
{
	bool number = *who && strspn(who, "0123456789") == strlen(who);
	struct pool *all;
	int n = pool_list(k, &all), rc;

	if (n < 0)
		return n;
	rc = keel_fail(&k->err, ENOENT, "there is no CPU pool '%s' (`keel cpupool-list` shows all)", who);
	for (int i = 0; i < n && rc; i++)
		if (number ? strtoul(who, NULL, 10) == all[i].id : !strcmp(who, all[i].name)) {
			*p = all[i];
			rc = 0;
		}
	free(all);
	return rc;
}

int pool_free_cpus(struct keel *k, struct guest_cpus *cpus)
{
	int rc = hyper_pool_free(k, cpus);

	return rc ? keel_fail(&k->err, -rc, "cannot ask for the free CPUs: %s", strerror(-rc)) : 0;
}

static bool has(const struct guest_cpus *c, unsigned int i)
{
	return c->bits[i / 8] >> i % 8 & 1;
}

/* The first CPU of @wanted that @there lacks; GUEST_MAX_CPUS: it has all of them. */
static unsigned int first_missing(const struct guest_cpus *wanted, const struct guest_cpus *there)
{
	unsigned int i = 0;

	while (i < GUEST_MAX_CPUS && (!has(wanted, i) || has(there, i)))
		i++;
	return i;
}

static int change(struct keel *k, const struct pool *p, unsigned int op, unsigned int cpu)
{
	int rc = hyper_pool_change(k, op, p->id, cpu);

	if (rc == -EBUSY)
		return keel_fail(&k->err, EBUSY, "CPU %u is the last of pool %s, which has domains; move them first "
				 "(`keel cpupool-migrate`)", cpu, p->name);
	if (rc)
		return keel_fail(&k->err, -rc, "CPU %u cannot %s pool %s: %s", cpu,
				 op == XEN_SYSCTL_CPUPOOL_OP_ADDCPU ? "join" : "leave", p->name, strerror(-rc));
	return 0;
}

/* All of the list, or none: what was done before a failure is undone by the opposite. */
static int change_all(struct keel *k, const struct pool *p, unsigned int op, unsigned int undo,
		      const struct guest_cpus *cpus)
{
	unsigned int cpu;
	int rc = 0;

	if (k->dry_run)
		return 0;
	for (cpu = 0; cpu < GUEST_MAX_CPUS && !rc; cpu++)
		if (has(cpus, cpu))
			rc = change(k, p, op, cpu);
	if (rc)
		for (cpu--; cpu--;)
			if (has(cpus, cpu))
				hyper_pool_change(k, undo, p->id, cpu);
	return rc;
}

int pool_add(struct keel *k, const struct pool *p, const struct guest_cpus *cpus)
{
	struct guest_cpus free_ones;
	int rc = pool_free_cpus(k, &free_ones);
	unsigned int cpu = first_missing(cpus, &free_ones);

	if (rc)
		return rc;
	if (cpu < GUEST_MAX_CPUS)
		return keel_fail(&k->err, EBUSY, "CPU %u is not free: it is in a pool, from which `keel "
				 "cpupool-cpu-remove` takes it, or the machine does not have it", cpu);
	return change_all(k, p, XEN_SYSCTL_CPUPOOL_OP_ADDCPU, XEN_SYSCTL_CPUPOOL_OP_RMCPU, cpus);
}

int pool_remove(struct keel *k, const struct pool *p, const struct guest_cpus *cpus)
{
	unsigned int cpu = first_missing(cpus, &p->cpus);

	if (cpu < GUEST_MAX_CPUS)
		return keel_fail(&k->err, ENODEV, "CPU %u is not in pool %s", cpu, p->name);
	return change_all(k, p, XEN_SYSCTL_CPUPOOL_OP_RMCPU, XEN_SYSCTL_CPUPOOL_OP_ADDCPU, cpus);
}

static int name_free(struct keel *k, const char *name)
{
	struct pool other;
	int rc = guest_name_check(name, &k->err);

	if (rc)
		return rc;
	rc = pool_find(k, name, &other);
	if (!rc)
		rc = keel_fail(&k->err, EEXIST, "the name '%s' is taken by CPU pool %u", name, other.id);
	return rc == -ENOENT ? 0 : rc;
}

/* libxl wants a UUID there, too. */
static int write_names(struct keel *k, const struct pool *p)
{
	unsigned char uuid[16];
	char path[STORE_PATH_MAX], text[37];
	int rc;

	if (guest_uuid_make(uuid, &k->err))
		return -k->err.code;
	guest_uuid_text(uuid, text);
	snprintf(path, sizeof(path), "/local/pool/%u/uuid", p->id);
	rc = store_write(k, path, "%s", text);
	snprintf(path, sizeof(path), "/local/pool/%u/name", p->id);
	return rc ? rc : store_write(k, path, "%s", p->name);
}

static int take_one(struct keel *k, struct guest_cpus *cpus)
{
	static const struct guest_cpus none;
	struct guest_cpus free_ones;
	int rc;

	if (memcmp(cpus, &none, sizeof(none)))
		return 0;
	rc = pool_free_cpus(k, &free_ones);
	for (unsigned int i = 0; !rc && i < GUEST_MAX_CPUS; i++)
		if (has(&free_ones, i)) {
			cpus->bits[i / 8] = 1u << i % 8;
			return 0;
		}
	if (!rc)
		rc = keel_fail(&k->err, EBUSY,
			       "no CPU is free; `keel cpupool-cpu-remove` takes one from a pool");
	return rc;
}

int pool_create(struct keel *k, struct pool *p)
{
	struct keel_error why;
	int rc = name_free(k, p->name);

	if (!rc)
		rc = take_one(k, &p->cpus);
	if (rc || k->dry_run)
		return rc ? rc : pool_add(k, p, &p->cpus);
	rc = hyper_pool_create(k, p->scheduler, &p->id);
	if (rc)
		return keel_fail(&k->err, -rc, "the hypervisor makes no CPU pool: %s", strerror(-rc));
	rc = pool_add(k, p, &p->cpus);
	if (!rc)
		rc = write_names(k, p);
	if (rc) {
		why = k->err;
		pool_destroy(k, p);
		k->err = why;
	}
	return rc;
}

int pool_destroy(struct keel *k, const struct pool *p)
{
	struct pool now;
	char id[12];
	int rc;

	snprintf(id, sizeof(id), "%u", p->id);
	rc = pool_find(k, id, &now);
	if (rc)
		return rc;
	if (now.domains)
		return keel_fail(&k->err, EBUSY, "CPU pool %s has %u domains; move them first (`keel "
				 "cpupool-migrate`)", p->name, now.domains);
	rc = pool_remove(k, &now, &now.cpus);
	if (rc || k->dry_run)
		return rc;
	rc = hyper_pool_change(k, XEN_SYSCTL_CPUPOOL_OP_DESTROY, p->id, 0);
	if (rc)
		return keel_fail(&k->err, -rc, "CPU pool %s cannot be destroyed: %s", p->name, strerror(-rc));
	store_remove(k, "/local/pool/%u", p->id);
	return 0;
}

int pool_rename(struct keel *k, struct pool *p, const char *name)
{
	char path[STORE_PATH_MAX];
	int rc = name_free(k, name);

	if (rc || k->dry_run)
		return rc;
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(path, sizeof(path), "/local/pool/%u/name", p->id);
	return store_write(k, path, "%s", name);
}

int pool_move(struct keel *k, const struct pool *p, unsigned int domid)
{
	static const struct guest_cpus none;
	int rc;

	if (!k->dry_run)
		rc = hyper_pool_change(k, XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, p->id, domid);
	else
		rc = memcmp(&p->cpus, &none, sizeof(none)) ? 0 : -ENOENT;
	if (rc == -ENOENT)
		return keel_fail(&k->err, ENOENT,
				 "CPU pool %s has no CPUs; `keel cpupool-cpu-add` gives it some", p->name);
	return rc ? keel_fail(&k->err, -rc, "domain %u cannot move to CPU pool %s: %s", domid, p->name,
			      strerror(-rc)) : 0;
}
