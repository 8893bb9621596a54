/* SPDX-License-Identifier: GPL-2.0-only */
/* config-update and edit: what keeld starts a guest again from. */
#include "keel/keel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/lock.h"

struct change {
	struct guest_config *now;
	const char *seen;		/* what it was as a text when the change was begun; or NULL */
	bool stored;
};

/* What keel chose for the guest stays, unless the new configuration says otherwise. */
static void keep_choices(struct guest_config *now, const struct guest_config *before)
{
	if (!now->has_uuid && before->has_uuid) {
		memcpy(now->uuid, before->uuid, sizeof(now->uuid));
		now->has_uuid = true;
	}
	for (unsigned int i = 0; i < now->vifs; i++)
		for (unsigned int n = 0; n < before->vifs && !now->vif[i].has_mac; n++)
			if (before->vif[n].devid == now->vif[i].devid && before->vif[n].has_mac) {
				memcpy(now->vif[i].mac, before->vif[n].mac, sizeof(now->vif[i].mac));
				now->vif[i].has_mac = true;
			}
}

static int check_name(struct keel *k, const struct guest_config *now,
		      const struct guest_config *before)
{
	if (!strcmp(now->name, before->name))
		return 0;
	return keel_fail(&k->err, EINVAL, "the configuration is that of '%s', not of '%s' (`keel rename` gives "
			 "a guest another name)", now->name, before->name);
}

/* Each of the two is freed by who made it: they change places. */
static int replace(struct keel *k, struct guest_config *g, void *arg)
{
	struct change *c = arg;
	struct guest_config before = *g;
	char *text = c->seen ? guest_to_text(g) : NULL;
	bool other = c->seen && (!text || strcmp(text, c->seen));

	free(text);
	if (other)
		return keel_fail(&k->err, EBUSY, "the configuration of %s has changed meanwhile", g->name);
	if (check_name(k, c->now, g))
		return -k->err.code;
	keep_choices(c->now, g);
	*g = *c->now;
	*c->now = before;
	c->stored = true;
	return 0;
}

static void first_error(void *arg, const char *text)
{
	struct keel_error *e = arg;

	if (!e->code)
		keel_fail(e, EINVAL, "%s", text);
}

/* The files it names are looked at before it is stored. */
static int store(struct keel *k, const struct keel_domain *d, struct guest_config *g,
		 const char *seen)
{
	struct change c = { .now = g, .seen = seen };
	struct keel_error e = { 0 };
	sigset_t old;
	int rc, lock, guest;

	check_files(k, g, first_error, &e);
	if (e.code) {
		k->err = e;
		return -e.code;
	}
	if (k->dry_run)
		return 0;
	/* keeld has not begun to start it again with the old one, or has ended that. */
	guest = keel_lock_guest_wait(k, d->id, GUEST_LOCK_SECONDS);
	if (guest < 0)
		return guest;
	lock = keel_lock(k);
	if (lock < 0) {
		close(guest);
		return lock;
	}
	keel_hold_signals(&old);
	rc = skeleton_change(k, d->id, replace, &c);
	keel_release_signals(&old);
	close(lock);
	close(guest);
	if (!rc && !c.stored)
		rc = keel_fail(&k->err, ESRCH, "domain %u (%s) has ended meanwhile", d->id, d->name);
	return rc;
}

static int run_update(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_config_update, .min_args = 2, .max_args = -1 };
	struct guest_config g, before;
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (read_config(k, &g, argc - optind - 1, argv + optind + 1))
		return bad_config(k);
	rc = open_hypervisor(k, &cmd_config_update);
	if (rc < 0) {
		rc = keel_domain_find_guest(k, argv[optind], &d);
		if (!rc)
			rc = skeleton_need_config(k, &d, &before);
		if (!rc) {
			rc = check_name(k, &g, &before);
			guest_free(&before);
		}
		if (!rc)
			rc = store(k, &d, &g, NULL);
		rc = rc ? report(k) : print_done(k, &d, "stored for its next start");
	}
	guest_free(&g);
	return rc;
}

const struct command cmd_config_update = {
	.name = "config-update",
	.args = "NAME|ID FILE [NAME=VALUE...]",
	.summary = "Stores another configuration for a guest's next start",
	.help =
	"FILE and settings are those of `keel create`, and are checked first. The guest that runs stays\n"
	"as it is; keeld starts it again with the new configuration. Addresses that keel chose stay.\n\n",
	.run = run_update,
	.opens = true,
	.changes = true,
};

/* The shell parts the editor's words. */
static int run_editor(struct keel *k, const char *path)
{
	const char *editor = getenv("VISUAL");
	char *line;
	int status = -1;
	pid_t pid;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (asprintf(&line, "%s \"$1\"", editor && *editor ? editor : "vi") < 0)
		return keel_fail(&k->err, ENOMEM, "no memory");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", line, "sh", path, NULL);
		_exit(127);
	}
	free(line);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return !status ? 0 : keel_fail(&k->err, EIO, "the editor failed ($VISUAL or $EDITOR names it)");
}

/* A file with the text: a name to free and to unlink, or NULL. */
static char *write_text(struct keel *k, const char *text)
{
	const char *dir = getenv("TMPDIR");
	char *path;
	FILE *f;
	int fd;

	if (asprintf(&path, "%s/keel-XXXXXX.cfg", dir && *dir ? dir : "/tmp") < 0)
		path = NULL;
	fd = path ? mkostemps(path, 4, O_CLOEXEC) : -1;
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f) {
		fputs(text, f);
		if (!fclose(f))
			return path;
	}
	keel_fail_errno(&k->err, "cannot write %s", path ? path : "a file to edit");
	free(path);
	return NULL;
}

/* 1: it is as it was. */
static int edit_file(struct keel *k, const struct keel_domain *d, char *path, const char *text)
{
	struct guest_config g;
	char *now;
	int rc = run_editor(k, path);

	if (!rc)
		rc = read_config(k, &g, 1, &path);
	if (rc)
		return rc;
	now = guest_to_text(&g);
	if (now && !strcmp(now, text))
		rc = 1;
	else
		rc = store(k, d, &g, text);
	free(now);
	guest_free(&g);
	return rc;
}

static int edit(struct keel *k, const struct keel_domain *d)
{
	struct guest_config g;
	struct keel_error e;
	char *text, *path = NULL;
	int rc = skeleton_need_config(k, d, &g);

	if (rc)
		return rc;
	text = guest_to_text(&g);
	guest_free(&g);
	if (text)
		path = write_text(k, text);
	else
		keel_fail(&k->err, ENOMEM, "no memory");
	if (path) {
		rc = edit_file(k, d, path, text);
		e = k->err;
		if (rc < 0)
			keel_fail(&k->err, e.code, "%.400s; nothing is changed, and what you wrote is in %s",
				  e.text, path);
		else
			unlink(path);
	} else {
		rc = -k->err.code;
	}
	free(path);
	free(text);
	return rc;
}

static int run_edit(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_edit, .min_args = 1, .max_args = 1 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	rc = edit(k, &d);
	if (rc < 0)
		return report(k);
	return print_done(k, &d, rc ? "not changed" : "stored for its next start");
}

const struct command cmd_edit = {
	.name = "edit",
	.args = "NAME|ID",
	.summary = "Edits the configuration for a guest's next start",
	.help =
	"The editor is $VISUAL, $EDITOR or vi. What it leaves is checked; after an error nothing is changed.\n\n",
	.run = run_edit,
};
