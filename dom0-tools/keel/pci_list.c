/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's PCI functions, and those that guests can get. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"
#include "lib/pci_info.h"
#include "lib/sysfs.h"

static void put(struct json_object *j, const char *key, const char *value)
{
	json_object_object_add(j, key, value ? json_object_new_string(value) : NULL);
}

static void put_hex(struct json_object *j, const char *key, unsigned int value)
{
	char text[8];

	snprintf(text, sizeof(text), "%04x", value & 0xffff);
	put(j, key, text);
}

/* How Linux would reset it: an array of words. */
static struct json_object *resets(const struct pci_info *p)
{
	struct json_object *list = json_object_new_array();
	char text[sizeof(p->reset)], *rest = text, *word;

	strcpy(text, p->reset);
	while ((word = strsep(&rest, " ")))
		if (*word)
			json_object_array_add(list, json_object_new_string(word));
	return list;
}

/* The memory that firmware reserves for the function: an array of { "start", "end" }. */
static struct json_object *regions(const struct pci_info *p)
{
	struct json_object *list = json_object_new_array();
	char text[24];

	for (int i = 0; i < p->nr_reserved; i++) {
		struct json_object *j = json_object_new_object();

		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)p->reserved[i].first);
		put(j, "start", text);
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)p->reserved[i].last);
		put(j, "end", text);
		json_object_array_add(list, j);
	}
	return list;
}

static struct json_object *group(const struct pci_info *p)
{
	struct json_object *list = json_object_new_array();
	char name[16];

	for (int i = 0; i < p->nr_group; i++) {
		guest_pci_text(p->group[i], name);
		json_object_array_add(list, json_object_new_string(name));
	}
	return list;
}

static struct json_object *to_json(const struct pci_info *p, const char *owner)
{
	struct json_object *j = json_object_new_object();
	char name[16];

	guest_pci_text(p->sbdf, name);
	put(j, "address", name);
	put_hex(j, "class", p->class);
	put_hex(j, "vendor", p->vendor);
	put_hex(j, "device", p->device);
	if (p->virtfn) {
		guest_pci_text(p->physfn, name);
		put(j, "physical_function", name);
		json_object_object_add(j, "virtual_function", json_object_new_int(p->index));
	}
	if (p->max_vfs) {
		json_object_object_add(j, "virtual_functions", json_object_new_int(p->vfs));
		json_object_object_add(j, "max_virtual_functions", json_object_new_int(p->max_vfs));
	}
	put(j, "driver", p->driver);
	put(j, "owner", owner);
	json_object_object_add(j, "owner_id", p->owner == DOMID_IO ? NULL : json_object_new_int(p->owner));
	put(j, "reset", *p->way ? p->way : NULL);
	json_object_object_add(j, "reset_method", resets(p));
	json_object_object_add(j, "group", group(p));
	json_object_object_add(j, "reserved", regions(p));
	json_object_object_add(j, "assignable", json_object_new_boolean(p->assignable));
	put(j, "refused", p->refused.error ? p->refused.why : NULL);
	put(j, "advice", *p->refused.advice ? p->refused.advice : NULL);
	return j;
}

/* "PF, 2 of 4", "VF 0 of 0000:01:00.0" */
static void relation(const struct pci_info *p, char *out, size_t size)
{
	char name[16];

	snprintf(out, size, "-");
	if (p->max_vfs)
		snprintf(out, size, "PF, %u of %u", p->vfs, p->max_vfs);
	if (!p->virtfn)
		return;
	guest_pci_text(p->physfn, name);
	snprintf(out, size, "VF %u of %s", p->index, name);
}

static const char *column(const char *text)
{
	return *text ? text : "-";
}

static void print_one(const struct pci_info *p, const char *owner)
{
	char name[16], text[32], lowest[16];
	uint32_t first = p->sbdf;

	for (int i = 0; i < p->nr_group; i++)
		if (p->group[i] < first)
			first = p->group[i];
	guest_pci_text(p->sbdf, name);
	guest_pci_text(first, lowest);
	relation(p, text, sizeof(text));
	printf("%s %04x  %04x:%04x %-20s %-12s %-12s %-12s %-5s %s", name, p->class, p->vendor, p->device,
	       text, column(p->driver), owner, p->nr_group > 1 ? lowest : "-", column(p->way),
	       p->refused.error ? p->refused.why : "can be attached");
	for (int i = 0; i < p->nr_reserved; i++)
		printf("%s0x%llx-0x%llx", i ? ", " : "; reserved: ", (unsigned long long)p->reserved[i].first,
		       (unsigned long long)p->reserved[i].last);
	putchar('\n');
}

