/* SPDX-License-Identifier: GPL-2.0-only */
/* mem-set, rename and sched-credit2. */
#include "keel/keel.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/hyper.h"
#include "lib/store.h"

/* With less, Dom0's kernel ends the toolstack's own processes: the hypervisor's minimum. */
#define DOM0_LEAST_KIB (96 << 10)

/*
 * What the guest was made with, in KiB: its maxmem; of another toolstack's guest, what its nodes
 * say.
 */
static uint64_t most_memory(struct keel *k, const struct keel_domain *d)
{
	struct guest_config g;
	uint64_t kib = 0;
	char *text;

	if (skeleton_config(k, d->id, &g)) {
		kib = g.maxmem_mib << 10;
		guest_free(&g);
		return kib;
	}
	text = store_read(k, "/local/domain/%u/memory/static-max", d->id);
	if (text)
		kib = strtoull(text, NULL, 10);
	free(text);
	return kib ? kib : d->max_memory_kib;
}

static int run_memory(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_mem_set, .min_args = 2, .max_args = 2 };
	char path[STORE_PATH_MAX];
	uint64_t kib, most;
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (!size_option(argv[optind + 1], &kib))
		return usage_error(k, &cmd_mem_set, "'%s' is no size of memory like 512 (MiB), 512m or 2g",
				   argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_mem_set);
	if (rc >= 0)
		return rc;
	if (keel_domain_find(k, argv[optind], &d))
		return report(k);
	if (!d.id && kib < DOM0_LEAST_KIB) {
		keel_fail(&k->err, EINVAL, "Dom0 needs %d MiB at least", DOM0_LEAST_KIB >> 10);
		return report(k);
	}
	most = most_memory(k, &d);
	if (kib > most) {
		keel_fail(&k->err, EINVAL, "%s can have %llu MiB at most (maxmem in its file)", d.name,
			  (unsigned long long)most >> 10);
		return report(k);
	}
	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", d.id);
	if (!k->dry_run && store_write(k, path, "%llu", (unsigned long long)kib))
		return report(k);
	return print_done(k, &d, "asked");
}

const struct command cmd_mem_set = {
	.name = "mem-set",
	.args = "NAME|ID MEMORY",
	.summary = "Asks a guest to use this much memory",
	.help =
	"MEMORY is in MiB, or has a letter (k, m, g, t). The guest gives memory back, or takes more up\n"
	"to its maxmem, when it sees it: `keel list` shows what it has.\n\n",
	.run = run_memory,
	.opens = true,
	.changes = true,
};

static int run_rename(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_rename, .min_args = 2, .max_args = 2 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o), lock;

	if (rc >= 0)
		return rc;
	if (guest_name_check(argv[optind + 1], &k->err))
		return usage_error(k, &cmd_rename, "%s", strdupa(k->err.text));
	rc = open_hypervisor(k, &cmd_rename);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	lock = keel_lock(k);
	if (lock < 0)
		return report(k);
	rc = keel_domain_name_free(k, argv[optind + 1]);
	if (!rc && !k->dry_run)
		rc = keel_domain_rename_config(k, d.id, argv[optind + 1]);
	close(lock);
	if (rc)
		return report(k);
	if (!k->dry_run)
		snprintf(d.name, sizeof(d.name), "%s", argv[optind + 1]);
	return print_done(k, &d, "renamed");
}

const struct command cmd_rename = {
	.name = "rename",
	.args = "NAME|ID NEW",
	.summary = "Gives a guest another name",
	.help = "A restart of the guest keeps the new name; its file is left alone.\n\n",
	.run = run_rename,
	.opens = true,
	.changes = true,
};

struct share {
	const char *guest;
	bool system, has_rate, has_weight, has_cap;
	unsigned int weight, cap, rate;
};

static bool handle(int option, const char *value, void *arg)
{
	struct share *s = arg;

	switch (option) {
	case 'd':
		s->guest = value;
		return true;
	case 's':
		s->system = true;
		return true;
	case 'w':
		s->has_weight = true;
		return number_option(value, 65535, &s->weight) && s->weight;
	case 'c':
		s->has_cap = true;
		return number_option(value, 65534, &s->cap);
	case 'r':
		s->system = s->has_rate = true;
		return number_option(value, 500000, &s->rate);
	default:
		return false;
	}
}

static int no_share(struct keel *k, int rc)
{
	keel_fail(&k->err, -rc, "the scheduler does not do that: %s", strerror(-rc));
	return report(k);
}

