/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t receive(int fd, uint32_t seq, void *answer, size_t room)
{
	struct nlmsghdr *h = answer;
	struct nlmsgerr *e;
	ssize_t n;

	do {
		n = recv(fd, answer, room, MSG_TRUNC);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > (ssize_t)room)
			return -EMSGSIZE;
	} while (n < (ssize_t)sizeof(*h) || h->nlmsg_seq != seq);
	if (!NLMSG_OK(h, (size_t)n))
		return -EBADMSG;
	if (h->nlmsg_type != NLMSG_ERROR)
		return h->nlmsg_len;
	e = NLMSG_DATA(h);
	return h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) || e->error > 0 ? -EBADMSG : e->error;
}

ssize_t netlink_talk(int protocol, void *request, size_t size, void *answer, size_t room)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *h = request;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	ssize_t rc;

	if (fd < 0)
		return -errno;
	h->nlmsg_seq = 1;
	if (sendto(fd, request, size, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		rc = -errno;
	else
		rc = receive(fd, h->nlmsg_seq, answer, room);
	close(fd);
	return rc;
}
