/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/stream.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PACKED_SIZE	(256 << 10)

_Static_assert(sizeof(struct stream_xl_head) == 52, "no padding");
_Static_assert(sizeof(struct stream_image_head) == 40, "image header and domain header");
_Static_assert(sizeof(struct stream_tsc) == 24, "no padding");

int stream_out_open(struct stream_out *o, struct keel *k, int fd, const char *name, bool pack)
{
	*o = (struct stream_out){ .k = k, .fd = fd, .name = name };
	if (!pack)
		return 0;
	o->zstd = ZSTD_createCCtx();
	o->packed = malloc(PACKED_SIZE);
	if (o->zstd && o->packed)
		return 0;
	stream_out_close(o);
	return keel_fail(&k->err, ENOMEM, "no memory to compress %s", name);
}

void stream_out_close(struct stream_out *o)
{
	ZSTD_freeCCtx(o->zstd);
	free(o->packed);
	o->zstd = NULL;
	o->packed = NULL;
}

int stream_write_all(struct keel *k, int fd, const char *name, const void *data, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EAGAIN) {
			if (keel_interrupted(k))
				return -EINTR;
			poll(&p, 1, 200);
		} else if (n < 0 && errno != EINTR) {
			return keel_fail_errno(&k->err, "cannot write %s", name);
		}
		if (n > 0) {
			data = (const char *)data + n;
			size -= n;
		}
	}
	return 0;
}

static int write_all(struct stream_out *o, const void *data, size_t size)
{
	return stream_write_all(o->k, o->fd, o->name, data, size);
}

static int pack(struct stream_out *o, const void *data, size_t size, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = { data, size, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { o->packed, PACKED_SIZE, 0 };

		left = ZSTD_compressStream2(o->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return keel_fail(&o->k->err, EIO, "cannot compress %s: %s", o->name,
					 ZSTD_getErrorName(left));
		if (write_all(o, o->packed, out.pos))
			return -EIO;
	} while (how == ZSTD_e_end ? left : in.pos < in.size);
	return 0;
}

static int put(struct stream_out *o, const void *data, size_t size)
{
	o->crc = crc32(o->crc, data, size);
	o->size += size;
	return o->zstd ? pack(o, data, size, ZSTD_e_continue) : write_all(o, data, size);
}

static int put_record_head(struct stream_out *o, unsigned int type, size_t length)
{
	struct stream_record r = { type, length };

	return put(o, &r, sizeof(r));
}

static int put_record(struct stream_out *o, unsigned int type, const void *data, size_t length)
{
	static const char zeros[8];
	int rc = put_record_head(o, type, length);

	if (!rc && length)
		rc = put(o, data, length);
	if (!rc && length % 8)
		rc = put(o, zeros, 8 - length % 8);
	return rc;
}

int stream_put_head(struct stream_out *o, const char *config)
{
	size_t size = strlen(config);
	struct stream_xl_head xl = {
		.magic = STREAM_XL_MAGIC,
		.order = STREAM_XL_ORDER,
		.mandatory = STREAM_XL_JSON | STREAM_XL_V2,
		.size = sizeof(xl.config_size) + size,
		.config_size = size,
	};
	struct stream_libxl_head libxl = { htobe64(STREAM_LIBXL_IDENT), htobe32(STREAM_LIBXL_VERSION), 0 };
	struct stream_image_head image = {
		.marker = STREAM_IMAGE_MARKER,
		.id = htobe32(STREAM_IMAGE_ID),
		.version = htobe32(STREAM_IMAGE_VERSION),
		.type = STREAM_TYPE_HVM,
		.page_shift = KEEL_PAGE_SHIFT,
		.major = o->k->version >> 16,
		.minor = o->k->version & 0xffff,
	};
	int rc;

	if (size > STREAM_MAX_CONFIG - sizeof(xl.config_size))
		return keel_fail(&o->k->err, E2BIG, "the guest's configuration is too long");
	rc = put(o, &xl, sizeof(xl));
	if (!rc)
		rc = put(o, config, size);
	if (!rc)
		rc = put(o, &libxl, sizeof(libxl));
	if (!rc)
		rc = put_record(o, LIBXL_CONTEXT, NULL, 0);
	return rc ? rc : put(o, &image, sizeof(image));
}

/* Records without contents are left out. */
int stream_put_policy(struct stream_out *o, const struct hyper_policy *p)
{
	int rc = 0;

	if (p->nr_leaves)
		rc = put_record(o, RECORD_CPUID_POLICY, p->leaves, p->nr_leaves * sizeof(p->leaves[0]));
	if (!rc && p->nr_msrs)
		rc = put_record(o, RECORD_MSR_POLICY, p->msrs, p->nr_msrs * sizeof(p->msrs[0]));
	return rc ? rc : put_record(o, RECORD_STATIC_DATA_END, NULL, 0);
}

/* A guest that runs may write to a page between its part in the sum and its way out. */
static int put_copies(struct stream_out *o, const unsigned char *pages, size_t size)
{
	unsigned char copy[16 * KEEL_PAGE_SIZE];
	int rc = 0;

	while (!rc && size) {
		size_t n = size < sizeof(copy) ? size : sizeof(copy);

		memcpy(copy, pages, n);
		rc = put(o, copy, n);
		pages += n;
		size -= n;
	}
	return rc;
}

int stream_put_pages(struct stream_out *o, const uint64_t *gfns, unsigned int n,
		     const unsigned char *pages, const int *err)
{
	uint64_t head[1 + STREAM_BATCH] = { n };	/* count, reserved; numbers */
	unsigned int with = 0, i = 0, from;
	int rc;

	for (i = 0; i < n; i++) {
		head[1 + i] = gfns[i] | (err[i] ? PAGE_IS_NONE : 0);
		with += !err[i];
	}
	rc = put_record_head(o, RECORD_PAGE_DATA, (1 + n) * sizeof(head[0]) + with * KEEL_PAGE_SIZE);
	if (!rc)
		rc = put(o, head, (1 + n) * sizeof(head[0]));
	for (i = 0; !rc && i < n; i++) {
		for (from = i; i < n && !err[i]; i++)
			;
		if (i > from)
			rc = put_copies(o, pages + from * KEEL_PAGE_SIZE, (i - from) * KEEL_PAGE_SIZE);
	}
	return rc;
}

int stream_put_state(struct stream_out *o, const struct stream_state *s)
{
	uint32_t crc[2] = { 0 };
	int rc = put_record(o, RECORD_TSC_INFO, &s->tsc, sizeof(s->tsc));

	if (!rc)
		rc = put_record(o, RECORD_HVM_PARAMS, &s->params,
				offsetof(struct stream_params, param) +
				s->params.count * sizeof(s->params.param[0]));
	if (!rc)
		rc = put_record(o, RECORD_HVM_CONTEXT, s->context, s->context_size);
	crc[0] = o->crc;
	if (!rc)
		rc = put_record(o, RECORD_CRC, crc, sizeof(crc));
	if (!rc)
		rc = put_record(o, RECORD_END, NULL, 0);
	if (!rc)
		rc = put_record(o, LIBXL_END, NULL, 0);
	return rc || !o->zstd ? rc : pack(o, NULL, 0, ZSTD_e_end);
}
