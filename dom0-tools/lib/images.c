/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/image.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/files.h"

const char *keel_images_dir = "/var/lib/keel/images";

char *images_path(struct keel *k, const char *guest, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s%s%s", keel_images_dir, guest, *file ? "/" : "", file) >= 0)
		return path;
	keel_fail(&k->err, ENOMEM, "no memory");
	return NULL;
}

int images_check_name(struct keel *k, const char *guest)
{
	int rc = guest_name_check(guest, &k->err);
	struct stat st;
	char *path;

	/* Names of guests may begin with dots. */
	if (!rc && !isalnum((unsigned char)*guest))
		rc = keel_fail(&k->err, EINVAL, "the name '%s' has to begin with a letter or a digit", guest);
	path = rc ? NULL : images_path(k, guest, "");
	if (!rc && !path)
		rc = -ENOMEM;
	if (!rc && !lstat(path, &st))
		rc = keel_fail(&k->err, EEXIST, "there are images of '%s' already, in %s", guest, path);
	free(path);
	return rc;
}

int images_make_folder(struct keel *k, const char *guest)
{
	char *path = images_path(k, guest, "");
	int rc = path ? keel_make_dirs(k, keel_images_dir) : -ENOMEM;

	if (!rc && mkdir(path, 0700))
		rc = keel_fail_errno(&k->err, "cannot make %s", path);
	free(path);
	return rc;
}

void images_remove_folder(const char *guest)
{
	int root = open(keel_images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(root, guest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	unlinkat(root, guest, AT_REMOVEDIR);
	if (root >= 0)
		close(root);
}
