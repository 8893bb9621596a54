/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_NEW_FILE_H
#define KEEL_LIB_NEW_FILE_H

#include <limits.h>

#include "lib/keel.h"

/*
 * A large file that appears, or takes an old one's place, when all of it is on disk. Only its owner
 * may read it.
 */
struct new_file {
	struct keel *k;
	const char *path;
	int fd;
	char next[PATH_MAX];		/* where it is until then */
};

/*
 * Would new_file_open() take @path? A negative errno, with the reason, if not. @what ("core file")
 * names it in messages.
 */
int new_file_check(struct keel *k, const char *path, const char *what);
int new_file_open(struct new_file *f, struct keel *k, const char *path, const char *what);
/* It takes its place. On failure new_file_close() is to be called as well. */
int new_file_done(struct new_file *f);
/* What has not taken its place is removed. */
void new_file_close(struct new_file *f);

#endif
