/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_RESTORE_H
#define KEEL_LIB_RESTORE_H

#include "lib/domain.h"

struct restore_options {
	const char *name;		/* in place of the guest's own; or NULL */
	bool paused;
	bool check_only;		/* the stream is read and checked, and nothing is made */
	/* Or NULL. The guest is whole, and starts if this returns 0; else nothing is left of it. */
	int (*ready)(struct keel *k, void *arg);
	void *arg;			/* of .ready */
};

/*
 * Makes a guest again from what save.c, or xl, has written to @fd; @from names that in messages.
 * Leaves nothing behind on failure.
 */
int keel_domain_restore(struct keel *k, int fd, const char *from, const struct restore_options *o,
			struct keel_domain *d);

#endif
