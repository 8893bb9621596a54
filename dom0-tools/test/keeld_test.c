/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keeld in a process of its own, with its real workers. They share a simulated machine in memory:
 * four guests, the state of each, and a pipe for xenstore's events.
 */
int keeld_main(int argc, char **argv);
#define main keeld_main
#include "keeld/keeld.c"
#undef main

#include "test/check.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/lock.h"

static struct shared {
	bool shutdown[8], gone[8], handled[8], slow[8], created;
	unsigned int reason[8], destroyed[8], forgotten[8], renamed, networks, swept;
	bool go, has_uuid, unfinished;
	unsigned int cleared, confirmed, up;
	char names[64];
} *m;
static int events[2];
static char dir[] = "/tmp/keeld-test-XXXXXX", marker[64];
static enum guest_action on_reboot;
static pid_t daemon_pid;

int keel_open(struct keel *q, bool no_xenstore)
{
	return 0;
}

void keel_close(struct keel *q)
{
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	return !strcmp(path, "@releaseDomain");
}

int xs_fileno(struct xs_handle *h)
{
	return events[0];
}

char **xs_check_watch(struct xs_handle *h)
{
	char byte;

	return read(events[0], &byte, 1) == 1 ? calloc(1, sizeof(char *)) : NULL;
}

/* Those of another process that is making one are left alone. */
void nbd_sweep(struct keel *q)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	close(fd);
	m->swept++;
}

char **store_list(struct keel *q, unsigned int *n, const char *fmt, ...)
{
	char **names = calloc(1, 8 * sizeof(*names) + 8 * 4), *text = (char *)(names + 8);

	*n = 0;
	for (unsigned int i = 3; i < 7; i++)
		if (!m->destroyed[i] && !m->forgotten[i]) {
			sprintf(text, "%u", i);
			names[(*n)++] = text;
			text += 4;
		}
	return names;
}

char *store_read(struct keel *q, const char *fmt, ...)
{
	unsigned int domid;
	va_list ap;

	va_start(ap, fmt);
	domid = va_arg(ap, unsigned int);
	va_end(ap);
	if (strstr(fmt, "handled"))
		return m->handled[domid] ? strdup("1") : NULL;
	return strdup("-1000000");	/* started long ago */
}

int store_write(struct keel *q, const char *path, const char *fmt, ...)
{
	unsigned int domid;

	assert_int_equal(sscanf(path, "/tool/keel/%u/handled", &domid), 1);
	m->handled[domid] = true;
	return 0;
}

bool unfinished_any(void)
{
	return m->unfinished;
}

void unfinished_clear(struct keel *q)
{
	m->unfinished = false;
	m->cleared++;
}

int keel_domain_by_id(struct keel *q, unsigned int id, struct keel_domain *d)
{
	*d = (struct keel_domain){ .id = id, .name = "web", .shutdown = m->shutdown[id],
				   .shutdown_reason = m->reason[id] };
	return m->gone[id] ? keel_fail(&q->err, ESRCH, "gone") : 0;
}

/* The firmware's order first, then the hypervisor's deadline, then guests. */
int payload_confirm(struct keel *q, int *number)
{
	assert_int_equal(m->up, m->confirmed);
	m->confirmed++;
	*number = 4;
	return 0;
}

int hyper_set_option(const char *name, const char *value)
{
	assert_string_equal(name, "boot_timeout");
	assert_string_equal(value, "0");
	m->up = m->confirmed == m->up + 1 && !m->names[0] ? m->up + 1 : 100;
	return -ENOENT;
}

/* Guests need their networks first. */
int net_start_all(struct keel *q, void (*failed)(struct keel *q, const char *text))
{
	m->networks += !m->names[0];
	return 0;
}

const char *keel_domain_reason_name(unsigned int reason)
{
	return "reason";
}

bool skeleton_config(struct keel *q, unsigned int domid, struct guest_config *g)
{
	*g = (struct guest_config){ .on_poweroff = ACTION_DESTROY, .on_reboot = on_reboot,
				    .on_crash = ACTION_PRESERVE, .has_uuid = true };
	return true;
}

/* A slow one waits until the test allows it to end. */
int keel_domain_destroy(struct keel *q, unsigned int domid)
{
	while (m->slow[domid] && !m->go)
		usleep(2000);
	m->destroyed[domid]++;
	return 0;
}

void keel_domain_forget(struct keel *q, unsigned int domid)
{
	m->forgotten[domid]++;
}

int keel_domain_create(struct keel *q, const struct guest_config *g, bool paused,
		       unsigned int *domid)
{
	m->created = q->steady;
	m->has_uuid = g->has_uuid;
	if (g->name)
		strcat(strcat(m->names, g->name), " ");
	if (g->name && !strcmp(g->name, "a"))
		return keel_fail(&q->err, EEXIST, "the name is taken");
	*domid = 7;
	return 0;
}

int keel_domain_rename(struct keel *q, unsigned int domid, const char *name)
{
	m->renamed++;
	return 0;
}

static void serve_in_child(void)
{
	fflush(NULL);
	daemon_pid = fork();
	if (!daemon_pid) {
		struct keel k = { 0 };

		_exit(serve(&k));
	}
}

static int start(void **state)
{
	memset(m, 0, sizeof(*m));
	on_reboot = ACTION_RESTART;
	assert_int_equal(pipe2(events, O_NONBLOCK), 0);
	serve_in_child();
	return 0;
}

