/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interface's script: what it is told, and what happens if it fails, hangs, or is interrupted.
 */
#include "test/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/store.h"

static char dir[] = "/tmp/script-test-XXXXXX", path[64], out[64];
static struct keel k;
static uint64_t now, step;
static bool interrupted, stolen;

uint64_t keel_now_ms(void)
{
	if (stolen)
		waitpid(-1, NULL, 0);
	now += step;
	return now;
}

bool keel_interrupted(struct keel *q)
{
	if (interrupted)
		keel_fail(&q->err, EINTR, "interrupted");
	return interrupted;
}

static const char *reason;	/* what a script has written to its node */
static char removed[64];

char *store_read(struct keel *q, const char *fmt, ...)
{
	char node[STORE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(node, sizeof(node), fmt, ap);
	va_end(ap);
	assert_string_equal(node, "/local/domain/0/backend/vif/7/2/hotplug-error");
	return reason ? strdup(reason) : NULL;
}

void store_remove(struct keel *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(removed, sizeof(removed), fmt, ap);
	va_end(ap);
}

/* Writes the script, runs it with @what, and returns what it wrote to the file $OUT. */
static int run(const char *text, const char *what, const char *gatewaydev, char *told, size_t size)
{
	FILE *f = fopen(path, "w");
	ssize_t n = 0;
	int rc, fd;

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	setenv("OUT", out, 1);
	unlink(out);
	memset(&k.err, 0, sizeof(k.err));
	rc = script_run(&k, path, what, 7, 2, "vif7.2", gatewaydev);
	fd = open(out, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, told, size - 1);
		close(fd);
	}
	told[n > 0 ? n : 0] = 0;
	return rc;
}

static void told(void **state)
{
	static const char say[] =
		"echo \"$# $1 $2|$script|$XENBUS_TYPE|$XENBUS_BASE_PATH|$XENBUS_PATH|$vif|$netdev\" >$OUT";
	char text[256], want[256];

	assert_int_equal(run(say, "online", "", text, sizeof(text)), 0);
	snprintf(want, sizeof(want),
		 "2 online type_if=vif|%s|vif|backend|/local/domain/0/backend/vif/7/2|vif7.2|\n", path);
	assert_string_equal(text, want);
	assert_int_equal(run(say, "offline", "eth0", text, sizeof(text)), 0);
	assert_contains(text, "2 offline type_if=vif|");
	assert_contains(text, "|eth0\n");
	/* These variables are not set in this process. */
	assert_null(getenv("XENBUS_PATH"));
	/* keel blocks some signals while it works, but the script must get them. */
	assert_int_equal(run("kill -TERM $$; echo on >$OUT", "online", "", text, sizeof(text)), -EIO);
	assert_contains(k.err.text, "failed (signal 15)");
	assert_string_equal(text, "");
}

static void fails(void **state)
{
	char text[64];

	assert_int_equal(run("exit 3", "online", "", text, sizeof(text)), -EIO);
	assert_contains(k.err.text, "online failed (exit status 3)");
	assert_string_equal(removed, "");
	reason = "Could not find bridge device br9";
	assert_int_equal(run("exit 1", "online", "", text, sizeof(text)), -EIO);
	assert_contains(k.err.text, "online failed (exit status 1): Could not find bridge device br9");
	assert_string_equal(removed, "/local/domain/0/backend/vif/7/2/hotplug-error");
	assert_int_equal(run("exit 0", "online", "", text, sizeof(text)), 0);
	assert_string_equal(k.err.text, "");
	reason = NULL;
	assert_int_equal(script_run(&k, "/nowhere/vif-x", "online", 7, 2, "vif7.2", ""), -ENOENT);
	assert_contains(k.err.text,
			"cannot run the script /nowhere/vif-x (Xen's own are in the package xen-utils-common)");
}

/* Gone, or dead and not yet waited for. */
static bool is_dead(long pid)
{
	char name[32], text[256] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%ld/stat", pid);
	f = fopen(name, "r");
	if (!f)
		return true;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return !*text || strstr(text, ") Z ");
}

/* A script that does not end is killed, with all processes that it has started. */
static void hangs(void **state)
{
	char text[64];
	long child;

	step = 30;
	now = 0;
	assert_int_equal(run("sleep 60 & echo $! >$OUT; sleep 60", "online", "", text, sizeof(text)),
			 -ETIMEDOUT);
	assert_contains(k.err.text, "did not end within 40 s");
	child = atol(text);
	assert_true(child > 1);
	for (int i = 0; i < 500 && !is_dead(child); i++)
		usleep(10000);
	assert_true(is_dead(child));
	step = 0;
}

/* An interruption ends a script that sets up a device, but not one that removes it. */
static void stopped(void **state)
{
	char text[64];

	interrupted = true;
	assert_int_equal(run("sleep 60", "online", "", text, sizeof(text)), -EINTR);
	assert_int_equal(run("sleep 0.1; echo done >$OUT", "offline", "", text, sizeof(text)), 0);
	assert_string_equal(text, "done\n");
	interrupted = false;
}

/* If SIGCHLD is ignored, the kernel discards a script's exit status at once. */
static void nobody_waits(void **state)
{
	char text[64];

	signal(SIGCHLD, SIG_IGN);
	step = 30;
	now = 0;
	assert_int_equal(run("exit 3", "online", "", text, sizeof(text)), -EIO);
	assert_contains(k.err.text, "online failed (exit status 3)");
	assert_int_equal(run("exit 0", "online", "", text, sizeof(text)), 0);
	assert_ptr_equal(signal(SIGCHLD, SIG_DFL), SIG_IGN);
	/* Another part of the process has collected the exit status. */
	stolen = true;
	assert_int_equal(run("exit 0", "online", "", text, sizeof(text)), -ECHILD);
	assert_contains(k.err.text, "what became of the script");
	stolen = false;
	step = 0;
}

static void inherited(void **state)
{
	char text[64];
	int zero = open("/dev/zero", O_RDONLY), stdin_copy = dup(0);

	assert_true(zero > 0);
	dup2(zero, 0);
	close(zero);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run("readlink /proc/$$/fd/0 >$OUT; kill -PIPE $$; echo on >$OUT", "online", "",
			     text, sizeof(text)), -EIO);
	assert_contains(k.err.text, "failed (signal 13)");
	assert_string_equal(text, "/dev/null\n");
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_IGN);
	dup2(stdin_copy, 0);
	close(stdin_copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told), cmocka_unit_test(fails), cmocka_unit_test(hangs),
		cmocka_unit_test(stopped), cmocka_unit_test(nobody_waits), cmocka_unit_test(inherited),
	};
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/vif-test", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	unlink(out);
	rmdir(dir);
	return rc;
}
