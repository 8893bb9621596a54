/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_FRAMES_H
#define KEEL_LIB_FRAMES_H

#include "lib/domain.h"

/* The frames of a guest's memory, by their numbers, in runs without a gap. */
struct frames {
	struct frame_run {
		uint64_t first, count;
	} *run;
	size_t runs;
	uint64_t pages;			/* in all runs */
};

/* No guest has memory from this frame on (4 TiB): each list of a guest's frames ends before. */
#define FRAMES_MAX_GFN (1ULL << 30)

/*
 * The highest frame that @d has, or had, below FRAMES_MAX_GFN. PCI functions have BARs above; and
 * what a guest puts there to have Dom0 list all that is below is lost to itself.
 */
int frames_highest(struct keel *k, const struct keel_domain *d, uint64_t *gfn);
/* Finds out where @d has memory. The runs are to be freed, also after a failure. */
int frames_find(struct keel *k, const struct keel_domain *d, struct frames *f);

/* Frames that are mapped at once. */
#define FRAMES_BATCH 1024

/*
 * Gets @n frames, and their contents, one after the other; those with an @err could not be mapped,
 * and must not be read.
 */
typedef int frames_fn(void *arg, const uint64_t *gfns, unsigned int n, unsigned char *pages,
		      const int *err);

/* Maps at most FRAMES_BATCH frames to read them, and calls @each. */
int frames_map(struct keel *k, const struct keel_domain *d, const uint64_t *gfns, unsigned int n,
	       frames_fn *each, void *arg);
/* The same with all of @f: in order, a batch after the other, until one fails or a signal comes. */
int frames_map_all(struct keel *k, const struct keel_domain *d, const struct frames *f,
		   frames_fn *each, void *arg);

#endif
