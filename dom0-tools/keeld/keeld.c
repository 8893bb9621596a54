/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keeld: acts when a guest has shut down (on_poweroff, on_reboot, on_crash) and removes what dead
 * guests leave. It serves the guests that `keel` made (those with /tool/keel/N) and keeps no state
 * of its own: it may be restarted at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keeld/worker.h"
#include "lib/autostart.h"
#include "lib/domain.h"
#include "lib/hyper.h"
#include "lib/image.h"
#include "lib/net.h"
#include "lib/payload.h"
#include "lib/store.h"
#include "lib/unfinished.h"

#include <public/sched.h>

#define PIDFILE "/run/keeld.pid"
#define LOGFILE "/var/log/keeld.log"

/* A guest that ends within this time of its start is not restarted again and again. */
#define RESTART_MIN_SECONDS 5

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];
	va_list ap;

	strftime(stamp, sizeof(stamp), "%F %T", gmtime_r(&now, &tm));
	printf("%s keeld: ", stamp);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static enum guest_action choose(const struct guest_config *g, unsigned int reason)
{
	switch (reason) {
	case SHUTDOWN_poweroff:
		return g->on_poweroff;
	case SHUTDOWN_reboot:
		return g->on_reboot;
	case SHUTDOWN_suspend:
		return ACTION_PRESERVE;		/* whoever suspended it takes over */
	case SHUTDOWN_watchdog:
		return g->on_watchdog;
	default:
		return g->on_crash;
	}
}

static void mark_handled(struct keel *k, unsigned int domid)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/tool/keel/%u/handled", domid);
	store_write(k, path, "1");
}

static bool is_handled(struct keel *k, unsigned int domid)
{
	char *text = store_read(k, "/tool/keel/%u/handled", domid);
	bool handled = text != NULL;

	free(text);
	return handled;
}

/* The guest's CPU time is too short to tell: use the time of its creation. */
static bool restarts_too_fast(struct keel *k, unsigned int domid)
{
	char *text = store_read(k, "/tool/keel/%u/started", domid);
	struct timespec now;
	bool fast;

	clock_gettime(CLOCK_BOOTTIME, &now);
	fast = text && now.tv_sec - atoll(text) < RESTART_MIN_SECONDS;
	free(text);
	return fast;
}

/* @how: "started", or "started again". */
static void start_guest(struct keel *k, const struct guest_config *g, const char *how)
{
	unsigned int domid;

	if (keel_domain_create(k, g, false, &domid) < 0)
		say("%s: cannot be %s: %s", g->name, how, k->err.text);
	else
		say("%s: %s as domain %u", g->name, how, domid);
}

static void set_aside(struct keel *k, const struct keel_domain *d)
{
	char name[GUEST_NAME_MAX + 16];

	snprintf(name, sizeof(name), "%.*s-%u", GUEST_NAME_MAX - 8, d->name, d->id);
	mark_handled(k, d->id);
	if (keel_domain_rename(k, d->id, name))
		say("%s: %s", d->name, k->err.text);
}

static void end_guest(struct keel *k, const struct keel_domain *d)
{
	if (keel_domain_destroy(k, d->id))
		say("%s: %s", d->name, k->err.text);
}

static void act(struct keel *k, const struct keel_domain *d, const struct guest_config *g)
{
	struct guest_config again;
	enum guest_action a = choose(g, d->shutdown_reason);

	say("%s: domain %u has shut down (%s): %s", d->name, d->id,
	    keel_domain_reason_name(d->shutdown_reason), guest_action_name(a));
	if ((a == ACTION_RESTART || a == ACTION_RENAME_RESTART) && restarts_too_fast(k, d->id)) {
		say("%s: it ran for less than %d s and is not started again", d->name,
		    RESTART_MIN_SECONDS);
		a = ACTION_DESTROY;
	}
	switch (a) {
	case ACTION_PRESERVE:
		mark_handled(k, d->id);
		break;
	case ACTION_RENAME_RESTART:
		set_aside(k, d);
		again = *g;
		again.has_uuid = false;	/* the one that is set aside keeps it, and its nodes */
		start_guest(k, &again, "started again");
		break;
	case ACTION_RESTART:
		end_guest(k, d);
		start_guest(k, g, "started again");
		break;
	default:
		end_guest(k, d);
	}
}

static void look_at(struct keel *k, unsigned int domid)
{
	struct guest_config g;
	struct keel_domain d;

	if (keel_domain_by_id(k, domid, &d)) {
		if (k->err.code == ESRCH) {
			say("domain %u is gone; removing what it left", domid);
			keel_domain_forget(k, domid);
		}
		return;
	}
	if (!d.shutdown || d.dying || is_handled(k, domid))
		return;
	if (!skeleton_config(k, domid, &g)) {
		say("%s: the configuration of domain %u cannot be read; ending it", d.name, domid);
		end_guest(k, &d);
		return;
	}
	act(k, &d, &g);
	guest_free(&g);
}

/* Whether look_at() would do anything. */
static bool needs_work(struct keel *k, unsigned int domid)
{
	struct keel_domain d;

	if (keel_domain_by_id(k, domid, &d))
		return k->err.code == ESRCH;
	return d.shutdown && !d.dying && !is_handled(k, domid);
}

static void clear(struct keel *k, unsigned int nobody)
{
	unfinished_clear(k);
}

/*
 * Checks every guest of Keel: this is cheap, and finds whatever was missed. Returns whether some
 * must wait for a worker. What nobody finishes has one for all, whose number no guest has.
 */
