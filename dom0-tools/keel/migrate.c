/* SPDX-License-Identifier: GPL-2.0-only */
/* migrate and migrate-receive. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/migrate.h"

static bool handle(int option, const char *value, void *arg)
{
	if (option == 's')
		*(const char **)arg = value;
	return option == 's';
}

/* Without a command for ssh the host is the whole command, as for xl. A text to free, or NULL. */
static char *make_command(const char *ssh, const char *host)
{
	char *command;

	if (!*ssh)
		return strdup(host);
	return asprintf(&command, "%s \"$1\" keel migrate-receive", ssh) < 0 ? NULL : command;
}

static int moved(struct keel *k, const struct keel_domain *d, const char *host,
		 const struct migrate_result *r)
{
	struct json_object *j;

	end_progress(k);
	if (!k->json) {
		printf("%s (domain %u): %smigrated: %s", d->name, d->id, would_be(k), host);
		if (!k->dry_run)
			printf("; it took %llu ms, the last %llu of them suspended", (unsigned long long)r->total_ms,
			       (unsigned long long)r->suspended_ms);
		putchar('\n');
		return KEEL_EXIT_OK;
	}
	j = json_of_domain(d);
	json_object_object_add(j, "host", json_object_new_string(host));
	if (!k->dry_run) {
		json_object_object_add(j, "rounds", json_object_new_int(r->rounds));
		json_object_object_add(j, "pages", json_object_new_int64(r->pages));
		json_object_object_add(j, "bytes", json_object_new_int64(r->size));
		json_object_object_add(j, "total_ms", json_object_new_int64(r->total_ms));
		json_object_object_add(j, "suspended_ms", json_object_new_int64(r->suspended_ms));
	}
	return print_result(k, j, "migrated");
}

static int migrate_to(struct keel *k, const char *who, const char *ssh, const char *host)
{
	char *command = make_command(ssh, host);
	struct migrate_result r = { 0 };
	struct keel_domain d;
	int rc;

	if (command)
		rc = keel_domain_find_guest(k, who, &d);
	else
		rc = keel_fail(&k->err, ENOMEM, "no memory");
	if (!rc)
		rc = k->dry_run ? migrate_check(k, &d) : keel_domain_migrate(k, &d, command, host, &r);
	free(command);
	return rc ? report(k) : moved(k, &d, host, &r);
}

static int run_migrate(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "ssh", required_argument, NULL, 's' },
		{ 0 },
	};
	const char *ssh = "ssh", *host;
	const struct options o = {
		.cmd = &cmd_migrate, .shorts = "s:", .longs = longs, .handle = handle, .arg = &ssh,
		.min_args = 2, .max_args = 2,
	};
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	host = argv[optind + 1];
	if (!*host || *host == '-')
		return usage_error(k, &cmd_migrate, "'%s' is no host", host);
	rc = open_hypervisor(k, &cmd_migrate);
	return rc >= 0 ? rc : migrate_to(k, argv[optind], ssh, host);
}

/* Standard output is the other side's: errors go to standard error, which ssh passes on. */
static int run_receive(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_migrate_receive };
	struct keel_domain d;
	int rc;

	k->json = false;
	k->progress = NULL;
	rc = parse_options(k, argc, argv, &o);
	if (rc >= 0)
		return rc;
	return keel_migrate_receive(k, 0, 1, &d) ? report(k) : KEEL_EXIT_OK;
}

const struct command cmd_migrate = {
	.name = "migrate",
	.args = "[OPTIONS] NAME|ID HOST",
	.summary = "Moves a guest to another machine while it runs",
	.help =
	"Its disks and bridges must be there under the same names. `ssh HOST keel migrate-receive` starts\n"
	"the other side. If anything fails before that has all of the guest, the guest goes on here.\n\n"
	"  -s, --ssh COMMAND  in place of ssh; if it is empty, HOST is the whole command, as for xl\n",
	.run = run_migrate,
	.opens = true,
	.changes = true,
};

const struct command cmd_migrate_receive = {
	.name = "migrate-receive",
	.args = "",
	.summary = "The other side of `keel migrate` or `xl migrate`",
	.help =
	"Reads a guest from standard input, and says on standard output what becomes of it. If anything\n"
	"fails, nothing is left of it.\n\n",
	.run = run_receive,
};
