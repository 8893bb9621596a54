/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls on the machine's nodes. */
#include "lib/hyper.h"

#include <errno.h>

/* What both calls fill in. */
struct answer {
	struct xen_sysctl_meminfo memory[GUEST_MAX_NODES];
	uint32_t distance[GUEST_MAX_NODES * GUEST_MAX_NODES];
	struct xen_sysctl_cputopo cpu[GUEST_MAX_CPUS];
};

static int ask(struct keel *k, struct answer *a, struct guest_nodes *nodes)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_numainfo }, t = { .cmd = XEN_SYSCTL_cputopoinfo };
	int rc;

	s.u.numainfo.num_nodes = GUEST_MAX_NODES;
	SET_HANDLE(s.u.numainfo.meminfo, a->memory);
	SET_HANDLE(s.u.numainfo.distance, a->distance);
	rc = hyper_sysctl(k, &s);
	if (rc)
		return rc;
	t.u.cputopoinfo.num_cpus = GUEST_MAX_CPUS;
	SET_HANDLE(t.u.cputopoinfo.cputopo, a->cpu);
	rc = hyper_sysctl(k, &t);
	if (rc)
		return rc;
	if (s.u.numainfo.num_nodes > GUEST_MAX_NODES || t.u.cputopoinfo.num_cpus > GUEST_MAX_CPUS)
		return -EOVERFLOW;
	nodes->n = s.u.numainfo.num_nodes;
	for (unsigned int i = 0; i < nodes->n; i++) {
		/* A number without a node has no size (XEN_INVALID_MEM_SZ). */
		if (a->memory[i].memsize == ~0ULL)
			continue;
		nodes->node[i].size = a->memory[i].memsize;
		nodes->node[i].free = a->memory[i].memfree;
		for (unsigned int j = 0; j < nodes->n; j++)
			nodes->node[i].distance[j] = a->distance[i * nodes->n + j];
	}
	for (unsigned int i = 0; i < t.u.cputopoinfo.num_cpus; i++)
		if (a->cpu[i].node < nodes->n)
			nodes->node[a->cpu[i].node].cpus.bits[i / 8] |= 1 << i % 8;
	return 0;
}

int hyper_nodes(struct keel *k, struct guest_nodes *nodes)
{
	struct answer *a = hyper_buffer(k, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	memset(nodes, 0, sizeof(*nodes));
	rc = ask(k, a, nodes);
	hyper_buffer_free(k, a);
	return rc;
}

int hyper_set_nodes(struct keel *k, unsigned int domid, uint64_t nodes)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_setnodeaffinity, .domain = domid };
	uint64_t *buf = hyper_buffer(k, sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	*buf = nodes;
	d.u.nodeaffinity.nodemap.nr_bits = GUEST_MAX_NODES;
	SET_HANDLE(d.u.nodeaffinity.nodemap.bitmap, buf);
	rc = hyper_domctl(k, &d);
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_parse_cpus(struct keel *k, struct guest_cpus *cpus, const char *list)
{
	struct guest_nodes nodes;
	int rc;

	if (!strstr(list, "node"))
		return guest_parse_cpus(cpus, list, NULL, &k->err);
	rc = hyper_nodes(k, &nodes);
	if (rc)
		return keel_fail(&k->err, -rc, "cannot ask for the machine's nodes: %s", strerror(-rc));
	return guest_parse_cpus(cpus, list, &nodes, &k->err);
}
