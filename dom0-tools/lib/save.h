/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_SAVE_H
#define KEEL_LIB_SAVE_H

#include "lib/domain.h"

/* Longest time that a guest may take to suspend, in seconds. */
#define SAVE_SECONDS	60

struct save_options {
	enum save_then { SAVE_DESTROY, SAVE_CONTINUE, SAVE_PAUSE } then;	/* what becomes of the guest */
	bool pack;
};

struct save_result {
	uint64_t pages;			/* of the guest's memory */
	uint64_t size;			/* of the file, in bytes */
	uint64_t suspended_ms;		/* how long the guest did not run, if it continues */
};

/* Could the guest be saved to @path? A negative errno, with the reason, if not. */
int save_check(struct keel *k, const struct keel_domain *d, const char *path, bool pack);
/*
 * Suspends @d and saves it to @path, which appears, or takes an old file's place, when all of it is
 * on disk. On failure nothing is left, and the guest goes on.
 */
int keel_domain_save(struct keel *k, const struct keel_domain *d, const char *path,
		     const struct save_options *o, struct save_result *result);

#endif
