/* SPDX-License-Identifier: GPL-2.0-only */
/* shutdown and reboot, which ask the guest. */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>

struct power_options {
	bool wait;
	unsigned int seconds;
};

static bool handle(int option, const char *value, void *arg)
{
	struct power_options *o = arg;
	char *end;

	if (option == 'w') {
		o->wait = true;
		return true;
	}
	if (option != 't')
		return false;
	o->wait = true;
	o->seconds = strtoul(value, &end, 10);
	return *value && !*end;
}

static int ask(struct keel *k, int argc, char **argv, const struct command *c, const char *what,
	       const char *done)
{
	static const struct option longs[] = {
		{ "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' },
		{ 0 },
	};
	struct power_options po = { 0 };
	const struct options o = {
		.cmd = c, .shorts = "wt:", .longs = longs, .handle = handle, .arg = &po,
		.min_args = 1, .max_args = 1,
	};
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d) ||
	    (!k->dry_run && keel_domain_control(k, d.id, what)))
		return report(k);
	if (!po.wait || k->dry_run)
		return print_done(k, &d, "asked");
	if (keel_domain_wait_shutdown(k, &d, po.seconds))
		return report(k);
	return print_done(k, &d, done);
}

static int run_shutdown(struct keel *k, int argc, char **argv)
{
	return ask(k, argc, argv, &cmd_shutdown, "poweroff", "shut down");
}

static int run_reboot(struct keel *k, int argc, char **argv)
{
	return ask(k, argc, argv, &cmd_reboot, "reboot", "rebooted");
}

#define POWER_HELP							\
	"  -w, --wait         wait until the guest has done so\n"	\
	"  -t, --timeout N    wait N seconds at most (exit code 5 after that)\n"

const struct command cmd_shutdown = {
	.name = "shutdown",
	.args = "[OPTIONS] NAME|ID",
	.summary = "Asks a guest to shut down",
	.help = POWER_HELP,
	.run = run_shutdown,
	.changes = true,
};

const struct command cmd_reboot = {
	.name = "reboot",
	.args = "[OPTIONS] NAME|ID",
	.summary = "Asks a guest to reboot; keeld starts it again",
	.help = POWER_HELP,
	.run = run_reboot,
	.changes = true,
};
