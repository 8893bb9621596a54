/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of uses.c share: a guest with xenstore, a disk and an interface. */
#ifndef TEST_GUEST_USES_H
#define TEST_GUEST_USES_H

#include "../lib/guest.h"

#include <public/grant_table.h>

#define DOM0 0

/* --- store.c: xenstore, by the ring that the toolstack made --- */
/* xsd_sockmsg.type of Xen's xen/include/public/io/xs_wire.h. */
enum {
	STORE_READ = 2, STORE_WATCH = 4, STORE_TRANSACTION = 6, STORE_WRITE = 11, STORE_MKDIR = 12,
	STORE_ERROR = 16,
};

struct store_ring {
	u8 req[1024], rsp[1024];
	u32 req_cons, req_prod, rsp_cons, rsp_prod;
	u32 server_features, connection, error;
};

extern struct store_ring *store_ring;
void store_open(void);
/* Sends a path, with its 0, and what belongs to it. False: xenstored answers with an error. */
bool store_call(u32 type, const char *path, const void *data, u32 size);
/* The answer to the last call, with a 0 behind it. */
extern char store_answer[4097];
/* NULL: there is no such node. Valid until the next call. */
const char *store_read(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool store_write(const char *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void store_write_number(u64 value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Number of the vCPU's port. */
extern u32 store_port;

/* --- front.c: what both devices need --- */
extern struct grant_entry_v1 *grants;
void front_open(void);
/* A reference by which Dom0 may read and, unless @readonly, write the page. */
u32 grant_page(const void *page, bool readonly);
/* A channel to Dom0, which is only polled. */
u32 new_channel(void);
void notify(u32 port);
/* Until there was an event, or 50 ms have passed. */
void wait_event(u32 port);
/* Waits until Dom0's end of the device is in this state, at most PATIENCE_NS. */
void wait_backend(const char *device, unsigned int state);

/* --- blk.c --- */
struct blk_ring;
extern struct blk_ring *blk_ring;
extern u32 blk_port;
void blk_open(void);
/* 4 KiB at a sector, from or to a page. The status of the answer: 0 is success. */
int blk_transfer(bool write, u64 sector, void *page);

/* --- net.c --- */
extern void *net_tx_ring, *net_rx_ring;
/* As Linux has it: a channel for what is sent, and one for what comes. */
extern u32 net_tx_port, net_port;
void net_open(void);
/* Asks who has 10.79.0.254 until somebody answers, or not: false. */
bool net_asks(void);

/* --- harm.c: for so long, what the name says --- */
bool harm(const char *mode, u64 ns, u64 seed);

#endif
