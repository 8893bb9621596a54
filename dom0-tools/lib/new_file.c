/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/files.h"

int new_file_check(struct keel *k, const char *path, const char *what)
{
	struct stat st;

	if (!*path)
		return keel_fail(&k->err, EINVAL, "the %s has no name", what);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : keel_fail_errno(&k->err, "cannot examine %s", path);
	if (!S_ISREG(st.st_mode))
		return keel_fail(&k->err, EINVAL, "%s is not a regular file; it stays as it is", path);
	return 0;
}

int new_file_open(struct new_file *f, struct keel *k, const char *path, const char *what)
{
	int rc = new_file_check(k, path, what);

	*f = (struct new_file){ .k = k, .path = path, .fd = -1 };
	if (rc)
		return rc;
	if (snprintf(f->next, sizeof(f->next), "%s.XXXXXX", path) >= (int)sizeof(f->next))
		return keel_fail(&k->err, ENAMETOOLONG, "the name of the %s is too long", what);
	f->fd = mkostemp(f->next, O_CLOEXEC);
	return f->fd < 0 ? keel_fail_errno(&k->err, "cannot make a file beside %s", path) : 0;
}

int new_file_done(struct new_file *f)
{
	if (fsync(f->fd) < 0)
		return keel_fail_errno(&f->k->err, "cannot write %s", f->path);
	if (rename(f->next, f->path) < 0)
		return keel_fail_errno(&f->k->err, "cannot make %s", f->path);
	close(f->fd);
	f->fd = -1;
	keel_sync_name(f->path);	/* not every file system can */
	return 0;
}

void new_file_close(struct new_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	unlink(f->next);
}
