/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NET_DEFINE_H
#define KEEL_LIB_NET_DEFINE_H

#include <json-c/json.h>

#include "lib/keel.h"

/*
 * What a network is: a file of JSON for each, NAME.json. It holds the words of `keel network
 * create`, and goes through the same checks when it is read.
 */
extern const char *net_define_dir;

enum net_kind {
	NET_NONE,
	NET_BRIDGE,			/* guests are on a bridge that is there, or behind an uplink */
	NET_NAT,			/* on a bridge of their own; Dom0 forwards, by its own address */
	NET_HOST_ONLY,			/* the same, and Dom0 does not forward */
	NET_VLAN,			/* behind a tag of an uplink */
};

/* .length 0: none. */
struct net_subnet {
	unsigned char base[16];		/* four bytes of it, for IPv4 */
	unsigned int length;
};

#define NET_NAME_MAX 12		/* a bridge is called br-NAME */

struct net {
	char name[NET_NAME_MAX + 1];
	enum net_kind kind;
	char uplink[16];
	char bridge[16];		/* of guests; once the whole is checked it is never empty */
	bool foreign_bridge;		/* somebody else's: it is left as it is */
	unsigned int vlan, mtu;		/* 0: none, the kernel's */
	struct net_subnet v4, v6;
	bool spoofing;			/* guests may send from any address */
};

/* With subnets, and Dom0 in them: NAT and host-only. */
static inline bool net_is_routed(const struct net *n)
{
	return n->kind == NET_NAT || n->kind == NET_HOST_ONLY;
}

const char *net_kind_name(enum net_kind kind);
int net_name_check(const char *name, struct keel_error *e);
/* One setting: kind, uplink, bridge, vlan, mtu, ipv4, ipv6, spoofing. */
int net_set(struct net *n, const char *key, const char *value, struct keel_error *e);
/* Whether the settings make a network; fills in what follows from them. */
int net_whole(struct net *n, struct keel_error *e);
/* An address of either family: "10.77.0.0/24", as AF_INET has it. */
#define NET_SUBNET_TEXT 52
void net_subnet_text(const struct net_subnet *s, int family, char out[NET_SUBNET_TEXT]);
bool net_subnet_has(const struct net_subnet *s, const void *address);

/* The settings that are not as if never made, and the name. */
struct json_object *net_to_json(const struct net *n);
/* -ENOENT: there is none of that name. */
int net_read(struct keel *k, const char *name, struct net *n);
/* A failure leaves what was there. */
int net_write(struct keel *k, const struct net *n);
int net_remove(struct keel *k, const char *name);
/* In order: an array to free, as the names are; returns how many. */
int net_names(struct keel *k, char ***names);
/* -EEXIST with the name of the network that shares addresses, bridge or tag with it. */
int net_conflict(struct keel *k, const struct net *n);

#endif
