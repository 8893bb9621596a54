/* SPDX-License-Identifier: GPL-2.0-only */
/* network: networks of guests, which need no hypervisor. */
#include "keel/keel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net.h"

struct wanted {
	struct keel *k;
	struct net net;
	bool force, all, settings;
	struct keel_error bad;		/* of the first setting that is wrong, or no code */
};

enum {
	OPTION_KIND = 2000, OPTION_UPLINK, OPTION_BRIDGE, OPTION_VLAN, OPTION_MTU, OPTION_IPV4,
	OPTION_IPV6, OPTION_SPOOFING,
};

static const struct option longs[] = {
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "uplink", required_argument, NULL, OPTION_UPLINK },
	{ "bridge", required_argument, NULL, OPTION_BRIDGE },
	{ "vlan", required_argument, NULL, OPTION_VLAN },
	{ "mtu", required_argument, NULL, OPTION_MTU },
	{ "ipv4", required_argument, NULL, OPTION_IPV4 },
	{ "ipv6", required_argument, NULL, OPTION_IPV6 },
	{ "allow-spoofing", no_argument, NULL, OPTION_SPOOFING },
	{ "all", no_argument, NULL, 'a' },
	{ "force", no_argument, NULL, 'f' },
	{ 0 },
};

static bool handle(int option, const char *value, void *arg)
{
	struct wanted *w = arg;
	const char *key = NULL;

	if (option == 'a')
		w->all = true;
	else if (option == 'f')
		w->force = true;
	for (size_t i = 0; longs[i].name; i++)
		if (option >= OPTION_KIND && longs[i].val == option)
			key = option == OPTION_SPOOFING ? "spoofing" : longs[i].name;
	w->settings |= key != NULL;
	if (key && !w->bad.code)
		net_set(&w->net, key, value ? value : "true", &w->bad);
	return true;
}

static struct json_object *vifs_json(struct keel *k, const struct net *n, int *nr)
{
	struct json_object *list = json_object_new_array();
	char text[INET6_ADDRSTRLEN], mac[18];
	struct net_vif *vifs;

	*nr = net_vifs(k, n->name, &vifs);
	for (int i = 0; i < *nr; i++) {
		struct json_object *j = json_object_new_object();
		const struct net_vif *v = &vifs[i];

		guest_mac_text(v->mac, mac);
		json_object_object_add(j, "id", json_object_new_int64(v->domid));
		json_object_object_add(j, "devid", json_object_new_int64(v->devid));
		json_object_object_add(j, "interface", json_object_new_string(v->interface));
		json_object_object_add(j, "mac", json_object_new_string(mac));
		json_object_object_add(j, "ipv4", v->has_v4 ? json_object_new_string(
				       inet_ntop(AF_INET, v->v4, text, sizeof(text))) : NULL);
		json_object_object_add(j, "ipv6", v->has_v6 ? json_object_new_string(
				       inet_ntop(AF_INET6, v->v6, text, sizeof(text))) : NULL);
		json_object_object_add(j, "host", v->host[0] ? json_object_new_string(v->host) : NULL);
		json_object_array_add(list, j);
	}
	if (*nr >= 0)
		free(vifs);
	return list;
}

static void list_one(struct keel *k, const struct net *n, struct json_object *all)
{
	const char *state = net_is_up(n->name) ? "running" : "stopped";
	struct json_object *j = net_to_json(n), *vifs;
	char v4[NET_SUBNET_TEXT] = "-", v6[NET_SUBNET_TEXT] = "-";
	int nr;

	vifs = vifs_json(k, n, &nr);
	if (n->v4.length)
		net_subnet_text(&n->v4, AF_INET, v4);
	if (n->v6.length)
		net_subnet_text(&n->v6, AF_INET6, v6);
	json_object_object_add(j, "state", json_object_new_string(state));
	json_object_object_add(j, "bridge", json_object_new_string(n->bridge));
	json_object_object_add(j, "interfaces", vifs);
	json_object_array_add(all, j);
	if (!k->json)
		printf("%-12s %-9s %-7s %-15s %6d %-18s %s\n",
		       n->name, net_kind_name(n->kind), state, n->bridge, nr, v4, v6);
}

static int list(struct keel *k, struct wanted *w, const char *only)
{
	struct json_object *all = json_object_new_array();
	char **names = NULL;
	int n = net_names(k, &names), bad = n < 0;
	struct net net;

	if (!k->json)
		printf("%-12s %-9s %-7s %-15s %6s %-18s %s\n", "Name", "Kind", "State",
		       "Bridge", "Guests", "IPv4", "IPv6");
	for (int i = 0; i < n; i++) {
		if (net_read(k, names[i], &net))
			keel_warn(k, "%s", k->err.text);
		else
			list_one(k, &net, all);
		free(names[i]);
	}
	free(names);
	if (!bad)
		return end_list(k, all);
	json_object_put(all);
	return report(k);
}

