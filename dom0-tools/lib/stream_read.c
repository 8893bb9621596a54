/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of a stream: what they may be, and in which order. */
#include "lib/stream.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

/* Records that come at most once, as bits. */
enum {
	SEEN_CPUID = 1, SEEN_MSRS = 2, SEEN_STATIC_END = 4, SEEN_TSC = 8, SEEN_PARAMS = 16,
	SEEN_CONTEXT = 32, SEEN_CRC = 64,
};

struct reading {
	struct stream_in *in;
	const struct stream_ops *ops;
	void *arg;
	struct stream_record r;
	unsigned int seen;
	uint32_t crc;			/* of all before this record */
	bool ended;
	struct hyper_policy policy;
	struct stream_state state;
};

struct kind {
	unsigned int type;
	const char *name;
	int (*read)(struct reading *s);
	unsigned int once;		/* SEEN_*, or 0: many */
	unsigned int after;		/* all that it comes after */
	bool is_static;			/* before STATIC_DATA_END; else behind it */
};

static int read_xl_head(struct stream_in *in, struct stream_xl_head *h)
{
	int rc;

	memcpy(h, in->first, sizeof(in->first));
	rc = stream_get(in, (char *)h + sizeof(in->first), offsetof(struct stream_xl_head, config_size) -
			sizeof(in->first));
	if (rc)
		return rc;
	if (memcmp(h->magic, STREAM_XL_MAGIC, sizeof(h->magic)))
		return stream_bad(in, "this is no saved guest");
	if (h->order != STREAM_XL_ORDER)
		return stream_bad(in, "it was saved on a machine with another order of bytes");
	if (!(h->mandatory & STREAM_XL_JSON) || !(h->mandatory & STREAM_XL_V2))
		return stream_bad(in, "a guest that Xen 4.5 or an earlier one saved cannot be restored");
	if ((h->mandatory & ~(STREAM_XL_JSON | STREAM_XL_V2)) || h->optional)
		return stream_bad(in, "it needs something that this program does not know (flags %#x, %#x)",
				  h->mandatory, h->optional);
	if (h->size < sizeof(h->config_size) || h->size > STREAM_MAX_CONFIG)
		return stream_bad(in, "%u bytes cannot be a configuration", h->size);
	rc = stream_get(in, &h->config_size, sizeof(h->config_size));
	if (!rc && h->config_size > h->size - sizeof(h->config_size))
		rc = stream_bad(in, "the configuration, of %u bytes, is longer than what holds it (%u)",
				h->config_size, h->size);
	return rc;
}

/* What is behind the configuration is for those who know what it is. */
static int read_config(struct stream_in *in, const struct stream_xl_head *h,
		       struct json_object **config)
{
	struct json_tokener *t = json_tokener_new_ex(16);
	char *text = malloc(h->config_size + 1);
	int rc;

	stream_begin(in, "configuration", in->offset);
	if (!t || !text)
		rc = keel_fail(&in->k->err, ENOMEM, "no memory to read %s", in->name);
	else
		rc = stream_get(in, text, h->config_size);
	if (!rc)
		rc = stream_skip(in, h->size - sizeof(h->config_size) - h->config_size);
	if (!rc)
		*config = json_tokener_parse_ex(t, text, h->config_size);
	if (!rc && !json_object_is_type(*config, json_type_object)) {
		json_object_put(*config);
		*config = NULL;
		rc = stream_bad(in, "it is no JSON object");
	}
	free(text);
	if (t)
		json_tokener_free(t);
	return rc;
}

static int read_libxl_head(struct stream_in *in)
{
	struct stream_libxl_head h;
	struct stream_record r;
	int rc;

	stream_begin(in, "libxl's header", in->offset);
	rc = stream_get(in, &h, sizeof(h));
	if (rc)
		return rc;
	if (be64toh(h.ident) != STREAM_LIBXL_IDENT)
		return stream_bad(in, "it does not begin with \"LibxlFmt\"");
	if (be32toh(h.version) != STREAM_LIBXL_VERSION)
		return stream_bad(in, "version %u is not known, only %u", be32toh(h.version),
				  STREAM_LIBXL_VERSION);
	if (h.options)
		return stream_bad(in, "options %#x are not known", be32toh(h.options));
	stream_begin(in, "libxl's first record", in->offset);
	rc = stream_get(in, &r, sizeof(r));
	if (rc)
		return rc;
	if (r.type != LIBXL_CONTEXT || r.length)
		return stream_bad(in, "it has type %u and %u bytes; libxc's part should begin here (type %u)",
				  r.type, r.length, LIBXL_CONTEXT);
	return 0;
}

