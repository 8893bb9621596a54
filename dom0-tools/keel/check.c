/* SPDX-License-Identifier: GPL-2.0-only */
/* check and convert, which need no hypervisor: how keel understands configuration files. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/build.h"
#include "lib/device.h"

/* Messages about one file. */
struct findings {
	struct json_object *errors, *warnings;
};

static void add_error(void *arg, const char *text)
{
	struct findings *f = arg;

	json_object_array_add(f->errors, json_object_new_string(text));
}

static void add_warning(void *arg, const char *text)
{
	struct findings *f = arg;

	json_object_array_add(f->warnings, json_object_new_string(text));
}

void check_files(struct keel *k, const struct guest_config *g, guest_warn_fn *refuse, void *arg)
{
	struct build b;

	if (build_prepare(&b, k, g))
		refuse(arg, k->err.text);
	else
		build_free(&b);
	for (unsigned int i = 0; i < g->disks; i++)
		if (disk_check_file(k, &g->disk[i]))
			refuse(arg, k->err.text);
	for (unsigned int i = 0; i < g->vifs; i++)
		if (vif_check(k, &g->vif[i]))
			refuse(arg, k->err.text);
}

static void check_file(struct keel *k, const char *path, bool settings_only, struct findings *f)
{
	struct guest_config g;
	struct cfg c;

	if (guest_read_cfg(&c, path, &k->err)) {
		add_error(f, k->err.text);
		return;
	}
	if (!guest_check_cfg(&g, &c, path, add_warning, add_error, f, &k->err)) {
		if (!settings_only)
			check_files(k, &g, add_error, f);
		guest_free(&g);
	}
	cfg_free(&c);
}

static void print_list(const char *what, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		printf("  %s: %s\n", what, json_object_get_string(json_object_array_get_idx(list, i)));
}

static bool check_one(struct keel *k, const char *path, bool settings_only, struct json_object *all)
{
	struct findings f = { json_object_new_array(), json_object_new_array() };
	struct json_object *j = json_object_new_object();
	bool good;

	check_file(k, path, settings_only, &f);
	good = !json_object_array_length(f.errors);
	json_object_object_add(j, "file", json_object_new_string(path));
	json_object_object_add(j, "accepted", json_object_new_boolean(good));
	json_object_object_add(j, "errors", f.errors);
	json_object_object_add(j, "warnings", f.warnings);
	json_object_array_add(all, j);
	if (!k->json) {
		printf("%s: %s\n", path, good ? "good" : "would be refused");
		print_list("error", f.errors);
		print_list("warning", f.warnings);
	}
	return good;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = { { "settings", no_argument, NULL, 's' }, { 0 } };
	bool settings_only = false, good = true;
	const struct options o = {
		.cmd = &cmd_check, .shorts = "s", .longs = longs, .handle = handle_flag, .arg = &settings_only,
		.min_args = 1, .max_args = -1,
	};
	int rc = parse_options(k, argc, argv, &o);
	struct json_object *all;

	if (rc >= 0)
		return rc;
	k->progress = NULL;
	all = json_object_new_array();
	for (int i = optind; i < argc; i++)
		good &= check_one(k, argv[i], settings_only, all);
	if (k->json)
		print_json(all);
	else
		json_object_put(all);
	return good ? KEEL_EXIT_OK : KEEL_EXIT_USAGE;
}

const struct command cmd_check = {
	.name = "check",
	.args = "[-s] FILE...",
	.summary = "Says what `create` would refuse of configuration files",
	.help =
	"The first error of each setting and all warnings are printed, with file and line. The exit code is\n"
	"0 if all files are good, 2 if one would be refused.\n\n"
	"  -s, --settings     leave out the kernels, ramdisks, disks, bridges and scripts that\n"
	"                     the files name\n",
	.run = run,
	.opens = true,
};

static void warn(void *arg, const char *text)
{
	keel_warn(arg, "%s", text);
}

static bool is_json(const char *path)
{
	FILE *f = fopen(path, "r");
	char c = 0;

	if (!f)
		return false;
	if (fscanf(f, " %c", &c) != 1)
		c = 0;
	fclose(f);
	return c == '{';
}

static int print_text(struct keel *k, const struct guest_config *g)
{
	char *text = guest_to_text(g);

	if (!text) {
		keel_fail(&k->err, ENOMEM, "no memory");
		return report(k);
	}
	fputs(text, stdout);
	free(text);
	return fflush(stdout) ? KEEL_EXIT_FAILED : KEEL_EXIT_OK;
}

static int run_convert(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_convert, .min_args = 1, .max_args = 1 };
	int rc = parse_options(k, argc, argv, &o);
	struct guest_config g;

	if (rc >= 0)
		return rc;
	if (guest_from_file(&g, argv[optind], warn, k, &k->err)) {
		rc = report(k);
		return rc == KEEL_EXIT_FAILED ? KEEL_EXIT_USAGE : rc;
	}
	rc = !k->json && is_json(argv[optind]) ? print_text(k, &g) : print_json(guest_to_json(&g));
	guest_free(&g);
	return rc;
}

const struct command cmd_convert = {
	.name = "convert",
	.args = "FILE",
	.summary = "Prints a configuration as JSON, or one in JSON as for xl",
	.help =
	"What is printed describes the same guest, with all that the file leaves to keel, and with\n"
	"absolute paths. With --json it is JSON in any case. All commands that take a file take both forms.\n\n",
	.run = run_convert,
	.opens = true,
};
