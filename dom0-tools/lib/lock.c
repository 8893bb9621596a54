/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *keel_run_dir = "/run/keel";

static int open_file(struct keel *k, const char *name)
{
	char path[128];
	int fd;

	if (mkdir(keel_run_dir, 0755) < 0 && errno != EEXIST)
		return keel_fail_errno(&k->err, "cannot make %s", keel_run_dir);
	snprintf(path, sizeof(path), "%s/%s", keel_run_dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? keel_fail_errno(&k->err, "cannot open %s", path) : fd;
}

int keel_lock_file(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600), rc = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (!st.st_nlink)
		rc = -ENOENT;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int keel_lock(struct keel *k)
{
	int fd = open_file(k, "lock");

	while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		return keel_fail_errno(&k->err, "cannot lock %s/lock", keel_run_dir);
	}
	return fd;
}

int keel_lock_guest(struct keel *k, unsigned int domid)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = domid, .l_len = 1 };
	int fd = open_file(k, "guests"), rc;

	if (fd < 0 || !fcntl(fd, F_OFD_SETLK, &lock))
		return fd;
	rc = errno == EAGAIN || errno == EACCES ?
	     keel_fail(&k->err, EBUSY, "another process sees to domain %u", domid) :
	     keel_fail_errno(&k->err, "cannot lock domain %u in %s/guests", domid, keel_run_dir);
	close(fd);
	return rc;
}

#define TRIES_A_SECOND 50

int keel_lock_guest_wait(struct keel *k, unsigned int domid, unsigned int seconds)
{
	unsigned int tries = seconds * TRIES_A_SECOND;
	int fd;

	while ((fd = keel_lock_guest(k, domid)) == -EBUSY && tries--)
		usleep(1000000 / TRIES_A_SECOND);
	return fd;
}
