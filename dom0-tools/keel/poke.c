/* SPDX-License-Identifier: GPL-2.0-only */
/* trigger, sysrq, debug-keys, uptime, domid and domname. */
#include "keel/keel.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/hyper.h"
#include "lib/store.h"

static const struct {
	const char *name;
	unsigned int number;
	const char *instead;	/* NULL: it can be sent */
} triggers[] = {
	{ "nmi", XEN_DOMCTL_SENDTRIGGER_NMI, NULL },
	{ "reset", XEN_DOMCTL_SENDTRIGGER_RESET, NULL },
	{ "init", 0, "a vCPU would wait for another one to start it" },
	{ "power", 0, "a PVH guest has no buttons; `keel shutdown` asks it" },
	{ "sleep", 0, "a PVH guest has no buttons" },
	{ "s3resume", 0, "a PVH guest does not sleep" },
};
#define NR_TRIGGERS (sizeof(triggers) / sizeof(triggers[0]))

static int run_trigger(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_trigger, .min_args = 2, .max_args = 3 };
	unsigned int which = 0, vcpu = 0;
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	while (which < NR_TRIGGERS && strcmp(argv[optind + 1], triggers[which].name))
		which++;
	if (which == NR_TRIGGERS)
		return usage_error(k, &cmd_trigger, "'%s' is no trigger (there are nmi and reset)",
				   argv[optind + 1]);
	if (triggers[which].instead)
		return usage_error(k, &cmd_trigger, "trigger %s: %s", triggers[which].name,
				   triggers[which].instead);
	if (argc - optind == 3 && !number_option(argv[optind + 2], GUEST_MAX_VCPUS - 1, &vcpu))
		return usage_error(k, &cmd_trigger, "'%s' is no vCPU's number", argv[optind + 2]);
	rc = open_hypervisor(k, &cmd_trigger);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	rc = k->dry_run ? 0 : hyper_trigger(k, d.id, triggers[which].number, vcpu);
	if (!rc)
		return print_done(k, &d, "sent");
	if (rc == -ESRCH)
		keel_fail(&k->err, EINVAL, "%s has no vCPU %u", d.name, vcpu);
	else
		keel_fail(&k->err, -rc, "cannot send %s to %s: %s", triggers[which].name, d.name, strerror(-rc));
	return report(k);
}

const struct command cmd_trigger = {
	.name = "trigger",
	.args = "NAME|ID nmi|reset [VCPU]",
	.summary = "Sends a guest an NMI, or resets it",
	.help = "An NMI goes to vCPU 0 unless another is named. After a reset on_reboot says what happens.\n\n",
	.run = run_trigger,
	.opens = true,
	.changes = true,
};

static int run_sysrq(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_sysrq, .min_args = 2, .max_args = 2 };
	char path[STORE_PATH_MAX];
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (!isalnum((unsigned char)argv[optind + 1][0]) || argv[optind + 1][1])
		return usage_error(k, &cmd_sysrq, "'%s' is no single letter or digit", argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_sysrq);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	snprintf(path, sizeof(path), "/local/domain/%u/control/sysrq", d.id);
	if (!k->dry_run && store_write(k, path, "%s", argv[optind + 1]))
		return report(k);
	return print_done(k, &d, "sent");
}

const struct command cmd_sysrq = {
	.name = "sysrq",
	.args = "NAME|ID LETTER",
	.summary = "Sends a guest's Linux a magic SysRq",
	.help = "Linux's documentation of SysRq says what the letters do; h prints them on its console.\n\n",
	.run = run_sysrq,
	.opens = true,
	.changes = true,
};

