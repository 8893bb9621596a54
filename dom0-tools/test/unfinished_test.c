/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests whose makers are killed: real processes and locks, and a simulated hypervisor's list of
 * domains.
 */
#include "test/check.h"
#include "test/warned.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/domain.h"
#include "lib/hyper.h"
#include "lib/lock.h"
#include "lib/store.h"
#include "lib/unfinished.h"

static char dir[] = "/tmp/unfinished-test-XXXXXX";
static const unsigned char uuid[16] = { 0xaa }, other[16] = { 0xbb };
static unsigned int destroyed[8];
static int stays;
static struct keel k;

/* Domain N has the UUID of the first byte @handle[N]; 0: there is none. */
static unsigned char handle[8];
static bool dying[8];

int hyper_list(struct keel *q, unsigned int first, struct xen_domctl_getdomaininfo *info,
	       unsigned int max)
{
	int n = 0;

	for (unsigned int i = first; i < 8; i++)
		if (handle[i]) {
			info[n] = (struct xen_domctl_getdomaininfo){ .domain = i, .flags = dying[i] };
			info[n++].handle[0] = handle[i];
		}
	return n;
}

int hyper_domain_info(struct keel *q, unsigned int domid, struct xen_domctl_getdomaininfo *info)
{
	return -ESRCH;
}

char *store_read(struct keel *q, const char *fmt, ...)
{
	return NULL;
}

int keel_domain_destroy(struct keel *q, unsigned int domid)
{
	destroyed[domid]++;
	if (stays)
		return keel_fail(&q->err, stays, "it stays");
	handle[domid] = 0;
	return 0;
}

static int start(void **state)
{
	memset(destroyed, 0, sizeof(destroyed));
	memset(handle, 0, sizeof(handle));
	memset(dying, 0, sizeof(dying));
	handle[0] = 0xff;
	handle[3] = 0xaa;
	handle[4] = 0xbb;
	*warned = stays = 0;
	return 0;
}

static int end(void **state)
{
	stays = 0;
	unfinished_clear(&k);
	return unfinished_any();
}

/* Somebody who makes a guest, until he is killed. */
static pid_t make(const unsigned char of[16])
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (unfinished_begin(&k, of) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_maker(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void killed(void **state)
{
	pid_t pid = make(uuid);

	assert_false(unfinished_any());
	unfinished_clear(&k);
	assert_int_equal(destroyed[3], 0);
	end_maker(pid);
	assert_true(unfinished_any());
	unfinished_clear(&k);
	assert_int_equal(destroyed[3], 1);
	assert_int_equal(destroyed[4] + destroyed[0], 0);
	assert_contains(warned, "domain 3 (without a name) was killed");
	assert_false(unfinished_any());
	unfinished_clear(&k);
	assert_int_equal(destroyed[3], 1);
}

/* What is whole is left alone, and so is a domain of this UUID that dies already. */
static void whole(void **state)
{
	int fd = unfinished_begin(&k, uuid);

	assert_true(fd >= 0);
	unfinished_end(fd, uuid);
	assert_false(unfinished_any());
	dying[3] = true;
	end_maker(make(uuid));
	unfinished_clear(&k);
	assert_int_equal(destroyed[3], 0);
	assert_false(unfinished_any());
}

/* One that cannot be ended does not keep others, and is tried again. */
static void cannot(void **state)
{
	end_maker(make(uuid));
	end_maker(make(other));
	stays = EIO;
	unfinished_clear(&k);
	assert_int_equal(destroyed[3], 1);
	assert_int_equal(destroyed[4], 1);
	assert_contains(warned, "it stays");
	assert_true(unfinished_any());
	stays = 0;
	unfinished_clear(&k);
	assert_int_equal(destroyed[3], 2);
	assert_int_equal(destroyed[4], 2);
}

/* Two that make one guest: the second waits, and begins when the first has ended. */
static void two(void **state)
{
	int fd = unfinished_begin(&k, uuid), status;
	pid_t pid = fork();

	if (!pid)
		_exit(unfinished_begin(&k, uuid) < 0);
	usleep(100000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	unfinished_end(fd, uuid);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(unfinished_any());	/* it has died with its work */
}

static void no_folder(void **state)
{
	const char *before = keel_run_dir;

	keel_run_dir = "/dev/null";
	assert_true(unfinished_begin(&k, uuid) < 0);
	assert_false(unfinished_any());
	unfinished_clear(&k);
	keel_run_dir = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed, start, end),
		cmocka_unit_test_setup_teardown(whole, start, end),
		cmocka_unit_test_setup_teardown(cannot, start, end),
		cmocka_unit_test_setup_teardown(two, start, end),
		cmocka_unit_test_setup_teardown(no_folder, start, end),
	};
	char path[64];
	int rc;

	if (!mkdtemp(dir))
		return 1;
	keel_run_dir = dir;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/unfinished", dir);
	rc |= rmdir(path);
	return rc | rmdir(dir);
}
