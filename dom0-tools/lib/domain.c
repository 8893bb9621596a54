/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/domain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"
#include "lib/store.h"

/* xen_domctl_getdomaininfo.flags. */
#define FLAG_DYING	(1u << 0)
#define FLAG_SHUTDOWN	(1u << 2)
#define FLAG_PAUSED	(1u << 3)
#define FLAG_BLOCKED	(1u << 4)
#define FLAG_RUNNING	(1u << 5)
#define FLAG_REASON(f)	((f) >> 16 & 0xff)

static void fill(struct keel *k, const struct xen_domctl_getdomaininfo *i, struct keel_domain *d)
{
	char *name;

	*d = (struct keel_domain){
		.id = i->domain,
		.memory_kib = i->tot_pages << 2,
		.max_memory_kib = i->max_pages << 2,
		.claimed_kib = i->outstanding_pages << 2,
		.vcpus = i->nr_online_vcpus,
		.max_vcpus = i->max_vcpu_id + 1,
		.pool = i->cpupool,
		.cpu_time_ns = i->cpu_time,
		.dying = i->flags & FLAG_DYING,
		.shutdown = i->flags & FLAG_SHUTDOWN,
		.paused = i->flags & FLAG_PAUSED,
		.blocked = i->flags & FLAG_BLOCKED,
		.running = i->flags & FLAG_RUNNING,
		.shutdown_reason = FLAG_REASON(i->flags),
	};
	memcpy(d->uuid, &i->handle, sizeof(d->uuid));
	name = k->xs ? store_read(k, "/local/domain/%u/name", d->id) : NULL;
	if (name)
		snprintf(d->name, sizeof(d->name), "%s", name);
	else if (!d->id)
		strcpy(d->name, "Domain-0");
	free(name);
}

/* A hypercall's worth of domains: fewer than BATCH are the last. */
#define BATCH 64

static int list_from(struct keel *k, unsigned int first, struct xen_domctl_getdomaininfo *info)
{
	int n = hyper_list(k, first, info, BATCH);

	return n < 0 ? keel_fail(&k->err, -n, "cannot list the domains: %s", strerror(-n)) : n;
}

int keel_domain_list(struct keel *k, struct keel_domain **out)
{
	struct xen_domctl_getdomaininfo info[BATCH];
	struct keel_domain *all = NULL, *grown;
	unsigned int first = 0;
	int total = 0, n;

	do {
		n = list_from(k, first, info);
		if (n < 0) {
			free(all);
			return n;
		}
		grown = realloc(all, (total + n + 1) * sizeof(*all));
		if (!grown) {
			free(all);
			return keel_fail(&k->err, ENOMEM, "no memory");
		}
		all = grown;
		for (int i = 0; i < n; i++)
			fill(k, &info[i], &all[total++]);
		if (n)
			first = info[n - 1].domain + 1;
	} while (n == BATCH);
	*out = all;
	return total;
}

int keel_domain_by_id(struct keel *k, unsigned int id, struct keel_domain *d)
{
	struct xen_domctl_getdomaininfo info;
	int rc = hyper_domain_info(k, id, &info);

	if (rc == -ESRCH || rc == -EINVAL)
		return keel_fail(&k->err, ESRCH, "there is no domain with id %u", id);
	if (rc)
		return keel_fail(&k->err, -rc, "cannot ask for domain %u: %s", id, strerror(-rc));
	fill(k, &info, d);
	return 0;
}

int keel_domain_find(struct keel *k, const char *who, struct keel_domain *d)
{
	struct keel_domain *all;
	char *end;
	unsigned long id = strtoul(who, &end, 10);
	int n, rc;

	if (*who && !*end && *who >= '0' && *who <= '9') {
		if (id >= DOMID_FIRST_RESERVED)
			return keel_fail(&k->err, ESRCH, "there is no domain with id %s", who);
		return keel_domain_by_id(k, id, d);
	}
	n = keel_domain_list(k, &all);
	if (n < 0)
		return n;
	rc = keel_fail(&k->err, ESRCH, "there is no domain named '%s' (`keel list` shows all)", who);
	for (int i = 0; i < n; i++)
		if (!strcmp(all[i].name, who)) {
			*d = all[i];
			rc = 0;
			break;
		}
	free(all);
	return rc;
}

/* Only the name of the one that is found is read: there may be a thousand. */
int keel_domain_by_uuid(struct keel *k, const unsigned char uuid[16], struct keel_domain *d)
{
	struct xen_domctl_getdomaininfo info[BATCH];
	unsigned int first = 0;
	int n;

	do {
		n = list_from(k, first, info);
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			if (info[i].flags & FLAG_DYING || memcmp(&info[i].handle, uuid, sizeof(d->uuid)))
				continue;
			fill(k, &info[i], d);
			return 0;
		}
		if (n)
			first = info[n - 1].domain + 1;
	} while (n == BATCH);
	return keel_fail(&k->err, ESRCH, "no domain has this UUID");
}

int keel_domain_find_guest(struct keel *k, const char *who, struct keel_domain *d)
{
	int rc = keel_domain_find(k, who, d);

	if (!rc && !d->id)
		return keel_fail(&k->err, EINVAL, "%s is Dom0, which this cannot be done to", who);
	return rc;
}
