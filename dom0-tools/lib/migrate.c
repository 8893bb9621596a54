/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest goes to another machine: this side. */
#include "lib/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/autostart.h"
#include "lib/frames.h"
#include "lib/hyper.h"
#include "lib/lock.h"
#include "lib/migrate_internal.h"
#include "lib/program.h"
#include "lib/save.h"
#include "lib/save_internal.h"

#define MAX_ROUNDS	5
#define FEW_PAGES	64	/* the guest suspends when so few are left to send */
#define END_TRIES	100	/* so long the command may take to end */
#define END_WAIT_US	50000
#define WHO		"the other side"

struct migrate {
	struct save s;
	const struct keel_domain *d;
	pid_t pid;			/* of the command that leads to the other side */
	int to, from;
	unsigned char *dirty, *log;	/* a bit for each page */
	uint64_t gfns;			/* so many have bits */
	bool logging, suspended;
	uint64_t suspended_at;
	struct migrate_result *result;
};

static int failed(struct migrate *m, int rc, const char *what)
{
	return keel_fail(&m->s.k->err, -rc, "cannot %s of %s: %s", what, m->d->name, strerror(-rc));
}

/* Some may have been given back since they were written to: that, too, is said of them. */
static int put_pages(struct migrate *m, const uint64_t *gfns, unsigned int n)
{
	return frames_map(m->s.k, m->d, gfns, n, save_put_batch, &m->s);
}

/* All pages with a bit, which goes. */
static int put_dirty(struct migrate *m, uint64_t count)
{
	uint64_t gfns[FRAMES_BATCH];
	unsigned int n = 0;
	int rc = 0;

	m->s.done = 0;
	m->s.pages = count;
	for (uint64_t byte = 0; !rc && byte < m->gfns / 8; byte++) {
		for (; m->dirty[byte]; m->dirty[byte] &= m->dirty[byte] - 1)
			gfns[n++] = byte * 8 + __builtin_ctz(m->dirty[byte]);
		if (n <= FRAMES_BATCH - 8)
			continue;
		rc = keel_interrupted(m->s.k) ? -EINTR : put_pages(m, gfns, n);
		n = 0;
	}
	return rc || !n ? rc : put_pages(m, gfns, n);
}

static bool grow(unsigned char **bits, uint64_t from, uint64_t to)
{
	unsigned char *more = realloc(*bits, to);

	if (!more)
		return false;
	memset(more + from, 0, to - from);
	*bits = more;
	return true;
}

/* The guest may have got memory above what it had. */
static int make_bits(struct migrate *m)
{
	uint64_t max = 0, gfns;
	int rc = frames_highest(m->s.k, m->d, &max);

	if (rc)
		return rc;
	gfns = (max + 64) & ~63ULL;
	if (gfns <= m->gfns)
		return 0;
	if (!grow(&m->dirty, m->gfns / 8, gfns / 8) || !grow(&m->log, m->gfns / 8, gfns / 8))
		return failed(m, -ENOMEM, "list the memory");
	m->gfns = gfns;
	return 0;
}

/* Adds what has been written to since the last look. *@count: pages with a bit. */
static int collect(struct migrate *m, uint64_t *count)
{
	int rc = make_bits(m);

	if (rc)
		return rc;
	rc = hyper_log_read(m->s.k, m->d->id, m->log, m->gfns);
	if (rc)
		return failed(m, rc, "read what is written to the memory");
	*count = 0;
	for (uint64_t i = 0; i < m->gfns / 8; i++) {
		m->dirty[i] |= m->log[i];
		*count += __builtin_popcount(m->dirty[i]);
	}
	return 0;
}

/* Rounds while the guest runs. Afterwards some pages have bits. */
static int put_running(struct migrate *m)
{
	int rc = hyper_log_start(m->s.k, m->d->id);
	uint64_t count;

	if (rc == -EINVAL)
		return keel_fail(&m->s.k->err, EBUSY, "%s is being moved already", m->d->name);
	if (rc)
		return failed(m, rc, "log what is written to the memory");
	m->logging = true;
	rc = save_put_memory(&m->s);
	for (m->result->rounds = 1; !rc; m->result->rounds++) {
		rc = collect(m, &count);
		if (rc || count <= FEW_PAGES || m->result->rounds == MAX_ROUNDS)
			break;
		rc = put_dirty(m, count);
	}
	return rc;
}

static int put_suspended(struct migrate *m)
{
	uint64_t count;
	int rc = keel_domain_suspend(m->s.k, m->d, SAVE_SECONDS);

	if (rc)
		return rc;
	m->suspended = true;
	m->suspended_at = keel_now_ms();
	rc = collect(m, &count);
	if (!rc)
		rc = put_dirty(m, count);
	return rc ? rc : save_put_state(&m->s);
}

static int put_stream(struct migrate *m)
{
	int rc = stream_out_open(&m->s.out, m->s.k, m->to, WHO, false);

	if (!rc)
		rc = save_put_head(&m->s);
	if (!rc)
		rc = save_put_policy(&m->s);
	if (!rc)
		rc = put_running(m);
	if (!rc)
		rc = put_suspended(m);
	m->result->pages = m->s.sent;
	m->result->size = m->s.out.size;
	stream_out_close(&m->s.out);
	return rc;
}

/* A shell's words are the command's own; the name of the host is one word, whatever it is. */
static void start_command(const char *command, const char *host, int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	program_signals();
	signal(SIGINT, SIG_IGN);	/* Ctrl-C is for this side, which tells the other */
	execl("/bin/sh", "sh", "-c", command, "sh", host, NULL);
	_exit(127);
}

