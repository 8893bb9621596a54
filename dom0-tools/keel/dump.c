/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <stdio.h>

#include "lib/dump.h"

static int done(struct keel *k, const struct keel_domain *d, const char *path,
		const struct dump_result *r)
{
	struct json_object *j;

	end_progress(k);
	if (r->unreadable)
		keel_warn(k, "%llu pages could not be read, and are not in the file",
			  (unsigned long long)r->unreadable);
	if (!k->json) {
		printf("%s (domain %u): %sdumped to %s\n", d->name, d->id, would_be(k), path);
		return KEEL_EXIT_OK;
	}
	j = json_of_domain(d);
	json_object_object_add(j, "file", json_object_new_string(path));
	if (!k->dry_run) {
		json_object_object_add(j, "bytes", json_object_new_int64(r->size));
		json_object_object_add(j, "pages", json_object_new_int64(r->pages));
		json_object_object_add(j, "unreadable_pages", json_object_new_int64(r->unreadable));
	}
	return print_result(k, j, "dumped");
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_dump_core, .min_args = 2, .max_args = 2 };
	struct dump_result r = { 0 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);
	const char *path;

	if (rc >= 0)
		return rc;
	path = argv[optind + 1];
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	if (k->dry_run ? dump_check_path(k, path) : keel_domain_dump(k, &d, path, &r))
		return report(k);
	return done(k, &d, path, &r);
}

const struct command cmd_dump_core = {
	.name = "dump-core",
	.args = "NAME|ID FILE",
	.summary = "Writes a guest's memory and registers to a file",
	.help = "The guest is paused meanwhile. The file has Xen's dump-core format, as that of xl; pages of\n"
		"zeros take no room in it.\n\n",
	.run = run,
	.changes = true,
};
