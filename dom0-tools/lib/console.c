/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/domain.h"
#include "lib/store.h"

#define ESCAPE		0x1d		/* Ctrl-] */
#define TTY_TIMEOUT_MS	10000

/* xenconsoled writes the terminal's name once it serves the domain. */
static char *find_tty(struct keel *k, unsigned int domid)
{
	uint64_t end = keel_now_ms() + TTY_TIMEOUT_MS;
	char *tty;

	for (;;) {
		tty = store_read(k, "/local/domain/%u/console/tty", domid);
		if (tty && *tty)
			return tty;
		free(tty);
		if (keel_now_ms() > end)
			return NULL;
		usleep(20000);
	}
}

static int write_all(int fd, const char *p, ssize_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done <= 0)
			return -1;
		p += done;
		n -= done;
	}
	return 0;
}

/* Copies input from @from; 1 at its end or after the escape character. */
static int pump(int from, int to, bool look_for_escape)
{
	char buf[1024];
	ssize_t n = read(from, buf, sizeof(buf));
	char *escape;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return 1;
	escape = look_for_escape ? memchr(buf, ESCAPE, n) : NULL;
	if (escape)
		n = escape - buf;
	return write_all(to, buf, n) || escape;
}

static int talk(int tty)
{
	struct pollfd p[2] = { { .fd = tty, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (p[0].revents && pump(tty, 1, false))
			return 0;	/* the guest is gone */
		if (p[1].revents && pump(0, tty, true)) {
			if (isatty(0))
				return 0;
			p[1].fd = -1;	/* a script's input has ended: go on listening */
		}
	}
}

int keel_domain_open_console(struct keel *k, const struct keel_domain *d)
{
	char *name = find_tty(k, d->id);
	struct termios raw;
	int tty;

	if (!name)
		return keel_fail(&k->err, ENXIO, "%s has no console (is xenconsoled running?)", d->name);
	tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		tty = keel_fail_errno(&k->err, "cannot open %s's console %s", d->name, name);
	free(name);
	if (tty >= 0 && !tcgetattr(tty, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(tty, TCSANOW, &raw);
	}
	return tty;
}

int keel_domain_console(struct keel *k, const struct keel_domain *d)
{
	struct termios old, raw;
	bool terminal = !tcgetattr(0, &old);
	int tty = keel_domain_open_console(k, d), rc;

	if (tty < 0)
		return tty;
	if (terminal) {
		raw = old;
		cfmakeraw(&raw);
		tcsetattr(0, TCSANOW, &raw);
	}
	rc = talk(tty);
	if (terminal)
		tcsetattr(0, TCSANOW, &old);
	close(tty);
	if (rc)
		return keel_fail(&k->err, -rc, "the console's connection broke: %s", strerror(-rc));
	return 0;
}
