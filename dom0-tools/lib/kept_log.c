/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/kept_log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/efi.h"
#include "lib/sysfs.h"

#define NAME "KeelLog-3fa2489d-3dcb-48c2-a911-6ddab701f4b6"

/* Linux lets nobody remove a variable that it does not know, unless this flag goes first. */
static int remove_variable(struct keel *k, const char *path, int fd)
{
	int flags;

	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		flags &= ~FS_IMMUTABLE_FL;
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	return unlink(path) ? keel_fail_errno(&k->err, "cannot remove %s", path) : 0;
}

static int not_there(struct keel *k)
{
	char **names = NULL;
	int n = sysfs_list(&names, "%s", keel_efivars);

	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (n <= 0)
		return efi_no_variables(k, n < 0 ? -n : 0);
	return keel_fail(&k->err, ENOENT, "no log of a crash is kept");
}

long keel_kept_log(struct keel *k, char *text, size_t size, bool clear)
{
	uint32_t attributes;
	struct iovec parts[] = { { &attributes, sizeof(attributes) }, { text, size } };
	char path[SYSFS_PATH_MAX];
	ssize_t n;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/" NAME, keel_efivars);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? not_there(k) : keel_fail_errno(&k->err, "cannot open %s", path);
	n = readv(fd, parts, 2);
	if (n < (ssize_t)sizeof(attributes))
		rc = n < 0 ? keel_fail_errno(&k->err, "cannot read %s", path) :
			     keel_fail(&k->err, EIO, "%s is damaged", path);
	else
		rc = clear ? remove_variable(k, path, fd) : 0;
	close(fd);
	return rc ? rc : n - (ssize_t)sizeof(attributes);
}
