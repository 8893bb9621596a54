/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_console, .min_args = 1, .max_args = 1 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	k->progress = NULL;
	if (keel_domain_find_guest(k, argv[optind], &d) || keel_domain_console(k, &d))
		return report(k);
	return KEEL_EXIT_OK;
}

const struct command cmd_console = {
	.name = "console",
	.args = "NAME|ID",
	.summary = "Connects the terminal to a guest's console",
	.help = "Ctrl-] leaves it.\n\n",
	.run = run,
};
