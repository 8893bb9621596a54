/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/esp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/files.h"
#include "lib/sysfs.h"

#define FOLDER	"EFI/keel"
#define NEXT	"new"		/* what is not whole yet */
#define SLACK	(1u << 20)	/* FAT's own tables, and folders */
#define CHUNK	(1u << 20)

const char *keel_mounts = "/proc/self/mountinfo";
const char *keel_sys_block = "/sys/dev/block";

struct mount {
	char device[24], type[16];	/* device: MAJOR:MINOR */
	bool read_only;
};

/* What is mounted there; of several, the last one hides the others. False: nothing. */
static bool find_mount(const char *path, struct mount *m)
{
	char *line = NULL, at[PATH_MAX], options[8], whole[8], device[24], *rest;
	FILE *f = fopen(keel_mounts, "re");
	bool found = false;
	size_t size = 0;

	/* proc(5): id, parent, device, root, mount point, options, more, "-", type, source, options. */
	while (f && getline(&line, &size, f) > 0) {
		if (sscanf(line, "%*s %*s %23s %*s %4095s %7[^, ]", device, at, options) != 3 || strcmp(at, path))
			continue;
		rest = strstr(line, " - ");
		if (!rest || sscanf(rest, " - %15s %*s %7[^, \n]", m->type, whole) != 2)
			continue;
		snprintf(m->device, sizeof(m->device), "%s", device);
		/* Linux does the latter by itself when it finds FAT damaged. */
		m->read_only = !strcmp(options, "ro") || !strcmp(whole, "ro");
		found = true;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static bool is_fat(const struct mount *m)
{
	return !strcmp(m->type, "vfat") || !strcmp(m->type, "msdos");
}

/* Which partition of which disk it is. */
static int find_disk(struct keel *k, const struct mount *m, struct esp *e)
{
	char text[32], path[PATH_MAX], real[PATH_MAX];
	unsigned long long block = 512;

	if (sysfs_read(text, sizeof(text), "%s/%s/partition", keel_sys_block, m->device))
		goto none;
	e->part = atoi(text);
	if (!sysfs_read(text, sizeof(text), "%s/%s/../queue/logical_block_size", keel_sys_block,
			m->device))
		block = strtoull(text, NULL, 10);
	if (block < 512 || sysfs_read(text, sizeof(text), "%s/%s/start", keel_sys_block, m->device))
		goto none;
	e->start = strtoull(text, NULL, 10) / (block / 512);
	snprintf(path, sizeof(path), "%s/%s/..", keel_sys_block, m->device);
	if (!realpath(path, real))
		goto none;
	snprintf(e->disk, sizeof(e->disk), "/dev/%.50s", strrchr(real, '/') + 1);
	for (char *c = e->disk; *c; c++)
		if (*c == '!')	/* Linux has a slash in such names */
			*c = '/';
	return 0;
none:
	return keel_fail(&k->err, ENOTSUP, "%s is on the device %s, which is no partition of a disk that the firmware "
			 "could start from", e->path, m->device);
}

int esp_find(struct keel *k, const char *path, struct esp *e)
{
	static const char *const places[] = { "/efi", "/boot/efi", "/boot", NULL };
	char real[PATH_MAX];
	/* A shell puts a slash behind the name of a folder, and a link may lead to it. */
	const char *const named[] = { path && realpath(path, real) ? real : path, NULL };
	struct mount m = { 0 };

	*e = (struct esp){ 0 };
	for (const char *const *p = path ? named : places; *p; p++) {
		char inside[PATH_MAX];

		snprintf(inside, sizeof(inside), "%.4000s/.", *p);
		(void)access(inside, F_OK);	/* an automounter mounts it now */
		if (!find_mount(*p, &m) || !is_fat(&m))
			continue;
		snprintf(e->path, sizeof(e->path), "%s", *p);
		if (m.read_only)
			return keel_fail(&k->err, EROFS, "the EFI system partition is mounted read-only: fsck it, if Linux has found it damaged "
					 "(dmesg); then mount -o remount,rw %s", *p);
		return find_disk(k, &m, e);
	}
	if (path)
		return keel_fail(&k->err, ENOENT, "no FAT volume is mounted at %s", path);
	return keel_fail(&k->err, ENOENT, "the EFI system partition is not mounted at /efi, /boot/efi or /boot: mount it, "
			 "or say where it is (--esp)");
}

void esp_path(const struct esp *e, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3800s/" FOLDER "/%s", e->path, name);
}

/* 0: the file system cannot say. */
static uint64_t room_left(const struct esp *e)
{
	struct statvfs fs;

	return statvfs(e->path, &fs) ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize;
}

int esp_room(struct keel *k, const struct esp *e, uint64_t size, const char *without)
{
	char path[PATH_MAX] = "";
	uint64_t left = room_left(e);

	if (without)
		esp_path(e, without, path);
	if (size + SLACK <= left + keel_file_size(path))
		return 0;
	return keel_fail(&k->err, ENOSPC, "the EFI system partition %s has %llu MiB left, and the image takes %llu: remove what "
			 "is not needed there (du -ah %s), or make the initrd smaller (MODULES=dep in "
			 "/etc/initramfs-tools/initramfs.conf)", e->path, (unsigned long long)left >> 20,
			 (unsigned long long)(size + 2 * SLACK - 1) >> 20, e->path);
}

/* A new name, or its end, and that of Keel's folder. */
static bool sync_names(const struct esp *e, const char *path)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.3800s/" FOLDER, e->path);
	return keel_sync_name(path) && keel_sync_name(folder);
}

static int copy_bytes(struct keel *k, int in, int out, uint64_t size)
{
	uint64_t done = 0;
	ssize_t n;

	while (done < size) {
		n = sendfile(out, in, NULL, size - done > CHUNK ? CHUNK : size - done);
		if (n < 0)
			return -1;
		if (!n) {
			errno = EIO;	/* somebody cuts the file off */
			return -1;
		}
		done += n;
		keel_progress(k, "copying to the EFI system partition, MiB", done >> 20, size >> 20);
	}
	return fsync(out);
}

/* On the disk as @to, a name that nobody looks for. */
static int write_copy(struct keel *k, const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, rc;

	if (in < 0)
		return keel_fail_errno(&k->err, "cannot open %s", from);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = out < 0 || copy_bytes(k, in, out, keel_file_size(from)) ?
	     keel_fail_errno(&k->err, "cannot write %s", to) : 0;
	if (out >= 0)
		close(out);
	close(in);
	return rc;
}

int esp_put(struct keel *k, const struct esp *e, const char *from, const char *name)
{
	char path[PATH_MAX], next[PATH_MAX];
	int rc;

	esp_path(e, ".", path);
	esp_path(e, NEXT, next);
	rc = keel_make_dirs(k, path);
	unlink(next);
	esp_path(e, name, path);
	if (!rc)
		rc = esp_room(k, e, keel_file_size(from), name);
	if (!rc && esp_room(k, e, keel_file_size(from), NULL))
		rc = esp_remove(k, e, name);
	if (!rc)
		rc = write_copy(k, from, next);
	if (!rc && (rename(next, path) || !sync_names(e, path)))
		rc = keel_fail_errno(&k->err, "cannot give %s its name", path);
	if (rc)
		unlink(next);
	return rc;
}

int esp_remove(struct keel *k, const struct esp *e, const char *name)
{
	char path[PATH_MAX];

	esp_path(e, NEXT, path);
	unlink(path);
	esp_path(e, name, path);
	if (!unlink(path))
		return sync_names(e, path) ? 0 : keel_fail_errno(&k->err, "cannot write to %s", e->path);
	return errno == ENOENT ? 0 : keel_fail_errno(&k->err, "cannot remove %s", path);
}

void esp_remove_folder(const struct esp *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3800s/" FOLDER, e->path);
	rmdir(path);
}
