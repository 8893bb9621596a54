/* SPDX-License-Identifier: GPL-2.0-only */
/* On which nodes of the machine a guest starts. */
#include "lib/placement.h"

#include <errno.h>
#include <string.h>

#include "lib/hyper.h"

static unsigned int count_both(const struct guest_cpus *a, const struct guest_cpus *b)
{
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(a->bits); i++)
		n += __builtin_popcount(a->bits[i] & b->bits[i]);
	return n;
}

/* What some nodes have together. */
struct room {
	uint64_t nodes, free;
	unsigned int cpus, load, far;	/* how far they are from the first one, added up */
};

static void take(struct room *r, const struct guest_nodes *nodes, const struct guest_cpus *cpus,
		 const unsigned int *load, unsigned int n)
{
	r->nodes |= 1ULL << n;
	r->free += nodes->node[n].free;
	r->cpus += count_both(&nodes->node[n].cpus, cpus);
	r->load += load[n];
}

/* The node nearest to @from of those that are not in @r; nodes->n: there is none. */
static unsigned int nearest(const struct guest_nodes *nodes, const struct room *r,
			    unsigned int from)
{
	unsigned int best = nodes->n;

	for (unsigned int i = 0; i < nodes->n; i++)
		if (!(r->nodes >> i & 1) &&
		    (best == nodes->n || nodes->node[from].distance[i] < nodes->node[from].distance[best]))
			best = i;
	return best;
}

static bool better(const struct room *a, const struct room *b)
{
	unsigned int na = __builtin_popcountll(a->nodes), nb = __builtin_popcountll(b->nodes);
	uint64_t la = (uint64_t)a->load * b->cpus, lb = (uint64_t)b->load * a->cpus;

	if (!nb || na != nb)
		return !nb || na < nb;
	if (a->far != b->far)
		return a->far < b->far;
	return la != lb ? la < lb : a->free > b->free;
}

uint64_t placement_choose(const struct guest_nodes *nodes, const struct guest_cpus *cpus,
			  const unsigned int *load, unsigned int vcpus, uint64_t bytes)
{
	struct room best = { 0 };

	for (unsigned int i = 0; i < nodes->n; i++) {
		struct room r = { 0 };
		unsigned int next = i;

		do {
			take(&r, nodes, cpus, load, next);
			r.far += nodes->node[i].distance[next];
			next = nearest(nodes, &r, i);
		} while ((r.free < bytes || r.cpus < vcpus) && next < nodes->n);
		if (r.free >= bytes && r.cpus >= vcpus && next < nodes->n && better(&r, &best))
			best = r;
	}
	return best.nodes;
}

/* The vCPUs of one domain count where they prefer to run; those that run anywhere, nowhere. */
static void add_load(struct keel *k, const struct xen_domctl_getdomaininfo *d,
		     const struct guest_nodes *nodes, unsigned int *load)
{
	struct guest_cpus hard, soft;

	for (unsigned int v = 0; !hyper_get_affinity(k, d->domain, v, &hard, &soft); v++) {
		uint64_t on = 0;

		for (size_t i = 0; i < sizeof(hard.bits); i++)
			hard.bits[i] &= soft.bits[i];
		for (unsigned int n = 0; n < nodes->n; n++)
			if (count_both(&hard, &nodes->node[n].cpus))
				on |= 1ULL << n;
		if (on != ~0ULL >> (GUEST_MAX_NODES - nodes->n))
			for (unsigned int n = 0; n < nodes->n; n++)
				load[n] += on >> n & 1;
	}
}

static int count_load(struct keel *k, unsigned int self, const struct guest_nodes *nodes,
		      unsigned int *load)
{
	struct xen_domctl_getdomaininfo d[32];
	unsigned int first = 0;
	int n;

	while ((n = hyper_list(k, first, d, 32)) > 0) {
		for (int i = 0; i < n; i++)
			if (d[i].domain != self)
				add_load(k, &d[i], nodes, load);
		first = d[n - 1].domain + 1;
	}
	return n;
}

/* The CPUs of the domain's pool. */
static int pool_cpus(struct keel *k, unsigned int domid, struct guest_cpus *cpus)
{
	struct xen_domctl_getdomaininfo d;
	struct hyper_pool p;
	int rc = hyper_domain_info(k, domid, &d);

	if (rc)
		return rc;
	p.id = d.cpupool;
	rc = hyper_pool_info(k, &p);
	*cpus = p.cpus;
	return rc;
}

static int move_in(struct keel *k, unsigned int domid, const struct guest_config *g,
		   const struct guest_nodes *nodes, uint64_t chosen, const struct guest_cpus *pool)
{
	struct guest_cpus near = { 0 };
	int rc = hyper_set_nodes(k, domid, chosen);

	for (unsigned int n = 0; n < nodes->n; n++)
		for (size_t i = 0; chosen >> n & 1 && i < sizeof(near.bits); i++)
			near.bits[i] |= nodes->node[n].cpus.bits[i] & pool->bits[i];
	for (unsigned int i = 0; i < g->maxvcpus && !rc; i++)
		rc = hyper_set_affinity(k, domid, i, NULL, &near);
	return rc;
}

int placement_set(struct keel *k, unsigned int domid, const struct guest_config *g)
{
	unsigned int load[GUEST_MAX_NODES] = { 0 };
	struct guest_nodes nodes;
	struct guest_cpus cpus;
	uint64_t chosen = 0;
	int rc;

	if (g->cpus.n || g->cpus_soft.n)
		return 0;
	rc = hyper_nodes(k, &nodes);
	if (rc || nodes.n < 2)
		return 0;	/* a hypervisor that does not tell them places guests itself */
	rc = pool_cpus(k, domid, &cpus);
	if (!rc)
		rc = count_load(k, domid, &nodes, load);
	if (!rc)
		chosen = placement_choose(&nodes, &cpus, load, g->maxvcpus, g->memory_mib << 20);
	if (chosen)
		rc = move_in(k, domid, g, &nodes, chosen, &cpus);
	return rc ? keel_fail(&k->err, -rc, "the hypervisor does not place domain %u on a node: %s", domid,
			      strerror(-rc)) : 0;
}
