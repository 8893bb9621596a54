/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/save.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/hyper.h"
#include "lib/lock.h"
#include "lib/new_file.h"
#include "lib/save_internal.h"

#define WHAT "file"

static int write_stream(struct save *s)
{
	int rc = save_put_head(s);

	if (!rc)
		rc = save_put_policy(s);
	if (!rc)
		rc = save_put_memory(s);
	return rc ? rc : save_put_state(s);
}

static int write_file(struct save *s, const char *path, bool pack, uint64_t *size)
{
	struct new_file f;
	struct stat st;
	int rc = new_file_open(&f, s->k, path, WHAT);

	if (!rc) {
		rc = stream_out_open(&s->out, s->k, f.fd, path, pack);
		if (!rc)
			rc = write_stream(s);
		stream_out_close(&s->out);
	}
	if (!rc && !fstat(f.fd, &st))
		*size = st.st_size;
	if (!rc)
		rc = new_file_done(&f);
	new_file_close(&f);
	return rc;
}

/* An old file stays until the new one is whole. */
static int check_room(struct save *s, const char *path, bool pack)
{
	char copy[PATH_MAX];
	struct statvfs v;
	uint64_t room;

	snprintf(copy, sizeof(copy), "%s", path);
	if (pack || statvfs(dirname(copy), &v) < 0 || !v.f_blocks)
		return 0;	/* nobody knows how much it will take; or it is said later what is wrong */
	room = (uint64_t)v.f_bavail * v.f_frsize;
	if (room >> 10 >= s->d->memory_kib)
		return 0;
	return keel_fail(&s->k->err, ENOSPC, "the folder of %s has room for %llu MiB, and %s has %llu MiB of "
			 "memory; --compress may help", path, (unsigned long long)room >> 20, s->d->name,
			 (unsigned long long)s->d->memory_kib >> 10);
}

/* What failed is more important than what became of the guest, unless that is bad as well. */
static int go_on(struct save *s, int rc)
{
	struct keel_error why = s->k->err;
	int resumed = keel_domain_resume(s->k, s->d);

	if (!rc)
		return resumed;
	if (resumed)
		keel_warn(s->k, "%s", s->k->err.text);
	s->k->err = why;
	return rc;
}

static int end_guest(struct save *s, enum save_then then)
{
	int rc;

	if (then == SAVE_DESTROY)
		return keel_domain_destroy(s->k, s->d->id);
	rc = then == SAVE_PAUSE ? hyper_pause(s->k, s->d->id) : 0;
	if (rc)
		return go_on(s, keel_fail(&s->k->err, -rc, "cannot pause %s: %s", s->d->name, strerror(-rc)));
	return go_on(s, 0);
}

static int save_locked(struct save *s, const char *path, const struct save_options *o,
		       struct save_result *result)
{
	int rc = keel_domain_suspend(s->k, s->d, SAVE_SECONDS);
	uint64_t start = keel_now_ms();

	if (rc)
		return rc;
	rc = write_file(s, path, o->pack, &result->size);
	if (rc)
		return go_on(s, rc);
	result->pages = s->pages;
	rc = end_guest(s, o->then);
	result->suspended_ms = keel_now_ms() - start;
	return rc;
}

/* What can be checked before the guest is asked. On success s->saved.g is to be freed. */
static int prepare(struct save *s, const char *path, bool pack)
{
	int rc = new_file_check(s->k, path, WHAT);

	if (!rc)
		rc = check_room(s, path, pack);
	return rc ? rc : save_read_config(s);
}

int save_check(struct keel *k, const struct keel_domain *d, const char *path, bool pack)
{
	struct save s = { .k = k, .d = d };
	int rc = prepare(&s, path, pack);

	if (!rc)
		guest_free(&s.saved.g);
	return rc;
}

int keel_domain_save(struct keel *k, const struct keel_domain *d, const char *path,
		     const struct save_options *o, struct save_result *result)
{
	struct save s = { .k = k, .d = d };
	int rc = prepare(&s, path, o->pack), lock;
	sigset_t old;

	if (rc)
		return rc;
	keel_hold_signals(&old);
	/* keeld does not take the suspended guest for one that has ended. */
	lock = keel_lock_guest_wait(k, d->id, GUEST_LOCK_SECONDS);
	rc = lock < 0 ? lock : save_locked(&s, path, o, result);
	if (lock >= 0)
		close(lock);
	keel_release_signals(&old);
	guest_free(&s.saved.g);
	return rc;
}
