/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PROGRAM_H
#define KEEL_LIB_PROGRAM_H

#include <stdint.h>

#include "lib/keel.h"

/* More output is an error. */
#define PROGRAM_OUTPUT_MAX (1 << 20)

/* A program of another Debian package. */
struct program {
	const char *const *argv;	/* argv[0] is a path */
	const char *package;		/* what to install if it is not there */
	const char *input;		/* on its standard input, or NULL: nothing */
	/*
	 * For one that reads what somebody has made who is not trusted, or that works long: bytes of
	 * memory and of each file that it writes, and seconds; 0: any. With .what it can be
	 * interrupted, ends with this process, and shows this as progress.
	 */
	const char *what;
	uint64_t memory, file;
	unsigned int seconds;
	char **output;			/* what it prints, to free; or NULL */
};

/* Runs it and waits for it, without a shell. What it prints is the reason if it fails. */
int program_do(struct keel *k, const struct program *p);
/* The same for one that is trusted. */
int program_run(struct keel *k, const char *const argv[], const char *package, const char *input);
/* For a child before it becomes a program: signals that keeld ignores or blocks would stay so. */
void program_signals(void);
/* What there is to read of @fd, from its begin, as one line that fits. */
void program_said(int fd, char *text, size_t size);

#endif
