/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/netlink.h"

/* A request of interfaces, and room for what is added to it. */
struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char room[256];
};

static void begin(struct request *r, unsigned int type, unsigned int flags, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = NLMSG_LENGTH(size);
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
}

static void put_u32(struct request *r, unsigned int type, unsigned int value)
{
	netlink_put(r, type, &value, sizeof(value));
}

static void put_name(struct request *r, const char *name)
{
	netlink_put(r, IFLA_IFNAME, name, strlen(name) + 1);
}

static int send_request(struct request *r)
{
	char answer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t rc = netlink_talk(NETLINK_ROUTE, r, r->h.nlmsg_len, answer, sizeof(answer));

	return rc > 0 ? -EBADMSG : rc;
}

int link_add_bridge(const char *name, const unsigned char *mac, unsigned int mtu)
{
	struct request r;
	struct rtattr *info;

	begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(r.link));
	put_name(&r, name);
	if (mac)
		netlink_put(&r, IFLA_ADDRESS, mac, 6);
	if (mtu)
		put_u32(&r, IFLA_MTU, mtu);
	info = netlink_put(&r, IFLA_LINKINFO, NULL, 0);
	netlink_put(&r, IFLA_INFO_KIND, "bridge", 6);
	netlink_end(&r, info);
	return send_request(&r);
}

int link_add_vlan(const char *name, const char *uplink, unsigned int tag)
{
	unsigned short id = tag;
	struct request r;
	struct rtattr *info, *data;

	begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(r.link));
	put_name(&r, name);
	put_u32(&r, IFLA_LINK, if_nametoindex(uplink));
	info = netlink_put(&r, IFLA_LINKINFO, NULL, 0);
	netlink_put(&r, IFLA_INFO_KIND, "vlan", 4);
	data = netlink_put(&r, IFLA_INFO_DATA, NULL, 0);
	netlink_put(&r, IFLA_VLAN_ID, &id, sizeof(id));
	netlink_end(&r, data);
	netlink_end(&r, info);
	return send_request(&r);
}

int link_delete(const char *name)
{
	struct request r;

	begin(&r, RTM_DELLINK, 0, sizeof(r.link));
	put_name(&r, name);
	return send_request(&r);
}

int link_set_master(const char *name, const char *bridge)
{
	struct request r;

	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	put_name(&r, name);
	put_u32(&r, IFLA_MASTER, bridge ? if_nametoindex(bridge) : 0);
	return send_request(&r);
}

int link_up(const char *name)
{
	struct request r;

	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	r.link.ifi_flags = IFF_UP;
	r.link.ifi_change = IFF_UP;
	put_name(&r, name);
	return send_request(&r);
}

int link_add_address(const char *name, int family, const void *address, unsigned int prefix)
{
	size_t size = family == AF_INET ? 4 : 16;
	struct request r;

	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(r.address));
	r.address.ifa_family = family;
	r.address.ifa_prefixlen = prefix;
	r.address.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
	r.address.ifa_index = if_nametoindex(name);
	netlink_put(&r, IFA_LOCAL, address, size);
	netlink_put(&r, IFA_ADDRESS, address, size);
	return send_request(&r);
}