static int done(struct keel *k, const char *name, const char *result)
{
	struct json_object *j;

	if (!k->json) {
		printf("%s: %s%s\n", name, would_be(k), result);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(name));
	return print_result(k, j, result);
}

static int create(struct keel *k, struct wanted *w, const char *name)
{
	if (net_name_check(name, &k->err))
		return usage_error(k, &cmd_network, "%s", strdupa(k->err.text));
	strcpy(w->net.name, name);
	if (w->bad.code || net_whole(&w->net, &w->bad))
		return usage_error(k, &cmd_network, "%s", w->bad.text);
	return net_create(k, &w->net) ? report(k) : done(k, name, "created and started");
}

static int delete(struct keel *k, struct wanted *w, const char *name)
{
	return net_delete(k, name, w->force) ? report(k) : done(k, name, "deleted");
}

static void failed(struct keel *k, const char *text)
{
	keel_warn(k, "%s", text);
}

static int start(struct keel *k, struct wanted *w, const char *name)
{
	char **names = NULL, text[32];
	int n, started;

	if (!w->all)
		return net_start(k, name) ? report(k) : done(k, name, "started");
	n = net_names(k, &names);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	started = net_start_all(k, failed);
	if (started != n && n >= 0)
		keel_fail(&k->err, EIO, "%d of %d networks could not be started", n - started, n);
	snprintf(text, sizeof(text), "%d started", started);
	return started != n ? report(k) : done(k, "all networks", text);
}

static int stop(struct keel *k, struct wanted *w, const char *name)
{
	return net_stop(k, name, w->force) ? report(k) : done(k, name, "stopped");
}

static const struct action {
	const char *name;
	int (*run)(struct keel *k, struct wanted *w, const char *name_of_network);
	bool settings, force, all;	/* the options that it takes */
} actions[] = {
	{ "create", create, .settings = true }, { "list", list }, { "delete", delete, .force = true },
	{ "start", start, .all = true }, { "stop", stop, .force = true },
};

static int run(struct keel *k, int argc, char **argv)
{
	struct wanted w = { .k = k };
	const struct options o = {
		.cmd = &cmd_network, .longs = longs, .handle = handle, .arg = &w, .shorts = "af",
		.min_args = 1, .max_args = 2,
	};
	int rc = parse_options(k, argc, argv, &o);
	const struct action *a = NULL;
	bool named;

	if (rc >= 0)
		return rc;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(argv[optind], actions[i].name))
			a = &actions[i];
	if (!a)
		return usage_error(k, &cmd_network, "'%s' is none of create, list, delete, start and stop",
				   argv[optind]);
	if ((w.settings && !a->settings) || (w.force && !a->force) || (w.all && !a->all))
		return usage_error(k, &cmd_network, "%s does not go with %s", w.settings ? "a setting" : w.force ?
				   "--force" : "--all", a->name);
	named = optind + 1 < argc;
	if (named && (a->run == list || w.all))
		return usage_error(k, &cmd_network, "'%s' is one too many", argv[optind + 1]);
	if (!named && a->run != list && !w.all)
		return usage_error(k, &cmd_network, "something is missing after '%s': the network's name",
				   a->name);
	return a->run(k, &w, named ? argv[optind + 1] : NULL);
}

const struct command cmd_network = {
	.name = "network",
	.args = "create|list|delete|start|stop [NAME] [SETTING...]",
	.summary = "Makes networks for guests, lists, starts, stops and removes them",
	.help =
	"A guest's interface names its network: vif = ['network=NAME'], keel.cfg(5). A network is started\n"
	"when it is created, and by keeld when Dom0 boots.\n\n"
	"Settings of create; keel(1) has the kinds:\n"
	"  --kind KIND        bridge, nat, host-only or vlan\n"
	"  --bridge BRIDGE    bridge: one that is there\n"
	"  --uplink INTERFACE bridge, vlan: the interface to the outside\n"
	"  --vlan TAG         vlan: the tag of its frames on the uplink\n"
	"  --ipv4 SUBNET      nat, host-only: as 10.77.0.0/24\n"
	"  --ipv6 SUBNET      nat, host-only: as fd77::/64\n"
	"  --mtu BYTES        of the bridge, and of guests' interfaces that say nothing else\n"
	"  --allow-spoofing   guests may send from addresses that are not theirs\n\n"
	"  -f, --force        delete, stop: also while guests use it\n"
	"  -a, --all          start: all of them\n",
	.run = run,
	.opens = true,
	.changes = true,
};
