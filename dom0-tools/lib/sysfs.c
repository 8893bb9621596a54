/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH(path, fmt) do {					\
	va_list ap_;						\
	va_start(ap_, fmt);					\
	vsnprintf(path, sizeof(path), fmt, ap_);		\
	va_end(ap_);						\
} while (0)

int sysfs_read(char *out, size_t size, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	ssize_t n;
	int fd;

	PATH(path, fmt);
	*out = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, out, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	out[n < 0 ? 0 : n] = 0;
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = 0;
	return n < 0 ? n : 0;
}

int sysfs_write(const char *text, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	int fd, rc = 0;

	PATH(path, fmt);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int sysfs_link(char *out, size_t size, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX], target[512], *slash;
	ssize_t n;

	PATH(path, fmt);
	*out = 0;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	slash = strrchr(target, '/');
	snprintf(out, size, "%s", slash ? slash + 1 : target);
	return 0;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int sysfs_list(char ***names, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	struct dirent **found;
	int n;

	PATH(path, fmt);
	*names = NULL;
	n = scandir(path, &found, visible, alphasort);
	if (n < 0)
		return -errno;
	*names = calloc(n + 1, sizeof(**names));
	for (int i = 0; i < n; i++) {
		if (*names)
			(*names)[i] = strdup(found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return *names ? n : -ENOMEM;
}
