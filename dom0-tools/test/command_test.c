/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands that show or change a running guest, with a simulated machine: two domains, the
 * hypervisor's answers, and xenstore. `history` gets a line for each change, `printed` what a
 * command prints.
 */
#include "test/check.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <pty.h>
#include <sys/wait.h>
#include <time.h>

#include <xenhypfs.h>
#include <xentoollog.h>

#include "keel/keel.h"
#include "lib/autostart.h"
#include "lib/device.h"
#include "lib/hotplug.h"
#include "lib/hyper.h"
#include "lib/lock.h"
#include "lib/pool.h"
#include "lib/store.h"
#include "lib/unfinished.h"
#include "test/run.h"

static char history[4096];
static int hyper_error, machine_error;
static unsigned int gone = ~0u;
static bool no_config, ended;
static unsigned int web_id = 3;
static struct keel k;

static void did(const char *fmt, ...)
{
	va_list ap;
	size_t n = strlen(history);

	va_start(ap, fmt);
	vsnprintf(history + n, sizeof(history) - n, fmt, ap);
	va_end(ap);
}

static const struct keel_domain machine[] = {
	{ .name = "Domain-0", .id = 0, .vcpus = 1, .max_vcpus = 1, .max_memory_kib = 1 << 20 },
	{ .name = "web", .id = 3, .vcpus = 2, .max_vcpus = 2, .max_memory_kib = 1 << 20,
	  .memory_kib = 512 << 10, .claimed_kib = 3 << 10, .uuid = { 0xab }, .pool = 2 },
};

int keel_open(struct keel *q, bool no_xenstore)
{
	return 0;
}

static int locks;

int keel_lock(struct keel *q)
{
	locks++;
	return open("/dev/null", O_RDONLY);
}

uint64_t keel_now_ms(void)
{
	return 0;
}

static int look;	/* the next of looks; 0: the machine above */
static bool no_watch;
static int next_look(struct keel_domain **out);

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	if (look)
		return next_look(out);
	*out = malloc(sizeof(machine));
	memcpy(*out, machine, sizeof(machine));
	return 2;
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	for (int i = 0; i < 2; i++)
		if (!strcmp(who, machine[i].name) || atoi(who) == (int)machine[i].id) {
			if (!i && strcmp(who, "0") && strcmp(who, "Domain-0"))
				continue;
			*d = machine[i];
			if (i && web_id == ~0u)
				break;
			d->id = i ? web_id : 0;
			d->shutdown = i && ended;
			return 0;
		}
	return keel_fail(&q->err, ESRCH, "there is no domain named '%s'", who);
}

int keel_domain_find_guest(struct keel *q, const char *who, struct keel_domain *d)
{
	int rc = keel_domain_find(q, who, d);

	return !rc && !d->id ? keel_fail(&q->err, EINVAL, "%s is Dom0", who) : rc;
}

/* Who sees to web: keeld ends it, and may start another in its place, as domain 4. */
static bool locked_for_ever, ends_meanwhile, starts_again;

int keel_lock_guest_wait(struct keel *q, unsigned int domid, unsigned int seconds)
{
	did("lock %u\n", domid);
	if (locked_for_ever)
		return keel_fail(&q->err, EBUSY, "another process sees to domain %u", domid);
	if (ends_meanwhile && domid == 3)
		web_id = starts_again ? 4 : ~0u;
	return open("/dev/null", O_RDONLY);
}

int keel_domain_by_id(struct keel *q, unsigned int id, struct keel_domain *d)
{
	*d = machine[1];
	d->id = id;
	return id == web_id ? 0 : keel_fail(&q->err, ESRCH, "there is no domain %u", id);
}

static int cleared;

void unfinished_clear(struct keel *q)
{
	cleared++;
}

int keel_domain_destroy(struct keel *q, unsigned int domid)
{
	did("destroy %u\n", domid);
	return hyper_error ? keel_fail(&q->err, -hyper_error, "it stays") : 0;
}

/* What is stored of web; a change is in `history` as lines for xl. */
static const char *stored = "{\"name\":\"web\",\"kernel\":\"/k\",\"memory\":64,\"vif\":["
			    "{\"bridge\":\"br0\",\"mac\":\"00:16:3e:00:00:07\"}]}";
static const char *file_fault;

static bool changes_meanwhile, gone_meanwhile;

struct xentoollog_logger keel_silent;

xenhypfs_handle *xenhypfs_open(xentoollog_logger *logger, unsigned int flags)
{
	return (xenhypfs_handle *)&keel_silent;
}

int xenhypfs_close(xenhypfs_handle *fs)
{
	return 0;
}

char *xenhypfs_read(xenhypfs_handle *fs, const char *path)
{
	errno = ENOENT;
	return strstr(path, "nosuch") ? NULL : strdup("old");
}

int xenhypfs_write(xenhypfs_handle *fs, const char *path, const char *value)
{
	errno = strstr(path, "fixed") ? EACCES : EINVAL;
	if (errno == EACCES || !strcmp(value, "bad"))
		return -1;
	did("%s=%s\n", path, value);
	return 0;
}

static void read_stored(struct guest_config *g)
{
	struct json_object *j = json_tokener_parse(stored);
	struct keel_error e;

	assert_int_equal(guest_from_json(g, j, &e), 0);
	json_object_put(j);
}

int skeleton_need_config(struct keel *q, const struct keel_domain *d, struct guest_config *g)
{
	if (no_config)
		return keel_fail(&q->err, EPERM, "%s was not made by keel", d->name);
	read_stored(g);
	return 0;
}

int skeleton_change(struct keel *q, unsigned int domid, skeleton_change_fn *change, void *arg)
{
	struct guest_config g;
	int rc;

	assert_int_equal(locks, 1);
	if (gone_meanwhile)
		return 0;
	read_stored(&g);
	if (changes_meanwhile)
		g.memory_mib++;
	rc = change(q, &g, arg);
	if (!rc) {
		char *text = guest_to_text(&g);

		did("%u stored\n%s", domid, text);
		free(text);
	}
	guest_free(&g);
	return rc;
}

void check_files(struct keel *q, const struct guest_config *g, guest_warn_fn *refuse, void *arg)
{
	if (file_fault)
		refuse(arg, file_fault);
}

int keel_domain_control(struct keel *q, unsigned int domid, const char *what)
{
	did("control %u %s\n", domid, what);
	return 0;
}

