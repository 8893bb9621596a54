/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/files.h"

static int fits(struct cpio *c, uint64_t size)
{
	if (size <= c->limit && c->held + c->size <= c->limit - size)
		return 0;
	return keel_fail(&c->k->err, EFBIG, "this root needs more than %llu MiB of Dom0's memory, half of "
			 "what is free", (unsigned long long)c->limit >> 20);
}

int cpio_hold(struct cpio *c, uint64_t size)
{
	int rc = fits(c, size);

	c->held += rc ? 0 : size;
	return rc;
}

static int put(struct cpio *c, const void *data, size_t size)
{
	if (fits(c, size))
		return -EFBIG;
	if (!keel_write_bytes(c->fd, data, size))
		return keel_fail_errno(&c->k->err, "cannot write the guest's root");
	c->size += size;
	return 0;
}

static int pad(struct cpio *c)
{
	return put(c, "\0\0\0", -c->size & 3);
}

/* Eight digits in hexadecimal have a file of less than 4 GiB. */
static int head(struct cpio *c, const char *name, const struct stat *st, uint64_t size)
{
	char text[120];
	int rc;

	if (size > UINT32_MAX)
		return keel_fail(&c->k->err, EFBIG, "%s is larger than 4 GiB", name);
	snprintf(text, sizeof(text), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 ++c->entries, (unsigned int)st->st_mode, st->st_uid, st->st_gid, 1,
		 (unsigned int)st->st_mtime, (unsigned int)size, 0, 0, major(st->st_rdev), minor(st->st_rdev),
		 (unsigned int)strlen(name) + 1, 0);
	rc = put(c, text, 110);
	if (!rc)
		rc = put(c, name, strlen(name) + 1);
	return rc ? rc : pad(c);
}

/* Exactly @size bytes, even if the file shrinks meanwhile. */
static int contents(struct cpio *c, int fd, const char *path, uint64_t size)
{
	static char buffer[1 << 16];
	int rc = 0;

	while (size && !rc) {
		size_t want = size < sizeof(buffer) ? size : sizeof(buffer);
		ssize_t n = read(fd, buffer, want);

		if (n < 0)
			return keel_fail_errno(&c->k->err, "cannot read %s", path);
		if (!n) {
			memset(buffer, 0, want);
			n = want;
		}
		if (keel_interrupted(c->k))
			return -EINTR;
		rc = put(c, buffer, n);
		size -= n;
	}
	return rc ? rc : pad(c);
}

static int regular(struct cpio *c, const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		rc = keel_fail_errno(&c->k->err, "cannot read %s", path);
	} else {
		rc = head(c, name, &st, st.st_size);
		if (!rc)
			rc = contents(c, fd, path, st.st_size);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int link_to(struct cpio *c, const char *path, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return keel_fail_errno(&c->k->err, "cannot read %s", path);
	return cpio_entry(c, name, st, target, n);
}

static int entry(struct cpio *c, const FTSENT *e, const char *name)
{
	switch (e->fts_info) {
	case FTS_F:
		return regular(c, e->fts_accpath, name);
	case FTS_SL:
		return link_to(c, e->fts_accpath, name, e->fts_statp);
	case FTS_D:
		return head(c, name, e->fts_statp, 0);
	case FTS_DEFAULT:		/* a device or FIFO; a socket is nothing without its server */
		return S_ISSOCK(e->fts_statp->st_mode) ? 0 : head(c, name, e->fts_statp, 0);
	case FTS_DP:
		return 0;
	default:
		errno = e->fts_errno;
		return keel_fail_errno(&c->k->err, "cannot read %s", e->fts_path);
	}
}

int cpio_tree(struct cpio *c, const char *dir)
{
	char *const roots[] = { (char *)dir, NULL };
	size_t skip = strlen(dir) + 1;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	int rc = 0;
	FTSENT *e;

	if (!tree)
		return keel_fail_errno(&c->k->err, "cannot read %s", dir);
	while (!rc && (e = fts_read(tree)))
		if (e->fts_level > 0)
			rc = entry(c, e, e->fts_path + skip);
		else if (e->fts_info != FTS_D && e->fts_info != FTS_DP)
			rc = keel_fail(&c->k->err, ENOTDIR, "%s is not a folder that can be read", dir);
	fts_close(tree);
	return rc;
}

int cpio_entry(struct cpio *c, const char *name, const struct stat *st, const void *data,
	       size_t size)
{
	int rc = head(c, name, st, size);

	if (!rc)
		rc = put(c, data, size);
	return rc ? rc : pad(c);
}

int cpio_file(struct cpio *c, const char *name, unsigned int mode, const void *data, size_t size)
{
	return cpio_entry(c, name, &(struct stat){ .st_mode = S_IFREG | mode }, data, size);
}

int cpio_end(struct cpio *c)
{
	return head(c, "TRAILER!!!", &(struct stat){ 0 }, 0);
}
