/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NETLINK_H
#define KEEL_LIB_NETLINK_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Sends a message to Linux's network configuration (rtnetlink) and waits for the answer to it.
 * Returns the answer's size, 0 for one that only says that it is done, or a negative errno, Linux's
 * if it refuses.
 */
ssize_t netlink_talk(void *request, size_t size, void *answer, size_t room);

#endif
