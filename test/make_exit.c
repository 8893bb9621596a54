/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * $(exit-with STATUS) for GNU make: ends make with that status.
 *
 * make itself can only end with 0, 1 or 2, but make boot must end with the status that says how
 * Dom0 ended. Loaded by test/run.mk (GNU make manual, 12.2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnumake.h>

int plugin_is_GPL_compatible;
int make_exit_gmk_setup(const gmk_floc *floc);

static char *exit_with(const char *name, unsigned int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "0")) {
		fflush(NULL);
		exit(atoi(argv[0]));
	}
	return NULL;
}

int make_exit_gmk_setup(const gmk_floc *floc)
{
	gmk_add_function("exit-with", exit_with, 1, 1, GMK_FUNC_DEFAULT);
	return 1;
}
