/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/domain.h"
#include "lib/hyper.h"
#include "lib/store.h"

#include <public/sched.h>

int keel_domain_control(struct keel *k, unsigned int domid, const char *what)
{
	char *able = store_read(k, "/local/domain/%u/control/feature-%s", domid, what);
	bool refuses = !able || able[0] != '1';
	char path[STORE_PATH_MAX];

	free(able);
	if (refuses)
		keel_warn(k, "domain %u has not announced that it obeys '%s'; it may have no driver for "
			  "it, or not be up yet", domid, what);
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	return store_write(k, path, "%s", what);
}

/* Whether the domain is done: shut down, dying, or not there any more. */
static bool is_done(struct keel *k, unsigned int domid)
{
	struct keel_domain d;

	return keel_domain_by_id(k, domid, &d) || d.shutdown || d.dying;
}

/* 0: it is done; -ETIMEDOUT, or -EINTR, with k->err. Without @seconds it waits for ever. */
static int wait_done(struct keel *k, const struct keel_domain *d, unsigned int seconds)
{
	uint64_t start = keel_now_ms();
	int rc = 0;

	if (!xs_watch(k->xs, "@releaseDomain", "keel"))
		return keel_fail_errno(&k->err, "xenstored takes no watch");
	while (!rc && !is_done(k, d->id)) {
		struct pollfd p = { .fd = xs_fileno(k->xs), .events = POLLIN };
		uint64_t waited = (keel_now_ms() - start) / 1000;

		keel_progress(k, "waiting for the guest, seconds", waited, seconds);
		if (seconds && waited >= seconds)
			rc = keel_fail(&k->err, ETIMEDOUT, "%s has not shut down within %u s; `keel destroy %s` ends it "
				       "at once", d->name, seconds, d->name);
		else if (keel_interrupted(k))
			rc = -EINTR;
		else if (poll(&p, 1, 1000) > 0)
			free(xs_check_watch(k->xs));
	}
	xs_unwatch(k->xs, "@releaseDomain", "keel");
	return rc;
}

int keel_domain_wait_shutdown(struct keel *k, const struct keel_domain *d, unsigned int seconds)
{
	return wait_done(k, d, seconds);
}

static void take_back(struct store_tx *t, void *acknowledged)
{
	char path[STORE_PATH_MAX], *value;
	unsigned int len;

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", t->domid);
	value = xs_read(t->k->xs, t->t, path, &len);
	*(bool *)acknowledged = !value || !*value;
	if (value && *value)
		store_put(t, path, "%s", "");
	free(value);
}

/*
 * The guest does not suspend. If it has not seen yet that it should, it will not; if it has, it
 * may do so at any time, and is waited for once more.
 */
static int give_up(struct keel *k, const struct keel_domain *d, unsigned int seconds)
{
	struct keel_error why = k->err;
	bool acknowledged = false, steady = k->steady;
	int rc = store_run(k, d->id, take_back, &acknowledged);

	if (rc)
		return rc;
	k->steady = true;
	rc = acknowledged ? wait_done(k, d, seconds) : -ETIMEDOUT;
	k->steady = steady;
	if (!rc)
		return 0;
	if (acknowledged)
		return keel_fail(&k->err, ETIMEDOUT, "%s does not suspend: it has said that it would, but has not within "
				 "%u s; should it do so later, `keel resume %s` lets it go on", d->name, 2 * seconds,
				 d->name);
	if (why.code == ETIMEDOUT)
		return keel_fail(&k->err, ETIMEDOUT, "%s does not suspend: it has not answered within %u s; its kernel "
				 "may lack what that needs (Linux's CONFIG_HIBERNATE_CALLBACKS), or not be up yet",
				 d->name, seconds);
	k->err = why;
	return -why.code;
}

int keel_domain_suspend(struct keel *k, const struct keel_domain *d, unsigned int seconds)
{
	struct keel_domain now;
	int rc = keel_domain_control(k, d->id, "suspend");

	if (!rc)
		rc = wait_done(k, d, seconds);
	if (rc == -ETIMEDOUT || rc == -EINTR)
		rc = give_up(k, d, seconds);
	if (rc)
		return rc;
	rc = keel_domain_by_id(k, d->id, &now);
	if (rc || !keel_domain_check_suspended(k, &now))
		return rc;
	return keel_fail(&k->err, ECANCELED, "%s has ended (%s) before it could be suspended", d->name,
			 now.shutdown ? keel_domain_reason_name(now.shutdown_reason) : "dying");
}

int keel_domain_check_suspended(struct keel *k, const struct keel_domain *d)
{
	if (d->shutdown && !d->dying && d->shutdown_reason == SHUTDOWN_suspend)
		return 0;
	return keel_fail(&k->err, EINVAL, "%s is not suspended", d->name);
}

/* What Linux's hypercall for suspending returns: 1 says that the guest is where it was. */
static int say_cancelled(struct keel *k, const struct keel_domain *d)
{
	struct vcpu_guest_context c;
	int rc = hyper_vcpu_context(k, d->id, 0, &c);

	if (rc)
		return rc;
	c.user_regs.rax = 1;
	return hyper_set_vcpu_context(k, d->id, 0, &c);
}

int keel_domain_resume(struct keel *k, const struct keel_domain *d)
{
	int rc = say_cancelled(k, d);

	if (!rc)
		rc = hyper_resume(k, d->id);
	if (rc)
		return keel_fail(&k->err, -rc, "%s stays suspended: %s", d->name, strerror(-rc));
	store_remove(k, "/tool/keel/%u/handled", d->id);
	if (!xs_resume_domain(k->xs, d->id))
		return keel_fail_errno(&k->err, "%s goes on, but xenstored does not know", d->name);
	return 0;
}
