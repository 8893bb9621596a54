/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void path_of(char path[STORE_PATH_MAX], const char *fmt, va_list ap)
{
	vsnprintf(path, STORE_PATH_MAX, fmt, ap);
}

static void note(struct store_tx *t, bool ok)
{
	if (!ok && !t->error)
		t->error = errno ? errno : EIO;
}

int store_run(struct keel *k, unsigned int domid, void (*body)(struct store_tx *t, void *arg),
	      void *arg)
{
	struct store_tx t = { .k = k, .domid = domid };

	for (;;) {
		t.t = xs_transaction_start(k->xs);
		if (t.t == XBT_NULL)
			return keel_fail_errno(&k->err, "xenstored starts no transaction");
		t.error = 0;
		body(&t, arg);
		if (t.error) {
			xs_transaction_end(k->xs, t.t, true);
			return keel_fail(&k->err, t.error, "cannot write domain %u's xenstore nodes: %s",
					 domid, strerror(t.error));
		}
		if (xs_transaction_end(k->xs, t.t, false))
			return 0;
		if (errno != EAGAIN)
			return keel_fail_errno(&k->err, "cannot write domain %u's xenstore nodes", domid);
	}
}

void store_dir(struct store_tx *t, enum store_access a, const char *fmt, ...)
{
	struct xs_permissions guest = { .id = t->domid, .perms = XS_PERM_NONE };
	struct xs_permissions p[2] = { { .id = 0, .perms = XS_PERM_NONE } };
	char path[STORE_PATH_MAX];
	unsigned int n = 1;
	va_list ap;

	va_start(ap, fmt);
	path_of(path, fmt, ap);
	va_end(ap);
	if (a == STORE_GUEST_READS) {
		p[n] = guest;
		p[n++].perms = XS_PERM_READ;
	} else if (a == STORE_GUEST_OWNS || a == STORE_GUEST_SHARES) {
		p[0] = guest;
		if (a == STORE_GUEST_SHARES)
			p[n++] = (struct xs_permissions){ .id = 0, .perms = XS_PERM_READ };
	}
	note(t, xs_mkdir(t->k->xs, t->t, path));
	note(t, xs_set_permissions(t->k->xs, t->t, path, p, n));
}

void store_put(struct store_tx *t, const char *path, const char *fmt, ...)
{
	char value[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(value)) {
		errno = E2BIG;
		note(t, false);
		return;
	}
	note(t, xs_write(t->k->xs, t->t, path, value, n));
}

char *store_read(struct keel *k, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	unsigned int len;
	va_list ap;

	va_start(ap, fmt);
	path_of(path, fmt, ap);
	va_end(ap);
	return xs_read(k->xs, XBT_NULL, path, &len);
}

int store_write(struct keel *k, const char *path, const char *fmt, ...)
{
	char value[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (xs_write(k->xs, XBT_NULL, path, value, n))
		return 0;
	return keel_fail_errno(&k->err, "cannot write the xenstore node %s", path);
}

void store_remove(struct keel *k, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_of(path, fmt, ap);
	va_end(ap);
	xs_rm(k->xs, XBT_NULL, path);
}

char **store_list(struct keel *k, unsigned int *n, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_of(path, fmt, ap);
	va_end(ap);
	*n = 0;
	return xs_directory(k->xs, XBT_NULL, path, n);
}
