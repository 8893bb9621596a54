/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_TOOLS_TEST_SHELL_H
#define KEEL_TOOLS_TEST_SHELL_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* A command's exit status; -1: a signal has ended the shell. */
static inline int shell(const char *command)
{
	int rc = system(command);

	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

__attribute__((format(printf, 1, 2)))
static inline int shell_of(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return shell(command);
}

#endif