static void event(void)
{
	assert_int_equal(write(events[1], "x", 1), 1);
}

#define WAIT(condition) do {							\
		for (int i_ = 0; i_ < 2500 && !(condition); i_++)		\
			usleep(2000);						\
		assert_true(condition);						\
	} while (0)

static int stop(void **state)
{
	int status = -1;

	m->go = true;
	if (daemon_pid) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, &status, 0);
	}
	close(events[0]);
	close(events[1]);
	return status && daemon_pid;
}

static void ends(unsigned int domid, unsigned int reason)
{
	m->reason[domid] = reason;
	m->shutdown[domid] = true;
	event();
}

/* A worker that hangs only keeps its own guest waiting. */
static void one_hangs(void **state)
{
	m->slow[3] = true;
	ends(3, SHUTDOWN_poweroff);
	ends(4, SHUTDOWN_poweroff);
	WAIT(m->destroyed[4]);
	m->gone[5] = true;
	event();
	WAIT(m->forgotten[5]);
	ends(6, SHUTDOWN_crash);
	WAIT(m->handled[6]);
	assert_int_equal(m->destroyed[3], 0);
	m->go = true;
	WAIT(m->destroyed[3]);
	usleep(50000);
	assert_int_equal(m->destroyed[3], 1);
	assert_int_equal(m->destroyed[4], 1);
	assert_int_equal(m->destroyed[6], 0);
}

/* What nobody finishes is ended, at keeld's start and later. */
static void unfinished(void **state)
{
	m->unfinished = true;
	event();
	WAIT(m->cleared == 1);
	usleep(100000);
	m->unfinished = true;
	event();
	WAIT(m->cleared == 2);
	assert_int_equal(m->destroyed[3] + m->destroyed[4], 0);
}

/* keeld ends at once. Work that it has begun is finished, and not repeated. */
static void stopped(void **state)
{
	int status;

	m->slow[3] = true;
	ends(3, SHUTDOWN_reboot);
	usleep(100000);
	kill(daemon_pid, SIGTERM);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	assert_int_equal(status, 0);
	assert_false(m->created);
	/* Another keeld starts meanwhile. */
	serve_in_child();
	usleep(100000);
	m->go = true;
	WAIT(m->created);
	usleep(50000);
	assert_int_equal(m->destroyed[3], 1);
}

/* Its successor is another guest if it stays, else the same. */
static void successors(void **state)
{
	ends(3, SHUTDOWN_reboot);
	WAIT(m->created && m->destroyed[3]);
	assert_true(m->has_uuid);
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	m->created = false;
	on_reboot = ACTION_RENAME_RESTART;
	serve_in_child();
	ends(4, SHUTDOWN_reboot);
	WAIT(m->created);
	assert_int_equal(m->renamed, 1);
	assert_int_equal(m->destroyed[4], 0);
	assert_false(m->has_uuid);
}

static void serve_again(void)
{
	struct keel q = { 0 };
	int status, lock;

	kill(daemon_pid, SIGTERM);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	/* What it began at its start has ended, too. */
	lock = keel_lock_guest_wait(&q, 0, 10);
	assert_true(lock >= 0);
	close(lock);
	serve_in_child();
}

/* In order of their names, once a boot, and each although another cannot be. */
static void at_boot(void **state)
{
	static const char *const names[] = { "a-b", "a", "c", "B" };
	char text[160];

	WAIT(autostart_done());
	assert_string_equal(m->names, "");
	assert_int_equal(m->swept, 1);
	assert_int_equal(m->up, 1);
	for (size_t i = 0; i < 4; i++) {
		FILE *f;

		snprintf(text, sizeof(text), "%s/%s.json", dir, names[i]);
		f = fopen(text, "w");
		if (i == 2)
			fputs("damaged", f);
		else
			fprintf(f, "{\"name\":\"%s\",\"kernel\":\"/k\",\"memory\":64}", names[i]);
		fclose(f);
	}
	serve_again();
	WAIT(m->swept == 2);
	assert_string_equal(m->names, "");	/* Dom0 has not booted again */
	unlink(marker);
	m->networks = 0;
	serve_again();
	WAIT(autostart_done());
	assert_string_equal(m->names, "B a a-b ");
	assert_int_equal(m->networks, 1);
	assert_int_equal(m->up, 2);
	serve_again();
	usleep(100000);
	assert_string_equal(m->names, "B a a-b ");
	assert_int_equal(m->networks, 1);
	assert_true(m->swept >= 2);
	assert_int_equal(m->up, 2);
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s/%s.json", dir, names[i]);
		unlink(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(at_boot, start, stop),
		cmocka_unit_test_setup_teardown(successors, start, stop),
		cmocka_unit_test_setup_teardown(one_hangs, start, stop),
		cmocka_unit_test_setup_teardown(unfinished, start, stop),
		cmocka_unit_test_setup_teardown(stopped, start, stop),
	};
	char path[64];
	int rc;

	if (!mkdtemp(dir))
		return 1;
	keel_run_dir = keel_autostart_dir = dir;
	snprintf(marker, sizeof(marker), "%s/done", dir);
	keel_autostart_marker = marker;
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = m == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/guests", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock", dir);
	unlink(path);
	unlink(marker);
	rmdir(dir);
	return rc;
}
