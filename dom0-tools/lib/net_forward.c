/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether Dom0 forwards. A list in the networks' folder has what was changed for it, so that it can
 * be as before: a line "FILE VALUE" for each, in the order of the changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/net.h"
#include "lib/sysfs.h"

const char *net_proc = "/proc/sys/net";

static int change(struct keel *k, const char *file, const char *value)
{
	char before[16], list[NET_PATH_MAX];
	FILE *f;
	int rc;

	if (sysfs_read(before, sizeof(before), "%s/%s", net_proc, file) || !strcmp(before, value))
		return 0;
	net_path(list, "forwarding", NULL);
	f = fopen(list, "ae");
	if (!f || fprintf(f, "%s %s\n", file, before) < 0 || fflush(f)) {
		rc = keel_fail_errno(&k->err, "cannot write %s", list);
		if (f)
			fclose(f);
		return rc;
	}
	fclose(f);
	rc = sysfs_write(value, "%s/%s", net_proc, file);
	return rc ? keel_fail(&k->err, -rc, "cannot set %s/%s: %s", net_proc, file, strerror(-rc)) : 0;
}

/*
 * Linux takes no router advertisement any more once it forwards, unless accept_ra is 2: Dom0 itself
 * would lose its way out.
 */
static int keep_routes(struct keel *k)
{
	char **names = NULL, file[64], value[16];
	int n = sysfs_list(&names, "%s/ipv6/conf", net_proc), rc = 0;

	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "ipv6/conf/%.20s/accept_ra", names[i]);
		if (!rc && !sysfs_read(value, sizeof(value), "%s/%s", net_proc, file) && !strcmp(value, "1"))
			rc = change(k, file, "2");
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return rc;
}

int net_forward_on(struct keel *k, const struct net *n)
{
	char value[16];
	int rc = 0;

	if (n->v4.length)
		rc = change(k, "ipv4/ip_forward", "1");
	if (!rc && n->v6.length &&
	    !sysfs_read(value, sizeof(value), "%s/ipv6/conf/all/forwarding", net_proc) &&
	    strcmp(value, "1"))
		rc = keep_routes(k);
	if (!rc && n->v6.length)
		rc = change(k, "ipv6/conf/all/forwarding", "1");
	return rc;
}

/* Whether a network that runs needs it: its file says of what kind it is. */
static bool is_needed(void)
{
	char **names = NULL, kind[16];
	int n = sysfs_list(&names, "%s", net_run_dir);
	bool needed = false;

	for (int i = 0; i < n; i++) {
		needed |= !sysfs_read(kind, sizeof(kind), "%s/%.12s/up", net_run_dir, names[i]) &&
			  !strcmp(kind, net_kind_name(NET_NAT));
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return needed;
}

void net_forward_off(struct keel *k)
{
	char list[NET_PATH_MAX], lines[64][80], *space;
	int n = 0;
	FILE *f;

	if (is_needed())
		return;
	net_path(list, "forwarding", NULL);
	f = fopen(list, "re");
	while (f && n < 64 && fgets(lines[n], sizeof(lines[n]), f))
		n++;
	if (f)
		fclose(f);
	/* The last one first: forwarding goes before what was done because of it. */
	while (n--) {
		lines[n][strcspn(lines[n], "\n")] = 0;
		space = strchr(lines[n], ' ');
		if (!space)
			continue;
		*space = 0;
		sysfs_write(space + 1, "%s/%s", net_proc, lines[n]);
	}
	unlink(list);
}
