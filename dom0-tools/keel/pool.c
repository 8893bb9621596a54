/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands for CPU pools. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/hyper.h"
#include "lib/pool.h"

static int done(struct keel *k, const struct pool *p, const char *result)
{
	bool made = p->id != POOL_NO_ID;	/* or a dry run */
	struct json_object *j;
	char id[16] = "";

	if (!k->json) {
		if (made)
			snprintf(id, sizeof(id), " (%u)", p->id);
		printf("pool %s%s: %s%s\n", p->name, id, would_be(k), result);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(p->name));
	if (made)
		json_object_object_add(j, "id", json_object_new_int(p->id));
	return print_result(k, j, result);
}

static unsigned int count(const struct guest_cpus *cpus)
{
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(cpus->bits); i++)
		n += __builtin_popcount(cpus->bits[i]);
	return n;
}

static void print_pool(struct keel *k, const struct pool *p, bool cpus, struct json_object *all)
{
	struct json_object *j = json_object_new_object();
	char list[GUEST_CPUS_TEXT];

	guest_cpus_text(&p->cpus, GUEST_MAX_CPUS, list, sizeof(list));
	json_object_object_add(j, "name", json_object_new_string(p->name));
	json_object_object_add(j, "id", json_object_new_int(p->id));
	json_object_object_add(j, "scheduler", json_object_new_string(pool_scheduler_name(p->scheduler)));
	json_object_object_add(j, "cpus", json_object_new_string(list));
	json_object_object_add(j, "domains", json_object_new_int(p->domains));
	json_object_array_add(all, j);
	if (k->json)
		return;
	if (cpus)
		printf("%-32s %4u %s\n", p->name, p->id, *list ? list : "-");
	else
		printf("%-32s %4u %4u %-9s %7u\n", p->name, p->id, count(&p->cpus),
		       pool_scheduler_name(p->scheduler), p->domains);
}

static int run_list(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = { { "cpus", no_argument, NULL, 'c' }, { 0 } };
	bool cpus = false;
	const struct options o = {
		.cmd = &cmd_cpupool_list, .shorts = "c", .longs = longs, .handle = handle_flag, .arg = &cpus,
		.max_args = 1,
	};
	struct json_object *list;
	struct pool *all, one;
	int rc = parse_options(k, argc, argv, &o), n = 1;

	if (rc >= 0)
		return rc;
	if (optind < argc ? pool_find(k, argv[optind], &one) : (n = pool_list(k, &all)) < 0)
		return report(k);
	list = json_object_new_array();
	if (!k->json)
		puts(cpus ? "Name                               ID CPUs" :
			    "Name                               ID CPUs Scheduler Domains");
	for (int i = 0; i < n; i++)
		print_pool(k, optind < argc ? &one : &all[i], cpus, list);
	if (optind == argc)
		free(all);
	return end_list(k, list);
}

const struct command cmd_cpupool_list = {
	.name = "cpupool-list",
	.args = "[-c] [POOL]",
	.summary = "Lists the CPU pools",
	.help = "  -c, --cpus         show which CPUs, not how many\n",
	.run = run_list,
};

/* Adds the words of @text, each with @kind before it, behind its ^. */
static void add_words(char *list, size_t size, const char *text, const char *kind)
{
	size_t used = strlen(list);

	for (const char *word = text; word && used < size; word = strchr(word, ',')) {
		word += strspn(word, ", \t");
		used += snprintf(list + used, size - used, "%s%s%s%.*s", used ? "," : "", *word == '^' ? "^" : "",
				 kind, (int)strcspn(word + (*word == '^'), ","), word + (*word == '^'));
	}
}

/* The CPUs of a new pool, as a file for xl has them: a text or a list, of CPUs or of nodes. */
static int set_cpus(struct keel *k, struct pool *p, const struct cfg_setting *s)
{
	const char *kind = !strcmp(s->name, "nodes") ? "node:" : "";
	const struct cfg_value *v = s->value;
	static const struct guest_cpus none;
	char list[1024] = "";

	if (memcmp(&p->cpus, &none, sizeof(none)))
		return keel_fail(&k->err, EINVAL, "cpus and nodes do not go together");
	if (v->type != CFG_LIST)
		add_words(list, sizeof(list), v->string, kind);
	for (size_t i = 0; v->type == CFG_LIST && i < v->items; i++)
		if (v->item[i]->type != CFG_LIST)
			add_words(list, sizeof(list), v->item[i]->string, kind);
	if (strlen(list) == sizeof(list) - 1)
		return keel_fail(&k->err, E2BIG, "the list of CPUs is too long");
	return hyper_parse_cpus(k, &p->cpus, list);
}

