/* SPDX-License-Identifier: GPL-2.0-only */
/* An image of somebody's: what is looked at before a program of QEMU's opens it. */
#include "lib/image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/blob.h"

/* The header of qcow2 (QEMU's docs/interop/qcow2.txt); its numbers are big-endian. */
#define QCOW2_MAGIC	0x514649fbu
#define QCOW2_VERSION	4
#define QCOW2_BACKING	8		/* where its name is, 64 bits */
#define QCOW2_FEATURES	72		/* from version 3 on, 64 bits: those that a reader must know */
#define DATA_FILE	4u

#define SECTOR		512

static uint32_t number(const unsigned char *head, unsigned int offset)
{
	return be32toh(get32(head + offset));
}

/*
 * qemu-img would open the other files to say what they are, and those can be devices, or anything
 * that QEMU's block drivers reach.
 */
static int check_qcow2(struct keel *k, const char *path, const unsigned char *head)
{
	bool data = number(head, QCOW2_VERSION) >= 3 && number(head, QCOW2_FEATURES + 4) & DATA_FILE;

	if (!data && !number(head, QCOW2_BACKING) && !number(head, QCOW2_BACKING + 4))
		return 0;
	return keel_fail(&k->err, EPERM, "%s says that parts of it are in another file (a %s file), which may be any of this "
			 "machine's; take an image that is whole", path, data ? "data" : "backing");
}

/* Nothing else is guessed; a disk with a partition table begins with a boot sector. */
static int check_format(struct keel *k, struct image_source *s, const char *format)
{
	unsigned char head[SECTOR] = { 0 };
	bool qcow2;

	if (pread(s->fd, head, sizeof(head), 0) < 0)
		return keel_fail_errno(&k->err, "cannot read %s", s->path);
	qcow2 = number(head, 0) == QCOW2_MAGIC;
	if (!format && !qcow2 && (head[SECTOR - 2] != 0x55 || head[SECTOR - 1] != 0xaa))
		return keel_fail(&k->err, EINVAL, "%s is neither qcow2 nor a disk with a partition table; unpack it, convert it "
				 "(qemu-img convert -O qcow2), or say --format raw", s->path);
	s->format = format ? format : qcow2 ? "qcow2" : "raw";
	if (strcmp(s->format, "qcow2"))
		return 0;
	return qcow2 ? check_qcow2(k, s->path, head) :
		       keel_fail(&k->err, EINVAL, "%s is not in qcow2 format", s->path);
}

/* Whose leases are their server's, which gives none when it likes: fcntl(2) does not tell why. */
static bool is_remote(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) &&
	       (fs.f_type == NFS_SUPER_MAGIC || (uint32_t)fs.f_type == SMB2_SUPER_MAGIC ||
		(uint32_t)fs.f_type == CIFS_SUPER_MAGIC);
}

/*
 * As long as the lease lasts, nobody has it open to write, or maps it so; times alone do not tell
 * of memory that is mapped. Not every file system has leases.
 */
static int take_lease(struct keel *k, struct image_source *s)
{
	fcntl(s->fd, F_SETSIG, SIGURG);		/* which is for nobody: the end is looked for */
	s->leased = !fcntl(s->fd, F_SETLEASE, F_RDLCK);
	if (s->leased || errno != EAGAIN || is_remote(s->fd))
		return 0;
	return keel_fail(&k->err, EBUSY, "%s is open for writing (`fuser -v %s` shows by whom)", s->path,
			 s->path);
}

int image_source_open(struct keel *k, struct image_source *s, const char *path, const char *format)
{
	int rc = 0;

	s->path = path;
	s->leased = false;
	s->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);	/* a FIFO would wait */
	if (s->fd < 0 && errno == ELOOP)
		return keel_fail(&k->err, ELOOP, "%s is a symbolic link; name the image itself", path);
	if (s->fd < 0 || fstat(s->fd, &s->st))
		rc = keel_fail_errno(&k->err, "cannot open %s", path);
	else if (!S_ISREG(s->st.st_mode) && !S_ISBLK(s->st.st_mode))
		rc = keel_fail(&k->err, EINVAL, "%s is neither a file nor a block device", path);
	else
		rc = take_lease(k, s);
	snprintf(s->opened, sizeof(s->opened), "/proc/%d/fd/%d", getpid(), s->fd);
	if (!rc)
		rc = check_format(k, s, format);
	if (rc)
		image_source_close(s);
	return rc;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int image_source_unchanged(struct keel *k, const struct image_source *s)
{
	struct stat now, named;

	if ((!s->leased || fcntl(s->fd, F_GETLEASE) == F_RDLCK) && !fstat(s->fd, &now) &&
	    !lstat(s->path, &named) && named.st_dev == s->st.st_dev &&
	    named.st_ino == s->st.st_ino && now.st_size == s->st.st_size &&
	    same_time(now.st_ctim, s->st.st_ctim))
		return 0;
	return keel_fail(&k->err, EAGAIN, "%s was changed meanwhile, and may have had parts in other files; nothing was made of it",
			 s->path);
}

void image_source_close(struct image_source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