static int read_image_head(struct stream_in *in)
{
	struct stream_image_head h;
	int rc;

	stream_begin(in, "image header", in->offset);
	rc = stream_get(in, &h, sizeof(h));
	if (rc)
		return rc;
	if (h.marker != STREAM_IMAGE_MARKER || be32toh(h.id) != STREAM_IMAGE_ID)
		return stream_bad(in, "it does not begin as libxc's streams do");
	if (be32toh(h.version) != STREAM_IMAGE_VERSION)
		return stream_bad(in, "version %u is not known, only %u", be32toh(h.version),
				  STREAM_IMAGE_VERSION);
	if (h.options)
		return stream_bad(in, "options %#x are not known", be16toh(h.options));
	if (h.type != STREAM_TYPE_HVM && h.type != STREAM_TYPE_PVH)
		return stream_bad(in, "the guest has type %u; only PVH guests can be restored", h.type);
	if (h.page_shift != KEEL_PAGE_SHIFT)
		return stream_bad(in, "its pages have 1 << %u bytes", h.page_shift);
	return 0;
}

int stream_read_head(struct stream_in *in, struct json_object **config)
{
	struct stream_xl_head h;
	int rc = read_xl_head(in, &h);

	*config = NULL;
	if (!rc)
		rc = read_config(in, &h, config);
	if (!rc)
		rc = read_libxl_head(in);
	if (!rc)
		rc = read_image_head(in);
	if (!rc)
		return 0;
	json_object_put(*config);
	*config = NULL;
	return rc;
}

/* The body of a record that consists of whole items; *@n gets how many. */
static int read_items(struct reading *s, void *items, size_t size, size_t max, unsigned int *n)
{
	size_t length = s->r.length;

	if (!length || length % size || length / size > max)
		return stream_bad(s->in, "%zu bytes are not 1 to %zu times %zu", length, max, size);
	*n = length / size;
	return stream_get(s->in, items, length);
}

static int read_cpuid(struct reading *s)
{
	return read_items(s, s->policy.leaves, sizeof(s->policy.leaves[0]), HYPER_MAX_LEAVES,
			  &s->policy.nr_leaves);
}

static int read_msrs(struct reading *s)
{
	return read_items(s, s->policy.msrs, sizeof(s->policy.msrs[0]), HYPER_MAX_MSRS,
			  &s->policy.nr_msrs);
}

static int read_static_end(struct reading *s)
{
	if (s->r.length)
		return stream_bad(s->in, "it has %u bytes, where none belong", s->r.length);
	return s->ops->policy(s->arg, &s->policy);
}

/* The pages of one batch, by what becomes of them. */
struct batch {
	unsigned int with, allocate, none;
	uint64_t gfns_with[STREAM_BATCH], gfns_allocate[STREAM_BATCH], gfns_none[STREAM_BATCH];
};

static int sort_page(struct reading *s, struct batch *b, uint64_t pfn)
{
	uint64_t gfn = PAGE_PFN(pfn);

	if (pfn >> 52 & 0xff)
		return stream_bad(s->in, "page number %#llx has reserved bits", (unsigned long long)pfn);
	switch (PAGE_TYPE(pfn)) {
	case PAGE_NORMAL:
		b->gfns_with[b->with++] = gfn;
		return 0;
	case PAGE_ALLOCATE:
		b->gfns_allocate[b->allocate++] = gfn;
		return 0;
	case PAGE_BROKEN:
	case PAGE_NONE:
		b->gfns_none[b->none++] = gfn;
		return 0;
	default:
		return stream_bad(s->in, "page %#llx has type %u, which pages of a PVH guest do not have",
				  (unsigned long long)gfn, PAGE_TYPE(pfn));
	}
}