int keel_domain_wait_shutdown(struct keel *q, const struct keel_domain *d, unsigned int seconds)
{
	did("wait %u %u\n", d->id, seconds);
	return hyper_error && d->id == 2 ? keel_fail(&q->err, ETIMEDOUT, "it goes on") : 0;
}

int hyper_pause(struct keel *q, unsigned int domid)
{
	did("pause %u\n", domid);
	return hyper_error;
}

int hyper_unpause(struct keel *q, unsigned int domid)
{
	did("unpause %u\n", domid);
	return hyper_error;
}

void keel_hold_signals(sigset_t *old)
{
}

void keel_release_signals(const sigset_t *old)
{
}

void pool_name(struct keel *q, unsigned int id, char out[GUEST_NAME_MAX + 1])
{
	sprintf(out, "pool%u", id);
}

int keel_domain_name_free(struct keel *q, const char *name)
{
	return strcmp(name, "taken") ? 0 : keel_fail(&q->err, EEXIST, "the name 'taken' is taken");
}

int keel_domain_rename_config(struct keel *q, unsigned int domid, const char *name)
{
	did("%u is %s\n", domid, name);
	return 0;
}

bool skeleton_config(struct keel *q, unsigned int domid, struct guest_config *g)
{
	*g = (struct guest_config){ .maxmem_mib = 512 };
	return !no_config;
}

static const char *disk_path = "/a.img";

/* web's two disks and its interface: the nodes of Dom0's end. */
static char *read_device(const char *path)
{
	static const char *const nodes[] = {
		"vbd/3/51712/dev", "xvda", "vbd/3/51712/mode", "w",
		"vbd/3/51712/physical-device", "7:0", "vbd/3/268439552/dev", "xvdp", "vbd/3/268439552/mode", "r",
		"vbd/3/268439552/params", "/q.img", "vbd/3/268439552/format", "qcow2",
		"vif/3/1/mac", "00:16:3e:00:00:01", "vif/3/1/bridge", "xenbr0", "vif/3/1/script", "/bin/true",
		"vif/3/2/script", "/etc/xen/scripts/vif-route",
	};

	if (!strcmp(path, "vbd/3/51712/params"))
		return strdup(disk_path);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i += 2)
		if (!strcmp(path, nodes[i]))
			return strdup(nodes[i + 1]);
	return NULL;
}

char **store_list(struct keel *q, unsigned int *n, const char *fmt, ...)
{
	static char disks[2][12] = { "268439552", "51712" }, vifs[2][12] = { "1", "2" };
	char path[STORE_PATH_MAX], **names = malloc(2 * sizeof(*names));
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	*n = strstr(path, "/3") ? 2 : 0;
	for (int i = 0; i < 2; i++)
		names[i] = strstr(path, "/vbd/") ? disks[i] : vifs[i];
	return names;
}

const char *device_state(struct keel *q, const char *type, unsigned int domid, const char *index)
{
	return "connected";
}

int hotplug_disk(struct keel *q, const struct keel_domain *d, const struct guest_disk *disk)
{
	if (q->dry_run) {
		did("dry disk %u\n", d->id);
		return 0;
	}
	did("disk %u %s %s\n", d->id, disk->vdev, disk->path);
	return hyper_error ? keel_fail(&q->err, -hyper_error, "no disk") : 0;
}

int hotplug_vif(struct keel *q, const struct keel_domain *d, struct guest_vif *v)
{
	if (q->dry_run) {
		did("dry vif %u\n", d->id);
		return 0;
	}
	did("vif %u %s\n", d->id, v->bridge);
	v->has_mac = true;
	v->devid = 4;
	return hyper_error ? keel_fail(&q->err, -hyper_error, "no vif") : 0;
}

int hotplug_remove(struct keel *q, const struct keel_domain *d, const char *type,
		   unsigned int number, bool force)
{
	if (q->dry_run) {
		did("dry remove %u\n", d->id);
		return 0;
	}
	did("remove %u %s %u%s\n", d->id, type, number, force ? " by force" : "");
	return hyper_error ? keel_fail(&q->err, -hyper_error, "it stays") : 0;
}

int hotplug_resize(struct keel *q, const struct keel_domain *d, unsigned int number,
		   uint64_t *size)
{
	did("%sresize %u %u to %llu\n", q->dry_run ? "dry " : "", d->id, number,
	    (unsigned long long)*size);
	*size = *size ? *size : 4096;
	return hyper_error ? keel_fail(&q->err, -hyper_error, "it does not grow") : 0;
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
}

char *store_read(struct keel *q, const char *fmt, ...)
{
	char path[STORE_PATH_MAX], text[32];
	struct timespec now;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (strstr(path, "static-max"))
		return strdup("131072");
	if (!strncmp(path, "/local/domain/0/backend/", 24))
		return read_device(path + 24);
	clock_gettime(CLOCK_BOOTTIME, &now);
	snprintf(text, sizeof(text), "%lld", (long long)now.tv_sec - 90061);
	return strcmp(path, "/tool/keel/3/started") || no_config ? NULL : strdup(text);
}

