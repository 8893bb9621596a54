/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sysfs.h"

#define SUFFIX ".json"

const char *keel_autostart_dir = "/var/lib/keel/autostart";
const char *keel_autostart_marker = "/run/keel/autostarted";

static void path_of(char path[PATH_MAX], const char *name, const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%s%s", keel_autostart_dir, name, suffix);
}

bool autostart_has(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name, SUFFIX);
	return !access(path, F_OK);
}

static int make_dirs(struct keel *k)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", keel_autostart_dir);
	for (char *s = path + 1;; s++) {
		char c = *s;

		if (c && c != '/')
			continue;
		*s = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return keel_fail_errno(&k->err, "cannot make %s", path);
		if (!c)
			return 0;
		*s = c;
	}
}

/* On disk before it takes the old one's place. */
static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t size = strlen(text);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, size) == (ssize_t)size && !fsync(fd);
	return !close(fd) && ok;
}

int autostart_set(struct keel *k, const struct guest_config *g)
{
	char path[PATH_MAX], next[PATH_MAX];
	struct json_object *j;
	int rc = make_dirs(k);

	if (rc)
		return rc;
	path_of(path, g->name, SUFFIX);
	path_of(next, g->name, ".new");
	j = guest_to_json(g);
	if (!write_file(next, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY)) ||
	    rename(next, path) < 0) {
		rc = keel_fail_errno(&k->err, "cannot write %s", path);
		unlink(next);
	}
	json_object_put(j);
	return rc;
}

int autostart_clear(struct keel *k, const char *name)
{
	char path[PATH_MAX];

	path_of(path, name, SUFFIX);
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

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int autostart_names(struct keel *k, char ***names)
{
	int n = sysfs_list(names, "%s", keel_autostart_dir), kept = 0;

	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return keel_fail(&k->err, -n, "cannot read %s: %s", keel_autostart_dir, strerror(-n));
	for (int i = 0; i < n; i++) {
		char *name = (*names)[i], *suffix = name ? strrchr(name, '.') : NULL;

		if (!suffix || strcmp(suffix, SUFFIX)) {
			free(name);
			continue;
		}
		*suffix = 0;
		(*names)[kept++] = name;
	}
	qsort(*names, kept, sizeof(**names), by_name);
	return kept;
}

int autostart_read(struct keel *k, const char *name, struct guest_config *g)
{
	char path[PATH_MAX];

	path_of(path, name, SUFFIX);
	return guest_from_file(g, path, NULL, NULL, &k->err);
}

bool autostart_done(void)
{
	return !access(keel_autostart_marker, F_OK);
}

int autostart_mark(struct keel *k)
{
	if (write_file(keel_autostart_marker, ""))
		return 0;
	return keel_fail_errno(&k->err, "cannot write %s", keel_autostart_marker);
}
