/* SPDX-License-Identifier: GPL-2.0-only */
/* save, restore and resume. */
#include "keel/keel.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/lock.h"
#include "lib/restore.h"
#include "lib/save.h"

static bool handle_save(int option, const char *value, void *arg)
{
	struct save_options *o = arg;

	if (option == 'c')
		o->then = SAVE_CONTINUE;
	else if (option == 'p')
		o->then = SAVE_PAUSE;
	else if (option == 'z')
		o->pack = true;
	else
		return false;
	return true;
}

static int saved(struct keel *k, const struct keel_domain *d, const char *path,
		 const struct save_options *o, const struct save_result *r)
{
	static const char *const then[] = { "saved", "saved, and goes on", "saved, and is paused" };
	struct json_object *j;

	end_progress(k);
	if (!k->json) {
		printf("%s (domain %u): %s%s: %s\n", d->name, d->id, would_be(k), then[o->then], path);
		return KEEL_EXIT_OK;
	}
	j = json_of_domain(d);
	json_object_object_add(j, "file", json_object_new_string(path));
	if (!k->dry_run) {
		json_object_object_add(j, "bytes", json_object_new_int64(r->size));
		json_object_object_add(j, "pages", json_object_new_int64(r->pages));
		json_object_object_add(j, "suspended_ms", json_object_new_int64(r->suspended_ms));
	}
	return print_result(k, j, then[o->then]);
}

static int run_save(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "continue", no_argument, NULL, 'c' },
		{ "paused", no_argument, NULL, 'p' },
		{ "compress", no_argument, NULL, 'z' },
		{ 0 },
	};
	struct save_options so = { 0 };
	const struct options o = {
		.cmd = &cmd_save, .shorts = "cpz", .longs = longs, .handle = handle_save, .arg = &so,
		.min_args = 2, .max_args = 2,
	};
	struct save_result r = { 0 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);
	const char *path;

	if (rc >= 0)
		return rc;
	path = argv[optind + 1];
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	if (k->dry_run ? save_check(k, &d, path, so.pack) : keel_domain_save(k, &d, path, &so, &r))
		return report(k);
	return saved(k, &d, path, &so, &r);
}

static bool handle_restore(int option, const char *value, void *arg)
{
	struct restore_options *o = arg;

	if (option == 'p')
		o->paused = true;
	else if (option == 'N')
		o->name = value;
	else
		return false;
	return true;
}

static int restore_from(struct keel *k, const char *path, const struct restore_options *o)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC), rc;
	struct keel_domain d;

	if (fd < 0) {
		keel_fail_errno(&k->err, "cannot open %s", path);
		return report(k);
	}
	rc = keel_domain_restore(k, fd, standard ? "standard input" : path, o, &d);
	if (!standard)
		close(fd);
	if (rc)
		return report(k);
	return print_done(k, &d, o->paused ? "restored, paused" : "restored");
}

static int run_restore(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "paused", no_argument, NULL, 'p' },
		{ "name", required_argument, NULL, 'N' },
		{ 0 },
	};
	struct restore_options ro = { 0 };
	const struct options o = {
		.cmd = &cmd_restore, .shorts = "pN:", .longs = longs, .handle = handle_restore, .arg = &ro,
		.min_args = 1, .max_args = 1,
	};
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (ro.name && guest_name_check(ro.name, &k->err))
		return usage_error(k, &cmd_restore, "%s", strdupa(k->err.text));
	rc = open_hypervisor(k, &cmd_restore);
	if (rc >= 0)
		return rc;
	ro.check_only = k->dry_run;
	return restore_from(k, argv[optind], &ro);
}

static int resume(struct keel *k, const struct keel_domain *d)
{
	int lock = keel_lock_guest_wait(k, d->id, GUEST_LOCK_SECONDS);
	int rc = lock < 0 ? lock : keel_domain_resume(k, d);

	if (lock >= 0)
		close(lock);
	return rc;
}

static int run_resume(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_resume, .min_args = 1, .max_args = 1 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d) || keel_domain_check_suspended(k, &d) ||
	    (!k->dry_run && resume(k, &d)))
		return report(k);
	return print_done(k, &d, "resumed");
}

const struct command cmd_save = {
	.name = "save",
	.args = "[OPTIONS] NAME|ID FILE",
	.summary = "Writes a guest to a file, and ends it",
	.help =
	"The guest suspends; `keel restore FILE`, or xl's, lets it go on later. FILE appears when all of it\n"
	"is on disk. If anything fails, the guest goes on.\n\n"
	"  -c, --continue     the guest goes on afterwards\n"
	"  -p, --paused       the guest stays, paused\n"
	"  -z, --compress     with zstd; for xl, `zstd -d` it first\n",
	.run = run_save,
	.changes = true,
};

const struct command cmd_restore = {
	.name = "restore",
	.args = "[OPTIONS] FILE",
	.summary = "Lets a guest go on from the file that it was saved to",
	.help =
	"FILE is of `keel save` or `xl save`; - is standard input. If anything fails, nothing is left of it.\n\n"
	"  -p, --paused       leave the guest paused; `keel unpause` starts it\n"
	"  -N, --name NAME    give it another name\n",
	.run = run_restore,
	.opens = true,
	.changes = true,
};

const struct command cmd_resume = {
	.name = "resume",
	.args = "NAME|ID",
	.summary = "Lets a guest that is suspended go on",
	.help =
	"Where it is, as `save --continue` does. For a guest whose save or migration was cut short; never\n"
	"for one that goes on elsewhere.\n\n",
	.run = run_resume,
	.changes = true,
};
