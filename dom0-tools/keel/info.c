/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <xenhypfs.h>

#include "lib/hyper.h"
#include "lib/pool.h"

#include <public/version.h>

static void add_text(struct json_object *j, const char *key, const char *value)
{
	json_object_object_add(j, key, json_object_new_string(value));
}

static void add_number(struct json_object *j, const char *key, uint64_t value)
{
	json_object_object_add(j, key, json_object_new_int64(value));
}

static void add_dom0(struct json_object *j)
{
	struct utsname u;

	if (uname(&u))
		return;
	add_text(j, "host", u.nodename);
	add_text(j, "release", u.release);
	add_text(j, "version", u.version);
	add_text(j, "machine", u.machine);
}

static int add_machine(struct keel *k, struct json_object *j)
{
	struct xen_sysctl_physinfo p;
	char caps[9 * 8 + 1] = "";
	size_t used = 0;
	int rc = hyper_physinfo(k, &p);

	if (rc)
		return keel_fail(&k->err, -rc, "cannot ask for the machine's figures: %s",
				 strerror(-rc));
	add_number(j, "nr_cpus", p.nr_cpus);
	add_number(j, "max_cpu_id", p.max_cpu_id);
	add_number(j, "nr_nodes", p.nr_nodes);
	add_number(j, "cores_per_socket", p.cores_per_socket);
	add_number(j, "threads_per_core", p.threads_per_core);
	json_object_object_add(j, "cpu_mhz", json_object_new_double_s(p.cpu_khz / 1000.0,
		(snprintf(caps, sizeof(caps), "%u.%03u", p.cpu_khz / 1000, p.cpu_khz % 1000), caps)));
	caps[0] = 0;
	for (int i = 0; i < 8; i++)
		used += snprintf(caps + used, sizeof(caps) - used, "%s%08x", i ? ":" : "", p.hw_cap[i]);
	add_text(j, "hw_caps", caps);
	snprintf(caps, sizeof(caps), "%s%s%s%s", p.capabilities & 1 ? "hvm " : "",
		 p.capabilities & 2 ? "pv " : "", p.capabilities & 4 ? "hvm_directio " : "",
		 p.capabilities & 8 ? "hap" : "");
	add_text(j, "virt_caps", caps);
	add_number(j, "total_memory", p.total_pages >> 8);
	add_number(j, "free_memory", p.free_pages >> 8);
	add_number(j, "outstanding_claims", p.outstanding_pages >> 8);
	return 0;
}

/* Each node's memory, CPUs, and how far the nodes are from it. */
static void add_nodes(struct keel *k, struct json_object *j)
{
	struct json_object *list, *one, *distances;
	struct guest_nodes nodes;
	char cpus[GUEST_CPUS_TEXT];

	if (hyper_nodes(k, &nodes))
		return;		/* the figures of the whole machine are there */
	list = json_object_new_array();
	for (unsigned int i = 0; i < nodes.n; i++) {
		const struct guest_node *n = &nodes.node[i];

		one = json_object_new_object();
		distances = json_object_new_array();
		add_number(one, "node", i);
		add_number(one, "memory", n->size >> 20);
		add_number(one, "free_memory", n->free >> 20);
		guest_cpus_text(&n->cpus, GUEST_MAX_CPUS, cpus, sizeof(cpus));
		add_text(one, "cpus", cpus);
		for (unsigned int t = 0; t < nodes.n; t++)
			json_object_array_add(distances, json_object_new_int64(n->distance[t]));
		json_object_object_add(one, "distances", distances);
		json_object_array_add(list, one);
	}
	json_object_object_add(j, "nodes", list);
}

