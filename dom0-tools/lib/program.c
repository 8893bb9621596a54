/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void program_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void program_said(int fd, char *text, size_t size)
{
	size_t got = 0;
	ssize_t n;

	lseek(fd, 0, SEEK_SET);		/* a pipe has no begin, and is read only once */
	while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
		got += n;
	while (got && text[got - 1] == '\n')
		got--;
	text[got] = 0;
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
}

static void limit(int what, uint64_t value)
{
	struct rlimit l = { .rlim_cur = value, .rlim_max = value };

	if (value)
		setrlimit(what, &l);
}

static void start(const struct program *p, pid_t parent, int in, int out, int err)
{
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	program_signals();
	if (p->what) {
		setpgid(0, 0);		/* Ctrl-C is for keel, which undoes what was begun */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)	/* it was killed before that */
			_exit(127);
	}
	limit(RLIMIT_AS, p->memory);
	limit(RLIMIT_FSIZE, p->file);
	execv(p->argv[0], (char *const *)p->argv);
	_exit(127);
}

/* -EAGAIN: it goes on. */
static int stop(struct keel *k, const struct program *p, uint64_t end)
{
	if (!p->what)
		return -EAGAIN;
	keel_progress(k, p->what, 0, 0);
	if (keel_interrupted(k))
		return -EINTR;
	if (p->seconds && keel_now_ms() > end)
		return keel_fail(&k->err, ETIMEDOUT, "%s did not end within %u s", p->argv[0], p->seconds);
	usleep(5000);
	return -EAGAIN;
}

static int wait_for(struct keel *k, const struct program *p, pid_t pid, int err)
{
	uint64_t end = p->what ? keel_now_ms() + p->seconds * 1000ull : 0;
	char said[256];
	int status, rc;
	pid_t ended;

	while ((ended = waitpid(pid, &status, p->what ? WNOHANG : 0)) != pid) {
		if (ended < 0 && errno != EINTR)
			return keel_fail_errno(&k->err, "what became of %s is not known", p->argv[0]);
		rc = stop(k, p, end);
		if (rc == -EAGAIN)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return rc;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	program_said(err, said, sizeof(said));
	/* The signal does not end a thread that blocks it, as QEMU's do. */
	if (p->file && ((WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) ||
			strstr(said, strerror(EFBIG))))
		return keel_fail(&k->err, EFBIG, "%s wrote a file of more than the %llu MiB that it may",
				 p->argv[0], (unsigned long long)p->file >> 20);
	return keel_fail(&k->err, EIO, "%s failed (%s %d)%s%s", p->argv[0],
			 WIFEXITED(status) ? "exit status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), *said ? ": " : "", said);
}

/* The output as a text. */
static int take_output(struct keel *k, const struct program *p, int out)
{
	off_t size = lseek(out, 0, SEEK_END);
	char *text = size >= 0 && size <= PROGRAM_OUTPUT_MAX ? calloc(1, size + 1) : NULL;

	if (!text || pread(out, text, size, 0) != size) {
		free(text);
		return keel_fail(&k->err, EIO, "%s prints too much", p->argv[0]);
	}
	*p->output = text;
	return 0;
}

static int run(struct keel *k, const struct program *p, int in, int out, int err)
{
	/* If whoever started this process had it ignore SIGCHLD, nobody could wait for the program. */
	void (*old)(int) = signal(SIGCHLD, SIG_DFL);
	pid_t parent = getpid(), pid = fork();
	int rc;

	if (!pid)
		start(p, parent, in, out, err);
	rc = pid < 0 ? keel_fail_errno(&k->err, "cannot start %s", p->argv[0]) : wait_for(k, p, pid, err);
	signal(SIGCHLD, old);
	return !rc && p->output ? take_output(k, p, out) : rc;
}

int program_do(struct keel *k, const struct program *p)
{
	ssize_t size = p->input ? strlen(p->input) : 0;
	int in, out, err, rc;

	if (access(p->argv[0], X_OK))
		return keel_fail_errno(&k->err, "cannot run %s (the package %s has it)", p->argv[0], p->package);
	in = memfd_create("input", MFD_CLOEXEC);
	out = memfd_create("output", MFD_CLOEXEC);
	/* What it says may be no part of what it prints. */
	err = p->output ? memfd_create("errors", MFD_CLOEXEC) : dup(out);
	if (in < 0 || out < 0 || err < 0 || write(in, p->input, size) != size || lseek(in, 0, SEEK_SET))
		rc = keel_fail_errno(&k->err, "cannot start %s", p->argv[0]);
	else
		rc = run(k, p, in, out, err);
	close(in);
	close(out);
	close(err);
	return rc;
}

int program_run(struct keel *k, const char *const argv[], const char *package, const char *input)
{
	return program_do(k, &(struct program){ .argv = argv, .package = package, .input = input });
}
