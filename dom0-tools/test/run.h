/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_TOOLS_TEST_RUN_H
#define KEEL_TOOLS_TEST_RUN_H

#include "keel/keel.h"

/* What the last command has printed, its errors, too. */
extern char *printed;

/*
 * Runs the command of @all, which ends with NULL, that the first of @words names; blanks are
 * between them. Returns its exit code, or -1 if there is no such command. If KEEL_TEST_JSON is set,
 * the words and what they print are added to the file that it names, for test/schema.
 */
int run_command(struct keel *k, const struct command *const *all, const char *words);

#endif
