/* SPDX-License-Identifier: GPL-2.0-only */
/* The scripts that a configuration names for its interfaces: xl-network-configuration(5). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/device.h"

/* What libxl gives a script. */
#define SCRIPT_TIMEOUT_MS 40000

static void set_environment(const char *script, unsigned int domid, unsigned int index,
			    const char *interface, const char *gatewaydev)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u/%u", domid, index);
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
 * output.
 */
static void start(const char *script, const char *what)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(2, 1);
	execl(script, script, what, "type_if=vif", (char *)NULL);
	_exit(127);
}

static int wait_for(struct keel *k, pid_t pid, const char *script, const char *what)
{
	uint64_t end = keel_now_ms() + SCRIPT_TIMEOUT_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
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

int script_run(struct keel *k, const char *script, const char *what, unsigned int domid,
	       unsigned int index, const char *interface, const char *gatewaydev)
{
	pid_t pid;

	if (access(script, X_OK))
		return keel_fail_errno(&k->err,
				       "cannot run the script %s (Xen's own are in the package xen-utils-common)", script);
	pid = fork();
	if (pid < 0)
		return keel_fail_errno(&k->err, "cannot start the script %s", script);
	setpgid(pid, pid);	/* in both, so that whoever is first has done it: a group is ended whole */
	if (!pid) {
		set_environment(script, domid, index, interface, gatewaydev);
		start(script, what);
	}
	return wait_for(k, pid, script, what);
}
