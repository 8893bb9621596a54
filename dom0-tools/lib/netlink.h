/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NETLINK_H
#define KEEL_LIB_NETLINK_H

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

/*
 * Sends a message to a part of Linux (NETLINK_ROUTE: the network's configuration) and waits for the
 * answer to it. Returns the answer's size, 0 for one that only says that it is done, or a negative
 * errno, Linux's if it refuses.
 */
ssize_t netlink_talk(int protocol, void *request, size_t size, void *answer, size_t room);
/* Appends an attribute to a request, which has room for it, and returns it. */
static inline struct rtattr *netlink_put(void *request, unsigned short type, const void *data,
					 size_t size)
{
	struct nlmsghdr *h = request;
	struct rtattr *a = (void *)((char *)request + NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

/* What was put into @a since ends here. */
static inline void netlink_end(void *request, struct rtattr *a)
{
	a->rta_len = (char *)request + ((struct nlmsghdr *)request)->nlmsg_len - (char *)a;
}

#endif