static int connect_to(struct migrate *m, const char *command, const char *host)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return keel_fail_errno(&m->s.k->err, "cannot make a pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return keel_fail_errno(&m->s.k->err, "cannot make a pipe");
	}
	/* A signal must end the wait for one that reads no more. */
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	m->to = in[1];
	m->from = out[0];
	m->pid = fork();
	if (!m->pid)
		start_command(command, host, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	return m->pid < 0 ? keel_fail_errno(&m->s.k->err, "cannot start a process") : 0;
}

/* Both ends are closed, so that the command ends. */
static void disconnect(struct migrate *m)
{
	close(m->to);
	close(m->from);
	if (m->pid < 0)
		return;
	for (int i = 0; i < END_TRIES; i++) {
		if (waitpid(m->pid, NULL, WNOHANG))
			return;
		usleep(END_WAIT_US);
	}
	kill(m->pid, SIGKILL);
	waitpid(m->pid, NULL, 0);
}

/* Here the guest goes on, if it had to stop at all. */
static int stay(struct migrate *m, int rc)
{
	struct keel *k = m->s.k;
	struct keel_error why = k->err;

	if (m->logging)
		hyper_log_stop(k, m->d->id);
	if (m->suspended && keel_domain_resume(k, m->d))
		keel_warn(k, "%s", k->err.text);
	k->err = why;
	return rc;
}

/*
 * The other side may let the guest run, and it does not say what it has done: if it had, the guest
 * must not go on here, too.
 */
static int unknown(struct migrate *m)
{
	const char *name = m->d->name;
	struct keel *k = m->s.k;
	const char *why = strdupa(k->err.text);

	return keel_fail(&k->err, EREMOTEIO, "whether %s runs on the other side is not known (%s); here it is "
			 "suspended. Look there: if it runs, `keel destroy %s` here; if not, `keel resume %s`", name,
			 why, name, name);
}

/* What starts with Dom0 would run twice then. */
static void leave_autostart(struct migrate *m)
{
	const char *name = m->d->name;
	struct keel *k = m->s.k;

	if (!autostart_has(name))
		return;
	if (autostart_clear(k, name))
		keel_warn(k, "%s is started here when Dom0 boots, too: %s", name, k->err.text);
	else
		keel_warn(k, "%s is not started here any more when Dom0 boots; `keel autostart %s on` where it is now "
			  "starts it there", name, name);
}

static int end_here(struct migrate *m)
{
	struct keel *k = m->s.k;
	bool steady = k->steady;
	int rc;

	k->steady = true;
	rc = keel_domain_destroy(k, m->d->id);
	k->steady = steady;
	leave_autostart(m);
	if (!rc)
		return 0;
	return keel_fail(&k->err, -rc, "%s runs on the other side; here it is suspended, and must not be resumed: %s",
			 m->d->name, strdupa(k->err.text));
}

/* The other side has all of it. From the first byte that is said here it is the other side's. */
static int hand_over(struct migrate *m)
{
	struct keel *k = m->s.k;
	char result;
	int rc;

	if (keel_interrupted(k))
		return stay(m, -EINTR);
	rc = stream_write_all(k, m->to, WHO, MIGRATE_GO, sizeof(MIGRATE_GO));
	if (!rc)
		rc = migrate_expect(k, m->from, WHO, MIGRATE_REPORT, sizeof(MIGRATE_REPORT));
	if (rc || stream_read_some(k, m->from, WHO, &result, 1) != 1)
		return unknown(m);
	m->result->suspended_ms = keel_now_ms() - m->suspended_at;
	if (!result)
		return end_here(m);
	if (migrate_expect(k, m->from, WHO, MIGRATE_GO, sizeof(MIGRATE_GO)))
		return unknown(m);
	return stay(m, keel_fail(&k->err, EREMOTEIO, "%s cannot run on the other side; it goes on here",
				 m->d->name));
}

static int move(struct migrate *m, const char *command, const char *host)
{
	struct keel *k = m->s.k;
	uint64_t start = keel_now_ms();
	int rc = connect_to(m, command, host);

	if (!rc)
		rc = migrate_expect(k, m->from, WHO, MIGRATE_BANNER, sizeof(MIGRATE_BANNER) - 1);
	if (!rc)
		rc = put_stream(m);
	if (!rc)
		rc = migrate_expect(k, m->from, WHO, MIGRATE_READY, sizeof(MIGRATE_READY));
	rc = rc ? stay(m, rc) : hand_over(m);
	m->result->total_ms = keel_now_ms() - start;
	if (m->pid)
		disconnect(m);
	return rc;
}

int migrate_check(struct keel *k, const struct keel_domain *d)
{
	struct save s = { .k = k, .d = d };
	int rc = save_read_config(&s);

	if (!rc)
		guest_free(&s.saved.g);
	return rc;
}

int keel_domain_migrate(struct keel *k, const struct keel_domain *d, const char *command,
			const char *host, struct migrate_result *result)
{
	struct migrate m = { .s = { .k = k, .d = d }, .d = d, .result = result };
	int rc = save_read_config(&m.s), lock;
	void (*pipes)(int), (*children)(int);
	sigset_t old;

	if (rc)
		return rc;
	*result = (struct migrate_result){ 0 };
	pipes = signal(SIGPIPE, SIG_IGN);
	children = signal(SIGCHLD, SIG_DFL);
	keel_hold_signals(&old);
	lock = keel_lock_guest_wait(k, d->id, GUEST_LOCK_SECONDS);
	rc = lock < 0 ? lock : move(&m, command, host);
	if (lock >= 0)
		close(lock);
	keel_release_signals(&old);
	signal(SIGPIPE, pipes);
	signal(SIGCHLD, children);
	guest_free(&m.s.saved.g);
	free(m.dirty);
	free(m.log);
	return rc;
}
