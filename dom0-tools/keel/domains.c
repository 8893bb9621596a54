/* SPDX-License-Identifier: GPL-2.0-only */
/* vm-list and claims: other columns of `keel list`. */
#include "keel/keel.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/pool.h"

typedef void print_fn(struct keel *k, const struct keel_domain *d, struct json_object *j);

static int list(struct keel *k, const char *head, print_fn *print)
{
	struct json_object *all, *j;
	struct keel_domain *d;
	int n = keel_domain_list(k, &d);

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

static void print_uuid(struct keel *k, const struct keel_domain *d, struct json_object *j)
{
	char uuid[37];

	guest_uuid_text(d->uuid, uuid);
	json_object_object_add(j, "uuid", json_object_new_string(uuid));
	if (!k->json)
		printf("%s %5u ", uuid, d->id);
}

static void print_vm(struct keel *k, const struct keel_domain *d, struct json_object *j)
{
	print_uuid(k, d, j);
	if (!k->json)
		puts(d->name);
}

static void print_vm_pool(struct keel *k, const struct keel_domain *d, struct json_object *j)
{
	char pool[GUEST_NAME_MAX + 1];

	pool_name(k, d->pool, pool);
	print_uuid(k, d, j);
	json_object_object_add(j, "cpupool", json_object_new_string(pool));
	if (!k->json)
		printf("%-33s %s\n", d->name, pool);
}

static int run_vms(struct keel *k, int argc, char **argv)
{
	bool with_pool = false;
	const struct options o = {
		.cmd = &cmd_vm_list, .shorts = "c", .longs = cpupool_option, .handle = handle_flag,
		.arg = &with_pool,
	};
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (with_pool)
		return list(k, "UUID                                    ID Name                              Cpupool",
			    print_vm_pool);
	return list(k, "UUID                                    ID Name", print_vm);
}

const struct command cmd_vm_list = {
	.name = "vm-list",
	.args = "[-c]",
	.summary = "Lists the domains' UUIDs",
	.help = "  -c, --cpupool      show the CPU pool, too\n",
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
	const struct options o = { .cmd = &cmd_claims };
	int rc = parse_options(k, argc, argv, &o);

	return rc >= 0 ? rc : list(k, "Name                                ID     Mem Claimed",
				    print_claim);
}

const struct command cmd_claims = {
	.name = "claims",
	.args = "",
	.summary = "Lists the memory that is reserved for domains, in MiB",
	.help = "A guest that is being made has claimed what it has not got yet.\n\n",
	.run = run_claims,
};