static int system_share(struct keel *k, unsigned int sched, struct share *s)
{
	struct json_object *j;
	int rc = hyper_ratelimit(k, sched, &s->rate, s->has_rate && !k->dry_run);

	if (rc)
		return no_share(k, rc);
	if (!k->json) {
		printf("ratelimit %u us%s\n", s->rate, k->dry_run && s->has_rate ? " (as it is now)" : "");
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "ratelimit_us", json_object_new_int(s->rate));
	if (k->dry_run)
		json_object_object_add(j, "dry_run", json_object_new_boolean(true));
	return print_json(j);
}

static int list_shares(struct keel *k, unsigned int sched, const struct keel_domain *d, int n)
{
	struct json_object *all = json_object_new_array(), *j;
	unsigned int weight, cap;

	if (!k->json)
		printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
	for (int i = 0; i < n; i++) {
		int rc = hyper_sched_get(k, d[i].id, sched, &weight, &cap);

		if (rc == -ESRCH)	/* it has gone meanwhile */
			continue;
		if (rc) {
			json_object_put(all);
			return no_share(k, rc);
		}
		j = json_of_domain(&d[i]);
		json_object_object_add(j, "weight", json_object_new_int(weight));
		json_object_object_add(j, "cap", json_object_new_int(cap));
		json_object_array_add(all, j);
		if (!k->json)
			printf("%-33s %4u %6u %4u\n", d[i].name, d[i].id, weight, cap);
	}
	return end_list(k, all);
}

static int change_share(struct keel *k, unsigned int sched, const struct keel_domain *d,
			const struct share *s)
{
	unsigned int weight, cap;
	int rc = hyper_sched_get(k, d->id, sched, &weight, &cap);

	if (!rc && !k->dry_run)
		rc = hyper_sched_set(k, d->id, sched, s->has_weight ? s->weight : weight,
				     s->has_cap ? s->cap : cap);
	return rc ? no_share(k, rc) : print_done(k, d, "set");
}

static int run_share(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "domain", required_argument, NULL, 'd' }, { "weight", required_argument, NULL, 'w' },
		{ "cap", required_argument, NULL, 'c' }, { "schedparam", no_argument, NULL, 's' },
		{ "ratelimit_us", required_argument, NULL, 'r' }, { 0 },
	};
	struct share s = { 0 };
	const struct options o = {
		.cmd = &cmd_sched_credit2, .shorts = "d:w:c:sr:", .longs = longs, .handle = handle, .arg = &s,
	};
	struct keel_domain *all, one;
	unsigned int sched;
	int rc = parse_options(k, argc, argv, &o), n;

	if (rc >= 0)
		return rc;
	if (s.system && (s.guest || s.has_weight || s.has_cap))
		return usage_error(k, &cmd_sched_credit2, "-s and -r are for all CPUs, -d, -w and -c for a guest");
	if ((s.has_weight || s.has_cap) && !s.guest)
		return usage_error(k, &cmd_sched_credit2, "a weight or a cap is a guest's: name it with -d");
	rc = open_hypervisor(k, &cmd_sched_credit2);
	if (rc >= 0)
		return rc;
	rc = hyper_sched_id(k, &sched);
	if (rc)
		return no_share(k, rc);
	if (s.system)
		return system_share(k, sched, &s);
	if (s.guest && keel_domain_find(k, s.guest, &one))
		return report(k);
	if (s.guest)
		return s.has_weight || s.has_cap ? change_share(k, sched, &one, &s)
		       : list_shares(k, sched, &one, 1);
	n = keel_domain_list(k, &all);
	if (n < 0)
		return report(k);
	rc = list_shares(k, sched, all, n);
	free(all);
	return rc;
}

const struct command cmd_sched_credit2 = {
	.name = "sched-credit2",
	.args = "[-d NAME|ID [-w WEIGHT] [-c CAP]] | -s [-r US]",
	.summary = "Shows or sets the guests' shares of the CPUs",
	.help =
	"  -d, --domain       the guest; by default all are shown\n"
	"  -w, --weight       its share relative to other guests, 1 to 65535 (default 256)\n"
	"  -c, --cap          the most it may use, in percent of one CPU; 0 is no limit\n"
	"  -s, --schedparam   the scheduler's own parameter, for all CPUs:\n"
	"  -r, --ratelimit_us how long a vCPU runs at least, in microseconds\n",
	.run = run_share,
	.opens = true,
	.changes = true,
};
