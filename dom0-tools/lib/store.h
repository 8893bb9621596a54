/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_STORE_H
#define KEEL_LIB_STORE_H

#include <stdarg.h>

#include "lib/keel.h"

#define STORE_PATH_MAX 192

/* Who may do what with a node and, by inheritance, with what is made below it. */
enum store_access {
	STORE_DOM0,		/* Dom0 only */
	STORE_GUEST_READS,	/* Dom0's; the guest reads it */
	STORE_GUEST_OWNS,	/* the guest's */
	STORE_GUEST_SHARES,	/* the guest's; Dom0 named as reader (a frontend's folder) */
};

/* A write transaction that is tried again until no other writer comes between. */
struct store_tx {
	struct keel *k;
	xs_transaction_t t;
	unsigned int domid;	/* the guest that the accesses speak of */
	int error;		/* of the first failure */
};

/* Runs @body in a transaction; it may run more than once. */
int store_run(struct keel *k, unsigned int domid, void (*body)(struct store_tx *t, void *arg),
	      void *arg);
void store_dir(struct store_tx *t, enum store_access a, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Writes the node @path: a formatted value. */
void store_put(struct store_tx *t, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Outside transactions. Read: a string to free, or NULL. */
char *store_read(struct keel *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int store_write(struct keel *k, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void store_remove(struct keel *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The names below a node: an array to free, whose count goes to @n; NULL if there is none. */
char **store_list(struct keel *k, unsigned int *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