int store_write(struct keel *q, const char *path, const char *fmt, ...)
{
	char value[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	did("%s=%s\n", path, value);
	return 0;
}

int hyper_physinfo(struct keel *q, struct xen_sysctl_physinfo *info)
{
	*info = (struct xen_sysctl_physinfo){ .nr_cpus = 4 };
	return machine_error;
}

int hyper_vcpu_info(struct keel *q, unsigned int domid, unsigned int vcpu,
		    struct xen_domctl_getvcpuinfo *info)
{
	*info = (struct xen_domctl_getvcpuinfo){ .online = vcpu == 0, .blocked = 1, .cpu = 2,
						 .cpu_time = 1500000000 };
	return domid == gone ? -ESRCH : hyper_error;
}

int hyper_get_affinity(struct keel *q, unsigned int domid, unsigned int vcpu,
		       struct guest_cpus *hard, struct guest_cpus *soft)
{
	struct keel_error e;

	guest_parse_cpus(hard, vcpu ? "1,3" : "0-3", NULL, &e);
	guest_parse_cpus(soft, "all", NULL, &e);
	return 0;
}

int hyper_parse_cpus(struct keel *q, struct guest_cpus *cpus, const char *list)
{
	static struct guest_nodes nodes = {
		.n = 2, .node = { { .cpus.bits = { 3 } }, { .cpus.bits = { 0xc } } },
	};

	return guest_parse_cpus(cpus, list, &nodes, &q->err);
}

int hyper_set_affinity(struct keel *q, unsigned int domid, unsigned int vcpu,
		       const struct guest_cpus *hard, const struct guest_cpus *soft)
{
	char h[64] = "-", s[64] = "-";

	if (hard)
		guest_cpus_text(hard, 4, h, sizeof(h));
	if (soft)
		guest_cpus_text(soft, 4, s, sizeof(s));
	did("pin %u.%u %s %s\n", domid, vcpu, h, s);
	return hyper_error;
}

int hyper_trigger(struct keel *q, unsigned int domid, unsigned int trigger, unsigned int vcpu)
{
	did("trigger %u %u %u\n", domid, trigger, vcpu);
	return hyper_error;
}

int hyper_debug_keys(struct keel *q, const char *keys)
{
	did("keys %s\n", keys);
	return hyper_error;
}

int hyper_sched_id(struct keel *q, unsigned int *id)
{
	*id = 6;
	return 0;
}

int hyper_sched_get(struct keel *q, unsigned int domid, unsigned int sched, unsigned int *weight,
		    unsigned int *cap)
{
	*weight = 256;
	*cap = domid;
	return hyper_error;
}

int hyper_sched_set(struct keel *q, unsigned int domid, unsigned int sched, unsigned int weight,
		    unsigned int cap)
{
	did("share %u %u %u %u\n", domid, sched, weight, cap);
	return hyper_error;
}

int hyper_ratelimit(struct keel *q, unsigned int sched, unsigned int *us, bool set)
{
	if (set)
		did("ratelimit %u\n", *us);
	else
		*us = 1000;
	return hyper_error;
}

static int run(const char *words)
{
	static const struct command *const all[] = {
		&cmd_vcpu_list, &cmd_vcpu_pin, &cmd_vcpu_set, &cmd_mem_set, &cmd_rename, &cmd_sched_credit2,
			&cmd_trigger,
		&cmd_sysrq, &cmd_uptime, &cmd_domid, &cmd_domname, &cmd_block_attach, &cmd_block_detach,
		&cmd_block_resize, &cmd_block_list, &cmd_network_attach, &cmd_network_detach,
		&cmd_network_list,
		&cmd_vm_list, &cmd_claims, &cmd_debug_keys, &cmd_list, &cmd_destroy,
		&cmd_config_update, &cmd_edit, &cmd_autostart, &cmd_set_parameters, &cmd_events,
		&cmd_shutdown, &cmd_reboot, &cmd_pause, &cmd_unpause, NULL,
	};

	history[0] = 0;
	locks = 0;
	k = (struct keel){ 0 };
	return run_command(&k, all, words);
}

static void expect(const char *words, int rc, const char *says, const char *does)
{
	int got = run(words);

	if (got != rc)
		fail_msg("keel %s: exit code %d, not %d: %s", words, got, rc, printed);
	assert_contains(printed, says);
	if (does)
		assert_string_equal(history, does);
}

static void vcpus(void **state)
{
	expect("vcpu-list web", 0,
	       "web                                  3     0     2   -b-       1.5  all / all\n", "");
	assert_contains(printed,
			"web                                  3     1     -   -bp       1.5  1,3 / all\n");
	assert_null(strstr(printed, "Domain-0"));
	expect("vcpu-list", 0, "Domain-0", "");
	expect("vcpu-list web other", 3, "there is no domain named 'other'", "");
	expect("vcpu-pin web 0 1-2", 0, "web (domain 3): pinned", "pin 3.0 1-2 -\n");
	expect("vcpu-pin web all 0 all", 0, "pinned", "pin 3.0 0 all\npin 3.1 0 all\n");
	expect("vcpu-pin 0 0 - 3", 0, "pinned", "pin 0.0 - 3\n");
	expect("vcpu-pin web 0 node:1 nodes:0", 0, "pinned", "pin 3.0 2-3 0-1\n");
	expect("vcpu-pin web 0 node:2", 1, "'node:2': the machine has no node 2", "");
	expect("vcpu-pin web 0 - node:2", 1, "'node:2': the machine has no node 2", "");
	expect("vcpu-pin web 2 0", 1, "web has no vCPU 2; it has 2", "");
	expect("vcpu-pin web x 0", 2, "'x' is neither a vCPU's number nor all", "");
	expect("vcpu-pin web 0 x", 2, "'x' is no list of CPUs", "");
	expect("vcpu-pin web 0 -", 2, "there is nothing to change", "");
	expect("vcpu-set web 1", 0, "asked", "/local/domain/3/cpu/0/availability=online\n"
	       "/local/domain/3/cpu/1/availability=offline\n");
	expect("vcpu-set web 3", 1, "web can have 2 vCPUs at most", "");
	expect("vcpu-set web 0", 2, "'0' is no number of vCPUs", "");
	hyper_error = -EINVAL;
	expect("vcpu-pin web 0 7", 1, "none of these CPUs", "pin 3.0 7 -\n");
	hyper_error = -EPERM;
	expect("vcpu-list web", 1, "cannot ask for the vCPUs of web: Operation not permitted", "");
	hyper_error = 0;
	machine_error = -EPERM;
	expect("vcpu-list", 1, "cannot ask how many CPUs the machine has: Operation not permitted", "");
	machine_error = 0;
	gone = 0;	/* the other domains are still listed */
	expect("vcpu-list", 0, "web   ", "");
	assert_null(strstr(printed, "Domain-0"));
	expect("vcpu-list --json", 0, "\"name\":\"web\"", "");
	assert_null(strstr(printed, "Domain-0"));
	gone = ~0u;
}

static void memory(void **state)
{
	expect("mem-set web 512", 0, "asked", "/local/domain/3/memory/target=524288\n");
	expect("mem-set web 2048k", 0, "asked", "/local/domain/3/memory/target=2048\n");
	expect("mem-set web 513", 1, "web can have 512 MiB at most", "");
	expect("mem-set web 1G", 1, "512 MiB at most", "");
	expect("mem-set 0 95", 1, "Dom0 needs 96 MiB at least", "");
	expect("mem-set Domain-0 1", 1, "Dom0 needs 96 MiB at least", "");
	expect("mem-set 0 96", 0, "asked", "/local/domain/0/memory/target=98304\n");
	no_config = true;	/* made by another toolstack */
	expect("mem-set web 129", 1, "128 MiB at most", "");
	expect("mem-set web 128m", 0, "asked", "/local/domain/3/memory/target=131072\n");
	no_config = false;
	expect("mem-set web 1x", 2, "'1x' is no size of memory", "");
	expect("mem-set web 0", 2, "is no size", "");
	expect("mem-set web 10mm", 2, "is no size", "");
	expect("mem-set web", 2, "something is missing", "");
}

static void names(void **state)
{
	expect("rename web mail", 0, "mail (domain 3): renamed", "3 is mail\n");
	expect("rename web taken", 1, "is taken", "");
	expect("rename web 7", 2, "would be taken for a domain id", "");
	expect("rename Domain-0 x", 1, "Domain-0 is Dom0", "");
	expect("domid web", 0, "3\n", "");
	expect("domname 3", 0, "web\n", "");
	expect("domid none", 3, "there is no domain named 'none'", "");
}

static void shares(void **state)
{
	expect("sched-credit2", 0, "Domain-0                             0    256    0\n", "");
	assert_contains(printed, "web                                  3    256    3\n");
	expect("sched-credit2 -d web", 0, "web ", "");
	assert_null(strstr(printed, "Domain-0"));
	expect("sched-credit2 -d web -w 512", 0, "set", "share 3 6 512 3\n");
	expect("sched-credit2 -d web -c 0", 0, "set", "share 3 6 256 0\n");
	expect("sched-credit2 -s", 0, "ratelimit 1000 us", "");
	expect("sched-credit2 -s -r 500", 0, "ratelimit 500 us", "ratelimit 500\n");
	expect("sched-credit2 -w 5", 2, "name it with -d", "");
	expect("sched-credit2 -d web -w 512 -r 1000", 2, "-s and -r are for all CPUs", "");
	expect("sched-credit2 -s -d web", 2, "-s and -r are for all CPUs", "");
	expect("sched-credit2 -c 5 -s", 2, "-s and -r are for all CPUs", "");
	expect("sched-credit2 -d web -w 0", 2, "bad option or value", "");
	expect("sched-credit2 -d web -c 65535", 2, "bad option or value", "");
	hyper_error = -EINVAL;
	expect("sched-credit2 -d web -w 5", 1, "the scheduler does not do that", "");
	hyper_error = 0;
}

static void pokes(void **state)
{
	expect("trigger web nmi", 0, "sent", "trigger 3 0 0\n");
	expect("trigger web reset", 0, "sent", "trigger 3 1 0\n");
	expect("trigger web nmi 1", 0, "sent", "trigger 3 0 1\n");
	expect("trigger web power", 2, "a PVH guest has no buttons; `keel shutdown` asks it", "");
	expect("trigger web init", 2, "a vCPU would wait", "");
	expect("trigger web bang", 2, "'bang' is no trigger", "");
	expect("trigger 0 nmi", 1, "0 is Dom0", "");
	hyper_error = -ESRCH;
	expect("trigger web nmi 5", 1, "web has no vCPU 5", "trigger 3 0 5\n");
	hyper_error = 0;
	expect("sysrq web h", 0, "sent", "/local/domain/3/control/sysrq=h\n");
	expect("sysrq web hh", 2, "'hh' is no single letter", "");
	expect("sysrq web /", 2, "is no single letter", "");
	expect("uptime web", 0, "web                                  3 1 day, 1:01:0", "");
	expect("uptime", 0, "Domain-0", "");
	no_config = true;
	expect("uptime web", 0, "web                                  3 -\n", "");
	no_config = false;
}

static void lists(void **state)
{
	expect("vm-list", 0, "ab000000-0000-0000-0000-000000000000     3 web\n", "");
	assert_contains(printed, "    0 Domain-0\n");
	expect("vm-list web", 2, "'web' is one too many", "");
	expect("claims", 0, "web                                  3     512       3\n", "");
	expect("debug-keys qm", 0, "", "keys qm\n");
	expect("debug-keys", 2, "something is missing", "");
	hyper_error = -E2BIG;
	expect("debug-keys qm", 1, "does not take the keys 'qm': Argument list too long", "keys qm\n");
	hyper_error = 0;
}

static void pools_shown(void **state)
{
	expect("list", 0, "Time(s)\n", "");
	assert_contains(printed, "web                                          3   512     2     ------       0.0\n");
	expect("list -c", 0, "Time(s)     Cpupool\n", "");
	assert_contains(printed, "       0.0     pool2\n");
	expect("list web 0 web", 0, "Domain-0", "");
	expect("list --json -c", 0, "\"cpupool\":\"pool2\"", "");
	ended = true;
	expect("list --json web", 0, "\"shutdown_reason\":\"poweroff\"", "");
	ended = false;
	expect("list other", 3, "there is no domain named 'other'", "");
	expect("vm-list -c", 0, "     3 web                               pool2\n", "");
	expect("vm-list --cpupool", 0, "     0 Domain-0                          pool0\n", "");
}

static void destroyed(void **state)
{
	cleared = 0;
	expect("destroy web", 0, "web (domain 3): destroyed\n", "lock 3\ndestroy 3\n");
	assert_int_equal(cleared, 1);
	expect("destroy 0", 1, "0 is Dom0", "");
	hyper_error = -EIO;
	expect("destroy web", 1, "it stays", "lock 3\ndestroy 3\n");
	hyper_error = 0;
	locked_for_ever = true;
	expect("destroy web", 1, "another process sees to domain 3", "lock 3\n");
	locked_for_ever = false;
	ends_meanwhile = true;
	expect("destroy web", 0, "destroyed", "lock 3\n");
	web_id = 3;
	starts_again = true;
	expect("destroy web", 0, "web (domain 4): destroyed\n", "lock 3\nlock 4\ndestroy 4\n");
	web_id = 3;
	ends_meanwhile = starts_again = false;
}

/* Whatever bytes there are, and json-c itself takes what comes out. */
static void utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "web", "web" }, { "w\xc3\xa4" "b", "w\xc3\xa4" "b" }, { "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" }, { "a\xff", "a?" }, { "\xc3", "?" }, { "\xc3z", "?z" },
		{ "\xc0\xaf", "??" }, { "\xe0\x80\xaf", "???" }, { "\xed\xa0\x80", "???" }, { "\xe2\x82", "??" },
		{ "\xe2\x82z", "??z" }, { "\xf4\x90\x80\x80", "????" }, { "\xf0\x9f\x98", "???" },
		{ "\xef\xbb\xbf", "\xef\xbb\xbf" }, { "\x80", "?" }, { "\xf5\x80\x80\x80", "????" },
	};
	struct json_tokener *t = json_tokener_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text, plain[32] = "";
		size_t size;
		FILE *out = open_memstream(&text, &size);

		keel_write_utf8(out, cases[i].in);
		fclose(out);
		for (char *s = text; *s; s++)
			if (!strncmp(s, "\xef\xbf\xbd", 3)) {
				strcat(plain, "?");
				s += 2;
			} else {
				strncat(plain, s, 1);
			}
		assert_string_equal(plain, cases[i].out);
		free(text);
	}
	disk_path = "/\xe4\x80\"\n\xf8.img";
	run("block-list --json web");
	disk_path = "/a.img";
	json_tokener_set_flags(t, JSON_TOKENER_VALIDATE_UTF8);
	json_object_put(json_tokener_parse_ex(t, printed, strlen(printed)));
	assert_int_equal(json_tokener_get_error(t), json_tokener_success);
	assert_contains(printed, "/\xef\xbf\xbd\xef\xbf\xbd\\\"\\n\xef\xbf\xbd.img");
	json_tokener_free(t);
}

