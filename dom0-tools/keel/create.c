/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct create_options {
	bool paused, console, dry_run, quiet;
};

static bool handle(int option, const char *value, void *arg)
{
	struct create_options *o = arg;

	if (option == 'p')
		o->paused = true;
	else if (option == 'c')
		o->console = true;
	else if (option == 'n')
		o->dry_run = true;
	else if (option == 'q')
		o->quiet = true;
	else
		return false;
	return true;
}

static int start(struct keel *k, const struct guest_config *g, const struct create_options *o)
{
	struct keel_domain d;
	unsigned int domid;
	uint64_t begin = keel_now_ms();
	int rc;

	if (keel_domain_create(k, g, o->paused, &domid) < 0 || keel_domain_by_id(k, domid, &d))
		return report(k);
	if (o->console)
		return keel_domain_console(k, &d) ? report(k) : KEEL_EXIT_OK;
	if (o->quiet && !k->json)
		return KEEL_EXIT_OK;
	rc = print_done(k, &d, o->paused ? "created, paused" : "created");
	if (k->verbose)
		fprintf(stderr, "%llu ms\n", (unsigned long long)(keel_now_ms() - begin));
	return rc;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "paused", no_argument, NULL, 'p' },
		{ "console", no_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 },
	};
	struct create_options co = { 0 };
	const struct options o = {
		.cmd = &cmd_create, .shorts = "pcnq", .longs = longs, .handle = handle, .arg = &co,
		.min_args = 1, .max_args = -1,
	};
	struct guest_config g;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	k->quiet = co.quiet;
	if (co.quiet)
		k->progress = NULL;
	if (read_config(k, &g, argc - optind, argv + optind))
		return bad_config(k);
	rc = co.dry_run ? print_json(guest_to_json(&g)) : open_hypervisor(k, &cmd_create);
	if (rc < 0)
		rc = start(k, &g, &co);
	guest_free(&g);
	return rc;
}

const struct command cmd_create = {
	.name = "create",
	.args = "[OPTIONS] FILE [NAME=VALUE...]",
	.summary = "Makes a guest from a configuration file and starts it",
	.help =
	"FILE is written as for xl, see keel.cfg(5), or in JSON. Settings after it replace the file's, or\n"
	"add to them with +=; a text needs its quotes there too: 'name=\"web\"'.\n\n"
	"  -p, --paused       leave the guest paused; `keel unpause` starts it\n"
	"  -c, --console      connect to its console at once (Ctrl-] leaves it)\n"
	"  -n, --dry-run      check the configuration and print it as JSON\n"
	"  -q, --quiet        no progress, warnings or result\n",
	.run = run,
	.opens = true,
};
