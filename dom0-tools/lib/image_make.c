/* SPDX-License-Identifier: GPL-2.0-only */
/* New images: copies, overlays, and states of images that are kept. */
#include "lib/image.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/files.h"
#include "lib/program.h"

#define MEMORY (2ull << 30)

/* What a file at @path may take of its file system: some is left for others. */
static uint64_t room_for(const char *path)
{
	char dir[PATH_MAX];
	struct statvfs s;

	snprintf(dir, sizeof(dir), "%s", path);
	if (statvfs(dirname(dir), &s))
		return 0;
	return (uint64_t)s.f_bavail * s.f_frsize / 20 * 19 + 1;
}

static int qemu_img(struct keel *k, const char *const argv[], const char *what, const char *path)
{
	uint64_t room = room_for(path);
	mode_t before = umask(077);
	int rc = program_do(k, &(struct program){
		.argv = argv, .package = QEMU_PACKAGE, .what = what, .memory = MEMORY, .file = room,
	});

	umask(before);
	if (rc == -EFBIG)
		rc = keel_fail(&k->err, ENOSPC, "%s needs more than the %llu MiB that it may have: 95%% of what is free "
			       "in its file system", path, (unsigned long long)room >> 20);
	if (!rc && !keel_sync_file(path))
		rc = keel_fail_errno(&k->err, "cannot write %s", path);
	if (rc)
		unlink(path);
	return rc;
}

int image_overlay(struct keel *k, const char *base, const char *base_format, const char *path)
{
	const char *const argv[] = {
		QEMU_IMG, "create", "-q", "-f", "qcow2", "-F", base_format, "-b", base, path, NULL,
	};

	return qemu_img(k, argv, "making an overlay", path);
}

int image_copy(struct keel *k, const char *from, const char *format, const char *path)
{
	const char *const argv[] = {
		QEMU_IMG, "convert", "-q", "-f", format, "-O", "qcow2", from, path, NULL,
	};

	return qemu_img(k, argv, "copying the image", path);
}

int image_resize(struct keel *k, const char *path, uint64_t size)
{
	char text[24];
	const char *const argv[] = { QEMU_IMG, "resize", "-q", "-f", "qcow2", path, text, NULL };

	snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	return qemu_img(k, argv, "resizing the image", path);
}

int image_check_unused(struct keel *k, const struct guest_disk *d)
{
	int fd = open(d->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);	/* a FIFO would wait */
	bool locked;

	if (fd < 0)
		return keel_fail_errno(&k->err, "cannot open disk image %s", d->path);
	locked = image_is_locked(fd, false);
	close(fd);
	return locked ? image_in_use(k, d) : 0;
}

char *image_kept_path(struct keel *k, const struct guest_disk *d, const char *name)
{
	char *path;

	if (asprintf(&path, "%s.%s", d->path, name) >= 0)
		return path;
	keel_fail(&k->err, ENOMEM, "no memory");
	return NULL;
}

int image_check_keep(struct keel *k, const struct guest_disk *d, const char *name)
{
	char *kept = image_kept_path(k, d, name);
	struct stat st;
	int rc = kept ? 0 : -ENOMEM;

	if (!rc && (!d->format || strcmp(d->format, "qcow2")))
		rc = keel_fail(&k->err, EINVAL, "disk %s is %s, and only qcow2 can keep states; make it one (qemu-img "
			       "convert -O qcow2), or copy it whole", d->path, d->format ? d->format : "raw");
	if (!rc && (lstat(d->path, &st) || !S_ISREG(st.st_mode)))
		rc = keel_fail(&k->err, EINVAL, "disk %s is no regular file, whose states could be kept",
			       d->path);
	if (!rc && !lstat(kept, &st))
		rc = keel_fail(&k->err, EEXIST, "%s is there already; choose another name", kept);
	if (!rc)
		rc = image_check_unused(k, d);
	free(kept);
	return rc;
}

/* An overlay of @base takes the place of the image at once, for whoever may read that one. */
static int replace(struct keel *k, const struct guest_disk *d, const char *base)
{
	const char *slash = strrchr(base, '/');
	struct stat st;
	char *next;
	int rc;

	if (stat(d->path, &st))
		return keel_fail_errno(&k->err, "cannot examine disk %s", d->path);
	if (asprintf(&next, "%s.new", d->path) < 0)
		return keel_fail(&k->err, ENOMEM, "no memory");
	unlink(next);
	/* A name without a folder is in the overlay's own, wherever both are moved. */
	rc = image_overlay(k, slash + 1, "qcow2", next);
	if (!rc && (chown(next, st.st_uid, st.st_gid) || chmod(next, st.st_mode & 07777) ||
		    rename(next, d->path))) {
		rc = keel_fail_errno(&k->err, "cannot replace %s", d->path);
		unlink(next);
	}
	free(next);
	return rc;
}

int image_keep(struct keel *k, const struct guest_disk *d, const char *name)
{
	char *kept = image_kept_path(k, d, name);
	int rc = kept ? image_check_keep(k, d, name) : -ENOMEM;

	if (!rc && link(d->path, kept))
		rc = keel_fail_errno(&k->err, "cannot name %s", kept);
	if (!rc) {
		rc = replace(k, d, kept);
		if (rc)
			unlink(kept);
		else
			chmod(kept, 0444);
	}
	free(kept);
	return rc;
}

int image_revert(struct keel *k, const struct guest_disk *d, const char *name)
{
	char *kept = image_kept_path(k, d, name);
	struct image_info i;
	int rc = kept ? image_check_unused(k, d) : -ENOMEM;

	if (!rc && access(kept, F_OK))
		rc = keel_fail(&k->err, ENOENT, "disk %s has no state '%s' (%s)", d->path, name, kept);
	if (!rc)
		rc = image_info(k, kept, "qcow2", &i);
	if (!rc && !k->dry_run)
		rc = replace(k, d, kept);
	free(kept);
	return rc;
}

void image_unkeep(struct keel *k, const struct guest_disk *d, const char *name)
{
	struct keel_error before = k->err;
	char *kept = image_kept_path(k, d, name);
	struct stat st;

	if (kept && (stat(d->path, &st) || chmod(kept, st.st_mode & 07777) || rename(kept, d->path)))
		keel_warn(k, "%s stays: it is what %s was", kept, d->path);
	free(kept);
	k->err = before;
}
