/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/autostart.h"
#include "lib/pool.h"

#include <public/sched.h>

static void print_line(const struct keel_domain *d, const char *pool)
{
	printf("%-40s %5u %5llu %5u     %c%c%c%c%c%c  %8.1f%*s%s\n", d->name, d->id,
	       (unsigned long long)(d->memory_kib + 512) / 1024, d->vcpus,
	       d->running ? 'r' : '-', d->blocked ? 'b' : '-', d->paused ? 'p' : '-',
	       d->shutdown && d->shutdown_reason != SHUTDOWN_crash ? 's' : '-',
	       d->shutdown && d->shutdown_reason == SHUTDOWN_crash ? 'c' : '-',
	       d->dying ? 'd' : '-', d->cpu_time_ns / 1e9, pool ? 5 : 0, "", pool ? pool : "");
}

static void print_one(struct keel *k, const struct keel_domain *d, bool with_pool,
		      struct json_object *list)
{
	struct json_object *j = keel_domain_to_json(d);
	char pool[GUEST_NAME_MAX + 1];

	if (d->id)
		json_object_object_add(j, "autostart", json_object_new_boolean(autostart_has(d->name)));
	if (with_pool) {
		pool_name(k, d->pool, pool);
		json_object_object_add(j, "cpupool", json_object_new_string(pool));
	}
	json_object_array_add(list, j);
	if (!k->json)
		print_line(d, with_pool ? pool : NULL);
}

const struct option cpupool_option[] = { { "cpupool", no_argument, NULL, 'c' }, { 0 } };

static int run(struct keel *k, int argc, char **argv)
{
	bool with_pool = false;
	const struct options o = {
		.cmd = &cmd_list, .shorts = "c", .longs = cpupool_option, .handle = handle_flag,
		.arg = &with_pool, .max_args = -1,
	};
	struct json_object *list;
	struct keel_domain *d;
	int rc = parse_options(k, argc, argv, &o), n;

	if (rc >= 0)
		return rc;
	n = named_domains(k, argc, argv, &d);
	if (n < 0)
		return report(k);
	list = json_object_new_array();
	if (!k->json)
		printf("%-40s %5s %5s %5s %10s %9s%s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)",
		       with_pool ? "     Cpupool" : "");
	for (int i = 0; i < n; i++)
		print_one(k, &d[i], with_pool, list);
	free(d);
	return end_list(k, list);
}

const struct command cmd_list = {
	.name = "list",
	.args = "[-c] [NAME|ID...]",
	.summary = "Lists the domains: memory in MiB, state, CPU time",
	.help =
	"States: r running, b blocked, p paused, s shut down, c crashed, d dying.\n\n"
	"  -c, --cpupool      show the CPU pool, too\n",
	.run = run,
};
