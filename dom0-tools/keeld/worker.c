/* SPDX-License-Identifier: GPL-2.0-only */
#include "keeld/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/lock.h"

static struct worker {
	pid_t pid;		/* 0: free */
	unsigned int domid;
} workers[WORKERS_MAX];

/* Whether one works for it; @room gets a free place, or NULL. */
static bool has_worker(unsigned int domid, struct worker **room)
{
	*room = NULL;
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		if (!workers[i].pid)
			*room = &workers[i];
		else if (workers[i].domid == domid)
			return true;
	}
	return false;
}

/*
 * The child. It shares no connection with keeld, and keeps none of its locks; a signal that ends
 * keeld does not end what it has begun.
 */
static void run(unsigned int domid, worker_fn *work)
{
	struct keel own = { .steady = true };
	int lock;

	close_range(3, ~0u, 0);
	lock = keel_lock_guest(&own, domid);
	if (lock == -EBUSY)
		_exit(0);
	if (lock < 0 || keel_open(&own, false)) {
		printf("domain %u: %s\n", domid, own.err.text);
		fflush(stdout);
		_exit(1);
	}
	work(&own, domid);
	keel_close(&own);
	fflush(NULL);
	_exit(0);
}

bool worker_start(struct keel *k, unsigned int domid, worker_fn *work)
{
	struct worker *w;
	pid_t pid;

	if (has_worker(domid, &w))
		return true;
	if (!w)
		return false;
	fflush(NULL);
	pid = fork();
	if (!pid)
		run(domid, work);
	if (pid < 0) {
		keel_fail_errno(&k->err, "cannot start a process for domain %u", domid);
		return false;
	}
	*w = (struct worker){ .pid = pid, .domid = domid };
	return true;
}

bool worker_reap(void)
{
	bool any = false;

	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		if (workers[i].pid && waitpid(workers[i].pid, NULL, WNOHANG) == workers[i].pid) {
			workers[i].pid = 0;
			any = true;
		}
	return any;
}