static int use_batch(struct reading *s, const struct batch *b)
{
	int rc = b->none ? s->ops->none(s->arg, b->gfns_none, b->none) : 0;

	if (!rc && b->allocate)
		rc = s->ops->pages(s->arg, b->gfns_allocate, b->allocate, NULL);
	if (!rc && b->with)
		rc = s->ops->pages(s->arg, b->gfns_with, b->with, s->in->pages);
	return rc;
}

static int make_room(struct stream_in *in, size_t pages)
{
	if (pages <= in->room)
		return 0;
	free(in->pages);
	in->pages = aligned_alloc(KEEL_PAGE_SIZE, pages * KEEL_PAGE_SIZE);
	in->room = in->pages ? pages : 0;
	return in->pages ? 0 : keel_fail(&in->k->err, ENOMEM, "no memory to read %s", in->name);
}

static int read_pages(struct reading *s)
{
	uint64_t numbers[STREAM_BATCH];
	struct batch b = { 0 };
	uint32_t head[2];		/* count, reserved */
	uint64_t length;
	int rc;

	if (s->r.length < sizeof(head))
		return stream_bad(s->in, "%u bytes are too few", s->r.length);
	rc = stream_get(s->in, head, sizeof(head));
	if (rc)
		return rc;
	if (!head[0] || head[0] > STREAM_BATCH)
		return stream_bad(s->in, "it says that it has %u pages; there are 1 to %u", head[0],
				  STREAM_BATCH);
	length = sizeof(head) + head[0] * sizeof(numbers[0]);
	if (s->r.length < length)
		return stream_bad(s->in, "%u bytes do not hold the numbers of %u pages", s->r.length, head[0]);
	rc = stream_get(s->in, numbers, head[0] * sizeof(numbers[0]));
	for (unsigned int i = 0; !rc && i < head[0]; i++)
		rc = sort_page(s, &b, numbers[i]);
	if (rc)
		return rc;
	length += b.with * KEEL_PAGE_SIZE;
	if (s->r.length != length)
		return stream_bad(s->in, "it has %u bytes; %u pages would have %llu", s->r.length, b.with,
				  (unsigned long long)length);
	rc = make_room(s->in, b.with);
	if (!rc)
		rc = stream_get(s->in, s->in->pages, b.with * KEEL_PAGE_SIZE);
	return rc ? rc : use_batch(s, &b);
}

static int read_tsc(struct reading *s)
{
	unsigned int n;

	s->state.tsc_at = s->in->record_at;
	return read_items(s, &s->state.tsc, sizeof(s->state.tsc), 1, &n);
}

static int read_params(struct reading *s)
{
	struct stream_params *p = &s->state.params;
	size_t head = offsetof(struct stream_params, param);
	int rc;

	s->state.params_at = s->in->record_at;
	if (s->r.length < head)
		return stream_bad(s->in, "%u bytes are too few", s->r.length);
	rc = stream_get(s->in, p, head);
	if (rc)
		return rc;
	if (p->count > STREAM_MAX_PARAMS || s->r.length != head + p->count * sizeof(p->param[0]))
		return stream_bad(s->in, "%u bytes do not hold %u parameters", s->r.length, p->count);
	return stream_get(s->in, p->param, p->count * sizeof(p->param[0]));
}

static int read_context(struct reading *s)
{
	if (!s->r.length)
		return stream_bad(s->in, "it is empty");
	s->state.context = malloc(s->r.length);
	s->state.context_size = s->r.length;
	s->state.context_at = s->in->record_at;
	if (!s->state.context)
		return keel_fail(&s->in->k->err, ENOMEM, "no memory for the state of %u bytes in %s",
				 s->r.length, s->in->name);
	return stream_get(s->in, s->state.context, s->r.length);
}

static int read_crc(struct reading *s)
{
	uint32_t crc[2];
	unsigned int n;
	int rc = read_items(s, crc, sizeof(crc), 1, &n);

	if (!rc && crc[0] != s->crc)
		rc = stream_bad(s->in, "the sum of all bytes before is %08x, and should be %08x: the data are "
				"damaged", s->crc, crc[0]);
	return rc;
}

static int read_end(struct reading *s)
{
	if (s->r.length)
		return stream_bad(s->in, "it has %u bytes, where none belong", s->r.length);
	s->ended = true;
	return 0;
}

