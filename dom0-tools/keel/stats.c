/* SPDX-License-Identifier: GPL-2.0-only */
/* stats and domstats: figures for programs, and for people. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/stats.h"

struct json_object *collect_stats(struct keel *k, int argc, char **argv)
{
	struct json_object *all, *j;
	struct keel_domain *d;
	int n = named_domains(k, argc, argv, &d);

	if (n < 0)
		return NULL;
	all = json_object_new_array();
	for (int i = 0; i < n && all; i++) {
		j = stats_domain(k, &d[i]);
		if (j) {
			json_object_array_add(all, j);
		} else if (k->err.code != ESRCH) {
			json_object_put(all);
			all = NULL;
		}
	}
	free(d);
	return all;
}

static int run_stats(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_stats, .max_args = -1 };
	struct json_object *host, *domains, *j;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	host = stats_host(k);
	domains = host ? collect_stats(k, argc, argv) : NULL;
	if (!domains) {
		json_object_put(host);
		return report(k);
	}
	if (k->json) {
		j = json_object_new_object();
		json_object_object_add(j, "host", host);
		json_object_object_add(j, "domains", domains);
		return print_json(j);
	}
	stats_print(stdout, host, domains);
	json_object_put(host);
	json_object_put(domains);
	return fflush(stdout) ? KEEL_EXIT_FAILED : KEEL_EXIT_OK;
}

const struct command cmd_stats = {
	.name = "stats",
	.args = "[NAME|ID...]",
	.summary = "Prints figures of the machine and its domains for Prometheus",
	.help =
	"The text is that of its exposition format: write it to a file for node_exporter's textfile\n"
	"collector, say. keel(1) lists the metrics.\n\n",
	.run = run_stats,
};

/* vcpus.0.cpu_time_ns=5, as `virsh domstats` writes such names. */
static void print_figures(const char *before, struct json_object *j)
{
	char name[128];

	if (json_object_is_type(j, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(j); i++) {
			snprintf(name, sizeof(name), "%s.%zu", before, i);
			print_figures(name, json_object_array_get_idx(j, i));
		}
	} else if (json_object_is_type(j, json_type_object)) {
		json_object_object_foreach(j, key, value) {
			snprintf(name, sizeof(name), "%s%s%s", before, *before ? "." : "", key);
			print_figures(name, value);
		}
	} else {
		printf("  %s=%s\n", before, json_object_get_string(j));
	}
}

static int run_domstats(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_domstats, .max_args = -1 };
	struct json_object *all, *j;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	all = collect_stats(k, argc, argv);
	if (!all)
		return report(k);
	for (size_t i = 0; i < json_object_array_length(all) && !k->json; i++) {
		j = json_object_array_get_idx(all, i);
		printf("%sDomain: %s\n", i ? "\n" : "",
		       json_object_get_string(json_object_object_get(j, "name")));
		print_figures("", j);
	}
	return end_list(k, all);
}

const struct command cmd_domstats = {
	.name = "domstats",
	.args = "[NAME|ID...]",
	.summary = "Shows figures of domains, their vCPUs, interfaces and disks",
	.help = "Counters begin at 0 when the domain, or the device, is made.\n\n",
	.run = run_domstats,
};
