/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot configuration's event channels and grants: references from one domain's node to another.
 */
#include <libfdt.h>

#include "common/bootcfg_internal.h"
#include "common/lib.h"

#define EVTCHN_MAX_PORT		4095u		/* 2-level channels */
#define GRANT_MIN_REF		2u		/* 0 and 1: console and xenstore */
#define GRANT_MAX_REF		511u		/* the first frame of the table */

#define link_error(p, d, node, fmt, ...) \
	bootcfg_error(p, "%s/%s: " fmt, (d)->name, bootcfg_node_name(p, node), ##__VA_ARGS__)

static int domain_of_node(const struct bootcfg_parser *p, int node)
{
	u32 i;

	for (i = 0; i < p->cfg->nr_domains; i++)
		if (p->nodes[i] == node)
			return i;
	return -1;
}

/* Exactly two cells: a number and a phandle. */
static int get_pair(struct bootcfg_parser *p, int node, const char *prop, u32 *number, u32 *phandle)
{
	int len;
	const fdt32_t *cell = fdt_getprop(p->fdt, node, prop, &len);

	if (!cell || len != 8)
		return node_error(p, node, "%s wants two cells, a number and a reference", prop);
	*number = fdt32_to_cpu(cell[0]);
	*phandle = fdt32_to_cpu(cell[1]);
	return 0;
}

static int parse_evtchn(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	static const char *const known[] = { "xen,evtchn", NULL };
	struct bootcfg_evtchn *e = &d->evtchns[d->nr_evtchns];
	u32 i, link, back;
	int other, peer;

	if (d->nr_evtchns == BOOTCFG_MAX_EVTCHNS)
		return bootcfg_error(p, "%s: more than %d event channels", d->name, BOOTCFG_MAX_EVTCHNS);
	if (bootcfg_known(p, node, known) || get_pair(p, node, "xen,evtchn", &e->port, &link))
		return -1;
	if (!e->port || e->port > EVTCHN_MAX_PORT)
		return link_error(p, d, node, "port %u is not in 1..%u", e->port, EVTCHN_MAX_PORT);
	for (i = 0; i < d->nr_evtchns; i++)
		if (d->evtchns[i].port == e->port)
			return link_error(p, d, node, "port %u is taken", e->port);
	other = fdt_node_offset_by_phandle(p->fdt, link);
	if (other < 0 || other == node || fdt_node_check_compatible(p->fdt, other, "xen,evtchn-v1"))
		return link_error(p, d, node, "xen,evtchn leads to no other event channel (phandle %u)", link);
	peer = domain_of_node(p, fdt_parent_offset(p->fdt, other));
	if (peer < 0)
		return link_error(p, d, node, "xen,evtchn leads to an event channel outside all domains");
	if (get_pair(p, other, "xen,evtchn", &e->peer_port, &back))
		return -1;
	if (!back || back != fdt_get_phandle(p->fdt, node))
		return link_error(p, d, node, "the other end, %s/%s, leads elsewhere", p->cfg->domains[peer].name,
				  bootcfg_node_name(p, other));
	e->peer = peer;
	d->nr_evtchns++;
	return 0;
}

static int parse_grant(struct bootcfg_parser *p, int node, struct bootcfg_domain *d)
{
	static const char *const known[] = { "keel,grant", "keel,address", "read-only", NULL };
	struct bootcfg_grant *g = &d->grants[d->nr_grants];
	u32 i, link;
	int peer;

	if (d->nr_grants == BOOTCFG_MAX_GRANTS)
		return bootcfg_error(p, "%s: more than %d grants", d->name, BOOTCFG_MAX_GRANTS);
	memset(g, 0, sizeof(*g));
	if (bootcfg_known(p, node, known) ||
	    get_pair(p, node, "keel,grant", &g->ref, &link) ||
	    bootcfg_number(p, node, "keel,address", UINT64_MAX, &g->gpa) < 0)
		return -1;
	if (g->ref < GRANT_MIN_REF || g->ref > GRANT_MAX_REF)
		return link_error(p, d, node, "grant reference %u is not in %u..%u", g->ref, GRANT_MIN_REF,
				  GRANT_MAX_REF);
	for (i = 0; i < d->nr_grants; i++)
		if (d->grants[i].ref == g->ref)
			return link_error(p, d, node, "grant reference %u is taken", g->ref);
	if (g->gpa % PAGE_SIZE || g->gpa / 1024 >= d->memory_kb + !d->memory_kb * MEMORY_MAX_KB)
		return link_error(p, d, node, "keel,address = 0x%lx is not the address of a page of its memory",
				  g->gpa);
	peer = domain_of_node(p, fdt_node_offset_by_phandle(p->fdt, link));
	if (peer < 0)
		return link_error(p, d, node, "keel,grant leads to no domain (phandle %u)", link);
	g->peer = peer;
	g->readonly = fdt_getprop(p->fdt, node, "read-only", NULL) != NULL;
	d->nr_grants++;
	return 0;
}

int bootcfg_links(struct bootcfg_parser *p)
{
	u32 i;
	int sub, rc;

	for (i = 0; i < p->cfg->nr_domains; i++) {
		struct bootcfg_domain *d = &p->cfg->domains[i];

		fdt_for_each_subnode(sub, p->fdt, p->nodes[i]) {
			rc = 0;
			if (!fdt_node_check_compatible(p->fdt, sub, "xen,evtchn-v1"))
				rc = parse_evtchn(p, sub, d);
			else if (!fdt_node_check_compatible(p->fdt, sub, "keel,grant-v1"))
				rc = parse_grant(p, sub, d);
			if (rc)
				return -1;
		}
	}
	return 0;
}
