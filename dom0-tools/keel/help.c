/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <stdio.h>
#include <string.h>

static int all(void)
{
	printf("usage: keel COMMAND [OPTIONS] [ARGUMENTS]\n\n"
	       "Runs guests on the Keel hypervisor.\n\n");
	for (const struct command *const *c = commands; *c; c++)
		printf("  %-23s %s\n", (*c)->name, (*c)->summary);
	printf("\n`keel help COMMAND` says more; so do the manual pages keel(1) and keel.cfg(5).\n"
	       "`keel --version` prints the release.\n"
	       "Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 no such guest,\n"
	       "4 not enough memory, 5 not in time.\n");
	return KEEL_EXIT_OK;
}

static int list_json(void)
{
	struct json_object *j = json_object_new_object();

	for (const struct command *const *c = commands; *c; c++)
		json_object_object_add(j, (*c)->name, json_object_new_string((*c)->summary));
	return print_json(j);
}

static int print_one(struct keel *k, const struct command *c)
{
	struct json_object *j;

	if (!k->json) {
		command_usage(c);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(c->name));
	json_object_object_add(j, "arguments", json_object_new_string(c->args));
	json_object_object_add(j, "summary", json_object_new_string(c->summary));
	json_object_object_add(j, "help", json_object_new_string(c->help));
	return print_json(j);
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_help, .max_args = 1 };
	const struct command *c;
	int rc = argc > 1 ? parse_options(k, argc, argv, &o) : -1;

	if (rc >= 0)
		return rc;
	if (argc < 2 || optind == argc)
		return k->json ? list_json() : all();
	c = command_find(argv[optind]);
	if (!c)
		return usage_error(k, &cmd_help, "there is no command '%s'", argv[optind]);
	return print_one(k, c);
}

const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "Shows the commands, or the options of one",
	.help = "",
	.run = run,
	.opens = true,
};
