/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/domain.h"
#include "lib/files.h"
#include "lib/lock.h"
#include "lib/sysfs.h"

#define FOLDER "%s/unfinished"

/* Longer than a guest takes that is being cleared away. */
#define TRIES	1000
#define WAIT_US	20000

static void path_of(char path[SYSFS_PATH_MAX], const char *name)
{
	snprintf(path, SYSFS_PATH_MAX, FOLDER "/%s", keel_run_dir, name);
}

int unfinished_begin(struct keel *k, const unsigned char uuid[16])
{
	char path[SYSFS_PATH_MAX], name[37];
	int fd, rc;

	snprintf(path, sizeof(path), FOLDER, keel_run_dir);
	rc = keel_make_dirs(k, path);
	if (rc)
		return rc;
	guest_uuid_text(uuid, name);
	path_of(path, name);
	for (int tries = 0; (fd = keel_lock_file(path, O_CREAT)) == -ENOENT || fd == -EAGAIN; tries++) {
		if (tries == TRIES)
			return keel_fail(&k->err, EBUSY, "another process makes a guest with the UUID %s, or clears "
					 "it away", name);
		usleep(WAIT_US);
	}
	return fd < 0 ? keel_fail(&k->err, -fd, "cannot lock %s", path) : fd;
}

void unfinished_end(int fd, const unsigned char uuid[16])
{
	char path[SYSFS_PATH_MAX], name[37];

	guest_uuid_text(uuid, name);
	path_of(path, name);
	unlink(path);
	close(fd);
}

/* Of what nobody has locked. True: go on. */
typedef bool each_fn(struct keel *k, const unsigned char uuid[16]);

static void for_each(struct keel *k, each_fn *each)
{
	unsigned char uuid[16];
	char path[SYSFS_PATH_MAX], **names;
	int n = sysfs_list(&names, FOLDER, keel_run_dir), fd;
	bool more = true;

	for (int i = 0; i < n; i++) {
		path_of(path, names[i]);
		fd = more && !guest_uuid_parse(names[i], uuid) ? keel_lock_file(path, 0) : -1;
		if (fd >= 0) {
			more = each(k, uuid);
			close(fd);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* The lock is held meanwhile, so that nobody makes it again. */
static bool clear(struct keel *k, const unsigned char uuid[16])
{
	char path[SYSFS_PATH_MAX], name[37];
	struct keel_domain d;
	int rc;

	while (!(rc = keel_domain_by_uuid(k, uuid, &d))) {
		keel_warn(k, "whoever made domain %u (%s) was killed before it was whole: it is ended", d.id,
			  *d.name ? d.name : "without a name");
		rc = keel_domain_destroy(k, d.id);
		if (rc) {
			keel_warn(k, "%s", k->err.text);
			break;
		}
	}
	guest_uuid_text(uuid, name);
	path_of(path, name);
	if (rc == -ESRCH)
		unlink(path);
	return true;
}

void unfinished_clear(struct keel *k)
{
	for_each(k, clear);
}

static bool found;

static bool find(struct keel *k, const unsigned char uuid[16])
{
	found = true;
	return false;
}

bool unfinished_any(void)
{
	found = false;
	for_each(NULL, find);
	return found;
}
