/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of CPUs, as `cpus` and vcpu-pin take them: xl.cfg(5). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"

static void put(struct guest_cpus *c, unsigned int first, unsigned int last, bool out)
{
	for (unsigned int i = first; i <= last; i++) {
		unsigned char bit = 1u << i % 8;

		if (out)
			c->bits[i / 8] &= ~bit;
		else
			c->bits[i / 8] |= bit;
	}
}

static bool number(const char **p, unsigned int *n)
{
	char *end;
	unsigned long v;

	if (!isdigit((unsigned char)**p))
		return false;
	v = strtoul(*p, &end, 10);
	*p = end;
	*n = v < GUEST_MAX_CPUS ? v : GUEST_MAX_CPUS;
	return true;
}

/* The CPUs of nodes; without @nodes, of any. */
static int put_nodes(struct guest_cpus *c, const char *word, unsigned int first, unsigned int last,
		     const struct guest_nodes *nodes, struct keel_error *e)
{
	bool out = *word == '^';

	if (last >= GUEST_MAX_NODES)
		return keel_fail(e, EINVAL, "'%s': nodes are 0 to %d", word, GUEST_MAX_NODES - 1);
	if (nodes && last >= nodes->n)
		return keel_fail(e, EINVAL, "'%s': the machine has no node %u, the last one is %u", word, last,
				 nodes->n - 1);
	if (!nodes && !out)
		put(c, 0, GUEST_MAX_CPUS - 1, false);
	for (; nodes && first <= last; first++)
		for (size_t i = 0; i < sizeof(c->bits); i++) {
			unsigned char here = nodes->node[first].cpus.bits[i];

			c->bits[i] = out ? c->bits[i] & ~here : c->bits[i] | here;
		}
	return 0;
}

/* One word of the list: a CPU, a range, "all", or nodes; behind ^ they are taken out. */
static int one(struct guest_cpus *c, const char *word, const struct guest_nodes *nodes,
	       struct keel_error *e)
{
	const char *p = word + (*word == '^');
	bool node = !strncmp(p, "node:", 5) || !strncmp(p, "nodes:", 6);
	unsigned int first = 0, last = 0;

	if (!strcmp(p, "all") || !strcmp(p, "*")) {
		put(c, 0, GUEST_MAX_CPUS - 1, *word == '^');
		return 0;
	}
	if (node)
		p = strchr(p, ':') + 1;
	if (!number(&p, &first))
		return keel_fail(e, EINVAL, "'%s' is no list of CPUs like 0-3,^2 (or all)", word);
	last = first;
	if (*p == '-' && (p++, !number(&p, &last)))
		return keel_fail(e, EINVAL, "'%s' is no range of CPUs like 0-3", word);
	if (*p || last < first)
		return keel_fail(e, EINVAL, "'%s' is no range of CPUs like 0-3", word);
	if (node)
		return put_nodes(c, word, first, last, nodes, e);
	if (last >= GUEST_MAX_CPUS)
		return keel_fail(e, EINVAL, "'%s': CPUs are 0 to %d", word, GUEST_MAX_CPUS - 1);
	put(c, first, last, *word == '^');
	return 0;
}

int guest_parse_cpus(struct guest_cpus *cpus, const char *list, const struct guest_nodes *nodes,
		     struct keel_error *e)
{
	static const struct guest_cpus none;
	char *copy = strdup(list), *rest = copy, *word;
	int rc = 0;

	*cpus = none;
	if (!copy)
		return keel_fail(e, ENOMEM, "no memory");
	while (!rc && (word = strsep(&rest, ","))) {
		size_t n;

		word += strspn(word, " \t");
		n = strlen(word);
		while (n && strchr(" \t", word[n - 1]))
			n--;
		word[n] = 0;
		rc = one(cpus, word, nodes, e);
	}
	free(copy);
	if (!rc && !memcmp(cpus, &none, sizeof(none)))
		rc = keel_fail(e, EINVAL, "no CPU is left in '%s'", list);
	return rc;
}

static bool has(const struct guest_cpus *c, unsigned int i)
{
	return c->bits[i / 8] >> i % 8 & 1;
}

void guest_cpus_text(const struct guest_cpus *cpus, unsigned int nr_cpus, char *out, size_t size)
{
	size_t used = 0;
	unsigned int n = 0, last;

	*out = 0;
	while (n < nr_cpus && has(cpus, n))
		n++;
	if (n == nr_cpus) {
		snprintf(out, size, "all");
		return;
	}
	for (unsigned int i = 0; i < GUEST_MAX_CPUS && used < size; i = last + 1) {
		last = i;
		if (!has(cpus, i))
			continue;
		while (last + 1 < GUEST_MAX_CPUS && has(cpus, last + 1))
			last++;
		used += snprintf(out + used, size - used, "%s%u", used ? "," : "", i);
		if (last != i && used < size)
			used += snprintf(out + used, size - used, "-%u", last);
	}
}

const char *guest_affinity_of(const struct guest_affinity *a, unsigned int vcpu)
{
	if (a->each)
		return vcpu < a->n ? a->list[vcpu] : NULL;
	return a->n ? a->list[0] : NULL;
}
