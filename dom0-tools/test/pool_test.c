/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU pools and their commands, with a simulated hypervisor: four CPUs, three pools at most, and
 * two domains. Names in xenstore are an array.
 */
#include "test/check.h"

#include <fcntl.h>
#include <json-c/json.h>

#include "keel/keel.h"
#include "lib/hyper.h"
#include "lib/pool.h"
#include "lib/store.h"
#include "test/run.h"

#define CPUS 4
#define POOLS 3
#define NONE (-1)

static int pool_of[CPUS], pool_of_domain[2];
static bool exists[POOLS];
static char names[POOLS][100], uuids[POOLS][40];
static int broken_cpu, store_fails;
static bool open_lock, held, wide;
static struct keel k;

static int cpus_of(unsigned int id)
{
	int n = 0;

	for (int i = 0; i < CPUS; i++)
		n += pool_of[i] == (int)id;
	return n;
}

static int domains_of(unsigned int id)
{
	return (pool_of_domain[0] == (int)id) + (pool_of_domain[1] == (int)id);
}

static void map_of(int id, struct guest_cpus *cpus)
{
	*cpus = (struct guest_cpus){ 0 };
	for (int i = 0; i < CPUS; i++)
		if (pool_of[i] == id)
			cpus->bits[0] |= 1 << i;
	if (wide)	/* the longest possible text */
		memset(cpus, 0xaa, sizeof(*cpus));
}

int hyper_sched_id(struct keel *q, unsigned int *id)
{
	*id = 6;
	return 0;
}

int hyper_parse_cpus(struct keel *q, struct guest_cpus *cpus, const char *list)
{
	static struct guest_nodes nodes = { .n = 2, .node[1].cpus.bits[0] = 0xc };

	return guest_parse_cpus(cpus, list, &nodes, &q->err);
}

int hyper_pool_info(struct keel *q, struct hyper_pool *p)
{
	while (p->id < POOLS && !exists[p->id])
		p->id++;
	if (p->id == POOLS)
		return -ENOENT;
	p->scheduler = 6;
	p->domains = domains_of(p->id);
	map_of(p->id, &p->cpus);
	return 0;
}

int hyper_pool_free(struct keel *q, struct guest_cpus *cpus)
{
	map_of(NONE, cpus);
	return 0;
}

int hyper_pool_create(struct keel *q, unsigned int scheduler, unsigned int *id)
{
	assert_true(open_lock && held);
	assert_int_equal(scheduler, 6);
	for (*id = 0; *id < POOLS && exists[*id];)
		++*id;
	if (*id == POOLS)
		return -ENOSPC;
	exists[*id] = true;
	return 0;
}

int hyper_pool_change(struct keel *q, unsigned int op, unsigned int id, unsigned int what)
{
	bool add = op == XEN_SYSCTL_CPUPOOL_OP_ADDCPU;

	assert_true(open_lock && held);
	if (!exists[id])
		return -ENOENT;
	if (op == XEN_SYSCTL_CPUPOOL_OP_DESTROY) {
		exists[id] = cpus_of(id);
		return exists[id] ? -EBUSY : 0;
	}
	if (op == XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN) {
		if (!cpus_of(id))
			return -ENOENT;
		pool_of_domain[what ? 1 : 0] = id;
		return 0;
	}
	if (what >= CPUS)
		return -EINVAL;
	if ((int)what == broken_cpu)
		return -EIO;
	if (pool_of[what] != (add ? NONE : (int)id))
		return -ENODEV;
	if (!add && cpus_of(id) == 1 && domains_of(id))
		return -EBUSY;
	pool_of[what] = add ? (int)id : NONE;
	return 0;
}

char *store_read(struct keel *q, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	unsigned int id;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	assert_int_equal(sscanf(path, "/local/pool/%u/name", &id), 1);
	return names[id][0] ? strdup(names[id]) : NULL;
}

int store_write(struct keel *q, const char *path, const char *fmt, ...)
{
	unsigned int id;
	va_list ap;

	assert_int_equal(sscanf(path, "/local/pool/%u/", &id), 1);
	if (store_fails)
		return keel_fail(&q->err, ENOSPC, "no store");
	va_start(ap, fmt);
	vsnprintf(strstr(path, "/uuid") ? uuids[id] : names[id], 40, fmt, ap);
	va_end(ap);
	return 0;
}

void store_remove(struct keel *q, const char *fmt, ...)
{
	unsigned int id;
	va_list ap;

	va_start(ap, fmt);
	id = va_arg(ap, unsigned int);
	va_end(ap);
	names[id][0] = uuids[id][0] = 0;
}

int keel_open(struct keel *q, bool no_xenstore)
{
	return 0;
}

void keel_hold_signals(sigset_t *old)
{
	held = true;
}

void keel_release_signals(const sigset_t *old)
{
	held = false;
}

