/* SPDX-License-Identifier: GPL-2.0-only */
/* vm-list and claims: other columns of `keel list`. */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>

typedef void print_fn(struct keel *k, const struct keel_domain *d, struct json_object *j);

static int list(struct keel *k, int argc, char **argv, const struct command *c, const char *head,
		print_fn *print)
{
	const struct options o = { .cmd = c };
	struct json_object *all, *j;
	struct keel_domain *d;
	int rc = parse_options(k, argc, argv, &o), n;

	if (rc >= 0)
		return rc;
	n = keel_domain_list(k, &d);
	if (n < 0)
		return report(k);
	all = json_object_new_array();
	if (!k->json)
		puts(head);
	for (int i = 0; i < n; i++) {
		j = json_of_domain(&d[i]);
		print(k, &d[i], j);
		json_object_array_add(all, j);
	}
	free(d);
	return end_list(k, all);
}

static void print_vm(struct keel *k, const struct keel_domain *d, struct json_object *j)
{
	char uuid[37];

	guest_uuid_text(d->uuid, uuid);
	json_object_object_add(j, "uuid", json_object_new_string(uuid));
	if (!k->json)
		printf("%s %5u %s\n", uuid, d->id, d->name);
}

static int run_vms(struct keel *k, int argc, char **argv)
{
	return list(k, argc, argv, &cmd_vm_list, "UUID                                    ID Name",
		    print_vm);
}

const struct command cmd_vm_list = {
	.name = "vm-list",
	.args = "",
	.summary = "Lists the domains' UUIDs",
	.help = "",
	.run = run_vms,
};

static void print_claim(struct keel *k, const struct keel_domain *d, struct json_object *j)
{
	json_object_object_add(j, "memory_kib", json_object_new_int64(d->memory_kib));
	json_object_object_add(j, "claimed_kib", json_object_new_int64(d->claimed_kib));
	if (!k->json)
		printf("%-33s %4u %7llu %7llu\n", d->name, d->id, (unsigned long long)d->memory_kib >> 10,
		       (unsigned long long)d->claimed_kib >> 10);
}

static int run_claims(struct keel *k, int argc, char **argv)
{
	return list(k, argc, argv, &cmd_claims, "Name                                ID     Mem Claimed",
		    print_claim);
}

const struct command cmd_claims = {
	.name = "claims",
	.args = "",
	.summary = "Lists the memory that is reserved for domains, in MiB",
	.help = "A guest that is being made has claimed what it has not got yet.\n\n",
	.run = run_claims,
};
