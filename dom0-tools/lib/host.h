/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_HOST_H
#define KEEL_LIB_HOST_H

/*
 * What a machine offers to Keel, as plain Linux shows it before Keel is installed: the CPU, the
 * firmware's tables, PCI, the kernel.
 */
enum host_state {
	HOST_OK,
	HOST_LIMITED,		/* Keel runs, without something */
	HOST_MISSING,		/* Keel does not start, or has no Dom0 */
	HOST_UNKNOWN,		/* Linux does not show it, or not to this user */
};

struct host_item {
	const char *name, *title;
	enum host_state state;
	char found[256];
	const char *advice;	/* what to do, with the names that firmware's menus have; or NULL */
};

#define HOST_ITEMS 10

struct host_report {
	struct host_item item[HOST_ITEMS];
};

/* Where a fixture may be instead of the machine: "" or the folder's path. */
#define HOST_ROOT_MAX 96

void host_check(struct host_report *r, const char *root);
/* "ok", "limited", "missing", "unknown" */
const char *host_state_name(enum host_state state);

#endif