/* Each command takes one lock. The test sees that it is taken, not that it is released. */
int keel_lock(struct keel *q)
{
	open_lock = true;
	return open("/dev/null", O_RDONLY);
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	*d = (struct keel_domain){ .id = 3, .name = "web" };
	return strcmp(who, "web") ? keel_fail(&q->err, ESRCH, "there is no domain named '%s'", who) : 0;
}

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	return -1;
}

/* Pool-0 without a name in xenstore has all CPUs and both domains. */
static int reset(void **state)
{
	memset(pool_of, 0, sizeof(pool_of));
	memset(pool_of_domain, 0, sizeof(pool_of_domain));
	memset(exists, 0, sizeof(exists));
	memset(names, 0, sizeof(names));
	exists[0] = true;
	broken_cpu = NONE;
	store_fails = 0;
	wide = held = false;
	return 0;
}

static void expect(const char *words, int rc, const char *says)
{
	static const struct command *const all[] = {
		&cmd_cpupool_list, &cmd_cpupool_create, &cmd_cpupool_destroy, &cmd_cpupool_rename,
		&cmd_cpupool_cpu_add, &cmd_cpupool_cpu_remove, &cmd_cpupool_migrate, NULL,
	};
	int got;

	k = (struct keel){ 0 };
	open_lock = false;
	got = run_command(&k, all, words);
	if (got != rc)
		fail_msg("keel %s: exit code %d, not %d: %s", words, got, rc, printed);
	assert_contains(printed, says);
	assert_false(held);
}

/* The pool of each CPU: a digit, or a dash. */
static void cpus_are(const char *text)
{
	char now[CPUS + 1] = "";

	for (int i = 0; i < CPUS; i++)
		now[i] = pool_of[i] == NONE ? '-' : '0' + pool_of[i];
	assert_string_equal(now, text);
}

static void listed(void **state)
{
	expect("cpupool-list", 0, "Pool-0                              0    4 credit2         2\n");
	expect("cpupool-cpu-remove Pool-0 2-3", 0, "pool Pool-0 (0): reduced by the CPUs");
	expect("cpupool-create name=\"rt\" cpus=\"3\"", 0, "pool rt (1): created");
	expect("cpupool-list", 0, "rt                                  1    1 credit2         0\n");
	expect("cpupool-list -c", 0, "Pool-0                              0 0-1\n");
	expect("cpupool-list rt", 0, "rt      ");
	assert_null(strstr(printed, "Pool-0"));
	expect("cpupool-list 1", 0, "rt      ");
	expect("cpupool-list x", 1, "there is no CPU pool 'x'");
	expect("cpupool-list --json rt", 0, "\"cpus\":\"3\"");
	assert_contains(printed, "\"scheduler\":\"credit2\"");
	wide = true;
	expect("cpupool-list -c", 0, ",1019,1021,1023\n");
	wide = false;
}

static void created(void **state)
{
	expect("cpupool-create name=\"rt\"", 1, "no CPU is free");
	expect("cpupool-cpu-remove 0 1-3", 0, "reduced");
	expect("cpupool-create name=\"rt\" sched=\"credit2\"", 0, "created");
	cpus_are("01--");
	assert_string_equal(names[1], "rt");
	assert_int_equal(strlen(uuids[1]), 36);
	expect("cpupool-create name=\"rt\"", 1, "the name 'rt' is taken by CPU pool 1");
	expect("cpupool-create name=\"7\"", 1, "the name '7' would be taken");
	expect("cpupool-create name=\"b\" cpus=[\"2\",\"1\"]", 1, "CPU 1 is not free");
	assert_false(exists[2]);
	cpus_are("01--");
	/* Nothing is left of a pool whose creation fails later. */
	broken_cpu = 3;
	expect("cpupool-create name=\"b\" cpus=[2,3]", 1, "CPU 3 cannot join pool b: Input/output error");
	assert_false(exists[2]);
	cpus_are("01--");
	broken_cpu = NONE;
	store_fails = 1;
	expect("cpupool-create name=\"b\" cpus=\"2-3\"", 1, "no store");
	assert_false(exists[2]);
	cpus_are("01--");
	store_fails = 0;
	expect("cpupool-create name=\"b\" cpus=\"2-3\"", 0, "created");
	cpus_are("0122");
	expect("cpupool-create cpus=\"1\"", 2, "the pool has no name");
	expect("cpupool-create name=\"c\" sched=\"rtds\"", 2, "was started with, credit2, not rtds");
	expect("cpupool-create name=\"c\" nodes=\"2\"", 2, "the machine has no node 2");
	expect("cpupool-create name=\"c\" nodes=\"1\" cpus=\"2\"", 2, "cpus and nodes do not go together");
	expect("cpupool-create name=\"c\" nodes=\"0-1,^1\"", 2, "no CPU is left");
	expect("cpupool-create name=\"c\" nodes=\"x\"", 2, "'node:x' is no list of CPUs");
	expect("cpupool-create name=\"c\" size=1", 2, "size is no valid setting of a pool");
	expect("cpupool-create name=\"c\" cpus=\"x\"", 2, "'x' is no list of CPUs");
	/* Nodes, as a text or as a list. */
	expect("cpupool-destroy b", 0, "destroyed");
	expect("cpupool-create name=\"b\" nodes=\"0-1,^0\"", 0, "created");
	cpus_are("0122");
	expect("cpupool-destroy b", 0, "destroyed");
	expect("cpupool-create name=\"b\" nodes=[\"1\"]", 0, "created");
	cpus_are("0122");
	expect("cpupool-create /nowhere", 2, "cannot open configuration /nowhere");
}

