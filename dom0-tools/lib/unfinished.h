/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_UNFINISHED_H
#define KEEL_LIB_UNFINISHED_H

#include "lib/keel.h"

/*
 * A guest that is being made has a file in /run/keel/unfinished, named after its UUID, which its
 * maker keeps locked. If the maker is killed, the file stays without a lock, and whoever comes next
 * ends the guest.
 */

/* Before the domain is made: a descriptor for unfinished_end(), or -EBUSY: somebody else has it. */
int unfinished_begin(struct keel *k, const unsigned char uuid[16]);
/* The guest is whole, or nothing of it is left. */
void unfinished_end(int fd, const unsigned char uuid[16]);

/* Whether there are guests that nobody finishes. */
bool unfinished_any(void);
/* Ends them, each with a warning. */
void unfinished_clear(struct keel *k);

#endif
