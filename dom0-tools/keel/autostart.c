/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/autostart.h"

static int list(struct keel *k)
{
	struct json_object *all = json_object_new_array();
	char **names = NULL;
	int n = autostart_names(k, &names);

	for (int i = 0; i < n; i++) {
		json_object_array_add(all, json_object_new_string(names[i]));
		if (!k->json)
			puts(names[i]);
		free(names[i]);
	}
	free(names);
	if (n >= 0)
		return end_list(k, all);
	json_object_put(all);
	return report(k);
}

static int done(struct keel *k, const char *name, bool on)
{
	struct json_object *j;

	if (!k->json) {
		printf("%s: %s%s when Dom0 boots\n", name, k->dry_run ? "would from now on be one that " : "",
		       on ? "starts" : "does not start");
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(name));
	json_object_object_add(j, "autostart", json_object_new_boolean(on));
	if (k->dry_run)
		json_object_object_add(j, "dry_run", json_object_new_boolean(true));
	return print_json(j);
}

static int switch_on(struct keel *k, const struct keel_domain *d)
{
	struct guest_config g;
	int rc = skeleton_need_config(k, d, &g);

	if (rc)
		return rc;
	rc = k->dry_run ? 0 : autostart_set(k, &g);
	guest_free(&g);
	return rc;
}

/* A guest need not be there to be taken off the list. */
static int change(struct keel *k, const char *who, bool on)
{
	struct keel_domain d;
	struct keel_error bad;
	int rc = keel_domain_find_guest(k, who, &d), lock;

	if (rc == -ESRCH && !on && !guest_name_check(who, &bad) && autostart_has(who))
		snprintf(d.name, sizeof(d.name), "%s", who);
	else if (rc || guest_name_check(d.name, &k->err))
		return report(k);
	lock = keel_lock(k);
	if (lock < 0)
		return report(k);
	rc = on ? switch_on(k, &d) : k->dry_run ? 0 : autostart_clear(k, d.name);
	close(lock);
	return rc ? report(k) : done(k, d.name, on);
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_autostart, .max_args = 2 };
	int rc = parse_options(k, argc, argv, &o);
	bool on;

	if (rc >= 0)
		return rc;
	if (optind == argc)
		return list(k);
	if (optind + 1 == argc)
		return usage_error(k, &cmd_autostart, "something is missing after '%s': on or off", argv[optind]);
	on = !strcmp(argv[optind + 1], "on");
	if (!on && strcmp(argv[optind + 1], "off"))
		return usage_error(k, &cmd_autostart, "'%s' is neither on nor off", argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_autostart);
	return rc >= 0 ? rc : change(k, argv[optind], on);
}

const struct command cmd_autostart = {
	.name = "autostart",
	.args = "[NAME|ID on|off]",
	.summary = "Says whether keeld starts a guest when Dom0 boots",
	.help =
	"Without arguments the guests that it starts are listed, in their order: that of their names.\n\n",
	.run = run,
	.opens = true,
	.changes = true,
};