static void changed(void **state)
{
	expect("cpupool-cpu-remove Pool-0 all", 1, "CPU 3 is the last of pool Pool-0, which has domains");
	cpus_are("0000");	/* all or none */
	expect("cpupool-cpu-remove Pool-0 2-3", 0, "reduced");
	expect("cpupool-create name=\"rt\" cpus=\"3\"", 0, "created");
	expect("cpupool-cpu-remove rt 2", 1, "CPU 2 is not in pool rt");
	expect("cpupool-cpu-add rt 0", 1, "CPU 0 is not free");
	expect("cpupool-cpu-add rt 9", 1, "CPU 9 is not free");
	expect("cpupool-cpu-add rt x", 1, "'x' is no list of CPUs");
	expect("cpupool-cpu-add rt node:2", 1, "'node:2': the machine has no node 2, the last one is 1");
	expect("cpupool-cpu-add rt node:1,^3", 0, "pool rt (1): given the CPUs");
	cpus_are("0011");
	expect("cpupool-rename rt Pool-0", 1, "the name 'Pool-0' is taken by CPU pool 0");
	expect("cpupool-rename rt fast", 0, "pool fast (1): renamed");
	assert_string_equal(names[1], "fast");
	expect("cpupool-migrate web fast", 0, "web (domain 3): moved");
	assert_int_equal(pool_of_domain[1], 1);
	expect("cpupool-migrate mail fast", 3, "there is no domain named 'mail'");
	expect("cpupool-migrate web x", 1, "there is no CPU pool 'x'");
	expect("cpupool-destroy fast", 1, "CPU pool fast has 1 domains; move them first");
	cpus_are("0011");
	expect("cpupool-migrate web 0", 0, "moved");
	expect("cpupool-cpu-remove fast all", 0, "reduced");
	expect("cpupool-migrate web fast", 1, "CPU pool fast has no CPUs");
	expect("cpupool-cpu-add fast 2", 0, "given the CPUs");
	expect("cpupool-destroy --json fast", 0, "\"result\":\"destroyed\"");
	assert_false(exists[1]);
	assert_string_equal(names[1], "");
	cpus_are("00--");
	expect("cpupool-destroy 0", 1, "the first CPU pool stays");
	expect("cpupool-destroy", 2, "something is missing");
}

/* Dry runs change nothing, and refuse what would be refused. */
static void dry(void **state)
{
	expect("cpupool-create -n name=\"rt\"", 1, "no CPU is free");
	expect("cpupool-cpu-remove 0 2-3", 0, "reduced");
	expect("cpupool-create name=\"rt\" cpus=\"3\"", 0, "created");
	expect("cpupool-create -n name=\"b\"", 0, "pool b: would be created\n");
	expect("cpupool-create -n --json name=\"b\" cpus=\"2\"", 0, "\"dry_run\":true");
	assert_null(strstr(printed, "id"));
	expect("cpupool-create -n name=\"b\" cpus=\"3\"", 1, "CPU 3 is not free");
	expect("cpupool-create -n name=\"rt\"", 1, "the name 'rt' is taken");
	expect("cpupool-cpu-add -n rt 2", 0, "pool rt (1): would be given the CPUs\n");
	expect("cpupool-cpu-add -n rt 0", 1, "CPU 0 is not free");
	expect("cpupool-cpu-remove -n rt 3", 0, "would be");
	expect("cpupool-rename -n rt fast", 0, "pool rt (1): would be renamed\n");
	expect("cpupool-rename -n rt Pool-0", 1, "is taken");
	expect("cpupool-migrate -n web rt", 0, "web (domain 3): would be moved\n");
	expect("cpupool-destroy -n --json rt", 0, "\"dry_run\":true");
	expect("cpupool-destroy -n 0", 1, "the first CPU pool stays");
	cpus_are("00-1");
	assert_string_equal(names[1], "rt");
	assert_int_equal(pool_of_domain[1], 0);
	assert_false(exists[2]);
	expect("cpupool-cpu-remove rt 3", 0, "reduced");
	expect("cpupool-migrate -n web rt", 1, "CPU pool rt has no CPUs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(listed, reset), cmocka_unit_test_setup(created, reset),
		cmocka_unit_test_setup(changed, reset), cmocka_unit_test_setup(dry, reset),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	free(printed);
	return rc;
}
