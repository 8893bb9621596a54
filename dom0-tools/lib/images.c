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
#include "lib/lock.h"

const char *keel_images_dir = "/var/lib/keel/images";

char *images_path(struct keel *k, const char *guest, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s%s%s", keel_images_dir, guest, *file ? "/" : "", file) >= 0)
		return path;
	keel_fail(&k->err, ENOMEM, "no memory");
	return NULL;
}

/* As long as keel makes what is in a folder: keel_lock_file(). */
#define UNFINISHED ".unfinished"

/* A folder that is there: only one that a killed process has left is in nobody's way. */
static int check_left(struct keel *k, const char *guest, const char *path)
{
	char *mark = images_path(k, guest, UNFINISHED);
	int fd = mark ? keel_lock_file(mark, 0) : -ENOMEM;

	free(mark);
	if (fd == -ENOENT)
		return keel_fail(&k->err, EEXIST, "there are images of '%s' already, in %s; if no guest needs them, "
				 "remove that folder", guest, path);
	if (fd == -EAGAIN)
		return keel_fail(&k->err, EBUSY, "another keel makes images of '%s'", guest);
	if (fd < 0)
		return keel_fail(&k->err, -fd, "cannot examine %s: %s", path, strerror(-fd));
	close(fd);
	return 0;
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
		rc = check_left(k, guest, path);
	free(path);
	return rc;
}

/* All that is in it but @but. */
static void empty_folder(int folder, const char *but)
{
	DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, but))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The mark, locked. */
static int make_folder(struct keel *k, const char *path, const char *mark)
{
	bool left = mkdir(path, 0700);
	int fd;

	if (left && errno != EEXIST)
		return keel_fail_errno(&k->err, "cannot make %s", path);
	fd = keel_lock_file(mark, left ? 0 : O_CREAT);
	if (fd < 0)
		return keel_fail(&k->err, -fd, "cannot make %s: %s", mark, strerror(-fd));
	if (left) {
		keel_warn(k, "whoever made images in %s was killed before they were whole: they are removed",
			  path);
		empty_folder(open_folder(path), UNFINISHED);
	}
	return fd;
}

int images_make_folder(struct keel *k, const char *guest)
{
	char *path = images_path(k, guest, ""), *mark = images_path(k, guest, UNFINISHED);
	int rc = path && mark ? keel_make_dirs(k, keel_images_dir) : -ENOMEM;

	if (!rc)
		rc = make_folder(k, path, mark);
	free(mark);
	free(path);
	return rc;
}

void images_finish_folder(struct keel *k, const char *guest)
{
	char *mark = images_path(k, guest, UNFINISHED);

	if (mark)
		unlink(mark);
	free(mark);
}

void images_remove_folder(struct keel *k, const char *guest)
{
	struct keel_error before = k->err;
	char *path = images_path(k, guest, "");

	if (path) {
		empty_folder(open_folder(path), "");
		rmdir(path);
	}
	free(path);
	k->err = before;
}
