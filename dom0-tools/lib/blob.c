/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_fd(struct blob *b, int fd, const char *path, const char *what,
		  struct keel_error *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return keel_fail_errno(e, "cannot examine %s %s", what, path);
	if (S_ISDIR(st.st_mode))
		return keel_fail(e, EISDIR, "%s %s is a directory; name the file in it", what, path);
	if (!S_ISREG(st.st_mode))
		return keel_fail(e, EINVAL, "%s %s is not a regular file", what, path);
	if (st.st_size == 0)
		return keel_fail(e, EINVAL, "%s %s is empty", what, path);

	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return keel_fail_errno(e, "cannot read %s %s", what, path);
	b->data = p;
	b->size = st.st_size;
	b->kind = BLOB_MAPPED;
	return 0;
}

int blob_open(struct blob *b, const char *path, const char *what, struct keel_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* a FIFO would wait for a writer */
	int rc;

	*b = (struct blob){ 0 };
	if (fd < 0)
		return keel_fail_errno(e, "cannot open %s %s", what, path);
	rc = map_fd(b, fd, path, what, e);
	close(fd);
	return rc;
}

int blob_alloc(struct blob *b, size_t size, struct keel_error *e)
{
	*b = (struct blob){ 0 };
	b->data = calloc(1, size ? size : 1);
	if (!b->data)
		return keel_fail(e, ENOMEM, "no memory for %zu bytes in this domain", size);
	b->size = size;
	b->kind = BLOB_HEAP;
	return 0;
}

void blob_free(struct blob *b)
{
	if (b->kind == BLOB_HEAP)
		free(b->data);
	else if (b->kind == BLOB_MAPPED)
		munmap(b->data, b->size);
	*b = (struct blob){ 0 };
}
