/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events: xenstore tells of domains that come and end; what becomes of them between is seen by
 * looking.
 */
#include "keel/keel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <public/sched.h>

#define LOOK_MS 500

static void now_text(char out[32])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	n = strftime(out, 32, "%FT%T", gmtime_r(&now.tv_sec, &tm));
	snprintf(out + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static void tell(struct keel *k, const struct keel_domain *d, const char *event, const char *reason)
{
	struct json_object *j;
	char time[32], uuid[37];

	now_text(time);
	if (!k->json) {
		printf("%s %-9s %5u %s%s%s\n", time, event, d->id, d->name, reason ? " " : "",
		       reason ? reason : "");
		fflush(stdout);
		return;
	}
	j = json_of_domain(d);
	guest_uuid_text(d->uuid, uuid);
	json_object_object_add(j, "uuid", json_object_new_string(uuid));
	json_object_object_add(j, "time", json_object_new_string(time));
	json_object_object_add(j, "event", json_object_new_string(event));
	if (reason)
		json_object_object_add(j, "reason", json_object_new_string(reason));
	print_json_line(j);
}

/* Ids are used again: the same domain has the same UUID, too. */
static const struct keel_domain *find(const struct keel_domain *all, int n,
				      const struct keel_domain *d)
{
	for (int i = 0; i < n; i++)
		if (all[i].id == d->id && !memcmp(all[i].uuid, d->uuid, sizeof(d->uuid)))
			return &all[i];
	return NULL;
}

/* One that nobody has named is still being made; of one that dies no more is told. */
static int drop_hidden(struct keel_domain *all, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (all[i].id && !all[i].dying && (all[i].name[0] || !all[i].paused))
			all[kept++] = all[i];
	return kept;
}

static void tell_changes(struct keel *k, const struct keel_domain *was,
			 const struct keel_domain *is)
{
	static const struct keel_domain none = { .paused = true };

	if (!was) {
		was = &none;
		tell(k, is, "created", NULL);
	}
	if (is->shutdown && !was->shutdown) {
		bool crash = is->shutdown_reason == SHUTDOWN_crash;

		/* It may have been quicker than this. */
		if (was == &none)
			tell(k, is, "started", NULL);
		tell(k, is, crash ? "crashed" : "shutdown",
		     crash ? NULL : keel_domain_reason_name(is->shutdown_reason));
	} else if (was->paused != is->paused) {
		tell(k, is, is->paused ? "paused" : was->cpu_time_ns ? "unpaused" : "started", NULL);
	}
}

static void compare(struct keel *k, const struct keel_domain *was, int n,
		    const struct keel_domain *is, int m)
{
	for (int i = 0; i < n; i++)
		if (!find(is, m, &was[i]))
			tell(k, &was[i], "destroyed", NULL);
	for (int i = 0; i < m; i++)
		tell_changes(k, find(was, n, &is[i]), &is[i]);
}

/* Until a signal ends it. */
static int watch(struct keel *k)
{
	struct pollfd p = { .fd = xs_fileno(k->xs), .events = POLLIN };
	struct keel_domain *was, *is;
	int n, m = 0;

	n = keel_domain_list(k, &was);
	if (n < 0)
		return n;
	n = drop_hidden(was, n);
	while (!keel_interrupted(k) && m >= 0) {
		char **event;

		poll(&p, 1, LOOK_MS);
		if (p.revents & (POLLERR | POLLHUP)) {
			m = keel_fail(&k->err, EIO, "xenstored is gone");
			break;
		}
		while ((event = xs_check_watch(k->xs)))
			free(event);
		m = keel_domain_list(k, &is);
		if (m < 0)
			break;
		m = drop_hidden(is, m);
		compare(k, was, n, is, m);
		free(was);
		was = is;
		n = m;
	}
	free(was);
	return m < 0 ? m : 0;
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_events };
	int rc = parse_options(k, argc, argv, &o);
	sigset_t old;

	if (rc >= 0)
		return rc;
	k->progress = NULL;
	if (!xs_watch(k->xs, "@introduceDomain", "in") || !xs_watch(k->xs, "@releaseDomain", "out")) {
		keel_fail_errno(&k->err, "xenstored takes no watch");
		return report(k);
	}
	keel_hold_signals(&old);	/* and they stay held: a signal is its usual end, no failure */
	rc = watch(k);
	return rc ? report(k) : KEEL_EXIT_OK;
}

const struct command cmd_events = {
	.name = "events",
	.args = "",
	.summary = "Tells what becomes of guests, until it is interrupted",
	.help =
	"A line for each event: its time (RFC 3339), what has happened, the domain's id and name, the\n"
	"reason of a shutdown. Events are created, started, paused, unpaused, shutdown, crashed and\n"
	"destroyed. What takes less than half a second may be missed: a pause, say.\n\n",
	.run = run,
};
