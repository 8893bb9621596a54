/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LZ4, legacy frame: the magic, then blocks of at most 8 MiB unpacked, each behind its packed
 * size in four bytes. Block layout: lz4_Block_format.md of the LZ4 project. Debian's cloud
 * kernels are packed this way.
 */
#include "lib/unpack.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const unsigned char *in, *in_end;
	unsigned char *out, *out_start, *out_end;
};

/* A length of 15 in the token goes on in bytes, the last of which is below 255. */
static int read_length(struct cursor *c, size_t *length)
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

static int copy_literals(struct cursor *c, size_t length)
{
	if (length > (size_t)(c->in_end - c->in) || length > (size_t)(c->out_end - c->out))
		return -EINVAL;
	memcpy(c->out, c->in, length);
	c->in += length;
	c->out += length;
	return 0;
}

static int copy_match(struct cursor *c, size_t length)
{
	const unsigned char *from;
	size_t distance;

	distance = c->in[0] | c->in[1] << 8;
	c->in += 2;
	if (read_length(c, &length))
		return -EINVAL;
	length += 4;
	if (!distance || distance > (size_t)(c->out - c->out_start) ||
	    length > (size_t)(c->out_end - c->out))
		return -EINVAL;
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

static int unpack_block(struct cursor *c)
{
	while (c->in < c->in_end) {
		unsigned char token = *c->in++;
		size_t length = token >> 4;

		if (read_length(c, &length) || copy_literals(c, length))
			return -EINVAL;
		if (c->in == c->in_end)
			return 0;	/* the last sequence has literals only */
		if (c->in_end - c->in < 2 || copy_match(c, token & 15))
			return -EINVAL;
	}
	return -EINVAL;
}

static uint32_t le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

long unpack_lz4(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size)
{
	const unsigned char *end = in + in_size;
	struct cursor c = { .out = out, .out_start = out, .out_end = out + out_size };

	if (in_size < 4 || le32(in) != 0x184c2102)
		return -EINVAL;
	in += 4;
	while (end - in > 4 && c.out < c.out_end) {
		size_t block = le32(in);

		in += 4;
		if (!block || block > (size_t)(end - in))
			return -EINVAL;
		c.in = in;
		c.in_end = in + block;
		c.out_start = c.out;
		if (unpack_block(&c))
			return -EINVAL;
		in += block;
	}
	return c.out - out;
}
