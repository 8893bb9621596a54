/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/hyper.h"

static int add_frame(struct keel *k, const struct keel_domain *d, struct frames *f, uint64_t gfn)
{
	struct frame_run *last = f->runs ? &f->run[f->runs - 1] : NULL, *more;

	f->pages++;
	if (last && last->first + last->count == gfn) {
		last->count++;
		return 0;
	}
	more = reallocarray(f->run, f->runs + 1, sizeof(*more));
	if (!more)
		return keel_fail(&k->err, ENOMEM, "no memory for the list of %s's memory", d->name);
	f->run = more;
	more[f->runs++] = (struct frame_run){ gfn, 1 };
	return 0;
}

int frames_highest(struct keel *k, const struct keel_domain *d, uint64_t *gfn)
{
	long max = hyper_max_gfn(k, d->id);

	if (max < 0)
		return keel_fail(&k->err, -max, "cannot find out where %s has memory: %s", d->name,
				 strerror(-max));
	*gfn = (uint64_t)max < FRAMES_MAX_GFN ? (uint64_t)max : FRAMES_MAX_GFN - 1;
	return 0;
}

int frames_find(struct keel *k, const struct keel_domain *d, struct frames *f)
{
	uint64_t gfns[FRAMES_BATCH], max = 0;
	int rc = frames_highest(k, d, &max);
	unsigned int n;

	*f = (struct frames){ 0 };
	if (rc)
		return rc;
	for (uint64_t gfn = 0; !rc && gfn <= max; gfn += n) {
		n = max - gfn < FRAMES_BATCH ? max - gfn + 1 : FRAMES_BATCH;
		for (unsigned int i = 0; i < n; i++)
			gfns[i] = gfn + i;
		if (keel_interrupted(k))
			return -EINTR;
		rc = hyper_frame_types(k, d->id, gfns, n);
		for (unsigned int i = 0; !rc && i < n; i++)
			if (gfns[i] == XEN_DOMCTL_PFINFO_NOTAB && add_frame(k, d, f, gfn + i))
				return -ENOMEM;
	}
	return rc ? keel_fail(&k->err, -rc, "cannot find out where %s has memory: %s", d->name,
			      strerror(-rc)) : 0;
}

int frames_map(struct keel *k, const struct keel_domain *d, const uint64_t *gfns, unsigned int n,
	       frames_fn *each, void *arg)
{
	int err[FRAMES_BATCH] = { 0 }, rc;
	unsigned char *p;

	p = xenforeignmemory_map(k->fmem, d->id, PROT_READ, n, gfns, err);
	if (!p)
		return keel_fail_errno(&k->err, "cannot map memory of %s", d->name);
	rc = each(arg, gfns, n, p, err);
	xenforeignmemory_unmap(k->fmem, p, n);
	return rc;
}

/* Batches end where a multiple of their size is: whoever gets them can make superpages of them. */
static int map_run(struct keel *k, const struct keel_domain *d, const struct frame_run *r,
		   frames_fn *each, void *arg)
{
	uint64_t gfns[FRAMES_BATCH], end = r->first + r->count;
	unsigned int n;
	int rc = 0;

	for (uint64_t gfn = r->first; !rc && gfn < end; gfn += n) {
		n = FRAMES_BATCH - gfn % FRAMES_BATCH;
		if (n > end - gfn)
			n = end - gfn;
		for (unsigned int i = 0; i < n; i++)
			gfns[i] = gfn + i;
		if (keel_interrupted(k))
			return -EINTR;
		rc = frames_map(k, d, gfns, n, each, arg);
	}
	return rc;
}

int frames_map_all(struct keel *k, const struct keel_domain *d, const struct frames *f,
		   frames_fn *each, void *arg)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < f->runs; i++)
		rc = map_run(k, d, &f->run[i], each, arg);
	return rc;
}