static void write_to(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char dir[] = "/tmp/command-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[2][96];
	static int which;

	which = !which;
	snprintf(path[which], sizeof(path[which]), "%s/%s", dir, name);
	return path[which];
}

/* The configuration for the next start: all of it is good, or nothing changes. */
static void updated(void **state)
{
	char words[256];

	snprintf(words, sizeof(words), "config-update web %s", in_dir("web.cfg"));
	write_to(in_dir("web.cfg"), "name='web'\nkernel='/new'\nmemory=96\nvif=['bridge=br1']\n");
	expect(words, 0, "web (domain 3): stored for its next start\n", NULL);
	assert_contains(history, "3 stored\n");
	assert_contains(history, "kernel = \"/new\"\n");
	/* What keel chose stays. */
	assert_contains(history, "mac=00:16:3e:00:00:07,bridge=br1");
	strcat(words, " memory=128 vif=['mac=00:16:3e:00:00:08']");
	expect(words, 0, "stored", NULL);
	assert_contains(history, "memory = 128\n");
	assert_contains(history, "mac=00:16:3e:00:00:08");
	strcat(words, " vcpus=0");
	expect(words, 2, "vcpus = 0 is out of range", "");
	snprintf(words, sizeof(words), "config-update web %s name='mail'", in_dir("web.cfg"));
	expect(words, 1, "the configuration is that of 'mail', not of 'web'", "");
	snprintf(words, sizeof(words), "config-update web %s", in_dir("web.cfg"));
	file_fault = "there is no /new";
	expect(words, 1, "there is no /new", "");
	file_fault = NULL;
	no_config = true;
	expect(words, 1, "web was not made by keel", "");
	no_config = false;
	expect("config-update web /nowhere", 2, "cannot open configuration /nowhere", "");
}

