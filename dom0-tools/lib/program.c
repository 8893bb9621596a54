/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
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

static void start(const char *const argv[], int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	program_signals();
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int wait_for(struct keel *k, pid_t pid, const char *program, int out)
{
	char said[256];
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return keel_fail_errno(&k->err, "what became of %s is not known", program);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	program_said(out, said, sizeof(said));
	return keel_fail(&k->err, EIO, "%s failed (%s %d)%s%s", program,
			 WIFEXITED(status) ? "exit status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), *said ? ": " : "", said);
}

int program_run(struct keel *k, const char *const argv[], const char *package, const char *input)
{
	size_t size = strlen(input);
	int in, out, rc;
	void (*old)(int);
	pid_t pid;

	if (access(argv[0], X_OK))
		return keel_fail_errno(&k->err, "cannot run %s (the package %s has it)", argv[0], package);
	in = memfd_create("input", MFD_CLOEXEC);
	out = memfd_create("output", MFD_CLOEXEC);
	if (in < 0 || out < 0 || write(in, input, size) != (ssize_t)size || lseek(in, 0, SEEK_SET)) {
		rc = keel_fail_errno(&k->err, "cannot start %s", argv[0]);
		goto done;
	}
	/* If whoever started this process had it ignore SIGCHLD, nobody could wait for the program. */
	old = signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (!pid)
		start(argv, in, out);
	rc = pid < 0 ? keel_fail_errno(&k->err, "cannot start %s", argv[0]) :
	     wait_for(k, pid, argv[0], out);
	signal(SIGCHLD, old);
done:
	close(in);
	close(out);
	return rc;
}
