/* SPDX-License-Identifier: GPL-2.0-only */
/* set-parameters: the hypervisor's options that can change while it runs, as hypfs has them. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenhypfs.h>

#define MAX_PARAMETERS 16

struct parameter {
	char path[96];
	const char *value;
	char *before;
};

/* NAME=VALUE, or as on the command line NAME and no-NAME. */
static int parse(struct keel *k, const char *word, struct parameter *p)
{
	const char *equals = strchr(word, '=');
	int n = equals ? equals - word : (int)strlen(word);

	p->value = equals ? equals + 1 : "yes";
	if (!equals && !strncmp(word, "no-", 3)) {
		p->value = "no";
		word += 3;
		n -= 3;
	}
	if (n < 1 || n > 64 || memchr(word, '/', n))
		return keel_fail(&k->err, EINVAL, "'%s' is no parameter like name=value", word);
	snprintf(p->path, sizeof(p->path), "/params/%.*s", n, word);
	return 0;
}

static int set_one(struct keel *k, xenhypfs_handle *fs, struct parameter *p)
{
	const char *name = p->path + strlen("/params/");

	p->before = xenhypfs_read(fs, p->path);
	if (!p->before)
		return errno == ENOENT ?
		       keel_fail(&k->err, ENOENT, "the hypervisor has no parameter '%s'", name) :
		       keel_fail_errno(&k->err, "cannot read the parameter '%s'", name);
	if (k->dry_run || !xenhypfs_write(fs, p->path, p->value))
		return 0;
	return errno == EACCES ?
	       keel_fail(&k->err, EACCES, "the parameter '%s' does not change while the hypervisor runs",
			 name) :
	       keel_fail_errno(&k->err, "the parameter '%s' cannot be '%s'", name, p->value);
}

/* All of them, or none. */
static int set_all(struct keel *k, struct parameter *p, int n)
{
	xenhypfs_handle *fs = xenhypfs_open(&keel_silent, 0);
	int rc = 0, done = 0;

	if (!fs)
		return keel_fail_errno(&k->err, "the hypervisor has no parameters to set");
	while (done < n && !rc) {
		rc = set_one(k, fs, &p[done]);
		if (!rc)
			done++;
	}
	while (rc && done--)
		xenhypfs_write(fs, p[done].path, p[done].before);
	for (int i = 0; i < n; i++)
		free(p[i].before);
	xenhypfs_close(fs);
	return rc;
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_set_parameters, .min_args = 1, .max_args = -1 };
	struct parameter p[MAX_PARAMETERS] = { 0 };
	int rc = parse_options(k, argc, argv, &o), n = 0;

	if (rc >= 0)
		return rc;
	for (int i = optind; i < argc; i++) {
		/* xl takes several in one word. */
		for (char *word = strtok(argv[i], " \t"); word; word = strtok(NULL, " \t")) {
			if (n == MAX_PARAMETERS)
				return usage_error(k, &cmd_set_parameters, "more than %d parameters", n);
			if (parse(k, word, &p[n++]))
				return usage_error(k, &cmd_set_parameters, "%s", strdupa(k->err.text));
		}
	}
	rc = open_hypervisor(k, &cmd_set_parameters);
	if (rc >= 0)
		return rc;
	if (set_all(k, p, n))
		return report(k);
	if (!k->json && k->dry_run)
		puts("would be set, if the hypervisor takes the values");
	if (!k->json)
		return KEEL_EXIT_OK;
	return print_result(k, json_object_new_object(), "set");
}

const struct command cmd_set_parameters = {
	.name = "set-parameters",
	.args = "NAME=VALUE...",
	.summary = "Sets options of the hypervisor that can change while it runs",
	.help =
	"NAME is yes, and no-NAME no. `keel info` shows all, below /params. If one cannot be set, none is.\n\n",
	.run = run,
	.opens = true,
	.no_xenstore = true,
	.changes = true,
};
