/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct create_options {
	bool paused, console, dry_run, quiet, timing;
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
	else if (option == 't')
		o->timing = true;
	else
		return false;
	return true;
}

static double ms(const struct keel_times *t, unsigned int from, unsigned int to)
{
	return (t->entry[to].began_us - t->entry[from].began_us) / 1000.0;
}

static void print_times(const struct keel_times *t)
{
	for (unsigned int i = 0; i + 1 < t->n; i++)
		printf("%10.3f ms  %s\n", ms(t, i, i + 1), t->entry[i].step);
	if (t->n)
		printf("%10.3f ms  in all\n", ms(t, 0, t->n - 1));
}

static struct json_object *times_json(const struct keel_times *t)
{
	struct json_object *list = json_object_new_array(), *j;

	for (unsigned int i = 0; i + 1 < t->n; i++) {
		j = json_object_new_object();
		json_object_object_add(j, "step", json_object_new_string(t->entry[i].step));
		json_object_object_add(j, "us", json_object_new_int64(t->entry[i + 1].began_us -
								      t->entry[i].began_us));
		json_object_array_add(list, j);
	}
	return list;
}

static int print_created(struct keel *k, const struct keel_domain *d,
			 const struct create_options *o)
{
	const char *result = o->paused ? "created, paused" : "created";
	struct json_object *j;
	int rc;

	if (k->json && o->timing) {
		j = json_of_domain(d);
		json_object_object_add(j, "timing", times_json(k->times));
		return print_result(k, j, result);
	}
	rc = o->quiet && !k->json ? KEEL_EXIT_OK : print_done(k, d, result);
	if (o->timing)
		print_times(k->times);
	return rc;
}

static int start(struct keel *k, const struct guest_config *g, const struct create_options *o)
{
	struct keel_times times = { 0 };
	struct keel_domain d;
	unsigned int domid;

	if (o->timing)
		k->times = &times;
	if (keel_domain_create(k, g, o->paused, &domid) < 0 || keel_domain_by_id(k, domid, &d))
		return report(k);
	if (o->console)
		return keel_domain_console(k, &d) ? report(k) : KEEL_EXIT_OK;
	return print_created(k, &d, o);
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "paused", no_argument, NULL, 'p' },
		{ "console", no_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "timing", no_argument, NULL, 't' },
		{ 0 },
	};
	struct create_options co = { 0 };
	const struct options o = {
		.cmd = &cmd_create, .shorts = "pcnqt", .longs = longs, .handle = handle, .arg = &co,
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
	"  -q, --quiet        no progress, warnings or result\n"
	"  -t, --timing       show how long each step took\n",
	.run = run,
	.opens = true,
};
