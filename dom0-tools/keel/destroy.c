/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/lock.h"
#include "lib/unfinished.h"

/* keeld, which sees the guest end, does not clean up beside this. *@gone: it ended meanwhile. */
static int destroy_locked(struct keel *k, const struct keel_domain *d, bool *gone)
{
	int lock = keel_lock_guest_wait(k, d->id, GUEST_LOCK_SECONDS), rc;
	struct keel_domain now;

	if (lock < 0)
		return lock;
	rc = keel_domain_by_id(k, d->id, &now);
	*gone = rc == -ESRCH || (!rc && memcmp(now.uuid, d->uuid, sizeof(now.uuid)));
	if (!rc && !*gone)
		rc = keel_domain_destroy(k, d->id);
	close(lock);
	return *gone ? 0 : rc;
}

/* The guest that keeld has started in place of an ended one goes, too. */
static int destroy(struct keel *k, const char *who, struct keel_domain *d)
{
	struct keel_domain next = *d;
	bool gone = true;
	int rc = 0;

	while (gone && !rc) {
		*d = next;
		rc = destroy_locked(k, d, &gone);
		if (!rc && gone && keel_domain_find_guest(k, who, &next) == -ESRCH)
			break;
	}
	return rc;
}

static int run(struct keel *k, int argc, char **argv)
{
	bool force = false;
	const struct options o = {
		.cmd = &cmd_destroy, .shorts = "f", .longs = force_option, .handle = handle_flag, .arg = &force,
		.min_args = 1, .max_args = 1,
	};
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (!k->dry_run)
		unfinished_clear(k);
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	if (!force && !k->dry_run &&
	    !confirmed(k, "Destroy %s (domain %u)? What it has not written to its disks is lost.", d.name,
		       d.id)) {
		keel_fail(&k->err, ECANCELED, "%s is not destroyed", d.name);
		return report(k);
	}
	if (!k->dry_run && destroy(k, argv[optind], &d))
		return report(k);
	return print_done(k, &d, "destroyed");
}

const struct command cmd_destroy = {
	.name = "destroy",
	.args = "[-f] NAME|ID",
	.summary = "Ends a guest at once, without asking it",
	.help =
	"What it has not written to its disks is lost; on a terminal it is asked about first.\n\n"
	"  -f, --force        do not ask\n",
	.run = run,
	.changes = true,
};
