/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_CREATE_INTERNAL_H
#define KEEL_LIB_CREATE_INTERNAL_H

/* Private header of create.c and restore.c: a guest in the making. */
#include "lib/build.h"
#include "lib/domain.h"

struct making {
	struct keel *k;
	struct guest_config g;		/* its own uuid and MACs; the strings are the caller's */
	struct build b;
	/* Gives the empty domain memory and vCPUs, through .b, whose ports and rings it sets. */
	int (*fill)(struct making *m);
	/* Or NULL. The domain is whole, with its devices; a failure ends it. */
	int (*ready)(struct making *m);
	void *arg;			/* of these two */
	bool paused;
	uint64_t target_kib;		/* of memory, and vCPUs, that it is to use */
	unsigned int online;
	unsigned int domid;		/* once there is one */
};

/* Chooses what the configuration leaves open, and checks what can be before there is a domain. */
int making_check(struct making *m);
/* Makes it, with signals held. Leaves nothing behind on failure. */
int making_run(struct making *m);

#endif
