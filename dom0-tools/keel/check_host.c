/* SPDX-License-Identifier: GPL-2.0-only */
/* Can this machine run Keel? It needs no hypervisor, and is meant for before there is one. */
#include "keel/keel.h"

#include <stdio.h>
#include <string.h>

#include "lib/host.h"

static struct json_object *to_json(const struct host_item *i)
{
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "name", json_object_new_string(i->name));
	json_object_object_add(j, "state", json_object_new_string(host_state_name(i->state)));
	json_object_object_add(j, "found", json_object_new_string(i->found));
	json_object_object_add(j, "advice", i->advice ? json_object_new_string(i->advice) : NULL);
	return j;
}

static void print_words(const struct host_report *r, bool ready)
{
	for (int n = 0; n < HOST_ITEMS; n++) {
		const struct host_item *i = &r->item[n];

		printf("%-20s %-8s %s\n", i->title, host_state_name(i->state), i->found);
		if (i->advice)
			printf("%-29s %s\n", "", i->advice);
	}
	printf("\n%s\n", ready ? "Keel can run here." : "Keel cannot run here: see what is missing.");
}

static void print_report(struct keel *k, const struct host_report *r, bool ready)
{
	struct json_object *j = json_object_new_object(), *list = json_object_new_array();

	for (int n = 0; n < HOST_ITEMS; n++)
		json_object_array_add(list, to_json(&r->item[n]));
	json_object_object_add(j, "ready", json_object_new_boolean(ready));
	json_object_object_add(j, "checks", list);
	if (k->json) {
		print_json(j);
		return;
	}
	print_words(r, ready);
	json_object_put(j);
}

static bool handle(int option, const char *value, void *arg)
{
	if (option != 'r')
		return false;
	*(const char **)arg = value;
	return true;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = { { "root", required_argument, NULL, 'r' }, { 0 } };
	struct host_report r;
	const char *root = "";
	bool ready = true;
	const struct options o = {
		.cmd = &cmd_check_host, .shorts = "r:", .longs = longs, .handle = handle, .arg = &root,
	};
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (strlen(root) > HOST_ROOT_MAX)
		return usage_error(k, o.cmd, "the path of the folder is too long");
	host_check(&r, root);
	for (int n = 0; n < HOST_ITEMS; n++)
		ready &= r.item[n].state != HOST_MISSING;
	print_report(k, &r, ready);
	return ready ? KEEL_EXIT_OK : KEEL_EXIT_FAILED;
}

const struct command cmd_check_host = {
	.name = "check-host",
	.args = "[-r FOLDER]",
	.summary = "Says whether this machine can run Keel, and what to switch on in its firmware",
	.help =
	"It looks at what Linux shows, before Keel is installed, and best as root: the CPU, the\n"
	"firmware's tables, PCI, and the running kernel. `modprobe msr` lets it see what the firmware\n"
	"has locked. ok: Keel has what it needs; limited: it runs without something; missing: it does\n"
	"not run; unknown: Linux does not show it. The exit code is 0 if nothing is missing, else 1.\n\n"
	"  -r, --root FOLDER  look at copies of /proc, /sys, /dev and /boot in this folder\n",
	.run = run,
	.opens = true,
};
