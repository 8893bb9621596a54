/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sysfs.h"

#define SUFFIX ".json"

int keel_make_dirs(struct keel *k, const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *s = path + 1;; s++) {
		char c = *s;

		if (c && c != '/')
			continue;
		*s = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return keel_fail_errno(&k->err, "cannot make %s", path);
		if (!c)
			return 0;
		*s = c;
	}
}

bool keel_write_bytes(int fd, const void *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data = (const char *)data + n;
		size -= n;
	}
	return true;
}

uint64_t keel_file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}

bool keel_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = keel_write_bytes(fd, text, strlen(text)) && !fsync(fd);
	return !close(fd) && ok;
}

bool keel_sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool keel_sync_name(const char *path)
{
	char folder[PATH_MAX];
	int fd, rc;

	snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	rc = fsync(fd);
	close(fd);
	return !rc;
}

int keel_replace_file(struct keel *k, const char *path, const char *text, mode_t mode)
{
	char next[PATH_MAX];
	int rc;

	snprintf(next, sizeof(next), "%s.new", path);
	if (keel_write_file(next, text) && !chmod(next, mode) && !rename(next, path)) {
		keel_sync_name(path);	/* not every file system can */
		return 0;
	}
	rc = keel_fail_errno(&k->err, "cannot write %s", path);
	unlink(next);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int keel_list_json(struct keel *k, const char *dir, char ***names)
{
	int n = sysfs_list(names, "%s", dir), kept = 0;

	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return keel_fail(&k->err, -n, "cannot read %s: %s", dir, strerror(-n));
	for (int i = 0; i < n; i++) {
		char *name = (*names)[i], *suffix = name ? strrchr(name, '.') : NULL;

		if (!suffix || strcmp(suffix, SUFFIX)) {
			free(name);
			continue;
		}
		*suffix = 0;
		(*names)[kept++] = name;
	}
	qsort(*names, kept, sizeof(**names), by_name);
	return kept;
}

int keel_own_file(struct keel *k, char out[PATH_MAX], const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return keel_fail_errno(&k->err, "cannot read /proc/self/exe");
	self[n] = 0;
	*strrchr(self, '/') = 0;
	if (snprintf(out, PATH_MAX, "%s/../lib/keel/%s", self, name) >= PATH_MAX)
		return keel_fail(&k->err, ENAMETOOLONG, "the path of %s is too long", name);
	return 0;
}
