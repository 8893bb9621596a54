/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <xenhypfs.h>

#include "lib/hyper.h"

int hyper_set_option(const char *name, const char *value)
{
	xenhypfs_handle *fs = xenhypfs_open(&keel_silent, 0);
	char path[96];
	int rc;

	if (!fs)
		return -errno;
	snprintf(path, sizeof(path), "/params/%s", name);
	rc = xenhypfs_write(fs, path, value) ? -errno : 0;
	xenhypfs_close(fs);
	return rc;
}
