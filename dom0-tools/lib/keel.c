/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/keel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xentoollog.h>

#include "lib/hyper.h"

/* domctl and sysctl interface versions by release (docs/abi.md). */
static int choose_interface(struct keel *k)
{
	unsigned int minor = k->version & 0xffff;

	if (k->version >> 16 != 4 || minor < 17)
		return keel_fail(&k->err, ENOTSUP, "the hypervisor says that it is version %u.%u; "
				 "this program knows 4.17 to 4.20", k->version >> 16, minor);
	k->sysctl_version = 0x15;
	k->domctl_version = minor == 17 ? 0x15 : minor == 18 ? 0x16 : 0x17;
	return 0;
}

static void log_nothing(struct xentoollog_logger *l, xentoollog_level level, int errnoval,
			const char *context, const char *format, va_list ap)
{
}

static void no_progress(struct xentoollog_logger *l, const char *context, const char *doing,
			int percent, unsigned long done, unsigned long total)
{
}

static void keep(struct xentoollog_logger *l)
{
}

struct xentoollog_logger keel_silent = { .vmessage = log_nothing, .progress = no_progress,
					 .destroy = keep };

static int open_calls(struct keel *k)
{
	k->call = xencall_open(&keel_silent, 0);
	if (!k->call)
		return keel_fail_errno(&k->err, "cannot open /dev/xen/privcmd; this must run in "
				       "Dom0, as root, with the module xen-privcmd loaded");
	k->fmem = xenforeignmemory_open(&keel_silent, 0);
	if (!k->fmem)
		return keel_fail_errno(&k->err, "cannot open /dev/xen/privcmd for mapping");
	if (hyper_version(k))
		return -k->err.code;
	return choose_interface(k);
}

int keel_open(struct keel *k, bool no_xenstore)
{
	int rc;

	rc = open_calls(k);
	if (rc)
		goto fail;
	if (no_xenstore)
		return 0;
	k->xs = xs_open(0);
	if (k->xs)
		return 0;
	rc = keel_fail_errno(&k->err, "cannot reach xenstored at /run/xenstored/socket; "
			     "is it running?");
fail:
	keel_close(k);
	return rc;
}

void keel_close(struct keel *k)
{
	if (k->xs)
		xs_close(k->xs);
	if (k->fmem)
		xenforeignmemory_close(k->fmem);
	if (k->call)
		xencall_close(k->call);
	k->xs = NULL;
	k->fmem = NULL;
	k->call = NULL;
}

void keel_progress(struct keel *k, const char *what, uint64_t done, uint64_t total)
{
	if (k->progress)
		k->progress(k, what, done, total);
}

static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void keel_hold_signals(sigset_t *old)
{
	sigset_t set;

	ending_signals(&set);
	sigprocmask(SIG_BLOCK, &set, old);
}

void keel_release_signals(const sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}

bool keel_interrupted(struct keel *k)
{
	sigset_t set;

	if (k->steady)
		return false;
	sigpending(&set);
	if (sigismember(&set, SIGINT) <= 0 && sigismember(&set, SIGTERM) <= 0 &&
	    sigismember(&set, SIGHUP) <= 0)
		return false;
	keel_fail(&k->err, EINTR, "interrupted");
	return true;
}

void keel_warn(struct keel *k, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (k->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	keel_plain(text);
	fprintf(stderr, "keel: warning: %s\n", text);
}

uint64_t keel_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}
