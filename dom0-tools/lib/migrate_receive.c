/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest comes from another machine. */
#include <errno.h>
#include <signal.h>

#include "lib/migrate.h"
#include "lib/migrate_internal.h"
#include "lib/restore.h"

#define WHO	"the side that the guest comes from"
#define STREAM	"the stream from the other side"

struct receiving {
	int in, out;
	bool may_run;			/* it is this side's */
};

int migrate_expect(struct keel *k, int fd, const char *who, const void *words, size_t size)
{
	char said[64];

	/* One by one: what comes instead may be shorter, and its end never come. */
	for (size_t i = 0; i < size; i++) {
		ssize_t n = stream_read_some(k, fd, who, &said[i], 1);

		if (n < 0)
			return n;
		if (!n)
			return keel_fail(&k->err, ECONNRESET, "%s has ended before it was done", who);
		if (said[i] != ((const char *)words)[i])
			return keel_fail(&k->err, EPROTO, "%s says something else ('%.*s...') than '%.*s'", who,
					 (int)i + 1, said, (int)size, (const char *)words);
	}
	return 0;
}

/* The guest is whole, and has not run. */
static int ask(struct keel *k, void *arg)
{
	struct receiving *r = arg;
	int rc = stream_write_all(k, r->out, WHO, MIGRATE_READY, sizeof(MIGRATE_READY));

	if (!rc)
		rc = migrate_expect(k, r->in, WHO, MIGRATE_GO, sizeof(MIGRATE_GO));
	r->may_run = !rc;
	k->steady = !rc;
	return rc;
}

/* If it does not run here, and nothing of it is left, it goes on there. */
static int tell(struct keel *k, const struct receiving *r, bool runs)
{
	char result = !runs;
	int rc = stream_write_all(k, r->out, WHO, MIGRATE_REPORT, sizeof(MIGRATE_REPORT));

	if (!rc)
		rc = stream_write_all(k, r->out, WHO, &result, 1);
	if (!rc && !runs)
		rc = stream_write_all(k, r->out, WHO, MIGRATE_GO, sizeof(MIGRATE_GO));
	return rc;
}

int keel_migrate_receive(struct keel *k, int in, int out, struct keel_domain *d)
{
	struct receiving r = { in, out };
	const struct restore_options o = { .ready = ask, .arg = &r };
	struct keel_error why;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	rc = stream_write_all(k, out, WHO, MIGRATE_BANNER, sizeof(MIGRATE_BANNER) - 1);
	if (!rc)
		rc = keel_domain_restore(k, in, STREAM, &o, d);
	if (!r.may_run)
		return rc;
	if (!rc)
		return tell(k, &r, true);
	why = k->err;
	tell(k, &r, false);
	k->err = why;
	return rc;
}
