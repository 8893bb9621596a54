/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes of a stream that is read, and what is said of a bad one. */
#include "lib/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PACKED_SIZE	(128 << 10)
#define PACKED_MAGIC	"\x28\xb5\x2f\xfd"	/* RFC 8878 */
#define MAGIC_SIZE	4


void stream_begin(struct stream_in *in, const char *record, uint64_t at)
{
	in->record = record;
	in->record_at = at;
}

int stream_bad(struct stream_in *in, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return keel_fail(&in->k->err, EINVAL, "%s, %s at byte %llu: %s", in->name, in->record,
			 (unsigned long long)in->record_at, text);
}

ssize_t stream_read_some(struct keel *k, int fd, const char *name, void *data, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (keel_interrupted(k))
			return -EINTR;
		if (!poll(&p, 1, 200))
			continue;
		n = read(fd, data, size);
		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN)
			return keel_fail_errno(&k->err, "cannot read %s", name);
	}
}

static ssize_t read_some(struct stream_in *in, void *data, size_t size)
{
	return stream_read_some(in->k, in->fd, in->name, data, size);
}

static int cut(struct stream_in *in)
{
	return stream_bad(in, "the data end at byte %llu, before it does: they are incomplete",
			  (unsigned long long)in->offset);
}

/* From the packed bytes; like read_some(). */
static ssize_t unpack_some(struct stream_in *in, void *data, size_t size)
{
	ZSTD_outBuffer out = { data, size, 0 };

	while (!out.pos) {
		ZSTD_inBuffer packed = { in->packed, in->packed_size, in->packed_used };
		size_t rc = ZSTD_decompressStream(in->zstd, &out, &packed);
		ssize_t n;

		in->packed_used = packed.pos;
		if (ZSTD_isError(rc))
			return stream_bad(in, "it cannot be unpacked: %s", ZSTD_getErrorName(rc));
		if (out.pos || packed.pos < packed.size)
			continue;
		n = read_some(in, in->packed, PACKED_SIZE);
		if (n <= 0)
			return n;
		in->packed_size = n;
		in->packed_used = 0;
	}
	return out.pos;
}

int stream_get(struct stream_in *in, void *data, size_t size)
{
	unsigned char *to = data;

	for (size_t done = 0; done < size;) {
		ssize_t n = in->zstd ? unpack_some(in, to + done, size - done) :
				       read_some(in, to + done, size - done);

		if (n < 0)
			return n;
		if (!n)
			return cut(in);
		in->offset += n;
		done += n;
	}
	in->crc = crc32(in->crc, data, size);
	return 0;
}

int stream_skip(struct stream_in *in, uint64_t size)
{
	unsigned char passed[4096];
	size_t n;
	int rc = 0;

	for (; !rc && size; size -= n) {
		n = size < sizeof(passed) ? size : sizeof(passed);
		rc = stream_get(in, passed, n);
	}
	return rc;
}

/* They were the first bytes of a packed stream: the sum begins anew. */
static int open_packed(struct stream_in *in)
{
	in->zstd = ZSTD_createDCtx();
	in->packed = malloc(PACKED_SIZE);
	if (!in->zstd || !in->packed)
		return keel_fail(&in->k->err, ENOMEM, "no memory to unpack %s", in->name);
	memcpy(in->packed, PACKED_MAGIC, MAGIC_SIZE);
	in->packed_size = MAGIC_SIZE;
	in->offset = 0;
	in->crc = 0;
	return stream_get(in, in->first, sizeof(in->first));
}

int stream_in_open(struct stream_in *in, struct keel *k, int fd, const char *name)
{
	int rc;

	*in = (struct stream_in){ .k = k, .fd = fd, .name = name, .record = "head" };
	rc = stream_get(in, in->first, sizeof(in->first));
	if (!rc && !memcmp(in->first, PACKED_MAGIC, MAGIC_SIZE))
		rc = open_packed(in);
	if (rc)
		stream_in_close(in);
	return rc;
}

void stream_in_close(struct stream_in *in)
{
	ZSTD_freeDCtx(in->zstd);
	free(in->packed);
	free(in->pages);
	in->zstd = NULL;
	in->packed = in->pages = NULL;
}
