/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_SAVE_INTERNAL_H
#define KEEL_LIB_SAVE_INTERNAL_H

/* Private header of save.c, save_stream.c and migrate.c: a guest that is written. */
#include "lib/domain.h"
#include "lib/guest_libxl.h"
#include "lib/stream.h"

struct save {
	struct keel *k;
	const struct keel_domain *d;
	struct guest_saved saved;
	struct stream_out out;
	uint64_t done, pages;		/* of memory, for progress */
	uint64_t sent;			/* pages in all */
};

/*
 * Its configuration, with what has been changed since; saved.g is to be freed. A guest that cannot
 * be saved is refused.
 */
int save_read_config(struct save *s);
/* The parts of a stream, around the memory. For the last one the guest must be suspended. */
int save_put_head(struct save *s);
int save_put_policy(struct save *s);
/* A batch of memory, a frames_fn; and all of it. */
int save_put_batch(void *arg, const uint64_t *gfns, unsigned int n, unsigned char *pages,
		   const int *err);
int save_put_memory(struct save *s);
int save_put_state(struct save *s);

#endif
