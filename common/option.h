/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot options: words "name" or "name=value" of Keel's command line. The last
 * one of a name counts. Read-only after boot, so no lock. One table has them all
 * (option.c): who reads an option names it, and has its default and bounds from there.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include "common/types.h"

#define OPTION_CMDLINE_LEN 1024

enum option_type {
	OPTION_FLAG,		/* name, no-name, name=on|off|yes|no|true|false|1|0 */
	OPTION_NUMBER,		/* name=N, min to max */
	OPTION_CHOICE,		/* name=WORD, one of the words */
	OPTION_DOM0_MEM,	/* as dom0_mem_parse() takes it */
	OPTION_DOM0_VCPUS,	/* as dom0_max_vcpus_parse() takes it */
	OPTION_LIST,		/* name=off, or a list of words, each WORD, no-WORD or WORD=on|off */
	OPTION_SERIAL,		/* name=off, or BAUD[,8n1[,PORT[,IRQ]]] */
};

/* The words of spec=, by their place in the table: what can be switched. */
enum {
	SPEC_WORD_IBRS, SPEC_WORD_IBPB, SPEC_WORD_IBPB_ENTRY, SPEC_WORD_STIBP, SPEC_WORD_RSB,
	SPEC_WORD_BHI_DIS_S, SPEC_WORD_BP_SPEC_REDUCE, SPEC_WORD_VERW, SPEC_WORD_L1D_FLUSH,
	SPEC_WORD_TSX_OFF, SPEC_WORD_GDS_MIT, SPEC_WORD_ZENBLEED, SPEC_WORD_LFENCE,
	SPEC_WORD_EPT_NX, SPEC_WORD_RETPOLINE, SPEC_WORD_ITS, SPEC_WORD_BHB_ENTRY,
	SPEC_WORD_FORCE,	/* what is on is done whatever the CPU says of itself */
};

/* All about an option that is data; unit-cmdline compares docs/command-line.md with it. */
struct option {
	const char *name;
	enum option_type type;
	u64 min, max;
	u64 dflt;		/* a flag's: 0 or 1; a choice's: its place among the words */
	const char *words[20];	/* a choice's or list's, NULL behind the last */
	const char *otherwise;	/* the default in words, if it is no constant */
	const char *help;
};

/* NULL: there is no such option. */
const struct option *option_find(const char *name);
/* The default as one would write it, or says it. */
const char *option_default(const struct option *o);
/* What a flag's value means: 1, 0, or -1: nothing. */
int option_flag_value(const char *value);
/* A list as option_list() has it; false: it is none. */
bool option_list_parse(const struct option *o, const char *value, u32 *on, u32 *off);

/*
 * Keeps a copy of the command line, truncated at OPTION_CMDLINE_LEN. Called once, first thing at
 * boot.
 */
void option_init(const char *cmdline);
/* The whole command line, as XENVER_commandline and hypfs show it. */
const char *option_cmdline(void);

/* Copies the value ("" for a bare name), truncated at size. false: not given, buf is "". */
bool option_string(const char *name, char *buf, size_t size);
/*
 * "name", "name=on|yes|true|1" or "no-name", "name=off|no|false|0"; the table's default, or dflt,
 * when absent or anything else.
 */
bool option_flag(const char *name);
bool option_flag_or(const char *name, bool dflt);
/* A number, decimal or 0x...; the default when absent or not a number within the bounds. */
u64 option_number(const char *name);
/* Parses all of s as a number of that form; false: it is not a number, or does not fit. */
bool option_parse_number(const char *s, u64 *n);
/* The place of the value among the option's words; the default when absent or none of them. */
int option_choice(const char *name);
/*
 * A list's words by their place: bits in *on and *off; none when absent or no such list. "off" alone
 * is all off.
 */
void option_list(const char *name, u32 *on, u32 *off);
/* Walks all options: *pos starts at 0; fills name and value (each of size), false at the end. */
bool option_next(unsigned int *pos, char *name, char *value, size_t size);

#endif
