/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_LOCK_H
#define KEEL_LIB_LOCK_H

#include "lib/keel.h"

/* keel_lock() is in lib/keel.h. Where the files of the locks are. */
extern const char *keel_run_dir;

/*
 * A file that is there as long as something is not finished, and locked as long as somebody works
 * on it: its locked descriptor, to be closed after the file was removed. @flags: O_CREAT or none.
 * -EAGAIN: somebody has the lock; -ENOENT: it is gone, if only meanwhile; or another errno.
 */
int keel_lock_file(const char *path, int flags);

/*
 * For what keeld does about the end of one guest: a byte of a file for each, so that the end of the
 * process gives it back. A descriptor to close, or -EBUSY: somebody else has it.
 */
int keel_lock_guest(struct keel *k, unsigned int domid);
/* The same, but waits for the other one; -EBUSY if that takes longer. */
int keel_lock_guest_wait(struct keel *k, unsigned int domid, unsigned int seconds);
/* A script of an interface is ended after 40 seconds. */
#define GUEST_LOCK_SECONDS 60

#endif
