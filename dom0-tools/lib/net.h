/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NET_H
#define KEEL_LIB_NET_H

#include "lib/guest.h"
#include "lib/net_rules.h"

/*
 * Networks that run: the bridge, nftables' tables `inet keel_NAME` and `bridge keel_NAME`, dnsmasq,
 * and a folder for each, with a file for each guest's interface in it. Only Dom0 is concerned:
 * neither the hypervisor nor xenstore is asked. Each function takes the networks' own lock; the one
 * of keel_lock() may be held.
 */
extern const char *net_run_dir, *net_nft, *net_dnsmasq;

/* Stores and starts it; a failure leaves nothing. A dry run checks what can be in advance. */
int net_create(struct keel *k, const struct net *n);
/* Stops and forgets it. -EBUSY while guests use it, or would at the next boot, unless @force. */
int net_delete(struct keel *k, const char *name, bool force);
/*
 * Guests' interfaces that are there already join it again. One that runs gets back what it has
 * lost: its rules and dnsmasq. A failure leaves what was there.
 */
int net_start(struct keel *k, const char *name);
/* -EBUSY while guests use it, unless @force: they then have no connection. */
int net_stop(struct keel *k, const char *name, bool force);
/* Goes on after a failure: @failed gets each text. Returns how many were started. */
int net_start_all(struct keel *k, void (*failed)(struct keel *k, const char *text));

bool net_is_up(const char *name);
/* The interfaces in it: an array to free. Those that are gone without keel's doing are left out. */
int net_vifs(struct keel *k, const char *name, struct net_vif **out);

/* Whether the interface could join; fills in .bridge and what else it takes from its network. */
int net_vif_resolve(struct keel *k, struct guest_vif *v);
/*
 * Before the interface @interface joins the bridge: its rules, addresses and name, for guest
 * @guest. A failure leaves nothing.
 */
int net_vif_add(struct keel *k, const struct guest_vif *v, unsigned int domid,
		const char *interface, const char *guest);
/* When it is gone, whichever network it was in, if any. k->err stays. */
void net_vif_remove(struct keel *k, unsigned int domid, unsigned int devid);

/*
 * For net.c and net_run.c only: @n's parts, with the lock held. net_up() undoes what it has begun.
 */
int net_up(struct keel *k, const struct net *n);
int net_check(struct keel *k, const struct net *n);
/* All that can go goes; the files of guests' interfaces stay. */
void net_down(struct keel *k, const struct net *n);
/* The lists for dnsmasq, and it reads them. */
int net_tell_dnsmasq(struct keel *k, const struct net *n);
int net_nft_run(struct keel *k, char *text);
void net_path(char *out, const char *name, const char *file);
#define NET_PATH_MAX 256

/* net_forward.c: Dom0 forwards packets, until the last network that needs it is stopped. */
extern const char *net_proc;
int net_forward_on(struct keel *k, const struct net *n);
void net_forward_off(struct keel *k);

#endif
