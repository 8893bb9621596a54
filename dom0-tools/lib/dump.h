/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_DUMP_H
#define KEEL_LIB_DUMP_H

#include "lib/domain.h"

struct dump_result {
	uint64_t pages;			/* of the guest's memory */
	uint64_t unreadable;		/* of these, what could not be mapped, and is left out */
	uint64_t size;			/* of the file, in bytes, holes included */
};

/* Would keel_domain_dump() take @path? A negative errno, with the reason, if not. */
int dump_check_path(struct keel *k, const char *path);
/*
 * Writes the memory and the vCPUs' registers of @d into a core file, for whose time @d is paused.
 * @path appears, or takes an old file's place, when all of it is on disk; on failure nothing is
 * left. Only its owner may read it.
 */
int keel_domain_dump(struct keel *k, const struct keel_domain *d, const char *path,
		     struct dump_result *result);

#endif