static int run_keys(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_debug_keys, .min_args = 1, .max_args = 1 };
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	rc = k->dry_run ? 0 : hyper_debug_keys(k, argv[optind]);
	if (rc) {
		keel_fail(&k->err, -rc, "the hypervisor does not take the keys '%s': %s", argv[optind],
			  strerror(-rc));
		return report(k);
	}
	if (k->json)
		return print_result(k, json_object_new_object(), "sent");
	if (k->dry_run)
		puts("would be sent, if the hypervisor takes the keys");
	return KEEL_EXIT_OK;
}

const struct command cmd_debug_keys = {
	.name = "debug-keys",
	.args = "KEYS",
	.summary = "Makes the hypervisor print its state to its log",
	.help =
	"Each letter is a key: m memory, q domains, t time, h all keys. `keel dmesg` shows the log.\n\n",
	.run = run_keys,
	.no_xenstore = true,
	.changes = true,
};

/*
 * Seconds since the domain was created; -1 if unknown. Guests of other toolstacks have the time of
 * day.
 */
static long long seconds_up(struct keel *k, const struct keel_domain *d)
{
	struct timespec now;
	char uuid[37], *text;
	long long up = -1;

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (!d->id)
		return now.tv_sec;
	text = store_read(k, "/tool/keel/%u/started", d->id);
	if (text) {
		up = now.tv_sec - atoll(text);
		free(text);
		return up;
	}
	guest_uuid_text(d->uuid, uuid);
	text = store_read(k, "/vm/%s/start_time", uuid);
	if (text)
		up = time(NULL) - atoll(text);
	free(text);
	return up;
}

static void up_text(long long up, char *out, size_t size)
{
	size_t used = 0;

	if (up < 0) {
		snprintf(out, size, "-");
		return;
	}
	if (up >= 86400)
		used = snprintf(out, size, up < 2 * 86400 ? "%lld day, " : "%lld days, ", up / 86400);
	snprintf(out + used, size - used, "%lld:%02lld:%02lld", up / 3600 % 24, up / 60 % 60, up % 60);
}

static void print_up(struct keel *k, const struct keel_domain *d, struct json_object *all)
{
	struct json_object *j = json_of_domain(d);
	long long up = seconds_up(k, d);
	char text[64];

	up_text(up, text, sizeof(text));
	json_object_object_add(j, "uptime_seconds", up < 0 ? NULL : json_object_new_int64(up));
	json_object_array_add(all, j);
	if (!k->json)
		printf("%-33s %4u %s\n", d->name, d->id, text);
}

static int run_uptime(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_uptime, .max_args = -1 };
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
		printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
	for (int i = 0; i < n; i++)
		print_up(k, &d[i], list);
	free(d);
	return end_list(k, list);
}

const struct command cmd_uptime = {
	.name = "uptime",
	.args = "[NAME|ID...]",
	.summary = "Shows how long domains have existed",
	.help = "A guest that was started again counts from then on.\n\n",
	.run = run_uptime,
};

static int print_which(struct keel *k, const struct keel_domain *d, bool id)
{
	if (k->json)
		return print_json(json_of_domain(d));
	if (id)
		printf("%u\n", d->id);
	else
		printf("%s\n", d->name);
	return KEEL_EXIT_OK;
}

static int which(struct keel *k, int argc, char **argv, const struct command *c, bool id)
{
	const struct options o = { .cmd = c, .min_args = 1, .max_args = 1 };
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	return keel_domain_find(k, argv[optind], &d) ? report(k) : print_which(k, &d, id);
}

static int run_domid(struct keel *k, int argc, char **argv)
{
	return which(k, argc, argv, &cmd_domid, true);
}

static int run_domname(struct keel *k, int argc, char **argv)
{
	return which(k, argc, argv, &cmd_domname, false);
}

const struct command cmd_domid = {
	.name = "domid",
	.args = "NAME",
	.summary = "Prints the id of the domain with a name",
	.help = "",
	.run = run_domid,
};

const struct command cmd_domname = {
	.name = "domname",
	.args = "ID",
	.summary = "Prints the name of the domain with an id",
	.help = "",
	.run = run_domname,
};
