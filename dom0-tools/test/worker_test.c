/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keeld's workers: real processes. Each appends a line with its guest's number to a file, and waits
 * for another file if the number is below 100.
 */
#include "test/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeld/worker.h"
#include "lib/lock.h"

#define QUICK 100

static char dir[] = "/tmp/worker-test-XXXXXX", did[64], go[64], locks[64];
static int inherited = -1;
static struct keel k;

int keel_open(struct keel *q, bool no_xenstore)
{
	assert_false(no_xenstore);
	return 0;
}

void keel_close(struct keel *q)
{
}

static void work(struct keel *q, unsigned int domid)
{
	int fd = open(did, O_WRONLY | O_CREAT | O_APPEND, 0600);

	dprintf(fd, "%u%s%s\n", domid, q->steady ? "" : " may be interrupted",
		fcntl(inherited, F_GETFD) < 0 ? "" : " has a descriptor of keeld's");
	close(fd);
	for (int i = 0; domid < QUICK && i < 2000 && access(go, F_OK); i++)
		usleep(5000);
}

static const char *done(void)
{
	static char text[1024];
	int fd = open(did, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

/* Within ten seconds. */
static void wait_done(const char *text)
{
	for (int i = 0; i < 2000 && strcmp(done(), text); i++)
		usleep(5000);
	assert_string_equal(done(), text);
}

static void wait_reaped(void)
{
	int i = 0;

	while (!worker_reap() && i++ < 2000)
		usleep(5000);
	assert_true(i < 2000);
}

static int reset(void **state)
{
	unlink(did);
	unlink(go);
	return 0;
}

static int all_end(void **state)
{
	close(open(go, O_WRONLY | O_CREAT, 0600));
	for (int i = 0; i < 2000 && waitpid(-1, NULL, WNOHANG) != -1; i++)
		usleep(5000);
	worker_reap();
	return 0;
}

/* A worker that hangs does not keep others waiting, and no two work for the same guest. */
static void hangs(void **state)
{
	inherited = fcntl(2, F_DUPFD, 200);
	assert_true(worker_start(&k, 3, work));
	wait_done("3\n");
	assert_true(worker_start(&k, 100, work));
	wait_done("3\n100\n");
	wait_reaped();
	assert_true(worker_start(&k, 3, work));
	assert_false(worker_reap());
	assert_string_equal(done(), "3\n100\n");
	close(open(go, O_WRONLY | O_CREAT, 0600));
	wait_reaped();
	assert_true(worker_start(&k, 3, work));
	wait_done("3\n100\n3\n");
	wait_reaped();
	close(inherited);
	inherited = -1;
}

/* An earlier keeld's worker still works for the guest: this keeld leaves it alone. */
static void of_another(void **state)
{
	int lock = keel_lock_guest(&k, 101), other = keel_lock_guest(&k, 102);

	assert_true(lock >= 0 && other >= 0);
	assert_int_equal(keel_lock_guest(&k, 101), -EBUSY);
	assert_true(worker_start(&k, 101, work));
	wait_reaped();
	assert_true(worker_start(&k, 103, work));
	wait_done("103\n");
	wait_reaped();
	close(lock);
	assert_true(worker_start(&k, 101, work));
	wait_done("103\n101\n");
	wait_reaped();
	close(other);
}

static void too_many(void **state)
{
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		assert_true(worker_start(&k, i, work));
	assert_false(worker_start(&k, WORKERS_MAX, work));
	assert_true(worker_start(&k, 0, work));	/* there is one */
	close(open(go, O_WRONLY | O_CREAT, 0600));
	wait_reaped();
	assert_true(worker_start(&k, 104, work));
}

/* A process that waits for a guest's lock gets it, or learns that another one has it. */
static void waits(void **state)
{
	int lock = keel_lock_guest(&k, 101), status;
	pid_t pid = fork();

	assert_true(lock >= 0);
	if (!pid) {
		close(lock);
		if (keel_lock_guest_wait(&k, 101, 0) != -EBUSY)
			_exit(1);
		dprintf(open(did, O_WRONLY | O_CREAT, 0600), "busy");
		_exit(keel_lock_guest_wait(&k, 101, 60) < 0 ? 2 : 0);
	}
	wait_done("busy");
	usleep(100000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	close(lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/*
 * keel_lock() waits while another process holds the lock, and reports an error if there is no
 * folder for it.
 */
static void one_lock(void **state)
{
	int lock = keel_lock(&k), status;
	pid_t pid = fork();

	assert_true(lock >= 0);
	if (!pid) {
		close(lock);
		_exit(keel_lock(&k) < 0);
	}
	usleep(50000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	close(lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	keel_run_dir = "/proc/nothing";
	assert_int_equal(keel_lock(&k), -ENOENT);
	assert_contains(k.err.text, "cannot make /proc/nothing");
	assert_true(keel_lock_guest(&k, 1) < 0);
	keel_run_dir = dir;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hangs, reset, all_end),
		cmocka_unit_test_setup_teardown(of_another, reset, all_end),
		cmocka_unit_test_setup_teardown(too_many, reset, all_end),
		cmocka_unit_test_setup_teardown(one_lock, reset, all_end),
		cmocka_unit_test_setup_teardown(waits, reset, all_end),
	};
	int rc;

	if (!mkdtemp(dir))
		return 1;
	keel_run_dir = dir;
	snprintf(did, sizeof(did), "%s/did", dir);
	snprintf(go, sizeof(go), "%s/go", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(did);
	unlink(go);
	snprintf(locks, sizeof(locks), "%s/guests", dir);
	unlink(locks);
	snprintf(locks, sizeof(locks), "%s/lock", dir);
	unlink(locks);
	rmdir(dir);
	return rc;
}
