/* SPDX-License-Identifier: GPL-2.0-only */
/* The scripts that a configuration names for its interfaces: xl-network-configuration(5). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/store.h"

/* What libxl gives a script. */
#define SCRIPT_TIMEOUT_MS 40000

#define BACKEND "/local/domain/0/backend/vif/%u/%u"

static void set_environment(const char *script, unsigned int domid, unsigned int index,
			    const char *interface, const char *gatewaydev)
{
	char path[64];

	snprintf(path, sizeof(path), BACKEND, domid, index);
	setenv("script", script, 1);
	setenv("XENBUS_TYPE", "vif", 1);
	setenv("XENBUS_BASE_PATH", "backend", 1);
	setenv("XENBUS_PATH", path, 1);
	setenv("vif", interface, 1);
	if (*gatewaydev)
		setenv("netdev", gatewaydev, 1);
}

/*
 * The child: only words of the configuration, and no shell. What it prints belongs to no command's
 * output. It reads nothing: in a group of its own, a read from the terminal would stop it. A signal
 * that is ignored here, as by keeld, would stay ignored in it.
 */
static void start(const char *script, const char *what)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	dup2(null, 0);
	if (null > 0)
		close(null);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(2, 1);
	execl(script, script, what, "type_if=vif", (char *)NULL);
	_exit(127);
}

static int wait_for(struct keel *k, pid_t pid, const char *script, const char *what)
{
	uint64_t end = keel_now_ms() + SCRIPT_TIMEOUT_MS;
	pid_t ended;
	int status;

	while ((ended = waitpid(pid, &status, WNOHANG)) != pid) {
		/* The process id may be reused by now: nothing may be sent to it. */
		if (ended < 0 && errno != EINTR)
			return keel_fail_errno(&k->err, "what became of the script %s %s is not known", script, what);
		/* An interruption ends what is being made, not its undoing. */
		bool stop = strcmp(what, "offline") && keel_interrupted(k);

		if (stop || keel_now_ms() > end) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			if (stop)
				return -EINTR;
			return keel_fail(&k->err, ETIMEDOUT, "the script %s %s did not end within %d s", script, what,
					 SCRIPT_TIMEOUT_MS / 1000);
		}
		usleep(5000);
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return keel_fail(&k->err, EIO, "the script %s %s failed (%s %d)", script, what,
			 WIFEXITED(status) ? "exit status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* Xen's scripts tell why in a node. It is of this one failure: what fails later has its own. */
static void add_reason(struct keel *k, unsigned int domid, unsigned int index)
{
	char *why = store_read(k, BACKEND "/hotplug-error", domid, index);
	size_t used = strlen(k->err.text);

	if (why && *why)
		snprintf(k->err.text + used, sizeof(k->err.text) - used, ": %s", why);
	keel_plain(k->err.text);
	if (why)
		store_remove(k, BACKEND "/hotplug-error", domid, index);
	free(why);
}

int script_run(struct keel *k, const char *script, const char *what, unsigned int domid,
	       unsigned int index, const char *interface, const char *gatewaydev)
{
	void (*old)(int);
	pid_t pid;
	int rc;

	if (access(script, X_OK))
		return keel_fail_errno(&k->err,
				       "cannot run the script %s (Xen's own are in the package xen-utils-common)", script);
	/* If whoever started this process had it ignore SIGCHLD, nobody could wait for the script. */
	old = signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (pid < 0) {
		rc = keel_fail_errno(&k->err, "cannot start the script %s", script);
		signal(SIGCHLD, old);
		return rc;
	}
	setpgid(pid, pid);	/* in both, so that whoever is first has done it: a group is ended whole */
	if (!pid) {
		set_environment(script, domid, index, interface, gatewaydev);
		start(script, what);
	}
	rc = wait_for(k, pid, script, what);
	signal(SIGCHLD, old);
	if (rc == -EIO)
		add_reason(k, domid, index);
	return rc;
}
