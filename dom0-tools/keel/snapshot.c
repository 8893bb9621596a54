/* SPDX-License-Identifier: GPL-2.0-only */
/* States of images, which are kept as what an overlay is based on. */
#include "keel/keel.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/image.h"

struct snapshot_options {
	bool list, revert, force;
};

static bool handle(int option, const char *value, void *arg)
{
	struct snapshot_options *o = arg;

	if (option == 'l')
		o->list = true;
	else if (option == 'r')
		o->revert = true;
	else if (option == 'f')
		o->force = true;
	else
		return false;
	return true;
}

/* The disks of a guest's file, or the one image that is named. */
static int read_disks(struct keel *k, char *what, struct guest_config *g)
{
	size_t n = strlen(what);

	if (!strchr(what, '/') || (n > 4 && !strcmp(what + n - 4, ".cfg")))
		return read_config(k, g, 1, &what);
	*g = (struct guest_config){ .disks = 1, .disk[0].format = "qcow2" };
	return guest_absolute(&g->disk[0].path, what, &k->err);
}

/* Only what the guest writes has states. */
static bool is_written(const struct guest_disk *d)
{
	return !d->readonly;
}

static bool has_written(const struct guest_config *g)
{
	for (unsigned int i = 0; i < g->disks; i++)
		if (is_written(&g->disk[i]))
			return true;
	return false;
}

typedef int disk_fn(struct keel *k, const struct guest_disk *d, const char *name);

/* Each written disk; *@done is how many were, also after an error. */
static int each(struct keel *k, const struct guest_config *g, const char *name, disk_fn *fn,
		unsigned int *done)
{
	int rc = 0;

	for (*done = 0; *done < g->disks && !rc; ++*done)
		if (is_written(&g->disk[*done]))
			rc = fn(k, &g->disk[*done], name);
	*done -= rc ? 1 : 0;
	return rc;
}

/* All or none. */
static int keep(struct keel *k, const struct guest_config *g, const char *name)
{
	unsigned int done;
	int rc = each(k, g, name, image_check_keep, &done);

	if (rc || k->dry_run)
		return rc;
	rc = each(k, g, name, image_keep, &done);
	while (rc && done--)
		if (is_written(&g->disk[done]))
			image_unkeep(k, &g->disk[done], name);
	return rc;
}

/* Checked first, so that not only some of a guest's disks go back. */
static int revert(struct keel *k, const struct guest_config *g, const char *name)
{
	bool dry_run = k->dry_run;
	unsigned int done;
	int rc;

	k->dry_run = true;
	rc = each(k, g, name, image_revert, &done);
	k->dry_run = dry_run;
	return rc || dry_run ? rc : each(k, g, name, image_revert, &done);
}

static void list_state(struct keel *k, const struct guest_disk *d, const char *path,
		       const char *name, struct json_object *list)
{
	struct json_object *j = json_object_new_object();
	char when[32] = "";
	struct stat st;
	struct tm tm;

	if (stat(path, &st))
		st = (struct stat){ 0 };
	strftime(when, sizeof(when), "%F %T", localtime_r(&st.st_mtime, &tm));
	json_object_object_add(j, "disk", json_object_new_string(d->path));
	json_object_object_add(j, "name", json_object_new_string(name));
	json_object_object_add(j, "path", json_object_new_string(path));
	json_object_object_add(j, "bytes", json_object_new_int64((int64_t)st.st_blocks * 512));
	json_object_object_add(j, "time", json_object_new_int64(st.st_mtime));
	json_object_array_add(list, j);
	if (!k->json)
		printf("%-20s %8llu %-19s %s\n", name, (unsigned long long)st.st_blocks >> 11, when, d->path);
}