static int set_scheduler(struct keel *k, struct pool *p, const char *name)
{
	const char *own = pool_scheduler_name(p->scheduler);

	if (!strcmp(name, own))
		return 0;
	return keel_fail(&k->err, EINVAL, "sched: all pools have the scheduler that the hypervisor was started "
			 "with, %s, not %s", own, name);
}

static int set_one(struct keel *k, struct pool *p, const struct cfg_setting *s)
{
	if (!strcmp(s->name, "cpus") || !strcmp(s->name, "nodes"))
		return set_cpus(k, p, s);
	if (s->value->type == CFG_STRING && !strcmp(s->name, "name")) {
		if (strlen(s->value->string) >= sizeof(p->name))
			return keel_fail(&k->err, EINVAL, "name: it is longer than %d characters", GUEST_NAME_MAX);
		strcpy(p->name, s->value->string);
		return 0;
	}
	if (s->value->type == CFG_STRING && !strcmp(s->name, "sched"))
		return set_scheduler(k, p, s->value->string);
	return keel_fail(&k->err, EINVAL, "%s is no valid setting of a pool (there are name, cpus, nodes and sched)",
			 s->name);
}

static int read_pool(struct keel *k, struct pool *p, int argc, char **argv)
{
	struct cfg c = { 0 }, over = { 0 };
	bool file = !strchr(argv[0], '=');
	int rc = file ? guest_read_cfg(&c, argv[0], &k->err) : 0;

	if (!rc)
		rc = parse_words(k, &over, argc - file, argv + file);
	if (!rc)
		rc = cfg_replace(&c, &over, &k->err);
	for (size_t i = 0; !rc && i < c.settings; i++)
		rc = set_one(k, p, &c.setting[i]);
	cfg_free(&c);
	cfg_free(&over);
	return rc || p->name[0] ? rc : keel_fail(&k->err, EINVAL, "the pool has no name (name=\"...\")");
}

/* No signal ends a change halfway, with a pool that has no name or half of its CPUs. */
static int begin(struct keel *k, sigset_t *old)
{
	int lock;

	keel_hold_signals(old);
	lock = keel_lock(k);
	if (lock < 0)
		keel_release_signals(old);
	return lock;
}

static void end(int lock, const sigset_t *old)
{
	close(lock);
	keel_release_signals(old);
}

static int run_create(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_cpupool_create, .min_args = 1, .max_args = -1 };
	struct pool p = { .id = POOL_NO_ID };
	sigset_t old;
	int rc = parse_options(k, argc, argv, &o), lock;

	if (rc >= 0)
		return rc;
	rc = hyper_sched_id(k, &p.scheduler);
	if (rc)
		keel_fail(&k->err, -rc, "cannot ask for the scheduler: %s", strerror(-rc));
	if (rc)
		return report(k);
	if (read_pool(k, &p, argc - optind, argv + optind)) {
		rc = report(k);
		return rc == KEEL_EXIT_FAILED ? KEEL_EXIT_USAGE : rc;
	}
	lock = begin(k, &old);
	if (lock < 0)
		return report(k);
	rc = pool_create(k, &p);
	end(lock, &old);
	return rc ? report(k) : done(k, &p, "created");
}

const struct command cmd_cpupool_create = {
	.name = "cpupool-create",
	.args = "[FILE] [NAME=VALUE...]",
	.summary = "Makes a CPU pool of free CPUs",
	.help =
	"Settings, as in a file for xl: name=\"...\"; cpus=\"2-3\" or a list, or nodes=\"1\" for the CPUs of nodes,\n"
	"the first free CPU without either; sched, which can only be the scheduler that there is. A text needs its quotes: 'name=\"rt\"'.\n\n",
	.run = run_create,
	.changes = true,
};

typedef int change_fn(struct keel *k, struct pool *p, const char *arg);

