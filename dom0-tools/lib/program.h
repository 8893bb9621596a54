/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PROGRAM_H
#define KEEL_LIB_PROGRAM_H

#include "lib/keel.h"

/*
 * Runs a program of another Debian package, and waits for it: no shell, @input on its standard
 * input, and what it prints is the reason if it fails. argv[0] is a path; @package is what to
 * install if it is not there.
 */
int program_run(struct keel *k, const char *const argv[], const char *package, const char *input);
/* For a child before it becomes a program: signals that keeld ignores or blocks would stay so. */
void program_signals(void);
/* What there is to read of @fd, from its begin, as one line that fits. */
void program_said(int fd, char *text, size_t size);

#endif
