/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_CFG_H
#define KEEL_LIB_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/*
 * The syntax of xl.cfg: `name = value` lines (or parted by semicolons), where a value is a
 * string in single or double quotes, an integer, or a list of values in brackets, which may
 * go over several lines; `+=` adds to a string or a list; # starts a comment. Of two settings of
 * one name the last one counts, as for libxlutil.
 */
enum cfg_type { CFG_STRING, CFG_INTEGER, CFG_LIST };

struct cfg_value {
	enum cfg_type type;
	unsigned int line;
	char *string;			/* CFG_STRING; of a CFG_INTEGER, its digits as they were written */
	int64_t integer;		/* CFG_INTEGER */
	struct cfg_value **item;	/* CFG_LIST */
	size_t items;
};

struct cfg_setting {
	char *name;
	const char *from;		/* cfg_parse()'s @name, which must stay */
	unsigned int line;
	struct cfg_value *value;
	unsigned int before;		/* the line of an earlier value, which this one replaced; or 0 */
	bool add;			/* +=, with no value before it */
};

struct cfg {
	struct cfg_setting *setting;
	size_t settings;
};

/* Longest file and deepest nesting of lists that are taken. */
#define CFG_MAX_SIZE	(1UL << 20)
#define CFG_MAX_DEPTH	8

/* Parses @text of @size bytes; @name is the file's, for messages ("name:line: what"). */
int cfg_parse(struct cfg *c, const char *text, size_t size, const char *name,
	      struct keel_error *e);
/*
 * Moves the settings of @over into @c, in place of those of the same name; those of += are added to
 * them.
 */
int cfg_replace(struct cfg *c, struct cfg *over, struct keel_error *e);
void cfg_free(struct cfg *c);

/* "a string", "an integer" or "a list". */
const char *cfg_type_name(enum cfg_type type);

#endif
