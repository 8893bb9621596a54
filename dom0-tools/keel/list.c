/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>

#include <public/sched.h>

static void print_line(const struct keel_domain *d)
{
	printf("%-40s %5u %5llu %5u     %c%c%c%c%c%c  %8.1f\n", d->name, d->id,
	       (unsigned long long)(d->memory_kib + 512) / 1024, d->vcpus,
	       d->running ? 'r' : '-', d->blocked ? 'b' : '-', d->paused ? 'p' : '-',
	       d->shutdown && d->shutdown_reason != SHUTDOWN_crash ? 's' : '-',
	       d->shutdown && d->shutdown_reason == SHUTDOWN_crash ? 'c' : '-',
	       d->dying ? 'd' : '-', d->cpu_time_ns / 1e9);
}

static int print_all(struct keel *k, struct keel_domain *all, int n)
{
	struct json_object *j;

	if (k->json) {
		j = json_object_new_array();
		for (int i = 0; i < n; i++)
			json_object_array_add(j, keel_domain_to_json(&all[i]));
		return print_json(j);
	}
	printf("%-40s %5s %5s %5s %10s %9s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)");
	for (int i = 0; i < n; i++)
		print_line(&all[i]);
	return KEEL_EXIT_OK;
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_list, .max_args = 1 };
	struct keel_domain *all, one;
	int rc = parse_options(k, argc, argv, &o);
	int n;

	if (rc >= 0)
		return rc;
	if (optind < argc) {
		if (keel_domain_find(k, argv[optind], &one))
			return report(k);
		return print_all(k, &one, 1);
	}
	n = keel_domain_list(k, &all);
	if (n < 0)
		return report(k);
	rc = print_all(k, all, n);
	free(all);
	return rc;
}

const struct command cmd_list = {
	.name = "list",
	.args = "[NAME|ID]",
	.summary = "Lists the domains: memory in MiB, state, CPU time",
	.help = "States: r running, b blocked, p paused, s shut down, c crashed, d dying.\n\n",
	.run = run,
};
