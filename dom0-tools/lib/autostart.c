/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/autostart.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/files.h"

const char *keel_autostart_dir = "/var/lib/keel/autostart";
const char *keel_autostart_marker = "/run/keel/autostarted";

static void path_of(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s.json", keel_autostart_dir, name);
}

bool autostart_has(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name);
	return !access(path, F_OK);
}

int autostart_set(struct keel *k, const struct guest_config *g)
{
	char path[PATH_MAX];
	struct json_object *j;
	int rc = keel_make_dirs(k, keel_autostart_dir);

	if (rc)
		return rc;
	path_of(path, g->name);
	j = guest_to_json(g);
	rc = keel_replace_file(k, path, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY), 0600);
	json_object_put(j);
	return rc;
}

int autostart_clear(struct keel *k, const char *name)
{
	char path[PATH_MAX];

	path_of(path, name);
	if (!unlink(path) || errno == ENOENT)
		return 0;
	return keel_fail_errno(&k->err, "cannot remove %s", path);
}

int autostart_follow(struct keel *k, const char *before, const struct guest_config *g)
{
	int rc;

	if (!autostart_has(before))
		return 0;
	rc = autostart_set(k, g);
	return !rc && strcmp(before, g->name) ? autostart_clear(k, before) : rc;
}

int autostart_names(struct keel *k, char ***names)
{
	return keel_list_json(k, keel_autostart_dir, names);
}

int autostart_read(struct keel *k, const char *name, struct guest_config *g)
{
	char path[PATH_MAX];

	path_of(path, name);
	return guest_from_file(g, path, NULL, NULL, &k->err);
}

bool autostart_done(void)
{
	return !access(keel_autostart_marker, F_OK);
}

int autostart_mark(struct keel *k)
{
	if (keel_write_file(keel_autostart_marker, ""))
		return 0;
	return keel_fail_errno(&k->err, "cannot write %s", keel_autostart_marker);
}
