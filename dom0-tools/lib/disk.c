/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/store.h"

#define LOOP_MAJOR 7

/* What serves a disk: its device number, and whether it is writable. */
struct served {
	unsigned int major, minor;
	bool readonly;
};

/* Reads one back-end's entry; false if it serves nothing. */
static bool read_served(struct keel *k, const char *domid, const char *vdev, struct served *s)
{
	char *device = store_read(k, "/local/domain/0/backend/vbd/%s/%s/physical-device", domid, vdev);
	char *mode = store_read(k, "/local/domain/0/backend/vbd/%s/%s/mode", domid, vdev);
	bool found = device && sscanf(device, "%x:%x", &s->major, &s->minor) == 2;

	s->readonly = mode && mode[0] == 'r';
	free(device);
	free(mode);
	return found;
}

static bool same_medium(const struct stat *st, const struct served *s)
{
	if (S_ISBLK(st->st_mode))
		return s->major == major(st->st_rdev) && s->minor == minor(st->st_rdev);
	return s->major == LOOP_MAJOR && loop_holds(s->minor, st->st_dev, st->st_ino);
}

static int conflict(struct keel *k, const struct guest_disk *d, const char *domid,
		    const char *vdev)
{
	char *name = store_read(k, "/local/domain/%s/name", domid);
	int rc;

	rc = keel_fail(&k->err, EBUSY, "disk %s is in use by guest %s (domain %s, device %s); shut "
		       "that guest down, or give it to both read-only (access=r)", d->path,
		       name ? name : "without a name", domid, vdev);
	free(name);
	return rc;
}

/*
 * Checks what all back-ends serve. Several readers may share a medium, but a writer needs it alone,
 * except with w!, which is for guests that coordinate (a cluster's file system).
 */
static int check_guests(struct keel *k, const struct guest_disk *d, const struct stat *st)
{
	unsigned int domains, devices;
	char **dom = store_list(k, &domains, "/local/domain/0/backend/vbd");
	int rc = 0;

	for (unsigned int i = 0; dom && i < domains && !rc; i++) {
		char **dev = store_list(k, &devices, "/local/domain/0/backend/vbd/%s", dom[i]);

		for (unsigned int j = 0; dev && j < devices && !rc; j++) {
			struct served s;

			if (read_served(k, dom[i], dev[j], &s) && same_medium(st, &s) &&
			    !(s.readonly && d->readonly))
				rc = conflict(k, d, dom[i], dev[j]);
		}
		free(dev);
	}
	free(dom);
	return rc;
}

/* A device that Dom0 has mounted, or that is part of another one, refuses an exclusive open. */
static int check_dom0(struct keel *k, const struct guest_disk *d)
{
	int fd = open(d->path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY)
		return keel_fail(&k->err, EBUSY, "disk %s is in use by Dom0 (mounted, swap, or part of "
				 "another device)", d->path);
	if (fd < 0)
		return keel_fail_errno(&k->err, "cannot open disk %s", d->path);
	close(fd);
	return 0;
}

static int check_stat(struct keel *k, const struct guest_disk *d, struct stat *st)
{
	if (stat(d->path, st) < 0) {
		if (errno == ENOENT)
			return keel_fail(&k->err, ENOENT, "disk %s does not exist", d->path);
		return keel_fail_errno(&k->err, "cannot examine disk %s", d->path);
	}
	if (S_ISDIR(st->st_mode))
		return keel_fail(&k->err, EISDIR, "disk %s is a directory, not an image or a block device",
				 d->path);
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return keel_fail(&k->err, EINVAL, "disk %s is neither a regular file nor a block device",
				 d->path);
	if (S_ISREG(st->st_mode) && st->st_size < 512)
		return keel_fail(&k->err, EINVAL, "disk %s has %lld bytes, which is less than one sector",
				 d->path, (long long)st->st_size);
	return 0;
}

int disk_check_file(struct keel *k, const struct guest_disk *d)
{
	struct stat st;

	return check_stat(k, d, &st);
}

int disk_check(struct keel *k, const struct guest_disk *d)
{
	struct stat st;
	int rc = check_stat(k, d, &st);

	if (rc || d->shared)
		return rc;
	if (S_ISBLK(st.st_mode) && !d->readonly)
		rc = check_dom0(k, d);
	if (!rc)
		rc = check_guests(k, d, &st);
	return rc;
}

