/* SPDX-License-Identifier: GPL-2.0-only */
/* vcpu-list, vcpu-pin and vcpu-set. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"
#include "lib/store.h"

struct vcpu_row {
	struct xen_domctl_getvcpuinfo info;
	char hard[GUEST_CPUS_TEXT], soft[GUEST_CPUS_TEXT];
};

static int failed(struct keel *k, int rc, const char *what, const struct keel_domain *d)
{
	keel_fail(&k->err, -rc, "cannot %s of %s: %s", what, d->name, strerror(-rc));
	return report(k);
}

static int ask(struct keel *k, const struct keel_domain *d, unsigned int n, unsigned int cpus,
	       struct vcpu_row *v)
{
	struct guest_cpus hard, soft;
	int rc = hyper_vcpu_info(k, d->id, n, &v->info);

	if (!rc)
		rc = hyper_get_affinity(k, d->id, n, &hard, &soft);
	if (rc)
		return rc;
	guest_cpus_text(&hard, cpus, v->hard, sizeof(v->hard));
	guest_cpus_text(&soft, cpus, v->soft, sizeof(v->soft));
	return 0;
}

static struct json_object *vcpu_json(unsigned int n, const struct vcpu_row *v)
{
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "vcpu", json_object_new_int(n));
	json_object_object_add(j, "online", json_object_new_boolean(v->info.online));
	json_object_object_add(j, "running", json_object_new_boolean(v->info.running));
	json_object_object_add(j, "blocked", json_object_new_boolean(v->info.blocked));
	json_object_object_add(j, "cpu", v->info.online ? json_object_new_int(v->info.cpu) : NULL);
	json_object_object_add(j, "cpu_time_ns", json_object_new_int64(v->info.cpu_time));
	json_object_object_add(j, "hard_affinity", json_object_new_string(v->hard));
	json_object_object_add(j, "soft_affinity", json_object_new_string(v->soft));
	return j;
}

static void print_vcpu(const struct keel_domain *d, unsigned int n, const struct vcpu_row *v)
{
	char cpu[12] = "-";

	if (v->info.online)
		snprintf(cpu, sizeof(cpu), "%u", v->info.cpu);
	printf("%-32s %5u %5u %5s   %c%c%c %9.1f  %s / %s\n", d->name, d->id, n, cpu,
	       v->info.running ? 'r' : '-', v->info.blocked ? 'b' : '-', v->info.online ? '-' : 'p',
	       v->info.cpu_time / 1e9, v->hard, v->soft);
}

/* A domain that has gone meanwhile is left out, as in `keel list`. */
static int list_one(struct keel *k, const struct keel_domain *d, unsigned int cpus,
		    struct json_object *all)
{
	struct json_object *j = json_of_domain(d), *list = json_object_new_array();
	struct vcpu_row v;

	json_object_object_add(j, "vcpus", list);
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		int rc = ask(k, d, i, cpus, &v);

		if (rc) {
			json_object_put(j);
			return rc == -ESRCH ? 0 : rc;
		}
		json_object_array_add(list, vcpu_json(i, &v));
		if (!k->json)
			print_vcpu(d, i, &v);
	}
	json_object_array_add(all, j);
	return 0;
}

static int run_list(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_vcpu_list, .max_args = -1 };
	struct xen_sysctl_physinfo machine;
	struct json_object *all;
	struct keel_domain *d;
	int rc = parse_options(k, argc, argv, &o), n;

	if (rc >= 0)
		return rc;
	n = named_domains(k, argc, argv, &d);
	if (n < 0)
		return report(k);
	rc = hyper_physinfo(k, &machine);
	all = json_object_new_array();
	if (!k->json)
		printf("%-32s %5s %5s %5s %5s %9s  %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
		       "Affinity (Hard / Soft)");
	for (int i = 0; i < n && !rc; i++) {
		rc = list_one(k, &d[i], machine.nr_cpus, all);
		if (rc)
			rc = failed(k, rc, "ask for the vCPUs", &d[i]);
	}
	free(d);
	if (!rc && k->json)
		return print_json(all);
	json_object_put(all);
	if (rc >= 0)
		return rc;
	keel_fail(&k->err, -rc, "cannot ask how many CPUs the machine has: %s", strerror(-rc));
	return report(k);
}

const struct command cmd_vcpu_list = {
	.name = "vcpu-list",
	.args = "[NAME|ID...]",
	.summary = "Lists vCPUs: where they run and may run, CPU time",
	.help = "States: r running, b blocked, p off line. The affinities are hard / soft.\n\n",
	.run = run_list,
};

