/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_KEELD_WORKER_H
#define KEEL_KEELD_WORKER_H

#include "lib/keel.h"

/*
 * What has to be done about a guest is done by a process of its own: a script or a driver that
 * hangs keeps only this guest waiting. keeld may end meanwhile; its workers finish.
 */
#define WORKERS_MAX 16

/*
 * Starts @work in a new process, unless one works for @domid, here or of an earlier keeld. @work
 * has connections of its own. False if it has to be tried again later.
 */
typedef void worker_fn(struct keel *k, unsigned int domid);
bool worker_start(struct keel *k, unsigned int domid, worker_fn *work);
/* Forgets those that have ended; whether there was one. */
bool worker_reap(void);

#endif
