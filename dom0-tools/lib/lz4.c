/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LZ4. Legacy frame: the magic, then blocks of at most 8 MiB unpacked, each behind its packed size
 * in four bytes; Debian's cloud kernels are packed this way. Frame, as the program `lz4` writes it:
 * a header, then blocks whose matches may reach back into earlier ones. Layouts: those of the LZ4
 * project's documents on block and frame format. Checksums are not verified.
 */
#include "lib/unpack.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct lz4_cursor {
	const unsigned char *in, *in_end;
	unsigned char *out, *out_start, *out_end;
};

/* A length of 15 in the token goes on in bytes, the last of which is below 255. */
static int read_length(struct lz4_cursor *c, size_t *length)
{
	unsigned char b;

	if (*length != 15)
		return 0;
	do {
		if (c->in == c->in_end)
			return -EINVAL;
		b = *c->in++;
		*length += b;
	} while (b == 255);
	return 0;
}

static int copy_literals(struct lz4_cursor *c, size_t length)
{
	if (length > (size_t)(c->in_end - c->in))
		return -EINVAL;
	if (length > (size_t)(c->out_end - c->out))
		return -ENOSPC;
	memcpy(c->out, c->in, length);
	c->in += length;
	c->out += length;
	return 0;
}

static int copy_match(struct lz4_cursor *c, size_t length)
{
	const unsigned char *from;
	size_t distance;

	distance = c->in[0] | c->in[1] << 8;
	c->in += 2;
	if (read_length(c, &length))
		return -EINVAL;
	length += 4;
	if (!distance || distance > (size_t)(c->out - c->out_start))
		return -EINVAL;
	if (length > (size_t)(c->out_end - c->out))
		return -ENOSPC;
	from = c->out - distance;
	if (distance >= length) {
		memcpy(c->out, from, length);
		c->out += length;
		return 0;
	}
	while (length--)	/* source and target overlap: a repeated pattern */
		*c->out++ = *from++;
	return 0;
}

static int unpack_block(struct lz4_cursor *c)
{
	while (c->in < c->in_end) {
		unsigned char token = *c->in++;
		size_t length = token >> 4;
		int rc;

		rc = read_length(c, &length);
		if (!rc)
			rc = copy_literals(c, length);
		if (rc)
			return rc;
		if (c->in == c->in_end)
			return 0;	/* the last sequence has literals only */
		rc = c->in_end - c->in < 2 ? -EINVAL : copy_match(c, token & 15);
		if (rc)
			return rc;
	}
	return -EINVAL;
}

static uint32_t le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static long unpack_legacy(struct lz4_cursor *c, const unsigned char *in, const unsigned char *end)
{
	unsigned char *start = c->out;

	while (end - in > 4) {	/* four bytes may be a bzImage's size */
		size_t block = le32(in);
		int rc;

		in += 4;
		if (!block || block > (size_t)(end - in))
			return -EINVAL;
		c->in = in;
		c->in_end = in + block;
		c->out_start = c->out;
		rc = unpack_block(c);
		if (rc)
			return rc;
		in += block;
	}
	return c->out - start;
}

/* Bits of the frame's descriptor, and of a block's size. */
#define FLG_VERSION	0xc0
#define FLG_VERSION_1	0x40
#define FLG_BLOCK_SUM	0x10
#define FLG_SIZE	0x08
#define FLG_DICTIONARY	0x01
#define BLOCK_RAW	0x80000000u

static long unpack_frame(struct lz4_cursor *c, const unsigned char *in, const unsigned char *end)
{
	unsigned char flags = in < end ? *in : 0;
	size_t header = 3 + (flags & FLG_SIZE ? 8 : 0);

	if ((flags & FLG_VERSION) != FLG_VERSION_1 || (flags & FLG_DICTIONARY) ||
	    header > (size_t)(end - in))
		return -EINVAL;
	in += header;
	while (end - in >= 4) {
		uint32_t size = le32(in);
		size_t block = size & ~BLOCK_RAW, sum = flags & FLG_BLOCK_SUM ? 4 : 0;
		int rc;

		in += 4;
		if (!size)
			return c->out - c->out_start;
		if (block + sum > (size_t)(end - in))
			return -EINVAL;
		c->in = in;
		c->in_end = in + block;
		rc = size & BLOCK_RAW ? copy_literals(c, block) : unpack_block(c);
		if (rc)
			return rc;
		in += block + sum;
	}
	return -EINVAL;
}

long unpack_lz4(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size)
{
	struct lz4_cursor c = { .out = out, .out_start = out, .out_end = out + out_size };

	if (in_size >= 4 && le32(in) == 0x184c2102)
		return unpack_legacy(&c, in + 4, in + in_size);
	if (in_size >= 4 && le32(in) == 0x184d2204)
		return unpack_frame(&c, in + 4, in + in_size);
	return -EINVAL;
}
