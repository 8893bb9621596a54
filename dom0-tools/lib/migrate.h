/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_MIGRATE_H
#define KEEL_LIB_MIGRATE_H

#include "lib/domain.h"

struct migrate_result {
	unsigned int rounds;		/* in which memory was sent while the guest ran */
	uint64_t pages;			/* that were sent, those that came again included */
	uint64_t size;			/* bytes */
	uint64_t total_ms, suspended_ms;
};

/* Could the guest be moved? A negative errno, with the reason, if not. */
int migrate_check(struct keel *k, const struct keel_domain *d);
/*
 * Moves @d, while it runs, to another machine, where @command (for a shell, with @host as its $1)
 * starts `keel migrate-receive` or xl's. Until that has all of the guest, every failure leaves it
 * running here. -EREMOTEIO: it cannot run there, or it is not known whether it does.
 */
int keel_domain_migrate(struct keel *k, const struct keel_domain *d, const char *command,
			const char *host, struct migrate_result *result);
/* The other side, which talks through @in and @out. Leaves nothing behind on failure. */
int keel_migrate_receive(struct keel *k, int in, int out, struct keel_domain *d);

#endif
