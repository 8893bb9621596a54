/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <string.h>

#include "lib/hyper.h"

static int change(struct keel *k, int argc, char **argv, const struct command *c,
		  int (*call)(struct keel *k, unsigned int domid), const char *done)
{
	const struct options o = { .cmd = c, .min_args = 1, .max_args = 1 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	rc = k->dry_run ? 0 : call(k, d.id);
	if (rc) {
		keel_fail(&k->err, -rc, "cannot %s domain %u: %s", c->name, d.id, strerror(-rc));
		return report(k);
	}
	return print_done(k, &d, done);
}

static int run_pause(struct keel *k, int argc, char **argv)
{
	return change(k, argc, argv, &cmd_pause, hyper_pause, "paused");
}

static int run_unpause(struct keel *k, int argc, char **argv)
{
	return change(k, argc, argv, &cmd_unpause, hyper_unpause, "unpaused");
}

const struct command cmd_pause = {
	.name = "pause",
	.args = "NAME|ID",
	.summary = "Stops a guest's vCPUs until it is unpaused",
	.help = "Pauses count: a guest paused twice runs after the second unpause.\n\n",
	.run = run_pause,
	.changes = true,
};

const struct command cmd_unpause = {
	.name = "unpause",
	.args = "NAME|ID",
	.summary = "Lets a paused guest run",
	.help = "",
	.run = run_unpause,
	.changes = true,
};
