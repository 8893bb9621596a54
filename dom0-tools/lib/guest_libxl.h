/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_GUEST_LIBXL_H
#define KEEL_LIB_GUEST_LIBXL_H

#include "lib/guest.h"

/* A guest in the middle of its life: what it was made from, and what it was asked to use since. */
struct guest_saved {
	struct guest_config g;
	uint64_t target_kib;		/* memory */
	unsigned int online;		/* vCPUs */
	bool keels;			/* keel has saved it */
};

/*
 * The configuration in libxl's JSON (libxl_domain_config), for the head of a saved guest. Keel's
 * own is in it under "keel", which libxl passes over. NULL without memory.
 */
struct json_object *guest_to_libxl(const struct guest_saved *s);
/* Back. What libxl has and Keel lacks is refused. s->g is to be freed if it succeeds. */
int guest_from_libxl(struct guest_saved *s, struct json_object *j, struct keel_error *e);

#endif
