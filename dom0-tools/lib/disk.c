/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/image.h"
#include "lib/store.h"

/* What makes block devices of files, and tells which file a device is made of. */
static const struct server {
	unsigned int major;
	int (*attach)(struct keel *k, const struct guest_disk *d, const struct stat *st,
		      unsigned int *minor);
	bool (*holds)(unsigned int minor, const struct stat *st);
} servers[] = {
	{ LOOP_MAJOR, loop_attach, loop_holds },	/* raw ones without limits */
	{ NBD_MAJOR, nbd_attach, nbd_holds },
};

/* The device that blkback was given. */
static bool serves_device(const char *device, const struct stat *st)
{
	unsigned int major, minor;

	if (sscanf(device, "%x:%x", &major, &minor) != 2)
		return false;
	if (S_ISBLK(st->st_mode) && major == major(st->st_rdev) && minor == minor(st->st_rdev))
		return true;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if (major == servers[i].major && servers[i].holds(minor, st))
			return true;
	return false;
}

/* What a QEMU was given that `xl` runs as back-end: FORMAT:PATH. */
static bool serves_path(const char *params, const struct stat *st)
{
	const char *path = strchr(params, ':');
	struct stat other;

	if (!path || stat(path + 1, &other))
		return false;
	if (S_ISBLK(st->st_mode))
		return S_ISBLK(other.st_mode) && other.st_rdev == st->st_rdev;
	return other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* Kinds of back-ends, where they say what they serve, and who understands it. */
static const struct backend {
	const char *type, *node;
	bool (*serves)(const char *text, const struct stat *st);
} backends[] = {
	{ "vbd", "physical-device", serves_device }, { "qdisk", "params", serves_path },
};

/* Whether it serves the medium, unless both only read. */
static bool is_in_way(struct keel *k, const struct backend *b, const char *domid, const char *vdev,
		      const struct guest_disk *d, const struct stat *st)
{
	char *what = store_read(k, "/local/domain/0/backend/%s/%s/%s/%s", b->type, domid, vdev, b->node);
	char *mode = store_read(k, "/local/domain/0/backend/%s/%s/%s/mode", b->type, domid, vdev);
	bool both_read = mode && mode[0] == 'r' && d->readonly;
	bool found = what && !both_read && b->serves(what, st);

	free(what);
	free(mode);
	return found;
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

static int check_backends(struct keel *k, const struct backend *b, const struct guest_disk *d,
			  const struct stat *st)
{
	unsigned int domains, devices;
	char **dom = store_list(k, &domains, "/local/domain/0/backend/%s", b->type);
	int rc = 0;

	for (unsigned int i = 0; dom && i < domains && !rc; i++) {
		char **dev = store_list(k, &devices, "/local/domain/0/backend/%s/%s", b->type, dom[i]);

		for (unsigned int j = 0; dev && j < devices && !rc; j++)
			if (is_in_way(k, b, dom[i], dev[j], d, st))
				rc = conflict(k, d, dom[i], dev[j]);
		free(dev);
	}
	free(dom);
	return rc;
}

/*
 * Checks what all back-ends serve. Several readers may share a medium, but a writer needs it alone,
 * except with w!, which is for guests that coordinate (a cluster's file system).
 */
static int check_guests(struct keel *k, const struct guest_disk *d, const struct stat *st)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]) && !rc; i++)
		rc = check_backends(k, &backends[i], d, st);
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
	if (guest_disk_served(d) && access(QEMU_NBD, X_OK))
		return keel_fail_errno(&k->err, "disk %s: cannot run %s (the package %s has it)", d->path,
				       QEMU_NBD, QEMU_PACKAGE);
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
	if (d->format)
		BOTH("format", "%s", d->format);
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
	if (S_ISBLK(st.st_mode) && !guest_disk_served(d)) {
		n.major = major(st.st_rdev);
		n.minor = minor(st.st_rdev);
	} else {
		const struct server *s = &servers[guest_disk_served(d)];

		n.major = s->major;
		*fd = s->attach(k, d, &st, &n.minor);
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
