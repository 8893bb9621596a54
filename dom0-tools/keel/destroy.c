/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_destroy, .min_args = 1, .max_args = 1 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d) || keel_domain_destroy(k, d.id))
		return report(k);
	return print_done(k, &d, "destroyed");
}

const struct command cmd_destroy = {
	.name = "destroy",
	.args = "NAME|ID",
	.summary = "Ends a guest at once, without asking it",
	.help = "What it has not written to its disks is lost.\n\n",
	.run = run,
};
