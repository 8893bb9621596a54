/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_KEEL_H
#define KEEL_LIB_KEEL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <xencall.h>
#include <xenforeignmemory.h>
#include <xenstore.h>

#include "lib/error.h"

#define KEEL_PAGE_SHIFT	12
#define KEEL_PAGE_SIZE	4096UL

/* The exit codes of `keel`, keel(1). */
enum {
	KEEL_EXIT_OK = 0,
	KEEL_EXIT_FAILED = 1,
	KEEL_EXIT_USAGE = 2,
	KEEL_EXIT_NO_GUEST = 3,
	KEEL_EXIT_NO_MEMORY = 4,
	KEEL_EXIT_TIMEOUT = 5,
	KEEL_EXIT_NOT_RUN = 125,	/* of `keel run`, whose others are the command's */
};

/* When each step of long work began, in microseconds of a clock that never jumps. */
struct keel_times {
	unsigned int n;
	struct {
		const char *step;
		uint64_t began_us;
	} entry[32];
};

/*
 * A connection to the hypervisor and to xenstore. One thread at a time. Functions that take it
 * return 0 or a negative errno and leave the reason in .err.
 */
struct keel {
	xencall_handle *call;
	xenforeignmemory_handle *fmem;
	struct xs_handle *xs;
	unsigned int version;		/* major << 16 | minor, XENVER_version */
	uint32_t domctl_version;
	uint32_t sysctl_version;
	struct keel_error err;
	bool json;
	bool quiet;
	bool dry_run;			/* what would be changed is checked, and stays */
	bool steady;			/* keel_interrupted() says no: what has begun is finished */
	struct keel_times *times;	/* NULL: nobody wants to know */
	/* Reports progress of long work: done of total, in the unit that the text names. */
	void (*progress)(struct keel *k, const char *what, uint64_t done, uint64_t total);
};

/*
 * For the libraries' handles: the caller tells of errors, also as JSON, and they add no lines of
 * their own.
 */
extern struct xentoollog_logger keel_silent;

/* Opens the hypervisor, and xenstore as well unless @no_xenstore. */
int keel_open(struct keel *k, bool no_xenstore);
void keel_close(struct keel *k);

void keel_progress(struct keel *k, const char *what, uint64_t done, uint64_t total);
/* Notes that a step begins, and with it that the one before has ended. @step stays valid. */
void keel_step(struct keel *k, const char *step);

/*
 * Between these two calls SIGINT, SIGTERM and SIGHUP wait, so that work that must be undone can
 * be; keel_interrupted() says whether one has come, and fills in k->err.
 */
void keel_hold_signals(sigset_t *old);
void keel_release_signals(const sigset_t *old);
bool keel_interrupted(struct keel *k);

/* A warning on standard error, which is not a failure. */
void keel_warn(struct keel *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Milliseconds of a clock that never jumps. */
uint64_t keel_now_ms(void);

/* Serializes what several `keel` and `keeld` may do at once; returns a descriptor to close. */
int keel_lock(struct keel *k);

#endif
