/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that goes on from what was saved of it. Nothing in a stream is trusted: stream_read.c
 * checks its form, and this file the numbers of pages; the hypervisor checks the state of the CPUs.
 */
#include "lib/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/create_internal.h"
#include "lib/frames.h"
#include "lib/guest_libxl.h"
#include "lib/hyper.h"
#include "lib/stream.h"

#include <public/hvm/params.h>

#define MAP_SIZE	(FRAMES_MAX_GFN / 8)

struct restore {
	struct making m;
	struct stream_in in;
	struct guest_saved saved;
	const struct restore_options *o;
	/* Which pages it has: a bit each. Only what is not zero takes memory. */
	unsigned char *map;
	uint64_t pages, expected;
};

static bool has_page(const struct restore *r, uint64_t gfn)
{
	return r->map[gfn / 8] >> gfn % 8 & 1;
}

static void mark_page(struct restore *r, uint64_t gfn, bool has)
{
	unsigned char bit = 1u << gfn % 8;

	r->map[gfn / 8] = has ? r->map[gfn / 8] | bit : r->map[gfn / 8] & ~bit;
}

static int check_gfns(struct restore *r, const uint64_t *gfns, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (gfns[i] >= FRAMES_MAX_GFN)
			return stream_bad(&r->in, "page %#llx is beyond what a guest can have",
					  (unsigned long long)gfns[i]);
	return 0;
}

/* How many of the pages follow one another, and are (@has), or are not, there. */
static unsigned int run_of(const struct restore *r, const uint64_t *gfns, unsigned int n, bool has)
{
	unsigned int run = 0;

	while (run < n && gfns[run] == gfns[0] + run && has_page(r, gfns[run]) == has)
		run++;
	return run;
}

/* Those that are missing: a stretch of 2 MiB at its place becomes a superpage. */
static int populate(struct restore *r, const uint64_t *gfns, unsigned int n)
{
	unsigned int run;
	int rc;

	for (unsigned int i = 0; i < n; i += run) {
		run = run_of(r, gfns + i, n - i, false);
		if (!run) {
			run = 1;
			continue;
		}
		rc = r->o->check_only ? 0 : build_populate_range(&r->m.b, gfns[i], run, &r->pages, r->expected);
		if (rc)
			return rc;
		for (unsigned int j = 0; j < run; j++)
			mark_page(r, gfns[i] + j, true);
	}
	return 0;
}

static int put_pages(void *arg, const uint64_t *gfns, unsigned int n, const unsigned char *data)
{
	struct restore *r = arg;
	unsigned int run;
	int rc = check_gfns(r, gfns, n);

	if (!rc)
		rc = populate(r, gfns, n);
	for (unsigned int i = 0; !rc && data && !r->o->check_only && i < n; i += run) {
		run = run_of(r, gfns + i, n - i, true);
		rc = build_write(&r->m.b, gfns[i] << KEEL_PAGE_SHIFT, data + i * KEEL_PAGE_SIZE,
				 run * KEEL_PAGE_SIZE, run * KEEL_PAGE_SIZE, "memory");
	}
	return rc;
}

/* A page that the guest gave back while it was being moved. */
static int drop_pages(void *arg, const uint64_t *gfns, unsigned int n)
{
	uint64_t there[STREAM_BATCH];
	struct restore *r = arg;
	unsigned int count = 0;
	int rc = check_gfns(r, gfns, n);
	long given;

	for (unsigned int i = 0; !rc && i < n; i++)
		if (has_page(r, gfns[i])) {
			there[count++] = gfns[i];
			mark_page(r, gfns[i], false);
		}
	if (rc || !count || r->o->check_only)
		return rc;
	given = hyper_give_back(r->m.k, r->m.domid, there, count);
	if (given == count)
		return 0;
	return keel_fail(&r->m.k->err, given < 0 ? -given : EIO, "cannot take pages from domain %u again",
			 r->m.domid);
}

/* Words of features: what a guest has seen of them must not go. AMD APM volume 3, appendix E. */
static const struct {
	uint32_t leaf, subleaf;
	bool a, b, c, d;
} features[] = {
	{ 1, 0, .c = true, .d = true }, { 7, 0, .b = true, .c = true, .d = true },
	{ 7, 1, .a = true, .d = true }, { 7, 2, .d = true }, { 0xd, 1, .a = true },
	{ 0x80000001, 0, .c = true, .d = true }, { 0x80000007, 0, .d = true },
	{ 0x80000008, 0, .b = true }, { 0x80000021, 0, .a = true },
};