#define SEEN_STATE	(SEEN_TSC | SEEN_PARAMS | SEEN_CONTEXT)

static const struct kind kinds[] = {
	{ RECORD_CPUID_POLICY, "CPUID_POLICY", read_cpuid, SEEN_CPUID, 0, true },
	{ RECORD_MSR_POLICY, "MSR_POLICY", read_msrs, SEEN_MSRS, 0, true },
	{ RECORD_STATIC_DATA_END, "STATIC_DATA_END", read_static_end, SEEN_STATIC_END, SEEN_CPUID, true },
	{ RECORD_PAGE_DATA, "PAGE_DATA", read_pages, 0, 0, false },
	{ RECORD_TSC_INFO, "TSC_INFO", read_tsc, SEEN_TSC, 0, false },
	{ RECORD_HVM_PARAMS, "HVM_PARAMS", read_params, SEEN_PARAMS, 0, false },
	{ RECORD_HVM_CONTEXT, "HVM_CONTEXT", read_context, SEEN_CONTEXT, 0, false },
	{ RECORD_CRC, "the record with the sum", read_crc, SEEN_CRC, SEEN_STATE, false },
	{ RECORD_END, "END", read_end, 0, SEEN_STATE, false },
};

/* Names of what is missing, for a message. */
static const char *first_of(unsigned int seen)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].once & seen)
			return kinds[i].name;
	return "?";
}

static int check_order(struct reading *s, const struct kind *k)
{
	unsigned int after = k->after | (k->is_static ? 0 : SEEN_STATIC_END);

	if (s->seen & k->once)
		return stream_bad(s->in, "it comes a second time");
	if (k->is_static && (s->seen & SEEN_STATIC_END))
		return stream_bad(s->in, "it comes behind STATIC_DATA_END");
	if (after & ~s->seen)
		return stream_bad(s->in, "%s has not come before it", first_of(after & ~s->seen));
	s->seen |= k->once;
	return 0;
}

/* All of a record, the padding as well. */
static int read_record(struct reading *s)
{
	struct stream_in *in = s->in;
	const struct kind *k = NULL;
	uint64_t end;
	int rc;

	s->crc = in->crc;
	stream_begin(in, "the head of a record", in->offset);
	rc = stream_get(in, &s->r, sizeof(s->r));
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == s->r.type)
			k = &kinds[i];
	in->record = k ? k->name : "a record";
	if (s->r.length > STREAM_MAX_RECORD)
		return stream_bad(in, "it would have %u bytes, more than any has", s->r.length);
	if (!k && !(s->r.type & RECORD_OPTIONAL))
		return stream_bad(in, "its type is %#x, which a PVH guest's stream does not have", s->r.type);
	rc = k ? check_order(s, k) : 0;
	end = in->offset + ((s->r.length + 7ULL) & ~7ULL);
	if (!rc && k)
		rc = k->read(s);
	return rc ? rc : stream_skip(in, end - in->offset);
}

static int read_libxl_end(struct stream_in *in)
{
	struct stream_record r;
	int rc;

	stream_begin(in, "libxl's last record", in->offset);
	rc = stream_get(in, &r, sizeof(r));
	if (!rc && (r.type != LIBXL_END || r.length))
		rc = stream_bad(in, "it has type %u and %u bytes; the end should be here (type %u)", r.type,
				r.length, LIBXL_END);
	return rc;
}

int stream_read_body(struct stream_in *in, const struct stream_ops *ops, void *arg, bool needs_crc)
{
	struct reading *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return keel_fail(&in->k->err, ENOMEM, "no memory to read %s", in->name);
	s->in = in;
	s->ops = ops;
	s->arg = arg;
	while (!rc && !s->ended)
		rc = keel_interrupted(in->k) ? -EINTR : read_record(s);
	if (!rc && needs_crc && !(s->seen & SEEN_CRC))
		rc = stream_bad(in, "the record with the sum has not come before it");
	if (!rc)
		rc = read_libxl_end(in);
	if (!rc)
		rc = ops->state(arg, &s->state);
	free(s->state.context);
	free(s);
	return rc;
}
