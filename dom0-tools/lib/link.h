/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_LINK_H
#define KEEL_LIB_LINK_H

#include <net/if.h>

/*
 * Linux's network interfaces, by rtnetlink (rtnetlink(7)). All return 0 or Linux's negative errno
 * without a message: the caller knows what it means. Interfaces are named.
 */

/* @mac: its address, six bytes, or NULL; @mtu: 0 for the kernel's. */
int link_add_bridge(const char *name, const unsigned char *mac, unsigned int mtu);
/* The interface of the frames that have tag @tag on @uplink. -EOPNOTSUPP: no VLANs here. */
int link_add_vlan(const char *name, const char *uplink, unsigned int tag);
int link_delete(const char *name);
/* Into a bridge, or out of the one where it is: NULL. */
int link_set_master(const char *name, const char *bridge);
int link_up(const char *name);
/* @family AF_INET or AF_INET6, @address in network order. An IPv6 one is usable at once. */
int link_add_address(const char *name, int family, const void *address, unsigned int prefix);

#endif
