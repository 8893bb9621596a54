/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/domain.h"
#include "lib/hyper.h"
#include "lib/store.h"

int keel_domain_control(struct keel *k, unsigned int domid, const char *what)
{
	char *able = store_read(k, "/local/domain/%u/control/feature-%s", domid, what);
	bool refuses = !able || able[0] != '1';
	char path[STORE_PATH_MAX];

	free(able);
	if (refuses)
		keel_warn(k, "domain %u has not announced that it obeys '%s'; it may have no driver for "
			  "it, or not be up yet", domid, what);
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	return store_write(k, path, "%s", what);
}

/* Whether the domain is done: shut down, dying, or not there any more. */
static bool is_done(struct keel *k, unsigned int domid)
{
	struct keel_domain d;

	return keel_domain_by_id(k, domid, &d) || d.shutdown || d.dying;
}

int keel_domain_wait_shutdown(struct keel *k, const struct keel_domain *d, unsigned int seconds)
{
	uint64_t start = keel_now_ms();
	int rc = 0;

	if (!xs_watch(k->xs, "@releaseDomain", "keel"))
		return keel_fail_errno(&k->err, "xenstored takes no watch");
	while (!is_done(k, d->id)) {
		struct pollfd p = { .fd = xs_fileno(k->xs), .events = POLLIN };
		uint64_t waited = (keel_now_ms() - start) / 1000;

		if (seconds && waited >= seconds) {
			rc = keel_fail(&k->err, ETIMEDOUT, "%s has not shut down within %u s; `keel "
				       "destroy %s` ends it at once", d->name, seconds, d->name);
			break;
		}
		keel_progress(k, "waiting for the guest, seconds", waited, seconds);
		if (poll(&p, 1, 1000) > 0)
			free(xs_check_watch(k->xs));
	}
	xs_unwatch(k->xs, "@releaseDomain", "keel");
	return rc;
}
