/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot options: words "name" or "name=value" of Keel's command line. The last
 * one of a name counts. Read-only after boot, so no lock.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include "common/types.h"

#define OPTION_CMDLINE_LEN 1024

/*
 * Keeps a copy of the command line, truncated at OPTION_CMDLINE_LEN. Called once, first thing at
 * boot.
 */
void option_init(const char *cmdline);
/* The whole command line, as XENVER_commandline and hypfs show it. */
const char *option_cmdline(void);

/* Copies the value ("" for a bare name), truncated at size. false: not given, buf is "". */
bool option_string(const char *name, char *buf, size_t size);
/* "name", "name=on|yes|true|1" or "no-name", "name=off|no|false|0"; dflt when absent or anything else. */
bool option_flag(const char *name, bool dflt);
/* A number, decimal or 0x...; dflt when absent or not a number. */
u64 option_number(const char *name, u64 dflt);
/* Parses all of s as a number of that form; false: it is not a number, or does not fit. */
bool option_parse_number(const char *s, u64 *n);
/* The index of the value in a NULL-terminated list of words; dflt when absent or none of them. */
int option_choice(const char *name, const char *const *words, int dflt);
/* Walks all options: *pos starts at 0; fills name and value (each of size), false at the end. */
bool option_next(unsigned int *pos, char *name, char *value, size_t size);

#endif
