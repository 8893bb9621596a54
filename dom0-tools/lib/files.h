/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_FILES_H
#define KEEL_LIB_FILES_H

#include <limits.h>
#include <sys/types.h>

#include "lib/keel.h"

/* Folders of stored configurations: a file of JSON for each, by its name. */

/* The folder and those above it, where they are missing. */
int keel_make_dirs(struct keel *k, const char *dir);
/* All of it, however many writes that takes. False: errno says why not. */
bool keel_write_bytes(int fd, const void *data, size_t size);
/* 0 if there is no such file. */
uint64_t keel_file_size(const char *path);
/* For root only, and on disk when it returns. False: errno says why. */
bool keel_write_file(const char *path, const char *text);
/* The same with @mode, at once or not at all: what is there stays until the new text is on disk. */
int keel_replace_file(struct keel *k, const char *path, const char *text, mode_t mode);
/* What is in it is on disk. False: errno says why not. */
bool keel_sync_file(const char *path);
/* A name that has come or gone is so on disk, too, when it returns. False: errno says why not. */
bool keel_sync_name(const char *path);
/*
 * The names of the files NAME.json in @dir, in order: an array to free, as the names are; returns
 * how many. None if there is no such folder.
 */
int keel_list_json(struct keel *k, const char *dir, char ***names);
/* The path of a file that is installed for this program to use, in ../lib/keel from it. */
int keel_own_file(struct keel *k, char out[PATH_MAX], const char *name);

#endif