/* Calls @each for all functions of the machine. */
static int for_all(struct keel *k,
		   void (*each)(const struct pci_info *p, const char *owner, void *arg), void *arg)
{
	char room[GUEST_NAME_MAX + 1], **names;
	struct pci_owners o;
	struct guest_pci at;
	struct pci_info p;
	int n, rc = pci_owners_get(k, &o);

	if (rc)
		return rc;
	n = sysfs_list(&names, SYSFS_PCI);
	if (n < 0 && n != -ENOENT)
		rc = keel_fail(&k->err, -n, "cannot read " SYSFS_PCI ": %s", strerror(-n));
	for (int i = 0; i < n; i++) {
		/* A function that has disappeared meanwhile does not count. */
		if (!rc && names[i] && !guest_parse_pci(&at, names[i], NULL, NULL, &k->err)) {
			rc = pci_info_get(k, &o, at.sbdf, &p);
			if (!rc)
				each(&p, pci_owner_name(&o, p.owner, room, sizeof(room)), arg);
			else if (rc == -ENODEV)
				rc = 0;
		}
		free(names[i]);
	}
	free(names);
	pci_owners_free(&o);
	return rc;
}

struct listing {
	struct json_object *json;	/* NULL: words */
	bool assignable;		/* only those, and only their addresses */
};

static void list_one(const struct pci_info *p, const char *owner, void *arg)
{
	struct listing *l = arg;
	char name[16];

	if (l->assignable && !p->assignable)
		return;
	guest_pci_text(p->sbdf, name);
	if (!l->assignable && l->json)
		json_object_array_add(l->json, to_json(p, owner));
	else if (!l->assignable)
		print_one(p, owner);
	else if (l->json)
		json_object_array_add(l->json, json_object_new_string(name));
	else
		printf("%s\n", name);
}

static int list(struct keel *k, int argc, char **argv, const struct command *c, bool assignable)
{
	const struct options o = { .cmd = c };
	struct listing l = { .assignable = assignable };
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	k->xs = xs_open(0);	/* for guests' names; without it they have numbers */
	l.json = k->json ? json_object_new_array() : NULL;
	if (!l.json && !assignable)
		printf("%-12s %-5s %-9s %-20s %-12s %-12s %-12s %-5s %s\n", "Address", "Class", "Device",
		       "Relation", "Driver", "Owner", "Group", "Reset", "For a guest");
	rc = for_all(k, list_one, &l);
	if (rc) {
		json_object_put(l.json);
		return report(k);
	}
	return l.json ? print_json(l.json) : KEEL_EXIT_OK;
}

static int run_list(struct keel *k, int argc, char **argv)
{
	return list(k, argc, argv, &cmd_pci_list, false);
}

static int run_assignable_list(struct keel *k, int argc, char **argv)
{
	return list(k, argc, argv, &cmd_pci_assignable_list, true);
}

const struct command cmd_pci_list = {
	.name = "pci-list",
	.args = "",
	.summary = "Lists the PCI functions: whose they are, and what keeps a guest from getting them",
	.help = "Relation: a physical function with so many of its virtual ones, or which virtual one of which. Group: the\n"
		"first of those that must have one owner. Reset: how it is reset when it changes hands. For a guest:\n"
		"why none can get it (pci-attach says what helps, too), and the memory that firmware (RMRR, IVMD) has\n"
		"it use.\n\n",
	.run = run_list,
	.no_xenstore = true,
};

const struct command cmd_pci_assignable_list = {
	.name = "pci-assignable-list",
	.args = "",
	.summary = "Lists the PCI functions that pci-assignable-add has taken and no guest has",
	.help = "",
	.run = run_assignable_list,
	.no_xenstore = true,
};
