/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of guests' configurations, and those that keel itself makes. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/files.h"

const char *keel_config_dir = "/etc/keel";

char *config_path(struct keel *k, const char *guest)
{
	char *path;

	if (asprintf(&path, "%s/%s.cfg", keel_config_dir, guest) >= 0)
		return path;
	keel_fail(&k->err, ENOMEM, "no memory");
	return NULL;
}

int config_store(struct keel *k, const char *guest, const char *text)
{
	char *path = config_path(k, guest);
	int rc = path ? keel_make_dirs(k, keel_config_dir) : -ENOMEM;

	if (!rc && !access(path, F_OK))
		rc = keel_fail(&k->err, EEXIST, "%s is there already", path);
	if (!rc)
		rc = keel_replace_file(k, path, text, 0644);
	free(path);
	return rc;
}

/* The file that a word names: itself, or the one of the guest with that name. */
static char *file_of(struct keel *k, const char *word)
{
	char *path = NULL;

	if (!strchr(word, '/') && access(word, F_OK)) {
		path = config_path(k, word);
		if (path && !access(path, F_OK))
			return path;
	}
	free(path);
	path = strdup(word);
	if (!path)
		keel_fail(&k->err, ENOMEM, "no memory");
	return path;
}

int config_parse(struct keel *k, struct guest_config *g, const char *text)
{
	struct cfg c;
	int rc = cfg_parse(&c, text, strlen(text), "the guest's file", &k->err);

	if (!rc)
		rc = guest_from_cfg(g, &c, "the guest's file", NULL, NULL, &k->err);
	cfg_free(&c);
	return rc;
}

int read_config(struct keel *k, struct guest_config *g, int argc, char **argv)
{
	struct cfg c = { 0 }, over = { 0 };
	char *path = file_of(k, argv[0]);
	int rc;

	rc = path ? guest_read_cfg(&c, path, &k->err) : -ENOMEM;
	if (!rc)
		rc = parse_words(k, &over, argc - 1, argv + 1);
	if (!rc)
		rc = cfg_replace(&c, &over, &k->err);
	if (!rc)
		rc = guest_from_cfg(g, &c, path, warn_of, k, &k->err);
	cfg_free(&c);
	cfg_free(&over);
	free(path);
	return rc;
}

int bad_config(struct keel *k)
{
	int rc = report(k);

	return rc == KEEL_EXIT_FAILED ? KEEL_EXIT_USAGE : rc;
}
