/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_RUN_INIT_H
#define KEEL_RUN_INIT_H

/* What `keel run` and the first process of its guests (run/init.c) agree on. */
#define RUN_INIT	"/.keel-init"
#define RUN_COMMAND	"/.keel-run"	/* the mark, the command and its words, each with a 0 behind it */
/* The last thing that the guest says: this, the mark, a colon, the exit status, and a newline. */
#define RUN_BEGIN	"\036keel-run:"

#endif
