/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands for disks and interfaces share. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store.h"

void warn_of(void *arg, const char *text)
{
	keel_warn(arg, "%s", text);
}

char *join_words(int argc, char **argv)
{
	size_t size = 1;
	char *text;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	text = calloc(1, size);
	for (int i = 0; text && i < argc; i++) {
		if (i)
			strcat(text, ",");
		strcat(text, argv[i]);
	}
	return text;
}

const struct option force_option[] = { { "force", no_argument, NULL, 'f' }, { 0 } };

static int by_number(const void *a, const void *b)
{
	unsigned long m = strtoul(*(char *const *)a, NULL, 10), n = strtoul(*(char *const *)b, NULL, 10);

	return m < n ? -1 : m > n;
}

int list_devices(struct keel *k, int argc, char **argv, const struct device_list *l)
{
	const struct options o = { .cmd = l->cmd, .max_args = -1 };
	struct json_object *all, *j, *list;
	struct keel_domain *d;
	int rc = parse_options(k, argc, argv, &o), n;

	if (rc >= 0)
		return rc;
	n = named_domains(k, argc, argv, &d);
	if (n < 0)
		return report(k);
	all = json_object_new_array();
	if (!k->json)
		puts(l->head);
	for (int i = 0; i < n; i++) {
		unsigned int devices;
		char **index = store_list(k, &devices, "/local/domain/0/backend/%s/%u", l->type, d[i].id);

		j = json_of_domain(&d[i]);
		list = json_object_new_array();
		json_object_object_add(j, l->key, list);
		if (index)
			qsort(index, devices, sizeof(*index), by_number);
		for (unsigned int m = 0; index && m < devices; m++)
			l->each(k, &d[i], index[m], list);
		free(index);
		if (d[i].id)
			json_object_array_add(all, j);
		else
			json_object_put(j);
	}
	free(d);
	return end_list(k, all);
}
