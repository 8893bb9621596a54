/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_KEEL_RUN_H
#define KEEL_KEEL_RUN_H

#include <stddef.h>
#include <stdint.h>

/* What a guest of `keel run` prints, and the exit status behind it. */
struct run_output {
	char end[48];			/* what the status follows */
	size_t matched;			/* so much of it has come, and is held back */
	unsigned int number;
	int status;			/* or -1 */
};

void run_output_init(struct run_output *o, const char *mark);
/* The part of @in that is output, in @out, which has room for @in and .end; how much it is. */
size_t run_output(struct run_output *o, const char *in, size_t size, char *out);

/* The guest's first program; NULL: where this one is installed. */
extern const char *run_init;
/* How much of Dom0's memory a root may need, in bytes; 0: half of what is free. */
extern uint64_t run_limit;

#endif