/* The editor is a command of the shell's, which has the file as its last word. */
static void edited(void **state)
{
	char *at, line[128];
	FILE *f;

	setenv("TMPDIR", dir, 1);
	setenv("EDITOR", "exit 1; :", 1);
	setenv("VISUAL", "sed -i 's/y = 64/y = 48/'", 1);
	expect("edit web", 0, "web (domain 3): stored for its next start\n", NULL);
	assert_contains(history, "memory = 48\n");
	setenv("VISUAL", "true", 1);
	expect("edit web", 0, "web (domain 3): not changed\n", "");
	setenv("VISUAL", "", 1);
	expect("edit web", 1, "the editor failed", "");
	setenv("VISUAL", "sed -i 's/y = 64/y = x/'", 1);
	expect("edit web", 1, "nothing is changed, and what you wrote is in ", "");
	at = strstr(printed, dir);
	assert_non_null(at);
	at = strrchr(printed, '/');
	f = fopen(in_dir(strtok(at + 1, "\n")), "r");
	assert_non_null(f);
	for (*line = 0; !strstr(line, "memory = x") && fgets(line, sizeof(line), f);)
		;
	fclose(f);
	assert_contains(line, "memory = x");
	setenv("VISUAL", "sed -i s/web/mail/", 1);
	expect("edit web", 1, "is that of 'mail'", "lock 3\n");
	/* Somebody else's change meanwhile is not lost. */
	setenv("VISUAL", "sed -i 's/y = 64/y = 48/'", 1);
	changes_meanwhile = true;
	expect("edit web", 1, "the configuration of web has changed meanwhile", "lock 3\n");
	changes_meanwhile = false;
	/* Nor is what was written, if the guest is not there any more. */
	gone_meanwhile = true;
	expect("edit web", 3, "web) has ended meanwhile; nothing is changed, and what you", "lock 3\n");
	gone_meanwhile = false;
}

static void autostarted(void **state)
{
	keel_autostart_dir = in_dir("auto/matic");
	expect("autostart --json -n web on", 0, "\"dry_run\":true", "");
	expect("autostart", 0, "", "");
	assert_string_equal(printed, "");
	expect("list --json web", 0, "\"autostart\":false", "");
	expect("autostart web on", 0, "web: starts when Dom0 boots\n", "");
	assert_int_equal(locks, 1);
	expect("autostart", 0, "web\n", "");
	expect("list --json web", 0, "\"autostart\":true", "");
	expect("list --json 0", 0, "Domain-0", "");
	assert_null(strstr(printed, "autostart"));
	expect("autostart 3 off", 0, "web: does not start", "");
	expect("autostart web off", 0, "does not start", "");
	expect("autostart", 0, "", "");
	assert_string_equal(printed, "");
	expect("autostart web on", 0, "starts", "");
	web_id = ~0u;	/* it has ended */
	expect("autostart web off", 0, "does not start", "");
	expect("autostart web off", 3, "there is no domain", "");
	web_id = 3;
	expect("autostart web", 2, "something is missing after 'web'", "");
	expect("autostart web maybe", 2, "'maybe' is neither on nor off", "");
	expect("autostart 0 on", 1, "0 is Dom0", "");
	expect("autostart ../x off", 3, "there is no domain", "");
	no_config = true;
	expect("autostart web on", 1, "was not made by keel", "");
	no_config = false;
	keel_autostart_dir = "/proc/none";
	expect("autostart web on", 1, "cannot make /proc/none", "");
}