/* A list of CPUs, or - to leave it unchanged: then *out becomes NULL. */
static int cpus_argument(struct keel *k, const char *text, struct guest_cpus *room,
			 struct guest_cpus **out)
{
	*out = strcmp(text, "-") ? room : NULL;
	return *out ? guest_parse_cpus(room, text, NULL, &k->err) : 0;
}

static int run_pin(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_vcpu_pin, .min_args = 3, .max_args = 4 };
	struct guest_cpus room[2], *hard, *soft;
	unsigned int first = 0, last;
	const char *prefers;
	struct keel_domain d;
	bool all;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	all = !strcmp(argv[optind + 1], "all");
	prefers = argc - optind == 4 ? argv[optind + 3] : "-";
	if ((!all && !number_option(argv[optind + 1], GUEST_MAX_VCPUS - 1, &first)))
		return usage_error(k, &cmd_vcpu_pin, "'%s' is neither a vCPU's number nor all", argv[optind + 1]);
	if (cpus_argument(k, argv[optind + 2], &room[0], &hard) ||
	    cpus_argument(k, prefers, &room[1], &soft))
		return usage_error(k, &cmd_vcpu_pin, "%s", strdupa(k->err.text));
	if (!hard && !soft)
		return usage_error(k, &cmd_vcpu_pin, "there is nothing to change");
	rc = open_hypervisor(k, &cmd_vcpu_pin);
	if (rc >= 0)
		return rc;
	if ((hard && hyper_parse_cpus(k, hard, argv[optind + 2])) ||
	    (soft && hyper_parse_cpus(k, soft, prefers)))
		return report(k);
	if (keel_domain_find(k, argv[optind], &d))
		return report(k);
	if (!all && first >= d.max_vcpus) {
		keel_fail(&k->err, EINVAL, "%s has no vCPU %u; it has %u", d.name, first, d.max_vcpus);
		return report(k);
	}
	last = all ? d.max_vcpus - 1 : first;
	for (rc = 0; first <= last && !rc && !k->dry_run; first++)
		rc = hyper_set_affinity(k, d.id, first, hard, soft);
	if (rc == -EINVAL) {
		keel_fail(&k->err, EINVAL,
			  "%s cannot run there: the machine, or the pool, has none of these CPUs", d.name);
		return report(k);
	}
	return rc ? failed(k, rc, "pin the vCPUs", &d) : print_done(k, &d, "pinned");
}

const struct command cmd_vcpu_pin = {
	.name = "vcpu-pin",
	.args = "NAME|ID VCPU|all CPUS [SOFT]",
	.summary = "Says on which CPUs a vCPU may run, and prefers to run",
	.help =
	"CPUS and SOFT are lists such as 0-3,^2, node:1, or all; - leaves either unchanged.\n"
	"This lasts until the guest ends; cpus and cpus_soft in its file last longer.\n\n",
	.run = run_pin,
	.opens = true,
	.changes = true,
};

static int run_set(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_vcpu_set, .min_args = 2, .max_args = 2 };
	char path[STORE_PATH_MAX];
	struct keel_domain d;
	unsigned int n;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (!number_option(argv[optind + 1], GUEST_MAX_VCPUS, &n) || !n)
		return usage_error(k, &cmd_vcpu_set, "'%s' is no number of vCPUs", argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_vcpu_set);
	if (rc >= 0)
		return rc;
	if (keel_domain_find(k, argv[optind], &d))
		return report(k);
	if (n > d.max_vcpus) {
		keel_fail(&k->err, EINVAL, "%s can have %u vCPUs at most (maxvcpus in its file)", d.name,
			  d.max_vcpus);
		return report(k);
	}
	for (unsigned int i = 0; i < d.max_vcpus && !k->dry_run; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", d.id, i);
		if (store_write(k, path, "%s", i < n ? "online" : "offline"))
			return report(k);
	}
	return print_done(k, &d, "asked");
}

const struct command cmd_vcpu_set = {
	.name = "vcpu-set",
	.args = "NAME|ID N",
	.summary = "Asks a guest to use this number of vCPUs",
	.help =
	"The guest does it when it sees it. In Linux something must bring a CPU that comes on line\n"
	"(a udev rule, or echo 1 >/sys/devices/system/cpu/cpuN/online).\n\n",
	.run = run_set,
	.opens = true,
	.changes = true,
};
