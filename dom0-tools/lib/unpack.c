/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* Fields of the setup header, Linux Documentation/arch/x86/boot.rst. */
#define HDR_SETUP_SECTS		0x1f1
#define HDR_BOOT_FLAG		0x1fe
#define HDR_MAGIC		0x202
#define HDR_VERSION		0x206
#define HDR_PAYLOAD_OFFSET	0x248
#define HDR_PAYLOAD_LENGTH	0x24c
#define HDR_END			0x250

static uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static long unpack_xz(const unsigned char *in, size_t in_size, unsigned char *out,
		      size_t out_size)
{
	uint64_t memory = 256UL << 20;
	size_t in_pos = 0, out_pos = 0;

	if (lzma_stream_buffer_decode(&memory, 0, NULL, in, &in_pos, in_size, out, &out_pos,
				      out_size) != LZMA_OK)
		return -EINVAL;
	return out_pos;
}

static long unpack_zstd(const unsigned char *in, size_t in_size, unsigned char *out,
			size_t out_size)
{
	size_t frame = ZSTD_findFrameCompressedSize(in, in_size);
	size_t n;

	if (ZSTD_isError(frame))
		return -EINVAL;
	n = ZSTD_decompress(out, out_size, in, frame);
	return ZSTD_isError(n) ? -EINVAL : (long)n;
}

static long unpack_gzip(const unsigned char *in, size_t in_size, unsigned char *out,
			size_t out_size)
{
	z_stream z = {
		.next_in = (unsigned char *)in, .avail_in = in_size,
		.next_out = out, .avail_out = out_size,
	};
	int rc;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return rc == Z_STREAM_END ? (long)z.total_out : -EINVAL;
}

static const struct packing {
	const char *name;
	unsigned char magic[6];
	size_t magic_size;
	long (*unpack)(const unsigned char *in, size_t in_size, unsigned char *out,
		       size_t out_size);
} packings[] = {
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_xz },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
	{ "gzip", { 0x1f, 0x8b }, 2, unpack_gzip },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, NULL },
	{ "lzma", { 0x5d, 0, 0 }, 3, NULL },
	{ "lzo", { 0x89, 'L', 'Z', 'O' }, 4, NULL },
};

static const struct packing *find_packing(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
		if (size >= packings[i].magic_size &&
		    !memcmp(p, packings[i].magic, packings[i].magic_size))
			return &packings[i];
	return NULL;
}

static int unpack_payload(const unsigned char *p, size_t size, struct blob *out,
			  struct keel_error *e)
{
	const struct packing *how = find_packing(p, size);
	size_t unpacked;
	long n;
	int rc;

	if (!how)
		return keel_fail(e, EINVAL, "the kernel's payload starts with %02x%02x%02x%02x, "
				 "which is no known compression", p[0], p[1], p[2], p[3]);
	if (!how->unpack)
		return keel_fail(e, ENOTSUP, "the kernel is packed with %s, which is not "
				 "supported; unpack it and name the ELF file", how->name);
	/* The last four bytes of the payload are its size when unpacked. */
	unpacked = get32(p + size - 4);
	if (unpacked < 64 || unpacked > UNPACK_MAX)
		return keel_fail(e, EINVAL, "the kernel claims to be %zu bytes when unpacked; "
				 "the file is damaged", unpacked);
	rc = blob_alloc(out, unpacked, e);
	if (rc)
		return rc;
	n = how->unpack(p, size, out->data, unpacked);
	if (n == (long)unpacked)
		return 0;
	blob_free(out);
	return keel_fail(e, EINVAL, "the kernel's %s payload does not unpack to the %zu bytes "
			 "that it announces; the file is damaged or cut short", how->name, unpacked);
}

static int is_bzimage(const struct blob *in)
{
	return in->size >= HDR_END && in->data[HDR_BOOT_FLAG] == 0x55 &&
	       in->data[HDR_BOOT_FLAG + 1] == 0xaa && !memcmp(in->data + HDR_MAGIC, "HdrS", 4);
}

int unpack_kernel(const struct blob *in, struct blob *out, struct keel_error *e)
{
	size_t start, length, sectors;

	*out = (struct blob){ 0 };
	if (in->size >= 4 && !memcmp(in->data, "\177ELF", 4)) {
		*out = (struct blob){ .data = in->data, .size = in->size, .kind = BLOB_BORROWED };
		return 0;
	}
	if (!is_bzimage(in))
		return keel_fail(e, ENOEXEC, "neither an ELF file nor a bzImage; name a Linux "
				 "kernel (/boot/vmlinuz-...) or another PVH kernel");
	if (in->data[HDR_VERSION] < 8 && in->data[HDR_VERSION + 1] <= 2)
		return keel_fail(e, ENOEXEC, "boot protocol %u.%02u is too old: 2.08 or later "
				 "(Linux 2.6.24) is needed", in->data[HDR_VERSION + 1],
				 in->data[HDR_VERSION]);
	sectors = in->data[HDR_SETUP_SECTS] ? in->data[HDR_SETUP_SECTS] : 4;
	start = (sectors + 1) * 512 + get32(in->data + HDR_PAYLOAD_OFFSET);
	length = get32(in->data + HDR_PAYLOAD_LENGTH);
	if (length < 16 || start > in->size || length > in->size - start)
		return keel_fail(e, EINVAL, "the bzImage is cut short: its payload should end at "
				 "byte %zu, the file has %zu", start + length, in->size);
	return unpack_payload(in->data + start, length, out, e);
}