static void parameters(void **state)
{
	expect("set-parameters loglvl=all", 0, "", "/params/loglvl=all\n");
	expect("set-parameters apicv no-ept", 0, "", "/params/apicv=yes\n/params/ept=no\n");
	expect("set-parameters nosuch=1", 1, "the hypervisor has no parameter 'nosuch'", "");
	/* The ones before are as they were. */
	expect("set-parameters loglvl=all fixed=1", 1, "'fixed' does not change while the hypervisor runs",
	       "/params/loglvl=all\n/params/loglvl=old\n");
	expect("set-parameters loglvl=bad", 1, "'loglvl' cannot be 'bad': Invalid argument", "");
	expect("set-parameters a/b=1", 2, "'a/b=1' is no parameter", "");
	expect("set-parameters =1", 2, "'=1' is no parameter", "");
	expect("set-parameters", 2, "something is missing", "");
}

#define OLD(...) { .id = 1, .name = "old", __VA_ARGS__ }
#define NEW(...) { .id = 2, .name = "new", __VA_ARGS__ }

/* What the hypervisor shows at one look after the other. */
static const struct {
	struct keel_domain d[3];
	int n;
} looks[] = {
	{ { { .id = 0, .name = "Domain-0" }, OLD() }, 2 },
	{ { { .id = 0, .name = "Domain-0" }, OLD(), { .id = 2, .paused = true } }, 3 },
	{ { OLD(), NEW(.paused = true) }, 2 },
	{ { OLD(), NEW(.cpu_time_ns = 9) }, 2 },
	{ { OLD(), NEW(.paused = true, .cpu_time_ns = 9) }, 2 },
	{ { OLD(), NEW(.cpu_time_ns = 9) }, 2 },
	{ { OLD(.shutdown = true, .shutdown_reason = 1),
	    NEW(.shutdown = true, .shutdown_reason = 3, .cpu_time_ns = 9) }, 2 },
	{ { OLD(.dying = true, .paused = true), { .id = 3, .name = "late", .uuid = { 1 } } }, 2 },
	{ { { .id = 3, .name = "again", .uuid = { 2 }, .shutdown = true } }, 1 },
};

static int next_look(struct keel_domain **out)
{
	int n = looks[look - 1].n;

	*out = malloc(sizeof(looks[0].d));
	memcpy(*out, looks[look++ - 1].d, sizeof(looks[0].d));
	return n;
}

bool keel_interrupted(struct keel *q)
{
	return look > (int)(sizeof(looks) / sizeof(looks[0]));
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	assert_true(!strcmp(path, "@introduceDomain") || !strcmp(path, "@releaseDomain"));
	errno = EIO;
	return !no_watch;
}

int xs_fileno(struct xs_handle *h)
{
	static int null = -1;

	if (null < 0)
		null = open("/dev/zero", O_RDONLY);
	return null;
}

char **xs_check_watch(struct xs_handle *h)
{
	return NULL;
}

static void events(void **state)
{
	static const char *const lines[] = {
		"created       2 new", "started       2 new", "paused        2 new", "unpaused      2 new",
		"shutdown      1 old reboot", "crashed       2 new", "destroyed     1 old", "destroyed     2 new",
		"created       3 late", "started       3 late", "destroyed     3 late", "created       3 again",
		"started       3 again", "shutdown      3 again poweroff",
	};
	char *line, *rest;
	struct tm tm;

	look = 1;
	expect("events", 0, "created", "");
	rest = printed;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		line = strsep(&rest, "\n");
		assert_non_null(line);
		/* RFC 3339: 2026-01-02T03:04:05.678Z. */
		line = strptime(line, "%Y-%m-%dT%H:%M:%S.", &tm);
		assert_non_null(line);
		assert_int_equal(strspn(line, "0123456789"), 3);
		assert_int_equal(strncmp(line + 3, "Z ", 2), 0);
		assert_string_equal(line + 5, lines[i]);
	}
	assert_string_equal(rest, "");
	look = 1;
	expect("events --json", 0, "\"event\":\"shutdown\",\"reason\":\"reboot\"}\n", "");
	look = 0;
	no_watch = true;
	expect("events", 1, "xenstored takes no watch", "");
	no_watch = false;
}

/* Each is checked, and says what it would do; nothing is done. */
static void dry(void **state)
{
	static const char *const words[] = {
		"destroy", "shutdown", "reboot", "pause", "unpause", "rename web mail", "vcpu-pin web 0 1",
		"vcpu-set web 1", "mem-set web 64", "sched-credit2 -d web -w 512",
		"trigger web nmi", "sysrq web h",
	};
	char line[128];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(line, sizeof(line), "%s%s -n", words[i], strchr(words[i], ' ') ? "" : " web");
		expect(line, 0, "web (domain 3): would be ", "");
		snprintf(line, sizeof(line), "%s%s --dry-run --json", words[i],
			 strchr(words[i], ' ') ? "" : " web");
		expect(line, 0, "\"dry_run\":true", "");
	}
	expect("destroy -n other", 3, "there is no domain", "");
	expect("shutdown -n -w web", 0, "would be asked", "");
	expect("rename -n web taken", 1, "is taken", "");
	expect("vcpu-set -n web 3", 1, "web can have 2 vCPUs at most", "");
	expect("mem-set -n web 513", 1, "512 MiB at most", "");
	expect("sched-credit2 -n -s -r 500", 0, "ratelimit 1000 us (as it is now)", "");
	expect("set-parameters -n loglvl=all", 0, "would be set, if the hypervisor takes the values", "");
	expect("sched-credit2 --json -n -s -r 500", 0, "\"dry_run\":true", "");
	expect("set-parameters --json -n loglvl=all", 0, "\"dry_run\":true", "");
	expect("set-parameters -n nosuch=1", 1, "has no parameter 'nosuch'", "");
	expect("autostart -n web on", 0, "web: would from now on be one that starts when Dom0 boots\n",
	       "");
	expect("autostart", 0, "", "");
	assert_string_equal(printed, "");
	write_to(in_dir("dry.cfg"), "name='web'\nkernel='/new'\nmemory=96\n");
	snprintf(line, sizeof(line), "config-update -n web %s", in_dir("dry.cfg"));
	expect(line, 0, "web (domain 3): would be stored for its next start\n", "");
	strcat(line, " name='mail'");
	expect(line, 1, "the configuration is that of 'mail'", "");
	expect("block-attach -n web /b.img,raw,xvdb,w", 0, "xvdb would be attached\n", "dry disk 3\n");
	expect("block-attach --json -n web /b.img,raw,xvdb,w", 0, "\"dry_run\":true", "dry disk 3\n");
	expect("network-attach -n web", 0, "web (domain 3): interface would be attached\n",
	       "dry vif 3\n");
	expect("network-attach -n --json web devid=2", 0, "\"devid\":2", "dry vif 3\n");
	expect("network-detach --json -n web 2", 0, "\"dry_run\":true", "dry remove 3\n");
	expect("debug-keys -n q", 0, "would be sent, if the hypervisor takes the keys\n", "");
	expect("debug-keys -n --json q", 0, "\"dry_run\":true", "");
	expect("list -n", 2, "bad option or value: -n", "");
}