static bool look_at_all(struct keel *k)
{
	unsigned int n;
	char **ids = store_list(k, &n, "/tool/keel");
	bool waiting = false;

	for (unsigned int i = 0; ids && i < n; i++) {
		unsigned int domid = strtoul(ids[i], NULL, 10);

		if (needs_work(k, domid) && !worker_start(k, domid, look_at))
			waiting = true;
	}
	if (unfinished_any() && !worker_start(k, DOMID_FIRST_RESERVED, clear))
		waiting = true;
	free(ids);
	return waiting;
}

static void say_failed(struct keel *k, const char *text)
{
	say("%s", text);
}

/* What killed processes have left. */
static void sweep(struct keel *k)
{
	int lock = keel_lock(k);

	if (lock < 0) {
		say("%s", k->err.text);
		return;
	}
	nbd_sweep(k);
	close(lock);
}

/*
 * Dom0 has come up: the firmware starts this image from now on, and Keel waits no longer. In this
 * order: if the firmware hangs in its services, Keel resets the machine.
 */
static void report_up(struct keel *k)
{
	int entry, rc;

	if (payload_confirm(k, &entry))
		say("this boot's entry does not become the firmware's first one: %s", k->err.text);
	else if (entry >= 0)
		say("boot entry %04X has come up, and is the firmware's first one from now on", entry);
	rc = hyper_set_option("boot_timeout", "0");
	if (rc && rc != -ENOENT)	/* Xen has none */
		say("the hypervisor does not take that Dom0 is up: %s", strerror(-rc));
}

/* One after the other, in their order; what is there already stays as it is. */
static void start_guests(struct keel *k, unsigned int nobody)
{
	struct guest_config g;
	char **names = NULL;
	int n;

	if (!autostart_done())
		report_up(k);
	sweep(k);
	n = autostart_done() ? 0 : autostart_names(k, &names);
	if (n < 0)
		say("%s", k->err.text);
	if (!autostart_done())
		net_start_all(k, say_failed);
	for (int i = 0; i < n; i++) {
		if (autostart_read(k, names[i], &g)) {
			say("%s: cannot be started: %s", names[i], k->err.text);
		} else {
			start_guest(k, &g, "started");
			guest_free(&g);
		}
		free(names[i]);
	}
	free(names);
	if (autostart_mark(k))
		say("%s", k->err.text);
}

static int make_signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Whether one of the signals ends keeld; the others report workers that ended. */
static bool is_the_end(int fd)
{
	struct signalfd_siginfo s;
	bool end = false;

	while (read(fd, &s, sizeof(s)) == sizeof(s))
		end |= s.ssi_signo != SIGCHLD;
	return end;
}

static int serve(struct keel *k)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	bool waiting;

	p[1].fd = make_signal_fd();
	if (!xs_watch(k->xs, "@releaseDomain", "release")) {
		say("xenstored takes no watch: %s", strerror(errno));
		return 1;
	}
	p[0].fd = xs_fileno(k->xs);
	/* Dom0 is no guest: its lock is that of this work. */
	worker_start(k, 0, start_guests);
	waiting = look_at_all(k);
	for (;;) {
		bool any = false;
		char **event;

		/* The timeout finds guests that a worker could not help. */
		if (poll(p, 2, 10000) < 0 && errno != EINTR)
			return 1;
		if (p[1].revents && is_the_end(p[1].fd))
			return 0;
		any = worker_reap() && waiting;
		if (p[0].revents & (POLLERR | POLLHUP)) {
			say("xenstored is gone");
			return 1;
		}
		while ((event = xs_check_watch(k->xs))) {
			any = true;
			free(event);
		}
		if (any || (!p[0].revents && !p[1].revents))
			waiting = look_at_all(k);
	}
}

/* One keeld at a time: the lock on the file goes with the process. */
static int take_pidfile(void)
{
	int fd = open(PIDFILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0) {
		fprintf(stderr, "keeld: cannot open %s: %s\n", PIDFILE, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		fprintf(stderr, "keeld: another keeld is running (%s is locked)\n", PIDFILE);
		return -1;
	}
	return fd;
}

static void write_pid(int fd)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, n, 0) != n)
		say("cannot write %s", PIDFILE);
}

static int go_to_background(void)
{
	int log = open(LOGFILE, O_WRONLY | O_CREAT | O_APPEND, 0644);
	int null = open("/dev/null", O_RDONLY);

	if (log < 0 || null < 0) {
		fprintf(stderr, "keeld: cannot open %s: %s\n", LOGFILE, strerror(errno));
		return -1;
	}
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		break;
	default:
		_exit(0);
	}
	setsid();
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	return 0;
}

static int usage(int rc)
{
	printf("usage: keeld [-f]\n\nActs on the end of Keel's guests; see keeld(8).\n\n"
	       "  -f    stay in the foreground and log to standard output\n");
	return rc;
}

int main(int argc, char **argv)
{
	static struct keel k;
	bool foreground = false;
	int fd, c;

	while ((c = getopt(argc, argv, "fh")) != -1) {
		if (c == 'f')
			foreground = true;
		else
			return usage(c == 'h' ? 0 : 2);
	}
	fd = take_pidfile();
	if (fd < 0)
		return 1;
	if (keel_open(&k, false)) {
		fprintf(stderr, "keeld: %s\n", k.err.text);
		return 1;
	}
	/* Opens the connections again: a thread of libxenstore does not survive a fork. */
	keel_close(&k);
	if (!foreground && go_to_background())
		return 1;
	if (keel_open(&k, false)) {
		say("%s", k.err.text);
		return 1;
	}
	write_pid(fd);
	say("serving guests");
	c = serve(&k);
	say("ending");
	keel_close(&k);
	return c;
}
