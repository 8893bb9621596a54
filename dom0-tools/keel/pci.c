/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands that give PCI functions of the machine to guests. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"
#include "lib/pci.h"
#include "lib/pci_info.h"

static int done(struct keel *k, uint32_t sbdf, const char *result)
{
	struct json_object *j;
	char name[16];

	guest_pci_text(sbdf, name);
	if (!k->json) {
		printf("%s: %s%s\n", name, would_be(k), result);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "address", json_object_new_string(name));
	return print_result(k, j, result);
}

/* Options and the function at argument at, with settings if they make sense; < 0: go on. */
static int parse(struct keel *k, int argc, char **argv, const struct command *c, int args, int at,
		 bool settings, struct guest_pci *p)
{
	const struct options o = { .cmd = c, .min_args = args, .max_args = args };
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (guest_parse_pci(p, argv[optind + at], settings ? warn_of : NULL, k, &k->err))
		return usage_error(k, c, "%s", strdupa(k->err.text));
	if (p->vf.set && !settings)
		return usage_error(k, c,
				   "settings of a virtual function belong to pci-attach, or in the guest's file");
	return -1;
}

static int run_add(struct keel *k, int argc, char **argv)
{
	struct guest_pci p;
	int rc = parse(k, argc, argv, &cmd_pci_assignable_add, 1, 0, false, &p);

	if (rc < 0)
		rc = open_hypervisor(k, &cmd_pci_assignable_add);
	if (rc >= 0)
		return rc;
	return pci_make_assignable(k, p.sbdf) ? report(k) : done(k, p.sbdf, "assignable");
}

static int run_remove(struct keel *k, int argc, char **argv)
{
	struct guest_pci p;
	int rc = parse(k, argc, argv, &cmd_pci_assignable_remove, 1, 0, false, &p);

	if (rc < 0)
		rc = open_hypervisor(k, &cmd_pci_assignable_remove);
	if (rc >= 0)
		return rc;
	return pci_give_back(k, p.sbdf) ? report(k) : done(k, p.sbdf, "Dom0's again");
}

static int run_attach(struct keel *k, int argc, char **argv)
{
	struct guest_pci p;
	struct keel_domain d;
	int rc = parse(k, argc, argv, &cmd_pci_attach, 2, 1, true, &p);

	if (rc < 0)
		rc = open_hypervisor(k, &cmd_pci_attach);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d) || pci_attach(k, d.id, &p))
		return report(k);
	return done(k, p.sbdf, "attached");
}

static int run_detach(struct keel *k, int argc, char **argv)
{
	struct guest_pci p;
	struct keel_domain d;
	int rc = parse(k, argc, argv, &cmd_pci_detach, 2, 1, false, &p);

	if (rc < 0)
		rc = open_hypervisor(k, &cmd_pci_detach);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d) || pci_detach(k, d.id, p.sbdf))
		return report(k);
	return done(k, p.sbdf, "detached");
}

/* Prints where they are, which with some cards is not where one would expect. */
static int vfs_made(struct keel *k, uint32_t pf)
{
	struct json_object *list = json_object_new_array(), *j;
	char name[16], result[48];
	unsigned int n = 0;
	uint32_t vf;

	for (; !pci_virtfn(pf, n, &vf); n++) {
		guest_pci_text(vf, name);
		json_object_array_add(list, json_object_new_string(name));
	}
	guest_pci_text(pf, name);
	snprintf(result, sizeof(result), "%u virtual function%s", n, n == 1 ? "" : "s");
	if (k->json) {
		j = json_object_new_object();
		json_object_object_add(j, "address", json_object_new_string(name));
		json_object_object_add(j, "result", json_object_new_string(result));
		json_object_object_add(j, "functions", list);
		return print_json(j);
	}
	printf("%s: %s%s", name, result, n ? ":" : "");
	for (unsigned int i = 0; i < n; i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(list, i)));
	putchar('\n');
	json_object_put(list);
	return KEEL_EXIT_OK;
}

static int run_vf_create(struct keel *k, int argc, char **argv)
{
	struct guest_pci p;
	char *end, result[48];
	unsigned long n;
	int rc = parse(k, argc, argv, &cmd_vf_create, 2, 0, false, &p);

	if (rc >= 0)
		return rc;
	n = strtoul(argv[optind + 1], &end, 10);
	if (*end || end == argv[optind + 1] || n > 65535)
		return usage_error(k, &cmd_vf_create, "'%s' is no number of virtual functions", argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_vf_create);
	if (rc >= 0)
		return rc;
	if (pci_create_vfs(k, p.sbdf, n))
		return report(k);
	if (!k->dry_run)
		return vfs_made(k, p.sbdf);
	snprintf(result, sizeof(result), "given %lu virtual function%s", n, n == 1 ? "" : "s");
	return done(k, p.sbdf, result);
}

const struct command cmd_pci_assignable_add = {
	.name = "pci-assignable-add",
	.args = "ADDRESS",
	.summary = "Takes a PCI function from Dom0's driver, for guests",
	.help = "ADDRESS is [SSSS:]BB:DD.F. The function is reset, and can reach no memory until a guest gets it.\n\n",
	.run = run_add,
	.opens = true,
	.changes = true,
};

const struct command cmd_pci_assignable_remove = {
	.name = "pci-assignable-remove",
	.args = "ADDRESS",
	.summary = "Gives a PCI function back to Dom0",
	.help = "ADDRESS is [SSSS:]BB:DD.F. Dom0 gets it once its reset is over.\n\n",
	.run = run_remove,
	.opens = true,
	.changes = true,
};

const struct command cmd_pci_attach = {
	.name = "pci-attach",
	.args = "NAME|ID ADDRESS[,SETTING...]",
	.summary = "Gives a PCI function to a running guest",
	.help = "ADDRESS is [SSSS:]BB:DD.F. The guest's configuration must have passthrough = \"enabled\" or pci.\n"
		"Settings of a network card's virtual function, through its physical function's driver:\n"
		"  mac=XX:XX:XX:XX:XX:XX  its address         vlan=N       0 for none\n"
		"  rate=N                 Mbit/s at most, 0 for no limit\n"
		"  trust=on|off, spoofchk=on|off\n\n",
	.run = run_attach,
	.opens = true,
	.changes = true,
};

const struct command cmd_pci_detach = {
	.name = "pci-detach",
	.args = "NAME|ID ADDRESS",
	.summary = "Takes a PCI function from a running guest",
	.help = "ADDRESS is [SSSS:]BB:DD.F.\n\n",
	.run = run_detach,
	.opens = true,
	.changes = true,
};

const struct command cmd_vf_create = {
	.name = "vf-create",
	.args = "ADDRESS N",
	.summary = "Makes N virtual functions of a physical function",
	.help = "ADDRESS, [SSSS:]BB:DD.F, names the physical function. Existing virtual ones go first, unless a\n"
		"guest has one of them; N = 0 makes none. An NVMe controller's queues and interrupts are shared out\n"
		"evenly.\n\n",
	.run = run_vf_create,
	.opens = true,
	.changes = true,
};
