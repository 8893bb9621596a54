/* SPDX-License-Identifier: GPL-2.0-only */
/* network-attach, network-detach and network-list. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/device.h"
#include "lib/hotplug.h"
#include "lib/store.h"

static int done(struct keel *k, const struct keel_domain *d, unsigned int devid, const char *mac,
		const char *result)
{
	struct json_object *j;
	char number[16] = "";

	end_progress(k);
	if (!k->json) {
		if (devid != VIF_ANY_DEVID)
			snprintf(number, sizeof(number), " %u", devid);
		printf("%s (domain %u): interface%s%s%s %s%s\n", d->name, d->id, number, *mac ? ", " : "", mac,
		       would_be(k), result);
		return KEEL_EXIT_OK;
	}
	j = json_of_domain(d);
	if (devid != VIF_ANY_DEVID)
		json_object_object_add(j, "devid", json_object_new_int(devid));
	if (*mac)
		json_object_object_add(j, "mac", json_object_new_string(mac));
	return print_result(k, j, result);
}

static int run_attach(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_network_attach, .min_args = 1, .max_args = -1 };
	struct guest_vif vif;
	struct keel_domain d;
	char *spec, mac[18];
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	spec = join_words(argc - optind - 1, argv + optind + 1);
	rc = guest_parse_vif(&vif, spec ? spec : "", warn_of, k, &k->err);
	free(spec);
	if (rc)
		return usage_error(k, &cmd_network_attach, "%s", strdupa(k->err.text));
	rc = open_hypervisor(k, &cmd_network_attach);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d) || hotplug_vif(k, &d, &vif))
		return report(k);
	*mac = 0;
	if (vif.has_mac)	/* always, but for a dry run */
		guest_mac_text(vif.mac, mac);
	return done(k, &d, vif.devid, mac, "attached");
}

const struct command cmd_network_attach = {
	.name = "network-attach",
	.args = "NAME|ID [SETTING...]",
	.summary = "Gives a running guest a network interface",
	.help =
	"Each SETTING is one of vif in the guest's file, keel.cfg(5): bridge=xenbr0 mac=00:16:3e:12:34:56.\n"
	"The guest has the interface, with the same address, also when keeld starts it again; its file is left\n"
	"alone.\n\n",
	.run = run_attach,
	.opens = true,
	.changes = true,
};

static int find_mac(struct keel *k, const struct keel_domain *d, const unsigned char mac[6],
		    unsigned int *devid)
{
	unsigned int n;
	char **index = store_list(k, &n, "/local/domain/0/backend/vif/%u", d->id);
	int rc = -ENODEV;

	for (unsigned int i = 0; index && i < n && rc; i++) {
		char *text = store_read(k, "/local/domain/0/backend/vif/%u/%s/mac", d->id, index[i]);
		unsigned char other[6];

		if (text && !guest_mac_parse(text, other) && !memcmp(other, mac, 6)) {
			*devid = strtoul(index[i], NULL, 10);
			rc = 0;
		}
		free(text);
	}
	free(index);
	return rc;
}

static int run_detach(struct keel *k, int argc, char **argv)
{
	bool force = false, by_number;
	const struct options o = {
		.cmd = &cmd_network_detach, .longs = force_option, .handle = handle_flag, .arg = &force,
		.shorts = "f", .min_args = 2, .max_args = 2,
	};
	unsigned int devid;
	unsigned char mac[6];
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	by_number = number_option(argv[optind + 1], 65535, &devid);
	if (!by_number && guest_mac_parse(argv[optind + 1], mac))
		return usage_error(k, &cmd_network_detach, "'%s' is neither an interface's number nor a MAC address",
				   argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_network_detach);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	rc = by_number ? 0 : find_mac(k, &d, mac, &devid);
	if (!rc)
		rc = hotplug_remove(k, &d, "vif", devid, force);
	if (rc == -ENODEV)
		keel_fail(&k->err, ENODEV, "%s has no interface %s (`keel network-list %s` shows all)", d.name,
			  argv[optind + 1], d.name);
	return rc ? report(k) : done(k, &d, devid, "", "detached");
}

const struct command cmd_network_detach = {
	.name = "network-detach",
	.args = "[-f] NAME|ID DEVID|MAC",
	.summary = "Takes a network interface from a running guest",
	.help =
	"The guest is asked to close it first.\n\n"
	"  -f, --force        do not ask\n",
	.run = run_detach,
	.opens = true,
	.changes = true,
};

static void list_vif(struct keel *k, const struct keel_domain *d, const char *index,
		     struct json_object *list)
{
	char *mac = store_read(k, "/local/domain/0/backend/vif/%u/%s/mac", d->id, index);
	char *bridge = store_read(k, "/local/domain/0/backend/vif/%u/%s/bridge", d->id, index);
	char *script = store_read(k, "/local/domain/0/backend/vif/%u/%s/script", d->id, index);
	const char *state = device_state(k, "vif", d->id, index);
	bool scripted = script && strcmp(script, "/bin/true");
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "devid", json_object_new_int64(strtoul(index, NULL, 10)));
	json_object_object_add(j, "mac", mac ? json_object_new_string(mac) : NULL);
	json_object_object_add(j, "state", json_object_new_string(state));
	json_object_object_add(j, "bridge", bridge ? json_object_new_string(bridge) : NULL);
	json_object_object_add(j, "script", scripted ? json_object_new_string(script) : NULL);
	json_object_array_add(list, j);
	if (!k->json)
		printf("%-32s %5u %5s %-17s %-12s %-15s %s\n", d->name, d->id, index, mac ? mac : "-", state,
		       bridge ? bridge : "-", scripted ? script : "-");
	free(mac);
	free(bridge);
	free(script);
}

static int run_list(struct keel *k, int argc, char **argv)
{
	return list_devices(k, argc, argv, &(struct device_list){
		.cmd = &cmd_network_list, .type = "vif", .key = "interfaces", .each = list_vif,
		.head =
		"Name                                ID Devid MAC               State        Bridge          Script",
	});
}

const struct command cmd_network_list = {
	.name = "network-list",
	.args = "[NAME|ID...]",
	.summary = "Lists guests' interfaces: address, state, bridge",
	.help = "The state is that of Dom0's end: connected when the guest uses it, waiting before.\n\n",
	.run = run_list,
};
