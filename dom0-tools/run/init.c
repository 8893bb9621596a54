/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first process of a guest of `keel run`: runs one command on the console, says its exit
 * status, and powers off. It is linked statically: the guest's root may have any libraries or none.
 */
#include "run/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* So long Dom0 has to end the guest; then nobody is there who would. */
#define WAIT_SECONDS 10
#define WORDS_MAX 1024

static char text[1 << 17];
static char *words[WORDS_MAX + 1];

static void mount_one(const char *type, const char *at)
{
	mkdir(at, 0755);
	mount(type, at, type, MS_NOSUID, NULL);
}

/* What the command prints must arrive as it is. */
static void open_console(void)
{
	struct termios t;
	int fd = open("/dev/hvc0", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	if (!tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

static char *read_words(void)
{
	int fd = open(RUN_COMMAND, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int count = 0;

	close(fd);
	for (char *p = text; n > 0 && p < text + n && count < WORDS_MAX; p += strlen(p) + 1)
		words[count++] = p;
	unlink(RUN_COMMAND);
	unlink(RUN_INIT);
	return count > 1 ? words[0] : NULL;
}

static int run(char **argv)
{
	pid_t pid = fork(), ended;
	int status = 0;

	if (!pid) {
		setsid();
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	while ((ended = wait(&status)) != pid)
		if (ended < 0 && errno != EINTR)
			return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	const char *mark;
	int status;

	mount_one("devtmpfs", "/dev");
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	open_console();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	mark = read_words();
	if (mark && !chdir("/")) {
		status = run(words + 1);
		kill(-1, SIGKILL);		/* nobody may speak after this */
		while (wait(NULL) > 0)
			;
		printf(RUN_BEGIN "%s:%d\n", mark, status);
		fflush(stdout);
		tcdrain(1);
		sleep(WAIT_SECONDS);
	}
	reboot(RB_POWER_OFF);
	return 1;
}
