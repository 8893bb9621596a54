/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NET_RULES_H
#define KEEL_LIB_NET_RULES_H

#include <stdio.h>

#include "lib/net_define.h"

/* A guest's interface in a network, and what the guest may send from. */
struct net_vif {
	unsigned int domid, devid;
	char interface[16];		/* in Dom0 */
	unsigned char mac[6];
	bool has_v4, has_v6;
	unsigned char v4[4], v6[16];
	char host[64];			/* the guest's name as DNS has it, or empty */
};

/* Texts for `nft -f -`. Each is one transaction: what is there of the tables is replaced. */
void net_rules_make(FILE *f, const struct net *n, const struct net_vif *vifs, unsigned int nr);
void net_rules_delete(FILE *f, const struct net *n);
/* One interface more, or less. */
void net_rules_add_vif(FILE *f, const struct net *n, const struct net_vif *v);
void net_rules_remove_vif(FILE *f, const struct net *n, const struct net_vif *v);

/* dnsmasq's configuration; its files are in @dir. */
void net_rules_dnsmasq(FILE *f, const struct net *n, const char *dir);
/* Its lists: names, and who gets which address. */
void net_rules_hosts(FILE *f, const struct net_vif *vifs, unsigned int nr);
void net_rules_leases(FILE *f, const struct net_vif *vifs, unsigned int nr);

/* The bridge's own address on Ethernet, and Dom0's on both protocols: the first of each. */
void net_bridge_mac(const struct net *n, unsigned char mac[6]);
void net_gateway(const struct net_subnet *s, int family, unsigned char address[16]);
/*
 * The addresses that @v has from now on: those of @ip ("10.77.0.5 fd77::5"), or in a network with
 * subnets such as follow from .mac, another than @others have. -EINVAL, -EEXIST, -ENOSPC.
 */
int net_choose(const struct net *n, struct net_vif *v, const char *ip, const struct net_vif *others,
	       unsigned int nr, struct keel_error *e);
/* What DNS takes of a guest's name. */
void net_host(char out[64], const char *guest);

#endif
