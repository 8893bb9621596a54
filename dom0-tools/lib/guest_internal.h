/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_GUEST_INTERNAL_H
#define KEEL_LIB_GUEST_INTERNAL_H

/*
 * Private header of guest.c, which reads a file's settings, guest_set.c (those of Keel),
 * guest_known.c (the others of xl), guest_vif.c and guest_disk.c (entries of their lists).
 */
#include "lib/guest.h"

/* What is being read, for messages: where the setting comes from, and the file as a whole. */
struct reader {
	struct guest_config *g;
	const char *file, *whole;
	unsigned int line;
	bool no_passthrough;		/* the file says so */
	bool typed;			/* it has a type */
	char *root, *extra;
	const char *builder;
	const char *loader;		/* the setting that asks for a boot loader, or NULL */
	struct place {
		const char *file;
		unsigned int line;
	} joined, loaded;		/* the later of root and extra; of .loader */
	guest_warn_fn *warn, *refuse;
	void *arg;
	struct keel_error *e;
};

struct key {
	const char *name;
	unsigned int type;		/* enum cfg_type, or KEY_ANY */
	int (*set)(struct reader *r, const struct key *key, const struct cfg_value *v);
	size_t offset;
	int64_t min, max;
};

#define KEY_ANY	~0u

/* guest_set.c: the settings that there are, until one without a name. */
extern const struct key guest_keys[];

/* A warning that names file and line; arg is the reader. */
void reader_warn(void *arg, const char *text);

/*
 * guest_known.c: a setting that xl has and Keel lacks: 0 if it changes nothing, else an error that
 * says what to use. 1 if xl does not have it either.
 */
int guest_known_setting(struct reader *r, const struct cfg_setting *s);

/*
 * guest_vif.c: the next comma-separated word of *@p without the blanks around it; NULL at the
 * end.
 */
char *guest_next_word(char **p);
/* Warns of an option of a disk or an interface. */
void guest_no_effect(guest_warn_fn *warn, void *arg, const char *kind, const char *option);

#endif
