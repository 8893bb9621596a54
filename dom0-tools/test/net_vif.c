/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What keel does with an interface of a guest, for test/network/run, whose guests are network
 * namespaces: net-vif add NETWORK DOMID INTERFACE MAC GUEST [IP]; net-vif remove DOMID.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/link.h"
#include "lib/net.h"

static int add(struct keel *k, char **argv, const char *ip)
{
	struct guest_vif v = { 0 };
	unsigned int domid = atoi(argv[1]);
	int rc;

	snprintf(v.network, sizeof(v.network), "%s", argv[0]);
	snprintf(v.ip, sizeof(v.ip), "%s", ip);
	if (guest_mac_parse(argv[3], v.mac))
		return keel_fail(&k->err, 22, "no MAC address");
	rc = net_vif_resolve(k, &v);
	if (!rc)
		rc = net_vif_add(k, &v, domid, argv[2], argv[4]);
	if (!rc && (link_set_master(argv[2], v.bridge) || link_up(argv[2]))) {
		net_vif_remove(k, domid, 0);
		rc = keel_fail(&k->err, 5, "%s does not join %s", argv[2], v.bridge);
	}
	return rc;
}

int main(int argc, char **argv)
{
	static struct keel k;

	if (argc > 6 && !strcmp(argv[1], "add")) {
		if (!add(&k, argv + 2, argc > 7 ? argv[7] : ""))
			return 0;
		fprintf(stderr, "net-vif: %s\n", k.err.text);
		return 1;
	}
	if (argc < 3 || strcmp(argv[1], "remove"))
		return 2;
	net_vif_remove(&k, atoi(argv[2]), 0);
	return 0;
}
