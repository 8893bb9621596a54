/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_MIGRATE_INTERNAL_H
#define KEEL_LIB_MIGRATE_INTERNAL_H

/*
 * Private header of migrate.c and migrate_receive.c: what the two say to each other. It is what xl
 * says (Xen's tools/xl/xl_migrate.c), so that each can talk to xl as well.
 *
 *     receiver                         sender
 *     MIGRATE_BANNER                   the stream, as to a file
 *     MIGRATE_READY                    MIGRATE_GO
 *     MIGRATE_REPORT, 0: it runs       (ends the guest)
 *     MIGRATE_REPORT, else MIGRATE_GO  (lets the guest go on)
 *
 * With all but the banner the zero at the end is sent, too.
 */
#include "lib/stream.h"

#define MIGRATE_BANNER	"xl migration receiver ready, send binary domain data.\n"
#define MIGRATE_READY	"domain received, ready to unpause"
#define MIGRATE_GO	"domain is yours, you are cleared to unpause"
#define MIGRATE_REPORT	"my copy unpause results are as follows"

/* Waits for the words. -EINTR, -ECONNRESET: the end comes instead, -EPROTO: others. */
int migrate_expect(struct keel *k, int fd, const char *who, const void *words, size_t size);

#endif
