/* SPDX-License-Identifier: GPL-2.0-only */
/* shutdown and reboot, which ask the guest, or all of Keel's. */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>

struct power_options {
	bool all, wait;
	unsigned int seconds;
};

static bool handle(int option, const char *value, void *arg)
{
	struct power_options *o = arg;
	char *end;

	if (option == 'a' || option == 'w') {
		*(option == 'a' ? &o->all : &o->wait) = true;
		return true;
	}
	if (option != 't')
		return false;
	o->wait = true;
	o->seconds = strtoul(value, &end, 10);
	return *value && !*end;
}

/* What is asked of a guest, and what it has done then. */
struct request {
	const struct command *cmd;
	const char *what, *done;
};

static int ask(struct keel *k, const struct keel_domain *d, const struct power_options *po,
	       const struct request *r)
{
	if (!k->dry_run && keel_domain_control(k, d->id, r->what))
		return report(k);
	if (!po->wait || k->dry_run)
		return print_done(k, d, "asked");
	if (keel_domain_wait_shutdown(k, d, po->seconds))
		return report(k);
	return print_done(k, d, r->done);
}

/*
 * The youngest first: it may need what an older one does. One that does not obey keeps no other
 * from being asked.
 */
static int ask_all(struct keel *k, const struct power_options *po, const struct request *r)
{
	struct guest_config g;
	struct keel_domain *d;
	int n = keel_domain_list(k, &d), exit = KEEL_EXIT_OK, rc;

	if (n < 0)
		return report(k);
	while (n--) {
		if (!d[n].id || d[n].shutdown || d[n].dying || !skeleton_config(k, d[n].id, &g))
			continue;
		guest_free(&g);
		rc = ask(k, &d[n], po, r);
		if (rc)
			exit = rc;
	}
	free(d);
	return exit;
}

static int run(struct keel *k, int argc, char **argv, const struct request *r)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' },
		{ 0 },
	};
	struct power_options po = { 0 };
	const struct options o = {
		.cmd = r->cmd, .shorts = "awt:", .longs = longs, .handle = handle, .arg = &po, .max_args = 1,
	};
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (po.all == (optind < argc))
		return usage_error(k, r->cmd, po.all ? "either --all or a guest" : "which guest?");
	if (po.all)
		return ask_all(k, &po, r);
	return keel_domain_find_guest(k, argv[optind], &d) ? report(k) : ask(k, &d, &po, r);
}

static int run_shutdown(struct keel *k, int argc, char **argv)
{
	return run(k, argc, argv, &(struct request){ &cmd_shutdown, "poweroff", "shut down" });
}

static int run_reboot(struct keel *k, int argc, char **argv)
{
	return run(k, argc, argv, &(struct request){ &cmd_reboot, "reboot", "rebooted" });
}

#define POWER_HELP							\
	"  -a, --all          all guests that keel has made, the youngest first\n"	\
	"  -w, --wait         wait until the guest has done so\n"	\
	"  -t, --timeout N    wait N seconds at most (exit code 5 after that)\n"

const struct command cmd_shutdown = {
	.name = "shutdown",
	.args = "[OPTIONS] NAME|ID|-a",
	.summary = "Asks a guest to shut down",
	.help = POWER_HELP,
	.run = run_shutdown,
	.changes = true,
};

const struct command cmd_reboot = {
	.name = "reboot",
	.args = "[OPTIONS] NAME|ID|-a",
	.summary = "Asks a guest to reboot; keeld starts it again",
	.help = POWER_HELP,
	.run = run_reboot,
	.changes = true,
};