static const struct hyper_leaf *leaf_of(const struct hyper_policy *p, uint32_t leaf,
					uint32_t subleaf)
{
	for (unsigned int i = 0; i < p->nr_leaves; i++) {
		uint32_t sub = p->leaves[i].subleaf;

		if (p->leaves[i].leaf == leaf && (sub == subleaf || (sub == ~0u && !subleaf)))
			return &p->leaves[i];
	}
	return NULL;
}

/* The hypervisor cuts off what this machine's CPUs do not have, and says nothing of it. */
static int check_features(struct restore *r, const struct hyper_policy *had,
			  const struct hyper_policy *has)
{
	static const struct hyper_leaf none;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct hyper_leaf *old = leaf_of(had, features[i].leaf, features[i].subleaf);
		const struct hyper_leaf *new = leaf_of(has, features[i].leaf, features[i].subleaf);

		if (!old)
			continue;
		if (!new)
			new = &none;
		if ((features[i].a && old->a & ~new->a) || (features[i].b && old->b & ~new->b) ||
		    (features[i].c && old->c & ~new->c) || (features[i].d && old->d & ~new->d))
			return keel_fail(&r->m.k->err, ENOTSUP, "the guest uses features of CPUs that this machine, or "
					 "this version of the hypervisor, does not have: CPUID leaf %#x, subleaf "
					 "%u, lacks %#x %#x %#x %#x", features[i].leaf, features[i].subleaf,
					 old->a & ~new->a, old->b & ~new->b, old->c & ~new->c, old->d & ~new->d);
	}
	return 0;
}

static int put_policy(void *arg, const struct hyper_policy *p)
{
	struct restore *r = arg;
	struct hyper_policy *copy;
	int rc;

	if (r->o->check_only)
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return keel_fail(&r->m.k->err, ENOMEM, "no memory");
	*copy = *p;
	rc = build_set_policy(&r->m.b, copy);
	if (!rc) {
		rc = hyper_get_policy(r->m.k, r->m.domid, copy);
		if (rc)
			rc = keel_fail(&r->m.k->err, -rc, "cannot read what CPUs domain %u has: %s", r->m.domid,
				       strerror(-rc));
	}
	if (!rc)
		rc = check_features(r, p, copy);
	free(copy);
	return rc;
}

static int take_ring(struct restore *r, uint64_t *gfn, const struct stream_param *p)
{
	if (p->value >= FRAMES_MAX_GFN || !has_page(r, p->value))
		return stream_bad(&r->in, "parameter %llu names page %#llx, which the guest does not have",
				  (unsigned long long)p->index, (unsigned long long)p->value);
	*gfn = p->value;
	return 0;
}

/*
 * The rings' places; what other parameters xl saves means nothing to a PVH guest, or is the
 * hypervisor's to judge.
 */
static int take_param(struct restore *r, const struct stream_param *p)
{
	int rc;

	switch (p->index) {
	case HVM_PARAM_STORE_PFN:
		return take_ring(r, &r->m.b.store_gfn, p);
	case HVM_PARAM_CONSOLE_PFN:
		return take_ring(r, &r->m.b.console_gfn, p);
	case HVM_PARAM_STORE_EVTCHN:
	case HVM_PARAM_CONSOLE_EVTCHN:
		return 0;	/* there are new ones */
	}
	if (p->index > UINT32_MAX)
		return stream_bad(&r->in, "there is no parameter %llu", (unsigned long long)p->index);
	rc = r->o->check_only ? 0 : hyper_set_param(r->m.k, r->m.domid, p->index, p->value);
	return rc ? stream_bad(&r->in, "the hypervisor refuses parameter %llu with value %#llx: %s",
			       (unsigned long long)p->index, (unsigned long long)p->value, strerror(-rc)) : 0;
}

static int put_params(struct restore *r, const struct stream_params *params)
{
	int rc = 0;

	r->m.b.store_gfn = r->m.b.console_gfn = FRAMES_MAX_GFN;
	for (unsigned int i = 0; !rc && i < params->count; i++)
		rc = take_param(r, &params->param[i]);
	if (!rc && (r->m.b.store_gfn == FRAMES_MAX_GFN || r->m.b.console_gfn == FRAMES_MAX_GFN ||
		    r->m.b.store_gfn == r->m.b.console_gfn))
		rc = stream_bad(&r->in, "the parameters do not say where xenstore's ring and the console's are");
	return rc;
}