static void add_version(struct keel *k, struct json_object *j)
{
	struct xen_compile_info compile = { 0 };
	xen_capabilities_info_t caps = { 0 };
	xen_extraversion_t extra = { 0 };
	xen_commandline_t line = { 0 };
	char text[64];
	unsigned int sched;

	add_number(j, "xen_major", k->version >> 16);
	add_number(j, "xen_minor", k->version & 0xffff);
	if (hyper_xen_version(k, XENVER_extraversion, extra, sizeof(extra)) >= 0)
		add_text(j, "xen_extra", extra);
	snprintf(text, sizeof(text), "%u.%u%.16s", k->version >> 16, k->version & 0xffff, extra);
	add_text(j, "xen_version", text);
	if (hyper_xen_version(k, XENVER_capabilities, caps, sizeof(caps)) >= 0)
		add_text(j, "xen_caps", caps);
	if (!hyper_sched_id(k, &sched))
		add_text(j, "xen_scheduler", pool_scheduler_name(sched));
	add_number(j, "xen_pagesize", KEEL_PAGE_SIZE);
	if (hyper_xen_version(k, XENVER_commandline, line, sizeof(line)) >= 0)
		add_text(j, "xen_commandline", line);
	if (hyper_xen_version(k, XENVER_compile_info, &compile, sizeof(compile)) >= 0) {
		add_text(j, "cc_compiler", compile.compiler);
		add_text(j, "cc_compile_by", compile.compile_by);
		add_text(j, "cc_compile_domain", compile.compile_domain);
		add_text(j, "cc_compile_date", compile.compile_date);
	}
}

/* Everything in the folder @path of the hypervisor's own file system, by path. */
static void walk(xenhypfs_handle *fs, const char *path, struct json_object *j, int depth)
{
	unsigned int n = 0;
	struct xenhypfs_dirent *entry = xenhypfs_readdir(fs, path, &n);
	char below[256];

	for (unsigned int i = 0; entry && i < n; i++) {
		snprintf(below, sizeof(below), "%s%s%s", path, path[1] ? "/" : "", entry[i].name);
		if (entry[i].type == xenhypfs_type_dir) {
			if (depth < 8)
				walk(fs, below, j, depth + 1);
		} else if (entry[i].type != xenhypfs_type_blob) {
			char *value = xenhypfs_read(fs, below);

			/* A text of many lines (the build's configuration) is left out. */
			if (value && !strchr(value, '\n'))
				add_text(j, below, value);
			free(value);
		}
	}
	free(entry);
}

/* Keel's own figures: memory at boot and per domain, counters, features in use. */
static void add_own(struct json_object *j)
{
	xenhypfs_handle *fs = xenhypfs_open(&keel_silent, 0);
	struct json_object *own;

	if (!fs)
		return;		/* a hypervisor without hypfs */
	own = json_object_new_object();
	walk(fs, "/", own, 0);
	xenhypfs_close(fs);
	json_object_object_add(j, "hypfs", own);
}

static void print_node(struct json_object *n)
{
	struct json_object *distances = json_object_object_get(n, "distances");
	const char *cpus = json_object_get_string(json_object_object_get(n, "cpus"));
	char name[32];

	snprintf(name, sizeof(name), "node %s", json_object_get_string(json_object_object_get(n, "node")));
	printf("%-22s : %s MiB, ", name, json_object_get_string(json_object_object_get(n, "memory")));
	printf("%s free; CPUs %s; distances",
	       json_object_get_string(json_object_object_get(n, "free_memory")), *cpus ? cpus : "none");
	for (size_t i = 0; i < json_object_array_length(distances); i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(distances, i)));
	putchar('\n');
}

static int print_lines(struct json_object *j)
{
	json_object_object_foreach(j, key, val) {
		if (json_object_is_type(val, json_type_object))
			print_lines(val);
		else if (json_object_is_type(val, json_type_array))
			for (size_t i = 0; i < json_object_array_length(val); i++)
				print_node(json_object_array_get_idx(val, i));
		else
			printf("%-22s : %s\n", key, json_object_get_string(val));
	}
	return KEEL_EXIT_OK;
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_info };
	struct json_object *j;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	j = json_object_new_object();
	add_dom0(j);
	if (add_machine(k, j)) {
		json_object_put(j);
		return report(k);
	}
	add_nodes(k, j);
	add_version(k, j);
	add_own(j);
	if (k->json)
		return print_json(j);
	rc = print_lines(j);
	json_object_put(j);
	return rc;
}

const struct command cmd_info = {
	.name = "info",
	.args = "",
	.summary = "Shows figures of the machine and the hypervisor",
	.help = "Memory is in MiB. Paths with a slash are the hypervisor's own nodes (hypfs).\n\n",
	.run = run,
	.no_xenstore = true,
};