/* Files beside the image that have its name and more, and that nobody writes. */
static void list_disk(struct keel *k, const struct guest_disk *d, struct json_object *list)
{
	char *dir = strdup(d->path), *slash = dir ? strrchr(dir, '/') : NULL, *path;
	size_t length = slash ? strlen(slash + 1) : 0;
	struct dirent **found;
	struct stat st;
	int n;

	if (!slash)
		return;
	*slash = 0;
	n = scandir(*dir ? dir : "/", &found, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *name = found[i]->d_name;

		if (!strncmp(name, slash + 1, length) && name[length] == '.' &&
		    asprintf(&path, "%s/%s", dir, name) >= 0) {
			if (!lstat(path, &st) && S_ISREG(st.st_mode) && !(st.st_mode & 0222))
				list_state(k, d, path, name + length + 1, list);
			free(path);
		}
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	free(dir);
}

static int list(struct keel *k, const struct guest_config *g)
{
	struct json_object *all = json_object_new_array();

	if (!k->json)
		printf("%-20s %8s %-19s %s\n", "Name", "MiB", "Last written", "Disk");
	for (unsigned int i = 0; i < g->disks; i++)
		if (is_written(&g->disk[i]))
			list_disk(k, &g->disk[i], all);
	return end_list(k, all);
}

static int done(struct keel *k, const struct guest_config *g, const char *name, const char *result)
{
	struct json_object *j, *disks;

	end_progress(k);
	j = json_object_new_object();
	disks = json_object_new_array();
	for (unsigned int i = 0; i < g->disks; i++) {
		if (!is_written(&g->disk[i]))
			continue;
		json_object_array_add(disks, json_object_new_string(g->disk[i].path));
		if (!k->json)
			printf("%s: %s%s %s\n", g->disk[i].path, would_be(k), result, name);
	}
	json_object_object_add(j, "name", json_object_new_string(name));
	json_object_object_add(j, "disks", disks);
	if (k->json)
		return print_result(k, j, result);
	json_object_put(j);
	return KEEL_EXIT_OK;
}

static int change(struct keel *k, const struct guest_config *g, const char *name,
		  const struct snapshot_options *so)
{
	sigset_t old;
	int rc;

	if (!has_written(g)) {
		keel_fail(&k->err, EINVAL, "there is no disk that the guest writes");
		return report(k);
	}
	if (so->revert && !so->force && !k->dry_run &&
	    !confirmed(k, "Go back to %s? What was written since is lost.", name)) {
		keel_fail(&k->err, ECANCELED, "nothing is changed");
		return report(k);
	}
	keel_hold_signals(&old);
	rc = so->revert ? revert(k, g, name) : keep(k, g, name);
	keel_release_signals(&old);
	return rc ? report(k) : done(k, g, name, so->revert ? "set back to" : "kept as");
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "list", no_argument, NULL, 'l' }, { "revert", no_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'f' }, { 0 },
	};
	struct snapshot_options so = { 0 };
	const struct options o = {
		.cmd = &cmd_snapshot, .shorts = "lrf", .longs = longs, .handle = handle, .arg = &so,
		.min_args = 1, .max_args = 2,
	};
	struct guest_config g;
	const char *name;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	name = argv[optind + 1];
	if (so.list ? name != NULL : !name)
		return usage_error(k, &cmd_snapshot, name ? "'%s' is one too many" : "the state needs a name",
				   name);
	if (name && (guest_name_check(name, &k->err) || !strcmp(name, "new")))
		return usage_error(k, &cmd_snapshot, "'%s' is no name of a state", name);
	if (read_disks(k, argv[optind], &g))
		return bad_config(k);
	rc = so.list ? list(k, &g) : change(k, &g, name, &so);
	guest_free(&g);
	return rc;
}

const struct command cmd_snapshot = {
	.name = "snapshot",
	.args = "[-l|-r [-f]] GUEST|FILE.cfg|IMAGE [NAME]",
	.summary = "Keeps the state of a guest's disks, lists states, or goes back",
	.help =
	"GUEST is one of /etc/keel/GUEST.cfg, and must not run. The image, in qcow2, stays as IMAGE.NAME, for\n"
	"reading only; IMAGE itself goes on as an overlay, which has what is written from now on.\n\n"
	"  -l, --list         the states that there are\n"
	"  -r, --revert       back to the state NAME: what was written since is lost\n"
	"  -f, --force        do not ask\n",
	.run = run,
	.opens = true,
	.changes = true,
};