static int put_state(void *arg, const struct stream_state *s)
{
	struct restore *r = arg;
	const struct stream_tsc *t = &s->tsc;
	struct xen_domctl_tsc_info tsc = {
		.tsc_mode = t->mode, .gtsc_khz = t->khz, .incarnation = t->incarnation, .elapsed_nsec = t->nsec,
	};
	struct keel *k = r->m.k;
	int rc;

	stream_begin(&r->in, "HVM_PARAMS", s->params_at);
	rc = put_params(r, &s->params);
	if (rc || r->o->check_only)
		return rc;
	hyper_claim(k, r->m.domid, 0);
	stream_begin(&r->in, "TSC_INFO", s->tsc_at);
	rc = hyper_put_tsc(k, r->m.domid, &tsc);
	if (rc)
		return stream_bad(&r->in, "the hypervisor refuses the state of the TSC (mode %u, %u kHz): %s",
				  t->mode, t->khz, strerror(-rc));
	rc = build_finish(&r->m.b);
	if (rc)
		return rc;
	stream_begin(&r->in, "HVM_CONTEXT", s->context_at);
	rc = hyper_set_context(k, r->m.domid, s->context, s->context_size);
	return rc ? stream_bad(&r->in, "the hypervisor refuses the state of the CPUs: %s; `keel dmesg` may say "
				       "why", strerror(-rc)) : 0;
}

static const struct stream_ops ops = {
	.policy = put_policy,
	.pages = put_pages,
	.none = drop_pages,
	.state = put_state,
};

static int fill(struct making *m)
{
	struct restore *r = m->arg;
	int rc;

	rc = build_begin(&m->b, m->domid, r->expected);
	if (!rc) {
		layout_map(&m->b.layout, m->g.memory_mib << 20, m->g.passthrough);
		rc = build_memory_map(&m->b);
	}
	if (!rc)
		rc = stream_read_body(&r->in, &ops, r, r->saved.keels);
	build_copy_close(&m->b);
	return rc;
}

static int ready(struct making *m)
{
	struct restore *r = m->arg;

	return r->o->ready ? r->o->ready(m->k, r->o->arg) : 0;
}

static int read_config(struct restore *r)
{
	struct keel *k = r->m.k;
	struct json_object *j;
	struct keel_error e;
	int rc = stream_read_head(&r->in, &j);

	if (rc)
		return rc;
	stream_begin(&r->in, "configuration", sizeof(struct stream_xl_head));
	rc = guest_from_libxl(&r->saved, j, &e);
	json_object_put(j);
	if (rc)
		return e.code == ENOMEM ? keel_fail(&k->err, ENOMEM, "%s", e.text) :
					  stream_bad(&r->in, "%s", e.text);
	if (r->saved.g.pcis) {
		rc = stream_bad(&r->in, "it names PCI functions, whose state nobody can save");
	} else if (r->o->name) {
		free(r->saved.g.name);
		r->saved.g.name = strdup(r->o->name);
		if (!r->saved.g.name)
			rc = keel_fail(&k->err, ENOMEM, "no memory");
	}
	if (rc)
		guest_free(&r->saved.g);
	return rc;
}

static int make(struct restore *r)
{
	int rc;

	r->map = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	if (r->map == MAP_FAILED)
		return keel_fail_errno(&r->m.k->err, "no memory for a list of the guest's pages");
	rc = r->o->check_only ? stream_read_body(&r->in, &ops, r, r->saved.keels) : making_run(&r->m);
	munmap(r->map, MAP_SIZE);
	return rc;
}

int keel_domain_restore(struct keel *k, int fd, const char *from, const struct restore_options *o,
			struct keel_domain *d)
{
	struct restore r = { .o = o, .m = { .k = k, .fill = fill, .ready = ready, .paused = o->paused } };
	int rc = stream_in_open(&r.in, k, fd, from);
	sigset_t old;

	if (rc)
		return rc;
	keel_hold_signals(&old);
	rc = read_config(&r);
	if (!rc) {
		r.m.g = r.saved.g;
		r.m.arg = &r;
		r.m.target_kib = r.saved.target_kib;
		r.m.online = r.saved.online;
		r.m.b = (struct build){ .k = k, .g = &r.m.g };
		r.expected = (r.saved.target_kib >> 2) + LAYOUT_ACPI_PAGES + LAYOUT_SPECIAL_PAGES;
		rc = making_check(&r.m);
		if (!rc)
			rc = make(&r);
		snprintf(d->name, sizeof(d->name), "%s", r.m.g.name);
		d->id = r.m.domid;
		guest_free(&r.saved.g);
	}
	stream_in_close(&r.in);
	keel_release_signals(&old);
	return rc;
}