struct disk_nodes {
	const struct guest_disk *d;
	unsigned int major, minor;
};

/* Both ends of a virtual disk (Xen's xen/include/public/io/blkif.h). */
static void write_nodes(struct store_tx *t, void *arg)
{
	const struct disk_nodes *n = arg;
	const struct guest_disk *d = n->d;
	char front[STORE_PATH_MAX], back[STORE_PATH_MAX], tool[STORE_PATH_MAX], path[STORE_PATH_MAX];

	snprintf(front, sizeof(front), "/local/domain/%u/device/vbd/%u", t->domid, d->number);
	snprintf(back, sizeof(back), "/local/domain/0/backend/vbd/%u/%u", t->domid, d->number);
	snprintf(tool, sizeof(tool), "/libxl/%u/device/vbd/%u", t->domid, d->number);
	store_dir(t, STORE_GUEST_SHARES, "%s", front);
	store_dir(t, STORE_GUEST_READS, "%s", back);
	store_dir(t, STORE_DOM0, "%s", tool);

#define PUT(base, key, ...) do {						\
		snprintf(path, sizeof(path), "%.120s/%s", base, key);		\
		store_put(t, path, __VA_ARGS__);				\
	} while (0)
/* libxl's own folder also has the back-end's entries, for `xl`. */
#define BOTH(key, ...) do {							\
		PUT(back, key, __VA_ARGS__);					\
		PUT(tool, key, __VA_ARGS__);					\
	} while (0)
	PUT(tool, "backend", "%s", back);
	BOTH("frontend", "%s", front);
	BOTH("frontend-id", "%u", t->domid);
	BOTH("online", "1");
	BOTH("removable", "0");
	BOTH("bootable", "1");
	BOTH("state", "1");
	BOTH("dev", "%s", d->vdev);
	BOTH("type", "phy");
	BOTH("mode", "%s", d->readonly ? "r" : "w");
	BOTH("device-type", "disk");
	if (d->no_discard)
		BOTH("discard-enable", "0");
	BOTH("params", "%s", d->path);
	BOTH("physical-device", "%x:%x", n->major, n->minor);
	BOTH("hotplug-status", "connected");
	PUT(front, "backend", "%s", back);
	PUT(front, "backend-id", "0");
	PUT(front, "state", "1");
	PUT(front, "virtual-device", "%u", d->number);
	PUT(front, "device-type", "disk");
#undef BOTH
#undef PUT
}

/* What has its nodes is in use, for others that look. The lock is held. */
static int put_nodes(struct keel *k, unsigned int domid, const struct guest_disk *d, int *fd)
{
	struct disk_nodes n = { .d = d };
	char *there = store_read(k, "/local/domain/0/backend/vbd/%u/%u/frontend", domid, d->number);
	struct stat st;
	int rc = 0;

	if (there)
		rc = keel_fail(&k->err, EEXIST, "domain %u has a disk %s already", domid, d->vdev);
	free(there);
	if (!rc)
		rc = disk_check(k, d);
	if (!rc)
		rc = check_stat(k, d, &st);
	if (rc)
		return rc;
	if (S_ISBLK(st.st_mode)) {
		n.major = major(st.st_rdev);
		n.minor = minor(st.st_rdev);
	} else {
		n.major = LOOP_MAJOR;
		*fd = loop_attach(k, d->path, d->readonly, &n.minor);
		if (*fd < 0)
			return *fd;
	}
	return store_run(k, domid, write_nodes, &n);
}

int disk_attach(struct keel *k, unsigned int domid, const struct guest_disk *d)
{
	int lock = keel_lock(k), fd = -1, rc;

	if (lock < 0)
		return lock;
	rc = put_nodes(k, domid, d, &fd);
	close(lock);
	if (!rc) {
		rc = device_wait(k, "vbd", domid, d->number, "physical_device");
		if (rc)
			device_drop(k, "vbd", domid, d->number);
	}
	if (fd >= 0)
		close(fd);	/* from here on the back-end driver keeps it */
	return rc;
}