/* At a terminal it is asked about. What is said, and what is done, goes through the terminal. */
static void asked(void **state)
{
	static const struct {
		const char *option, *answer, *says;
		int rc;
	} cases[] = {
		{ NULL, "n\n", "web is not destroyed", 1 }, { NULL, "\n", "web is not destroyed", 1 },
		{ NULL, "y\n", "web (domain 3): destroyed", 0 }, { "-f", "", "web (domain 3): destroyed", 0 },
		{ "-n", "", "would be destroyed", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *argv[] = { "destroy", "web", cases[i].option, NULL };
		char seen[1024];
		size_t n = 0;
		ssize_t got;
		int fd, status;
		pid_t pid;

		k = (struct keel){ 0 };
		fflush(NULL);
		pid = forkpty(&fd, NULL, NULL, NULL);
		if (!pid)
			exit(cmd_destroy.run(&k, cases[i].option ? 3 : 2, (char **)argv));
		n = strlen(cases[i].answer);
		assert_int_equal(write(fd, cases[i].answer, n), n);
		n = 0;
		while (n < sizeof(seen) - 1 && (got = read(fd, seen + n, sizeof(seen) - 1 - n)) > 0)
			n += got;
		seen[n] = 0;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(fd);
		assert_int_equal(WEXITSTATUS(status), cases[i].rc);
		assert_contains(seen, cases[i].says);
		assert_int_equal(strstr(seen, "Destroy web (domain 3)? ") != NULL, !cases[i].option);
	}
}

static void power(void **state)
{
	expect("shutdown web", 0, "web (domain 3): asked\n", "control 3 poweroff\n");
	expect("reboot -t 5 web", 0, "web (domain 3): rebooted\n", "control 3 reboot\nwait 3 5\n");
	expect("pause web", 0, "paused", "pause 3\n");
	hyper_error = -EPERM;
	expect("unpause web", 1, "cannot unpause domain 3: Operation not permitted", "unpause 3\n");
	hyper_error = 0;
}

/* Those of keel, the youngest first, but not what has ended already. */
static void power_of_all(void **state)
{
	static const char each[] = "control 2 poweroff\nwait 2 7\ncontrol 1 poweroff\nwait 1 7\n";

	expect("shutdown", 2, "which guest?", "");
	expect("shutdown -a web", 2, "either --all or a guest", "");
	look = 2;
	expect("shutdown -a -t 7", 0, "(domain 2): shut down\nold (domain 1): shut down\n", each);
	look = 2;
	hyper_error = -ETIMEDOUT;
	expect("shutdown -a -t 7", 5, "it goes on", each);
	hyper_error = 0;
	look = 7;
	expect("shutdown --all", 0, "", "");
	look = 8;
	expect("reboot --all", 0, "late (domain 3): asked\n", "control 3 reboot\n");
	look = 2;
	no_config = true;
	expect("shutdown --all", 0, "", "");
	no_config = false;
	look = 0;
}

static void disks(void **state)
{
	expect("block-attach web /b.img,raw,xvdb,w", 0, "web (domain 3): xvdb attached\n",
	       "disk 3 xvdb /b.img\n");
	expect("block-attach web vdev=xvdb access=r target=/b.img", 0, "attached", "disk 3 xvdb /b.img\n");
	expect("block-attach web /b.img", 2, "the disk has no vdev", "");
	expect("block-attach web vdev=xvdb", 2, "the disk has no target", "");
	expect("block-attach web", 2, "something is missing", "");
	expect("block-attach 0 /b.img,raw,xvdb,w", 1, "0 is Dom0", "");
	expect("block-detach web xvdb", 0, "xvdb detached", "remove 3 vbd 51728\n");
	expect("block-detach -f web 51728", 0, "51728 detached", "remove 3 vbd 51728 by force\n");
	expect("block-detach web x", 2, "'x' is no virtual device", "");
	expect("block-resize web xvdb 1g", 0, "web (domain 3): xvdb resized: 1073741824 bytes\n",
	       "resize 3 51728 to 1073741824\n");
	expect("block-resize web 51728", 0, "51728 resized: 4096 bytes\n", "resize 3 51728 to 0\n");
	expect("block-resize --json -n web xvdb 2", 0, "\"dry_run\":true",
	       "dry resize 3 51728 to 2097152\n");
	expect("block-resize -n web xvdb 2", 0, "xvdb would be resized: 2097152",
	       "dry resize 3 51728 to 2097152\n");
	expect("block-resize web xvdb 1x", 2, "'1x' is no size", "");
	/* Bytes that have more than 64 bits, which would be none. */
	expect("block-resize web xvdb 16777216t", 2, "'16777216t' is no size", "");
	expect("block-resize web x 1g", 2, "'x' is no virtual device", "");
	expect("block-resize 0 xvdb 1g", 1, "0 is Dom0", "");
	expect("block-list web", 0,
	       "web                                  3 xvda    51712 connected    w    /a.img\n",
	       "");
	assert_contains(printed, " r    qcow2:/q.img\n");
	/* By number, which is the order of the names. */
	assert_true(strstr(printed, "xvda") < strstr(printed, "xvdp"));
	expect("block-list", 0, "xvda", "");
	expect("block-list 0", 0, "Name", "");
	assert_null(strstr(printed, "xvda"));
	hyper_error = -ENODEV;
	expect("block-resize web xvdb", 1, "web has no disk xvdb (`keel block-list web` shows all)",
	       "resize 3 51728 to 0\n");
	expect("block-detach web xvdb", 1, "web has no disk xvdb (`keel block-list web` shows all)",
	       "remove 3 vbd 51728\n");
	hyper_error = -ETIMEDOUT;
	expect("block-detach web xvdb", 5, "it stays", "remove 3 vbd 51728\n");
	expect("block-resize web xvdb", 5, "it does not grow", "resize 3 51728 to 0\n");
	expect("block-attach web /b.img,raw,xvdb,w", 5, "no disk", "disk 3 xvdb /b.img\n");
	hyper_error = 0;
}

static void interfaces(void **state)
{
	expect("network-attach web", 0, "web (domain 3): interface 4, 00:00:00:00:00:00 attached\n",
	       "vif 3 xenbr0\n");
	expect("network-attach web bridge=br1 mtu=1400", 0, "attached", "vif 3 br1\n");
	expect("network-attach web foo=1", 2, "unknown vif option 'foo'", "");
	expect("network-detach web 2", 0, "interface 2 detached", "remove 3 vif 2\n");
	expect("network-detach web 00:16:3E:00:00:01", 0, "interface 1 detached", "remove 3 vif 1\n");
	expect("network-detach --force web 1", 0, "detached", "remove 3 vif 1 by force\n");
	expect("network-detach web 00:16:3e:00:00:02", 1, "web has no interface 00:16:3e:00:00:02", "");
	expect("network-detach web x", 2, "'x' is neither an interface's number nor a MAC address", "");
	expect("network-list web", 0,
	       "web                                  3     1 00:16:3e:00:00:01 connected    xenbr0"
	       "          -\n", "");
	assert_contains(printed, "    2 -                 connected    -               /etc/xen/scripts/vif-route\n");
	hyper_error = -EIO;
	expect("network-attach web", 1, "no vif", "vif 3 xenbr0\n");
	hyper_error = 0;
}

/* Each prints its result as one JSON value, its errors, too, and its usage. */
static void json(void **state)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
		{ "vcpu-list --json", "\"hard_affinity\":\"1,3\"" },
		{ "vcpu-pin --json web 0 1", "\"result\":\"pinned\"" },
		{ "vcpu-set --json web 1", "\"result\":\"asked\"" },
		{ "mem-set --json web 9999", "\"code\":\"EINVAL\"" }, { "mem-set web 64 --json", "\"id\":3" },
		{ "rename --json web x", "\"name\":\"x\"" }, { "sched-credit2 --json", "\"weight\":256" },
		{ "sched-credit2 -s --json", "\"ratelimit_us\":1000" }, { "trigger --json web nmi", "\"sent\"" },
		{ "trigger --json web power", "\"message\":\"trigger power" },
		{ "sysrq --json web h", "\"sent\"" }, { "uptime --json web", "\"uptime_seconds\":9006" },
		{ "domid --json web", "\"id\":3" }, { "domname --json 3", "\"name\":\"web\"" },
		{ "domid --json nobody", "\"code\":\"ESRCH\"" },
		{ "list --json -c", "\"cpupool\":\"pool2\"" }, { "vm-list --json -c", "\"cpupool\":\"pool0\"" },
		{ "set-parameters --json a=1", "\"result\":\"set\"" },
		{ "set-parameters --json nosuch", "\"code\":\"ENOENT\"" },
		{ "destroy --json web", "\"result\":\"destroyed\"" },
		{ "vm-list --json", "\"uuid\":\"ab000000-0000-0000-0000-000000000000\"" },
		{ "claims --json", "\"memory_kib\":524288,\"claimed_kib\":3072" },
		{ "debug-keys --json h", "\"result\":\"sent\"" },
		{ "block-list --json web", "{\"vdev\":\"xvda\",\"number\":51712,\"state\":\"connected\","
		  "\"readonly\":false,\"target\":\"\\/a.img\",\"format\":\"raw\","
		  "\"device\":\"7:0\"}" },
		{ "block-attach --json web /b,raw,xvdb,w", "\"vdev\":\"xvdb\",\"result\":\"attached\"" },
		{ "block-detach --json web xvdb", "\"result\":\"detached\"" },
		{ "block-resize --json web xvdb", "\"vdev\":\"xvdb\",\"bytes\":4096,\"result\":\"resized\"" },
		{ "network-list --json", "{\"devid\":1,\"mac\":\"00:16:3e:00:00:01\",\"state\":\"connected\","
		  "\"bridge\":\"xenbr0\",\"script\":null}" },
		{ "network-attach --json web",
		  "\"devid\":4,\"mac\":\"00:00:00:00:00:00\",\"result\":\"attached\"" },
		{ "network-detach --json web 1", "\"devid\":1,\"result\":\"detached\"" },
	};
	struct json_object *j;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(cases[i].words);
		j = json_tokener_parse(printed);
		if (!j)
			fail_msg("keel %s: no JSON: %s", cases[i].words, printed);
		assert_contains(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN), cases[i].says);
		json_object_put(j);
	}
	expect("vcpu-list --help", 0, "usage: keel vcpu-list [NAME|ID...]", "");
	expect("sched-credit2 -h", 0, "--ratelimit_us", "");
	expect("domid", 2, "something is missing", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vcpus), cmocka_unit_test(memory), cmocka_unit_test(names),
			cmocka_unit_test(shares),
		cmocka_unit_test(pokes), cmocka_unit_test(json), cmocka_unit_test(disks),
		cmocka_unit_test(interfaces), cmocka_unit_test(lists), cmocka_unit_test(pools_shown),
		cmocka_unit_test(destroyed), cmocka_unit_test(utf8), cmocka_unit_test(updated),
		cmocka_unit_test(edited), cmocka_unit_test(autostarted), cmocka_unit_test(parameters),
		cmocka_unit_test(events), cmocka_unit_test(dry), cmocka_unit_test(power),
		cmocka_unit_test(power_of_all), cmocka_unit_test(asked),
	};
	char line[64];
	int rc;

	if (!mkdtemp(dir))
		return 1;
	keel_autostart_dir = "/proc/none";
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(line, sizeof(line), "rm -r %s", dir);
	rc |= system(line);
	free(printed);
	return rc;
}