/* A command that names a pool and changes it, under the lock. */
static int change(struct keel *k, int argc, char **argv, const struct command *c, int args,
		  change_fn *fn, const char *result)
{
	const struct options o = { .cmd = c, .min_args = args, .max_args = args };
	struct pool p;
	sigset_t old;
	int rc = parse_options(k, argc, argv, &o), lock;

	if (rc >= 0)
		return rc;
	lock = begin(k, &old);
	if (lock < 0)
		return report(k);
	rc = pool_find(k, argv[optind], &p);
	if (!rc)
		rc = fn(k, &p, argv[optind + 1]);
	end(lock, &old);
	return rc ? report(k) : done(k, &p, result);
}

static int destroy(struct keel *k, struct pool *p, const char *arg)
{
	return p->id ? pool_destroy(k, p) : keel_fail(&k->err, EINVAL, "the first CPU pool stays");
}

static int run_destroy(struct keel *k, int argc, char **argv)
{
	return change(k, argc, argv, &cmd_cpupool_destroy, 1, destroy, "destroyed");
}

const struct command cmd_cpupool_destroy = {
	.name = "cpupool-destroy",
	.args = "POOL",
	.summary = "Removes a CPU pool without domains; its CPUs become free",
	.help = "",
	.run = run_destroy,
	.changes = true,
};

static int run_rename(struct keel *k, int argc, char **argv)
{
	return change(k, argc, argv, &cmd_cpupool_rename, 2, pool_rename, "renamed");
}

const struct command cmd_cpupool_rename = {
	.name = "cpupool-rename",
	.args = "POOL NEW",
	.summary = "Gives a CPU pool another name",
	.help = "",
	.run = run_rename,
	.changes = true,
};

static int add(struct keel *k, struct pool *p, const char *arg)
{
	struct guest_cpus cpus;
	int rc = hyper_parse_cpus(k, &cpus, arg);

	return rc ? rc : pool_add(k, p, &cpus);
}

static int run_add(struct keel *k, int argc, char **argv)
{
	return change(k, argc, argv, &cmd_cpupool_cpu_add, 2, add, "given the CPUs");
}

const struct command cmd_cpupool_cpu_add = {
	.name = "cpupool-cpu-add",
	.args = "POOL CPUS",
	.summary = "Adds free CPUs to a pool",
	.help = "CPUS is a list such as 0-3,^2 or node:1. All of them are added, or none.\n\n",
	.run = run_add,
	.changes = true,
};

static int remove_cpus(struct keel *k, struct pool *p, const char *arg)
{
	struct guest_cpus cpus;
	int rc = hyper_parse_cpus(k, &cpus, arg);

	return rc ? rc : pool_remove(k, p, strcmp(arg, "all") ? &cpus : &p->cpus);
}

static int run_remove(struct keel *k, int argc, char **argv)
{
	return change(k, argc, argv, &cmd_cpupool_cpu_remove, 2, remove_cpus, "reduced by the CPUs");
}

const struct command cmd_cpupool_cpu_remove = {
	.name = "cpupool-cpu-remove",
	.args = "POOL CPUS",
	.summary = "Takes CPUs out of a pool; they are free then",
	.help = "CPUS is a list such as 0-3,^2, or all. All of them are removed, or none.\n\n",
	.run = run_remove,
	.changes = true,
};

static int run_migrate(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_cpupool_migrate, .min_args = 2, .max_args = 2 };
	struct keel_domain d;
	struct pool p;
	sigset_t old;
	int rc = parse_options(k, argc, argv, &o), lock;

	if (rc >= 0)
		return rc;
	lock = begin(k, &old);
	if (lock < 0)
		return report(k);
	rc = keel_domain_find(k, argv[optind], &d);
	if (!rc)
		rc = pool_find(k, argv[optind + 1], &p);
	if (!rc)
		rc = pool_move(k, &p, d.id);
	end(lock, &old);
	return rc ? report(k) : print_done(k, &d, "moved");
}

const struct command cmd_cpupool_migrate = {
	.name = "cpupool-migrate",
	.args = "NAME|ID POOL",
	.summary = "Moves a domain to another CPU pool",
	.help = "This lasts until the guest ends; pool in its file lasts longer.\n\n",
	.run = run_migrate,
	.changes = true,
};
